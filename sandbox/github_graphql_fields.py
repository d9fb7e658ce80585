"""What GraphQL's fields give, where that is not an attribute of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from sandbox.github_answers import Answers
from sandbox.github_connections import Info, connection, error
from sandbox.github_state import Comment, Event, Issue, Label, Node, Release, Repository, User

Resolver = Callable[..., Any]
TYPES = {Repository: "Repository", Issue: "Issue", Label: "Label", Comment: "IssueComment", Release: "Release"}
EVENTS = {
    "assigned": "AssignedEvent",
    "closed": "ClosedEvent",
    "labeled": "LabeledEvent",
    "renamed": "RenamedTitleEvent",
    "reopened": "ReopenedEvent",
    "unassigned": "UnassignedEvent",
    "unlabeled": "UnlabeledEvent",
}
ITEM_TYPES = {"renamed": "renamed_title_event"} | {name: f"{name}_event" for name in EVENTS if name != "renamed"}


def type_name(value: Any, *_: object) -> str:
    """Gives an object's type in the schema."""
    if isinstance(value, User):
        return value.kind
    if isinstance(value, Issue) and value.is_pull:
        return "PullRequest"
    return EVENTS[value.event] if isinstance(value, Event) else TYPES[type(value)]


def repository_issue(repository: Repository, info: Info, number: int) -> Issue:
    if number not in repository.issues or repository.issues[number].is_pull:
        raise error(f"Could not resolve to an Issue with the number of {number}.", "NOT_FOUND")
    return repository.issues[number]


def repository_issue_or_pull_request(repository: Repository, info: Info, number: int) -> Issue:
    if number not in repository.issues:
        raise error(f"Could not resolve to an issue or pull request with the number of {number}.", "NOT_FOUND")
    return repository.issues[number]


def repository_pull_requests(
    repository: Repository,
    info: Info,
    labels: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    order_by: Mapping[str, str] | None = None,
    **page: Any,
) -> dict[str, Any]:
    return _narrowed(
        [each for each in repository.issues.values() if each.is_pull], info, labels, states, order_by, page
    )


def repository_issues(
    repository: Repository,
    info: Info,
    labels: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    filter_by: Mapping[str, Any] | None = None,
    order_by: Mapping[str, str] | None = None,
    **page: Any,
) -> dict[str, Any]:
    wanted = filter_by or {}
    issues = [each for each in repository.issues.values() if not each.is_pull and _passes(each, wanted)]
    return _narrowed(issues, info, labels, states or wanted.get("states"), order_by, page)


def _narrowed(
    issues: Sequence[Issue],
    info: Info,
    labels: Sequence[str] | None,
    states: Sequence[str] | None,
    order_by: Mapping[str, str] | None,
    page: Mapping[str, Any],
) -> dict[str, Any]:
    found = [
        issue
        for issue in issues
        if (not states or issue.state in states) and (not labels or any(issue.has_label(name) for name in labels))
    ]
    order = order_by or {"field": "created_at", "direction": "asc"}
    found.sort(key=ISSUE_ORDER[order["field"]], reverse=order["direction"] == "desc")
    return connection(found, info, **page)


def _passes(issue: Issue, wanted: Mapping[str, Any]) -> bool:
    since, author, assignee = wanted.get("since"), wanted.get("created_by"), wanted.get("assignee")
    return (
        (not since or issue.updated_at >= since)
        and (not author or issue.user.login.lower() == author.lower())
        and (not assignee or issue.has_assignee(assignee) or (assignee == "*" and bool(issue.assignees)))
        and all(issue.has_label(name) for name in wanted.get("labels") or ())
    )


def repository_label(repository: Repository, info: Info, name: str) -> Label | None:
    return repository.labels.get(name.lower())


def repository_labels(
    repository: Repository,
    info: Info,
    query: str | None = None,
    order_by: Mapping[str, str] | None = None,
    **page: Any,
) -> dict[str, Any]:
    wanted = (query or "").lower()
    found = [each for each in repository.labels.values() if wanted in f"{each.name}\n{each.description or ''}".lower()]
    if order_by:
        found.sort(key=LABEL_ORDER[order_by["field"]], reverse=order_by["direction"] == "desc")
    return connection(found, info, **page)


