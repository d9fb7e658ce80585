"""The daily review of waiting labels: what the scenario doesn't show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest

from flows.support import waiting_labels as flows
from tasks import cases, github, runs
from tests.conftest import Sandbox, environment
from tests.scenarios import clear_waiting_labels as clearing

Use = Callable[[Mapping[str, str]], None]


def a_run(procedure: str) -> runs.Run:
    return runs.Run("run 1", procedure, "schedule", datetime.fromisoformat(clearing.SCENARIO.now))


def test_a_label_that_can_not_be_removed_holds_up_no_other_and_is_named(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    now = clearing.SCENARIO.now
    use_settings(environment(sandbox.url, sqlite_url, now))
    comments = [{**each, "id": each.get("id", 0) + 1} for each in clearing.ISSUE["comments"]]
    second = {**clearing.ISSUE, "number": 41_002, "comments": comments}
    sandbox.reset(clearing.SEED, {"github": {"issues": [second]}})
    sandbox.fault(kind="401", service="github", method="DELETE", path="issues/41001/labels")
    with runs.acting(a_run(flows.REVIEW)), pytest.raises(cases.Unsettled, match="41001"):
        asyncio.run(flows.review_waiting_labels.fn())
    assert [each["target"] for each in sandbox.effects()] == ["fleetdm/fleet #41002"]


PULL_REQUEST = {**clearing.ISSUE, "pull_request": True}


def world_with_a_pull_request(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    use_settings(environment(sandbox.url, sqlite_url, clearing.SCENARIO.now))
    sandbox.reset({"github": {**clearing.SEED["github"], "issues": [PULL_REQUEST]}})


def test_a_comment_on_a_pull_request_clears_its_waiting_label_too(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    world_with_a_pull_request(sandbox, sqlite_url, use_settings)
    with runs.acting(a_run(flows.CLEAR)):
        assert asyncio.run(flows.clear_waiting_labels.fn([f"fleetdm/fleet#41001/{clearing.COMMENT}"])) == 1
    assert clearing.SCENARIO.unmet(sandbox.effects()) == []


def test_the_review_finds_waiting_labels_of_pull_requests_and_looks_for_them_when_an_answer_was_lost(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    world_with_a_pull_request(sandbox, sqlite_url, use_settings)
    sandbox.fault(kind="500_before", service="github", method="DELETE", path="issues/41001/labels")
    with runs.acting(a_run(flows.REVIEW)):
        assert asyncio.run(flows.review_waiting_labels.fn()) == 1
    assert clearing.SCENARIO.unmet(sandbox.effects()) == []


def test_a_pull_request_is_no_issue_to_any_other_procedure(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    world_with_a_pull_request(sandbox, sqlite_url, use_settings)
    assert github.fleet.issue(41_001) is None
    assert list(github.fleet.open_issues(None)) == []
