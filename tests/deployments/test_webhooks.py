"""Webhooks on the whole product: what is told comes about, once, and its run stands in Prefect."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from policies.support.bug_escalation import REPRODUCED
from sandbox.slack_choices import filled_in
from tasks import cases, ledger, remembered
from tests import signed
from tests.conftest import until, within
from tests.deployments.installation import Installation
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import clear_waiting_labels as clearing
from tests.scenarios import file_customer_bug_report as filing
from tests.scenarios import record_reproduction as recording
from tests.scenarios import register_customer_channel as registering
from tests.scenarios import review_escalated_bugs as standing_up
from tests.scenarios import triage_support_request as triaging

pytestmark = pytest.mark.whole
ENGINEER = "U0SANDBOX09"  # of customer support
MESSAGE = {
    "type": "message",
    "channel": night.CHANNEL,
    "channel_type": "group",
    "user": night.CUSTOMER,
    "team": "T0CUSTOMER",
    "text": "Our server answers 502.",
    "ts": night.TS,
}


def posts(installation: Installation, channel: str) -> list[str]:
    effects = installation.sandbox.effects()
    return [
        each["detail"]["text"] for each in effects if each["action"] == "post message" and each["target"] == channel
    ]


def of_service(installation: Installation, service: str) -> list[dict[str, Any]]:
    """Gives the effects in one service; in another, a step of the test before may still come late."""
    return [effect for effect in installation.sandbox.effects() if effect["service"] == service]


def runs_of(installation: Installation, flow: str) -> list[dict[str, Any]]:
    """Gives the completed runs of a flow that the inbox started."""
    wanted = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"tags": {"all_": ["inbox"]}}}
    found = installation.api.post("/flow_runs/filter", json=wanted).json()
    return [run for run in found if run["state_type"] == "COMPLETED"]


def test_a_message_at_night_is_answered_at_once_and_the_run_follows_as_its_record(fresh: Installation) -> None:
    fresh.play(night.SCENARIO)
    before = {run["id"] for run in runs_of(fresh, "answer-out-of-hours-message")}
    began = time.monotonic()
    for id in ("Ev1", "Ev1", "Ev2"):  # Slack tells it twice, and a second time under another id
        assert signed.slack_event(fresh.gateway, id, MESSAGE).status_code == 200
    until(lambda: posts(fresh, "#fleet-at-hebe"))
    assert time.monotonic() - began < within(2)
    record = until(lambda: [r for r in runs_of(fresh, "answer-out-of-hours-message") if r["id"] not in before])
    shown = fresh.artifacts(record[0]["id"])
    assert "done before" in shown
    assert "/archives/" in shown
    assert len(posts(fresh, "#fleet-at-hebe")) == 1


@contextmanager
def prefect_frozen(installation: Installation) -> Generator[None]:
    """Keeps Prefect's server from answering for a while."""
    server = next(each for each in installation.family() if "deployments.server" in " ".join(each.cmdline()))
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_a_message_is_answered_while_prefect_is_down_and_its_run_stands_there_once_it_is_back(
    fresh: Installation,
) -> None:
    fresh.play(night.SCENARIO)
    before = {run["id"] for run in runs_of(fresh, "answer-out-of-hours-message")}
    with prefect_frozen(fresh):
        assert signed.slack_event(fresh.gateway, "Ev3", MESSAGE).status_code == 200
        until(lambda: posts(fresh, "#fleet-at-hebe"), 20)
    until(lambda: [run for run in runs_of(fresh, "answer-out-of-hours-message") if run["id"] not in before], 90)
    assert len(posts(fresh, "#fleet-at-hebe")) == 1


def test_only_the_sender_starts_the_emergency_and_anybody_else_alone_reads_so(fresh: Installation) -> None:
    other = {"id": "U0GUEST0002", "name": "other", "real_name": "Other Guest", "team_id": "T0CUSTOMER"}
    joined = {"id": night.CHANNEL, "name": "fleet-at-hebe", "members": ["U0GUEST0002"]}
    fresh.play(night.SCENARIO, {"slack": {"users": [other], "channels": [joined]}})
    action = {"action_id": "start-emergency-request-p0", "value": f"{night.CHANNEL}/{night.TS}/{night.CUSTOMER}"}
    press = (fresh.gateway, night.CHANNEL, night.TS, action)
    assert signed.slack_click(press[0], "U0GUEST0002", "T0CUSTOMER", *press[1:]).status_code == 200
    refusal = until(lambda: [each for each in fresh.sandbox.effects() if each["action"] == "post ephemeral"])
    assert refusal[0]["detail"]["user"] == "U0GUEST0002"
    assert "Only the sender can start this" in refusal[0]["detail"]["text"]
    for _ in range(2):
        assert signed.slack_click(press[0], night.CUSTOMER, "T0CUSTOMER", *press[1:]).status_code == 200
    until(lambda: posts(fresh, "#help-customers"))
    texts = until(lambda: [each for each in fresh.sandbox.effects() if each["action"] == "send text"])
    assert [text["target"] for text in texts] == ["+12025550101"]
    assert "started" in until(lambda: posts(fresh, "#fleet-at-hebe"))[0]


