"""The developer on-call: what may be asked, by when an answer is due, whose reply is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from policies.business_time import DEVELOPER_ON_CALL
from policies.confidentiality import Confidential
from policies.events import SlackMessage
from policies.handbook import Person, Repositories
from policies.issue import Issue, Reference
from policies.on_call_rotation import Answer
from policies.report import Link
from policies.support import developer_on_call as policy

REPOSITORIES = Repositories(public="fleetdm/fleet", confidential="fleetdm/confidential")
PEOPLE = {
    "ksatter": Person(handle="ksatter", name="Kathy Satterlee", slack="U02AB3CD4"),
    "kc9wwh": Person(handle="kc9wwh", name="", slack=""),
}
ADDRESS = "https://github.com/fleetdm/fleet/issues/12"
GROUP, CHANNEL = "S02AB3CD4", "C019WG4GH0A"
LUKE, UNKNOWN = Answer("Luke Heath"), Answer("", "Row 3 of the rotation names nobody.")


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)


def question(**fields: Any) -> policy.Question:
    said: dict[str, Any] = {"issue": ADDRESS, "tried": "Restarted it.", "asked_by": "ksatter", **fields}
    return policy.Question(**said)


def issue(*labels: str) -> Issue:
    at = pacific("2026-11-20T10:00")
    named = dict.fromkeys(labels)
    words = Confidential("Title"), Confidential("Body")
    return Issue("fleetdm/fleet", 12, "ksatter", False, True, at, named, [], [], *words, ADDRESS)


# What may be asked


@pytest.mark.parametrize(
    ("given", "about"),
    [
        (ADDRESS, policy.Subject("fleetdm/fleet#12", "", Reference("fleetdm/fleet", 12))),
        (
            "https://github.com/fleetdm/confidential/issues/7#issuecomment-99",
            policy.Subject("fleetdm/confidential#7/99", "", Reference("fleetdm/confidential", 7, 99)),
        ),
        (
            " https://fleetdm.slack.com/archives/C0SANDBOX01/p1763900000000100 ",
            policy.Subject("C0SANDBOX01/1763900000.000100"),
        ),
        ("https://github.com/somebody/else/issues/12", None),
        ("C0SANDBOX01/1763900000.000100", None),
        ("the bug of yesterday", None),
    ],
    ids=[
        "GitHub issues",
        "comments",
        "technical Slack comments and threads",
        "an issue of others",
        "a message without its link",
        "words",
    ],
)
def test_the_on_call_takes_issues_comments_and_threads(given: str, about: policy.Subject | None) -> None:
    assert policy.subject(given, REPOSITORIES) == about


@pytest.mark.parametrize(
    ("fields", "found", "says"),
    [
        ({}, issue(), ""),
        ({"asked_by": "@KSatter", "customer": "customer-juno"}, issue(), ""),
        ({}, None, "There is no issue fleetdm/fleet#12."),
        ({"issue": "the bug"}, None, '"the bug" is neither an issue of ours nor a message in Slack.'),
        ({"customer": "customer-vesta"}, issue(), 'No customer has the label "customer-vesta"'),
        ({"asked_by": "nobody"}, issue(), '"nobody" is not among [people] of handbook.toml.'),
        ({"asked_by": "kc9wwh"}, issue(), "Fill in people.kc9wwh.slack."),
        ({"tried": "  "}, issue(), "It is not said what was tried."),
        ({"tried": "x" * 2_001}, issue(), "The text has 2001 characters; at most 2000 are shown."),
        ({"tried": "the password is hunter2"}, issue(), "seems to hold a password or token in line 1."),
    ],
    ids=[
        "a question",
        "handles know no case",
        "no such issue",
        "neither issue nor message",
        "an unknown codename",
        "an unknown asker",
        "an asker without Slack id",
        "nothing tried",
        "too long",
        "a secret",
    ],
)
def test_a_question_that_cannot_be_asked_says_why(fields: dict[str, str], found: Issue | None, says: str) -> None:
    asked = question(**fields)
    about = policy.subject(asked.issue, REPOSITORIES)
    problems = policy.reasons_not_to_ask(asked, about, found, ["customer-Juno"], PEOPLE)
    assert len(problems) == bool(says)
    assert says in "".join(problems)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    asked = question(issue="x", tried="", asked_by="nobody", customer="customer-vesta")
    assert len(policy.reasons_not_to_ask(asked, None, None, [], PEOPLE)) == 4


def test_a_real_name_typed_as_codename_is_refused_by_the_form_and_not_shown() -> None:
    with pytest.raises(ValidationError) as error:
        question(customer="Quillfeather Logistics")
    assert "Quillfeather" not in str(error.value)


# What is asked


def asked(on_call: Answer = LUKE, at: str = "2026-11-23T10:00", *labels: str, **fields: Any) -> policy.Asked:
    asking = question(**fields)
    about = policy.subject(asking.issue, REPOSITORIES)
    assert about
    found = issue(*labels) if about.issue else None
    said = policy.kept(pacific(at), on_call, policy.customers(asking, found))
    return policy.asked(asking, about, found, PEOPLE, said)


def test_the_message_mentions_the_group_and_then_the_asker() -> None:
    shown = policy.call_for_help(asked(), GROUP, DEVELOPER_ON_CALL)
    assert [each.slack() for each in shown.mentions] == [f"<!subteam^{GROUP}>", "<@U02AB3CD4>"]
    assert shown.slack_text().startswith(f"<!subteam^{GROUP}> <@U02AB3CD4> ")


def test_the_message_says_who_is_on_call_what_was_tried_and_when_an_answer_is_due() -> None:
    said = policy.call_for_help(asked(), GROUP, DEVELOPER_ON_CALL).slack_text()
    assert "Kathy Satterlee asks. On call this week: Luke Heath." in said
    assert "due by Monday, November 23, 11:00 AM Pacific Time" in said
    assert "What was tried: Restarted it." in said


def test_a_rotation_that_says_nothing_is_told_as_such() -> None:
    said = policy.call_for_help(asked(UNKNOWN), GROUP, DEVELOPER_ON_CALL).slack_text()
    assert "could not be read from the rotation: Row 3 of the rotation names nobody." in said


def test_what_was_tried_calls_nobody() -> None:
    said = str(policy.call_for_help(asked(tried="<!channel> <@U02AB3CD5>"), GROUP, DEVELOPER_ON_CALL).slack_blocks())
    assert "<!channel>" not in said
    assert "<@U02AB3CD5>" not in said


@pytest.mark.parametrize(
    ("given", "labels", "shown"),
    [
        ("", ("bug", "customer-juno"), "customer-juno"),
        ("", ("bug",), ""),
        ("customer-vesta", ("customer-juno",), "customer-vesta"),
    ],
    ids=["the issue's", "none", "the one that was given"],
)
def test_the_customer_is_named_by_codename(given: str, labels: tuple[str, ...], shown: str) -> None:
    (row,) = policy.call_for_help(
        asked(LUKE, "2026-11-23T10:00", *labels, customer=given), GROUP, DEVELOPER_ON_CALL
    ).rows
    assert row == (Link("fleetdm/fleet#12", ADDRESS), shown)


def test_a_comment_and_a_message_are_linked_themselves() -> None:
    comment = asked(issue=f"{ADDRESS}#issuecomment-99")
    assert comment.url == f"{ADDRESS}#issuecomment-99"
    message = replace(asked(issue="https://fleetdm.slack.com/archives/C0SANDBOX01/p1763900000000100"), url="link")
    (row,) = policy.consulting(message, "thread").rows
    assert row == (Link("Message in Slack", "link"), "", Link("#help-engineering", "thread"))


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-11-24T07:50", 23), ("2026-11-24T08:00", 24), ("2026-11-25T00:01", 25)],
    ids=["in the night", "in the morning", "a day later"],
)
def test_a_question_that_goes_on_after_midnight_is_of_the_day_it_began_on(now: str, day: int) -> None:
    said = policy.kept(pacific("2026-11-23T23:58"), LUKE, [])
    assert policy.asked_on(pacific(now), said) == date(2026, 11, day)


def test_a_question_without_one_of_yesterday_is_of_today() -> None:
    assert policy.asked_on(pacific("2026-11-24T00:01"), None) == date(2026, 11, 24)


def test_a_second_attempt_repeats_what_the_first_has_said() -> None:
    first = asked(UNKNOWN, "2026-11-23T10:00", "customer-juno")
    said = policy.kept(first.at, first.on_call, first.customers)
    about = policy.subject(ADDRESS, REPOSITORIES)
    assert about
    assert policy.asked(question(), about, issue(), PEOPLE, said) == first


def test_the_run_shows_both_threads() -> None:
    (row,) = policy.contacted(asked(), "one", "two", DEVELOPER_ON_CALL).rows
    assert row[2:] == (Link("#help-engineering", "one"), Link("#help-solutions-consulting", "two"))
    (row,) = policy.contacted(asked(), "one", "", DEVELOPER_ON_CALL).rows
    assert row[3] == "not asked"


def test_the_same_in_other_words_is_asked_in_the_thread() -> None:
    told = str(policy.asked_already(asked(), "thread"))
    assert "fleetdm/fleet#12 on Monday, November 23, 10:00 AM Pacific Time: thread Add there" in told


# When an answer is due


def request(at: datetime, asker: str = "U02AB3CD4") -> policy.Request:
    return policy.Request(CHANNEL, f"{at.timestamp():.6f}", asker, "url")


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-23T10:00", "2026-11-23T11:00"),
        ("2026-11-23T16:00", "2026-11-23T17:00"),
        ("2026-11-23T16:30", "2026-11-24T09:30"),
        ("2026-11-23T07:00", "2026-11-23T10:00"),
        ("2026-11-20T18:00", "2026-11-23T10:00"),
        ("2026-11-21T12:00", "2026-11-23T10:00"),
        ("2026-11-25T16:30", "2026-11-27T09:30"),
    ],
    ids=[
        "in the morning",
        "at four",
        "at half past four",
        "in support's hours before nine",
        "on Friday evening",
        "on Saturday",
        "before Thanksgiving",
    ],
)
def test_an_answer_is_due_an_hour_later_between_nine_and_five_on_business_days(at: str, due: str) -> None:
    asked_at = request(pacific(at))
    assert policy.due_by(asked_at, DEVELOPER_ON_CALL) == pacific(due)
    assert policy.is_due(asked_at, pacific(due), DEVELOPER_ON_CALL)
    assert not policy.is_due(asked_at, pacific(at), DEVELOPER_ON_CALL)


# Who calls, who answers


def said(user: str = "U02AB3CD4", **more: Any) -> SlackMessage:
    return SlackMessage(CHANNEL, more.pop("ts", "1795453200.000100"), user, **more)


@pytest.mark.parametrize(
    ("message", "mentioned", "calls"),
    [
        (said(), [GROUP], True),
        (said(), ["U02AB3CD5", GROUP], True),
        (said(bot="B1"), [GROUP, "U02AB3CD5"], True),
        (said(thread_ts="1795453200.000100"), [GROUP], True),
        (said(), [], False),
        (said(), ["S99999999"], False),
        (said(thread_ts="1795450000.000100"), [GROUP], False),
        (said(subtype="channel_topic"), [GROUP], False),
    ],
    ids=[
        "by hand",
        "among others",
        "by an app",
        "one that has replies",
        "no mention",
        "another group",
        "a reply shown in the channel",
        "a new topic",
    ],
)
def test_a_message_that_mentions_the_group_calls_the_on_call(
    message: SlackMessage, mentioned: list[str], calls: bool
) -> None:
    assert policy.is_request(message, mentioned, GROUP) is calls


@pytest.mark.parametrize(
    ("message", "mentioned", "asker"),
    [
        (said("U02AB3CD4"), [GROUP, "U02AB3CD5"], "U02AB3CD4"),
        (said("U0BOT", bot="B1"), [GROUP, "U02AB3CD5"], "U02AB3CD5"),
        (said("U0BOT", bot="B1"), [GROUP], ""),
    ],
    ids=["who wrote it", "whom our app mentions", "nobody in particular"],
)
def test_an_app_asks_for_somebody(message: SlackMessage, mentioned: list[str], asker: str) -> None:
    assert policy.request(message, mentioned, "url").asker == asker


@pytest.mark.parametrize(
    ("replies", "answered"),
    [
        ([], False),
        ([said("U02AB3CD4", ts="1795453300.000100")], False),
        ([said("U0BOT", ts="1795453300.000100", bot="B1")], False),
        ([said("", ts="1795453300.000100")], False),
        ([said("U02AB3CD5", ts="1795453300.000100")], True),
    ],
    ids=["nobody", "the asker", "an app", "Slack itself", "somebody else"],
)
def test_a_reply_by_anyone_but_the_asker_and_apps_is_an_answer(replies: list[SlackMessage], answered: bool) -> None:
    call = policy.Request(CHANNEL, "1795453200.000100", "U02AB3CD4", "url")
    assert policy.is_answered(call, [said(), *replies]) is answered


def test_a_message_that_is_gone_needs_no_answer() -> None:
    assert policy.is_answered(request(pacific("2026-11-23T10:00")), [])


def test_the_reminder_mentions_the_group_and_says_when_it_was_due() -> None:
    shown = policy.reminder(request(pacific("2026-11-23T10:00")), GROUP, DEVELOPER_ON_CALL)
    assert shown.slack_text().startswith(f"<!subteam^{GROUP}> Nobody has answered yet")
    assert "due by Monday, November 23, 11:00 AM Pacific Time" in shown.slack_text()


def test_the_review_shows_what_waits_the_longest_first() -> None:
    late, young, done = (request(pacific(f"2026-11-23T{hour}:00")) for hour in ("09", "10", "08"))
    shown = policy.reviewed({young: "in time", late: "overdue", done: "answered"}, DEVELOPER_ON_CALL)
    assert [row[2] for row in shown.rows] == ["overdue", "in time"]
    assert "2 wait for an answer, 1 have one." in shown.sentences[0]


@pytest.mark.parametrize(
    ("at", "why"),
    [("2026-11-26T10:00", "Thanksgiving"), ("2026-11-21T10:00", "weekend"), ("2026-11-23T08:00", "not between 9 AM")],
)
def test_there_is_no_review_while_developers_are_away(at: str, why: str) -> None:
    assert why in policy.closed(DEVELOPER_ON_CALL, pacific(at)).sentences[0]


def test_the_developers_hours_are_not_those_of_support() -> None:
    assert not DEVELOPER_ON_CALL.is_open(pacific("2026-11-23T08:59"))
    assert DEVELOPER_ON_CALL.is_open(pacific("2026-11-23T16:30"))
    assert DEVELOPER_ON_CALL.why_closed(date(2026, 11, 26))
