"""Zoom: a call is planned once though Zoom has no key for that; tokens are shared, and got anew when they are over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from policies.appointment import Call
from tasks import effects, ledger, runs, zoom
from tasks.effects import Made
from tests.conftest import Sandbox, environment
from tests.tasks.faults import FAULTS

HOST, GUEST = "kathy@fleetdm.com", "jason@fleetdm.com"
NOON = datetime(2026, 11, 23, 20, tzinfo=UTC)
CALL = Call(HOST, "Reproduce fleetdm/fleet#12 together", NOON, 30, "To reproduce it.", [GUEST])
RUN = runs.Run("run 1", "a procedure", "a test", NOON)
ONCE = "timebox-investigation/fleetdm/fleet#12@1/ksatter/call/pat/meeting"
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    zoom.forget_tokens()
    sandbox.reset()
    return sandbox


def create(call: Call = CALL, once: str = ONCE) -> Made:
    with runs.acting(RUN):
        return asyncio.run(zoom.create(call, once=once, target="call of ksatter and pat"))


def meetings(world: Sandbox) -> list[dict[str, Any]]:
    return world.state()["zoom"]["meetings"]


def calls_to(world: Sandbox, path: str) -> list[dict[str, Any]]:
    return [each for each in world.calls() if each["service"] == "zoom" and re.search(path, each["path"])]


def test_a_call_is_planned_with_both_invited_and_gives_the_link_to_join(world: Sandbox) -> None:
    made = create()
    (meeting,) = meetings(world)
    assert made == Made(str(meeting["id"]), meeting["join_url"])
    assert (meeting["start_time"], meeting["duration"]) == ("2026-11-23T20:00:00Z", 30)
    assert meeting["settings"]["meeting_invitees"] == [{"email": HOST}, {"email": GUEST}]
    assert meeting["agenda"] == f"{zoom.marker(ONCE)}\n\nTo reproduce it."


def test_the_same_call_is_planned_once(world: Sandbox) -> None:
    assert create() == create()
    assert len(meetings(world)) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_on_the_way_there_is_one_call(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="zoom", method="POST", path="/meetings", seconds=1)
    made = create()
    (meeting,) = meetings(world)
    assert made.id == str(meeting["id"])
    sent = [move for move in ledger.history_of(ONCE) if move.state == ledger.State.IN_FLIGHT]
    assert len([each for each in calls_to(world, "/users/") if each["method"] == "POST"]) <= len(sent)


def test_a_call_of_ours_is_found_among_many_though_lists_cut_the_agenda(world: Sandbox) -> None:
    other = {"host": HOST, "start_time": "2026-11-23T20:00:00Z", "agenda": f"About {zoom.marker(ONCE)}"}
    world.reset({"zoom": {"meetings": [other] * 320}})
    world.fault(kind="reset_after", service="zoom", method="POST", path="/meetings")
    long = Call(HOST, "A call", NOON, 30, "x" * 1_900, [GUEST])
    made = create(long)
    assert made.id == str(meetings(world)[-1]["id"])
    assert len(meetings(world)) == 321
    assert len(calls_to(world, "next_page_token=300")) == 1


def test_one_token_serves_several_calls(world: Sandbox) -> None:
    create()
    create(once="another")
    assert len(calls_to(world, "oauth/token")) == 1


def test_a_token_that_another_process_has_ended_is_got_anew_at_once(world: Sandbox) -> None:
    world.reset({"zoom": {"tokens_at_once": 1}})
    create()
    given = {"grant_type": "account_credentials", "account_id": "sandbox-zoom-account"}
    app = ("sandbox-zoom-client", "sandbox-zoom-secret")
    httpx.post(f"{world.url}/zoom/oauth/token", params=given, auth=app, trust_env=False).raise_for_status()
    create(once="another")
    assert len(meetings(world)) == 2


def test_a_token_that_never_worked_is_said(world: Sandbox) -> None:
    world.fault(kind="401", service="zoom", path="/users/", times=9)
    with pytest.raises(effects.EffectPostponed, match="Compare the app's scopes"):
        create()
    assert len(calls_to(world, "/users/")) == 1
    world.no_more_faults()
    assert create().id


def test_a_scope_that_is_lacking_is_said(world: Sandbox) -> None:
    app = {"client_id": "sandbox-zoom-client", "client_secret": "sandbox-zoom-secret", "scopes": ["meeting:read:admin"]}
    world.reset({"zoom": {"clients": [app]}})
    with pytest.raises(effects.EffectPostponed, match=re.escape("(400, code 4711). Compare the app's scopes")):
        create()


def test_a_wrong_secret_says_which_variables_to_compare(world: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    use_settings(environment(world.url, sqlite_url) | {"HANDBOOK_ZOOM_CLIENT_SECRET": "wrong"})
    with pytest.raises(effects.EffectPostponed, match=re.escape("Compare HANDBOOK_ZOOM_*")) as error:
        create()
    assert "wrong" not in str(error.value)


def test_missing_variables_are_named(world: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    assert zoom.missing() == []
    use_settings(environment(world.url, sqlite_url) | {"HANDBOOK_ZOOM_ACCOUNT_ID": "", "HANDBOOK_ZOOM_CLIENT_ID": ""})
    (told,) = zoom.missing()
    assert told.startswith("Not set: HANDBOOK_ZOOM_ACCOUNT_ID, HANDBOOK_ZOOM_CLIENT_ID.")
    with pytest.raises(effects.EffectPostponed, match="Not set: HANDBOOK_ZOOM_ACCOUNT_ID"):
        create()


@pytest.mark.parametrize("kind", ["500_before", "429", "reset_before", "timeout_before", "malformed"])
def test_no_token_for_now_means_that_nothing_happened(kind: str, world: Sandbox) -> None:
    world.fault(kind=kind, service="zoom", path="oauth/token", seconds=1)
    assert create().id
    states = [move.state for move in ledger.history_of(ONCE)]
    assert ledger.State.IN_DOUBT not in states


def test_a_host_without_an_account_is_said_without_their_address(world: Sandbox) -> None:
    with pytest.raises(effects.EffectRefused, match="Invite them to the account in Zoom") as error:
        create(Call("nobody@fleetdm.com", "A call", NOON, 30))
    assert "nobody@fleetdm.com" not in str(error.value)


def test_a_daily_limit_says_when_it_ends(world: Sandbox) -> None:
    world.reset({"zoom": {"daily_limit": 0}})
    world.set_clock("2026-11-23T23:00:00+00:00")
    with pytest.raises(effects.EffectPostponed, match=r"Start the run again in (3[56]\d\d) seconds"):
        create()


def test_addresses_stay_out_of_the_ledger() -> None:
    create()
    (row,) = ledger.rows(keys=[ONCE])
    assert HOST not in str(tuple(row))


def test_a_write_outside_the_ledger_does_not_leave_the_process(world: Sandbox) -> None:
    with pytest.raises(effects.OutsideLedger):
        asyncio.run(zoom._ask("POST", f"/users/{HOST}/meetings", said={}))  # pyright: ignore[reportPrivateUsage]
    assert calls_to(world, "/users/") == []
