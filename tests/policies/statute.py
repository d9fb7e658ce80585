"""The federal holidays by the law's own rules (5 U.S.C. 6103, E.O. 11582), without the product's library."""

from __future__ import annotations

from datetime import date, timedelta

MONDAY, THURSDAY = 0, 3
FIXED = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
NTH = [(1, MONDAY, 3), (2, MONDAY, 3), (9, MONDAY, 1), (10, MONDAY, 2), (11, THURSDAY, 4)]


def nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def observed(day: date) -> date:
    """A Saturday is observed the day before, a Sunday the day after."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def holidays_of(year: int) -> set[date]:
    """Gives the observed holidays that fall in a year, New Year's Day of the next year among them if it moves."""
    last_monday_of_may = max(date(year, 5, day) for day in range(25, 32) if date(year, 5, day).weekday() == MONDAY)
    fixed = [observed(date(each, month, day)) for each in (year, year + 1) for month, day in FIXED]
    moving = [nth_weekday(year, *rule) for rule in NTH]
    return {day for day in [*fixed, *moving, last_monday_of_may] if day.year == year}
