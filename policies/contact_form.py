"""The contact form of the website, as its mail stands in a ticket.

Source: fleetdm/fleet, website/views/emails/email-contact-form.ejs (2025) and deliver-contact-form-message.js (2024).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import getaddresses, parseaddr


@dataclass(frozen=True)
class Form:
    """What somebody typed into the contact form."""

    name: str = field(repr=False)
    address: str = field(repr=False)  # "" when it can't be told for certain
    message: str = field(repr=False)


_NAMES = "Submitter information|Reply-To|From|To|Subject|Date|Name|Email address|Email|Message"
_LABEL = re.compile(rf"^[*_\s]*({_NAMES})[*_]*:[*_]*[ \t]*(.*)$", re.IGNORECASE)
_MAILTO = re.compile(r"<mailto:([^|>\s]+)\|([^>]+)>|<mailto:([^|>\s]+)>")
_TITLE = re.compile(r"\s*New (?:contact form message|Fleet Premium customer message):?\s*\n", re.IGNORECASE)
_MAIL_HEADERS = {"reply-to", "from", "to", "subject", "date"}
Line = tuple[str, str]  # the label in small letters, "" for none; what stands behind it, or the whole line


def form(text: str) -> Form | None:
    """Reads a ticket of the contact form: of 2025, with the sender's details at the end, or of 2024, at the head.

    The ticket's own sender is Fleet's mailbox, so it is never looked at. The message is the applicant's and may hold
    labels of its own: only those that the form itself writes count. None: it is no ticket of the contact form.
    """
    headers, rest = _split_headers(_plain(text))
    rest = _TITLE.sub("", rest, count=1)
    lines = [_line(each) for each in rest.splitlines()]
    labels = [label for label, value in lines if label or value.strip()]
    reply_to = [value for label, value in headers if label == "reply-to"]
    if labels[:1] == ["message"] and "submitter information" in labels:
        return _form_of_2025(lines, reply_to)
    if labels[:1] == ["name"] and "message" in labels:
        return _form_of_2024(lines, reply_to)
    if reply_to:
        return Form(parseaddr(reply_to[0])[0], _one_address(reply_to), rest.strip())
    return None


def _form_of_2025(lines: Sequence[Line], reply_to: Sequence[str]) -> Form:
    last = max(place for place, (label, _) in enumerate(lines) if label == "submitter information")
    first = next(place for place, (label, _) in enumerate(lines) if label == "message")
    return _form(lines[last + 1 :], [("", lines[first][1]), *lines[first + 1 : last]], reply_to)


def _form_of_2024(lines: Sequence[Line], reply_to: Sequence[str]) -> Form:
    at = next(place for place, (label, _) in enumerate(lines) if label == "message")
    return _form(lines[:at], [("", lines[at][1]), *lines[at + 1 :]], reply_to)


def _form(details: Sequence[Line], message: Sequence[Line], reply_to: Sequence[str]) -> Form:
    names = [value.strip() for label, value in details if label == "name"]
    addresses = [value for label, value in details if label in {"email", "email address"}]
    said = "\n".join(f"{label}: {value}" if label else value for label, value in message)
    return Form(names[0] if len(names) == 1 else "", _one_address([*addresses, *reply_to]), said.strip())


def _one_address(written: Sequence[str]) -> str:
    """Gives the one address that all places agree on, else ""."""
    found = getaddresses(list(written))
    plain = {each.strip() for _, each in found}
    return plain.pop() if len({each.lower() for each in plain}) == 1 and len(found) == len(written) else ""


def _split_headers(text: str) -> tuple[list[Line], str]:
    """Takes off the mail's own headers, where the ticket shows them."""
    lines, headers = text.lstrip("\n").split("\n"), list[Line]()
    while lines and (found := _line(lines[0]))[0] in _MAIL_HEADERS:
        headers.append(found)
        del lines[0]
    return headers, "\n".join(lines)


def _line(text: str) -> Line:
    found = _LABEL.match(text)
    return (found[1].lower(), found[2]) if found else ("", text)


def _plain(text: str) -> str:
    """Undoes what Unthread and Slack do to a mail's text: marked-up addresses, and entities, once."""

    def bare(found: re.Match[str]) -> str:
        return found[3] or (found[1] if found[1] == found[2] else f"{found[1]} {found[2]}")

    return html.unescape(_MAILTO.sub(bare, text.replace("\r\n", "\n")))
