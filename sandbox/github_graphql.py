"""GitHub's GraphQL endpoint over the same state: graphql-core runs the queries, `github_schema.graphql` says which.

API: https://docs.github.com/graphql
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    graphql_sync,  # pyright: ignore[reportUnknownVariableType]  # graphql-core leaves type arguments out
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github_access import Access, Token
from sandbox.github_answers import Answers, stamp
from sandbox.github_changes import Changes
from sandbox.github_connections import Info, connection, cursor, error
from sandbox.github_graphql_fields import FIELDS, type_name
from sandbox.github_refusals import Refusal
from sandbox.github_search import REACHABLE, search_issues
from sandbox.github_state import Comment, Issue, Label, Node, Release, Repository, State, User

SCHEMA = Path(__file__).with_name("github_schema.graphql")
AnyNode = TypeVar("AnyNode", bound=Node)


class Queries:
    """What can be asked. One object a call, for the token that calls."""

    def __init__(self, state: State, access: Access, token: Token) -> None:
        self.state, self.access, self.token = state, access, token

    def find(self, node_id: str, kind: type[AnyNode]) -> AnyNode:
        """Gives a node that the token may read."""
        node = self.state.nodes.get(node_id)
        repository = _repository_of(node) if node else None
        hidden = repository is not None and not self.access.may_read(repository, self.token)
        if not isinstance(node, kind) or hidden:
            raise error(f"Could not resolve to a node with the global id of '{node_id}'.", "NOT_FOUND")
        return node

    def repository(self, info: Info, owner: str, name: str) -> Repository:
        try:
            return self.access.repository(f"{owner}/{name}", self.token)
        except Refusal:
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            raise error(message, "NOT_FOUND") from None

    def node(self, info: Info, id: str) -> Node:
        return self.find(id, Node)

    def nodes(self, info: Info, ids: Sequence[str]) -> list[Node]:
        return [self.find(each, Node) for each in ids]

    def search(self, info: Info, query: str, type: str, **page: Any) -> dict[str, Any]:
        readable = self.access.readable(self.token)
        found = search_issues(self.state.index, query, readable, self.state.now())
        return connection(found[:REACHABLE], info, **page) | {"issue_count": len(found)}

    def rate_limit(self, info: Info) -> dict[str, Any]:
        standing = self.access.standing(self.token, "graphql")
        return {**standing, "cost": 1, "reset_at": datetime.fromtimestamp(standing["reset"], UTC)}

    def viewer(self, info: Info) -> User:
        return self.state.user(self.token.login)


class Mutations(Queries):
    """What can be changed."""

    def __init__(self, state: State, access: Access, token: Token, changes: Changes) -> None:
        super().__init__(state, access, token)
        self.changes = changes

    def _writable(self, node_id: str, kind: type[AnyNode]) -> AnyNode:
        node = self.find(node_id, kind)
        if repository := _repository_of(node):
            self.access.check_write(repository, self.token)
        return node

    def _names(self, ids: Sequence[str]) -> list[str]:
        return [self.find(each, Label).name for each in ids]

    def _logins(self, ids: Sequence[str]) -> list[str]:
        return [self.find(each, User).login for each in ids]

    def _wanted(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Gives an issue's fields by REST's names."""
        wanted = {key: said[key] for key in ("title", "body", "state") if key in said}
        if said.get("label_ids") is not None:
            wanted["labels"] = self._names(said["label_ids"])
        if said.get("assignee_ids") is not None:
            wanted["assignees"] = self._logins(said["assignee_ids"])
        return wanted

    def add_comment(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["subject_id"], Issue)
        comment = self.changes.create_comment(issue, said["body"])
        return {"comment_edge": {"cursor": cursor(len(issue.comments)), "node": comment}, "subject": issue}

    def add_labels_to_labelable(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["labelable_id"], Issue)
        self.changes.add_labels(issue, self._names(said["label_ids"]))
        return {"labelable": issue}

    def remove_labels_from_labelable(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["labelable_id"], Issue)
        self.changes.remove_labels(issue, self._names(said["label_ids"]))
        return {"labelable": issue}

    def add_assignees_to_assignable(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["assignable_id"], Issue)
        self.changes.add_assignees(issue, self._logins(said["assignee_ids"]))
        return {"assignable": issue}

    def remove_assignees_from_assignable(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["assignable_id"], Issue)
        self.changes.remove_assignees(issue, self._logins(said["assignee_ids"]))
        return {"assignable": issue}

    def create_issue(self, said: Mapping[str, Any]) -> dict[str, Any]:
        repository = self._writable(said["repository_id"], Repository)
        return {"issue": self.changes.create_issue(repository, self._wanted(said))}

    def update_issue(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["id"], Issue)
        self.changes.update_issue(issue, self._wanted(said))
        return {"issue": issue}

    def close_issue(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["issue_id"], Issue)
        self.changes.update_issue(issue, {"state": "closed", "state_reason": said.get("state_reason")})
        return {"issue": issue}

    def reopen_issue(self, said: Mapping[str, Any]) -> dict[str, Any]:
        issue = self._writable(said["issue_id"], Issue)
        self.changes.update_issue(issue, {"state": "open"})
        return {"issue": issue}

    def create_label(self, said: Mapping[str, Any]) -> dict[str, Any]:
        repository = self._writable(said["repository_id"], Repository)
        wanted = {key: said.get(key) for key in ("name", "color", "description")}
        return {"label": self.changes.create_label(repository, wanted)}

    def update_label(self, said: Mapping[str, Any]) -> dict[str, Any]:
        label = self._writable(said["id"], Label)
        wanted = {key: said[key] for key in ("name", "color", "description") if key in said}
        self.changes.update_label(label, wanted)
        return {"label": label}

    def delete_label(self, said: Mapping[str, Any]) -> dict[str, Any]:
        self.changes.delete_label(self._writable(said["id"], Label))
        return {}


