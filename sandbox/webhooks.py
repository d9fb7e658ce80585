"""What the stand-ins send out: webhooks, signed as each service signs them, with its time limit and retry rule.

They go to the gateway under test; without one nothing is sent. `PUT /_sandbox/webhooks` sets where, at what pace, and
how badly the network behaves; `GET` gives that and every delivery with its attempts.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

if TYPE_CHECKING:
    from sandbox.world import World

SECRETS = {
    "slack": "sandbox-slack-signing-secret",
    "github": "sandbox-github-webhook-secret",
    "unthread": "sandbox-unthread-webhook-secret",
    "twilio": "sandbox-twilio-auth-token",
}
REMEMBERED = 20_000
_UNREACHED = {"ConnectError", "ConnectTimeout"}
_LOOK_EVERY = 0.005  # seconds
_SHOWN = 1_000  # bytes of an answer

Rate = Annotated[float, Field(ge=0, le=1)]
Signed = tuple[bytes, Mapping[str, str]]  # body and headers of one attempt
Answered = Callable[[str, bytes], None]  # takes content type and body of a 2xx


@dataclass(frozen=True)
class Rule:
    """How long a service waits for a 2xx, and after how many seconds it tries again, each time."""

    limit: float
    waits: Sequence[float] = ()
    only_if_unreached: bool = False  # what has been answered, with whatever status, is not sent again


class Network(BaseModel):
    """Where webhooks go and how the network on the way behaves."""

    model_config = ConfigDict(extra="forbid")

    gateway: str = ""  # "http://127.0.0.1:4400"; "" sends nothing
    pace: Annotated[float, Field(gt=0)] = 1.0  # waits between attempts are multiplied by it, for tests
    lose: Rate = 0  # deliveries that never arrive, not even on a retry
    double: Rate = 0  # deliveries that arrive twice
    delay: tuple[float, float] = (0, 0)  # seconds, between two bounds, so that deliveries overtake each other


@dataclass(frozen=True)
class Attempt:
    """One try: the answer's status, or what went wrong."""

    at: datetime
    status: int | None
    milliseconds: float
    error: str = ""
    answer: str = ""  # the beginning of its body


@dataclass
class Delivery:
    """One webhook and what became of it."""

    number: int
    id: str
    service: str
    kind: str  # "event_callback", "issue_comment.created", "conversation_created"
    path: str
    attempts: list[Attempt] = field(default_factory=list[Attempt])

    @property
    def delivered(self) -> bool:
        return any(attempt.status is not None and 200 <= attempt.status < 300 for attempt in self.attempts)

    def as_json(self) -> dict[str, Any]:
        attempts = [{**asdict(each), "at": each.at.isoformat()} for each in self.attempts]
        return {**asdict(self), "attempts": attempts, "delivered": self.delivered}


class Webhooks:
    """Sends in the background; who caused a webhook doesn't wait for it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.network = Network()
        self.deliveries: deque[Delivery] = deque(maxlen=REMEMBERED)
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    def send(
        self,
        service: str,
        path: str,
        *,
        id: str,
        kind: str,
        rule: Rule,
        signed: Callable[[int], Signed],
        answered: Answered | None = None,
    ) -> Delivery | None:
        """Starts to deliver to `<gateway><path>`. None: there is no gateway, or the network lost it.

        signed: gives body and headers of attempt 0, 1, 2 ...
        answered: is told what the gateway answers, where a service reads that.
        """
        if not self.network.gateway or self.world.random.random() < self.network.lose:
            return None
        delivery = Delivery(next(self._numbers), id, service, kind, path)
        self.deliveries.append(delivery)
        for _ in range(2 if self.world.random.random() < self.network.double else 1):
            task = asyncio.get_running_loop().create_task(self._deliver(delivery, rule, signed, answered))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return delivery

    async def _deliver(
        self, delivery: Delivery, rule: Rule, signed: Callable[[int], Signed], answered: Answered | None
    ) -> None:
        await asyncio.sleep(self.world.random.uniform(*self.network.delay))
        for number, wait in enumerate((0, *rule.waits)):
            await asyncio.sleep(wait * self.network.pace)
            if await self.attempt(delivery, rule.limit, *signed(number), answered=answered):
                return
            if rule.only_if_unreached and delivery.attempts[-1].error not in _UNREACHED:
                return

    async def first_answers(self, deliveries: Sequence[Delivery], limit: float) -> list[dict[str, Any]]:
        """Waits for the first try of each, and gives path, status and error; no status when nobody answered."""
        until = time.monotonic() + limit + self.network.delay[1] + 1
        while any(not each.attempts for each in deliveries) and time.monotonic() < until:
            await asyncio.sleep(_LOOK_EVERY)
        return [_first(each) for each in deliveries]

    async def attempt(
        self,
        delivery: Delivery,
        limit: float,
        body: bytes,
        headers: Mapping[str, str],
        *,
        answered: Answered | None = None,
    ) -> bool:
        """Tries once and notes how it went."""
        began, status, error, content = time.perf_counter(), None, "", b""
        try:
            url = URL(self.network.gateway + delivery.path, encoded=True)  # as it was signed
            patience = aiohttp.ClientTimeout(total=limit)
            posted = self._http().post(url, data=body, headers=headers, timeout=patience, allow_redirects=False)
            async with posted as answer:
                content = await answer.read()
                status = answer.status
            if answered and answer.ok:
                answered(answer.headers.get("Content-Type", ""), content)
        except (aiohttp.ClientError, TimeoutError) as problem:
            error = _named(problem)
        spent = round((time.perf_counter() - began) * 1000, 1)
        delivery.attempts.append(Attempt(self.world.clock.now(), status, spent, error, _beginning(content)))
        self.world.version += 1
        return status is not None and 200 <= status < 300

    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            connections = aiohttp.TCPConnector(limit=50)
            self._client = aiohttp.ClientSession(connector=connections, cookie_jar=aiohttp.DummyCookieJar())
        return self._client

    async def close(self) -> None:
        """Calls off what is under way, at the sandbox's end."""
        self.reset()
        if self._client:
            await self._client.close()

    def reset(self) -> None:
        """Forgets deliveries and calls off what is under way; the network stays as it is."""
        for task in self._tasks:
            task.cancel()
        self.deliveries.clear()
        self._numbers = itertools.count(1)


def _first(delivery: Delivery) -> dict[str, Any]:
    first = next(iter(delivery.attempts), None)
    told = {"status": first.status, "error": first.error} if first else {"status": None, "error": "called off"}
    return {"path": delivery.path, **told}


def _beginning(content: bytes) -> str:
    return content[:_SHOWN].decode("utf-8", "replace")


def _named(problem: Exception) -> str:
    """Says in a word why nobody answered."""
    match problem:
        case aiohttp.ConnectionTimeoutError():
            return "ConnectTimeout"
        case TimeoutError():
            return "ReadTimeout"
        case aiohttp.ClientConnectorError():
            return "ConnectError"
        case _:
            return "ReadError"
