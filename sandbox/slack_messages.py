"""Messages: posting, changing, deleting, linking, reactions. https://docs.slack.dev/reference/methods#chat"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from sandbox.slack_blocks import block_problems
from sandbox.slack_calls import Arguments, Method, Structure
from sandbox.slack_outbound import Outbound
from sandbox.slack_refusals import Refusal, invalid
from sandbox.slack_state import Answer, Caller, Channel, Message, State
from sandbox.slack_texts import found, numbered, reply_to, without_metadata
from sandbox.webhooks import Delivery

LONGEST_TEXT = 40_000
MOST_ATTACHMENTS = 100
MOST_EMOJI = 23  # different ones on a message
EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")
EVENT_TYPE = re.compile(r"[A-Za-z0-9_.:-]+")
SHOWN = ("text", "blocks", "attachments")
CONTENT = (*SHOWN, "metadata")


class Content(Arguments):
    """What a message says. `parse` and `link_names` are taken and change nothing here."""

    channel: str = ""
    text: str | None = None
    blocks: Structure = None
    attachments: Structure = None
    link_names: bool = False
    parse: str = ""


class Authored(Content):
    thread_ts: str = ""
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""


class Post(Authored):
    metadata: Structure = None
    reply_broadcast: bool = False
    unfurl_links: bool = False
    unfurl_media: bool = True
    mrkdwn: bool = True


class Ephemeral(Authored):
    user: str


class Update(Content):
    ts: str
    metadata: Structure = None


class Delete(Arguments):
    channel: str = ""
    ts: str


class Permalink(Arguments):
    channel: str = ""
    message_ts: str


class Reaction(Arguments):
    channel: str = ""
    timestamp: str = ""
    name: str


class Reactions(Arguments):
    channel: str = ""
    timestamp: str = ""
    full: bool = False


class Messages:
    """The methods of `chat.*` and `reactions.*`, and what each change of a message brings with it."""

    def __init__(self, state: State, outbound: Outbound) -> None:
        self.state, self.outbound = state, outbound

    def methods(self) -> list[Method]:
        write, reads, reacts = ("chat:write",), ("reactions:read",), ("reactions:write",)
        return [
            Method("chat.postMessage", Post, self.post, write),
            Method("chat.postEphemeral", Ephemeral, self.post_ephemeral, write),
            Method("chat.update", Update, self.update, write),
            Method("chat.delete", Delete, self.delete, write),
            Method("chat.getPermalink", Permalink, self.permalink, forms_only=True),
            Method("reactions.add", Reaction, self.react, reacts),
            Method("reactions.remove", Reaction, self.take_back, reacts),
            Method("reactions.get", Reactions, self.reactions, reads, forms_only=True),
        ]

    # Posting

    def post(self, caller: Caller, said: Post) -> Answer:
        channel = self._addressed(caller, said.channel)
        self._check(caller, said)
        check_metadata(said.metadata)
        message = self.written(caller, channel, said)
        if said.metadata:
            message["metadata"] = said.metadata
        if said.thread_ts:
            message |= reply_to(channel, said.thread_ts)
            if said.reply_broadcast:
                message |= broadcast(channel, said.thread_ts)
        self.add(channel, message)
        return {"channel": channel.id, "ts": message["ts"], "message": without_metadata(message)}

    def add(self, channel: Channel, message: Message, action: str = "post message") -> None:
        """Puts an app's message into a conversation and notes that."""
        self.put(channel, message)
        told = {name: message[name] for name in (*CONTENT, "files", "ts", "thread_ts", "user") if name in message}
        self.state.record(action, channel, **told)

    def put(self, channel: Channel, message: Message) -> list[Delivery]:
        """Puts a message into a conversation and tells the apps that are in it."""
        message = numbered(message)
        channel.put(message)
        return self.outbound.posted(channel, message)

    def note(self, channel: Channel, subtype: str, user_id: str, text: str, **more: str) -> list[Delivery]:
        """Puts in what Slack itself writes when somebody joins, leaves or names a topic."""
        message: Message = {"type": "message", "subtype": subtype, "ts": self.state.ts(), "user": user_id, "text": text}
        return self.put(channel, message | more)

    def change(self, channel: Channel, before: Message, after: Message) -> list[Delivery]:
        """Puts other words into the place of a message."""
        channel.put(after)
        return self.outbound.changed(channel, before, after)

    def remove(self, channel: Channel, message: Message) -> list[Delivery]:
        """Takes a message away; in the place of one that began a thread stands that it is gone."""
        ts = message["ts"]
        if channel.replies(ts):
            gone = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": True}
            channel.put({"type": "message", "ts": ts, "thread_ts": ts} | gone)
        else:
            channel.take_out(ts)
        return self.outbound.deleted(channel, message)

    def edited(self, message: Message, content: Message, user_id: str) -> Message:
        """Gives a message with other content, and the mark that it was edited."""
        after = numbered({name: value for name, value in (message | content).items() if value or name == "text"})
        return after | {"edited": {"user": user_id, "ts": self.state.ts()}}

    def post_ephemeral(self, caller: Caller, said: Ephemeral) -> Answer:
        channel = self._addressed(caller, said.channel)
        if said.user not in channel.members:
            raise Refusal("user_not_in_channel")
        self._check(caller, said)
        message = self.written(caller, channel, said)
        if said.thread_ts:
            message |= reply_to(channel, said.thread_ts)
        self.show_only(said.user, channel, message)
        shown = {name: message[name] for name in ("text", "blocks", "ts", "thread_ts") if name in message}
        self.state.record("post ephemeral", channel, **shown, user=said.user)
        return {"message_ts": message["ts"]}

    def show_only(self, user_id: str, channel: Channel, message: Message) -> None:
        """Shows a message to one person; Slack keeps it nowhere else."""
        where = {"channel": channel.id, "shown_to": user_id, "is_ephemeral": True}
        self.state.ephemerals.append(numbered(message) | where)

    def _addressed(self, caller: Caller, wanted: str) -> Channel:
        """Gives where a message goes: a conversation by id or name, or the direct messages with a user."""
        if wanted in self.state.users:
            channel, _ = self.state.direct([caller.user_id, wanted])
            return channel
        channel = self.state.channel(caller, wanted, by_name=True)
        if channel.is_archived:
            raise Refusal("is_archived")
        everywhere = channel.kind == "public_channel" and "chat:write.public" in caller.scopes
        if caller.user_id not in channel.members and not everywhere:
            raise Refusal("not_in_channel")
        return channel

    def _check(self, caller: Caller, said: Authored) -> None:
        if not (said.text or said.blocks or said.attachments):
            raise Refusal("no_text")
        check_content(said)
        if said.username or said.icon_emoji or said.icon_url:
            caller.may("chat:write.customize")

    def written(self, caller: Caller, channel: Channel, said: Authored) -> Message:
        """Gives a message of an app."""
        message: Message = {"type": "message", "ts": self.state.ts(), "text": said.text or ""}
        message |= self.state.author(channel, caller.user_id)
        if said.username or said.icon_emoji or said.icon_url:
            message |= {"subtype": "bot_message", "username": said.username}
        return message | {name: value for name in SHOWN if (value := getattr(said, name))}

    # Changing

    def update(self, caller: Caller, said: Update) -> Answer:
        channel, message = self._own(caller, said.channel, said.ts, "cant_update_message")
        if channel.is_archived:
            raise Refusal("is_inactive")
        check_content(said)
        check_metadata(said.metadata)
        given = {name: value for name in CONTENT if (value := getattr(said, name)) is not None}
        after = self.edited(message, given, caller.user_id)
        if not given or not any(after.get(name) for name in SHOWN):
            raise Refusal("no_text")
        changed = {name: value for name, value in given.items() if after.get(name) != message.get(name)}
        if changed:
            self.change(channel, message, after)
            self.state.record("update message", channel, ts=said.ts, **changed)
            message = after
        answered = {"channel": channel.id, "ts": message["ts"], "text": message["text"]}
        return answered | {"message": without_metadata(message)}

    def delete(self, caller: Caller, said: Delete) -> Answer:
        channel, message = self._own(caller, said.channel, said.ts, "cant_delete_message")
        self.remove(channel, message)
        self.state.record("delete message", channel, ts=message["ts"], text=message["text"])
        return {"channel": channel.id, "ts": message["ts"]}

    def _own(self, caller: Caller, wanted: str, ts: str, error: str) -> tuple[Channel, Message]:
        channel = self.state.channel(caller, wanted)
        message = found(channel, ts)
        if message["user"] != caller.user_id:
            raise Refusal(error)
        return channel, message

    def permalink(self, caller: Caller, said: Permalink) -> Answer:
        channel = self.state.channel(caller, said.channel)
        message = found(channel, said.message_ts)
        return {"channel": channel.id, "permalink": self.state.link(channel, message["ts"])}

    # Reactions

    def react(self, caller: Caller, said: Reaction) -> Answer:
        channel, message = self._reacted_to(caller, said)
        self.add_reaction(message, said.name, caller.user_id)
        self.state.record("add reaction", channel, name=said.name, ts=message["ts"])
        return {}

    def add_reaction(self, message: Message, name: str, user_id: str) -> None:
        """Puts somebody's emoji on a message.

        Raises:
            Refusal: it is none, is there already, or one too many.
        """
        if not EMOJI.fullmatch(name):
            raise Refusal("invalid_name")
        by_name = {each["name"]: each for each in message.setdefault("reactions", [])}
        reaction = by_name.get(name, {"name": name, "users": [], "count": 0})
        if user_id in reaction["users"]:
            raise Refusal("already_reacted")
        if name not in by_name and len(by_name) >= MOST_EMOJI:
            raise Refusal("too_many_emoji")
        reaction["users"].append(user_id)
        self._set_reactions(message, by_name | {name: reaction})

    def take_back(self, caller: Caller, said: Reaction) -> Answer:
        channel, message = self._reacted_to(caller, said)
        by_name = {each["name"]: each for each in message.get("reactions", [])}
        if caller.user_id not in by_name.get(said.name, {"users": []})["users"]:
            raise Refusal("no_reaction")
        by_name[said.name]["users"].remove(caller.user_id)
        self._set_reactions(message, by_name)
        self.state.record("remove reaction", channel, name=said.name, ts=message["ts"])
        return {}

    def _set_reactions(self, message: Message, by_name: Mapping[str, Answer]) -> None:
        message["reactions"] = [each | {"count": len(each["users"])} for each in by_name.values() if each["users"]]

    def reactions(self, caller: Caller, said: Reactions) -> Answer:
        channel, message = self._reacted_to(caller, said)
        shown = without_metadata(message) | {"permalink": self.state.link(channel, message["ts"])}
        return {"type": "message", "channel": channel.id, "message": shown}

    def _reacted_to(self, caller: Caller, said: Reaction | Reactions) -> tuple[Channel, Message]:
        if not (said.channel and said.timestamp):
            raise Refusal("no_item_specified")
        channel = self.state.joined(caller, said.channel)
        if channel.is_archived:
            raise Refusal("is_archived")
        return channel, found(channel, said.timestamp)


