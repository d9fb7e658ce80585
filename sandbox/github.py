"""GitHub's stand-in: repositories, labels, issues, comments, events, search, releases, members; GraphQL beside it.

API: https://docs.github.com/rest. PyGithub reads message texts, so refusals are worded as GitHub words them.
"""

from __future__ import annotations

import html
import itertools
import re
import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from sandbox.seed_fields import check_fields
from sandbox.world import FaultKind, World

DOCS = "https://docs.github.com/rest"
DEFAULT_COLOR = "ededed"
SEARCH_LIMIT = 1_000
Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """An answer that isn't 2xx."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors

    def answer(self) -> Response:
        body: dict[str, Any] = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        if self.errors is not None:
            body["errors"] = self.errors
        return JSONResponse(body, self.status)


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def invalid(resource: str, field_name: str, code: str) -> Refusal:
    return Refusal(422, "Validation Failed", [{"resource": resource, "code": code, "field": field_name}])


@dataclass
class Label:
    id: int
    name: str
    color: str
    description: str | None


@dataclass
class Comment:
    id: int
    user: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Happening:
    """An entry of an issue's events and timeline."""

    id: int
    event: str
    actor: str
    at: datetime
    label: str = ""
    assignee: str = ""


@dataclass
class Issue:
    id: int
    number: int
    title: str
    body: str | None
    user: str
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    labels: list[str] = field(default_factory=list[str])  # keys of the repository's labels
    assignees: list[str] = field(default_factory=list[str])
    comments: list[Comment] = field(default_factory=list[Comment])
    events: list[Happening] = field(default_factory=list[Happening])


@dataclass
class Release:
    id: int
    tag_name: str
    name: str
    body: str
    published_at: datetime


@dataclass
class Repository:
    id: int
    full_name: str
    private: bool
    labels: dict[str, Label] = field(default_factory=dict[str, Label])  # by small letters
    issues: dict[int, Issue] = field(default_factory=dict[int, Issue])
    releases: dict[str, Release] = field(default_factory=dict[str, Release])

    @property
    def public(self) -> bool:
        return not self.private


@dataclass(frozen=True)
class Token:
    login: str
    repositories: frozenset[str]


