"""A customer's real name never reaches a public place."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from bench.leak_guard import (
    CODENAMES,
    DISGUISES,
    NAMES,
    SINKS,
    blocks,
    invented_names,
    known,
    paragraphs,
    sentences,
)
from policies.confidentiality import Confidential, Finding, KnownNames, Leak, PublicText, declassify, scan_request

NAME = "Northwind Traders"
OWNER = "sf-account:001Ux0000000001IAA"
EVERYONE = known()
NORTHWIND = KnownNames([(OWNER, Confidential(NAME)), ("label customer-pallas", Confidential("Contosoft"))])


def names(*given: str, codenames: tuple[str, ...] = ()) -> KnownNames:
    return KnownNames([(f"sf-account:{at}", Confidential(name)) for at, name in enumerate(given)], codenames)


# -- Confidential


class Form(BaseModel):
    customer: Confidential[str]


@dataclass(frozen=True)
class Row:
    customer: Confidential[str]


SHOWN: dict[str, Callable[[Confidential[str]], str]] = {
    "str": str,
    "repr": repr,
    "f-string": lambda value: f"{value} {value!r} {value!s} {value:>30}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031
    "in a container": lambda value: str([value, {value: value}]),
    "asdict": lambda value: str(asdict(Row(value))),
    "model": lambda value: f"{Form(customer=value)} {vars(Form(customer=value))}",
    "model as JSON": lambda value: Form(customer=value).model_dump_json(),
    "model as dict": lambda value: str(Form(customer=value).model_dump()),
}


@pytest.mark.parametrize("way", SHOWN)
def test_a_confidential_value_is_shown_as_stars(way: str) -> None:
    text = SHOWN[way](Confidential(NAME))
    assert "***" in text
    assert "Northwind" not in text


def test_a_confidential_value_is_logged_as_stars(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("for %s", Confidential(NAME), extra={"customer": Confidential(NAME)})
    assert caplog.messages == ["for ***"]
    assert NAME not in str(caplog.records[0].__dict__)


@pytest.mark.parametrize("leave", [pickle.dumps, json.dumps, "".join], ids=["pickle", "json", "join"])
def test_a_confidential_value_is_not_turned_into_bytes(leave: Callable[[list[object]], object]) -> None:
    with pytest.raises(TypeError) as refused:
        leave([Confidential(NAME)])
    assert "Northwind" not in str(refused.value)


def test_only_reveal_gives_the_value_and_equal_values_are_equal() -> None:
    assert Confidential(NAME).reveal() == NAME
    assert Confidential(NAME) == Confidential(NAME) != Confidential("Contosoft")
    assert Confidential(NAME) != NAME, "A comparison with plain text would let people guess."
    assert len({Confidential(NAME), Confidential(NAME)}) == 1
    assert copy.deepcopy(Confidential([1])).reveal() == [1]


def test_a_confidential_value_does_not_change() -> None:
    with pytest.raises(AttributeError, match="Make another one"):
        Confidential(NAME)._value = "Contosoft"  # type: ignore[misc]


def test_a_model_takes_bare_and_confidential_values_and_checks_their_type() -> None:
    assert Form(customer=Confidential(NAME)) == Form.model_validate({"customer": NAME})
    assert Form.model_validate_json(json.dumps({"customer": NAME})).customer.reveal() == NAME
    assert TypeAdapter(Confidential[int]).validate_python("7").reveal() == 7
    assert Form.model_json_schema()["properties"]["customer"]["type"] == "string"
    with pytest.raises(ValueError, match="valid string"):
        Form.model_validate({"customer": 7})


# -- PublicText


def test_public_text_is_made_by_declassify_alone() -> None:
    with pytest.raises(TypeError, match=r"made by declassify\(text, names\) alone"):
        PublicText("Codename of a customer")
    assert str(declassify("Customer codename", NORTHWIND)) == "Customer codename"
    assert declassify("a", NORTHWIND) == declassify("a", NORTHWIND) != "a"


def test_what_is_added_to_public_text_is_plain_text_again() -> None:
    public = declassify("Hosts of ", NORTHWIND)
    assert type(public + NAME) is type(NAME + public) is type(f"{public}{NAME}") is str


def test_public_text_can_be_neither_changed_nor_pickled() -> None:
    public = declassify("a", NORTHWIND)
    with pytest.raises(AttributeError, match="Declassify another text"):
        public._text = NAME  # type: ignore[misc]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(public)
    assert copy.deepcopy(public) is public


def test_a_leak_says_whose_name_stands_where_and_what_to_do_but_never_the_name() -> None:
    with pytest.raises(Leak) as leak:
        declassify("Agenda\n\nRenewal with Northwind Traders in May, contosoft.com too", NORTHWIND)
    message = str(leak.value)
    assert isinstance(leak.value, ValueError)
    assert f"that of {OWNER} at character 21 in line 3;" in message
    assert "that of label customer-pallas at character 47 in line 3" in message
    assert "Nothing was sent. Write the codename label instead" in message
    for word in ("northwind", "traders", "contosoft", "renewal", "agenda", "may"):
        assert word not in message.lower()


def test_a_leak_in_a_request_says_which_part_and_which_disguise() -> None:
    with pytest.raises(Leak, match=r"The address of a public PATCH request .* in escapes or percent-encoding\."):
        scan_request("PATCH", "/repos/fleetdm/fleet/labels/north%77ind", b"", NORTHWIND)
    with pytest.raises(Leak, match=r"The body of a public POST request .* at character 10 in line 1, in base64\."):
        scan_request("POST", "/", b'{"body": "Tm9ydGh3aW5kIFRyYWRlcnM="}', NORTHWIND)
    scan_request("POST", "/repos/fleetdm/fleet/labels", b'{"name": "customer-pallas"}', NORTHWIND)


def test_a_long_list_of_leaks_is_cut() -> None:
    with pytest.raises(Leak, match=r"; and 15 more\."):
        declassify(f"{NAME}. Then " * 20, NORTHWIND)


# -- where


@pytest.mark.parametrize(
    "text",
    [
        "See |Northwind Traders|.",
        "NORTH\u200bWIND: see |north\u200bwind_traders|.",
        "%41%42 &amp; \\u0041 |North&#119;ind&nbsp;Tr%61ders|.",
        "a <b>b</b> [x](y) |North<b>wind Tr</b>aders|.",
        "ABCDEFGH12 |Tm9ydGh3aW5kIFRyYWRlcnM|=",
        "ff |4e6f72746877696e642054726164657273| ff",
        "modern ﬁve |Northwind \N{CYRILLIC CAPITAL LETTER TE}raders|",
    ],
)  # fmt: skip
def test_a_finding_says_where_the_name_stands_in_the_text_as_given(text: str) -> None:
    before, _, rest = text.partition("|")
    hidden, _, after = rest.rpartition("|")
    (*_, found) = NORTHWIND.find(before + hidden + after)
    assert (found.owner, found.start, found.end) == (OWNER, len(before), len(before + hidden))


def test_each_occurrence_is_found_once_in_the_order_of_the_text() -> None:
    found = NORTHWIND.find(f"Contosoft and {NAME} and Contosoft")
    assert [finding.owner for finding in found] == ["label customer-pallas", OWNER, "label customer-pallas"]
    assert found[1] == Finding(OWNER, 14, 14 + len(NAME), "")


def test_a_name_of_two_records_is_told_for_both() -> None:
    both = names(NAME, NAME)
    assert [finding.owner for finding in both.find(NAME)] == ["sf-account:0", "sf-account:1"]


def test_bytes_that_are_not_utf8_are_read_all_the_same() -> None:
    assert names("Åkerström").find("für Åkerström".encode("latin-1"))


# -- what is found


@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_name_is_found_in_every_disguise(disguise: str) -> None:
    text = "\n\n".join(f"Reported by {DISGUISES[disguise](name)} today" for name in NAMES)
    found = {finding.owner for finding in EVERYONE.find(text)}
    assert [name for at, name in enumerate(NAMES) if f"sf-account:{at}" not in found] == []


@pytest.mark.parametrize(("at", "sink"), list(enumerate(SINKS)), ids=SINKS)
def test_every_kind_of_request_is_looked_through(at: int, sink: str) -> None:
    for disguise, name in list(zip(DISGUISES, cycle(NAMES), strict=False))[at :: len(SINKS)]:
        assert blocks(SINKS[sink](DISGUISES[disguise](name)), names(name)), (name, disguise)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("The Brackenridge Company, Inc.", "at Brackenridge"),
        ("Marlowe & Daughters", "marlowe and daughters"),
        ("Marlowe and Daughters", "Marlowe & Daughters"),
        ("Harper and Daughters", "harper-daughters"),
        ("7 Seas Analytics", "7SeasAnalytics"),
        ("Grüntal Bau", "gruental-bau.de"),
        ("O'Halloran Freight", "OHalloran"),
        ("Bank of Fenwarren", "Fenwarren's hosts"),
        ("Codename for Fenwarren", "Fenwarren's hosts"),
        ("Vexlora", "vexlora01, theVexloraTeam"),
        ("Vexlora", "two Vexloras"),
        ("Contosoft", "vpncontosoftprod"),
        ("Granite Harbor Bank", "granite harbor bank"),
        ("Box Inc.", "box inc"),
        ("Meridian Ltd", "the meridian-ltd tenant"),
        ("Meridian", "with M\u200beridian's hosts"),
        ("IBX", "`IBX`"),
        ("A&B", "with A & B"),
        ("3M", "3M's hosts"),
        ("X Corp", "x-corp's hosts"),
        ("Lumina", "Lumina-prod"),
    ],
)
def test_a_name_is_found_as_people_write_it(name: str, text: str) -> None:
    assert names(name).find(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Meridian", "the meridian, MERIDIAN and Meridians"),
        ("Target Inc", "target hosts"),
        ("IBX", "ibx, IBXX, 7IBX"),
        ("A&B", "a and b"),
        ("Granite Harbor Bank", "granite, a harbor and a bank"),
        ("Open Systems", "It is open. Systems start"),
        ("Open Systems", "softwareopen systems"),
        ("Ares Tech", "softwares technical"),
        ("Infour", "it fails in four hosts"),
        ("Lumina", "to illuminate luminaries"),
        ("Illio", "port 11110 and 1.1.1.10"),
        ("Northwind Traders", "north windows, and traders"),
        ("Northwind Traders", "NT, N.T."),
        ("NASA Logistics", "NASA and nasa"),
        ("Lewis Robotics", "Jason Lewis"),
        ("1 2 3 4 Inc", "5 6 7 8"),
        ("", "anything"),
        ("X Corp", "an X on the map"),
        ("&", "a & b"),
    ],
)
def test_what_only_resembles_a_name_is_let_through(name: str, text: str) -> None:
    assert names(name).find(text) == []


def test_a_minor_planet_in_use_is_no_customers_name() -> None:
    customers = ("Pallas Athletics", "Juno")
    public = "customer-pallas and prospect-juno see it, pallas too"
    assert len(names(*customers).find(public)) == 3
    assert names(*customers, codenames=CODENAMES).find(public) == []
    assert len(names(*customers, codenames=CODENAMES).find("Juno, pallas-athletics")) == 2


def test_everyday_text_is_let_through() -> None:
    texts = paragraphs() + random.Random(1).sample(sentences(), 60)
    text = "\n\n".join(texts)
    assert [text[found.start - 20 : found.end + 20] for found in EVERYONE.find(text)] == []


def test_a_hostile_text_of_nested_escapes_ends() -> None:
    assert invented_names(3).find("%25" * 500 + "\\" * 500 + "&amp;" * 500 + "[](" * 500 + "<!--" * 500) == []


# -- any name, any disguise on any disguise

LETTERS = (
    "as it is", "upper case", "lower case", "mathematical letters", "full-width letters", "look-alikes, set 2",
    "zero-width space", "soft hyphen", "right-to-left mark", "decomposed accents (NFD)",
)  # fmt: skip
MARKS = (
    "as it is",
    "bold",
    "link in the middle",
    "HTML tag",
    "HTML comment",
    "line break",
    "underscores",
    "possessive",
)
CODES = (
    "as it is", "HTML entities", "percent-encoding", "percent-encoding twice", "JSON escapes", "base64",
    "base64, 2 before", "base64, URL-safe", "hexadecimal", "hexadecimal of base64",
)  # fmt: skip
AROUND = st.text(alphabet="eirst ,.-*_\n09'\"<>&%\\/[]", max_size=30).map(lambda text: f" {text} ")
INVENTED = [
    f"{one}{two} {last}" for one in ("Kest", "Zyph", "Łod") for two in ("ovia", "mora") for last in ("Works", "Bröd")
]


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(
    st.sampled_from(INVENTED), st.sampled_from(LETTERS), st.sampled_from(MARKS), st.sampled_from(CODES), AROUND, AROUND
)  # fmt: skip
def test_any_name_in_any_disguise_on_any_disguise_is_found(
    name: str, letters: str, mark: str, code: str, before: str, after: str
) -> None:
    hidden = DISGUISES[code](DISGUISES[mark](DISGUISES[letters](name)))
    assert names(name).find(f"{before}\n{hidden}\n{after}"), hidden


@settings(max_examples=50, deadline=None, database=None, derandomize=True)
@given(st.text(max_size=12) | st.sampled_from(["X Co", "3 Inc", "The", "&", "İß ﬃ", "{a}", "x{2}.*[", "\\"]), AROUND)
def test_any_text_may_be_a_customers_name(name: str, around: str) -> None:
    for finding in names(name).find(f"{around}{name}{around}"):
        assert 0 <= finding.start < finding.end <= len(f"{around}{name}{around}")


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(AROUND, AROUND)
def test_text_without_the_name_is_let_through(before: str, after: str) -> None:
    assert names("Kestovia Works", "Zyphmora").find(f"{before} works {after}") == []
