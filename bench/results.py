"""The figures of a measurement: printed as a table, and kept in bench/results.json beside those of the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

RESULTS = Path(__file__).with_name("results.json")


def percentile(values: Iterable[float], share: float) -> float:
    """Gives the value below which a share of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Puts what was measured in the place of an earlier measurement of that name."""
    RESULTS.write_text(json.dumps(_all() | {name: found}, indent=2) + "\n", encoding="utf-8")


def kept(name: str) -> dict[str, Any]:
    """Gives what was measured under a name before."""
    return _all().get(name, {})


def _all() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def show(found: Mapping[str, Any], indent: int = 0) -> None:
    """Prints nested figures as a table."""
    for name, value in found.items():
        if not isinstance(value, Mapping):
            print(f"{' ' * indent}{name:<{44 - indent}} {value}", flush=True)
            continue
        inside = cast("Mapping[str, Any]", value)
        if any(isinstance(each, Mapping) for each in inside.values()):
            print(f"{' ' * indent}{name}", flush=True)
            show(inside, indent + 2)
        else:
            figures = ", ".join(f"{key} {each}" for key, each in inside.items())
            print(f"{' ' * indent}{name:<{44 - indent}} {figures}", flush=True)
