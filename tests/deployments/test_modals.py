"""Forms in Slack without Prefect: opened, checked before anything is stored, and kept until Prefect takes the run."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import select

from deployments import forms
from deployments.inbox import inbox
from policies import slack_modals
from policies.slack_forms import ON_MESSAGE
from settings import ROOT, handbook
from tasks import cases, database, remembered
from tests import signed
from tests.conftest import until, within
from tests.deployments.night import CHANNEL, CUSTOMER, GUEST, HELP, MEMBER, Night

FILE, ESCALATE, RECORD = "file-customer-bug-report", "escalate-customer-bug", "record-reproduction"
CONTACT, SUMMARY, REQUEST = "contact-developer-on-call", "post-direct-message-summary", "request-missing-details"
ENGINEER = "U0SANDBOX18"  # of the team, and neither in support nor in customer success
NAME = "Quillfeather Insurance"
ACCOUNT = {"Id": "001Ux0000000011IAA", "Name": NAME, "Type": "Customer"}
REPORT = {
    "report.customer": "customer-pallas",
    "report.title": "Hosts go offline after the upgrade",
    "report.fleet_version": "4.77.0",
    "report.agent": "fleetd",
    "report.agent_version": "1.51.0",
    "report.operating_system": "macOS 15.1",
    "report.web_browser": "Chrome 131",
    "report.expected": "The hosts stay online.",
    "report.actual": "The hosts go offline.",
    "report.steps": "1. Upgrade. 2. Wait.",
}


def views(night: Night) -> list[dict[str, Any]]:
    return night.sandbox.state()["slack"]["views"]


def opened(night: Night, procedure: str, user: str = MEMBER, **where: str) -> dict[str, Any]:
    """Opens a form by its shortcut. Gives the modal that is there."""
    told = night.does("shortcut", user=user, callback_id=procedure + ("-on-message" if where else ""), **where)
    assert told["status"] == 200
    return views(night)[-1]


def sent(night: Night, view: str, values: Mapping[str, Any], user: str = MEMBER) -> dict[str, Any]:
    """Fills a form in and sends it. Gives what became of it."""
    return night.does("submit", user=user, view=view, values=dict(values))


def words(view: Mapping[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def kept() -> dict[tuple[str, str], dict[str, Any]]:
    """Gives the parameters of the forms that were taken, by procedure and subject."""
    with database.reading() as connection:
        rows = connection.execute(select(cases.cases)).all()
    found = {(row.procedure, row.subject): remembered.read(row.subject) for row in rows}
    return {key: json.loads(value) for key, value in found.items() if value}


def everything_stored() -> str:
    with database.reading() as connection:
        return repr([connection.execute(select(table)).all() for table in database.metadata.sorted_tables])


# -- opening


def test_a_shortcut_opens_the_form_of_the_deployments_own_parameters(night: Night) -> None:
    view = opened(night, FILE)
    assert view["title"]["text"] == "File a customer's bug"
    labels = [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]
    assert labels[:3] == ["Customer", "Title", "Fleet server version"]
    assert "Dry run" in labels
    assert "Press" not in labels
    needed = {block["block_id"] for block in view["blocks"] if block["type"] == "input" and not block["optional"]}
    assert needed == set(REPORT)


@pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.procedure)
def test_every_form_opens_by_the_command_and_by_its_button(night: Night, form: forms.Form) -> None:
    told = night.does("command", user=MEMBER, channel=HELP, command="/handbook", text=form.procedure)
    assert (told["status"], told["answer"]) == (200, {})
    assert views(night)[-1]["title"]["text"] == form.title
    told = night.does("command", user=MEMBER, channel=HELP, command="/handbook")
    assert f"/handbook {form.procedure}" in json.dumps(told["answer"]["blocks"])
    night.presses(MEMBER, told["answer"], f"open-form-{form.procedure}", HELP)
    assert [view["title"]["text"] for view in views(night)] == [form.title] * 2


def test_the_list_shows_what_one_may_start_and_nothing_else(night: Night) -> None:
    told = night.does("command", user=ENGINEER, channel=HELP, command="/handbook")
    shown = json.dumps(told["answer"]["blocks"])
    assert f"/handbook {SUMMARY}" in shown
    assert FILE not in shown
    told = night.does("command", user=GUEST, channel=HELP, command="/handbook", text="what can I do?")
    assert "Nothing that you may start begins in Slack" in told["answer"]["text"]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (ENGINEER, "is for customer support engineers, customer solutions architects"),
        (GUEST, "Only members of the team can start this"),
        (CUSTOMER, "Only members of the team can start this"),
    ],
    ids=["another team's", "a guest", "a customer"],
)
def test_others_are_told_why_not_and_can_send_nothing(night: Night, user: str, why: str) -> None:
    body = {**SHORTCUT, "trigger_id": night.does("trigger", user=user)["trigger_id"]}
    assert post(night, {**body, "user": {"id": user, "team_id": "T0SANDBOX"}}).status_code == 200
    (view,) = views(night)
    assert why in words(view)
    assert "submit" not in view
    answer = post(night, {**submitted(), "user": {"id": user, "team_id": "T0SANDBOX"}})
    assert why in json.dumps(answer.json()["view"])
    assert kept() == {}


def test_a_shortcut_on_a_reply_fills_in_the_thread_and_the_person_is_not_asked_who_they_are(night: Night) -> None:
    ts = night.says(CUSTOMER)
    reply = night.says(MEMBER, thread_ts=ts)
    link = f"/archives/{CHANNEL}/p{ts.replace('.', '')}"
    for procedure, block in ((FILE, "report.message"), (REQUEST, "message"), (CONTACT, "question.issue")):
        view = opened(night, procedure, channel=CHANNEL, ts=reply)
        (element,) = (each["element"] for each in view["blocks"] if each.get("block_id") == block)
        assert element["initial_value"].endswith(link)
    told = sent(night, view["id"], {"question.tried": "We restarted it."})
    assert told["response_action"] == "update"
    ((key, parameters),) = kept().items()
    assert key == (CONTACT, f"form/{view['id']}")
    assert parameters["question"]["asked_by"] == "ksatter"


def test_a_modal_is_opened_once_at_most_and_the_person_hears_when_it_was_not(night: Night) -> None:
    night.sandbox.fault(kind="reset_after", service="slack", path="views.open")
    told = night.does("shortcut", user=MEMBER, callback_id=FILE)
    assert told["status"] == 200  # it is there, though the answer never came
    assert len(views(night)) == 1
    night.sandbox.fault(kind="500_before", service="slack", path="views.open")
    night.does("shortcut", user=MEMBER, callback_id=FILE)
    assert len(views(night)) == 1
    night.sandbox.fault(kind="500_before", service="slack", path="views.open")
    told = night.does("command", user=MEMBER, channel=HELP, command="/handbook", text=FILE)
    assert "If it did not, try again" in told["answer"]["text"]
    assert len(views(night)) == 1
    night.sandbox.fault(kind="429", service="slack", path="views.open", times=100, seconds=1)
    began = time.monotonic()
    told = night.does("command", user=MEMBER, channel=HELP, command="/handbook", text=FILE)
    assert "could not be opened. Try again." in told["answer"]["text"]
    assert time.monotonic() - began < within(3)
    night.sandbox.no_more_faults()
    night.wait(minutes=0.1)
    assert len(views(night)) == 1


def test_a_shortcut_that_is_none_of_ours_says_so(night: Night) -> None:
    body = {**SHORTCUT, "trigger_id": night.does("trigger", user=MEMBER)["trigger_id"], "callback_id": "pay-invoices"}
    assert post(night, body).status_code == 200
    assert "pay-invoices" in words(views(night)[-1])


# -- sending


def test_a_form_is_kept_until_prefect_takes_it_and_the_person_sees_that(night: Night) -> None:
    view = opened(night, FILE)
    began = time.monotonic()
    told = sent(night, view["id"], {**REPORT, "report.details.total_hosts": "120", "report.reproduced": []})
    assert time.monotonic() - began < within(3)
    assert told["response_action"] == "update"
    assert "Prefect has not taken it yet; it is kept here and follows by itself." in words(told["view"])
    ((key, parameters),) = kept().items()
    assert key == (FILE, f"form/{view['id']}")
    assert parameters["report"]["agent"] == "fleetd"
    assert parameters["report"]["details"] == {"total_hosts": "120"}
    assert (parameters["report"]["reproduced"], parameters["dry_run"]) == (False, False)
    assert night.sandbox.effects()[-1]["action"] == "update view"


def test_what_was_taken_survives_a_kill(night: Night) -> None:
    view = opened(night, RECORD)
    sent(night, view["id"], {"issue": "41", "outcome": "reproduced"})
    night.kill()
    night.start()
    (case,) = cases.of(RECORD, [f"form/{view['id']}"]).values()
    assert case.state == "open"
    assert kept()[RECORD, case.subject] == {"issue": "41", "outcome": "reproduced", "dry_run": False}


def test_every_problem_is_shown_at_its_field_and_nothing_is_stored(night: Night) -> None:
    view = opened(night, FILE)
    wrong = {"report.customer": "Quillfeather", "report.agent": "osquery"}
    told = sent(night, view["id"], {**REPORT, **wrong})
    assert set(told["errors"]) == {"report.customer"}
    assert "such as customer-pallas" in told["errors"]["report.customer"]
    wrong = {
        "report.fleet_version": "unknown",
        "report.web_browser": "?",
        "report.gong": "on Tuesday",
        "same_as": "the old one",
    }
    told = sent(night, view["id"], {**REPORT, **wrong})
    assert set(told["errors"]) == set(wrong)
    assert "Quillfeather" not in everything_stored()
    assert kept() == {}
    told = sent(night, view["id"], REPORT)
    assert told["response_action"] == "update"


def test_an_escalation_takes_an_issue_or_a_report_and_an_untouched_report_is_none(night: Night) -> None:
    ts = night.says(CUSTOMER)
    view = opened(night, ESCALATE, channel=CHANNEL, ts=ts)
    told = sent(night, view["id"], {})
    assert told["errors"] == {"issue": "Give either the issue, or a report that is to be filed and escalated."}
    told = sent(night, view["id"], {"report.title": "It hangs"})
    assert told["errors"]["report.customer"] == "Fill this in."
    assert "report.title" not in told["errors"]
    told = sent(night, view["id"], {"issue": "#41"})
    assert told["response_action"] == "update"
    assert list(kept().values()) == [{"issue": "#41", "dry_run": False}]


def test_a_customers_name_and_a_secret_are_refused_before_they_are_stored(night: Night) -> None:
    night.sandbox.reset()
    night.forget()
    seed_account(night)
    view = opened(night, FILE)
    spilled = "ghp_" + "a1B2c3D4e5" * 4
    told = sent(
        night,
        view["id"],
        {**REPORT, "report.actual": f"At {NAME} all is red.", "report.details.debug_archive": spilled},
    )
    assert "customer's real name" in told["errors"]["report.actual"]
    assert "a GitHub token" in told["errors"]["report.details.debug_archive"]
    assert NAME not in json.dumps(told["errors"])
    stored = everything_stored()
    assert "Quillfeather" not in stored
    assert spilled not in stored


def seed_account(night: Night) -> None:
    answer = httpx.post(
        f"{night.sandbox.url}/_sandbox/seed",
        json={"salesforce": {"accounts": [ACCOUNT]}},
        timeout=10,
        trust_env=False,
    )
    assert answer.is_success, answer.text


def test_while_customers_names_cannot_be_read_nothing_is_taken(night: Night) -> None:
    night.sandbox.fault(kind="500_before", service="salesforce", times=10_000)
    view = opened(night, RECORD)
    told = sent(night, view["id"], {"issue": "41", "outcome": "reproduced"})
    assert "can't be looked for now" in told["errors"]["issue"]
    assert kept() == {}
    night.sandbox.no_more_faults()
    assert sent(night, view["id"], {"issue": "41", "outcome": "reproduced"})["response_action"] == "update"


def test_a_form_that_comes_again_is_one_and_other_words_are_said_to_come_late(night: Night) -> None:
    view = opened(night, RECORD)
    body = submitted(RECORD, view["id"], record_values("41", "reproduced"))
    answers = [post(night, body) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert "was started" in words(answers[-1].json()["view"])
    other = post(night, submitted(RECORD, view["id"], record_values("42", "reproduced")))
    assert "sent before, with other words" in words(other.json()["view"])
    assert [each["issue"] for each in kept().values()] == ["41"]


# -- forged, malformed, stale


SHORTCUT: dict[str, Any] = {
    "type": "shortcut",
    "user": {"id": MEMBER, "team_id": "T0SANDBOX"},
    "callback_id": FILE,
    "trigger_id": "1.2.abc",
}


TEXT = {"type": "plain_text_input", "value": "41"}


def record_values(issue: str, outcome: str) -> dict[str, Any]:
    return {
        "issue": {"value": {"type": "plain_text_input", "value": issue}},
        "outcome": {"value": {"type": "static_select", "selected_option": {"value": outcome}}},
        "details": {"value": {"type": "plain_text_input", "value": None}},
        "dry_run": {"value": {"type": "checkboxes", "selected_options": []}},
    }


def submitted(
    procedure: str = FILE, view: str = "V0FORGED001", values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "type": "view_submission",
        "user": {"id": MEMBER, "team_id": "T0SANDBOX"},
        "view": {"id": view, "callback_id": procedure, "state": {"values": dict(values or {})}},
    }


def post(night: Night, payload: Mapping[str, Any], **headers: str) -> httpx.Response:
    return signed.slack_interaction(night.gateway, payload, **headers)


GOOD = submitted(RECORD, values=record_values("41", "reproduced"))


def changed(**view: Any) -> dict[str, Any]:
    return {**GOOD, "view": {**GOOD["view"], **view}}


def with_value(path: str, element: Any) -> dict[str, Any]:
    return changed(state={"values": {**record_values("41", "reproduced"), path: {"value": element}}})


MALFORMED: dict[str, Mapping[str, Any]] = {
    "no view": {**GOOD, "view": None},
    "no view id": changed(id=""),
    "a view id of another kind": changed(id="../../x"),
    "no callback id": changed(callback_id=None),
    "a callback id that is a path": changed(callback_id="../forms"),
    "no user": {**GOOD, "user": {}},
    "a user that is no id": {**GOOD, "user": {"id": "<script>"}},
    "a field of another kind": with_value("issue", {"type": "file_input", "files": []}),
    "a field without a kind": with_value("issue", {}),
    "a number where a text belongs": with_value("issue", {"type": "plain_text_input", "value": 41}),
    "a text that is too long": with_value("details", {"type": "plain_text_input", "value": "x" * 3001}),
    "NUL": with_value("details", {"type": "plain_text_input", "value": "a\x00b"}),
    "a lone surrogate": with_value("details", {"type": "plain_text_input", "value": "\ud800"}),
    "an option without a value": with_value("dry_run", {"type": "checkboxes", "selected_options": [{}]}),
    "a path that is none": with_value("__class__()", {"type": "plain_text_input", "value": "x"}),
    "101 fields": changed(
        state={"values": {f"f{number}": {"value": {"type": "plain_text_input"}} for number in range(101)}}
    ),
    "metadata that is no text": changed(private_metadata={"a": 1}),
    "a shortcut without a trigger": {**SHORTCUT, "trigger_id": None},
    "a shortcut without a name": {**SHORTCUT, "callback_id": ""},
}


@pytest.mark.parametrize("how", MALFORMED)
def test_what_cannot_be_read_is_refused_and_nothing_is_stored(night: Night, how: str) -> None:
    assert post(night, MALFORMED[how]).status_code == 400
    assert kept() == {}


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": str(int(time.time()) - 301)},
    ],
    ids=["signed by another", "not signed", "old"],
)
def test_a_forged_form_is_refused(night: Night, forged: Mapping[str, str]) -> None:
    assert post(night, GOOD, **forged).status_code == 401
    assert kept() == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {**record_values("41", "reproduced"), "press": {"value": {"type": "plain_text_input", "value": "x"}}},
            "changed",
        ),
        ({"issue": {"value": TEXT}}, "changed"),
        (record_values("41", "burnt"), "'reproduced' or 'not reproduced'"),
        (record_values("nowhere", "reproduced"), "nowhere"),
    ],
    ids=["a field that nobody is asked for", "fields are missing", "a choice that is not offered", "no issue"],
)
def test_a_signed_form_with_other_fields_or_choices_starts_nothing(
    night: Night, values: Mapping[str, Any], said: str
) -> None:
    answer = post(night, changed(state={"values": values})).json()
    assert answer["response_action"] == "errors"
    assert said in json.dumps(answer["errors"])
    assert kept() == {}


def test_a_form_of_a_procedure_that_has_none_starts_nothing(night: Night) -> None:
    answer = post(night, changed(callback_id="promote-prospect"))
    assert "not there any more" in words(answer.json()["view"])
    assert kept() == {}
    with database.reading() as connection:
        assert connection.execute(select(inbox)).all() == []


def test_a_gateway_that_has_just_been_started_asks_to_send_it_again(night: Night) -> None:
    view = opened(night, RECORD)
    night.kill()
    night.begin()
    body = submitted(RECORD, view["id"], record_values("41", "reproduced"))
    answer = until(lambda: _answered(night, body))
    assert answer["errors"] == {"issue": "We have just been started. Try again in a few seconds."}
    until(lambda: _answered(night, body)["response_action"] == "update", 60)


def _answered(night: Night, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return post(night, body).json()
    except httpx.TransportError:
        return {}


# -- Slack's own settings


def test_the_apps_manifest_and_the_sandbox_offer_the_forms_as_they_are() -> None:
    manifest = yaml.safe_load((ROOT / "docs/slack_app.yaml").read_text(encoding="utf-8"))["features"]["shortcuts"]
    seeded = tomllib.loads((ROOT / "sandbox/seed_data.toml").read_text(encoding="utf-8"))["shortcuts"]
    assert manifest == seeded
    for shortcut in manifest:
        form = forms.named(shortcut["callback_id"].removesuffix(ON_MESSAGE))
        assert form
        assert (shortcut["name"], shortcut["description"]) == (form.entry.title, form.entry.about)
        is_about_a_message = shortcut["callback_id"].endswith(ON_MESSAGE)
        assert is_about_a_message == (shortcut["type"] == "message")
        assert not is_about_a_message or form.message or form.channel
    assert all(sum(each["type"] == kind for each in manifest) <= 5 for kind in ("global", "message"))


@pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.procedure)
def test_every_form_fits_into_a_modal_and_names_parameters_and_roles_that_are_there(form: forms.Form) -> None:
    fields = forms.layout(form.procedure)
    assert (fields.left_out, fields.missing) == ([], [])
    assert len(form.title) <= slack_modals.TITLE
    paths = {field.path for field in fields.fields}
    assert {form.message, form.channel} - {""} <= paths
    assert not paths & {form.handle, *form.hidden}
    assert set(form.roles) <= set(handbook().roles)
