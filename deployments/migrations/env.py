"""Alembic's environment: the ledger's tables in the database of HANDBOOK_DATABASE_URL."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from deployments import inbox, runs_continued
from tasks import cases, deadlines, decisions, ledger, remembered
from tasks.database import engine, metadata


def as_plain_type(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Writes our time type as the plain one it is stored as, so that old migrations don't depend on our code."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, ledger.UtcDateTime) else False


TABLES = (inbox, runs_continued, cases, deadlines, decisions, ledger, remembered)  # importing them names their tables

with engine().connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, render_item=as_plain_type)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
