"""The text of a P0 while the database is away: sent all the same, since Slack tells of a press once and never again.

It stands in the log (stderr) instead of the ledger. A message gets one in five minutes, as far as this process knows.
"""

from __future__ import annotations

import logging

from policies.events import Event, SlackAction
from policies.support import out_of_hours as policy
from settings import handbook
from tasks import clock, slack, sms

LOG = logging.getLogger(__name__)
_texted: dict[str, float] = {}


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
