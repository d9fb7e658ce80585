"""What a seed may hold, and how it becomes the state. Seeding leaves no effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sandbox.github_access import PERMISSIONS, Access, App, Token
from sandbox.github_hooks import Hooks
from sandbox.github_state import DEFAULT_COLOR, Comment, Event, Issue, Label, Release, Repository, State
from sandbox.webhooks import SECRETS

UNKNOWN_AUTHOR = "ghost"  # GitHub's own name for it
AGE = timedelta(days=1)  # of what says no time: older than what a run does, so that it isn't taken for the run's


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeededApp(Row):
    id: int | str
    public_key: str
    installation_id: int
    login: str


class SeededToken(Row):
    login: str
    repositories: list[str]
    permissions: dict[str, Literal["read", "write"]] = {}  # besides those that every token has


class SeededOrganization(Row):
    login: str
    members: list[str]


class SeededUser(Row):
    login: str
    name: str | None = None
    type: Literal["User", "Bot"] = "User"


class SeededRepository(Row):
    full_name: str = Field(pattern=r"^[^/]+/[^/]+$")
    private: bool
    description: str | None = None


class SeededLabel(Row):
    repository: str
    name: str
    color: str = Field(default=DEFAULT_COLOR, pattern=r"^[0-9A-Fa-f]{6}$")
    description: str | None = Field(default=None, max_length=100)


class SeededComment(Row):
    id: int | None = None
    user: str
    body: str
    created_at: AwareDatetime | None = None


class SeededLabelEvent(Row):
    label: str
    event: Literal["labeled", "unlabeled"]
    at: AwareDatetime
    actor: str


class SeededIssue(Row):
    repository: str
    number: int | None = None
    title: str
    body: str | None = None
    user: str = UNKNOWN_AUTHOR
    labels: list[str] = []
    assignees: list[str] = []
    state: Literal["open", "closed"] = "open"
    created_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    comments: list[SeededComment] = []
    label_events: list[SeededLabelEvent] | None = None
    pull_request: bool = False


class SeededRelease(Row):
    repository: str
    tag_name: str
    name: str
    body: str
    published_at: AwareDatetime


class SeededHook(Row):
    repository: str
    url: str = Field(pattern=r"^https?://[^/]+/")  # only its path counts: the sandbox knows where the gateway is
    events: list[str] = ["issues", "issue_comment"]
    secret: str = SECRETS["github"]
    active: bool = True


class SeededFile(Row):
    repository: str
    path: str = Field(pattern=r"^[^/].*[^/]$")
    text: str


class Seed(Row):
    apps: list[SeededApp] = []
    tokens: dict[str, SeededToken] = {}
    organization: SeededOrganization | None = None
    users: list[SeededUser] = []
    repositories: list[SeededRepository] = []
    labels: list[SeededLabel] = []
    issues: list[SeededIssue] = []
    releases: list[SeededRelease] = []
    files: list[SeededFile] = []
    hooks: list[SeededHook] = []
    search_lag_seconds: float | None = None


class Seeder:
    """Adds a seed to the state."""

    def __init__(self, state: State, access: Access, hooks: Hooks) -> None:
        self.state, self.access, self.hooks = state, access, hooks

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds what a seed says.

        Raises:
            ValueError: a field or a repository is unknown, or an issue's number is taken.
        """
        said = Seed.model_validate(seed)
        self._load_accounts(said)
        for repository in said.repositories:
            self._load_repository(repository)
        for label in said.labels:
            self._load_label(label)
        for issue in said.issues:
            self._load_issue(issue)
        for release in said.releases:
            self._load_release(release)
        for file in said.files:
            self._repository(file.repository).files[file.path] = file.text
        for hook in said.hooks:
            given = hook.model_dump(exclude={"repository", "url"})
            self.hooks.add(self._repository(hook.repository), hook.url, content_type="json", **given)
        if said.search_lag_seconds is not None:
            self.state.search_lag = timedelta(seconds=said.search_lag_seconds)

    def _load_accounts(self, said: Seed) -> None:
        for each in said.users:
            user = self.state.user(each.login)
            user.name, user.kind = each.name, each.type
        for text, token in said.tokens.items():
            self.state.user(token.login)
            full_names = frozenset(name.lower() for name in token.repositories)
            self.access.tokens[text] = Token(token.login, full_names, {**PERMISSIONS, **token.permissions})
        for app in said.apps:
            self.access.apps[app.installation_id] = App(str(app.id), app.public_key, app.installation_id, app.login)
            self.state.user(app.login)
        if said.organization:
            self.state.organization = said.organization.login
            self.state.members |= {login.lower(): self.state.user(login) for login in said.organization.members}

    def _load_repository(self, said: SeededRepository) -> None:
        known = self.state.repositories.get(said.full_name.lower())
        if known is None:
            created_at = self.state.now() - AGE
            known = Repository(self.state.new_id(), said.full_name, said.private, said.description, created_at)
            self.state.repositories[said.full_name.lower()] = self.state.keep(known)
        known.private, known.description = said.private, said.description

    def _repository(self, full_name: str) -> Repository:
        try:
            return self.state.repositories[full_name.lower()]
        except KeyError:
            raise ValueError(
                f'The seed names the repository "{full_name}", which is not there. Add it to "repositories".'
            ) from None

    def _load_label(self, said: SeededLabel) -> None:
        label = self._label(self._repository(said.repository), said.name)
        label.name, label.color, label.description = said.name, said.color.lower(), said.description or None

    def _label(self, repository: Repository, name: str) -> Label:
        label = repository.labels.get(name.lower()) or self.state.add_label(repository, name, DEFAULT_COLOR, None)
        label.created_at = min(label.created_at, self.state.now() - AGE)
        return label

    def _load_issue(self, said: SeededIssue) -> None:
        repository = self._repository(said.repository)
        number = said.number or repository.last_number + 1
        if number in repository.issues:
            raise ValueError(f"{said.repository} has an issue #{number} already. Give the seeded one another number.")
        at = said.created_at or self.state.now() - AGE
        author = self.state.user(said.user)
        issue = Issue(
            self.state.new_id(), repository, number, said.title, said.body or None, author, at, at, said.state
        )
        issue.is_pull = said.pull_request
        issue.labels = [self._label(repository, name) for name in said.labels]
        issue.assignees = [self.state.user(login) for login in said.assignees]
        if said.state == "closed":
            issue.state_reason, issue.closed_at = "completed", said.closed_at or at
        self.state.add_issue(repository, issue)
        for each in said.comments:
            written = each.created_at or at
            user = self.state.user(each.user)
            self.state.add_comment(Comment(each.id or self.state.new_id(), issue, user, each.body, written, written))
        issue.events = sorted(self._history(issue, said), key=lambda event: event.created_at)
        moments = [entry.created_at for entry in (*issue.events, *issue.comments)]
        issue.updated_at = max(moments, default=at)
        self.state.index.add(issue)

    def _history(self, issue: Issue, said: SeededIssue) -> Iterator[Event]:
        """Gives what must have happened for the issue to be as it is."""
        id_of, user = self.state.new_id, self.state.user
        if said.label_events is None:
            for label in issue.labels:
                yield Event(id_of(), issue, "labeled", issue.user, issue.created_at, label=label)
        for each in said.label_events or ():
            label = issue.repository.labels.get(each.label.lower()) or self._gone(issue.repository, each)
            yield Event(id_of(), issue, each.event, user(each.actor), each.at, label=label)
        for assignee in issue.assignees:
            yield Event(id_of(), issue, "assigned", issue.user, issue.created_at, assignee=assignee)
        if issue.closed_at:
            yield Event(id_of(), issue, "closed", issue.user, issue.closed_at, state_reason=issue.state_reason)

    def _gone(self, repository: Repository, said: SeededLabelEvent) -> Label:
        """Gives a label that was deleted since; its events still name it."""
        return Label(self.state.new_id(), repository, said.label, DEFAULT_COLOR, None, said.at)

    def _load_release(self, said: SeededRelease) -> None:
        repository, author = self._repository(said.repository), self.state.user(UNKNOWN_AUTHOR)
        at = said.published_at
        self.state.add_release(
            Release(self.state.new_id(), repository, said.tag_name, said.name, said.body, author, at)
        )
