"""Reads a procedure's parameters, a JSON schema, as a form that Slack can show. Prefect draws its own from the same.

What a modal can't show is left out with its default; where that is needed, the form says so.

Limits: https://docs.slack.dev/reference/views, https://docs.slack.dev/reference/block-kit/composition-objects/option-object
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

BLOCKS, OPTION, OPTIONS = 100, 75, 100  # blocks of a modal, characters of a choice, choices of a menu
DEEPEST = 3  # models in models
BESIDE = 4  # blocks of a modal beside its fields
_NUMBERS = {"integer": "whole", "number": "number"}

Kind = Literal["text", "long", "choice", "choices", "switch", "whole", "number", "lines", "day"]
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One parameter to fill in. path: `report.customer`. default: what it is when nobody touches it."""

    path: str
    label: str
    kind: Kind
    is_required: bool
    help: str = ""
    default: Any = None
    choices: Sequence[str | int | float] = ()
    bounds: tuple[Any, Any] = (None, None)  # of the number, or of the text's length


@dataclass(frozen=True)
class Heading:
    """What stands over a model's fields. may_stay_out: the whole model is None when nobody touches its fields."""

    path: str
    label: str
    help: str
    may_stay_out: bool


@dataclass(frozen=True)
class Layout:
    """A form: what it shows, and the labels of what it can't show."""

    parts: Sequence[Field | Heading]
    left_out: Sequence[str] = ()
    missing: Sequence[str] = ()  # of these, what is needed

    @property
    def fields(self) -> list[Field]:
        """Gives what is filled in."""
        return [part for part in self.parts if isinstance(part, Field)]


# -- the schema


def layout(schema: Schema, hidden: Collection[str] = ()) -> Layout:
    """Reads a JSON schema. hidden: paths that nobody is asked for."""
    reader = _Reader(schema, hidden)
    parts = list(reader.parts_of(schema, "", required=True))
    return _cut(Layout(parts, reader.left_out, reader.missing))


def _cut(form: Layout) -> Layout:
    """Leaves the last optional fields out of a form that is longer than a modal."""
    too_many = len(form.parts) + BESIDE + sum(isinstance(part, Heading) for part in form.parts) - BLOCKS
    optional = [part for part in form.fields if not part.is_required]
    cut = optional[max(0, len(optional) - too_many) :] if too_many > 0 else []
    kept = [part for part in form.parts if part not in cut]
    missing = list(form.missing)
    if too_many > len(optional):
        missing.append(f"more than {BLOCKS} fields")
    return Layout(kept, [*form.left_out, *(part.label for part in cut)], missing)


class _Reader:
    def __init__(self, schema: Schema, hidden: Collection[str]) -> None:
        self._models: Schema = schema.get("definitions") or schema.get("$defs") or {}
        self._hidden = hidden
        self.left_out: list[str] = []
        self.missing: list[str] = []

    def parts_of(self, model: Schema, path: str, *, required: bool) -> Iterator[Field | Heading]:
        """Gives a model's fields, with those of models in it. required: whether the model itself has to be there."""
        for name, stated in cast("Schema", model.get("properties", {})).items():
            inside = f"{path}.{name}" if path else name
            if inside not in self._hidden:
                is_needed = required and name in model.get("required", ())
                yield from self._parts(stated, inside, _label(name, stated), is_needed=is_needed)

    def _parts(self, stated: Schema, path: str, label: str, *, is_needed: bool) -> Iterator[Field | Heading]:
        node, may_be_none = self._resolved(stated)
        if "properties" in node and path.count(".") < DEEPEST:
            may_stay_out = may_be_none and not is_needed
            yield Heading(path, label, str(node.get("description", "")), may_stay_out)
            yield from self.parts_of(node, path, required=not may_stay_out)
        elif found := _field(node, path, label, is_required=is_needed):
            yield found
        else:
            self.left_out.append(label)
            self.missing += [label] if is_needed else []

    def _resolved(self, stated: Schema) -> tuple[Schema, bool]:
        """Gives a schema without references and without its null, and whether it had one. What stands beside wins."""
        choices = [each for each in stated.get("anyOf", ()) if each.get("type") != "null"]
        may_be_none = len(choices) != len(stated.get("anyOf", ()))
        nothing: Schema = {}
        inner: Schema = choices[0] if len(choices) == 1 else next(iter(stated.get("allOf", ())), nothing)
        beside = {name: value for name, value in stated.items() if name not in {"anyOf", "allOf", "$ref"}}
        if len(choices) > 1:
            return {}, may_be_none
        if reference := stated.get("$ref", inner.get("$ref", "")):
            inner = self._models.get(str(reference).rpartition("/")[2], {})
        told = [str(each["description"]) for each in (beside, inner) if each.get("description")]
        said = " ".join(told) if may_be_none else told[-1] if told else ""  # a needed model speaks for itself
        return {**inner, **beside, "description": said}, may_be_none


def _label(name: str, stated: Schema) -> str:
    title = str(stated.get("title", name))
    return title.replace("_", " ").capitalize() if title == name else title


def _field(node: Schema, path: str, label: str, *, is_required: bool) -> Field | None:
    """Gives the field for a schema; None when Slack has nothing to fill it in with."""
    kind = _kind(node)
    if kind is None:
        return None
    choices = _choices(node if kind == "choice" else node.get("items", {})) if kind in {"choice", "choices"} else []
    names = ("minimum", "maximum") if kind in {"whole", "number"} else ("minLength", "maxLength")
    bounds = _bounds(node, kind) if kind in {"whole", "number"} else (node.get(names[0]), node.get(names[1]))
    told = str(node.get("description", ""))
    return Field(path, label, kind, is_required, told, node.get("default"), choices, bounds)


def _kind(node: Schema) -> Kind | None:
    if "enum" in node or "const" in node:
        return "choice" if _are_shown(_choices(node)) else None
    match node.get("type"):
        case "string":
            return _kind_of_text(node)
        case "boolean":
            return "switch"
        case "integer" | "number" as number:
            return cast("Kind", _NUMBERS[number])
        case "array":
            return _kind_of_list(node.get("items", {}))
        case _:
            return None


def _kind_of_text(node: Schema) -> Kind | None:
    match node.get("format"):
        case None | "uri" | "email":
            return "text"
        case "textarea":
            return "long"
        case "date":
            return "day"
        case _:
            return None


def _kind_of_list(items: Schema) -> Kind | None:
    if "enum" in items:
        return "choices" if _are_shown(_choices(items)) else None
    return "lines" if items.get("type") == "string" and "format" not in items else None


def _choices(node: Schema) -> list[str | int | float]:
    return list(node.get("enum", [node["const"]] if "const" in node else []))


def _are_shown(choices: Sequence[object]) -> bool:
    words = [str(choice) for choice in choices if isinstance(choice, str | int | float)]
    return 0 < len(words) == len(choices) <= OPTIONS and all(0 < len(word) <= OPTION for word in words)


def _bounds(node: Schema, kind: Kind) -> tuple[Any, Any]:
    """Gives the least and the most; Slack knows no bound that is itself left out, so whole numbers move by one."""
    least, most = node.get("minimum"), node.get("maximum")
    if kind == "whole":
        least = node["exclusiveMinimum"] + 1 if "exclusiveMinimum" in node else least
        most = node["exclusiveMaximum"] - 1 if "exclusiveMaximum" in node else most
    return least, most
