"""What a call may change, for REST and GraphQL alike. A change that changes nothing leaves no trace and is not told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.github_hooks import Hooks
from sandbox.github_refusals import Refusal, invalid, not_found
from sandbox.github_state import DEFAULT_COLOR, Comment, Event, Issue, Label, Release, Repository, State, User

LONGEST = {"name": 50, "description": 100}
MOST_ASSIGNEES = 10


class Changes:
    """The writes. Each checks first, then changes, then records what it changed, and tells the webhooks."""

    def __init__(self, state: State, hooks: Hooks) -> None:
        self.state, self.hooks = state, hooks
        self._untold: list[Event] = []

    # Labels

    def create_label(self, repository: Repository, said: Mapping[str, Any]) -> Label:
        """Creates a label from `name`, `color`, `description`."""
        _check_label(said)
        if said["name"].lower() in repository.labels:
            raise invalid("Label", "name", "already_exists")
        color = said.get("color") or DEFAULT_COLOR
        return self._new_label(repository, said["name"], color, said.get("description"))

    def _new_label(self, repository: Repository, name: str, color: str, description: str | None = None) -> Label:
        label = self.state.add_label(repository, name, color, description)
        self.state.record(repository, "create label", name, **_shown_label(label))
        self.hooks.label("created", label)
        return label

    def update_label(self, label: Label, said: Mapping[str, Any]) -> None:
        """Changes `name`, `color` or `description`. A renamed label stays on its issues."""
        said = {key: value for key, value in said.items() if value is not None or key == "description"}
        _check_label({"name": label.name, **said})
        name, labels = said.get("name", label.name), label.repository.labels
        if labels.get(name.lower(), label) is not label:
            raise invalid("Label", "name", "already_exists")
        before = _shown_label(label)
        del labels[label.name.lower()]
        labels[name.lower()] = label
        label.name, label.color = name, said.get("color", label.color).lower()
        label.description = said.get("description", label.description) or None
        if changed := _difference(before, _shown_label(label)):
            self.state.record(label.repository, "update label", name, was=before["name"], **changed)
            self.hooks.label("edited", label, changes={key: {"from": before[key]} for key in changed})

    def delete_label(self, label: Label) -> None:
        del label.repository.labels[label.name.lower()]
        self.state.forget(label)
        for issue in label.repository.issues.values():
            if label in issue.labels:
                issue.labels.remove(label)
        self.state.record(label.repository, "delete label", label.name)
        self.hooks.label("deleted", label)

    # Issues

    def create_issue(self, repository: Repository, said: Mapping[str, Any]) -> Issue:
        """Creates an issue from `title`, `body`, `labels`, `assignees`."""
        _check_title(said["title"])
        self._check_labels(repository, said.get("labels") or ())
        assignees = self._assignable(None, said.get("assignees") or ())
        now, number = self.state.now(), repository.last_number + 1
        author, body = self.state.actor(), said.get("body") or None
        issue = Issue(self.state.new_id(), repository, number, said["title"], body, author, now, now)
        self.state.add_issue(repository, issue)
        self._swap_labels(issue, self._labels(repository, said.get("labels") or ()))
        self._swap_assignees(issue, assignees)
        self._touch(issue)
        self.state.record(repository, "create issue", f"#{number}", **_shown_issue(issue))
        self.hooks.issue("opened", issue)
        self._tell()
        return issue

    def update_issue(self, issue: Issue, said: Mapping[str, Any]) -> None:
        """Changes `title`, `body`, `state`, `state_reason`, `labels` or `assignees`."""
        said = {key: value for key, value in said.items() if value is not None or key == "body"}
        _check_title(said.get("title", issue.title))
        self._check_labels(issue.repository, said.get("labels", ()))
        assignees = self._assignable(issue, said["assignees"]) if "assignees" in said else issue.assignees
        before = _shown_issue(issue)
        self._rename(issue, said.get("title", issue.title))
        issue.body = said.get("body", issue.body) or None
        self._set_state(issue, said.get("state", issue.state), said.get("state_reason"))
        if "labels" in said:
            self._swap_labels(issue, self._labels(issue.repository, said["labels"]))
        self._swap_assignees(issue, assignees)
        if changed := _difference(before, _shown_issue(issue)):
            self._touch(issue)
            self.state.record(issue.repository, "update issue", f"#{issue.number}", **changed)
            if edited := {name: {"from": before[name]} for name in ("title", "body") if name in changed}:
                self.hooks.issue("edited", issue, changes=edited)
            self._tell()

    def _rename(self, issue: Issue, title: str) -> None:
        if title != issue.title:
            self._happened(issue, "renamed", rename=(issue.title, title))
            issue.title = title

    def _set_state(self, issue: Issue, state: str, reason: str | None) -> None:
        if state == issue.state:
            issue.state_reason = reason or issue.state_reason
            return
        issue.state = state
        if state == "closed":
            issue.state_reason, issue.closed_at = reason or "completed", self.state.now()
            self._happened(issue, "closed", state_reason=issue.state_reason)
        else:
            issue.state_reason, issue.closed_at = "reopened", None
            self._happened(issue, "reopened", state_reason="reopened")

    # Labels and assignees of an issue

    def add_labels(self, issue: Issue, names: Sequence[str]) -> None:
        self.set_labels(issue, [*(label.name for label in issue.labels), *names])

    def remove_labels(self, issue: Issue, names: Iterable[str]) -> None:
        unwanted = {name.lower() for name in names}
        self.set_labels(issue, [label.name for label in issue.labels if label.name.lower() not in unwanted])

    def set_labels(self, issue: Issue, names: Sequence[str]) -> None:
        self._check_labels(issue.repository, names)
        added, removed = self._swap_labels(issue, self._labels(issue.repository, names))
        if added or removed:
            self._touch(issue)
            self.state.record(issue.repository, "set labels", f"#{issue.number}", added=added, removed=removed)
            self._tell()

    def _check_labels(self, repository: Repository, names: Iterable[str]) -> None:
        for name in names:
            if name.lower() not in repository.labels and (not name.strip() or len(name) > LONGEST["name"]):
                raise invalid("Label", "name", value=name)

    def _labels(self, repository: Repository, names: Iterable[str]) -> list[Label]:
        """Gives labels by name. GitHub makes the one that isn't there, grey, without a word."""
        return [
            repository.labels.get(name.lower()) or self._new_label(repository, name, DEFAULT_COLOR) for name in names
        ]

    def _swap_labels(self, issue: Issue, wanted: Iterable[Label]) -> tuple[list[str], list[str]]:
        """Gives the names that came and the names that went."""
        before, issue.labels = issue.labels, list(dict.fromkeys(wanted))
        come = [label for label in issue.labels if label not in before]
        gone = [label for label in before if label not in issue.labels]
        for label in come:
            self._happened(issue, "labeled", label=label)
        for label in gone:
            self._happened(issue, "unlabeled", label=label)
        return [label.name for label in come], [label.name for label in gone]

    def add_assignees(self, issue: Issue, logins: Iterable[str]) -> None:
        """Assigns those who can be; GitHub passes over the others in silence."""
        known = [login for login in logins if self._may_be_assigned(issue, login)]
        self._set_assignees(issue, self._assignable(issue, [*(user.login for user in issue.assignees), *known]))

    def remove_assignees(self, issue: Issue, logins: Iterable[str]) -> None:
        unwanted = {login.lower() for login in logins}
        self._set_assignees(issue, [user for user in issue.assignees if user.login.lower() not in unwanted])

    def _set_assignees(self, issue: Issue, wanted: Iterable[User]) -> None:
        added, removed = self._swap_assignees(issue, wanted)
        if added or removed:
            self._touch(issue)
            self.state.record(issue.repository, "set assignees", f"#{issue.number}", added=added, removed=removed)
            self._tell()

    def _may_be_assigned(self, issue: Issue | None, login: str) -> bool:
        """Members may be, and whoever wrote in the issue."""
        if login.lower() in self.state.members:
            return True
        there = [issue.user, *issue.assignees, *(each.user for each in issue.comments)] if issue else []
        return any(user.login.lower() == login.lower() for user in there)

    def _assignable(self, issue: Issue | None, logins: Sequence[str]) -> list[User]:
        users = dict.fromkeys(self.state.user(login) for login in logins if self._may_be_assigned(issue, login))
        if refused := [login for login in logins if not self._may_be_assigned(issue, login)]:
            raise invalid("Issue", "assignees", value=refused[0])
        if len(users) > MOST_ASSIGNEES:
            raise invalid("Issue", "assignees", message=f"There can be at most {MOST_ASSIGNEES} assignees.")
        return list(users)

    def _swap_assignees(self, issue: Issue, wanted: Iterable[User]) -> tuple[list[str], list[str]]:
        before, issue.assignees = issue.assignees, list(wanted)
        come = [user for user in issue.assignees if user not in before]
        gone = [user for user in before if user not in issue.assignees]
        for user in come:
            self._happened(issue, "assigned", assignee=user)
        for user in gone:
            self._happened(issue, "unassigned", assignee=user)
        return [user.login for user in come], [user.login for user in gone]

    # Comments and releases

    def create_comment(self, issue: Issue, body: str) -> Comment:
        _check_comment(body)
        now = self.state.now()
        comment = self.state.add_comment(Comment(self.state.new_id(), issue, self.state.actor(), body, now, now))
        self._touch(issue)
        self.state.record(issue.repository, "create comment", f"#{issue.number}", body=body)
        self.hooks.comment("created", comment)
        return comment

    def update_comment(self, comment: Comment, body: str) -> None:
        _check_comment(body)
        before = comment.body
        if body != before:
            comment.body, comment.updated_at = body, self.state.now()
            self._touch(comment.issue)
            self.state.record(comment.issue.repository, "update comment", f"#{comment.issue.number}", body=body)
            self.hooks.comment("edited", comment, changes={"body": {"from": before}})

    def delete_comment(self, comment: Comment) -> None:
        issue = comment.issue
        issue.comments.remove(comment)
        del issue.repository.comments[comment.id]
        self.state.forget(comment)
        self._touch(issue)
        self.state.record(issue.repository, "delete comment", f"#{issue.number}", body=comment.body)
        self.hooks.comment("deleted", comment)

    def create_release(self, repository: Repository, said: Mapping[str, Any]) -> Release:
        """Creates a release from `tag_name`, `name`, `body`, `draft`, `prerelease`."""
        tag = said["tag_name"]
        if not tag.strip():
            raise invalid("Release", "tag_name", "missing_field")
        if tag in repository.releases:
            raise invalid("Release", "tag_name", "already_exists")
        author, now = self.state.actor(), self.state.now()
        name, body = said.get("name") or tag, said.get("body") or ""
        kinds = {kind: bool(said.get(kind)) for kind in ("draft", "prerelease")}
        release = Release(self.state.new_id(), repository, tag, name, body, author, now, **kinds)
        self.state.add_release(release)
        self.state.record(repository, "create release", tag, name=name, body=body, **kinds)
        return release

    # The history

    def _happened(self, issue: Issue, event: str, **what: Any) -> None:
        made = Event(self.state.new_id(), issue, event, self.state.actor(), self.state.now(), **what)
        issue.events.append(made)
        self._untold.append(made)

    def _tell(self) -> None:
        """Tells the webhooks what has happened, once the change is whole: each shows the issue as it is afterwards."""
        untold, self._untold = self._untold, []
        for each in untold:
            self.hooks.happened(each)

    def _touch(self, issue: Issue) -> None:
        issue.updated_at = self.state.now()
        self.state.index.add_later(issue, issue.updated_at + self.state.search_lag)


