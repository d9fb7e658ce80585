"""Runs that were lost and go on as another: which, as which, and the how-manieth time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, func, select, update

from tasks.database import Transaction, insert_if_absent, metadata, reading
from tasks.ledger import UtcDateTime

continued = Table(
    "runs_continued",
    metadata,
    Column("run_id", String(60), primary_key=True),
    Column("number", Integer, nullable=False),  # 1 for the first time, one more for each run after it
    Column("as_run", String(60), index=True),  # the run that goes on for it, or in words why none does
    Column("at", UtcDateTime, nullable=False),  # when it was lost, as Prefect says
)


def of(run_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Gives what is known of lost runs."""
    wanted = select(continued).where(continued.c.run_id.in_(list(run_ids)))
    with reading() as connection:
        return {row.run_id: row for row in connection.execute(wanted)}


@Transaction
def begin(connection: Connection, run_id: str, lost_at: datetime) -> int | None:
    """Notes that a lost run shall go on. Gives the how-manieth time it is; None when that has been settled already.

    A run that somebody has revived, and that was lost another time since, begins to count anew.
    """
    before = select(func.max(continued.c.number)).where(continued.c.as_run == run_id)
    number = (connection.execute(before).scalar_one_or_none() or 0) + 1
    if insert_if_absent(connection, continued, run_id=run_id, number=number, at=lost_at):
        return number
    this = continued.c.run_id == run_id
    row = connection.execute(select(continued).where(this).with_for_update()).one()
    if lost_at > row.at:
        connection.execute(update(continued).where(this).values(number=1, as_run=None, at=lost_at))
        return 1
    return None if row.as_run else row.number


@Transaction
def went_on(connection: Connection, run_id: str, as_run: str) -> None:
    """Notes the run that goes on for it, or why none does."""
    connection.execute(update(continued).where(continued.c.run_id == run_id).values(as_run=as_run))
