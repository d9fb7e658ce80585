"""Google Calendar: people's own calendars, their events, and when they are busy.

Everybody with a mailbox has one calendar, named by its address or "primary". An event stands in its organizer's
calendar and, as a copy with the same id, in those of its guests. google_calendar_rest answers the calls.

API: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.google_calendar_events import ID, INSTANCE, Event, body, check, kept
from sandbox.google_refusals import CalendarRefusal
from sandbox.world import World


class Calendars:
    """The calendars of the domain.

    unshared: whose busy times nobody else may see.
    """

    def __init__(self, world: World, people: Callable[[], Collection[str]]) -> None:
        self.world, self.people = world, people
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.events: list[Event] = []
        self.unshared: set[str] = set()
        self.versions = itertools.count(1)

    def load(self, seeded: Sequence[Mapping[str, Any]], unshared: Sequence[str]) -> None:
        """Adds a seed's events, each a body as Google takes it with the `calendar` that it is in.

        Raises:
            ValueError: a field is unknown, or the calendar is.
        """
        for each in seeded:
            said = dict(each)
            calendar = str(said.pop("calendar", "")).lower()
            if calendar not in self.people():
                raise ValueError(f'There is no calendar "{calendar}". Give the address of a mailbox.')
            try:
                self.keep(calendar, body(said))
            except CalendarRefusal as refusal:
                raise ValueError(f"An event of the seed is refused: {refusal}") from None
        self.unshared |= {each.lower() for each in unshared}

    def dump(self) -> list[dict[str, Any]]:
        """Gives each event as its organizer sees it."""
        return [self.shown(each, each.organizer) for each in self.events]

    # What there is

    def of(self, calendar: str) -> list[Event]:
        """Gives the events in a calendar, recurring ones once."""
        return [each for each in self.events if each.is_in(calendar)]

    def find(self, calendar: str, id: str) -> Event | None:
        """Gives an event by its id; one instance of a recurring one, by the id of that."""
        known = self.of(calendar)
        if found := next((each for each in known if each.id == id), None):
            return found
        if not (parts := INSTANCE.fullmatch(id)):
            return None
        series = next((each for each in known if each.id == parts[1]), None)
        return series and next((each for each in series.occurrences(None, None) if each.id == id), None)

    def within(self, calendar: str, since: datetime | None, until: datetime | None) -> Iterator[Event]:
        """Gives single events and instances that end after `since` and begin before `until`."""
        changed = {each.id for each in self.events if each.series}
        for each in self.of(calendar):
            for instance in each.occurrences(since, until):
                if instance is each or instance.id not in changed:
                    yield instance

    def shown(self, event: Event, calendar: str) -> dict[str, Any]:
        """Gives an event as a calendar's owner sees it."""
        fields = {name: value for name, value in event.fields.items() if value not in (None, [], {})}
        extended = {name: value for name, value in fields.pop("extendedProperties", {}).items() if value}
        if private := event.private.get(calendar):
            extended["private"] = private
        people = {name: {"email": event.organizer} for name in ("creator", "organizer")}
        if event.organizer == calendar:
            people = {name: {**person, "self": True} for name, person in people.items()}
        marks: dict[str, Any] = {"recurringEventId": event.series[0]} if event.series else {}
        if attendees := fields.pop("attendees", None):
            marks["attendees"] = [_guest(each, event.organizer, calendar) for each in attendees]
        return (
            {"kind": "calendar#event", "etag": event.etag, "id": event.id, "status": event.status}
            | {"htmlLink": self.link(event, calendar), "created": stamp(event.created)}
            | {"updated": stamp(event.updated), **people, **fields, **marks}
            | ({"extendedProperties": extended} if extended else {})
            | {"iCalUID": f"{(event.series or (event.id,))[0]}@google.com", "sequence": event.sequence}
            | {
                "eventType": fields.get("eventType", "default"),
                "reminders": fields.get("reminders", {"useDefault": True}),
            }
        )

    def link(self, event: Event, calendar: str) -> str:
        """Gives the address where a person sees an event."""
        eid = base64.urlsafe_b64encode(f"{event.id} {calendar}".encode()).decode().rstrip("=")
        return f"{self.world.public_url}/google/calendar/event?eid={eid}"

    def busy(self, calendar: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """Gives when somebody is busy; times that touch are one."""
        times = sorted(
            (each.begins, each.ends) for each in self.within(calendar, since, until) if each.blocks(calendar)
        )
        merged: list[tuple[datetime, datetime]] = []
        for begins, ends in times:
            begins, ends = max(begins, since), min(ends, until)
            if merged and begins <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(ends, merged[-1][1])
            elif begins < ends:
                merged.append((begins, ends))
        return merged

    # What changes

    def keep(self, calendar: str, fields: dict[str, Any]) -> Event:
        """Adds an event to a calendar.

        Raises:
            CalendarRefusal
        """
        check(fields)
        number, now = next(self.versions), self.world.clock.now()
        id = fields.pop("id", None) or f"{number:026}"
        if not ID.fullmatch(id):
            raise CalendarRefusal(400, "invalid", "Invalid resource id value.")
        if any(each.id == id for each in self.of(calendar)):  # a deleted one counts
            raise CalendarRefusal(409, "duplicate", "The requested identifier already exists.")
        event = Event(id, calendar, {}, now, now, number)
        self.write(event, calendar, fields)
        self.events.append(event)
        return event

    def write(self, event: Event, calendar: str, fields: dict[str, Any]) -> None:
        """Puts fields into an event, as the owner of a calendar that it is in."""
        properties: dict[str, Any] = fields.pop("extendedProperties", None) or {}
        if "private" in properties:
            event.private[calendar] = event.private.get(calendar, {}) | kept(properties["private"])
        if "shared" in properties:
            known = event.fields.get("extendedProperties", {}).get("shared", {})
            event.fields["extendedProperties"] = {"shared": known | kept(properties["shared"])}
        event.fields |= fields

    def touch(self, event: Event, *, moved: bool) -> None:
        """Notes that an event has changed. From now on a changed instance is another than the rest of its series."""
        if event.series and event not in self.events:
            self.events.append(event)
        event.version, event.updated = next(self.versions), self.world.clock.now()
        event.sequence += moved


def _guest(guest: Mapping[str, Any], organizer: str, calendar: str) -> dict[str, Any]:
    address = guest["email"].lower()
    shown = {name: value for name, value in guest.items() if value and name not in {"organizer", "self", "id"}}
    shown |= {"organizer": True} if address == organizer else {}
    return {"responseStatus": "needsAction", **shown} | ({"self": True} if address == calendar else {})


def stamp(at: datetime, zone: ZoneInfo | None = None) -> str:
    """Gives a moment as Google writes it: of events in UTC, of busy times in the zone that was asked for."""
    text = at.astimezone(zone or UTC).isoformat(timespec="milliseconds" if zone is None else "seconds")
    return text.replace("+00:00", "Z")
