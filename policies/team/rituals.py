"""Decides when a ritual is due, and what issue it makes.

The file of rituals is one of Fleet's own. All mistakes in it are told at once, and nothing is made before it is right:
a ritual with a wrong label or person would make its issue where nobody looks for it. Blanks around a task's name, which
one of them has, are left out.

Handbook: customer-success#rituals
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from policies.business_time import pacific_date, spoken_day
from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.issue import Issue
from policies.report import Report

Repository = Literal["fleet", "confidential"]
# Days from one cycle to the next.
INTERVALS: Mapping[str, int] = {"Daily": 1, "Weekly": 7, "Biweekly": 14, "Triweekly": 21}
WEEKS_SHOWN = 6
LOOKS_BACK = timedelta(days=31)  # for a cycle that came round while nothing ran


def _name_of_frequency(value: object) -> object:
    """Fleet's own script takes whatever begins with Daily."""
    return "Daily" if isinstance(value, str) and value.startswith("Daily") else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Frequency = Annotated[
    Literal["Daily", "Weekly", "Biweekly", "Triweekly", "Monthly", "Annually"], BeforeValidator(_name_of_frequency)
]


class AutoIssue(BaseModel):
    """The issue that a ritual makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    labels: tuple[Text, ...] = Field(min_length=1)
    repo: Repository


class Ritual(BaseModel):
    """Something that the team does again and again, as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    task: Text
    started_on: date = Field(alias="startedOn")
    frequency: Frequency
    description: Text
    more_info_url: str = Field("", alias="moreInfoUrl")
    dri: Text
    auto_issue: AutoIssue | None = Field(None, alias="autoIssue")

    @property
    def key(self) -> str:
        """Gives the ritual's part of the business key."""
        return re.sub(r"[^a-z0-9]+", "-", self.task.lower()).strip("-")


@dataclass(frozen=True)
class Entry:
    """An entry of the file: its values, and the line of each by its path, () being the entry's own."""

    values: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int]

    def line(self, path: Sequence[str | int]) -> int:
        """Gives the line of a value, or of what it is in."""
        steps = tuple(path)
        return next(self.lines[steps[:length]] for length in range(len(steps), -1, -1) if steps[:length] in self.lines)


def rituals(
    entries: Sequence[Entry], file: str, people: Collection[str], labels: Mapping[Repository, Collection[str]]
) -> list[Ritual]:
    """Reads the rituals.

    people: logins in lower case. labels: of each of the two repositories, in lower case.

    Raises:
        Refused: with every mistake, its file and line.
    """
    found: list[Ritual] = []
    problems: list[tuple[int, str]] = []
    for entry in entries:
        try:
            ritual = Ritual.model_validate(entry.values)
        except ValidationError as error:
            problems += [
                (entry.line(each["loc"]), _said(each["loc"], each["msg"], each["input"])) for each in error.errors()
            ]
            continue
        problems += [(entry.line(path), problem) for path, problem in _strangers(ritual, people, labels)]
        if ritual.key in {each.key for each in found}:
            problems.append((entry.line(["task"]), f'"{ritual.task}" is there twice. Rename one of the two.'))
        found.append(ritual)
    if problems:
        raise Refused(*(f"{file}:{line}: {problem}" for line, problem in sorted(problems)))
    return found


def _said(path: Sequence[str | int], problem: str, value: object) -> str:
    shown = "" if isinstance(value, dict) else f' It is "{value}".'
    return f"{'.'.join(map(str, path))}: {problem}.{shown} Correct it there."


def _strangers(
    ritual: Ritual, people: Collection[str], labels: Mapping[Repository, Collection[str]]
) -> list[tuple[Sequence[str | int], str]]:
    """Names who and which labels are not known."""
    found: list[tuple[Sequence[str | int], str]] = []
    if ritual.dri.lower() not in people:
        found.append((["dri"], f'"{ritual.dri}" is nobody in the organisation. Give a GitHub handle of ours.'))
    if wanted := ritual.auto_issue:
        missing = [each for each in wanted.labels if each.lower() not in labels[wanted.repo]]
        told = f"is no label of the repository {wanted.repo}. Create it there, or correct its name."
        found += [(["autoIssue", "labels"], f'"{each}" {told}') for each in missing]
    return found


# -- days


def is_due(ritual: Ritual, day: date) -> bool:
    """Says whether a cycle of a ritual begins on a day: by whole days from its start, never by hours."""
    start = ritual.started_on
    if day < start:
        return False
    if ritual.frequency in INTERVALS:
        return (day - start).days % INTERVALS[ritual.frequency] == 0
    is_the_day = day.day == min(start.day, monthrange(day.year, day.month)[1])
    return is_the_day and (ritual.frequency == "Monthly" or day.month == start.month)


def cycle_to_make(ritual: Ritual, last_looked: date | None, today: date) -> date | None:
    """Gives the cycle whose issue is to be made: today's, or the latest that came round since somebody looked last.

    Of several that were missed only the latest counts: two issues for one ritual would help nobody.
    """
    first = today if last_looked is None else max(min(last_looked + timedelta(days=1), today), today - LOOKS_BACK)
    days = (today - timedelta(days=back) for back in range((today - first).days + 1))
    return next((day for day in days if is_due(ritual, day)), None)


# -- issues


def is_made_by_hand(ritual: Ritual, cycle: date, open_issues: Sequence[Issue]) -> bool:
    """Says whether somebody has made the cycle's issue: one of that title, opened on its day or later."""
    return any(
        issue.title.reveal().strip() == ritual.task and pacific_date(issue.created_at) >= cycle for issue in open_issues
    )


def body(ritual: Ritual) -> str:
    """Words the issue's body, as Fleet's own script does."""
    return (
        f"{ritual.description}\n\n> Read more at {ritual.more_info_url}" if ritual.more_info_url else ritual.description
    )


def confidential_texts(ritual: Ritual) -> tuple[Confidential[str], Confidential[str]]:
    """Gives title and body for the confidential repository."""
    return Confidential(ritual.task), Confidential(body(ritual))


@dataclass(frozen=True)
class Made:
    """An issue that a cycle made, or would make; "" when somebody had made it by hand."""

    ritual: Ritual
    cycle: date
    url: str


# -- what the run shows


def calendar(
    found: Sequence[Ritual], made: Sequence[Made], today: date, failed: Mapping[str, str] = MappingProxyType({})
) -> Report:
    """Shows the rituals of the coming weeks: each day that has some, beside what is done daily.

    failed: why an issue could not be made, by task.
    """
    daily = [each for each in found if each.frequency == "Daily"]
    others = [each for each in found if each.frequency != "Daily"]
    days = [today + timedelta(days=ahead) for ahead in range(7 * WEEKS_SHOWN)]
    rows = [
        (spoken_day(day), each.task, each.frequency, each.dri, "yes" if each.auto_issue else "no")
        for day in days
        for each in others
        if is_due(each, day)
    ]
    said = [f"Every day: {', '.join(f'{each.task} ({each.dri})' for each in daily)}."] if daily else []
    late = [each for each in made if each.cycle != today]
    said += [f"{each.ritual.task}: its cycle of {each.cycle} was missed and is made up for." for each in late]
    said += [f"{each.ritual.task}: somebody had made its issue by hand." for each in made if not each.url]
    said += [f"{task}: its issue could not be made, and is tried again tomorrow. {why}" for task, why in failed.items()]
    return Report(
        f"Rituals of the next {WEEKS_SHOWN} weeks", said, ("Day", "Ritual", "Frequency", "Who", "Makes an issue"), rows
    )
