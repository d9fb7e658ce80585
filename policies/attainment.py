"""Decides which share of what was due was answered in time, week by week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from policies.business_time import pacific_date

WEEKS = 12  # that a plot shows

Promise = tuple[datetime, datetime | None]  # when it was due, and when it was answered, if it was


@dataclass(frozen=True)
class Week:
    """What was due in a week, and how much of that was answered in time. monday: its first day, in Los Angeles."""

    monday: date
    met: int = 0
    due: int = 0

    @property
    def share(self) -> float | None:
        """Gives the share that was met, from 0 to 1; None when nothing was due."""
        return self.met / self.due if self.due else None


def by_week(promises: Iterable[Promise], now: datetime, weeks: int = WEEKS) -> list[Week]:
    """Gives the last weeks, the oldest first, this one last. What is not due yet doesn't count, answered or not."""
    last = _monday(now)
    found = {monday: Week(monday) for monday in (last - timedelta(weeks=back) for back in reversed(range(weeks)))}
    for due, answered in promises:
        if due <= now and (week := found.get(_monday(due))):
            is_met = answered is not None and answered <= due
            found[week.monday] = Week(week.monday, week.met + is_met, week.due + 1)
    return list(found.values())


def summed(weeks: Iterable[Week]) -> str:
    """Says in words how much was answered in time over some weeks."""
    counted = list(weeks)
    met, due = sum(each.met for each in counted), sum(each.due for each in counted)
    if not due:
        return f"Nothing was due in the last {len(counted)} weeks."
    return f"{met} of {due} answered in time over the last {len(counted)} weeks, {100 * met / due:.0f} %."


def _monday(at: datetime) -> date:
    day = pacific_date(at)
    return day - timedelta(days=day.weekday())
