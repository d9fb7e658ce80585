"""The stand-in for Google Calendar, with Google's own client: events, ids that conflict, guests, busy times."""

# google-auth and googleapiclient leave out types, and the latter makes its methods at run time.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.conftest import Sandbox
from tests.sandbox.test_google import KEY, Bearer, no_token, refused

OWNER, GUEST, STRANGER = "kathy@fleetdm.com", "jason@fleetdm.com", "ben@fleetdm.com"
OUTSIDE = "robin@quillfeather.example"
SCOPE = "https://www.googleapis.com/auth/calendar"
ID = "abc123def456"
EVENT: dict[str, Any] = {
    "id": ID,
    "summary": "Investigate",
    "start": {"dateTime": "2026-11-23T10:00:00-08:00"},
    "end": {"dateTime": "2026-11-23T11:00:00-08:00"},
    "extendedProperties": {"private": {"key": "one"}, "shared": {"team": "cse"}},
}
WEEKLY = {
    "calendar": OWNER,
    "id": "series",
    "summary": "Stand-up",
    "start": {"dateTime": "2026-10-19T08:30:00", "timeZone": "America/Los_Angeles"},
    "end": {"dateTime": "2026-10-19T08:45:00", "timeZone": "America/Los_Angeles"},
    "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
}
DAY = {"timeMin": "2026-11-23T00:00:00-08:00", "timeMax": "2026-11-24T00:00:00-08:00"}


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.reset()
    return sandbox


def token(world: Sandbox, subject: str | None, *scopes: str) -> str:
    info = {**KEY, "token_uri": f"{world.url}/google/token"}
    wanted = [f"{SCOPE}.{each}" for each in scopes]
    credentials = Credentials.from_service_account_info(info, scopes=wanted, subject=subject)
    credentials.refresh(Request())
    return str(credentials.token)


def calendar(world: Sandbox, subject: str | None = OWNER, scope: str = "events", http: Any = None) -> Any:
    options = {"api_endpoint": f"{world.url}/google/calendar/v3/"}
    given = http or Bearer(token(world, subject, scope))
    return build("calendar", "v3", http=given, client_options=options, cache_discovery=False)


def events(world: Sandbox, subject: str | None = OWNER) -> Any:
    return calendar(world, subject).events()


def insert(world: Sandbox, subject: str = OWNER, **changes: Any) -> dict[str, Any]:
    said = {name: value for name, value in {**EVENT, **changes}.items() if value is not None}
    return events(world, subject).insert(calendarId="primary", body=said).execute()


def busy(world: Sandbox, asker: str, *wanted: str, **more: Any) -> dict[str, Any]:
    said = {**DAY, "items": [{"id": each} for each in wanted], **more}
    return calendar(world, asker, "freebusy").freebusy().query(body=said).execute()


def body_of(request: Any) -> dict[str, Any]:
    with pytest.raises(HttpError) as error:
        request.execute()
    return json.loads(error.value.content)


# Events


def test_an_event_comes_back_as_it_was_written_with_what_google_adds(world: Sandbox) -> None:
    made = insert(world)
    assert made["id"] == ID
    assert made["status"] == "confirmed"
    assert made["organizer"] == {"email": OWNER, "self": True}
    assert made["iCalUID"] == f"{ID}@google.com"
    assert made["extendedProperties"] == EVENT["extendedProperties"]
    assert events(world).get(calendarId=OWNER, eventId=ID).execute() == made
    (effect,) = world.effects()
    assert (effect["action"], effect["target"], effect["actor"]) == ("create event", f"{OWNER} Investigate", OWNER)
    assert "Investigate" in requests.get(made["htmlLink"], timeout=10).text


def test_an_event_without_an_id_gets_one(world: Sandbox) -> None:
    first, second = insert(world, id=None), insert(world, id=None)
    assert first["id"] != second["id"]


