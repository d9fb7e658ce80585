"""The effect ledger: every outward effect happens once, or says why not.

```
none -> in_flight(lease, epoch, fingerprint) -> done(what it made)
              |-> retry_later(not_before)   the service refused for now, or was never reached: nothing happened
              |-> failed(reason)            the service refused for good: a person corrects and starts again
              `-> in_doubt -> looked for: found -> done | absent, safe to repeat -> in_flight | else -> parked: a person
```

The intent is committed before the call. A key with another request is an error. Whoever moves a row names the epoch it
saw, so two can't both. The lease is read again right before the bytes leave (`assert_permitted`, called by the clients'
transports), and bytes that write leave with a permit only. This engine alone sends a write again; the SDKs never do.
No ledger, no effect.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from policies.confidentiality import Confidential, PublicText, revealed
from settings import SettingsIncomplete, settings
from tasks import clock, database, ledger, runs
from tasks.database import Transaction

if TYPE_CHECKING:
    from prefect import Task


class IfAbsent(StrEnum):
    """What to do when an effect in doubt is looked for and not found."""

    REPEAT = "repeat"  # the service itself takes the same thing only once, or the look-up misses nothing
    PARK = "park"  # a second effect would be worse than none


@dataclass(frozen=True)
class Made:
    """What an effect made or changed: its id in the service, and where a person looks at it."""

    id: str
    url: str = ""


@dataclass(frozen=True)
class NothingHappened:
    """The service said no for now (429, Retry-After), or was never reached. `after`: seconds, None for a back-off."""

    reason: str
    after: float | None = None


@dataclass(frozen=True)
class LockedOut:
    """The token is refused (401): nothing happened, and nothing will before a person acts."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The service said no for good (4xx, validation)."""

    reason: str


@dataclass(frozen=True)
class AlreadyThere:
    """The service holds something under this key (422 already_exists, 409): a success if it is what we wanted."""

    reason: str


@dataclass(frozen=True)
class Unclear:
    """Nobody knows (time-out, reset, 5xx, an answer that can't be read)."""

    reason: str


Failure = NothingHappened | LockedOut | Refused | AlreadyThere | Unclear


@dataclass(frozen=True)
class Write:
    """One outward effect, described before it happens.

    once: the business key, `procedure/subject/step`. It never expires.
    target: what a person reads in the audit; ids and codenames only.
    request: all that decides what the service does. Its hash is the fingerprint.
    send: one call of one write method; a coroutine function for `aperform` only.
    find: looks for the effect, given when it was first intended; raises `Different` when something else stands there.
    explain: reads an exception of `send`.
    preview: stands for the result in a dry run.
    budget: how many there may be of its kind; what is over it is not sent.
    lasting: whether `find` can see at any time that things are as wanted. Then nothing is sent for what is there
        already, and what a person has undone since is not done again in silence.
    """

    once: str
    service: str
    action: str
    target: str
    request: Mapping[str, object]
    send: Callable[[], Made] | Callable[[], Awaitable[Made]]
    find: Callable[[datetime], Made | None] | Callable[[datetime], Awaitable[Made | None]]
    explain: Callable[[Exception], Failure]
    preview: Made
    if_absent: IfAbsent = IfAbsent.REPEAT
    lasting: bool = False
    budget: ledger.Budget | None = None


class Different(Exception):
    """Something else stands where the effect should be; the message says what."""


class EffectError(Exception):
    """An effect did not happen, or nobody knows. The message says what to do; it holds no confidential text."""

    def __init__(self, write: Write, sentence: str) -> None:
        super().__init__(f"{write.service}: {write.action} {write.target}: {sentence} [{write.once}]")


class EffectRefused(EffectError):
    """The service refused it. Correct the cause and start the procedure again."""


class EffectPostponed(EffectError):
    """Not now: rate limit, outage, refused token, or another run at work on it. Start again later; nothing is lost."""


class EffectInDoubt(EffectError):
    """The answer never came and looking failed too. The next run looks again."""


