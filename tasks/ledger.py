"""The ledger's rows: one an effect, moved by compare-and-set on its epoch, and a history that only grows.

The history is the audit trail: who had which effect done, when, with what outcome and link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Dialect,
    Integer,
    Row,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from tasks import clock
from tasks.database import Prepared, Transaction, engine, insert_if_absent, insert_soon, metadata, reading


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out, on databases that know time zones and on those that don't."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


LONG_AGO = datetime.min.replace(tzinfo=UTC)


class State(StrEnum):
    IN_FLIGHT = "in_flight"
    DONE = "done"
    RETRY_LATER = "retry_later"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    PARKED = "parked"


NOTHING_HAPPENED = {State.RETRY_LATER, State.FAILED}
SETTLED = NOTHING_HAPPENED | {State.DONE}

effects = Table(
    "effects",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("service", String(40), nullable=False),
    Column("action", String(80), nullable=False),
    Column("target", String(300), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("intent_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("made_id", String(300)),
    Column("made_url", Text),
    Column("reason", Text),
    Column("procedure", String(120), nullable=False),
    Column("run_id", String(120), nullable=False, index=True),
    Column("started_by", String(200), nullable=False),
)

history = Table(
    "effect_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(300), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("run_id", String(120), nullable=False),
    Column("started_by", String(200), nullable=False),
    Column("reason", Text),
)

reservations = Table(
    "reservations",
    metadata,
    Column("scope", String(60), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("scope", "owner", name="one_name_an_owner"),
)


_MOVE = Prepared(update(effects).where(effects.c.key == bindparam("of_key"), effects.c.epoch == bindparam("of_epoch")))


@dataclass(frozen=True)
class Intent:
    """What is about to be done, and on whose behalf."""

    fingerprint: str
    service: str
    action: str
    target: str
    procedure: str
    run_id: str
    started_by: str
    lease: timedelta


@dataclass(frozen=True)
class Grant:
    """The right to make one attempt, until the lease ends or the epoch moves on."""

    key: str
    epoch: int
    intent: Intent
    intent_at: datetime
    in_doubt: bool = False
    lease_until: datetime = LONG_AGO


@dataclass(frozen=True)
class Finished:
    """It has been done."""

    made_id: str
    made_url: str
    at: datetime


@dataclass(frozen=True)
class Wait:
    """Another run is at it, or the service asked to come back later."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class OtherRequest:
    """The key stands for another request."""

    state: State
    made_url: str


@dataclass(frozen=True)
class Budget:
    """How many effects of a kind there may be: `places` of a scope, one an owner."""

    scope: str
    owner: str
    places: int


@dataclass(frozen=True)
class OverBudget:
    """All places of the budget are taken."""

    budget: Budget


Claim = Grant | Finished | Wait | OtherRequest | OverBudget


@Transaction
def claim(connection: Connection, key: str, intent: Intent, budget: Budget | None = None) -> Claim:
    """Commits the intent, or says what stands in its way."""
    now = clock.wall()
    if budget and not _has_place(connection, budget):
        return OverBudget(budget)
    values = _moved(now, State.IN_FLIGHT, lease_until=now + intent.lease) | _described(intent)
    if insert_if_absent(connection, effects, key=key, epoch=1, attempts=1, intent_at=now, **values):
        _note(connection, key, 1, State.IN_FLIGHT, intent)
        return Grant(key, 1, intent, now, lease_until=now + intent.lease)
    row = connection.execute(select(effects).where(effects.c.key == key).with_for_update()).one()
    return _claim_again(connection, row, intent, now)


def _has_place(connection: Connection, budget: Budget) -> bool:
    places = map(str, range(budget.places))
    return reserve.within(connection, budget.scope, budget.owner, places) is not None


