"""Slack: messages to our channels and to customers, and who and what is there.

Inside `connected()` all calls share their connections; elsewhere each call makes its own.

API: https://docs.slack.dev/reference/methods
"""

# slack_sdk's own types leave out type arguments; what comes from it is cast where it enters.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import aiohttp
from cachetools import TTLCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from policies.events import SlackMessage
from policies.report import Report
from settings import settings
from tasks import effects, ledger
from tasks.effects import Failure, LockedOut, Made, NothingHappened, Refused, Unclear, Write, aperform
from tasks.ledger import Budget

EVENT = "handbook_flows"
CLOCKS_DIFFER = timedelta(minutes=1)  # ours and Slack's, at the most
PAGE = 200
UNKNOWN = "unknown"  # the id of what can't be looked for, when its answer was lost
_LOG = logging.getLogger("slack_sdk.quiet")
_LOG.setLevel(logging.WARNING)  # with no level, the SDK words what it would log of each call, and drops it
_READS = (
    *(".list", ".info", ".history", ".replies", ".members", ".lookupByEmail"),
    *("users.conversations", "auth.test", "chat.getPermalink"),
)
_LOCKED_OUT = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
_NOT_NOW = {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"}
_CODE = re.compile("[a-z_]+")  # what else stands in "error" is the SDK's word on an answer that is none of Slack's
_UNCLEAR = {"internal_error", "fatal_error"}


class SharedChannel(Exception):
    """The channel is shared with another company; internal messages don't go there."""


@dataclass(frozen=True)
class Person:
    """Who speaks in Slack: whose people they are, not what they call themselves."""

    id: str
    team: str
    is_guest: bool
    is_bot: bool


@dataclass(frozen=True)
class Us:
    """Our own app and workspace."""

    team: str
    user: str
    bot: str


Answer = dict[str, Any]
Reading = Callable[[str, Callable[[], Awaitable[Answer]]], Awaitable[Answer]]


class _Client(AsyncWebClient):
    """Slack's client, with the permit check before each write."""

    async def say(self, method: str, **arguments: Any) -> Answer:
        """Calls a method of the Web API."""
        given = {name: value for name, value in arguments.items() if value not in (None, "")}

        if not method.endswith(_READS):
            effects.assert_permitted()
            return cast(Answer, (await self.api_call(method, json=given)).data)

        async def call() -> Answer:  # methods that read don't take JSON
            return cast(Answer, (await self.api_call(method, http_verb="GET", params=given)).data)

        reading = _reading.get()
        return await (reading(method, call) if reading else call())


_client: ContextVar[_Client | None] = ContextVar("slack_client", default=None)
_reading: ContextVar[Reading | None] = ContextVar("slack_reading", default=None)


@asynccontextmanager
async def connected() -> AsyncGenerator[None]:
    """Keeps connections to Slack open for all calls inside."""
    timeout = aiohttp.ClientTimeout(total=settings().read_timeout, sock_connect=settings().connect_timeout)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        token = _client.set(_new_client(session))
        try:
            yield
        finally:
            _client.reset(token)


@contextmanager
def reading_by(reading: Reading) -> Generator[None]:
    """Has each call inside that only reads made by `reading`, which gets the method's name and the call."""
    token = _reading.set(reading)
    try:
        yield
    finally:
        _reading.reset(token)


async def post(
    channel: str,
    report: Report,
    *,
    once: str,
    thread: str = "",
    to_customers: bool = False,
    budget: Budget | None = None,
) -> Made:
    """Posts a report, by channel id; into a thread when given the ts of its first message.

    to_customers: whether the channel may be shared with another company.
    budget: how many there may be of its kind.

    Raises:
        tasks.effects.EffectError: the channel is shared and must not be, among others.
    """
    # The thread is part of the request only where there is one, so that older keys keep their fingerprint.
    request = {"channel": channel, "report": report.markdown()} | ({"thread": thread} if thread else {})
    write = _posting(channel, report, once, request, thread=thread, to_customers=to_customers)
    return await aperform(replace(write, budget=budget))


async def tell_once(
    channel: str, report: Report, *, occasion: str, thread: str = "", to_customers: bool = False
) -> Made:
    """Posts a report, once for an occasion, even if its words would be others by now.

    What is asked for is to be told of the occasion, in whatever words: an attempt that may have got through is looked
    for by its key, and the words of another try are no other request.

    Raises:
        tasks.effects.EffectError
    """
    if told := ledger.rows(below=f"{occasion}/", states=[ledger.State.DONE]):
        return Made(told[0].made_id or "", told[0].made_url or "")
    request = {"channel": channel, "occasion": occasion, "thread": thread}
    once = f"{occasion}/told"
    return await aperform(_posting(channel, report, once, request, thread=thread, to_customers=to_customers))


def _posting(
    channel: str, report: Report, once: str, request: Mapping[str, str], *, thread: str, to_customers: bool
) -> Write:
    key = _key(once)

    async def send() -> Made:
        client = _connect()
        if not to_customers:
            await _assert_ours(client, channel)
        shown = _shown(report, key) | {"unfurl_links": False, "unfurl_media": False}
        answer = await client.say("chat.postMessage", channel=channel, thread_ts=thread, **shown)
        return _made(channel, str(answer["ts"]))

    async def find(since: datetime) -> Made | None:
        method, where = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
        oldest = str((since - CLOCKS_DIFFER).timestamp())
        wanted = {"channel": channel, "oldest": oldest, "include_all_metadata": True} | where
        async for message in listed(method, "messages", **wanted):
            if _key_of(message) == key:
                return _made(channel, message["ts"])
        return None

    return Write(once, "Slack", "post message", channel, request, send, find, explain, Made("", ""))


async def update(channel: str, ts: str, report: Report, *, once: str) -> Made:
    """Puts a report in the place of a message of ours."""
    key = _key(once)

    async def send() -> Made:
        await _connect().say("chat.update", channel=channel, ts=ts, **_shown(report, key))
        return _made(channel, ts)

    async def find(_: datetime) -> Made | None:
        page = {"channel": channel, "latest": ts, "inclusive": True, "limit": 1, "include_all_metadata": True}
        found = (await _connect().say("conversations.history", **page))["messages"]
        return _made(channel, ts) if found and found[0]["ts"] == ts and _key_of(found[0]) == key else None

    request = {"channel": channel, "ts": ts, "report": report.markdown()}
    write = Write(once, "Slack", "update message", f"{channel} {ts}", request, send, find, explain, Made(ts, ""))
    return await aperform(write)


async def tell_only(channel: str, user: str, report: Report, *, once: str, thread: str = "") -> Made:
    """Shows a message to one person in a channel. It can't be looked for, so in doubt it is not shown again."""

    async def send() -> Made:
        shown = _shown(report, "")
        answer = await _connect().say("chat.postEphemeral", channel=channel, user=user, thread_ts=thread, **shown)
        return Made(str(answer["message_ts"]))

    async def find(_: datetime) -> Made | None:
        return Made(UNKNOWN)

    request = {"channel": channel, "user": user, "report": report.markdown()}
    write = Write(once, "Slack", "post ephemeral", f"{channel} {user}", request, send, find, explain, Made("", ""))
    return await aperform(write)


async def open_view(trigger: str, view: Mapping[str, Any], *, once: str) -> Made:
    """Opens a modal in answer to somebody's click. It can't be looked for, so in doubt it is not opened again."""

    async def send() -> Made:
        return Made(str((await _connect().say("views.open", trigger_id=trigger, view=view))["view"]["id"]))

    async def find(_: datetime) -> Made | None:
        return Made(UNKNOWN)

    title, request = view["title"]["text"], {"trigger": trigger, "view": view}
    return await aperform(Write(once, "Slack", "open view", title, request, send, find, explain, Made("", "")))


async def join(channel: str, *, once: str) -> Made:
    """Has our app join a public channel; into a private one a member must invite it."""

    async def send() -> Made:
        await _connect().say("conversations.join", channel=channel)
        return Made(channel, channel_link(channel))

    async def find(_: datetime) -> Made | None:
        info = await _info(_connect(), channel)
        return Made(channel, channel_link(channel)) if info.get("is_member") else None

    request = {"channel": channel}
    made = Made(channel, channel_link(channel))
    return await aperform(
        Write(once, "Slack", "join channel", channel, request, send, find, explain, made, lasting=True)
    )


async def us() -> Us:
    """Gives our own app, as the token says."""
    if not (known := _us.get(_web())):
        answer = await _connect().say("auth.test")
        known = _us[_web()] = Us(answer["team_id"], answer["user_id"], answer.get("bot_id", ""))
    return known


async def person(user: str) -> Person:
    """Gives who a user is; remembered for ten minutes."""
    if not (known := _people.get((_web(), user))):
        known = _person((await _connect().say("users.info", user=user))["user"])
        _people[_web(), user] = known
    return known


def _person(found: Mapping[str, Any]) -> Person:
    guest = any(found.get(kind, False) for kind in ("is_restricted", "is_ultra_restricted", "is_stranger"))
    return Person(found["id"], found.get("team_id", ""), guest, bool(found.get("is_bot", False)))


async def members_of_group(group: str) -> list[str]:
    """Gives the ids of the members of a user group."""
    return [str(each) for each in (await _connect().say("usergroups.users.list", usergroup=group))["users"]]


async def info(channel: str) -> Mapping[str, Any]:
    """Gives what Slack says about a channel: name, is_private, is_ext_shared, is_member, is_archived."""
    return await _info(_connect(), channel)


async def find_channel(channel: str) -> Mapping[str, Any] | None:
    """Gives what `info` does; None when there is no such channel, or Slack does not show it to our app."""
    try:
        return await info(channel)
    except SlackApiError as error:
        if cast("dict[str, Any]", error.response.data).get("error") == "channel_not_found":
            return None
        raise


async def thread(channel: str, ts: str) -> list[SlackMessage]:
    """Gives a message and its replies, oldest first; empty when it is gone."""
    try:
        wanted = {"channel": channel, "ts": ts}
        return [as_message(channel, each) async for each in listed("conversations.replies", "messages", **wanted)]
    except SlackApiError as error:
        if cast("dict[str, Any]", error.response.data).get("error") == "thread_not_found":
            return []
        raise


async def message(channel: str, ts: str) -> SlackMessage | None:
    """Gives a message, a reply too; None when it is gone."""
    for found in await thread(channel, ts):
        if found.ts == ts:
            return found
    return None


def as_message(channel: str, found: Mapping[str, Any]) -> SlackMessage:
    """Reads a message as Slack has it, without its words."""
    return SlackMessage(
        channel=channel,
        ts=found["ts"],
        user=found.get("user", ""),
        team=found.get("user_team") or found.get("team", ""),
        thread_ts=found.get("thread_ts", ""),
        subtype=found.get("subtype", ""),
        bot=found.get("bot_id", ""),
        empty=not found.get("text"),
    )


def is_member_id(text: str) -> bool:
    """Says whether a text is the id of a person in Slack."""
    return re.fullmatch(r"[UW][A-Z0-9]{2,20}", text) is not None


def link(channel: str, ts: str) -> str:
    """Gives a message's address; asking Slack for it would add a way to fail after the message is out."""
    return f"{_web()}/archives/{channel}/p{ts.replace('.', '')}"


def channel_link(channel: str) -> str:
    """Gives a channel's address."""
    return f"{_web()}/archives/{channel}"


def _made(channel: str, ts: str) -> Made:
    return Made(ts, link(channel, ts))


def _key(once: str) -> str:
    return hashlib.sha256(once.encode()).hexdigest()[:32]


def _key_of(message: Mapping[str, Any]) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


def _shown(report: Report, key: str) -> dict[str, Any]:
    metadata = {"metadata": {"event_type": EVENT, "event_payload": {"key": key}}} if key else {}
    return {"text": report.slack_text(), "blocks": report.slack_blocks()} | metadata


async def _assert_ours(client: _Client, channel: str) -> None:
    if (await _info(client, channel))["is_ext_shared"]:
        raise SharedChannel(f"{channel} is shared with another company. Correct the channel in handbook.toml.")


async def _info(client: _Client, channel: str) -> dict[str, Any]:
    return (await client.say("conversations.info", channel=channel))["channel"]


async def listed(method: str, what: str, **wanted: Any) -> AsyncGenerator[dict[str, Any]]:
    """Gives what a method of the Web API lists under a name, page by page, as Slack has it."""
    client, cursor = _connect(), ""
    while True:
        page = await client.say(method, **wanted, limit=PAGE, cursor=cursor)
        for each in page[what]:
            yield each
        cursor = page.get("response_metadata", {}).get("next_cursor", "")
        if not cursor:
            return


_us: dict[str, Us] = {}
_people: TTLCache[tuple[str, str], Person] = TTLCache(maxsize=10_000, ttl=600)


def _web() -> str:
    sandbox = settings().sandbox_url
    return f"{sandbox}/slack/api" if sandbox else settings().slack_web_url


def _connect() -> _Client:
    return _client.get() or _new_client()


def _new_client(session: aiohttp.ClientSession | None = None) -> _Client:
    settings().require(*([] if settings().sandbox_url else ["slack_bot_token"]))
    sandbox = settings().sandbox_url
    return _Client(
        token=settings().slack_bot_token.get_secret_value(),
        base_url=f"{sandbox}/slack/api/" if sandbox else settings().slack_url,
        timeout=int(settings().read_timeout) or 1,
        retry_handlers=[],
        session=session,
        logger=_LOG,
    )


def explain(error: Exception) -> Failure:
    """Reads what went wrong in a write to Slack."""
    match error:
        case SharedChannel():
            return Refused(str(error))
        case SlackApiError(response=AsyncSlackResponse() as answer):
            return _explain_answer(answer)
        case aiohttp.ClientConnectorError():
            return NothingHappened("Slack could not be reached.")
        case _:
            return Unclear(f"Slack gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(answer: AsyncSlackResponse) -> Failure:
    if answer.status_code == 429:
        headers = cast("dict[str, str]", answer.headers)
        return NothingHappened("Slack asked to come back later.", float(headers.get("Retry-After", "1")))
    said = cast("dict[str, Any]", answer.data if isinstance(answer.data, dict) else {})
    return _explain_code(str(said.get("error", "")), answer.status_code)


def _explain_code(code: str, status: int) -> Failure:
    if code in _LOCKED_OUT:
        return LockedOut(f"Slack refused the token ({code}). Put a valid one into .env and start the run again.")
    if code in _NOT_NOW:
        return NothingHappened(f"Slack asked to come back later ({code}).")
    if not _CODE.fullmatch(code) or code in _UNCLEAR or status >= 500:
        return Unclear(f"Slack gave no answer that can be read (status {status}).")
    return Refused(f"Slack refused it ({code}).")
