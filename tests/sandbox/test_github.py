"""GitHub's stand-in, as PyGithub, a strict caller and an independent model of GitHub's answers see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from github import Auth, BadCredentialsException, Github, GithubException, UnknownObjectException
from github.Repository import Repository
from githubkit.versions.latest import models

from tests.conftest import Sandbox

PUBLIC, CONFIDENTIAL = "sandbox-github-public", "sandbox-github-confidential"


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.reset(
        {
            "github": {
                "labels": [
                    {"repository": "fleetdm/fleet", "name": "customer-juno"},
                    {"repository": "fleetdm/fleet", "name": "+more info please", "color": "C2E0C6"},
                ],
                "issues": [
                    {
                        "repository": "fleetdm/fleet",
                        "number": 7,
                        "title": "Hosts go missing",
                        "body": "since Monday",
                        "labels": ["bug", "customer-juno"],
                        "created_at": "2026-11-01T10:00:00Z",
                        "comments": [{"user": "ksatter", "body": "Looking.", "created_at": "2026-11-02T10:00:00Z"}],
                    }
                ],
                "releases": [
                    {
                        "repository": "fleetdm/fleet",
                        "tag_name": "fleet-v4.76.0",
                        "name": "fleet-v4.76.0",
                        "body": "Notes",
                        "published_at": "2026-11-10T10:00:00Z",
                    }
                ],
            }
        }
    )
    return sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Github]:
    made = Github(auth=Auth.Token(PUBLIC), base_url=f"{sandbox.url}/github", retry=0, seconds_between_writes=None)
    yield made
    made.close()


@pytest.fixture
def fleet(client: Github) -> Repository:
    return client.get_repo("fleetdm/fleet")


def ask(world: Sandbox, path: str, method: str = "GET", token: str = PUBLIC, **arguments: Any) -> requests.Response:
    headers = {"Authorization": f"token {token}"}
    return requests.request(method, f"{world.url}/github{path}", headers=headers, timeout=10, **arguments)


def test_an_unknown_token_is_refused_in_githubs_words(sandbox: Sandbox) -> None:
    stranger = Github(auth=Auth.Token("nobody"), base_url=f"{sandbox.url}/github", retry=0)
    with pytest.raises(BadCredentialsException):
        stranger.get_repo("fleetdm/fleet")


def test_a_token_sees_no_private_repository_that_is_not_its_own(client: Github, fleet: Repository) -> None:
    assert fleet.private is False
    with pytest.raises(UnknownObjectException):
        client.get_repo("fleetdm/confidential")


def test_a_token_writes_only_to_its_own_repository(world: Sandbox) -> None:
    answer = ask(world, "/repos/fleetdm/fleet/labels", "POST", CONFIDENTIAL, json={"name": "x", "color": "ffffff"})
    assert (answer.status_code, world.effects()) == (403, [])


def test_a_label_is_created_once_whatever_its_capitals(fleet: Repository, world: Sandbox) -> None:
    fleet.create_label("customer-hebe", "5319e7", "A codename.")
    with pytest.raises(GithubException) as refused:
        fleet.create_label("Customer-HEBE", "5319e7")
    assert refused.value.status == 422
    assert refused.value.data["errors"] == [{"resource": "Label", "code": "already_exists", "field": "name"}]
    (effect,) = world.effects()
    assert (effect["action"], effect["target"], effect["public"]) == (
        "create label",
        "fleetdm/fleet customer-hebe",
        True,
    )


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ({"name": "x", "color": "ffffff", "description": "d" * 101}, "description"),
        ({"name": "n" * 51, "color": "ffffff"}, "name"),
        ({"name": "x", "color": "#ffffff"}, "color"),
        ({"color": "ffffff"}, "name"),
        ({"name": "x", "color": "ffffff", "colour": "red"}, "colour"),
    ],
    ids=["description over 100", "name over 50", "colour with #", "no name", "an unknown field"],
)
def test_a_label_that_github_refuses_is_refused(world: Sandbox, label: dict[str, str], field: str) -> None:
    answer = ask(world, "/repos/fleetdm/fleet/labels", "POST", json=label)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert world.effects() == []


def test_a_renamed_label_stays_on_its_issues_and_a_rename_to_the_same_is_no_effect(
    fleet: Repository, world: Sandbox
) -> None:
    label = fleet.get_label("customer-juno")
    label.edit("customer-hebe", label.color, "")
    assert "customer-hebe" in [each.name for each in fleet.get_issue(7).labels]
    fleet.get_label("customer-hebe").edit("customer-hebe", label.color, "")
    assert len(world.effects()) == 1


def test_labels_with_signs_are_found_and_removed_and_a_second_removal_is_404(fleet: Repository, world: Sandbox) -> None:
    issue = fleet.get_issue(7)
    issue.add_to_labels("+more info please", ":brand new")
    assert fleet.get_label(":brand new").color == "ededed", "GitHub makes a label that nobody has."
    issue.remove_from_labels("+more info please")
    with pytest.raises(GithubException) as refused:
        issue.remove_from_labels("+more info please")
    assert refused.value.status == 404
    issue.set_labels("bug")
    assert [each.name for each in issue.get_labels()] == ["bug"]
    events = [event.event for event in issue.get_events()]
    assert events.count("labeled") == 4
    assert events.count("unlabeled") == 3


def test_an_issue_lives_from_creation_to_closing(fleet: Repository, world: Sandbox) -> None:
    issue = fleet.create_issue("Slow query", body="Very.", labels=["bug"], assignees=["ksatter"])
    comment = issue.create_comment("On it.")
    comment.edit("Done.")
    issue.add_to_assignees("edwardsb")
    issue.edit(state="closed")
    assert [each.login for each in issue.assignees] == ["ksatter", "edwardsb"]
    assert fleet.get_issue(issue.number).state == "closed"
    assert [each.event for each in issue.get_timeline()] == [
        "labeled",
        "assigned",
        "commented",
        "assigned",
        "closed",
    ] or {"commented", "closed"} <= {each.event for each in issue.get_timeline()}
    actions = [effect["action"] for effect in world.effects()]
    assert actions == ["create issue", "create comment", "update comment", "set assignees", "update issue"]


def test_issues_are_listed_by_label_state_and_time(fleet: Repository) -> None:
    assert [each.number for each in fleet.get_issues(labels=["bug", "customer-juno"])] == [7]
    assert list(fleet.get_issues(state="closed")) == []
    assert list(fleet.get_issues(since=datetime(2026, 11, 5, tzinfo=UTC))) == []
    assert [each.body for each in fleet.get_issues_comments(since=datetime(2026, 11, 2, tzinfo=UTC))] == ["Looking."]


def test_long_lists_come_in_pages_of_at_most_100(world: Sandbox, client: Github) -> None:
    issues = [{"repository": "fleetdm/fleet", "title": f"Issue {number}"} for number in range(250)]
    world.reset({"github": {"issues": issues}})
    assert len(list(client.get_repo("fleetdm/fleet").get_issues())) == 250
    first = ask(world, "/repos/fleetdm/fleet/issues?per_page=500")
    assert len(first.json()) == 100
    assert 'rel="next"' in first.headers["Link"]


def test_search_lags_behind_what_has_just_been_written(client: Github, fleet: Repository, world: Sandbox) -> None:
    fleet.create_issue("Tripled dashboards")
    query = 'repo:fleetdm/fleet is:issue is:open "tripled dashboards"'
    assert client.search_issues(query).totalCount == 0
    world.advance(60)
    assert [each.title for each in client.search_issues(query)] == ["Tripled dashboards"]
    assert [each.number for each in client.search_issues("is:open label:bug label:customer-juno")] == [7]


def test_releases_are_found_latest_first_and_a_tag_is_taken_once(fleet: Repository) -> None:
    fleet.create_git_release("fleet-v4.77.0", "fleet-v4.77.0", "More")
    assert fleet.get_latest_release().tag_name == "fleet-v4.77.0"
    with pytest.raises(GithubException) as refused:
        fleet.create_git_release("fleet-v4.76.0", "again", "")
    assert refused.value.status == 422


def test_members_of_the_organisation_are_told_from_others(world: Sandbox) -> None:
    assert ask(world, "/orgs/fleetdm/members/ksatter").status_code == 204
    assert ask(world, "/orgs/fleetdm/members/stranger").status_code == 404


QUERY = """
query($labels: [String!]) {
  repository(owner: "fleetdm", name: "fleet") {
    issues(first: 100, labels: $labels, states: [OPEN]) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id number title
        labels(first: 20) { nodes { id name } }
        assignees(first: 5) { nodes { login } }
        comments(last: 1) { nodes { author { login } createdAt } }
        timelineItems(first: 50, itemTypes: [LABELED_EVENT]) {
          nodes { ... on LabeledEvent { createdAt label { name } } }
        }
      }
    }
  }
}
"""


def graphql(client: Github, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    _, answer = client.requester.graphql_query(query, variables)
    return answer["data"]


def test_graphql_gives_issues_with_labels_events_and_comments_in_one_call(client: Github, world: Sandbox) -> None:
    before = len(world.calls())
    issues = graphql(client, QUERY, {"labels": ["bug"]})["repository"]["issues"]
    assert len(world.calls()) - before == 1
    (issue,) = issues["nodes"]
    assert issue["comments"]["nodes"][0]["author"] == {"login": "ksatter"}
    assert [each["label"]["name"] for each in issue["timelineItems"]["nodes"]] == ["bug", "customer-juno"]


def test_graphql_writes_like_rest_does(client: Github, world: Sandbox) -> None:
    (issue,) = graphql(client, QUERY, {"labels": ["bug"]})["repository"]["issues"]["nodes"]
    mutation = """
    mutation($issue: ID!, $label: ID!) {
      addComment(input: {subjectId: $issue, body: "Hello"}) { commentEdge { node { body } } }
      removeLabelsFromLabelable(input: {labelableId: $issue, labelIds: [$label]}) { clientMutationId }
      closeIssue(input: {issueId: $issue}) { issue { state } }
    }"""
    label = issue["labels"]["nodes"][0]["id"]
    answer = graphql(client, mutation, {"issue": issue["id"], "label": label})
    assert answer["closeIssue"]["issue"]["state"] == "CLOSED"
    assert [effect["action"] for effect in world.effects()] == ["create comment", "set labels", "update issue"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('{ repository(owner: "fleetdm", name: "fleet") { issues(first: 101) { totalCount } } }', "limit of 100"),
        ('{ repository(owner: "fleetdm", name: "confidential") { id } }', "Could not resolve to a Repository"),
        ("{ viewer { shoeSize } }", "Cannot query field"),
    ],
    ids=["more than 100", "a repository the token may not see", "an unknown field"],
)
def test_graphql_refuses_what_github_refuses(world: Sandbox, query: str, said: str) -> None:
    answer = ask(world, "/graphql", "POST", json={"query": query}).json()
    assert said in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/repos/fleetdm/fleet/labels/customer-juno", models.Label),
        ("/repos/fleetdm/fleet/issues/comments/{comment}", models.IssueComment),
        ("/repos/fleetdm/fleet/releases/latest", models.Release),
        ("/repos/fleetdm/fleet/issues/7", models.Issue),
    ],
    ids=["label", "comment", "release", "issue"],
)
def test_answers_fit_githubs_published_schema(world: Sandbox, path: str, model: Any) -> None:
    comment = ask(world, "/repos/fleetdm/fleet/issues/7/comments").json()[0]["id"]
    answer = ask(world, path.format(comment=comment))
    assert answer.status_code == 200
    model.model_validate(answer.json())


def test_links_lead_to_pages_that_need_no_token(world: Sandbox) -> None:
    issue = ask(world, "/repos/fleetdm/fleet/issues/7").json()
    assert "Hosts go missing" in requests.get(issue["html_url"], timeout=10).text
    label = requests.get(f"{world.url}/github/fleetdm/fleet/labels/customer-juno", timeout=10)
    assert "Anybody can read this" in label.text


def test_ten_thousand_issues_are_listed_a_hundred_at_a_time_quickly(world: Sandbox) -> None:
    issues = [
        {"repository": "fleetdm/fleet", "title": f"Issue {number}", "labels": ["bug"]} for number in range(10_000)
    ]
    world.reset({"github": {"issues": issues}})
    began = datetime.now(UTC)
    assert len(ask(world, "/repos/fleetdm/fleet/issues?per_page=100&page=50").json()) == 100
    assert datetime.now(UTC) - began < timedelta(seconds=2)
