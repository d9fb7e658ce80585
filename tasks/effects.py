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

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from prefect import Task
from prefect.cache_policies import NO_CACHE

from policies.confidentiality import Confidential, PublicText, revealed
from settings import settings
from tasks import clock, ledger, runs


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
    send: one call of one write method.
    find: looks for the effect, given when it was first intended; raises `Different` when something else stands there.
    explain: reads an exception of `send`.
    preview: stands for the result in a dry run.
    lasting: whether `find` can see at any time that things are as wanted. Then nothing is sent for what is there
        already, and what a person has undone since is not done again in silence.
    """

    once: str
    service: str
    action: str
    target: str
    request: Mapping[str, object]
    send: Callable[[], Made]
    find: Callable[[datetime], Made | None]
    explain: Callable[[Exception], Failure]
    preview: Made
    if_absent: IfAbsent = IfAbsent.REPEAT
    lasting: bool = False


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


class KeyReused(EffectError):
    """The key already stands for another request."""


class OutsideLedger(Exception):
    """Code tried to write to a service without the ledger's permit."""


class LeaseLost(Exception):
    """The permit ran out or another run took the effect over; nothing was sent."""


_permit: ContextVar[ledger.Grant | None] = ContextVar("permit", default=None)
ROUNDS_A_RUN = 5


def perform(write: Write) -> Made:
    """Has the effect happen once, whoever asks and however often; in a Prefect flow it shows as a task run.

    Raises:
        EffectError: one of its kinds, with the next step.
    """
    run = runs.current()
    if run.dry_run:
        return _note(write, run, "would be done", write.preview)
    if not runs.in_prefect():
        return _perform(write, run)

    def effect() -> Made:
        return _perform(write, run)

    return Task(
        effect,
        name=f"{write.service}: {write.action}",
        task_run_name=f"{write.action} {write.target}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )()


def _note(write: Write, run: runs.Run, outcome: Literal["done", "already there", "would be done"], made: Made) -> Made:
    run.outcomes.append(runs.Outcome(write.service, write.action, write.target, outcome, made.url))
    return made


def assert_permitted() -> None:
    """Checks, right before bytes that write leave, that the ledger granted this attempt and that it still holds.

    Raises:
        OutsideLedger: no effect is being performed.
        LeaseLost: the lease is over or the epoch has moved on.
    """
    grant = _permit.get()
    if grant is None:
        raise OutsideLedger("A write must be described as an effects.Write and go through effects.perform.")
    if not ledger.holds(grant):
        raise LeaseLost(grant.key)


def _perform(write: Write, run: runs.Run) -> Made:
    if write.lasting and ledger.is_settled(write.once) and (there := _present(write)):
        return _note(write, run, "already there", there)
    give_up = clock.monotonic() + settings().patience
    for _ in range(ROUNDS_A_RUN):
        grant = _claim(write, run, give_up)
        if isinstance(grant, ledger.Grant) and grant.in_doubt:
            grant = _look(write, grant)
        made = _send(write, grant) if isinstance(grant, ledger.Grant) else grant
        if made:
            return _note(write, run, "done", made)
    (row,) = ledger.rows(keys=[write.once])
    raise EffectPostponed(write, f"{row.reason} {ROUNDS_A_RUN} rounds did not settle it. Start the run again later.")


def _claim(write: Write, run: runs.Run, give_up: float) -> Made | ledger.Grant:
    """Waits until the effect is ours to send, or somebody has done it."""
    while True:
        match ledger.claim(write.once, _intent(write, run)):
            case ledger.Grant() as grant:
                return grant
            case ledger.Finished(made_id, made_url, at):
                if write.lasting and not _present(write):
                    raise Undone(
                        write,
                        f"it was done at {at:%Y-%m-%d %H:%M} UTC and is gone since. If it shall be done again, "
                        "`make ledger` shows how to allow that.",
                    )
                return Made(made_id, made_url)
            case ledger.Wait(seconds, reason):
                if clock.monotonic() + seconds > give_up:
                    raise EffectPostponed(write, f"{reason} Start the run again in {seconds:.0f} seconds or later.")
                clock.sleep(seconds)
            case ledger.OtherRequest(state, made_url):
                raise KeyReused(
                    write,
                    f"this key already stands for another request ({state} {made_url}). Nothing was sent. Change "
                    "what is there by hand, or see `make ledger` for how to allow it.",
                )


def _present(write: Write) -> Made | None:
    """Looks whether things are as wanted, while no attempt of ours is open."""
    try:
        return write.find(clock.wall())
    except Different as other:
        raise EffectRefused(write, str(other)) from None
    except Exception as error:
        reason = _without_secrets(write, write.explain(error)).reason
        raise EffectPostponed(write, f"{reason} Nothing was sent. Start the run again.") from None


def _send(write: Write, grant: ledger.Grant) -> Made | None:
    """Sends once. None: the ledger has noted why not, and must be asked again."""
    try:
        with _permitted(grant):
            made = write.send()
    except LeaseLost:
        return None
    except Exception as error:  # whatever the SDK raises: `explain` knows it, or calls it unclear
        failure = _without_secrets(write, write.explain(error))
    else:
        return made if ledger.finish(grant, made.id, made.url) else None
    match failure:
        case NothingHappened(reason, after):
            ledger.retry_later(grant, reason, after)
        case LockedOut(reason):
            ledger.retry_later(grant, reason, 0)
            raise EffectPostponed(write, reason)
        case Refused(reason):
            ledger.fail(grant, reason)
            raise EffectRefused(write, reason)
        case AlreadyThere(reason) | Unclear(reason):
            ledger.doubt(grant, reason)
    return None


def _look(write: Write, grant: ledger.Grant) -> Made | ledger.Grant | None:
    """Looks for an effect in doubt. Gives what it found, a grant to send again, or None when another run took over."""
    for pause in settings().look_again_after:
        if not ledger.renew(grant, timedelta(seconds=pause)):
            return None
        clock.sleep(pause)
        try:
            found = write.find(grant.intent_at)
        except Different as other:
            raise _parked(write, grant, str(other)) from None
        except Exception as error:
            reason = f"Looking for it failed: {_without_secrets(write, write.explain(error)).reason}"
            ledger.doubt(grant, reason)
            raise EffectInDoubt(write, f"{reason} Start the run again; it will look first.") from None
        if found:
            return found if ledger.finish(grant, found.id, found.url) else None
    if write.if_absent is IfAbsent.PARK:
        raise _parked(write, grant, "Its answer never came, and it can't be found.")
    return ledger.send_again(grant)


def _parked(write: Write, grant: ledger.Grant, reason: str) -> EffectParked:
    ledger.park(grant, reason)
    return EffectParked(write, f"{reason} It waits for a person: `make ledger` shows how to settle it.")


@contextmanager
def _permitted(grant: ledger.Grant) -> Generator[None]:
    token = _permit.set(grant)
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


def _without_secrets(write: Write, failure: Failure) -> Failure:
    """Services like to repeat what they refuse: takes the request's confidential parts out of the reason."""
    reason = failure.reason
    secrets = [str(revealed(value)) for value in write.request.values() if isinstance(value, Confidential)]
    for secret in filter(None, secrets):
        reason = reason.replace(secret, "***")
    return replace(failure, reason=reason)
