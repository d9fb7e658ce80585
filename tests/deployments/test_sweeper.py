"""The sweeper against a real Prefect server: what was lost goes on, once; what waits is told, once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments import inbox, lost_runs, missed, register, telling
from deployments.deliveries import Delivery
from deployments.dispatcher import INBOX, Dispatcher
from deployments.inbox import Verdict
from deployments.lost_runs import Watch
from deployments.sweeper import Sweeper
from policies import sweeping as policy
from policies.events import FormSent, SlackAction, facts
from tasks import cases, clock, database, ledger, prefect_api, remembered, runs, slack
from tasks.effects import EffectError
from tests.conftest import FULL, Sandbox, until, within
from tests.deployments.installation import Installation
from tests.deployments.night import MEMBER
from tests.deployments.prefect_server import Prefect
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import assign_customer_codename as assigning

MONDAY_MORNING = "2026-11-30T18:00:00+00:00"
RESPOND = "respond-to-job-application"


@pytest.fixture
def set_clock(sandbox: Sandbox, use_settings: Callable[[Mapping[str, str]], None]) -> Callable[[datetime], None]:
    """Sets the time for us and for the sandbox."""

    def to(now: datetime) -> None:
        sandbox.set_clock(now.isoformat())
        use_settings({"HANDBOOK_FIXED_TIME": now.isoformat()})

    return to


@pytest.fixture
def saturday(prefect: Prefect, set_clock: Callable[[datetime], None]) -> datetime:
    """Saturday evening, when the customer of the seed has just written."""
    now = datetime.fromisoformat(night.SATURDAY_EVENING)
    set_clock(now)
    return now


async def has_listened(client: PrefectClient) -> None:
    """Marks lost runs as a sweeper does that has run for an hour."""
    now = clock.wall()
    await lost_runs.mark_lost_runs(client, Watch(now - timedelta(hours=1), now))


def do(*duties: Callable[[PrefectClient], Awaitable[None]]) -> None:
    """Does duties of the sweeper, one after the other."""

    async def all_of_them() -> None:
        run = runs.Run("sweeper", "sweeper", "sweeper", clock.now())
        async with slack.connected(), prefect_api.connected() as client:
            with runs.acting(run):
                for duty in duties:
                    await duty(client)

    asyncio.run(all_of_them())


def posts(sandbox: Sandbox, channel: str = "#help-customers") -> list[str]:
    """Gives what was posted in a channel."""
    return [
        each["detail"]["text"]
        for each in sandbox.effects()
        if each["action"] == "post message" and each["target"] == channel
    ]


# -- runs that died


def test_a_run_without_signs_of_life_crashes_and_one_that_gives_them_goes_on(prefect: Prefect) -> None:
    silent, living, young = prefect.run("RUNNING", 200), prefect.run("RUNNING", 200), prefect.run("RUNNING", 30)
    prefect.lives(living)
    do(has_listened)
    assert [prefect.state(run) for run in (silent, living, young)] == ["CRASHED", "RUNNING", "RUNNING"]


def test_a_run_that_was_claimed_and_never_started_crashes(prefect: Prefect) -> None:
    stuck, starting = prefect.run("PENDING", 120), prefect.run("PENDING", 10)
    do(has_listened)
    assert [prefect.state(run) for run in (stuck, starting)] == ["CRASHED", "PENDING"]


def test_paused_scheduled_and_ended_runs_are_left_alone(prefect: Prefect) -> None:
    states = ["PAUSED", "SCHEDULED", "COMPLETED", "FAILED", "CANCELLED"]
    left = [prefect.run(state, 86_400) for state in states]
    do(has_listened, lost_runs.continue_lost_runs)
    assert [prefect.state(run) for run in left] == states
    assert prefect.others(than=left) == []


def test_a_run_that_somebody_cancelled_and_that_is_gone_is_cancelled_and_does_not_go_on(prefect: Prefect) -> None:
    gone = prefect.run("CANCELLING", 200)
    do(has_listened, lost_runs.continue_lost_runs)
    assert prefect.state(gone) == "CANCELLED"
    assert prefect.others(than=[gone]) == []


def test_a_sweeper_that_has_just_begun_to_listen_calls_no_run_silent(prefect: Prefect) -> None:
    run = prefect.run("RUNNING", 200)
    watch = Watch()

    async def mark(client: PrefectClient) -> None:
        await lost_runs.mark_lost_runs(client, watch)

    do(mark, mark)
    assert prefect.state(run) == "RUNNING"


def test_while_prefect_is_away_the_sweeper_hears_nothing_and_begins_to_listen_anew(prefect: Prefect) -> None:
    watch = Watch(clock.wall() - timedelta(hours=1), clock.wall())

    async def mark() -> None:
        with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
            async with prefect_api.connected() as client:
                await lost_runs.mark_lost_runs(client, watch)

    with pytest.raises(httpx.ConnectError):
        asyncio.run(mark())
    assert not watch.look(clock.wall())


# -- crashed runs


def test_a_crashed_run_starts_again_with_the_same_parameters_and_once_with_two_sweepers(prefect: Prefect) -> None:
    crashed = prefect.run("CRASHED", tags=["customers"], account="001Ux0000000001IAA", dry_run=False)

    async def two_at_once(client: PrefectClient) -> None:
        await asyncio.gather(*(lost_runs.continue_lost_runs(client) for _ in range(2)))

    do(two_at_once, lost_runs.continue_lost_runs)
    (again,) = prefect.others(than=[crashed])
    assert again["parameters"] == {"account": "001Ux0000000001IAA", "dry_run": False}
    assert again["state_type"] == "SCHEDULED"
    assert sorted(again["tags"]) == ["continued 1", "customers"]


def test_a_run_that_crashes_each_time_starts_again_five_times_with_pauses_and_then_a_person_is_told_once(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    known = [prefect.run("CRASHED", 0)]
    for times in range(policy.MOST_TIMES):
        if times:
            do(lost_runs.continue_lost_runs)
            assert prefect.others(than=known) == [], "It starts again after a pause."
            prefect.put(known[-1], "CRASHED", 86_000)
        do(lost_runs.continue_lost_runs)
        (again,) = prefect.others(than=known)
        assert again["tags"] == [f"continued {times + 1}"]
        known.append(again["id"])
        prefect.put(again["id"], "CRASHED")
    for _ in range(2):
        do(lost_runs.continue_lost_runs)
    assert prefect.others(than=known) == []
    (said,) = posts(sandbox)
    assert "It has been started 6 times, and did not come to its end." in said


def test_a_crash_that_a_cancellation_led_to_is_none(prefect: Prefect) -> None:
    run = prefect.run("RUNNING")
    prefect.put(run, "CANCELLING")
    prefect.put(run, "CRASHED")
    do(lost_runs.continue_lost_runs)
    assert prefect.others(than=[run]) == []


def test_a_run_that_was_revived_and_crashed_another_time_goes_on_another_time(prefect: Prefect) -> None:
    run = prefect.run("CRASHED", 300)
    do(lost_runs.continue_lost_runs)
    prefect.put(run, "RUNNING", 200)
    do(lost_runs.continue_lost_runs)
    assert len(prefect.others(than=[run])) == 1
    prefect.put(run, "CRASHED", 100)
    do(lost_runs.continue_lost_runs, lost_runs.continue_lost_runs)
    assert len(prefect.others(than=[run])) == 2


def test_a_crashed_sweep_does_not_go_on_when_a_newer_one_has_begun(prefect: Prefect) -> None:
    old = prefect.run("CRASHED", tags=["sweep"], everything=True)
    other = prefect.run("COMPLETED", tags=["sweep"], everything=False)
    do(lost_runs.continue_lost_runs)
    (again,) = prefect.others(than=[old, other])
    prefect.put(again["id"], "CRASHED", 7200)
    newer = prefect.run("COMPLETED", tags=["sweep"], everything=True)
    do(lost_runs.continue_lost_runs)
    assert prefect.others(than=[old, other, again["id"], newer]) == []


SWEEP = "flow run encountered an exception: Unsettled: GitHub gave no answer."


def sweep_of_the_day(prefect: Prefect, message: str, seconds_ago: float = 31, **parameters: Any) -> str:
    """Makes a run of the schedule that has failed. Gives it."""
    run = prefect.run("SCHEDULED", tags=["sweep", lost_runs.SCHEDULED], **parameters)
    prefect.put(run, "FAILED", seconds_ago, message)
    return run


def test_a_sweep_of_the_day_that_failed_is_started_again_with_pauses_and_then_a_person_is_told_once(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    known = [sweep_of_the_day(prefect, SWEEP, 0)]
    for times in range(policy.MOST_TIMES):
        do(lost_runs.continue_lost_runs)
        assert prefect.others(than=known) == [], "It starts again after a pause."
        prefect.put(known[-1], "FAILED", 86_000, SWEEP)
        do(lost_runs.continue_lost_runs)
        (again,) = prefect.others(than=known)
        assert sorted(again["tags"]) == [lost_runs.SCHEDULED, f"continued {times + 1}", "sweep"]
        known.append(again["id"])
        prefect.put(again["id"], "FAILED", 0, SWEEP)
    for _ in range(2):
        do(lost_runs.continue_lost_runs)
    assert prefect.others(than=known) == []
    (said,) = posts(sandbox)
    assert "It has been started 6 times, and did not come to its end. Nothing has been done twice." in said


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        pytest.param(["sweep"], SWEEP, id="somebody started it, who sees it fail"),
        pytest.param([lost_runs.SCHEDULED], SWEEP, id="it is no sweep"),
        pytest.param(
            ["sweep", lost_runs.SCHEDULED],
            "Flow run encountered an exception: HandbookError: handbook.toml: There is no such person.",
            id="it was refused for what stands in handbook.toml",
        ),
    ],
)
def test_other_runs_that_failed_are_left_alone(prefect: Prefect, tags: list[str], message: str) -> None:
    run = prefect.run("SCHEDULED", tags=tags)
    prefect.put(run, "FAILED", 3600, message)
    do(lost_runs.continue_lost_runs)
    assert prefect.others(than=[run]) == []


def test_a_sweep_that_failed_is_not_started_again_when_a_newer_one_has_begun(prefect: Prefect) -> None:
    failed = [sweep_of_the_day(prefect, SWEEP) for _ in range(2)]
    do(lost_runs.continue_lost_runs, lost_runs.continue_lost_runs)
    assert len(prefect.others(than=failed)) == 1


def test_more_runs_than_a_page_holds_are_all_found(prefect: Prefect) -> None:
    crashed = [prefect.run("CRASHED") for _ in range(5)]

    async def in_pages_of_two(client: PrefectClient) -> None:
        found = [run.id for run in await lost_runs.runs_in(client, [lost_runs.StateType.CRASHED], page=2)]
        assert sorted(map(str, found)) == sorted(crashed)

    do(in_pages_of_two)


# -- cases


def opened(prefect: Prefect, state: str, seconds_ago: float, subject: str = "conv-1") -> str:
    """Opens a case whose run is in a state. Gives the run."""
    cases.open_case(RESPOND, subject, "a test", "", False)
    return handed_over(prefect, state, seconds_ago)


def handed_over(prefect: Prefect, state: str, seconds_ago: float) -> str:
    """Hands over what waits, as the dispatcher does, as a run in a state. Gives the run."""
    batch = f"{RESPOND}:{uuid4()}"
    assert cases.hand_over(RESPOND, batch, 100)
    run = prefect.run(state, seconds_ago, tags=[INBOX])
    cases.handed(batch, run)
    return run


def case(subject: str = "conv-1") -> Any:
    return cases.of(RESPOND, [subject])[subject]


def test_a_case_whose_run_failed_is_handed_over_with_growing_pauses_and_parked_after_five_times_told_once(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    run = opened(prefect, "FAILED", 0)
    cases.settle(RESPOND, "conv-1", cases.State.OPEN, "Gmail gave no answer.")
    for times in range(policy.MOST_TIMES):
        pause = policy.FIRST_PAUSE.total_seconds() * policy.LONGER**times
        prefect.put(run, "FAILED", pause - 15)
        do(lost_runs.hand_over_anew)
        assert case().run_id == run, f"Too early after {times} times."
        prefect.put(run, "FAILED", pause + 1)
        do(lost_runs.hand_over_anew)
        assert (case().run_id, case().generation) == (None, times + 1)
        run = handed_over(prefect, "FAILED", 0)
    for _ in range(2):
        do(lost_runs.hand_over_anew, telling.tell_what_waits)
    assert case().state == cases.State.PARKED
    (said,) = posts(sandbox)
    assert f"{RESPOND} for conv-1 was started 6 times. The last reason: Gmail gave no answer." in said


def test_a_case_whose_run_crashed_or_was_deleted_is_handed_over_at_once(prefect: Prefect) -> None:
    run = opened(prefect, "CRASHED", 0)
    do(lost_runs.hand_over_anew)
    assert case().batch is None
    run = handed_over(prefect, "RUNNING", 0)
    prefect.api.delete(f"/flow_runs/{run}").raise_for_status()
    do(lost_runs.hand_over_anew)
    assert (case().batch, case().generation) == (None, 2)


def test_a_case_whose_run_a_person_cancelled_is_not_started_again(prefect: Prefect) -> None:
    opened(prefect, "CANCELLED", 3600)
    do(lost_runs.hand_over_anew, lost_runs.continue_lost_runs)
    assert (case().state, case().reason) == (cases.State.REFUSED, "A person cancelled its run.")
    assert cases.without_run() == {}


def test_a_case_whose_run_has_completed_is_done_and_not_started_again(prefect: Prefect, sandbox: Sandbox) -> None:
    opened(prefect, "COMPLETED", 3600)
    do(lost_runs.hand_over_anew, telling.tell_what_waits)
    assert (case().state, case().reason) == (cases.State.DONE, None)
    assert cases.without_run() == {}
    assert posts(sandbox) == []


def test_a_case_whose_run_was_refused_is_told_once_to_who_started_it_and_not_started_again(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    sent = FormSent(RESPOND, "V0MADE00001", MEMBER)
    cases.open_case(RESPOND, sent.key, "slack-form V0MADE00001", facts(sent), False)
    remembered.keep(sent.key, "{}")
    run = handed_over(prefect, "RUNNING", 0)
    message = "Flow run encountered an exception: Refused: Nothing was done. There is no issue #41."
    prefect.put(run, "FAILED", 0, message)
    sandbox.fault(kind="429", service="slack", path="chat.postMessage", times=100, seconds=1)
    with pytest.raises(EffectError):
        do(lost_runs.hand_over_anew)
    assert case(sent.key).state == cases.State.OPEN
    sandbox.no_more_faults()
    for _ in range(2):
        do(lost_runs.hand_over_anew, telling.tell_what_waits)
    (said,) = posts(sandbox)
    assert said.startswith(f"<@{MEMBER}> Not done: {RESPOND} Nothing was done. There is no issue #41.")
    assert (case(sent.key).state, remembered.read(sent.key)) == (cases.State.REFUSED, None)
    assert cases.without_run() == {}


@pytest.mark.parametrize("generation", [0, 1], ids=["by its run", "and its record was made anew"])
def test_a_case_that_its_own_run_has_refused_is_told_once_to_who_pressed(
    prefect: Prefect, sandbox: Sandbox, generation: int
) -> None:
    pressed = SlackAction("approve", "conv-1", MEMBER, "T1", "C1", "1.1", "", "1790000001.000100")
    cases.open_case(RESPOND, "conv-1", "slack 1", facts(pressed), True)
    cases.settle(RESPOND, "conv-1", cases.State.REFUSED, "Nothing was done. The mail has been changed since.")
    do(telling.tell_what_waits)
    for _ in range(generation):
        cases.take_back(RESPOND, ["conv-1"])
    do(telling.tell_what_waits)
    (said,) = posts(sandbox)
    assert said.startswith(f"<@{MEMBER}> Not done: {RESPOND} Nothing was done. The mail has been changed since.")


def test_what_was_refused_days_ago_or_cancelled_by_a_person_is_not_told(prefect: Prefect, sandbox: Sandbox) -> None:
    for subject, reason in (("conv-1", policy.CANCELLED), ("conv-2", "It was refused.")):
        cases.open_case(RESPOND, subject, "a test", "", False)
        cases.settle(RESPOND, subject, cases.State.REFUSED, reason)
    with database.engine().begin() as connection:
        days_ago = clock.wall() - timedelta(days=3)
        connection.execute(cases.cases.update().where(cases.cases.c.subject == "conv-2").values(settled_at=days_ago))
    do(telling.tell_what_waits)
    assert posts(sandbox) == []


def test_a_case_under_way_is_left_alone_and_its_crashed_run_is_not_continued_by_itself(prefect: Prefect) -> None:
    running, crashed = opened(prefect, "RUNNING", 3600), prefect.run("CRASHED", tags=[INBOX])
    do(lost_runs.hand_over_anew, lost_runs.continue_lost_runs)
    assert case().run_id == running
    assert prefect.others(than=[running, crashed]) == []


def test_what_the_gateway_has_done_is_recorded_by_another_run_when_the_first_one_crashed(prefect: Prefect) -> None:
    for subject in ("conv-1", "conv-2"):
        cases.open_case(RESPOND, subject, "a test", "", True)
        cases.settle(RESPOND, subject, cases.State.DONE, None)
    run = handed_over(prefect, "CRASHED", 0)
    do(lost_runs.continue_lost_runs, lost_runs.hand_over_anew)
    assert (prefect.others(than=[run]), case().run_id) == ([], run)
    for times in range(policy.MOST_TIMES):
        do(lost_runs.record_anew, lost_runs.record_anew)
        assert cases.without_run() == {RESPOND: 2}
        assert (case().state, case().generation) == (cases.State.DONE, times + 1)
        handed_over(prefect, "CRASHED", 10_000)
    do(lost_runs.record_anew)
    assert cases.without_run() == {}, "Five times are enough: nothing is left to do."


def test_a_record_that_a_person_cancelled_is_not_made_again(prefect: Prefect) -> None:
    cases.open_case(RESPOND, "conv-1", "a test", "", True)
    cases.settle(RESPOND, "conv-1", cases.State.DONE, None)
    run = handed_over(prefect, "CANCELLING", 0)
    prefect.put(run, "CRASHED")
    do(lost_runs.record_anew)
    assert case().run_id == run


# -- what waits for a person


def park(key: str) -> None:
    intent = ledger.Intent("f", "Gmail", "send mail", key, "p", "run 1", "a person", timedelta(seconds=9))
    grant = ledger.claim(key, intent)
    assert isinstance(grant, ledger.Grant)
    ledger.park(grant, "Its answer never came.")


def test_a_parked_effect_is_told_once_also_after_a_restart_and_again_when_it_is_parked_again(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    park("a/1/mail")
    do(telling.tell_what_waits)
    do(telling.tell_what_waits)
    (said,) = posts(sandbox)
    assert "Gmail: send mail a/1/mail. Its answer never came." in said
    ledger.settle("a/1/mail", "Kathy", "send it again", None)
    park("a/1/mail")
    do(telling.tell_what_waits)
    assert len(posts(sandbox)) == 2


def test_a_flood_gets_ten_messages_and_one_for_all_the_rest(prefect: Prefect, sandbox: Sandbox) -> None:
    for number in range(40):
        park(f"a/{number:02}/mail")
    for _ in range(2):
        do(telling.tell_what_waits)
    said = posts(sandbox)
    assert len(said) == 11
    assert [each for each in said if "30 more wait for a person" in each]


def test_what_slack_did_not_take_is_told_once_it_is_back(prefect: Prefect, sandbox: Sandbox) -> None:
    for number in range(12):
        park(f"a/{number:02}/mail")
    sandbox.fault(service="slack", method="POST", path="chat.postMessage", kind="500_after")
    with suppress(Exception):
        do(telling.tell_what_waits)
    sandbox.no_more_faults()
    for _ in range(2):
        do(telling.tell_what_waits)
    said = posts(sandbox)
    assert len(said) == len(set(said)) == 11


# -- what no webhook told of


ANSWER, MESSAGE = "answer-out-of-hours-message", f"{night.CHANNEL}/{night.TS}"
MINUTE = timedelta(seconds=61)


def settle() -> str:
    """Lets a gateway's dispatcher work until the case of the message is settled. Gives its state."""

    async def work() -> None:
        group = database.GroupCommit()
        working = asyncio.create_task(Dispatcher(group).work())
        async with asyncio.timeout(within(20)):
            while cases.of(ANSWER, [MESSAGE])[MESSAGE].state == cases.State.OPEN:
                await asyncio.sleep(0.1)
        working.cancel()
        await asyncio.wait([working])
        await group.close()

    asyncio.run(work())
    return cases.of(ANSWER, [MESSAGE])[MESSAGE].state


