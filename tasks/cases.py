"""Cases: one a procedure and subject, from the event that opened it until it is settled.

A subject is the business key: a message, an issue, a ticket. However often it is told of, it has one case; the effects
in it have keys of their own in the ledger. What is open and not being worked on, the sweeper starts again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from policies.customer import Refused
from policies.events import Event, event_of
from tasks import clock, database, ledger, runs
from tasks.database import Prepared, Transaction, insert_if_absent, metadata, reading
from tasks.effects import EffectParked, EffectRefused
from tasks.ledger import UtcDateTime

T = TypeVar("T")


class State(StrEnum):
    OPEN = "open"
    DONE = "done"
    IGNORED = "ignored"  # there was a reason to do nothing
    REFUSED = "refused"  # bad input, or a service said no for good: a person corrects it and starts it again
    PARKED = "parked"  # a person must look, and is told in Slack


cases = Table(
    "cases",
    metadata,
    Column("procedure", String(80), primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("state", String(20), nullable=False, index=True),
    Column("reason", Text),
    Column("opened_by", String(200), nullable=False),  # the delivery, or who started it
    Column("opened_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("urgent", Boolean, nullable=False),  # done at once in the gateway; Prefect's run follows
    Column("attempts", Integer, nullable=False),  # in the gateway
    Column("not_before", UtcDateTime),  # of the next attempt in the gateway
    Column("generation", Integer, nullable=False),  # of Prefect's runs
    Column("batch", String(120)),  # what was handed to Prefect together, as one run
    Column("run_id", String(60), index=True),  # that run, once Prefect has it
    Column("handed_at", UtcDateTime),
    Column("facts", Text),  # the event, as JSON: ids and flags only
    Index("cases_to_hand_over", "procedure", "batch", "state"),
)


_SETTLE = Prepared(
    update(cases).where(
        cases.c.procedure == bindparam("of_procedure"),
        cases.c.subject == bindparam("of_subject"),
        cases.c.state != bindparam("other_than"),
    )
)
_is_for_the_record = and_(cases.c.urgent, cases.c.state.in_([State.DONE, State.REFUSED, State.PARKED]))
_is_ready = or_(
    and_(cases.c.urgent.is_(False), cases.c.state == State.OPEN),
    _is_for_the_record,
    and_(cases.c.urgent, cases.c.state == State.OPEN, cases.c.attempts > 0),
)


FIRST_TRY = timedelta(seconds=2)  # the gateway that took the event in begins with it at once


class NothingToDo(Exception):
    """A closer look gave reasons to do nothing; the message says them."""


class Unsettled(Exception):
    """Some of a run's subjects could not be settled; the others were."""


async def each(subjects: Sequence[str], act: Callable[[str], Awaitable[T]]) -> list[T]:
    """Does a procedure for every subject, and settles its case. One that fails does not hold up the others.

    What the gateway or an earlier run has done already is not done again; its effects are noted with their links.

    Raises:
        Exception: what the only subject raised, as it is.
        Unsettled: of several subjects, those that failed, a sentence each.
    """
    made: list[T] = []
    failed: dict[str, Exception] = {}
    run = runs.current()
    known = of(run.procedure, subjects)
    for subject in dict.fromkeys(subjects):
        if subject in known and known[subject].state == State.DONE:
            _note_what_was_done(run, subject)
            continue
        try:
            made.append(await settling(subject, act))
        except NothingToDo:
            continue
        except Exception as error:  # the others go on; it is raised below
            failed[subject] = error
    if failed and len(set(subjects)) == 1:
        raise failed.popitem()[1]
    if failed:
        told = "\n".join(f"{subject}: {error}" for subject, error in failed.items())
        raise Unsettled(f"{len(failed)} of {len(failed) + len(made)} are not settled; the others are done.\n{told}")
    return made


def _note_what_was_done(run: runs.Run, subject: str) -> None:
    run.outcomes.extend(
        runs.Outcome(row.service, row.action, row.target, "done before", row.made_url or "")
        for row in ledger.rows(below=f"{run.procedure}/{subject}/", states=[ledger.State.DONE])
    )


