"""One database for the ledger: SQLite on one machine, PostgreSQL on several, chosen by one URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, update_wrapper
from pathlib import Path
from sqlite3 import SQLITE_BUSY
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, Insert, MetaData, Table, Update, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler

from settings import settings

CARRIED_FOR = 0.05  # seconds that a transaction waits for another to go along with
metadata = MetaData()


@cache
def engine() -> Engine:
    """Gives the engine of `HANDBOOK_DATABASE_URL`. Every transaction on SQLite takes the write lock at its start."""
    return connect(settings().database_url.get_secret_value())


def connect(url: str, patience: float = 30) -> Engine:
    """Builds an engine. A forked child must not share it: `dispose(close=False)` there.

    patience: seconds for others to let go of SQLite's write lock.
    """
    where = make_url(url)
    if where.get_backend_name() != "sqlite":
        return create_engine(where, pool_pre_ping=True)
    if where.database:
        Path(where.database).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(where, connect_args={"timeout": patience})
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
    if not connection.get_execution_options().get("only_reads"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def reading() -> Generator[Connection]:
    """Gives a connection for reading, which waits for nobody who writes."""
    with engine().connect().execution_options(only_reads=True) as connection:
        yield connection


P = ParamSpec("P")
R = TypeVar("R")


class Transaction(Generic[P, R]):
    """A function on a connection that is a whole transaction when it is called without one.

    It may be run a second time when a commit that it shared with others has failed, so it changes nothing else.
    """

    def __init__(self, body: Callable[Concatenate[Connection, P], R]) -> None:
        self.within = body
        update_wrapper(self, body)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        with engine().begin() as connection:
            return self.within(connection, *args, **kwargs)


@dataclass(frozen=True)
class Waiting:
    """A transaction that waits for its commit, and the future that gets its answer."""

    transaction: Transaction[..., Any]
    args: tuple[Any, ...]
    future: asyncio.Future[Any]

    @classmethod
    def of(cls, transaction: Transaction[..., Any], args: tuple[Any, ...]) -> Waiting:
        """Makes one in the running loop."""
        return cls(transaction, args, asyncio.get_running_loop().create_future())


class GroupCommit:
    """Commits the transactions of many coroutines at once: one write to the disk for all that wait.

    Each caller is answered after the commit. One that fails does not take the others with it. SQLite commits in the
    event loop, since handing a millisecond's work to a thread takes longer; other databases commit in a thread. While
    another process holds SQLite, nothing else can be done here: that is waited for a second, not longer.
    """

    MOST = 200  # transactions a commit, so that none waits long
    SOON = 0.01  # seconds
    PATIENCE = 1.0  # seconds

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._soon: list[Waiting] = []
        self._engine, self._thread = engine(), ThreadPoolExecutor(1, "group-commit")
        if self._engine.dialect.name == "sqlite":
            self._engine, self._thread = connect(settings().database_url.get_secret_value(), self.PATIENCE), None
        self._is_at_work = False

    async def run(self, transaction: Transaction[..., R], *args: Any) -> R:
        """Runs a transaction together with whatever else is waiting.

        Raises:
            Exception: what the transaction, or its commit, raised.
        """
        waiting = Waiting.of(transaction, args)
        self.submit(waiting)
        return await waiting.future

    async def run_soon(self, transaction: Transaction[..., R], *args: Any) -> R:
        """Runs a transaction that nobody waits for within a few milliseconds, so that more can share its commit."""
        waiting = Waiting.of(transaction, args)
        self._soon.append(waiting)
        if len(self._soon) == 1:
            asyncio.get_running_loop().call_later(self.SOON, self._submit_soon)
        return await waiting.future

    def submit(self, *together: Waiting) -> None:
        """Hands in transactions that are committed at once, in this order."""
        self._waiting.extend(together)
        if self._waiting and not self._is_at_work:
            self._is_at_work = True
            asyncio.get_running_loop().call_soon(self._work)

    async def close(self) -> None:
        """Waits until what has been handed in is committed."""
        self._submit_soon()
        while self._is_at_work:
            await asyncio.sleep(0.01)
        if self._thread:
            self._thread.shutdown()
        else:
            self._engine.dispose()

    def _submit_soon(self) -> None:
        together, self._soon = self._soon, []
        if together:
            self.submit(*together)

    def _work(self) -> None:
        """Commits what waits; whatever comes meanwhile is the next batch."""
        batch, self._waiting = self._waiting[: self.MOST], self._waiting[self.MOST :]
        if self._thread is None:
            self._answered(batch, _committed(self._engine, batch))
        else:
            loop, thread = asyncio.get_running_loop(), self._thread
            done = thread.submit(_committed, self._engine, batch)
            done.add_done_callback(lambda each: loop.call_soon_threadsafe(self._answered, batch, each.result()))

    def _answered(self, batch: Sequence[Waiting], answers: Sequence[Any]) -> None:
        _answer(batch, answers)
        self._is_at_work = bool(self._waiting)
        if self._is_at_work:
            asyncio.get_running_loop().call_soon(self._work)


_group: ContextVar[GroupCommit | None] = ContextVar("group", default=None)
_carried: ContextVar[list[Waiting] | None] = ContextVar("carried", default=None)


@contextmanager
def committing_together(group: GroupCommit) -> Generator[None]:
    """Has the effects of what is inside share their commits with others."""
    token = _group.set(group)
    try:
        yield
    finally:
        _group.reset(token)


@contextmanager
def carrying(waiting: Waiting) -> Generator[None]:
    """Has a transaction go along with the first commit of what is inside; alone when that does not come soon."""
    group, carried = _group.get(), [waiting]
    assert group, "Only a group of commits carries."

    def submit() -> None:
        group.submit(*carried)
        carried.clear()

    late = asyncio.get_running_loop().call_later(CARRIED_FOR, submit)
    token = _carried.set(carried)
    try:
        yield
    finally:
        _carried.reset(token)
        late.cancel()
        submit()


async def commit(transaction: Transaction[..., R], *args: Any) -> R:
    """Runs a transaction: in a group where there is one, with what is carried there, else alone."""
    if not (group := _group.get()):
        return transaction(*args)
    carried = _carried.get()
    if not carried:
        return await group.run(transaction, *args)
    waiting = Waiting.of(transaction, args)
    group.submit(*carried, waiting)
    carried.clear()
    return await waiting.future


async def commit_soon(transaction: Transaction[..., R], *args: Any) -> R:
    """Runs a transaction that nothing waits for."""
    if not (group := _group.get()) or _carried.get():
        return await commit(transaction, *args)
    return await group.run_soon(transaction, *args)


def _committed(on: Engine, batch: Sequence[Waiting]) -> list[Any]:
    try:
        with on.begin() as connection, gathering_rows(connection):
            return [each.transaction.within(connection, *each.args) for each in batch]
    except Exception as error:
        if len(batch) == 1 or _is_locked(error):
            return [error] * len(batch)
    return [_committed(on, [each])[0] for each in batch]


def _is_locked(error: Exception) -> bool:
    """Says whether another process holds SQLite: then each transaction alone would fare no better."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == SQLITE_BUSY