def test_a_team_member_takes_an_emergency_over_and_the_customer_reads_it(fresh: Installation) -> None:
    fresh.play(night.SCENARIO)
    action = {"action_id": "start-emergency-request-p1", "value": f"{night.CHANNEL}/{night.TS}/{night.CUSTOMER}"}
    signed.slack_click(fresh.gateway, night.CUSTOMER, "T0CUSTOMER", night.CHANNEL, night.TS, action)
    until(lambda: posts(fresh, "#help-customers"))
    taking = {"action_id": "acknowledge-emergency-request", "value": f"{night.CHANNEL}/{night.TS}/P1"}
    signed.slack_click(fresh.gateway, "U0SANDBOX09", "T0SANDBOX", "C062D0THVV1", night.TS, taking)
    until(lambda: any("Somebody is on it" in text for text in posts(fresh, "#fleet-at-hebe")))
    until(lambda: [each for each in fresh.sandbox.effects() if each["action"] == "update message"])


def comment_event() -> dict[str, Any]:
    return {
        "action": "created",
        "repository": {"full_name": "fleetdm/fleet"},
        "issue": {
            "number": 41_001,
            "state": "open",
            "user": {"login": "outside-reporter", "type": "User"},
            "labels": [{"name": "+more info please"}],
        },
        "comment": {
            "id": clearing.COMMENT,
            "author_association": "NONE",
            "user": {"login": "outside-reporter", "type": "User"},
        },
    }


def test_a_comment_from_outside_clears_the_waiting_label_within_two_seconds(fresh: Installation) -> None:
    fresh.play(clearing.SCENARIO)
    began = time.monotonic()
    assert signed.github(fresh.gateway, "issue_comment", "delivery-1", comment_event()).status_code == 202
    until(lambda: of_service(fresh, "github"))
    took = time.monotonic() - began
    assert took < within(4), f"{took:.1f} s"  # two, on a machine that does nothing else
    assert clearing.SCENARIO.unmet(of_service(fresh, "github")) == []


def test_a_new_request_is_announced_and_no_title_reaches_prefect(fresh: Installation) -> None:
    fresh.play(triaging.SCENARIO)
    opened = {
        "action": "opened",
        "repository": {"full_name": "fleetdm/confidential"},
        "issue": {
            "number": 12_501,
            "title": f"Request: help {triaging.NAME}",
            "user": {"login": "lukeheath", "type": "User"},
            "labels": [{"name": ":help-customers"}],
        },
    }
    assert signed.github(fresh.gateway, "issues", "delivery-2", opened).status_code == 202
    until(lambda: any("New request" in text or "Urgent request" in text for text in posts(fresh, "#help-customers")))
    assert len(posts(fresh, "#help-customers")) == 1
    assert triaging.NAME.encode() not in fresh.everything_stored()


def test_a_registered_channel_stands_in_prefects_variable(fresh: Installation) -> None:
    fresh.play(registering.SCENARIO)
    run = fresh.run(registering.SCENARIO.deployment, registering.SCENARIO.parameters)
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    variable = fresh.api.get("/variables/name/out_of_hours_channels").json()
    assert registering.CHANNEL in variable["value"]


def test_the_stand_ups_button_records_who_reproduced_a_bug_and_the_message_shows_it(fresh: Installation) -> None:
    fresh.play(standing_up.SCENARIO)
    run = fresh.run(standing_up.SCENARIO.deployment, {})
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    said = [each["detail"] for each in of_service(fresh, "slack") if each["action"] == "post message"]
    (asked,) = [each for each in said if each["text"].startswith("Bug under investigation: fleetdm/fleet#42001")]
    pressed = {"user": ENGINEER, "channel": "help-customers", "ts": asked["ts"], "action_id": REPRODUCED}
    answer = httpx.post(f"{fresh.sandbox.url}/slack/api/_person/click", json=pressed).json()
    assert (answer["ok"], answer.get("status")) == (True, 200), answer

    def updated() -> dict[str, str]:
        changed = [each["detail"] for each in fresh.sandbox.effects() if each["action"] == "update message"]
        return {each["ts"]: json.dumps(each) for each in changed}

    agenda = next(each["ts"] for each in said if "Stand-up of" in each["text"])
    until(lambda: set(updated()) == {asked["ts"], agenda})
    assert "Reproduced." in updated()[asked["ts"]]
    assert f"<@{ENGINEER}>" in updated()[asked["ts"]]
    assert "reproduced" in updated()[agenda].lower()
    until(lambda: runs_of(fresh, "record-reproduction"))


