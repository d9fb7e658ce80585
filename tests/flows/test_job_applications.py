"""Job applications from ticket to closed ticket: approval, what goes to a person, and what never happens twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.support import job_applications as flows
from policies.customer import Refused
from policies.support import job_applications as policy
from settings import handbook
from tasks import cases, clock, decisions, effects, google_client, ledger, runs
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios.respond_to_job_application import (
    ADDRESS,
    APPLICANT,
    BAD_INPUT,
    POSITIONS,
    TICKET,
    UNCLEAR,
    seed,
    text,
    ticket,
)

NOW = "2026-11-23T18:00:00+00:00"
CSE, MANAGER, COLLEAGUE = "U0SANDBOX09", "U0SANDBOX05", "U0SANDBOX11"
HANDLE = "ksatter"
SECOND = "conversation-second"
SEND = r"/drafts/send\?"
NOTE = "/messages$"
ALL = ["create draft", "send mail", "add private note", "close conversation"]
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "10"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(variables(sandbox, sqlite_url))
    google_client.credentials_for.cache_clear()
    handbook.cache_clear()
    sandbox.reset(seed(ticket()))
    sandbox.set_clock(NOW)
    return sandbox


def variables(sandbox: Sandbox, sqlite_url: str) -> dict[str, str]:
    return environment(sandbox.url, sqlite_url, NOW) | PATIENT


def a_run(procedure: str = flows.RESPOND, at: str = NOW, *, dry_run: bool = False) -> runs.Run:
    return runs.Run("run 1", procedure, "a person", datetime.fromisoformat(at), dry_run=dry_run)


def respond(*tickets: str, dry_run: bool = False, **more: Any) -> None:
    with runs.acting(a_run(dry_run=dry_run)):
        asyncio.run(flows.respond_to_job_application.fn(list(tickets or [TICKET]), dry_run=dry_run, **more))


def press(decision: policy.Decision, by: str, conversation: str = TICKET) -> str:
    with runs.acting(a_run()):
        return asyncio.run(flows.decide(conversation, decision, by))


def review(at: str = NOW) -> int:
    with runs.acting(a_run(flows.REVIEW, at)):
        return asyncio.run(flows.review_job_applications.fn())


def actions(world: Sandbox, *services: str) -> list[str]:
    return [
        each["action"]
        for each in world.effects()
        if each["actor"] != "a person" and (not services or each["service"] in services)
    ]


def outward(world: Sandbox) -> list[str]:
    return actions(world, "google", "unthread")


def mails(world: Sandbox) -> list[dict[str, Any]]:
    return [each for each in world.effects() if each["action"] == "send mail"]


def told(world: Sandbox) -> list[str]:
    """Gives what stands in the channel, oldest first."""
    channels = world.state()["slack"]["channels"]
    (channel,) = [each for each in channels if each["name"] == "help-customers"]
    return [f"{each['text']} {each.get('blocks')}" for each in sorted(channel["messages"], key=lambda each: each["ts"])]


def held(world: Sandbox, id: str = TICKET) -> dict[str, Any]:
    (found,) = [each for each in world.state()["unthread"]["conversations"] if each["id"] == id]
    return found


def person(world: Sandbox, what: str, **said: Any) -> None:
    httpx.post(f"{world.url}/unthread/_person/{what}", json=said, trust_env=False).raise_for_status()


def assign(world: Sandbox, user: str, id: str = TICKET) -> None:
    headers = {"X-Api-Key": "sandbox-unthread-key"}
    url = f"{world.url}/unthread/api/conversations/{id}"
    httpx.patch(url, json={"assignedToUserId": user}, headers=headers, trust_env=False).raise_for_status()


# -- approval


def test_nothing_leaves_before_the_assigned_cse_has_approved_it(world: Sandbox) -> None:
    respond()
    assert outward(world) == []
    (question,) = told(world)
    assert "Customer Support Engineer" in question
    assert f"<@{CSE}>" in question
    for personal in (APPLICANT, ADDRESS, "Robin"):
        assert personal not in question
    press("approve", CSE)
    assert outward(world) == ALL
    (decided,) = told(world)
    assert "Approved" in decided
    assert f"<@{CSE}>" in decided
    assert policy.APPROVE not in decided


def test_the_question_is_asked_once(world: Sandbox) -> None:
    respond()
    respond()
    assert actions(world) == ["post message"]


def test_a_declined_answer_is_not_sent_by_anybody_later(world: Sandbox) -> None:
    respond()
    assert press("decline", MANAGER) == f"Declined by {MANAGER}."
    with pytest.raises(cases.NothingToDo, match="has declined it"):
        respond_now()
    respond(approved_by=HANDLE)
    assert "Declined" in told(world)[0]
    assert press("approve", CSE) == f"Declined by {MANAGER}."
    assert outward(world) == []


def respond_now() -> str:
    with runs.acting(a_run()):
        return asyncio.run(flows.answer(TICKET))


def test_who_is_not_asked_decides_nothing_and_is_told_so_alone(world: Sandbox) -> None:
    respond()
    with pytest.raises(cases.NothingToDo, match="Only the assigned CSE"):
        press("approve", COLLEAGUE)
    assert outward(world) == []
    assert actions(world, "slack") == ["post message", "post ephemeral"]
    press("approve", MANAGER)
    assert outward(world) == ALL


def test_a_mail_that_would_be_another_by_now_is_asked_about_again(world: Sandbox) -> None:
    respond()
    assign(world, "user-edwardsb")
    with pytest.raises(cases.NothingToDo, match="asked again"):
        press("approve", COLLEAGUE)
    assert mails(world) == []
    first, second = told(world)
    assert "No longer" in first
    assert policy.APPROVE not in first
    assert "Ben Edwards" in second
    press("approve", COLLEAGUE)
    (mail,) = mails(world)
    assert mail["target"] == f"ben@fleetdm.com to {ADDRESS}"


def test_a_question_whose_buttons_stayed_because_slack_was_down_loses_them_with_the_next_look(world: Sandbox) -> None:
    respond()
    assign(world, "user-edwardsb")
    world.fault(kind="401", service="slack", path=r"chat\.update")
    with pytest.raises(effects.EffectPostponed):
        respond()
    assert [policy.APPROVE in each for each in told(world)] == [True, True]
    respond()
    assert [policy.APPROVE in each for each in told(world)] == [False, True]


def test_a_question_of_before_may_come_back(world: Sandbox) -> None:
    respond()
    for user in ("user-edwardsb", "user-ksatter"):
        assign(world, user)
        respond()
    press("approve", CSE)
    assert len(mails(world)) == 1
    assert [policy.APPROVE in each for each in told(world)] == [False, False, False]


def test_a_question_of_before_sends_nothing_more_once_the_answer_was_approved_in_prefect(world: Sandbox) -> None:
    respond()
    assign(world, "user-edwardsb")
    respond(approved_by="edwardsb")
    assert "No longer" in told(world)[0]
    before = actions(world)
    assert press("approve", COLLEAGUE) == "Answered, noted and closed."
    assert press("decline", MANAGER) == "Answered, noted and closed."
    assert actions(world) == before
    assert len(mails(world)) == 1


def test_an_approval_in_prefect_names_who_has_given_it(world: Sandbox) -> None:
    respond()
    respond(approved_by=f"@{HANDLE}")
    assert outward(world) == ALL
    (decided,) = told(world)
    assert "Approved" in decided
    assert f"<@{CSE}>" in decided


@pytest.mark.parametrize(
    ("by", "said"), [("edwardsb", "edwardsb may not approve it"), ("nobody", '"nobody" is not among')]
)
def test_in_prefect_too_only_who_may_decide_approves(by: str, said: str, world: Sandbox) -> None:
    with pytest.raises(Refused, match=said):
        respond(approved_by=by)
    assert outward(world) == []


def without_slack_ids(world: Sandbox, use_settings: Use, sqlite_url: str, tmp_path: Path) -> None:
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(added.replace(f'"{CSE}"', '""'), encoding="utf-8")
    use_settings(variables(world, sqlite_url) | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})


def test_where_the_handbook_lacks_somebodys_slack_id_that_of_unthread_stands(
    world: Sandbox, use_settings: Use, sqlite_url: str, tmp_path: Path
) -> None:
    without_slack_ids(world, use_settings, sqlite_url, tmp_path)
    respond()
    assert f"<@{CSE}>" in told(world)[0]
    press("approve", CSE)
    assert outward(world) == ALL


def test_what_was_approved_is_kept_as_a_hash_with_who_and_when(world: Sandbox) -> None:
    respond()
    press("approve", CSE)
    (key,) = [row.key for row in ledger.rows(below=f"{flows.RESPOND}/{TICKET}/question/")]
    mark = key.rpartition("/")[2]
    kept = decisions.on(flows.RESPOND, f"{TICKET}/{mark}")
    assert kept
    assert (kept.decision, kept.decided_by, kept.shown) == ("approve", CSE, mark)


def test_two_presses_at_once_send_one_mail(world: Sandbox) -> None:
    respond()
    world.latency(**{"*": [0.01, 0.05]})

    async def both() -> None:
        await asyncio.gather(
            *(flows.decide(TICKET, "approve", each) for each in (CSE, MANAGER)), return_exceptions=True
        )

    with runs.acting(a_run()):
        asyncio.run(both())
    world.latency()
    press("approve", CSE)
    assert outward(world) == ALL


def test_the_handbook_may_say_that_answers_leave_at_once(
    world: Sandbox, use_settings: Use, sqlite_url: str, tmp_path: Any
) -> None:
    text_of = (ROOT / "handbook.toml").read_text(encoding="utf-8")
    file = tmp_path / "handbook.toml"
    file.write_text(text_of.replace('approval = "ask"', 'approval = "send"'), encoding="utf-8")
    use_settings(variables(world, sqlite_url) | {"HANDBOOK_HANDBOOK_FILE": str(file)})
    handbook.cache_clear()
    respond()
    assert actions(world) == ALL
    handbook.cache_clear()


# -- one after the other


def test_the_answer_is_from_the_cse_with_the_head_of_people_in_copy_and_the_note_is_its_copy(world: Sandbox) -> None:
    respond(approved_by=HANDLE)
    (mail,) = mails(world)
    assert mail["target"] == f"kathy@fleetdm.com to {ADDRESS}"
    assert mail["detail"]["cc"] == "sampfluger88@fleetdm.com"
    assert "Customer Support Engineer" in mail["detail"]["subject"]
    note = held(world)["messages"][-1]
    assert note["isPrivateNote"]
    assert "Hi Robin," in note["text"]
    assert held(world)["status"] == "closed"


def test_a_mail_that_fails_leaves_the_ticket_open_and_without_a_note(world: Sandbox) -> None:
    world.fault(kind="500_before", service="google", method="POST", path=SEND, times=99)
    with pytest.raises(effects.EffectPostponed):
        respond(approved_by=HANDLE)
    assert outward(world) == ["create draft"]
    assert held(world)["status"] == "open"
    world.no_more_faults()
    respond(approved_by=HANDLE)
    assert outward(world) == ALL


def test_a_note_that_fails_does_not_repeat_the_mail(world: Sandbox) -> None:
    world.fault(kind="vanished", service="unthread", method="POST", path=NOTE)
    with pytest.raises(effects.EffectRefused):
        respond(approved_by=HANDLE)
    assert outward(world) == ["create draft", "send mail"]
    assert held(world)["status"] == "open"
    respond()
    assert outward(world) == ALL


def test_a_mail_that_has_left_is_finished_as_it_was_whatever_has_changed_since(world: Sandbox) -> None:
    world.fault(kind="vanished", service="unthread", method="POST", path=NOTE)
    with pytest.raises(effects.EffectRefused):
        respond(approved_by=HANDLE)
    assign(world, "user-edwardsb")
    person(world, "status", id=TICKET, status="on_hold")
    respond()
    assert len(mails(world)) == 1
    assert "kathy@fleetdm.com" in held(world)["messages"][-1]["text"]
    assert held(world)["status"] == "closed"


def test_a_draft_is_not_sent_once_a_person_has_closed_the_ticket(world: Sandbox) -> None:
    world.fault(kind="429", service="google", method="POST", path=SEND, times=99, seconds=60)
    with pytest.raises(effects.EffectPostponed):
        respond(approved_by=HANDLE)
    world.no_more_faults()
    person(world, "status", id=TICKET, status="closed")
    respond(approved_by=HANDLE)
    assert mails(world) == []
    assert "closed already" in told(world)[-1]


@pytest.mark.parametrize("fault", ["429", "500_before"], ids=["refused for now", "no clear answer"])
def test_the_draft_of_an_answer_that_never_left_goes_once_a_person_has_closed_the_ticket(
    fault: str, world: Sandbox
) -> None:
    respond()
    world.fault(kind=fault, service="google", method="POST", path=SEND, times=99, seconds=60)
    with pytest.raises(effects.EffectPostponed):
        press("approve", CSE)
    world.no_more_faults()
    person(world, "status", id=TICKET, status="closed")
    for _ in range(2):
        with pytest.raises(cases.NothingToDo, match="closed already"):
            press("approve", CSE)
    assert actions(world, "google") == ["create draft", "delete draft"]
    person(world, "status", id=TICKET, status="open")
    respond()
    assert review() == 1
    assert actions(world, "google") == ["create draft", "delete draft"]


def test_a_mail_that_left_without_an_answer_is_noted_though_a_person_has_closed_the_ticket(world: Sandbox) -> None:
    world.set_clock(clock.wall().isoformat())  # mails in Sent are looked for by the real time
    world.fault(kind="500_after", service="google", method="POST", path=SEND)
    world.fault(kind="500_before", service="google", method="GET", path="/messages", times=9)
    with pytest.raises(effects.EffectInDoubt):
        respond(approved_by=HANDLE)
    world.no_more_faults()
    person(world, "status", id=TICKET, status="closed")
    respond()
    assert actions(world, "google") == ["create draft", "send mail"]
    assert "Hi Robin," in held(world)["messages"][-1]["text"]


def test_a_draft_that_is_gone_already_is_as_wanted(world: Sandbox) -> None:
    world.fault(kind="429", service="google", method="POST", path=SEND, times=99, seconds=60)
    with pytest.raises(effects.EffectPostponed):
        respond(approved_by=HANDLE)
    world.no_more_faults()
    person(world, "status", id=TICKET, status="closed")
    world.fault(kind="500_after", service="google", method="DELETE", path="/drafts/")
    respond()
    assert actions(world, "google") == ["create draft", "delete draft"]


def test_a_second_run_does_nothing(world: Sandbox) -> None:
    respond(approved_by=HANDLE)
    respond(approved_by=HANDLE)
    assert actions(world) == ALL


def test_a_ticket_that_somebody_has_opened_again_is_left_alone(world: Sandbox) -> None:
    respond(approved_by=HANDLE)
    person(world, "status", id=TICKET, status="in_progress")
    respond(approved_by=HANDLE)
    assert review() == 0
    assert actions(world) == ALL
    assert held(world)["status"] == "in_progress"


# -- to a person


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"messages": [{"text": text("I'd love to join your team.")}]}, "names none of the open positions"),
        (
            {"messages": [{"text": text("I apply for the Software Engineer or the Customer Success Manager role.")}]},
            "several positions",
        ),
        ({"assignedToUserId": None}, "assigned to nobody"),
        ({"status": "closed"}, "closed already"),
        ({"messages": [{"text": text(address="contact@fleetdm.com")}]}, "one of our own"),
        ({"messages": [{"text": text(address="a@x.example, b@x.example")}]}, "told for certain"),
    ],
    ids=["no position", "several", "nobody assigned", "closed", "our own address", "two addresses"],
)
def test_what_only_a_person_can_decide_is_told_once_with_the_reason_and_the_ticket(
    changes: dict[str, Any], said: str, world: Sandbox
) -> None:
    world.reset(seed(ticket() | changes))
    respond()
    respond(approved_by=HANDLE)
    assert outward(world) == []
    (message,) = told(world)
    assert said in message
    assert f"/unthread/conversations/{TICKET}" in message
    assert APPLICANT not in message


@pytest.mark.parametrize(
    "message",
    ["What does Fleet Premium cost for 300 hosts?", "Our Customer Success Manager was a great help, thank you!"],
)
def test_of_what_is_no_application_nothing_is_said(message: str, world: Sandbox) -> None:
    world.reset(seed(ticket(message=message)))
    respond(approved_by=HANDLE)
    assert actions(world) == []


def test_an_ordinary_ticket_costs_one_question(world: Sandbox) -> None:
    world.reset(seed(ticket() | {"messages": [{"text": "A host is offline."}]}))
    respond()
    assert len(world.calls()) == 1


def test_a_person_says_the_position_and_it_stands_for_the_approval_too(world: Sandbox) -> None:
    world.reset(seed(ticket(message="I saw your job posting.")))
    respond(position="software engineer")
    assert outward(world) == []
    press("approve", CSE)
    assert "Software Engineer" in mails(world)[0]["detail"]["subject"]


def test_a_position_that_is_taken_off_the_list_goes_to_a_person(world: Sandbox) -> None:
    respond()
    file = {"repository": "fleetdm/fleet", "path": "handbook/company/open-positions.yml", "text": "# none\n"}
    httpx.post(f"{world.url}/_sandbox/seed", json={"github": {"files": [file]}}, trust_env=False).raise_for_status()
    with pytest.raises(cases.NothingToDo, match="No position is open"):
        press("approve", CSE)
    assert outward(world) == []


def test_a_list_of_positions_that_is_none_stops_with_a_sentence(world: Sandbox) -> None:
    world.reset(seed(ticket(), positions="jobTitle: [unclosed"))
    with pytest.raises(Exception, match="is no list of positions"):
        respond(approved_by=HANDLE)
    assert actions(world) == []


# -- a second ticket


def test_a_second_ticket_of_the_same_person_and_position_goes_to_a_person(world: Sandbox) -> None:
    world.reset(seed(ticket(), ticket(SECOND, createdAt="2026-11-23T17:30:00+00:00")))
    respond(TICKET, SECOND)
    first, second = told(world)
    assert "Answer the applicant" in first
    assert "same person has applied" in second
    press("approve", CSE)
    respond(SECOND)
    assert len(mails(world)) == 1
    assert held(world, SECOND)["status"] == "open"


def test_of_two_tickets_the_one_that_is_looked_at_first_is_answered(world: Sandbox) -> None:
    world.reset(seed(ticket(SECOND, createdAt="2026-11-23T17:30:00+00:00"), ticket()))
    respond(SECOND)
    respond(TICKET)
    respond(SECOND)
    assert [("same person" in each) for each in told(world)] == [False, True]


def test_a_ticket_of_the_span_before_counts_while_it_is_within_14_days(world: Sandbox) -> None:
    _, number, _ = policy.fortnights(datetime.fromisoformat(NOW))
    edge = datetime.fromtimestamp(number * policy.SAME_ROLE_WITHIN.total_seconds(), UTC)
    before, after = (edge + timedelta(days=days) for days in (-1, 1))
    world.reset(seed(ticket(createdAt=before.isoformat()), ticket(SECOND, createdAt=after.isoformat())))
    respond(TICKET, SECOND)
    respond(TICKET)
    assert [("same person" in each) for each in told(world)] == [False, True]


def test_another_position_or_another_time_is_no_second_ticket(world: Sandbox) -> None:
    world.reset(
        seed(
            ticket(createdAt="2026-11-09T16:59:00+00:00"),
            ticket(SECOND, message="I want to apply for the Software Engineer role."),
            ticket("conversation-third"),
        )
    )
    respond(TICKET, SECOND, "conversation-third")
    assert len(told(world)) == 3
    assert not any("same person" in each for each in told(world))


def test_nothing_of_an_applicant_is_kept_but_a_hash(world: Sandbox, tmp_path: Any) -> None:
    respond()
    press("approve", CSE)
    review()
    kept = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())
    assert TICKET.encode() in kept
    for personal in ("Robin", "quillfeather", "Quillfeather"):
        assert personal.encode() not in kept


# -- the review


def test_the_review_answers_what_a_webhook_missed(world: Sandbox) -> None:
    assert review() == 1
    assert "Answer the applicant" in told(world)[0]
    press("approve", CSE)
    assert review() == 0


def test_the_review_sends_what_was_approved_and_never_left(world: Sandbox) -> None:
    respond()
    world.fault(kind="401", service="google", method="POST", path=SEND)
    with pytest.raises(effects.EffectPostponed):
        press("approve", CSE)
    world.no_more_faults()
    assert review() == 0
    assert outward(world) == ALL


def test_the_review_warns_once_and_reports_a_breach_once(world: Sandbox) -> None:
    start = datetime(2026, 11, 23, 18, tzinfo=UTC)
    for halves in range(10):
        review((start + timedelta(minutes=30 * halves)).isoformat())
    said = told(world)
    assert len(said) == 3
    assert "due soon" in said[1]
    assert f"<@{CSE}>" in said[1]
    assert "is late" in said[2]
    assert f"<@{MANAGER}>" in said[2]


@pytest.mark.parametrize("at", ["2026-11-24T02:00:00+00:00", "2026-11-26T18:00:00+00:00", "2026-11-28T18:00:00+00:00"])
def test_the_review_does_nothing_while_we_are_closed(at: str, world: Sandbox) -> None:
    assert review(at) == 0
    assert world.calls() == []


def test_the_review_reads_in_bulk(world: Sandbox) -> None:
    others = [
        {"id": f"chat-{number:03}", "type": "slack", "messages": [{"text": "A host is offline."}]}
        for number in range(150)
    ]
    applications = [
        ticket(f"application-{number:03}") | {"messages": [{"text": text(address=f"person{number}@x.example")}]}
        for number in range(20)
    ]
    world.reset(seed(*others, *applications))
    assert review() == 20
    asked = [each for each in world.calls() if each["service"] in {"unthread", "github"}]
    assert len(asked) == 4


def test_one_ticket_that_fails_does_not_hold_up_the_others(world: Sandbox) -> None:
    world.reset(seed(ticket(), ticket(SECOND) | {"messages": [{"text": text(address="other@x.example")}]}))
    world.fault(kind="401", service="slack", path=r"chat\.postMessage")
    with pytest.raises(cases.Unsettled, match="1 are not settled"):
        review()
    assert len(told(world)) == 1
    assert review() == 2
    assert len(told(world)) == 2


def test_an_answer_that_fails_is_warned_of_and_reported_and_shown_with_the_reason(world: Sandbox) -> None:
    respond()
    world.fault(kind="429", service="google", method="POST", path=SEND, times=99, seconds=60)
    with pytest.raises(effects.EffectPostponed):
        press("approve", CSE)
    start = datetime(2026, 11, 23, 18, tzinfo=UTC)
    for halves in (6, 7, 8):
        with pytest.raises(cases.Unsettled, match=TICKET):
            review((start + timedelta(minutes=30 * halves)).isoformat())
    _, warned, late = told(world)
    assert "due soon" in warned
    assert "Gmail asked to come back later" in warned
    assert "is late" in late


def test_an_answer_whose_note_fails_is_not_called_late(world: Sandbox) -> None:
    world.fault(kind="vanished", service="unthread", method="POST", path=NOTE, times=9)
    with pytest.raises(effects.EffectRefused):
        respond(approved_by=HANDLE)
    with pytest.raises(cases.Unsettled, match=TICKET):
        review("2026-11-23T23:30:00+00:00")
    assert told(world) == []


# -- bad input, dry runs


@pytest.mark.parametrize(("parameters", "said"), BAD_INPUT, ids=lambda each: str(each)[:40])
def test_bad_input_is_refused_with_a_sentence_before_any_effect(
    parameters: dict[str, Any], said: str, world: Sandbox
) -> None:
    world.reset(seed(ticket(), ticket(UNCLEAR, message="I saw your job posting."), positions=POSITIONS))
    with pytest.raises(Refused, match=said) as refused, runs.acting(a_run()):
        asyncio.run(flows.respond_to_job_application.fn(**parameters))
    assert APPLICANT not in str(refused.value)
    assert actions(world) == []


@pytest.mark.parametrize("approved_by", [HANDLE, ""])
def test_a_dry_run_decides_and_keeps_nothing(approved_by: str, world: Sandbox) -> None:
    respond(dry_run=True, approved_by=approved_by)
    assert actions(world) == []
    respond()
    assert actions(world) == ["post message"]
