"""GitHub's two repositories: the public tracker and the confidential one, each with a token of its own.

The code path that writes public text holds no token for the confidential repository, and the other way round. The
public one takes `PublicText` only; the confidential one asks GitHub whether it is private before each write that
holds a name.

API: https://docs.github.com/rest/issues/labels, https://docs.github.com/rest/issues/issues
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, cast
from urllib.parse import quote

import requests
from github import Auth, Github, GithubException, GithubRetry, RateLimitExceededException, UnknownObjectException
from github.GithubObject import NotSet
from github.Hook import Hook
from github.HookDelivery import HookDeliverySummary
from github.Issue import Issue
from github.IssueComment import IssueComment
from github.Label import Label as GithubLabel
from github.Repository import Repository as GithubRepository
from pydantic import SecretStr

from policies import issue as issues
from policies.confidentiality import Confidential, Leak, PublicText
from policies.customer import CODENAME_LABEL, Label, Post
from settings import handbook, settings
from tasks import clock, wire
from tasks.effects import (
    AlreadyThere,
    Different,
    Failure,
    LockedOut,
    Made,
    NothingHappened,
    Refused,
    Unclear,
    Write,
    perform,
)

LABEL_COLOR = "5319e7"
WEBHOOK_PATH = "/github"  # of the gateway
BULK = 100  # items a page, the most GitHub gives


class WrongRepository(Exception):
    """The repositories in handbook.toml are not what they should be. Nothing was written."""


@dataclass(frozen=True)
class FailedDelivery:
    """A delivery that did not arrive: the hook's id, the failed attempt's id, and the guid of all its attempts."""

    hook: int
    id: int
    guid: str
    status: int


class Repository:
    """What both repositories do alike."""

    private: bool

    @property
    def full_name(self) -> str:
        """Gives "owner/name"."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Gives the address that people open."""
        return f"{_web()}/{self.full_name}"

    def file(self, path: str) -> str:
        """Gives a file's text, as it is on the default branch."""
        with self._reading() as repository:
            found = repository.get_contents(path)
        if isinstance(found, list) or found.path != path:
            raise Unreadable(f"GitHub gave something else than the file {path} of {self.full_name}.")
        return found.decoded_content.decode("utf-8")

    def labels(self) -> list[Label]:
        """Gives every label, 100 a call."""
        with self._reading() as repository:
            return [self._label(label) for label in repository.get_labels()]

    def codename_labels(self) -> list[Label]:
        """Gives the labels that are codenames of customers and prospects."""
        return [label for label in self.labels() if CODENAME_LABEL.match(label.name)]

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

    def issue(self, number: int) -> issues.Issue | None:
        """Gives an issue with its labels' times and its comments, in one call; None when there is none."""
        try:
            return self._issue(self._ask(_ONE_ISSUE, number=number)["repository"]["issue"])
        except GithubException as error:
            if "NOT_FOUND" in str(error.data):
                return None
            raise

    def open_issues(self, labels: Sequence[str]) -> Iterator[issues.Issue]:
        """Gives the open issues that have one of these labels, with times and comments, 100 a call."""
        after: str | None = None
        while labels:
            page = self._ask(_ISSUES, labels=list(labels), after=after)["repository"]["issues"]
            yield from (self._issue(each) for each in page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        owner, _, name = self.full_name.partition("/")
        with self._reading() as repository:
            _, answer = repository.requester.graphql_query(query, {"owner": owner, "name": name, **variables})
        return answer["data"]

    def _issue(self, found: Mapping[str, Any]) -> issues.Issue:
        author: Mapping[str, str] = found["author"] or {}
        added = {each["label"]["name"]: _time(each["createdAt"]) for each in found["timelineItems"]["nodes"]}
        return issues.Issue(
            repository=self.full_name,
            number=found["number"],
            author=author.get("login", ""),
            author_is_bot=author.get("__typename") == "Bot",
            is_open=found["state"] == "OPEN",
            created_at=_time(found["createdAt"]),
            labels={each["name"]: added.get(each["name"]) for each in found["labels"]["nodes"]},
            assignees=[each["login"] for each in found["assignees"]["nodes"]],
            comments=[_comment(each) for each in found["comments"]["nodes"]],
            title=Confidential(found["title"]),
            body=Confidential(found["body"] or ""),
            url=f"{self.url}/issues/{found['number']}",
        )

    def remove_label(self, number: int, label: str, *, once: str) -> Made:
        """Takes a label off an issue; one that isn't there counts as done."""
        made = Made(label, f"{self.url}/issues/{number}")

        def send() -> Made:
            with self._writing() as repository:
                repository.get_issue(number).remove_from_labels(label)
            return made

        def find(_: datetime) -> Made | None:
            found = self.issue(number)
            return made if found is None or label not in found.labels else None

        request = {"repository": self.full_name, "number": str(number), "label": label}
        place = f"{label} from {self.full_name}#{number}"
        return perform(Write(once, "GitHub", "remove label", place, request, send, find, _explain_removal, made))

    def failed_deliveries(self, since: datetime) -> list[FailedDelivery]:
        """Gives the webhook deliveries to us that failed since a moment and have not arrived on a later attempt."""
        with self._reading() as repository:
            try:
                hooks: list[Hook] = list(repository.get_hooks())
            except UnknownObjectException:  # the token may not see webhooks; docs/connecting.md names the right
                return []
            found = [
                FailedDelivery(hook.id, delivery.id or 0, delivery.guid or "", delivery.status_code or 0)
                for hook in hooks
                if _address(hook).endswith(WEBHOOK_PATH)
                for delivery in takewhile(_since(since), repository.get_hook_deliveries(hook.id))
            ]
        arrived = {each.guid for each in found if 200 <= each.status < 300}
        latest = {each.guid: each for each in reversed(found)}
        return [each for guid, each in latest.items() if guid not in arrived]

    def ask_for_delivery_again(self, failed: FailedDelivery) -> Made:
        """Has GitHub send a delivery again; once for each attempt that failed."""
        place = f"{self.full_name} {failed.guid}"

        def send() -> Made:
            path = f"/repos/{self.full_name}/hooks/{failed.hook}/deliveries/{failed.id}/attempts"
            with self._writing() as repository:
                repository.requester.requestJsonAndCheck("POST", path)
            return Made(failed.guid)

        def find(_: datetime) -> Made | None:
            return None if failed in self.failed_deliveries(clock.wall() - timedelta(hours=1)) else Made(failed.guid)

        request = {"repository": self.full_name, "delivery": failed.guid, "attempt": str(failed.id)}
        once = f"sweeper/delivery/{failed.guid}/{failed.id}"
        return perform(
            Write(once, "GitHub", "redeliver webhook", place, request, send, find, explain, Made(failed.guid))
        )

    def _rename_label(self, old: str, new: str, once: str) -> Made:
        place = f"{old} to {new} in {self.full_name}"

        def send() -> Made:
            with self._writing() as repository:
                label = repository.get_label(old)
                label.edit(new, label.color, label.description or "")
            return self._made(_said(label, new))

        def find(_: datetime) -> Made | None:
            has_old, has_new = self._has(old), self._has(new)
            if has_old and has_new:
                raise Different(f'Both "{old}" and "{new}" are labels of {self.full_name}. Merge them by hand.')
            return self._made(new) if has_new else None

        request = {"repository": self.full_name, "old": old, "new": new}
        made = self._made(new)
        return perform(Write(once, "GitHub", "rename label", place, request, send, find, explain, made, lasting=True))

    def _create_label(self, name: str, description: PublicText | Confidential[str], once: str) -> Made:
        def text() -> str:
            return description.reveal() if isinstance(description, Confidential) else str(description)

        def send() -> Made:
            with self._writing() as repository:
                label = repository.create_label(name, LABEL_COLOR, text())
            return self._made(_said(label, name))

        def find(_: datetime) -> Made | None:
            with self._reading() as repository:
                try:
                    label = repository.get_label(name).complete()
                except UnknownObjectException:
                    return None
            if (label.description or "") != text():
                raise Different(
                    f'Label "{name}" is already in {self.full_name} with another description. Choose another '
                    "codename, or correct that label first."
                )
            return self._made(name)

        request = {"repository": self.full_name, "name": name, "description": description}
        place = f"{name} in {self.full_name}"
        return perform(
            Write(once, "GitHub", "create label", place, request, send, find, explain, self._made(name), lasting=True)
        )

    def _has(self, label: str) -> bool:
        with self._reading() as repository:
            try:
                repository.get_label(label).complete()
            except UnknownObjectException:
                return False
        return True

    def _made(self, label: str) -> Made:
        return Made(label, f"{self.url}/labels/{quote(label)}")

    def _label(self, label: GithubLabel) -> Label:
        return Label(label.name, Confidential(label.description or ""), self._made(label.name).url)

    def _token(self) -> SecretStr:
        raise NotImplementedError

    @contextmanager
    def _reading(self) -> Generator[GithubRepository]:
        """A client that asks again by itself, for calls that change nothing."""
        retry = GithubRetry(total=3, max_rate_limit_wait=30, secondary_rate_wait=1)
        with self._client(retry) as client:
            yield client.get_repo(self.full_name)

    @contextmanager
    def _writing(self) -> Generator[GithubRepository]:
        """A client that sends a request once; the ledger alone repeats it."""
        with self._client(0) as client:
            yield client.get_repo(self.full_name)

    @contextmanager
    def client(self) -> Generator[Github]:
        """Gives a client for reading what belongs to no repository."""
        with self._client(GithubRetry(total=3, max_rate_limit_wait=30, secondary_rate_wait=1)) as client:
            yield client

    @contextmanager
    def _client(self, retry: GithubRetry | int) -> Generator[Github]:
        wire.install()
        live = not settings().sandbox_url
        client = Github(
            auth=Auth.Token(self._token().get_secret_value()),
            base_url=settings().github_url if live else f"{settings().sandbox_url}/github",
            retry=retry,
            per_page=BULK,
            seconds_between_requests=None,
            seconds_between_writes=settings().github_pace if live else None,
            lazy=True,
        )
        try:
            yield client
        finally:
            client.close()


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


def _address(hook: Hook) -> str:
    config = cast("Mapping[str, Any]", hook.config)  # pyright: ignore[reportUnknownMemberType]
    return str(config.get("url", ""))


def _since(moment: datetime) -> Callable[[HookDeliverySummary], bool]:
    def is_later(delivery: HookDeliverySummary) -> bool:
        return delivery.delivered_at is not None and delivery.delivered_at >= moment

    return is_later


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _comment(found: Mapping[str, Any]) -> issues.Comment:
    author: Mapping[str, str] = found["author"] or {}
    number = str(found["url"]).rpartition("issuecomment-")[2]
    bot = author.get("__typename") == "Bot"
    return issues.Comment(int(number), author.get("login", ""), bot, _time(found["createdAt"]))


_FIELDS = """
number title body state createdAt author { __typename login }
labels(first: 100) { nodes { name } }
assignees(first: 10) { nodes { login } }
comments(last: 100) { nodes { url createdAt author { __typename login } } }
timelineItems(last: 100, itemTypes: [LABELED_EVENT]) { nodes { ... on LabeledEvent { createdAt label { name } } } }
"""
_ONE_ISSUE = f"""query($owner: String!, $name: String!, $number: Int!) {{
repository(owner: $owner, name: $name) {{ issue(number: $number) {{ {_FIELDS} }} }} }}"""
_ISSUES = f"""query($owner: String!, $name: String!, $labels: [String!], $after: String) {{
repository(owner: $owner, name: $name) {{ issues(first: 100, after: $after, states: OPEN, labels: $labels) {{
nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""

fleet = PublicRepository()
confidential = ConfidentialRepository()


def assert_repositories() -> None:
    """Checks that the public repository is public and the confidential one private, before the first write.

    Raises:
        WrongRepository: names the one that isn't.
    """
    confidential.assert_visibility()
    fleet.assert_visibility()


def explain(error: Exception) -> Failure:
    """Reads what went wrong in a write to GitHub."""
    match error:
        case Leak():
            return Refused(str(error))
        case GithubException():
            return _explain_answer(error)
        case requests.exceptions.ConnectTimeout() | requests.exceptions.SSLError():
            return NothingHappened("GitHub could not be reached.")
        case requests.exceptions.ConnectionError() if "Connection refused" in str(error) or "resolve" in str(error):
            return NothingHappened("GitHub could not be reached.")
        case _:
            return Unclear(f"GitHub gave no answer that can be read ({type(error).__name__}).")


def _explain_removal(error: Exception) -> Failure:
    """A label that isn't there is as wanted, once a look has confirmed it."""
    if isinstance(error, GithubException) and error.status == 404:
        return AlreadyThere("GitHub says that it isn't there.")
    return explain(error)


def _explain_answer(error: GithubException) -> Failure:
    after = _retry_after(error)
    match error.status:
        case 401:
            return LockedOut("GitHub refused the token (401). Put a valid one into .env and start the run again.")
        case 403 | 429 if after is not None or isinstance(error, RateLimitExceededException):
            return NothingHappened("GitHub asked to come back later.", after)
        case 422 if "already_exists" in str(error.data):
            return AlreadyThere("GitHub has one of this name already.")
        case int(status) if 400 <= status < 500:
            return Refused(f"GitHub refused it ({status}: {error.message or 'no reason given'}).")
        case status:
            return Unclear(f"GitHub answered {status}.")


def _retry_after(error: GithubException) -> float | None:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return float(headers["retry-after"]) if "retry-after" in headers else None


class Unreadable(Exception):
    """GitHub's answer is not about what was asked."""


def _said(label: GithubLabel, name: str) -> str:
    """Gives the label's name as GitHub answered it, so that a page of HTML with status 200 is no success."""
    if label.name != name:
        raise Unreadable(f'GitHub answered about "{label.name}" instead of "{name}".')
    return name


def _web() -> str:
    sandbox = settings().sandbox_url
    return f"{sandbox}/github" if sandbox else "https://github.com"
