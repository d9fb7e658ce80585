"""A procedure's parameters as a form that Slack can show: what is asked for, what is left out, what can't be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from policies.parameter_form import BLOCKS, Heading, Layout, layout
from policies.parameter_form import Field as Asked


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Inner(BaseModel):
    """What is inside."""

    name: str = Field(title="Name", description="As they write it.")
    note: str = "none"


def form(hidden: Sequence[str] = (), **parameters: Any) -> Layout:
    """Lays out the parameters of a procedure that has these."""
    fields: dict[str, Any] = {
        name: each if isinstance(each, tuple) else (each, ...) for name, each in parameters.items()
    }
    made: type[BaseModel] = create_model("Parameters", **fields)
    return layout(made.model_json_schema(), hidden)


def only(annotation: Any, default: Any = ...) -> Asked:
    (field,) = form(it=(annotation, default)).fields
    return field


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, "text"),
        (Annotated[str, Field(json_schema_extra={"format": "textarea"})], "long"),
        (bool, "switch"),
        (int, "whole"),
        (float, "number"),
        (date, "day"),
        (list[str], "lines"),
        (Literal["yes", "no"], "choice"),
        (Literal["only"], "choice"),
        (Literal[1, 2], "choice"),
        (Size, "choice"),
        (list[Literal["a", "b"]], "choices"),
        (str | None, "text"),
        (int | None, "whole"),
    ],
    ids=str,
)
def test_each_kind_of_parameter_has_its_field(annotation: Any, kind: str) -> None:
    assert only(annotation).kind == kind


def test_bounds_titles_and_help_come_along() -> None:
    minutes = only(Annotated[int, Field(title="Minutes", description="Of one block.", ge=1, le=60)])
    assert (minutes.label, minutes.help, minutes.bounds) == ("Minutes", "Of one block.", (1, 60))
    assert only(Annotated[int, Field(gt=0, lt=10)]).bounds == (1, 9)
    assert only(Annotated[float, Field(ge=0.5)]).bounds == (0.5, None)
    assert only(Annotated[str, Field(min_length=2, max_length=9)]).bounds == (2, 9)
    assert only(Size).choices == ["small", "large"]
    assert only(str, "x").default == "x"


def test_what_has_no_title_is_called_by_its_name() -> None:
    schema = {"properties": {"same_as": {"title": "same_as", "type": "string"}, "dry_run": {"type": "boolean"}}}
    assert [field.label for field in layout(schema).fields] == ["Same as", "Dry run"]


def test_needed_is_what_has_no_default() -> None:
    fields = form(one=str, two=(str, ""), three=(str | None, None)).fields
    assert [field.is_required for field in fields] == [True, False, False]


def test_a_model_in_a_model_stands_under_its_own_heading() -> None:
    heading, name, note = form(inner=Inner).parts
    assert heading == Heading("inner", "Inner", "What is inside.", may_stay_out=False)
    assert isinstance(name, Asked)
    assert (name.path, name.is_required, name.help) == ("inner.name", True, "As they write it.")
    assert isinstance(note, Asked)
    assert (note.path, note.is_required, note.default) == ("inner.note", False, "none")


def test_a_model_that_may_be_absent_asks_for_nothing() -> None:
    found = form(inner=(Annotated[Inner | None, Field(description="When it is known.")], None))
    (heading,) = [part for part in found.parts if isinstance(part, Heading)]
    assert heading.may_stay_out
    assert heading.help == "When it is known. What is inside."
    assert not any(field.is_required for field in found.fields)


def test_what_is_hidden_is_not_asked_for() -> None:
    found = form(["press", "inner.note"], press=(str, ""), inner=Inner)
    assert [field.path for field in found.fields] == ["inner.name"]
    assert found.left_out == []


@pytest.mark.parametrize(
    "annotation",
    [
        dict[str, str],
        str | int,
        list[int],
        list[Inner],
        Any,
        bytes,
        Literal[tuple(f"choice {number}" for number in range(101))],  # pyright: ignore[reportInvalidTypeForm]
        Literal["x" * 76],  # pyright: ignore[reportInvalidTypeForm]
    ],
    ids=["a table", "either", "numbers", "models", "anything", "bytes", "101 choices", "a long choice"],
)
def test_what_slack_has_no_field_for_is_left_out_or_missing_when_it_is_needed(annotation: Any) -> None:
    optional = form(one=str, it=(annotation, None))
    assert ([field.path for field in optional.fields], optional.left_out, optional.missing) == (["one"], ["It"], [])
    needed = form(one=str, it=annotation)
    assert (needed.left_out, needed.missing) == (["It"], ["It"])


class Endless(BaseModel):
    name: str
    more: Endless | None = None


def test_a_model_that_holds_itself_ends_somewhere() -> None:
    found = form(it=Endless)
    assert 1 < len(found.fields) < 10
    assert "More" in found.left_out


def test_a_form_that_is_longer_than_a_modal_leaves_out_its_last_optional_fields() -> None:
    many: dict[str, Any] = {f"field_{number:03}": (str, "" if number % 2 else ...) for number in range(120)}
    found = form(**many)
    assert len(found.parts) <= BLOCKS - 2
    assert found.left_out[-1] == "Field 119"
    assert sum(field.is_required for field in found.fields) == 60
    assert found.missing == []
    required: dict[str, Any] = {f"field_{number:03}": str for number in range(120)}
    impossible = form(**required)
    assert impossible.missing == [f"more than {BLOCKS} fields"]
