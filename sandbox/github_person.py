"""What people do in GitHub, for tests and the console. It needs no token and is no effect of a program's.

| call | what it does |
|---|---|
| `POST /_person/issue` `{"user", "repository", "title", "body"?, "labels"?}` | opens an issue |
| `POST /_person/comment` `{"user", "repository", "number", "body"}` | comments on one |
| `POST /_person/label` `{"user", "repository", "number", "add"?, "remove"?}` | puts labels on one, or takes them off |
| `POST /_person/state` `{"user", "repository", "number", "state"}` | closes or reopens one |

Anybody writes in a public repository; only the organization's members read the private one, label, and close what is
not theirs. Each answers `ok`, `number`, `url`, `deliveries` (path, status, error of the first try of each webhook that
it caused) and `status`, that of the first: null when nothing was sent or nobody answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github_answers import Answers
from sandbox.github_changes import Changes
from sandbox.github_hooks import RULE
from sandbox.github_refusals import Refusal
from sandbox.github_state import Issue, Repository, State, User


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: str
    repository: str


class Open(Act):
    title: str
    body: str = ""
    labels: list[str] = []


class OnIssue(Act):
    number: int


class Say(OnIssue):
    body: str


class Relabel(OnIssue):
    add: list[str] = []
    remove: list[str] = []


class SetState(OnIssue):
    state: Literal["open", "closed"]


Said = TypeVar("Said", bound=Act)


class Person:
    """The addresses. What can't be gives 422 and a sentence."""

    def __init__(self, state: State, changes: Changes, answers: Answers) -> None:
        self.state, self.changes, self.answers = state, changes, answers

    def routes(self) -> list[Route]:
        return [
            self._route("issue", Open, self.open),
            self._route("comment", Say, self.comment),
            self._route("label", Relabel, self.label),
            self._route("state", SetState, self.set_state),
        ]

    def _route(self, name: str, takes: type[Said], does: Callable[[Said, User], tuple[Issue, str]]) -> Route:
        async def endpoint(request: Request) -> Response:
            said, webhooks = takes.model_validate_json(await request.body()), self.state.world.webhooks
            before = webhooks.deliveries[-1].number if webhooks.deliveries else 0
            user = self._user(said.user)
            try:
                with self.state.played_by(user):
                    issue, url = does(said, user)
            except Refusal as refusal:
                raise ValueError(f"GitHub refuses it: {refusal.message}. {_details(refusal)}".strip()) from None
            caused = [each for each in webhooks.deliveries if each.number > before]
            deliveries = await webhooks.first_answers(caused, RULE.limit)
            told = {"status": deliveries[0]["status"] if deliveries else None, "deliveries": deliveries}
            return JSONResponse({"ok": True, "number": issue.number, "url": url, **told})

        return Route(f"/_person/{name}", endpoint, methods=["POST"])

    def open(self, said: Open, user: User) -> tuple[Issue, str]:
        repository = self._repository(said, user)
        if said.labels:
            self._check_member(user, "labels")
        given = {"title": said.title, "body": said.body, "labels": said.labels}
        issue = self.changes.create_issue(repository, given)
        return issue, self.answers.issue_page(issue)

    def comment(self, said: Say, user: User) -> tuple[Issue, str]:
        issue = self._issue(said, user)
        return issue, self.answers.comment_page(self.changes.create_comment(issue, said.body))

    def label(self, said: Relabel, user: User) -> tuple[Issue, str]:
        issue = self._issue(said, user)
        self._check_member(user, "labels")
        for name in said.add:
            if name.lower() not in issue.repository.labels:
                raise ValueError(f'{said.repository} has no label "{name}". Give the name of one.')
        gone = {name.lower() for name in said.remove}
        kept = [label.name for label in issue.labels if label.name.lower() not in gone]
        self.changes.set_labels(issue, [*kept, *said.add])
        return issue, self.answers.issue_page(issue)

    def set_state(self, said: SetState, user: User) -> tuple[Issue, str]:
        issue = self._issue(said, user)
        if user is not issue.user:
            self._check_member(user, "closes or reopens what is somebody else's")
        self.changes.update_issue(issue, {"state": said.state})
        return issue, self.answers.issue_page(issue)

    # Who, and where

    def _user(self, login: str) -> User:
        found = self.state.users.get(login.lower())
        if found is None or found.kind != "User":
            raise ValueError(f'No person "{login}". Give the login of one, or add them to "users".')
        return found

    def _check_member(self, user: User, what: str) -> None:
        if not self.state.belongs_to_team(user):
            raise ValueError(f"{user.login} is not of the organization, and only its members can: {what}.")

    def _repository(self, said: Act, user: User) -> Repository:
        found = self.state.repositories.get(said.repository.lower())
        if found is None or (found.private and not self.state.belongs_to_team(user)):
            raise ValueError(f'{user.login} sees no repository "{said.repository}".')
        return found

    def _issue(self, said: OnIssue, user: User) -> Issue:
        repository = self._repository(said, user)
        if said.number not in repository.issues:
            raise ValueError(f"{said.repository} has no issue #{said.number}. Give the number of one.")
        return repository.issues[said.number]


def _details(refusal: Refusal) -> str:
    return " ".join(
        str(error.get("message") or f"{error.get('field')}: {error.get('code')}") for error in refusal.errors
    )


async def unprocessable(request: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        return JSONResponse({"error": str(error)}, 422)
    problems: list[Any] = list(error.errors())
    told = " ".join(f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in problems)
    return JSONResponse({"error": told}, 422)
