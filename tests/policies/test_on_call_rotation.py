"""The rotation: whose week it is, and what is told when the sheet doesn't say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from policies.handbook import Person
from policies.on_call_rotation import Answer, Rotation, Week, day_of, on_call, person_of, rotation

HEADING = ["Week start", "Developer"]
MONDAY = date(2026, 11, 23)
SERIAL = 46349  # Google's number of that Monday


def read(*rows: list[Any], heading: list[Any] | None = None) -> Rotation:
    found = rotation([heading or HEADING, *rows], "Week start", "Developer")
    assert isinstance(found, Rotation)
    return found


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (SERIAL, MONDAY),
        (SERIAL + 0.75, MONDAY),
        ("2026-11-23", MONDAY),
        (" 2026-11-23 ", MONDAY),
        ("11/12/2026", None),
        ("Nov 23", None),
        ("2026-02-30", None),
        (47, None),
        (True, None),
        (-1, None),
        (10**9, None),
        ("", None),
        (None, None),
    ],
    ids=[
        "Google's number of a date",
        "a date with a time",
        "a text like 2026-11-23",
        "with blanks around it",
        "November or December",
        "a text without a year",
        "a day that there is not",
        "the number of a week",
        "a tick box",
        "a negative number",
        "a number beyond all dates",
        "an empty cell",
        "no cell",
    ],
)
def test_a_week_begins_on_the_day_in_its_cell_or_cannot_be_read(cell: object, day: date | None) -> None:
    assert day_of(cell) == day


@pytest.mark.parametrize(
    ("day", "who"),
    [
        (date(2026, 11, 15), ""),
        (date(2026, 11, 16), "zwass"),
        (date(2026, 11, 22), "zwass"),
        (date(2026, 11, 23), "Luke Heath"),
        (date(2026, 11, 29), "Luke Heath"),
        (date(2026, 11, 30), ""),
    ],
)
def test_a_week_lasts_seven_days_from_its_first(day: date, who: str) -> None:
    found = read([SERIAL - 7, "zwass"], [SERIAL, "Luke  Heath "])
    assert on_call(found, day).developer == who


def test_the_heading_may_stand_lower_in_any_order_and_case_among_other_columns() -> None:
    rows = [["KPIs"], [], ["#", "DEVELOPER ", "notes", "week  start"], [1, "zwass", "", SERIAL], [2, "", "x", ""]]
    found = rotation(rows, "Week start", "Developer")
    assert found == Rotation([Week(4, MONDAY, "zwass")], [])


def test_a_sheet_without_the_two_headings_is_no_rotation() -> None:
    told = rotation([["Week", "Who"], [SERIAL, "zwass"]], "Week start", "Developer")
    assert isinstance(told, str)
    assert '"Week start" and "Developer"' in told
    assert "handbook.toml" in told


def test_an_empty_sheet_is_no_rotation() -> None:
    assert isinstance(rotation([], "Week start", "Developer"), str)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "The rotation has no week with Monday, November 23."),
        ([[SERIAL, ""]], "Row 2 of the rotation names nobody."),
        ([[SERIAL]], "Row 2 of the rotation names nobody."),
        ([[SERIAL, "zwass"], [SERIAL - 3, "lukeheath"]], "The rows 2, 3 of the rotation say different things about"),
        ([[SERIAL, "zwass"], [SERIAL, ""]], "The rows 2, 3 of the rotation say different things about"),
        ([["next week", "zwass"], [], ["11/23/2026", "x"]], "The week can't be read in row 2, 4; write it as a date."),
    ],
    ids=[
        "a missing week",
        "nobody",
        "a short row",
        "two developers",
        "a developer and nobody",
        "weeks that are no dates",
    ],
)
def test_who_is_on_call_is_never_guessed(rows: list[list[Any]], why: str) -> None:
    found = on_call(read(*rows), MONDAY)
    assert found.developer == ""
    assert why in found.why_not


def test_two_rows_that_say_the_same_are_no_contradiction() -> None:
    assert on_call(read([SERIAL, "zwass"], [SERIAL, "Zwass"]), MONDAY) == Answer("Zwass")


def test_a_row_that_cannot_be_read_does_not_spoil_the_week_that_can() -> None:
    assert on_call(read(["soon", "lukeheath"], [SERIAL, "zwass"]), MONDAY).developer == "zwass"


PEOPLE = {
    "zwass": Person(handle="zwass", name="Zach Wasserman", slack="U02AB3CD4"),
    "kc9wwh": Person(handle="kc9wwh", name="", slack=""),
}


@pytest.mark.parametrize(
    ("written", "handle"),
    [
        ("zwass", "zwass"),
        ("@Zwass", "zwass"),
        ("zach wasserman", "zwass"),
        ("Zach", None),
        ("", None),
        ("somebody else", None),
    ],
)
def test_the_rotations_name_is_a_persons_handle_or_full_name(written: str, handle: str | None) -> None:
    found = person_of(written, PEOPLE)
    assert (found.handle if found else None) == handle
