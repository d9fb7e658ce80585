"""Response times, from the first look on: who is told once, what moves a due time, and how requests are routed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments import procedures
from flows.support import out_of_hours
from flows.support import support_slas as flows
from policies.attainment import by_week
from policies.customer import Refused
from policies.events import ConversationCreated, SlackAction, facts
from policies.handbook import HandbookError
from policies.support import conversation_turns, support_routing
from policies.support import support_slas as policy
from settings import handbook
from tasks import cases, deadlines, decisions, remembered, runs, salesforce
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios import route_support_request as routing
from tests.scenarios import watch_support_slas as slas
from tests.scenarios.answer_out_of_hours_message import SEED as CHANNEL
from tests.scenarios.watch_support_slas import CSE, CUSTOMER, FREE, P0, P1, P2, ours, seed, theirs

TICKET = "conversation-one"
NINE, TEN, NOON, ONE, TWO = (f"2026-11-23T{hour}:00:00+00:00" for hour in (17, 18, 20, 21, 22))  # in Los Angeles
TUESDAY_AT_TEN = "2026-11-24T18:00:00+00:00"
KATHY, JASON, HEAD_OF_PEOPLE = "U0SANDBOX09", "U0SANDBOX14", "U0SANDBOX25"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, TEN) | PATIENT)
    sandbox.reset(seed(conversation(TICKET, NINE, P1)))
    return sandbox


def conversation(id: str, came: str, priority: int | None = P2, *said: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Gives one that began before the watch, so that what was set in Unthread is not routed now; see `of_today`."""
    began = {} if priority is None else {"createdAt": "2026-11-16T17:00:00+00:00"}
    return slas.conversation(id, came, priority, *said, **began | more)


def of_today(priority: int | None, **more: Any) -> dict[str, Any]:
    return slas.conversation(TICKET, NINE, priority, **more)


def a_run(procedure: str, at: str, *, dry_run: bool = False) -> runs.Run:
    return runs.Run(f"run at {at}", procedure, "a person", datetime.fromisoformat(at), dry_run=dry_run)


def watch(at: str, *, dry_run: bool = False) -> int:
    with runs.acting(a_run(flows.WATCH, at, dry_run=dry_run)):
        return asyncio.run(flows.watch_support_slas.fn(dry_run=dry_run))


def route(priority: support_routing.Choice = "as in Unthread", at: str = TEN, **more: Any) -> None:
    with runs.acting(a_run(flows.ROUTE, at, dry_run=more.get("dry_run", False))):
        asyncio.run(flows.route_support_request.fn(more.pop("conversation", TICKET), priority, **more))


def press(user: str, priority: support_routing.Choice = "P1", at: str = "1795456800.000100") -> None:
    route(priority, press=f"{TICKET}/{priority}/{user}/{at}")


def told(world: Sandbox, channel: str = "#help-customers") -> list[str]:
    return [
        str(each["detail"]["text"])
        for each in world.effects()
        if each["action"] == "post message" and each["target"] == channel
    ]


def texted(world: Sandbox) -> list[str]:
    return [each["target"] for each in world.effects() if each["service"] == "twilio"]


def person(world: Sandbox, what: str, **said: Any) -> None:
    url = f"{world.url}/unthread/_person/{what}"
    httpx.post(url, json={"id": TICKET, **said}, trust_env=False).raise_for_status()


def set_in_unthread(world: Sandbox, **values: Any) -> None:
    """Changes the conversation, as somebody does in Unthread."""
    headers, url = {"X-Api-Key": "sandbox-unthread-key"}, f"{world.url}/unthread/api/conversations/{TICKET}"
    httpx.patch(url, json=values, headers=headers, trust_env=False).raise_for_status()


def held(world: Sandbox) -> dict[str, Any]:
    (found,) = [each for each in world.state()["unthread"]["conversations"] if each["id"] == TICKET]
    return found


def calls(world: Sandbox, path: str) -> int:
    return sum(each["service"] == "unthread" and each["path"].endswith(path) for each in world.calls())


# -- told once


