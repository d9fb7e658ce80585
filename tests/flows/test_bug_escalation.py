"""Escalated bugs from the first stand-up to the last: who said what, what a second run does, how few calls it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from deployments import procedures
from flows.support import bug_escalation as flows
from policies.business_time import pacific_date
from policies.customer import Refused
from policies.events import SlackAction
from policies.support import bug_escalation as policy
from policies.support.customer_bug_report import BugReport
from tasks import cases, clock, decisions, github, known_names, runs
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios import file_customer_bug_report as filing
from tests.scenarios.review_escalated_bugs import TODAY, YESTERDAY, bug
from tests.starts import Start

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


def escalate(issue: str = "", *, dry_run: bool = False, number: int = 1, **changed: Any) -> str:
    report = None if issue else BugReport.model_validate(filing.REPORT | changed)
    with runs.acting(a_run(flows.ESCALATE, STAND_UP, number, dry_run=dry_run)):
        return asyncio.run(flows.escalate_customer_bug.fn(issue, report, dry_run))


def record(outcome: Any, *, number: int = 1, press: str = "", details: str = "", at: str = STAND_UP) -> None:
    with runs.acting(a_run(flows.RECORD, at, number)):
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
    shown = [each for each in said(sandbox, "update message") if "Bug under investigation" in each]
    assert len(shown) == 2
    assert "Not reproduced." in shown[0]
    assert f"<@{CSE}>" in shown[1]
    review(NEXT_DAY)
    assert ":product" in labels()


def test_details_from_the_form_stay_when_a_button_is_pressed_afterwards(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("not reproduced", details="It needs two hosts.")
    record("not reproduced", number=2, details="And an old agent.", at="2026-11-24T17:00:00+00:00")
    pressed = datetime.fromisoformat("2026-11-24T18:00:00+00:00").timestamp()
    record("reproduced", number=3, press=press_of(sandbox, "reproduced", CSE, f"{pressed:.6f}"))
    review(NEXT_DAY)
    details = said(sandbox, "create comment")[-1]
    assert "We have reproduced it" in details
    assert details.index("It needs two hosts.") < details.index("And an old agent.")


def test_the_press_that_came_last_counts_also_when_it_was_recorded_first(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("reproduced", press=press_of(sandbox, "reproduced", CSE, "1790000004.000100"))
    record("not reproduced", number=2, press=press_of(sandbox, "not reproduced", CSE, "1790000001.000100"))
    assert "Not reproduced" not in said(sandbox, "update message")[-1]
    review(NEXT_DAY)
    assert ":product" in labels()


def test_a_button_of_the_agenda_records_and_its_row_shows_the_answer(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY), bug(42_002, TODAY))
    review()
    (agenda,) = [each for each in sandbox.effects() if "Stand-up of" in str(each["detail"])]
    buttons = [each for block in agenda["detail"]["blocks"] for each in block.get("elements", [])]
    assert [each["action_id"] for each in buttons] == 2 * [policy.REPRODUCED, policy.NOT_REPRODUCED]
    pressed = SlackAction(buttons[0]["action_id"], buttons[0]["value"], CSE, "T1", "C1", "1.1", "", "1790000001.000100")
    (opening,) = procedures.verdict(pressed).openings
    with runs.acting(a_run(flows.RECORD, STAND_UP, 1)):
        asyncio.run(flows.record_reproduction.fn(**procedures.of(opening.procedure).parameters([opening.subject])))
    (now,) = [each for each in said(sandbox, "update message") if "Stand-up of" in each]
    assert "Reproduced: reproduced" in now
    assert now.count("'value'") == 2, "The other bug's buttons stay."
    review(NEXT_DAY)
    assert ":product" in labels()


def test_a_question_that_somebody_has_deleted_holds_up_no_recording(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    seed(sandbox, bug(42_001, TODAY))  # its messages are gone
    record("reproduced")
    review(NEXT_DAY)
    assert ":product" in labels()


def test_the_question_of_a_bug_that_has_left_says_so_once_and_has_no_buttons(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY), bug(42_002, TODAY))
    review()
    record("reproduced")
    take_off_by_hand(sandbox, [], 42_002)
    for _ in range(2):
        review(NEXT_DAY)
    left = [each for each in said(sandbox, "update message") if "No longer on the stand-up" in each]
    assert [("42001" in each, "42002" in each) for each in left] == [(True, False), (False, True)]
    assert "It was recorded as reproduced." in left[0]
    assert not any("'value'" in each for each in left)


def test_the_team_reads_in_the_question_that_details_are_not_on_the_issue(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY), labels=[NAMED])
    review()
    decisions.record(
        flows.RECORD, press_of(sandbox, "reproduced", CSE), "reproduced", CSE, "At Quillfeather Logistics."
    )
    with pytest.raises(cases.Unsettled):
        review(NEXT_DAY)
    (left,) = [each for each in said(sandbox, "update message") if "No longer on the stand-up" in each]
    assert "The recorded details hold a name that must not be public" in left
    assert "uill" not in left


def test_who_presses_a_button_of_a_bug_that_has_left_reads_so_alone(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    press = press_of(sandbox, "reproduced", CSE)
    cases.open_case(flows.RECORD, press, "slack 1", "", False)
    take_off_by_hand(sandbox, [])
    record("reproduced", press=press)
    (told,) = said(sandbox, "post ephemeral")
    assert CSE in told
    assert "it has left the stand-up" in told
    assert cases.of(flows.RECORD, [press])[press].state == cases.State.IGNORED


def test_who_is_not_of_the_support_team_reads_so_alone_and_nothing_is_recorded(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    record("reproduced", press=press_of(sandbox, "reproduced", CSM))
    assert len(said(sandbox, "post ephemeral")) == 1
    review(NEXT_DAY)
    assert {":incoming", ":reproduce"} <= labels()


@pytest.mark.parametrize(("user", "state"), [(CSE, cases.State.DONE), (CSM, cases.State.IGNORED)])
def test_a_press_ends_its_case_so_that_nobody_starts_it_again(sandbox: Sandbox, user: str, state: cases.State) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    press = press_of(sandbox, "reproduced", user)
    cases.open_case(flows.RECORD, press, "slack 1", "", False)
    record("reproduced", press=press)
    assert cases.of(flows.RECORD, [press])[press].state == state


def test_a_customers_name_in_the_details_is_refused_before_anything_is_recorded(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY), labels=[NAMED])
    with pytest.raises(Refused, match="Details: The text holds a customer's real name"):
        record("reproduced", details="Seen at Quillfeather Logistics.")
    review(NEXT_DAY)
    assert ":product" not in labels()


NAMED = {"repository": "fleetdm/confidential", "name": "customer-hebe", "description": "Quillfeather Logistics"}


def test_details_that_name_a_customer_by_now_hold_up_neither_their_bug_nor_another(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY), bug(42_002, YESTERDAY), bug(42_003, TODAY), labels=[NAMED])
    said_before = press_of(sandbox, "reproduced", CSE)
    decisions.record(flows.RECORD, said_before, "reproduced", CSE, "Seen at Quillfeather Logistics.")
    with pytest.raises(cases.Unsettled, match="fleetdm/fleet#42001: The recorded details hold a name") as problem:
        review()
    assert "uill" not in str(problem.value)
    assert labels() == {"bug", ":help-customers", ":product"}
    assert {":incoming", ":reproduce"} <= labels(42_002)
    (withheld,) = [each for each in said(sandbox, "create comment") if "We have reproduced it" in each]
    assert "Details were recorded that can't be shown here" in withheld
    assert any("Stand-up of Tuesday" in each for each in said(sandbox, "post message"))


def test_what_is_recorded_after_a_review_that_did_nothing_counts(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY))
    sandbox.fault(service="github", method="POST", path="graphql", kind="401", skip=2)
    with pytest.raises(cases.Unsettled):
        review()
    assert "create comment" in actions(sandbox), "It was acknowledged."
    sandbox.no_more_faults()
    record("reproduced")
    review()
    assert ":product" in labels()
    assert "We have reproduced it" in said(sandbox, "create comment")[-1]


def test_what_is_recorded_after_the_details_are_on_the_issue_changes_its_labels_no_more(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, YESTERDAY))
    sandbox.fault(service="github", method="POST", path="graphql", kind="401", skip=3)
    with pytest.raises(cases.Unsettled):
        review()
    assert "It is not known" in said(sandbox, "create comment")[-1]
    sandbox.no_more_faults()
    record("reproduced")
    review()
    assert {":incoming", ":reproduce"} <= labels()


def test_a_day_that_becomes_a_holiday_changes_no_acknowledgement_that_is_there(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    seed(sandbox, bug(42_001, TODAY))
    review()
    added = tmp_path / "added.toml"
    added.write_text(f"{(ROOT / 'sandbox/handbook.toml').read_text()}\n[closures]\n2026-11-25 = 'company closure'\n")
    use_settings(environment(sandbox.url, sqlite_url, STAND_UP) | PATIENT | {"HANDBOOK_HANDBOOK_ADDITIONS": str(added)})
    before = len(sandbox.effects())
    review()
    assert len(sandbox.effects()) == before


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


# -- a report that can't wait


LOOKS_ALIKE = bug(42_050, YESTERDAY, title="Orbit restarts after an update of its certificates", labels=["bug"])


def seed_report(sandbox: Sandbox, *bugs: Mapping[str, Any]) -> None:
    sandbox.reset(filing.SCENARIO.seed, {"github": {"issues": list(bugs)}})


def actions(sandbox: Sandbox) -> list[str]:
    return [str(each["action"]) for each in sandbox.effects()]


def new_issue(sandbox: Sandbox) -> int:
    (made,) = [each for each in sandbox.effects() if each["action"] == "create issue"]
    return int(made["target"].rpartition("#")[2])


def test_a_suspected_bug_is_filed_immediately_and_put_on_the_stand_up(sandbox: Sandbox) -> None:
    seed_report(sandbox)
    url = escalate()
    assert url.endswith(f"/{new_issue(sandbox)}")
    assert labels(new_issue(sandbox)) == {"bug", "~investigate", ":help-customers", filing.CODENAME}
    assert actions(sandbox) == [
        "create issue",
        "post message",  # the customer's link
        "set labels",  # what is added goes first
        "set labels",
        "set labels",
        "post message",  # can it be reproduced?
    ]
    added, *removed = said(sandbox, "set labels")
    assert all(label in added for label in ("~investigate", ":help-customers"))
    assert [":incoming" in removed[0], ":reproduce" in removed[1]] == [True, True]


def test_nobody_is_asked_first_but_what_looks_alike_is_shown(sandbox: Sandbox) -> None:
    seed_report(sandbox, LOOKS_ALIKE)
    escalate()
    shown = said(sandbox, "post message")
    assert any("Filed at once; has this bug been reported before?" in each and "42050" in each for each in shown)
    assert not any("same-bug-" in each for each in shown)
    assert "~investigate" in labels(new_issue(sandbox))
    before = actions(sandbox)
    escalate()
    assert actions(sandbox) == before


def test_a_report_that_was_added_to_another_issue_before_has_that_one_escalated(sandbox: Sandbox) -> None:
    seed_report(sandbox, LOOKS_ALIKE)
    with runs.acting(a_run("file-customer-bug-report", STAND_UP, 1)):
        asyncio.run(flows.bug_reports.file(BugReport.model_validate(filing.REPORT), "42050"))
    assert escalate().endswith("/42050")
    assert "create issue" not in actions(sandbox)
    assert {"~investigate", ":help-customers", filing.CODENAME} <= labels(42_050)


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6])
def test_what_was_killed_after_filing_or_among_the_labels_goes_on_where_it_was(
    sandbox: Sandbox, sqlite_url: str, nth: int
) -> None:
    seed_report(sandbox)
    variables = environment(sandbox.url, sqlite_url, STAND_UP)
    name, parameters = "flows.support.bug_escalation.escalate_customer_bug", {"report": filing.REPORT}
    assert Start(name, parameters, variables, crash_at=nth).go().end().how == "killed"
    ended = Start(name, parameters, variables).go().end()
    assert ended.how == "completed", ended.said
    assert labels(new_issue(sandbox)) == {"bug", "~investigate", ":help-customers", filing.CODENAME}
    assert actions(sandbox).count("post message") == 2
    assert actions(sandbox).count("set labels") == 3


def test_an_answer_that_was_lost_files_nothing_twice(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    use_settings(environment(sandbox.url, sqlite_url, STAND_UP))
    seed_report(sandbox)
    sandbox.fault(service="github", method="POST", path="/repos/fleetdm/fleet/issues", kind="timeout_after", seconds=1)
    escalate()
    assert sandbox.faults_struck() == 1
    assert "~investigate" in labels(new_issue(sandbox))


def test_a_thread_that_is_gone_holds_up_no_escalation(sandbox: Sandbox) -> None:
    seed_report(sandbox)
    escalate(message="C0SANDBOX01/1795924770.000999")
    assert "~investigate" in labels(new_issue(sandbox))


def test_a_label_that_was_taken_off_by_hand_comes_back_when_the_bug_is_escalated_again(sandbox: Sandbox) -> None:
    seed(sandbox, bug(42_001, TODAY, labels=["bug", ":incoming"]))
    escalate("42001")
    seed(sandbox, bug(42_001, TODAY, labels=["bug", ":help-customers"]))
    escalate("42001")
    assert "~investigate" in labels()


@pytest.mark.parametrize("restored", [[":incoming", ":reproduce"], []], ids=["QA restores its labels", "it does not"])
def test_a_bug_that_qa_took_off_the_stand_up_is_escalated_again_on_the_same_day(
    sandbox: Sandbox, restored: list[str]
) -> None:
    seed(sandbox, bug(42_001, TODAY, labels=["bug", ":help-customers", *restored]))
    for number in (1, 2, 3):
        escalate("42001", number=number)
        assert labels() == {"bug", ":help-customers", "~investigate"}
        before = len(sandbox.effects())
        escalate("42001", number=number)
        assert len(sandbox.effects()) == before, "A second start does nothing."
        take_off_by_hand(sandbox, restored)
    assert sum("Bug under investigation" in each for each in said(sandbox, "post message")) == 3


def take_off_by_hand(sandbox: Sandbox, restored: list[str], number: int = 42_001) -> None:
    """Does what QA does in GitHub, a minute later."""
    sandbox.advance(60)
    change = {"repository": "fleetdm/fleet", "number": number, "add": restored, "remove": ["~investigate"]}
    url = f"{sandbox.url}/github/_person/label"
    requests.post(url, json={"user": "ksatter", **change}, timeout=10).raise_for_status()
    sandbox.advance(60)


def test_the_stand_up_names_reports_that_wait_for_a_choice_until_somebody_has_chosen(sandbox: Sandbox) -> None:
    seed_report(sandbox, LOOKS_ALIKE)
    asked = clock.wall()
    with runs.acting(a_run("file-customer-bug-report", STAND_UP, 1)):
        asyncio.run(flows.bug_reports.file(BugReport.model_validate(filing.REPORT)))
    for days, told in ((0, 0), (1, 1), (1, 1), (2, 2)):
        remind(asked + timedelta(days=days))
        assert sum("Bug reports that nobody has filed yet" in each for each in said(sandbox, "post message")) == told
    assert filing.REPORT["title"] in said(sandbox, "post message")[-1]
    with runs.acting(a_run("file-customer-bug-report", STAND_UP, 2)):
        asyncio.run(flows.bug_reports.file(BugReport.model_validate(filing.REPORT), "new"))
    before = len(sandbox.effects())
    remind(asked + timedelta(days=3))
    assert len(sandbox.effects()) == before


def remind(at: datetime) -> None:
    with runs.acting(a_run(flows.REVIEW, at.isoformat(), 3)):
        asyncio.run(flows.bug_reports.remind_of_choices(pacific_date(at)))


def test_a_dry_run_of_a_report_does_nothing(sandbox: Sandbox) -> None:
    seed_report(sandbox, LOOKS_ALIKE)
    assert escalate(dry_run=True).endswith("/issues")
    assert sandbox.effects() == []


@pytest.mark.parametrize(("issue", "report"), [("42001", filing.REPORT), ("", None)], ids=["both", "neither"])
def test_either_an_issue_or_a_report_is_escalated(issue: str, report: dict[str, Any] | None) -> None:
    told = BugReport.model_validate(report) if report else None
    with runs.acting(a_run(flows.ESCALATE, STAND_UP, 1)), pytest.raises(Refused, match="Give either the issue"):
        asyncio.run(flows.escalate_customer_bug.fn(issue, told))
