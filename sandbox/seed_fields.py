"""Checks that a seed names only what the sandbox knows: a misspelt field would otherwise be left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_fields(service: str, seed: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raises ValueError naming the first unknown table or field. `known` maps a table to `[{fields}]`, or to `...`."""
    for table, content in seed.items():
        if table not in known:
            raise ValueError(f"A {service} seed has no {table!r}. It may have {sorted(known)}.")
        if not isinstance(known[table], list):
            continue
        (fields,) = known[table]
        for row in content:
            if unknown := set(row) - fields:
                raise ValueError(f"A row of {service}.{table} has no {sorted(unknown)}. It may have {sorted(fields)}.")
