"""What was said in a channel of Slack, with its words, as decisions need it. It is kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from policies.confidentiality import Confidential
from policies.events import SlackMessage


@dataclass(frozen=True)
class Said:
    """A message as a channel's history shows it; of a thread that is the first one, and what was sent to both.

    mentioned: ids of people and user groups, in order.
    reacted, repliers: ids of who did, as far as Slack lists them. lists_all: whether nobody else has replied.
    """

    message: SlackMessage
    text: Confidential[str]
    mentioned: tuple[str, ...] = ()
    reacted: tuple[str, ...] = ()
    repliers: tuple[str, ...] = ()
    lists_all: bool = True
