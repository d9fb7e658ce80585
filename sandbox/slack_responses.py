"""Addresses where an app answers a person's act, and what the answer to a slash command shows.

Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack_calls import Structure
from sandbox.slack_messages import SHOWN, Authored, Messages, check_content
from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Answer, Caller, Channel, Message, ResponseUrl, State
from sandbox.slack_texts import numbered, reply_to

MOST_USES, LIVES = 5, timedelta(minutes=30)


class Said(Authored):
    """What an app answers. `delete_original` and `replace_original` are about the message that was acted in."""

    response_type: Literal["ephemeral", "in_channel"] = "ephemeral"
    replace_original: bool = False
    delete_original: bool = False
    metadata: Structure = None
    unfurl_links: bool = False
    unfurl_media: bool = True
    mrkdwn: bool = True


class Responses:
    """The addresses, and what is said there."""

    def __init__(self, state: State, messages: Messages) -> None:
        self.state, self.messages = state, messages

    def address(self, app: Caller, user_id: str, channel: Channel, ts: str = "") -> str:
        """Makes an address for an app's answers to one act."""
        secret = secrets.token_urlsafe(18)
        now = self.state.world.clock.now()
        self.state.response_urls[secret] = ResponseUrl(app, user_id, channel.id, now, ts)
        return f"{self.state.address()}/_response/{secret}"

    async def answer(self, request: Request) -> Response:
        """Takes an answer. The secret in the address is the permission."""
        known = self.state.response_urls.get(request.path_params["secret"])
        if known is None or self.state.world.clock.now() - known.at > LIVES:
            return JSONResponse({"ok": False, "error": "expired_url"}, 404)
        if known.uses >= MOST_USES:
            return JSONResponse({"ok": False, "error": "used_url"}, 404)
        try:
            said = Said.model_validate_json(await request.body())
            with self.state.acting(known.app):
                self._do(known, said)
        except ValidationError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except Refusal as refusal:
            return JSONResponse({"ok": False, "error": refusal.error, **refusal.more}, 400)
        known.uses += 1
        return PlainTextResponse("ok")

    def _do(self, known: ResponseUrl, said: Said) -> None:
        channel = self.state.channels[known.channel_id]
        if not known.ts or not (said.delete_original or said.replace_original):
            self.say(known.app, known.user_id, channel, said)
        elif said.delete_original:
            self._delete(known, channel)
        else:
            self._replace(known, channel, said)

    def say(self, app: Caller, user_id: str, channel: Channel, said: Said, *, to_webhook: bool = False) -> Message:
        """Shows an answer to the channel, or to the person only, which is no effect when it answers a webhook."""
        self._check(said)
        message = self.messages.written(app, channel, said)
        if said.thread_ts:
            message |= reply_to(channel, said.thread_ts)
        if said.response_type == "in_channel":
            self.messages.add(channel, message)
        else:
            self.messages.show_only(user_id, channel, message)
            if not to_webhook:
                self.state.record("post ephemeral", channel, **_shown(message), user=user_id)
        return message

    def _check(self, said: Said) -> None:
        if not (said.text or said.blocks or said.attachments):
            raise Refusal("no_text")
        check_content(said)

    def _replace(self, known: ResponseUrl, channel: Channel, said: Said) -> None:
        self._check(said)
        content = {name: getattr(said, name) for name in SHOWN}
        if known.ts in channel.messages:
            before = channel.messages[known.ts]
            self.messages.change(channel, before, self.messages.edited(before, content, known.app.user_id))
        else:
            ephemeral = self._ephemeral(known)
            filled = {name: value for name, value in content.items() if value}
            kept = {name: value for name, value in ephemeral.items() if name not in SHOWN}
            self.state.ephemerals[self.state.ephemerals.index(ephemeral)] = numbered(kept | {"text": ""} | filled)
        self.state.record(
            "update message", channel, ts=known.ts, **{name: each for name, each in content.items() if each}
        )

    def _delete(self, known: ResponseUrl, channel: Channel) -> None:
        if known.ts in channel.messages:
            self.messages.remove(channel, channel.messages[known.ts])
        else:
            self.state.ephemerals.remove(self._ephemeral(known))
        self.state.record("delete message", channel, ts=known.ts)

    def _ephemeral(self, known: ResponseUrl) -> Message:
        for message in self.state.ephemerals:
            if (message["ts"], message["channel"], message["shown_to"]) == (known.ts, known.channel_id, known.user_id):
                return message
        raise Refusal("message_not_found")

    # Slash commands

    def show_command_answer(self, app: Caller, user_id: str, channel: Channel, kind: str, body: bytes) -> Answer:
        """Shows what a slash command was answered: Slack's JSON, or plain text. Gives what the person sees."""
        text = body.decode("utf-8", "replace").strip()
        if not text:
            return {}
        said = _read(text) if kind.startswith("application/json") else Said(text=text)
        with self.state.acting(app):
            message = self.say(app, user_id, channel, said, to_webhook=True)
        return _shown(message) | {"response_type": said.response_type}

    def show_failure(self, user_id: str, channel: Channel, command: str, error: str) -> None:
        """Shows that a slash command came to nothing, in Slack's own words."""
        text = f'{command} failed with the error "{error}"'
        slackbot: Message = {"type": "message", "ts": self.state.ts(), "user": "USLACKBOT", "text": text}
        self.messages.show_only(user_id, channel, slackbot)


def _read(text: str) -> Said:
    try:
        return Said.model_validate(json.loads(text))
    except ValueError:
        raise Refusal("invalid_payload") from None


def _shown(message: Message) -> dict[str, Any]:
    return {name: message[name] for name in ("text", "blocks", "ts", "thread_ts") if name in message}