def test_the_owner_is_warned_once_and_told_once_when_it_is_late_also_after_a_restart(world: Sandbox) -> None:
    for at in (TEN, NOON, "2026-11-23T20:10:00+00:00", TWO, TUESDAY_AT_TEN):
        assert watch(at) == 1
    warned, late = told(world)
    assert "P1 response is due soon: conversation #1001 A response is due on Monday, November 23, at 1:00 PM" in warned
    assert f"<@{KATHY}>" in warned
    assert "P1 response is late" in late
    assert f"<@{KATHY}> <@U0SANDBOX05> <@U0SANDBOX01>" in late


def test_the_message_has_the_codename_and_never_the_name(world: Sandbox) -> None:
    watch(NOON)
    (effect,) = world.effects()
    assert "customer-hebe" in str(effect["detail"]["blocks"])
    assert "Quillfeather" not in str(effect)


def test_a_new_owner_after_the_warning_is_not_warned_again(world: Sandbox) -> None:
    watch(NOON)
    set_in_unthread(world, assignedToUserId="user-edwardsb")
    watch("2026-11-23T20:10:00+00:00")
    assert len(told(world)) == 1


def test_raising_the_priority_moves_the_due_time_and_tells_of_the_new_one(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)))
    watch(NOON)
    assert told(world) == []
    set_in_unthread(world, priority=P0)
    watch(NOON)
    assert ["P0 response is due soon" in each for each in told(world)] == [True]


def test_a_closure_that_is_added_moves_running_deadlines(
    world: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    world.reset(seed(conversation(TICKET, "2026-11-20T19:00:00+00:00", P2)))
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(f'{added}\n[closures]\n2026-11-23 = "company closure"\n', encoding="utf-8")
    variables = environment(world.url, sqlite_url, TEN) | PATIENT
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})
    watch(TEN)
    assert told(world) == []
    use_settings(variables)
    watch(TEN)
    assert ["due on Monday, November 23, at 11:00 AM" in each for each in told(world)] == [True]


def test_an_old_backlog_is_not_told_message_by_message_when_the_watch_begins(world: Sandbox) -> None:
    world.reset(seed(*(conversation(f"conversation-{at:03}", "2026-11-02T17:00:00+00:00", P1) for at in range(5))))
    assert watch(TEN) == 5
    assert told(world) == []


def test_fleet_free_is_never_late(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P0, customerId=FREE)))
    watch(TUESDAY_AT_TEN)
    assert world.effects() == []


def test_without_salesforce_the_id_stands_for_the_customer_and_nobody_waits(world: Sandbox) -> None:
    salesforce.login.cache_clear()
    world.fault(kind="500_before", service="salesforce", times=100)
    watch(NOON)
    world.no_more_faults()
    (effect,) = world.effects()
    assert CUSTOMER in str(effect["detail"]["blocks"])


def test_one_that_can_not_be_told_holds_up_no_other_and_is_told_by_the_next_run(world: Sandbox) -> None:
    world.reset(seed(conversation("conversation-a", NINE, P1), conversation("conversation-b", NINE, P1)))
    world.fault(kind="401", service="slack", skip=1)  # the first question is which channel it is
    with pytest.raises(cases.Unsettled, match="conversation-a"):
        watch(NOON)
    world.no_more_faults()
    assert len(told(world)) == 1
    watch("2026-11-23T20:10:00+00:00")
    assert len(told(world)) == 2


def test_a_conversation_that_unthread_does_not_give_holds_up_no_other(world: Sandbox) -> None:
    world.reset(seed(conversation("conversation-a", NINE, P1), conversation("conversation-b", NINE, P1)))
    world.fault(kind="500_before", service="unthread", path="conversation-a/messages")
    with pytest.raises(cases.Unsettled, match="conversation-a: Unthread answered 500"):
        watch(NOON)
    assert len(told(world)) == 1
    watch("2026-11-23T20:10:00+00:00")
    assert len(told(world)) == 2