class GitHub:
    """The state, and what each call does to it."""

    name = "github"

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        self._ids = itertools.count(1)
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.users: dict[str, str] = {}  # login -> User or Bot
        self.organization = "fleetdm"
        self.members: list[str] = []
        self.search_lag = timedelta(seconds=30)

    # Seeds

    def load(self, seed: Mapping[str, Any]) -> None:
        check_fields("github", seed, SEED)
        self._load_people(seed)
        for said in seed.get("repositories", []):
            repository = Repository(self.new_id(), said["full_name"], said["private"])
            self.repositories[said["full_name"].lower()] = repository
        for said in seed.get("labels", []):
            self._new_label(self._seeded(said), said["name"], said.get("color"), said.get("description"))
        for said in seed.get("issues", []):
            self._load_issue(self._seeded(said), said)
        for said in seed.get("releases", []):
            at = moment(said["published_at"])
            release = Release(self.new_id(), said["tag_name"], said["name"], said["body"], at)
            self._seeded(said).releases[release.tag_name] = release
        if "search_lag_seconds" in seed:
            self.search_lag = timedelta(seconds=seed["search_lag_seconds"])

    def _load_people(self, seed: Mapping[str, Any]) -> None:
        for token, said in seed.get("tokens", {}).items():
            self.tokens[token] = Token(said["login"], frozenset(said["repositories"]))
        if organization := seed.get("organization"):
            self.organization, self.members = organization["login"], list(organization["members"])
        for user in seed.get("users", []):
            self.users[user["login"]] = user.get("type", "User")

    def _seeded(self, said: Mapping[str, Any]) -> Repository:
        try:
            return self.repositories[said["repository"].lower()]
        except KeyError:
            raise ValueError(f"The seed names a repository {said['repository']!r} that it doesn't have.") from None

    def _load_issue(self, repository: Repository, said: Mapping[str, Any]) -> None:
        at = moment(said["created_at"]) if said.get("created_at") else self.world.clock.now() - timedelta(days=1)
        number = said.get("number") or max(repository.issues, default=0) + 1
        issue = Issue(self.new_id(), number, said["title"], said.get("body"), said.get("user", "ksatter"), at, at)
        issue.labels = [self._label_key(repository, name) for name in said.get("labels", [])]
        issue.assignees = list(said.get("assignees", []))
        issue.state = said.get("state", "open")
        issue.closed_at = moment(said["closed_at"]) if said.get("closed_at") else None
        issue.updated_at = issue.closed_at or at
        for comment in said.get("comments", []):
            written = moment(comment["created_at"]) if comment.get("created_at") else at
            issue.comments.append(Comment(self.new_id(), comment["user"], comment["body"], written, written))
            issue.updated_at = max(issue.updated_at, written)
        events: list[dict[str, Any]] = said.get("label_events") or [
            {"label": name, "event": "labeled", "at": at, "actor": issue.user} for name in said.get("labels", [])
        ]
        for event in events:
            happened = moment(event["at"])
            issue.events.append(
                Happening(self.new_id(), event["event"], event["actor"], happened, label=event["label"])
            )
            issue.updated_at = max(issue.updated_at, happened)
        repository.issues[number] = issue

    def dump(self) -> dict[str, Any]:
        return {
            "repositories": [
                {
                    "full_name": repository.full_name,
                    "private": repository.private,
                    "labels": [
                        {"name": label.name, "color": label.color, "description": label.description or ""}
                        for label in repository.labels.values()
                    ],
                    "issues": [self._dumped(repository, issue) for issue in repository.issues.values()],
                    "releases": [release.tag_name for release in repository.releases.values()],
                }
                for repository in self.repositories.values()
            ]
        }

    def _dumped(self, repository: Repository, issue: Issue) -> dict[str, Any]:
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "state": issue.state,
            "user": issue.user,
            "labels": [repository.labels[key].name for key in issue.labels],
            "assignees": issue.assignees,
            "comments": [
                {"user": comment.user, "body": comment.body, "created_at": stamp(comment.created_at)}
                for comment in issue.comments
            ],
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "html_url": self.page(f"{repository.full_name}/issues/{issue.number}"),
        }

    # Refusals on demand

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        wait = str(max(1, round(seconds)))
        secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        match kind:
            case "401":
                return Refusal(401, "Bad credentials").answer()
            case "403_retry_after" | "429":
                body = {"message": secondary, "documentation_url": f"{DOCS}/overview/rate-limits-for-the-rest-api"}
                return JSONResponse(body, 429 if kind == "429" else 403, {"Retry-After": wait})
            case "vanished":
                return not_found().answer()
            case "malformed":
                return HTMLResponse("<!DOCTYPE html><title>Unicorn!</title>")
            case _:
                return JSONResponse({"message": "Server Error"}, 502)

    # Who asks, and for what

    def authorize(self, request: Request) -> Token:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(value.strip())
        if scheme.lower() not in {"token", "bearer"} or token is None:
            raise Refusal(401, "Bad credentials")
        if self.world.actor != "somebody else":
            self.world.actor = token.login
        return token

    def repository(self, request: Request, token: Token) -> Repository:
        full_name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        return self.named(full_name, token, writes=request.method != "GET")

    def named(self, full_name: str, token: Token, *, writes: bool) -> Repository:
        repository = self.repositories.get(full_name.lower())
        allowed = repository is not None and repository.full_name in token.repositories
        if repository is None or (repository.private and not allowed):
            raise not_found()
        if writes and not allowed:
            raise Refusal(403, "Resource not accessible by personal access token")
        return repository

    # Labels

    def _label_key(self, repository: Repository, name: str) -> str:
        """Gives a label's key; GitHub makes a label that an issue is given and nobody has."""
        if name.lower() not in repository.labels:
            self._new_label(repository, name, None, None)
        return name.lower()

    def _new_label(self, repository: Repository, name: str, color: str | None, description: str | None) -> Label:
        label = Label(self.new_id(), name, (color or DEFAULT_COLOR).lower(), description or None)
        repository.labels[name.lower()] = label
        return label

    def create_label(self, repository: Repository, said: Mapping[str, Any]) -> Label:
        only(said, "Label", "name", "color", "description")
        check_label(said, required=("name",))
        if said["name"].lower() in repository.labels:
            raise invalid("Label", "name", "already_exists")
        label = self._new_label(repository, said["name"], said.get("color"), said.get("description"))
        self.record(repository, "create label", label.name, **said)
        return label

    def update_label(self, repository: Repository, name: str, said: Mapping[str, Any]) -> Label:
        only(said, "Label", "new_name", "name", "color", "description")
        label = self.label(repository, name)
        new_name = said.get("new_name", label.name)
        check_label({**said, "name": new_name}, required=())
        if new_name.lower() != name.lower() and new_name.lower() in repository.labels:
            raise invalid("Label", "name", "already_exists")
        before = (label.name, label.color, label.description)
        del repository.labels[name.lower()]
        label.name = new_name
        label.color = said.get("color", label.color).lower()
        label.description = said.get("description", label.description) or None
        repository.labels[new_name.lower()] = label
        for issue in repository.issues.values():
            issue.labels = [new_name.lower() if key == name.lower() else key for key in issue.labels]
        if (label.name, label.color, label.description) != before:
            self.record(repository, "update label", label.name, was=before[0], **said)
        return label

    def delete_label(self, repository: Repository, name: str) -> None:
        label = self.label(repository, name)
        del repository.labels[name.lower()]
        for issue in repository.issues.values():
            issue.labels = [key for key in issue.labels if key != name.lower()]
        self.record(repository, "delete label", label.name)

    def label(self, repository: Repository, name: str) -> Label:
        try:
            return repository.labels[name.lower()]
        except KeyError:
            raise not_found() from None

    # Issues

    def issue(self, repository: Repository, number: int) -> Issue:
        try:
            return repository.issues[number]
        except KeyError:
            raise not_found() from None

    def create_issue(self, repository: Repository, said: Mapping[str, Any]) -> Issue:
        only(said, "Issue", "title", "body", "labels", "assignees", "assignee", "milestone", "type")
        if not str(said.get("title") or "").strip():
            raise invalid("Issue", "title", "missing_field")
        now = self.world.clock.now()
        number = max(repository.issues, default=0) + 1
        issue = Issue(self.new_id(), number, said["title"], said.get("body"), self.world.actor, now, now)
        repository.issues[number] = issue
        self.record(repository, "create issue", f"#{number}", **said)
        self.set_labels(repository, issue, names_of(said.get("labels", [])), quiet=True)
        self.set_assignees(repository, issue, list(said.get("assignees", [])), quiet=True)
        return issue

    def update_issue(self, repository: Repository, issue: Issue, said: Mapping[str, Any]) -> Issue:
        only(
            said,
            "Issue",
            "title",
            "body",
            "state",
            "state_reason",
            "labels",
            "assignees",
            "assignee",
            "milestone",
            "type",
        )
        changed = {key: said[key] for key in ("title", "body") if key in said and said[key] != getattr(issue, key)}
        if "title" in changed:
            self._happened(issue, "renamed")
        for key, value in changed.items():
            setattr(issue, key, value)
        if said.get("state", issue.state) != issue.state:
            self._set_state(issue, said["state"], said.get("state_reason"))
            changed["state"] = issue.state
        if changed:
            issue.updated_at = self.world.clock.now()
            self.record(repository, "update issue", f"#{issue.number}", **changed)
        if "labels" in said:
            self.set_labels(repository, issue, names_of(said["labels"]))
        if "assignees" in said:
            self.set_assignees(repository, issue, list(said["assignees"]))
        return issue

    def _set_state(self, issue: Issue, state: str, reason: str | None) -> None:
        if state not in {"open", "closed"}:
            raise invalid("Issue", "state", "invalid")
        closed = state == "closed"
        issue.state, issue.state_reason = state, (reason or "completed") if closed else "reopened"
        issue.closed_at = self.world.clock.now() if closed else None
        self._happened(issue, "closed" if closed else "reopened")

    def set_labels(self, repository: Repository, issue: Issue, names: Iterable[str], *, quiet: bool = False) -> None:
        """Makes these the issue's labels, with an event for each that comes or goes."""
        keys = list(dict.fromkeys(self._label_key(repository, name) for name in names))
        come = [key for key in keys if key not in issue.labels]
        gone = [key for key in issue.labels if key not in keys]
        for key in come:
            self._happened(issue, "labeled", label=repository.labels[key].name)
        for key in gone:
            self._happened(issue, "unlabeled", label=repository.labels[key].name)
        issue.labels = keys
        if (come or gone) and not quiet:
            named = {
                "added": [repository.labels[key].name for key in come],
                "removed": [repository.labels[key].name for key in gone],
            }
            self.record(repository, "set labels", f"#{issue.number}", **named)

    def set_assignees(self, repository: Repository, issue: Issue, logins: list[str], *, quiet: bool = False) -> None:
        logins = [login for login in dict.fromkeys(logins) if login in self.users or login in self.members]
        come = [login for login in logins if login not in issue.assignees]
        gone = [login for login in issue.assignees if login not in logins]
        for login in come:
            self._happened(issue, "assigned", assignee=login)
        for login in gone:
            self._happened(issue, "unassigned", assignee=login)
        issue.assignees = logins
        if (come or gone) and not quiet:
            self.record(repository, "set assignees", f"#{issue.number}", added=come, removed=gone)

    def add_comment(self, repository: Repository, issue: Issue, said: Mapping[str, Any]) -> Comment:
        only(said, "IssueComment", "body")
        if not str(said.get("body") or "").strip():
            raise invalid("IssueComment", "body", "missing_field")
        now = self.world.clock.now()
        comment = Comment(self.new_id(), self.world.actor, said["body"], now, now)
        issue.comments.append(comment)
        issue.updated_at = now
        self.record(repository, "create comment", f"#{issue.number}", body=comment.body)
        return comment

    def comment(self, repository: Repository, comment_id: int) -> tuple[Issue, Comment]:
        for issue in repository.issues.values():
            for comment in issue.comments:
                if comment.id == comment_id:
                    return issue, comment
        raise not_found()

    def _happened(self, issue: Issue, event: str, *, label: str = "", assignee: str = "") -> None:
        now = self.world.clock.now()
        issue.events.append(Happening(self.new_id(), event, self.world.actor, now, label, assignee))
        issue.updated_at = now

    # Lists and search

    def issues(self, repository: Repository, query: Mapping[str, str]) -> list[Issue]:
        state, since = query.get("state", "open"), query.get("since")
        wanted = [name.strip().lower() for name in query.get("labels", "").split(",") if name.strip()]
        found = [
            issue
            for issue in repository.issues.values()
            if state in ("all", issue.state)
            and all(key in issue.labels for key in wanted)
            and (not since or issue.updated_at >= moment(since))
            and (not query.get("creator") or issue.user == query["creator"])
            and has_assignee(issue, query.get("assignee", ""))
        ]
        sort = {"updated": "updated_at"}.get(query.get("sort", ""), "created_at")
        return sorted(
            found, key=lambda issue: (getattr(issue, sort), issue.number), reverse=query.get("direction") != "asc"
        )

    def search(self, text: str, token: Token) -> list[tuple[Repository, Issue]]:
        """Finds issues the way GitHub's search does: by an index that is some time behind."""
        behind = self.world.clock.now() - self.search_lag
        words = split_query(text)
        return [
            (repository, issue)
            for repository in self.repositories.values()
            if not repository.private or repository.full_name in token.repositories
            for issue in repository.issues.values()
            if issue.updated_at <= behind and all(fits(word, repository, issue) for word in words)
        ][:SEARCH_LIMIT]

    # Answers

    def page(self, path: str) -> str:
        return f"{self.world.public_url}/github/{path}"

    def api(self, path: str) -> str:
        return f"{self.world.public_url}/github/repos/{path}"

    def user_json(self, login: str) -> dict[str, Any]:
        url = f"{self.world.public_url}/github/users/{login}"
        kind = self.users.get(login, "Bot" if login.endswith("[bot]") else "User")
        links = (
            "followers_url following_url gists_url starred_url subscriptions_url organizations_url repos_url "
            "events_url received_events_url"
        )
        return {
            "login": login,
            "id": stable_id(login),
            "node_id": f"U_{stable_id(login)}",
            "avatar_url": f"{url}.png",
            "gravatar_id": "",
            "url": url,
            "html_url": self.page(login),
            "type": kind,
            "site_admin": False,
            **{link: f"{url}/{link.removesuffix('_url')}" for link in links.split()},
        }

    def repository_json(self, repository: Repository) -> dict[str, Any]:
        owner, _, name = repository.full_name.partition("/")
        return {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": name,
            "full_name": repository.full_name,
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "owner": self.user_json(owner) | {"type": "Organization"},
            "url": self.api(repository.full_name),
            "html_url": self.page(repository.full_name),
            "has_issues": True,
            "open_issues_count": sum(issue.state == "open" for issue in repository.issues.values()),
            "default_branch": "main",
        }

    def label_json(self, repository: Repository, label: Label) -> dict[str, Any]:
        return {
            "id": label.id,
            "node_id": f"LA_{label.id}",
            "url": self.api(f"{repository.full_name}/labels/{quoted(label.name)}"),
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def issue_json(self, repository: Repository, issue: Issue) -> dict[str, Any]:
        url = self.api(f"{repository.full_name}/issues/{issue.number}")
        return {
            "id": issue.id,
            "node_id": f"I_{issue.id}",
            "number": issue.number,
            "url": url,
            "repository_url": self.api(repository.full_name),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": self.page(f"{repository.full_name}/issues/{issue.number}"),
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "state_reason": issue.state_reason,
            "locked": False,
            "user": self.user_json(issue.user),
            "labels": [self.label_json(repository, repository.labels[key]) for key in issue.labels],
            "assignee": self.user_json(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user_json(login) for login in issue.assignees],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "author_association": "MEMBER" if issue.user in self.members else "NONE",
        }

    def comment_json(self, repository: Repository, issue: Issue, comment: Comment) -> dict[str, Any]:
        base = f"{repository.full_name}/issues"
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": self.api(f"{base}/comments/{comment.id}"),
            "issue_url": self.api(f"{base}/{issue.number}"),
            "html_url": f"{self.page(f'{base}/{issue.number}')}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": self.user_json(comment.user),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": "MEMBER" if comment.user in self.members else "NONE",
        }

    def event_json(self, repository: Repository, happening: Happening) -> dict[str, Any]:
        label = repository.labels.get(happening.label.lower())
        return {
            "id": happening.id,
            "node_id": f"E_{happening.id}",
            "url": self.api(f"{repository.full_name}/issues/events/{happening.id}"),
            "actor": self.user_json(happening.actor),
            "event": happening.event,
            "commit_id": None,
            "commit_url": None,
            "created_at": stamp(happening.at),
            "performed_via_github_app": None,
            **(
                {"label": {"name": happening.label, "color": label.color if label else DEFAULT_COLOR}}
                if happening.label
                else {}
            ),
            **(
                {"assignee": self.user_json(happening.assignee), "assigner": self.user_json(happening.actor)}
                if happening.assignee
                else {}
            ),
        }

    def timeline(self, repository: Repository, issue: Issue) -> list[dict[str, Any]]:
        comments = [
            (comment.created_at, {**self.comment_json(repository, issue, comment), "event": "commented"})
            for comment in issue.comments
        ]
        events = [(happening.at, self.event_json(repository, happening)) for happening in issue.events]
        return [entry for _, entry in sorted([*comments, *events], key=lambda pair: pair[0])]

    def release_json(self, repository: Repository, release: Release) -> dict[str, Any]:
        url = self.api(f"{repository.full_name}/releases/{release.id}")
        return {
            "id": release.id,
            "node_id": f"RE_{release.id}",
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "html_url": self.page(f"{repository.full_name}/releases/tag/{release.tag_name}"),
            "tarball_url": None,
            "zipball_url": None,
            "tag_name": release.tag_name,
            "target_commitish": "main",
            "name": release.name,
            "body": release.body,
            "draft": False,
            "prerelease": False,
            "author": self.user_json("fleet-release"),
            "assets": [],
            "created_at": stamp(release.published_at),
            "published_at": stamp(release.published_at),
        }

    def record(self, repository: Repository, action: str, what: str, **detail: Any) -> None:
        self.world.record("github", action, f"{repository.full_name} {what}", public=repository.public, **detail)

    def new_id(self) -> int:
        return next(self._ids)


