"""Rituals from their file to their issues: once a cycle, whoever made it, and nothing from a file with a mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
import requests

from flows.team import rituals as flows
from policies.customer import Refused
from tasks import cases, runs
from tests.conftest import Sandbox, environment
from tests.scenarios.create_ritual_issues import FILE, TEXT

MONDAY, WEDNESDAY = "2026-11-23T14:00:00+00:00", "2026-11-25T14:00:00+00:00"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, MONDAY) | PATIENT)
    seed(sandbox)
    return sandbox


def seed(sandbox: Sandbox, text: str = TEXT, **more: Any) -> None:
    sandbox.reset({"github": {"files": [{"repository": "fleetdm/fleet", "path": FILE, "text": text}], **more}})


def create(at: str = MONDAY, *, dry_run: bool = False) -> int:
    with runs.acting(runs.Run("run 1", flows.CREATE, "a test", datetime.fromisoformat(at), dry_run=dry_run)):
        return asyncio.run(flows.create_ritual_issues.fn(dry_run=dry_run))


def test_a_second_run_makes_no_second_issue_and_the_next_day_none(sandbox: Sandbox) -> None:
    assert [create(), create(), create("2026-11-24T14:00:00+00:00")] == [1, 1, 0]
    (made,) = sandbox.effects()
    assert made["target"].startswith("fleetdm/confidential #")
    assert made["detail"]["assignees"] == ["zayhanlon"]


def test_a_cycle_that_came_round_while_nothing_ran_is_made_up_for(sandbox: Sandbox) -> None:
    assert create("2026-11-20T14:00:00+00:00") == 0
    assert create(WEDNESDAY) == 1
    assert len(sandbox.effects()) == 1


def test_an_issue_that_somebody_made_by_hand_is_left_alone(sandbox: Sandbox) -> None:
    by_hand = {
        "repository": "fleetdm/confidential",
        "title": "Prioritize for next sprint",
        "labels": [":help-customers"],
        "created_at": "2026-11-23T13:00:00+00:00",
    }
    seed(sandbox, issues=[by_hand])
    assert create() == 0
    assert sandbox.effects() == []


SECOND = (
    TEXT
    + """
- task: "Greet the team"
  startedOn: "2026-11-23"
  frequency: "Triweekly"
  description: "Say hello."
  dri: "zayhanlon"
  autoIssue:
    labels: [ ":help-customers" ]
    repo: "confidential"
"""
)


def test_a_ritual_that_fails_holds_up_no_other_and_is_made_up_for(sandbox: Sandbox) -> None:
    seed(sandbox, SECOND)
    sandbox.fault(kind="401", service="github", method="POST", path="/issues")
    with pytest.raises(cases.Unsettled, match=r"1 are not settled.*\n.*Prioritize for next sprint"):
        create()
    assert [each["detail"]["title"] for each in sandbox.effects()] == ["Greet the team"]
    assert create("2026-11-24T14:00:00+00:00") == 1
    assert create(WEDNESDAY) == 0
    assert len(sandbox.effects()) == 2


def test_a_cycle_whose_issue_is_made_stays_made_when_its_description_is_edited(sandbox: Sandbox) -> None:
    create()
    file = {"repository": "fleetdm/fleet", "path": FILE, "text": TEXT.replace("description: ", "description: Now ")}
    assert requests.post(f"{sandbox.url}/_sandbox/seed", json={"github": {"files": [file]}}, timeout=10).ok
    assert create() == 1
    assert len(sandbox.effects()) == 1


def test_a_dry_run_makes_nothing_and_does_not_count_as_a_look(sandbox: Sandbox) -> None:
    create(dry_run=True)
    assert sandbox.effects() == []
    assert create() == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (TEXT.replace("frequency: Triweekly", "frequency: Fortnightly", 1), f"{FILE}:3: frequency"),
        (TEXT.replace('[":help-customers"]', '[":no-such-label"]'), f'{FILE}:8: ":no-such-label" is no label'),
        (TEXT.replace("dri: rfairburn", "dri: somebody"), '"somebody" is nobody in the organisation'),
        (TEXT + "- task: [", "It can't be read"),
        ("task: one", "It is no list of rituals"),
    ],
)
def test_nothing_is_made_from_a_file_with_a_mistake(sandbox: Sandbox, wrong: str, told: str) -> None:
    seed(sandbox, wrong)
    with pytest.raises(Refused) as refused:
        create()
    assert told in str(refused.value)
    assert sandbox.effects() == []
