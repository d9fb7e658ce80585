"""Out of hours without Prefect: the gateway alone answers, texts, escalates, and loses nothing when it is killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient

from bench.webhooks import load
from deployments.dispatcher import AT_ONCE
from policies.support.out_of_hours import ONE_TEXT_IN
from tasks import cases, clock, decisions
from tests import signed
from tests.conftest import until, within
from tests.deployments.night import (
    ADMINISTRATOR,
    BEFORE,
    BUSY,
    CHANNEL,
    COLLEAGUE,
    CUSTOMER,
    GUEST,
    HELP,
    MEMBER,
    OUR_BOT,
    RELAY,
    SECOND,
    SELDOM,
    THIRD,
    UNLISTED,
    VP,
    Night,
    earlier,
)

P0, P1, TAKE = "start-emergency-request-p0", "start-emergency-request-p1", "acknowledge-emergency-request"
ADD, DECLINE = "approve-customer-channel", "decline-customer-channel"


# -- the notice


def test_a_customers_message_at_night_gets_one_notice_in_its_thread_with_two_buttons(night: Night) -> None:
    began = time.monotonic()
    ts = night.says(CUSTOMER)
    notice = night.notice(ts)
    assert time.monotonic() - began < within(2)
    assert "on Monday, November 30, at 6:00 AM Pacific Time" in notice["text"]
    buttons = [each for block in notice["blocks"] if block["type"] == "actions" for each in block["elements"]]
    assert [each["action_id"] for each in buttons] == [P0, P1]
    night.at_rest()
    assert len(night.did("post message")) == 1


def test_what_slack_tells_again_and_under_another_event_id_gets_no_second_notice(night: Night) -> None:
    night.network(gateway=night.gateway, double=1)
    ts = night.says(CUSTOMER)
    night.notice(ts)
    told = {"type": "message", "channel": CHANNEL, "user": CUSTOMER, "team": "T0CUSTOMER", "text": "!", "ts": ts}
    for id in ("EvOTHER", "EvOTHER", "EvTHIRD"):
        assert signed.slack_event(night.gateway, id, told).status_code == 200
    night.at_rest()
    assert len(night.replies()) == 1


def test_nobody_else_gets_a_notice_and_the_reason_stands(night: Night) -> None:
    night.says(MEMBER)
    other = WebClient("xoxb-other", base_url=f"{night.sandbox.url}/slack/api/", retry_handlers=[])
    other.chat_postMessage(channel=CHANNEL, text="An app speaks.")  # pyright: ignore[reportUnknownMemberType]
    night.does("edit", user=CUSTOMER, channel=CHANNEL, ts=BEFORE, text="Is anybody there now?")
    night.does("join", user="U0SANDBOX10", channel=CHANNEL)
    night.says(CUSTOMER, thread_ts=BEFORE)
    night.says(CUSTOMER, UNLISTED)
    night.does("message", user=CUSTOMER, channel=CHANNEL, files=["agent.log"])
    until(lambda: len(night.reasons()) == 7)
    assert night.reasons() == [
        "A team member wrote it.",
        "An app wrote it.",
        f"{UNLISTED} is not on the list of channels.",
        "It is a file without a word.",
        "It is a reply; a thread gets one notice.",
        "It is no new message (channel_join).",
        "It is no new message (message_changed).",
    ]
    assert night.replies() == []


def test_a_guest_of_our_workspace_is_a_customer(night: Night) -> None:
    assert "We are closed right now" in night.notice(night.says(GUEST))["text"]


# -- the emergency


def test_the_senders_p0_texts_the_vp_once_and_posts_the_state_and_the_record(night: Night) -> None:
    ts = night.says(CUSTOMER)
    notice = night.notice(ts)
    began = time.monotonic()
    for _ in range(3):
        night.presses(CUSTOMER, notice, P0)
    until(night.texted)
    assert time.monotonic() - began < within(5)
    record = night.record()
    night.at_rest()
    assert night.texted() == [VP]
    (text,) = night.did("send text")
    assert "P0 emergency request in #fleet-at-hebe" in text["body"]
    assert f"/archives/{CHANNEL}/p{ts.replace('.', '')}" in text["body"]
    states = [reply["text"].partition(".")[0] for reply in night.replies(ts)]
    assert states[1:] == ["P0 emergency request started We are texting the person in charge"]
    assert "Nobody has taken it over yet" in record["text"]
    assert len(night.did("post message", "#help-customers")) == 1


@pytest.mark.parametrize("who", [COLLEAGUE, MEMBER, GUEST], ids=["a colleague", "a team member", "a guest"])
def test_anybody_elses_press_shows_only_them_the_refusal_and_sends_no_text(night: Night, who: str) -> None:
    ts = night.says(CUSTOMER)
    night.presses(who, night.notice(ts), P0)
    (refusal,) = until(lambda: night.did("post ephemeral"))
    assert refusal["user"] == who
    assert "Only the person who wrote the message can start the emergency request" in refusal["text"]
    night.at_rest()
    assert night.texted() == []
    assert len(night.replies(ts)) == 1
    assert night.did("post message", "#help-customers") == []


def emergency(night: Night, button: str = P0) -> tuple[str, Mapping[str, Any]]:
    """Starts one. Gives the ts of the customer's message, and the escalation record."""
    ts = night.says(CUSTOMER)
    night.presses(CUSTOMER, night.notice(ts), button)
    record = night.record()
    night.at_rest()
    return ts, record