def _repository_of(node: Node) -> Repository | None:
    match node:
        case Repository():
            return node
        case Label() | Issue() | Release():
            return node.repository
        case Comment():
            return node.issue.repository
        case _:
            return None


# The schema


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """Reads `createdAt` from `created_at`, of an object, of a mapping, or as a method of Queries; `id` is opaque."""
    name = "node_id" if info.field_name == "id" else _snake(info.field_name)
    if isinstance(source, Mapping):
        return cast(Mapping[str, Any], source).get(name)
    value = getattr(source, name)
    return value(info, **arguments) if isinstance(source, Queries) else value


def _mutate(source: Mutations, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
    try:
        done = getattr(source, _snake(info.field_name))(input)
    except Refusal as refusal:
        raise error(_reason(refusal), KINDS.get(refusal.status, "UNPROCESSABLE")) from None
    return {**done, "client_mutation_id": input.get("client_mutation_id")}


KINDS = {403: "FORBIDDEN", 404: "NOT_FOUND"}


def _reason(refusal: Refusal) -> str:
    if not refusal.errors:
        return refusal.message
    error = refusal.errors[0]
    if error["code"] == "already_exists":
        return f"{error['field'].capitalize()} has already been taken"
    return error.get("message") or f"{error['field'].capitalize()} is {error['code'].replace('_', ' ')}"


def _read_moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)  # a ValueError becomes an error of the query
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def make_schema() -> GraphQLSchema:
    """Reads the schema and ties it to the objects: GitHub's camelCase outside, Python's names inside."""
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    moments = cast(GraphQLScalarType, schema.type_map["DateTime"])
    moments.coerce_output_value, moments.coerce_input_value = stamp, _read_moment
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType):
            _tie(kind)
        elif isinstance(kind, GraphQLInputObjectType):
            for name, field in kind.fields.items():
                field.out_name = _snake(name)
        elif isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                value.value = name.lower()
    return schema


def _tie(kind: GraphQLObjectType) -> None:
    for name, field in kind.fields.items():
        field.resolve = _mutate if kind.name == "Mutation" else FIELDS.get(kind.name, {}).get(name, _resolve)
        for argument_name, argument in field.args.items():
            argument.out_name = _snake(argument_name)


def graphql_route(state: State, access: Access, changes: Changes, answers: Answers) -> Route:
    """Gives `POST /graphql`."""
    schema = make_schema()

    def run(token: Token, sent: bytes) -> dict[str, Any]:
        said = _read(sent)
        if not isinstance(said.get("query"), str):
            return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
        root = Mutations(state, access, token, changes)
        with access.acting(token):
            result = graphql_sync(
                schema,
                said["query"],
                root,
                context_value=answers,
                variable_values=said.get("variables"),
                operation_name=said.get("operationName"),
                type_resolver=type_name,
            )
        body: dict[str, Any] = {} if result.data is None and result.errors else {"data": result.data}
        return body | ({"errors": [_shown(error) for error in result.errors]} if result.errors else {})

    async def endpoint(request: Request) -> Response:
        sent = await request.body()  # nothing waits after this: no other call comes between
        token = access.token(request.headers.get("authorization", ""))
        return JSONResponse(run(token, sent), headers=access.rate_headers(token, "graphql"))

    return Route("/graphql", endpoint, methods=["POST"])


def _read(sent: bytes) -> dict[str, Any]:
    try:
        said = json.loads(sent)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(said, dict):
        raise Refusal(400, "Body should be a JSON object")
    return cast(dict[str, Any], said)


def _shown(error: GraphQLError) -> dict[str, Any]:
    """GitHub puts an error's type beside its message; errors of the schema have none."""
    shown = dict(error.formatted)
    return {**cast(dict[str, Any], shown.pop("extensions", {})), **shown}
