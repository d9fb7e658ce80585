"""The gateway: takes in webhooks. Verified, read, committed, answered; everything else comes after.

`python -m deployments.gateway --port 4400`. What is forged, stale, too large, too slow or malformed is refused before
anything is stored; a counter is all that is kept of it. The answer 2xx means: committed, and never lost.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.deliveries import Delivery, Malformed
from deployments.inbox import Verdict, receive
from deployments.interactions import Asked, FormSubmission
from deployments.signatures import Forged
from deployments.webhooks import WEBHOOKS, Incoming, Webhook
from policies.business_time import pacific_date
from policies.events import FormAsked, SlackCommand
from policies.handbook import HandbookError
from settings import SettingsIncomplete, handbook
from tasks import clock, remembered
from tasks.database import GroupCommit, engine

if TYPE_CHECKING:
    from deployments.dispatcher import Dispatcher
    from deployments.last_resort import Kept
    from deployments.modals import Modals

CONNECTIONS = 500  # at a time, of the proxy before us; more would take all files and all memory
TELL_FORGED_EVERY = 600.0  # seconds
READ_WITHIN = 10.0  # seconds for a body to arrive
SWEPT_WITHIN = timedelta(minutes=5)  # after a longer silence of the sweeper somebody should look
LOG = logging.getLogger(__name__)


class NotTaken(Exception):
    """The request gets no 2xx."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Gateway:
    """What the routes share: the inbox, the dispatcher once it is loaded, and what was refused."""

    def __init__(self) -> None:
        self.started = clock.wall()
        self.refused: Counter[str] = Counter()
        self._forged: dict[tuple[str, str], float] = {}  # when it was logged last
        self.group = GroupCommit()
        self.dispatcher: Dispatcher | None = None
        self._modals: Modals | None = None
        self._kept: Kept | None = None
        self._decide: Callable[[Any], Verdict] | None = None
        self._work: asyncio.Task[None] | None = None
        self.on_end: Callable[[], None] = lambda: None  # called when the dispatcher has ended, which it never should

    async def start(self) -> None:
        """Loads the procedures beside the first requests: Prefect alone takes a second to import."""
        self._work = asyncio.create_task(self._dispatch())

    async def _dispatch(self) -> None:
        try:
            dispatcher, procedures, modals, last_resort = await asyncio.to_thread(_load)
            self.dispatcher = working = dispatcher.Dispatcher(self.group)
            self._modals = modals.Modals(self.group, working)
            self._kept = last_resort.Kept(self.take)
            self._decide = procedures.verdict
            await working.work()
        except Exception:
            LOG.exception("The dispatcher has ended, and the gateway with it; the supervisor starts it again.")
            self.on_end()
            raise

    @property
    def dispatches(self) -> bool:
        """Says whether the dispatcher is at work."""
        return self.dispatcher is not None and self._work is not None and not self._work.done()

    @property
    def is_broken(self) -> bool:
        """Says whether the dispatcher has ended, which it never should."""
        return self._work is not None and self._work.done()

    def unswept(self) -> timedelta:
        """Gives for how long the sweeper has given no sign of life; its start gets as long as ours."""
        kept = remembered.several([remembered.LAST_SWEEP]).get(remembered.LAST_SWEEP)
        since = datetime.fromisoformat(kept) if kept else self.started
        return clock.wall() - max(since, self.started)

    async def stop(self) -> None:
        """Ends the dispatcher and commits what is under way."""
        if self._work:
            self._work.cancel()
            with suppress(BaseException):
                await self._work
        await self.group.close()

    async def take(self, delivery: Delivery) -> None:
        """Commits a delivery, then begins with what it asks for. What can't be decided now waits, and is not lost."""
        verdict = self._verdict(delivery)
        if verdict and self.dispatcher:
            await self.dispatcher.take(delivery, verdict)
        else:
            await self.group.run(receive, delivery, verdict)

    def _verdict(self, delivery: Delivery) -> Verdict | None:
        if delivery.for_a_person:
            LOG.warning("%s: %s", delivery.source, delivery.for_a_person)
            return Verdict(reasons=[delivery.for_a_person])
        try:
            return self._decide(delivery.event) if self._decide else None
        except Exception:
            LOG.exception("Nothing could be decided about %s %s. It waits.", delivery.source, delivery.id)
            return None

    async def save(self, found: Sequence[Delivery]) -> bool:
        """Texts for an emergency whose request can't be stored. False: there is none, or it could not be texted."""
        return bool(self._kept) and any([await self._kept.text(delivery) for delivery in found])

    def note_forged(self, path: str, reason: str) -> None:
        """Logs why a request was refused, once in a while: only we may read it, and strangers may not fill the log."""
        now, last = clock.monotonic(), self._forged.get((path, reason), -TELL_FORGED_EVERY)
        if now - last >= TELL_FORGED_EVERY:
            self._forged[path, reason] = now
            LOG.warning("%s: refused a request. %s", path, reason)

    async def answer(self, asked: Asked) -> Mapping[str, Any] | None:
        """Gives what a slash command, a shortcut or a form is answered, in Slack's form; None where that is nothing.

        Raises:
            NotTaken: a form can't be opened now.
        """
        if not self._modals:
            return _not_ready(asked)
        from deployments import commands

        return await commands.answer(asked, self.group, self._modals)


