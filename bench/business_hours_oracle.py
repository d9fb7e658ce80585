"""Compares every minute of seven years with an oracle that knows the statute: `python -m bench.business_hours_oracle`.

The oracle walks minute by minute; the product computes. Prints how many minutes differ.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from policies.business_time import PACIFIC, SUPPORT
from tests.policies.statute import holidays_of

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALLOWANCE = 240  # minutes


def main() -> int:
    holidays = {day for year in range(FIRST.year - 1, LAST.year + 2) for day in holidays_of(year)}
    minutes = int((LAST - FIRST) / MINUTE)
    moments = [FIRST + MINUTE * number for number in range(minutes + 20_000)]
    local = [moment.astimezone(PACIFIC) for moment in moments]
    is_open = [6 <= each.hour < 16 and each.weekday() < 5 and each.date() not in holidays for each in local]
    open_minutes = [number for number, each in enumerate(is_open) if each]
    different, passed = 0, 0
    for number in range(minutes):
        different += SUPPORT.is_open(moments[number]) is not is_open[number]
        passed += number > 0 and is_open[number - 1]
        if number % 7 == 0:  # a due time for each seventh minute: 1.5 hours of every week-day's minutes in turn
            due = moments[open_minutes[passed + ALLOWANCE - 1]] + MINUTE
            different += SUPPORT.due_by(moments[number], MINUTE * ALLOWANCE) != due
    print(f"{minutes:,} minutes of {FIRST.year}-{LAST.year - 1} compared, {different} differences")
    return min(different, 1)


if __name__ == "__main__":
    sys.exit(main())
