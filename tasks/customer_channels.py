"""The channels that the out-of-hours notice runs in: a Prefect variable that ops change, with a copy of our own.

The copy is what counts while Prefect can't be reached: a customer who writes at night must not wait for it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

from policies.support import out_of_hours as policy
from settings import handbook, settings
from tasks import clock, database, prefect_api, remembered
from tasks.effects import Failure, Made, Unclear, Write, aperform

VARIABLE = "out_of_hours_channels"
FRESH = 30.0  # seconds
PATIENCE = 3.0  # seconds for Prefect to answer; then the copy counts

_one_at_a_time = asyncio.Lock()  # Prefect sets a variable as a whole: two changes at once would lose one
_known: dict[str, tuple[float, list[str]]] = {}  # by database, so that another one is not mixed up with it


async def listed() -> list[str]:
    """Gives the channels' ids: from Prefect, else from the copy, else handbook.toml's start value."""
    channels, now = known(), clock.monotonic()
    if now - _known[_here()][0] < FRESH:
        return channels
    _known[_here()] = (now, channels)  # whoever asks meanwhile makes do with these
    return await refresh()


def known() -> list[str]:
    """Gives what `refresh` found last, without asking anybody; before the first time, the copy."""
    if _here() not in _known:
        kept = _copy()
        _known[_here()] = (-FRESH, _start_value() if kept is None else kept)
    return _known[_here()][1]


async def refresh() -> list[str]:
    """Asks Prefect for the list, and keeps it."""
    try:
        async with asyncio.timeout(PATIENCE):
            channels = await _variable()
    except Exception:  # whatever keeps Prefect from answering: the copy is there for it
        kept = _copy()
        channels = _start_value() if kept is None else kept
    else:
        if channels != _copy():
            await database.commit(remembered.keep, VARIABLE, json.dumps(channels))
    _known[_here()] = (clock.monotonic(), channels)
    return channels


async def change(channel: str, how: policy.Change, *, once: str) -> Made:
    """Adds a channel to the list, or takes it off."""

    async def send() -> Made:
        from prefect.variables import Variable

        async with _one_at_a_time:
            await Variable.aset(VARIABLE, list(policy.changed(await _variable(), channel, how)), overwrite=True)
        _known.pop(_here(), None)
        return _made()

    async def find(_: datetime) -> Made | None:
        return _made() if (channel in await _variable()) == (how == "add") else None

    request = {"channel": channel, "change": how}
    action = f"{how} channel"
    write = Write(once, "Prefect", action, channel, request, send, find, _explain, _made(), lasting=True)
    return await aperform(write)


def _explain(error: Exception) -> Failure:
    return Unclear(f"Prefect did not take the variable ({type(error).__name__}).")


async def _variable() -> list[str]:
    async with prefect_api.client() as client:
        found = await client.read_variable_by_name(VARIABLE)
    value: Any = found.value if found else None
    return _start_value() if value is None else [str(each) for each in value]


def _start_value() -> list[str]:
    return list(handbook().out_of_hours.channels)


def _made() -> Made:
    from prefect.settings import PREFECT_UI_URL

    return Made(VARIABLE, f"{PREFECT_UI_URL.value() or ''}/variables")


def _here() -> str:
    return settings().database_url.get_secret_value()


def _copy() -> list[str] | None:
    kept = remembered.read(VARIABLE)
    return None if kept is None else json.loads(kept)
