"""Zoom's stand-in over HTTP: tokens of a server-to-server app, meetings made, listed and read."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.conftest import Sandbox

HOST, GUEST = "kathy@fleetdm.com", "jason@fleetdm.com"
APP = ("sandbox-zoom-client", "sandbox-zoom-secret")
ACCOUNT = {"grant_type": "account_credentials", "account_id": "sandbox-zoom-account"}
MEETING: dict[str, Any] = {
    "topic": "Reproduce it together",
    "type": 2,
    "start_time": "2026-11-23T20:00:00Z",
    "duration": 30,
    "agenda": "reference abc",
    "settings": {"meeting_invitees": [{"email": GUEST}]},
}


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.reset()
    sandbox.set_clock("2026-11-23T18:00:00+00:00")
    return sandbox


def log_in(world: Sandbox, app: tuple[str, str] = APP, **said: str) -> requests.Response:
    return requests.post(f"{world.url}/zoom/oauth/token", params={**ACCOUNT, **said}, auth=app, timeout=10)


def token(world: Sandbox) -> str:
    return str(log_in(world).json()["access_token"])


def call(world: Sandbox, method: str, path: str, body: Any = None, bearer: str = "", **query: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer or token(world)}"}
    return requests.request(method, f"{world.url}/zoom/v2{path}", json=body, params=query, headers=headers, timeout=10)


def create(world: Sandbox, host: str = HOST, **changes: Any) -> requests.Response:
    return call(world, "POST", f"/users/{host}/meetings", {**MEETING, **changes})


def listed(world: Sandbox, **query: Any) -> dict[str, Any]:
    return call(world, "GET", f"/users/{HOST}/meetings", **query).json()


# Tokens


def test_a_server_to_server_app_gets_a_token_for_an_hour(world: Sandbox) -> None:
    said = log_in(world).json()
    assert (said["token_type"], said["expires_in"]) == ("bearer", 3_599)
    assert "meeting:write:meeting:admin" in said["scope"]


@pytest.mark.parametrize(
    ("app", "said", "error"),
    [
        (("sandbox-zoom-client", "wrong"), {}, "invalid_client"),
        (("nobody", "sandbox-zoom-secret"), {}, "invalid_client"),
        (APP, {"grant_type": "client_credentials"}, "unsupported_grant_type"),
        (APP, {"account_id": "another"}, "invalid_request"),
    ],
    ids=["a wrong secret", "an unknown app", "another grant", "another account"],
)
def test_who_is_not_known_gets_no_token(app: tuple[str, str], said: dict[str, str], error: str, world: Sandbox) -> None:
    answer = log_in(world, app, **said)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_token_of_nobody_is_refused(world: Sandbox) -> None:
    answer = call(world, "GET", f"/users/{HOST}/meetings", bearer="eyJnobody")
    assert (answer.status_code, answer.json()) == (401, {"code": 124, "message": "Invalid access token."})


def test_a_new_token_may_end_an_older_one(world: Sandbox) -> None:
    world.reset({"zoom": {"tokens_at_once": 1}})
    first, second = token(world), token(world)
    assert call(world, "GET", f"/users/{HOST}/meetings", bearer=first).status_code == 401
    assert call(world, "GET", f"/users/{HOST}/meetings", bearer=second).status_code == 200


def test_a_token_allows_what_its_app_was_given(world: Sandbox) -> None:
    reads = {"client_id": "reader", "client_secret": "secret", "scopes": ["meeting:read:admin"]}
    world.reset({"zoom": {"clients": [reads]}})
    bearer = str(log_in(world, ("reader", "secret")).json()["access_token"])
    assert call(world, "GET", f"/users/{HOST}/meetings", bearer=bearer).status_code == 200
    answer = call(world, "POST", f"/users/{HOST}/meetings", MEETING, bearer)
    assert (answer.status_code, answer.json()["code"]) == (400, 4711)
    assert "meeting:write:meeting:admin" in answer.json()["message"]


# Meetings


def test_a_meeting_comes_back_with_the_link_to_join_it(world: Sandbox) -> None:
    answer = create(world)
    made = answer.json()
    assert answer.status_code == 201
    assert {name: made[name] for name in ("topic", "type", "start_time", "duration", "agenda")} == {
        name: MEETING[name] for name in ("topic", "type", "start_time", "duration", "agenda")
    }
    assert made["host_email"] == HOST
    assert made["settings"]["meeting_invitees"] == [{"email": GUEST}]
    assert GUEST in requests.get(made["join_url"], timeout=10).text
    assert call(world, "GET", f"/meetings/{made['id']}").json() == made
    (effect,) = world.effects()
    assert (effect["service"], effect["action"]) == ("zoom", "create meeting")
    assert effect["target"] == f"{HOST} Reproduce it together"


def test_the_same_meeting_can_be_made_twice(world: Sandbox) -> None:
    assert create(world).json()["id"] != create(world).json()["id"]


def test_a_time_without_z_is_in_the_meetings_time_zone(world: Sandbox) -> None:
    made = create(world, start_time="2026-11-23T12:00:00", timezone="America/Los_Angeles").json()
    assert made["start_time"] == "2026-11-23T20:00:00Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "x" * 201},
        {"agenda": "x" * 2_001},
        {"type": 7},
        {"duration": 0},
        {"start_time": "tomorrow"},
        {"start_time": "2026-13-23T20:00:00Z"},
        {"timezone": "Mars", "start_time": "2026-11-23T12:00:00"},
        {"title": "x"},
        {"settings": {"host_vide": True}},
        {"settings": {"meeting_invitees": [{"email": "nobody"}]}},
    ],
    ids=str,
)
def test_what_zoom_would_not_take_is_refused(changes: dict[str, Any], world: Sandbox) -> None:
    answer = create(world, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert answer.json()["errors"]
    assert world.effects() == []


def test_who_has_no_account_hosts_nothing(world: Sandbox) -> None:
    answer = create(world, "nobody@fleetdm.com")
    assert (answer.status_code, answer.json()["code"]) == (404, 1001)


def test_a_user_can_host_so_many_meetings_a_day(world: Sandbox) -> None:
    world.reset({"zoom": {"daily_limit": 1}})
    world.set_clock("2026-11-23T18:00:00+00:00")
    assert create(world).status_code == 201
    answer = create(world)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2026-11-24T00:00:00Z")
    assert create(world, GUEST).status_code == 201
    world.advance(7 * 3_600)
    assert create(world).status_code == 201


def test_a_meeting_that_is_not_there_is_not_found(world: Sandbox) -> None:
    answer = call(world, "GET", "/meetings/81234567890")
    assert (answer.status_code, answer.json()["code"]) == (404, 3001)


# Lists


def test_a_list_cuts_the_agenda(world: Sandbox) -> None:
    create(world, agenda="x" * 300)
    (found,) = listed(world)["meetings"]
    assert found["agenda"] == "x" * 250
    assert "join_url" in found


def test_a_list_comes_in_pages_of_one_persons_meetings(world: Sandbox) -> None:
    seeded = [{**MEETING, "host": HOST, "topic": f"Meeting {number}"} for number in range(5)]
    world.reset({"zoom": {"meetings": [*seeded, {**MEETING, "host": GUEST}]}})
    found, page = list[str](), listed(world, page_size=2)
    assert page["total_records"] == 5
    while True:
        found += [each["topic"] for each in page["meetings"]]
        if not page["next_page_token"]:
            break
        page = listed(world, page_size=2, next_page_token=page["next_page_token"])
    assert sorted(found) == [f"Meeting {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("start", "kinds"),
    [
        ("2026-11-23T20:00:00Z", {"scheduled", "upcoming"}),
        ("2026-11-20T20:00:00Z", {"scheduled", "previous_meetings"}),
        ("2026-10-01T20:00:00Z", {"previous_meetings"}),
    ],
    ids=["to come", "over", "long over"],
)
def test_a_list_is_of_a_kind(start: str, kinds: set[str], world: Sandbox) -> None:
    create(world, start_time=start)
    every = ("scheduled", "upcoming", "previous_meetings", "live")
    assert {kind for kind in every if listed(world, type=kind)["meetings"]} == kinds


@pytest.mark.parametrize("query", [{"type": "all"}, {"page_size": 301}, {"page_size": 0}, {"form": "x"}], ids=str)
def test_an_unknown_wish_is_refused(query: dict[str, Any], world: Sandbox) -> None:
    assert call(world, "GET", f"/users/{HOST}/meetings", **query).status_code == 400


# The world


@pytest.mark.parametrize(
    ("kind", "status"), [("401", 401), ("429", 429), ("403_retry_after", 403), ("500_before", 500)]
)
def test_faults_are_worded_as_zoom_does(kind: str, status: int, world: Sandbox) -> None:
    bearer = token(world)
    world.fault(kind=kind, service="zoom")
    answer = call(world, "GET", f"/users/{HOST}/meetings", bearer=bearer)
    assert answer.status_code == status
    assert "code" in answer.json()


def test_a_reset_forgets_meetings_and_keeps_tokens_good(world: Sandbox) -> None:
    bearer = token(world)
    create(world)
    world.reset()
    assert call(world, "GET", f"/users/{HOST}/meetings", bearer=bearer).json()["meetings"] == []


def test_a_seed_that_misspells_a_field_or_a_host_is_refused(world: Sandbox) -> None:
    with pytest.raises(AssertionError, match="Extra inputs"):
        world.reset({"zoom": {"user": []}})
    with pytest.raises(AssertionError, match="There is no Zoom user"):
        world.reset({"zoom": {"meetings": [{**MEETING, "host": "nobody@fleetdm.com"}]}})