def test_a_team_member_takes_it_over_and_nobody_else_is_texted(night: Night) -> None:
    ts, record = emergency(night)
    night.presses(MEMBER, record, TAKE, HELP)
    until(lambda: [each for each in night.replies(ts) if "Somebody is on it" in each["text"]])
    (shown,) = until(lambda: night.did("update message"))
    assert f"<@{MEMBER}>" in shown["text"]
    night.wait(minutes=16)
    until(lambda: "Somebody has taken it over." in night.reasons())
    assert night.texted() == [VP]


def test_a_customer_may_not_take_it_over(night: Night) -> None:
    ts, record = emergency(night)
    night.presses(GUEST, record, TAKE, HELP)
    (refusal,) = until(lambda: night.did("post ephemeral"))
    assert refusal["user"] == GUEST
    assert "Only the team can take this over" in refusal["text"]
    night.at_rest()
    assert decisions.on("start-emergency-request", f"{CHANNEL}/{ts}/P0") is None


def test_answering_the_text_takes_it_over_in_the_name_of_who_was_texted(night: Night) -> None:
    ts, _ = emergency(night, P1)
    night.texts_back(SECOND, "ACK")  # who was not texted takes nothing over
    night.texts_back(VP, "What is it about?")
    night.texts_back(VP, "Can't, on a plane. Ok to call Luke?")
    night.texts_back(VP, " ack. ")
    until(lambda: [each for each in night.replies(ts) if "Somebody is on it" in each["text"]])
    until(lambda: night.did("update message"))
    night.at_rest()
    decision = decisions.on("start-emergency-request", f"{CHANNEL}/{ts}/P1")
    assert decision
    assert decision.decided_by == "U0SANDBOX01"
    assert "The text acknowledges nothing." in night.reasons()


def test_without_an_answer_the_next_in_the_order_is_texted_until_everybody_has_been(night: Night) -> None:
    emergency(night)
    for number, known in ((SECOND, 2), (THIRD, 3)):
        night.wait(minutes=16)
        until(lambda known=known: len(night.texted()) == known)
        assert night.texted()[-1] == number
        night.at_rest()
    night.wait(minutes=16)
    until(lambda: "Everybody in the order of escalation has been told." in night.reasons())
    assert night.texted() == [VP, SECOND, THIRD]
    assert "Texts go to, in order: zayhanlon, lukeheath, mikermcneil." in night.did("update message")[-1]["text"]


