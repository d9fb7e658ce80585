"""What the sweeper starts again, when, and when it asks a person instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies import sweeping as policy

NOON = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("started", "last_sign", "silent"),
    [(60, None, False), (80, None, True), (600, 31, False), (600, 76, True), (600, -5, False)],
    ids=[
        "just started",
        "never heard of",
        "one sign came late",
        "two signs did not come",
        "its clock is ahead of ours",
    ],
)
def test_a_run_is_silent_once_two_signs_of_life_have_not_come(
    started: float, last_sign: float | None, silent: bool
) -> None:
    sign = None if last_sign is None else ago(last_sign)
    assert policy.is_silent(ago(started), sign, NOON) is silent


@pytest.mark.parametrize(("claimed", "stuck"), [(20, False), (61, True)], ids=["a cold start", "a dead worker"])
def test_a_claimed_run_is_stuck_after_a_minute(claimed: float, stuck: bool) -> None:
    assert policy.is_stuck(ago(claimed), NOON) is stuck


@pytest.mark.parametrize(
    ("since", "last", "listens_for"),
    [(None, None, 0), (3600, 20, 3600), (3600, 7200, 0), (3600, 600, 0), (3600, -60, 0), (None, 20, 0)],
    ids=[
        "the first look",
        "twenty seconds after the last look",
        "after hours of sleep",
        "after ten minutes without Prefect",
        "the clock was set back",
        "Prefect was away at the last look",
    ],
)
def test_the_sweeper_listens_anew_after_every_break(since: float | None, last: float | None, listens_for: int) -> None:
    found = policy.listens_since(None if since is None else ago(since), None if last is None else ago(last), NOON)
    assert NOON - found == timedelta(seconds=listens_for)


def test_no_run_is_called_silent_before_every_living_run_could_be_heard() -> None:
    assert not policy.has_listened(ago(30), NOON)
    assert policy.has_listened(ago(45), NOON)


def test_the_pauses_grow_and_bridge_an_outage_of_almost_three_hours() -> None:
    pauses = [policy.start_again_at(NOON, times) - NOON for times in range(policy.MOST_TIMES)]
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=8)]
    assert timedelta(hours=2, minutes=30) < sum(pauses, timedelta()) < timedelta(hours=3)


def test_a_killed_run_goes_on_at_once_and_with_pauses_when_it_is_killed_again() -> None:
    assert [policy.continue_at(NOON, times) - NOON for times in range(3)] == [
        timedelta(),
        timedelta(seconds=30),
        timedelta(minutes=2),
    ]


def test_after_five_times_it_goes_to_a_person() -> None:
    assert [policy.goes_to_a_person(times) for times in (0, 4, 5)] == [False, False, True]


def test_a_crashed_sweep_need_not_go_on_when_a_newer_one_with_the_same_parameters_was_begun() -> None:
    assert policy.is_superseded({"everything": True}, [{}, {"everything": True}])
    assert not policy.is_superseded({"everything": True}, [{}])


def test_the_channels_that_waited_longest_are_read_first_and_no_more_than_slack_allows() -> None:
    looked = [(f"C{number:02}", ago(60 + number)) for number in range(30)]
    assert policy.channels_to_read([("CNEW", None), ("CJUST", ago(30)), *looked], NOON) == [
        "CNEW",
        *(f"C{number:02}" for number in range(29, 20, -1)),
    ]


def test_a_channel_whose_last_look_lies_in_the_future_is_read_again() -> None:
    assert policy.channels_to_read([("C1", NOON + timedelta(hours=3))], NOON) == ["C1"]


def test_a_message_is_left_to_its_webhook_for_half_a_minute() -> None:
    assert policy.is_on_its_way(ago(10), NOON)
    assert not policy.is_on_its_way(ago(40), NOON)


@pytest.mark.parametrize(
    ("last", "back"),
    [(None, 24), (300, 24), (36 * 3600, 36), (30 * 86_400, 72)],
    ids=["the first time", "as always", "after a day and a half", "after a month: GitHub keeps three days"],
)
def test_github_is_asked_about_the_last_day_and_about_all_of_a_longer_absence(last: float | None, back: int) -> None:
    found = policy.deliveries_since(None if last is None else ago(last), NOON)
    assert NOON - found == timedelta(hours=back)


def test_an_inbox_of_very_many_kinds_shows_the_largest_and_says_how_many_rows_are_left_out() -> None:
    shown = policy.inbox([("slack", "message", "ignored", f"Reason {n}.", 1) for n in range(250)], NOON)
    assert len(shown.rows) == policy.INBOX_ROWS
    assert shown.sentences[0].startswith("250 deliveries since 2026-11-23 20:00 UTC.")
    assert shown.sentences[1] == "50 rows with fewer deliveries are left out."


def test_one_message_speaks_for_many() -> None:
    assert policy.more_wait(37).title == "37 more wait for a person"
    assert policy.more_wait(1).title == "One more waits for a person"


def test_a_person_reads_how_often_a_case_was_started_and_why_it_failed_last() -> None:
    shown = policy.case_given_up("promote-prospect", "001Ux0000000001IAA", "", 5, "http://prefect/runs/1")
    assert "promote-prospect for 001Ux0000000001IAA was started 6 times" in shown.sentences[0]
    assert "none was given" in shown.sentences[0]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Flow run encountered an exception: Refused: Nothing was done. Correct it.", "Nothing was done. Correct it."),
        (
            "Flow run encountered an exception: HandbookError: handbook.toml:9: fill it in",
            "handbook.toml:9: fill it in",
        ),
        ("Refused: Nothing was done, for 2 reasons:\n1. a\n2. b", "Nothing was done, for 2 reasons:\n1. a\n2. b"),
        ("Flow run encountered an exception: EffectPostponed: Slack: post message: Slack asked to wait.", ""),
        ("Flow run encountered an exception: Unsettled: 1 of 3 are not settled.\nx: EffectRefused: no", ""),
        ("", ""),
    ],
    ids=["bad input", "a name is missing", "by itself", "later", "several subjects", "no message"],
)
def test_what_was_refused_for_good_is_told_by_its_exception(message: str, why: str) -> None:
    assert policy.refusal(message) == why


@pytest.mark.parametrize(("user", "mentions"), [("U0SANDBOX09", "<@U0SANDBOX09> "), ("", "")], ids=["Slack", "nobody"])
def test_a_refusal_mentions_who_started_it(user: str, mentions: str) -> None:
    said = policy.refused("record-reproduction", "There is no issue #41.", "http://127.0.0.1/runs/1", user).slack_text()
    assert said.startswith(f"{mentions}Not done: record-reproduction There is no issue #41.")