def assert_settled(failed: Mapping[str, Exception]) -> None:
    """Fails a sweep in which some could not be seen to, after it has seen to the others.

    Raises:
        Unsettled: of those that failed, a sentence each.
    """
    if failed:
        told = "\n".join(f"{subject}: {error}" for subject, error in failed.items())
        raise Unsettled(f"{len(failed)} are not settled; the others are.\n{told}")


async def settling(subject: str, act: Callable[[str], Awaitable[T]]) -> T:
    """Does a procedure for one subject and settles its case, or notes why it stays open."""
    run = runs.current()
    try:
        made = await act(subject)
    except Exception as error:
        if not run.dry_run:
            await database.commit_soon(settle, run.procedure, subject, _state_after(error), str(error))
        raise
    if not run.dry_run:
        await database.commit_soon(settle, run.procedure, subject, State.DONE, None)
    return made


def _state_after(error: Exception) -> State:
    match error:
        case NothingToDo():
            return State.IGNORED
        case Refused() | EffectRefused():
            return State.REFUSED
        case EffectParked():
            return State.PARKED
        case _:
            return State.OPEN


@Transaction
def open_case(connection: Connection, procedure: str, subject: str, opened_by: str, facts: str, urgent: bool) -> bool:
    """Opens a case. False: there is one already, whatever became of it."""
    return insert_if_absent(
        connection,
        cases,
        procedure=procedure,
        subject=subject,
        state=State.OPEN,
        opened_by=opened_by,
        opened_at=clock.wall(),
        facts=facts,
        urgent=urgent,
        attempts=0,
        generation=0,
    )


@Transaction
def settle(connection: Connection, procedure: str, subject: str, state: State, reason: str | None) -> None:
    """Notes what came of a case. A run that a person started without an event has none, and needs none."""
    values = {"state": state, "reason": reason, "settled_at": None if state is State.OPEN else clock.wall()}
    which = {"of_procedure": procedure, "of_subject": subject, "other_than": State.DONE}
    _SETTLE.execute(connection, which | values)


@Transaction
def put_off(connection: Connection, procedure: str, subject: str, seconds: float) -> None:
    """Has the gateway try an urgent case again later."""
    later = {"attempts": cases.c.attempts + 1, "not_before": clock.wall() + timedelta(seconds=seconds)}
    connection.execute(update(cases).where(_is(procedure, subject), cases.c.state == State.OPEN).values(**later))


def urgent_now(limit: int = 500) -> list[Row[Any]]:
    """Gives the urgent cases that are to be done now, oldest first."""
    now = clock.wall()
    untried = cases.c.not_before.is_(None) & (cases.c.opened_at < now - FIRST_TRY)
    ready = untried | (cases.c.not_before <= now)
    wanted = select(cases).where(cases.c.state == State.OPEN, cases.c.urgent, ready).order_by(cases.c.opened_at)
    with reading() as connection:
        return list(connection.execute(wanted.limit(limit)))


@Transaction
def hand_over(connection: Connection, procedure: str, batch: str, most: int) -> list[str]:
    """Puts cases that Prefect has no run for into a batch, `most` at the most. Gives their subjects.

    An urgent case comes along once the gateway has done it, or has tried in vain.
    """
    chosen = (
        select(cases.c.subject)
        .where(cases.c.procedure == procedure, cases.c.batch.is_(None), _is_ready)
        .order_by(cases.c.opened_at)
        .limit(most)
    )
    subjects = list(connection.execute(chosen.with_for_update(skip_locked=True)).scalars())
    if subjects:
        ours = (cases.c.procedure == procedure) & cases.c.subject.in_(subjects)
        connection.execute(update(cases).where(ours).values(batch=batch, handed_at=clock.wall()))
    return subjects


@Transaction
def handed(connection: Connection, batch: str, run_id: str) -> None:
    """Notes which run Prefect made of a batch."""
    connection.execute(update(cases).where(cases.c.batch == batch).values(run_id=run_id))