def came_in() -> list[tuple[str, str, int]]:
    return [(each[0], each[2], each[4]) for each in inbox.counts(clock.wall() - timedelta(hours=1))]


def test_a_message_that_no_webhook_told_of_is_answered_once(
    sandbox: Sandbox, saturday: datetime, set_clock: Callable[[datetime], None]
) -> None:
    do(missed.fill_slack_gaps)
    assert came_in() == [], "The history begins at the first look."
    for times in (1, 2):
        set_clock(saturday + times * MINUTE)
        do(missed.fill_slack_gaps)
    assert came_in() == [("slack-history", "taken", 1)]
    assert settle() == cases.State.DONE
    (said,) = posts(sandbox, "#fleet-at-hebe")
    assert "We are closed right now" in said


def test_a_message_whose_webhook_came_is_not_taken_in_another_time(
    saturday: datetime, set_clock: Callable[[datetime], None]
) -> None:
    do(missed.fill_slack_gaps)
    cases.open_case(ANSWER, MESSAGE, "slack Ev1", "", True)
    set_clock(saturday + MINUTE)
    do(missed.fill_slack_gaps)
    assert came_in() == []


def test_a_message_of_the_night_is_not_answered_once_we_are_open_again(
    sandbox: Sandbox, saturday: datetime, set_clock: Callable[[datetime], None]
) -> None:
    do(missed.fill_slack_gaps)
    set_clock(datetime.fromisoformat(MONDAY_MORNING))
    do(missed.fill_slack_gaps)
    assert settle() == cases.State.IGNORED
    assert posts(sandbox, "#fleet-at-hebe") == []


