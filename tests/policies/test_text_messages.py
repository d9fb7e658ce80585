"""Text messages: letters that every phone shows, a length that fits, a code to find them again by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.text_messages import LONGEST, acknowledged, code, gsm7, key, room, words

ONCE = "start-emergency-request/C1/1.2/P0/text/zayhanlon"
LINK = "https://fleetdm.slack.com/archives/C0SANDBOX01/p1767225600000100"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Can\u2019t log in \u2014 \u201chelp\u201d\u2026", 'Can\'t log in - "help"...'),
        ("Zo\u00eb \u0141ukasz \u00e9t\u00e9", "Zoe ?ukasz été"),
        ("fire \U0001f525\U0001f525 now", "fire ? now"),
        ("\U0001f469\u200d\U0001f4bb", "?"),
        ("a\u202eb\u0000c\u200bd", "abcd"),
        ("a\tb\u00a0c", "a b c"),
        ("\u65e5\u672c", "?"),
        ("line\nline", "line\nline"),
    ],
    ids=["typographic", "accents", "emoji", "joined emoji", "unseen", "blanks", "another script", "lines"],
)
def test_a_text_is_written_in_letters_that_every_phone_shows(written: str, shown: str) -> None:
    assert gsm7(written) == shown


def test_the_code_and_the_link_stand_at_the_end() -> None:
    assert words(f"P0 from a customer. {LINK}", ONCE) == f"P0 from a customer. {code(ONCE)} {LINK}"
    assert words("P0 from a customer.", ONCE) == f"P0 from a customer. {code(ONCE)}"


def test_a_link_in_the_middle_is_text() -> None:
    assert words(f"See {LINK} now", ONCE).endswith(f"now {code(ONCE)}")


def test_a_long_text_is_cut_and_neither_code_nor_link_is() -> None:
    said = words(f"{'long ' * 100}{LINK}", ONCE)
    assert said.endswith(f"... {code(ONCE)} {LINK}")
    assert room(said.removesuffix(f" {LINK}")) <= LONGEST


def test_characters_that_count_twice_are_counted_twice() -> None:
    assert room("{}") == 4
    assert room(words("{" * 200, ONCE)) <= LONGEST


def test_the_code_is_the_keys_and_says_nothing() -> None:
    assert code(ONCE) == code(ONCE) != code("another")
    assert len(key(ONCE)) == 32
    assert "zayhanlon" not in key(ONCE)


@given(st.text(max_size=400))
def test_whatever_is_said_fits_and_says_its_code(said: str) -> None:
    sent = words(said, ONCE)
    assert code(ONCE) in sent
    assert room(sent.partition(" http")[0]) <= LONGEST or "http" in said
    assert gsm7(sent) == sent


@pytest.mark.parametrize("answer", ["ACK", "ack", " Ack. ", "ACK\n"])
def test_an_answer_that_is_ack_and_nothing_else_acknowledges_the_latest_text(answer: str) -> None:
    assert acknowledged(answer) == ""


@pytest.mark.parametrize("answer", [f"ACK {code(ONCE)}", f"ack {code(ONCE).lower()}.", f"ACK {key(ONCE)[:8].upper()}"])
def test_an_answer_may_name_the_text_by_its_code(answer: str) -> None:
    assert acknowledged(answer) == code(ONCE)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no",
        "Can't, on a plane. Ok to call Luke?",
        "yes",
        "Ack, on my way",
        "No ack",
        "acknowledged",
        "ACK 1234",
        "ACK Ref",
        "STOP",
    ],
)
def test_any_other_answer_acknowledges_nothing(answer: str) -> None:
    assert acknowledged(answer) is None
