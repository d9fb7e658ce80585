"""Google Calendar: busy times with the least right; an event happens once, and what people change of it stays."""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.appointment import Appointment
from tasks import effects, google_calendar, google_client, ledger, runs
from tasks.effects import Made
from tests.conftest import Sandbox, environment
from tests.sandbox.test_google_calendar import events
from tests.tasks.faults import FAULTS

OWNER, GUEST = "kathy@fleetdm.com", "jason@fleetdm.com"
TEN = datetime(2026, 11, 23, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
BLOCK = Appointment(
    OWNER, "Investigate fleetdm/fleet#12", TEN, TEN + HOUR, "Block 1", about="https://github.com/f/f/12"
)
RUN = runs.Run("run 1", "a procedure", "a test", TEN)
ONCE = "timebox-investigation/fleetdm/fleet#12@1/ksatter/1"
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    google_client.credentials_for.cache_clear()
    sandbox.reset()
    return sandbox


def create(wanted: Appointment = BLOCK, once: str = ONCE) -> Made:
    with runs.acting(RUN):
        return asyncio.run(google_calendar.create(wanted, once=once, target="block 1 of ksatter"))


def inserts(world: Sandbox) -> list[dict[str, Any]]:
    return [each for each in world.calls() if each["method"] == "POST" and each["path"].startswith("/calendar/")]


def seeded(*more: Mapping[str, Any]) -> dict[str, Any]:
    taken = {"calendar": OWNER, "start": {"dateTime": TEN.isoformat()}, "end": {"dateTime": (TEN + HOUR).isoformat()}}
    return {"google": {"events": [{**taken, **each} for each in more]}}


# Busy times


def test_busy_times_are_read_with_the_right_to_see_those_only(world: Sandbox) -> None:
    world.reset(seeded({}))
    assert google_calendar.busy(OWNER, TEN - HOUR, TEN + 3 * HOUR) == [(TEN, TEN + HOUR)]
    granted = world.state()["google"]["granted"]
    assert granted[-1] == {"mailbox": OWNER, "scopes": [google_calendar.FREE_BUSY]}


def test_nobody_is_busy_in_no_time_and_google_is_not_asked(world: Sandbox) -> None:
    assert google_calendar.busy(OWNER, TEN, TEN) == []
    assert world.calls() == []


@pytest.mark.parametrize(
    "kind", ["500_before", "429", "403_retry_after", "reset_before", "timeout_before", "malformed"]
)
def test_a_calendar_that_cannot_be_read_is_said(kind: str, world: Sandbox) -> None:
    world.fault(kind=kind, path="freeBusy", seconds=1)
    with pytest.raises(google_calendar.Unavailable, match="Nothing was written"):
        google_calendar.busy(OWNER, TEN, TEN + HOUR)
    assert google_calendar.busy(OWNER, TEN, TEN + HOUR) == []


def test_who_google_does_not_know_has_no_calendar() -> None:
    with pytest.raises(google_calendar.Unavailable, match=re.escape("docs/connecting.md")):
        google_calendar.busy("nobody@fleetdm.com", TEN, TEN + HOUR)


# Events


def test_an_event_gets_an_id_of_ours_and_says_whose_it_is(world: Sandbox) -> None:
    made = create()
    (event,) = world.state()["google"]["events"]
    assert made == Made(event["id"], event["htmlLink"])
    assert re.fullmatch(r"[a-v0-9]{52}", event["id"])
    assert event["extendedProperties"]["private"].keys() == {google_calendar.KEY}
    assert event["source"]["url"] == BLOCK.about
    assert {"mailbox": OWNER, "scopes": [google_calendar.EVENTS]} in world.state()["google"]["granted"]
    assert world.effects()[0]["detail"]["notified"] == "none"


def test_guests_are_invited_and_told_and_the_owner_has_accepted(world: Sandbox) -> None:
    create(Appointment(OWNER, "A call", TEN, TEN + HOUR, place="https://zoom.us/j/1", guests=[GUEST]))
    (event,) = world.state()["google"]["events"]
    answers = {each["email"]: each["responseStatus"] for each in event["attendees"]}
    assert answers == {OWNER: "accepted", GUEST: "needsAction"}
    assert (event["location"], world.effects()[0]["detail"]["notified"]) == ("https://zoom.us/j/1", "all")


def test_the_same_event_is_made_once(world: Sandbox) -> None:
    assert create() == create()
    assert len(world.effects()) == len(inserts(world)) == 1


def test_a_lost_ledger_makes_no_second_event(world: Sandbox, tmp_path: Any, use_settings: Use) -> None:
    from tests.conftest import create_tables

    first = create()
    url = f"sqlite:///{tmp_path / 'another.sqlite'}"
    create_tables(url)
    use_settings(environment(world.url, url))
    assert create() == first
    assert len(inserts(world)) == 1


@pytest.mark.parametrize("fault", [*FAULTS, "exists_already"])
def test_whatever_happens_on_the_way_there_is_one_event(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, method="POST", path="/events", seconds=1)
    made = create()
    (event,) = world.state()["google"]["events"]
    assert made.id == event["id"]
    assert len(world.effects()) == 1


@pytest.mark.parametrize(
    "change", [{"start": {"dateTime": "2026-11-23T10:30:00-08:00"}}, {"status": "cancelled"}], ids=["moved", "deleted"]
)
def test_an_event_that_somebody_changes_before_its_answer_is_known_stays_so(
    change: dict[str, Any], world: Sandbox
) -> None:
    world.fault(kind="timeout_after", method="POST", path="/events", seconds=1)
    world.fault(kind="500_before", method="GET", path="/events/", skip=1, times=9)
    with pytest.raises(effects.EffectInDoubt):
        create()
    world.no_more_faults()
    id = google_calendar.event_id(ONCE)
    events(world).patch(calendarId="primary", eventId=id, body=change).execute()
    assert create().id == id
    assert [each["action"] for each in world.effects()] == ["create event", "update event"]


def test_another_event_under_the_same_id_waits_for_a_person(world: Sandbox) -> None:
    world.reset(seeded({"id": google_calendar.event_id(ONCE), "summary": "Somebody else's"}))
    with pytest.raises(effects.EffectParked, match="Another event has its id"):
        create()
    (row,) = ledger.rows(keys=[ONCE])
    assert row.state == ledger.State.PARKED
    assert inserts(world) == []


def test_addresses_stay_out_of_the_ledger() -> None:
    create()
    (row,) = ledger.rows(keys=[ONCE])
    assert OWNER not in str(tuple(row))


def test_a_scope_that_is_not_granted_says_what_to_compare(world: Sandbox) -> None:
    world.fault(kind="401", path="/events", times=9)
    with pytest.raises(
        effects.EffectPostponed, match=re.escape("the scopes for Google Calendar in docs/connecting.md")
    ):
        create()
    world.no_more_faults()
    assert create().id


def test_a_missing_key_is_said(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    use_settings(environment(sandbox.url, sqlite_url) | {"HANDBOOK_GOOGLE_SERVICE_ACCOUNT": ""})
    google_client.credentials_for.cache_clear()
    with pytest.raises(effects.EffectPostponed, match="Not set: HANDBOOK_GOOGLE_SERVICE_ACCOUNT"):
        create()
    with pytest.raises(google_calendar.Unavailable, match="Not set: HANDBOOK_GOOGLE_SERVICE_ACCOUNT"):
        google_calendar.busy(OWNER, TEN, TEN + HOUR)


def test_a_write_outside_the_ledger_does_not_leave_the_process(world: Sandbox) -> None:
    client = google_calendar.service("calendar", "v3", OWNER, google_calendar.EVENTS)
    with pytest.raises(effects.OutsideLedger):
        client.events().insert(calendarId="primary", body={}).execute()
    assert inserts(world) == []
