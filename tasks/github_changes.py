"""Changes of many issues, 20 a call.

API: https://docs.github.com/graphql/reference/mutations
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from github import GithubException

from policies import issue as issues
from tasks.effects import EffectError, Failure, Made, Refused, Write, perform_together
from tasks.github_client import Unreadable, explain
from tasks.github_issues import Issues

A_CALL = 20  # changes; GitHub works on a call for ten seconds at most
STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403, "RATE_LIMITED": 429, "UNPROCESSABLE": 422}  # of GraphQL's kinds of errors


class NoSuchLabel(Exception):
    """GraphQL takes labels that exist only."""


class Changes(Issues):
    """Changes many issues with few calls."""

    def change_together(self, changes: Sequence[issues.Change]) -> list[Made | EffectError]:
        """Changes issues, 20 changes a call. Gives for each what it made, or why not, in their order.

        A change that fails does not hold up the others, so what must not come before something else goes into a call of
        its own.
        """
        outcomes, ids = list[Made | EffectError](), dict[str, str]()
        for at in range(0, len(changes), A_CALL):
            batch = changes[at : at + A_CALL]
            outcomes += perform_together([self._write(each) for each in batch], self._sender(batch, ids))
        return outcomes

    def _write(self, change: issues.Change) -> Write:
        number, place = change.issue.number, f"{self.full_name}#{change.issue.number}"
        request: dict[str, object] = {"repository": self.full_name, "number": str(number)}
        made = Made("", change.issue.url)
        match change:
            case issues.AddComment(text=text):
                request, find = request | {"text": text}, partial(self._find_comment, number, change.once)
            case issues.AddLabels(labels=labels):
                place, find = f"{', '.join(labels)} to {place}", partial(self._find_labels, number, labels)
                request, made = request | {"labels": list(labels)}, self._labelled(number, labels)
            case issues.RemoveLabels(labels=labels):
                place, find = f"{', '.join(labels)} from {place}", partial(self._without_labels, number, labels)
                request, made = request | {"labels": list(labels)}, self._labelled(number, labels)
        return Write(change.once, "GitHub", _kind(change).action, place, request, _alone, find, _explain, made)

    def _sender(
        self, changes: Sequence[issues.Change], ids: dict[str, str]
    ) -> Callable[[Sequence[Write]], list[Made | Exception]]:
        by_key = {change.once: change for change in changes}

        def send(writes: Sequence[Write]) -> list[Made | Exception]:
            sent = [by_key[write.once] for write in writes]
            made = {write.once: write.preview for write in writes}
            return [
                made[each.once] if wrong is None else wrong
                for each, wrong in zip(sent, self._send(sent, ids), strict=True)
            ]

        return send

    def _send(self, changes: Sequence[issues.Change], ids: dict[str, str]) -> list[Exception | None]:
        """Sends changes in one call, which GitHub does in this order. Gives for each what went wrong with it."""
        self._learn_label_ids(changes, ids)
        wrong: dict[str, Exception | None] = {change.once: _no_such_label(change, ids) for change in changes}
        if known := [change for change in changes if not wrong[change.once]]:
            wrong |= self._mutate(known, ids)
        return [wrong[change.once] for change in changes]

    def _learn_label_ids(self, changes: Sequence[issues.Change], ids: dict[str, str]) -> None:
        """Adds the ids of labels that are named for the first time; a label that doesn't exist is left out."""
        names = sorted({label for change in changes for label in _labels(change)} - set(ids))
        if not names:
            return
        asked = " ".join(f"l{at}: label(name: $l{at}) {{ id }}" for at in range(len(names)))
        given = "".join(f", $l{at}: String!" for at in range(len(names)))
        fields = f"repository(owner: $owner, name: $name) {{ {asked} }}"
        query = f"query($owner: String!, $name: String!{given}) {{ {fields} }}"
        found = self._ask(query, **{f"l{at}": name for at, name in enumerate(names)})["repository"]
        ids |= {name: found[f"l{at}"]["id"] for at, name in enumerate(names) if found[f"l{at}"]}

    def _mutate(self, changes: Sequence[issues.Change], ids: Mapping[str, str]) -> dict[str, Exception | None]:
        aliases = {f"m{at}": change for at, change in enumerate(changes)}
        given = ", ".join(f"${alias}: {_kind(change).input}!" for alias, change in aliases.items())
        fields = " ".join(
            f"{alias}: {_kind(change).mutation}(input: ${alias}) {{ clientMutationId }}"
            for alias, change in aliases.items()
        )
        query = f"mutation({given}) {{ {fields} }}"
        variables = {alias: _input(change, ids) for alias, change in aliases.items()}
        with self._writing() as repository:
            requester = repository.requester
            sent = {"query": query, "variables": variables}
            _, answer = requester.requestJsonAndCheck("POST", requester.graphql_url, input=sent)
        return {change.once: _what_went_wrong(alias, change, answer) for alias, change in aliases.items()}


@dataclass(frozen=True)
class _Kind:
    """A kind of change: what the audit calls it, and GraphQL's names."""

    action: str
    mutation: str
    input: str


def _kind(change: issues.Change) -> _Kind:
    match change:
        case issues.AddComment():
            return _Kind("comment", "addComment", "AddCommentInput")
        case issues.AddLabels():
            return _Kind("add labels", "addLabelsToLabelable", "AddLabelsToLabelableInput")
        case issues.RemoveLabels():
            return _Kind("remove labels", "removeLabelsFromLabelable", "RemoveLabelsFromLabelableInput")


def _input(change: issues.Change, ids: Mapping[str, str]) -> dict[str, Any]:
    """Gives the input of the mutation. GitHub says its `clientMutationId` again."""
    said = {"clientMutationId": issues.marker(change.once)}
    if isinstance(change, issues.AddComment):
        return said | {"subjectId": change.issue.node_id, "body": issues.marked(str(change.text), change.once)}
    return said | {"labelableId": change.issue.node_id, "labelIds": [ids[label] for label in change.labels]}


def _what_went_wrong(alias: str, change: issues.Change, answer: Mapping[str, Any]) -> Exception | None:
    errors: Sequence[Mapping[str, Any]] = answer.get("errors", [])
    about = [each for each in errors if each.get("path", [alias])[:1] == [alias]]
    if about:
        return GithubException(STATUS.get(str(about[0].get("type")), 400), about[0], None, str(about[0].get("message")))
    done: Mapping[str, Any] | None = (answer.get("data") or dict[str, Any]()).get(alias)
    if not done or done.get("clientMutationId") != issues.marker(change.once):
        return Unreadable("GitHub answered about another change.")
    return None


def _labels(change: issues.Change) -> Sequence[str]:
    return [] if isinstance(change, issues.AddComment) else change.labels


def _no_such_label(change: issues.Change, ids: Mapping[str, str]) -> NoSuchLabel | None:
    if missing := [label for label in _labels(change) if label not in ids]:
        return NoSuchLabel(
            f"{change.issue.repository} has no label {', '.join(missing)}. Create it, or correct its name."
        )
    return None


def _explain(error: Exception) -> Failure:
    return Refused(str(error)) if isinstance(error, NoSuchLabel) else explain(error)


def _alone() -> Made:
    raise AssertionError("Changes go out together.")
