"""Lists what came in, what became of it and why: `make inbox`.

make inbox                                    deliveries of the last day, counted by source, kind, state and reason
make inbox ARGS="--hours 72"                  of the last three days
make inbox ARGS="--ignored"                   each delivery that needed nothing, the newest first, with the reasons
make inbox ARGS="--open"                      each case that is not settled, waits for a person, or was refused during
                                              the last day (--hours), the oldest first
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta

from deployments import inbox
from tasks import cases, clock

WIDTH = 160  # characters, where the output goes into a file
NARROWEST = 30  # characters of the last column
MOST = 500  # rows of single deliveries


def main() -> int:
    arguments = _arguments()
    since = clock.wall() - timedelta(hours=arguments.hours)
    if arguments.open:
        said = _open_cases(since)
    elif arguments.ignored:
        said = _ignored(since)
    else:
        said = _counts(since)
    print("\n".join(said))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0, help="how far back to look (24)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ignored", action="store_true", help="each delivery that needed nothing")
    which.add_argument("--open", action="store_true", help="each case that is not settled, or was refused")
    return parser.parse_args()


def _counts(since: datetime) -> list[str]:
    counted = inbox.counts(since)
    if not counted:
        return [f"Nothing has come in since {_shown(since)} UTC."]
    rows = [(str(number), source, what, state, reason or "") for source, what, state, reason, number in counted]
    total = sum(number for *_, number in counted)
    return [f"{total} deliveries since {_shown(since)} UTC.", "", *_table(("Number", *COLUMNS), rows)]


COLUMNS = ("From", "What", "State", "Reason")


def _ignored(since: datetime) -> list[str]:
    rows = [
        (_shown(row.received_at), row.source, row.id, row.what, row.reason or "") for row in inbox.ignored(since, MOST)
    ]
    if not rows:
        return [f"Nothing has been ignored since {_shown(since)} UTC."]
    return _table(("At (UTC)", "From", "Id", "What", "Reason"), rows)


def _open_cases(since: datetime) -> list[str]:
    found = [*cases.parked_cases(), *cases.open_cases(before=clock.wall()), *cases.refused_cases(since)]
    rows = [
        (_shown(row.opened_at), row.state, row.procedure, row.subject, str(row.generation + 1), row.reason or "")
        for row in sorted(found, key=lambda row: row.opened_at)
    ]
    if not rows:
        return ["Every case is settled."]
    return _table(("Since (UTC)", "State", "Procedure", "Subject", "Runs", "Last reason"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lays rows out under their columns. The last column takes what is left of the line, and goes on below."""
    cells = [columns, *([_plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns) - 1)]
    left = max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns - sum(widths) - 2 * len(widths))
    return [line for row in cells for line in _lines(row, widths, left)]


def _lines(row: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    begin = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
    first, *others = textwrap.wrap(row[-1], left, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{begin}{first}".rstrip(), *(f"{'':<{len(begin)}}{other}" for other in others)]


def _plain(cell: str) -> str:
    """Takes out what a terminal would obey; a reason may repeat a service's words."""
    return "".join(letter if letter.isprintable() else " " for letter in cell)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


if __name__ == "__main__":
    sys.exit(main())