def test_an_id_is_taken_once_in_googles_words(world: Sandbox) -> None:
    insert(world)
    told = body_of(events(world).insert(calendarId="primary", body=EVENT))
    message = "The requested identifier already exists."
    entry = {"domain": "global", "reason": "duplicate", "message": message}
    assert told == {"error": {"errors": [entry], "code": 409, "message": message}}
    assert len(world.effects()) == 1


def test_the_same_id_is_free_in_another_calendar(world: Sandbox) -> None:
    insert(world)
    assert insert(world, STRANGER)["id"] == ID


def test_a_deleted_event_is_kept_as_cancelled_and_its_id_with_it(world: Sandbox) -> None:
    insert(world)
    own = events(world)
    own.delete(calendarId="primary", eventId=ID).execute()
    assert own.get(calendarId="primary", eventId=ID).execute()["status"] == "cancelled"
    assert refused(own.insert(calendarId="primary", body=EVENT))[:2] == (409, "duplicate")
    assert refused(own.delete(calendarId="primary", eventId=ID)) == (410, "deleted", "Resource has been deleted")
    assert own.list(calendarId="primary").execute()["items"] == []
    assert len(own.list(calendarId="primary", showDeleted=True).execute()["items"]) == 1


def test_a_patch_changes_what_it_names(world: Sandbox) -> None:
    before = insert(world)
    changed = {"summary": "Moved", "extendedProperties": {"private": {"other": "two"}}}
    after = events(world).patch(calendarId="primary", eventId=ID, body=changed).execute()
    assert (after["summary"], after["start"]) == ("Moved", before["start"])
    assert after["extendedProperties"]["private"] == {"key": "one", "other": "two"}
    assert after["etag"] != before["etag"]


def test_a_patch_of_an_old_version_is_refused(world: Sandbox) -> None:
    old = insert(world)["etag"]
    events(world).patch(calendarId="primary", eventId=ID, body={"summary": "Moved"}).execute()
    late = events(world).patch(calendarId="primary", eventId=ID, body={"summary": "Late"})
    late.headers["If-Match"] = old
    error = body_of(late)["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    assert events(world).get(calendarId="primary", eventId=ID).execute()["summary"] == "Moved"


def test_what_has_not_changed_is_not_sent_again(world: Sandbox) -> None:
    etag = insert(world)["etag"]
    headers = {"Authorization": f"Bearer {token(world, OWNER, 'events')}", "If-None-Match": etag}
    url = f"{world.url}/google/calendar/v3/calendars/primary/events/{ID}"
    assert requests.get(url, headers=headers, timeout=10).status_code == 304


def test_extended_properties_are_cut_as_google_says(world: Sandbox) -> None:
    private = {"n" * 44: "v" * 2_000, "n" * 45: "v"}
    made = insert(world, extendedProperties={"private": private})
    assert made["extendedProperties"]["private"] == {"n" * 44: "v" * 1_024}


# Refusals


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({"end": None}, "required", "Missing end time."),
        ({"start": None}, "required", "Missing start time."),
        ({"end": {"dateTime": "2026-11-23T09:00:00-08:00"}}, "timeRangeEmpty", "The specified time range is empty."),
        (
            {"start": {"dateTime": "2026-11-23T10:00:00"}},
            "required",
            "Missing time zone definition for start time.",
        ),
        ({"start": {"dateTime": "soon"}}, "invalid", "Invalid start time."),
        ({"start": {"date": "2026-11-23"}}, "invalid", "Invalid start time."),
        ({"id": "UPPER"}, "invalid", "Invalid resource id value."),
        ({"id": "abcd"}, "invalid", "Invalid resource id value."),
        ({"id": "wxyz12"}, "invalid", "Invalid resource id value."),
        ({"attendees": [{"email": "nobody"}]}, "invalid", "Invalid attendee email."),
        ({"recurrence": ["RRULE:FREQ=SOMETIMES"]}, "required", "Missing time zone definition for start time."),
        ({"transparency": "glassy"}, "invalid", "Invalid value for: transparency"),
    ],
    ids=str,
)
def test_what_google_would_not_take_is_refused(
    changes: dict[str, Any], reason: str, message: str, world: Sandbox
) -> None:
    said = {name: value for name, value in {**EVENT, **changes}.items() if value is not None}
    told = refused(events(world).insert(calendarId="primary", body=said))
    assert told == (400, reason, message)
    assert world.effects() == []


