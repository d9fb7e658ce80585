"""What waits for a first response: by when, what counts as a question, what as an answer, where reading goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies.business_time import SUPPORT, Calendar
from policies.channel_history import Said
from policies.confidentiality import Confidential
from policies.events import SlackMessage, slack_ts
from policies.support import waiting_messages as policy

CHANNEL = "C0SANDBOX01"
MIRA, IVO, CSE, APP = "U0CUSTOMER1", "U0CUSTOMER2", "U0SANDBOX09", "B0UNTHREAD1"
TEAM = {CSE, APP}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)


MONDAY = pacific("2026-11-23T10:00")


def at(minutes: float) -> datetime:
    """Gives so many minutes after ten on a Monday morning."""
    return MONDAY + minutes * MINUTE


def said(user: str, minutes: float, text: str = "How do we do it?", **more: Any) -> Said:
    shown = {name: more.pop(name) for name in ("mentioned", "reacted", "repliers", "lists_all") if name in more}
    return Said(SlackMessage(CHANNEL, slack_ts(at(minutes)), user, **more), Confidential(text), **shown)


def ts(minutes: float) -> str:
    return slack_ts(at(minutes))


def reply(minutes: float) -> policy.Answer:
    return policy.Answer(at(minutes), at(minutes))


def asked(*history: Said, answers: dict[str, policy.Answer] | None = None, is_public: bool = False) -> list[Any]:
    """Gives each question as the minutes of its messages, and the minute of its answer."""
    found = policy.questions(history, answers or {}, TEAM, SUPPORT, is_public=is_public)
    return [
        (
            [(each.message.at - MONDAY) / MINUTE for each in question.said],
            question.answered and _minute(question.answered),
        )
        for question in found
    ]


def _minute(moment: datetime) -> float:
    return (moment - MONDAY) / MINUTE


# By when


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("2026-11-23T10:00", "2026-11-23T11:00"),
        ("2026-11-23T15:30", "2026-11-23T16:30"),
        ("2026-11-23T15:59:59", "2026-11-23T16:59:59"),
        ("2026-11-23T16:00", "2026-11-23T20:00"),
        ("2026-11-23T23:00", "2026-11-24T03:00"),
        ("2026-11-24T02:30", "2026-11-24T06:30"),
        ("2026-11-24T03:30", "2026-11-24T07:00"),
        ("2026-11-24T05:30", "2026-11-24T07:00"),
        ("2026-11-24T06:00", "2026-11-24T07:00"),
        ("2026-11-21T12:00", "2026-11-21T16:00"),
        ("2026-11-22T22:00", "2026-11-23T02:00"),
        ("2026-11-26T10:00", "2026-11-26T14:00"),
        ("2026-11-26T23:30", "2026-11-27T03:30"),
        ("2026-11-01T00:30", "2026-11-01T03:30"),
    ],
    ids=[
        "in business hours: an hour",
        "the hour goes on by the clock when we close meanwhile",
        "a second before closing",
        "at closing: four hours",
        "at night",
        "before dawn, over in business hours",
        "what would be due after seven is due at seven",
        "at half past five: an hour after we open, as what comes at six",
        "at opening",
        "on Saturday",
        "on Sunday night",
        "on Thanksgiving, a holiday: four hours by day too",
        "on a holiday's night",
        "four hours by the clock, also in the night that has one more",
    ],
)
def test_we_respond_within_an_hour_during_business_hours_and_four_outside(written: str, due: str) -> None:
    assert policy.due_by(pacific(written), SUPPORT) == pacific(due)


def test_a_closure_of_our_own_is_outside_business_hours() -> None:
    closed = Calendar(closures={MONDAY.date(): "company closure"})
    assert policy.due_by(MONDAY, closed) == MONDAY + 4 * HOUR


def test_what_is_written_later_is_never_due_earlier() -> None:
    moments = [pacific("2026-11-20T00:00") + 7 * MINUTE * step for step in range(1500)]
    dues = [policy.due_by(each, SUPPORT) for each in moments]
    in_hours = [due for each, due in zip(moments, dues, strict=True) if SUPPORT.is_open(each)]
    assert in_hours == sorted(in_hours)
    assert all(due - each <= 4 * HOUR for each, due in zip(moments, dues, strict=True))


# What waits


@pytest.mark.parametrize(
    ("message", "waits"),
    [
        (said(MIRA, 0), True),
        (said(MIRA, 0, "", subtype="file_share", empty=True), True),
        (said(MIRA, 0, subtype="me_message"), True),
        (said(MIRA, 0, subtype="thread_broadcast", thread_ts=ts(-600)), True),
        (said(CSE, 0), False),
        (said("U0BOT000001", 0, bot="B0OTHERS001"), False),
        (said("", 0, bot="B0OTHERS001", subtype="bot_message"), False),
        (said("USLACKBOT", 0), False),
        (said(MIRA, 0, subtype="channel_join"), False),
        (said(MIRA, 0, subtype="channel_topic"), False),
        (said("USLACKBOT", 0, subtype="tombstone"), False),
    ],
    ids=[
        "a message from outside",
        "a picture without a word",
        "/me",
        "a reply that was sent to the channel too",
        "a team member's",
        "an app's",
        "an app's in the old way",
        "Slackbot's",
        "somebody joins",
        "a new topic",
        "a deleted message's place",
    ],
)
def test_messages_from_outside_wait(message: Said, waits: bool) -> None:
    assert bool(asked(message)) is waits


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("Thanks!", False),
        ("thank you so much <@U0SANDBOX09> :tada:", False),
        ("Ok, great. Thanks again, all", False),
        (":+1::skin-tone-3:", False),
        ("That worked, thanks!", False),
        ("Thanks, but it is still broken", True),
        ("Thanks! One more question", True),
        ("ok?", True),
        ("!!!", True),
        ("???", True),
        (":sos:", True),
        ("all down", True),
        ("<@U0SANDBOX09>", False),
    ],
)
def test_mere_thanks_want_no_answer(text: str, waits: bool) -> None:
    assert bool(asked(said(MIRA, 0, text))) is waits


def test_what_one_person_writes_before_an_answer_is_one_thing_that_waits_since_the_first() -> None:
    assert asked(said(MIRA, 0), said(IVO, 3), said(MIRA, 5)) == [([0, 5], None), ([3], None)]


def test_what_comes_after_an_answer_waits_anew() -> None:
    assert asked(said(MIRA, 0), said(CSE, 10), said(MIRA, 12)) == [([0], 10), ([12], None)]


def test_what_comes_after_the_time_was_over_waits_anew_so_that_somebody_is_told() -> None:
    assert asked(said(MIRA, 0), said(MIRA, 60), said(MIRA, 61)) == [([0, 60], None), ([61], None)]


# What answers


def test_where_one_customer_is_whatever_the_team_says_afterwards_answers_all_of_them() -> None:
    assert asked(said(MIRA, 0), said(IVO, 1), said(CSE, 10)) == [([0], 10), ([1], 10)]


def test_where_many_ask_it_answers_who_asked_last_and_who_is_mentioned() -> None:
    third = said("U0CUSTOMER3", 2)
    history = said(MIRA, 0), said(IVO, 1), third, said(CSE, 10, "<@U0CUSTOMER1> yes", mentioned=(MIRA,))
    assert asked(*history, is_public=True) == [([0], 10), ([1], None), ([2], 10)]


def test_what_the_team_said_before_answers_nothing() -> None:
    assert asked(said(CSE, -10), said(MIRA, 0)) == [([0], None)]


@pytest.mark.parametrize(
    "other",
    [said("U0BOT000001", 10, bot="B0OTHERS001"), said(IVO, 10), said(CSE, 10, subtype="channel_join")],
    ids=["the notice that we are closed, or another app", "somebody else from outside", "a team member who joins"],
)
def test_an_automatic_notice_is_no_answer_nor_is_what_others_say(other: Said) -> None:
    assert asked(said(MIRA, 0), other)[0] == ([0], None)


def test_an_app_through_which_the_team_writes_answers() -> None:
    assert asked(said(MIRA, 0), said("U0BOT000002", 10, bot=APP)) == [([0], 10)]


def test_a_reply_in_the_thread_answers_what_its_writer_wrote_until_then() -> None:
    history = said(MIRA, 0), said(MIRA, 5), said(MIRA, 25), said(IVO, 6)
    assert asked(*history, answers={ts(0): reply(20)}) == [([0, 5], 20), ([6], None), ([25], None)]


def test_a_reaction_answers_that_message_and_those_before_and_counts_from_when_it_is_seen() -> None:
    history = said(MIRA, 0), said(MIRA, 5, reacted=(IVO, CSE)), said(MIRA, 6)
    answers = policy.acknowledgements(history, TEAM, at(12))
    assert asked(*history, answers=answers) == [([0, 5], 12), ([6], None)]


def test_a_customers_own_reaction_acknowledges_nothing() -> None:
    assert policy.acknowledgements([said(MIRA, 0, reacted=(IVO,))], TEAM, at(12)) == {}


# Which threads are read


def threads(*history: Said, answers: dict[str, policy.Answer] | None = None, now: float = 30) -> dict[str, str]:
    known = answers or {}
    found = policy.questions(history, known, TEAM, SUPPORT, is_public=False)
    return policy.threads_to_read(found, known, TEAM, at(now))


@pytest.mark.parametrize(
    ("more", "is_read"),
    [
        ({}, False),
        ({"repliers": (MIRA, "U0BOT000001")}, False),
        ({"repliers": (MIRA, CSE)}, True),
        ({"repliers": (APP,)}, True),
        ({"repliers": (MIRA,), "lists_all": False}, True),
    ],
    ids=["no replies", "its writer and an app", "a team member", "an app of the team's", "more than Slack lists"],
)
def test_a_thread_is_read_where_the_team_may_have_replied(more: dict[str, Any], is_read: bool) -> None:
    assert threads(said(MIRA, 0, **more)) == ({ts(0): ts(0)} if is_read else {})


def test_a_reply_sent_to_the_channel_too_is_looked_for_in_its_thread() -> None:
    assert threads(said(MIRA, 0, subtype="thread_broadcast", thread_ts=ts(-600))) == {ts(0): ts(-600)}


def test_no_thread_is_read_for_what_was_answered_in_time_or_is_known() -> None:
    question = said(MIRA, 0, repliers=(CSE,))
    assert threads(question, said(CSE, 20)) == {}
    assert threads(question, answers={ts(0): reply(20)}) == {}


def test_a_thread_may_hold_an_earlier_answer_than_a_late_one_in_the_channel() -> None:
    assert threads(said(MIRA, 0, repliers=(CSE,)), said(CSE, 90), now=100) == {ts(0): ts(0)}


def test_the_teams_first_reply_after_the_message_is_the_answer() -> None:
    def replied(user: str, minutes: float, bot: str = "") -> SlackMessage:
        return SlackMessage(CHANNEL, ts(minutes), user, thread_ts=ts(-600), bot=bot)

    replies = [replied(CSE, -30), replied(MIRA, 0), replied("U0BOT000001", 5, "B0OTHERS001"), replied(CSE, 20)]
    found = policy.answers_in({ts(0): ts(-600)}, {ts(-600): [*replies, replied(CSE, 40)]}, TEAM)
    assert found == {ts(0): reply(20)}
    assert policy.answers_in({ts(0): ts(-600)}, {ts(-600): replies[:3]}, TEAM) == {}


# Whom Slack is asked about


def test_slack_is_asked_only_about_whom_the_messages_themselves_do_not_tell_of() -> None:
    history = [
        said(MIRA, 0, team="T0CUSTOMER1", repliers=(CSE, "B0OTHERS001"), reacted=("U0SANDBOX10",)),
        said(IVO, 1, team="T0SANDBOX"),
        said("U0BOT000001", 2, team="T0SANDBOX", bot="B0OTHERS001"),
        said("USLACKBOT", 3),
        said("U0SANDBOX11", 4, reacted=(MIRA,)),
    ]
    assert policy.people_to_look_up(history, "T0SANDBOX") == {CSE, "U0SANDBOX10", IVO, "U0SANDBOX11"}


# How far a channel has been read


def read_to(history: Sequence[Said], answers: dict[str, policy.Answer] | None = None, now: float = 600) -> float:
    """Gives the minute up to which a channel counts as read."""
    known, before = answers or {}, policy.Bookmark(ts(-100))
    found = policy.questions(history, known, TEAM, SUPPORT, is_public=False)
    after = policy.next_bookmark(before, history, found, known, at(now))
    return _minute(datetime.fromtimestamp(float(after.read_to), UTC))


def test_the_next_look_begins_with_what_still_waits() -> None:
    assert read_to([said(CSE, 0), said(MIRA, 5), said(CSE, 10), said(MIRA, 20), said(IVO, 30)]) == 10


def test_where_nothing_waits_all_is_read() -> None:
    assert read_to([said(MIRA, 0), said(CSE, 10), said(CSE, 11)]) == 11
    assert read_to([]) == -100


def test_the_last_two_minutes_are_read_again_since_slack_may_show_a_message_late() -> None:
    assert read_to([said(CSE, 0), said(CSE, 10)], now=11) == 0


def test_reading_never_begins_amid_a_question() -> None:
    history = [said(CSE, -1), said(MIRA, 0), said(IVO, 5), said(MIRA, 8), said(CSE, 10)]
    assert read_to(history, now=11) == -1
    assert read_to(history, now=12) == 10


def test_reading_begins_before_all_questions_that_overlap() -> None:
    history, answers = [said(CSE, -1), said(MIRA, 0), said(IVO, 15)], {ts(0): reply(20), ts(15): reply(40)}
    assert read_to(history, answers, now=41) == -1
    assert read_to(history, answers, now=42) == 15


def test_what_nobody_has_answered_for_three_days_is_given_up() -> None:
    history, days = [said(CSE, 0), said(MIRA, 10), said(CSE, 20)], 3 * 24 * 60
    late = [*history, said(MIRA, 30)]
    assert read_to(late, now=30 + days) == 20
    assert read_to(late, now=33 + days) == 30


def test_a_bookmark_is_kept_with_the_answers_that_are_known_of_what_comes_after_it() -> None:
    history = [said(MIRA, 0), said(MIRA, 200), said(IVO, 300)]
    answers = {ts(0): reply(20), ts(200): reply(220)}
    found = policy.questions(history, answers, TEAM, SUPPORT, is_public=False)
    after = policy.next_bookmark(policy.Bookmark(ts(-100)), history, found, answers, at(600))
    assert after == policy.Bookmark(ts(200), {})
    pinned = policy.next_bookmark(policy.Bookmark(ts(-100)), history[1:], found[1:], answers, at(201))
    assert policy.bookmark(pinned.kept(), at(202)) == pinned
    assert set(pinned.answers) == set(answers)


def test_a_channels_first_look_goes_back_as_far_as_an_answer_may_take() -> None:
    assert policy.bookmark(None, at(0)) == policy.Bookmark(ts(-240))


def test_after_a_long_absence_no_more_is_read_than_can_still_wait() -> None:
    kept = policy.Bookmark(ts(-60 * 24 * 60)).kept()
    assert policy.bookmark(kept, at(0)).read_to == ts(-(3 * 24 + 4) * 60)