def test_conversations_that_unthread_refuses_each_time_hold_up_no_other(world: Sandbox) -> None:
    refused = [f"conversation-{at}" for at in range(4)]
    world.reset(seed(*(conversation(each, NINE, P1) for each in [*refused, TICKET])))
    for each in refused:
        world.fault(kind="vanished", service="unthread", path=f"{each}/messages", times=100)
    with pytest.raises(cases.Unsettled) as unsettled:
        watch(NOON)
    assert str(unsettled.value).count("Unthread refused it (404)") == 4
    assert len(told(world)) == 1


def test_when_unthread_is_gone_the_watch_gives_up_soon_and_goes_on_with_the_next_run(world: Sandbox) -> None:
    world.reset(seed(*(conversation(f"conversation-{at:03}", NINE, P2) for at in range(9))))
    world.fault(kind="500_before", service="unthread", path="/messages/list", skip=2, times=100)
    with pytest.raises(cases.Unsettled):
        watch(TEN)
    assert calls(world, "/messages/list") == 5
    world.no_more_faults()
    assert watch("2026-11-23T18:10:00+00:00") == 9
    assert calls(world, "/messages/list") == 12


def test_a_dry_run_tells_nobody_and_remembers_nothing(world: Sandbox) -> None:
    watch(NOON, dry_run=True)
    assert world.effects() == []
    assert remembered.below(flows.WATCH) == {}
    watch(NOON)
    assert len(told(world)) == 1


def test_what_may_have_been_said_is_looked_for_even_if_the_words_would_be_others_by_now(world: Sandbox) -> None:
    salesforce.login.cache_clear()
    world.fault(kind="500_before", service="salesforce", times=100)
    world.fault(kind="500_after", service="slack", path="chat.postMessage")
    world.fault(kind="500_before", service="slack", path="conversations.history", times=100)
    with pytest.raises(cases.Unsettled, match="Looking for it failed"):
        watch(NOON)
    world.no_more_faults()  # now the codename is known
    watch(NOON)
    assert len(told(world)) == 1


# -- while we wait for the customer


def test_an_answer_ends_the_wait_and_the_customers_next_message_begins_another(world: Sandbox) -> None:
    watch(TEN)
    world.set_clock(TEN)
    person(world, "message", text="On it.", user=CSE)
    watch(TWO)
    assert told(world) == []
    world.set_clock(TWO)
    person(world, "message", text="It still fails.")
    watch("2026-11-24T15:30:00+00:00")
    assert ["due on Tuesday, November 24, at 8:00 AM" in each for each in told(world)] == [True]


def test_a_hold_moves_the_due_time(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P1, status="on_hold", statusUpdatedAt=TEN)))
    watch(NOON)
    watch(TWO)
    assert told(world) == []
    world.reset(seed(conversation(TICKET, NINE, P1, status="in_progress", statusUpdatedAt=TWO)))
    watch(TWO)
    assert told(world) == []
    watch("2026-11-24T14:30:00+00:00")
    # one hour had passed before the hold, and two are left of Monday after it
    assert ["due on Tuesday, November 24, at 7:00 AM" in each for each in told(world)] == [True]


def test_an_answer_that_came_a_moment_ago_is_seen_before_anybody_is_told(world: Sandbox) -> None:
    changed = {"statusUpdatedAt": "2026-11-23T19:30:00+00:00"}  # so that nothing about the conversation tells
    world.reset(seed(conversation(TICKET, NINE, P1, **changed)))
    watch(TEN)
    world.reset(seed(conversation(TICKET, NINE, P1, ours("2026-11-23T19:00:00+00:00"), **changed)))
    watch(NOON)
    assert told(world) == []


# -- reading in bulk, and attainment


def test_150_conversations_are_listed_100_a_call_and_read_again_only_when_they_have_changed(world: Sandbox) -> None:
    many = [conversation(f"conversation-{at:03}", NINE, P2) for at in range(149)]
    world.reset(seed(conversation(TICKET, NINE, P2), *many))
    assert watch(TEN) == 150
    assert (calls(world, "/conversations/list"), calls(world, "/messages/list")) == (3, 150)
    person(world, "message", text="One more thing.")
    watch("2026-11-23T18:10:00+00:00")
    assert calls(world, "/messages/list") == 151


