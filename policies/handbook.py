"""The names of handbook.toml, checked: every mistake at once, with file, line and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from policies.business_time import DEVELOPER_CLOSES, DEVELOPER_OPENS, Calendar, urgent

EDITIONS = (2024, 2025)
OURS = "fleetdm"  # the Slack workspace of our app

LabelOfCustomers = Literal["codename", "codename or customer request"]  # what the issue of a customer must have

# What a text must look like, and how to say it.
SHAPES = {
    (HANDLE := r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"): "a GitHub handle: letters, digits and single dashes between them",
    (REPOSITORY := r"^[\w.-]+/[\w.-]+$"): "a repository, such as fleetdm/fleet",
    (CHANNEL := r"^([CG][A-Z0-9]{8,})?$"): "a Slack channel's id, such as C062D0THVV1, or empty",
    (MEMBER := r"^([UW][A-Z0-9]{8,})?$"): "a Slack member's id, such as U02AB3CD4, or empty",
    (BOT := r"^B[A-Z0-9]{8,}$"): "a Slack bot's id, such as B0123ABCD",
    (GROUP := r"^(S[A-Z0-9]{8,})?$"): "a Slack user group's id, such as S02AB3CD4, or empty",
    (PHONE := r"^(\+[1-9]\d{6,14})?$"): "a phone number with its country code, such as +15551234567, or empty",
    (MAILBOX := r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"): "a mail address, or empty",
    (FIELD := r"^[A-Za-z]\w*$"): "the API name of a Salesforce field, such as Product__c",
    (FILE := r"^[\w.-]+\.(md|yml)$"): "the file name of an issue template, such as outage.md",
    (SPREADSHEET := r"^[\w-]{20,}$"): "the id in a Google spreadsheet's address",
    (DOMAIN := r"^([a-z0-9-]+\.)+[a-z]+$"): "a domain in small letters, such as fleetdm.com",
    (DAY := r"^(Mon|Tues|Wednes|Thurs|Fri)day$"): "a weekday, such as Monday",
    (PRIORITY := r"^P[0-3]$"): "a priority, P0 to P3",
    (APPROVAL := r"^(ask|send)$"): '"ask", a person approves each answer, or "send", it leaves at once',
}

# What pydantic calls otherwise.
KINDS = {
    "model": "a table of names",
    "dict": "a table of names",
    "mapping": "a table of names",
    "tuple": "a list",
    "int": "a whole number",
    "finite": "a whole number",
    "string": "text in quotes",
}

Handle = Annotated[str, StringConstraints(pattern=HANDLE, max_length=39)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=50)]  # GitHub takes 50 characters
RepositoryName = Annotated[str, StringConstraints(pattern=REPOSITORY)]
ChannelId = Annotated[str, StringConstraints(pattern=CHANNEL)]
MemberId = Annotated[str, StringConstraints(pattern=MEMBER)]
BotId = Annotated[str, StringConstraints(pattern=BOT)]
GroupId = Annotated[str, StringConstraints(pattern=GROUP)]
Phone = Annotated[str, StringConstraints(pattern=PHONE)]
Mailbox = Annotated[str, StringConstraints(pattern=MAILBOX)]
Domain = Annotated[str, StringConstraints(pattern=DOMAIN)]
FieldName = Annotated[str, StringConstraints(pattern=FIELD)]
TemplateFile = Annotated[str, StringConstraints(pattern=FILE)]
Text = Annotated[str, StringConstraints(min_length=1)]
ProjectNumber = Annotated[int, Field(gt=0, strict=True)]

Where = Sequence[str | int]
_Value = TypeVar("_Value")


class HandbookError(Exception):
    """Mistakes in handbook.toml, each as `file:line: where: what to do`."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _for_each_edition(values: Mapping[int, _Value]) -> Mapping[int, _Value]:
    if set(values) != set(EDITIONS):
        raise ValueError(f"There are values for {sorted(values)}. Give one for each of the editions {EDITIONS}.")
    return values


LabelByEdition = Annotated[Mapping[int, Label], AfterValidator(_for_each_edition)]
TextByEdition = Annotated[Mapping[int, Text], AfterValidator(_for_each_edition)]
TextsByEdition = Annotated[Mapping[int, tuple[Text, ...]], AfterValidator(_for_each_edition)]
LabelOfCustomersByEdition = Annotated[Mapping[int, LabelOfCustomers], AfterValidator(_for_each_edition)]
TemplateByEdition = Annotated[Mapping[int, TemplateFile], AfterValidator(_for_each_edition)]


