"""GitHub's two repositories: the public tracker and the confidential one, each with a token of its own.

The code path that writes public text holds no token for the confidential repository, and the other way round. The
public one takes `PublicText` only; the confidential one asks GitHub whether it is private before each write that
holds a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from github.GithubObject import NotSet
from github.Issue import Issue
from github.IssueComment import IssueComment
from pydantic import SecretStr

from policies.confidentiality import Confidential, PublicText
from policies.customer import Post
from settings import handbook, settings
from tasks.effects import Made
from tasks.github_changes import Changes
from tasks.github_deliveries import Deliveries
from tasks.github_labels import Labels


class WrongRepository(Exception):
    """The repositories in handbook.toml are not what they should be. Nothing was written."""


class Repository(Changes, Labels, Deliveries):
    """What both repositories do alike."""

    private: bool

    def assert_visibility(self) -> None:
        """Asks GitHub whether the repository is as private as it must be.

        Raises:
            WrongRepository: it isn't; names might end in public.
        """
        with self._reading() as repository:
            private = repository.private
        if private is not self.private:
            raise WrongRepository(
                f'"{self.full_name}" is {"private" if private else "public"}, but handbook.toml names it as the '
                f"{'confidential' if self.private else 'public'} repository. Nothing was written. Correct "
                "[repositories]."
            )


class PublicRepository(Repository):
    """The tracker that anybody can read."""

    private = False

    @property
    def full_name(self) -> str:
        return handbook().repositories.public

    def create_label(self, name: PublicText, description: PublicText, *, once: str) -> Made:
        """Creates a label; the same label already there counts as done."""
        return self._create_label(str(name), description, once)

    def rename_label(self, old: str, new: PublicText, *, once: str) -> Made:
        """Renames a label; its issues keep it. Done already when only the new name is there."""
        return self._rename_label(old, str(new), once)

    def create_issue(
        self, title: PublicText, body: PublicText, labels: Sequence[str], *, once: str, assignees: Sequence[str] = ()
    ) -> Made:
        """Files an issue. Gives its number and its address. GitHub makes a label that doesn't exist."""
        return self._create_issue(title, body, labels, assignees, once)

    def comment(self, number: int, text: PublicText, *, once: str) -> Made:
        """Comments on an issue. Gives the comment's id and its address."""
        return self._comment(number, text, once)

    def posts(self, since: datetime | None) -> Iterator[Post]:
        """Gives the titles, bodies and comments of all issues changed since then (None: ever), 100 a call."""
        when = since or NotSet
        with self._reading() as repository:
            issues: Iterator[Issue] = iter(repository.get_issues(state="all", since=when))
            yield from (Post("issue", issue.html_url, f"{issue.title}\n{issue.body or ''}") for issue in issues)
            comments: Iterator[IssueComment] = iter(repository.get_issues_comments(since=when))
            yield from (Post("comment", comment.html_url, comment.body or "") for comment in comments)

    def _token(self) -> SecretStr:
        settings().require(*([] if settings().sandbox_url else ["github_public_token"]))
        return settings().github_public_token


class ConfidentialRepository(Repository):
    """The repository that may hold customers' names."""

    private = True

    @property
    def full_name(self) -> str:
        return handbook().repositories.confidential

    def create_label(self, name: str, description: Confidential[str], *, once: str) -> Made:
        """Creates a label whose description is a customer's name; the same label already there counts as done.

        Raises:
            WrongRepository: GitHub says that the repository is not private.
        """
        self.assert_visibility()
        return self._create_label(name, description, once)

    def create_issue(
        self,
        title: Confidential[str],
        body: Confidential[str],
        labels: Sequence[str],
        *,
        once: str,
        assignees: Sequence[str] = (),
    ) -> Made:
        """Files an issue. Gives its number and its address. GitHub makes a label that doesn't exist.

        Raises:
            WrongRepository: GitHub says that the repository is not private.
        """
        self.assert_visibility()
        return self._create_issue(title, body, labels, assignees, once)

    def comment(self, number: int, text: Confidential[str], *, once: str) -> Made:
        """Comments on an issue. Gives the comment's id and its address.

        Raises:
            WrongRepository: GitHub says that the repository is not private.
        """
        self.assert_visibility()
        return self._comment(number, text, once)

    def rename_label(self, old: str, new: str, *, once: str) -> Made:
        """Renames a label; its issues keep it. Done already when only the new name is there."""
        return self._rename_label(old, new, once)

    def _token(self) -> SecretStr:
        settings().require(*([] if settings().sandbox_url else ["github_confidential_token"]))
        return settings().github_confidential_token


def organisation_members() -> frozenset[str]:
    """Gives the logins of everybody in the organisation, in lower case, private members too."""
    organisation = handbook().repositories.confidential.partition("/")[0]
    with confidential.client() as client:
        return frozenset(member.login.lower() for member in client.get_organization(organisation).get_members())


fleet = PublicRepository()
confidential = ConfidentialRepository()


def assert_repositories() -> None:
    """Checks that the public repository is public and the confidential one private, before the first write.

    Raises:
        WrongRepository: names the one that isn't.
    """
    confidential.assert_visibility()
    fleet.assert_visibility()
