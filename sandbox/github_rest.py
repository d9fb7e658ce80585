"""GitHub's REST paths and the pages that people open, over the state in sandbox/github.py."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.github import (
    GitHub,
    Issue,
    Refusal,
    Release,
    Repository,
    Token,
    html_page,
    invalid,
    names_of,
    not_found,
    only,
    paged,
    rate_headers,
)

RELEASE_FIELDS = (
    "tag_name",
    "name",
    "body",
    "draft",
    "prerelease",
    "target_commitish",
    "generate_release_notes",
    "make_latest",
)
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Handler = Callable[[Request, Token], Awaitable[Answer]]


class Rest:
    """One method a path; each gives a status and what becomes JSON."""

    def __init__(self, service: GitHub) -> None:
        self.service = service

    def routes(self) -> list[BaseRoute]:
        repo, issue = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/issues/{number:int}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/user", self.user),
            ("GET", "/rate_limit", self.rate_limit),
            ("GET", "/orgs/{org}/members", self.members),
            ("GET", "/orgs/{org}/members/{login}", self.member),
            ("GET", "/search/issues", self.search_issues),
            ("GET", repo, self.repository),
            ("GET", f"{repo}/labels", self.labels),
            ("POST", f"{repo}/labels", self.create_label),
            ("GET", f"{repo}/labels/{{name:path}}", self.label),
            ("PATCH", f"{repo}/labels/{{name:path}}", self.update_label),
            ("DELETE", f"{repo}/labels/{{name:path}}", self.delete_label),
            ("GET", f"{repo}/issues", self.issues),
            ("POST", f"{repo}/issues", self.create_issue),
            ("GET", f"{repo}/issues/comments", self.repository_comments),
            ("GET", f"{repo}/issues/comments/{{comment:int}}", self.comment),
            ("PATCH", f"{repo}/issues/comments/{{comment:int}}", self.update_comment),
            ("DELETE", f"{repo}/issues/comments/{{comment:int}}", self.delete_comment),
            ("GET", issue, self.issue),
            ("PATCH", issue, self.update_issue),
            ("GET", f"{issue}/comments", self.comments),
            ("POST", f"{issue}/comments", self.create_comment),
            ("GET", f"{issue}/events", self.events),
            ("GET", f"{issue}/timeline", self.timeline),
            ("GET", f"{issue}/labels", self.issue_labels),
            ("POST", f"{issue}/labels", self.add_labels),
            ("PUT", f"{issue}/labels", self.set_labels),
            ("DELETE", f"{issue}/labels", self.remove_labels),
            ("DELETE", f"{issue}/labels/{{name:path}}", self.remove_label),
            ("POST", f"{issue}/assignees", self.add_assignees),
            ("DELETE", f"{issue}/assignees", self.remove_assignees),
            ("GET", f"{repo}/releases", self.releases),
            ("POST", f"{repo}/releases", self.create_release),
            ("GET", f"{repo}/releases/latest", self.latest_release),
            ("GET", f"{repo}/releases/tags/{{tag}}", self.release),
        ]
        return [Route(path, self._endpoint(handler), methods=[method]) for method, path, handler in table]

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            actor = self.service.world.actor
            try:
                token = self.service.authorize(request)
                status, body, *headers = await handler(request, token)
            finally:
                self.service.world.actor = actor
            sent = rate_headers(self.service.world.clock.now()) | (headers[0] if headers else {})
            return Response(status_code=204, headers=sent) if status == 204 else JSONResponse(body, status, sent)

        return endpoint

    # Who and where

    async def user(self, request: Request, token: Token) -> Answer:
        return 200, self.service.user_json(token.login)

    async def rate_limit(self, request: Request, token: Token) -> Answer:
        core = {"limit": 5000, "remaining": 4999, "used": 1, "reset": int(self.service.world.clock.now().timestamp())}
        return 200, {"resources": {"core": core, "search": core | {"limit": 30}, "graphql": core}, "rate": core}

    async def members(self, request: Request, token: Token) -> Answer:
        members, links = paged(request, self.service.members)
        return 200, [self.service.user_json(login) for login in members], links

    async def member(self, request: Request, token: Token) -> Answer:
        if request.path_params["login"].lower() not in {login.lower() for login in self.service.members}:
            raise not_found()
        return 204, None

    async def repository(self, request: Request, token: Token) -> Answer:
        return 200, self.service.repository_json(self._repository(request, token))

    def _repository(self, request: Request, token: Token) -> Repository:
        return self.service.repository(request, token)

    def _issue(self, request: Request, token: Token) -> tuple[Repository, Issue]:
        repository = self._repository(request, token)
        return repository, self.service.issue(repository, request.path_params["number"])

    # Labels

    async def labels(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        labels, links = paged(request, list(repository.labels.values()))
        return 200, [self.service.label_json(repository, label) for label in labels], links

    async def create_label(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        return 201, self.service.label_json(repository, self.service.create_label(repository, await said(request)))

    async def label(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        return 200, self.service.label_json(repository, self.service.label(repository, request.path_params["name"]))

    async def update_label(self, request: Request, token: Token) -> Answer:
        repository, name = self._repository(request, token), request.path_params["name"]
        return 200, self.service.label_json(
            repository, self.service.update_label(repository, name, await said(request))
        )

    async def delete_label(self, request: Request, token: Token) -> Answer:
        self.service.delete_label(self._repository(request, token), request.path_params["name"])
        return 204, None

    # Issues

    async def issues(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        issues, links = paged(request, self.service.issues(repository, request.query_params))
        return 200, [self.service.issue_json(repository, issue) for issue in issues], links

    async def create_issue(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        return 201, self.service.issue_json(repository, self.service.create_issue(repository, await said(request)))

    async def issue(self, request: Request, token: Token) -> Answer:
        return 200, self.service.issue_json(*self._issue(request, token))

    async def update_issue(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        return 200, self.service.issue_json(
            repository, self.service.update_issue(repository, issue, await said(request))
        )

    async def events(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        events, links = paged(request, issue.events)
        return 200, [self.service.event_json(repository, event) for event in events], links

    async def timeline(self, request: Request, token: Token) -> Answer:
        entries, links = paged(request, self.service.timeline(*self._issue(request, token)))
        return 200, entries, links

    # Labels and assignees of an issue

    async def issue_labels(self, request: Request, token: Token) -> Answer:
        return 200, self._labels_of(*self._issue(request, token))

    def _labels_of(self, repository: Repository, issue: Issue) -> list[dict[str, Any]]:
        return [self.service.label_json(repository, repository.labels[key]) for key in issue.labels]

    async def add_labels(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        self.service.set_labels(repository, issue, [*issue.labels, *await labels_said(request)])
        return 200, self._labels_of(repository, issue)

    async def set_labels(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        self.service.set_labels(repository, issue, await labels_said(request))
        return 200, self._labels_of(repository, issue)

    async def remove_labels(self, request: Request, token: Token) -> Answer:
        self.service.set_labels(*self._issue(request, token), [])
        return 204, None

    async def remove_label(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        gone = request.path_params["name"].lower()
        if gone not in issue.labels:
            raise Refusal(404, "Label does not exist")
        self.service.set_labels(repository, issue, [key for key in issue.labels if key != gone])
        return 200, self._labels_of(repository, issue)

    async def add_assignees(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        come = (await said(request)).get("assignees", [])
        self.service.set_assignees(repository, issue, [*issue.assignees, *come])
        return 201, self.service.issue_json(repository, issue)

    async def remove_assignees(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        gone = (await said(request)).get("assignees", [])
        self.service.set_assignees(repository, issue, [login for login in issue.assignees if login not in gone])
        return 200, self.service.issue_json(repository, issue)

    # Comments

    async def comments(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        return self._comments(request, repository, [issue])

    async def repository_comments(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        return self._comments(request, repository, list(repository.issues.values()))

    def _comments(self, request: Request, repository: Repository, issues: list[Issue]) -> Answer:
        from sandbox.github import moment

        since = request.query_params.get("since")
        found = [
            (issue, comment)
            for issue in issues
            for comment in issue.comments
            if not since or comment.updated_at >= moment(since)
        ]
        page, links = paged(request, sorted(found, key=lambda pair: pair[1].created_at))
        return 200, [self.service.comment_json(repository, issue, comment) for issue, comment in page], links

    async def create_comment(self, request: Request, token: Token) -> Answer:
        repository, issue = self._issue(request, token)
        comment = self.service.add_comment(repository, issue, await said(request))
        return 201, self.service.comment_json(repository, issue, comment)

    async def comment(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        return 200, self.service.comment_json(
            repository, *self.service.comment(repository, request.path_params["comment"])
        )

    async def update_comment(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        issue, comment = self.service.comment(repository, request.path_params["comment"])
        body = (await said(request)).get("body", "")
        if body != comment.body:
            comment.body, comment.updated_at = body, self.service.world.clock.now()
            self.service.record(repository, "update comment", f"#{issue.number}", body=body)
        return 200, self.service.comment_json(repository, issue, comment)

    async def delete_comment(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        issue, comment = self.service.comment(repository, request.path_params["comment"])
        issue.comments.remove(comment)
        self.service.record(repository, "delete comment", f"#{issue.number}")
        return 204, None

    # Search and releases

    async def search_issues(self, request: Request, token: Token) -> Answer:
        text = request.query_params.get("q", "")
        if not text:
            raise invalid("Search", "q", "missing")
        found = self.service.search(text, token)
        page, links = paged(request, found)
        items = [self.service.issue_json(repository, issue) | {"score": 1.0} for repository, issue in page]
        return 200, {"total_count": len(found), "incomplete_results": False, "items": items}, links

    async def releases(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        newest = sorted(repository.releases.values(), key=lambda release: release.published_at, reverse=True)
        page, links = paged(request, newest)
        return 200, [self.service.release_json(repository, release) for release in page], links

    async def latest_release(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        if not repository.releases:
            raise not_found()
        newest = max(repository.releases.values(), key=lambda release: release.published_at)
        return 200, self.service.release_json(repository, newest)

    async def release(self, request: Request, token: Token) -> Answer:
        repository = self._repository(request, token)
        found = repository.releases.get(request.path_params["tag"])
        if found is None:
            raise not_found()
        return 200, self.service.release_json(repository, found)

    async def create_release(self, request: Request, token: Token) -> Answer:
        repository, body = self._repository(request, token), await said(request)
        only(body, "Release", *RELEASE_FIELDS)
        if body.get("tag_name") in repository.releases:
            raise invalid("Release", "tag_name", "already_exists")
        now, tag = self.service.world.clock.now(), body["tag_name"]
        release = Release(self.service.new_id(), tag, body.get("name", tag), body.get("body", ""), now)
        repository.releases[tag] = release
        self.service.record(repository, "create release", tag, **body)
        return 201, self.service.release_json(repository, release)


async def said(request: Request) -> dict[str, Any]:
    """Gives the JSON object in the body."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    return body  # type: ignore[no-any-return]


