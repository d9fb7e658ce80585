"""What blocks are made of, in Slack's Block Kit: texts, elements, rich text.

Sources: https://docs.slack.dev/reference/block-kit/block-elements, .../composition-objects
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _kind(value: Any) -> str | None:
    """Gives the type of a part in angle brackets, which tell it from a key in the path of a problem."""
    said = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
    return f"<{said}>" if isinstance(said, str) else None


BY_TYPE = Discriminator(_kind)


# Texts


class PlainText(Part):
    type: Literal["plain_text"]
    text: str = Field(min_length=1)
    emoji: bool = True


class Mrkdwn(Part):
    type: Literal["mrkdwn"]
    text: str = Field(min_length=1)
    verbatim: bool = False


AnyText = Annotated[Annotated[PlainText, Tag("<plain_text>")] | Annotated[Mrkdwn, Tag("<mrkdwn>")], BY_TYPE]
SomeText = TypeVar("SomeText", PlainText, Mrkdwn, PlainText | Mrkdwn)


def most(length: int) -> AfterValidator:
    """Limits the characters of a text object."""

    def check(said: SomeText) -> SomeText:
        if len(said.text) > length:
            raise PydanticCustomError("long_text", "must be less than {limit} characters", {"limit": length + 1})
        return said

    return AfterValidator(check)


# Objects within elements

Url = Annotated[str, Field(max_length=3000)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Id = Annotated[str, Field(min_length=1, max_length=255)]


class Option(Part):
    text: Annotated[AnyText, most(75)]
    value: str = Field(max_length=150)
    description: Annotated[AnyText, most(75)] | None = None


class OverflowOption(Option):
    url: Url = ""


class OptionGroup(Part):
    label: Annotated[PlainText, most(75)]
    options: list[Option] = Field(min_length=1, max_length=100)


class Confirmation(Part):
    title: Annotated[PlainText, most(100)]
    text: Annotated[AnyText, most(300)]
    confirm: Annotated[PlainText, most(30)]
    deny: Annotated[PlainText, most(30)]
    style: Literal["primary", "danger"] = "primary"


# Elements


class Element(Part):
    action_id: Id = "generated"


class Button(Element):
    type: Literal["button"]
    text: Annotated[PlainText, most(75)]
    url: Url = ""
    value: str = Field(default="", max_length=2000)
    style: Literal["primary", "danger"] | None = None
    confirm: Confirmation | None = None
    accessibility_label: str = Field(default="", max_length=75)


class Overflow(Element):
    type: Literal["overflow"]
    options: list[OverflowOption] = Field(min_length=1, max_length=5)
    confirm: Confirmation | None = None


class Input(Element):
    focus_on_load: bool = False
    confirm: Confirmation | None = None


class Choice(Input):
    placeholder: Annotated[PlainText, most(150)] | None = None


class StaticSelect(Choice):
    type: Literal["static_select"]
    options: list[Option] | None = Field(default=None, min_length=1, max_length=100)
    option_groups: list[OptionGroup] | None = Field(default=None, min_length=1, max_length=100)
    initial_option: Option | None = None

    @model_validator(mode="after")
    def _offers_something(self) -> StaticSelect:
        if (self.options is None) == (self.option_groups is None):
            raise PydanticCustomError("either", "must define either `options` or `option_groups`")
        return self


class MultiStaticSelect(Choice):
    type: Literal["multi_static_select"]
    options: list[Option] = Field(min_length=1, max_length=100)
    initial_options: list[Option] = Field(default=[], max_length=100)
    max_selected_items: int = Field(default=1, ge=1)


class UsersSelect(Choice):
    type: Literal["users_select"]
    initial_user: str = ""


class MultiUsersSelect(Choice):
    type: Literal["multi_users_select"]
    initial_users: list[str] = []
    max_selected_items: int = Field(default=1, ge=1)


class ConversationsSelect(Choice):
    type: Literal["conversations_select"]
    initial_conversation: str = ""
    default_to_current_conversation: bool = False
    response_url_enabled: bool = False


class ChannelsSelect(Choice):
    type: Literal["channels_select"]
    initial_channel: str = ""
    response_url_enabled: bool = False


class DatePicker(Choice):
    type: Literal["datepicker"]
    initial_date: Day = ""


class TimePicker(Choice):
    type: Literal["timepicker"]
    initial_time: str = Field(default="", pattern=r"^\d{2}:\d{2}$")
    timezone: str = ""


class DateTimePicker(Input):
    type: Literal["datetimepicker"]
    initial_date_time: int = Field(default=0, ge=0, le=9_999_999_999)


class Checkboxes(Input):
    type: Literal["checkboxes"]
    options: list[Option] = Field(min_length=1, max_length=10)
    initial_options: list[Option] = []


class RadioButtons(Input):
    type: Literal["radio_buttons"]
    options: list[Option] = Field(min_length=1, max_length=10)
    initial_option: Option | None = None


class TextInput(Choice):
    type: Literal["plain_text_input"]
    initial_value: str = Field(default="", max_length=3000)
    multiline: bool = False
    min_length: int = Field(default=0, ge=0, le=3000)
    max_length: int = Field(default=3000, ge=1, le=3000)


class EmailInput(Choice):
    type: Literal["email_text_input"]
    initial_value: str = ""


class UrlInput(Choice):
    type: Literal["url_text_input"]
    initial_value: str = ""


class NumberInput(Choice):
    type: Literal["number_input"]
    is_decimal_allowed: bool
    initial_value: str = ""
    min_value: str = ""
    max_value: str = ""


class ImageElement(Part):
    type: Literal["image"]
    image_url: Url
    alt_text: str = Field(min_length=1, max_length=2000)


Chooser = (
    Annotated[StaticSelect, Tag("<static_select>")]
    | Annotated[MultiStaticSelect, Tag("<multi_static_select>")]
    | Annotated[UsersSelect, Tag("<users_select>")]
    | Annotated[MultiUsersSelect, Tag("<multi_users_select>")]
    | Annotated[ConversationsSelect, Tag("<conversations_select>")]
    | Annotated[ChannelsSelect, Tag("<channels_select>")]
    | Annotated[DatePicker, Tag("<datepicker>")]
    | Annotated[TimePicker, Tag("<timepicker>")]
    | Annotated[Checkboxes, Tag("<checkboxes>")]
    | Annotated[RadioButtons, Tag("<radio_buttons>")]
)
Pressed = Chooser | Annotated[Button, Tag("<button>")] | Annotated[Overflow, Tag("<overflow>")]
InActions = Annotated[Pressed | Annotated[DateTimePicker, Tag("<datetimepicker>")], BY_TYPE]
Accessory = Annotated[Pressed | Annotated[ImageElement, Tag("<image>")], BY_TYPE]
InInput = Annotated[
    Chooser
    | Annotated[DateTimePicker, Tag("<datetimepicker>")]
    | Annotated[TextInput, Tag("<plain_text_input>")]
    | Annotated[EmailInput, Tag("<email_text_input>")]
    | Annotated[UrlInput, Tag("<url_text_input>")]
    | Annotated[NumberInput, Tag("<number_input>")],
    BY_TYPE,
]
InContext = Annotated[
    Annotated[PlainText, Tag("<plain_text>")]
    | Annotated[Mrkdwn, Tag("<mrkdwn>")]
    | Annotated[ImageElement, Tag("<image>")],
    BY_TYPE,
]


# Rich text


class Style(Part):
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False


class Words(Part):
    type: Literal["text"]
    text: str = Field(min_length=1)
    style: Style = Style()


class WebLink(Part):
    type: Literal["link"]
    url: str
    text: str = ""
    unsafe: bool = False
    style: Style = Style()


class UserMention(Part):
    type: Literal["user"]
    user_id: str
    style: Style = Style()


class GroupMention(Part):
    type: Literal["usergroup"]
    usergroup_id: str
    style: Style = Style()


class ChannelMention(Part):
    type: Literal["channel"]
    channel_id: str
    style: Style = Style()


class Broadcast(Part):
    type: Literal["broadcast"]
    range: Literal["here", "channel", "everyone"]


class Emoji(Part):
    type: Literal["emoji"]
    name: str
    unicode: str = ""
    style: Style = Style()


Leaf = Annotated[
    Annotated[Words, Tag("<text>")]
    | Annotated[WebLink, Tag("<link>")]
    | Annotated[UserMention, Tag("<user>")]
    | Annotated[GroupMention, Tag("<usergroup>")]
    | Annotated[ChannelMention, Tag("<channel>")]
    | Annotated[Broadcast, Tag("<broadcast>")]
    | Annotated[Emoji, Tag("<emoji>")],
    BY_TYPE,
]


class RichSection(Part):
    type: Literal["rich_text_section"]
    elements: list[Leaf]


class RichQuote(Part):
    type: Literal["rich_text_quote"]
    elements: list[Leaf]
    border: int = Field(default=0, ge=0, le=1)


class RichPreformatted(Part):
    type: Literal["rich_text_preformatted"]
    elements: list[Leaf]
    border: int = Field(default=0, ge=0, le=1)


class RichList(Part):
    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    elements: list[RichSection]
    indent: int = Field(default=0, ge=0, le=8)
    offset: int = Field(default=0, ge=0)
    border: int = Field(default=0, ge=0, le=1)


Paragraph = Annotated[
    Annotated[RichSection, Tag("<rich_text_section>")]
    | Annotated[RichList, Tag("<rich_text_list>")]
    | Annotated[RichQuote, Tag("<rich_text_quote>")]
    | Annotated[RichPreformatted, Tag("<rich_text_preformatted>")],
    BY_TYPE,
]