def test_the_button_that_says_which_bug_is_the_same_files_nothing_and_a_strange_one_holds_up_nobody(
    fresh: Installation,
) -> None:
    same = standing_up.bug(41_100, "", title="Orbit restarts after an update of its certificates", labels=["bug"])
    same.pop("label_events")
    fresh.play(filing.SCENARIO, {"github": {"issues": [same]}})
    run = fresh.run(filing.SCENARIO.deployment, filing.SCENARIO.parameters)
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    assert "Somebody must choose before this is filed" in fresh.artifacts(run["id"])
    (asked,) = [each["detail"] for each in of_service(fresh, "slack") if each["action"] == "post message"]
    strange = {"action_id": "same-bug-41100", "value": f"{filing.CODENAME}/{'0' * 16}/41100"}
    told = signed.slack_click(fresh.gateway, "U0SANDBOX09", "T0SANDBOX", "C062D0THVV1", asked["ts"], strange)
    assert told.status_code == 200
    pressed = {"user": "U0SANDBOX09", "channel": "help-customers", "ts": asked["ts"], "action_id": "same-bug-41100"}
    answer = httpx.post(f"{fresh.sandbox.url}/slack/api/_person/click", json=pressed).json()
    assert (answer["ok"], answer.get("status")) == (True, 200), answer
    (shown,) = until(lambda: [each for each in fresh.sandbox.effects() if each["action"] == "update message"])
    assert "It is added to #41100." in shown["detail"]["text"]
    assert [each["action"] for each in of_service(fresh, "github")] == ["create comment", "set labels"]
    until(lambda: runs_of(fresh, filing.SCENARIO.deployment.partition("/")[0]))
    until(lambda: [each.state for each in cases.parked_cases()] == ["parked"])
    assert "is not known here. Fill in the form again." in cases.parked_cases()[0].reason


REPORTED = {
    **{f"report.{name}": value for name, value in filing.REPORT.items() if isinstance(value, str)},
    "report.details.total_hosts": "1,200",
}


def test_a_shortcut_files_a_customers_bug_in_one_run_though_its_form_comes_twice_at_once(fresh: Installation) -> None:
    fresh.play(filing.SCENARIO)
    before = {run["id"] for run in runs_of(fresh, "file-customer-bug-report")}
    asked = {"user": ENGINEER, "callback_id": "file-customer-bug-report"}
    answer = httpx.post(f"{fresh.sandbox.url}/slack/api/_person/shortcut", json=asked, timeout=20).json()
    assert answer.get("status") == 200, answer
    view = fresh.sandbox.state()["slack"]["views"][-1]
    state = {"values": filled_in(view["blocks"], REPORTED)}
    with ThreadPoolExecutor() as together:
        twice: list[dict[str, Any]] = [{**view, "state": state}] * 2
        sent = list(together.map(partial(signed.slack_form, fresh.gateway, ENGINEER), twice))
    assert [each.json().get("response_action") for each in sent] == ["update", "update"], [each.text for each in sent]
    until(lambda: filing.SCENARIO.unmet(filed(fresh)) == [])

    def new_runs() -> list[dict[str, Any]]:
        return [each for each in runs_of(fresh, "file-customer-bug-report") if each["id"] not in before]

    (run,) = until(new_runs)
    assert f"started by {ENGINEER}" in run["tags"]
    assert {row.started_by for row in ledger.rows(below="file-customer-bug-report/")} == {ENGINEER}
    case = f"form/{view['id']}"
    until(lambda: cases.of("file-customer-bug-report", [case])[case].state == cases.State.DONE)
    assert remembered.read(case) is None
    assert len(new_runs()) == 1
    assert fresh.api.post("/flow_runs/filter", json={"flow_runs": {"tags": {"all_": run["tags"]}}}).json() == [run]


def filed(installation: Installation) -> list[dict[str, Any]]:
    """Gives the effects without those that are the form itself."""
    return [each for each in installation.sandbox.effects() if not each["action"].endswith(" view")]


def send_reproduction(installation: Installation, issue: str) -> str:
    """Fills in and sends the form that records a reproduction. Gives its case."""
    asked = {"user": ENGINEER, "callback_id": "record-reproduction"}
    httpx.post(f"{installation.sandbox.url}/slack/api/_person/shortcut", json=asked, timeout=20)
    view = installation.sandbox.state()["slack"]["views"][-1]["id"]
    sent = {"user": ENGINEER, "view": view, "values": {"issue": issue, "outcome": "reproduced"}}
    answer = httpx.post(f"{installation.sandbox.url}/slack/api/_person/submit", json=sent, timeout=20).json()
    assert answer["response_action"] == "update", answer
    return f"form/{view}"


def test_a_form_sent_while_prefect_is_down_gets_its_run_once_it_is_back(fresh: Installation) -> None:
    fresh.play(recording.SCENARIO)
    before = {run["id"] for run in runs_of(fresh, "record-reproduction")}
    with prefect_frozen(fresh):
        case = send_reproduction(fresh, recording.SCENARIO.parameters["issue"])
        assert cases.of("record-reproduction", [case])[case].state == cases.State.OPEN
    until(lambda: cases.of("record-reproduction", [case])[case].state == cases.State.DONE, 90)
    assert len([run for run in runs_of(fresh, "record-reproduction") if run["id"] not in before]) == 1


def test_who_started_what_was_refused_is_told_with_the_run(fresh: Installation) -> None:
    fresh.play(filing.SCENARIO)
    send_reproduction(fresh, "40999")
    (said,) = until(lambda: posts(fresh, "#help-customers"))
    assert said.startswith(f"<@{ENGINEER}> Not done: record-reproduction")
    assert "There is no issue #40999" in said
