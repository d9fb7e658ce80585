"""Summaries of direct messages: where they may be posted, and what must not stand in them."""

from __future__ import annotations

from typing import Any

import pytest

from policies.handbook import Person
from policies.support import direct_messages as policy

PEOPLE = {
    "ksatter": Person(handle="ksatter", name="Kathy Satterlee", slack="U02AB3CD4"),
    "kc9wwh": Person(handle="kc9wwh", name="", slack="U02AB3CD5"),
}
PLACE = policy.Place("C019WG4GH0A", "help-engineering", False, False, False, True)
CHANNELS = {"help-engineering": "C019WG4GH0A", "g-engineering": ""}


def summary(**fields: Any) -> policy.Summary:
    told = {"channel": "help-engineering", "author": "ksatter", "summary": "We corrected two settings."}
    return policy.Summary(**{**told, **fields})


def place(**info: Any) -> policy.Place:
    return policy.Place.of({"id": "C019WG4GH0A", "name": "help-engineering", "is_member": True, **info})


@pytest.mark.parametrize(
    ("given", "channel"),
    [
        ("help-engineering", "C019WG4GH0A"),
        (" #help-engineering ", "C019WG4GH0A"),
        ("C0SANDBOX01", "C0SANDBOX01"),
        ("https://fleetdm.slack.com/archives/C0SANDBOX01", "C0SANDBOX01"),
        ("https://fleetdm.slack.com/archives/C0SANDBOX01/p1763900000000100", "C0SANDBOX01"),
        ("g-engineering", ""),
        ("D0SANDBOX01", ""),
        ("somewhere", ""),
        ("", ""),
    ],
    ids=[
        "a name of ours",
        "with its mark",
        "an id",
        "an address",
        "a message's address",
        "a name without an id yet",
        "a direct message",
        "a name of none",
        "nothing",
    ],
)
def test_the_channel_is_found_by_name_id_or_address(given: str, channel: str) -> None:
    assert policy.channel_id(given, CHANNELS) == channel


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({}, PLACE, ""),
        ({"summary": " "}, PLACE, "It is not said what was talked about."),
        ({"summary": "x" * 2_001}, PLACE, "has 2001 characters"),
        ({"summary": "the password is hunter2"}, PLACE, "The run keeps what was typed: delete the run"),
        ({"reason": "token: abc-123-def"}, PLACE, "The reason seems to hold"),
        ({"author": "nobody"}, PLACE, '"nobody" is not among [people]'),
        ({}, None, 'no channel "help-engineering"'),
        ({}, place(is_archived=True), "#help-engineering is archived."),
        ({}, place(is_member=False), "Our app is not in #help-engineering."),
    ],
    ids=[
        "a summary",
        "an empty one",
        "a long one",
        "a secret",
        "a secret reason",
        "a stranger",
        "no channel",
        "an archived channel",
        "a channel without our app",
    ],
)
def test_a_summary_that_cannot_be_posted_says_why(
    fields: dict[str, str], where: policy.Place | None, says: str
) -> None:
    problems = policy.reasons_not_to_post(summary(**fields), where, PEOPLE)
    assert len(problems) == bool(says)
    assert says in "".join(problems)


@pytest.mark.parametrize(
    ("info", "hides"),
    [
        ({"is_private": False}, True),
        ({"is_private": True, "is_ext_shared": True}, True),
        ({"is_private": True}, False),
    ],
    ids=["a channel that all can join", "a channel shared with a customer", "a private channel of ours"],
)
def test_names_are_hidden_where_others_read(info: dict[str, bool], hides: bool) -> None:
    assert place(**info).hides_names is hides


def test_the_channel_reads_who_sums_up_why_and_what() -> None:
    shown = policy.message(summary(reason="it held addresses"), PEOPLE)
    assert shown.sentences == [
        "Kathy Satterlee sums up a direct message. It was needed because: it held addresses",
        "We corrected two settings.",
    ]
    assert policy.message(summary(author="KC9WWH"), PEOPLE).sentences[0] == "kc9wwh sums up a direct message."


def test_the_same_words_in_the_same_channel_are_one_summary() -> None:
    key = policy.summary_key(summary(), "C1")
    assert policy.summary_key(summary(summary=" We corrected two settings.", author="@KSatter"), "C1") == key
    others = [(summary(), "C2"), (summary(author="kc9wwh"), "C1"), (summary(summary="Other"), "C1")]
    assert key not in [policy.summary_key(*each) for each in others]
    assert "settings" not in key


def test_the_run_shows_the_link_and_not_the_words() -> None:
    shown = policy.summarised(PLACE, "https://link").markdown()
    assert "https://link" in shown
    assert "settings" not in shown
