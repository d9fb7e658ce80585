"""What Calendar's stand-in holds: events with their times, guests and repetitions, and which bodies Google takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr
from pydantic import AliasGenerator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.google_refusals import CalendarRefusal, Refusal

HOME = ZoneInfo("America/Los_Angeles")  # of every calendar here
ID = re.compile(r"[a-v0-9]{5,1024}")
INSTANCE = re.compile(r"([a-v0-9]{5,1024})_(\d{8}(?:T\d{6}Z)?)")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST_INSTANCES = 750
LONGEST_NAME, LONGEST_VALUE = 44, 1024  # of an extended property; more is left out, or cut, without a word
READ_ONLY = {
    *("kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "iCalUID", "sequence", "hangoutLink"),
    *("recurringEventId", "originalStartTime", "locked", "privateCopy", "attendeesOmitted", "endTimeUnspecified"),
}
OWN = {"reminders", "colorId", "attendees"}  # what a guest may change, beside their private properties


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=AliasGenerator(to_camel), validate_by_name=False)


class When(_Body):
    """A start or an end: a day, or a time."""

    date: str | None = None
    date_time: str | None = None
    time_zone: str | None = None


class Guest(_Body):
    """Somebody invited."""

    email: str = ""
    display_name: str = ""
    response_status: Literal["needsAction", "declined", "tentative", "accepted"] = "needsAction"
    optional: bool = False
    resource: bool = False
    comment: str = ""
    additional_guests: int = 0
    organizer: bool = False  # what follows is read-only, and comes back with an event that was read
    self: bool = False
    id: str = ""


class Properties(_Body):
    """Extended properties: of this calendar's copy only, or of all."""

    private: dict[str, str] = {}
    shared: dict[str, str] = {}


class Reminder(_Body):
    method: Literal["email", "popup"]
    minutes: int


class Reminders(_Body):
    use_default: bool = True
    overrides: list[Reminder] = []


class Source(_Body):
    url: str
    title: str = ""


class Attachment(_Body):
    file_url: str
    title: str = ""
    mime_type: str = ""
    icon_link: str = ""
    file_id: str = ""


class EventBody(_Body):
    """What an event may say. What else Google knows is refused as not modelled."""

    id: str | None = None
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    start: When | None = None
    end: When | None = None
    attendees: list[Guest] | None = None
    attachments: list[Attachment] | None = None
    extended_properties: Properties | None = None
    recurrence: list[str] | None = None
    reminders: Reminders | None = None
    source: Source | None = None
    status: Literal["confirmed", "tentative", "cancelled"] | None = None
    transparency: Literal["opaque", "transparent"] | None = None
    visibility: Literal["default", "public", "private", "confidential"] | None = None
    color_id: str | None = None
    event_type: Literal["default", "focusTime", "outOfOffice"] | None = None
    guests_can_modify: bool | None = None
    guests_can_invite_others: bool | None = None
    guests_can_see_other_guests: bool | None = None


@dataclass
class Event:
    """An event, in its organizer's calendar and in those of its guests.

    fields: as Google's JSON names them. private: the private properties of each calendar's copy.
    series: the recurring event that this is a changed instance of, and when that would have begun.
    """

    id: str
    organizer: str
    fields: dict[str, Any]
    created: datetime
    updated: datetime
    version: int
    private: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    sequence: int = 0
    series: tuple[str, str] | None = None

    @property
    def status(self) -> str:
        return str(self.fields.get("status", "confirmed"))

    @property
    def begins(self) -> datetime:
        return moment(self.fields["start"], "start")

    @property
    def ends(self) -> datetime:
        return moment(self.fields["end"], "end")

    @property
    def etag(self) -> str:
        return f'"{self.version:016}"'

    def guest(self, address: str) -> Mapping[str, Any] | None:
        """Gives somebody's invitation."""
        guests = cast("list[dict[str, Any]]", self.fields.get("attendees", []))
        return next((each for each in guests if each["email"].lower() == address), None)

    def is_in(self, calendar: str) -> bool:
        """Says whether it stands in a calendar."""
        return self.organizer == calendar or self.guest(calendar) is not None

    def blocks(self, calendar: str) -> bool:
        """Says whether somebody counts as busy while it lasts."""
        guest = self.guest(calendar) or {}
        busy = self.fields.get("transparency", "opaque") == "opaque" and self.status != "cancelled"
        return busy and guest.get("responseStatus") != "declined"

    def occurrences(self, since: datetime | None, until: datetime | None) -> Iterator[Event]:
        """Gives its instances that end after `since` and begin before `until`; itself, when it doesn't repeat."""
        if not self.fields.get("recurrence"):
            if (since is None or self.ends > since) and (until is None or self.begins < until):
                yield self
            return
        length, local = self.ends - self.begins, self.begins.astimezone(_zone(self.fields["start"]))
        for count, each in enumerate(_rule(self.fields["recurrence"], local)):
            start = each.astimezone(UTC)
            if count >= MOST_INSTANCES or (until is not None and start >= until):
                return
            if since is None or start + length > since:
                yield self._instance(start, length)

    def _instance(self, start: datetime, length: timedelta) -> Event:
        shown = {name: value for name, value in self.fields.items() if name != "recurrence"}
        shown |= {"start": _at(start, shown["start"]), "end": _at(start + length, shown["end"])}
        mark = f"{start.astimezone(HOME):%Y%m%d}" if "date" in shown["start"] else f"{start:%Y%m%dT%H%M%SZ}"
        own = {calendar: dict(properties) for calendar, properties in self.private.items()}
        return replace(self, id=f"{self.id}_{mark}", fields=shown, private=own, series=(self.id, mark))


