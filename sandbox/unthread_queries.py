"""Unthread's list requests: select, where, order, pages. https://docs.unthread.io/api-introduction/using-api"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from sandbox.unthread_refusals import Refusal

LARGEST_PAGE = 100

Operator = Literal["==", "!=", ">", "<", "in", "notIn", "contains", "notContains", "like"]
Row = Mapping[str, Any]


class Where(BaseModel):
    model_config = ConfigDict(extra="forbid")
    field: str
    operator: Operator
    value: str | int | float | bool | list[str] | None


class ListRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    select: list[str] | None = None
    order: list[str] | None = None
    where: list[Where] = []
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    descending: bool = False
    cursor: str | None = None


def answer(rows: Sequence[Row], fields: Sequence[str], said: ListRequest) -> dict[str, Any]:
    """Gives one page of what a list request asks for.

    fields: that there are, those of inner objects with a dot.

    Raises:
        Refusal: a field is unknown, or the cursor is none of ours.
    """
    for name in [*(said.select or []), *(said.order or []), *(each.field for each in said.where)]:
        check_field(name, fields)
    tests = [_test(each) for each in said.where]
    found = [row for row in rows if all(test(row) for test in tests)]
    for name in reversed(said.order or []):
        found.sort(key=lambda row: _sortable(value_at(row, name)), reverse=said.descending)
    start = _place(said.cursor)
    page, end = found[start : start + said.limit], start + said.limit
    has_next, has_previous = end < len(found), start > 0
    cursors: dict[str, Any] = {"hasNext": has_next, "hasPrevious": has_previous}
    if has_next:
        cursors["next"] = _cursor(end)
    if has_previous:
        cursors["previous"] = _cursor(max(0, start - said.limit))
    return {"data": [selected(row, said.select) for row in page], "totalCount": len(found), "cursors": cursors}


def check_field(name: str, fields: Sequence[str]) -> None:
    """Raises Refusal unless there is a field of that name."""
    if name not in fields and not any(each.startswith(f"{name}.") for each in fields):
        raise Refusal(400, f'Invalid field "{name}"')


def selected(row: Row, select: Sequence[str] | None) -> dict[str, Any]:
    """Gives the chosen fields of an object; inner ones stay inside theirs."""
    if select is None:
        return dict(row)
    chosen: dict[str, Any] = {}
    for name in select:
        outer, _, inner = name.partition(".")
        value: Any = row.get(outer)
        if not inner:
            chosen[outer] = value
        elif isinstance(value, Mapping):
            chosen.setdefault(outer, {})[inner] = cast("Row", value).get(inner)
        elif isinstance(value, list):
            parts: list[dict[str, Any]] = chosen.setdefault(outer, [{} for _ in cast("list[Row]", value)])
            for part, each in zip(parts, cast("list[Row]", value), strict=True):
                part[inner] = each.get(inner)
        else:
            chosen.setdefault(outer, None)
    return chosen


def value_at(row: Row, name: str) -> Any:
    """Gives a field's value, "customer.name" from inside; of a list's objects, all of them."""
    outer, _, inner = name.partition(".")
    value: Any = row.get(outer)
    if inner and isinstance(value, Mapping):
        return cast("Row", value).get(inner)
    if inner and isinstance(value, list):
        return [each.get(inner) for each in cast("list[Row]", value)]
    return None if inner else value


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is not None, value if isinstance(value, int | float) else str(value)


def _test(wanted: Where) -> Callable[[Row], bool]:
    compare, asked = _COMPARISONS[wanted.operator], wanted.value
    is_list = isinstance(asked, list)
    if is_list is not (wanted.operator in {"in", "notIn"}):
        raise Refusal(400, f'Operator "{wanted.operator}" and the value of "{wanted.field}" do not fit')
    return lambda row: compare(value_at(row, wanted.field), asked)


def _contains(value: Any, part: Any) -> bool:
    return value is not None and (part in value if isinstance(value, list) else str(part).lower() in str(value).lower())


def _like(value: Any, pattern: Any) -> bool:
    expression = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in str(pattern))
    return value is not None and re.fullmatch(expression, str(value), re.IGNORECASE | re.DOTALL) is not None


def _is_more(value: Any, than: Any) -> bool:
    return value is not None and type(value) is type(than) and value > than


def _is_less(value: Any, than: Any) -> bool:
    return value is not None and type(value) is type(than) and value < than


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda value, asked: value == asked,
    "!=": lambda value, asked: value != asked,
    ">": _is_more,
    "<": _is_less,
    "in": lambda value, asked: value in asked,
    "notIn": lambda value, asked: value not in asked,
    "contains": _contains,
    "notContains": lambda value, asked: not _contains(value, asked),
    "like": _like,
}


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"place": place}).encode()).decode()


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return max(0, int(json.loads(base64.urlsafe_b64decode(cursor.encode()))["place"]))
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "Invalid cursor") from None