async def labels_said(request: Request) -> list[str]:
    """Gives the label names in the body, a list or an object that holds one."""
    match json.loads(await request.body() or b"{}"):
        case {"labels": labels}:
            return names_of(labels)
        case labels:
            return names_of(labels)


def pages(service: GitHub) -> list[BaseRoute]:
    """Gives what a person sees who follows a link: the labels, one label, one issue. They need no token."""

    def repository(request: Request) -> Repository:
        full_name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        found = service.repositories.get(full_name.lower())
        if found is None:
            raise not_found()
        return found

    async def labels(request: Request) -> Response:
        where = repository(request)
        rows = "".join(
            f"<li><span class=l>{html.escape(label.name)}</span> {html.escape(label.description or '')}</li>"
            for label in where.labels.values()
        )
        return html_page(f"Labels of {where.full_name}", f"{heading(where)}<ul>{rows}</ul>")

    async def label(request: Request) -> Response:
        where = repository(request)
        found = service.label(where, request.path_params["name"])
        issues = "".join(
            f'<li><a href="{service.page(f"{where.full_name}/issues/{issue.number}")}">#{issue.number}</a> '
            f"{html.escape(issue.title)}</li>"
            for issue in where.issues.values()
            if found.name.lower() in issue.labels
        )
        described = html.escape(found.description or "no description")
        body = f"{heading(where)}<h1><span class=l>{html.escape(found.name)}</span></h1><p>{described}</p>"
        return html_page(found.name, f"{body}<h2>Issues</h2><ul>{issues or '<li>none yet</li>'}</ul>")

    async def issue(request: Request) -> Response:
        where = repository(request)
        found = service.issue(where, request.path_params["number"])
        marks = " ".join(f"<span class=l>{html.escape(where.labels[key].name)}</span>" for key in found.labels)
        comments = "".join(
            f"<h3>{html.escape(each.user)}</h3><pre>{html.escape(each.body)}</pre>" for each in found.comments
        )
        body = f"{heading(where)}<h1>{html.escape(found.title)} #{found.number}</h1><p>{found.state} {marks}</p>"
        return html_page(found.title, f"{body}<pre>{html.escape(found.body or '')}</pre>{comments}")

    return [
        Route("/{owner}/{repo}/labels", labels),
        Route("/{owner}/{repo}/labels/{name:path}", label),
        Route("/{owner}/{repo}/issues/{number:int}", issue),
    ]


def heading(repository: Repository) -> str:
    who = "Anybody can read this." if repository.public else "Private: only the team reads this."
    return f"<p>{html.escape(repository.full_name)} &middot; {who}</p>"


def routes(service: GitHub) -> list[BaseRoute]:
    """Gives the REST paths, then the pages."""
    return [*Rest(service).routes(), *pages(service)]
