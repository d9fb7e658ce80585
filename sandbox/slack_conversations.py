"""Conversations: which there are, who is in them, what was said. https://docs.slack.dev/reference/methods#conversations"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal

from sandbox.slack_calls import Arguments, Ids, Method, Paging, page
from sandbox.slack_messages import Messages
from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Answer, Caller, Channel, Message, State
from sandbox.slack_texts import without_metadata
from sandbox.webhooks import Delivery

KINDS = ("public_channel", "private_channel", "mpim", "im")
MOST_IN_A_DIRECT_MESSAGE = 8
LONGEST_NAME, LONGEST_TOPIC = 80, 250
MOST_REPLIERS = 5  # that a thread's first message names; it counts them all
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Listing(Paging):
    types: Ids = ("public_channel",)
    exclude_archived: bool = False
    team_id: str = ""


class OfChannel(Arguments):
    channel: str = ""


class Info(OfChannel):
    include_locale: bool = False
    include_num_members: bool = False


class Members(Paging):
    channel: str = ""


class History(Paging):
    channel: str = ""
    oldest: str = ""
    latest: str = ""
    inclusive: bool = False
    include_all_metadata: bool = False


class Replies(History):
    ts: str


class Invite(OfChannel):
    users: Ids = ()
    force: bool = False


class Kick(OfChannel):
    user: str = ""


class Create(Arguments):
    name: str = ""
    is_private: bool = False
    team_id: str = ""


class Open(OfChannel):
    users: Ids = ()
    return_im: bool = False


class InviteShared(OfChannel):
    emails: Ids = ()
    user_ids: Ids = ()
    external_limited: bool = True


class Topic(OfChannel):
    topic: str = ""


class Conversations:
    """The methods of `conversations.*`."""

    def __init__(self, state: State, messages: Messages) -> None:
        self.state, self.messages = state, messages

    def methods(self) -> list[Method]:
        reads, writes, history = (_scopes(of) for of in ("read", "write", "history"))
        connect = ("conversations.connect:write",)
        return [
            Method("conversations.list", Listing, self.list_all, reads, forms_only=True),
            Method("users.conversations", Listing, self.list_own, reads, forms_only=True),
            Method("conversations.info", Info, self.info, reads, forms_only=True),
            Method("conversations.members", Members, self.members, reads, forms_only=True),
            Method("conversations.history", History, self.history, history, forms_only=True),
            Method("conversations.replies", Replies, self.replies, history, forms_only=True),
            Method("conversations.join", OfChannel, self.join, ("channels:join",)),
            Method("conversations.invite", Invite, self.invite, writes),
            Method("conversations.kick", Kick, self.kick, writes),
            Method("conversations.create", Create, self.create, ("channels:manage", "groups:write")),
            Method("conversations.archive", OfChannel, self.archive, writes),
            Method("conversations.open", Open, self.open, ("im:write", "mpim:write")),
            Method("conversations.inviteShared", InviteShared, self.invite_shared, connect),
            Method("conversations.setTopic", Topic, self.set_topic, writes),
        ]

    # Reading

    def list_all(self, caller: Caller, said: Listing) -> Answer:
        listed, cursor = self._listed(caller, said)
        shown = [self.described(caller, each) | {"num_members": len(each.members)} for each in listed]
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    def list_own(self, caller: Caller, said: Listing) -> Answer:
        """Lists the conversations that the caller is in; Slack counts no members here."""
        listed, cursor = self._listed(caller, said, lambda channel: caller.user_id in channel.members)
        shown = [self.described(caller, each) for each in listed]
        known = [{name: value for name, value in each.items() if name != "is_member"} for each in shown]
        return {"channels": known, "response_metadata": {"next_cursor": cursor}}

    def _listed(
        self, caller: Caller, said: Listing, counts: Callable[[Channel], bool] = lambda _: True
    ) -> tuple[list[Channel], str]:
        if not set(said.types) <= set(KINDS):
            raise Refusal("invalid_types")
        known = [
            channel
            for channel in self.state.channels.values()
            if channel.kind in said.types
            and not (said.exclude_archived and channel.is_archived)
            and self.state.sees(caller, channel)
            and counts(channel)
        ]
        for channel in known:
            caller.may(channel.scope("read"))
        return page(said, sorted(known, key=_id), _id)

    def info(self, caller: Caller, said: Info) -> Answer:
        channel = self._readable(caller, said.channel)
        count = {"num_members": len(channel.members)} if said.include_num_members else {}
        return {"channel": self.described(caller, channel) | count}

    def members(self, caller: Caller, said: Members) -> Answer:
        members, cursor = page(said, sorted(self._readable(caller, said.channel).members), str)
        return {"members": members, "response_metadata": {"next_cursor": cursor}}

    def _readable(self, caller: Caller, wanted: str) -> Channel:
        channel = self.state.channel(caller, wanted)
        caller.may(channel.scope("read"))
        return channel

    def history(self, caller: Caller, said: History) -> Answer:
        channel = self._heard(caller, said)
        roots = [each for each in channel.messages.values() if _is_in_the_channel(each)]
        messages = sorted(_between(roots, said), key=_ts, reverse=True)
        return self._told(channel, said, messages) | ({"latest": said.latest} if said.latest else {})

    def replies(self, caller: Caller, said: Replies) -> Answer:
        channel = self._heard(caller, said)
        if said.ts not in channel.messages:
            raise Refusal("thread_not_found")
        thread = [channel.messages[said.ts], *channel.replies(said.ts)]
        return self._told(channel, said, sorted(_between(thread, said), key=_ts))

    def _heard(self, caller: Caller, said: History) -> Channel:
        channel = self.state.joined(caller, said.channel)
        caller.may(channel.scope("history"))
        return channel

    def _told(self, channel: Channel, said: History, messages: list[Message]) -> Answer:
        told, cursor = page(said, messages, _ts)
        shown = [_with_thread(channel, each if said.include_all_metadata else without_metadata(each)) for each in told]
        return {"messages": shown, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}

    def described(self, caller: Caller, channel: Channel) -> Answer:
        """Gives a conversation as Slack's JSON has it."""
        shown: Answer = {
            "id": channel.id,
            "created": channel.created,
            "creator": channel.creator,
            "is_archived": channel.is_archived,
            "is_im": channel.kind == "im",
            "is_mpim": channel.kind == "mpim",
            "is_private": channel.is_private,
            "is_ext_shared": channel.is_ext_shared,
            "is_org_shared": False,
            "is_shared": channel.is_ext_shared,
        }
        if channel.kind == "im":
            return shown | {"user": next((each for each in channel.members if each != caller.user_id), caller.user_id)}
        return shown | {
            "name": channel.name,
            "name_normalized": channel.name,
            "is_channel": channel.kind == "public_channel",
            "is_group": channel.kind == "private_channel",
            "is_general": False,
            "is_member": caller.user_id in channel.members,
            "is_pending_ext_shared": bool(channel.invitations) and not channel.is_ext_shared,
            "topic": {"value": channel.topic},
            "purpose": {"value": channel.purpose},
        }

    # Changing who is in

    def join(self, caller: Caller, said: OfChannel) -> Answer:
        channel = self._channel(caller, said)
        if channel.is_private:
            raise Refusal("method_not_supported_for_channel_type")
        warned: Answer = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        if caller.user_id not in channel.members:
            self.let_in(channel, caller.user_id)
            self.state.record("join channel", channel, user=caller.user_id)
            warned = {}
        return {"channel": self.described(caller, channel)} | warned

    def let_in(self, channel: Channel, user_id: str, inviter: str = "") -> list[Delivery]:
        """Makes somebody a member, which Slack says in the channel."""
        channel.members.append(user_id)
        more = {"inviter": inviter} if inviter else {}
        return self.messages.note(channel, "channel_join", user_id, f"<@{user_id}> has joined the channel", **more)

    def let_go(self, channel: Channel, user_id: str) -> list[Delivery]:
        """Ends a membership, which Slack says in the channel."""
        channel.members.remove(user_id)
        return self.messages.note(channel, "channel_leave", user_id, f"<@{user_id}> has left the channel")

    def invite(self, caller: Caller, said: Invite) -> Answer:
        channel = self._managed(caller, said)
        if not said.users:
            raise Refusal("no_user")
        wrong = {user: error for user in said.users if (error := self._cannot_come(caller, channel, user))}
        errors: list[Answer] = [{"user": user, "ok": False, "error": error} for user, error in wrong.items()]
        come = list(dict.fromkeys(user for user in said.users if user not in wrong))
        if errors and not (said.force and come):
            raise Refusal(errors[0]["error"], errors=errors)
        for user in come:
            self.let_in(channel, user, inviter=caller.user_id)
        self.state.record("invite to channel", channel, users=come)
        return {"channel": self.described(caller, channel)} | ({"errors": errors} if errors else {})

    def _cannot_come(self, caller: Caller, channel: Channel, user_id: str) -> str:
        user = self.state.users.get(user_id)
        if user is None or user.deleted:
            return "user_not_found"
        if user_id == caller.user_id:
            return "cant_invite_self"
        if user_id in channel.members:
            return "already_in_channel"
        return "" if user.team_id == self.state.team["id"] or channel.is_ext_shared else "cant_invite"

    def kick(self, caller: Caller, said: Kick) -> Answer:
        channel = self._managed(caller, said)
        if not said.user:
            raise Refusal("no_user")
        if said.user not in self.state.users:
            raise Refusal("user_not_found")
        if said.user == caller.user_id:
            raise Refusal("cant_kick_self")
        if said.user not in channel.members:
            raise Refusal("not_in_channel")
        self.let_go(channel, said.user)
        self.state.record("remove from channel", channel, user=said.user)
        return {"errors": {}}

    def invite_shared(self, caller: Caller, said: InviteShared) -> Answer:
        """Invites somebody of another company. The invitation is kept; nobody accepts it here."""
        channel = self.state.channel(caller, said.channel)
        if channel.is_direct:
            raise Refusal("invalid_channel_type")
        if channel.is_archived:
            raise Refusal("channel_archived")
        self._check_guest(channel, said)
        invitation: Answer = {"invite_id": self.state.new_id("I"), "external_limited": said.external_limited}
        whom = {"emails": list(said.emails)} if said.emails else {"user_ids": list(said.user_ids)}
        channel.invitations.append(invitation | whom)
        self.state.record("invite to shared channel", channel, **invitation, **whom)
        return {"invite_id": invitation["invite_id"], "is_legacy_shared_channel": False}

    def _check_guest(self, channel: Channel, said: InviteShared) -> None:
        if not said.emails and not said.user_ids:
            raise Refusal("recipients_not_specified")
        if len(said.emails) + len(said.user_ids) > 1:
            raise Refusal("too_many_emails")
        if any(not EMAIL.fullmatch(email) for email in said.emails):
            raise Refusal("invalid_email")
        if any(user not in self.state.users for user in said.user_ids):
            raise Refusal("user_not_found")
        inside = [user for user in self.state.users.values() if user.id in channel.members]
        if any(user.id in said.user_ids or user.email.lower() in map(str.lower, said.emails) for user in inside):
            raise Refusal("already_in_channel")

    # Changing conversations

    def create(self, caller: Caller, said: Create) -> Answer:
        caller.may("groups:write" if said.is_private else "channels:manage")
        if problem := _name_problem(said.name):
            raise Refusal(problem)
        if self.state.named(said.name):
            raise Refusal("name_taken")
        created, me = self.state.now(), caller.user_id
        channel = Channel(self.state.new_id("C"), said.name, created, me, [me], is_private=said.is_private)
        self.state.channels[channel.id] = channel
        self.state.record("create channel", channel, id=channel.id, is_private=channel.is_private)
        return {"channel": self.described(caller, channel)}

    def archive(self, caller: Caller, said: OfChannel) -> Answer:
        channel = self.state.channel(caller, said.channel)
        if channel.is_archived:
            raise Refusal("already_archived")
        self._managed(caller, said).is_archived = True
        self.state.record("archive channel", channel)
        return {}

    def set_topic(self, caller: Caller, said: Topic) -> Answer:
        channel = self._managed(caller, said)
        if len(said.topic) > LONGEST_TOPIC:
            raise Refusal("too_long")
        if said.topic != channel.topic:
            channel.topic = said.topic
            text = f"<@{caller.user_id}> set the channel topic: {said.topic}"
            self.messages.note(channel, "channel_topic", caller.user_id, text, topic=said.topic)
            self.state.record("set topic", channel, topic=said.topic)
        return {"channel": self.described(caller, channel)}

    def open(self, caller: Caller, said: Open) -> Answer:
        channel, was_open = self._resumed(caller, said) if said.channel else self._opened(caller, said)
        known: Answer = {"no_op": True, "already_open": True} if was_open else {}
        if not was_open:
            self.state.record("open direct message", channel, members=channel.members)
        return known | {"channel": self.described(caller, channel) if said.return_im else {"id": channel.id}}

    def _resumed(self, caller: Caller, said: Open) -> tuple[Channel, bool]:
        channel = self.state.channel(caller, said.channel)
        if not channel.is_direct:
            raise Refusal("method_not_supported_for_channel_type")
        return channel, True

    def _opened(self, caller: Caller, said: Open) -> tuple[Channel, bool]:
        if not said.users:
            raise Refusal("users_list_not_supplied")
        people = [self.state.users.get(user) for user in said.users]
        if None in people:
            raise Refusal("user_not_found")
        if any(user and user.deleted for user in people):
            raise Refusal("user_disabled")
        if len(people) > MOST_IN_A_DIRECT_MESSAGE:
            raise Refusal("too_many_users")
        caller.may("im:write" if len(people) == 1 else "mpim:write")
        return self.state.direct([caller.user_id, *said.users])

    def _channel(self, caller: Caller, said: OfChannel) -> Channel:
        channel = self.state.channel(caller, said.channel)
        if channel.is_archived:
            raise Refusal("is_archived")
        return channel

    def _managed(self, caller: Caller, said: OfChannel) -> Channel:
        """Gives a channel that the caller is in and may change."""
        channel = self._channel(caller, said)
        if channel.is_direct:
            raise Refusal("method_not_supported_for_channel_type")
        caller.may(channel.scope("write"))
        return self.state.joined(caller, channel.id)


