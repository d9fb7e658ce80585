"""What GitHub's stand-in holds: users, repositories, labels, issues with comments and events, releases."""

from __future__ import annotations

import base64
import itertools
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar

from sandbox.github_search import Index
from sandbox.world import World

DEFAULT_COLOR = "ededed"


@dataclass(eq=False)
class Node:
    """An object with GitHub's two names: a number, and an opaque text that GraphQL uses."""

    prefix: ClassVar[str]
    id: int

    @property
    def node_id(self) -> str:
        number = base64.urlsafe_b64encode(self.id.to_bytes(6, "big")).decode()
        return f"{self.prefix}_kwDO{number}"


@dataclass(eq=False)
class User(Node):
    prefix: ClassVar[str] = "U"
    login: str
    kind: str  # "User" or "Bot"
    name: str | None = None


@dataclass(eq=False)
class Repository(Node):
    prefix: ClassVar[str] = "R"
    full_name: str
    private: bool
    description: str | None
    created_at: datetime
    labels: dict[str, Label] = field(default_factory=dict[str, "Label"])  # by name in small letters
    issues: dict[int, Issue] = field(default_factory=dict[int, "Issue"])
    comments: dict[int, Comment] = field(default_factory=dict[int, "Comment"])
    releases: dict[str, Release] = field(default_factory=dict[str, "Release"])
    files: dict[str, str] = field(default_factory=dict[str, str])  # path -> text, on the default branch
    last_number: int = 0

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


@dataclass(eq=False)
class Label(Node):
    prefix: ClassVar[str] = "LA"
    repository: Repository
    name: str
    color: str
    description: str | None
    created_at: datetime


@dataclass(eq=False)
class Issue(Node):
    prefix: ClassVar[str] = "I"
    repository: Repository
    number: int
    title: str
    body: str | None
    user: User
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    labels: list[Label] = field(default_factory=list[Label])
    assignees: list[User] = field(default_factory=list[User])
    comments: list[Comment] = field(default_factory=list["Comment"])
    events: list[Event] = field(default_factory=list["Event"])
    is_pull: bool = False  # a pull request is an issue too, with a number of the same row

    def has_label(self, name: str) -> bool:
        return any(label.name.lower() == name.lower() for label in self.labels)

    def has_assignee(self, login: str) -> bool:
        return any(user.login.lower() == login.lower() for user in self.assignees)


@dataclass(eq=False)
class Comment(Node):
    prefix: ClassVar[str] = "IC"
    issue: Issue
    user: User
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(eq=False)
class Event(Node):
    """An entry in an issue's history, besides its comments."""

    prefix: ClassVar[str] = "EV"
    issue: Issue
    event: str  # labeled, unlabeled, assigned, unassigned, closed, reopened, renamed
    actor: User
    created_at: datetime
    label: Label | None = None
    assignee: User | None = None
    rename: tuple[str, str] | None = None
    state_reason: str | None = None


@dataclass(eq=False)
class Release(Node):
    prefix: ClassVar[str] = "RE"
    repository: Repository
    tag_name: str
    name: str
    body: str
    author: User
    published_at: datetime
    draft: bool = False
    prerelease: bool = False


AnyNode = TypeVar("AnyNode", bound=Node)


class State:
    """Everything, and what each change of it needs: ids, the time, the actor, the log of effects."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        self._ids = itertools.count(1)
        self.nodes: dict[str, Node] = {}
        self.repositories: dict[str, Repository] = {}  # by full name in small letters
        self.users: dict[str, User] = {}  # by login in small letters
        self.organization = ""
        self.members: dict[str, User] = {}  # by login in small letters
        self.search_lag = timedelta(seconds=30)
        self._is_played = False
        self.index = Index()

    def now(self) -> datetime:
        """Gives the time as GitHub keeps it, in whole seconds."""
        return self.world.clock.now().astimezone(UTC).replace(microsecond=0)

    def new_id(self) -> int:
        return next(self._ids)

    def keep(self, node: AnyNode) -> AnyNode:
        """Lets GraphQL find an object by its node id."""
        self.nodes[node.node_id] = node
        return node

    def forget(self, node: Node) -> None:
        del self.nodes[node.node_id]

    def user(self, login: str) -> User:
        """Gives an account; a login that nobody seeded is made one, as authors and actors may come from anywhere."""
        found = self.users.get(login.lower())
        if found is None:
            kind = "Bot" if login.endswith("[bot]") else "User"
            found = self.users[login.lower()] = self.keep(User(zlib.crc32(login.lower().encode()), login, kind))
        return found

    def actor(self) -> User:
        """Gives who does what is happening."""
        return self.user(self.world.actor.replace(" ", "-"))

    @contextmanager
    def played_by(self, user: User) -> Generator[None]:
        """Lets a person act: what they do is no effect of a program's."""
        world = self.world
        before, world.actor, self._is_played = world.actor, user.login, True
        try:
            yield
        finally:
            world.actor, self._is_played = before, False
            world.version += 1

    def belongs_to_team(self, user: User) -> bool:
        return user.login.lower() in self.members

    def add_label(self, repository: Repository, name: str, color: str, description: str | None) -> Label:
        label = self.keep(Label(self.new_id(), repository, name, color.lower(), description or None, self.now()))
        repository.labels[name.lower()] = label
        return label

    def add_issue(self, repository: Repository, issue: Issue) -> None:
        repository.issues[self.keep(issue).number] = issue
        repository.last_number = max(repository.last_number, issue.number)

    def add_comment(self, comment: Comment) -> Comment:
        comment.issue.comments.append(comment)
        comment.issue.repository.comments[comment.id] = comment
        return self.keep(comment)

    def add_release(self, release: Release) -> Release:
        release.repository.releases[release.tag_name] = release
        return self.keep(release)

    def record(self, repository: Repository, action: str, what: str, **detail: object) -> None:
        target = f"{repository.full_name} {what}"
        if not self._is_played:
            self.world.record("github", action, target, public=not repository.private, **detail)
