"""Investigations from the form to the calendar: what a second start does, what is refused, what finds no time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from flows.support import investigations as flows
from policies.business_time import PACIFIC
from policies.customer import Refused
from policies.support.investigations import Timebox
from tasks import effects, google_calendar, google_client, known_names, runs, zoom
from tests.conftest import Sandbox, environment
from tests.sandbox.test_google_calendar import events
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import contact_developer_on_call as on_call
from tests.scenarios import review_escalated_bugs as reviewing
from tests.scenarios import timebox_investigation as scenario

NOW = scenario.SCENARIO.now
ALONE: dict[str, Any] = {"issue": str(scenario.NUMBER), "who": "ksatter"}
CALL: dict[str, Any] = {**ALONE, "call": True, "manager": "patagonia121"}
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | PATIENT)
    known_names.known_names.cache_clear()
    google_client.credentials_for.cache_clear()
    zoom.forget_tokens()
    sandbox.reset(scenario.SEED)
    return sandbox


def start(form: Mapping[str, Any] = ALONE, at: str = NOW, *, dry_run: bool = False, **more: Any) -> int:
    run = runs.Run("run 1", flows.TIMEBOX, "a person", datetime.fromisoformat(at), dry_run=dry_run)
    with runs.acting(run):
        return asyncio.run(flows.timebox_investigation.fn(Timebox(**{**form, **more}), dry_run))


def refused(form: Mapping[str, Any] = ALONE, **more: Any) -> str:
    with pytest.raises(Refused) as error:
        start(form, **more)
    return str(error.value)


def blocks(world: Sandbox) -> list[str]:
    """Gives when each block begins in Los Angeles, by what Google was told."""
    made = [each for each in world.effects() if "Investigate" in each["target"] and each["action"] == "create event"]
    starts = [datetime.fromisoformat(each["detail"]["start"]["dateTime"]) for each in made]
    return [f"{each.astimezone(PACIFIC):%a %H:%M}" for each in starts]


def said(world: Sandbox, channel: str) -> list[str]:
    return [str(each["detail"]) for each in world.effects() if each["target"] == channel]


# Blocks


def test_blocks_go_around_what_is_in_the_calendar(world: Sandbox) -> None:
    assert start(blocks=2) == 2
    assert blocks(world) == ["Mon 11:00", "Mon 12:15"]


def test_a_higher_number_adds_blocks_and_leaves_those_that_are_there(world: Sandbox) -> None:
    start(blocks=1)
    assert start(blocks=3) == 3
    assert blocks(world) == ["Mon 11:00", "Mon 12:15", "Mon 13:30"]


def test_other_minutes_change_no_block_that_is_there(world: Sandbox) -> None:
    start(blocks=1)
    start(blocks=2, minutes=15)
    first, second = [each["detail"] for each in world.effects()]
    assert first["end"]["dateTime"] == "2026-11-23T20:00:00+00:00"
    assert (second["start"]["dateTime"], second["end"]["dateTime"]) == (
        "2026-11-23T18:00:00+00:00",
        "2026-11-23T18:15:00+00:00",
    )


def test_what_does_not_fit_before_the_stand_up_is_left_out(world: Sandbox) -> None:
    taken = scenario.busy(scenario.ENGINEER, "11:00", "15:00")
    world.reset(scenario.SEED, {"google": {"events": [taken]}})
    assert start(blocks=9) == 3
    assert blocks(world) == ["Mon 15:00", "Tue 06:00", "Tue 07:15"]


def test_without_free_time_the_rest_is_done_all_the_same(world: Sandbox) -> None:
    days = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-25"}, "transparency": "opaque"}
    world.reset(scenario.SEED, {"google": {"events": [{"calendar": scenario.ENGINEER, **days}]}})
    assert start(scenario.TIMEBOX) == 0
    actions = [each["action"] for each in world.effects()]
    assert actions == ["post message"] * 3  # logs, hand-over, on-call


def test_free_time_that_comes_up_later_is_used_by_a_later_start(world: Sandbox) -> None:
    busy = {**scenario.busy(scenario.ENGINEER, "10:00", "16:00"), "id": "taken1"}
    early = {"calendar": scenario.ENGINEER, "start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}}
    world.reset(scenario.SEED, {"google": {"events": [busy, early]}})
    assert start() == 0
    events(world, scenario.ENGINEER).delete(calendarId="primary", eventId="taken1").execute()
    assert start() == 1
    assert blocks(world) == ["Mon 11:00"]


def test_a_block_that_its_owner_deletes_is_not_made_again(world: Sandbox) -> None:
    start()
    (event,) = [each for each in world.state()["google"]["events"] if "Investigate" in each["summary"]]
    events(world, scenario.ENGINEER).delete(calendarId="primary", eventId=event["id"]).execute()
    start()
    assert blocks(world) == ["Mon 11:00"]


def test_a_bug_that_is_escalated_again_gets_time_again(world: Sandbox) -> None:
    start()
    again = reviewing.bug(scenario.NUMBER, "2026-12-01T17:00:00+00:00")
    world.reset(scenario.SEED | {"github": {**scenario.SEED["github"], "issues": [again]}})
    assert start(at="2026-12-01T18:00:00+00:00") == 1
    assert blocks(world) == ["Tue 10:00"]


def test_two_people_have_blocks_of_their_own(world: Sandbox) -> None:
    start()
    start(who="edwardsb")
    assert [each["target"].split()[0] for each in world.effects()] == [scenario.ENGINEER, "ben@fleetdm.com"]


def test_after_the_stand_up_there_is_no_time_left(world: Sandbox) -> None:
    assert start(at="2026-11-24T16:30:00+00:00") == 0
    assert world.effects() == []


def test_a_calendar_that_cannot_be_read_stops_before_any_effect(world: Sandbox) -> None:
    world.fault(kind="500_before", path="freeBusy")
    with pytest.raises(google_calendar.Unavailable, match="Nothing was written"):
        start(scenario.TIMEBOX)
    assert world.effects() == []
    assert start(scenario.TIMEBOX) == 2


def test_a_dry_run_does_nothing_and_binds_nobody(world: Sandbox) -> None:
    assert start(scenario.TIMEBOX, dry_run=True) == 2
    assert world.effects() == []
    later = "2026-11-23T21:00:00+00:00"
    start(at=later)
    assert blocks(world) == ["Mon 13:00"]


# The call


def test_a_call_is_when_both_are_free_and_both_have_it_in_their_calendars(world: Sandbox) -> None:
    start(CALL)
    (meeting,) = world.state()["zoom"]["meetings"]
    assert meeting["start_time"] == "2026-11-23T20:00:00Z"
    for mailbox in (scenario.ENGINEER, scenario.CSM):
        found = events(world, mailbox).list(calendarId="primary", q="Reproduce").execute()["items"]
        assert [each["location"] for each in found] == [meeting["join_url"]]


def test_without_common_time_nobody_is_asked_for_a_call(world: Sandbox) -> None:
    days = {"calendar": scenario.CSM, "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-25"}}
    world.reset(scenario.SEED, {"google": {"events": [days]}})
    assert start(CALL) == 1
    assert [each["action"] for each in world.effects()] == ["create event"]


def test_a_call_that_could_not_be_planned_in_time_gets_another_time(world: Sandbox) -> None:
    world.fault(kind="401", service="zoom", path="oauth/token", times=9)
    with pytest.raises(effects.EffectPostponed, match="Zoom gives no token"):
        start(CALL)
    world.no_more_faults()
    start(CALL, at="2026-11-23T21:30:00+00:00")
    (meeting,) = world.state()["zoom"]["meetings"]
    assert meeting["start_time"] == "2026-11-23T22:30:00Z"
    assert blocks(world) == ["Mon 12:45"]  # which was made before, and stays


def test_another_csm_is_another_call(world: Sandbox) -> None:
    start(CALL)
    start(CALL, manager="kc9wwh")
    assert len(world.state()["zoom"]["meetings"]) == 2


def test_zoom_that_is_not_connected_is_said_before_any_effect(
    world: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    use_settings(environment(world.url, sqlite_url, NOW) | {"HANDBOOK_ZOOM_CLIENT_ID": ""})
    assert "Not set: HANDBOOK_ZOOM_CLIENT_ID" in refused(CALL)
    assert world.effects() == []


# The customer, colleagues, the developer on-call


def test_a_reply_in_the_customers_thread_leads_to_the_thread(world: Sandbox) -> None:
    reply = {"channel": night.CHANNEL, "user": night.CUSTOMER, "text": "Still.", "ts": "1795924800.000100"}
    world.reset(scenario.SEED, {"slack": {"messages": [{**reply, "thread_ts": night.TS}]}})
    start(logs=f"{night.CHANNEL}/{reply['ts']}")
    (asked,) = [each for each in world.effects() if each["target"] == "#fleet-at-hebe"]
    assert asked["detail"]["thread_ts"] == night.TS


def test_the_same_logs_are_asked_for_once_and_other_ones_again(world: Sandbox) -> None:
    link = f"{night.CHANNEL}/{night.TS}"
    start(logs=link)
    start(logs=link, who="edwardsb")
    assert len(said(world, "#fleet-at-hebe")) == 1
    start(logs=link, wanted=["browser"])
    assert len(said(world, "#fleet-at-hebe")) == 2


def test_other_words_for_the_same_colleague_are_refused_with_the_link(world: Sandbox) -> None:
    start(hand_over_to="edwardsb", tried="Restarted it.")
    told = refused(hand_over_to="edwardsb", tried="Restarted it twice.")
    assert "was handed over to edwardsb already" in told
    assert "/archives/" in told
    assert len(said(world, "#help-customers")) == 1


def test_the_developer_on_call_is_asked_once_though_the_run_goes_on_tomorrow(world: Sandbox) -> None:
    start(on_call=True, tried="Restarted it.")
    start(on_call=True, tried="Restarted it.", at="2026-11-24T15:00:00+00:00")
    assert len(said(world, "#help-engineering")) == 1


# What is refused


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"issue": "42999"}, 'There is no issue "42999"'),
        ({"issue": "https://github.com/fleetdm/confidential/issues/1"}, "There is no issue"),
        ({"issue": "the bug"}, 'There is no issue "the bug"'),
        ({"minutes": 61}, "calendar blocks max 1 hour each"),
        ({"blocks": 0}, "0 blocks are none"),
        ({"who": "nobody"}, '"nobody" is not among [people]'),
        ({"logs": "C0NOWHERE01/1795924770.000100"}, "Slack shows our app no channel"),
        ({"logs": f"{night.CHANNEL}/1795924770.000200"}, "is gone"),
        ({"hand_over_to": "edwardsb", "tried": f"Called {on_call.NAME}"}, "holds a customer's real name"),
    ],
    ids=str,
)
def test_bad_input_is_refused_before_any_effect(wanted: dict[str, Any], says: str, world: Sandbox) -> None:
    assert says in refused(scenario.TIMEBOX, **wanted)
    assert world.effects() == []


def test_a_closed_bug_is_refused(world: Sandbox) -> None:
    closed = {**scenario.BUG, "state": "closed"}
    world.reset({**scenario.SEED, "github": {**scenario.SEED["github"], "issues": [closed]}})
    assert "is closed" in refused()


def test_everything_wrong_is_said_at_once(world: Sandbox) -> None:
    told = refused(scenario.TIMEBOX, minutes=90, blocks=0, who="nobody", manager="ksatter", logs="C0NOWHERE01/1.1")
    assert "for 5 reasons" in told
    assert world.effects() == []
