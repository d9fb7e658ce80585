"""The worker's ear: Prefect's server says that there is something to do, so that nobody waits for the next poll."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import anyio
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter
from prefect.events.schemas.events import Event
from prefect.logging import get_logger

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between two attempts to connect

logger = get_logger("worker.wakeup")


class Rounds:
    """Does one thing again and again: when asked, and at least every `seconds`.

    A round is never begun while another is under way: whoever asks in between gets one more after it, however many ask.
    """

    def __init__(self, work: Callable[[], Awaitable[object]], seconds: float, longest: float = 10.0) -> None:
        self._work, self._seconds, self._longest = work, seconds, longest
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Asks for a round now."""
        self._asked.set()

    async def go_on(self) -> None:
        """Makes rounds until cancelled. A round that fails, or takes longer than `longest` seconds, is given up."""
        while True:
            with anyio.move_on_after(self._seconds):
                await self._asked.wait()
            self._asked.clear()
            try:
                with anyio.fail_after(self._longest):
                    await self._work()
            except Exception as problem:
                logger.warning("The server gave no answer (%r). The next look comes in %.0f s.", problem, self._seconds)


async def listen(events: EventFilter, heard: Callable[[Event | None], None]) -> None:
    """Hands every event to `heard` until cancelled, and None at each new connection, for what was missed before it.

    When the server goes away it tries again, with pauses that grow.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            async with get_events_subscriber(events, reconnection_attempts=0) as stream:
                pause = FIRST_PAUSE
                heard(None)
                async for event in stream:
                    heard(event)
        except Exception as problem:
            logger.warning("The server's events don't come (%r). Next attempt within %.1f s.", problem, pause)
        await anyio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - many workers shouldn't come back at once
        pause = min(2 * pause, LONGEST_PAUSE)
