"""Alembic's environment: the ledger's tables in the database of HANDBOOK_DATABASE_URL."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from tasks import ledger
from tasks.database import engine, metadata


def as_plain_type(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Writes our time type as the plain one it is stored as, so that old migrations don't depend on our code."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, ledger.UtcDateTime) else False


with engine().connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, render_item=as_plain_type)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
