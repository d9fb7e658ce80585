"""Mails as they leave: from one mailbox, to one person, with our mark so that they are found again.

What a mail says and to whom is personal: it is shown in no text of ours, and no sentence here repeats it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from policies.customer import Refused

MARK = "X-Handbook-Flows"
ORIGINAL_ID = "X-Google-Original-Message-ID"  # where Gmail keeps a Message-ID that it has replaced
READ_BACK = (MARK, "Message-ID", ORIGINAL_ID, "To", "Subject")
LONGEST_SUBJECT = 200
LONGEST_TEXT = 100_000
# Plain addresses only: quoted local parts, comments and routes are how mail gets somewhere else.
_ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{1,62})"
)


@dataclass(frozen=True)
class Mail:
    """A mail. Each address may have a name: "Ada Example <ada@example.com>".

    Raises:
        policies.customer.Refused: with a sentence for each field that can't be sent.
    """

    sender: str = field(repr=False)  # whose mailbox it leaves from
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    cc: tuple[str, ...] = field(default=(), repr=False)
    reply_to: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise Refused(*problems)

    def _problems(self) -> Iterator[str]:
        named = [("sender", self.sender), ("recipient", self.to), *(("copy", each) for each in self.cc)]
        for name, written in [*named, *([("reply", self.reply_to)] if self.reply_to else [])]:
            if problem := _wrong_with(written):
                yield f"The mail's {name} address {problem}."
        if not self.subject.strip() or len(self.subject) > LONGEST_SUBJECT or not self.subject.isprintable():
            yield f"The mail's subject must be one line of 1 to {LONGEST_SUBJECT} characters that can be seen."
        if not self.text.strip() or len(self.text) > LONGEST_TEXT or not _is_writable(self.text):
            yield f"The mail's text must have 1 to {LONGEST_TEXT:,} characters, and none that controls a screen."

    def parts(self) -> dict[str, str]:
        """Gives all that decides what is sent, for the fingerprint."""
        copies = ", ".join(self.cc)
        return {
            "sender": self.sender,
            "to": self.to,
            "subject": self.subject,
            "text": self.text,
            "cc": copies,
            "reply_to": self.reply_to,
        }


def mailbox(mail: Mail) -> str:
    """Gives the bare address of the mailbox that a mail leaves from."""
    return address(mail.sender).addr_spec.lower()


def address(written: str) -> Address:
    """Reads an address that `Mail` has let through."""
    ((name, plain),) = getaddresses([written])
    return Address(name, addr_spec=plain)


def _wrong_with(written: str) -> str:
    """Says what is wrong with an address, without it. "": nothing."""
    if not written.isprintable():
        return "has a line break or another character that can't be seen"
    found = getaddresses([written])
    if len(found) != 1 or written.count("@") != 1:
        return "must be exactly one address, such as ada@example.com"
    name, plain = found[0]
    if not plain.isascii():
        return "has letters beyond ASCII; write its domain as xn--..."
    if written not in {plain, f"<{plain}>"} and not (name and written.endswith(f"<{plain}>")):
        return "can't be read in one way only; write it as ada@example.com"
    matched = _ADDRESS.fullmatch(plain)
    if matched is None or ".." in plain or plain.startswith(".") or matched["local"].endswith("."):
        return "is no plain address, such as ada@example.com"
    return ""


def _is_writable(text: str) -> bool:
    return all(each.isprintable() or each in "\n\t\u200d\u00a0" for each in text)


# Found again


def key(once: str) -> str:
    """Gives what stands for an effect's business key where others see it."""
    return hashlib.sha256(once.encode()).hexdigest()[:32]


def message_id(mail: Mail, once: str) -> str:
    """Gives the Message-ID, the same for the same business key."""
    return f"<handbook-flows.{key(once)}@{address(mail.sender).domain.lower()}>"


def to_bytes(mail: Mail, once: str) -> bytes:
    """Gives the mail as RFC 5322 has it."""
    built = EmailMessage()
    built["From"] = address(mail.sender)
    built["To"] = address(mail.to)
    if mail.cc:
        built["Cc"] = [address(each) for each in mail.cc]
    if mail.reply_to:
        built["Reply-To"] = address(mail.reply_to)
    built["Subject"] = mail.subject
    built["Message-ID"] = message_id(mail, once)
    built[MARK] = key(once)
    built.set_content(mail.text)
    return built.as_bytes(policy=SMTP)


def is_ours(mail: Mail, once: str, headers: Mapping[str, str]) -> bool:
    """Says whether headers, by small names, are those of this very mail."""
    ids = {headers.get(name.lower(), "").strip() for name in ("Message-ID", ORIGINAL_ID)}
    return headers.get(MARK.lower(), "").strip() == key(once) or message_id(mail, once) in ids


def is_alike(mail: Mail, headers: Mapping[str, str]) -> bool:
    """Says whether headers, by small names, are of a mail to the same person with the same subject, without our mark.

    Gmail writes a draft anew when a person sends it, and drops the mark. With another mark it is another mail of ours.
    """
    if headers.get(MARK.lower()):
        return False
    to = [plain.lower() for _, plain in getaddresses([headers.get("to", "")])]
    subject = str(make_header(decode_header(headers.get("subject", ""))))
    return to == [address(mail.to).addr_spec.lower()] and subject.split() == mail.subject.split()
