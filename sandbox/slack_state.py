"""What Slack's stand-in holds: people, conversations with their messages, user groups, views, files."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.slack_refusals import Refusal
from sandbox.world import World

Answer = dict[str, Any]
Message = dict[str, Any]  # as Slack's JSON has it
STANDARD_TEAM = {"id": "T0SANDBOX01", "name": "Fleet", "domain": "fleetdm"}


@dataclass(frozen=True)
class Caller:
    """Who a token belongs to, and what it allows."""

    user_id: str
    bot_id: str
    app_id: str
    scopes: frozenset[str]
    channels: frozenset[str] | None = None  # seeded channels that the bot is in; None: all

    def may(self, *scopes: str) -> None:
        """Raises `missing_scope` unless the token has one of these."""
        if scopes and not self.scopes.intersection(scopes):
            raise Refusal("missing_scope", needed=scopes[0], provided=",".join(sorted(self.scopes)))


@dataclass
class User:
    id: str
    name: str
    team_id: str
    real_name: str = ""
    email: str = ""
    tz: str = "America/Los_Angeles"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False


@dataclass
class Channel:
    """A conversation: a channel or, when its id begins with D or G, direct messages."""

    id: str
    name: str
    created: int
    creator: str = ""
    members: list[str] = field(default_factory=list[str])
    is_private: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    public_community: bool = False  # a channel of a community that anybody may join
    topic: str = ""
    purpose: str = ""
    messages: dict[str, Message] = field(default_factory=dict[str, Message])  # by ts
    invitations: list[Answer] = field(default_factory=list[Answer])  # to other companies
    threads: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])  # ts of replies by root

    @property
    def kind(self) -> str:
        """Gives "im", "mpim", "private_channel" or "public_channel"."""
        direct = {"D": "im", "G": "mpim"}.get(self.id[0])
        return direct or ("private_channel" if self.is_private else "public_channel")

    @property
    def is_direct(self) -> bool:
        return self.kind in {"im", "mpim"}

    def scope(self, of: str) -> str:
        """Names the scope that reading or changing this kind of conversation needs: `of` is read, write or history."""
        part = {"im": "im", "mpim": "mpim", "private_channel": "groups", "public_channel": "channels"}[self.kind]
        return "channels:manage" if (part, of) == ("channels", "write") else f"{part}:{of}"

    def put(self, message: Message) -> None:
        """Keeps a message, or what a message has become."""
        self.messages[message["ts"]] = message
        if (root := message.get("thread_ts", message["ts"])) != message["ts"]:
            self.threads.setdefault(root, {})[message["ts"]] = None

    def take_out(self, ts: str) -> None:
        """Forgets a message."""
        root = self.messages.pop(ts).get("thread_ts", ts)
        self.threads.get(root, {}).pop(ts, None)

    def replies(self, ts: str) -> list[Message]:
        """Gives the replies to a message."""
        return [self.messages[each] for each in self.threads.get(ts, {})]


@dataclass
class Usergroup:
    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list[str])
    description: str = ""


@dataclass
class View:
    id: str
    app_id: str
    content: Answer
    hash: str
    user_id: str
    root: str
    previous: str | None = None


@dataclass
class Shortcut:
    """What an app offers in Slack's menus: anywhere, or on a message."""

    callback_id: str
    name: str
    type: str  # "global" or "message"
    description: str = ""


@dataclass
class Trigger:
    """What an interaction of a person gives: a short time to answer it with a view."""

    user_id: str
    at: datetime
    view: str  # where the person did it; "" when that wasn't in a view
    exchanged: bool = False


@dataclass
class ResponseUrl:
    """Where an app answers a person's act: five times within half an hour."""

    app: Caller
    user_id: str
    channel_id: str
    at: datetime
    ts: str = ""  # the message that the act was done in; "" for commands and shortcuts
    uses: int = 0


@dataclass
class File:
    id: str
    name: str
    size: int
    user_id: str
    ticket: str  # the secret part of its upload address
    created: int
    title: str = ""
    alt_txt: str = ""
    content: bytes | None = None
    complete: bool = False
    shares: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # channel, ts