def _claim_again(connection: Connection, row: Row[Any], intent: Intent, now: datetime) -> Claim:
    state = State(row.state)
    if row.fingerprint != intent.fingerprint and state not in NOTHING_HAPPENED:
        return OtherRequest(state, row.made_url or "")
    if state is State.DONE:
        return Finished(row.made_id, row.made_url or "", row.updated_at)
    if state is State.RETRY_LATER and row.not_before > now:
        return Wait((row.not_before - now).total_seconds(), row.reason)
    if state in {State.IN_FLIGHT, State.IN_DOUBT} and row.lease_until and row.lease_until > now:
        seconds = (row.lease_until - now).total_seconds()
        return Wait(min(seconds, 0.5) + 0.01, f"Run {row.run_id} is at work on it, or was killed there.")
    doubtful = state not in NOTHING_HAPPENED
    values = _described(intent) if doubtful else _described(intent) | {"intent_at": now}
    lease_until = now + intent.lease
    grant = Grant(row.key, row.epoch, intent, row.intent_at if doubtful else now, doubtful, lease_until)
    return _move(
        connection,
        grant,
        State.IN_DOUBT if doubtful else State.IN_FLIGHT,
        reason=row.reason if doubtful else None,
        epoch=row.epoch + 1,
        attempts=row.attempts + 1,
        lease_until=lease_until,
        **values,
    ) or Wait(0.01, "Another run has just taken it.")


@Transaction
def is_settled(connection: Connection, key: str) -> bool:
    """Says whether no attempt at the effect is open: never tried, done, or surely without effect."""
    state = _state(connection, key)
    return state is None or state in SETTLED


@Transaction
def is_done(connection: Connection, key: str) -> bool:
    """Says whether the effect has happened."""
    return _state(connection, key) is State.DONE


def _state(connection: Connection, key: str) -> State | None:
    found = connection.execute(select(effects.c.state).where(effects.c.key == key)).scalar_one_or_none()
    return State(found) if found else None


def holds(grant: Grant) -> bool:
    """Says whether the attempt may still send."""
    with reading() as connection:
        row = connection.execute(select(effects.c.epoch, effects.c.lease_until).where(effects.c.key == grant.key)).one()
    return row.epoch == grant.epoch and row.lease_until is not None and row.lease_until > clock.wall()


@Transaction
def finish(connection: Connection, grant: Grant, made_id: str, made_url: str) -> bool:
    """Records what the effect made. False: another run holds the effect by now."""
    return _move(connection, grant, State.DONE, made_id=made_id, made_url=made_url) is not None


@Transaction
def fail(connection: Connection, grant: Grant, reason: str) -> bool:
    """Records that the service refused it for good."""
    return _move(connection, grant, State.FAILED, reason=reason) is not None


@Transaction
def retry_later(connection: Connection, grant: Grant, reason: str, after: float | None) -> bool:
    """Records that nothing happened; `after` seconds from now, or after a back-off, it may be tried again."""
    seconds = after if after is not None else min(30.0, 0.25 * 2**grant.epoch)
    not_before = clock.wall() + timedelta(seconds=seconds)
    return _move(connection, grant, State.RETRY_LATER, reason=reason, not_before=not_before) is not None


@Transaction
def doubt(connection: Connection, grant: Grant, reason: str) -> bool:
    """Records that nobody knows, and lets go of the lease: whoever claims it next looks first."""
    return _move(connection, grant, State.IN_DOUBT, reason=reason) is not None


@Transaction
def park(connection: Connection, grant: Grant, reason: str) -> bool:
    """Records that a person must decide."""
    return _move(connection, grant, State.PARKED, reason=reason) is not None


@Transaction
def renew(connection: Connection, grant: Grant, longer: timedelta) -> bool:
    """Starts the lease anew, `longer` than usual, while looking for an effect in doubt."""
    changed = (
        update(effects)
        .where(effects.c.key == grant.key, effects.c.epoch == grant.epoch)
        .values(lease_until=clock.wall() + grant.intent.lease + longer)
    )
    return connection.execute(changed).rowcount == 1


@Transaction
def send_again(connection: Connection, grant: Grant) -> Grant | None:
    """Turns a doubt that looking has settled (it is absent) into a new attempt."""
    lease_until = clock.wall() + grant.intent.lease
    moved = _move(connection, grant, State.IN_FLIGHT, epoch=grant.epoch + 1, lease_until=lease_until)
    return replace(moved, in_doubt=False, lease_until=lease_until) if moved else None


@Transaction
def reserve(connection: Connection, scope: str, owner: str, candidates: Iterable[str]) -> str | None:
    """Gives `owner` the first of the candidates that nobody else holds, and the same one every time after.

    None: every candidate is held by another owner.
    """
    for name in candidates:
        if insert_if_absent(connection, reservations, scope=scope, name=name, owner=owner, at=clock.wall()):
            return name
        if held := held_by(connection, scope, owner):
            return held
    return held_by(connection, scope, owner)


