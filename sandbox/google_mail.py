"""What Gmail's stand-in holds: mailboxes with their messages and drafts; how mail is read, shown and searched."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses
from html import unescape
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from sandbox.google_refusals import invalid

PACIFIC = ZoneInfo("America/Los_Angeles")  # in which Gmail's search reads days
ADDRESSES = ("From", "To", "Cc", "Bcc", "Reply-To", "Sender")
_HEADER = re.compile(rb"[!-9;-~]+:")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
_LOCAL = re.compile(r"[^\s@,;:<>()\[\]\"\\\x00-\x1f]{1,64}")
Format = Literal["minimal", "full", "raw", "metadata"]


@dataclass
class Message:
    """A message in a mailbox."""

    id: str
    thread: str
    raw: bytes
    at: datetime
    history: str
    labels: list[str] = field(default_factory=list[str])

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    def header(self, name: str) -> str:
        return str(self.mail.get(name, "")).strip()

    def addresses(self, *names: str) -> list[str]:
        """Gives the addresses in these headers, in small letters."""
        found = [str(value) for name in names for value in self.mail.get_all(name, [])]
        return [address.lower() for _, address in getaddresses(found) if address]

    @property
    def text(self) -> str:
        part = self.mail.get_body(("plain", "html"))
        return str(part.get_content()) if part else ""

    def shown(self, form: Format = "full", only: Sequence[str] = ()) -> dict[str, Any]:
        """Gives it as Gmail's JSON has it."""
        said: dict[str, Any] = {
            "id": self.id,
            "threadId": self.thread,
            "labelIds": list(self.labels),
            "snippet": " ".join(unescape(self.text).split())[:200],
            "sizeEstimate": len(self.raw),
            "historyId": self.history,
            "internalDate": str(int(self.at.timestamp() * 1000)),
        }
        if form == "raw":
            said["raw"] = base64.urlsafe_b64encode(self.raw).decode()
        elif form == "full":
            said["payload"] = _part(self.mail, "")
        elif form == "metadata":
            wanted = {name.lower() for name in only}
            headers = [each for each in _headers(self.mail) if not wanted or each["name"].lower() in wanted]
            said["payload"] = {"mimeType": self.mail.get_content_type(), "headers": headers}
        return said


@dataclass
class Mailbox:
    """A person's mailbox."""

    address: str
    name: str = ""
    enabled: bool = True  # Gmail is switched on for the person
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    drafts: dict[str, str] = field(default_factory=dict[str, str])  # draft id -> message id

    def newest_first(self) -> list[Message]:
        return sorted(self.messages.values(), key=lambda message: (message.at, message.id), reverse=True)


# How mail comes in


def decoded(raw: object) -> bytes:
    """Gives the bytes of `raw`, in either alphabet of base64.

    Raises:
        Refusal
    """
    text = str(raw)
    try:
        if not text.isascii() or re.search(r"\s", text):
            raise ValueError
        plain = text.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from None


def parsed(raw: bytes) -> EmailMessage:
    """Reads a mail strictly: what Gmail would have to guess is refused.

    Raises:
        Refusal
    """
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    lines = re.split(rb"\r?\n", head)
    for line in lines:
        continues = line[:1] in (b" ", b"\t") and line is not lines[0]
        if b"\r" in line or b"\0" in line or not (continues or _HEADER.match(line)):
            raise invalid("Invalid message: a header line is malformed")
    mail = message_from_bytes(raw, policy=policy.default)
    for name in ADDRESSES:
        _check_addresses(mail, name)
    return mail


def _check_addresses(mail: EmailMessage, name: str) -> None:
    values = mail.get_all(name, [])
    if len(values) > 1:
        raise invalid(f"Invalid {name} header")
    for value in values:
        addresses: Sequence[Address] = value.addresses
        wrong = value.defects or (str(value).strip() and not addresses)
        if wrong or not all(is_address(each) for each in addresses):
            raise invalid(f"Invalid {name} header")


def is_address(address: Address) -> bool:
    return bool(_LOCAL.fullmatch(address.username) and _DOMAIN.fullmatch(address.domain))


def recipients(mail: EmailMessage) -> list[str]:
    """Gives everybody a mail goes to, once each."""
    found = [str(value) for name in ("To", "Cc", "Bcc") for value in mail.get_all(name, [])]
    return list(dict.fromkeys(address.lower() for _, address in getaddresses(found) if address))