def test_what_was_closed_weeks_ago_counts_in_the_plot_with_the_priority_it_had(world: Sandbox) -> None:
    late = conversation("late", "2026-11-10T17:00:00+00:00", P1, ours("2026-11-11T17:00:00+00:00"), status="closed")
    in_time = conversation("in-time", "2026-11-12T17:00:00+00:00", P1, ours("2026-11-12T18:00:00+00:00"))
    open_one = conversation(TICKET, NINE, P1, ours("2026-11-23T17:30:00+00:00"), theirs(TEN))
    world.reset(seed(late | {"closedAt": "2026-11-12T17:00:00+00:00"}, in_time, open_one))
    watch(TWO)
    set_in_unthread(world, priority=P0)
    watch(TWO)
    histories = [conversation_turns.read(each) for each in remembered.below(f"{flows.WATCH}/history/").values()]
    weeks = by_week(policy.promises(histories, policy.rules(handbook())), datetime.fromisoformat(TWO))
    assert [(each.met, each.due) for each in weeks[-3:]] == [(1, 2), (0, 0), (1, 2)]


# -- routing: from the webhook and the button


def test_a_new_conversation_of_a_customer_goes_to_both_procedures_that_may_know_it() -> None:
    found = procedures.verdict(ConversationCreated(TICKET, "open", CUSTOMER))
    assert {each.procedure for each in found.openings} == {"respond-to-job-application", flows.ROUTE}
    nobodys = procedures.verdict(ConversationCreated(TICKET, "open"))
    assert [each.procedure for each in nobodys.openings] == ["respond-to-job-application"]
    assert nobodys.reasons == ["Unthread knows no customer behind it."]


def test_a_start_hands_over_what_the_webhook_and_the_button_tell() -> None:
    start = procedures.of(flows.ROUTE)
    assert start.parameters([TICKET]) == {"conversation": TICKET}
    pressed = SlackAction("route-support-request-p1", TICKET, KATHY, "T0SANDBOX", "C1", "1.1", "", "1790000001.000100")
    (opening,) = procedures.verdict(pressed).openings
    assert start.parameters([opening.subject]) == {
        "conversation": TICKET,
        "priority": "P1",
        "press": f"{TICKET}/P1/{KATHY}/1790000001.000100",
    }


def test_without_a_priority_the_team_is_asked_once_by_webhook_and_watch_together(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, None)))
    route()
    watch(TEN)
    watch(NOON)
    assert ["New support request: conversation #1001" in each for each in told(world)] == [True]
    assert held(world)["priority"] is None


def test_a_press_sets_the_priority_and_the_question_shows_who_decided(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, None)))
    route()
    press(JASON)
    assert held(world)["priority"] == P1
    (shown,) = [each["detail"] for each in world.effects() if each["action"] == "update message"]
    assert shown["text"] == f"<@{JASON}> Priority of conversation #1001 P1, High."
    assert "actions" not in str(shown["blocks"])
    decided = decisions.last(flows.ROUTE, below=f"{TICKET}/")
    assert decided
    assert (decided.decision, decided.decided_by) == ("P1 on-call", JASON)


def test_only_the_team_sets_a_priority(world: Sandbox) -> None:
    press(HEAD_OF_PEOPLE, "P0")
    (effect,) = world.effects()
    assert effect["action"] == "post ephemeral"
    assert held(world)["priority"] == P1


def test_who_presses_a_button_of_a_closed_conversation_alone_reads_why_nothing_came_of_it(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, None, status="closed")))
    press(JASON)
    (effect,) = world.effects()
    assert (effect["action"], effect["detail"]["user"]) == ("post ephemeral", JASON)
    assert "Conversation #1001 is closed. Open it again first." in str(effect["detail"])


def test_a_priority_that_unthread_has_already_is_routed_at_once(world: Sandbox) -> None:
    route()
    assert len(told(world, "#help-engineering")) == 1
    assert "P1 High: conversation #1001" in told(world)[0]