SEED: dict[str, Any] = {
    "tokens": ...,
    "organization": {"login", "members"},
    "users": [{"login", "name", "type"}],
    "repositories": [{"full_name", "private", "description"}],
    "labels": [{"repository", "name", "color", "description"}],
    "issues": [
        {
            "repository",
            "number",
            "title",
            "body",
            "user",
            "labels",
            "assignees",
            "state",
            "created_at",
            "closed_at",
            "comments",
            "label_events",
        }
    ],
    "releases": [{"repository", "tag_name", "name", "body", "published_at"}],
    "search_lag_seconds": ...,
}


def moment(text: str | datetime) -> datetime:
    """Reads an ISO time."""
    at = text if isinstance(text, datetime) else datetime.fromisoformat(text.replace(" ", "+"))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stable_id(text: str) -> int:
    return int.from_bytes(text.lower().encode()[:5].ljust(5, b"\0"), "big") % 100_000_000


def quoted(name: str) -> str:
    return quote(name, safe="")


def only(said: Mapping[str, Any], resource: str, *allowed: str) -> None:
    """GitHub ignores fields it doesn't know; a stand-in that does hides typing errors."""
    if unknown := sorted(set(said) - set(allowed)):
        raise Refusal(422, "Invalid request.", [{"resource": resource, "code": "unknown_field", "field": unknown[0]}])


