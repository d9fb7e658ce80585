"""Business time: when we are open, when something is due, which business day it is.

One calendar for all: hours, federal holidays, closures. Times come in aware and go out in UTC; days and hours are
decided in Los Angeles. Time is always handed in.

Handbook: customer-success 2024, "Customer support service level agreements (SLAs)".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count
from types import MappingProxyType
from zoneinfo import ZoneInfo

import holidays

PACIFIC = ZoneInfo("America/Los_Angeles")

# "Fleet business hours for support are Monday-Friday, 6AM-4PM Pacific Time, excluding current U.S. federal holidays"
OPENS, CLOSES = time(6), time(16)

# The developer on-call answers from nine to five; handbook/engineering, not this page.
DEVELOPER_OPENS, DEVELOPER_CLOSES = time(9), time(17)

Interval = tuple[datetime, datetime]


@cache
def _federal_holidays(year: int) -> Mapping[date, str]:
    """Gives the observed federal holidays that fall in a year; New Year's Day of the next may be observed in it."""
    listed = holidays.country_holidays("US", years=(year, year + 1), categories=("public",), observed=True)
    return MappingProxyType(
        {day: listed.get(day, "") for day in sorted(listed) if day.year == year and day.weekday() < 5}
    )


def holiday_name(day: date) -> str:
    """Gives the federal holiday observed on a day, or ""."""
    return _federal_holidays(day.year).get(day, "")


def pacific_date(at: datetime) -> date:
    """Gives the date in Los Angeles."""
    return _aware(at).astimezone(PACIFIC).date()


def spoken_day(day: date) -> str:
    """Gives a day as people say it: "Monday, November 23"."""
    return f"{day:%A, %B} {day.day}"


def spoken_clock(at: datetime) -> str:
    """Gives the time of day in Los Angeles: "2:00 PM Pacific Time"."""
    return f"{_aware(at).astimezone(PACIFIC):%I:%M %p}".lstrip("0") + " Pacific Time"


def spoken_time(at: datetime) -> str:
    """Gives a moment as people say it, in Los Angeles: "Monday, November 23, 2:00 PM Pacific Time"."""
    return f"{spoken_day(pacific_date(at))}, {spoken_clock(at)}"


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone. Hand in an aware time.")
    return at


