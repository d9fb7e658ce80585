"""Requests to customer success as time goes by: each told of once, and none that holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.support import support_requests as flows
from policies.report import Report
from settings import handbook
from tasks import cases, runs, slack
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios.review_support_requests import ANSWER, request

NOW = "2026-11-23T17:00:00+00:00"
FRIDAY = "2026-11-20T18:00:00+00:00"  # 10 AM: due on Monday at 10, which is 18:00 in UTC
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | PATIENT)
    sandbox.reset(seed(request(12_511, FRIDAY, assignees=["ksatter"])))
    return sandbox


def seed(*issues: dict[str, Any]) -> dict[str, Any]:
    return {"github": {"issues": list(issues)}}


def review(at: str = NOW) -> int:
    with runs.acting(runs.Run("run 1", flows.REVIEW, "schedule", datetime.fromisoformat(at))):
        return asyncio.run(flows.review_support_requests.fn())


def triage(*issues: str, at: str = NOW) -> int:
    with runs.acting(runs.Run("run 1", flows.TRIAGE, "inbox", datetime.fromisoformat(at))):
        return asyncio.run(flows.triage_support_request.fn(list(issues)))


def posted(world: Sandbox) -> list[str]:
    return [effect["detail"]["text"] for effect in world.effects() if effect["service"] == "slack"]


def edit(world: Sandbox, number: int, **changes: Any) -> None:
    url = f"{world.url}/github/repos/fleetdm/confidential/issues/{number}"
    headers = {"Authorization": "Bearer sandbox-github-confidential"}
    assert requests.patch(url, json=changes, headers=headers, timeout=10).ok


def test_a_request_that_is_edited_and_handed_to_somebody_else_is_not_told_of_again(world: Sandbox) -> None:
    triage("fleetdm/confidential#12511")
    review()
    assert len(posted(world)) == 2
    edit(world, 12_511, title="Urgent: they are down", assignees=["ddribeiro"])
    review()
    triage("fleetdm/confidential#12511")
    assert len(posted(world)) == 2


def test_what_an_earlier_version_has_announced_is_not_announced_again(world: Sandbox) -> None:
    once, shown = f"{flows.TRIAGE}/fleetdm/confidential#12511/announcement", Report("New request", ["As it was."])
    with runs.acting(runs.Run("run 0", flows.TRIAGE, "inbox", datetime.fromisoformat(FRIDAY))):
        asyncio.run(slack.post(handbook().customer_success_channel.id, shown, once=once))
    triage("fleetdm/confidential#12511")
    assert len(posted(world)) == 1


def test_a_request_that_can_not_be_told_of_holds_up_no_other_and_is_named(world: Sandbox) -> None:
    world.reset(seed(request(12_511, NOW), request(12_512, NOW)))
    world.fault(kind="401", service="slack", path=r"chat\.postMessage")
    with pytest.raises(cases.Unsettled, match=r"1 are not settled.*\n.*1251"):
        review()
    assert len(posted(world)) == 1
    review()
    assert len(posted(world)) == 2


def test_what_is_answered_already_when_it_gets_the_label_is_not_announced(world: Sandbox) -> None:
    world.reset(seed(request(12_513, "2026-11-20T17:00:00+00:00", comments=[ANSWER])))
    assert triage("fleetdm/confidential#12513") == 0
    assert posted(world) == []


def test_an_old_issue_that_gets_the_label_is_announced_with_the_year_in_which_it_was_due(world: Sandbox) -> None:
    world.reset(seed(request(12_514, "2025-11-20T18:00:00+00:00")))
    triage("fleetdm/confidential#12514")
    (told,) = posted(world)
    assert "New" not in told
    assert "overdue since Friday, November 21, 2025, 10:00 AM Pacific Time" in told


def test_where_the_handbook_lacks_who_is_to_be_mentioned_the_message_says_what_to_fill_in(
    world: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(added.replace('slack = "U0SANDBOX09"', 'slack = ""'), encoding="utf-8")
    variables = environment(world.url, sqlite_url, NOW) | PATIENT
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})
    world.reset(seed(request(12_511, FRIDAY, assignees=["ksatter"], title="Urgent: they are down")))
    review()
    announced, reminded = posted(world)
    assert "fill in people.ksatter.slack in handbook.toml" in announced
    assert "fill in people.ksatter.slack in handbook.toml" in reminded