def test_unknown_fields_are_refused(world: Sandbox) -> None:
    for said in ({"sumary": "x"}, {"start": {**EVENT["start"], "zone": "x"}}):
        code, _, message = refused(events(world).insert(calendarId="primary", body={**EVENT, **said}))
        assert code == 400
        assert "Unknown name" in message


def test_unknown_parameters_are_refused_rather_than_left_out(world: Sandbox) -> None:
    assert refused(events(world).list(calendarId="primary", syncToken="x"))[0] == 400


def test_an_event_that_is_not_there_is_not_found(world: Sandbox) -> None:
    assert refused(events(world).get(calendarId="primary", eventId="nowhere")) == (404, "notFound", "Not Found")
    assert refused(events(world).patch(calendarId="primary", eventId="nowhere", body={}))[0] == 404


@pytest.mark.parametrize("subject", [STRANGER, None], ids=["somebody else", "the service account itself"])
def test_nobody_else_reads_or_writes_a_calendar(subject: str | None, world: Sandbox) -> None:
    insert(world)
    others = events(world, subject)
    assert refused(others.get(calendarId=OWNER, eventId=ID))[:2] == (404, "notFound")
    assert refused(others.insert(calendarId=OWNER, body=EVENT))[:2] == (404, "notFound")


def test_a_token_must_fit_what_is_asked(world: Sandbox) -> None:
    wrong = calendar(world, OWNER, "freebusy").events().insert(calendarId="primary", body=EVENT)
    assert refused(wrong)[:2] == (403, "insufficientPermissions")
    asked = calendar(world, OWNER, "events").freebusy().query(body=DAY)
    assert refused(asked)[:2] == (403, "insufficientPermissions")
    nobody = calendar(world, http=Bearer("ya29.of.nobody")).events().get(calendarId="primary", eventId=ID)
    assert refused(nobody)[:2] == (401, "authError")


def test_a_scope_that_the_domain_did_not_allow_gives_no_token(world: Sandbox) -> None:
    no_token("unauthorized_client", world, OWNER, "modify")


# Guests


def test_guests_get_a_copy_with_the_same_id_and_private_properties_of_their_own(world: Sandbox) -> None:
    insert(world, attendees=[{"email": OWNER, "responseStatus": "accepted"}, {"email": GUEST}, {"email": OUTSIDE}])
    copy = events(world, GUEST).get(calendarId="primary", eventId=ID).execute()
    assert copy["organizer"] == {"email": OWNER}
    assert copy["extendedProperties"] == {"shared": {"team": "cse"}}
    assert [each["responseStatus"] for each in copy["attendees"]] == ["accepted", "needsAction", "needsAction"]
    assert [each["email"] for each in copy["attendees"] if each.get("self")] == [GUEST]
    assert [each["email"] for each in copy["attendees"] if each.get("organizer")] == [OWNER]


def test_a_guest_answers_and_changes_nothing_else(world: Sandbox) -> None:
    insert(world, attendees=[{"email": GUEST}, {"email": STRANGER}])
    guests = events(world, GUEST)
    answer = {"attendees": [{"email": GUEST, "responseStatus": "declined"}]}
    guests.patch(calendarId="primary", eventId=ID, body=answer).execute()
    seen = events(world).get(calendarId="primary", eventId=ID).execute()
    assert [each["responseStatus"] for each in seen["attendees"]] == ["declined", "needsAction"]
    told = refused(guests.patch(calendarId="primary", eventId=ID, body={"summary": "Mine"}))
    assert told[:2] == (403, "forbiddenForNonOrganizer")


