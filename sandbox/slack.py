"""Slack's stand-in: the Web API that slack_sdk speaks, uploads, and pages to open, over one state.

| module | what it has |
|---|---|
| slack_state | the objects |
| slack_calls | how a call is read: token, scopes, arguments, pages |
| slack_messages, slack_conversations, slack_people, slack_views, slack_files | what each method does |
| slack_texts | messages as they are kept and shown |
| slack_blocks, slack_elements | Block Kit, as Slack checks it |
| slack_outbound | what is sent to the app: signatures, retries, events |
| slack_interactions, slack_choices, slack_responses | clicks, views, commands, and how the app answers them |
| slack_person | what people do, for tests and the console: `POST /_person/...`, without a token |
| slack_refusals | how Slack says no |
| slack_pages | the page behind a permalink |
| slack_seed | what seeds may hold |

How true it is to Slack, and what nobody has checked: docs/fidelity_slack.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.slack_calls import Method, arguments_of
from sandbox.slack_conversations import Conversations
from sandbox.slack_files import Files
from sandbox.slack_interactions import Interactions
from sandbox.slack_messages import Messages
from sandbox.slack_outbound import Outbound
from sandbox.slack_pages import Pages
from sandbox.slack_people import People
from sandbox.slack_person import Person
from sandbox.slack_refusals import Refusal, on_demand
from sandbox.slack_responses import Responses
from sandbox.slack_seed import Seeder
from sandbox.slack_state import Answer, Caller, Channel, State
from sandbox.slack_views import Views
from sandbox.world import FaultKind, World


class Slack:
    """The service, as the sandbox handles all of them."""

    name = "slack"

    def __init__(self, world: World) -> None:
        self.state = State(world)
        outbound = Outbound(self.state)
        self.messages = Messages(self.state, outbound)
        self.people = People(self.state)
        self.views = Views(self.state)
        self.files = Files(self.state, self.messages)
        conversations = Conversations(self.state, self.messages)
        self.responses = Responses(self.state, self.messages)
        interactions = Interactions(self.state, outbound, self.responses, self.views)
        self.person = Person(self.messages, conversations, self.files, self.views, interactions)
        parts = (self.messages, conversations, self.people, self.views, self.files)
        self.methods = {method.name: method for part in parts for method in part.methods()}

    def reset(self) -> None:
        """Forgets everything."""
        self.state.clear()

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field is unknown, or a user, channel or thread that the seed names isn't there.
        """
        Seeder(self.state).load(seed)

    def dump(self) -> dict[str, Any]:
        """Gives channels with their messages, users, user groups, shortcuts, views, files, ephemeral messages."""
        state = self.state
        return {
            "team": state.team,
            "channels": [_whole(each) for each in state.channels.values()],
            "users": [self.people.shown(None, each) for each in state.users.values()],
            "usergroups": [vars(each) for each in state.usergroups.values()],
            "shortcuts": [vars(each) for each in state.shortcuts.values()],
            "views": [self.views.shown(each) | {"user": each.user_id} for each in state.views.values()],
            "files": [self.files.shown(each) for each in state.files.values() if each.complete],
            "ephemerals": list(state.ephemerals),
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)


class WebApi:
    """The methods at their addresses."""

    def __init__(self, service: Slack) -> None:
        self.service = service

    async def call(self, request: Request) -> Response:
        try:
            method = self.service.methods.get(request.path_params["method"])
            said = await arguments_of(request, takes_json=method is not None and not method.forms_only)
            caller = self._caller(request, said)
            return JSONResponse({"ok": True, **self._done(method, caller, said)})
        except Refusal as refusal:
            return refusal.answer()

    def _caller(self, request: Request, said: Mapping[str, Any]) -> Caller:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = value.strip() if scheme.lower() == "bearer" else str(said.get("token", ""))
        if not token:
            raise Refusal("not_authed")
        if token not in self.service.state.tokens:
            raise Refusal("invalid_auth")
        return self.service.state.tokens[token]

    def _done(self, method: Method | None, caller: Caller, said: Mapping[str, Any]) -> Answer:
        if method is None:
            raise Refusal("unknown_method")
        with self.service.state.acting(caller):
            return method.call(caller, said)


def _whole(channel: Channel) -> dict[str, Any]:
    shown = vars(channel) | {"messages": list(channel.messages.values())}
    del shown["threads"]  # which the messages say themselves
    return shown


async def _unprocessable(request: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        return JSONResponse({"ok": False, "error": str(error)}, 422)
    problems = [f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in error.errors()]
    return JSONResponse({"ok": False, "error": " ".join(problems)}, 422)


def create(world: World) -> tuple[Slack, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Slack(world)
    api, pages = WebApi(service), Pages(service.state)
    app = Starlette(
        routes=[
            Route("/archives/{channel}", pages.channel),
            Route("/archives/{channel}/{message}", pages.channel),
            Route("/upload/v1/{ticket}", service.files.upload, methods=["POST"]),
            Route("/files/{file}", service.files.download),
            Route("/_response/{secret}", service.responses.answer, methods=["POST"]),
            *service.person.routes(),
            Route("/{method}", api.call, methods=["GET", "POST"]),
        ],
        exception_handlers={ValueError: _unprocessable},
    )
    return service, app
