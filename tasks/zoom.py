"""Zoom: calls that are planned in somebody's account.

It has no key that makes a write safe to repeat. A call carries a line by which it is found again, at the head of its
agenda, since lists cut that.

API: https://developers.zoom.us/docs/api/meetings/, https://developers.zoom.us/docs/internal-apps/s2s-oauth/
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

import httpx

from policies.appointment import Call
from policies.confidentiality import Confidential
from settings import SettingsIncomplete, settings
from tasks import clock, effects, wire
from tasks.effects import Failure, LockedOut, Made, NothingHappened, Refused, Unclear, Write, aperform

PAGE = 300  # the most that Zoom gives
SCHEDULED = 2  # the type of a meeting at a time
INVALID_TOKEN, WITHOUT_SCOPE = 124, 4711
LEFT = 60.0  # seconds that a token must still hold


class _NoToken(Exception):
    """Zoom gave no token, so that nothing was asked or written."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _TokenOver(Exception):
    """A token that has worked is no good any more: another process got one meanwhile."""


@dataclass
class _Token:
    text: str
    until: float  # by the clock that never jumps
    has_worked: bool = False


_tokens: dict[str, _Token] = {}  # by where they are from and for which app


def forget_tokens() -> None:
    """Has the next call get a new token."""
    _tokens.clear()


def missing() -> list[str]:
    """Names what .env lacks for calls, as a sentence; empty when it is complete."""
    try:
        settings().require("zoom_account_id", "zoom_client_id", "zoom_client_secret")
    except SettingsIncomplete as error:
        return [str(error)]
    return []


async def create(call: Call, *, once: str, target: str) -> Made:
    """Plans a call, once. Gives its number and the link to join it.

    target: what the ledger shows instead of addresses.

    Raises:
        tasks.effects.EffectError: among others when the host has no account in Zoom.
    """
    mark, path = marker(once), f"/users/{quote(call.host, safe='@')}/meetings"
    said = {
        "topic": call.title,
        "type": SCHEDULED,
        "start_time": f"{call.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration": call.minutes,
        "agenda": f"{mark}\n\n{call.text}".strip(),
        "settings": {"meeting_invitees": [{"email": each} for each in (call.host, *call.guests)]},
    }

    async def send() -> Made:
        return _made(await _ask("POST", path, said=said))

    async def find(_: datetime) -> Made | None:
        wanted: dict[str, Any] = {"type": "scheduled", "page_size": PAGE}
        while True:
            page = await _ask("GET", path, query=wanted)
            for each in page["meetings"]:
                if str(each.get("agenda", "")).startswith(mark):
                    return _made(each)
            if not page.get("next_page_token"):
                return None
            wanted["next_page_token"] = page["next_page_token"]

    request = {name: Confidential(str(value)) for name, value in {**said, "host": call.host}.items()}
    return await aperform(Write(once, "Zoom", "create meeting", target, request, send, find, explain, Made("")))


def marker(once: str) -> str:
    """Gives the line by which a call of ours is found again."""
    return f"Handbook Flows, reference {hashlib.sha256(once.encode()).hexdigest()[:16]}"


def _made(meeting: Mapping[str, Any]) -> Made:
    return Made(str(meeting["id"]), str(meeting["join_url"]))


# The wire