class EffectParked(EffectError):
    """A person must look: `make ledger` lists what is parked and how to settle it."""


class Undone(EffectError):
    """It was done once, and somebody has undone it since."""


class OverBudget(EffectError):
    """There have been as many of its kind as there may be."""


class KeyReused(EffectError):
    """The key already stands for another request."""


class OutsideLedger(Exception):
    """Code tried to write to a service without the ledger's permit."""


class LeaseLost(Exception):
    """The permit ran out or another run took the effect over; nothing was sent."""


Permit = tuple[ledger.Grant, ...] | Literal["without ledger"]
_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)
ROUNDS_A_RUN = 5
FRESH = 0.9  # of the lease; as long as so much is left, it has just been granted


def perform(write: Write) -> Made:
    """Has the effect happen once, whoever asks and however often; in a Prefect flow it shows as a task run.

    Raises:
        EffectError: one of its kinds, with the next step.
    """
    run = runs.current()
    if run.dry_run:
        return _note(write, run, "would be done", write.preview)

    def effect() -> Made:
        return _at_once(_steps(write, run))

    return _as_task(write, effect)() if _shows(write) else effect()


async def aperform(write: Write) -> Made:
    """Does what `perform` does, without holding up other coroutines; its functions may be coroutine functions.

    Raises:
        EffectError: one of its kinds, with the next step.
    """
    run = runs.current()
    if run.dry_run:
        return _note(write, run, "would be done", write.preview)

    async def effect() -> Made:
        return await _in_time(_steps(write, run))

    return await (_as_task(write, effect)() if _shows(write) else effect())


async def asend_without_ledger(write: Write) -> Made:
    """Sends once with no ledger behind it: for the text of an emergency while the database is away.

    It may come twice that way. Everywhere else no ledger means no effect.
    """
    with _permitted("without ledger"):
        return await _in_time(_sent_once(write))


def perform_together(
    writes: Sequence[Write], send: Callable[[Sequence[Write]], Sequence[Made | Exception]]
) -> list[Made | EffectError]:
    """Does what `perform` does for several effects of one service, with one call for all that are to be sent.

    send: one call of the service. Gives for each write what it made, or what went wrong with it alone; raises what went
        wrong with the whole call.

    Gives for each write what it made, or why not: one that fails does not hold up the others.
    """
    run = runs.current()
    if run.dry_run:
        return [_note(write, run, "would be done", write.preview) for write in writes]

    def effects() -> list[Made | EffectError]:
        return _Together([_Lane(write, _steps(write, run)) for write in writes], send).work()

    shown = [write for write in writes if _shows(write)]
    return _as_task(_named_together(shown), effects)() if shown else effects()


def problems(outcomes: Iterable[Made | EffectError]) -> list[str]:
    """Gives what went wrong with some of several effects, a sentence each."""
    return [str(each) for each in outcomes if isinstance(each, EffectError)]


def _named_together(writes: Sequence[Write]) -> Write:
    """Gives what names their task run in Prefect."""
    first, more = writes[0], len(writes) - 1
    return replace(first, target=f"{first.target} and {more} more") if more else first


def _sent_once(write: Write) -> _Steps[Made]:
    return (yield _Call(write.send))


def _shows(write: Write) -> bool:
    """Says whether Prefect gets a task run for it: a task run costs 20 ms, so what is done already gets none."""
    return runs.in_prefect() and not ledger.is_done(write.once)


