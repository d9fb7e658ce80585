"""GitHub's search for issues: its qualifiers, and an index that is some time behind.

Qualifiers: https://docs.github.com/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.github_refusals import invalid

if TYPE_CHECKING:
    from sandbox.github_state import Issue, Label, Repository

LONGEST = 256  # characters of text, qualifiers not counted
REACHABLE = 1_000  # results that can be paged through
WORD = re.compile(r'(-?)(?:([a-z]+):)?("[^"]*"(?:,"[^"]*")*|\S+)', re.IGNORECASE)
NOT_BUILT = frozenset(
    "archived author-name base closed commenter comments created draft head in interactions involves language linked "
    "locked mentions merged milestone no project reactions reason review sha sort status team type-name updated".split()
)


@dataclass(frozen=True)
class Document:
    """An issue as the index knows it."""

    issue: Issue
    state: str
    labels: frozenset[str]
    assignees: frozenset[str]
    texts: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """Gives title, body and comments as words between single spaces. Tokenized late: seeds are large."""
        return words("\n".join(self.texts))


def words(text: str) -> str:
    return f" {re.sub(r'[^0-9a-z]+', ' ', text.lower()).strip()} "


def document(issue: Issue) -> Document:
    return Document(
        issue,
        issue.state,
        frozenset(label.name.lower() for label in issue.labels),
        frozenset(user.login.lower() for user in issue.assignees),
        (issue.title, issue.body or "", *(comment.body for comment in issue.comments)),
    )


class Index:
    """What a search finds: each issue as it was when the index last looked."""

    def __init__(self) -> None:
        self._known: dict[int, Document] = {}
        self._coming: list[tuple[datetime, int, Document]] = []
        self._order = itertools.count()

    def add(self, issue: Issue) -> None:
        self._known[issue.id] = document(issue)

    def add_later(self, issue: Issue, when: datetime) -> None:
        heapq.heappush(self._coming, (when, next(self._order), document(issue)))

    def documents(self, now: datetime) -> Iterable[Document]:
        """Gives what the index knows by now."""
        while self._coming and self._coming[0][0] <= now:
            *_, come = heapq.heappop(self._coming)
            self._known[come.issue.id] = come
        return self._known.values()


@dataclass(frozen=True)
class Term:
    """One part of a query: a qualifier with the values it may have, or a text."""

    qualifier: str
    values: tuple[str, ...]
    unwanted: bool

    def fits(self, document: Document) -> bool:
        check = CHECKS[self.qualifier]
        return any(check(document, value) for value in self.values) is not self.unwanted


def search_issues(index: Index, query: str, readable: Mapping[str, Repository], now: datetime) -> list[Issue]:
    """Gives the issues that fit, newest first.

    Raises:
        Refusal: the query is too long, names nothing readable, or has a qualifier that this stand-in doesn't know.
    """
    terms = parse(query)
    for term in terms:
        if term.qualifier in {"org", "repo"} and not any(_names(term, repository) for repository in readable.values()):
            raise invalid("Search", "q", message=UNREADABLE)
    visible = {repository.id for repository in readable.values()}
    found = [each for each in index.documents(now) if each.issue.repository.id in visible]
    for term in terms:
        found = [each for each in found if term.fits(each)]
    return [each.issue for each in sorted(found, key=lambda each: each.issue.id, reverse=True)]


UNREADABLE = (
    "The listed users and repositories cannot be searched either because the resources do not exist or you do not "
    "have permission to view them."
)


def _names(term: Term, repository: Repository) -> bool:
    name = repository.full_name if term.qualifier == "repo" else repository.owner
    return name.lower() in term.values


def search_labels(labels: Iterable[Label], query: str, oldest_unseen: datetime) -> list[Label]:
    """Gives the labels that have each word in name or description, and that the index has seen."""
    wanted = [word.strip('"').lower() for _, _, word in WORD.findall(query)]
    return [
        label
        for label in labels
        if label.created_at <= oldest_unseen
        and all(word in f"{label.name}\n{label.description or ''}".lower() for word in wanted)
    ]


def parse(query: str) -> list[Term]:
    terms = [_term(*match.groups()) for match in WORD.finditer(query)]
    if sum(len(value) for term in terms if term.qualifier == "text" for value in term.values) > LONGEST:
        raise invalid("Search", "q", message=f"The search is longer than {LONGEST} characters.")
    return terms


def _term(minus: str, qualifier: str | None, value: str) -> Term:
    name = (qualifier or "").lower()
    if name in NOT_BUILT:
        raise invalid("Search", "q", message=f'This stand-in doesn\'t know "{name}:". It knows {sorted(CHECKS)}.')
    if name not in CHECKS:  # GitHub takes "error: 404" for words
        return Term("text", (words(f"{qualifier or ''} {value}"),), bool(minus))
    values = re.findall(r'"([^"]*)"|([^,"]+)', value)
    return Term(ALIASES.get(name, name), tuple((a or b).lower() for a, b in values), bool(minus))


def _is(document: Document, value: str) -> bool:
    visibility = "private" if document.issue.repository.private else "public"
    return value in {"pr" if document.issue.is_pull else "issue", document.state, visibility}


ALIASES = {"user": "org", "state": "is", "type": "is"}
CHECKS: dict[str, Callable[[Document, str], bool]] = {
    "text": lambda document, value: value in document.text,
    "repo": lambda document, value: document.issue.repository.full_name.lower() == value,
    "org": lambda document, value: document.issue.repository.owner.lower() == value,
    "user": lambda document, value: document.issue.repository.owner.lower() == value,
    "is": _is,
    "state": _is,
    "type": _is,
    "label": lambda document, value: value in document.labels,
    "author": lambda document, value: document.issue.user.login.lower() == value,
    "assignee": lambda document, value: value in document.assignees,
}
