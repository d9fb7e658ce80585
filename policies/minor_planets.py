"""Which minor planet may become a codename.

Handbook: customer-success#assign-a-customer-codename
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from policies.confidentiality import Confidential
from policies.letters import bare

# "The team member creating the issue will choose an appropriate minor planet name"
SHORTEST, LONGEST = 4, 12  # letters: short enough to say, long enough not to be a word in passing
# A codename this close to a name would give it away. 80 of 100 in rapidfuzz is "dallas" for "Pallas" or "corvan"
# for "Corvantis"; at 75 strangers come in, such as "cranbrook" for "Tarnbrook".
TOO_CLOSE = 80

# Names of the list that stand for a god, a state, a company, an evil, or something of ours.
BLOCKED = frozenset(
    """
    bacchus guest intel isis israel linux lucifer nasa nemesis nobel osiris pluto reich russia taiwan tesla toyota
    vishnu zeus
    """.split()
)


def slug(name: str) -> str:
    """Gives a name as a label holds it: small letters, no spaces around."""
    return name.strip().lower()


def reasons_against(
    name: str,
    *,
    planets: Sequence[str],
    taken: Collection[str],
    customer_names: Collection[Confidential[str]],
    blocked: Collection[str] = (),
) -> list[str]:
    """Gives every reason why a wished name can't be a codename, each with what to do; none when it can.

    taken: planets in use under `customer-` or `prospect-` or reserved. blocked: names beside the ones blocked here.
    """
    planet = slug(name)
    if planet not in _known(tuple(planets)):
        return [f'"{name}" is no minor planet of the list that the handbook names. Choose one from it.']
    return [reason for reason in _objections(planet, taken, customer_names, blocked) if reason]


def _objections(
    planet: str, taken: Collection[str], customer_names: Collection[Confidential[str]], blocked: Collection[str]
) -> Iterator[str]:
    if not is_plain(planet):
        yield f'"{planet}" must have {SHORTEST} to {LONGEST} plain letters. Choose another minor planet.'
    if planet in taken:
        yield f'"{planet}" is the codename of another account already. Choose another minor planet.'
    if planet in BLOCKED or planet in blocked:
        yield f'"{planet}" could offend or mislead. Choose another minor planet.'
    if is_close_to_a_customer(planet, customer_names):
        yield f'"{planet}" is close to the name of one of our customers. Choose another minor planet.'


def is_plain(planet: str) -> bool:
    """Says whether a name has 4 to 12 letters and nothing else."""
    return re.fullmatch(rf"[a-z]{{{SHORTEST},{LONGEST}}}", planet) is not None


def is_close_to_a_customer(planet: str, customer_names: Iterable[Confidential[str]]) -> bool:
    """Says whether a planet stands in a customer's name, or is nearly a word of one or all of it."""
    return any(
        planet in whole
        or fuzz.ratio(planet, whole) >= TOO_CLOSE
        or any(fuzz.ratio(planet, w) >= TOO_CLOSE for w in words)
        for whole, words in map(_words, customer_names)
    )


@lru_cache(maxsize=65536)
def _words(name: Confidential[str]) -> tuple[str, tuple[str, ...]]:
    """Gives a customer's name as bare letters, and its words."""
    words = tuple(letters for word in name.reveal().split() if (letters := bare(word)))
    return "".join(words), tuple(word for word in words if len(word) >= SHORTEST)


@lru_cache(maxsize=2)
def _known(planets: tuple[str, ...]) -> frozenset[str]:
    return frozenset(slug(planet) for planet in planets)


def suggestions(
    account_id: str,
    *,
    planets: Sequence[str],
    taken: Collection[str],
    customer_names: Collection[Confidential[str]],
    blocked: Collection[str] = (),
) -> Iterator[str]:
    """Gives every appropriate planet, in an order that looks random and is always the same for one account."""
    ordered = sorted(filter(is_plain, _known(tuple(planets))), key=lambda planet: _lot(account_id, planet))
    return (planet for planet in ordered if not any(_objections(planet, taken, customer_names, blocked)))


def _lot(account_id: str, planet: str) -> bytes:
    return hashlib.blake2b(f"{account_id}/{planet}".encode(), digest_size=8).digest()