def repository_releases(repository: Repository, info: Info, **page: Any) -> dict[str, Any]:
    newest = sorted(repository.releases.values(), key=attrgetter("published_at", "id"), reverse=True)
    return connection(newest, info, **page)


def issue_timeline(
    issue: Issue,
    info: Info,
    since: datetime | None = None,
    item_types: Sequence[str] | None = None,
    **page: Any,
) -> dict[str, Any]:
    entries = _answers(info).timeline(issue)
    found = [
        entry
        for entry in entries
        if (since is None or entry.created_at >= since) and (not item_types or _item_type(entry) in item_types)
    ]
    return connection(found, info, **page)


def _item_type(entry: Event | Comment) -> str:
    return ITEM_TYPES[entry.event] if isinstance(entry, Event) else "issue_comment"


def _answers(info: Info) -> Answers:
    return cast(Answers, info.context)


def _listed(name: str) -> Resolver:
    """Makes a connection of what an attribute holds."""

    def resolve(source: Node, info: Info, **page: Any) -> dict[str, Any]:
        return connection(getattr(source, name), info, **page)

    return resolve


def _from(read: Callable[[Any], Any]) -> Resolver:
    """Makes a field of what can be read from the object."""

    def resolve(source: Node, info: Info) -> Any:
        return read(source)

    return resolve


def _url(give: Callable[[Answers, Any], str]) -> Resolver:
    def resolve(source: Node, info: Info) -> str:
        return give(_answers(info), source)

    return resolve


ISSUE_ORDER: Mapping[str, Callable[[Issue], Any]] = {
    "created_at": attrgetter("created_at", "id"),
    "updated_at": attrgetter("updated_at", "id"),
    "comments": lambda issue: (len(issue.comments), issue.id),
}
LABEL_ORDER: Mapping[str, Callable[[Label], Any]] = {
    "created_at": attrgetter("created_at", "id"),
    "name": lambda label: label.name.lower(),
}
ISSUE: Mapping[str, Resolver] = {
    "body": _from(lambda issue: issue.body or ""),
    "url": _url(Answers.issue_page),
    "author": _from(attrgetter("user")),
    "closed": _from(lambda issue: issue.state == "closed"),
    "labels": _listed("labels"),
    "assignees": _listed("assignees"),
    "comments": _listed("comments"),
    "timelineItems": issue_timeline,
}
FIELDS: Mapping[str, Mapping[str, Resolver]] = {
    "User": {"url": _url(lambda answers, user: answers.page(user.login))},
    "Bot": {"url": _url(lambda answers, user: answers.page(user.login))},
    "Repository": {
        "nameWithOwner": _from(attrgetter("full_name")),
        "isPrivate": _from(attrgetter("private")),
        "url": _url(lambda answers, repository: answers.page(repository.full_name)),
        "issue": repository_issue,
        "issueOrPullRequest": repository_issue_or_pull_request,
        "pullRequests": repository_pull_requests,
        "issues": repository_issues,
        "label": repository_label,
        "labels": repository_labels,
        "releases": repository_releases,
    },
    "Label": {"url": _url(Answers.label_page)},
    "Release": {
        "description": _from(attrgetter("body")),
        "isDraft": _from(attrgetter("draft")),
        "isPrerelease": _from(attrgetter("prerelease")),
        "createdAt": _from(attrgetter("published_at")),
        "url": _url(lambda answers, release: answers.release(release)["html_url"]),
    },
    "Issue": ISSUE,
    "PullRequest": ISSUE,
    "IssueComment": {"author": _from(attrgetter("user")), "url": _url(Answers.comment_page)},
    "RenamedTitleEvent": {
        "previousTitle": _from(lambda event: event.rename[0]),
        "currentTitle": _from(lambda event: event.rename[1]),
    },
}