def _scopes(of: Literal["read", "write", "history"]) -> tuple[str, ...]:
    channels = "channels:manage" if of == "write" else f"channels:{of}"
    return (channels, *(f"{kind}:{of}" for kind in ("groups", "im", "mpim")))


def _name_problem(name: str) -> str:
    if not name:
        return "invalid_name_required"
    if len(name) > LONGEST_NAME:
        return "invalid_name_maxlength"
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        return "invalid_name_specials"
    return "" if re.search(r"[a-z0-9]", name) else "invalid_name_punctuation"


def _id(channel: Channel) -> str:
    return channel.id


def _ts(message: Message) -> str:
    return message["ts"]


def _is_in_the_channel(message: Message) -> bool:
    """A reply is seen in its thread only, unless it was sent to the channel as well."""
    is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
    return not is_reply or message.get("subtype") == "thread_broadcast"


def _between(messages: Iterable[Message], said: History) -> list[Message]:
    oldest, latest = _moment(said.oldest, "invalid_ts_oldest"), _moment(said.latest, "invalid_ts_latest")
    bounds = {oldest, latest} if said.inclusive else set[Decimal | None]()
    return [
        message
        for message in messages
        if (at := Decimal(message["ts"])) in bounds
        or ((oldest is None or oldest < at) and (latest is None or at < latest))
    ]


def _moment(ts: str, error: str) -> Decimal | None:
    if not ts:
        return None
    try:
        moment = Decimal(ts)
    except InvalidOperation:
        raise Refusal(error) from None
    if not moment.is_finite():
        raise Refusal(error)
    return moment


def _with_thread(channel: Channel, message: Message) -> Message:
    """Adds what the first message of a thread tells about it."""
    replies = channel.replies(message["ts"])
    if not replies:
        return message
    users = list(dict.fromkeys(reply["user"] for reply in replies))
    return message | {
        "thread_ts": message["ts"],
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": users[:MOST_REPLIERS],
        "latest_reply": max(reply["ts"] for reply in replies),
    }