def _answer(batch: Sequence[Waiting], answers: Sequence[Any]) -> None:
    # What was handed in last goes on first: it leads to an effect, what it carried to an acknowledgement.
    for each, answer in zip(reversed(batch), reversed(answers), strict=True):
        if each.future.done():
            continue
        if isinstance(answer, Exception):
            each.future.set_exception(answer)
        else:
            each.future.set_result(answer)


@contextmanager
def gathering_rows(connection: Connection) -> Generator[None]:
    """Has `insert_soon` insert at the end of a transaction, all rows of a table with one statement."""
    rows: dict[Table, list[dict[str, Any]]] = {}
    connection.info["rows"] = rows
    try:
        yield
        for table, values in rows.items():
            _plain_insertion(table).execute(connection, *values)
    finally:
        del connection.info["rows"]


def insert_soon(connection: Connection, table: Table, values: dict[str, Any]) -> None:
    """Inserts a row that nobody reads before the commit."""
    rows: dict[Table, list[dict[str, Any]]] | None = connection.info.get("rows")
    if rows is None:
        _plain_insertion(table).execute(connection, values)
    else:
        rows.setdefault(table, []).append(values)


def insert_if_absent(connection: Connection, table: Table, **values: Any) -> bool:
    """Inserts a row unless one of its unique keys is taken. Says whether it did."""
    result = _insertion(table, connection.dialect.name).execute(connection, values)
    return result.first() is not None if result.returns_rows else result.rowcount == 1


@cache
def _insertion(table: Table, dialect: str) -> Prepared:
    if dialect == "sqlite":
        return Prepared(sqlite.insert(table).on_conflict_do_nothing())
    # psycopg counts no rows here
    return Prepared(postgresql.insert(table).on_conflict_do_nothing().returning(*table.primary_key.columns))


@cache
def _plain_insertion(table: Table) -> Prepared:
    return Prepared(table.insert())


class Prepared:
    """A statement that changes rows, compiled once: SQLAlchemy's way to a statement costs more than the statement.

    Values get the same conversions as without it.
    """

    def __init__(self, statement: Insert | Update) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], SQLCompiler] = {}

    def execute(self, connection: Connection, *rows: dict[str, Any]) -> CursorResult[Any]:
        """Executes it with the values of a row, or once for several."""
        names = (connection.dialect.name, *rows[0])
        if names not in self._compiled:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
            self._compiled[names] = compiled
        compiled = self._compiled[names]
        values = [_parameters(compiled, row) for row in rows]
        return connection.exec_driver_sql(compiled.string, values if len(values) > 1 else values[0])


def _parameters(compiled: SQLCompiler, row: dict[str, Any]) -> Any:
    """Puts values into the form and order that the driver takes."""
    convert = cast("dict[str, Callable[[Any], Any]]", compiled._bind_processors)  # pyright: ignore
    ready = {name: convert[name](value) if name in convert else value for name, value in row.items()}
    order = cast("list[str] | None", compiled.positiontup)  # pyright: ignore
    return tuple(ready[name] for name in order) if order else ready