def test_a_conversation_that_was_closed_meanwhile_is_recorded_with_the_reason(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P1, status="closed")))
    cases.open_case(flows.ROUTE, TICKET, "delivery", facts(ConversationCreated(TICKET, "open", CUSTOMER)), False)
    route()
    case = cases.of(flows.ROUTE, [TICKET])[TICKET]
    assert (case.state, case.reason) == ("ignored", "Conversation #1001 is closed. Open it again first.")
    assert world.effects() == []


def test_a_form_is_done_though_the_conversations_webhook_has_been(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, None)))
    cases.open_case(flows.ROUTE, TICKET, "delivery", facts(ConversationCreated(TICKET, "open", CUSTOMER)), False)
    route()
    route("P2")
    assert cases.of(flows.ROUTE, [TICKET])[TICKET].state == "done"
    assert held(world)["priority"] == P2


# -- routing: which of two choices stands


def at_nine(priority: support_routing.Choice) -> None:
    press(JASON, priority, "1795453200.000100")


def a_minute_later(priority: support_routing.Choice) -> None:
    press(KATHY, priority, "1795453260.000100")


def test_what_was_pressed_last_stands_though_an_older_press_is_tried_again(world: Sandbox) -> None:
    world.fault(kind="vanished", service="slack", path="chat.postMessage", times=1)
    with pytest.raises(Exception, match="Slack"):
        at_nine("P1")
    a_minute_later("P0")
    pressed = SlackAction("route-support-request-p1", TICKET, JASON, "T0SANDBOX", "C1", "1.1", "", "1795453200.000100")
    subject = support_routing.press_subject(pressed)
    cases.open_case(flows.ROUTE, subject, "delivery", facts(pressed), False)
    at_nine("P1")
    assert held(world)["priority"] == P0
    assert cases.of(flows.ROUTE, [subject])[subject].reason == (
        f"Conversation #1001 has been made a P0 since, on Monday, November 23, at 9:01 AM Pacific Time, by {KATHY}. "
        "That stands."
    )


def test_a_press_that_is_heard_of_late_does_nothing_after_a_newer_one(world: Sandbox) -> None:
    a_minute_later("P0")
    at_nine("P2")
    assert held(world)["priority"] == P0


def test_the_same_priority_chosen_again_after_somebody_changed_it_in_unthread_is_a_new_decision(world: Sandbox) -> None:
    at_nine("P1")
    set_in_unthread(world, priority=P2)
    a_minute_later("P1")
    assert held(world)["priority"] == P1
    assert sum("P1 High" in each for each in told(world)) == 2


def test_what_somebody_changed_in_unthread_stays_when_the_same_press_is_tried_again(world: Sandbox) -> None:
    at_nine("P1")
    set_in_unthread(world, priority=P2)
    at_nine("P1")
    assert held(world)["priority"] == P2


# -- routing: what was set in Unthread


@pytest.mark.parametrize(("priority", "where"), [(P2, 1), (P1, 2)], ids=["P2", "P1"])
def test_a_priority_that_was_set_in_unthread_is_routed_once_by_the_watch(
    world: Sandbox, priority: int, where: int
) -> None:
    world.reset(seed(of_today(priority)))
    for at in (TEN, "2026-11-23T18:10:00+00:00"):
        watch(at)
    assert len(told(world)) + len(told(world, "#help-engineering")) == where
    assert held(world)["priority"] == priority


def test_a_priority_that_was_raised_to_p0_in_unthread_starts_the_emergency(world: Sandbox) -> None:
    world.reset(seed(of_today(P2)))
    watch(TEN)
    set_in_unthread(world, priority=P0)
    for at in ("2026-11-23T18:10:00+00:00", "2026-11-23T18:20:00+00:00"):
        watch(at)
    assert texted(world) == ["+12025550101"]


def test_one_that_was_lowered_in_unthread_is_left_as_it_is(world: Sandbox) -> None:
    world.reset(seed(of_today(None)))
    press(JASON, "P1")
    before = told(world)
    set_in_unthread(world, priority=P2)
    watch("2026-11-23T18:10:00+00:00")
    assert told(world) == before


