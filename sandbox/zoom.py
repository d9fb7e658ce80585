"""Zoom's stand-in: tokens of a server-to-server app, and the meetings of an account's users.

| module | what it has |
|---|---|
| zoom_meetings | users and meetings, what bodies and seeds may say |
| zoom_refusals | how Zoom says no |

Besides Zoom's own, without a token: `GET /j/{id}` shows a meeting, which is where its link leads.

API: https://developers.zoom.us/docs/api/meetings/, https://developers.zoom.us/docs/internal-apps/s2s-oauth/

How true it is to Zoom, and what nobody has checked: docs/fidelity_zoom.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import itertools
import secrets
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.world import FaultKind, World
from sandbox.zoom_meetings import Client, Meeting, NewMeeting, Seed, Token, User, stamp, starts
from sandbox.zoom_refusals import (
    Refusal,
    TokenRefusal,
    daily_limit,
    invalid_token,
    lacks,
    no_meeting,
    no_user,
    on_demand,
    validation,
)

GRANT = "account_credentials"
SECONDS = 3_600
WRITES = ("meeting:write:meeting:admin", "meeting:write:admin")
LISTS = ("meeting:read:list_meetings:admin", "meeting:read:admin")
READS = ("meeting:read:meeting:admin", "meeting:read:admin")
KINDS = ("scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings")
PAGE, LARGEST_PAGE = 30, 300
UNEXPIRED = timedelta(days=30)  # how long a past meeting is still listed as scheduled


class Zoom:
    """The account. Its tokens stay good when the sandbox forgets everything."""

    name = "zoom"

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, Token] = {}
        self.issued: dict[str, deque[str]] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets everything but tokens."""
        self.account = ""
        self.clients: dict[str, Client] = {}
        self.users: dict[str, User] = {}
        self.meetings: dict[int, Meeting] = {}
        self.tokens_at_once, self.daily_limit = 100, 100
        self.made: Counter[tuple[str, str]] = Counter()
        self._numbers = itertools.count(1)

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field is unknown, or a meeting's host.
        """
        said = Seed.model_validate(dict(seed))
        self.account = said.account or self.account
        self.tokens_at_once = said.tokens_at_once or self.tokens_at_once
        self.daily_limit = self.daily_limit if said.daily_limit is None else said.daily_limit
        self.clients |= {each.client_id: each for each in said.clients}
        for each in said.users:
            own_id = each.id or hashlib.sha256(each.email.encode()).hexdigest()[:22]
            self.users[each.email.lower()] = each.model_copy(update={"id": own_id})
        for each in said.meetings:
            if each.host.lower() not in self.users:
                raise ValueError(f'There is no Zoom user "{each.host}". Add it to "users".')
            self._keep(self.users[each.host.lower()], each)

    def dump(self) -> dict[str, Any]:
        """Gives users and meetings."""
        return {
            "users": [each.model_dump() for each in self.users.values()],
            "meetings": [each.shown() for each in self.meetings.values()],
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)

    # Tokens; by the real clock, whatever day the sandbox plays

    def grant(self, said: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """Gives an app a token.

        Raises:
            TokenRefusal
        """
        client = self._client(authorization)
        if said.get("grant_type") != GRANT:
            raise TokenRefusal(400, "unsupported_grant_type", "unsupported grant type")
        if said.get("account_id") != self.account:
            raise TokenRefusal(400, "invalid_request", "Bad Request")
        made = f"eyJ{secrets.token_urlsafe(40)}"
        self.tokens[made] = Token(
            client.client_id, frozenset(client.scopes), datetime.now(UTC) + timedelta(seconds=SECONDS)
        )
        issued = self.issued.setdefault(client.client_id, deque())
        issued.append(made)
        while len(issued) > self.tokens_at_once:
            del self.tokens[issued.popleft()]
        return {
            "access_token": made,
            "token_type": "bearer",
            "expires_in": SECONDS - 1,
            "scope": " ".join(client.scopes),
            "api_url": "https://api.zoom.us",
        }

    def _client(self, authorization: str) -> Client:
        scheme, _, given = authorization.partition(" ")
        try:
            name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name, secret = "", ""
        client = self.clients.get(name)
        if scheme.lower() != "basic" or client is None or not secrets.compare_digest(client.client_secret, secret):
            raise TokenRefusal(400, "invalid_client", "Invalid client_id or client_secret")
        return client

    def token(self, authorization: str) -> Token:
        """Gives what a bearer token allows.

        Raises:
            Refusal
        """
        scheme, _, given = authorization.partition(" ")
        found = self.tokens.get(given.strip())
        if scheme.lower() != "bearer" or found is None or found.client not in self.clients:
            raise invalid_token()
        if found.ends <= datetime.now(UTC):
            raise Refusal(401, 124, "Access token is expired.")
        return found

    # Meetings

    def user(self, wanted: str) -> User:
        """Gives a user by address or id.

        Raises:
            Refusal
        """
        found = self.users.get(wanted.lower()) or next(
            (each for each in self.users.values() if each.id == wanted), None
        )
        if found is None:
            raise no_user(wanted)
        return found

    def create(self, host: User, said: NewMeeting) -> Meeting:
        """Makes a meeting.

        Raises:
            Refusal: the host has had as many as there may be in a day, or the body means nothing.
        """
        now = self.world.clock.now()
        today = (host.email, f"{now:%Y-%m-%d}")
        if self.made[today] >= self.daily_limit:
            raise daily_limit(self.daily_limit, now)
        if said.schedule_for:
            host = self.user(said.schedule_for)
        made = self._keep(host, said)
        self.made[today] += 1
        self.world.record(
            self.name,
            "create meeting",
            f"{host.email} {said.topic}",
            id=made.id,
            start_time=stamp(made.starts),
            duration=said.duration,
            agenda=said.agenda,
            invitees=[each.email for each in said.settings.meeting_invitees],
        )
        return made

    def _keep(self, host: User, said: NewMeeting) -> Meeting:
        now = self.world.clock.now()
        at = starts(said, host) if said.start_time else now
        own_id = 82_000_000_000 + next(self._numbers) * 104_729
        uuid = base64.b64encode(hashlib.sha256(str(own_id).encode()).digest()[:16]).decode()
        password = said.password or hashlib.sha256(uuid.encode()).hexdigest()[:6]
        page = f"{self.world.public_url}/zoom"
        links = {
            "start_url": f"{page}/s/{own_id}?zak=sandbox",
            "join_url": f"{page}/j/{own_id}?pwd={hashlib.sha256(password.encode()).hexdigest()[:32]}.1",
        }
        made = Meeting(own_id, uuid, host, said, at, now, password, links)
        self.meetings[own_id] = made
        return made

    def listed(self, host: User, kind: str) -> list[Meeting]:
        """Gives a user's meetings of a kind, the latest first."""
        now = self.world.clock.now()
        mine = [each for each in self.meetings.values() if each.host.email == host.email and each.said.type != 1]
        ends = {each.id: each.starts + timedelta(minutes=each.said.duration) for each in mine}
        fits: dict[str, Callable[[Meeting], bool]] = {
            "scheduled": lambda each: ends[each.id] + UNEXPIRED > now,
            "upcoming": lambda each: ends[each.id] > now,
            "upcoming_meetings": lambda each: ends[each.id] > now,
            "previous_meetings": lambda each: ends[each.id] <= now,
            "live": lambda each: False,  # nobody joins here
        }
        return sorted(filter(fits[kind], mine), key=lambda each: each.starts, reverse=True)


