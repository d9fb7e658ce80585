"""The names of handbook.toml, checked: every mistake at once, with file, line and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", max_length=39)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=50)]  # GitHub takes 50 characters
RepositoryName = Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^([CG][A-Z0-9]{8,})?$")]
MemberId = Annotated[str, StringConstraints(pattern=r"^([UW][A-Z0-9]{8,})?$")]
GroupId = Annotated[str, StringConstraints(pattern=r"^(S[A-Z0-9]{8,})?$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*$")]
EDITIONS = (2024, 2025)


class HandbookError(Exception):
    """Mistakes in handbook.toml, each as `file:line: where: what to do`."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


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
    name: str = Field(min_length=1)
    slack: MemberId


class Channel(_Names):
    id: ChannelId
    use: str


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


class ByEdition(_Names):
    """What the two pages say differently; `Handbook.chosen` picks."""

    request_label: Mapping[int, Label]
    request_template: Mapping[int, str]
    around_the_clock_tier: Mapping[int, str]
    dri_proficiency: Mapping[int, str]
    nice_to_have_details_asked_by: Mapping[int, str]

    @model_validator(mode="after")
    def _both(self) -> Self:
        for name in type(self).model_fields:
            if set(getattr(self, name)) != set(EDITIONS):
                raise ValueError(f"{name} must have a value for each of the editions {EDITIONS}, and no other.")
        return self


class Projects(_Names):
    drafting: int
    customer_requests: int
    help_customers: int
    unicorns: int
    buy_online: int


class Salesforce(_Names):
    """Field names and values of the org."""

    account_github_label: FieldName
    opportunity_key: FieldName
    opportunity_next_step_date: FieldName
    opportunity_product: FieldName
    products: tuple[str, ...] = Field(min_length=1)
    open_stages: tuple[str, ...] = Field(min_length=1)
    closed_stages: tuple[str, ...] = Field(min_length=1)


class Codenames(_Names):
    blocked: tuple[str, ...]


class Handbook(_Names):
    """Everything in handbook.toml."""

    edition: int
    repositories: Repositories
    people: Mapping[Handle, Person]
    roles: Mapping[str, tuple[Handle, ...]]
    channels: Mapping[str, Channel]
    user_groups: Mapping[str, UserGroup]
    labels: Labels
    by_edition: ByEdition
    projects: Projects
    salesforce: Salesforce
    codenames: Codenames
    closures: Mapping[date, str]

    def role(self, name: str) -> list[Person]:
        """Gives who holds a role, in the order of the file."""
        return [self.people[handle] for handle in self.roles[name]]

    def chosen(self, topic: str) -> str:
        """Gives the edition's value where the two pages disagree, such as "request_label"."""
        values: Mapping[int, str] = getattr(self.by_edition, topic)
        return values[self.edition]


def parse(text: str, file: str) -> Handbook:
    """Reads handbook.toml.

    Raises:
        HandbookError: with every mistake, its line and what to do.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise HandbookError([f"{file}:{line[1] if line else 1}: {error}. Correct the TOML there."]) from None
    try:
        found = Handbook.model_validate(raw)
    except ValidationError as error:
        raise HandbookError([_sentence(text, file, each["loc"], each["msg"]) for each in error.errors()]) from None
    if problems := [_sentence(text, file, path, problem) for path, problem in _contradictions(found)]:
        raise HandbookError(problems)
    return found


def _contradictions(found: Handbook) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if found.edition not in EDITIONS:
        yield ("edition",), f"There is no edition {found.edition}. Choose one of {EDITIONS}."
    for role, handles in found.roles.items():
        for handle in handles:
            if handle not in found.people:
                yield ("roles", role), f'"{handle}" is not among [people]. Add the person there, or correct the handle.'
    seen: dict[str, str] = {}
    for name, channel in found.channels.items():
        if channel.id and channel.id in seen:
            yield ("channels", name), f'"{channel.id}" is the id of "{seen[channel.id]}" too. Correct one of the two.'
        seen[channel.id] = name


def _sentence(text: str, file: str, path: tuple[str | int, ...], problem: str) -> str:
    where = ".".join(str(step) for step in path if step != "[key]")
    return f"{file}:{line_of(text, path)}: {where}: {problem.removeprefix('Value error, ')}"


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Gives the line where a key stands, or its table, or 1: TOML libraries keep no lines for values."""
    steps = [str(step) for step in path]
    table: list[str] = []
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+", line):
            table = [part.strip("\"' ") for part in heading[1].split(".")]
            here = table
        elif key := re.match(r"\s*(\"[^\"]+\"|'[^']+'|[\w-]+)\s*=", line):
            here = [*table, key[1].strip("\"'")]
        else:
            continue
        if len(here) > depth and steps[: len(here)] == here:
            best, depth = number, len(here)
    return best
