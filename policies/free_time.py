"""Finds free time in calendars: in business hours, at the quarters of an hour."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.business_time import PACIFIC, Calendar, Interval, spoken_day

STEP = timedelta(minutes=15)  # what begins, begins at the quarters of an hour


@dataclass(frozen=True)
class Slot:
    """A time in somebody's calendar, in UTC."""

    start: datetime
    end: datetime

    @property
    def spoken(self) -> str:
        """Gives it as people say it: "Monday, November 23, 10:00 AM to 11:00 AM Pacific Time"."""
        start, end = self.start.astimezone(PACIFIC), self.end.astimezone(PACIFIC)
        return f"{spoken_day(start)}, {start:%I:%M %p} to {end:%I:%M %p} Pacific Time".replace(" 0", " ")

    def kept(self) -> str:
        """Gives it as text."""
        return json.dumps([self.start.isoformat(), self.end.isoformat()])


def slot(kept: str) -> Slot:
    """Reads a time that was kept."""
    start, end = json.loads(kept)
    return Slot(datetime.fromisoformat(start), datetime.fromisoformat(end))


def first_free(
    since: datetime, until: datetime, length: timedelta, busy: Sequence[Interval], calendar: Calendar
) -> Slot | None:
    """Finds the first time of some length between two moments; None when there is none."""
    for opening, closing in calendar.open_stretches(since, until, busy):
        start = _quarter(opening)
        if start + length <= closing:
            return Slot(start, start + length)
    return None


def _quarter(at: datetime) -> datetime:
    past = timedelta(seconds=at.timestamp() % STEP.total_seconds())
    return at - past + STEP if past else at
