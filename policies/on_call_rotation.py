"""Reads a rotation: who is on call in which week. What is missing or says two things is told, never guessed.

A rotation is a sheet with a heading over two columns: the first day of a week, as a date or like 2026-11-23, and who is
on call. Whatever else stands in the sheet is left alone.

Handbook: customer-success#contact-the-developer-on-call
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policies.business_time import spoken_day
from policies.handbook import Person

Row = Sequence[object]

WEEK = timedelta(days=7)
DAY_ZERO = date(1899, 12, 30)  # Google's number of a date is the days since then
YEARS = range(2015, 2100)  # a number outside of them is no date, but a week's number for example
LONGEST_NAME = 100

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Week:
    """A row of the rotation. `developer`: as it stands there, "" when nobody does."""

    row: int  # in the sheet, counted from 1
    start: date
    developer: str


@dataclass(frozen=True)
class Rotation:
    """What a sheet says."""

    weeks: Sequence[Week]
    unreadable: Sequence[int]  # rows whose week is no date


@dataclass(frozen=True)
class Answer:
    """Who is on call, as it stands in the rotation, or why nobody can say."""

    developer: str
    why_not: str = ""


def rotation(rows: Sequence[Row], week_column: str, developer_column: str) -> Rotation | str:
    """Reads a sheet's rows; a text says why it is no rotation.

    week_column, developer_column: what stands over the columns.
    """
    wanted = [_plain(each) for each in (week_column, developer_column)]
    for heading, row in enumerate(rows, 1):
        cells = [_plain(each) for each in row]
        if all(each in cells for each in wanted):
            return _below(rows, heading, cells.index(wanted[0]), cells.index(wanted[1]))
    return (
        f'No row of the sheet has both "{week_column}" and "{developer_column}" in it. Correct the two names in '
        "handbook.toml, [developer_on_call]."
    )


def _below(rows: Sequence[Row], heading: int, week: int, developer: int) -> Rotation:
    weeks, unreadable = list[Week](), list[int]()
    for number, row in enumerate(rows[heading:], heading + 1):
        said, who = _cell(row, week), " ".join(str(_cell(row, developer)).split())
        if (start := day_of(said)) is not None:
            weeks.append(Week(number, start, who[:LONGEST_NAME]))
        elif str(said).strip() or who:
            unreadable.append(number)
    return Rotation(weeks, unreadable)


def _cell(row: Row, place: int) -> object:
    return row[place] if place < len(row) else ""


def _plain(cell: object) -> str:
    return " ".join(str(cell).split()).casefold()


def day_of(cell: object) -> date | None:
    """Reads a cell's day: Google's number of it, or a text like 2026-11-23; 11/12/2026 may be one of two."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        days = int(cell)
        found = DAY_ZERO + timedelta(days=days) if 0 < days < 100_000 else None
    elif isinstance(cell, str) and _ISO.fullmatch(cell.strip()):
        try:
            found = date.fromisoformat(cell.strip())
        except ValueError:
            found = None
    else:
        found = None
    return found if found and found.year in YEARS else None


def who(rows: Sequence[Row], week_column: str, developer_column: str, day: date) -> Answer:
    """Says who is on call on a day, going by a sheet's rows."""
    found = rotation(rows, week_column, developer_column)
    return on_call(found, day) if isinstance(found, Rotation) else Answer("", found)


def on_call(found: Rotation, day: date) -> Answer:
    """Says who is on call on a day in Los Angeles."""
    weeks = [week for week in found.weeks if week.start <= day < week.start + WEEK]
    names = {_plain(week.developer): week.developer for week in weeks if week.developer}
    if len(names) == 1 and all(week.developer for week in weeks):
        return Answer(names.popitem()[1])
    return Answer("", _why_not(found, day, weeks))


def _why_not(found: Rotation, day: date, weeks: Sequence[Week]) -> str:
    told = ", ".join(str(week.row) for week in weeks)
    if len(weeks) > 1:
        return f"The rows {told} of the rotation say different things about {spoken_day(day)}."
    if weeks:
        return f"Row {told} of the rotation names nobody."
    unreadable = ", ".join(map(str, found.unreadable[:5]))
    more = f" The week can't be read in row {unreadable}; write it as a date." if unreadable else ""
    return f"The rotation has no week with {spoken_day(day)}.{more}"


def person_of(developer: str, people: Mapping[str, Person]) -> Person | None:
    """Gives whom the rotation means, by handle or by full name; None when it is nobody of handbook.toml."""
    wanted = developer.strip().lstrip("@").casefold()
    found = [each for each in people.values() if wanted and wanted in _names(each)]
    return found[0] if len(found) == 1 else None


def _names(person: Person) -> Iterator[str]:
    yield person.handle.casefold()
    if person.name:
        yield person.name.casefold()
