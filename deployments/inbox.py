"""The inbox: every delivery once, with what was decided about it, committed before the sender gets its 2xx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Index, Row, String, Table, Text, delete, func, select, update

from deployments.deliveries import Delivery
from policies.events import facts
from tasks import cases, clock
from tasks.database import Transaction, insert_if_absent, metadata, reading
from tasks.ledger import UtcDateTime


class State(StrEnum):
    WAITING = "waiting"  # nothing could be decided yet: the gateway had just been started, or the names have a mistake
    IGNORED = "ignored"  # there was a reason to do nothing
    TAKEN = "taken"  # it opened a case, or belongs to one that is open or settled already


inbox = Table(
    "inbox",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("what", String(100), nullable=False),
    Column("facts", Text),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("received_at", UtcDateTime, nullable=False),
    Index("inbox_by_state", "state", "received_at"),
)


@dataclass(frozen=True)
class Opening:
    """A case that an event opens."""

    procedure: str
    subject: str
    urgent: bool


@dataclass(frozen=True)
class Verdict:
    """What was decided about an event: the cases it opens, or the reasons to do nothing."""

    openings: Sequence[Opening] = ()
    reasons: Sequence[str] = ()


@Transaction
def receive(connection: Connection, delivery: Delivery, verdict: Verdict | None) -> list[Opening]:
    """Takes in a delivery and opens the cases it asks for. Gives those that are new, none when it is known already.

    verdict: None when nothing has been decided yet.
    """
    state = State.WAITING if verdict is None else State.TAKEN if verdict.openings else State.IGNORED
    stored = facts(delivery.event) if delivery.event else None
    is_new = insert_if_absent(
        connection,
        inbox,
        source=delivery.source,
        id=delivery.id,
        what=delivery.what,
        facts=stored,
        state=state,
        reason=" ".join(verdict.reasons) or None if verdict else None,
        received_at=clock.wall(),
    )
    if not is_new or verdict is None:
        return []
    return _opened(connection, f"{delivery.source} {delivery.id}", stored or "", verdict.openings)


@Transaction
def decide(connection: Connection, row: Row[Any], verdict: Verdict) -> list[Opening]:
    """Notes what was decided about a delivery that had to wait. Gives the new cases."""
    waiting = (inbox.c.source == row.source) & (inbox.c.id == row.id) & (inbox.c.state == State.WAITING)
    state = State.TAKEN if verdict.openings else State.IGNORED
    moved = update(inbox).where(waiting).values(state=state, reason=" ".join(verdict.reasons) or None)
    if connection.execute(moved).rowcount != 1:
        return []
    return _opened(connection, f"{row.source} {row.id}", row.facts, verdict.openings)


def _opened(connection: Connection, by: str, stored: str, openings: Sequence[Opening]) -> list[Opening]:
    return [
        each
        for each in openings
        if cases.open_case.within(connection, each.procedure, each.subject, by, stored, each.urgent)
    ]


def waiting() -> list[Row[Any]]:
    """Gives the deliveries about which nothing has been decided, oldest first."""
    wanted = select(inbox).where(inbox.c.state == State.WAITING).order_by(inbox.c.received_at).limit(1000)
    with reading() as connection:
        return list(connection.execute(wanted))


def ignored(since: datetime, limit: int = 200) -> list[Row[Any]]:
    """Gives what was ignored and why, the newest first."""
    wanted = select(inbox).where(inbox.c.state == State.IGNORED, inbox.c.received_at >= since)
    with reading() as connection:
        return list(connection.execute(wanted.order_by(inbox.c.received_at.desc()).limit(limit)))


def counts(since: datetime) -> Sequence[tuple[str, str, str, str | None, int]]:
    """Gives how many deliveries there were by source, kind, state and reason, the most first."""
    parts = (inbox.c.source, inbox.c.what, inbox.c.state, inbox.c.reason)
    number = func.count().label("number")
    wanted = select(*parts, number).where(inbox.c.received_at >= since).group_by(*parts).order_by(number.desc())
    with reading() as connection:
        return [(row.source, row.what, row.state, row.reason, row.number) for row in connection.execute(wanted)]


@Transaction
def forget(connection: Connection, before: datetime) -> None:
    """Deletes what was received before a moment. The cases stay: a key never expires."""
    connection.execute(delete(inbox).where(inbox.c.received_at < before, inbox.c.state != State.WAITING))
