"""GitHub's stand-in: the REST and GraphQL interfaces, and pages to open, over one state.

| module | what it has |
|---|---|
| github_state | the objects |
| github_changes | what calls may change, with the effects that are recorded |
| github_search | the search and its late index |
| github_access | tokens, apps, permissions |
| github_hooks, github_hook_paths | webhooks: what they are told, how deliveries fared |
| github_person | what people do, without a token |
| github_bodies, github_refusals, github_answers | what may be said, how GitHub says no, what it answers |
| github_rest, github_graphql, github_pages | the paths |
| github_seed | what seeds may hold |

How true it is to GitHub, and what nobody has checked: docs/fidelity_github.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.github_access import Access
from sandbox.github_answers import Answers
from sandbox.github_changes import Changes
from sandbox.github_graphql import graphql_route
from sandbox.github_hook_paths import HookPaths
from sandbox.github_hooks import Hooks
from sandbox.github_pages import Pages
from sandbox.github_person import Person, unprocessable
from sandbox.github_refusals import Refusal, not_found, on_demand
from sandbox.github_rest import Rest
from sandbox.github_seed import Seeder
from sandbox.github_state import State
from sandbox.world import FaultKind, World


class GitHub:
    """The service, as the sandbox handles all of them."""

    name = "github"

    def __init__(self, world: World) -> None:
        self.state = State(world)
        self.access = Access(self.state)
        self.answers = Answers(self.state)
        self.hooks = Hooks(self.state, self.answers)
        self.changes = Changes(self.state, self.hooks)

    def reset(self) -> None:
        """Forgets everything."""
        self.state.clear()
        self.access.clear()
        self.hooks.clear()

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field or a repository is unknown, or an issue's number is taken.
        """
        Seeder(self.state, self.access, self.hooks).load(seed)

    def dump(self) -> dict[str, Any]:
        """Gives people, and repositories with their labels, issues and releases."""
        return self.answers.dump()

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)


def create(world: World) -> tuple[GitHub, ASGIApp]:
    """Builds the stand-in and its app."""
    service = GitHub(world)
    state, access, changes, answers = service.state, service.access, service.changes, service.answers
    app = Starlette(
        routes=[
            graphql_route(state, access, changes, answers),
            *Rest(state, access, changes, answers).routes(HookPaths(access, answers, service.hooks).table()),
            *Person(state, changes, answers).routes(),
            *Pages(state, answers).routes(),
        ],
        exception_handlers={Refusal: _refused, ValueError: unprocessable, HTTPException: _no_such_path},
    )
    app.router.redirect_slashes = False
    return service, app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _no_such_path(request: Request, error: Exception) -> Response:
    """GitHub knows no 405: what isn't there is not found, whatever the method."""
    return not_found().answer()
