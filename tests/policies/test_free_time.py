"""Free time: in business hours, at the quarters of an hour, around what is taken."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from policies.business_time import PACIFIC, SUPPORT
from policies.free_time import Slot, first_free, slot

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """Reads a moment of November 2026 in Los Angeles, such as "23 10:15"."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=PACIFIC)


def found(since: str, until: str, *busy: tuple[str, str], length: timedelta = HOUR) -> str:
    free = first_free(at(since), at(until), length, [(at(begin), at(end)) for begin, end in busy], SUPPORT)
    return f"{free.start.astimezone(PACIFIC):%d %H:%M}" if free else "none"


@pytest.mark.parametrize(
    ("since", "until", "busy", "start"),
    [
        ("23 10:00", "24 08:30", [], "23 10:00"),
        ("23 10:01", "24 08:30", [], "23 10:15"),
        ("23 10:00", "24 08:30", [("23 10:00", "23 10:20")], "23 10:30"),
        ("23 10:00", "24 08:30", [("23 10:30", "23 11:00")], "23 11:00"),
        ("23 10:00", "24 08:30", [("23 09:00", "23 10:00"), ("23 11:00", "23 12:00")], "23 10:00"),
        ("23 10:00", "24 08:30", [("23 11:30", "23 11:45"), ("23 10:00", "23 11:00")], "23 11:45"),
        ("23 15:15", "24 08:30", [], "24 06:00"),
        ("23 20:00", "24 08:30", [], "24 06:00"),
        ("21 12:00", "24 08:30", [], "23 06:00"),
        ("25 15:30", "27 12:00", [], "27 06:00"),
        ("23 15:15", "24 08:30", [("24 06:00", "24 07:45")], "none"),
        ("23 15:15", "24 06:59", [], "none"),
        ("23 10:00", "23 10:00", [], "none"),
        ("24 10:00", "23 10:00", [], "none"),
    ],
    ids=[
        "at once",
        "at the next quarter",
        "after a meeting that ends between two quarters",
        "not in a gap that is too short",
        "in a gap that fits exactly",
        "meetings in any order",
        "not over closing time",
        "not in the evening",
        "not at the week-end",
        "not on Thanksgiving",
        "all is taken",
        "the end is near",
        "no time at all",
        "the end has passed",
    ],
)
def test_the_first_free_hour_is_found(since: str, until: str, busy: list[tuple[str, str]], start: str) -> None:
    assert found(since, until, *busy) == start


def test_a_shorter_block_fits_where_a_longer_one_does_not() -> None:
    taken = [("23 10:00", "23 11:00"), ("23 11:45", "24 08:30")]
    assert found("23 10:00", "24 08:30", *taken) == "none"
    assert found("23 10:00", "24 08:30", *taken, length=timedelta(minutes=45)) == "23 11:00"


def test_the_clock_change_moves_nothing() -> None:
    free = first_free(
        datetime(2026, 10, 30, 15, 30, tzinfo=PACIFIC), datetime(2026, 11, 2, 9, tzinfo=PACIFIC), HOUR, [], SUPPORT
    )
    assert free
    assert free.start.isoformat() == "2026-11-02T14:00:00+00:00"  # 6:00 AM, in winter time


def test_a_slot_is_spoken_in_pacific_time_and_kept_as_it_is() -> None:
    morning = Slot(at("23 09:45"), at("23 10:45"))
    assert morning.spoken == "Monday, November 23, 9:45 AM to 10:45 AM Pacific Time"
    assert slot(morning.kept()) == morning