def test_a_channel_that_is_gone_holds_up_no_other(
    prefect: Prefect, saturday: datetime, set_clock: Callable[[datetime], None]
) -> None:
    prefect.api.post("/variables/", json={"name": "out_of_hours_channels", "value": ["C0GONE00001", night.CHANNEL]})
    try:
        do(missed.fill_slack_gaps)
        set_clock(saturday + MINUTE)
        do(missed.fill_slack_gaps)
    finally:
        prefect.api.delete("/variables/name/out_of_hours_channels")
    assert came_in() == [("slack-history", "taken", 1)]


# -- all of it


def test_the_inbox_is_one_page_in_prefect_that_is_kept_up_to_date(prefect: Prefect) -> None:
    inbox.receive(Delivery("github", "d-1", None, "issues.closed"), Verdict(reasons=["No procedure listens to it."]))
    do(telling.show_inbox)
    inbox.receive(Delivery("github", "d-2", None, "star.created"), Verdict(reasons=["No procedure listens to it."]))
    forget("inbox report")
    do(telling.show_inbox)
    (page,) = prefect.artifacts()
    assert "2 deliveries since" in page["data"]
    assert "| 1 | github | star.created | ignored | No procedure listens to it. |" in page["data"]
    prefect.api.delete(f"/artifacts/{page['id']}").raise_for_status()
    forget("inbox report")
    do(telling.show_inbox)
    assert len(prefect.artifacts()) == 1


