"""What a seed may hold, and how it becomes the state. Seeding leaves no effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Caller, Channel, Message, Shortcut, State, User, Usergroup
from sandbox.slack_texts import numbered, reply_to


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeededTeam(Row):
    id: str | None = None
    name: str | None = None
    domain: str | None = None


class SeededToken(Row):
    user_id: str
    bot_id: str
    app_id: str
    scopes: frozenset[str]
    channels: frozenset[str] | None = None


class SeededUser(Row):
    id: str
    name: str
    real_name: str = ""
    email: str = ""
    team_id: str = ""
    tz: str = "America/Los_Angeles"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False


class SeededChannel(Row):
    id: str = Field(pattern=r"^[CDG][A-Z0-9]+$")
    name: str
    members: list[str] = []
    is_private: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    public_community: bool = False
    topic: str = ""
    purpose: str = ""


class SeededUsergroup(Row):
    id: str
    handle: str
    name: str
    users: list[str] = []
    description: str = ""


class SeededMessage(Row):
    channel: str
    user: str
    text: str
    ts: str | None = Field(default=None, pattern=r"^\d{10}\.\d{6}$")
    thread_ts: str | None = None


class SeededShortcut(Row):
    """What an app's manifest says: https://docs.slack.dev/reference/app-manifest."""

    callback_id: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=24)
    type: Literal["global", "message"]
    description: str = Field("", max_length=150)


class Seed(Row):
    team: SeededTeam = SeededTeam()
    tokens: dict[str, SeededToken] = {}
    users: list[SeededUser] = []
    channels: list[SeededChannel] = []
    usergroups: list[SeededUsergroup] = []
    shortcuts: list[SeededShortcut] = []
    messages: list[SeededMessage] = []


class Seeder:
    """Adds a seed to the state. What is there already gets the fields that the seed names."""

    def __init__(self, state: State) -> None:
        self.state = state

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds what a seed says.

        Raises:
            ValueError: a field is unknown, or a user, channel or thread that the seed names isn't there.
        """
        said = Seed.model_validate(seed)
        self.state.team |= said.team.model_dump(exclude_none=True)
        for user in said.users:
            self._load_user(user)
        for text, token in said.tokens.items():
            self._check_users(f"token {text}", [token.user_id])
            self.state.tokens[text] = Caller(**dict(token))
        for channel in said.channels:
            self._load_channel(channel)
        for group in said.usergroups:
            self._check_users(f"user group {group.handle}", group.users)
            self.state.usergroups[group.id] = Usergroup(**dict(group))
        for shortcut in said.shortcuts:
            self.state.shortcuts[shortcut.callback_id] = Shortcut(**dict(shortcut))
        for message in said.messages:
            self._load_message(message)

    def _load_user(self, said: SeededUser) -> None:
        known = self.state.users.get(said.id)
        if known is None:
            said.team_id, said.real_name = said.team_id or self.state.team["id"], said.real_name or said.name
            self.state.users[said.id] = User(**dict(said))
        else:
            vars(known).update(said.model_dump(exclude_unset=True))

    def _load_channel(self, said: SeededChannel) -> None:
        self._check_users(f"channel {said.name}", said.members)
        channel = self.state.channels.get(said.id)
        if channel is None:
            channel = self.state.channels[said.id] = Channel(said.id, said.name, self.state.now())
        vars(channel).update(said.model_dump(exclude_unset=True, exclude={"members"}))
        bots = [
            token.user_id
            for token in self.state.tokens.values()
            if token.channels is None or channel.id in token.channels
        ]
        channel.members += dict.fromkeys(user for user in (*said.members, *bots) if user not in channel.members)

    def _load_message(self, said: SeededMessage) -> None:
        self._check_users(f"message in {said.channel}", [said.user])
        channel = self.state.channels.get(said.channel)
        if channel is None:
            raise ValueError(f'The seed has a message in "{said.channel}", which is no channel\'s id. Add the channel.')
        ts = said.ts or self.state.ts()
        if ts in channel.messages:
            raise ValueError(f"#{channel.name} has a message of {ts} already. Give the seeded one another ts.")
        message: Message = {"type": "message", "ts": ts, "text": said.text} | self.state.author(channel, said.user)
        channel.put(numbered(message | thread_of(channel, said.thread_ts)))

    def _check_users(self, where: str, users: Iterable[str]) -> None:
        if unknown := sorted(set(users) - set(self.state.users)):
            raise ValueError(f'The seed\'s {where} names {unknown}, who are not there. Add them to "users".')


def thread_of(channel: Channel, thread_ts: str | None) -> Message:
    """Gives what makes a message a reply, or nothing.

    Raises:
        ValueError: the thread isn't there.
    """
    if not thread_ts:
        return {}
    try:
        return reply_to(channel, thread_ts)
    except Refusal:
        raise ValueError(f"#{channel.name} has no thread {thread_ts}. Give the ts of its first message.") from None
