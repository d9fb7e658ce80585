"""Small things that must be known after a restart: copies of what others keep, and how far a look has come."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import Column, Connection, String, Table, Text, delete, select, update

from tasks import clock, runs
from tasks.database import Transaction, insert_if_absent, metadata, reading
from tasks.ledger import UtcDateTime

LAST_SWEEP = "last sweep"  # when the sweeper came round, for those who watch over it

remembered = Table(
    "remembered",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)


def read(name: str) -> str | None:
    """Gives what was kept under a name, if anything."""
    with reading() as connection:
        return read_within(connection, name)


def read_within(connection: Connection, name: str) -> str | None:
    """Gives it as a transaction sees it."""
    return connection.execute(select(remembered.c.value).where(remembered.c.name == name)).scalar_one_or_none()


def several(names: Collection[str]) -> dict[str, str]:
    """Gives the values that are kept under these names, by name."""
    wanted = select(remembered.c.name, remembered.c.value).where(remembered.c.name.in_(list(names)))
    with reading() as connection:
        return {row.name: row.value for row in connection.execute(wanted)}


def below(name: str) -> dict[str, str]:
    """Gives the values that are kept under names that begin so, by name."""
    wanted = select(remembered.c.name, remembered.c.value).where(remembered.c.name.startswith(name, autoescape=True))
    with reading() as connection:
        return {row.name: row.value for row in connection.execute(wanted)}


@Transaction
def keep(connection: Connection, name: str, value: str) -> None:
    """Keeps a value in the place of the one before."""
    if not insert_if_absent(connection, remembered, name=name, value=value, at=clock.wall()):
        now = {"value": value, "at": clock.wall()}
        connection.execute(update(remembered).where(remembered.c.name == name).values(**now))


@Transaction
def first(connection: Connection, name: str, value: str) -> str:
    """Keeps a value unless there is one. Gives the one that stands, so that a second run says the same as the first."""
    if insert_if_absent(connection, remembered, name=name, value=value, at=clock.wall()):
        return value
    return read_within(connection, name) or ""


@Transaction
def forget(connection: Connection, names: Collection[str]) -> None:
    """Forgets what was kept under these names."""
    connection.execute(delete(remembered).where(remembered.c.name.in_(list(names))))


def agreed(name: str, value: str) -> str:
    """Gives what the first run has said, so that a second one repeats it. A dry run binds nobody."""
    return value if runs.current().dry_run else first(name, value)


@Transaction
def forget_below(connection: Connection, name: str, *, but: str) -> None:
    """Forgets what is kept under names that begin so, except for one."""
    wanted = remembered.c.name.startswith(name, autoescape=True) & (remembered.c.name != but)
    connection.execute(delete(remembered).where(wanted))


@Transaction
def is_time(connection: Connection, name: str, every: timedelta) -> bool:
    """Says whether something that is done once in a while is to be done now, and notes that it is.

    Of two that ask at once, one is told so. A last time in the future comes from a clock that went wrong.
    """
    now = clock.wall()
    if insert_if_absent(connection, remembered, name=name, value="", at=now):
        return True
    last = connection.execute(select(remembered.c.at).where(remembered.c.name == name).with_for_update()).scalar_one()
    if timedelta(0) <= now - last < every:
        return False
    connection.execute(update(remembered).where(remembered.c.name == name).values(at=now))
    return True