@dataclass(frozen=True)
class Calendar:
    """The hours of a week, minus holidays and closures.

    opens, closes: the window of a business day in Los Angeles, closed at `closes` itself.
    observes_holidays: whether federal holidays are closed.
    closures: further closed days with the reason, a company closure for example.
    """

    opens: time = OPENS
    closes: time = CLOSES
    observes_holidays: bool = True
    closures: Mapping[date, str] = field(default_factory=dict[date, str])

    @property
    def business_day(self) -> timedelta:
        """Gives the length of a business day: one business day from 10:00 is 10:00 on the next."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def why_closed(self, day: date) -> str:
        """Gives why a day is no business day, or ""."""
        if day.weekday() >= 5:
            return "weekend"
        return self.closures.get(day, "") or (holiday_name(day) if self.observes_holidays else "")

    def is_business_day(self, day: date) -> bool:
        """Says whether we open on a day."""
        return not self.why_closed(day)

    def is_open(self, at: datetime) -> bool:
        """Says whether we are open at a moment: at 06:00:00 yes, at 16:00:00 no."""
        local = _aware(at).astimezone(PACIFIC)
        return self.is_business_day(local.date()) and self.opens <= local.time() < self.closes

    def opens_next(self, at: datetime) -> datetime:
        """Gives the moment itself when we are open, else the next opening, in UTC."""
        at = _aware(at).astimezone(UTC)
        return next(max(opening, at) for opening, closing in self._windows(pacific_date(at)) if closing > at)

    def due_by(self, start: datetime, allowance: timedelta, pauses: Sequence[Interval] = ()) -> datetime:
        """Gives when `allowance` of business time after `start` has passed, in UTC.

        pauses: intervals that don't count, while we wait for the customer. A due time that falls on closing is that
        closing, not the next opening.

        Raises:
            ValueError: a time has no zone, or the allowance is negative.
        """
        if allowance < timedelta():
            raise ValueError(f"An allowance of {allowance} is negative.")
        start, left = _aware(start).astimezone(UTC), allowance
        for opening, closing in self._open_stretches(start, pauses):
            if left <= closing - opening:
                return opening + left
            left -= closing - opening
        raise AssertionError("Business days never end.")

    def business_time_between(self, start: datetime, end: datetime, pauses: Sequence[Interval] = ()) -> timedelta:
        """Gives the business time from `start` to `end`, without the pauses; zero when `end` comes first."""
        start, end = _aware(start).astimezone(UTC), _aware(end).astimezone(UTC)
        passed = timedelta()
        for opening, closing in self._open_stretches(start, pauses):
            if opening >= end:
                return passed
            passed += min(closing, end) - opening
        raise AssertionError("Business days never end.")

    def nth_business_day(self, day: date, number: int) -> date:
        """Gives the nth business day on or after a day: 1 is the day itself when we open then.

        Raises:
            ValueError: number is below 1.
        """
        if number < 1:
            raise ValueError(f"There is no business day number {number}. Count from 1.")
        for each in self.business_days(day):
            number -= 1
            if not number:
                return each
        raise AssertionError("Business days never end.")

    def business_days(self, day: date) -> Iterator[date]:
        """Gives every business day on or after a day, without end."""
        return (each for offset in count() if self.is_business_day(each := day + timedelta(days=offset)))

    def business_days_between(self, start: date, end: date) -> int:
        """Gives how many business days lie after `start`, up to and with `end`."""
        days = (start + timedelta(days=offset) for offset in range(1, (end - start).days + 1))
        return sum(map(self.is_business_day, days))

    def open_stretches(self, start: datetime, end: datetime, pauses: Sequence[Interval] = ()) -> Iterator[Interval]:
        """Gives each stretch between two moments in which we are open and that no pause takes, in UTC."""
        start, end = _aware(start).astimezone(UTC), _aware(end).astimezone(UTC)
        for opening, closing in self._open_stretches(start, pauses):
            if opening >= end:
                return
            yield opening, min(closing, end)

    def _windows(self, day: date) -> Iterator[Interval]:
        """Gives the opening and closing of each business day in UTC, so that differences count real hours."""
        for each in self.business_days(day):
            opening, closing = (datetime.combine(each, at, PACIFIC).astimezone(UTC) for at in (self.opens, self.closes))
            yield opening, closing

    def _open_stretches(self, start: datetime, pauses: Sequence[Interval]) -> Iterator[Interval]:
        """Gives each stretch from `start` on in which we are open and not waiting for the customer."""
        stops = sorted((_aware(begin).astimezone(UTC), _aware(end).astimezone(UTC)) for begin, end in pauses)
        for opening, closing in self._windows(pacific_date(start)):
            at = max(opening, start)
            for begin, end in stops:
                if begin >= closing:
                    break
                if end > at:
                    if begin > at:
                        yield at, begin
                    at = end
            if at < closing:
                yield at, closing


SUPPORT = Calendar()
DEVELOPER_ON_CALL = Calendar(DEVELOPER_OPENS, DEVELOPER_CLOSES)


def urgent(*, holidays_count: bool, closures: Mapping[date, str] = MappingProxyType({})) -> Calendar:
    """Gives the calendar of P1: holidays and closures count unless the VP of Customer Success decides otherwise."""
    # "excluding current U.S. federal holidays during which responses may be delayed for Medium and Low impact issues"
    return Calendar(observes_holidays=not holidays_count, closures={} if holidays_count else closures)


def emergency_due_by(start: datetime, allowance: timedelta, pauses: Sequence[Interval] = ()) -> datetime:
    """Gives when a P0 is due: by the clock, day and night, without the pauses, in UTC."""
    at = _aware(start).astimezone(UTC)
    due = at + allowance
    for begin, end in sorted((_aware(begin).astimezone(UTC), _aware(end).astimezone(UTC)) for begin, end in pauses):
        if begin >= due:
            break
        due += max(end - max(begin, at), timedelta())
        at = max(at, end)
    return due