def test_the_next_is_texted_although_the_gateway_is_killed_in_the_wait(night: Night) -> None:
    emergency(night)
    night.kill()
    night.wait(minutes=16)
    night.start()
    until(lambda: len(night.texted()) == 2)
    night.at_rest()
    assert night.texted() == [VP, SECOND]


def test_two_messages_at_once_are_two_texts_and_one_message_that_is_a_p0_and_a_p1_is_one(night: Night) -> None:
    five_minutes = ONE_TEXT_IN.total_seconds()
    night.wait(minutes=(five_minutes - clock.now().timestamp() % five_minutes) / 60)  # both in the same five minutes
    emergency(night)
    ts, _ = emergency(night)
    assert "We are texting" in night.replies(ts)[1]["text"]
    night.presses(CUSTOMER, night.notice(ts), P1)
    until(lambda: "a few minutes ago" in night.replies(ts)[-1]["text"])
    night.at_rest()
    assert night.texted() == [VP, VP]


# -- what goes wrong


def test_where_the_first_text_is_refused_for_good_the_next_is_texted_at_once(night: Night) -> None:
    night.texts_back(VP, "STOP")  # Twilio takes no text to this number any more
    ts, _ = emergency(night)
    until(night.texted)
    assert night.texted() == [SECOND]
    assert "emergency request started" in night.replies(ts)[1]["text"]
    (case,) = cases.of("start-emergency-request", [f"{CHANNEL}/{ts}/P0"]).values()
    assert (case.state, "Twilio refused the text" in case.reason) == ("refused", True)
    night.wait(minutes=16)
    night.wait(minutes=16)
    until(lambda: len(night.texted()) == 2)
    assert night.texted() == [SECOND, THIRD]


def test_the_text_goes_out_at_once_while_slack_is_down(night: Night) -> None:
    ts = night.says(CUSTOMER)
    notice = night.notice(ts)
    night.sandbox.fault(kind="500_before", service="slack", path="^/(chat|conversations)", times=10_000)
    began = time.monotonic()
    night.presses(CUSTOMER, notice, P0)
    until(night.texted)
    assert time.monotonic() - began < within(5)
    night.sandbox.no_more_faults()
    night.record()
    night.at_rest()
    assert night.texted() == [VP]
    assert len(night.replies(ts)) == 2


def test_the_state_and_the_record_are_posted_while_twilio_is_down(night: Night) -> None:
    ts = night.says(CUSTOMER)
    notice = night.notice(ts)
    night.sandbox.fault(kind="429", service="twilio", method="POST", path="Messages.json", times=10_000, seconds=1)
    night.presses(CUSTOMER, notice, P0)
    night.record()
    until(lambda: len(night.replies(ts)) == 2)
    assert night.texted() == []
    night.sandbox.no_more_faults()
    until(lambda: VP in night.texted())
    night.at_rest()
    assert max(Counter(night.texted()).values()) == 1


def test_a_p0_is_texted_although_the_database_is_away_and_goes_on_once_it_is_back(night: Night) -> None:
    ts = night.says(CUSTOMER)
    notice = night.notice(ts)
    night.at_rest()
    night.lose_database()
    pressed = {"user": CUSTOMER, "channel": CHANNEL, "ts": notice["ts"]}
    statuses = [night.does("click", **pressed, action_id=action)["status"] for action in (P0, P0, P1)]
    assert statuses == [200, 200, 503], "Slack tells who pressed P1 that it failed."
    assert night.texted() == [VP]
    night.find_database()
    night.record()
    night.at_rest()
    assert "emergency request started" in night.replies(ts)[1]["text"]
    assert night.texted() == [VP, VP], "The second text can be answered with ACK, the first could not."


