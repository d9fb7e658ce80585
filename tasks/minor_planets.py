"""The list of minor planets that lies beside the policy."""

from __future__ import annotations

import csv
from functools import cache

from settings import ROOT


@cache
def names() -> tuple[str, ...]:
    """Gives the name of every minor planet, in the order of their numbers, read once a process."""
    with (ROOT / "policies" / "minor_planets.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row["name"] for row in csv.DictReader(file))
