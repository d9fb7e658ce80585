"""Issues through our client: filed, commented on, labelled once each, and changed 20 a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.confidentiality import Confidential, KnownNames, Leak, declassify
from policies.issue import AddComment, AddLabels, Change, Issue, RemoveLabels, marker
from tasks import github, known_names, runs
from tasks.effects import EffectError, EffectRefused, Made
from tests.conftest import Sandbox, environment

NOBODY = KnownNames([])
PUBLIC, PRIVATE = "fleetdm/fleet", "fleetdm/confidential"
BUG = {"repository": PUBLIC, "title": "Wi-Fi profile missing", "user": "octocat", "labels": ["bug", "~investigate"]}


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    known_names.known_names.cache_clear()
    return sandbox


def seeded(sandbox: Sandbox, bugs: int) -> list[Issue]:
    sandbox.reset({"github": {"issues": [{**BUG, "number": 20_000 + at} for at in range(bugs)]}})
    return list(github.fleet.open_issues(["~investigate"]))


def acting() -> Any:
    return runs.acting(runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC)))


def effects(sandbox: Sandbox) -> list[str]:
    return [each["action"] for each in sandbox.effects()]


def file_issue() -> Made:
    text = declassify("It fails.", NOBODY)
    return github.fleet.create_issue(declassify("A bug", NOBODY), text, ["bug"], once="k", assignees=["ksatter"])


def file_confidential_issue() -> Made:
    return github.confidential.create_issue(Confidential("A ritual"), Confidential("Do it."), ["#g-cx"], once="k")


def comment() -> Made:
    return github.fleet.comment(20_000, declassify("We have seen this.", NOBODY), once="k")


def label() -> Made:
    return github.fleet.add_labels(20_000, [":product"], once="k")


WRITES = [file_issue, file_confidential_issue, comment, label]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "500_after", "malformed", "reset_after"])
def test_a_write_whose_answer_is_lost_is_found_again(sandbox: Sandbox, write: Callable[[], Made], kind: str) -> None:
    seeded(sandbox, 1)
    sandbox.fault(service="github", method="POST", kind=kind)
    with acting():
        made = write()
        again = write()
    assert (again.id, again.url) == (made.id, made.url)
    assert len([each for each in effects(sandbox) if each != "create label"]) == 1


def test_a_filed_issue_is_known_by_its_number_and_address(sandbox: Sandbox) -> None:
    seeded(sandbox, 0)
    with acting():
        made = file_issue()
    found = github.fleet.issue(int(made.id))
    assert found
    assert made.url.endswith(f"/github/{PUBLIC}/issues/{made.id}")
    assert marker("k") in found.body.reveal()
    assert (list(found.labels), found.assignees) == (["bug"], ["ksatter"])


def test_several_searches_and_the_newest_issues_take_one_call(sandbox: Sandbox) -> None:
    others = [{**BUG, "number": 30_000, "labels": ["story"]}, {**BUG, "number": 30_001, "labels": ["customer-hebe"]}]
    sandbox.reset({"github": {"issues": [*({**BUG, "number": 20_000 + at} for at in range(3)), *others]}})
    searches = {"title": "Wi-Fi", "error text": "x509", "steps": "missing"}
    found, newest = github.fleet.look_for(searches, ["bug", "customer-hebe"], most=2)
    assert {source: [each.number for each in several] for source, several in found.items()} == {
        "title": [20_002, 20_001],
        "error text": [],
        "steps": [20_002, 20_001],
    }
    assert {each.number for each in newest} == {20_000, 20_001, 20_002, 30_001}
    assert [call["path"].partition("?")[0] for call in sandbox.calls()] == ["/graphql"]


def test_the_newest_issues_are_there_while_the_search_does_not_know_them_yet(sandbox: Sandbox) -> None:
    seeded(sandbox, 0)
    with acting():
        made = file_issue()
    found, newest = github.fleet.look_for({"title": "bug"}, ["bug"])
    assert found == {"title": []}
    assert [str(each.number) for each in newest] == [made.id]
    assert github.fleet.look_for({}, ["bug"])[0] == {}


def test_a_repository_says_whether_it_has_a_label(sandbox: Sandbox) -> None:
    sandbox.reset({"github": {"labels": [{"repository": PUBLIC, "name": "customer-hebe"}]}})
    assert github.fleet.has_label("customer-hebe")
    assert not github.confidential.has_label("customer-hebe")


# -- many at once


def acknowledged(bugs: Sequence[Issue]) -> list[Change]:
    return [AddComment(each, declassify("Acknowledged.", NOBODY), f"{each.number}/ack") for each in bugs]


def test_forty_five_changes_take_three_calls_and_none_the_second_time(sandbox: Sandbox) -> None:
    bugs = seeded(sandbox, 45)
    with acting():
        first = github.fleet.change_together(acknowledged(bugs))
        assert len(mutations(sandbox)) == 3
        second = github.fleet.change_together(acknowledged(bugs))
    assert len(mutations(sandbox)) == 3
    assert first == second
    assert effects(sandbox) == ["create comment"] * 45


def mutations(sandbox: Sandbox) -> list[Mapping[str, Any]]:
    """Gives the calls that changed something."""
    return [each for each in sandbox.calls() if each["path"].endswith("/graphql") and each["effects"]]


def test_labels_are_added_and_removed_together_in_their_order(sandbox: Sandbox) -> None:
    bugs = seeded(sandbox, 2)
    changes: list[Change] = []
    for bug in bugs:
        changes += [
            AddLabels(bug, ["bug", "~investigate"], f"{bug.number}/add"),
            RemoveLabels(bug, ["~investigate"], f"{bug.number}/remove"),
        ]
    with acting():
        outcomes = github.fleet.change_together(changes)
    assert all(isinstance(each, Made) for each in outcomes), outcomes
    assert {tuple(found.labels) for bug in bugs if (found := github.fleet.issue(bug.number))} == {("bug",)}


def test_a_change_that_is_refused_does_not_hold_up_the_others(sandbox: Sandbox) -> None:
    bugs = seeded(sandbox, 3)
    changes: list[Change] = [AddLabels(bugs[0], [":no-such-label"], "0"), *acknowledged(bugs[1:])]
    with acting():
        refused, *others = github.fleet.change_together(changes)
    assert isinstance(refused, EffectRefused)
    assert "has no label :no-such-label" in str(refused)
    assert all(isinstance(each, Made) for each in others)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "500_after", "malformed", "reset_after"])
def test_a_call_whose_answer_is_lost_doubles_nothing(sandbox: Sandbox, kind: str) -> None:
    bugs = seeded(sandbox, 25)
    sandbox.fault(service="github", method="POST", path=".*graphql.*", kind=kind)
    with acting():
        outcomes = github.fleet.change_together(acknowledged(bugs))
        assert not [each for each in outcomes if isinstance(each, EffectError)]
    assert effects(sandbox) == ["create comment"] * 25


def test_a_dry_run_says_what_would_be_done(sandbox: Sandbox) -> None:
    bugs = seeded(sandbox, 2)
    run = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC), dry_run=True)
    with runs.acting(run):
        github.fleet.change_together(acknowledged(bugs))
    assert [each.outcome for each in run.outcomes] == ["would be done"] * 2
    assert effects(sandbox) == []


def test_a_name_in_one_of_many_changes_stops_the_call(sandbox: Sandbox) -> None:
    sandbox.reset(
        {
            "github": {
                "issues": [{**BUG, "number": 20_000}],
                "labels": [
                    {"repository": PRIVATE, "name": "customer-hebe", "description": "Quillfeather Logistics"},
                ],
            }
        }
    )
    (bug,) = github.fleet.open_issues(["~investigate"])
    with acting():
        (outcome,) = github.fleet.change_together(
            [AddComment(bug, declassify("Seen at Quillfeather Logistics.", NOBODY), "k")]
        )
    assert isinstance(outcome, EffectRefused)
    assert effects(sandbox) == []
    assert Leak.__name__ not in str(outcome)
