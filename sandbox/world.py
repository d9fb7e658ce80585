"""What the sandbox remembers: the clock, the calls it got, the effects they had, and the faults still to come."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import ConfigDict, Field
from starlette.responses import Response

from sandbox.webhooks import Webhooks

FaultKind = Literal[
    "crash_before",  # the caller is killed (SIGKILL) before the call has any effect
    "crash_after",  # ... after the effect, before the answer leaves
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "500_before",
    "500_after",
    "429",
    "403_retry_after",
    "401",
    "malformed",  # the effect happens; 200 with a body no client can read
    "ok_false",  # Slack's 200 with ok: false
    "exists_already",  # somebody else does the same thing a moment before
    "vanished",  # the object the call is about is gone
]


@dataclass(frozen=True)
class Effect:
    """One change that a call made in one service: what the tests judge by and what the console shows."""

    number: int
    at: datetime
    service: str  # "github", "salesforce", "slack"
    action: str  # "create label", "update account", "post message"
    target: str  # "fleetdm/fleet customer-pallas", "Account 001...", "#help-customers"
    detail: Mapping[str, Any]
    actor: str  # who did it: the token's owner, or "somebody else" for the exists_already fault
    public: bool  # can anybody on the internet read it?

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(), "detail": dict(self.detail)}


@dataclass(frozen=True)
class Call:
    """One HTTP request as it arrived, and how it was answered."""

    number: int
    at: datetime
    service: str
    method: str
    path: str  # with query string, without the service's prefix
    body: str
    status: int | None  # None: no answer left the sandbox
    milliseconds: float
    fault: str
    effects: int

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass
class Fault:
    """A fault waiting for its call. `skip` matching calls pass first; then it strikes `times` times.

    Raises:
        ValueError: a pattern is no regular expression, or crash_* names nobody to kill.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: FaultKind
    service: str = ""  # "" matches every service
    method: str = ""  # regular expression for all of it
    path: str = ""  # regular expression, searched in the path with query
    skip: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=1)] = 1
    seconds: Annotated[float, Field(ge=0)] = 30.0  # how long a time-out hangs; the Retry-After of 429 and 403
    pid: int = 0  # whom crash_* kills
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for pattern in (self.method, self.path):
            _compile(pattern)
        # kill(0) and kill(-1) would reach the sandbox's whole process group, or everybody's.
        if self.kind.startswith("crash") and (self.pid <= 1 or self.pid == os.getpid()):
            raise ValueError(f'"{self.kind}" needs the pid of the process to kill; {self.pid} is none. Give "pid".')

    def matches(self, service: str, method: str, path: str) -> bool:
        return (
            (not self.service or self.service == service)
            and (not self.method or re.fullmatch(self.method, method) is not None)
            and (not self.path or re.search(self.path, path) is not None)
        )


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f'"{pattern}" is no regular expression ({error}). Escape what is meant literally.') from None


class Service(Protocol):
    """One stand-in. Its ASGI app is mounted under `/<name>`."""

    name: str

    def reset(self) -> None:
        """Forgets everything."""

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds the objects of a seed to what is there. Seeding is no effect and raises ValueError on unknown fields."""
        ...

    def dump(self) -> dict[str, Any]:
        """Gives the whole state as JSON, for tests and the console."""
        ...

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        """Words 401, 403_retry_after, 429, 500_*, ok_false, malformed and vanished the way this service does."""
        ...


class Clock:
    """Real time plus an offset, or a moment that stands still until it is moved."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._frozen: datetime | None = None

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def now(self) -> datetime:
        return self._frozen or datetime.now(UTC) + self._offset

    def set(self, moment: datetime, *, frozen: bool) -> None:
        moment = moment.astimezone(UTC)
        self._frozen = moment if frozen else None
        self._offset = moment - datetime.now(UTC)

    def advance(self, by: timedelta) -> None:
        if self._frozen is not None:
            self._frozen += by
        self._offset += by

    def reset(self) -> None:
        self._offset, self._frozen = timedelta(), None


@dataclass
class World:
    """Everything that the stand-ins share."""

    clock: Clock = field(default_factory=Clock)
    services: dict[str, Service] = field(default_factory=dict[str, Service])
    effects: list[Effect] = field(default_factory=list[Effect])
    calls: deque[Call] = field(default_factory=lambda: deque[Call](maxlen=20_000))
    faults: list[Fault] = field(default_factory=list[Fault])
    latency: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    actor: str = ""  # who makes the call at hand: the token's owner, or "somebody else"
    version: int = 0  # grows with every change, so that the console knows when to look again
    generation: int = 0  # grows with every reset, when numbers begin anew
    public_url: str = ""  # where the sandbox is reached, for the `url` fields of its answers

    def __post_init__(self) -> None:
        self.random = random.Random(0)
        self._numbers = itertools.count(1)
        self._call_numbers = itertools.count(1)
        self.call_counts: Counter[str] = Counter()
        self.webhooks = Webhooks(self)

    def load(self, seed: Mapping[str, Mapping[str, Any]]) -> None:
        """Adds a seed's objects to what is there.

        Raises:
            ValueError: a service or a field is unknown.
        """
        if unknown := set(seed) - set(self.services):
            raise ValueError(f"The sandbox has no service {sorted(unknown)}. It has {sorted(self.services)}.")
        for name, objects in seed.items():
            self.services[name].load(objects)
        self.version += 1

    def record(self, service: str, action: str, target: str, *, public: bool = False, **detail: Any) -> Effect:
        """Notes that a call changed something. Services call it for every write that took effect, and only then."""
        effect = Effect(
            next(self._numbers), self.clock.now(), service, action, target, detail, self.actor or service, public
        )
        self.effects.append(effect)
        return effect

    def next_call_number(self) -> int:
        return next(self._call_numbers)

    def strike(self, service: str, method: str, path: str) -> Fault | None:
        """Gives the fault that hits this call, if one does, and counts it."""
        for fault in self.faults:
            if not fault.matches(service, method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.struck < fault.times:
                fault.struck += 1
                return fault
        return None

    def reset(self) -> None:
        """Forgets everything, in every service; the clock shows real time again."""
        self.effects.clear()
        self.calls.clear()
        self.faults.clear()
        self.latency.clear()
        self.call_counts.clear()
        self.clock.reset()
        self.random.seed(0)
        self.webhooks.reset()
        self._numbers = itertools.count(1)
        self._call_numbers = itertools.count(1)
        for service in self.services.values():
            service.reset()
        self.version += 1
        self.generation += 1