def test_what_was_chosen_and_is_not_set_yet_is_no_change_by_hand(world: Sandbox) -> None:
    world.reset(seed(of_today(P0)))
    world.fault(kind="500_before", service="unthread", method="PATCH", times=100)
    with pytest.raises(Exception, match="Unthread"):
        press(JASON, "P2")
    world.no_more_faults()
    watch("2026-11-23T18:10:00+00:00")
    route(at="2026-11-23T18:10:00+00:00")
    assert texted(world) == []
    press(JASON, "P2")
    assert held(world)["priority"] == P2


def test_what_the_watch_could_not_bring_to_its_end_the_next_one_does(world: Sandbox) -> None:
    world.reset(seed(of_today(P0)))
    world.fault(kind="401", service="twilio", times=100)
    with pytest.raises(cases.Unsettled, match="Twilio"):
        watch(TEN)
    world.no_more_faults()
    watch("2026-11-23T18:10:00+00:00")
    watch("2026-11-23T18:20:00+00:00")
    assert texted(world) == ["+12025550101"]


def test_fleet_free_has_no_p0_also_where_unthread_says_so(world: Sandbox) -> None:
    world.reset(seed(of_today(P0, customerId=FREE)))
    with pytest.raises(Refused, match="uses Fleet Free, which has no P0"):
        route()
    watch(TEN)
    assert world.effects() == []


# -- routing: who is brought in


def channels(world: Sandbox) -> set[str]:
    return {each["target"] for each in world.effects() if each["action"] == "post message"}


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"priority": "P3"}, {"#help-customers"}),
        (
            {"priority": "P2", "on_call": True, "solutions_consulting": True},
            {"#help-customers", "#help-engineering", "#help-solutions-consulting"},
        ),
        ({"priority": "P1"}, {"#help-customers", "#help-engineering"}),
        ({"priority": "P3", "expert": True}, {"#help-customers", "#help-engineering", "#help-product-design"}),
    ],
    ids=["P3", "P2 with help", "P1", "expert question"],
)
def test_the_people_whom_the_process_names_are_brought_in(
    world: Sandbox, asked: dict[str, Any], where: set[str]
) -> None:
    route(**asked)
    assert channels(world) == where
    assert not [each for each in world.effects() if each["service"] == "twilio"]


def test_the_same_route_again_tells_nobody_and_another_one_does(world: Sandbox) -> None:
    chosen: list[support_routing.Choice] = ["P2", "P2", "P1", "P2"]
    for minute, priority in enumerate(chosen):
        route(priority, f"2026-11-23T18:0{minute}:00+00:00")
    assert [each.split(":")[0].rpartition(" ")[0] for each in told(world)] == [
        f"<@{KATHY}> P2",
        f"<@{KATHY}> P1",
        f"<@{KATHY}> P2",
    ]
    assert held(world)["priority"] == P2


def test_a_p0_without_a_private_channel_goes_by_the_contract_and_the_emergency_flow_by_our_own_message(
    world: Sandbox,
) -> None:
    route("P0")
    first, *others = told(world)
    assert "Write to them from the contract's contact address." in first
    (record,) = [each for each in others if "P0 emergency request of customer-hebe" in each]
    assert "Our team has set the priority." in record
    assert "the customer" not in record.casefold()
    (text,) = [each for each in world.effects() if each["service"] == "twilio"]
    assert text["target"] == "+12025550101"


def test_a_channel_that_anybody_of_us_can_read_is_no_private_channel(world: Sandbox) -> None:
    public = {"channels": [{"id": "C0SANDBOX01", "name": "fleet-at-hebe", "is_private": False}]}
    world.reset(seed(conversation(TICKET, NINE, P1)), {"slack": public})
    route("P0")
    assert "#fleet-at-hebe" not in channels(world)