def test_a_p0_waits_behind_no_notices_that_slack_asks_to_come_back_with_later(night: Night) -> None:
    messages = earlier(BUSY * 3)
    night.forget(*messages)
    notice = night.notice(night.says(CUSTOMER))
    night.sandbox.fault(kind="429", service="slack", path="chat.postMessage", times=10_000, seconds=5)
    asyncio.run(load.at_once(night.port, [event(each) for each in messages], 16))
    until(lambda: night.sandbox.faults_struck() >= AT_ONCE)
    night.presses(CUSTOMER, notice, P0)
    until(night.texted)
    assert night.sandbox.faults_struck() < AT_ONCE + len(messages) // 4, "Notices have been tried again meanwhile."
    night.sandbox.no_more_faults()


def test_a_message_is_acknowledged_while_slack_is_slow_and_answered_once_though_the_gateway_is_killed(
    night: Night,
) -> None:
    (message,) = earlier([SELDOM])  # the gateway has to ask who that is
    night.forget(message)
    night.sandbox.latency(slack=[1.5, 1.5])
    (sent,) = asyncio.run(load.at_once(night.port, [event(message)], 1))
    answered = night.sandbox.calls()
    night.kill()
    assert (sent.status, answered) == (200, []), "Slack has answered before we did."
    night.sandbox.latency()
    night.start()
    night.notice(message["ts"])
    night.at_rest()
    assert len(night.replies()) == 1


def acknowledged(night: Night) -> list[str]:
    """Gives the ids of the events that the gateway has answered with 2xx."""
    told = httpx.get(f"{night.sandbox.url}/_sandbox/webhooks", timeout=10, trust_env=False).json()["deliveries"]
    return [each["id"] for each in told if each["service"] == "slack" and each["delivered"]]


def test_every_message_is_answered_once_though_slack_is_down_and_the_gateway_is_killed(night: Night) -> None:
    night.sandbox.fault(kind="500_before", service="slack", method="POST", path="chat.postMessage", times=10_000)
    written = [night.says(user) for user in BUSY]
    assert len(acknowledged(night)) == len(BUSY)
    time.sleep(0.5)  # some are being tried for the second time
    night.kill()
    night.start()
    time.sleep(1)
    assert night.replies() == []
    night.sandbox.no_more_faults()
    until(lambda: len(night.replies()) >= len(written), 40)
    night.at_rest()
    assert Counter(each["thread_ts"] for each in night.replies()) == Counter(written)


def test_every_acknowledged_message_is_answered_once_though_the_gateway_is_killed_at_work(night: Night) -> None:
    messages = earlier(BUSY * 3)
    night.forget(*messages)
    night.sandbox.latency(slack=[0.02, 0.2])
    sent = asyncio.run(_killed_at_work(night, [event(each) for each in messages]))
    taken = {each.ts for each in sent if each.status == 200}
    assert 0 < len(taken) < len(messages), "The gateway was not killed at work: the test proved nothing."
    night.start()
    until(lambda: taken <= {each["thread_ts"] for each in night.replies()}, 40)
    night.at_rest()
    assert set(Counter(each["thread_ts"] for each in night.replies()).values()) == {1}


async def _killed_at_work(night: Night, wanted: list[load.Event]) -> list[load.Sent]:
    sending = asyncio.create_task(load.evenly(night.port, wanted, 100))
    await asyncio.sleep(0.3)
    night.kill()
    return await sending


def event(message: Mapping[str, str], **changed: str) -> load.Event:
    """Gives the signed event of a message."""
    told = {"type": "message", "team": "T0CUSTOMER", **message, **changed}
    body = {"type": "event_callback", "event_id": f"Ev{message['ts'].replace('.', '')}", "event": told}
    return load.Event(message["ts"], load.request("/slack/events", json.dumps(body).encode()))


def test_ten_thousand_echoes_of_our_own_posts_bring_no_post(night: Night) -> None:
    ours = {"bot_id": "B0SANDBOX", "app_id": "A0SANDBOX", "team": "T0SANDBOX"}
    echoes = [event(each, **ours) for each in earlier([OUR_BOT] * 10_000)]
    sent = asyncio.run(load.at_once(night.port, echoes, 16))
    assert {each.status for each in sent} == {200}
    assert Counter(night.reasons()) == {"An app wrote it.": 10_000}
    assert night.did("post message") == []