# What a message may hold


def check_content(said: Content) -> None:
    """Raises a Refusal when a text is too long, or blocks or attachments aren't what Slack takes."""
    if len(said.text or "") > LONGEST_TEXT:
        raise Refusal("msg_too_long")
    blocks: object = said.blocks
    if not isinstance(blocks, list | None):
        raise Refusal("invalid_blocks_format")
    if blocks and (problems := block_problems(said.blocks)):
        raise invalid("invalid_blocks", problems)
    if said.attachments is not None:
        _check_attachments(said.attachments)


def _check_attachments(said: Any) -> None:
    if not isinstance(said, list):
        raise Refusal("invalid_attachments")
    attachments = cast("list[Any]", said)
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for number, each in enumerate(attachments):
        if not isinstance(each, dict):
            raise Refusal("invalid_attachments")
        blocks = cast("Answer", each).get("blocks", [])
        if problems := block_problems(blocks, f"/attachments/{number}/blocks"):
            raise invalid("invalid_attachments", problems)


def broadcast(channel: Channel, thread_ts: str) -> Message:
    """Gives what makes a reply one that the channel sees too."""
    return {"subtype": "thread_broadcast", "root": without_metadata(channel.messages[thread_ts])}


def check_metadata(said: Any) -> None:
    """Raises a Refusal unless it is `{"event_type": ..., "event_payload": {...}}`, or empty: no metadata."""
    if said is None or said == {}:
        return
    if not isinstance(said, dict):
        raise Refusal("invalid_metadata_format")
    metadata = cast("Answer", said)
    event, payload = metadata.get("event_type"), metadata.get("event_payload")
    named = isinstance(event, str) and EVENT_TYPE.fullmatch(event)
    if set(metadata) != {"event_type", "event_payload"} or not named or not isinstance(payload, dict):
        raise Refusal("invalid_metadata_schema")