def _as_task(write: Write, effect: Callable[[], Any]) -> Task[[], Any]:
    from prefect import Task
    from prefect.cache_policies import NO_CACHE

    return Task(
        effect,
        name=f"{write.service}: {write.action}",
        task_run_name=f"{write.action} {write.target}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def _note(write: Write, run: runs.Run, outcome: Literal["done", "already there", "would be done"], made: Made) -> Made:
    run.outcomes.append(runs.Outcome(write.service, write.action, write.target, outcome, made.url))
    return made


def assert_permitted() -> None:
    """Checks, right before bytes that write leave, that the ledger granted this attempt and that it still holds.

    Raises:
        OutsideLedger: no effect is being performed.
        LeaseLost: the lease is over or the epoch has moved on.
    """
    permit = _permit.get()
    if permit is None:
        raise OutsideLedger("A write must be described as an effects.Write and go through effects.perform.")
    for grant in () if permit == "without ledger" else permit:
        # Nobody may take over before the lease ends, so a look at the ledger tells more only near that end.
        if grant.lease_until - clock.wall() < FRESH * grant.intent.lease and not ledger.holds(grant):
            raise LeaseLost(grant.key)


@dataclass(frozen=True)
class _Commit:
    """A step of the engine: a transaction of the ledger."""

    transaction: Transaction[..., Any]
    args: tuple[Any, ...]


@dataclass(frozen=True)
class _Call:
    """A step of the engine: a call of the service."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _Pause:
    """A step of the engine: a wait, in seconds."""

    seconds: float


# The engine decides and asks; a driver does, at once or without holding up others. So there is one engine for both.
_Answer = TypeVar("_Answer")
_Steps = Generator[_Commit | _Call | _Pause, Any, _Answer]


def _at_once(steps: _Steps[Made]) -> Made:
    outcome = _Outcome()
    while isinstance(step := outcome.tell(steps), _Commit | _Call | _Pause):
        outcome = _taken(step)
    return step


def _taken(step: _Commit | _Call | _Pause) -> _Outcome:
    """Takes a step of the engine."""
    try:
        match step:
            case _Commit(transaction, args):
                return _Outcome(transaction(*args))
            case _Call(function, args):
                return _Outcome(function(*args))
            case _Pause(seconds):
                return _Outcome(clock.sleep(seconds))
    except Exception as error:  # the engine reads it
        return _Outcome(error=error)


async def _in_time(steps: _Steps[Made]) -> Made:
    outcome = _Outcome()
    while isinstance(step := outcome.tell(steps), _Commit | _Call | _Pause):
        try:
            match step:
                case _Commit(transaction, args):
                    outcome = _Outcome(await database.commit(transaction, *args))
                case _Call(function, args) if inspect.iscoroutinefunction(function):
                    outcome = _Outcome(await function(*args))
                case _Call(function, args):
                    outcome = _Outcome(await asyncio.to_thread(function, *args))
                case _Pause(seconds):
                    outcome = _Outcome(await clock.asleep(seconds))
        except Exception as error:  # the engine reads it
            outcome = _Outcome(error=error)
    return step


@dataclass(frozen=True)
class _Outcome:
    """What came of a step."""

    answer: Any = None
    error: Exception | None = None

    def tell(self, steps: _Steps[Made]) -> _Commit | _Call | _Pause | Made:
        """Gives the engine's next step, or what it ends with."""
        try:
            return steps.throw(self.error) if self.error else steps.send(self.answer)
        except StopIteration as end:
            return end.value


class _Lane:
    """One of several effects that are performed together: its engine, with a permit of its own."""

    def __init__(self, write: Write, steps: _Steps[Made]) -> None:
        self.write = write
        self._steps = steps
        self._context = copy_context()
        self.result: Made | EffectError | None = None
        self.step: _Commit | _Call | _Pause | None = None
        self.tell(_Outcome())

    @property
    def sends(self) -> bool:
        """Says whether the next step is to send."""
        return isinstance(self.step, _Call) and self.step.function is self.write.send

    @property
    def grants(self) -> tuple[ledger.Grant, ...]:
        """Gives what permits it to send."""
        permit = self._context.get(_permit)
        assert isinstance(permit, tuple)
        return permit

    def go_on(self) -> None:
        """Takes the next step."""
        assert self.step
        self.tell(self._context.run(_taken, self.step))

    def tell(self, outcome: _Outcome) -> None:
        """Tells the engine what came of its step, and keeps its next one, or what it ends with."""
        self.step = None
        try:
            answer = self._context.run(outcome.tell, self._steps)
        except EffectError as error:
            self.result = error
            return
        if isinstance(answer, Made):
            self.result = answer
        else:
            self.step = answer


@dataclass(frozen=True)
class _Together:
    """The driver of several engines: what all of them are about to send goes out in one call."""

    lanes: Sequence[_Lane]
    send: Callable[[Sequence[Write]], Sequence[Made | Exception]]

    def work(self) -> list[Made | EffectError]:
        while at_work := [lane for lane in self.lanes if lane.step]:
            # Whoever has a permit sends before anybody waits: it doesn't hold for ever.
            quick = [lane for lane in at_work if not lane.sends and not isinstance(lane.step, _Pause)]
            sending = [lane for lane in at_work if lane.sends]
            if quick:
                for lane in quick:
                    lane.go_on()
            elif sending:
                self._send(sending)
            else:
                at_work[0].go_on()
        return [lane.result for lane in self.lanes if lane.result]

    def _send(self, lanes: Sequence[_Lane]) -> None:
        outcomes: Sequence[_Outcome]
        try:
            with _permitted(tuple(grant for lane in lanes for grant in lane.grants)):
                answers = self.send([lane.write for lane in lanes])
            outcomes = [_Outcome(error=each) if isinstance(each, Exception) else _Outcome(each) for each in answers]
        except Exception as error:  # the engines read it
            outcomes = [_Outcome(error=error)] * len(lanes)
        for lane, outcome in zip(lanes, outcomes, strict=True):
            lane.tell(outcome)


def _steps(write: Write, run: runs.Run) -> _Steps[Made]:
    if write.lasting and (yield _Commit(ledger.is_settled, (write.once,))):
        there = yield from _present(write)
        if there:
            return _note(write, run, "already there", there)
    give_up = clock.monotonic() + settings().patience
    for _ in range(ROUNDS_A_RUN):
        grant = yield from _claim(write, run, give_up)
        if isinstance(grant, ledger.Grant) and grant.in_doubt:
            grant = yield from _look(write, grant)
        made = (yield from _send(write, grant)) if isinstance(grant, ledger.Grant) else grant
        if made:
            return _note(write, run, "done", made)
    (row,) = ledger.rows(keys=[write.once])
    raise EffectPostponed(write, f"{row.reason} {ROUNDS_A_RUN} rounds did not settle it. Start the run again later.")


def _claim(write: Write, run: runs.Run, give_up: float) -> _Steps[Made | ledger.Grant]:
    """Waits until the effect is ours to send, or somebody has done it."""
    while True:
        match (yield _Commit(ledger.claim, (write.once, _intent(write, run), write.budget))):
            case ledger.OverBudget(budget):
                raise OverBudget(write, f"there have been {budget.places} of {budget.scope} already. Nothing was sent.")
            case ledger.Finished(made_id, made_url, at):
                if write.lasting and not (yield from _present(write)):
                    raise Undone(
                        write,
                        f"it was done at {at:%Y-%m-%d %H:%M} UTC and is gone since. If it shall be done again, "
                        "`make ledger` shows how to allow that.",
                    )
                return Made(made_id, made_url)
            case ledger.Wait(seconds, reason):
                if clock.monotonic() + seconds > give_up:
                    raise EffectPostponed(write, f"{reason} Start the run again in {seconds:.0f} seconds or later.")
                yield _Pause(seconds)
            case ledger.OtherRequest(state, made_url):
                raise KeyReused(
                    write,
                    f"this key already stands for another request ({state} {made_url}). Nothing was sent. Change "
                    "what is there by hand, or see `make ledger` for how to allow it.",
                )
            case grant:
                return grant


def _present(write: Write) -> _Steps[Made | None]:
    """Looks whether things are as wanted, while no attempt of ours is open."""
    try:
        return (yield _Call(write.find, (clock.wall(),)))
    except Different as other:
        raise EffectRefused(write, str(other)) from None
    except Exception as error:
        reason = _explained(write, error).reason
        raise EffectPostponed(write, f"{reason} Nothing was sent. Start the run again.") from None


def _send(write: Write, grant: ledger.Grant) -> _Steps[Made | None]:
    """Sends once. None: the ledger has noted why not, and must be asked again."""
    try:
        with _permitted((grant,)):
            made = yield _Call(write.send)
    except LeaseLost:
        return None
    except Exception as error:  # whatever the SDK raises: `explain` knows it, or calls it unclear
        failure = _explained(write, error)
    else:
        return made if (yield _Commit(ledger.finish, (grant, made.id, made.url))) else None
    match failure:
        case NothingHappened(reason, after):
            yield _Commit(ledger.retry_later, (grant, reason, after))
        case LockedOut(reason):
            yield _Commit(ledger.retry_later, (grant, reason, 0.0))
            raise EffectPostponed(write, reason)
        case Refused(reason):
            yield _Commit(ledger.fail, (grant, reason))
            raise EffectRefused(write, reason)
        case AlreadyThere(reason) | Unclear(reason):
            yield _Commit(ledger.doubt, (grant, reason))
    return None


def _look(write: Write, grant: ledger.Grant) -> _Steps[Made | ledger.Grant | None]:
    """Looks for an effect in doubt. Gives what it found, a grant to send again, or None when another run took over."""
    for pause in settings().look_again_after:
        if not (yield _Commit(ledger.renew, (grant, timedelta(seconds=pause)))):
            return None
        yield _Pause(pause)
        try:
            found = yield _Call(write.find, (grant.intent_at,))
        except Different as other:
            raise (yield from _parked(write, grant, str(other))) from None
        except Exception as error:
            reason = f"Looking for it failed: {_explained(write, error).reason}"
            yield _Commit(ledger.doubt, (grant, reason))
            raise EffectInDoubt(write, f"{reason} Start the run again; it will look first.") from None
        if found:
            return found if (yield _Commit(ledger.finish, (grant, found.id, found.url))) else None
    if write.if_absent is IfAbsent.PARK:
        raise (yield from _parked(write, grant, "Its answer never came, and it can't be found."))
    return (yield _Commit(ledger.send_again, (grant,)))


def _parked(write: Write, grant: ledger.Grant, reason: str) -> _Steps[EffectParked]:
    yield _Commit(ledger.park, (grant, reason))
    return EffectParked(write, f"{reason} It waits for a person: `make ledger` shows how to settle it.")


@contextmanager
def _permitted(permit: Permit) -> Generator[None]:
    token = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(token)


def _intent(write: Write, run: runs.Run) -> ledger.Intent:
    return ledger.Intent(
        fingerprint=fingerprint(write),
        service=write.service,
        action=write.action,
        target=write.target,
        procedure=run.procedure,
        run_id=run.id,
        started_by=run.started_by,
        lease=timedelta(seconds=settings().lease_seconds),
    )


def fingerprint(write: Write) -> str:
    """Hashes what the service would be asked to do, with confidential parts as they are."""
    asked = {"service": write.service, "action": write.action, "target": write.target, "request": dict(write.request)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    match value:
        case Confidential():
            return revealed(value)
        case PublicText():
            return str(value)
        case _:
            raise TypeError(
                f"A request holds {type(value).__name__}, which has no canonical form. Give text or numbers."
            )


def _explained(write: Write, error: Exception) -> Failure:
    """Reads what went wrong, without the request's confidential parts: services like to repeat what they refuse."""
    failure = LockedOut(str(error)) if isinstance(error, SettingsIncomplete) else write.explain(error)
    reason = failure.reason
    secrets = [str(revealed(value)) for value in write.request.values() if isinstance(value, Confidential)]
    for secret in filter(None, secrets):
        reason = reason.replace(secret, "***")
    return replace(failure, reason=reason)
