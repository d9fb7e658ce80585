"""Out of hours: which messages get the notice, who may start the emergency, and what everybody reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies.business_time import SUPPORT, Calendar
from policies.customer import Refused
from policies.events import SlackAction, SlackMessage
from policies.support import out_of_hours as policy

CHANNEL, SENDER = "C0HEBE00001", "U0GUEST0001"


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles"))


def written(at: str | datetime, **changed: Any) -> SlackMessage:
    moment = pacific(at) if isinstance(at, str) else at
    said: dict[str, Any] = {"channel": CHANNEL, "ts": f"{moment.timestamp():.6f}", "user": SENDER, "team": "T0CUSTOMER"}
    return SlackMessage(**said | changed)


def reasons(message: SlackMessage, calendar: Calendar = SUPPORT) -> list[str]:
    return policy.reasons_to_do_nothing(message, [CHANNEL], calendar)


@pytest.mark.parametrize(
    ("at", "is_outside"),
    [
        ("2026-11-20T15:59:30", False),
        ("2026-11-20T15:59:59.999999", False),
        ("2026-11-20T16:00:00", True),
        ("2026-11-23T05:59:59", True),
        ("2026-11-23T06:00:00", False),
        ("2026-11-21T10:00:00", True),
        ("2026-11-26T10:00:00", True),
        ("2026-11-27T10:00:00", False),
        ("2026-03-08T02:30:00", True),
        ("2026-03-09T06:00:00", False),
        ("2026-03-09T05:59:00", True),
        ("2026-11-01T01:30:00", True),
        ("2026-11-02T06:00:00", False),
        ("2027-12-31T10:00:00", True),
        ("2027-12-30T10:00:00", False),
        ("2026-07-03T10:00:00", True),
    ],
    ids=[
        "Friday 15:59:30",
        "Friday, the last moment",
        "Friday 16:00:00",
        "Monday before six",
        "Monday at six",
        "Saturday",
        "Thanksgiving",
        "the day after Thanksgiving",
        "the night that clocks go forward",
        "the Monday after it",
        "the Monday after it, early",
        "the hour that comes twice",
        "the Monday after that",
        "New Year's Eve 2027, the holiday observed",
        "the day before it",
        "Independence Day observed on a Friday",
    ],
)
def test_a_message_outside_business_hours_has_no_reason_against_a_notice(at: str, is_outside: bool) -> None:
    assert reasons(written(at)) == ([] if is_outside else ["It was posted in business hours."])


def test_a_company_closure_is_outside_too() -> None:
    closed = Calendar(closures={date(2026, 11, 24): "company day"})
    assert reasons(written("2026-11-24T10:00"), closed) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"bot": "B0OTHER001"}, "An app wrote it."),
        ({"user": ""}, "An app wrote it."),
        ({"subtype": "message_changed"}, "It is no new message (message_changed)."),
        ({"subtype": "message_changed", "user": ""}, "It is no new message (message_changed)."),
        ({"subtype": "message_deleted", "user": ""}, "It is no new message (message_deleted)."),
        ({"subtype": "channel_join"}, "It is no new message (channel_join)."),
        ({"subtype": "thread_broadcast"}, "It is no new message (thread_broadcast)."),
        ({"direct": True}, "It is a direct message."),
        ({"channel": "C0OTHER0001"}, "C0OTHER0001 is not on the list of channels."),
        ({"thread_ts": "1795924700.000100"}, "It is a reply; a thread gets one notice."),
        ({"subtype": "file_share", "empty": True}, "It is a file without a word."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_new_message_of_a_person_in_a_listed_channel_gets_none(changed: dict[str, Any], reason: str) -> None:
    assert reasons(written("2026-11-21T10:00", **changed)) == [reason]


def test_a_file_with_words_and_the_first_message_of_a_thread_count() -> None:
    assert reasons(written("2026-11-21T10:00", subtype="file_share")) == []
    message = written("2026-11-21T10:00")
    assert reasons(written("2026-11-21T10:00", thread_ts=message.ts)) == []


@pytest.mark.parametrize(
    ("team", "guest", "bot", "is_team"),
    [
        ("T0FLEET", False, False, True),
        ("T0FLEET", True, False, False),
        ("T0CUSTOMER", False, False, False),
        ("T0FLEET", False, True, False),
        ("", False, False, False),
    ],
    ids=["ours", "our guest is a customer", "another workspace", "our bot", "unknown workspace"],
)
def test_the_workspace_decides_who_is_a_team_member(team: str, guest: bool, bot: bool, is_team: bool) -> None:
    assert policy.sender(team, "T0FLEET", is_guest=guest, is_bot=bot).is_team is is_team


def closer(message: SlackMessage, now: datetime, *, is_team: bool = False, answered: bool = False) -> list[str]:
    return policy.closer_reasons(message, policy.Sender(is_team), now, SUPPORT, answered)


def test_a_team_members_message_gets_no_notice() -> None:
    message = written("2026-11-21T10:00")
    assert closer(message, message.at, is_team=True) == ["A team member wrote it."]


def test_a_message_that_comes_late_gets_no_notice_once_we_are_open_or_somebody_has_answered() -> None:
    message = written("2026-11-23T05:30")
    assert closer(message, pacific("2026-11-23T05:31")) == []
    assert closer(message, pacific("2026-11-23T05:50")) == []
    assert closer(message, pacific("2026-11-23T06:10")) == ["We are open again by now."]
    assert closer(message, pacific("2026-11-23T05:50"), answered=True) == ["Somebody of the team has answered since."]


def test_a_message_of_the_last_minute_before_opening_still_gets_its_notice() -> None:
    assert closer(written("2026-11-23T05:59:58"), pacific("2026-11-23T06:00:01")) == []


def test_the_notice_says_when_we_open_and_offers_both_escalations() -> None:
    message = written("2026-11-25T20:00")
    shown = policy.notice(message, SUPPORT)
    assert "on Friday, November 27, at 6:00 AM Pacific Time" in shown.markdown()
    assert [button.action for button in shown.buttons] == ["start-emergency-request-p0", "start-emergency-request-p1"]
    assert {button.value for button in shown.buttons} == {f"{CHANNEL}/{message.ts}/{SENDER}"}


def test_a_message_before_six_reads_today() -> None:
    assert "today at 6:00 AM Pacific Time" in policy.notice(written("2026-11-23T03:00"), SUPPORT).markdown()


def test_the_notice_is_the_same_letter_by_letter_whenever_it_is_made() -> None:
    message = written("2026-11-21T10:00")
    assert policy.notice(message, SUPPORT) == policy.notice(message, SUPPORT)


def test_the_budget_counts_one_sender_in_one_channel_in_one_hour() -> None:
    first, second = written("2026-11-21T10:00"), written("2026-11-21T10:59")
    assert policy.notices_scope(first) == policy.notices_scope(second)
    assert policy.notices_scope(first) != policy.notices_scope(written("2026-11-21T11:00"))
    assert policy.notices_scope(first) != policy.notices_scope(written("2026-11-21T10:00", user="U0GUEST0002"))


def press(user: str = SENDER, action: str = "start-emergency-request-p0", **changed: Any) -> SlackAction:
    said: dict[str, Any] = {
        "action": action,
        "value": f"{CHANNEL}/1795924770.000100/{SENDER}",
        "user": user,
        "team": "T0CUSTOMER",
        "channel": CHANNEL,
        "message_ts": "1795924771.000100",
        "thread_ts": "1795924770.000100",
        "action_ts": "1795924790.000100",
    }
    return SlackAction(**said | changed)


def test_the_senders_press_is_the_same_request_however_often_it_comes() -> None:
    asked = policy.request_of(press())
    assert asked.subject == f"{CHANNEL}/1795924770.000100/P0"
    assert policy.request_of(press(action_ts="1795924799.000100")).subject == asked.subject
    assert policy.request_of(press(action="start-emergency-request-p1")).subject.endswith("/P1")


def test_anybody_elses_press_is_a_subject_of_its_own_that_starts_nothing() -> None:
    asked = policy.request_of(press(user="U0GUEST0002"))
    assert asked.stranger == "U0GUEST0002"
    assert asked.subject.endswith("/P0/U0GUEST0002/1795924790.000100")
    assert policy.request(asked.subject) == asked
    assert not policy.is_emergency_of_its_sender(press(user="U0GUEST0002"))
    assert policy.is_emergency_of_its_sender(press())
    assert not policy.is_emergency_of_its_sender(press(action="start-emergency-request-p1"))


def test_a_button_that_is_not_ours_or_of_another_channel_does_nothing() -> None:
    assert policy.reasons_to_ignore(press()) == []
    assert policy.reasons_to_ignore(press(value="anything")) == ["The button's value is none of ours."]
    assert policy.reasons_to_ignore(press(channel="C0OTHER0001")) == ["The button belongs to another channel."]


@pytest.mark.parametrize(
    "given",
    [
        f"{CHANNEL}/1795924770.000100/P0",
        f"https://fleetdm.slack.com/archives/{CHANNEL}/p1795924770000100 P0",
        f" https://fleetdm.slack.com/archives/{CHANNEL}/p1795924770000100?thread_ts=1.2 P0",
    ],
)
def test_a_request_is_named_by_its_key_or_by_the_messages_link(given: str) -> None:
    assert policy.request(given) == policy.Request(CHANNEL, "1795924770.000100", "P0")


@pytest.mark.parametrize("given", ["", "P0", f"{CHANNEL}/1795924770.000100/P2", "https://example.com P0", "C1/2/P0"])
def test_anything_else_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(Refused, match="is no emergency request"):
        policy.request(given)


def test_a_message_is_named_by_its_key_or_its_link() -> None:
    assert policy.message_key(f"{CHANNEL}/1795924770.000100") == f"{CHANNEL}/1795924770.000100"
    link = f"https://fleetdm.slack.com/archives/{CHANNEL}/p1795924770000100"
    assert policy.message_key(link) == f"{CHANNEL}/1795924770.000100"
    with pytest.raises(Refused, match="is no message in Slack"):
        policy.message_key("hello")


def test_a_follow_up_is_a_step_of_its_own() -> None:
    step = policy.Request(CHANNEL, "1795924770.000100", "P0", follow_up=2)
    assert policy.request(step.subject) == step
    assert step.key == f"{CHANNEL}/1795924770.000100/P0"


def test_texts_about_one_message_share_a_place_for_five_minutes_after_a_press() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P0")
    assert policy.texts_scope(asked) == policy.texts_scope(policy.Request(CHANNEL, asked.ts, "P1"))
    assert policy.texts_scope(asked) != policy.texts_scope(policy.Request(CHANNEL, "1795925371.000100", "P0"))
    assert policy.texts_scope(asked) != policy.texts_scope(policy.Request("C0OTHER0001", asked.ts, "P0"))
    pressed = pacific("2026-11-21T20:00")
    window = policy.texts_window(pressed)
    assert policy.texts_window(pressed + timedelta(minutes=4, seconds=59)) == window
    assert policy.texts_window(pressed + timedelta(minutes=5)) != window


@pytest.mark.parametrize(
    ("priority", "has_place", "texts"),
    [("P0", True, True), ("P0", False, True), ("P1", True, True), ("P1", False, False)],
    ids=["P0", "P0 after a P1", "P1", "P1 after a P0"],
)
def test_a_p0_is_texted_even_when_its_message_has_just_been_texted_about(
    priority: policy.Priority, has_place: bool, texts: bool
) -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", priority)
    assert policy.is_texted(asked, has_place=has_place) is texts


@pytest.mark.parametrize("first", ["zayhanlon", "dherder"], ids=["the VP is in the order", "the VP is not in it"])
@pytest.mark.parametrize("at_once", [True, False], ids=["texted at once", "texted about the message before"])
def test_escalation_begins_with_the_vp_goes_on_in_the_handbooks_order_and_ends(first: str, at_once: bool) -> None:
    others = ["lukeheath", "mikermcneil"]
    steps = range(0 if at_once else 1, 5)
    asked = [policy.Request(CHANNEL, "1795924770.000100", "P0", follow_up=step) for step in steps]
    told = [policy.whose_turn(each, first, ["zayhanlon", *others], texted_at_once=at_once) for each in asked]
    order = [first, *(["zayhanlon"] if first != "zayhanlon" else []), *others]
    assert [each for each in told if each] == order
    assert told[len(order) :] == [None] * (len(steps) - len(order))


def test_the_next_is_told_when_nobody_has_acknowledged_in_time() -> None:
    started = datetime(2026, 11, 29, 4, tzinfo=UTC)
    assert policy.acknowledge_by(started, 15) - started == timedelta(minutes=15)


def test_the_record_offers_to_take_over_until_somebody_has() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P0")
    opened = policy.record(asked, "fleet-at-hebe", ["zayhanlon"], "https://link")
    assert [button.text for button in opened.buttons] == ["I take it over"]
    assert "Texts go to, in order: zayhanlon." in opened.markdown()
    assert "Nobody has taken it over yet." in opened.markdown()
    taken = policy.record(asked, "fleet-at-hebe", ["zayhanlon"], "https://link", acknowledged_by="U0TEAM0001")
    assert taken.buttons == []
    assert [mention.id for mention in taken.mentions] == ["U0TEAM0001"]
    assert "Taken over by the person named at the top." in taken.markdown()


def test_where_our_team_has_decided_text_and_record_name_the_codename_and_no_words_of_the_customer() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P0")
    assert "P0 emergency request of customer-hebe." in policy.text_message(asked, "fleet-at-hebe", "customer-hebe")
    shown = policy.record(asked, "fleet-at-hebe", ["zayhanlon"], "https://link", customer="customer-hebe").markdown()
    assert "P0 emergency request of customer-hebe" in shown
    assert "Our team has set the priority." in shown
    assert "customer's" not in shown
    assert "#fleet-at-hebe" not in shown


def test_the_record_mentions_whom_no_text_has_reached_until_somebody_takes_it_over() -> None:
    asked, unreached = policy.Request(CHANNEL, "1795924770.000100", "P0"), {"zayhanlon": "U0TEAM0001"}
    shown = policy.record(asked, "fleet-at-hebe", ["lukeheath"], "https://link", unreached=unreached)
    assert "Texts go to, in order: lukeheath." in shown.markdown()
    assert "A text did not get out to: zayhanlon." in shown.markdown()
    assert [each.id for each in shown.mentions] == ["U0TEAM0001"]
    taken = policy.record(asked, "fleet-at-hebe", ["lukeheath"], "https://link", "U0TEAM0002", unreached=unreached)
    assert [each.id for each in taken.mentions] == ["U0TEAM0002"]


def test_who_takes_it_over_and_has_no_id_in_slack_is_named() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P0")
    taken = policy.record(asked, "fleet-at-hebe", ["zayhanlon"], "https://link", acknowledged_by="lukeheath")
    assert taken.mentions == []
    assert "Taken over by lukeheath." in taken.markdown()


def test_the_record_of_a_second_press_on_a_message_says_that_a_text_has_just_gone_out() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P0")
    assert "A text about this message has just gone out." in policy.record(asked, "hebe", [], "https://x").markdown()
    assert "a few minutes ago" in policy.not_texted_again(asked).markdown()


def test_the_customer_reads_what_is_true_also_when_the_first_text_does_not_get_through() -> None:
    assert "We are texting the person in charge" in policy.begun(policy.Request(CHANNEL, "1.2", "P0")).markdown()


def test_the_text_fits_one_message_whatever_the_channel_is_called() -> None:
    asked = policy.Request(CHANNEL, "1795924770.000100", "P1")
    assert len(policy.text_message(asked, "c" * 80)) <= 160
    assert "P1" in policy.text_message(asked, "fleet-at-hebe")
    assert "Reply just ACK" in policy.text_message(asked, "fleet-at-hebe")


def test_while_the_database_is_away_no_ack_is_asked_for_since_it_could_not_be_kept() -> None:
    said = policy.text_of_last_resort(policy.Request(CHANNEL, "1795924770.000100", "P0"))
    assert "nobody else is told, and ACK is not heard" in said
    assert len(said) <= 147  # a code follows


def test_a_request_for_a_channel_names_it_notifies_the_administrator_and_says_who_asks() -> None:
    shown = policy.asked_to_register(
        CHANNEL, "fleet-at-hebe", "add", "A *new* <!channel>", "U0ASKER001", ["U0ADMIN001"]
    )
    assert "#fleet-at-hebe" in shown.markdown()
    assert [mention.id for mention in shown.mentions] == ["U0ADMIN001", "U0ASKER001"]
    assert "<!channel>" not in json.dumps(shown.slack_blocks())
    assert [(each.action, each.value) for each in shown.buttons] == [
        ("approve-customer-channel", f"{CHANNEL}/add"),
        ("decline-customer-channel", f"{CHANNEL}/add"),
    ]
    assert policy.asked_for(shown.buttons[0].value) == (CHANNEL, "add")
    assert policy.asked_for(f"{CHANNEL}/remove") == (CHANNEL, "remove")


def test_a_decision_on_a_channel_says_what_was_decided_when_and_by_whom() -> None:
    at = pacific("2026-11-21T20:00")
    assert policy.decided(CHANNEL, "add", True, "U0ADMIN001", at).title == f"Approved: add {CHANNEL}"
    declined = policy.decided(CHANNEL, "remove", False, "U0ADMIN001", at)
    assert declined.title == f"Declined: remove {CHANNEL}"
    assert "today at 8:00 PM Pacific Time" in declined.markdown()
    assert [mention.id for mention in declined.mentions] == ["U0ADMIN001"]


def test_the_list_of_channels_holds_each_once_and_keeps_its_order() -> None:
    assert policy.changed(["C1", "C2"], "C3", "add") == ["C1", "C2", "C3"]
    assert policy.changed(["C1", "C2"], "C1", "add") == ["C2", "C1"]
    assert policy.changed(["C1", "C2"], "C1", "remove") == ["C2"]


def test_a_channel_is_named_by_its_id_or_its_link() -> None:
    assert policy.channel_id("C0HEBE00001") == "C0HEBE00001"
    assert policy.channel_id("https://fleetdm.slack.com/archives/C0HEBE00001") == "C0HEBE00001"
    with pytest.raises(Refused, match="is no channel in Slack"):
        policy.channel_id("#fleet-at-hebe")


def test_what_stands_in_the_way_of_a_channel_is_told_at_once() -> None:
    found = policy.problems_with("C1", "hebe", is_archived=True, is_private=True, is_member=False)
    assert len(found) == 2
    assert "archived" in found[0]
    assert "/invite" in found[1]
