"""Business time, by the vectors of the statute and the cases of the handbook."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import business_time
from policies.business_time import DEVELOPER_ON_CALL, PACIFIC, SUPPORT, Calendar
from tests.policies.statute import holidays_of

HOLIDAYS = {
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    2025: "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
    2029: "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-12 11-22 12-25",
    2030: "01-01 01-21 02-18 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
}
SPRING = ["2024-03-10", "2025-03-09", "2026-03-08", "2027-03-14", "2028-03-12", "2029-03-11", "2030-03-10"]
AUTUMN = ["2024-11-03", "2025-11-02", "2026-11-01", "2027-11-07", "2028-11-05", "2029-11-04", "2030-11-03"]
FOUR_HOURS = timedelta(hours=4)


def at(text: str, fold: int = 0) -> datetime:
    """A wall-clock time in Los Angeles."""
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC, fold=fold)


def observed_in(year: int) -> list[str]:
    days = (date(year, 1, 1) + timedelta(days=offset) for offset in range(366))
    return [f"{day:%m-%d}" for day in days if day.year == year and business_time.holiday_name(day)]


@pytest.mark.parametrize("year", HOLIDAYS)
def test_the_federal_holidays_are_those_of_the_published_lists(year: int) -> None:
    assert observed_in(year) == HOLIDAYS[year].split()


@pytest.mark.parametrize("year", range(2021, 2036))
def test_the_federal_holidays_follow_the_statute(year: int) -> None:
    assert observed_in(year) == sorted(f"{day:%m-%d}" for day in holidays_of(year))


@pytest.mark.parametrize("day", ["2025-01-20", "2029-01-19", "2029-01-20", "2024-12-24", "2025-01-09", "2025-12-26"])
def test_inauguration_day_and_closures_by_order_are_no_holidays_of_ours(day: str) -> None:
    expected = "Martin Luther King Jr. Day" if day == "2025-01-20" else ""
    assert business_time.holiday_name(date.fromisoformat(day)) == expected


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-20 05:59:59", False),
        ("2026-11-20 06:00:00", True),
        ("2026-11-20 15:59:30", True),
        ("2026-11-20 16:00:00", False),
        ("2026-11-21 10:00:00", False),
        ("2026-11-26 10:00:00", False),
        ("2027-12-31 10:00:00", False),
    ],
    ids=["before six", "at six", "Friday 15:59:30", "at four", "Saturday", "Thanksgiving", "New Year's Eve 2027"],
)
def test_we_are_open_monday_to_friday_from_six_to_four(moment: str, is_open: bool) -> None:
    assert SUPPORT.is_open(at(moment)) is is_open


@pytest.mark.parametrize("day", SPRING + AUTUMN)
def test_on_the_sundays_when_clocks_change_we_are_closed_and_monday_opens_at_six(day: str) -> None:
    for hour in (1, 2, 3, 12):
        assert not SUPPORT.is_open(at(f"{day} {hour:02}:30"))
    monday = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert SUPPORT.opens_next(at(f"{day} 01:30", fold=1)) == at(f"{monday} 06:00")


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (at("2026-03-06 15:00"), "2026-03-09 09:00"),
        (at("2026-10-30 15:00"), "2026-11-02 09:00"),
        (at("2026-03-08 02:30"), "2026-03-09 10:00"),
        (at("2026-11-01 01:30", fold=1), "2026-11-02 10:00"),
        (at("2026-11-20 15:59:30"), "2026-11-23 09:59:30"),
        (at("2026-11-26 09:00"), "2026-11-27 10:00"),
        (at("2027-12-30 15:00"), "2028-01-03 09:00"),
        (at("2026-07-02 14:00"), "2026-07-06 08:00"),
        (at("2026-11-20 12:00"), "2026-11-20 16:00"),
    ],
    ids=[
        "spring week-end",
        "autumn week-end",
        "an hour that does not exist",
        "an hour that comes twice",
        "Friday 15:59:30",
        "Thanksgiving",
        "New Year's Day observed on 31 December",
        "3 July observed",
        "ends exactly at closing",
    ],
)
def test_four_business_hours_later(start: datetime, due: str) -> None:
    assert SUPPORT.due_by(start, FOUR_HOURS) == at(due)
    assert SUPPORT.due_by(start, FOUR_HOURS).tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-23 10:00", "2026-11-24 10:00"),
        ("2026-11-20 10:00", "2026-11-23 10:00"),
        ("2026-11-25 10:00", "2026-11-27 10:00"),
        ("2026-11-21 10:00", "2026-11-23 16:00"),
    ],
    ids=["Monday to Tuesday", "Friday to Monday", "over Thanksgiving", "asked on a Saturday: end of Monday"],
)
def test_one_business_day_later_is_the_same_time_on_the_next_business_day(start: str, due: str) -> None:
    assert SUPPORT.due_by(at(start), SUPPORT.business_day) == at(due)


def test_hours_over_a_clock_change_are_real_hours() -> None:
    assert at("2026-03-09 06:00").astimezone(UTC) - at("2026-03-06 15:00").astimezone(UTC) == timedelta(hours=62)
    assert SUPPORT.business_time_between(at("2026-03-06 15:00"), at("2026-03-09 06:00")) == timedelta(hours=1)


def test_a_p0_is_due_after_four_hours_by_the_clock_day_and_night() -> None:
    assert business_time.emergency_due_by(at("2026-03-07 23:00"), FOUR_HOURS) == at("2026-03-08 04:00")


def test_a_p0s_clock_stands_still_in_pauses_and_counts_an_overlap_once() -> None:
    start, pauses = at("2026-11-23 09:00"), [("10:00", "12:00"), ("11:00", "14:00"), ("23:00", "23:30")]
    stops = [(at(f"2026-11-23 {begin}"), at(f"2026-11-23 {end}")) for begin, end in pauses]
    assert business_time.emergency_due_by(start, FOUR_HOURS, stops) == at("2026-11-23 17:00")
    early = [(at("2026-11-23 07:00"), at("2026-11-23 09:30"))]
    assert business_time.emergency_due_by(start, FOUR_HOURS, early) == at("2026-11-23 13:30")
    over = [(at("2026-11-23 07:00"), at("2026-11-23 08:00"))]
    assert business_time.emergency_due_by(start, FOUR_HOURS, over) == at("2026-11-23 13:00")


def test_a_closure_counts_for_p1_where_holidays_do() -> None:
    closures, day = {date(2026, 11, 24): "company offsite"}, at("2026-11-24 09:00")
    count, delay = (business_time.urgent(holidays_count=each, closures=closures) for each in (True, False))
    assert count.due_by(day, FOUR_HOURS) == at("2026-11-24 13:00")
    assert delay.due_by(day, FOUR_HOURS) == at("2026-11-25 10:00")


def test_a_holiday_counts_for_p1_unless_the_vp_decides_otherwise() -> None:
    thanksgiving = at("2026-11-26 09:00")
    assert business_time.urgent(holidays_count=True).due_by(thanksgiving, FOUR_HOURS) == at("2026-11-26 13:00")
    assert business_time.urgent(holidays_count=False).due_by(thanksgiving, FOUR_HOURS) == at("2026-11-27 10:00")


def test_the_developer_on_call_answers_from_nine_to_five() -> None:
    assert DEVELOPER_ON_CALL.due_by(at("2026-11-20 16:30"), timedelta(hours=1)) == at("2026-11-23 09:30")


def test_a_closure_moves_running_deadlines() -> None:
    closed = Calendar(closures={date(2026, 11, 24): "company offsite"})
    assert closed.why_closed(date(2026, 11, 24)) == "company offsite"
    assert closed.due_by(at("2026-11-23 15:00"), FOUR_HOURS) == at("2026-11-25 09:00")


def test_the_clock_stops_while_we_wait_for_the_customer() -> None:
    waiting = [(at("2026-11-23 08:00"), at("2026-11-23 10:00")), (at("2026-11-23 09:00"), at("2026-11-23 11:00"))]
    assert SUPPORT.due_by(at("2026-11-23 07:00"), FOUR_HOURS, waiting) == at("2026-11-23 14:00")
    assert SUPPORT.business_time_between(at("2026-11-23 07:00"), at("2026-11-23 14:00"), waiting) == FOUR_HOURS


def test_a_wait_over_the_week_end_does_not_count() -> None:
    waiting = [(at("2026-11-20 15:00"), at("2026-11-23 08:00"))]
    assert SUPPORT.due_by(at("2026-11-20 14:00"), FOUR_HOURS, waiting) == at("2026-11-23 11:00")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-11-20", "2026-11-23"),
        ("2026-09-04", "2026-09-08"),
        ("2026-11-25", "2026-11-27"),
        ("2027-12-30", "2028-01-03"),
    ],
    ids=["Friday to Monday", "Monday is a holiday: Tuesday", "over Thanksgiving", "over New Year"],
)
def test_the_second_business_day(first: str, second: str) -> None:
    assert SUPPORT.nth_business_day(date.fromisoformat(first), 1) == date.fromisoformat(first)
    assert SUPPORT.nth_business_day(date.fromisoformat(first), 2) == date.fromisoformat(second)
    assert SUPPORT.business_days_between(date.fromisoformat(first), date.fromisoformat(second)) == 1


def test_a_time_without_a_zone_a_negative_allowance_and_day_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        SUPPORT.is_open(datetime(2026, 11, 23, 10))  # noqa: DTZ001
    with pytest.raises(ValueError, match="is negative"):
        SUPPORT.due_by(at("2026-11-23 10:00"), timedelta(hours=-1))
    with pytest.raises(ValueError, match="Count from 1"):
        SUPPORT.nth_business_day(date(2026, 11, 23), 0)


MOMENTS = st.datetimes(datetime(2027, 10, 1), datetime(2028, 4, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001
ALLOWANCES = st.integers(0, 3000).map(lambda minutes: timedelta(minutes=minutes))


@settings(max_examples=12, deadline=None)
@given(MOMENTS, ALLOWANCES)
def test_between_start_and_due_lies_the_allowance(start: datetime, allowance: timedelta) -> None:
    assert SUPPORT.business_time_between(start, SUPPORT.due_by(start, allowance)) == allowance


@settings(max_examples=12, deadline=None)
@given(MOMENTS, MOMENTS)
def test_business_time_adds_up(one: datetime, other: datetime) -> None:
    early, late = sorted([one, other])
    middle = early + (late - early) / 2
    halves = SUPPORT.business_time_between(early, middle) + SUPPORT.business_time_between(middle, late)
    assert SUPPORT.business_time_between(early, late) == halves
