"""The sandbox as one ASGI app: every service under its prefix, faults and latency around each call, a control API.

Control API (`/_sandbox`), for tests and the console:

| call | what it does |
|---|---|
| `GET /_sandbox/health` | 200 when ready |
| `POST /_sandbox/reset` `{"seed": "empty" \\| "demo"}` | forgets everything, loads a named seed |
| `POST /_sandbox/seed` `{"github": {...}, ...}` | adds objects |
| `GET /_sandbox/state` | the whole state of every service |
| `GET /_sandbox/effects`, `GET /_sandbox/calls` | what happened, oldest first |
| `POST /_sandbox/faults` `{...Fault}`, `DELETE /_sandbox/faults` | the next call that matches fails so |
| `PUT /_sandbox/latency` `{"github": [0.05, 0.5]}` | seconds, between two bounds |
| `PUT /_sandbox/clock` `{"now": "...", "frozen": true}`, `POST /_sandbox/clock/advance` `{"seconds": 60}` | time |
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import time
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.world import FAULT_KINDS, Call, Fault, World

SENT_NOTHING: set[str] = {"crash_before", "timeout_before", "reset_before"}


class Faults:
    """ASGI middleware around one service: counts the call, delays it, lets a fault strike, logs what came of it."""

    def __init__(self, app: ASGIApp, world: World, service: str) -> None:
        self.app, self.world, self.service = app, world, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        world, began = self.world, time.perf_counter()
        body = await Request(scope, receive).body()
        method = scope["method"]
        query = scope["query_string"].decode("latin-1")
        path = scope["path"].removeprefix(scope.get("root_path", "")) + (f"?{query}" if query else "")
        if bounds := world.latency.get(self.service) or world.latency.get("*"):
            await asyncio.sleep(world.random.uniform(*bounds))
        fault = world.strike(self.service, method, path)
        before = len(world.effects)
        status = await self._answer(fault, scope, body, send)
        world.call_counts[self.service] += 1
        world.version += 1
        world.calls.append(
            Call(
                number=world.next_call_number(),
                at=world.clock.now(),
                service=self.service,
                method=method,
                path=path,
                body=body.decode("utf-8", "replace"),
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
                fault=fault.kind if fault else "",
                effects=len(world.effects) - before,
            )
        )

    async def _answer(self, fault: Fault | None, scope: Scope, body: bytes, send: Send) -> int | None:
        if fault is None:
            response = await self._apply(scope, body)
            await deliver(response, scope, send)
            return response.status_code
        kind = fault.kind
        if kind == "exists_already":
            self.world.actor = "somebody else"
            await self._apply(scope, body)
            self.world.actor = ""
            response = await self._apply(scope, body)
            await deliver(response, scope, send)
            return response.status_code
        if kind.endswith("_after") and kind != "403_retry_after" or kind == "malformed":
            await self._apply(scope, body)
        if kind.startswith("crash"):
            os.kill(fault.pid, signal.SIGKILL)
        if kind.startswith("timeout"):
            await asyncio.sleep(fault.seconds)
        if kind.startswith(("crash", "timeout", "reset")):
            hang_up(send)
            return None
        response = self.world.services[self.service].refusal(kind, fault.seconds)
        await deliver(response, scope, send)
        return response.status_code

    async def _apply(self, scope: Scope, body: bytes) -> Response:
        """Lets the service handle the call and holds its answer back."""
        start: Message = {}
        chunks: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        await self.app(dict(scope), receive, hold)
        response = Response(b"".join(chunks), status_code=start["status"])
        response.raw_headers = start["headers"]
        return response


async def deliver(response: Response, scope: Scope, send: Send) -> None:
    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    await response(scope, nothing, send)


def hang_up(send: Send) -> None:
    """Resets the connection: the caller sees ECONNRESET, not an answer. Reaches the transport through uvicorn's cycle."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    if connection := transport.get_extra_info("socket"):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def control_routes(world: World) -> list[BaseRoute]:
    from sandbox.seed import SEEDS

    def load(seed: dict[str, Any]) -> None:
        unknown = set(seed) - set(world.services)
        if unknown:
            raise ValueError(f"The sandbox has no service {sorted(unknown)}. It has {sorted(world.services)}.")
        for name, objects in seed.items():
            world.services[name].load(objects)
        world.version += 1

    async def health(request: Request) -> Response:
        return JSONResponse({"ok": True, "services": sorted(world.services)})

    async def reset(request: Request) -> Response:
        name = (await request.json() if await request.body() else {}).get("seed", "empty")
        if name not in SEEDS:
            return JSONResponse({"error": f"No seed {name!r}. There are {sorted(SEEDS)}."}, 422)
        world.reset()
        load(SEEDS[name]())
        return JSONResponse({"ok": True})

    async def seed(request: Request) -> Response:
        try:
            load(await request.json())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({"ok": True})

    async def state(request: Request) -> Response:
        return JSONResponse({name: service.dump() for name, service in world.services.items()})

    async def effects(request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        return JSONResponse([effect.as_json() for effect in world.effects if effect.number > after])

    async def calls(request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        return JSONResponse([call.as_json() for call in world.calls if call.number > after])

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            world.faults.clear()
            return JSONResponse({"ok": True})
        wanted = await request.json()
        known = {field.name for field in fields(Fault)} - {"struck"}
        if unknown := set(wanted) - known:
            return JSONResponse({"error": f"A fault has no {sorted(unknown)}. It has {sorted(known)}."}, 422)
        if wanted.get("kind") not in FAULT_KINDS:
            return JSONResponse({"error": f"No fault {wanted.get('kind')!r}. There are {list(FAULT_KINDS)}."}, 422)
        world.faults.append(Fault(**wanted))
        return JSONResponse({"ok": True})

    async def pending_faults(request: Request) -> Response:
        return JSONResponse([{**vars(fault)} for fault in world.faults])

    async def latency(request: Request) -> Response:
        world.latency = {name: (low, high) for name, (low, high) in (await request.json()).items()}
        return JSONResponse({"ok": True})

    async def clock(request: Request) -> Response:
        if request.method == "PUT":
            wanted = await request.json()
            world.clock.set(datetime.fromisoformat(wanted["now"]), frozen=wanted.get("frozen", False))
        return JSONResponse({"now": world.clock.now().isoformat()})

    async def advance(request: Request) -> Response:
        world.clock.advance(timedelta(seconds=(await request.json())["seconds"]))
        return JSONResponse({"now": world.clock.now().isoformat()})

    return [
        Route("/health", health),
        Route("/reset", reset, methods=["POST"]),
        Route("/seed", seed, methods=["POST"]),
        Route("/state", state),
        Route("/effects", effects),
        Route("/calls", calls),
        Route("/faults", faults, methods=["POST", "DELETE"]),
        Route("/faults", pending_faults),
        Route("/latency", latency, methods=["PUT"]),
        Route("/clock", clock, methods=["GET", "PUT"]),
        Route("/clock/advance", advance, methods=["POST"]),
    ]


def create_app(public_url: str) -> Starlette:
    """Builds the sandbox. `public_url` ("http://127.0.0.1:4300") is what its answers put into `url` fields."""
    from sandbox import console, github, salesforce, slack

    world = World(public_url=public_url)
    routes: list[BaseRoute] = []
    for module, prefix in ((github, "/github"), (slack, "/slack/api"), (salesforce, "/salesforce")):
        service, app = module.create(world)
        world.services[service.name] = service
        routes.append(Mount(prefix, Faults(app, world, service.name)))
    routes.append(Mount("/_sandbox", routes=control_routes(world)))
    routes.extend(console.routes(world))
    app = Starlette(routes=routes)
    app.state.world = world
    return app
