"""GitHub's REST paths: which there are, what each may be told, and what it answers. https://docs.github.com/rest"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.github_access import Access, Token
from sandbox.github_answers import Answers, stamp
from sandbox.github_bodies import (
    AnySaid,
    Assignees,
    Changed,
    CommentBody,
    IssueChange,
    IssueQuery,
    IssueSearch,
    LabelChange,
    LabelNames,
    LabelSearch,
    NewIssue,
    NewLabel,
    NewRelease,
    NoQuery,
    Paging,
    RepositoryComments,
    TokenRequest,
    read_body,
    read_query,
)
from sandbox.github_changes import Changes, found, label_of
from sandbox.github_refusals import Refusal, invalid, not_found
from sandbox.github_search import REACHABLE, search_issues, search_labels
from sandbox.github_state import Comment, Issue, Label, Repository, State, User

Item = TypeVar("Item")


@dataclass(frozen=True)
class Answer:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Call:
    """A request by somebody who is known."""

    request: Request
    token: Token
    sent: bytes

    def name(self, key: str) -> Any:
        return self.request.path_params[key]

    def said(self, model: type[AnySaid], resource: str, *, bare_list: str = "") -> AnySaid:
        return read_body(model, self.sent, resource, bare_list=bare_list)

    def asked(self, model: type[AnySaid], resource: str = "") -> AnySaid:
        return read_query(model, dict(self.request.query_params), resource)


Handler = Callable[[Call], Answer]
Path = tuple[str, str, Handler]
REPOSITORY = "/repos/{owner}/{repo}"


class Rest:
    """One method a path."""

    def __init__(self, state: State, access: Access, changes: Changes, answers: Answers) -> None:
        self.state, self.access, self.changes, self.answers = state, access, changes, answers

    def routes(self, more: Iterable[Path]) -> list[BaseRoute]:
        """Gives the paths, and more that others handle."""
        repo = REPOSITORY
        issue = f"{repo}/issues/{{number:int}}"
        label, comment = f"{repo}/labels/{{label:path}}", f"{repo}/issues/comments/{{comment:int}}"
        table: list[Path] = [
            *more,
            ("GET", "/user", self.get_user),
            ("GET", "/users/{login}", self.get_user),
            ("GET", "/rate_limit", self.get_rate_limit),
            ("GET", "/orgs/{org}", self.get_organization),
            ("GET", "/orgs/{org}/members", self.list_members),
            ("GET", "/orgs/{org}/members/{login}", self.get_member),
            ("GET", "/search/issues", self.search_issues),
            ("GET", "/search/labels", self.search_labels),
            ("GET", repo, self.get_repository),
            ("GET", f"{repo}/labels", self.list_labels),
            ("POST", f"{repo}/labels", self.create_label),
            ("GET", label, self.get_label),
            ("PATCH", label, self.update_label),
            ("DELETE", label, self.delete_label),
            ("GET", f"{repo}/issues", self.list_issues),
            ("POST", f"{repo}/issues", self.create_issue),
            ("GET", f"{repo}/issues/comments", self.list_repository_comments),
            ("GET", comment, self.get_comment),
            ("PATCH", comment, self.update_comment),
            ("DELETE", comment, self.delete_comment),
            ("GET", issue, self.get_issue),
            ("PATCH", issue, self.update_issue),
            ("GET", f"{issue}/comments", self.list_comments),
            ("POST", f"{issue}/comments", self.create_comment),
            ("GET", f"{issue}/events", self.list_events),
            ("GET", f"{issue}/timeline", self.list_timeline),
            ("GET", f"{issue}/labels", self.list_issue_labels),
            ("POST", f"{issue}/labels", self.add_labels),
            ("PUT", f"{issue}/labels", self.set_labels),
            ("DELETE", f"{issue}/labels", self.remove_labels),
            ("DELETE", f"{issue}/labels/{{label:path}}", self.remove_label),
            ("POST", f"{issue}/assignees", self.add_assignees),
            ("DELETE", f"{issue}/assignees", self.remove_assignees),
            ("GET", f"{repo}/contents/{{path:path}}", self.get_contents),
            ("GET", f"{repo}/releases", self.list_releases),
            ("POST", f"{repo}/releases", self.create_release),
            ("GET", f"{repo}/releases/latest", self.get_latest_release),
            ("GET", f"{repo}/releases/tags/{{tag:path}}", self.get_release),
        ]
        app_token = Route("/app/installations/{id:int}/access_tokens", self.create_token, methods=["POST"])
        return [app_token, *(Route(path, self._endpoint(run), methods=[method]) for method, path, run in table)]

    def _endpoint(self, run: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            # From here on nothing waits, so no other call can come between the actor and what it does.
            sent = await request.body()
            token = self.access.token(request.headers.get("authorization", ""))
            headers = self.access.rate_headers(token, "search" if "/search/" in request.url.path else "core")
            try:
                with self.access.acting(token):
                    answer = run(Call(request, token, sent))
            except Refusal as refusal:
                return refusal.answer(headers)
            headers |= answer.headers
            if answer.status == 204:
                return Response(status_code=204, headers=headers)
            return JSONResponse(answer.body, answer.status, headers)

        return endpoint

    async def create_token(self, request: Request) -> Response:
        """Gives an app's installation a token; the caller has none yet, but a JSON web token."""
        said = read_body(TokenRequest, await request.body(), "Installation")
        authorization, installation = request.headers.get("authorization", ""), request.path_params["id"]
        text, token = self.access.installation_token(authorization, installation, said.repositories, said.permissions)
        body: dict[str, Any] = {
            "token": text,
            "expires_at": stamp(token.expires_at) if token.expires_at else None,
            "permissions": dict(token.permissions),
            "repository_selection": "all" if said.repositories is None else "selected",
        }
        if said.repositories is not None:
            chosen = [self.state.repositories[name] for name in sorted(token.repositories)]
            body["repositories"] = [self.answers.repository(each, token) for each in chosen]
        return JSONResponse(body, 201)

    # What a path names

    def _repository(self, call: Call) -> Repository:
        call.asked(NoQuery)
        return self._listed(call)

    def _listed(self, call: Call) -> Repository:
        return self.access.repository(f"{call.name('owner')}/{call.name('repo')}", call.token)

    def _writable(self, call: Call, area: str = "issues") -> Repository:
        repository = self._repository(call)
        self.access.check_write(repository, call.token, area)
        return repository

    def _issue(self, call: Call, repository: Repository) -> Issue:
        return found(repository.issues, call.name("number"))

    def _label(self, call: Call, repository: Repository) -> Label:
        return found(repository.labels, call.name("label").lower())

    def _comment(self, call: Call, repository: Repository) -> Comment:
        return found(repository.comments, call.name("comment"))

    def _page(self, call: Call, asked: Paging, items: Sequence[Item], show: Callable[[Item], Any]) -> Answer:
        part, last = asked.slice(len(items))
        return Answer([show(item) for item in items[part]], headers=self._links(call, asked, last))

    def _links(self, call: Call, asked: Paging, last: int) -> Mapping[str, str]:
        address = f"{self.state.world.public_url}{call.request.url.path}"

        def link(relation: str, number: int) -> str:
            query = urlencode({**call.request.query_params, "per_page": asked.size, "page": number})
            return f'<{address}?{query}>; rel="{relation}"'

        before = [link("prev", asked.number - 1)] if asked.number > 1 else []
        after = [link("next", asked.number + 1), link("last", last)] if asked.number < last else []
        first = [link("first", 1)] if before else []
        return {"Link": ", ".join([*before, *after, *first])} if before or after else {}

    # People

    def get_user(self, call: Call) -> Answer:
        call.asked(NoQuery)
        login = call.request.path_params.get("login", call.token.login).lower()
        return Answer(self.answers.whole_user(found(self.state.users, login)))

    def get_rate_limit(self, call: Call) -> Answer:
        call.asked(NoQuery)
        resources = {name: self.access.standing(call.token, name) for name in ("core", "search", "graphql")}
        return Answer({"resources": resources, "rate": resources["core"]})

    def _check_organization(self, call: Call) -> None:
        if call.name("org").lower() != self.state.organization.lower():
            raise not_found()

    def get_organization(self, call: Call) -> Answer:
        call.asked(NoQuery)
        self._check_organization(call)
        return Answer(self.answers.organization())

    def list_members(self, call: Call) -> Answer:
        self._check_organization(call)
        return self._page(call, call.asked(Paging), list(self.state.members.values()), self.answers.user)

    def get_member(self, call: Call) -> Answer:
        call.asked(NoQuery)
        self._check_organization(call)
        member: User = found(self.state.members, call.name("login").lower())
        return Answer(member, 204)

    # Search

    def search_issues(self, call: Call) -> Answer:
        asked = call.asked(IssueSearch, "Search")
        if not asked.q.strip():
            raise invalid("Search", "q", "missing")
        issues = search_issues(self.state.index, asked.q, self.access.readable(call.token), self.state.now())
        if asked.sort:
            issues.sort(key=ISSUE_ORDER[asked.sort], reverse=asked.order == "desc")
        return self._results(call, asked, issues, self.answers.issue)

    def search_labels(self, call: Call) -> Answer:
        asked = call.asked(LabelSearch, "Search")
        if not asked.q.strip():
            raise invalid("Search", "q", "missing")
        readable = {each.id: each for each in self.access.readable(call.token).values()}
        repository: Repository = found(readable, asked.repository_id)
        oldest_unseen = self.state.now() - self.state.search_lag
        labels = search_labels(repository.labels.values(), asked.q, oldest_unseen)
        if asked.sort:
            labels.sort(key=attrgetter("created_at"), reverse=asked.order == "desc")
        return self._results(call, asked, labels, self.answers.label)

    def _results(self, call: Call, asked: Paging, items: Sequence[Item], show: Callable[[Item], Any]) -> Answer:
        if (asked.number - 1) * asked.size >= REACHABLE:
            raise Refusal(422, "Only the first 1000 search results are available")
        page = self._page(call, asked, items[:REACHABLE], lambda item: {**show(item), "score": 1.0})
        found_all = {"total_count": len(items), "incomplete_results": False, "search_type": "lexical"}
        return Answer({**found_all, "items": page.body}, headers=page.headers)

    # Repositories and their labels

    def get_repository(self, call: Call) -> Answer:
        return Answer(self.answers.repository(self._repository(call), call.token))

    def list_labels(self, call: Call) -> Answer:
        labels = sorted(self._listed(call).labels.values(), key=lambda label: label.name.lower())
        return self._page(call, call.asked(Paging), labels, self.answers.label)

    def create_label(self, call: Call) -> Answer:
        label = self.changes.create_label(self._writable(call), call.said(NewLabel, "Label").given())
        return Answer(self.answers.label(label), 201, {"Location": self.answers.label(label)["url"]})

    def get_label(self, call: Call) -> Answer:
        return Answer(self.answers.label(self._label(call, self._repository(call))))

    def update_label(self, call: Call) -> Answer:
        label = self._label(call, self._writable(call))
        said = call.said(LabelChange, "Label").given()
        self.changes.update_label(label, {"name" if key == "new_name" else key: said[key] for key in said})
        return Answer(self.answers.label(label))

    def delete_label(self, call: Call) -> Answer:
        self.changes.delete_label(self._label(call, self._writable(call)))
        return Answer(status=204)

    # Issues

    def list_issues(self, call: Call) -> Answer:
        repository, asked = self._listed(call), call.asked(IssueQuery, "Issue")
        issues = _matching(repository, asked)
        issues.sort(key=ISSUE_ORDER[asked.sort], reverse=asked.direction == "desc")
        return self._page(call, asked, issues, self.answers.issue)

    def create_issue(self, call: Call) -> Answer:
        issue = self.changes.create_issue(self._writable(call), call.said(NewIssue, "Issue").given())
        return Answer(self.answers.issue(issue), 201, {"Location": self.answers.issue_api(issue)})

    def get_issue(self, call: Call) -> Answer:
        return Answer(self.answers.issue(self._issue(call, self._repository(call))))

    def update_issue(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.update_issue(issue, call.said(IssueChange, "Issue").given())
        return Answer(self.answers.issue(issue))

    def list_events(self, call: Call) -> Answer:
        issue = self._issue(call, self._listed(call))
        return self._page(call, call.asked(Paging), issue.events, self.answers.event)

    def list_timeline(self, call: Call) -> Answer:
        issue = self._issue(call, self._listed(call))
        return self._page(call, call.asked(Paging), self.answers.timeline(issue), self.answers.timeline_entry)

    # Labels and assignees of an issue

    def list_issue_labels(self, call: Call) -> Answer:
        issue = self._issue(call, self._listed(call))
        return self._page(call, call.asked(Paging), issue.labels, self.answers.label)

    def add_labels(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.add_labels(issue, call.said(LabelNames, "Label", bare_list="labels").labels)
        return self._labels_left(issue)

    def set_labels(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.set_labels(issue, call.said(LabelNames, "Label", bare_list="labels").labels)
        return self._labels_left(issue)

    def remove_labels(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.remove_labels(issue, [label.name for label in issue.labels])
        return Answer(status=204)

    def remove_label(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.remove_labels(issue, [label_of(issue, call.name("label")).name])
        return self._labels_left(issue)

    def _labels_left(self, issue: Issue) -> Answer:
        return Answer([self.answers.label(label) for label in issue.labels])

    def add_assignees(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.add_assignees(issue, call.said(Assignees, "Issue").assignees)
        return Answer(self.answers.issue(issue), 201)

    def remove_assignees(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        self.changes.remove_assignees(issue, call.said(Assignees, "Issue").assignees)
        return Answer(self.answers.issue(issue))

    # Comments

    def list_comments(self, call: Call) -> Answer:
        issue, asked = self._issue(call, self._listed(call)), call.asked(Changed)
        return self._page(call, asked, _changed(issue.comments, asked), self.answers.comment)

    def list_repository_comments(self, call: Call) -> Answer:
        repository, asked = self._listed(call), call.asked(RepositoryComments, "IssueComment")
        comments = _changed(repository.comments.values(), asked)
        comments.sort(key=attrgetter(f"{asked.sort}_at", "id"), reverse=asked.direction == "desc")
        return self._page(call, asked, comments, self.answers.comment)

    def create_comment(self, call: Call) -> Answer:
        issue = self._issue(call, self._writable(call))
        comment = self.answers.comment(self.changes.create_comment(issue, call.said(CommentBody, "IssueComment").body))
        return Answer(comment, 201, {"Location": comment["url"]})

    def get_comment(self, call: Call) -> Answer:
        return Answer(self.answers.comment(self._comment(call, self._repository(call))))

    def update_comment(self, call: Call) -> Answer:
        comment = self._comment(call, self._writable(call))
        self.changes.update_comment(comment, call.said(CommentBody, "IssueComment").body)
        return Answer(self.answers.comment(comment))

    def delete_comment(self, call: Call) -> Answer:
        self.changes.delete_comment(self._comment(call, self._writable(call)))
        return Answer(status=204)

    # Files

    def get_contents(self, call: Call) -> Answer:
        """Gives a file of the default branch; folders aren't modelled."""
        repository, path = self._repository(call), call.name("path")
        return Answer(self.answers.file(repository, path, found(repository.files, path)))

    # Releases

    def list_releases(self, call: Call) -> Answer:
        releases = sorted(self._listed(call).releases.values(), key=RELEASE_ORDER, reverse=True)
        return self._page(call, call.asked(Paging), releases, self.answers.release)

    def get_latest_release(self, call: Call) -> Answer:
        releases = self._repository(call).releases.values()
        full = [release for release in releases if not release.draft and not release.prerelease]
        if not full:
            raise not_found()
        return Answer(self.answers.release(max(full, key=RELEASE_ORDER)))

    def get_release(self, call: Call) -> Answer:
        return Answer(self.answers.release(found(self._repository(call).releases, call.name("tag"))))

    def create_release(self, call: Call) -> Answer:
        repository = self._writable(call, "contents")
        release = self.answers.release(
            self.changes.create_release(repository, call.said(NewRelease, "Release").given())
        )
        return Answer(release, 201, {"Location": release["url"]})


RELEASE_ORDER = attrgetter("published_at", "id")
ISSUE_ORDER: Mapping[str, Callable[[Issue], Any]] = {
    "created": attrgetter("created_at", "id"),
    "updated": attrgetter("updated_at", "id"),
    "comments": lambda issue: (len(issue.comments), issue.id),
}


def _matching(repository: Repository, asked: IssueQuery) -> list[Issue]:
    """Narrows the issues down by what was asked only: there may be 10,000."""
    issues = list(repository.issues.values())
    if asked.state != "all":
        issues = [issue for issue in issues if issue.state == asked.state]
    if asked.since is not None:
        issues = [issue for issue in issues if issue.updated_at >= asked.since]
    if asked.creator:
        issues = [issue for issue in issues if issue.user.login.lower() == asked.creator.lower()]
    if asked.assignee:
        issues = [issue for issue in issues if _is_assigned(issue, asked.assignee)]
    for name in filter(None, map(str.strip, asked.labels.lower().split(","))):
        issues = [issue for issue in issues if repository.labels.get(name) in issue.labels]
    return issues


def _is_assigned(issue: Issue, wanted: str) -> bool:
    match wanted:
        case "none":
            return not issue.assignees
        case "*":
            return bool(issue.assignees)
        case _:
            return issue.has_assignee(wanted)


def _changed(comments: Iterable[Comment], asked: Changed) -> list[Comment]:
    return [comment for comment in comments if asked.since is None or comment.updated_at >= asked.since]