def test_who_is_told_stands_in_the_effect(world: Sandbox) -> None:
    said = {**EVENT, "attendees": [{"email": GUEST}]}
    events(world).insert(calendarId="primary", body=said, sendUpdates="all").execute()
    (effect,) = world.effects()
    assert (effect["detail"]["notified"], effect["detail"]["guests"]) == ("all", [GUEST])


# Lists


def test_a_list_gives_what_lies_within_its_times(world: Sandbox) -> None:
    insert(world)
    inside = events(world).list(calendarId="primary", **DAY).execute()
    assert [each["id"] for each in inside["items"]] == [ID]
    for outside in (
        {"timeMin": "2026-11-23T19:00:00Z"},  # ends then
        {"timeMax": "2026-11-23T18:00:00Z"},  # begins then
    ):
        assert events(world).list(calendarId="primary", **outside).execute()["items"] == []


def test_times_must_be_times_and_in_order(world: Sandbox) -> None:
    listed = events(world)
    assert refused(listed.list(calendarId="primary", timeMin="2026-11-23T00:00:00"))[0] == 400
    turned = {"timeMin": DAY["timeMax"], "timeMax": DAY["timeMin"]}
    assert refused(listed.list(calendarId="primary", **turned))[:2] == (400, "timeRangeEmpty")
    assert refused(listed.list(calendarId="primary", orderBy="startTime"))[0] == 400


def test_events_are_found_by_their_properties_and_words(world: Sandbox) -> None:
    insert(world)
    insert(world, id="second", summary="Lunch", extendedProperties={"private": {"key": "two"}})
    own = events(world)
    for wanted in (
        {"privateExtendedProperty": "key=one"},
        {"sharedExtendedProperty": "team=cse"},
        {"q": "investigate"},
        {"iCalUID": f"{ID}@google.com"},
    ):
        found = own.list(calendarId="primary", **wanted).execute()["items"]
        assert [each["id"] for each in found] == [ID], wanted


def test_a_list_comes_in_pages(world: Sandbox) -> None:
    world.reset(
        {"google": {"events": [{**EVENT, "id": f"event{number:02}", "calendar": OWNER} for number in range(7)]}}
    )
    own, found = events(world), list[str]()
    request = own.list(calendarId="primary", maxResults=3)
    while request is not None:
        page = request.execute()
        found += [each["id"] for each in page["items"]]
        request = own.list_next(request, page)
    assert found == [f"event{number:02}" for number in range(7)]


# What repeats


def test_a_series_is_listed_once_or_as_its_instances_across_the_clock_change(world: Sandbox) -> None:
    world.reset({"google": {"events": [WEEKLY]}})
    own, weeks = events(world), {"timeMin": "2026-10-25T00:00:00Z", "timeMax": "2026-11-04T00:00:00Z"}
    assert [each["id"] for each in own.list(calendarId="primary", **weeks).execute()["items"]] == ["series"]
    single = own.list(calendarId="primary", singleEvents=True, orderBy="startTime", **weeks).execute()["items"]
    assert [each["id"] for each in single] == ["series_20261026T153000Z", "series_20261102T163000Z"]
    assert all(each["recurringEventId"] == "series" for each in single)


def test_one_instance_can_be_changed_or_deleted(world: Sandbox) -> None:
    world.reset({"google": {"events": [WEEKLY]}})
    own, weeks = events(world), {"timeMin": "2026-10-25T00:00:00Z", "timeMax": "2026-11-11T00:00:00Z"}
    own.patch(calendarId="primary", eventId="series_20261026T153000Z", body={"summary": "Another"}).execute()
    own.delete(calendarId="primary", eventId="series_20261102T163000Z").execute()
    single = own.list(calendarId="primary", singleEvents=True, orderBy="startTime", **weeks).execute()["items"]
    assert [(each["summary"], each["start"]["dateTime"][:10]) for each in single] == [
        ("Another", "2026-10-26"),
        ("Stand-up", "2026-11-09"),
    ]


# Busy times


