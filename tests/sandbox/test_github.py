"""GitHub's stand-in, through PyGithub over HTTP, by hand where strictness counts, and against GitHub's own models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github import (
    Auth,
    BadCredentialsException,
    Github,
    GithubException,
    GithubIntegration,
    UnknownObjectException,
)
from github.Issue import Issue
from github.Repository import Repository
from github.Requester import Requester
from githubkit.versions.latest import models
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox import github
from sandbox.world import FaultKind, World
from tests.conftest import free_port

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PUBLIC, PRIVATE = "fleetdm/fleet", "fleetdm/confidential"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC_PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
WRITER = "writer"
SEED: dict[str, Any] = {
    "apps": [{"id": 77, "public_key": PUBLIC_PEM, "installation_id": 5, "login": "handbook-flows[bot]"}],
    "tokens": {
        "writer": {"login": "handbook-flows[bot]", "repositories": [PUBLIC]},
        "insider": {"login": "ksatter", "repositories": [PUBLIC, PRIVATE]},
        "stranger": {"login": "passer-by", "repositories": []},
    },
    "organization": {"login": "fleetdm", "members": ["ksatter", "rfairburn"]},
    "users": [{"login": "ksatter", "name": "Kathy Satterlee"}, {"login": "handbook-flows[bot]", "type": "Bot"}],
    "repositories": [{"full_name": PUBLIC, "private": False}, {"full_name": PRIVATE, "private": True}],
    "labels": [
        {"repository": PUBLIC, "name": "bug", "color": "d73a4a", "description": "Something isn't working"},
        {"repository": PUBLIC, "name": "~customer request", "color": "c2e0c6"},
        {"repository": PRIVATE, "name": "customer-pallas", "description": "Northwind"},
    ],
}


@dataclass
class Tracker:
    """The stand-in and ways to talk to it."""

    world: World
    service: github.GitHub
    url: str

    def client(self, token: str = WRITER) -> Github:
        return Github(
            base_url=self.url,
            auth=Auth.Token(token),
            retry=0,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def repository(self, token: str = WRITER, name: str = PUBLIC) -> Repository:
        return self.client(token).get_repo(name)

    def call(self, method: str, path: str, body: Any = None, token: str = WRITER) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=10)

    def graphql(self, query: str, token: str = WRITER, **variables: Any) -> dict[str, Any]:
        return self.call("POST", "/graphql", {"query": query, "variables": variables}, token).json()

    def seed(self, **tables: Any) -> None:
        self.service.load(tables)

    def seed_issues(self, *issues: dict[str, Any]) -> None:
        self.seed(issues=[{"repository": PUBLIC, "title": "Wi-Fi profile missing", **issue} for issue in issues])

    def later(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))

    def actions(self) -> list[str]:
        return [effect.action for effect in self.world.effects]


@pytest.fixture(scope="module")
def server() -> Iterator[Tracker]:
    port = free_port()
    world = World(public_url=f"http://127.0.0.1:{port}")
    service, app = github.create(world)
    mounted = Starlette(routes=[Mount("/github", app)])
    running = uvicorn.Server(uvicorn.Config(mounted, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield Tracker(world, service, f"{world.public_url}/github")
    running.should_exit = True
    thread.join(5)


@pytest.fixture
def tracker(server: Tracker) -> Tracker:
    """The stand-in with an empty tracker, at noon. Anybody asks it, not the product with its checks on the wire."""
    Requester.resetConnectionClasses()
    server.world.reset()
    server.service.reset()
    server.world.clock.set(NOON, frozen=True)
    server.service.load(SEED)
    return server


def fits(model: Any, answer: Any) -> None:
    """Reads an answer as one of GitHub's published models; one that doesn't fit raises."""
    TypeAdapter[Any](model).validate_python(answer)


# -- who calls


@pytest.mark.parametrize("token", ["", "unknown"])
def test_a_caller_without_a_known_token_is_turned_away(tracker: Tracker, token: str) -> None:
    answer = tracker.call("GET", f"/repos/{PUBLIC}", token=token)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert answer.json()["documentation_url"] == "https://docs.github.com/rest"


def test_pygithub_sees_bad_credentials_as_such(tracker: Tracker) -> None:
    with pytest.raises(BadCredentialsException):
        tracker.client("unknown").get_user().login  # noqa: B018


def test_a_private_repository_is_hidden_from_other_tokens(tracker: Tracker) -> None:
    with pytest.raises(UnknownObjectException):
        tracker.repository("writer", PRIVATE)
    assert tracker.call("POST", f"/repos/{PRIVATE}/labels", {"name": "x"}).status_code == 404
    assert tracker.repository("insider", PRIVATE).private is True


def test_anybody_reads_the_public_repository_but_only_its_tokens_write(tracker: Tracker) -> None:
    assert tracker.repository("stranger").get_label("bug").color == "d73a4a"
    answer = tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "x"}, token="stranger")
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    assert tracker.actions() == []


def test_a_path_that_github_does_not_have_is_not_found(tracker: Tracker) -> None:
    for method, path in (("GET", "/repos/fleetdm/fleet/pulls"), ("PUT", "/repos/fleetdm/fleet/labels")):
        assert tracker.call(method, path).json()["message"] == "Not Found"


def test_every_answer_says_how_much_of_the_hour_is_left(tracker: Tracker) -> None:
    first, second = (tracker.call("GET", f"/repos/{PUBLIC}").headers for _ in range(2))
    assert int(first["X-RateLimit-Remaining"]) - int(second["X-RateLimit-Remaining"]) == 1
    assert int(second["X-RateLimit-Reset"]) == int((NOON + timedelta(hours=1)).timestamp())
    assert tracker.client().get_rate_limit().resources.core.limit == 5000


def test_the_team_is_the_organizations_members(tracker: Tracker) -> None:
    organization = tracker.client().get_organization("fleetdm")
    assert [member.login for member in organization.get_members()] == ["ksatter", "rfairburn"]
    assert tracker.call("GET", "/orgs/fleetdm/members/KSatter").status_code == 204
    assert tracker.call("GET", "/orgs/fleetdm/members/passer-by").status_code == 404
    assert tracker.call("GET", "/orgs/elsewhere/members").status_code == 404


def test_a_token_knows_whose_it_is(tracker: Tracker) -> None:
    user = tracker.client("insider").get_user()
    assert (user.login, user.name) == ("ksatter", "Kathy Satterlee")


# -- apps


def assertion(*, issuer: str = "77", seconds: int = 300, key: str = PRIVATE_PEM) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now - 5, "exp": now + seconds, "iss": issuer}, key, algorithm="RS256")


def test_an_app_gets_a_token_for_its_repositories_and_for_an_hour(tracker: Tracker) -> None:
    tracker.world.clock.reset()
    integration = GithubIntegration(auth=Auth.AppAuth(77, PRIVATE_PEM), base_url=tracker.url)
    token = integration.get_access_token(5).token
    assert tracker.repository(token, PRIVATE).private is True
    tracker.later(3601)
    assert tracker.call("GET", f"/repos/{PRIVATE}", token=token).status_code == 401


def test_an_apps_token_reaches_no_further_than_was_asked(tracker: Tracker) -> None:
    body = {"repositories": ["fleet"], "permissions": {"issues": "read"}}
    answer = tracker.call("POST", "/app/installations/5/access_tokens", body, token=assertion())
    assert answer.status_code == 201
    assert [each["full_name"] for each in answer.json()["repositories"]] == [PUBLIC]
    token = answer.json()["token"]
    assert tracker.call("GET", f"/repos/{PRIVATE}", token=token).status_code == 404
    assert tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "x"}, token=token).status_code == 403


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (lambda: assertion(seconds=-60), "'Expiration time' claim ('exp') must be"),
        (lambda: assertion(seconds=3600), "'Expiration time' claim ('exp') is too far in the future"),
        (lambda: assertion(issuer="78"), "A JSON web token could not be decoded"),
        (lambda: "nonsense", "A JSON web token could not be decoded"),
    ],
    ids=["expired", "valid for too long", "another app's", "no token at all"],
)
def test_an_app_that_cannot_prove_itself_gets_no_token(
    tracker: Tracker, token: Callable[[], str], message: str
) -> None:
    answer = tracker.call("POST", "/app/installations/5/access_tokens", {}, token=token())
    assert answer.status_code == 401
    assert answer.json()["message"].startswith(message)


def test_an_app_gets_no_token_for_what_is_not_installed(tracker: Tracker) -> None:
    path = "/app/installations/{}/access_tokens"
    assert tracker.call("POST", path.format(6), {}, token=assertion()).status_code == 404
    assert tracker.call("POST", path.format(5), {"repositories": ["osquery"]}, token=assertion()).status_code == 422
    assert tracker.call("POST", path.format(5), {"permissions": {"x": "write"}}, token=assertion()).status_code == 422


# -- labels


def test_a_label_is_created_read_changed_and_deleted(tracker: Tracker) -> None:
    repository = tracker.repository()
    repository.create_label("customer-pallas", "5319E7", "A customer's codename.")
    label = repository.get_label("CUSTOMER-PALLAS")
    assert (label.name, label.color, label.description) == ("customer-pallas", "5319e7", "A customer's codename.")
    label.edit("customer-pallas", "000000", "Another text.")
    assert repository.get_label("customer-pallas").description == "Another text."
    label.delete()
    with pytest.raises(UnknownObjectException):
        repository.get_label("customer-pallas")
    assert tracker.actions() == ["create label", "update label", "delete label"]
    first = tracker.world.effects[0]
    assert (first.target, first.public, first.actor) == (f"{PUBLIC} customer-pallas", True, "handbook-flows[bot]")
    assert first.detail == {"name": "customer-pallas", "color": "5319e7", "description": "A customer's codename."}


def test_what_happens_in_the_private_repository_is_not_public(tracker: Tracker) -> None:
    tracker.repository("insider", PRIVATE).create_label("customer-vesta", "5319e7", "Marlowe and Daughters")
    assert tracker.world.effects[0].public is False


def test_a_label_of_the_same_name_in_other_letters_exists_already(tracker: Tracker) -> None:
    answer = tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "BUG", "color": "ffffff"})
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation Failed"
    assert answer.json()["errors"] == [{"resource": "Label", "code": "already_exists", "field": "name"}]
    assert tracker.actions() == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "wasn't supplied."),
        ({"name": " "}, "missing_field"),
        ({"name": "x" * 51}, "name is too long (maximum is 50 characters)"),
        ({"name": "x", "description": "y" * 101}, "description is too long (maximum is 100 characters)"),
        ({"name": "x", "color": "#5319e7"}, "color"),
        ({"name": "x", "colour": "5319e7"}, '"colour" is not a permitted key.'),
        ({"name": 5}, "properties/name"),
    ],
)
def test_a_label_that_breaks_githubs_rules_is_refused(tracker: Tracker, body: Any, told: str) -> None:
    answer = tracker.call("POST", f"/repos/{PUBLIC}/labels", body)
    assert answer.status_code == 422
    assert told in f"{answer.json()['message']} {answer.json().get('errors')}"
    assert tracker.actions() == []


def test_a_body_that_is_no_json_is_a_bad_request(tracker: Tracker) -> None:
    headers = {"Authorization": "token writer"}
    for body, message in (("{", "Problems parsing JSON"), ("[]", "Body should be a JSON object")):
        answer = requests.post(f"{tracker.url}/repos/{PUBLIC}/labels", data=body, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_renamed_label_stays_on_its_issues(tracker: Tracker) -> None:
    tracker.seed_issues({"labels": ["prospect-thalia"]})
    repository = tracker.repository()
    repository.get_label("prospect-thalia").edit("customer-thalia", "5319e7")
    assert [label.name for label in repository.get_issue(1).labels] == ["customer-thalia"]
    assert tracker.world.effects[0].target == f"{PUBLIC} customer-thalia"
    assert tracker.world.effects[0].detail["was"] == "prospect-thalia"


def test_a_label_cannot_be_renamed_to_another_ones_name(tracker: Tracker) -> None:
    answer = tracker.call("PATCH", f"/repos/{PUBLIC}/labels/bug", {"new_name": "~Customer Request"})
    assert answer.json()["errors"][0]["code"] == "already_exists"
    assert tracker.repository().get_label("bug").name == "bug"


def test_a_label_may_change_the_size_of_its_letters(tracker: Tracker) -> None:
    tracker.repository().get_label("bug").edit("Bug", "d73a4a")
    assert [label.name for label in tracker.repository().get_labels()] == ["Bug", "~customer request"]


def test_a_deleted_label_leaves_its_issues(tracker: Tracker) -> None:
    tracker.seed_issues({"labels": ["bug"]})
    tracker.repository().get_label("bug").delete()
    assert tracker.repository().get_issue(1).labels == []


def test_changing_a_label_to_what_it_is_leaves_no_trace(tracker: Tracker) -> None:
    tracker.repository().get_label("bug").edit("bug", "D73A4A", "Something isn't working")
    assert tracker.actions() == []


@pytest.mark.parametrize("name", ["#g-mdm", "~feature fest", "+more info please", ":reproduce", "a/b?c=d&e", "ä 50 %"])
def test_labels_may_have_the_signs_that_fleet_uses(tracker: Tracker, name: str) -> None:
    repository = tracker.repository()
    url = repository.create_label(name, "ffffff").url
    assert repository.get_label(name).name == name
    assert requests.get(url, headers={"Authorization": "token writer"}, timeout=10).json()["name"] == name


def test_long_lists_come_in_pages(tracker: Tracker) -> None:
    tracker.seed(labels=[{"repository": PUBLIC, "name": f"customer-{n:03}"} for n in range(250)])
    listed = tracker.client().get_repo(PUBLIC).get_labels()
    assert listed.totalCount == 252
    assert len({label.name for label in listed}) == 252
    answer = tracker.call("GET", f"/repos/{PUBLIC}/labels?per_page=1000&page=2")
    assert len(answer.json()) == 100
    assert {relation: "page=" + link["url"][-1] for relation, link in answer.links.items()} == {
        "prev": "page=1",
        "next": "page=3",
        "last": "page=3",
        "first": "page=1",
    }


# -- issues


def test_an_issue_is_filed_with_its_labels_and_assignees(tracker: Tracker) -> None:
    issue = tracker.repository().create_issue(
        "Wi-Fi profile missing", body="`customer-pallas` reported that", labels=["bug"], assignees=["ksatter"]
    )
    assert (issue.number, issue.state, issue.user.login) == (1, "open", "handbook-flows[bot]")
    assert issue.created_at == NOON
    assert [event.event for event in issue.get_events()] == ["labeled", "assigned"]
    effect = tracker.world.effects[0]
    assert (effect.action, effect.target, effect.detail["labels"]) == ("create issue", f"{PUBLIC} #1", ["bug"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"body": "x"}, "wasn't supplied."),
        ({"title": ""}, "missing_field"),
        ({"title": "x", "label": ["bug"]}, '"label" is not a permitted key.'),
        ({"title": "x", "labels": "bug"}, "properties/labels"),
        ({"title": "x", "labels": ["y" * 51]}, "y" * 51),
        ({"title": "x", "assignees": ["passer-by"]}, "passer-by"),
    ],
)
def test_an_issue_that_breaks_githubs_rules_is_not_filed(tracker: Tracker, body: Any, told: str) -> None:
    answer = tracker.call("POST", f"/repos/{PUBLIC}/issues", body)
    assert answer.status_code == 422
    assert told in f"{answer.json()['message']} {answer.json().get('errors')}"
    assert tracker.actions() == []
    assert list(tracker.repository().get_issues(state="all")) == []


def test_an_issue_is_changed_closed_and_opened_again(tracker: Tracker) -> None:
    tracker.seed_issues({})
    issue = tracker.repository().get_issue(1)
    tracker.later(60)
    issue.edit(title="Wi-Fi profile lost", body="More.", labels=["bug"])
    issue.edit(state="closed", state_reason="not_planned")
    assert (issue.state, issue.state_reason, issue.closed_at) == ("closed", "not_planned", NOON + timedelta(minutes=1))
    issue.edit(state="open")
    assert (issue.state_reason, issue.closed_at) == ("reopened", None)
    assert [event.event for event in issue.get_events()] == ["renamed", "labeled", "closed", "reopened"]
    assert tracker.actions() == ["update issue"] * 3


def test_changing_an_issue_to_what_it_is_leaves_no_trace(tracker: Tracker) -> None:
    tracker.seed_issues({"body": "x", "labels": ["bug"], "assignees": ["ksatter"]})
    before = tracker.call("GET", f"/repos/{PUBLIC}/issues/1").json()
    same = {"title": before["title"], "body": "x", "state": "open", "labels": ["BUG"], "assignees": ["KSatter"]}
    tracker.later(60)
    assert tracker.call("PATCH", f"/repos/{PUBLIC}/issues/1", same).json() == before
    assert tracker.call("PUT", f"/repos/{PUBLIC}/issues/1/labels", {"labels": ["bug"]}).ok
    assert tracker.actions() == []


def test_a_refused_change_changes_nothing(tracker: Tracker) -> None:
    tracker.seed_issues({})
    before = tracker.call("GET", f"/repos/{PUBLIC}/issues/1").json()
    for body in ({"title": "New", "assignees": ["passer-by"]}, {"title": "New", "state": "shut"}):
        assert tracker.call("PATCH", f"/repos/{PUBLIC}/issues/1", body).status_code == 422
    assert tracker.call("GET", f"/repos/{PUBLIC}/issues/1").json() == before


def test_an_issue_that_is_not_there_is_not_found(tracker: Tracker) -> None:
    with pytest.raises(UnknownObjectException):
        tracker.repository().get_issue(404)


def numbers(tracker: Tracker, query: str) -> list[int]:
    return [issue["number"] for issue in tracker.call("GET", f"/repos/{PUBLIC}/issues?{query}").json()]


def test_issues_are_listed_by_what_is_asked(tracker: Tracker) -> None:
    tracker.seed_issues(
        {"number": 1, "labels": ["bug"], "user": "rfairburn", "created_at": "2026-11-01T00:00:00Z"},
        {"number": 2, "labels": ["bug", "P1"], "assignees": ["ksatter"], "created_at": "2026-11-02T00:00:00Z"},
        {"number": 3, "state": "closed", "created_at": "2026-11-03T00:00:00Z", "closed_at": "2026-11-20T00:00:00Z"},
    )
    assert numbers(tracker, "") == [2, 1]
    assert numbers(tracker, "state=all") == [3, 2, 1]
    assert numbers(tracker, "state=closed") == [3]
    assert numbers(tracker, "labels=Bug") == [2, 1]
    assert numbers(tracker, "labels=bug,P1") == [2]
    assert numbers(tracker, "labels=nobody-has-it") == []
    assert numbers(tracker, "creator=rfairburn") == [1]
    assert numbers(tracker, "assignee=ksatter") == [2]
    assert numbers(tracker, "assignee=none") == [1]
    assert numbers(tracker, "assignee=*") == [2]
    assert numbers(tracker, "state=all&since=2026-11-10T00:00:00Z") == [3]
    assert numbers(tracker, "state=all&sort=updated&direction=asc") == [1, 2, 3]


def test_pygithub_lists_by_label_and_time(tracker: Tracker) -> None:
    tracker.seed_issues({"labels": ["bug"], "created_at": "2026-11-01T00:00:00Z"}, {"labels": ["bug"]})
    found = tracker.repository().get_issues(state="all", labels=["bug"], since=NOON - timedelta(days=2))
    assert [issue.number for issue in found] == [2]


@pytest.mark.parametrize("query", ["state=shut", "label=bug", "since=yesterday", "per_page=many"])
def test_a_list_that_cannot_be_made_is_refused(tracker: Tracker, query: str) -> None:
    assert tracker.call("GET", f"/repos/{PUBLIC}/issues?{query}").status_code == 422


# -- labels, assignees and history of an issue


@pytest.fixture
def issue(tracker: Tracker) -> Issue:
    tracker.seed_issues({"labels": ["bug"]})
    return tracker.repository().get_issue(1)


def test_labels_of_an_issue_are_added_set_and_removed(tracker: Tracker, issue: Issue) -> None:
    issue.add_to_labels("~customer request", "bug")
    assert [label.name for label in issue.get_labels()] == ["bug", "~customer request"]
    issue.set_labels("~customer request")
    issue.remove_from_labels("~customer request")
    issue.add_to_labels("bug")
    issue.delete_labels()
    assert list(issue.get_labels()) == []
    details = [dict(effect.detail) for effect in tracker.world.effects]
    assert tracker.actions() == ["set labels"] * 5
    assert details[:2] == [{"added": ["~customer request"], "removed": []}, {"added": [], "removed": ["bug"]}]


def test_labels_may_be_sent_as_a_bare_list_or_inside_an_object(tracker: Tracker, issue: Issue) -> None:
    path = f"/repos/{PUBLIC}/issues/1/labels"
    for body in (["P0"], {"labels": ["P1"]}, {"labels": [{"name": "P2"}]}):
        assert tracker.call("POST", path, body).status_code == 200
    assert [label.name for label in issue.get_labels()] == ["bug", "P0", "P1", "P2"]


def test_a_label_that_nobody_made_is_made_grey(tracker: Tracker, issue: Issue) -> None:
    issue.add_to_labels("cutsomer-pallas")
    assert tracker.repository().get_label("cutsomer-pallas").color == "ededed"
    assert tracker.actions() == ["create label", "set labels"]


def test_a_label_that_the_issue_does_not_have_cannot_be_removed(tracker: Tracker, issue: Issue) -> None:
    answer = tracker.call("DELETE", f"/repos/{PUBLIC}/issues/1/labels/P0")
    assert (answer.status_code, answer.json()["message"]) == (404, "Label does not exist")


def test_only_team_members_and_participants_can_be_assigned(tracker: Tracker, issue: Issue) -> None:
    issue.add_to_assignees("ksatter", "passer-by")
    assert [user.login for user in tracker.repository().get_issue(1).assignees] == ["ksatter"]
    issue.remove_from_assignees("ksatter", "rfairburn")
    assert tracker.repository().get_issue(1).assignees == []
    assert tracker.actions() == ["set assignees"] * 2


def test_the_history_says_who_did_what_when(tracker: Tracker, issue: Issue) -> None:
    for step in (
        lambda: issue.add_to_labels("P1"),
        lambda: issue.remove_from_labels("bug"),
        lambda: issue.add_to_assignees("ksatter"),
        lambda: issue.remove_from_assignees("ksatter"),
        lambda: issue.edit(title="Renamed"),
        lambda: issue.create_comment("Acknowledged."),
        lambda: issue.edit(state="closed"),
    ):
        tracker.later(60)
        step()
    timeline = list(issue.get_timeline())[1:]
    happened = "labeled unlabeled assigned unassigned renamed commented closed".split()
    assert [entry.event for entry in timeline] == happened
    assert [entry.created_at for entry in timeline] == [NOON + timedelta(minutes=n) for n in range(1, 8)]
    assert {entry.actor.login for entry in timeline} == {"handbook-flows[bot]"}
    assert "commented" not in [event.event for event in issue.get_events()]
    labeled, _, assigned, _, renamed, *_ = timeline
    assert labeled.raw_data["label"]["name"] == "P1"
    assert assigned.raw_data["assignee"]["login"] == "ksatter"
    assert renamed.raw_data["rename"] == {"from": "Wi-Fi profile missing", "to": "Renamed"}


# -- comments


def test_a_comment_is_written_changed_and_deleted(tracker: Tracker, issue: Issue) -> None:
    comment = issue.create_comment("Acknowledged.")
    assert (comment.user.login, comment.created_at) == ("handbook-flows[bot]", NOON)
    tracker.later(60)
    comment.edit("Acknowledged by Kathy.")
    comment.edit("Acknowledged by Kathy.")
    assert issue.get_comment(comment.id).body == "Acknowledged by Kathy."
    comment.delete()
    assert list(issue.get_comments()) == []
    assert tracker.actions() == ["create comment", "update comment", "delete comment"]


def test_comments_are_listed_since_a_time_for_an_issue_and_for_all(tracker: Tracker, issue: Issue) -> None:
    issue.create_comment("Before.")
    tracker.later(3600)
    issue.create_comment("After.")
    tracker.seed_issues({"comments": [{"user": "passer-by", "body": "Elsewhere."}]})
    since = NOON + timedelta(minutes=30)
    assert [comment.body for comment in issue.get_comments(since=since)] == ["After."]
    assert [comment.body for comment in tracker.repository().get_issues_comments(since=since)] == ["After."]
    assert [comment.body for comment in tracker.repository().get_issues_comments()] == [
        "Elsewhere.",
        "Before.",
        "After.",
    ]


@pytest.mark.parametrize("body", [{}, {"body": " "}, {"body": "x", "text": "y"}])
def test_a_comment_that_says_nothing_is_refused(tracker: Tracker, issue: Issue, body: Any) -> None:
    assert tracker.call("POST", f"/repos/{PUBLIC}/issues/1/comments", body).status_code == 422
    assert tracker.actions() == []


# -- search


def search(tracker: Tracker, query: str, token: str = WRITER) -> list[int]:
    return sorted(issue.number for issue in tracker.client(token).search_issues(query))


def test_search_reads_githubs_qualifiers(tracker: Tracker) -> None:
    tracker.seed_issues(
        {"labels": ["bug", "~customer request"], "body": "The MDM profile never arrives."},
        {"state": "closed", "user": "rfairburn", "assignees": ["ksatter"]},
        {"title": "Export hosts", "comments": [{"user": "passer-by", "body": "Is MDM on?"}]},
    )
    assert search(tracker, f"repo:{PUBLIC} is:issue") == [1, 2, 3]
    assert search(tracker, "org:fleetdm is:open") == [1, 3]
    assert search(tracker, f"repo:{PUBLIC} state:closed") == [2]
    assert search(tracker, f'repo:{PUBLIC} label:bug label:"~customer request"') == [1]
    assert search(tracker, f"repo:{PUBLIC} -label:bug") == [2, 3]
    assert search(tracker, f"repo:{PUBLIC} author:rfairburn assignee:ksatter") == [2]
    assert search(tracker, f"repo:{PUBLIC} mdm") == [1, 3]
    assert search(tracker, f'repo:{PUBLIC} "profile never arrives"') == [1]
    assert search(tracker, f"repo:{PUBLIC} arrive") == []


def test_search_finds_what_is_new_only_after_a_while(tracker: Tracker) -> None:
    issue = tracker.repository().create_issue("Wi-Fi profile missing", labels=["bug"])
    assert search(tracker, f"repo:{PUBLIC} label:bug") == []
    tracker.later(31)
    assert search(tracker, f"repo:{PUBLIC} label:bug") == [1]
    issue.set_labels("P1")
    assert search(tracker, f"repo:{PUBLIC} label:bug") == [1], "The index still knows the issue as it was."
    tracker.later(31)
    assert search(tracker, f"repo:{PUBLIC} label:bug") == []
    assert search(tracker, f"repo:{PUBLIC} label:P1") == [1]


def test_the_lag_of_the_search_can_be_set(tracker: Tracker) -> None:
    tracker.seed(search_lag_seconds=0)
    tracker.repository().create_issue("Wi-Fi profile missing")
    assert search(tracker, f"repo:{PUBLIC} profile") == [1]


def test_search_shows_nobody_what_is_private(tracker: Tracker) -> None:
    tracker.seed(issues=[{"repository": PRIVATE, "title": "Onboard Northwind"}])
    assert search(tracker, "Northwind", "insider") == [1]
    assert search(tracker, "Northwind", "writer") == []
    answer = tracker.call("GET", f"/search/issues?q=repo:{PRIVATE}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].startswith("The listed users and repositories cannot be searched")


def test_search_reaches_a_thousand_results_and_counts_the_others(tracker: Tracker) -> None:
    tracker.seed_issues(*({"number": number} for number in range(1, 1_103)))
    path = f"/search/issues?q=repo:{PUBLIC}&per_page=100&page="
    assert tracker.call("GET", f"{path}10").json()["total_count"] == 1_102
    answer = tracker.call("GET", f"{path}11")
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "Only the first 1000 search results are available",
    )


@pytest.mark.parametrize("query", ["", "x" * 257, "milestone:4.60"])
def test_a_search_that_github_or_the_stand_in_cannot_do_is_refused(tracker: Tracker, query: str) -> None:
    answer = tracker.call("GET", f"/search/issues?q={query}")
    assert (answer.status_code, answer.json()["errors"][0]["resource"]) == (422, "Search")


def test_labels_are_searched_in_one_repository(tracker: Tracker) -> None:
    repository = tracker.repository("insider", PRIVATE)
    found = tracker.call("GET", f"/search/labels?repository_id={repository.id}&q=northwind", token="insider")
    assert [label["name"] for label in found.json()["items"]] == ["customer-pallas"]
    hidden = tracker.call("GET", f"/search/labels?repository_id={repository.id}&q=northwind", token="writer")
    assert hidden.status_code == 404


# -- releases


def test_a_file_is_read_as_it_stands_on_the_default_branch(tracker: Tracker) -> None:
    text = "- jobTitle: \U0001f680 Software Engineer\n" * 50
    tracker.seed(files=[{"repository": PUBLIC, "path": "docs/positions.yml", "text": text}])
    found = tracker.repository().get_contents("docs/positions.yml")
    assert not isinstance(found, list)
    assert found.decoded_content.decode() == text
    assert (found.path, found.name, found.size) == ("docs/positions.yml", "positions.yml", len(text.encode()))
    with pytest.raises(UnknownObjectException):
        tracker.repository().get_contents("docs/other.yml")


def test_releases_are_listed_newest_first_and_a_tag_is_used_once(tracker: Tracker) -> None:
    tracker.seed(
        releases=[
            {
                "repository": PUBLIC,
                "tag_name": tag,
                "name": tag,
                "body": "",
                "published_at": f"2026-{month}-01T00:00:00Z",
            }
            for tag, month in (("fleet-v4.60.0", "01"), ("fleet-v4.61.0", "02"))
        ]
    )
    repository = tracker.repository()
    assert [release.tag_name for release in repository.get_releases()] == ["fleet-v4.61.0", "fleet-v4.60.0"]
    assert repository.get_latest_release().tag_name == "fleet-v4.61.0"
    repository.create_git_release("fleet-v4.62.0", "Fleet 4.62.0", "Notes.")
    assert repository.get_release("fleet-v4.62.0").name == "Fleet 4.62.0"
    with pytest.raises(GithubException) as refused:
        repository.create_git_release("fleet-v4.62.0", "Again", "Notes.")
    assert refused.value.data["errors"][0]["code"] == "already_exists"
    assert tracker.actions() == ["create release"]


# -- GraphQL

ISSUES = """query($first: Int, $after: String, $filter: IssueFilters) {
  repository(owner: "fleetdm", name: "fleet") { issues(first: $first, after: $after, filterBy: $filter) {
    totalCount pageInfo { hasNextPage endCursor } nodes { number state createdAt author { login __typename } } } } }"""


def test_graphql_reads_issues_page_by_page(tracker: Tracker) -> None:
    tracker.seed_issues({}, {"labels": ["bug"]}, {"state": "closed", "user": "handbook-flows[bot]"})
    first = tracker.graphql(ISSUES, first=2)["data"]["repository"]["issues"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    rest = tracker.graphql(ISSUES, first=2, after=first["pageInfo"]["endCursor"])["data"]["repository"]["issues"]
    assert [issue["number"] for issue in first["nodes"] + rest["nodes"]] == [1, 2, 3]
    assert rest["nodes"][0]["state"] == "CLOSED"
    assert rest["nodes"][0]["author"] == {"login": "handbook-flows[bot]", "__typename": "Bot"}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"labels": ["bug"]}, [2]),
        ({"states": ["CLOSED"]}, [3]),
        ({"since": "2026-11-15T00:00:00Z"}, [3]),
        ({"assignee": "ksatter"}, [2]),
        ({"createdBy": "rfairburn"}, [1]),
    ],
)
def test_graphql_filters_issues(tracker: Tracker, wanted: Any, expected: list[int]) -> None:
    old = "2026-11-01T00:00:00Z"
    tracker.seed_issues(
        {"created_at": old, "user": "rfairburn"},
        {"created_at": old, "labels": ["bug"], "assignees": ["ksatter"]},
        {"created_at": old, "state": "closed", "closed_at": "2026-11-20T00:00:00Z"},
    )
    found = tracker.graphql(ISSUES, first=10, filter=wanted)["data"]["repository"]["issues"]["nodes"]
    assert [issue["number"] for issue in found] == expected


def test_graphql_reads_the_history_of_an_issue(tracker: Tracker, issue: Issue) -> None:
    tracker.later(60)
    issue.add_to_labels("P1")
    issue.create_comment("Acknowledged.")
    issue.edit(title="Renamed", state="closed")
    query = """query($since: DateTime) { repository(owner: "fleetdm", name: "fleet") { issue(number: 1) {
      title comments(last: 1) { nodes { body } }
      labeled: timelineItems(last: 10, itemTypes: [LABELED_EVENT]) { nodes { ... on LabeledEvent { label { name } } } }
      timelineItems(first: 10, since: $since) { nodes { __typename
        ... on RenamedTitleEvent { previousTitle currentTitle }
        ... on ClosedEvent { stateReason createdAt } } } } } }"""
    answer = tracker.graphql(query, since="2026-11-23T12:01:00Z")["data"]["repository"]["issue"]
    assert answer["comments"]["nodes"] == [{"body": "Acknowledged."}]
    assert answer["labeled"]["nodes"] == [{"label": {"name": "bug"}}, {"label": {"name": "P1"}}]
    assert answer["timelineItems"]["nodes"] == [
        {"__typename": "LabeledEvent"},
        {"__typename": "IssueComment"},
        {
            "__typename": "RenamedTitleEvent",
            "previousTitle": "Wi-Fi profile missing",
            "currentTitle": "Renamed",
        },
        {"__typename": "ClosedEvent", "stateReason": "COMPLETED", "createdAt": "2026-11-23T12:01:00Z"},
    ]


def test_graphql_searches_by_the_same_late_index(tracker: Tracker, issue: Issue) -> None:
    issue.create_comment("meteor")
    query = """{ search(query: "repo:fleetdm/fleet meteor", type: ISSUE, first: 5) {
      issueCount nodes { ... on Issue { number } } } viewer { login } rateLimit { remaining } }"""
    assert tracker.graphql(query)["data"]["search"] == {"issueCount": 0, "nodes": []}
    tracker.later(31)
    answer = tracker.graphql(query)["data"]
    assert answer["search"] == {"issueCount": 1, "nodes": [{"number": 1}]}
    assert answer["viewer"]["login"] == "handbook-flows[bot]"


@pytest.mark.parametrize(
    ("query", "kind", "message"),
    [
        ("issues(first: 101) { totalCount }", "EXCESSIVE_PAGINATION", "Requesting 101 records on the `issues` conn"),
        ("issues { totalCount }", "MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value"),
        ('issues(first: 1, after: "!") { totalCount }', "INVALID_CURSOR_ARGUMENTS", "`!` does not appear to be a val"),
        ("issue(number: 404) { id }", "NOT_FOUND", "Could not resolve to an Issue with the number of 404."),
        ("stars", None, "Cannot query field 'stars' on type 'Repository'"),
    ],
)
def test_graphql_refuses_what_github_refuses(tracker: Tracker, query: str, kind: str | None, message: str) -> None:
    answer = tracker.graphql(f'{{ repository(owner: "fleetdm", name: "fleet") {{ {query} }} }}')
    assert answer["errors"][0].get("type") == kind
    assert answer["errors"][0]["message"].startswith(message)


def test_graphql_hides_private_repositories_and_their_nodes(tracker: Tracker) -> None:
    hidden = tracker.repository("insider", PRIVATE).get_label("customer-pallas").raw_data["node_id"]
    for query in (
        '{ repository(owner: "fleetdm", name: "confidential") { id } }',
        f'{{ node(id: "{hidden}") {{ id }} }}',
    ):
        assert tracker.graphql(query)["errors"][0]["type"] == "NOT_FOUND"
        assert "errors" not in tracker.graphql(query, token="insider")


def mutate(tracker: Tracker, mutation: str, output: str, **said: Any) -> dict[str, Any]:
    return tracker.client().requester.graphql_named_mutation(mutation, said, output)[1]


def test_graphql_changes_an_issue(tracker: Tracker, issue: Issue) -> None:
    node, label = issue.raw_data["node_id"], tracker.repository().get_label("~customer request").raw_data["node_id"]
    person = tracker.client("insider").get_user().raw_data["node_id"]
    labels = "labelable { ... on Issue { labels(first: 5) { nodes { name } } } }"
    added = mutate(tracker, "addLabelsToLabelable", labels, labelableId=node, labelIds=[label])
    assert [each["name"] for each in added["labelable"]["labels"]["nodes"]] == ["bug", "~customer request"]
    mutate(tracker, "removeLabelsFromLabelable", labels, labelableId=node, labelIds=[label])
    assigned = "assignable { ... on Issue { assignees(first: 5) { nodes { login } } } }"
    for name, logins in (("addAssigneesToAssignable", ["ksatter"]), ("removeAssigneesFromAssignable", [])):
        done = mutate(tracker, name, assigned, assignableId=node, assigneeIds=[person])
        assert [each["login"] for each in done["assignable"]["assignees"]["nodes"]] == logins
    body = "commentEdge { node { body url } }"
    said = mutate(tracker, "addComment", body, subjectId=node, body="Acknowledged.")
    assert said["commentEdge"]["node"]["body"] == "Acknowledged."
    state = "issue { state stateReason }"
    closed = mutate(tracker, "closeIssue", state, issueId=node, stateReason="NOT_PLANNED")
    assert closed["issue"] == {"state": "CLOSED", "stateReason": "NOT_PLANNED"}
    assert mutate(tracker, "reopenIssue", state, issueId=node)["issue"]["state"] == "OPEN"
    assert mutate(tracker, "updateIssue", "issue { title }", id=node, title="New")["issue"] == {"title": "New"}
    assert tracker.actions() == [
        *["set labels"] * 2,
        *["set assignees"] * 2,
        "create comment",
        "update issue",
        "update issue",
        "update issue",
    ]


def test_graphql_files_issues_and_keeps_labels(tracker: Tracker) -> None:
    repository = tracker.repository().raw_data["node_id"]
    made = mutate(tracker, "createLabel", "label { id name }", repositoryId=repository, name="P0", color="ff0000")
    label = made["label"]["id"]
    mutate(tracker, "updateLabel", "label { name }", id=label, name="P1")
    issue = "issue { number labels(first: 1) { nodes { name } } }"
    filed = mutate(tracker, "createIssue", issue, repositoryId=repository, title="Down", labelIds=[label])
    assert filed["issue"] == {"number": 1, "labels": {"nodes": [{"name": "P1"}]}}
    mutate(tracker, "deleteLabel", "clientMutationId", id=label)
    assert tracker.actions() == ["create label", "update label", "create issue", "delete label"]


def test_graphql_refuses_writes_as_rest_does(tracker: Tracker) -> None:
    repository = tracker.repository().raw_data["node_id"]
    query = "mutation($input: CreateLabelInput!) { createLabel(input: $input) { label { id } } }"
    said = {"repositoryId": repository, "name": "BUG", "color": "ffffff"}
    assert tracker.graphql(query, input=said)["errors"][0]["message"] == "Name has already been taken"
    assert tracker.graphql(query, "stranger", input=said)["errors"][0]["type"] == "FORBIDDEN"
    assert tracker.actions() == []


# -- links, faults, seeds


def test_every_link_leads_back_to_the_sandbox(tracker: Tracker, issue: Issue) -> None:
    issue.create_comment("Acknowledged.")

    def links(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for name, held in value.items():  # pyright: ignore[reportUnknownVariableType]
                if str(name).endswith("url") and isinstance(held, str):  # pyright: ignore[reportUnknownArgumentType]
                    yield held
                else:
                    yield from links(held)
        elif isinstance(value, list):
            for held in value:  # pyright: ignore[reportUnknownVariableType]
                yield from links(held)

    for path in ("", "/labels", "/issues", "/issues/comments", "/issues/1/timeline"):
        found = list(links(tracker.call("GET", f"/repos/{PUBLIC}{path}").json()))
        assert found
        assert all(link.startswith(tracker.url) for link in found)


def test_links_open_pages_for_people_without_a_token(tracker: Tracker, issue: Issue) -> None:
    comment = issue.create_comment("<b>Acknowledged</b>")
    page = requests.get(comment.html_url, timeout=10).text
    assert "Wi-Fi profile missing" in page
    assert "&lt;b&gt;Acknowledged&lt;/b&gt;" in page
    assert f'id="issuecomment-{comment.id}"' in page
    for path, text in (
        ("", "Wi-Fi profile missing"),
        ("/labels", "~customer request"),
        ("/labels/~customer%20request", "no description"),
        ("/labels/bug", "#1"),
    ):
        answer = requests.get(f"{tracker.url}/{PUBLIC}{path}", timeout=10)
        assert answer.status_code == 200
        assert text in answer.text
    assert "~customer request" not in requests.get(f"{tracker.url}/{PUBLIC}/labels?q=bu", timeout=10).text


def test_somebody_elses_act_bears_no_tokens_name(tracker: Tracker) -> None:
    tracker.world.actor = "somebody else"
    try:
        tracker.repository().create_label("P0", "ff0000")
        assert tracker.world.effects[0].actor == "somebody else"
    finally:
        tracker.world.actor = ""


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("401", 401, "Bad credentials"),
        ("403_retry_after", 403, "You have exceeded a secondary rate limit."),
        ("429", 429, "API rate limit exceeded"),
        ("500_before", 502, "Server Error"),
        ("ok_false", 502, "Server Error"),
        ("vanished", 404, "Not Found"),
    ],
)
def test_faults_are_worded_as_github_words_them(tracker: Tracker, kind: FaultKind, status: int, message: str) -> None:
    answer = tracker.service.refusal(kind, 7)
    assert answer.status_code == status
    assert message in bytes(answer.body).decode()
    assert ("retry-after" in answer.headers) is (kind in {"403_retry_after", "429"})


@pytest.mark.parametrize(
    ("seed", "told"),
    [
        ({"stars": []}, "stars"),
        ({"labels": [{"repository": PUBLIC, "name": "x", "colour": "ffffff"}]}, "colour"),
        ({"labels": [{"repository": "fleetdm/osquery", "name": "x"}]}, 'the repository "fleetdm/osquery"'),
        ({"issues": [{"repository": PUBLIC, "title": "x", "number": 1}] * 2}, "has an issue #1 already"),
        ({"issues": [{"repository": PUBLIC, "title": "x", "comments": [{"by": "y"}]}]}, "by"),
    ],
)
def test_a_seed_with_a_mistake_is_refused(tracker: Tracker, seed: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        tracker.service.load(seed)


def test_seeds_add_to_each_other(tracker: Tracker) -> None:
    tracker.seed_issues({"labels": ["bug"]})
    tracker.service.load(SEED)
    assert [issue.number for issue in tracker.repository().get_issues()] == [1]
    assert tracker.actions() == []


def test_a_seeded_history_is_the_issues_history(tracker: Tracker) -> None:
    events = [
        {"label": "~investigate", "event": "labeled", "at": "2026-11-19T09:00:00Z", "actor": "ksatter"},
        {"label": "~investigate", "event": "unlabeled", "at": "2026-11-20T09:00:00Z", "actor": "rfairburn"},
    ]
    tracker.seed_issues({"label_events": events, "created_at": "2026-11-19T08:00:00Z"})
    issue = tracker.repository().get_issue(1)
    assert [(event.event, event.actor.login) for event in issue.get_events()] == [
        ("labeled", "ksatter"),
        ("unlabeled", "rfairburn"),
    ]
    assert issue.updated_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_the_dump_shows_what_was_done(tracker: Tracker, issue: Issue) -> None:
    issue.create_comment("Acknowledged.")
    public, private = tracker.service.dump()["repositories"]
    assert private["labels"] == [{"name": "customer-pallas", "color": "ededed", "description": "Northwind"}]
    (shown,) = public["issues"]
    assert (shown["labels"], shown["events"][0]["label"]) == (["bug"], "bug")
    assert shown["comments"] == [
        {"user": "handbook-flows[bot]", "body": "Acknowledged.", "created_at": "2026-11-23T12:00:00Z"}
    ]


def test_ten_thousand_issues_are_seeded_and_listed_quickly(tracker: Tracker) -> None:
    began = time.process_time()
    tracker.seed_issues(*({"labels": ["bug"], "body": "text " * 50} for _ in range(10_000)))
    assert time.process_time() - began < 4
    listed = [_timed(tracker, f"/repos/{PUBLIC}/issues?labels=bug&per_page=100&page={page}") for page in range(1, 6)]
    assert min(listed) < 0.15, f"A page of 100 took {min(listed) * 1000:.0f} ms."


def _timed(tracker: Tracker, path: str) -> float:
    began = time.perf_counter()
    assert len(tracker.call("GET", path).json()) == 100
    return time.perf_counter() - began


# -- pull requests


PULL = {"title": "A mend", "labels": ["bug"], "pull_request": True}


def test_a_pull_request_is_an_issue_to_rest_and_fits_githubs_model(tracker: Tracker) -> None:
    tracker.seed_issues(PULL)
    shown = tracker.call("GET", f"/repos/{PUBLIC}/issues/1").json()
    fits(models.Issue, shown)
    assert shown["pull_request"]["html_url"].endswith(f"/{PUBLIC}/pull/1")
    tracker.repository().get_issue(1).remove_from_labels("bug")
    assert tracker.call("GET", f"/repos/{PUBLIC}/issues/1").json()["labels"] == []


def test_graphql_keeps_pull_requests_and_issues_apart(tracker: Tracker) -> None:
    tracker.seed_issues(PULL, {})
    query = """query { repository(owner: "fleetdm", name: "fleet") {
      issues(first: 9) { nodes { number } } pullRequests(first: 9, labels: ["bug"], states: OPEN) { nodes { number } }
      first: issueOrPullRequest(number: 1) { __typename ... on PullRequest { closed url
        timelineItems(last: 9, itemTypes: [LABELED_EVENT]) { nodes { ... on LabeledEvent { label { name } } } } } }
      second: issueOrPullRequest(number: 2) { __typename } } }"""
    answer = tracker.graphql(query)["data"]["repository"]
    assert answer["issues"]["nodes"] == [{"number": 2}]
    assert answer["pullRequests"]["nodes"] == [{"number": 1}]
    assert (answer["first"]["__typename"], answer["second"]["__typename"]) == ("PullRequest", "Issue")
    assert answer["first"]["timelineItems"]["nodes"] == [{"label": {"name": "bug"}}]
    refused = tracker.graphql('query { repository(owner: "fleetdm", name: "fleet") { issue(number: 1) { title } } }')
    assert refused["errors"][0]["type"] == "NOT_FOUND"


def test_search_tells_pull_requests_from_issues(tracker: Tracker) -> None:
    tracker.seed_issues(PULL, {})
    found = [tracker.call("GET", f"/search/issues?q=repo:{PUBLIC}+is:{kind}").json() for kind in ("pr", "issue")]
    assert [each["items"][0]["number"] for each in found] == [1, 2]


# -- GitHub's published models


def test_answers_fit_githubs_published_models(tracker: Tracker, issue: Issue) -> None:
    comment = issue.create_comment("Acknowledged.")
    issue.edit(title="Renamed", state="closed", assignees=["ksatter"])
    issue.remove_from_assignees("ksatter")
    issue.remove_from_labels("bug")
    issue.edit(state="open")
    tracker.repository().create_git_release("fleet-v4.62.0", "Fleet 4.62.0", "Notes.")
    tracker.seed(files=[{"repository": PUBLIC, "path": "docs/positions.yml", "text": "- jobTitle: Engineer"}])
    tracker.later(31)
    repository_id = tracker.repository().id
    for path, model in (
        (f"/repos/{PUBLIC}", models.FullRepository),
        (f"/repos/{PUBLIC}/labels/bug", models.Label),
        (f"/repos/{PUBLIC}/issues/1", models.Issue),
        (f"/repos/{PUBLIC}/issues/comments/{comment.id}", models.IssueComment),
        (f"/repos/{PUBLIC}/releases/latest", models.Release),
        (f"/repos/{PUBLIC}/contents/docs/positions.yml", models.ContentFile),
        (f"/search/issues?q=repo:{PUBLIC}", models.SearchIssuesGetResponse200),
        (f"/search/labels?repository_id={repository_id}&q=bug", models.SearchLabelsGetResponse200),
        ("/orgs/fleetdm", models.OrganizationFull),
        ("/users/ksatter", models.PublicUser),
        ("/rate_limit", models.RateLimitOverview),
    ):
        fits(model, tracker.call("GET", path).json())


def test_events_fit_githubs_published_models(tracker: Tracker, issue: Issue) -> None:
    issue.create_comment("Acknowledged.")
    issue.edit(title="Renamed", state="closed", assignees=["ksatter"], labels=[])
    issue.edit(state="open", assignees=[])
    models_of = {
        "labeled": models.LabeledIssueEvent,
        "unlabeled": models.UnlabeledIssueEvent,
        "assigned": models.AssignedIssueEvent,
        "unassigned": models.UnassignedIssueEvent,
        "closed": models.StateChangeIssueEvent,
        "reopened": models.StateChangeIssueEvent,
        "renamed": models.RenamedIssueEvent,
        "commented": models.TimelineCommentEvent,
    }
    timeline = tracker.call("GET", f"/repos/{PUBLIC}/issues/1/timeline").json()
    assert {entry["event"] for entry in timeline} == set(models_of)
    for entry in timeline:
        fits(models_of[entry["event"]], entry)


def test_lists_and_refusals_fit_githubs_published_models(tracker: Tracker, issue: Issue) -> None:
    fits(list[models.SimpleUser], tracker.call("GET", "/orgs/fleetdm/members").json())
    fits(list[models.Issue], tracker.call("GET", f"/repos/{PUBLIC}/issues").json())
    fits(models.BasicError, tracker.call("GET", "/repos/fleetdm/nothing").json())
    fits(models.ValidationError, tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "bug"}).json())
    token = tracker.call("POST", "/app/installations/5/access_tokens", {"repositories": ["fleet"]}, token=assertion())
    fits(models.InstallationToken, token.json())
