"""Minor planets as codenames, case by case."""

from __future__ import annotations

from itertools import islice

import pytest

from policies import minor_planets
from policies.confidentiality import Confidential
from tasks.minor_planets import names

PLANETS = (
    "Ceres",
    "Pallas",
    "Juno",
    "Io",
    "Hitler",
    "Tesla",
    "Cap",
    "Academia",
    "Van Gogh",
    "1950 DA",
    "Constantinople",
)
CUSTOMERS = [Confidential("Pallas Athletics"), Confidential("Cérès Foods, Inc."), Confidential("The Akademia Group")]


def reasons(name: str, taken: tuple[str, ...] = (), blocked: tuple[str, ...] = ()) -> str:
    found = minor_planets.reasons_against(name, planets=PLANETS, taken=taken, customer_names=CUSTOMERS, blocked=blocked)
    return " ".join(found)


def test_an_appropriate_planet_has_no_reason_against_it_however_it_is_written() -> None:
    assert [reasons(name) for name in ("Juno", "juno", " JUNO ")] == ["", "", ""]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Nosuchplanet", "is no minor planet"),
        ("", "is no minor planet"),
        ("Io", "4 to 12 plain letters"),
        ("Constantinople", "4 to 12 plain letters"),
        ("Van Gogh", "4 to 12 plain letters"),
        ("1950 DA", "4 to 12 plain letters"),
        ("Tesla", "could offend or mislead"),
        ("Pallas", "close to the name of one of our customers"),
        ("Ceres", "close to the name of one of our customers"),
        ("Academia", "close to the name of one of our customers"),
    ],
    ids=[
        "no planet",
        "nothing",
        "too short",
        "too long",
        "a space",
        "digits",
        "a company's name",
        "a word of a customer's name",
        "the same with accents",
        "nearly a customer's name",
    ],
)
def test_a_planet_that_is_not_appropriate_is_told_why(name: str, said: str) -> None:
    assert said in reasons(name)


def test_a_planet_in_use_is_not_appropriate() -> None:
    assert "is the codename of another account already" in reasons("Juno", taken=("juno",))


def test_operations_may_block_more_names() -> None:
    assert "could offend or mislead" in reasons("Juno", blocked=("juno",))


def test_all_reasons_are_told_and_never_a_customers_name() -> None:
    said = reasons("Pallas", taken=("pallas",), blocked=("pallas",))
    assert said.count("Choose another minor planet.") == 3
    assert "Athletics" not in said


def suggested(account: str, number: int = 40) -> list[str]:
    found = minor_planets.suggestions(account, planets=names()[:3000], taken={"juno"}, customer_names=CUSTOMERS)
    return list(islice(found, number))


def test_suggestions_are_appropriate_and_the_same_each_time_for_one_account() -> None:
    first = suggested("001A")
    assert first == suggested("001A")
    assert first != suggested("001B")
    told = [
        minor_planets.reasons_against(name, planets=names()[:3000], taken={"juno"}, customer_names=CUSTOMERS)
        for name in first
    ]
    assert told == [[]] * len(first)


def test_there_are_planets_enough_for_every_customer() -> None:
    assert sum(minor_planets.is_plain(minor_planets.slug(name)) for name in names()) > 10_000