def forget(name: str) -> None:
    """Has something done again that is done once in a while."""
    with database.engine().begin() as connection:
        connection.execute(remembered.remembered.delete().where(remembered.remembered.c.name == name))


def sweep_once() -> None:
    async def sweep() -> None:
        async with slack.connected(), prefect_api.connected() as client:
            await Sweeper(client).sweep()

    asyncio.run(sweep())


def test_a_sweep_goes_on_where_prefect_github_or_slack_are_away_and_says_that_it_was_there(
    prefect: Prefect, sandbox: Sandbox
) -> None:
    park("a/1/mail")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        sweep_once()
    assert len(posts(sandbox)) == 1, "Prefect is away, Slack is not."
    kept = remembered.read(remembered.LAST_SWEEP)
    assert kept
    assert clock.wall() - datetime.fromisoformat(kept) < timedelta(seconds=10)


def test_the_database_may_be_away_for_a_moment(
    prefect: Prefect, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None], tmp_path: Path
) -> None:
    use_settings({"HANDBOOK_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}"})  # no tables
    sweep_once()
    use_settings({"HANDBOOK_DATABASE_URL": sqlite_url})
    sweep_once()
    assert remembered.read(remembered.LAST_SWEEP)


def test_every_workers_runs_give_signs_of_life_and_what_ops_have_set_stays(prefect: Prefect) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        register.prepare_pool(client)
        pool = client.read_work_pool(register.POOL).base_job_template
        assert pool["variables"]["properties"]["env"]["default"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
        pool["variables"]["properties"]["env"]["default"] = {"TZ": "UTC"}
        changed = json.dumps({"base_job_template": pool})
        prefect.api.patch(f"/work_pools/{register.POOL}", content=changed).raise_for_status()
        register.prepare_pool(client)
        kept = client.read_work_pool(register.POOL).base_job_template
    assert kept["variables"]["properties"]["env"]["default"] == {"TZ": "UTC", **register.ENVIRONMENT}


# -- the whole product

RESUMED_WITHIN = 150.0  # seconds


@pytest.mark.whole
@pytest.mark.skipif(not FULL, reason="FULL_SWEEP=1 waits for the minute after which a silent run goes on.")
def test_a_run_whose_worker_was_killed_in_the_middle_goes_on_by_itself_and_does_everything_once(
    fresh: Installation,
) -> None:
    fresh.play(assigning.SCENARIO)
    fresh.sandbox.latency(**{"*": [0.3, 0.4]})
    run = fresh.begin(assigning.SCENARIO.deployment, assigning.SCENARIO.parameters)
    until(lambda: len(fresh.sandbox.effects()) >= 1)
    fresh.kill("deployments.worker")
    began = time.monotonic()
    assert assigning.SCENARIO.unmet(fresh.sandbox.effects()), "It was killed too late to prove anything."
    fresh.sandbox.latency()
    until(lambda: continued(fresh, run) == ["COMPLETED"], RESUMED_WITHIN)
    took = time.monotonic() - began
    assert assigning.SCENARIO.unmet(fresh.sandbox.effects()) == []
    assert fresh.api.get(f"/flow_runs/{run}").json()["state_type"] == "CRASHED"
    assert took < RESUMED_WITHIN, f"{took:.0f} s"  # 77, measured


def continued(installation: Installation, run: str) -> list[str]:
    """Gives the states of the runs that go on for a run."""
    wanted = {"flow_runs": {"tags": {"any_": ["continued 1", "continued 2"]}}}
    found = installation.api.post("/flow_runs/filter", json=wanted).json()
    asked = installation.api.get(f"/flow_runs/{run}").json()
    return [each["state_type"] for each in found if each["parameters"] == asked["parameters"]]