def test_whoever_can_not_be_told_holds_up_nobody_and_is_told_by_the_next_run(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)), CHANNEL)
    world.fault(kind="500_before", service="unthread", method="PATCH", times=100)
    with pytest.raises(Exception, match="Unthread"):
        route("P0")
    assert {"#help-customers", "#help-engineering", "#fleet-at-hebe"} == channels(world)
    assert texted(world) == ["+12025550101"]
    before = len(world.effects())
    world.no_more_faults()
    route("P0", at="2026-11-23T18:00:30+00:00")
    assert [each["action"] for each in world.effects()[before:]] == ["update conversation"]


def test_a_customer_who_can_not_be_told_holds_up_no_text_and_the_next_run_texts_nobody_again(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)), CHANNEL)
    world.fault(kind="vanished", service="slack", path="chat.postMessage", times=1)
    with pytest.raises(Exception, match="Slack"):
        route("P0")
    assert texted(world) == ["+12025550101"]
    route("P0", at="2026-11-23T18:00:30+00:00")
    assert texted(world) == ["+12025550101"]
    assert sum("Nobody has taken it over yet" in each for each in told(world)) == 1
    assert sum("We treat your request as an emergency" in each for each in told(world, "#fleet-at-hebe")) == 1


def test_while_slack_is_down_the_vp_is_texted_with_the_conversation_and_once(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)), CHANNEL)
    world.fault(kind="401", service="slack", times=1000)
    for _ in range(2):
        with pytest.raises(Exception, match="Slack"):
            route("P0")
    (text,) = [each for each in world.effects() if each["service"] == "twilio"]
    assert "P0 emergency request of customer-hebe. Slack takes no message" in text["detail"]["body"]
    assert f"/conversations/{TICKET}" in text["detail"]["body"]
    world.no_more_faults()
    route("P0", at="2026-11-23T18:00:30+00:00")
    assert texted(world) == ["+12025550101"]
    assert any("Nobody has taken it over yet" in each for each in told(world))


def test_a_p0_is_warned_of_by_the_watch_though_everybody_was_told(world: Sandbox) -> None:
    route("P0")
    watch(NOON)
    assert any("P0 response is due soon" in each for each in told(world))


def test_a_dry_run_names_the_text_and_the_record_and_does_nothing(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)), CHANNEL)
    with runs.acting(a_run(flows.ROUTE, TEN, dry_run=True)) as run:
        asyncio.run(flows.route_support_request.fn(TICKET, "P0", dry_run=True))
    assert world.effects() == []
    assert {each.outcome for each in run.outcomes} == {"would be done"}
    assert {each.action for each in run.outcomes} == {"set priority", "post message", "send text"}
    assert decisions.last(flows.ROUTE, below=f"{TICKET}/") is None


@pytest.mark.parametrize(("parameters", "says"), routing.BAD_INPUT)
def test_what_can_not_be_routed_is_refused_before_any_effect(
    world: Sandbox, parameters: dict[str, Any], says: str
) -> None:
    world.reset(routing.BAD_SEED)
    with pytest.raises(Refused, match=says):
        route(**parameters)
    assert world.effects() == []


def test_a_group_without_an_id_is_refused_before_any_effect(
    world: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(added.replace('oncall = { id = "S0SANDBOX1" }', ""), encoding="utf-8")
    variables = environment(world.url, sqlite_url, TEN) | PATIENT
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})
    with pytest.raises(HandbookError, match=r"user_groups.oncall.id: .*Fill it in"):
        route("P1")
    assert world.effects() == []


def test_the_customer_of_a_p0_is_told_once_and_the_thread_says_who_is_texted(world: Sandbox) -> None:
    world.reset(seed(conversation(TICKET, NINE, P2)), CHANNEL)
    for _ in range(2):
        route("P0")
    shown = told(world, "#fleet-at-hebe")
    assert len(shown) == 2
    assert "We treat your request as an emergency (P0)" in shown[0]
    assert "We are texting the person in charge." in shown[1]
    (deadline,) = deadlines.due(datetime(2999, 1, 1, tzinfo=UTC))
    assert deadline.procedure == out_of_hours.START