def _not_ready(asked: Asked) -> Mapping[str, Any]:
    sentence = "We have just been started. Try again in a few seconds."
    match asked:
        case FormSubmission():
            return asked.not_now(sentence)
        case SlackCommand():
            return {"response_type": "ephemeral", "text": sentence}
        case FormAsked():
            raise NotTaken(503, sentence)


def _load() -> tuple[Any, Any, Any, Any]:
    from deployments import dispatcher, last_resort, modals, procedures

    try:
        handbook().calendar.why_closed(pacific_date(clock.wall()))  # or the first message waits for the holidays
    except (HandbookError, OSError, ValueError) as problem:
        LOG.critical("The names can't be read. What comes in waits until they can: %s", problem)
    gc.collect()
    gc.freeze()  # or the collector looks through all of Prefect again and again
    gc.set_threshold(20_000, 50, 50)
    return dispatcher, procedures, modals, last_resort


async def body_of(request: Request, webhook: Webhook) -> bytes:
    """Reads a body of one of the webhook's media types.

    Raises:
        NotTaken: 415 another type, 413 too large, 408 too slow.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in webhook.types:
        raise NotTaken(415, f"Send {' or '.join(webhook.types)}.")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN):
            async for chunk in request.stream():
                body += chunk
                if len(body) > webhook.largest:
                    raise NotTaken(413, f"The body is larger than {webhook.largest // 1024} KiB.")
    except TimeoutError:
        raise NotTaken(408, "The body did not arrive within 10 seconds.") from None
    return bytes(body)


@dataclass(frozen=True)
class Page:
    """One address of the gateway."""

    path: str
    method: str
    summary: str
    answer: Callable[[Request], Awaitable[Response]]


def create_app() -> Starlette:
    """Builds the app."""
    gateway = Gateway()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        await gateway.start()
        yield
        await gateway.stop()

    pages = [*(_webhook_page(gateway, webhook) for webhook in WEBHOOKS), *_health_pages(gateway)]
    described = Description(pages)
    app = Starlette(
        routes=[
            *(Route(page.path, page.answer, methods=[page.method]) for page in pages),
            *(Route(path, described, methods=["GET"]) for path in Description.PATHS),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    return app


class Description:
    """The OpenAPI page, by FastAPI, which is imported when somebody asks for it: that takes as long as all the rest."""

    PATHS = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = self._app or await asyncio.to_thread(_described, self._pages)
        await self._app(scope, receive, send)


def _described(pages: Sequence[Page]) -> ASGIApp:
    from fastapi import FastAPI

    refusals = {
        401: "Not signed, wrongly signed, or stale",
        400: "Signed, but not readable",
        413: "Larger than it may be",
        415: "Another media type",
    }
    app = FastAPI(
        title="Handbook Flows: webhooks",
        description=__doc__ or "",
        responses={status: {"description": why} for status, why in refusals.items()},
    )
    for page in pages:
        app.add_api_route(page.path, page.answer, methods=[page.method], summary=page.summary, response_class=Response)
    return app


def _webhook_page(gateway: Gateway, webhook: Webhook) -> Page:
    async def answer(request: Request) -> Response:
        try:
            return await _taken(gateway, webhook, request)
        except Forged as problem:
            status, reason = 401, "It is not signed as it should be."
            gateway.note_forged(webhook.path, str(problem))
        except Malformed as problem:
            status, reason = 400, str(problem)
        except NotTaken as problem:
            status, reason = problem.status, str(problem)
        except Exception as problem:  # the database is away: the sender tries again
            LOG.exception("%s was not taken in", webhook.path)
            status, reason = 503, f"Not taken in ({type(problem).__name__})."
        gateway.refused[f"{webhook.path} {status}"] += 1
        return JSONResponse({"error": reason}, status)

    return Page(webhook.path, "POST", webhook.summary, answer)


async def _taken(gateway: Gateway, webhook: Webhook, request: Request) -> Response:
    url = request.url
    path_and_query = f"{url.path}?{url.query}" if url.query else url.path
    body = await body_of(request, webhook)
    incoming = Incoming(request.headers, request.query_params, path_and_query, body)
    taken = await asyncio.to_thread(webhook.take, incoming) if webhook.asks_others else webhook.take(incoming)
    if taken.asked:
        answer = await gateway.answer(taken.asked)
        return Response() if answer is None else JSONResponse(answer)
    try:
        for delivery in taken.deliveries:
            await gateway.take(delivery)
    except Exception:  # the database is away
        if not await gateway.save(taken.deliveries):
            raise
    return Response(taken.text, taken.status, media_type=taken.media_type)


def _health_pages(gateway: Gateway) -> Sequence[Page]:
    async def health(_: Request) -> Response:
        return JSONResponse({"ok": not gateway.is_broken}, 503 if gateway.is_broken else 200)

    async def ready(_: Request) -> Response:
        told = {"dispatcher": gateway.dispatches, "refused": dict(gateway.refused), "at": clock.wall().isoformat()}
        try:
            await asyncio.to_thread(_touch_database)
            unswept = await asyncio.to_thread(gateway.unswept)
        except Exception as problem:
            return JSONResponse(told | {"database": type(problem).__name__}, 503)
        told |= {"database": "ok", "seconds_since_sweep": round(unswept.total_seconds())}
        return JSONResponse(told, 200 if gateway.dispatches and unswept <= SWEPT_WITHIN else 503)

    return (
        Page("/health", "GET", "Is the process alive?", health),
        Page("/ready", "GET", "Does it take in deliveries and act on them, and does the sweeper sweep?", ready),
    )


def _touch_database() -> None:
    with engine().connect() as connection:
        connection.execute(text("SELECT 1"))


def main() -> int:
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4400)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='{"at": "%(asctime)s", "from": "%(name)s", "said": %(said)s}')
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request
    for handler in logging.getLogger().handlers:
        handler.addFilter(_on_one_line)
    app = create_app()
    try:
        config = uvicorn.Config(
            app,
            host=arguments.host,
            port=arguments.port,
            log_config=None,
            log_level="warning",
            access_log=False,  # addresses may hold a key
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=30,
            backlog=2048,
        )
        server = uvicorn.Server(config)
        ended: list[int] = []

        def end() -> None:
            ended.append(1)
            server.should_exit = True

        app.state.gateway.on_end = end
        server.run()
    except SettingsIncomplete as problem:
        print(problem, file=sys.stderr)
        return 1
    return 1 if ended or not server.started else 0


def _on_one_line(record: logging.LogRecord) -> bool:
    """Makes of each message one line that no foreign text can break."""
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    record.exc_info = None
    record.said = json.dumps(f"{record.getMessage()} {trace}".strip())
    return True


if __name__ == "__main__":
    sys.exit(main())
