"""Rituals: on which days they come round, what issue they make, and what is wrong with their file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.issue import Issue
from policies.team import rituals as policy

SPRINT: dict[str, Any] = {
    "task": "Prioritize for next sprint",
    "startedOn": "2023-09-04",
    "frequency": "Triweekly",
    "description": "Finalize the goals.",
    "moreInfoUrl": "https://fleetdm.com/handbook",
    "dri": "zayhanlon",
    "autoIssue": {"labels": [":help-customers"], "repo": "confidential"},
}
PEOPLE = {"zayhanlon"}
LABELS: dict[policy.Repository, set[str]] = {"fleet": {"bug"}, "confidential": {":help-customers"}}


def ritual(frequency: str = "Triweekly", started: str = "2023-09-04", **more: Any) -> policy.Ritual:
    return policy.Ritual.model_validate({**SPRINT, "frequency": frequency, "startedOn": started, **more})


def days(found: policy.Ritual, first: str, last: str) -> list[str]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    every = (begin + timedelta(days=at) for at in range((end - begin).days + 1))
    return [day.isoformat() for day in every if policy.is_due(found, day)]


@pytest.mark.parametrize(
    ("started", "due"),
    [
        ("2023-09-04", ["2025-08-18", "2025-09-08", "2025-09-29", "2025-10-20", "2025-11-10"]),
        ("2024-02-12", ["2025-08-11", "2025-09-01", "2025-09-22", "2025-10-13", "2025-11-03"]),
        ("2024-02-15", ["2025-08-14", "2025-09-04", "2025-09-25", "2025-10-16", "2025-11-06"]),
        ("2024-02-21", ["2025-08-20", "2025-09-10", "2025-10-01", "2025-10-22", "2025-11-12"]),
    ],
)
def test_a_triweekly_ritual_comes_round_every_21_days_from_its_start(started: str, due: list[str]) -> None:
    assert days(ritual(started=started), "2025-08-10", "2025-11-13") == due


@pytest.mark.parametrize(
    ("frequency", "started", "due"),
    [
        ("Daily", "2026-02-27", ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]),
        ("Daily ⏰", "2026-03-01", ["2026-03-01", "2026-03-02"]),
        ("Weekly", "2026-02-20", ["2026-02-27"]),
        ("Biweekly", "2026-02-16", ["2026-03-02"]),
        ("Monthly", "2026-01-31", ["2026-02-28"]),
        ("Monthly", "2026-01-01", ["2026-03-01"]),
        ("Annually", "2024-02-29", ["2026-02-28"]),
        ("Annually", "2024-03-02", ["2026-03-02"]),
    ],
)
def test_other_rituals_come_round_on_their_days(frequency: str, started: str, due: list[str]) -> None:
    assert days(ritual(frequency, started), "2026-02-27", "2026-03-02") == due


def test_a_ritual_is_not_due_before_it_begins() -> None:
    assert days(ritual(), "2023-08-01", "2023-09-05") == ["2023-09-04"]


@given(
    st.sampled_from(["Weekly", "Biweekly", "Triweekly"]),
    st.dates(date(2020, 1, 1), date(2024, 1, 1)),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
def test_each_cycle_comes_round_once(frequency: str, started: date, first: date) -> None:
    every = policy.INTERVALS[frequency]
    found = ritual(frequency, started.isoformat())
    assert sum(policy.is_due(found, first + timedelta(days=at)) for at in range(every)) == 1


@given(st.dates(date(2020, 1, 1), date(2024, 1, 1)), st.integers(2024, 2030))
def test_a_yearly_ritual_comes_round_once_a_year_and_a_monthly_one_once_a_month(started: date, year: int) -> None:
    yearly, monthly = ritual("Annually", started.isoformat()), ritual("Monthly", started.isoformat())
    assert len(days(yearly, f"{year}-01-01", f"{year}-12-31")) == 1
    assert len(days(monthly, f"{year}-01-01", f"{year}-12-31")) == 12


# -- which cycle


@pytest.mark.parametrize(
    ("last", "today", "cycle"),
    [
        pytest.param("2025-09-07", "2025-09-08", "2025-09-08", id="today"),
        pytest.param("2025-09-07", "2025-09-10", "2025-09-08", id="two days ago, nothing ran since"),
        pytest.param("2025-09-08", "2025-09-10", None, id="somebody looked on the day"),
        pytest.param("2025-08-01", "2025-09-10", "2025-09-08", id="of two that were missed the latest"),
        pytest.param(None, "2025-09-10", None, id="the first look ever makes up for nothing"),
        pytest.param(None, "2025-09-08", "2025-09-08", id="the first look ever on a cycle's day"),
        pytest.param("2025-09-09", "2025-09-08", "2025-09-08", id="a clock that went wrong"),
    ],
)
def test_todays_cycle_is_made_and_a_missed_one_made_up_for(last: str | None, today: str, cycle: str | None) -> None:
    looked = date.fromisoformat(last) if last else None
    found = policy.cycle_to_make(ritual(), looked, date.fromisoformat(today))
    assert (found.isoformat() if found else None) == cycle


@pytest.mark.parametrize(
    ("title", "opened", "is_made"),
    [
        ("Prioritize for next sprint", "2025-09-08T07:30:00+00:00", True),
        (" Prioritize for next sprint", "2025-09-09T18:00:00+00:00", True),
        ("Prioritize for next sprint", "2025-09-08T06:30:00+00:00", False),  # still Sunday in Los Angeles
        ("Prioritize something else", "2025-09-08T18:00:00+00:00", False),
    ],
)
def test_an_issue_that_somebody_made_by_hand_counts_as_the_cycles(title: str, opened: str, is_made: bool) -> None:
    at, nothing = datetime.fromisoformat(opened).astimezone(UTC), Confidential("")
    issue = Issue("fleetdm/confidential", 1, "x", False, True, at, {}, [], [], Confidential(title), nothing, "url")
    assert policy.is_made_by_hand(ritual(), date(2025, 9, 8), [issue]) is is_made


def test_the_body_is_the_description_and_where_to_read_more() -> None:
    assert policy.body(ritual()) == "Finalize the goals.\n\n> Read more at https://fleetdm.com/handbook"
    assert policy.body(ritual(moreInfoUrl="")) == "Finalize the goals."


# -- the file


def entry(line: int = 1, **changed: Any) -> policy.Entry:
    values = {key: value for key, value in {**SPRINT, **changed}.items() if value is not None}
    lines: dict[tuple[str | int, ...], int] = {(): line}
    lines.update({(key,): line + at for at, key in enumerate(values)})
    return policy.Entry(values, lines)


def refused(*entries: policy.Entry) -> list[str]:
    with pytest.raises(Refused) as told:
        policy.rituals(entries, "rituals.yml", PEOPLE, LABELS)
    return list(told.value.problems)


def test_every_mistake_is_told_with_file_and_line() -> None:
    problems = refused(
        entry(1, frequency="Fortnightly", startedOn="tomorrow"),
        entry(11, task="Other", description=None, dri="zayhanlon"),
        entry(21, task="Third", dri="nobody", autoIssue={"labels": [":no-such"], "repo": "fleet"}),
        entry(31, task="Fourth", autoIssues={}),
    )
    assert [problem.split(" ")[0] for problem in problems] == [
        "rituals.yml:2:",
        "rituals.yml:3:",
        "rituals.yml:11:",
        "rituals.yml:26:",
        "rituals.yml:27:",
        "rituals.yml:38:",
    ]
    assert 'It is "Fortnightly"' in problems[1]
    assert '"nobody" is nobody in the organisation' in problems[3]
    assert '":no-such" is no label of the repository fleet' in problems[4]


def test_a_repository_that_is_neither_of_the_two_is_refused() -> None:
    (problem,) = refused(entry(autoIssue={"labels": ["bug"], "repo": "website"}))
    assert "autoIssue.repo" in problem


def test_a_ritual_that_is_there_twice_is_refused() -> None:
    (problem,) = refused(entry(1), entry(11))
    assert problem.startswith('rituals.yml:11: "Prioritize for next sprint" is there twice')


def test_blanks_around_a_task_and_the_case_of_a_handle_do_not_count() -> None:
    (found,) = policy.rituals([entry(task="Monitor Slack ", dri="ZayHanlon")], "f", PEOPLE, LABELS)
    assert (found.task, found.key) == ("Monitor Slack", "monitor-slack")


# -- what is shown


def test_the_next_six_weeks_are_shown_with_what_is_daily_above() -> None:
    found = [ritual(), ritual("Daily", task="Process new requests", autoIssue=None)]
    shown = policy.calendar(found, [], date(2025, 9, 8))
    assert shown.sentences == ["Every day: Process new requests (zayhanlon)."]
    assert [row[0] for row in shown.rows] == ["Monday, September 8", "Monday, September 29"]
    assert shown.rows[0][1:] == ("Prioritize for next sprint", "Triweekly", "zayhanlon", "yes")


def test_a_missed_cycle_and_one_made_by_hand_are_named() -> None:
    late = policy.Made(ritual(), date(2025, 9, 8), "url")
    shown = policy.calendar([], [late, policy.Made(ritual(), date(2025, 9, 10), "")], date(2025, 9, 10))
    assert shown.sentences == [
        "Prioritize for next sprint: its cycle of 2025-09-08 was missed and is made up for.",
        "Prioritize for next sprint: somebody had made its issue by hand.",
    ]
