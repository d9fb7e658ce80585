"""The text of a P0 while the database is away: sent all the same, since Slack tells of a press once and never again.

It stands in the log (stderr) instead of the ledger. A message gets one in five minutes, as far as this process knows.
The press is kept in memory, and goes its usual way once the database is back: with a text that can be answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from deployments.deliveries import Delivery
from policies.events import Event, SlackAction, facts
from policies.support import out_of_hours as policy
from settings import handbook
from tasks import clock, slack, sms

LOG = logging.getLogger(__name__)
AGAIN = 1.0  # seconds
_texted: dict[str, float] = {}


class Kept:
    """The presses whose text is out and which the database does not know of."""

    def __init__(self, take: Callable[[Delivery], Awaitable[None]]) -> None:
        self._take = take
        self._kept: dict[str, Delivery] = {}
        self._working: asyncio.Task[None] | None = None

    async def text(self, delivery: Delivery) -> bool:
        """Texts for a press of P0, and keeps it. False: it is none, or the text is not out."""
        if not await texted(delivery.event):
            return False
        LOG.critical("Kept in memory until the database is back: %s", facts(delivery.event) if delivery.event else "")
        self._kept.setdefault(delivery.id, delivery)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._take_in())
        return True

    async def _take_in(self) -> None:
        while self._kept:
            await clock.asleep(AGAIN)
            for id, delivery in list(self._kept.items()):
                try:
                    await self._take(delivery)
                except Exception:  # the database is still away
                    break
                del self._kept[id]
                LOG.critical("The database is back: took in the press %s.", id)


async def texted(event: Event | None) -> bool:
    """Texts the VP of Customer Success for a press of P0 by the message's sender. Says whether the text is out."""
    if not isinstance(event, SlackAction) or not policy.is_emergency_of_its_sender(event):
        return False
    asked, now = policy.request_of(event), clock.monotonic()
    if now - _texted.get(asked.key, -policy.ONE_TEXT_IN.total_seconds()) < policy.ONE_TEXT_IN.total_seconds():
        return True
    vp = handbook().role("vp_of_customer_success")
    words = f"{policy.text_of_last_resort(asked)} {slack.link(asked.channel, asked.ts)}"
    try:
        made = await sms.text_without_ledger(vp.phone, words, once=f"without-ledger/{asked.key}", target=vp.handle)
    except Exception as error:  # nothing is left to try; Slack shows the person that it failed
        LOG.critical("The text for %s failed, and the database is away: %s", asked.key, type(error).__name__)
        return False
    _texted[asked.key] = now
    LOG.critical("The database is away: texted %s for %s without the ledger, %s", vp.handle, asked.key, made.id)
    return True
