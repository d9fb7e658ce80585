"""The only module that reads the clock."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import requests

from settings import settings


def now() -> datetime:
    """Gives the time in UTC. With a sandbox it is the sandbox's, which people and tests set."""
    if fixed := settings().fixed_time:
        return fixed
    return datetime.now(UTC) + (_offset() if settings().sandbox_url else timedelta())


def _offset() -> timedelta:
    """Gives how far the sandbox's clock is ahead, asked once a second; none when it doesn't say."""
    asked, known = _asked.get("sandbox", (-1.0, timedelta()))
    if monotonic() - asked < 1:
        return known
    with suppress(requests.RequestException, KeyError, ValueError):
        answer = requests.get(f"{settings().sandbox_url}/_sandbox/clock", timeout=1)
        known = datetime.fromisoformat(answer.json()["now"]) - datetime.now(UTC)
    _asked["sandbox"] = monotonic(), known
    return known


_asked: dict[str, tuple[float, timedelta]] = {}


def wall() -> datetime:
    """Gives the real time in UTC, for leases: they measure how long a process has had, whatever day it plays."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


async def asleep(seconds: float) -> None:
    """Waits, and lets others work meanwhile."""
    await asyncio.sleep(seconds)


def monotonic() -> float:
    """Gives seconds that never jump."""
    return time.monotonic()