def test_busy_times_of_several_people_come_in_one_answer(world: Sandbox) -> None:
    noon = {"start": {"dateTime": "2026-11-23T12:00:00-08:00"}, "end": {"dateTime": "2026-11-23T13:00:00-08:00"}}
    touching = {"start": EVENT["end"], "end": {"dateTime": "2026-11-23T11:30:00-08:00"}}
    seeded = [{**EVENT, "calendar": OWNER}, {**EVENT, **touching, "id": "touching", "calendar": OWNER}]
    world.reset({"google": {"events": [*seeded, {**EVENT, **noon, "calendar": GUEST}]}})
    found = busy(world, OWNER, "primary", GUEST)
    assert found["timeMin"] == "2026-11-23T08:00:00Z"
    assert found["calendars"] == {
        "primary": {"busy": [{"start": "2026-11-23T18:00:00Z", "end": "2026-11-23T19:30:00Z"}]},
        GUEST: {"busy": [{"start": "2026-11-23T20:00:00Z", "end": "2026-11-23T21:00:00Z"}]},
    }
    zoned = busy(world, OWNER, GUEST, timeZone="America/Los_Angeles")["calendars"][GUEST]["busy"]
    assert zoned == [{"start": "2026-11-23T12:00:00-08:00", "end": "2026-11-23T13:00:00-08:00"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"transparency": "transparent"},
        {"status": "cancelled"},
        {"attendees": [{"email": OWNER, "responseStatus": "declined"}]},
    ],
    ids=["shown as free", "cancelled", "declined"],
)
def test_not_every_event_makes_busy(changes: dict[str, Any], world: Sandbox) -> None:
    insert(world, **changes)
    assert busy(world, OWNER, OWNER)["calendars"][OWNER]["busy"] == []


def test_days_and_series_make_busy_and_times_are_cut_to_what_is_asked(world: Sandbox) -> None:
    whole = {"calendar": OWNER, "id": "allfree", "start": {"date": "2026-11-22"}, "end": {"date": "2026-11-24"}}
    world.reset({"google": {"events": [whole, {**WEEKLY, "calendar": GUEST}]}})
    found = busy(world, OWNER, OWNER, GUEST)["calendars"]
    assert found[OWNER]["busy"] == [{"start": "2026-11-23T08:00:00Z", "end": "2026-11-24T08:00:00Z"}]
    assert found[GUEST]["busy"] == [{"start": "2026-11-23T16:30:00Z", "end": "2026-11-23T16:45:00Z"}]


def test_a_calendar_that_is_not_shared_shows_an_error_and_no_times(world: Sandbox) -> None:
    world.reset({"google": {"unshared_calendars": [GUEST]}})
    nothing = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    found = busy(world, OWNER, GUEST, OUTSIDE)["calendars"]
    assert found == {GUEST: nothing, OUTSIDE: nothing}
    assert busy(world, GUEST, GUEST)["calendars"][GUEST] == {"busy": []}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"timeMax": DAY["timeMin"]}, "timeRangeEmpty"),
        ({"timeMin": "tomorrow"}, "badRequest"),
        ({"timeMin": None}, "required"),
        ({"timeZone": "Mars"}, "invalid"),
        ({"calendar": "x"}, "invalid"),
    ],
    ids=str,
)
def test_a_question_that_means_nothing_is_refused(said: dict[str, Any], reason: str, world: Sandbox) -> None:
    request = calendar(world, OWNER, "freebusy").freebusy().query(body={**DAY, "items": [], **said})
    assert refused(request)[:2] == (400, reason)


def test_a_seed_that_misspells_a_field_or_a_calendar_is_refused(world: Sandbox) -> None:
    with pytest.raises(AssertionError, match="Unknown name"):
        world.reset({"google": {"events": [{**EVENT, "calendar": OWNER, "sumary": "x"}]}})
    with pytest.raises(AssertionError, match="There is no calendar"):
        world.reset({"google": {"events": [{**EVENT, "calendar": OUTSIDE}]}})


def test_a_reset_forgets_the_events(world: Sandbox) -> None:
    insert(world)
    world.reset()
    assert world.state()["google"]["events"] == []
