"""Google Calendar: when people are busy, and events in their own calendars.

An event gets an id of our choosing, made from its business key, so that Google refuses it a second time. Google doesn't
promise to notice every collision; so it is looked for before it is sent. Each call has a token for one person's
calendar and one scope.

API: https://developers.google.com/workspace/calendar/api/v3/reference
"""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from googleapiclient.errors import HttpError

from policies.appointment import Appointment
from policies.business_time import Interval
from policies.confidentiality import Confidential
from tasks import effects, google_client
from tasks.effects import AlreadyThere, Different, Failure, Made, Write, aperform
from tasks.google_client import service

EVENTS = "https://www.googleapis.com/auth/calendar.events"
FREE_BUSY = "https://www.googleapis.com/auth/calendar.freebusy"
OWN = "primary"
KEY = "handbook_flows"  # the private property that holds the business key's hash


class Unavailable(Exception):
    """A calendar could not be read; the message says why and what to do. Nothing was written."""


class _Taken(Exception):
    """There is an event of that id already."""


def busy(mailbox: str, since: datetime, until: datetime) -> list[Interval]:
    """Gives when somebody is busy between two moments, in UTC; never, when the second one comes first.

    Raises:
        Unavailable
    """
    if until <= since:
        return []
    said = {"timeMin": since.isoformat(), "timeMax": until.isoformat(), "items": [{"id": OWN}]}
    try:
        answer = service("calendar", "v3", mailbox, FREE_BUSY).freebusy().query(body=said).execute()
        found = answer["calendars"][OWN]
        if "errors" in found:
            raise Unavailable("Google shows nobody when this person is busy. Open the sharing of their calendar.")
        return [(_time(each["start"]), _time(each["end"])) for each in found["busy"]]
    except (Unavailable, effects.OutsideLedger):
        raise
    except Exception as error:  # the client raises whatever the network does
        raise Unavailable(f"{explain(error).reason} Nothing was written.") from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def create(wanted: Appointment, *, once: str, target: str) -> Made:
    """Puts an event into somebody's calendar, once, and invites its guests. What people change of it later stays.

    target: what the ledger shows instead of addresses.

    Raises:
        tasks.effects.EffectError
    """
    id, key = event_id(once), _key(once)

    def send() -> Made:
        events = service("calendar", "v3", wanted.mailbox, EVENTS).events()
        if _found(events, id):
            raise _Taken
        tell = "all" if wanted.guests else "none"
        return _made(events.insert(calendarId=OWN, body=_body(wanted, id, key), sendUpdates=tell).execute())

    def find(_: datetime) -> Made | None:
        """Finds our event, wherever somebody has moved it since; a deleted one too, which Google keeps."""
        found = _found(service("calendar", "v3", wanted.mailbox, EVENTS).events(), id)
        if found and found.get("extendedProperties", {}).get("private", {}).get(KEY) != key:
            raise Different("Another event has its id. Ask whose calendar it is what became of it.")
        return _made(found) if found else None

    body = _body(wanted, id, key)
    request = {"mailbox": Confidential(wanted.mailbox)} | {
        name: Confidential(str(value)) for name, value in body.items()
    }
    return await aperform(Write(once, "Calendar", "create event", target, request, send, find, explain, Made("")))


def event_id(once: str) -> str:
    """Gives the id of the event with a business key: base32hex, in small letters, as Google asks."""
    return base64.b32hexencode(hashlib.sha256(once.encode()).digest()).decode().rstrip("=").lower()


def _key(once: str) -> str:
    return hashlib.sha256(once.encode()).hexdigest()[:32]


def _found(events: Any, id: str) -> dict[str, Any] | None:
    try:
        return events.get(calendarId=OWN, eventId=id).execute()
    except HttpError as error:
        if error.status_code == 404:
            return None
        raise


def _body(wanted: Appointment, id: str, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": id,
        "summary": wanted.title,
        "start": {"dateTime": wanted.start.astimezone(UTC).isoformat()},
        "end": {"dateTime": wanted.end.astimezone(UTC).isoformat()},
        "extendedProperties": {"private": {KEY: key}},
    }
    body |= {"description": wanted.text} if wanted.text else {}
    body |= {"location": wanted.place} if wanted.place else {}
    body |= {"source": {"title": "GitHub", "url": wanted.about}} if wanted.about else {}
    if wanted.guests:
        own = {"email": wanted.mailbox, "responseStatus": "accepted"}
        body["attendees"] = [own, *({"email": each} for each in wanted.guests)]
    return body


def _made(event: Mapping[str, Any]) -> Made:
    return Made(str(event["id"]), str(event.get("htmlLink", "")))


def explain(error: Exception) -> Failure:
    """Reads what went wrong."""
    match error:
        case _Taken():
            return AlreadyThere("There is an event of that id already.")
        case HttpError(status_code=409):
            return AlreadyThere("Google has an event of that id already.")
        case _:
            return google_client.explain(error, "Google Calendar")