def _rule(lines: Sequence[str], start: datetime) -> Iterator[datetime]:
    try:
        return iter(cast("Any", rrulestr("\n".join(lines), dtstart=start, forceset=True)))
    except (ValueError, TypeError, KeyError):
        raise _invalid("Invalid recurrence rule.") from None


def _at(at: datetime, like: Mapping[str, Any]) -> dict[str, Any]:
    """Gives a time in the form of another."""
    if "date" in like:
        return {"date": f"{at.astimezone(HOME):%Y-%m-%d}"}
    zone = {"timeZone": like["timeZone"]} if "timeZone" in like else {}
    return {"dateTime": at.astimezone(_zone(like)).isoformat(), **zone}


def _zone(when: Mapping[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(when["timeZone"]) if "timeZone" in when else HOME
    except (ZoneInfoNotFoundError, ValueError):
        raise _invalid("Invalid time zone definition.") from None


def moment(when: Mapping[str, Any], which: str) -> datetime:
    """Reads a start or an end, in UTC.

    Raises:
        Refusal: it is none.
    """
    try:
        if "date" in when:
            return datetime.combine(date.fromisoformat(when["date"]), time(), HOME).astimezone(UTC)
        at = datetime.fromisoformat(when["dateTime"])
    except (ValueError, KeyError):
        raise _invalid(f"Invalid {which} time.") from None
    if at.tzinfo is None and "timeZone" not in when:
        raise CalendarRefusal(400, "required", f"Missing time zone definition for {which} time.")
    return (at if at.tzinfo else at.replace(tzinfo=_zone(when))).astimezone(UTC)


# Bodies


def body(said: Any) -> dict[str, Any]:
    """Gives the fields of a body, as far as they can be written. A field that is set to nothing is None.

    Raises:
        Refusal: one is unknown, or holds something else than it may.
    """
    if not isinstance(said, dict):
        raise CalendarRefusal(400, "parseError", "Parse Error")
    given = {name: value for name, value in cast("dict[str, Any]", said).items() if name not in READ_ONLY}
    try:
        read = EventBody.model_validate(given)
    except ValidationError as error:
        raise _unknown(error) from None
    fields = read.model_dump(by_alias=True, exclude_unset=True)
    for name in ("start", "end"):
        if fields.get(name):
            fields[name] = {key: value for key, value in fields[name].items() if value is not None}
    for guest in cast("list[dict[str, Any]]", fields.get("attendees") or []):
        if not MAIL.fullmatch(guest.get("email", "")):
            raise _invalid("Invalid attendee email.")
    return fields


def _unknown(error: ValidationError) -> Refusal:
    first = error.errors()[0]
    *above, name = (str(each) for each in first["loc"])
    if first["type"] == "extra_forbidden":
        place = ".".join(["event", *above])
        told = f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        return CalendarRefusal(400, "invalid", told)
    return _invalid(f"Invalid value for: {name}")


def check(fields: Mapping[str, Any]) -> None:
    """Checks that an event is whole.

    Raises:
        Refusal
    """
    for name in ("end", "start"):  # Google asks for the end first
        if not fields.get(name):
            raise CalendarRefusal(400, "required", f"Missing {name} time.")
    start, end = fields["start"], fields["end"]
    if ("date" in start) != ("date" in end) or ("date" in start and "dateTime" in start):
        raise _invalid("Invalid start time.")
    if moment(end, "end") < moment(start, "start"):
        raise CalendarRefusal(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    if fields.get("recurrence"):
        if "dateTime" in start and "timeZone" not in start:
            raise CalendarRefusal(400, "required", "Missing time zone definition for start time.")
        next(_rule(fields["recurrence"], moment(start, "start").astimezone(_zone(start))), None)


def kept(properties: Mapping[str, str]) -> dict[str, str]:
    """Gives what Google keeps of extended properties."""
    return {name: value[:LONGEST_VALUE] for name, value in properties.items() if len(name) <= LONGEST_NAME}


def _invalid(message: str) -> Refusal:
    return CalendarRefusal(400, "invalid", message)
