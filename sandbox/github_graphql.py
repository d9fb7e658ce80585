"""GitHub's GraphQL endpoint over the same state, with GitHub's own names, run by graphql-core.

The schema holds what bulk readers and batched writers use: https://docs.github.com/graphql
"""

# graphql-core's own types leave out type arguments.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github import GitHub, Happening, Issue, Label, Refusal, Repository, Token, moment, rate_headers, stamp

MOST = 100  # what `first` and `last` may ask for

SCHEMA = """
scalar DateTime
scalar URI
enum IssueState { OPEN CLOSED }
enum IssueTimelineItemsItemType {
  LABELED_EVENT UNLABELED_EVENT ASSIGNED_EVENT UNASSIGNED_EVENT CLOSED_EVENT REOPENED_EVENT
}
enum IssueOrderField { CREATED_AT UPDATED_AT }
enum OrderDirection { ASC DESC }
input IssueOrder { field: IssueOrderField!, direction: OrderDirection! }
input IssueFilters { labels: [String!], since: DateTime, states: [IssueState!], assignee: String, createdBy: String }
type PageInfo { hasNextPage: Boolean!, endCursor: String }
interface Node { id: ID! }
interface Actor { login: String! }
type User implements Actor & Node { id: ID!, login: String! }
type Bot implements Actor & Node { id: ID!, login: String! }
type Label implements Node { id: ID!, name: String!, color: String!, description: String }
type LabelConnection { nodes: [Label], totalCount: Int!, pageInfo: PageInfo! }
type UserConnection { nodes: [User], totalCount: Int! }
type IssueComment implements Node { id: ID!, body: String!, author: Actor, createdAt: DateTime!, url: URI! }
type IssueCommentConnection { nodes: [IssueComment], totalCount: Int!, pageInfo: PageInfo! }
type LabeledEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor, label: Label! }
type UnlabeledEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor, label: Label! }
type AssignedEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor, assignee: User }
type UnassignedEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor, assignee: User }
type ClosedEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor }
type ReopenedEvent implements Node { id: ID!, createdAt: DateTime!, actor: Actor }
union IssueTimelineItems =
  LabeledEvent | UnlabeledEvent | AssignedEvent | UnassignedEvent | ClosedEvent | ReopenedEvent
type IssueTimelineItemsConnection { nodes: [IssueTimelineItems], totalCount: Int!, pageInfo: PageInfo! }
type Issue implements Node {
  id: ID!, number: Int!, title: String!, body: String!, url: URI!, state: IssueState!, author: Actor
  createdAt: DateTime!, updatedAt: DateTime!, closedAt: DateTime, repository: Repository!
  labels(first: Int, after: String): LabelConnection
  assignees(first: Int): UserConnection!
  comments(first: Int, last: Int, after: String): IssueCommentConnection!
  timelineItems(
    first: Int, last: Int, after: String, since: DateTime, itemTypes: [IssueTimelineItemsItemType!]
  ): IssueTimelineItemsConnection!
}
type IssueConnection { nodes: [Issue], totalCount: Int!, pageInfo: PageInfo! }
type Repository implements Node {
  id: ID!, name: String!, nameWithOwner: String!, isPrivate: Boolean!
  issue(number: Int!): Issue
  issues(
    first: Int, after: String, labels: [String!], states: [IssueState!], filterBy: IssueFilters, orderBy: IssueOrder
  ): IssueConnection!
  label(name: String!): Label
  labels(first: Int, after: String, query: String): LabelConnection
}
type SearchResultItemConnection { nodes: [Issue], issueCount: Int!, pageInfo: PageInfo! }
enum SearchType { ISSUE }
type RateLimit { limit: Int!, cost: Int!, remaining: Int!, resetAt: DateTime! }
type Query {
  repository(owner: String!, name: String!): Repository
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  search(query: String!, type: SearchType!, first: Int, after: String): SearchResultItemConnection!
  rateLimit: RateLimit
  viewer: User!
}
input AddCommentInput { subjectId: ID!, body: String!, clientMutationId: String }
input AddLabelsToLabelableInput { labelableId: ID!, labelIds: [ID!]!, clientMutationId: String }
input RemoveLabelsFromLabelableInput { labelableId: ID!, labelIds: [ID!]!, clientMutationId: String }
input AddAssigneesToAssignableInput { assignableId: ID!, assigneeIds: [ID!]!, clientMutationId: String }
input RemoveAssigneesFromAssignableInput { assignableId: ID!, assigneeIds: [ID!]!, clientMutationId: String }
input CloseIssueInput { issueId: ID!, clientMutationId: String }
input ReopenIssueInput { issueId: ID!, clientMutationId: String }
type IssuePayload { issue: Issue, clientMutationId: String }
type LabelablePayload { labelable: Issue, clientMutationId: String }
type AssignablePayload { assignable: Issue, clientMutationId: String }
type CommentEdge { node: IssueComment }
type AddCommentPayload { commentEdge: CommentEdge, subject: Issue, clientMutationId: String }
type Mutation {
  addComment(input: AddCommentInput!): AddCommentPayload
  addLabelsToLabelable(input: AddLabelsToLabelableInput!): LabelablePayload
  removeLabelsFromLabelable(input: RemoveLabelsFromLabelableInput!): LabelablePayload
  addAssigneesToAssignable(input: AddAssigneesToAssignableInput!): AssignablePayload
  removeAssigneesFromAssignable(input: RemoveAssigneesFromAssignableInput!): AssignablePayload
  closeIssue(input: CloseIssueInput!): IssuePayload
  reopenIssue(input: ReopenIssueInput!): IssuePayload
}
"""

