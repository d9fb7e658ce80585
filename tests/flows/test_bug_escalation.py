"""Escalated bugs from the first stand-up to the last: who said what, what a second run does, how few calls it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from flows.support import bug_escalation as flows
from policies.confidentiality import Leak
from policies.customer import Refused
from tasks import cases, github, known_names, runs
from tests.conftest import Sandbox, environment
from tests.scenarios.review_escalated_bugs import TODAY, YESTERDAY, bug

STAND_UP = "2026-11-24T16:30:00+00:00"
NEXT_DAY = "2026-11-25T16:30:00+00:00"
CSE, CSM = "U0SANDBOX09", "U0SANDBOX14"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, STAND_UP) | PATIENT)
    known_names.known_names.cache_clear()
    return sandbox


def seed(sandbox: Sandbox, *bugs: Mapping[str, Any], **more: Any) -> None:
    sandbox.reset({"github": {"issues": list(bugs), **more}})
    sandbox.set_clock(STAND_UP)


def a_run(procedure: str, at: str, number: int, *, dry_run: bool = False) -> runs.Run:
    return runs.Run(f"run {number}", procedure, "a person", datetime.fromisoformat(at), dry_run=dry_run)


def review(at: str = STAND_UP, *, dry_run: bool = False) -> int:
    with runs.acting(a_run(flows.REVIEW, at, 1, dry_run=dry_run)):
        return asyncio.run(flows.review_escalated_bugs.fn(dry_run=dry_run))


def record(outcome: Any, *, number: int = 1, press: str = "", details: str = "") -> None:
    with runs.acting(a_run(flows.RECORD, STAND_UP, number)):
        asyncio.run(flows.record_reproduction.fn("42001", outcome, details, press))


def press_of(sandbox: Sandbox, outcome: str, user: str, at: str = "1790000001.000100") -> str:
    (asked,) = [each for each in github.fleet.open_issues(["~investigate"]) if each.number == 42_001]
    since = asked.labels["~investigate"]
    assert since
    return f"{asked.key}@{int(since.timestamp())}/{outcome}/{user}/{at}"


def labels(number: int = 42_001) -> set[str]:
    found = github.fleet.issue(number)
    assert found
    return set(found.labels)


def said(sandbox: Sandbox, action: str) -> list[str]:
    return [str(each["detail"]) for each in sandbox.effects() if each["action"] == action]


def test_a_bug_that_was_reproduced_goes_to_the_drafting_board_with_its_details(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("reproduced", details="Restart orbit twice; @someone has the logs.")
    review(NEXT_DAY)
    assert labels() == {"bug", ":help-customers", ":product"}
    (acknowledged, details) = said(sandbox, "create comment")
    assert "Acknowledged by @ddribeiro" in acknowledged
    assert "We have reproduced it" in details
    assert "Restart orbit twice" in details


def test_what_was_recorded_last_counts_and_the_question_shows_it(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("not reproduced", press=press_of(sandbox, "not reproduced", CSE))
    record("reproduced", number=2, press=press_of(sandbox, "reproduced", CSE, "1790000002.000100"))
    shown = said(sandbox, "update message")
    assert len(shown) == 2
    assert "Not reproduced." in shown[0]
    assert f"<@{CSE}>" in shown[1]
    review(NEXT_DAY)
    assert ":product" in labels()


def test_who_is_not_of_the_support_team_reads_so_alone_and_nothing_is_recorded(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("reproduced", press=press_of(sandbox, "reproduced", CSM))
    assert len(said(sandbox, "post ephemeral")) == 1
    review(NEXT_DAY)
    assert {":incoming", ":reproduce"} <= labels()


def test_a_customers_name_in_the_details_is_refused_before_anything_is_recorded(sandbox: Sandbox) -> None:
    named = {"repository": "fleetdm/confidential", "name": "customer-hebe", "description": "Quillfeather Logistics"}
    seed(sandbox, bug(42_001, TODAY), labels=[named])
    with pytest.raises(Leak):
        record("reproduced", details="Seen at Quillfeather Logistics.")
    review(NEXT_DAY)
    assert ":product" not in labels()


def test_a_second_review_on_the_same_day_changes_nothing(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY), bug(42_002, YESTERDAY))
    review()
    once = sandbox.effects()
    record("reproduced")
    before = len(sandbox.effects())
    review()
    assert len(sandbox.effects()) == before
    assert len(once) == 7


def test_a_bug_added_again_is_acknowledged_and_asked_about_again(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY))
    review()
    assert "~investigate" not in labels()
    with runs.acting(a_run(flows.ESCALATE, "2026-11-24T18:00:00+00:00", 2)):
        asyncio.run(flows.escalate_customer_bug.fn("42001"))
    assert "~investigate" in labels()
    review(NEXT_DAY)
    assert "~investigate" not in labels()
    assert [text.count("Acknowledged by") for text in said(sandbox, "create comment")] == [1, 0, 1, 0]


def test_on_a_holiday_there_is_no_stand_up(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY))
    assert review("2026-11-26T16:30:00+00:00") == 0
    assert sandbox.effects() == []


def test_an_empty_stand_up_posts_nothing(sandbox: Sandbox) -> None:
    seed(sandbox)
    assert review() == 0
    assert sandbox.effects() == []


def test_a_dry_run_says_what_it_would_do_and_binds_nobody(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY))
    review(dry_run=True)
    assert sandbox.effects() == []
    record("reproduced")
    review()
    assert ":product" in labels()


def test_a_bug_whose_labels_can_not_be_changed_holds_up_no_other_and_stays_for_the_next_run(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY), bug(42_002, YESTERDAY))
    sandbox.fault(service="github", method="POST", path="graphql", kind="vanished", skip=4)
    try:
        review()
    except cases.Unsettled:
        sandbox.no_more_faults()
        review()
    assert all({":incoming", ":reproduce"} <= labels(number) for number in (42_001, 42_002))
    assert all("~investigate" not in labels(number) for number in (42_001, 42_002))


def test_everything_wrong_is_refused_before_any_effect(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY, state="closed", labels=["story"]))
    with runs.acting(a_run(flows.ESCALATE, STAND_UP, 1)), pytest.raises(Refused) as refused:
        asyncio.run(flows.escalate_customer_bug.fn("42001"))
    assert "for 2 reasons" in str(refused.value)
    assert sandbox.effects() == []


def test_150_bugs_are_read_with_two_calls_and_changed_twenty_a_call(sandbox: Sandbox) -> None:
    seed(sandbox, *[bug(42_001 + at, YESTERDAY) for at in range(150)])
    review()
    graphql = [each for each in sandbox.calls() if each["path"].startswith("/graphql")]
    reads = [each for each in graphql if not each["effects"] and "issues(" in each["body"]]
    writes = [each for each in graphql if each["effects"]]
    assert len(reads) == 2
    # acknowledgement, details, labels added, label removed: eight calls each
    assert len(writes) == 4 * 8