def held_by(connection: Connection, scope: str, owner: str) -> str | None:
    """Gives the name that `owner` holds."""
    mine = select(reservations.c.name).where(reservations.c.scope == scope, reservations.c.owner == owner)
    return connection.execute(mine).scalar_one_or_none()


def reserved(scope: str) -> dict[str, str]:
    """Gives every name held in `scope`, with its owner."""
    with reading() as connection:
        held = select(reservations.c.name, reservations.c.owner).where(reservations.c.scope == scope)
        return {row.name: row.owner for row in connection.execute(held)}


def rows(
    *, keys: Iterable[str] | None = None, below: str | None = None, states: Iterable[State] | None = None
) -> list[Row[Any]]:
    """Gives rows of the ledger, oldest first. `below`: what their keys begin with, such as "procedure/subject/"."""
    wanted = select(effects).order_by(effects.c.intent_at, effects.c.key)
    if keys is not None:
        wanted = wanted.where(effects.c.key.in_(list(keys)))
    if below is not None:
        wanted = wanted.where(_begins_with(below))
    if states is not None:
        wanted = wanted.where(effects.c.state.in_(list(states)))
    with reading() as connection:
        return list(connection.execute(wanted))


def _begins_with(text: str) -> Any:
    """SQLite's LIKE reads every row, a range doesn't; in PostgreSQL ranges go by language, LIKE by characters."""
    if engine().dialect.name == "sqlite":
        return (effects.c.key >= text) & (effects.c.key < f"{text}\U0010ffff")
    return effects.c.key.startswith(text, autoescape=True)


def history_of(key: str) -> list[Row[Any]]:
    """Gives every state an effect has been in, oldest first."""
    with reading() as connection:
        return list(connection.execute(select(history).where(history.c.key == key).order_by(history.c.id)))


def settle(key: str, person: str, why: str, made_url: str | None) -> State:
    """Applies a person's decision: done, at `made_url`; or, with None, allowed to be sent again by the next run.

    Raises:
        LookupError: the ledger has no such key.
        ValueError: an attempt is under way.
    """
    now = clock.wall()
    with engine().begin() as connection:
        row = connection.execute(select(effects).where(effects.c.key == key).with_for_update()).one_or_none()
        if row is None:
            raise LookupError(f'The ledger has no effect "{key}". `make ledger` lists the keys.')
        if row.lease_until and row.lease_until > now and row.state in {State.IN_FLIGHT, State.IN_DOUBT}:
            raise ValueError(
                f'Run {row.run_id} is at work on "{key}" until {row.lease_until:%H:%M:%S} UTC. Wait for it.'
            )
        intent = Intent(
            row.fingerprint, row.service, row.action, row.target, row.procedure, row.run_id, person, timedelta()
        )
        state = State.RETRY_LATER if made_url is None else State.DONE
        made = {} if made_url is None else {"made_id": made_url, "made_url": made_url}
        not_before = now if state is State.RETRY_LATER else None
        _move(
            connection,
            Grant(key, row.epoch, intent, row.intent_at),
            state,
            reason=why,
            epoch=row.epoch + 1,
            not_before=not_before,
            **made,
        )
        return state


def _move(connection: Connection, grant: Grant, state: State, **values: Any) -> Grant | None:
    """Moves the row if its epoch is still the one the grant saw, and notes it in the history."""
    values = _moved(clock.wall(), state, **values)
    if _MOVE.execute(connection, {"of_key": grant.key, "of_epoch": grant.epoch, **values}).rowcount != 1:
        return None
    now_at = replace(grant, epoch=values.get("epoch", grant.epoch))
    _note(connection, grant.key, now_at.epoch, state, grant.intent, values.get("reason"))
    return now_at


def _moved(now: datetime, state: State, **values: Any) -> dict[str, Any]:
    return {"state": state, "updated_at": now, "lease_until": None, "not_before": None, "reason": None} | values


def _described(intent: Intent) -> dict[str, Any]:
    return {
        "fingerprint": intent.fingerprint,
        "service": intent.service,
        "action": intent.action,
        "target": intent.target,
        "procedure": intent.procedure,
        "run_id": intent.run_id,
        "started_by": intent.started_by,
    }


def _note(
    connection: Connection, key: str, epoch: int, state: State, intent: Intent, reason: str | None = None
) -> None:
    moved: dict[str, Any] = {"key": key, "epoch": epoch, "state": state, "at": clock.wall(), "reason": reason}
    insert_soon(connection, history, moved | {"run_id": intent.run_id, "started_by": intent.started_by})
