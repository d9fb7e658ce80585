"""How the two repositories are reached: PyGithub's client with our transports, and what its errors mean.

API: https://docs.github.com/rest, https://docs.github.com/graphql
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import requests
from github import Auth, Github, GithubException, GithubRetry, RateLimitExceededException
from github.Repository import Repository as GithubRepository
from pydantic import SecretStr

from policies.confidentiality import Leak
from settings import settings
from tasks import wire
from tasks.effects import AlreadyThere, Failure, LockedOut, NothingHappened, Refused, Unclear

BULK = 100  # items a page, the most GitHub gives


class Unreadable(Exception):
    """GitHub's answer is not about what was asked."""


class Client:
    """Reaches one repository with its own token."""

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

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        owner, _, name = self.full_name.partition("/")
        with self._reading() as repository:
            _, answer = repository.requester.graphql_query(query, {"owner": owner, "name": name, **variables})
        return answer["data"]

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


def _web() -> str:
    sandbox = settings().sandbox_url
    return f"{sandbox}/github" if sandbox else "https://github.com"
