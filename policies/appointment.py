"""The nouns of calendars and calls: what is put into somebody's calendar, and a call that others join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Appointment:
    """An event in the calendar of one of our people. Guests may see all of it: no customer's name belongs here.

    mailbox: whose calendar. guests: mail addresses of others who are invited. about: the address that it is about.
    """

    mailbox: str
    title: str
    start: datetime
    end: datetime
    text: str = ""
    place: str = ""
    about: str = ""
    guests: Sequence[str] = ()


@dataclass(frozen=True)
class Call:
    """A video call. Whoever has its link may see all of it: no customer's name belongs here.

    host: the mail address of whose account it is in. guests: mail addresses of others who are invited.
    """

    host: str
    title: str
    start: datetime
    minutes: int
    text: str = ""
    guests: Sequence[str] = ()
