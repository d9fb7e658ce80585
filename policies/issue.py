"""The nouns of GitHub's issues: what decisions need, with texts that can't be printed by mistake."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from policies.confidentiality import Confidential, PublicText
from policies.customer import CODENAME_LABEL, Refused

MARK = "<!-- handbook-flows "  # what a line of ours in a text begins with
NOTHING = Confidential("")
_KEY = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)(?:/(\d+))?")
_ADDRESS = re.compile(r"https?://[^\s/]+(?:/github)?/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)(?:#issuecomment-(\d+))?")


@dataclass(frozen=True)
class Comment:
    """A comment on an issue."""

    id: int
    author: str
    is_bot: bool
    at: datetime
    text: Confidential[str] = NOTHING  # of an issue that was read by itself


@dataclass(frozen=True)
class Issue:
    """An issue as it is now.

    labels: when each was added last; None when that isn't known. labelled_at: when any label was added last, whether it
    is still there or not.
    """

    repository: str
    number: int
    author: str
    author_is_bot: bool
    is_open: bool
    created_at: datetime
    labels: Mapping[str, datetime | None]
    assignees: Sequence[str]
    comments: Sequence[Comment]
    title: Confidential[str]
    body: Confidential[str]
    url: str
    node_id: str = ""  # GraphQL's
    labelled_at: datetime | None = None

    @property
    def key(self) -> str:
        """Gives `fleetdm/confidential#12`."""
        return f"{self.repository}#{self.number}"

    @property
    def codenames(self) -> list[str]:
        """Gives the labels that are codenames of customers and prospects."""
        return sorted(label for label in self.labels if CODENAME_LABEL.match(label))

    def has_label(self, label: str) -> bool:
        """Says whether it has a label. GitHub's labels know no case."""
        return label.lower() in {each.lower() for each in self.labels}


@dataclass(frozen=True)
class Reference:
    """An issue, or a comment on one, that somebody named."""

    repository: str
    number: int
    comment: int = 0

    @property
    def key(self) -> str:
        """Gives the business key: `fleetdm/fleet#12`, or `fleetdm/fleet#12/998` for a comment."""
        return f"{self.repository}#{self.number}" + (f"/{self.comment}" if self.comment else "")


@dataclass(frozen=True)
class AddLabels:
    """A change of an issue: labels that are put on it. They exist."""

    issue: Issue
    labels: Sequence[str]
    once: str


@dataclass(frozen=True)
class RemoveLabels:
    """A change of an issue: labels that are taken off it."""

    issue: Issue
    labels: Sequence[str]
    once: str


@dataclass(frozen=True)
class AddComment:
    """A change of an issue: a comment."""

    issue: Issue
    text: PublicText
    once: str


Change = AddLabels | RemoveLabels | AddComment


def marker(once: str) -> str:
    """Gives the line by which a text of ours is found again under its business key; GitHub does not show it."""
    return f"{MARK}{hashlib.sha256(once.encode()).hexdigest()[:20]} -->"


def marked(text: str, once: str) -> str:
    """Gives a text with its marker at the end."""
    return f"{text.rstrip()}\n\n{marker(once)}\n"


def reference(given: str, repository: str, *, comment: bool = False) -> Reference:
    """Reads an issue's or a comment's key or address.

    repository: where it must be. comment: whether a comment is wanted.

    Raises:
        Refused: it is neither, or in another repository.
    """
    found = _KEY.fullmatch(given.strip()) or _ADDRESS.fullmatch(given.strip())
    kind = "comment" if comment else "issue"
    if not found or comment != bool(found[3]):
        raise Refused(f'"{given}" is no {kind}. Give the {kind}\'s address in GitHub.')
    if found[1].lower() != repository.lower():
        raise Refused(f'"{given}" is in {found[1]}; this procedure works on {repository}. Give an address there.')
    return Reference(repository, int(found[2]), int(found[3] or 0))


def issue_number(given: str, repository: str) -> int:
    """Reads an issue's number from that, its key or its address.

    Raises:
        Refused
    """
    text = given.strip().lstrip("#")
    return int(text) if text.isdecimal() else reference(given, repository).number


def is_from_outside(login: str, github_says_bot: bool, members: Collection[str], bots: Sequence[str]) -> bool:
    """Says whether somebody is no member of the organisation and no bot.

    members: logins in lower case.
    """
    return login.lower() not in members and not github_says_bot and not is_bot(login, bots)


def is_bot(login: str, bots: Sequence[str]) -> bool:
    """Says whether a login is a bot's: by GitHub's ending, or by the list. GitHub's logins know no case."""
    return login.lower().endswith("[bot]") or login.lower() in {bot.lower() for bot in bots}
