"""Slack: messages to our own channels.

API: https://docs.slack.dev/reference/methods/chat.postMessage
"""

# slack_sdk's own types leave out type arguments; what comes from it is cast where it enters.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from policies.report import Report
from settings import settings
from tasks import effects
from tasks.effects import Failure, LockedOut, Made, NothingHappened, Refused, Unclear, Write, perform

EVENT = "handbook_flows"
CLOCKS_DIFFER = timedelta(minutes=1)  # ours and Slack's, at the most
_READS = (".list", ".info", ".history", ".replies", ".members", "auth.test", "chat.getPermalink", ".lookupByEmail")
_LOCKED_OUT = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
_NOT_NOW = {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"}
_CODE = re.compile("[a-z_]+")  # what else stands in "error" is the SDK's word on an answer that is none of Slack's
_UNCLEAR = {"internal_error", "fatal_error"}


class SharedChannel(Exception):
    """The channel is shared with another company; internal messages don't go there."""


class _Client(WebClient):
    """Slack's client, with the permit check before each write."""

    def say(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Calls a method of the Web API."""
        if not method.endswith(_READS):
            effects.assert_permitted()
        return cast("dict[str, Any]", self.api_call(method, json=arguments).data)


def post(channel: str, report: Report, *, once: str) -> Made:
    """Posts a report to a channel of ours, by channel id.

    Raises:
        tasks.effects.EffectError: the channel is shared with another company, among others.
    """
    key = hashlib.sha256(once.encode()).hexdigest()[:32]

    def send() -> Made:
        client = _connect()
        info = client.say("conversations.info", channel=channel)["channel"]
        if info["is_ext_shared"]:
            raise SharedChannel(f"{channel} is shared with another company. Correct the channel in handbook.toml.")
        answer = client.say(
            "chat.postMessage",
            channel=channel,
            text=report.slack_text(),
            blocks=report.slack_blocks(),
            metadata={"event_type": EVENT, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return _made(channel, str(answer["ts"]))

    def find(since: datetime) -> Made | None:
        wanted = {"channel": channel, "oldest": str((since - CLOCKS_DIFFER).timestamp()), "include_all_metadata": True}
        client, cursor = _connect(), ""
        while True:
            page = client.say("conversations.history", **wanted, limit=200, cursor=cursor)
            for message in page["messages"]:
                if message.get("metadata", {}).get("event_payload", {}).get("key") == key:
                    return _made(channel, message["ts"])
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return None

    request = {"channel": channel, "report": report.markdown()}
    return perform(Write(once, "Slack", "post message", channel, request, send, find, explain, Made("", "")))


def _made(channel: str, ts: str) -> Made:
    """The link is made here: asking Slack for it would add a way to fail after the message is out."""
    return Made(ts, f"{_web()}/archives/{channel}/p{ts.replace('.', '')}")


def _web() -> str:
    sandbox = settings().sandbox_url
    return f"{sandbox}/slack/api" if sandbox else settings().slack_web_url


def _connect() -> _Client:
    settings().require(*([] if settings().sandbox_url else ["slack_bot_token"]))
    sandbox = settings().sandbox_url
    return _Client(
        token=settings().slack_bot_token.get_secret_value(),
        base_url=f"{sandbox}/slack/api/" if sandbox else settings().slack_url,
        timeout=int(settings().read_timeout) or 1,
        retry_handlers=[],
    )


def explain(error: Exception) -> Failure:
    """Reads what went wrong in a write to Slack."""
    match error:
        case SharedChannel():
            return Refused(str(error))
        case SlackApiError():
            return _explain_answer(cast("SlackResponse", error.response))
        case URLError(reason=ConnectionRefusedError()):
            return NothingHappened("Slack could not be reached.")
        case _:
            return Unclear(f"Slack gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(answer: SlackResponse) -> Failure:
    if answer.status_code == 429:
        headers = cast("dict[str, str]", answer.headers)
        return NothingHappened("Slack asked to come back later.", float(headers.get("Retry-After", "1")))
    return _explain_code(str(cast("dict[str, Any]", answer.data).get("error", "")), answer.status_code)


def _explain_code(code: str, status: int) -> Failure:
    if code in _LOCKED_OUT:
        return LockedOut(f"Slack refused the token ({code}). Put a valid one into .env and start the run again.")
    if code in _NOT_NOW:
        return NothingHappened(f"Slack asked to come back later ({code}).")
    if not _CODE.fullmatch(code) or code in _UNCLEAR or status >= 500:
        return Unclear(f"Slack gave no answer that can be read (status {status}).")
    return Refused(f"Slack refused it ({code}).")
