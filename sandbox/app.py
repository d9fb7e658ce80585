"""The sandbox as one ASGI app: every service under its prefix, faults and latency around each call, a control API.

Control API (`/_sandbox`), for tests and the console:

| call | what it does |
|---|---|
| `GET /_sandbox/health` | 200 when ready |
| `POST /_sandbox/reset` `{"seed": "empty" \\| "demo"}` | forgets everything, loads a named seed |
| `POST /_sandbox/seed` `{"github": {...}, ...}` | adds objects |
| `GET /_sandbox/state` | the whole state of every service |
| `GET /_sandbox/effects`, `GET /_sandbox/calls` | what happened, oldest first |
| `POST /_sandbox/faults` `{...Fault}`, `GET`, `DELETE` | the next call that matches fails so |
| `GET`, `PUT /_sandbox/latency` `{"github": [0.05, 0.5]}` | seconds, between two bounds; "*" is every service |
| `GET`, `PUT /_sandbox/clock` `{"now": "...", "frozen": true}` | the time it is |
| `GET`, `PUT /_sandbox/webhooks` `{"gateway": "http://127.0.0.1:4400"}` | where webhooks go, how they went |
| `POST /_sandbox/clock/advance` `{"seconds": 60}` | moves the clock on |
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import console, github, google, salesforce, slack, twilio, unthread, zoom
from sandbox.seed import SEEDS
from sandbox.webhooks import Network
from sandbox.world import Call, Fault, World


class Sandbox(Starlette):
    """The app; keeps the server's own `send` at hand, which Starlette wraps, for faults that cut the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["sandbox.send"] = send
        await super().__call__(scope, receive, send)


class Faults:
    """ASGI middleware around one service: counts the call, delays it, lets a fault strike, logs what came of it."""

    def __init__(self, app: ASGIApp, world: World, service: str) -> None:
        self.app, self.world, self.service = app, world, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, generation = time.perf_counter(), self.world.generation
        body = await Request(scope, receive).body()
        query = scope["query_string"].decode("latin-1")
        path = scope["path"].removeprefix(scope.get("root_path", "")) + (f"?{query}" if query else "")
        if bounds := self.world.latency.get(self.service) or self.world.latency.get("*"):
            await asyncio.sleep(self.world.random.uniform(*bounds))
        fault = self.world.strike(self.service, scope["method"], path)
        exchange = Exchange(self.app, self.world, self.service, scope, body, send)
        try:
            await exchange.answer(fault)
        finally:
            if self.world.generation == generation:  # a call that hung over a reset belongs to what was forgotten
                self._log(exchange, path, fault, time.perf_counter() - began)

    def _log(self, exchange: Exchange, path: str, fault: Fault | None, seconds: float) -> None:
        self.world.call_counts[self.service] += 1
        self.world.version += 1
        self.world.calls.append(
            Call(
                number=self.world.next_call_number(),
                at=self.world.clock.now(),
                service=self.service,
                method=exchange.scope["method"],
                path=path,
                body=exchange.body.decode("utf-8", "replace"),
                status=exchange.status,
                milliseconds=round(seconds * 1000, 1),
                fault=fault.kind if fault else "",
                effects=exchange.effects,
            )
        )


@dataclass
class Exchange:
    """One call and what becomes of it."""

    app: ASGIApp
    world: World
    service: str
    scope: Scope
    body: bytes
    send: Send
    status: int | None = 500  # what the server answers when the service itself breaks
    effects: int = 0

    async def answer(self, fault: Fault | None) -> None:
        if fault is None:
            await self._deliver(await self._apply())
        elif fault.kind == "exists_already":
            await self._apply(actor="somebody else")
            await self._deliver(await self._apply())
        else:
            await self._fail(fault)

    async def _fail(self, fault: Fault) -> None:
        kind = fault.kind
        if kind in {"crash_after", "timeout_after", "reset_after", "500_after", "malformed"}:
            await self._apply()
        if kind.startswith("crash"):
            with suppress(ProcessLookupError):
                os.kill(fault.pid, signal.SIGKILL)
        if kind.startswith("timeout"):
            await asyncio.sleep(fault.seconds)
        if kind.startswith(("crash", "timeout", "reset")):
            await self._hang_up()
        else:
            await self._deliver(self.world.services[self.service].refusal(kind, fault.seconds))

    async def _apply(self, actor: str = "") -> Response:
        """Lets the service handle the call and holds its answer back."""
        start: Message = {}
        chunks: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        before, self.world.actor = len(self.world.effects), actor
        try:
            await self.app(dict(self.scope), receive, hold)
        finally:
            self.world.actor = ""
            self.effects += len(self.world.effects) - before
        response = Response(b"".join(chunks), status_code=start["status"])
        response.raw_headers = start["headers"]
        return response

    async def _deliver(self, response: Response) -> None:
        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        self.status = response.status_code
        await response(self.scope, nothing, self.send)

    async def _hang_up(self) -> None:
        """Resets the connection: the caller sees ECONNRESET. Reaches the socket through uvicorn's cycle."""
        self.status = None
        transport: asyncio.Transport = self.scope["sandbox.send"].__self__.transport
        if (connection := transport.get_extra_info("socket")) and not transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0)  # lets uvicorn learn that nobody is there to answer


