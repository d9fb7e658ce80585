"""First responses: where they are watched, what is an emergency, who is reminded of what and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies import bug, handbook
from policies.attainment import Week, by_week
from policies.business_time import SUPPORT
from policies.channel_history import Said
from policies.confidentiality import Confidential
from policies.events import SlackMessage, slack_ts
from policies.report import ChannelName, Link
from policies.support import first_response as policy
from policies.support.waiting_messages import Question, due_by
from settings import ROOT

CHANNEL, MIRA = "C0SANDBOX01", "U0CUSTOMER1"
NAMES = handbook.parse(
    (ROOT / "handbook.toml").read_text(encoding="utf-8"),
    "handbook.toml",
    (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8"),
)
SUPPORT_ENGINEERS = ["U0SANDBOX09", "U0SANDBOX10", "U0SANDBOX11", "U0SANDBOX12"]
MANAGER, ON_CALL, VP = "U0SANDBOX05", "S0SANDBOX2", "U0SANDBOX01"


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)


MONDAY = pacific("2026-11-23T10:00")


def question(*texts: str, written: datetime = MONDAY, answered: datetime | None = None) -> Question:
    said = [
        Said(SlackMessage(CHANNEL, slack_ts(written + timedelta(minutes=place)), MIRA), Confidential(text))
        for place, text in enumerate(texts or ["How do we do it?"])
    ]
    return Question(tuple(said), due_by(written, SUPPORT), answered)


# Where


def test_customers_channels_are_those_of_the_list_and_those_named_so_and_public_ones_are_named_in_the_file() -> None:
    ours = {"C1": "fleet-at-hebe", "C2": "at-juno", "C3": "op-juno", "C4": "community", "C5": "whatever", "C6": "chat"}
    found = policy.places(ours, ["C5", "C9"], ["C4", "C8"], ["at-", "fleet-at-"])
    assert found.watched == {"C5": False, "C1": False, "C2": False, "C4": True}
    assert found.without_us == ["C8", "C9"]


def test_without_prefixes_no_name_makes_a_channel_a_customers() -> None:
    assert policy.places({"C1": "fleet-at-hebe"}, [], [], []).watched == {}


def test_channels_without_our_app_are_named_together() -> None:
    shown = policy.not_watched(["C8", "C9"])
    assert shown.title == "2 channels are not watched for first responses"
    assert "C8, C9" in shown.sentences


# Emergencies


@pytest.mark.parametrize(
    "text",
    [
        "Urgent: nobody can enroll",
        "this is an emergency!",
        "please help ASAP",
        "P0 here",
        "Production is down.",
        "our Fleet server is completely unavailable",
        "everything went down after the update",
        "We are having an outage",
        "It isn't critical for us, but production is down",
    ],
)
def test_a_message_that_says_so_is_an_emergency(text: str) -> None:
    assert policy.is_emergency(question(text))


@pytest.mark.parametrize(
    "text",
    [
        "How do we rotate certificates?",
        "not urgent",
        "No emergency, just a question",
        "Fleet shows 3 critical vulnerabilities on our hosts",
        "Why is this CVE critical severity in Fleet?",
        "severity: critical is what the report says",
        "a critical security update is missing",
        "non-critical question",
        "The log says\n```level=CRITICAL msg=urgent```",
        "It prints `urgent` on start",
        "&gt; this is urgent\nSomebody else wrote that. How do you see it?",
        "The server isn't down",
        "we scroll down",
        "```urgent",
    ],
)
def test_logs_quotations_severities_and_denials_are_none(text: str) -> None:
    assert not policy.is_emergency(question(text))


def test_a_later_message_makes_it_an_emergency() -> None:
    assert policy.is_emergency(question("Enrolling fails", "this is urgent"))


# When who is told


@pytest.mark.parametrize(
    ("text", "after", "step"),
    [
        ("How?", 0, None),
        ("How?", 29, None),
        ("How?", 30, "reminder"),
        ("How?", 60, "reminder"),
        ("How?", 61, "overdue"),
        ("Urgent!", 0, "emergency"),
        ("Urgent!", 30, "emergency"),
        ("Urgent!", 61, "overdue"),
    ],
)
def test_one_is_reminded_at_half_of_the_time_and_it_is_escalated_when_that_is_over_or_at_once(
    text: str, after: int, step: str | None
) -> None:
    assert policy.step(question(text), MONDAY + timedelta(minutes=after)) == step


def test_outside_business_hours_half_of_the_time_is_two_hours() -> None:
    night = pacific("2026-11-23T19:00")
    assert policy.step(question(written=night), night + timedelta(minutes=119)) is None
    assert policy.step(question(written=night), night + timedelta(minutes=120)) == "reminder"


@pytest.mark.parametrize("text", ["How?", "Urgent!"])
def test_what_is_answered_is_told_to_nobody(text: str) -> None:
    assert policy.step(question(text, answered=MONDAY + timedelta(hours=2)), MONDAY + timedelta(hours=3)) is None


@pytest.mark.parametrize(
    ("now", "responders", "escalation"),
    [
        ("2026-11-23T10:00", SUPPORT_ENGINEERS, [MANAGER]),
        ("2026-11-23T16:00", [ON_CALL], [VP]),
        ("2026-11-21T10:00", [ON_CALL], [VP]),
        ("2026-11-26T10:00", [ON_CALL], [VP]),
    ],
    ids=["business hours", "at closing", "Saturday", "Thanksgiving"],
)
def test_support_responds_in_business_hours_and_the_on_call_outside(
    now: str, responders: list[str], escalation: list[str]
) -> None:
    assert policy.on_duty(NAMES, pacific(now)) == policy.Duty(responders, escalation)


# What they read


def telling(*texts: str, step: policy.Step = "reminder") -> policy.Telling:
    return policy.telling(question(*texts), step, policy.Duty(["U0SANDBOX09"], ["U0SANDBOX05"]), "https://message")


def test_a_reminder_says_when_it_is_due_and_links_the_message_and_the_runbooks() -> None:
    shown = policy.told(telling())
    assert shown.slack_text().startswith("<@U0SANDBOX09> A message from outside waits for a first response")
    assert "Written Monday, November 23, 10:00 AM Pacific Time" in shown.sentences[0]
    assert "is due Monday, November 23, 11:00 AM Pacific Time" in shown.sentences[0]
    runbooks = "https://github.com/fleetdm/confidential/tree/main/infrastructure/runbooks#readme"
    assert shown.rows == [
        (Link("The message", "https://message"), ChannelName(CHANNEL)),
        (Link("On-call runbooks", runbooks), ""),
    ]


@pytest.mark.parametrize(
    ("step", "title"),
    [("overdue", "Nobody has answered a message from outside in time"), ("emergency", "speaks of an emergency")],
)
def test_an_escalation_mentions_whom_it_is_escalated_to(step: policy.Step, title: str) -> None:
    shown = policy.told(telling(step=step))
    assert title in shown.title
    assert [each.id for each in shown.mentions] == ["U0SANDBOX09", "U0SANDBOX05"]


def test_what_the_customer_wrote_stays_where_it_is() -> None:
    assert "Quillfeather" not in str(policy.told(telling("Quillfeather: <!channel> it fails")).slack_blocks())


def test_a_second_attempt_repeats_what_the_first_has_said() -> None:
    first = telling("It fails on macOS")
    assert policy.told(policy.read_telling(first.kept())) == policy.told(first)


def test_details_that_the_message_does_not_mention_are_still_to_be_asked_for() -> None:
    said = policy.told(telling("Fleet 4.60.1 on Ubuntu:", "expected green, but it is red in Firefox")).slack_text()
    assert "ask for what they haven't told: Agent version (osquery or fleetd?), Steps to reproduce." in said


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("We run Fleet v4.60.1", "Fleet server version"),
        ("osquery 5.13", "Agent version (osquery or fleetd?)"),
        ("on Windows", "Operating system"),
        ("in Chrome", "Web browser"),
        ("it should be green", "Expected behavior"),
        ("it is red", "Actual behavior"),
        ("it happens when I click", "Steps to reproduce"),
    ],
)
def test_a_detail_counts_as_told_once_a_message_mentions_it(text: str, mentioned: str) -> None:
    assert mentioned not in bug.not_mentioned(text)
    assert mentioned in bug.not_mentioned("")


def test_every_required_detail_can_be_mentioned() -> None:
    assert bug.not_mentioned("") == [each.name for each in bug.REQUIRED]


# What is counted and shown


@pytest.mark.parametrize(
    ("answered", "now", "counted"),
    [(59, 60, (1, 1)), (61, 90, (0, 1)), (None, 61, (0, 1)), (None, 60, None), (10, 20, (0, 0))],
    ids=["in time", "late", "not at all", "may still be answered", "in time, and not due yet"],
)
def test_the_share_answered_in_time_counts_what_was_due(
    answered: int | None, now: int, counted: tuple[int, int] | None
) -> None:
    at = MONDAY + timedelta(minutes=now)
    one = question(answered=None if answered is None else MONDAY + timedelta(minutes=answered))
    kept = policy.promises([one], at)
    assert set(kept) == ({one.key} if counted else set())
    (week,) = by_week(map(policy.read_promise, kept.values()), at, weeks=1)
    assert (week.met, week.due) == (counted or (0, 0))


def test_what_is_counted_holds_no_words_and_no_names() -> None:
    (kept,) = policy.promises([question("Quillfeather", answered=MONDAY)], MONDAY).values()
    assert kept == '["2026-11-23T19:00:00+00:00", "2026-11-23T18:00:00+00:00"]'


def watched(waiting: dict[str, Question], **more: Any) -> Any:
    fields: dict[str, Any] = {"number": 3, "without_us": [], "elsewhere": [], "problems": []}
    fields |= {"weeks": [Week(MONDAY.date(), 3, 4)]}
    return policy.watched(waiting, **(fields | more), now=MONDAY + timedelta(minutes=40))


def test_each_report_says_which_public_slack_is_not_watched() -> None:
    elsewhere = policy.out_of_reach(NAMES)
    assert (
        "Not watched: #fleet in osquery's Slack, for which our app has no token."
        in watched({}, elsewhere=elsewhere).sentences
    )


def test_the_run_shows_what_waits_by_channel_and_what_is_due_first_at_the_top() -> None:
    late = question(written=MONDAY - timedelta(hours=1))
    shown = watched({"new": question(written=MONDAY + timedelta(minutes=39)), "old": late, "now": question("Urgent")})
    assert [(row[0], row[3]) for row in shown.rows] == [
        (Link(CHANNEL, "old"), "overdue"),
        (Link(CHANNEL, "now"), "emergency"),
        (Link(CHANNEL, "new"), "in time"),
    ]
    assert shown.sentences[:2] == [
        "3 messages wait for a first response in 3 channels.",
        "3 of 4 answered in time over the last 1 weeks, 75 %.",
    ]


def test_the_run_says_where_nobody_watches_and_what_could_not_be_read() -> None:
    shown = watched({}, without_us=["C9"], problems=policy.unread({"C2": "Away.", "C1": "Away.", "C3": "Refused."}))
    assert shown.sentences[2:] == [
        "Not watched, since our app is not in them: C9.",
        "Failed; the next run does it:",
        "Away. Not read: C1, C2.",
        "Refused. Not read: C3.",
    ]
