"""A customer's bug report on its way: asked about, chosen, filed or added once, and the customer told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployments import procedures
from flows.support import bug_reports as flows
from policies.customer import Refused
from policies.events import SlackAction
from policies.issue import Issue
from policies.support import bug_duplicates as duplicates
from policies.support import customer_bug_report as filing
from settings import handbook
from tasks import cases, decisions, effects, github, known_names, remembered, runs
from tests.conftest import ROOT, Sandbox, create_tables, environment
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import assign_customer_codename as assigning
from tests.scenarios import review_community_bug_reports as reviewing
from tests.scenarios.file_customer_bug_report import CODENAME, REPORT, SCENARIO
from tests.scenarios.review_escalated_bugs import bug
from tests.starts import Ended, Start

NOW = SCENARIO.now
CSE, COLLEAGUE, DEVELOPER = "U0SANDBOX09", "U0SANDBOX11", "U0SANDBOX18"
QUIET = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
SAME = bug(41_100, "", title="Orbit restarts after an update of its certificates", labels=["bug", ":product"])
CLOSED = bug(41_200, "", title="Orbit keeps restarting after certificates change", labels=["bug"], state="closed")
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | QUIET)
    known_names.known_names.cache_clear()
    seed(sandbox)
    return sandbox


def seed(sandbox: Sandbox, *bugs: Mapping[str, Any], **more: Any) -> None:
    sandbox.reset(SCENARIO.seed, {"github": {"issues": [_without_events(each) for each in bugs]}}, more)


def _without_events(issue: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in issue.items() if name != "label_events"}


def report(**changed: Any) -> filing.BugReport:
    return filing.BugReport.model_validate(REPORT | changed)


def file(same_as: str = "", *, dry_run: bool = False, number: int = 1, **changed: Any) -> str:
    run = runs.Run(f"run {number}", flows.FILE, "a person", datetime.fromisoformat(NOW), dry_run=dry_run)
    with runs.acting(run):
        return asyncio.run(flows.file_customer_bug_report.fn(report(**changed), same_as, dry_run=dry_run))


def action(choice: str, user: str = CSE, at: str = "1790000001.000100") -> SlackAction:
    value = f"{filing.subject(report(), CODENAME)}/{choice}"
    return SlackAction(f"same-bug-{choice}", value, user, "T0SANDBOX", "C062D0THVV1", "1.1", "", at)


def press(choice: str, user: str = CSE, at: str = "1790000001.000100") -> str:
    """Presses a button as the gateway and the dispatcher hand it on."""
    pressed = action(choice, user, at)
    (opening,) = procedures.verdict(pressed).openings
    cases.open_case(opening.procedure, opening.subject, "slack 1", "", opening.urgent)
    given = procedures.of(opening.procedure).parameters([opening.subject])
    parameters = flows.file_customer_bug_report.validate_parameters(given)
    with runs.acting(runs.Run(f"run {at}", flows.FILE, "slack 1", datetime.fromisoformat(NOW))):
        return asyncio.run(flows.file_customer_bug_report.fn(**parameters))


def case_of(choice: str, user: str = CSE, at: str = "1790000001.000100") -> Any:
    subject = duplicates.press_subject(action(choice, user, at))
    return cases.of(flows.FILE, [subject])[subject]


def actions(sandbox: Sandbox) -> list[str]:
    return [each["action"] for each in sandbox.effects()]


def said(sandbox: Sandbox, wanted: str) -> list[str]:
    return [str(each["detail"]) for each in sandbox.effects() if each["action"] == wanted]


def issue(number: int) -> Issue:
    found = github.fleet.issue(number)
    assert found
    return found


def filed(sandbox: Sandbox) -> Issue:
    """Gives the one issue that was filed."""
    (made,) = [each for each in sandbox.effects() if each["action"] == "create issue"]
    return issue(int(made["target"].rpartition("#")[2]))


# -- nothing like it is there


def test_a_new_bug_is_filed_with_its_labels_and_the_customer_gets_the_link(sandbox: Sandbox) -> None:
    url = file()
    found = filed(sandbox)
    assert url == found.url
    assert list(found.labels) == ["bug", ":incoming", ":reproduce", CODENAME]
    assert found.body.reveal().startswith("**Fleet version**: 4.77.0\n")
    (told,) = said(sandbox, "post message")
    assert "Hi everyone, here's a link to the issue" in told
    assert url in told
    assert night.TS in told


def test_a_second_start_adds_nothing_whatever_was_corrected_and_says_where_it_is(sandbox: Sandbox) -> None:
    url = file()
    before = len(sandbox.effects())
    assert file(number=2, steps="Others.", title=REPORT["title"].upper(), fleet_version="v4.77.1") == url
    assert len(sandbox.effects()) == before
    assert "4.77.0" in filed(sandbox).body.reveal()


def test_a_message_that_is_gone_holds_up_no_filing_and_the_right_one_gets_the_link(sandbox: Sandbox) -> None:
    with pytest.raises(cases.Unsettled, match="thread_not_found"):
        file(message=f"{night.CHANNEL}/1795924770.000999")
    assert actions(sandbox) == ["create issue"]
    file(number=2)
    assert actions(sandbox) == ["create issue", "post message"]


def test_a_question_that_somebody_has_deleted_holds_up_nothing(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    seed(sandbox, SAME)  # its messages are gone
    file("new", number=2)
    assert actions(sandbox) == ["create issue", "post message"]


def test_a_run_takes_eight_calls_and_a_second_start_five(sandbox: Sandbox) -> None:
    before = len(sandbox.calls())
    file()
    first = len(sandbox.calls())
    known_names.known_names.cache_clear()
    file(number=2)
    login = 1
    assert first - before <= 7 + login
    assert len(sandbox.calls()) - first <= 4 + login


def test_a_customer_without_a_codename_gets_one_on_the_way(sandbox: Sandbox) -> None:
    sandbox.reset(night.SCENARIO.seed, assigning.SCENARIO.seed)
    file(customer=assigning.ACCOUNT)
    assert actions(sandbox)[:3] == ["create label", "create label", "update account"]
    (codename,) = filed(sandbox).codenames
    assert f"`{codename}` reported that:" in filed(sandbox).body.reveal()
    assert actions(sandbox)[-2:] == ["create issue", "post message"]


def test_a_codename_that_nobody_has_is_refused_before_any_effect(sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match='"customer-hebe" is no label of the confidential and the public repository'):
        file(customer="customer-hebe")
    assert sandbox.effects() == []


def test_a_dry_run_says_what_it_would_do_and_binds_nobody(sandbox: Sandbox) -> None:
    assert file(dry_run=True).endswith("/fleetdm/fleet/issues")
    seed(sandbox, SAME)
    assert file(dry_run=True) == ""
    assert file(dry_run=True, same_as="41100").endswith("/41100")
    assert sandbox.effects() == []
    seed(sandbox)
    file(same_as="new")
    assert actions(sandbox) == ["create issue", "post message"]


# -- what must not be read by everybody


@pytest.mark.parametrize("text", ["Seen at Quillfeather Logistics.", "quill-feather", "mdm.quillfeather.com fails"])
@pytest.mark.parametrize("name", ["title", "actual", "steps", "web_browser"])
def test_a_customers_name_is_refused_in_any_field_and_not_repeated(sandbox: Sandbox, name: str, text: str) -> None:
    named: dict[str, Any] = {name: f"Orbit keeps restarting {text}"}
    with pytest.raises(Refused) as refused:
        file(**named)
    field = filing.BugReport.model_fields[name].title
    assert f"{field}: The text holds a customer's real name: that of label customer-juno" in str(refused.value)
    assert "uill" not in str(refused.value)
    assert sandbox.effects() == []


def test_everything_wrong_is_told_at_once_before_any_effect(sandbox: Sandbox) -> None:
    with pytest.raises(Refused) as refused:
        file(steps="", gong="https://x.net/1", expected="quillfeather works", actual="See https://a.acmewidgets.com")
    assert "for 5 reasons" in str(refused.value)
    assert sandbox.effects() == []


def test_foreign_text_does_nothing_in_the_issue(sandbox: Sandbox) -> None:
    seed(sandbox, bug(12, "", title="Something else entirely", labels=["story"]))
    file(title="Orbit restarts @everyone closes #12 <!-- x -->", actual="fixes #12 @ksatter <!-- hidden --> ```")
    text = f"{filed(sandbox).title.reveal()}\n{filed(sandbox).body.reveal()}"
    ours = [line for line in text.splitlines() if not line.startswith("<!-- handbook-flows ")]
    assert not any(mark in "\n".join(ours) for mark in ("@everyone", "@ksatter", "#12", "<!--"))
    assert issue(12).is_open


# -- something like it is there


def test_candidates_are_shown_with_reasons_and_nothing_is_filed_before_somebody_has_chosen(sandbox: Sandbox) -> None:
    seed(sandbox, SAME, CLOSED, bug(41_300, "", title="Labels can't be deleted", labels=["bug"]))
    assert file() == ""
    assert actions(sandbox) == ["post message"]
    (asked,) = said(sandbox, "post message")
    assert "Has this bug been reported before?" in asked
    assert "41100: Orbit restarts after an update of its certificates" in asked
    assert "closed" in asked
    assert "41300" not in asked
    assert file(number=2) == ""
    assert actions(sandbox) == ["post message"]


def test_the_same_bug_chosen_with_the_button_gets_codename_and_comment(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    assert press("41100").endswith("/41100")
    assert issue(41_100).has_label(CODENAME)
    (comment,) = said(sandbox, "create comment")
    assert "`customer-juno` reported this too." in comment
    assert actions(sandbox).count("create issue") == 0
    (shown,) = said(sandbox, "update message")
    assert "It is added to #41100." in shown
    assert f"<@{CSE}>" in shown
    assert "same-bug-" not in shown
    assert issue(41_100).url in said(sandbox, "post message")[-1]
    assert case_of("41100").state == cases.State.DONE
    decided = decisions.on(flows.FILE, filing.subject(report(), CODENAME))
    assert decided
    assert (decided.decision, decided.decided_by, decided.shown) == ("41100", CSE, "#41100")


def test_who_chose_reads_that_the_customer_has_no_link_until_they_have_it(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file(message=f"{night.CHANNEL}/1795924770.000999")
    press("41100")
    (shown,) = said(sandbox, "update message")
    assert "The customer does not have the link" in shown
    file("41100", number=2)
    assert "here's a link to the issue" in said(sandbox, "post message")[-1]
    assert len(said(sandbox, "update message")) == 2
    assert "The customer does not have the link" not in said(sandbox, "update message")[-1]


def test_none_of_these_files_what_was_filled_in_last(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    file(number=2, steps="1. Restart the host.")
    press("new")
    assert "1. Restart the host." in filed(sandbox).body.reveal()
    assert "It is filed as a new issue." in said(sandbox, "update message")[0]


@pytest.mark.parametrize("choice", ["41100", "#41100", "new"])
def test_the_choice_in_the_form_does_the_same_as_the_button(sandbox: Sandbox, choice: str) -> None:
    seed(sandbox, SAME)
    file()
    file(choice, number=2)
    expected = ["create issue"] if choice == "new" else ["create comment", "set labels"]
    assert actions(sandbox) == ["post message", *expected, "post message", "update message"]
    assert "Chosen by a person." in said(sandbox, "update message")[0]


def test_a_choice_without_the_question_is_enough_and_the_search_is_made_nevertheless(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file("new")
    assert actions(sandbox) == ["create issue", "post message"]
    assert "41100" in str(remembered.read(f"{flows.FILE}/{filing.subject(report(), CODENAME)}/found"))


def test_another_person_who_presses_the_same_adds_nothing(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    press("41100")
    before = len(sandbox.effects())
    assert press("41100", COLLEAGUE, "1790000002.000100").endswith("/41100")
    assert len(sandbox.effects()) == before


def test_another_choice_than_the_one_that_stands_is_told_to_who_made_it_alone(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    press("41100")
    before = len(sandbox.effects())
    assert press("new", COLLEAGUE, "1790000002.000100") == ""
    (refusal,) = sandbox.effects()[before:]
    assert refusal["action"] == "post ephemeral"
    assert refusal["detail"]["user"] == COLLEAGUE
    assert 'chosen to be added to #41100 before; "new" was chosen now' in str(refusal["detail"])
    assert case_of("new", COLLEAGUE, "1790000002.000100").state == cases.State.IGNORED, "Nobody is told twice."
    with pytest.raises(Refused):
        file("new", number=3)


def test_who_is_not_of_the_team_reads_so_alone_and_decides_nothing(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    file()
    assert press("41100", DEVELOPER) == ""
    assert actions(sandbox) == ["post message", "post ephemeral"]
    assert "Only the team can choose" in said(sandbox, "post ephemeral")[0]
    assert case_of("41100", DEVELOPER).state == cases.State.IGNORED
    assert decisions.on(flows.FILE, filing.subject(report(), CODENAME)) is None


@pytest.mark.parametrize(
    ("since", "told"),
    [
        pytest.param([SAME | {"state": "closed"}], "fleetdm/fleet#41100 is closed. Open it again first", id="closed"),
        pytest.param([], "There is no issue #41100, or it has been moved.", id="moved to another repository"),
        pytest.param([SAME | {"labels": ["story"]}], 'it lacks the label "bug"', id="no bug any more"),
    ],
)
def test_an_issue_that_is_no_choice_any_more_is_told_and_another_can_be_chosen(
    sandbox: Sandbox, since: list[dict[str, Any]], told: str
) -> None:
    seed(sandbox, SAME)
    file()
    seed(sandbox, *since)
    assert press("41100") == ""
    assert told in said(sandbox, "post ephemeral")[0]
    file("new", number=2)
    assert actions(sandbox) == ["post ephemeral", "create issue", "post message"]


def test_an_issue_that_was_closed_after_the_report_came_onto_it_stays_as_it_is(sandbox: Sandbox) -> None:
    seed(sandbox, SAME)
    url = file("41100")
    for since in ([SAME | {"state": "closed", "labels": ["bug", CODENAME]}], []):
        seed(sandbox, *since)
        assert file("41100", number=2).rpartition("/")[2] == url.rpartition("/")[2]
        assert sandbox.effects() == []


def test_a_report_from_the_same_thread_is_asked_about_whatever_it_says(sandbox: Sandbox) -> None:
    file()
    assert file(number=2, title="Agent is unstable on laptops", actual="It stops now and then.") == ""
    assert "it names the same message in Slack" in said(sandbox, "post message")[-1]


def test_a_bug_that_was_filed_a_moment_ago_is_found_though_the_search_is_late(sandbox: Sandbox) -> None:
    file(message="")
    assert file(number=2, title="Orbit keeps restarting after certificates update", message="") == ""
    assert actions(sandbox).count("create issue") == 1


def test_a_button_of_a_report_that_is_not_known_here_is_refused_with_what_to_do(sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match="is not known here"):
        press("41100")


def test_in_2024_a_customer_request_needs_no_codename(
    sandbox: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    added = tmp_path / "added.toml"
    added.write_text(f"edition = 2024\n{(ROOT / 'sandbox/handbook.toml').read_text(encoding='utf-8')}")
    variables = environment(sandbox.url, sqlite_url, NOW) | QUIET
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(added)})
    file(customer="customer request")
    assert filed(sandbox).has_label(handbook().labels.customer_request)
    assert filed(sandbox).codenames == []


# -- faults on the way of a duplicate; for a new issue the scenario sweeps them


@pytest.mark.parametrize("kind", ["timeout_after", "crash_after", "malformed", "reset_after"])
def test_a_fault_at_any_write_of_a_choice_neither_doubles_nor_loses_an_effect(
    sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    for nth in range(20):
        seed(sandbox, SAME)
        url = f"sqlite:///{tmp_path / f'{kind}-{nth}'}.sqlite"
        create_tables(url)
        start(sandbox, url).go().end()
        first = start(sandbox, url, same_as="41100")
        sandbox.fault(kind=kind, skip=nth, pid=first.pid, seconds=1, method="POST")
        first.go().end()
        struck = sandbox.faults_struck()
        sandbox.no_more_faults()
        assert settled(sandbox, url).how == "completed"
        assert sorted(actions(sandbox)) == sorted(
            ["post message", "create comment", "set labels", "post message", "update message"]
        )
        if not struck:
            assert nth > 3
            return


def start(sandbox: Sandbox, url: str, same_as: str = "", crash_at: int = 0) -> Start:
    parameters = {"report": REPORT, "same_as": same_as}
    return Start(SCENARIO.flow, parameters, environment(sandbox.url, url, NOW), crash_at)


def settled(sandbox: Sandbox, url: str) -> Ended:
    ended = Ended("not started")
    for _ in range(3):
        ended = start(sandbox, url, "41100").go().end()
        if ended.how == "completed":
            break
    return ended


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_kill_between_an_answer_and_its_record_doubles_nothing_of_a_choice(
    sandbox: Sandbox, sqlite_url: str, nth: int
) -> None:
    seed(sandbox, SAME)
    start(sandbox, sqlite_url).go().end()
    assert start(sandbox, sqlite_url, "41100", crash_at=nth).go().end().how == "killed"
    assert settled(sandbox, sqlite_url).how == "completed"
    assert actions(sandbox).count("create comment") == 1
    assert actions(sandbox).count("post message") == 2
    assert actions(sandbox).count("update message") == 1
    assert issue(41_100).has_label(CODENAME)


def test_two_who_choose_differently_at_once_get_one_of_the_two(sandbox: Sandbox, sqlite_url: str) -> None:
    seed(sandbox, SAME)
    start(sandbox, sqlite_url).go().end()
    both = [start(sandbox, sqlite_url, each) for each in ("41100", "new")]
    for each in both:
        each.go()
    ended = sorted(each.end().how for each in both)
    assert ended == ["completed", "failed"]
    assert actions(sandbox).count("create comment") + actions(sandbox).count("create issue") == 1


def test_an_issue_whose_answer_was_lost_is_found_in_the_list_while_the_search_does_not_know_it(
    sandbox: Sandbox,
) -> None:
    sandbox.fault(service="github", method="POST", path="/repos/fleetdm/fleet/issues", kind="reset_after")
    url = file()
    assert actions(sandbox).count("create issue") == 1
    assert url == filed(sandbox).url
    paths = [call["path"] for call in sandbox.calls()]
    assert any("/repos/fleetdm/fleet/issues?" in path and "sort=created" in path for path in paths)
    assert not any("/search/" in path for path in paths)


def test_a_service_that_refuses_leaves_the_rest_for_the_next_start(sandbox: Sandbox) -> None:
    sandbox.fault(service="slack", method="POST", path="chat.postMessage", kind="401")
    with pytest.raises(effects.EffectError):
        file()
    sandbox.no_more_faults()
    file(number=2)
    assert actions(sandbox) == ["create issue", "post message"]


# -- details that are missing


STEPS = {"user": "octocat", "body": "### Steps to reproduce\n\n1. Restart it.", "created_at": reviewing.NEW}


def test_a_reporter_is_not_asked_for_what_they_have_told_in_a_comment(sandbox: Sandbox) -> None:
    no_steps = reviewing.FULL.partition("### Steps")[0]
    quiet, told = reviewing.report(43_001, no_steps, "octocat"), reviewing.report(43_002, no_steps, "octocat")
    sandbox.reset({"github": {"issues": [quiet, told | {"comments": [STEPS]}]}})
    for _ in range(2):
        with runs.acting(runs.Run("run 1", flows.REVIEW, "schedule", datetime.fromisoformat(reviewing.SCENARIO.now))):
            assert asyncio.run(flows.review_community_bug_reports.fn()) == 1
    (asked,) = [each for each in sandbox.effects() if each["action"] == "create comment"]
    assert asked["target"] == "fleetdm/fleet #43001"
