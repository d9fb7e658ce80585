"""Google Calendar's REST API: events and busy times, each person their own calendar; of others only when they are busy.

API: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.google_calendar import Calendars, stamp
from sandbox.google_calendar_events import HOME, OWN, Event, body, check
from sandbox.google_oauth import read
from sandbox.google_refusals import CalendarRefusal

SCOPE = "https://www.googleapis.com/auth/calendar"
WRITES = {SCOPE, f"{SCOPE}.events", f"{SCOPE}.events.owned"}
READS = {*WRITES, f"{SCOPE}.readonly", f"{SCOPE}.events.readonly", f"{SCOPE}.events.owned.readonly"}
FREE_BUSY = {SCOPE, f"{SCOPE}.readonly", f"{SCOPE}.freebusy", f"{SCOPE}.events.freebusy"}
ALWAYS = {"alt", "prettyPrint", "quotaUser", "key"}  # parameters of every method
PAGE, LARGEST_PAGE = 250, 2_500
MOST_CALENDARS = 50  # of one question for busy times


@dataclass(frozen=True)
class Call:
    """A request: whose calendar, with what."""

    calendar: str
    event: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    said: Any

    def one(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def is_on(self, name: str) -> bool:
        return self.one(name) == "true"

    def time(self, name: str) -> datetime | None:
        """Gives a parameter's time.

        Raises:
            CalendarRefusal: it has no zone, or is none.
        """
        given = self.one(name)
        return _time(given) if given else None


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CalendarRefusal(400, "badRequest", "Bad Request")
    return at.astimezone(UTC)


def not_found() -> CalendarRefusal:
    return CalendarRefusal(404, "notFound", "Not Found")


def range_empty() -> CalendarRefusal:
    message = "The specified time range is empty."
    return CalendarRefusal(400, "timeRangeEmpty", message, domain="calendar", location=("parameter", "timeMax"))


Answer = Callable[[Call], Any]


class CalendarApi:
    """The methods of events and freebusy."""

    def __init__(self, held: Calendars) -> None:
        self.held = held

    # What changes

    def insert(self, call: Call) -> Any:
        event = self.held.keep(call.calendar, body(call.said))
        self._record("create event", call, event)
        return self.held.shown(event, call.calendar)

    def patch(self, call: Call) -> Any:
        event, fields = self._known(call), body(call.said)
        fields.pop("id", None)
        _unchanged(call, event)
        if event.organizer != call.calendar:
            fields = _own(event, call.calendar, fields)
        check(event.fields | fields)
        moved = bool({"start", "end", "recurrence"} & set(fields))
        self.held.write(event, call.calendar, fields)
        self.held.touch(event, moved=moved)
        self._record("update event", call, event)
        return self.held.shown(event, call.calendar)

    def delete(self, call: Call) -> Any:
        event = self._known(call)
        if event.status == "cancelled":
            raise CalendarRefusal(410, "deleted", "Resource has been deleted")
        _unchanged(call, event)
        event.fields["status"] = "cancelled"
        self.held.touch(event, moved=False)
        self._record("delete event", call, event)
        return None

    def _known(self, call: Call) -> Event:
        if found := self.held.find(call.calendar, call.event):
            return found
        raise not_found()

    def _record(self, action: str, call: Call, event: Event) -> None:
        world, shown = self.held.world, self.held.shown(event, call.calendar)
        told = {name: shown[name] for name in ("summary", "start", "end", "location", "description") if name in shown}
        guests = [each["email"] for each in shown.get("attendees", [])]
        private = shown.get("extendedProperties", {}).get("private", {})
        notified = call.one("sendUpdates", "none")
        actor, world.actor = world.actor, world.actor or call.calendar
        detail: dict[str, Any] = {"id": event.id, **told, "guests": guests, "private": private, "notified": notified}
        world.record("google", action, f"{call.calendar} {event.fields.get('summary', '')}".strip(), **detail)
        world.actor = actor

    # What is read

    def get(self, call: Call) -> Any:
        event = self._known(call)
        if call.headers.get("if-none-match") == event.etag:
            return Response(status_code=304, headers={"ETag": event.etag})
        return self.held.shown(event, call.calendar)

    def list_events(self, call: Call) -> Any:
        found = self._fitting(call)
        size, start = call.one("maxResults", str(PAGE)), call.one("pageToken", "0")
        if not size.isdigit() or not int(size) or not start.isdigit():
            raise CalendarRefusal(400, "invalid", "Invalid Value")
        end = int(start) + min(int(size), LARGEST_PAGE)
        more = {"nextPageToken": str(end)} if end < len(found) else {"nextSyncToken": f"sync{len(self.held.events)}"}
        version = max((each.version for each in found), default=0)
        return {
            "kind": "calendar#events",
            "etag": f'"p{version:016}"',
            "summary": call.calendar,
            "updated": stamp(self.held.world.clock.now()),
            "timeZone": str(HOME),
            "accessRole": "owner",
            "defaultReminders": [],
            **more,
            "items": [self.held.shown(each, call.calendar) for each in found[int(start) : end]],
        }

    def _fitting(self, call: Call) -> list[Event]:
        since, until, changed = call.time("timeMin"), call.time("timeMax"), call.time("updatedMin")
        if since and until and until <= since:
            raise range_empty()
        single, order = call.is_on("singleEvents"), call.one("orderBy")
        if order not in {"", "updated"} and not (order == "startTime" and single):
            message = "The requested ordering is not available for the particular query."
            raise CalendarRefusal(400, "badRequest", message, location=("parameter", "orderBy"))
        found = list(self.held.within(call.calendar, since, until))
        if not single:
            series = {each.series[0] for each in found if each.series and each not in self.held.events}
            found = [each for each in self.held.of(call.calendar) if each in found or each.id in series]
        found = [each for each in found if self._fits(each, call, changed)]
        if order == "startTime":
            return sorted(found, key=lambda event: event.begins)
        return sorted(found, key=lambda event: event.updated) if order else found

    def _fits(self, event: Event, call: Call, changed: datetime | None) -> bool:
        shown = self.held.shown(event, call.calendar)
        if event.status == "cancelled" and not call.is_on("showDeleted"):
            return False
        for kind in ("private", "shared"):
            properties = shown.get("extendedProperties", {}).get(kind, {})
            wanted = [each.partition("=") for each in call.all(f"{kind}ExtendedProperty")]
            if any(properties.get(name) != value for name, _, value in wanted):
                return False
        if (uid := call.one("iCalUID")) and shown["iCalUID"] != uid:
            return False
        text = " ".join(str(shown.get(name, "")) for name in ("summary", "description", "location", "attendees"))
        words_in = all(word in text.lower() for word in call.one("q").lower().split())
        return words_in and (changed is None or event.updated >= changed)

    def free_busy(self, call: Call) -> Any:
        said = cast("dict[str, Any]", call.said or {})
        known = {"timeMin", "timeMax", "timeZone", "items", "groupExpansionMax", "calendarExpansionMax"}
        if unknown := sorted(set(said) - known):
            told = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
            raise CalendarRefusal(400, "invalid", told)
        if not said.get("timeMin") or not said.get("timeMax"):
            raise CalendarRefusal(400, "required", "Required", location=("parameter", "timeMin"))
        since, until = _time(str(said["timeMin"])), _time(str(said["timeMax"]))
        if until <= since:
            raise range_empty()
        try:
            zone = ZoneInfo(said.get("timeZone", "UTC"))
        except (ZoneInfoNotFoundError, ValueError):
            raise CalendarRefusal(400, "invalid", "Invalid time zone definition.") from None
        wanted = [str(each["id"]) for each in cast("list[dict[str, Any]]", said.get("items", []))]
        return {
            "kind": "calendar#freeBusy",
            "timeMin": stamp(since, zone),
            "timeMax": stamp(until, zone),
            "calendars": {each: self._times(call.calendar, each, since, until, zone, len(wanted)) for each in wanted},
        }

    def _times(
        self, asker: str, wanted: str, since: datetime, until: datetime, zone: ZoneInfo, count: int
    ) -> dict[str, Any]:
        calendar = asker if wanted == "primary" else wanted.lower()
        seen = calendar in self.held.people() and (calendar == asker or calendar not in self.held.unshared)
        if reason := "tooManyCalendarsRequested" if count > MOST_CALENDARS else "" if seen else "notFound":
            return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
        times = self.held.busy(calendar, since, until)
        return {"busy": [{"start": stamp(begins, zone), "end": stamp(ends, zone)} for begins, ends in times]}

    # The REST API

    def routes(self) -> list[Route]:
        """Gives what answers under /google."""
        events, one = "/calendar/v3/calendars/{calendar}/events", "/calendar/v3/calendars/{calendar}/events/{event}"
        sends = {"sendUpdates", "maxAttendees", "supportsAttachments", "conferenceDataVersion"}
        times = {"timeMin", "timeMax", "updatedMin", "singleEvents", "orderBy", "showDeleted", "timeZone"}
        lists = {*times, "maxResults", "pageToken", "privateExtendedProperty", "sharedExtendedProperty", "iCalUID", "q"}
        methods: list[tuple[str, str, set[str], set[str], Answer]] = [
            ("POST", events, WRITES, sends, self.insert),
            ("GET", events, READS, lists | {"maxAttendees"}, self.list_events),
            ("GET", one, READS, {"timeZone", "maxAttendees"}, self.get),
            ("PATCH", one, WRITES, sends, self.patch),
            ("DELETE", one, WRITES, {"sendUpdates"}, self.delete),
            ("POST", "/calendar/v3/freeBusy", FREE_BUSY, set(), self.free_busy),
        ]
        return [
            *(
                Route(path, self._endpoint(scopes, known, answer), methods=[verb])
                for verb, path, scopes, known, answer in methods
            ),
            Route("/calendar/event", self.page),
        ]

    def _endpoint(self, scopes: set[str], known: set[str], answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            token = read(request.headers.get("authorization", ""))
            if not scopes & token.scopes:
                message = "Request had insufficient authentication scopes."
                raise CalendarRefusal(403, "insufficientPermissions", message)
            wanted = request.path_params.get("calendar", "primary").lower()
            if not token.mailbox or wanted not in {"primary", token.mailbox}:
                raise not_found()
            query = parse_qsl(request.url.query, keep_blank_values=True)
            if unknown := sorted({name for name, _ in query} - known - ALWAYS):
                raise CalendarRefusal(400, "badRequest", f"The stand-in does not know the parameter {unknown[0]}.")
            said = _json(await request.body())
            call = Call(token.mailbox, request.path_params.get("event", ""), query, dict(request.headers), said)
            made = answer(call)
            if isinstance(made, Response):
                return made
            if made is None:
                return Response(status_code=204)
            return JSONResponse(made, headers={"ETag": made["etag"]} if "etag" in made else None)

        return endpoint

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows an event's link."""
        given = request.query_params.get("eid", "")
        try:
            id, calendar = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().split(" ")
        except ValueError:
            id, calendar = "", ""
        found = self.held.find(calendar, id)
        if found is None:
            return HTMLResponse("<!DOCTYPE html><html lang=en><title>No such event</title><h1>No such event</h1>", 404)
        shown = self.held.shown(found, calendar)
        rows = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(name)}<td>{html.escape(_words(value))}"
            for name, value in shown.items()
        )
        title = html.escape(str(shown.get("summary", "(no title)")))
        head = f'<meta charset="utf-8"><title>{title}</title><style>body{{font:16px system-ui;margin:2rem}}</style>'
        return HTMLResponse(f'<!DOCTYPE html><html lang="en">{head}<h1>{title}</h1><table>{rows}</table></html>')


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        raise CalendarRefusal(400, "parseError", "Parse Error") from None


def _unchanged(call: Call, event: Event) -> None:
    wanted = call.headers.get("if-match", "*")
    if wanted not in {"*", event.etag}:
        raise CalendarRefusal(412, "conditionNotMet", "Precondition Failed", location=("header", "If-Match"))


def _own(event: Event, calendar: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Gives what a guest's change comes to.

    Raises:
        CalendarRefusal: it is not theirs to change.
    """
    properties = cast("dict[str, Any]", fields.get("extendedProperties") or {})
    if set(fields) - OWN - {"extendedProperties"} or "shared" in properties:
        message = "Shared properties can only be changed by the organizer of the event."
        raise CalendarRefusal(403, "forbiddenForNonOrganizer", message, domain="calendar")
    given = cast("list[dict[str, Any]]", fields.get("attendees") or [])
    answered = {str(each["email"]).lower(): each for each in given}.get(calendar)
    if answered:
        guests = cast("list[dict[str, Any]]", event.fields["attendees"])
        fields["attendees"] = [
            each | {"responseStatus": answered["responseStatus"]} if each["email"].lower() == calendar else each
            for each in guests
        ]
    return fields
