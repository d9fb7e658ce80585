"""What people do in Slack, for tests and the console. It needs no token and is no effect of a program's.

| call | what it does |
|---|---|
| `POST /_person/message` `{"user", "channel", "text"?, "thread_ts"?, "broadcast"?, "files"?: [names]}` | speaks |
| `POST /_person/edit` `{"user", "channel", "ts", "text"}` | gives a message of their own other words |
| `POST /_person/delete` `{"user", "channel", "ts"}` | takes a message of their own away |
| `POST /_person/react` `{"user", "channel", "ts", "name"}` | puts an emoji on a message |
| `POST /_person/join`, `/_person/leave` `{"user", "channel"}` | becomes a member, or is none any more |
| `POST /_person/click` `{"user", "channel", "ts", "action_id", "value"?}` | presses a button or chooses in a menu |
| the same with `"view"` instead of channel and ts | ... in a view |
| `POST /_person/command` `{"user", "channel", "command", "text"?}` | types a slash command |
| `POST /_person/shortcut` `{"user", "callback_id", "channel"?, "ts"?}` | chooses a shortcut, on a message or globally |
| `POST /_person/submit` `{"user", "view", "values"?: {block or action: value}}` | sends a modal |
| `POST /_person/close` `{"user", "view"}` | closes a modal |
| `POST /_person/trigger` `{"user", "view"?}` | gives the `trigger_id` of a click |
| `POST /_person/verify_endpoint` | asks the gateway for Slack's challenge |

Channels by id or name. Each answers `ok`, what was made, `deliveries` (path, status, error of the first try of each
webhook that it caused) and `status`, that of the first: null when nothing was sent or nobody answered.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.slack_choices import Value
from sandbox.slack_conversations import Conversations
from sandbox.slack_files import Files
from sandbox.slack_interactions import Interactions
from sandbox.slack_messages import Messages, broadcast
from sandbox.slack_outbound import EVENTS, JSON, ONCE, VERIFICATION_TOKEN, Outbound
from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Answer, Channel, Message, State, View
from sandbox.slack_texts import reply_to
from sandbox.slack_views import Views
from sandbox.webhooks import Delivery


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: str


class InChannel(Act):
    channel: str


class Speak(InChannel):
    text: str = ""
    thread_ts: str = ""
    broadcast: bool = False
    files: list[str] = []


class Delete(InChannel):
    ts: str


class Edit(Delete):
    text: str


class React(Delete):
    name: str


class Click(Act):
    action_id: str
    channel: str = ""
    ts: str = ""
    view: str = ""
    value: Value = None


class Command(InChannel):
    command: str
    text: str = ""


class Shortcut(Act):
    callback_id: str
    channel: str = ""
    ts: str = ""


class InView(Act):
    view: str


class Submit(InView):
    values: dict[str, Value] = {}


class Trigger(Act):
    view: str = ""


Said = TypeVar("Said", bound=Act)


class Person:
    """The addresses. What can't be gives 422 and a sentence."""

    def __init__(
        self,
        messages: Messages,
        conversations: Conversations,
        files: Files,
        views: Views,
        interactions: Interactions,
    ) -> None:
        self.messages, self.conversations, self.files = messages, conversations, files
        self.views, self.interactions = views, interactions
        self.state: State = messages.state
        self.outbound: Outbound = messages.outbound

    def routes(self) -> list[Route]:
        return [
            self._route("message", Speak, self.speak),
            self._route("edit", Edit, self.edit),
            self._route("delete", Delete, self.delete),
            self._route("react", React, self.react),
            self._route("join", InChannel, self.join),
            self._route("leave", InChannel, self.leave),
            self._route("click", Click, self.click),
            self._route("command", Command, self.command),
            self._route("shortcut", Shortcut, self.shortcut),
            self._route("submit", Submit, self.submit),
            self._route("close", InView, self.close),
            self._route("trigger", Trigger, self.trigger),
            Route("/_person/verify_endpoint", self.verify_endpoint, methods=["POST"]),
        ]

    def _route(self, name: str, takes: type[Said], does: Callable[[Said], Awaitable[Answer]]) -> Route:
        async def endpoint(request: Request) -> Response:
            said = takes.model_validate_json(await request.body())
            if said.user not in self.state.users:
                raise ValueError(f'No user "{said.user}". Give the id of one.')
            return JSONResponse({"ok": True, **await does(said)})

        return Route(f"/_person/{name}", endpoint, methods=["POST"])

    # Messages

    async def speak(self, said: Speak) -> Answer:
        channel = self._joined(said)
        if not (said.text or said.files):
            raise ValueError('The message is empty. Give "text" or "files".')
        message: Message = {"type": "message", "ts": self.state.ts(), "text": said.text}
        message |= self.state.author(channel, said.user) | {"client_msg_id": str(uuid.uuid4())}
        if said.files:
            shared = [self.files.shared_by_person(said.user, channel, message["ts"], name) for name in said.files]
            message |= {"subtype": "file_share", "files": shared, "upload": True}
        if said.thread_ts:
            message |= _thread(channel, said.thread_ts)
            message |= broadcast(channel, said.thread_ts) if said.broadcast else {}
        sent = self.messages.put(channel, message)
        return {"channel": channel.id, "ts": message["ts"]} | await self._told(sent)

    async def edit(self, said: Edit) -> Answer:
        channel, message = self._own(said)
        after = self.messages.edited(message, {"text": said.text}, said.user)
        return {"channel": channel.id, "ts": said.ts} | await self._told(self.messages.change(channel, message, after))

    async def delete(self, said: Delete) -> Answer:
        channel, message = self._own(said)
        return {"channel": channel.id, "ts": said.ts} | await self._told(self.messages.remove(channel, message))

    async def react(self, said: React) -> Answer:
        channel = self._joined(said)
        try:
            self.messages.add_reaction(_message(channel, said.ts), said.name, said.user)
        except Refusal as refusal:
            raise ValueError(f"The reaction :{said.name}: is refused ({refusal.error}).") from None
        return {"channel": channel.id, "ts": said.ts}

    def _own(self, said: Delete) -> tuple[Channel, Message]:
        channel = self._joined(said)
        message = _message(channel, said.ts)
        if message["user"] != said.user:
            raise ValueError(f"The message {said.ts} is {message['user']}'s. People change only their own.")
        return channel, message

    async def join(self, said: InChannel) -> Answer:
        channel = self._channel(said.channel)
        if said.user in channel.members:
            raise ValueError(f"{said.user} is in #{channel.name} already.")
        return {"channel": channel.id} | await self._told(self.conversations.let_in(channel, said.user))

    async def leave(self, said: InChannel) -> Answer:
        channel = self._joined(said)
        return {"channel": channel.id} | await self._told(self.conversations.let_go(channel, said.user))

    async def _told(self, sent: list[Delivery]) -> Answer:
        deliveries = await self.outbound.first_answers(sent)
        return {"status": deliveries[0]["status"] if deliveries else None, "deliveries": deliveries}

    # Interactions

    async def click(self, said: Click) -> Answer:
        if said.view:
            view = self._view(said.user, said.view)
            return await self.interactions.click_in_view(said.user, view, said.action_id, said.value)
        channel = self._joined(InChannel(user=said.user, channel=said.channel))
        message = self._shown(said.user, channel, said.ts)
        return await self.interactions.click(said.user, channel, message, said.action_id, said.value)

    def _shown(self, user_id: str, channel: Channel, ts: str) -> Message:
        """Gives a message of the channel, or one that only this person sees."""
        for each in self.state.ephemerals:
            if (each["ts"], each["channel"], each["shown_to"]) == (ts, channel.id, user_id):
                return each
        return _message(channel, ts)

    async def command(self, said: Command) -> Answer:
        channel = self._joined(said)
        if not said.command.startswith("/"):
            raise ValueError(f'"{said.command}" is no command. It begins with "/".')
        self._assert_offered(said.user)
        return await self.interactions.command(said.user, channel, said.command, said.text)

    def _assert_offered(self, user_id: str) -> None:
        user = self.state.users[user_id]
        if user.team_id != self.state.team["id"]:
            raise ValueError(
                f"{user.real_name} is of another workspace, whom Slack does not offer the app's commands and shortcuts."
            )

    async def shortcut(self, said: Shortcut) -> Answer:
        channel = self._joined(InChannel(user=said.user, channel=said.channel)) if said.channel else None
        self._assert_offered(said.user)
        message = _message(channel, said.ts) if channel else None
        return await self.interactions.shortcut(said.user, said.callback_id, channel, message)

    async def submit(self, said: Submit) -> Answer:
        return await self.interactions.submit(said.user, self._view(said.user, said.view), said.values)

    async def close(self, said: InView) -> Answer:
        return await self.interactions.close(said.user, self._view(said.user, said.view))

    def _view(self, user_id: str, view_id: str) -> View:
        view = self.state.views.get(view_id)
        if view is None or view.user_id != user_id:
            raise ValueError(f'{user_id} sees no view "{view_id}". It may have been closed.')
        return view

    async def trigger(self, said: Trigger) -> Answer:
        return {"trigger_id": self.views.trigger(said.user, said.view)}

    async def verify_endpoint(self, request: Request) -> Response:
        """Asks whether the gateway is there, as Slack does when its address is saved."""
        challenge, answers = secrets.token_urlsafe(30), list[str]()

        def answered(_: str, body: bytes) -> None:
            answers.append(body.decode("utf-8", "replace"))

        body = json.dumps({"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}).encode()
        kind = "url_verification"
        delivery = self.outbound.send(EVENTS, body, JSON, id=challenge, kind=kind, rule=ONCE, answered=answered)
        told = await self._told([delivery] if delivery else [])
        return JSONResponse({"ok": any(challenge in _challenges(answer) for answer in answers), **told})

    # Channels

    def _joined(self, said: InChannel) -> Channel:
        channel = self._channel(said.channel)
        if said.user not in channel.members:
            raise ValueError(f"{said.user} is not in #{channel.name}. Add them to its members, or let them join.")
        return channel

    def _channel(self, wanted: str) -> Channel:
        channel = self.state.channels.get(wanted) or self.state.named(wanted.removeprefix("#"))
        if channel is None:
            raise ValueError(f'No channel "{wanted}". Give the id or the name of one.')
        if channel.is_archived:
            raise ValueError(f"#{channel.name} is archived. Choose another channel.")
        return channel


def _message(channel: Channel, ts: str) -> Message:
    if ts not in channel.messages:
        raise ValueError(f"#{channel.name} has no message {ts}. Give the ts of one.")
    return channel.messages[ts]


def _thread(channel: Channel, thread_ts: str) -> Message:
    try:
        return reply_to(channel, thread_ts)
    except Refusal:
        raise ValueError(f"#{channel.name} has no thread {thread_ts}. Give the ts of its first message.") from None


def _challenges(answer: str) -> tuple[str, ...]:
    """Gives what an answer may hold as the challenge: plain text, a form, JSON."""
    return (answer.strip(), answer.strip().removeprefix("challenge="), _in_json(answer))


def _in_json(answer: str) -> str:
    class Challenge(BaseModel):
        challenge: str

    try:
        return Challenge.model_validate_json(answer).challenge
    except ValidationError:
        return ""