def from_mailbox(mail: EmailMessage, mailbox: Mailbox) -> None:
    """Puts the mailbox into From, whatever stood there: nobody sends in another's name."""
    given = mail.get("From")
    written = [each.addr_spec.lower() for each in given.addresses] if given else []
    if written != [mailbox.address]:
        del mail["From"]
        mail["From"] = Address(mailbox.name, addr_spec=mailbox.address)


# How mail goes out


def _headers(mail: EmailMessage) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value).strip()} for name, value in mail.items()]


def _part(mail: EmailMessage, number: str) -> dict[str, Any]:
    part: dict[str, Any] = {
        "partId": number,
        "mimeType": mail.get_content_type(),
        "filename": mail.get_filename() or "",
        "headers": _headers(mail),
    }
    if mail.is_multipart():
        inner = cast("Iterable[EmailMessage]", mail.iter_parts())
        below = f"{number}." if number else ""
        part["body"] = {"size": 0}
        part["parts"] = [_part(each, f"{below}{place}") for place, each in enumerate(inner)]
    else:
        content = cast("bytes", mail.get_payload(decode=True))
        part["body"] = {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()}
    return part


# Search

Test = Callable[[Message], bool]
_TERM = re.compile(r'(-?)(?:([a-z0-9_]+):)?("[^"]*"|\([^)]*\)|\S+)', re.IGNORECASE)
_AGE = re.compile(r"(\d+)([dmy])")
_PLACES = {"sent": "SENT", "inbox": "INBOX", "drafts": "DRAFT", "draft": "DRAFT", "trash": "TRASH", "spam": "SPAM"}


def search(query: str, now: datetime) -> Test:
    """Gives the test that a query of Gmail's search box stands for; all its terms must fit.

    Raises:
        Refusal: it uses what the stand-in doesn't know. Gmail itself would look for the words.
    """
    tests: list[Test] = []
    for minus, name, value in _TERM.findall(query):
        test = _term(name.lower(), value.strip('"()'), now)
        tests.append((lambda message, test=test: not test(message)) if minus else test)
    return lambda message: all(test(message) for test in tests)


def _term(name: str, value: str, now: datetime) -> Test:
    wanted = value.lower()
    match name:
        case "":
            return _words(value)
        case "from":
            return lambda message: wanted in message.header("From").lower()
        case "to":
            return lambda message: any(wanted in message.header(each).lower() for each in ("To", "Cc", "Bcc"))
        case "subject":
            words = [wanted] if " " not in wanted else wanted.split()
            return lambda message: all(word in message.header("Subject").lower() for word in words)
        case "rfc822msgid":
            return lambda message: message.header("Message-ID").strip("<> ").lower() == wanted.strip("<>")
        case "in" | "is" | "label":
            return _place(wanted)
        case _:
            return _time(name, wanted, now)


def _words(value: str) -> Test:
    if value in {"OR", "AND", "AROUND"} or "{" in value:
        raise invalid(f"The sandbox's search doesn't know {value}.")
    return lambda message: value.lower() in f"{message.header('Subject')} {message.text}".lower()


def _place(wanted: str) -> Test:
    if wanted == "anywhere":
        return lambda message: True
    label = _PLACES.get(wanted, wanted.upper())
    if label == "READ":
        return lambda message: "UNREAD" not in message.labels
    return lambda message: label in message.labels


def _time(name: str, wanted: str, now: datetime) -> Test:
    match name:
        case "after" | "newer":
            moment = _moment(wanted)
            return lambda message: message.at >= moment
        case "before" | "older":
            moment = _moment(wanted)
            return lambda message: message.at < moment
        case "newer_than":
            since = now - _age(wanted)
            return lambda message: message.at >= since
        case "older_than":
            since = now - _age(wanted)
            return lambda message: message.at < since
        case _:
            raise invalid(f"The sandbox's search doesn't know {name}:.")


def _moment(wanted: str) -> datetime:
    """Reads seconds since 1970, or a day, which begins at midnight in California."""
    if wanted.isdigit() and len(wanted) > 8:
        return datetime.fromtimestamp(int(wanted), UTC)
    try:
        day = date.fromisoformat(wanted.replace("/", "-"))
    except ValueError:
        raise invalid(f"The sandbox's search can't read the day {wanted}.") from None
    return datetime.combine(day, day_time(), PACIFIC)


def _age(wanted: str) -> timedelta:
    if not (found := _AGE.fullmatch(wanted)):
        raise invalid(f"The sandbox's search can't read the age {wanted}.")
    return timedelta(days=int(found[1]) * {"d": 1, "m": 30, "y": 365}[found[2]])
