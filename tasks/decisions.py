"""Decisions by people: who decided what, when, and what exactly lay before them. The first one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, select

from tasks import clock
from tasks.database import Transaction, insert_if_absent, metadata, reading
from tasks.ledger import UtcDateTime

decisions = Table(
    "decisions",
    metadata,
    Column("procedure", String(80), primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("decision", String(60), nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("shown", Text, nullable=False),
)


@dataclass(frozen=True)
class Decision:
    """What was decided. `shown`: what lay before them, or its hash where it is personal."""

    decision: str
    decided_by: str
    at: datetime
    shown: str


@Transaction
def record(
    connection: Connection,
    procedure: str,
    subject: str,
    decision: str,
    decided_by: str,
    shown: str = "",
    at: datetime | None = None,
) -> Decision:
    """Records a decision. Gives the one that stands: this one, or another that came first.

    at: when it was made, where that is not now.
    """
    at = at or clock.wall()
    insert_if_absent(
        connection,
        decisions,
        procedure=procedure,
        subject=subject,
        decision=decision,
        decided_by=decided_by,
        at=at,
        shown=shown,
    )
    return _found(connection, procedure, subject) or Decision(decision, decided_by, at, shown)


@Transaction
def on(connection: Connection, procedure: str, subject: str) -> Decision | None:
    """Gives what was decided, if somebody has."""
    return _found(connection, procedure, subject)


def _found(connection: Connection, procedure: str, subject: str) -> Decision | None:
    wanted = (decisions.c.procedure == procedure) & (decisions.c.subject == subject)
    row = connection.execute(select(decisions).where(wanted)).one_or_none()
    return Decision(row.decision, row.decided_by, row.at, row.shown) if row else None


def last(procedure: str, *, below: str) -> Decision | None:
    """Gives the latest decision on a subject that begins so: for what may be decided anew."""
    wanted = (decisions.c.procedure == procedure) & decisions.c.subject.startswith(below, autoescape=True)
    with reading() as connection:
        row = connection.execute(select(decisions).where(wanted).order_by(decisions.c.at.desc())).first()
    return Decision(row.decision, row.decided_by, row.at, row.shown) if row else None
