"""One database for the ledger: SQLite on one machine, PostgreSQL on several, chosen by one URL."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from settings import settings

metadata = MetaData()


@cache
def engine() -> Engine:
    """Gives the engine of `HANDBOOK_DATABASE_URL`. Every transaction on SQLite takes the write lock at its start."""
    return connect(settings().database_url.get_secret_value())


def connect(url: str) -> Engine:
    """Builds an engine. A forked child must not share it: `dispose(close=False)` there."""
    where = make_url(url)
    if where.get_backend_name() != "sqlite":
        return create_engine(where, pool_pre_ping=True)
    if where.database:
        Path(where.database).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(where, connect_args={"timeout": 30})
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin_immediately)
    return made


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # SQLAlchemy, not sqlite3, says BEGIN
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def insert_if_absent(connection: Connection, table: Table, **values: Any) -> bool:
    """Inserts a row unless one of its unique keys is taken. Says whether it did."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return connection.execute(row).first() is not None