def test_echoes_through_a_persons_account_stay_within_the_budget(night: Night) -> None:
    messages = earlier([RELAY] * 1_000)
    night.forget(*messages)
    sent = asyncio.run(load.at_once(night.port, [event(each) for each in messages], 16))
    assert {each.status for each in sent} == {200}
    night.at_rest()
    assert len(night.replies()) == 3
    assert len([reason for reason in night.reasons() if "Nothing was sent" in reason]) == 997


# -- the list of channels


def asked(night: Night, user: str = MEMBER, words: str = "add #fleet-at-thalia They are a customer now") -> str:
    """Types /handbook. Gives what the person reads."""
    told = night.does("command", user=user, channel=HELP, command="/handbook", text=words)
    assert told["status"] == 200
    return told["answer"]["text"]


def test_a_team_members_request_for_a_channel_becomes_a_question_to_the_administrator(night: Night) -> None:
    assert "The automation administrator has been asked" in asked(night)
    (question,) = night.did("post message", "#help-customers")
    assert question["text"].startswith(f"<@{ADMINISTRATOR}>")
    assert "They are a customer now" in question["text"]
    assert UNLISTED in question["text"]


@pytest.mark.parametrize("words", ["add", "add somewhere else", "help"], ids=["no channel", "no such channel", "other"])
def test_what_is_no_request_is_answered_with_what_is_possible(night: Night, words: str) -> None:
    assert any(hint in asked(night, words=words) for hint in ("asks for the out-of-hours notice", "is no channel"))
    assert night.did("post message") == []


def test_a_guest_can_ask_for_nothing(night: Night) -> None:
    assert "Only members of the team can ask for this" in asked(night, GUEST)
    assert night.did("post message") == []


def test_somebody_else_may_not_approve(night: Night) -> None:
    asked(night)
    (question,) = night.did("post message", "#help-customers")
    night.presses(MEMBER, question, ADD, HELP)
    (refusal,) = until(lambda: night.did("post ephemeral"))
    assert refusal["user"] == MEMBER
    assert "Only the automation administrator decides this" in refusal["text"]
    night.at_rest()
    assert "Only the automation administrator decides." in night.reasons()
    assert night.did("update message") == []


def test_an_approval_waits_for_prefect_and_says_so(night: Night) -> None:
    asked(night)
    (question,) = night.did("post message", "#help-customers")
    night.presses(ADMINISTRATOR, question, ADD, HELP)
    (shown,) = until(lambda: night.did("update message"))
    assert "Approved" in shown["text"]
    (case,) = until(lambda: [row for row in open_now() if row.attempts > 1])
    assert "Prefect" in case.reason
    assert "start the run again" in case.reason.lower()


def test_a_declined_request_changes_nothing_and_can_not_be_approved_afterwards(night: Night) -> None:
    asked(night)
    (question,) = night.did("post message", "#help-customers")
    night.presses(ADMINISTRATOR, question, DECLINE, HELP)
    (shown,) = until(lambda: night.did("update message"))
    assert "Declined" in shown["text"]
    signed.slack_click(
        night.gateway,
        ADMINISTRATOR,
        "T0SANDBOX",
        HELP,
        question["ts"],
        {"action_id": ADD, "value": f"{UNLISTED}/add"},
    )
    until(lambda: "It has been decided before." in night.reasons())
    night.at_rest()
    assert len(night.did("update message")) == 1
    assert night.did("join channel") == []


def test_a_channel_that_our_app_can_not_see_is_refused_before_anybody_is_asked(night: Night) -> None:
    assert "invite the app" in asked(night, words="add C0NOWHERE01 It is new")
    assert night.did("post message") == []


def open_now() -> list[Any]:
    return cases.open_cases(clock.wall())
