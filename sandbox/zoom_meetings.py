"""What Zoom's stand-in holds: users and meetings, and what bodies and seeds may say."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from sandbox.zoom_refusals import validation

SHOWN_OF_AGENDA = 250  # characters, in a list
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Invitee(_Strict):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class MeetingSettings(_Strict):
    """What can be set of a meeting, as far as it is modelled."""

    host_video: bool = False
    participant_video: bool = False
    join_before_host: bool = False
    mute_upon_entry: bool = False
    waiting_room: bool = True
    use_pmi: bool = False
    approval_type: Literal[0, 1, 2] = 2
    audio: Literal["both", "telephony", "voip"] = "both"
    auto_recording: Literal["local", "cloud", "none"] = "none"
    alternative_hosts: str = ""
    calendar_type: Literal[1, 2] | None = None
    email_notification: bool = True
    meeting_authentication: bool = False
    meeting_invitees: list[Invitee] = []


class NewMeeting(_Strict):
    """A body that makes a meeting."""

    topic: str = Field("Zoom Meeting", max_length=200)
    type: Literal[1, 2, 3, 8] = 2
    start_time: str = ""
    duration: int = Field(60, ge=1)
    timezone: str = ""
    agenda: str = Field("", max_length=2_000)
    password: str = Field("", max_length=10, pattern=r"^[A-Za-z0-9@\-_*]*$")
    default_password: bool = False
    schedule_for: str = ""
    pre_schedule: bool = False
    settings: MeetingSettings = MeetingSettings()


class Client(_Strict):
    """A server-to-server app of the account."""

    client_id: str
    client_secret: str
    scopes: list[str]


class User(_Strict):
    """Somebody with a Zoom account."""

    email: str
    name: str = ""
    id: str = ""
    timezone: str = "America/Los_Angeles"


class SeededMeeting(NewMeeting):
    host: str


class Seed(_Strict):
    account: str = ""
    clients: list[Client] = []
    users: list[User] = []
    meetings: list[SeededMeeting] = []
    tokens_at_once: int | None = Field(None, ge=1)  # of one app; a new one ends the oldest
    daily_limit: int | None = Field(None, ge=0)  # meetings that one user can be made host of in a day


@dataclass(frozen=True)
class Token:
    client: str
    scopes: frozenset[str]
    ends: datetime


@dataclass
class Meeting:
    """A meeting of one user."""

    id: int
    uuid: str
    host: User
    said: NewMeeting
    starts: datetime
    created: datetime
    password: str
    links: dict[str, str] = field(default_factory=dict[str, str])

    def brief(self) -> dict[str, Any]:
        """Gives it as a list does, which cuts the agenda."""
        return {
            "uuid": self.uuid,
            "id": self.id,
            "host_id": self.host.id,
            "topic": self.said.topic,
            "type": self.said.type,
            "start_time": stamp(self.starts),
            "duration": self.said.duration,
            "timezone": self.said.timezone or self.host.timezone,
            "agenda": self.said.agenda[:SHOWN_OF_AGENDA],
            "created_at": stamp(self.created),
            "join_url": self.links["join_url"],
        }

    def shown(self) -> dict[str, Any]:
        """Gives it in full."""
        said = self.said.settings.model_dump(exclude_none=True)
        return self.brief() | {
            "host_email": self.host.email,
            "status": "waiting",
            "agenda": self.said.agenda,
            **self.links,
            "password": self.password,
            "h323_password": "483921",
            "pstn_password": "483921",
            "encrypted_password": hashlib.sha256(self.password.encode()).hexdigest()[:32],
            "pre_schedule": self.said.pre_schedule,
            "settings": said,
        }


def stamp(at: datetime) -> str:
    """Gives a moment as Zoom writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def starts(said: NewMeeting, host: User) -> datetime:
    """Reads when a meeting begins; a time without Z is in its time zone.

    Raises:
        Refusal
    """
    if not _TIME.fullmatch(said.start_time):
        raise validation({"start_time": "Invalid field."})
    try:
        at = datetime.fromisoformat(said.start_time)
        zone = ZoneInfo(said.timezone or host.timezone)
    except (ValueError, ZoneInfoNotFoundError):
        raise validation({"start_time": "Invalid field."}) from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
