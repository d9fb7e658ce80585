"""The weekly hand-off of the developer on-call: its day, its thread, what is still open."""

from __future__ import annotations

from datetime import date

import pytest

from policies.business_time import DEVELOPER_ON_CALL
from policies.handbook import Person
from policies.on_call_rotation import Answer
from policies.report import Link
from policies.support import developer_hand_off as policy
from policies.support.developer_on_call import Request

GROUP = "S02AB3CD4"
PEOPLE = {"lukeheath": Person(handle="lukeheath", name="Luke Heath", slack="U02AB3CD4")}
MONDAY = date(2026, 11, 23)
BOTH = Answer("Luke Heath"), Answer("zwass")
FIRST, SECOND = (Request("C1", ts, "", f"https://link/{ts}") for ts in ("1795217400.000100", "1795217400.000200"))


@pytest.mark.parametrize(
    ("today", "weekday", "day"),
    [
        ("2026-11-23", "Monday", "2026-11-23"),
        ("2026-11-24", "Monday", None),
        ("2026-11-25", "Wednesday", "2026-11-25"),
        ("2026-11-23", "Wednesday", None),
        ("2026-10-12", "Monday", None),
        ("2026-10-13", "Monday", "2026-10-12"),
        ("2026-10-14", "Monday", None),
        ("2026-11-22", "Sunday", None),
    ],
    ids=[
        "Mondays",
        "not Tuesdays",
        "Wednesdays until early 2025",
        "not Mondays then",
        "not on Columbus Day",
        "but on the Tuesday after it",
        "and not again on Wednesday",
        "never on a weekend",
    ],
)
def test_the_hand_off_is_weekly_on_its_day_or_the_next_business_day(today: str, weekday: str, day: str | None) -> None:
    found = policy.hand_off_of(date.fromisoformat(today), weekday, DEVELOPER_ON_CALL)
    assert found == (date.fromisoformat(day) if day else None)


def test_the_new_on_call_takes_over_the_group_and_is_mentioned() -> None:
    shown = policy.thread(policy.hand_off(MONDAY, BOTH, []), GROUP, PEOPLE)
    assert shown.title == "On-call hand-off of Monday, November 23"
    assert [each.id for each in shown.mentions] == [GROUP, "U02AB3CD4"]
    assert shown.sentences == [
        "1. Luke Heath puts themselves into the @oncall user group, in the place of zwass.",
        "2. Luke Heath and zwass go through the open threads below.",
        "3. What is not handed over stays with zwass.",
    ]


def test_who_stays_on_call_stays_in_the_group() -> None:
    found = policy.hand_off(MONDAY, (Answer("zwass"), Answer("Zwass")), [])
    shown = policy.thread(found, GROUP, PEOPLE)
    assert list(shown.sentences) == ["zwass stays on call, and in the @oncall user group."]


def test_a_week_that_the_rotation_does_not_have_is_told() -> None:
    found = policy.hand_off(MONDAY, (Answer("", "The rotation has no week."), Answer("", "It is gone.")), [])
    told = policy.thread(found, GROUP, PEOPLE)
    assert list(told.sentences[:2]) == ["This week: The rotation has no week.", "The week before: It is gone."]
    assert "whoever is on call now puts themselves" in told.sentences[2]
    assert [each.id for each in told.mentions] == [GROUP]


def test_the_thread_asks_for_highlights_improvements_issues_and_the_retrospective() -> None:
    found = policy.replies(policy.hand_off(MONDAY, BOTH, []), ["What went well?", "What could have gone better?"])
    assert list(found) == ["highlights", "improvements", "issues", "retrospective"]
    assert list(found["retrospective"].sentences) == ["1. What went well?", "2. What could have gone better?"]


@pytest.mark.parametrize(
    ("waiting", "told"),
    [([], "0 calls for"), ([FIRST], "1 call for"), ([SECOND, FIRST], "2 calls for")],
    ids=["none", "one", "two of the same minute"],
)
def test_calls_without_an_answer_are_listed_with_links(waiting: list[Request], told: str) -> None:
    issues = policy.replies(policy.hand_off(MONDAY, BOTH, waiting), [])["issues"]
    assert issues.sentences[0].startswith(told)
    assert [row[0].url for row in issues.rows if isinstance(row[0], Link)] == sorted(each.url for each in waiting)


def test_a_second_attempt_repeats_what_the_first_has_found() -> None:
    found = policy.hand_off(MONDAY, (Answer("Luke Heath"), Answer("", "why")), [FIRST, SECOND])
    assert policy.read(MONDAY, found.kept()) == found


def test_other_days_say_why_nothing_is_done() -> None:
    told = policy.no_hand_off(date(2026, 11, 24), "Monday").sentences[0]
    assert told == "Tuesday, November 24 is not the day of the hand-off, which is Monday."


def test_the_run_shows_the_thread_and_all_that_is_open() -> None:
    shown = policy.handed_off(policy.hand_off(MONDAY, (Answer("zwass"), Answer("", "Nobody.")), [FIRST]), "https://t")
    assert "Before: not known. Nobody." in shown.sentences
    assert len(shown.rows) == 2