EVENT_TYPES = {
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "assigned": "AssignedEvent",
    "unassigned": "UnassignedEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
}


def connection(
    items: Sequence[Any], first: int | None, after: str | None = None, last: int | None = None
) -> dict[str, Any]:
    """Gives one page as GitHub's connections do: a cursor is where the page ends."""
    asked = first if first is not None else last
    if asked is None:
        raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
    if asked > MOST:
        raise GraphQLError(f"Requesting {asked} records on the connection exceeds the `first` limit of {MOST} records.")
    start = max(0, len(items) - asked) if first is None else int(after or 0)
    end = min(len(items), start + asked)
    page_info = {"hasNextPage": end < len(items), "endCursor": str(end) if items else None}
    return {"nodes": list(items[start:end]), "totalCount": len(items), "pageInfo": page_info}


class Resolver:
    """What a query may ask, for the token that asks it."""

    def __init__(self, service: GitHub, token: Token) -> None:
        self.service, self.token = service, token

    # Query

    def repository(self, _: Any, owner: str, name: str) -> dict[str, Any]:
        try:
            return self.of_repository(self.service.named(f"{owner}/{name}", self.token, writes=False))
        except Refusal:
            raise GraphQLError(f"Could not resolve to a Repository with the name '{owner}/{name}'.") from None

    def node(self, _: Any, id: str) -> dict[str, Any]:  # GitHub's argument
        return self.of_issue(*self._issue(id, writes=False))

    def nodes(self, info: Any, ids: list[str]) -> list[dict[str, Any]]:
        return [self.node(info, each) for each in ids]

    def search(
        self, _: Any, query: str, type: str, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        found = self.service.search(query, self.token)
        page = connection(found, first, after)
        return {
            "nodes": [self.of_issue(*pair) for pair in page["nodes"]],
            "issueCount": len(found),
            "pageInfo": page["pageInfo"],
        }

    def rateLimit(self, _: Any) -> dict[str, Any]:  # noqa: N802  # GitHub's field
        return {"limit": 5000, "cost": 1, "remaining": 4999, "resetAt": stamp(self.service.world.clock.now())}

    def viewer(self, _: Any) -> dict[str, Any]:
        return self.of_user(self.token.login)

    # Objects

    def of_repository(self, repository: Repository) -> dict[str, Any]:
        def issues(
            _: Any,
            first: int | None = None,
            after: str | None = None,
            labels: list[str] | None = None,
            states: list[str] | None = None,
            filterBy: Mapping[str, Any] | None = None,  # noqa: N803
            orderBy: Mapping[str, Any] | None = None,  # noqa: N803
        ) -> dict[str, Any]:
            wanted = {"labels": labels, "states": states, **(filterBy or {})}
            found = self._filtered(repository, wanted)
            order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
            key = {"CREATED_AT": "created_at", "UPDATED_AT": "updated_at"}[order["field"]]
            found.sort(key=lambda issue: (getattr(issue, key), issue.number), reverse=order["direction"] == "DESC")
            page = connection(found, first, after)
            return page | {"nodes": [self.of_issue(repository, issue) for issue in page["nodes"]]}

        def labels(_: Any, first: int | None = None, after: str | None = None, query: str = "") -> dict[str, Any]:
            found = [label for label in repository.labels.values() if query.lower() in label.name.lower()]
            page = connection(found, first, after)
            return page | {"nodes": [of_label(label) for label in page["nodes"]]}

        def issue(_: Any, number: int) -> dict[str, Any]:
            if number not in repository.issues:
                raise GraphQLError(f"Could not resolve to an Issue with the number of {number}.")
            return self.of_issue(repository, repository.issues[number])

        def label(_: Any, name: str) -> dict[str, Any] | None:
            found = repository.labels.get(name.lower())
            return of_label(found) if found else None

        return {
            "__typename": "Repository",
            "id": f"R_{repository.id}",
            "name": repository.full_name.partition("/")[2],
            "nameWithOwner": repository.full_name,
            "isPrivate": repository.private,
            "issue": issue,
            "issues": issues,
            "label": label,
            "labels": labels,
        }

    def _filtered(self, repository: Repository, wanted: Mapping[str, Any]) -> list[Issue]:
        labels: list[str] = wanted.get("labels") or []
        names = [name.lower() for name in labels]
        states = [state.lower() for state in wanted.get("states") or ["open", "closed"]]
        since = moment(wanted["since"]) if wanted.get("since") else None
        return [
            issue
            for issue in repository.issues.values()
            if issue.state in states
            and (not names or any(name in issue.labels for name in names))
            and (since is None or issue.updated_at >= since)
            and wanted.get("assignee") in (None, "*", *issue.assignees)
            and wanted.get("createdBy") in (None, issue.user)
        ]

    def of_issue(self, repository: Repository, issue: Issue) -> dict[str, Any]:
        def labels(_: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
            return connection([of_label(repository.labels[key]) for key in issue.labels], first, after)

        def assignees(_: Any, first: int | None = None) -> dict[str, Any]:
            return connection([self.of_user(login) for login in issue.assignees], first)

        def comments(
            _: Any, first: int | None = None, last: int | None = None, after: str | None = None
        ) -> dict[str, Any]:
            page = connection(issue.comments, first, after, last)
            return page | {"nodes": [self.of_comment(repository, issue, each.id) for each in page["nodes"]]}

        def timeline(
            _: Any,
            first: int | None = None,
            last: int | None = None,
            after: str | None = None,
            since: str | None = None,
            itemTypes: list[str] | None = None,  # noqa: N803
        ) -> dict[str, Any]:
            wanted = {kind.removesuffix("_EVENT").lower() for kind in itemTypes or ()} or set(EVENT_TYPES)
            begin: datetime | None = moment(since) if since else None
            found = [
                self.of_event(repository, each)
                for each in issue.events
                if each.event in wanted and (begin is None or each.at >= begin)
            ]
            return connection(found, first, after, last)

        def owner(_: Any) -> dict[str, Any]:
            return self.of_repository(repository)

        return {
            "__typename": "Issue",
            "id": f"I_{issue.id}",
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "url": self.service.page(f"{repository.full_name}/issues/{issue.number}"),
            "state": issue.state.upper(),
            "author": self.of_user(issue.user),
            "createdAt": stamp(issue.created_at),
            "updatedAt": stamp(issue.updated_at),
            "closedAt": stamp(issue.closed_at) if issue.closed_at else None,
            "repository": owner,
            "labels": labels,
            "assignees": assignees,
            "comments": comments,
            "timelineItems": timeline,
        }

    def of_user(self, login: str) -> dict[str, Any]:
        kind = self.service.users.get(login, "Bot" if login.endswith("[bot]") else "User")
        return {"__typename": kind, "id": f"U_{login}", "login": login}

    def of_comment(self, repository: Repository, issue: Issue, comment_id: int) -> dict[str, Any]:
        comment = next(each for each in issue.comments if each.id == comment_id)
        return {
            "__typename": "IssueComment",
            "id": f"IC_{comment.id}",
            "body": comment.body,
            "author": self.of_user(comment.user),
            "createdAt": stamp(comment.created_at),
            "url": self.service.comment_json(repository, issue, comment)["html_url"],
        }

    def of_event(self, repository: Repository, event: Happening) -> dict[str, Any]:
        label = repository.labels.get(event.label.lower()) or Label(0, event.label, "ededed", None)
        return {
            "__typename": EVENT_TYPES[event.event],
            "id": f"E_{event.id}",
            "createdAt": stamp(event.at),
            "actor": self.of_user(event.actor),
            "label": of_label(label),
            "assignee": self.of_user(event.assignee) if event.assignee else None,
        }

    # Mutations

    def _issue(self, node_id: str, *, writes: bool) -> tuple[Repository, Issue]:
        for repository in self.service.repositories.values():
            for issue in repository.issues.values():
                if node_id == f"I_{issue.id}":
                    self._allow(repository, writes=writes)
                    return repository, issue
        raise GraphQLError(f"Could not resolve to a node with the global id of '{node_id}'.")

    def _allow(self, repository: Repository, *, writes: bool) -> None:
        try:
            self.service.named(repository.full_name, self.token, writes=writes)
        except Refusal as refusal:
            raise GraphQLError(refusal.message) from None

    def addComment(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        repository, issue = self._issue(input["subjectId"], writes=True)
        comment = self.service.add_comment(repository, issue, {"body": input["body"]})
        edge = {"node": self.of_comment(repository, issue, comment.id)}
        return self._payload(input, commentEdge=edge, subject=self.of_issue(repository, issue))

    def addLabelsToLabelable(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        repository, issue = self._issue(input["labelableId"], writes=True)
        self.service.set_labels(repository, issue, [*issue.labels, *self._names(repository, input["labelIds"])])
        return self._payload(input, labelable=self.of_issue(repository, issue))

    def removeLabelsFromLabelable(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        repository, issue = self._issue(input["labelableId"], writes=True)
        gone = {name.lower() for name in self._names(repository, input["labelIds"])}
        self.service.set_labels(repository, issue, [key for key in issue.labels if key not in gone])
        return self._payload(input, labelable=self.of_issue(repository, issue))

    def _names(self, repository: Repository, ids: Sequence[str]) -> list[str]:
        named = {f"LA_{label.id}": label.name for label in repository.labels.values()}
        if unknown := [each for each in ids if each not in named]:
            raise GraphQLError(f"Could not resolve to a node with the global id of '{unknown[0]}'.")
        return [named[each] for each in ids]

    def addAssigneesToAssignable(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        repository, issue = self._issue(input["assignableId"], writes=True)
        come = [each.removeprefix("U_") for each in input["assigneeIds"]]
        self.service.set_assignees(repository, issue, [*issue.assignees, *come])
        return self._payload(input, assignable=self.of_issue(repository, issue))

    def removeAssigneesFromAssignable(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        repository, issue = self._issue(input["assignableId"], writes=True)
        gone = {each.removeprefix("U_") for each in input["assigneeIds"]}
        self.service.set_assignees(repository, issue, [login for login in issue.assignees if login not in gone])
        return self._payload(input, assignable=self.of_issue(repository, issue))

    def closeIssue(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._set_state(input, "closed")

    def reopenIssue(self, _: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._set_state(input, "open")

    def _set_state(self, said: Mapping[str, Any], state: str) -> dict[str, Any]:
        repository, issue = self._issue(said["issueId"], writes=True)
        self.service.update_issue(repository, issue, {"state": state})
        return self._payload(said, issue=self.of_issue(repository, issue))

    def _payload(self, said: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        return {"clientMutationId": said.get("clientMutationId"), **fields}


def of_label(label: Label) -> dict[str, Any]:
    return {
        "__typename": "Label",
        "id": f"LA_{label.id}",
        "name": label.name,
        "color": label.color,
        "description": label.description,
    }


def graphql_route(service: GitHub) -> Route:
    """Gives `POST /graphql`."""
    schema: GraphQLSchema = build_schema(SCHEMA)

    async def endpoint(request: Request) -> Response:
        actor = service.world.actor
        try:
            resolver = Resolver(service, service.authorize(request))
            said = json.loads(await request.body())
            result = graphql_sync(schema, said["query"], resolver, variable_values=said.get("variables"))
        finally:
            service.world.actor = actor
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        return JSONResponse(body, 200, rate_headers(service.world.clock.now()))

    return Route("/graphql", endpoint, methods=["POST"])