def label_of(issue: Issue, name: str) -> Label:
    """Gives a label that the issue has."""
    for label in issue.labels:
        if label.name.lower() == name.lower():
            return label
    raise Refusal(404, "Label does not exist")


def found(table: Mapping[Any, Any], key: object) -> Any:
    """Gives a row of a table, or GitHub's 404."""
    if key not in table:
        raise not_found()
    return table[key]


def _check_label(said: Mapping[str, Any]) -> None:
    if not said["name"].strip():
        raise invalid("Label", "name", "missing_field")
    for field, most in LONGEST.items():
        if len(said.get(field) or "") > most:
            raise invalid("Label", field, "custom", message=f"{field} is too long (maximum is {most} characters)")
    if said.get("color") is not None and not re.fullmatch(r"[0-9A-Fa-f]{6}", said["color"]):
        raise invalid("Label", "color")


def _check_title(title: str) -> None:
    if not title.strip():
        raise invalid("Issue", "title", "missing_field")
    if len(title) > 256:
        raise invalid("Issue", "title", "custom", message="title is too long (maximum is 256 characters)")


def _check_comment(body: str) -> None:
    if not body.strip():
        raise invalid("IssueComment", "data", "custom", message="Body cannot be blank")


def _shown_label(label: Label) -> dict[str, Any]:
    return {"name": label.name, "color": label.color, "description": label.description or ""}


def _shown_issue(issue: Issue) -> dict[str, Any]:
    return {
        "title": issue.title,
        "body": issue.body or "",
        "state": issue.state,
        "state_reason": issue.state_reason,
        "labels": [label.name for label in issue.labels],
        "assignees": [user.login for user in issue.assignees],
    }


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in after.items() if before[key] != value}