class State:
    """Everything, and what each change of it needs: ids, timestamps, the log of effects."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        self.team: dict[str, str] = dict(STANDARD_TEAM)
        self.tokens: dict[str, Caller] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.shortcuts: dict[str, Shortcut] = {}  # by callback id
        self.views: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.files: dict[str, File] = {}
        self.ephemerals: list[Answer] = []
        self.response_urls: dict[str, ResponseUrl] = {}  # by the secret in the address
        self._numbers = itertools.count(1)
        self._last = 0

    # Names and numbers

    def new_id(self, letter: str) -> str:
        return f"{letter}0MADE{next(self._numbers):05}"

    def now(self) -> int:
        return int(self.world.clock.now().timestamp())

    def ts(self) -> str:
        """Gives a timestamp by the world's clock that is later than every one before."""
        self._last = max(int(self.world.clock.now().timestamp() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def user_name(self, user_id: str) -> str:
        user = self.users.get(user_id)
        return user.name if user else user_id

    def apps(self) -> list[Caller]:
        """Gives one token of each app."""
        return list({token.app_id: token for token in self.tokens.values()}.values())

    def author(self, channel: Channel, user_id: str) -> Message:
        """Gives what a message says about who wrote it."""
        user, ours = self.users[user_id], self.team["id"]
        told: Message = {"user": user.id, "team": user.team_id}
        for app in self.apps():
            if app.user_id == user_id:
                told |= {"bot_id": app.bot_id, "app_id": app.app_id, "bot_profile": self._bot_profile(app, user)}
        if channel.is_ext_shared:
            told |= {"user_team": user.team_id, "source_team": user.team_id}
        if user.team_id != ours:
            names = {"name": user.name, "real_name": user.real_name, "display_name": user.name}
            told["user_profile"] = names | {"team": user.team_id, "is_restricted": user.is_restricted}
        return told

    def _bot_profile(self, app: Caller, user: User) -> Answer:
        shown = {"id": app.bot_id, "app_id": app.app_id, "name": user.real_name, "deleted": False}
        return shown | {"team_id": user.team_id}

    def knows(self, user: User, caller: Caller | None) -> bool:
        """Says whether a user is of this workspace, or in a channel with the caller."""
        if user.team_id == self.team["id"]:
            return True
        channels = self.channels.values()
        return any(user.id in each.members and (not caller or caller.user_id in each.members) for each in channels)

    def title(self, channel: Channel) -> str:
        """Names a conversation for a person: `#help-customers`, or `@ksatter` for direct messages."""
        if not channel.is_direct:
            return f"#{channel.name}"
        people = [user for user in channel.members if not (user in self.users and self.users[user].is_bot)]
        return ", ".join(f"@{self.user_name(user)}" for user in people)

    # Conversations

    def channel(self, caller: Caller, wanted: str, *, by_name: bool = False) -> Channel:
        """Gives a conversation that the caller may know of, by id or, where Slack takes one, by name.

        Raises:
            Refusal: there is none, or it is private and the caller isn't in it.
        """
        found = self.channels.get(wanted)
        if found is None and by_name:
            found = self.named(wanted.removeprefix("#"))
        if found is None or not self.sees(caller, found):
            raise Refusal("channel_not_found")
        return found

    def joined(self, caller: Caller, wanted: str) -> Channel:
        """Gives a conversation that the caller is in."""
        channel = self.channel(caller, wanted)
        if caller.user_id not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def named(self, name: str) -> Channel | None:
        return next((each for each in self.channels.values() if each.name == name and not each.is_direct), None)

    def sees(self, caller: Caller, channel: Channel) -> bool:
        return channel.kind == "public_channel" or caller.user_id in channel.members

    def direct(self, members: Iterable[str]) -> tuple[Channel, bool]:
        """Gives the direct messages between these people, and whether they had been opened before."""
        people = sorted(set(members))
        for channel in self.channels.values():
            if channel.is_direct and sorted(channel.members) == people:
                return channel, True
        letter, name = "D" if len(people) <= 2 else "G", "-".join(map(self.user_name, people))
        opened = Channel(self.new_id(letter), name, self.now(), members=people, is_private=True)
        self.channels[opened.id] = opened
        return opened, False

    def link(self, channel: Channel, ts: str) -> str:
        """Gives the address of a message."""
        address = f"{self.address()}/archives/{channel.id}/p{ts.replace('.', '')}"
        root = channel.messages[ts].get("thread_ts", ts)
        return address if root == ts else f"{address}?thread_ts={root}&cid={channel.id}"

    def address(self) -> str:
        return f"{self.world.public_url}/slack/api"

    @contextmanager
    def acting(self, caller: Caller) -> Generator[None]:
        """Effects are the bot's, unless the sandbox lets somebody else do the same a moment before."""
        before = self.world.actor
        self.world.actor = before or self.user_name(caller.user_id)
        try:
            yield
        finally:
            self.world.actor = before

    def record(self, action: str, channel: Channel, **detail: object) -> None:
        """Notes a change in a conversation."""
        self.world.record("slack", action, self.title(channel), public=channel.public_community, **detail)