class _Transport(httpx.AsyncHTTPTransport):
    """Sends each request once, and those that write with the ledger's permit only."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" and str(request.url.copy_with(query=None)) != _login_url():
            effects.assert_permitted()
        return await super().handle_async_request(request)


def _login_url() -> str:
    sandbox = settings().sandbox_url
    return f"{sandbox}/zoom/oauth/token" if sandbox else settings().zoom_login_url


@asynccontextmanager
async def _connected() -> AsyncGenerator[httpx.AsyncClient]:
    sandbox = settings().sandbox_url
    async with httpx.AsyncClient(
        base_url=f"{sandbox}/zoom/v2" if sandbox else settings().zoom_url,
        timeout=httpx.Timeout(settings().read_timeout, connect=settings().connect_timeout),
        transport=_Transport(verify=wire.authorities(), retries=0, trust_env=not sandbox),
        follow_redirects=False,
    ) as client:
        yield client


async def _ask(
    method: str, path: str, *, said: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    async with _connected() as client:
        token = await _token(client)
        bearer = {"Authorization": f"Bearer {token.text}"}
        answer = await client.request(method, path, json=said, params=query, headers=bearer)
    if answer.status_code == 401:
        forget_tokens()
        if token.has_worked:
            raise _TokenOver
    token.has_worked = token.has_worked or answer.is_success
    found = answer.raise_for_status().json()
    if not isinstance(found, dict):
        raise TypeError("The answer is no object.")
    return cast("dict[str, Any]", found)


async def _token(client: httpx.AsyncClient) -> _Token:
    """Gives a token; one serves all calls of a process for an hour, since each new one may end an older one."""
    settings().require("zoom_account_id", "zoom_client_id", "zoom_client_secret")
    name, secret = settings().zoom_client_id.get_secret_value(), settings().zoom_client_secret.get_secret_value()
    which = f"{_login_url()} {name}"
    if (known := _tokens.get(which)) and known.until > clock.monotonic() + LEFT:
        return known
    account = settings().zoom_account_id.get_secret_value()
    wanted = {"grant_type": "account_credentials", "account_id": account}
    try:
        answer = await client.post(_login_url(), params=wanted, auth=httpx.BasicAuth(name, secret))
        said = answer.raise_for_status().json()
        made = _Token(str(said["access_token"]), clock.monotonic() + float(said["expires_in"]))
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise _NoToken(_without_token(error)) from None
    _tokens[which] = made
    return made


def _without_token(error: Exception) -> Failure:
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 0
    if status in {400, 401, 403}:
        return LockedOut(
            f"Zoom gives no token ({status}). Compare HANDBOOK_ZOOM_* with the server-to-server app, which must be "
            "active, and start the run again."
        )
    return NothingHappened(f"Zoom gave no token ({status or type(error).__name__}).")


# What went wrong


def explain(error: Exception) -> Failure:
    """Reads what went wrong. Zoom's own words hold mail addresses, so they stay out."""
    match error:
        case _NoToken():
            return error.failure
        case _TokenOver():
            return NothingHappened("Zoom's token was over; the next attempt gets a new one.", 0.0)
        case httpx.HTTPStatusError():
            return _explain_answer(error.response)
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return NothingHappened("Zoom could not be reached.")
        case _:
            return Unclear(f"Zoom gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(answer: httpx.Response) -> Failure:
    status, code = answer.status_code, _code(answer)
    told = f"{status}, code {code}" if code else str(status)
    if status == 429 or (status == 403 and "Retry-After" in answer.headers):
        return NothingHappened(f"Zoom asked to come back later ({told}).", _wait(answer.headers.get("Retry-After", "")))
    if status in {401, 403} or code in {INVALID_TOKEN, WITHOUT_SCOPE}:
        return LockedOut(
            f"Zoom refused the token ({told}). Compare the app's scopes with those in docs/connecting.md, and start "
            "the run again."
        )
    if status == 404 and code == 1001:
        return Refused("Zoom knows no user with the host's mail address. Invite them to the account in Zoom.")
    if 400 <= status < 500:
        return Refused(f"Zoom refused it ({told}).")
    return Unclear(f"Zoom answered {status}.")


def _code(answer: httpx.Response) -> int:
    try:
        return int(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def _wait(after: str) -> float | None:
    """Reads Retry-After: seconds, or of a daily limit the moment when it ends."""
    if after.isdigit():
        return float(after)
    try:
        ends = datetime.fromisoformat(after)
    except ValueError:
        return None
    return max(0.0, (ends - clock.now()) / timedelta(seconds=1)) if ends.tzinfo else None
