"""Which share of what was due was answered in time, by week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from policies.attainment import Promise, Week, by_week, summed

NOW = datetime(2026, 11, 25, 18, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)


def met(due: datetime) -> Promise:
    return due, due - HOUR


def test_a_week_begins_on_monday_in_los_angeles() -> None:
    sunday_night = datetime(2026, 11, 23, 7, 59, tzinfo=UTC)  # Monday in London
    weeks = by_week([met(sunday_night), met(sunday_night + HOUR)], NOW, weeks=2)
    assert weeks == [Week(date(2026, 11, 16), 1, 1), Week(date(2026, 11, 23), 1, 1)]


def test_an_answer_at_the_very_moment_is_in_time_and_a_second_later_is_not() -> None:
    due = NOW - HOUR
    (week,) = by_week([(due, due), (due, due + timedelta(seconds=1)), (due, None)], NOW, weeks=1)
    assert (week.met, week.due) == (1, 3)


def test_what_is_not_due_yet_counts_neither_way() -> None:
    (week,) = by_week([(NOW + HOUR, None), (NOW + HOUR, NOW)], NOW, weeks=1)
    assert (week.met, week.due) == (0, 0)


def test_what_is_due_now_counts() -> None:
    (week,) = by_week([(NOW, None)], NOW, weeks=1)
    assert week.share == 0


def test_twelve_weeks_are_given_with_gaps_where_nothing_was_due() -> None:
    weeks = by_week([met(NOW - timedelta(weeks=11)), met(NOW - timedelta(weeks=12))], NOW)
    assert [each.share for each in weeks] == [1.0, *[None] * 11]
    assert weeks[-1].monday == date(2026, 11, 23)


def test_a_week_of_the_clock_change_is_as_long_as_the_others_in_the_list() -> None:
    (_, week) = by_week([met(datetime(2026, 11, 1, 23, tzinfo=UTC))], datetime(2026, 11, 2, 12, tzinfo=UTC), weeks=2)
    assert week.monday == date(2026, 11, 2)


def test_the_sum_is_said_in_words() -> None:
    assert summed([Week(date(2026, 11, 16), 2, 3), Week(date(2026, 11, 23), 1, 1)]) == (
        "3 of 4 answered in time over the last 2 weeks, 75 %."
    )
    assert summed(by_week([], NOW)) == "Nothing was due in the last 12 weeks."
