"""Deadlines: what must happen at a time unless something else happens before. They live in the database.

A process that sleeps until then would be gone after a restart; the sweeper asks what is due.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, String, Table, select, update

from tasks import clock
from tasks.database import Transaction, insert_if_absent, metadata, reading
from tasks.ledger import UtcDateTime

deadlines = Table(
    "deadlines",
    metadata,
    Column("procedure", String(80), primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("settled_at", UtcDateTime),  # when it was met, or when its time had come
)


@Transaction
def set_for(connection: Connection, procedure: str, subject: str, due_at: datetime) -> None:
    """Has a procedure started for a subject when the time comes. Set twice, the first stands."""
    insert_if_absent(connection, deadlines, procedure=procedure, subject=subject, due_at=due_at)


@Transaction
def settle(connection: Connection, procedure: str, subject: str) -> bool:
    """Calls a deadline off, or notes that its time has come. False: that has been done already."""
    open_one = (
        (deadlines.c.procedure == procedure) & (deadlines.c.subject == subject) & deadlines.c.settled_at.is_(None)
    )
    return connection.execute(update(deadlines).where(open_one).values(settled_at=clock.wall())).rowcount == 1


def due(now: datetime) -> list[Row[Any]]:
    """Gives the deadlines whose time has come, the earliest first."""
    wanted = select(deadlines).where(deadlines.c.settled_at.is_(None), deadlines.c.due_at <= now)
    with reading() as connection:
        return list(connection.execute(wanted.order_by(deadlines.c.due_at)))


def next_due() -> datetime | None:
    """Gives when the next deadline is due."""
    wanted = select(deadlines.c.due_at).where(deadlines.c.settled_at.is_(None)).order_by(deadlines.c.due_at).limit(1)
    with reading() as connection:
        return connection.execute(wanted).scalar_one_or_none()
