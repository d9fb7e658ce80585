"""What a person does with an app, and what Slack then sends it: clicks, views, shortcuts, slash commands.

Sources: https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any, cast

from sandbox.slack_choices import Value, action, filled_in, pressed
from sandbox.slack_outbound import COMMANDS, VERIFICATION_TOKEN, Outbound
from sandbox.slack_refusals import Refusal
from sandbox.slack_responses import Responses
from sandbox.slack_state import Answer, Caller, Channel, Message, State, View
from sandbox.slack_texts import without_metadata
from sandbox.slack_views import Views

_NAMED = re.compile(r"(?<![\w<])([#@])([\w.-]*\w)")
_HIDDEN_NAMES = {"private_channel": "privategroup", "im": "directmessage", "mpim": "mpdm"}


class Interactions:
    """Each gives what became of it, with the status that the app answered."""

    def __init__(self, state: State, outbound: Outbound, responses: Responses, views: Views) -> None:
        self.state, self.outbound, self.responses, self.views = state, outbound, responses, views

    # Messages

    async def click(self, user_id: str, channel: Channel, message: Message, action_id: str, value: Value) -> Answer:
        """Presses a button of a message, or chooses in a menu of it."""
        block, element = pressed(_blocks(message), action_id, value)
        app, is_ephemeral = self._app_of(message), bool(message.get("is_ephemeral"))
        container = {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel.id,
            "is_ephemeral": is_ephemeral,
        } | ({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {})
        payload: Answer = self._payload("block_actions", app, user_id) | {
            "container": container,
            "channel": self._channel(channel),
            "state": {"values": {}},
            "response_url": self.responses.address(app, user_id, channel, message["ts"]),
            "actions": [action(block, element, value, self.state.ts())],
        }
        if not is_ephemeral:
            payload["message"] = without_metadata(message)
        return await self._sent(payload)

    def _app_of(self, message: Message) -> Caller:
        """Gives the app that a message is of."""
        for app in self.state.apps():
            if app.app_id == message.get("app_id"):
                return app
        raise ValueError(f"The message {message['ts']} is no app's. Choose one with buttons.")

    async def shortcut(
        self, user_id: str, callback_id: str, channel: Channel | None, message: Message | None
    ) -> Answer:
        """Chooses a shortcut of the app, on a message when one is given."""
        app, kind = self._first_app(), "global" if message is None else "message"
        offered = [each.callback_id for each in self.state.shortcuts.values() if each.type == kind]
        if callback_id not in offered:
            there = ", ".join(offered) or "none"
            raise ValueError(f'The app has no {kind} shortcut "{callback_id}". It has: {there}.')
        if channel is None or message is None:
            payload = self._payload("shortcut", app, user_id)
        else:
            payload = self._payload("message_action", app, user_id) | {
                "channel": self._channel(channel),
                "message": without_metadata(message),
                "message_ts": message["ts"],
                "response_url": self.responses.address(app, user_id, channel, message["ts"]),
            }
        return await self._sent(payload | {"callback_id": callback_id, "action_ts": self.state.ts()})

    # Views

    async def click_in_view(self, user_id: str, view: View, action_id: str, value: Value) -> Answer:
        """Presses or chooses in a view, where what is only an input tells nobody."""
        block, element = pressed(view.content["blocks"], action_id, value)
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise ValueError(f'"{action_id}" is an input; it is sent with the view. Use /_person/submit.')
        app = self._owner(view)
        payload = self._payload("block_actions", app, user_id, view.id) | {
            "container": {"type": "view", "view_id": view.id},
            "view": self.views.shown(view),
            "actions": [action(block, element, value, self.state.ts())],
        }
        return await self._sent(payload)

    async def submit(self, user_id: str, view: View, values: Mapping[str, Value]) -> Answer:
        """Sends a modal with what was filled in, and does what the app answers: errors, another view, or it closes."""
        if not view.content.get("submit"):
            raise ValueError("The view has nothing to send. Use /_person/close.")
        state = filled_in(view.content["blocks"], values)
        app, told = self._owner(view), dict[str, Any]()

        def answered(_: str, body: bytes) -> None:
            told.update(self._after(app, user_id, view, body))

        shown = self.views.shown(view) | {"state": {"values": state}}
        payload: Answer = self._payload("view_submission", app, user_id, view.id) | {"view": shown, "response_urls": []}
        return await self._sent(payload, answered) | told

    def _after(self, app: Caller, user_id: str, view: View, body: bytes) -> Answer:
        try:
            said = cast("Answer", json.loads(body or b"{}"))
        except ValueError:
            return {"problem": "The answer is no JSON."}
        does = said.get("response_action", "close")
        try:
            match does:
                case "errors":
                    return _errors(view, said.get("errors"))
                case "update":
                    return {"response_action": does, "view": self.views.replaced_with(view, said.get("view"))["view"]}
                case "push":
                    return {
                        "response_action": does,
                        "view": self.views.laid_on(app, view, user_id, said.get("view"))["view"],
                    }
                case _:
                    self.views.close(view, everything=does == "clear")
                    return {"response_action": does}
        except Refusal as refusal:
            return {"problem": refusal.error, **refusal.more}

    async def close(self, user_id: str, view: View) -> Answer:
        """Closes a modal. The app hears of it only if it asked to."""
        app, shown = self._owner(view), self.views.shown(view)
        self.views.close(view)
        if not view.content.get("notify_on_close"):
            return {"status": None, "deliveries": []}
        payload = self._payload("view_closed", app, user_id) | {"view": shown, "is_cleared": False}
        return await self._sent({name: value for name, value in payload.items() if name != "trigger_id"})

    def _owner(self, view: View) -> Caller:
        return next(app for app in self.state.apps() if app.app_id == view.app_id)

    # Slash commands

    async def command(self, user_id: str, channel: Channel, command: str, text: str) -> Answer:
        """Types a slash command; what the app answers is shown to the person."""
        app, shown = self._first_app(), dict[str, Any]()

        def answered(kind: str, body: bytes) -> None:
            try:
                shown.update(self.responses.show_command_answer(app, user_id, channel, kind, body))
            except Refusal:
                self.responses.show_failure(user_id, channel, command, "dispatch_failed")

        trigger = self.views.trigger(user_id)
        fields = {
            "token": VERIFICATION_TOKEN,
            "team_id": self.state.team["id"],
            "team_domain": self.state.team["domain"],
            "channel_id": channel.id,
            "channel_name": self._channel(channel)["name"],
            "user_id": user_id,
            "user_name": self.state.user_name(user_id),
            "command": command,
            "text": self._escaped(text),
            "api_app_id": app.app_id,
            "is_enterprise_install": "false",
            "response_url": self.responses.address(app, user_id, channel),
            "trigger_id": trigger,
        }
        delivery = self.outbound.form(COMMANDS, fields, id=trigger, kind=command, answered=answered)
        told = _told(await self.outbound.first_answers([delivery]))
        if delivery and not delivery.delivered:
            error = "operation_timeout" if "Timeout" in told["deliveries"][0]["error"] else "dispatch_failed"
            self.responses.show_failure(user_id, channel, command, error)
            shown = {"error": error}
        return told | {"answer": shown}

    def _escaped(self, text: str) -> str:
        """Puts ids in the place of `#channel` and `@person`, as Slack does for commands that ask for it."""
        people = {user.name: user.id for user in self.state.users.values()}

        def id_of(found: re.Match[str]) -> str:
            sign, name = found.groups()
            channel = self.state.named(name) if sign == "#" else None
            if channel:
                return f"<#{channel.id}|{channel.name}>"
            return f"<@{people[name]}|{name}>" if sign == "@" and name in people else found[0]

        return _NAMED.sub(id_of, text)

    # What all have

    def _first_app(self) -> Caller:
        apps = self.state.apps()
        if not apps:
            raise ValueError('No app is installed. Add a token to the seed\'s "tokens".')
        return apps[0]

    def _payload(self, kind: str, app: Caller, user_id: str, view: str = "") -> Answer:
        user = self.state.users[user_id]
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "team": {"id": self.state.team["id"], "domain": self.state.team["domain"]},
            "enterprise": None,
            "is_enterprise_install": False,
            "api_app_id": app.app_id,
            "token": VERIFICATION_TOKEN,
            "trigger_id": self.views.trigger(user_id, view),
        }

    def _channel(self, channel: Channel) -> Answer:
        return {"id": channel.id, "name": _HIDDEN_NAMES.get(channel.kind, channel.name)}

    async def _sent(self, payload: Answer, answered: Any = None) -> Answer:
        delivery = self.outbound.payload(payload, id=secrets.token_hex(8), answered=answered)
        return _told(await self.outbound.first_answers([delivery]))


def _errors(view: View, errors: Any) -> Answer:
    """Gives what is wrong with which input; Slack takes no errors but those."""
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    named = set(cast("Answer", errors)) if isinstance(errors, dict) else set[str]()
    if not named or named - inputs:
        return {"problem": f"The answer's errors are about {sorted(named)}, which are not inputs of the view."}
    return {"response_action": "errors", "errors": errors}


def _told(deliveries: list[Answer]) -> Answer:
    return {"status": deliveries[0]["status"] if deliveries else None, "deliveries": deliveries}


def _blocks(message: Message) -> list[Mapping[str, Any]]:
    attached = (block for each in message.get("attachments", []) for block in each.get("blocks", []))
    return [*message.get("blocks", []), *attached]
