"""Block Kit as Slack checks it: which blocks and views there are, what each must and may hold, how long it may be.

Sources: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/views; the wording of
problems: answers of the live API quoted in public repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from sandbox.slack_elements import (
    BY_TYPE,
    Accessory,
    AnyText,
    Id,
    InActions,
    InContext,
    InInput,
    Paragraph,
    Part,
    PlainText,
    Url,
    most,
)

MOST_BLOCKS = 50


# Blocks


class AnyBlock(Part):
    block_id: Id = "generated"


class Section(AnyBlock):
    type: Literal["section"]
    text: Annotated[AnyText, most(3000)] | None = None
    fields: list[Annotated[AnyText, most(2000)]] | None = Field(default=None, min_length=1, max_length=10)
    accessory: Accessory | None = None
    expand: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Section:
        if self.text is None and self.fields is None:
            raise PydanticCustomError("either", "must define either `text` or `fields`")
        return self


class Header(AnyBlock):
    type: Literal["header"]
    text: Annotated[PlainText, most(150)]


class Divider(AnyBlock):
    type: Literal["divider"]


class Image(AnyBlock):
    type: Literal["image"]
    image_url: Url
    alt_text: str = Field(min_length=1, max_length=2000)
    title: Annotated[PlainText, most(2000)] | None = None


class Context(AnyBlock):
    type: Literal["context"]
    elements: list[InContext] = Field(min_length=1, max_length=10)


class Actions(AnyBlock):
    type: Literal["actions"]
    elements: list[InActions] = Field(min_length=1, max_length=25)


class InputBlock(AnyBlock):
    type: Literal["input"]
    label: Annotated[PlainText, most(2000)]
    element: InInput
    hint: Annotated[PlainText, most(2000)] | None = None
    optional: bool = False
    dispatch_action: bool = False


class RichText(AnyBlock):
    type: Literal["rich_text"]
    elements: list[Paragraph]


Block = Annotated[
    Annotated[Section, Tag("<section>")]
    | Annotated[Header, Tag("<header>")]
    | Annotated[Divider, Tag("<divider>")]
    | Annotated[Image, Tag("<image>")]
    | Annotated[Context, Tag("<context>")]
    | Annotated[Actions, Tag("<actions>")]
    | Annotated[InputBlock, Tag("<input>")]
    | Annotated[RichText, Tag("<rich_text>")],
    BY_TYPE,
]


# Views


class AnyView(Part):
    blocks: list[Block] = Field(min_length=1, max_length=100)
    private_metadata: str = Field(default="", max_length=3000)
    callback_id: str = Field(default="", max_length=255)
    external_id: str = Field(default="", max_length=255)


class Modal(AnyView):
    type: Literal["modal"]
    title: Annotated[PlainText, most(24)]
    submit: Annotated[PlainText, most(24)] | None = None
    close: Annotated[PlainText, most(24)] | None = None
    clear_on_close: bool = False
    notify_on_close: bool = False
    submit_disabled: bool = False


class Home(AnyView):
    type: Literal["home"]


# Problems

_MESSAGE = TypeAdapter(Annotated[list[Block], Field(max_length=MOST_BLOCKS)])
_VIEW = TypeAdapter(Annotated[Annotated[Modal, Tag("<modal>")] | Annotated[Home, Tag("<home>")], BY_TYPE])


def block_problems(blocks: Any, at: str = "/blocks") -> list[str]:
    """Gives what Slack would refuse in a message's blocks, as `sentence [json-pointer:...]`."""
    try:
        return _repeated(_MESSAGE.validate_python(blocks), at)
    except ValidationError as error:
        return [_problem(each, at) for each in error.errors(include_url=False)]


def view_problems(view: Any) -> list[str]:
    """Gives what Slack would refuse in a view."""
    try:
        read = _VIEW.validate_python(view)
    except ValidationError as error:
        return [_problem(each, "/view") for each in error.errors(include_url=False)]
    found = _repeated(read.blocks, "/view/blocks")
    if isinstance(read, Modal) and read.submit is None:
        rule = "must define `submit` to use an `input` block in modals"
        inputs = [number for number, block in enumerate(read.blocks) if isinstance(block, InputBlock)]
        found += [f"{rule} [json-pointer:/view/blocks/{number}/input]" for number in inputs]
    return found


def _repeated(blocks: list[Block], at: str) -> list[str]:
    """Finds a block_id that a second block has, and an action_id that a second element of its block has."""
    found: list[str] = []
    ids: set[str] = set()
    for number, block in enumerate(blocks):
        found += _taken("block_id", block, ids, f"{at}/{number}")
        actions: set[str] = set()
        for place, element in enumerate(block.elements if isinstance(block, Actions) else []):
            found += _taken("action_id", element, actions, f"{at}/{number}/elements/{place}")
    return found


def _taken(name: str, part: Part, taken: set[str], at: str) -> list[str]:
    if name not in part.model_fields_set:
        return []
    value = getattr(part, name)
    if value in taken:
        return [f'`{name}` "{value}" already exists [json-pointer:{at}/{name}]']
    taken.add(value)
    return []


def _problem(error: ErrorDetails, at: str) -> str:
    keys = [str(key) for key in error["loc"] if not (isinstance(key, str) and key.startswith("<"))]
    kind = error["type"]
    if kind in {"missing", "extra_forbidden"}:
        name = keys.pop()
        sentence = f"missing required field: {name}" if kind == "missing" else f"invalid additional property: {name}"
    else:
        keys += {"long_text": ["text"], "union_tag_invalid": ["type"]}.get(kind, [])
        sentence = _sentence(error)
    return f"{sentence} [json-pointer:{'/'.join([at, *keys])}]"


def _sentence(error: ErrorDetails) -> str:
    facts: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "string_too_long":
            return f"must be less than {facts['max_length'] + 1} characters"
        case "string_too_short":
            return f"must be more than {facts['min_length'] - 1} characters"
        case "too_long":
            return f"no more than {facts['max_length']} items allowed"
        case "too_short":
            return f"must provide at least {facts['min_length']} items"
        case "union_tag_invalid":
            return f"unsupported type: {str(facts['tag']).strip('<>')}"
        case "union_tag_not_found" if isinstance(error["input"], dict):
            return "missing required field: type"
        case kind:
            return _WRONG_TYPES.get(kind, error["msg"])


_WRONG_TYPES = {
    "union_tag_not_found": "must provide an object",
    "model_type": "must provide an object",
    "string_type": "must provide a string",
    "list_type": "must provide an array",
    "bool_type": "must provide a boolean",
    "int_type": "must provide an integer",
    "literal_error": "must be a valid enum value",
}