@Transaction
def take_back(connection: Connection, procedure: str, subjects: Sequence[str]) -> None:
    """Has cases handed over anew, their run being lost: open ones, and those whose record that run should have been."""
    lost = (cases.c.procedure == procedure) & cases.c.subject.in_(list(subjects))
    lost &= or_(cases.c.state == State.OPEN, _is_for_the_record)
    anew = {"batch": None, "run_id": None, "handed_at": None, "generation": cases.c.generation + 1}
    connection.execute(update(cases).where(lost).values(**anew))


def without_run() -> dict[str, int]:
    """Gives how many cases of each procedure wait for a run of Prefect."""
    wanted = select(cases.c.procedure, func.count()).where(cases.c.batch.is_(None), _is_ready)
    with reading() as connection:
        return {row[0]: row[1] for row in connection.execute(wanted.group_by(cases.c.procedure))}


def batches_without_run() -> dict[str, tuple[str, list[str]]]:
    """Gives the batches that Prefect may not have got: their procedure and subjects."""
    wanted = select(cases.c.batch, cases.c.procedure, cases.c.subject)
    wanted = wanted.where(cases.c.batch.is_not(None), cases.c.run_id.is_(None)).order_by(cases.c.opened_at)
    found: dict[str, tuple[str, list[str]]] = {}
    with reading() as connection:
        for batch, procedure, subject in connection.execute(wanted):
            found.setdefault(batch, (procedure, []))[1].append(subject)
    return found


def batches_at_work(procedure: str, since: datetime) -> int:
    """Gives how many batches of a procedure that were handed over since then have open cases."""
    at_work = (cases.c.procedure == procedure) & (cases.c.state == State.OPEN) & (cases.c.handed_at >= since)
    with reading() as connection:
        return connection.execute(select(func.count(func.distinct(cases.c.batch))).where(at_work)).scalar_one()


def open_cases(before: datetime) -> list[Row[Any]]:
    """Gives the cases that are still open though they were opened before a moment, oldest first."""
    wanted = select(cases).where(cases.c.state == State.OPEN, cases.c.opened_at < before).order_by(cases.c.opened_at)
    with reading() as connection:
        return list(connection.execute(wanted))


def recorded_by(run_ids: Sequence[str]) -> list[Row[Any]]:
    """Gives the cases that the gateway has done and that these runs were to record, run by run."""
    wanted = select(cases).where(cases.c.run_id.in_(list(run_ids)), _is_for_the_record).order_by(cases.c.run_id)
    with reading() as connection:
        return list(connection.execute(wanted))


def parked_cases() -> list[Row[Any]]:
    """Gives the cases that wait for a person, oldest first."""
    wanted = select(cases).where(cases.c.state == State.PARKED).order_by(cases.c.opened_at)
    with reading() as connection:
        return list(connection.execute(wanted))


def refused_cases(since: datetime) -> list[Row[Any]]:
    """Gives the cases that were refused since a moment, oldest first."""
    wanted = select(cases).where(cases.c.state == State.REFUSED, cases.c.settled_at >= since)
    with reading() as connection:
        return list(connection.execute(wanted.order_by(cases.c.opened_at)))


def event_behind(procedure: str, subject: str) -> Event | None:
    """Gives the event that opened a case; None when a person started the procedure."""
    found = of(procedure, [subject]).get(subject)
    return event_in(found.facts) if found else None


def event_in(facts: str | None) -> Event | None:
    """Gives the event that was stored; None when there is none, or one that this version can't read any more."""
    try:
        return event_of(facts) if facts else None
    except (KeyError, TypeError, ValueError):
        return None


def of(procedure: str, subjects: Iterable[str]) -> dict[str, Row[Any]]:
    """Gives the cases of these subjects."""
    wanted = select(cases).where(cases.c.procedure == procedure, cases.c.subject.in_(list(subjects)))
    with reading() as connection:
        return {row.subject: row for row in connection.execute(wanted)}


def _is(procedure: str, subject: str) -> Any:
    return (cases.c.procedure == procedure) & (cases.c.subject == subject)
