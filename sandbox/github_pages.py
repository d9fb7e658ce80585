"""The pages behind GitHub's addresses, so that links in results can be opened. They need no token."""

from __future__ import annotations

from typing import Any

from jinja2 import DictLoader, Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.github_answers import Answers, stamp
from sandbox.github_changes import found
from sandbox.github_state import Issue, Repository, State

MOST_ISSUES = 100

PARTS = """
{% macro chip(label) %}<a class="label" style="background: #{{ label.color }}33" href="{{ label_page(label) }}">
{{- label.name }}</a>{% endmacro %}
{% macro listed(issues) %}<ul>{% for issue in issues %}
<li><a href="{{ issue_page(issue) }}">#{{ issue.number }}</a> {{ issue.title }}
{% for label in issue.labels %}{{ chip(label) }} {% endfor %}</li>{% else %}<li>none</li>{% endfor %}</ul>{% endmacro %}
"""
FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }} - {{ repository.full_name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
article { border: 1px solid #d0d7de; border-radius: 6px; padding: 0 1rem; margin: 1rem 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }
.label { border: 1px solid #57606a; border-radius: 1em; padding: 0 .6em; color: inherit; text-decoration: none }
.quiet { color: #57606a }
</style></head><body>
<nav><a href="{{ page(repository.full_name) }}">{{ repository.full_name }}</a>
<span class="quiet">
{{- "Private: only the team reads this." if repository.private else "Anybody can read this." }}</span> &middot;
<a href="{{ page(repository.full_name + "/labels") }}">Labels</a></nav>
<h1>{{ title }}</h1>
{% block content %}{% endblock %}
</body></html>"""
START = '{% extends "frame" %}{% from "parts" import chip, listed %}{% block content %}'
END = "{% endblock %}"
TEMPLATES = {
    "parts": PARTS,
    "frame": FRAME,
    "repository": START + "<p>{{ repository.description or '' }}</p>{{ listed(issues) }}" + END,
    "labels": START
    + """<ul>{% for label in labels %}<li>{{ chip(label) }} {{ label.description or "" }}</li>
{% else %}<li>none</li>{% endfor %}</ul>"""
    + END,
    "label": START
    + """<p>{{ chip(label) }} {{ label.description or "no description" }}</p><h2>Issues</h2>{{ listed(issues) }}"""
    + END,
    "issue": START
    + """<p><strong>{{ issue.state }}</strong> {% for label in issue.labels %}{{ chip(label) }} {% endfor %}</p>
{% if issue.assignees %}<p>Assigned to {{ issue.assignees | map(attribute="login") | join(", ") }}</p>{% endif %}
<article><p class="quiet">{{ issue.user.login }}, {{ stamp(issue.created_at) }}</p>
<pre>{{ issue.body or "No description." }}</pre></article>
{% for comment in issue.comments %}<article id="issuecomment-{{ comment.id }}">
<p class="quiet">{{ comment.user.login }}, {{ stamp(comment.created_at) }}</p><pre>{{ comment.body }}</pre></article>
{% endfor %}"""
    + END,
    "release": START + "<p>{{ stamp(release.published_at) }}</p><pre>{{ release.body }}</pre>" + END,
}


class Pages:
    """One page an address: a repository, its labels, a label, an issue, a release."""

    def __init__(self, state: State, answers: Answers) -> None:
        self.state = state
        self._templates = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
        self._addresses = {
            "page": answers.page,
            "issue_page": answers.issue_page,
            "label_page": answers.label_page,
            "stamp": stamp,
        }

    def routes(self) -> list[BaseRoute]:
        repo = "/{owner}/{repo}"
        return [
            Route(repo, self.repository),
            Route(f"{repo}/labels", self.labels),
            Route(f"{repo}/labels/{{label:path}}", self.label),
            Route(f"{repo}/issues/{{number:int}}", self.issue),
            Route(f"{repo}/releases/tag/{{tag:path}}", self.release),
        ]

    def _repository(self, request: Request) -> Repository:
        full_name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        return found(self.state.repositories, full_name.lower())

    def _page(self, template: str, repository: Repository, title: str, **more: Any) -> Response:
        page = self._templates.get_template(template, globals=self._addresses)
        return HTMLResponse(page.render(repository=repository, title=title, **more))

    async def repository(self, request: Request) -> Response:
        repository = self._repository(request)
        still_open = [issue for issue in repository.issues.values() if issue.state == "open"]
        return self._page("repository", repository, "Open issues", issues=_newest(still_open))

    async def labels(self, request: Request) -> Response:
        repository, wanted = self._repository(request), request.query_params.get("q", "").lower()
        labels = [label for name, label in sorted(repository.labels.items()) if wanted in name]
        return self._page("labels", repository, "Labels", labels=labels)

    async def label(self, request: Request) -> Response:
        repository = self._repository(request)
        label = found(repository.labels, request.path_params["label"].lower())
        issues = [issue for issue in repository.issues.values() if label in issue.labels]
        return self._page("label", repository, label.name, label=label, issues=_newest(issues))

    async def issue(self, request: Request) -> Response:
        repository = self._repository(request)
        issue = found(repository.issues, request.path_params["number"])
        return self._page("issue", repository, f"{issue.title} #{issue.number}", issue=issue)

    async def release(self, request: Request) -> Response:
        repository = self._repository(request)
        release = found(repository.releases, request.path_params["tag"])
        return self._page("release", repository, release.name, release=release)


def _newest(issues: list[Issue]) -> list[Issue]:
    return sorted(issues, key=lambda issue: issue.number, reverse=True)[:MOST_ISSUES]
