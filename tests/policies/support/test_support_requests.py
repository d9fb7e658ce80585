"""Requests to customer success: urgent or not, due when, answered by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies.business_time import SUPPORT
from policies.confidentiality import Confidential
from policies.events import IssueOpened
from policies.issue import Comment, Issue
from policies.support import support_requests as policy

TEAM = {"ksatter", "ddribeiro"}
BOTS = ["fleet-release"]
TEAM_IDS = {"ddribeiro": "U0TEAM0001"}


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles"))


SOON = pacific("2026-11-20T10:05")


def issue(
    title: str = "Request: a sandbox",
    body: str = "",
    created: str = "2026-11-20T10:00",
    comments: list[Comment] | None = None,
    assignees: list[str] | None = None,
) -> Issue:
    return Issue(
        "fleetdm/confidential",
        12,
        "lukeheath",
        False,
        True,
        pacific(created).astimezone(UTC),
        {},
        assignees or [],
        comments or [],
        Confidential(title),
        Confidential(body),
        "url",
    )


def said(author: str, at: str = "2026-11-20T12:00", *, is_bot: bool = False) -> Comment:
    return Comment(1, author, is_bot, pacific(at))


@pytest.mark.parametrize(
    "words",
    ["Urgent: they are down", "please look ASAP", "an emergency", "This is a blocker", "needed urgently", "CRITICAL"],
)
def test_a_request_that_says_so_is_urgent(words: str) -> None:
    assert policy.is_urgent(issue(title=words))
    assert policy.is_urgent(issue(body=words))


@pytest.mark.parametrize(
    "words",
    [
        "Request: a sandbox",
        "This is not urgent",
        "non-urgent question",
        "It isn't urgent at all",
        "nothing urgent",
        "insurgents",
        "no emergency",
    ],
)
def test_a_request_that_denies_it_or_says_nothing_is_not(words: str) -> None:
    assert not policy.is_urgent(issue(body=words))


def test_one_denial_does_not_hide_another_word() -> None:
    assert policy.is_urgent(issue(title="Urgent", body="not an emergency, though"))


@pytest.mark.parametrize(
    ("created", "due"),
    [
        ("2026-11-18T10:00", "2026-11-19T10:00"),
        ("2026-11-20T10:00", "2026-11-23T10:00"),
        ("2026-11-21T10:00", "2026-11-23T16:00"),
        ("2026-11-25T10:00", "2026-11-27T10:00"),
        ("2026-11-18T20:00", "2026-11-19T16:00"),
    ],
    ids=["Wednesday", "Friday to Monday", "Saturday: all of Monday", "over Thanksgiving", "in the evening"],
)
def test_an_answer_is_due_after_one_business_day(created: str, due: str) -> None:
    assert policy.due_by(issue(created=created), SUPPORT) == pacific(due)


@pytest.mark.parametrize(
    ("comment", "counts"),
    [
        (said("ksatter"), True),
        (said("KSatter"), True),
        (said("fleet-release"), False),
        (said("lukeheath"), False),
        (said("mikermcneil"), False),
        (said("ksatter", is_bot=True), False),
    ],
    ids=["team", "team, other case", "bot", "who asks", "another Fleetie", "an app"],
)
def test_only_a_team_members_comment_is_an_answer(comment: Comment, counts: bool) -> None:
    assert (policy.answer(issue(comments=[comment]), TEAM, BOTS) is not None) is counts


def test_a_team_member_who_asks_does_not_answer_themselves() -> None:
    assert policy.answer(issue(comments=[said("lukeheath")]), {"lukeheath"}, BOTS) is None


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-20T15:00", "in time"),
        ("2026-11-23T07:59", "in time"),
        ("2026-11-23T08:00", "due soon"),
        ("2026-11-23T10:00", "due soon"),
        ("2026-11-23T10:01", "overdue"),
        ("2026-11-22T12:00", "in time"),
    ],
)
def test_a_fridays_request_is_due_soon_on_monday_morning(now: str, state: str) -> None:
    assert policy.standing(issue(), TEAM, BOTS, pacific(now), SUPPORT).state == state


def test_an_answered_request_is_never_overdue() -> None:
    found = policy.standing(issue(comments=[said("ksatter")]), TEAM, BOTS, pacific("2026-12-24T10:00"), SUPPORT)
    assert found.state == "answered"


def test_the_age_counts_business_hours() -> None:
    found = policy.standing(issue(), TEAM, BOTS, pacific("2026-11-23T07:00"), SUPPORT)
    assert found.age == timedelta(hours=7)


def test_the_announcement_mentions_the_team_only_when_it_is_urgent() -> None:
    urgent = policy.announcement(issue(title="Urgent"), SOON, SUPPORT, TEAM_IDS | {"kc9wwh": ""})
    assert urgent.slack_text().startswith("<@U0TEAM0001> Urgent request")
    assert "fill in people.kc9wwh.slack in handbook.toml" in urgent.slack_text()
    quiet = policy.announcement(issue(), SOON, SUPPORT, {"kc9wwh": ""})
    assert quiet.mentions == []
    assert "fill in" not in quiet.slack_text()
    assert "Monday, November 23, 10:00 AM Pacific Time" in urgent.markdown()


def test_nothing_of_the_title_is_repeated() -> None:
    shown = policy.announcement(issue(title="Request: Quillfeather Logistics"), SOON, SUPPORT, {})
    assert "Quillfeather" not in shown.markdown() + shown.slack_text()


def test_the_owner_is_reminded_and_without_one_the_team() -> None:
    late = policy.standing(issue(assignees=["KSatter"]), TEAM, BOTS, pacific("2026-11-24T10:00"), SUPPORT)
    shown = policy.reminder(late, {"ksatter": "U0KATHY001"}, TEAM_IDS)
    assert shown.title == "A request is overdue"
    assert [mention.id for mention in shown.mentions] == ["U0KATHY001"]
    nobodys = policy.standing(issue(), TEAM, BOTS, pacific("2026-11-23T09:00"), SUPPORT)
    shown = policy.reminder(nobodys, {}, TEAM_IDS)
    assert shown.title == "A request is due soon"
    assert [mention.id for mention in shown.mentions] == ["U0TEAM0001"]


def test_an_owner_who_can_not_be_mentioned_is_named_and_the_team_is_mentioned_instead() -> None:
    late = policy.standing(issue(assignees=["KSatter"]), TEAM, BOTS, pacific("2026-11-24T10:00"), SUPPORT)
    shown = policy.reminder(late, {"ksatter": ""}, TEAM_IDS)
    assert [mention.id for mention in shown.mentions] == ["U0TEAM0001"]
    assert "fill in people.ksatter.slack in handbook.toml" in shown.slack_text()


@pytest.mark.parametrize(
    ("created", "told"),
    [
        (
            "2026-11-20T10:00",
            "New request to customer success From lukeheath. An answer is due by Monday",
        ),
        (
            "2026-11-18T10:00",
            "Request to customer success From lukeheath. An answer is overdue since Thu",
        ),
        ("2025-11-18T10:00", "An answer is overdue since Wednesday, November 19, 2025, 10:00 AM Pacific Time."),
    ],
    ids=["new", "old", "of another year"],
)
def test_an_old_issue_is_not_announced_as_new(created: str, told: str) -> None:
    assert told in policy.announcement(issue(created=created), SOON, SUPPORT, {}).slack_text()


def event(**changed: Any) -> IssueOpened:
    said: dict[str, Any] = {
        "repository": "fleetdm/confidential",
        "number": 12,
        "author": "lukeheath",
        "author_is_bot": False,
        "labels": (":help-customers",),
    }
    return IssueOpened(**said | changed)


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({}, []),
        ({"labels": (":Help-Customers", "bug")}, []),
        ({"repository": "fleetdm/fleet"}, ["It is in fleetdm/fleet."]),
        ({"labels": ("#help-customers",)}, ['It lacks the label ":help-customers".']),
        ({"author": "fleet-release"}, ["A bot opened it."]),
        ({"put_on": ":Help-Customers"}, []),
        ({"put_on": "bug"}, ['Another label was put on it ("bug").']),
        ({"author_is_bot": True, "labels": ()}, ['It lacks the label ":help-customers".', "A bot opened it."]),
    ],
)
def test_which_issues_are_requests(changed: dict[str, Any], reasons: list[str]) -> None:
    found = policy.reasons_to_do_nothing(event(**changed), "fleetdm/confidential", ":help-customers", BOTS)
    assert found == reasons


def test_the_review_lists_what_is_due_first_at_the_top() -> None:
    early = policy.standing(issue(created="2026-11-19T10:00"), TEAM, BOTS, pacific("2026-11-23T09:00"), SUPPORT)
    later = policy.standing(issue(), TEAM, BOTS, pacific("2026-11-23T09:00"), SUPPORT)
    answered = policy.standing(issue(comments=[said("ksatter")]), TEAM, BOTS, pacific("2026-11-23T09:00"), SUPPORT)
    shown = policy.reviewed([later, answered, early]).markdown()
    assert "2 wait for an answer, 1 have one." in shown
    assert shown.index("overdue") < shown.index("due soon")


def test_on_a_holiday_the_review_says_so() -> None:
    assert "Thanksgiving" in policy.closed_today("Thursday, November 26", "Thanksgiving Day").markdown()
