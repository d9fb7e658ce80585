"""Reading a call: its token, its arguments as JSON or as a form, and paging through what it asks for."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request

from sandbox.slack_refusals import Refusal, invalid_arguments
from sandbox.slack_state import Answer, Caller

MOST_ITEMS = 1000


class Arguments(BaseModel):
    """What a method takes. What isn't here is refused, though Slack passes over it: it is a slip of the caller."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Paging(Arguments):
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=MOST_ITEMS)


def _decoded(value: Any) -> Any:
    """A form holds structures as JSON text. What is none stays a text, for the method to refuse in its own words."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _listed(value: Any) -> Any:
    if isinstance(value, str) and not value.startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    return _decoded(value)


Structure = Annotated[Any, BeforeValidator(_decoded)]
Ids = Annotated[tuple[str, ...], BeforeValidator(_listed)]


@dataclass(frozen=True)
class Method:
    """A method of the Web API: what it takes, whom it lets, what it does."""

    name: str
    takes: type[Arguments]
    does: Callable[[Caller, Any], Answer]
    scopes: tuple[str, ...] = ()  # one of them is enough; none: every token may
    forms_only: bool = False  # Slack doesn't read a JSON body here, which is so for most methods that read

    def call(self, caller: Caller, said: Mapping[str, Any]) -> Answer:
        """Checks the scopes and the arguments, then does it.

        Raises:
            Refusal: a scope is missing, an argument is wrong, or the method refuses.
        """
        caller.may(*self.scopes)
        try:
            arguments = self.takes.model_validate(
                {name: value for name, value in said.items() if name != "token" and value not in (None, "")}
            )
        except ValidationError as error:
            raise invalid_arguments(*map(_slip, error.errors(include_url=False))) from None
        return self.does(caller, arguments)


def _slip(error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    match error["type"]:
        case "missing":
            return f"missing required field: {name}"
        case "extra_forbidden":
            return f"unsupported argument: {name}"
        case _:
            return f"invalid `{name}`"


async def arguments_of(request: Request, *, takes_json: bool) -> dict[str, Any]:
    """Gives what a call says, in its address and in its body.

    Raises:
        Refusal: the body can't be read.
    """
    said: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            return said | (_json(body) if takes_json else {})
        case "application/x-www-form-urlencoded":
            return said | dict(parse_qsl(body.decode(), keep_blank_values=True))
        case kind if body:
            raise Refusal("invalid_post_type" if kind else "missing_post_type")
        case _:
            return said


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(said, dict):
        raise Refusal("json_not_object")
    return cast("dict[str, Any]", said)


# Paging

Item = TypeVar("Item")


def page(said: Paging, items: Sequence[Item], key: Callable[[Item], str]) -> tuple[list[Item], str]:
    """Gives a page of items, and the cursor of the next page or "". A cursor names the item that comes next.

    Raises:
        Refusal: the cursor isn't one of ours, or its item is gone.
    """
    start = 0
    if said.cursor:
        wanted = _read_cursor(said.cursor)
        start = next((place for place, item in enumerate(items) if key(item) == wanted), -1)
        if start < 0:
            raise Refusal("invalid_cursor")
    end = start + said.limit
    cursor = base64.b64encode(f"next:{key(items[end])}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), cursor


def _read_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, validate=True).decode().removeprefix("next:")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid_cursor") from None
