"""Mails: one recipient, headers that nothing can be smuggled into, and a mark by which they are found again."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.customer import Refused
from policies.mail import MARK, Mail, is_alike, is_ours, key, message_id, to_bytes

GOOD: dict[str, Any] = {
    "sender": "Kathy <kathy@fleetdm.com>",
    "to": "robin@quillfeather.example",
    "subject": "Your application: Product Designer",
    "text": "Hi Robin,\n\nthank you for your interest.\n",
}
ONCE = "respond-to-job-application/c1/mail"


def mail_with(**changed: Any) -> Mail:
    return Mail(**GOOD | changed)


def read(mail: Mail, once: str = ONCE) -> Any:
    return message_from_bytes(to_bytes(mail, once), policy=policy.default)


def test_a_mail_says_who_writes_to_whom_and_about_what() -> None:
    mail = Mail(**GOOD, cc=("people@fleetdm.com", "Zay <zay@fleetdm.com>"), reply_to="kathy@fleetdm.com")
    found = read(mail)
    assert found["From"] == "Kathy <kathy@fleetdm.com>"
    assert [each.addr_spec for each in found["To"].addresses] == ["robin@quillfeather.example"]
    assert [each.addr_spec for each in found["Cc"].addresses] == ["people@fleetdm.com", "zay@fleetdm.com"]
    assert found["Reply-To"] == "kathy@fleetdm.com"
    assert found["Subject"] == GOOD["subject"]
    assert found.get_content().splitlines() == GOOD["text"].splitlines()
    assert to_bytes(mail, ONCE).count(b"\n") == to_bytes(mail, ONCE).count(b"\r\n")


def test_the_same_key_gives_the_same_bytes_and_another_key_another_mark() -> None:
    mail = Mail(**GOOD)
    assert to_bytes(mail, ONCE) == to_bytes(mail, ONCE)
    assert read(mail)[MARK] == key(ONCE) != read(mail, "another")[MARK]
    assert read(mail)["Message-ID"] == message_id(mail, ONCE) != message_id(mail, "another")


SMUGGLED = {
    "a line break and a header": "a@example.com\r\nBcc: z@example.com",
    "a bare line feed": "a@example.com\nBcc: z@example.com",
    "a bare carriage return": "a@example.com\rBcc: z@example.com",
    "Unicode's line separator": "a@example.com\u2028Bcc: z@example.com",
    "two addresses": "a@example.com, b@example.com",
    "two addresses with a semicolon": "a@example.com; b@example.com",
    "a group": "everybody: a@example.com, b@example.com;",
    "a quoted local part without a domain": '"x"@y',
    "a quoted local part": '"x y"@example.com',
    "an address in a comment": "a@example.com (b@example.com)",
    "two readings": "alice@example.org)bob@example.com",
    "a route": "<@example.org:a@example.com>",
    "no domain": "robin",
    "half a domain": "robin@quillfeather",
    "dots": "a..b@example.com",
    "a look-alike domain": "robin@qu\u0456llfeather.example",
    "a direction mark": "a@example.com\u202e",
    "an address as the name": '"ceo@fleetdm.com" <a@example.com>',
    "nothing": "",
    "a lone surrogate": "a\ud800@example.com",
}


@pytest.mark.parametrize("field", ["sender", "to", "cc", "reply_to"])
@pytest.mark.parametrize("written", SMUGGLED.values(), ids=SMUGGLED)
def test_what_is_not_exactly_one_plain_address_is_refused_without_showing_it(field: str, written: str) -> None:
    if field == "reply_to" and not written:
        return  # none is needed
    wrong = (written,) if field == "cc" else written
    with pytest.raises(Refused) as refused:
        mail_with(**{field: wrong})
    assert not written or written not in str(refused.value)


@pytest.mark.parametrize(
    "written", ["", "  ", "Hello\r\nBcc: z@example.com", "a\nb", "x" * 201, "\u202eolleH", "\ud800"]
)
def test_a_subject_is_one_line_that_can_be_seen(written: str) -> None:
    with pytest.raises(Refused, match="subject"):
        mail_with(subject=written)


@pytest.mark.parametrize("written", ["", "\n", "x" * 100_001, "\x00", "\x1b[31m", "\u202eolleH", "\ud800"])
def test_a_text_can_be_seen_as_a_whole(written: str) -> None:
    with pytest.raises(Refused, match="text"):
        mail_with(text=written)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        Mail("nobody", "nobody", "", "")
    assert all(word in str(refused.value) for word in ("sender", "recipient", "subject", "text"))


def test_a_mail_shows_nothing_of_itself() -> None:
    assert repr(Mail(**GOOD)) == "Mail()"


@given(subject=st.text(max_size=60), name=st.text(max_size=30), text=st.text(min_size=1, max_size=200))
def test_whatever_is_taken_arrives_as_it_is_with_no_header_more(subject: str, name: str, text: str) -> None:
    try:
        mail = mail_with(subject=subject, to=f"{name} <robin@quillfeather.example>", text=text)
    except Refused:
        return
    found = read(mail)
    assert str(found["Subject"]).split() == subject.split()
    assert [each.addr_spec for each in found["To"].addresses] == ["robin@quillfeather.example"]
    assert set(found.keys()) <= {
        *("From", "To", "Subject", "Message-ID", MARK, "Content-Type", "Content-Transfer-Encoding", "MIME-Version")
    }
    assert found.get_content().split() == text.split()


# Found again


def headers(mail: Mail, once: str = ONCE, **changed: str) -> dict[str, str]:
    found = {name.lower(): str(value) for name, value in read(mail, once).items()}
    return {name: value for name, value in (found | changed).items() if value}


def test_a_mail_is_known_by_its_mark_or_its_message_id() -> None:
    mail, gone = Mail(**GOOD), {MARK.lower(): "", "message-id": "<CA1@mail.gmail.com>"}
    assert is_ours(mail, ONCE, headers(mail))
    assert is_ours(mail, ONCE, headers(mail, **{"message-id": "<CA1@mail.gmail.com>"}))
    assert is_ours(mail, ONCE, headers(mail, **gone, **{"x-google-original-message-id": f" {message_id(mail, ONCE)}"}))
    assert not is_ours(mail, ONCE, headers(mail, **gone))
    assert not is_ours(mail, "another", headers(mail))


def test_a_mail_that_a_person_sent_is_known_by_recipient_and_subject() -> None:
    mail, by_hand = Mail(**GOOD), {MARK.lower(): ""}
    assert is_alike(mail, headers(mail, **by_hand))
    assert is_alike(mail, headers(mail, **by_hand, subject="=?utf-8?q?Your_application=3A_Product_Designer?="))
    assert is_alike(mail, headers(mail, **by_hand, to="Robin <ROBIN@quillfeather.example>"))
    assert not is_alike(mail, headers(mail, **by_hand, to="robin@quillfeather.example, b@example.com"))
    assert not is_alike(mail, headers(mail, **by_hand, subject="Re: Your application"))
    assert not is_alike(mail, headers(mail, "another"))
