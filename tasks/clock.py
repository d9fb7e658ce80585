"""The only module that reads the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from settings import settings


def now() -> datetime:
    """Gives the time in UTC; the sandbox's tests may fix it."""
    return settings().fixed_time or datetime.now(UTC)


def wall() -> datetime:
    """Gives the real time in UTC, for leases: they measure how long a process has had, whatever day it plays."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


def monotonic() -> float:
    """Gives seconds that never jump."""
    return time.monotonic()