class OwnPagesOnly:
    """Keeps web pages from elsewhere out of the control API, which can kill processes. A loopback port doesn't."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        is_ours = urlsplit(f"//{host}").hostname in {"127.0.0.1", "localhost", "::1"}
        if is_ours and origin in {None, f"http://{host}"}:
            await self.app(scope, receive, send)
        else:
            told = f"The control API is for this machine's own pages and programs, not for {origin or host}."
            await JSONResponse({"error": told}, 403)(scope, receive, send)


class _Reset(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: str = "empty"


class _Moment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    now: AwareDatetime
    frozen: bool = False


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seconds: float


_Seconds = Annotated[float, Field(ge=0)]
_FAULT = TypeAdapter(Fault)
_LATENCY = TypeAdapter(dict[str, tuple[_Seconds, _Seconds]])
_SEED = TypeAdapter(dict[str, dict[str, Any]])


class Control:
    """The control API. Input it can't work with gives 422 and a sentence."""

    def __init__(self, world: World) -> None:
        self.world = world

    def app(self) -> Starlette:
        routes = [
            Route("/health", self.health),
            Route("/reset", self.reset, methods=["POST"]),
            Route("/seed", self.seed, methods=["POST"]),
            Route("/state", self.state),
            Route("/effects", self.effects),
            Route("/calls", self.calls),
            Route("/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/latency", self.latency, methods=["GET", "PUT"]),
            Route("/clock", self.clock, methods=["GET", "PUT"]),
            Route("/webhooks", self.webhooks, methods=["GET", "PUT"]),
            Route("/clock/advance", self.advance, methods=["POST"]),
        ]
        own_pages = Middleware(OwnPagesOnly)
        return Starlette(routes=routes, middleware=[own_pages], exception_handlers={ValueError: _unprocessable})

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "pid": os.getpid(), "services": sorted(self.world.services)})

    async def reset(self, request: Request) -> Response:
        name = _Reset.model_validate_json(await request.body() or b"{}").seed
        if name not in SEEDS:
            raise ValueError(f"No seed {name!r}. There are {sorted(SEEDS)}.")
        self.world.reset()
        self.world.load(SEEDS[name]())
        return JSONResponse({"ok": True})

    async def seed(self, request: Request) -> Response:
        self.world.load(_SEED.validate_json(await request.body()))
        return JSONResponse({"ok": True})

    async def state(self, request: Request) -> Response:
        return JSONResponse({name: service.dump() for name, service in self.world.services.items()})

    async def effects(self, request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        return JSONResponse([effect.as_json() for effect in self.world.effects if effect.number > after])

    async def calls(self, request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        return JSONResponse([call.as_json() for call in self.world.calls if call.number > after])

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            self.world.faults.append(_FAULT.validate_json(await request.body()))
        elif request.method == "DELETE":
            self.world.faults.clear()
        else:
            return JSONResponse([asdict(fault) for fault in self.world.faults])
        self.world.version += 1
        return JSONResponse({"ok": True})

    async def latency(self, request: Request) -> Response:
        if request.method == "PUT":
            wanted = _LATENCY.validate_json(await request.body())
            if unknown := set(wanted) - {"*", *self.world.services}:
                raise ValueError(
                    f"No service {sorted(unknown)}. There are {sorted(self.world.services)} and '*' for all."
                )
            self.world.latency = wanted
            self.world.version += 1
        return JSONResponse(self.world.latency)

    async def webhooks(self, request: Request) -> Response:
        sender = self.world.webhooks
        if request.method == "PUT":
            sender.network = Network.model_validate_json(await request.body())
            self.world.version += 1
        deliveries = [delivery.as_json() for delivery in sender.deliveries]
        return JSONResponse({"network": sender.network.model_dump(), "deliveries": deliveries})

    async def clock(self, request: Request) -> Response:
        if request.method == "PUT":
            wanted = _Moment.model_validate_json(await request.body())
            self.world.clock.set(wanted.now, frozen=wanted.frozen)
            self.world.version += 1
        return JSONResponse({"now": self.world.clock.now().isoformat()})

    async def advance(self, request: Request) -> Response:
        self.world.clock.advance(timedelta(seconds=_Step.model_validate_json(await request.body()).seconds))
        self.world.version += 1
        return JSONResponse({"now": self.world.clock.now().isoformat()})


async def _unprocessable(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": _sentences(error)}, 422)


def _sentences(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False)
    return " ".join(f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in problems)


def create_app(public_url: str) -> Starlette:
    """Builds the sandbox. `public_url` ("http://127.0.0.1:4300") is what its answers put into `url` fields."""
    world = World(public_url=public_url)
    routes = console.routes(world)
    for module, prefix in (
        (github, "/github"),
        (slack, "/slack/api"),
        (salesforce, "/salesforce"),
        (google, "/google"),
        (twilio, "/twilio"),
        (unthread, "/unthread"),
        (zoom, "/zoom"),
    ):
        service, app = module.create(world)
        world.services[service.name] = service
        routes.append(Mount(prefix, Faults(app, world, service.name)))
    routes.append(Mount("/_sandbox", Control(world).app()))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await world.webhooks.close()

    app = Sandbox(routes=routes, lifespan=lifespan)
    app.state.world = world
    return app