class Site:
    """Everything under /zoom."""

    def __init__(self, service: Zoom) -> None:
        self.service = service

    def app(self) -> Starlette:
        user = "/v2/users/{user}/meetings"
        return Starlette(
            routes=[
                Route("/oauth/token", self.token, methods=["POST"]),
                Route(user, self._endpoint(WRITES, self.create), methods=["POST"]),
                Route(user, self._endpoint(LISTS, self.list_meetings), methods=["GET"]),
                Route("/v2/meetings/{id}", self._endpoint(READS, self.get), methods=["GET"]),
                Route("/j/{id}", self.page),
            ],
            exception_handlers={Refusal: _refused, TokenRefusal: _refused, 404: _unknown, 405: _unknown},
        )

    def _endpoint(
        self, scopes: tuple[str, ...], answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            token = self.service.token(request.headers.get("authorization", ""))
            if not token.scopes & set(scopes):
                raise lacks(*scopes)
            return await answer(request)

        return endpoint

    async def token(self, request: Request) -> Response:
        form = (await request.body()).decode("utf-8", "replace")
        said = dict(parse_qsl(form, keep_blank_values=True)) | dict(request.query_params)
        return JSONResponse(self.service.grant(said, request.headers.get("authorization", "")))

    async def create(self, request: Request) -> Response:
        host = self.service.user(request.path_params["user"])
        try:
            said = NewMeeting.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            problems = {".".join(map(str, each["loc"])) or "body": f"{each['msg']}." for each in error.errors()}
            raise validation(problems) from None
        return JSONResponse(self.service.create(host, said).shown(), 201)

    async def list_meetings(self, request: Request) -> Response:
        given = dict(request.query_params)
        if unknown := sorted(set(given) - {"type", "page_size", "next_page_token", "page_number"}):
            raise validation({unknown[0]: "The stand-in does not know this parameter."})
        kind, size = given.get("type", "scheduled"), given.get("page_size", str(PAGE))
        start = given.get("next_page_token") or "0"
        if kind not in KINDS or not size.isdigit() or not 0 < int(size) <= LARGEST_PAGE:
            raise validation({"type" if kind not in KINDS else "page_size": "Invalid field."})
        if not start.isdigit():
            raise Refusal(400, 300, "The next page token is invalid or expired.")
        found = self.service.listed(self.service.user(request.path_params["user"]), kind)
        end = int(start) + int(size)
        body = {"page_size": int(size), "total_records": len(found)}
        more = str(end) if end < len(found) else ""
        return JSONResponse(
            {**body, "next_page_token": more, "meetings": [each.brief() for each in found[int(start) : end]]}
        )

    def _meeting(self, request: Request) -> Meeting:
        given = request.path_params["id"]
        found = self.service.meetings.get(int(given)) if given.isdigit() else None
        if found is None:
            raise no_meeting(given)
        return found

    async def get(self, request: Request) -> Response:
        return JSONResponse(self._meeting(request).shown())

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a meeting's link."""
        try:
            found = self._meeting(request)
        except Refusal as refusal:
            return HTMLResponse(_html("No such meeting", refusal.message), 404)
        invited = ", ".join(each.email for each in found.said.settings.meeting_invitees)
        told = f"{stamp(found.starts)}, {found.said.duration} minutes\nHost: {found.host.email}\nInvited: {invited}"
        return HTMLResponse(_html(found.said.topic, f"{told}\n\n{found.said.agenda}"))


def _html(title: str, text: str) -> str:
    style = "body{font:16px system-ui;margin:2rem}pre{white-space:pre-wrap;font:inherit}"
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    return f'<!DOCTYPE html><html lang="en">{head}<h1>{html.escape(title)}</h1><pre>{html.escape(text)}</pre></html>'


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal | TokenRefusal)
    return error.answer()


async def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"code": 2300, "message": "This API endpoint is not recognized."}, 404)


def create(world: World) -> tuple[Zoom, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Zoom(world)
    return service, Site(service).app()