def check_label(said: Mapping[str, Any], required: Iterable[str]) -> None:
    for name in required:
        if not said.get(name):
            raise invalid("Label", name, "missing_field")
    if len(said.get("name") or "") > 50:
        raise Refusal(422, "Validation Failed", [too_long("name", 50)])
    if len(said.get("description") or "") > 100:
        raise Refusal(422, "Validation Failed", [too_long("description", 100)])
    if "color" in said and not re.fullmatch(r"[0-9A-Fa-f]{6}", said["color"]):
        raise invalid("Label", "color", "invalid")


def too_long(name: str, most: int) -> dict[str, Any]:
    message = f"{name} is too long (maximum is {most} characters)"
    return {"resource": "Label", "code": "custom", "field": name, "message": message}


def names_of(labels: Iterable[Any]) -> list[str]:
    return [label["name"] if isinstance(label, dict) else str(label) for label in labels]


def has_assignee(issue: Issue, wanted: str) -> bool:
    match wanted:
        case "":
            return True
        case "none":
            return not issue.assignees
        case "*":
            return bool(issue.assignees)
        case _:
            return wanted in issue.assignees


def split_query(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def fits(word: str, repository: Repository, issue: Issue) -> bool:
    qualifier, colon, value = word.partition(":")
    value = value.lower()
    match qualifier.lower() if colon else "":
        case "repo":
            return repository.full_name.lower() == value
        case "org" | "user":
            return repository.full_name.lower().startswith(f"{value}/")
        case "is" | "state" | "type":
            return value in {"issue", issue.state, "private" if repository.private else "public"}
        case "label":
            return value in issue.labels
        case "author":
            return issue.user.lower() == value
        case "assignee":
            return value in [login.lower() for login in issue.assignees]
        case _:
            text = " ".join([issue.title, issue.body or "", *(comment.body for comment in issue.comments)])
            return word.lower() in text.lower()


def create(world: World) -> tuple[GitHub, ASGIApp]:
    """Builds the stand-in and its app."""
    from sandbox.github_graphql import graphql_route
    from sandbox.github_rest import routes

    service = GitHub(world)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return error.answer()

    async def unknown_path(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return Refusal(error.status_code, "Not Found" if error.status_code == 404 else error.detail).answer()

    handlers = {Refusal: refused, HTTPException: unknown_path}
    return service, Starlette(routes=[graphql_route(service), *routes(service)], exception_handlers=handlers)


def paged(request: Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """Gives one page of a list and the Link header to the others."""
    size = min(100, max(1, int(request.query_params.get("per_page", 30))))
    page, last = max(1, int(request.query_params.get("page", 1))), max(1, -(-len(items) // size))

    def link(number: int, relation: str) -> str:
        query = urlencode({**request.query_params, "per_page": size, "page": number})
        return f'<{request.url.replace(query=query)}>; rel="{relation}"'

    links = [link(page + 1, "next"), link(last, "last")] if page < last else []
    links += [link(1, "first"), link(page - 1, "prev")] if page > 1 else []
    return items[(page - 1) * size : page * size], {"Link": ", ".join(links)} if links else {}


def rate_headers(now: datetime) -> dict[str, str]:
    reset = int((now + timedelta(hours=1)).timestamp())
    limits = {"limit": 5000, "remaining": 4999, "used": 1, "reset": reset, "resource": "core"}
    return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in limits.items()}


def html_page(title: str, body: str) -> Response:
    style = (
        "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}"
        ".l{border:1px solid;border-radius:1em;padding:0 .6em}"
    )
    return HTMLResponse(f"<!DOCTYPE html><title>{html.escape(title)}</title><style>{style}</style>{body}")