class _Names(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Repositories(_Names):
    public: RepositoryName
    confidential: RepositoryName

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.public.lower() == self.confidential.lower():
            raise ValueError(
                f'public and confidential are both "{self.public}"; names would end in public. Correct one.'
            )
        return self


class Person(_Names):
    handle: str  # the key in the file
    name: str
    slack: MemberId
    phone: Phone = ""
    mailbox: Mailbox = ""


class Channel(_Names):
    id: ChannelId
    use: Text
    workspace: Text = OURS


class UserGroup(_Names):
    id: GroupId
    aliases: tuple[str, ...]


class Labels(_Names):
    bug: Label
    incoming: Label
    reproduce: Label
    product: Label
    release: Label
    help_customers: Label
    investigate: Label
    customer_request: Label
    feedback: Label
    outage: Label
    outage_group: Label
    sales: Label
    waiting_prefix: Label
    priorities: tuple[Label, ...] = Field(min_length=1)
    critical: tuple[Label, ...]


class ByEdition(_Names):
    """What the two pages say differently; `Handbook.chosen` picks."""

    request_label: LabelByEdition
    request_template: TemplateByEdition
    bug_report_label: LabelOfCustomersByEdition
    customer_success_channel: TextByEdition
    around_the_clock_tier: TextByEdition
    dri_proficiency: TextByEdition
    nice_to_have_details_asked_by: TextByEdition
    minor_planets_page: TextByEdition
    rituals_file: TextByEdition
    developer_retrospective: TextsByEdition


class Templates(_Names):
    bug_report: TemplateFile
    feature_request: TemplateFile
    story: TemplateFile
    sale: TemplateFile
    outage: TemplateFile
    onboarding: TemplateFile


class Projects(_Names):
    drafting: ProjectNumber
    customer_requests: ProjectNumber
    help_customers: ProjectNumber
    unicorns: ProjectNumber
    buy_online: ProjectNumber


class Salesforce(_Names):
    """Field names and values of the org."""

    account_github_label: FieldName
    opportunity_key: FieldName
    opportunity_next_step_date: FieldName
    opportunity_product: FieldName
    products: tuple[Text, ...] = Field(min_length=1)
    open_stages: tuple[Text, ...] = Field(min_length=1)
    closed_stages: tuple[Text, ...] = Field(min_length=1)


class Codenames(_Names):
    blocked: tuple[Text, ...]


class Bots(_Names):
    github: tuple[Text, ...]


class JobApplications(_Names):
    approval: Annotated[str, StringConstraints(pattern=APPROVAL)]
    positions_file: Text


class Priorities(_Names):
    """A whole number for each priority."""

    P0: int = Field(ge=0, strict=True)
    P1: int = Field(ge=0, strict=True)
    P2: int = Field(ge=0, strict=True)
    P3: int = Field(ge=0, strict=True)


def _all_different(numbers: Priorities) -> Priorities:
    if len(set(numbers.model_dump().values())) < len(numbers.model_dump()):
        raise ValueError("Two priorities have the same number, so that nobody could tell them apart. Correct one.")
    return numbers


class TierTags(_Names):
    """A tag for each tier."""

    Free: Text
    Premium: Text
    Ultimate: Text


class SupportSlas(_Names):
    priorities: Annotated[Priorities, AfterValidator(_all_different)]
    without_priority: Annotated[str, StringConstraints(pattern=PRIORITY)]
    tier_tags: TierTags
    holidays_count_for_p1: bool
    warn_minutes_before: Priorities
    contract_contact: Mailbox
    contact_information: Text


class FirstResponse(_Names):
    public_channels: tuple[Annotated[str, StringConstraints(pattern=CHANNEL, min_length=1)], ...]
    customer_prefixes: tuple[Text, ...]
    answering_apps: tuple[BotId, ...]


class OutOfHours(_Names):
    channels: tuple[Annotated[str, StringConstraints(pattern=CHANNEL, min_length=1)], ...]
    acknowledge_within_minutes: Annotated[float, Field(gt=0)]
    notices_an_hour: Annotated[int, Field(gt=0, strict=True)]


class StatusUpdates(_Names):
    on_call_group: Text
    channel: ChannelId
    own_channels: Mapping[Handle, Annotated[str, StringConstraints(pattern=CHANNEL, min_length=1)]]


class DeveloperOnCall(_Names):
    spreadsheet: Annotated[str, StringConstraints(pattern=SPREADSHEET)]
    sheet: Annotated[int, Field(ge=0, strict=True)]
    reader: Mailbox
    week_column: Text
    developer_column: Text
    hand_off_day: Annotated[str, StringConstraints(pattern=DAY)]


class BugReports(_Names):
    public_domains: tuple[Domain, ...]


class BugEscalation(_Names):
    counts_from_stand_up: bool
    keeps_help_customers: bool


@dataclass(frozen=True)
class _Source:
    """The text of the file, to say where something stands in it."""

    text: str
    file: str

    def told(self, mistakes: Sequence[tuple[Where, str]]) -> HandbookError:
        lines = [(line_of(self.text, path), ".".join(map(str, path)), problem) for path, problem in mistakes]
        return HandbookError([f"{self.file}:{line}: {where}: {problem}" for line, where, problem in sorted(lines)])


class Handbook(_Names):
    """Everything in handbook.toml."""

    edition: int
    repositories: Repositories
    people: Mapping[Handle, Person]
    roles: Mapping[str, tuple[str, ...]]
    channels: Mapping[str, Channel]
    user_groups: Mapping[str, UserGroup]
    labels: Labels
    by_edition: ByEdition
    templates: Templates
    projects: Projects
    salesforce: Salesforce
    codenames: Codenames
    bots: Bots
    out_of_hours: OutOfHours
    first_response: FirstResponse
    support_slas: SupportSlas
    job_applications: JobApplications
    bug_reports: BugReports
    bug_escalation: BugEscalation
    status_updates: StatusUpdates
    developer_on_call: DeveloperOnCall
    closures: Mapping[date, Text]
    _source: _Source = PrivateAttr(_Source("", "handbook.toml"))

    @field_validator("people", mode="before")
    @classmethod
    def _know_their_handle(cls, people: object) -> object:
        if not isinstance(people, dict):
            return people
        stated = cast("dict[str, object]", people)
        return stated | {handle: {**person, "handle": handle} for handle, person in _tables(stated)}

    def holders(self, role: str) -> list[Person]:
        """Gives who holds a role, in the order of the file.

        Raises:
            HandbookError: nobody does yet.
        """
        self.needs(f"roles.{role}")
        return [self.people[handle] for handle in self.roles[role]]

    def role(self, name: str) -> Person:
        """Gives who holds a role; of several, the first.

        Raises:
            HandbookError: nobody does yet.
        """
        return self.holders(name)[0]

    @property
    def customer_success_channel(self) -> Channel:
        """Gives the team's channel; 2024's is the same one under its old name."""
        return self.channels.get(self.chosen("customer_success_channel")) or self.channels["help-customers"]

    @property
    def calendar(self) -> Calendar:
        """Gives the hours of support, with our own closures."""
        return Calendar(closures=dict(self.closures))

    @property
    def urgent_calendar(self) -> Calendar:
        """Gives the hours that count for P1."""
        return urgent(holidays_count=self.support_slas.holidays_count_for_p1, closures=dict(self.closures))

    @property
    def developer_calendar(self) -> Calendar:
        """Gives the hours of the developer on-call, with our own closures."""
        return Calendar(DEVELOPER_OPENS, DEVELOPER_CLOSES, closures=dict(self.closures))

    def chosen(self, topic: str) -> str:
        """Gives the edition's value where the two pages disagree, such as "request_label"."""
        values: Mapping[int, str] = getattr(self.by_edition, topic)
        return values[self.edition]

    def needs(self, *paths: str) -> None:
        """Insists on names that may be empty until a procedure uses them, such as "channels.g-engineering.id".

        Raises:
            HandbookError: with each that is empty, its line and what to do.
        """
        empty = [path.split(".") for path in paths if not self._at(path)]
        if empty:
            raise self._source.told([(path, "This procedure needs it, and it is empty. Fill it in.") for path in empty])

    def _at(self, path: str) -> object:
        found: Any = self.model_dump()
        for step in path.split("."):
            found = found.get(step, {})
        return found


def parse(text: str, file: str, added: str = "") -> Handbook:
    """Reads handbook.toml; `added` is TOML of the same form, whose values come on top of it.

    Raises:
        HandbookError: with every mistake, its line and what to do.
    """
    try:
        raw = _merged(tomllib.loads(text), tomllib.loads(added))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        at = line[1] if line else len(text.splitlines())
        raise HandbookError([f"{file}:{at}: {error}. Correct the TOML there."]) from None
    source, mistakes = _Source(text, file), list(_contradictions(raw))
    try:
        found = Handbook.model_validate(raw)
    except ValidationError as error:
        raise source.told([*mistakes, *map(_mistake, error.errors())]) from None
    if mistakes:
        raise source.told(mistakes)
    found._source = source  # pyright: ignore[reportPrivateUsage]
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(below)
    for name, value in above.items():
        known = made.get(name)
        tables = isinstance(known, dict) and isinstance(value, dict)
        made[name] = _merged(cast("dict[str, Any]", known), cast("dict[str, Any]", value)) if tables else value
    return made


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Gives the tables inside a table of the file; it has not been checked yet."""
    for name, inside in cast("dict[str, object]", value).items() if isinstance(value, dict) else ():
        if isinstance(inside, dict):
            yield name, cast("dict[str, Any]", inside)


def _contradictions(raw: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Compares one place of the file with another. It reads what is unchecked, to tell all mistakes at once."""
    edition = raw.get("edition")
    if isinstance(edition, int) and edition not in EDITIONS:
        yield ("edition",), f"There is no edition {edition}. Choose one of {EDITIONS}."
    people = {handle for handle, _ in _tables(raw.get("people"))}
    yield from _strangers(raw.get("roles"), people)
    yield from _unknown_on_call(
        raw.get("status_updates"), people, {name for name, _ in _tables(raw.get("user_groups"))}
    )
    yield from _shared_ids(raw.get("channels"))
    yield from _out_of_reach(raw.get("first_response"), raw.get("channels"))


def _strangers(roles: object, known: set[str]) -> Iterator[tuple[Where, str]]:
    for role, handles in cast("dict[str, object]", roles).items() if isinstance(roles, dict) else ():
        for handle in cast("list[object]", handles) if isinstance(handles, list) else ():
            if isinstance(handle, str) and handle not in known:
                yield ("roles", role), f'"{handle}" is not among [people]. Add the person there, or correct the handle.'


def _unknown_on_call(wanted: object, people: set[str], groups: set[str]) -> Iterator[tuple[Where, str]]:
    said = cast("dict[str, object]", wanted) if isinstance(wanted, dict) else {}
    group, own = said.get("on_call_group"), said.get("own_channels")
    if isinstance(group, str) and group not in groups:
        yield ("status_updates", "on_call_group"), f'"{group}" is not among [user_groups]. Add it there, or correct it.'
    for handle in cast("dict[str, object]", own) if isinstance(own, dict) else ():
        if handle not in people:
            yield (
                ("status_updates", "own_channels"),
                f'"{handle}" is not among [people]. Add the person there, or correct the handle.',
            )


def _shared_ids(channels: object) -> Iterator[tuple[Where, str]]:
    seen: dict[str, str] = {}
    for name, channel in _tables(channels):
        found = str(channel.get("id", ""))
        if found and found in seen:
            yield ("channels", name, "id"), f'"{found}" is the id of "{seen[found]}" too. Correct one of the two.'
        seen.setdefault(found, name)


def _out_of_reach(first_response: object, channels: object) -> Iterator[tuple[Where, str]]:
    """The app sees the channels of its own workspace only."""
    wanted = cast("dict[str, object]", first_response) if isinstance(first_response, dict) else {}
    listed = wanted.get("public_channels")
    workspaces = {str(channel.get("id")): channel.get("workspace", OURS) for _, channel in _tables(channels)}
    for each in cast("list[object]", listed) if isinstance(listed, list) else ():
        if isinstance(each, str) and (workspace := workspaces.get(each, OURS)) != OURS:
            yield (
                ("first_response", "public_channels"),
                f'"{each}" is in the workspace "{workspace}", which the app can\'t read. Take it off the list.',
            )


def _mistake(error: ErrorDetails) -> tuple[Where, str]:
    """Says what pydantic found, in words for whom the file is for."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    found, limits = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return path, "It is missing. Add it."
        case "extra_forbidden":
            return path, "Nothing reads this name. Correct its spelling, or delete it."
        case "string_pattern_mismatch":
            return path, f'"{found}" is not {SHAPES[limits["pattern"]]}. Correct it.'
        case "string_too_long":
            return (
                path,
                f'"{found}" has {len(found)} characters; at most {limits["max_length"]} fit. Shorten it.',
            )
        case "string_too_short" | "too_short":
            return path, "It is empty. Fill it in."
        case "value_error":
            return path, str(limits["error"])
        case kind if kind.startswith("date"):
            return path, f'"{found}" is no date. Write it like 2026-12-24.'
        case kind:
            return path, f"It is {found!r}, which is not {KINDS.get(kind.split('_')[0], 'possible here')}. Correct it."


def line_of(text: str, path: Where) -> int:
    """Gives the line where a key stands, or its table, or 1: TOML libraries keep no lines for values."""
    steps = [str(step) for step in path]
    table: list[str] = []
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\s*\[+([^\[\]]+)\]+\s*(#.*)?$", line):
            table = here = [part.strip("\"' ") for part in heading[1].split(".")]
        elif key := re.match(r"\s*(\"[^\"]+\"|'[^']+'|[\w-]+)\s*=", line):
            here = [*table, key[1].strip("\"'")]
        else:
            continue
        if len(here) > depth and steps[: len(here)] == here:
            best, depth = number, len(here)
    return best
