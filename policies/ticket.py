"""The nouns of Unthread: tickets, their messages, who works on them. What people wrote is shown nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from policies.confidentiality import Confidential
from policies.customer import Refused

Status = Literal["open", "in_progress", "on_hold", "closed"]
Priority = Literal["P0", "P1", "P2", "P3"]
Tier = Literal["Free", "Premium", "Ultimate"]
PRIORITIES: tuple[Priority, ...] = ("P0", "P1", "P2", "P3")
TIERS: tuple[Tier, ...] = ("Free", "Premium", "Ultimate")
OPEN_STATES: tuple[Status, ...] = ("open", "in_progress", "on_hold")

_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{2,79}"
_ADDRESS = re.compile(rf"https?://[^\s/]+(?:/[^\s/?#]+)*/({_ID})/?(?:[?#]\S*)?")


@dataclass(frozen=True)
class Ticket:
    """A conversation in Unthread."""

    id: str
    number: int  # what people call it by
    status: str
    title: Confidential[str]
    text: Confidential[str]  # of its first message
    customer: str  # the id of the customer in Unthread, "" for nobody's
    assignee: str  # the id of the user in Unthread, "" for nobody
    priority: int | None
    created_at: datetime
    closed_at: datetime | None
    url: str
    changed_at: datetime  # anything about it, a message among others
    status_since: datetime

    @property
    def is_closed(self) -> bool:
        """Says whether it is closed."""
        return self.status == "closed"


@dataclass(frozen=True)
class TicketMessage:
    """A message of a ticket, or a note that only the team sees."""

    id: str
    ticket: str
    text: Confidential[str]
    user: str  # who wrote it: an id in Unthread or in Slack, "" when there is none
    at: datetime
    is_note: bool = False  # that only the team sees
    by_app: bool = False  # what an app says for itself; a customer's mail that it brings is the customer's


@dataclass(frozen=True)
class TicketUser:
    """A team member in Unthread."""

    id: str
    name: str
    mailbox: str
    slack: str  # the member's id in Slack, "" when Unthread doesn't say


@dataclass(frozen=True)
class TicketCustomer:
    """A customer in Unthread."""

    id: str
    name: Confidential[str]
    channel: str = ""  # of theirs in Slack, by id
    tags: tuple[str, ...] = ()


def ticket_id(given: str) -> str:
    """Gives a ticket's id from that or from its address.

    Raises:
        Refused: it is neither.
    """
    text = given.strip()
    if re.fullmatch(_ID, text):
        return text
    if found := _ADDRESS.fullmatch(text):
        return found[1]
    raise Refused(
        f"{len(text)} characters in the list of tickets are no ticket of Unthread. Open the ticket there and copy its "
        "address, or the id at the end of it."
    )
