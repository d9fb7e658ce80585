"""Knows a customer by any of their names: codename label, account in Salesforce, customer in Unthread.

Real names come in and stay in: what goes out is a codename, an account's id, and who owns the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policies.confidentiality import Confidential
from policies.customer import Account, Label
from policies.customers.customer_codenames import planet_of
from policies.name_forms import core

_Index = Mapping[tuple[str, ...], set[str]]


@dataclass(frozen=True)
class Entry:
    """A customer, without their name. codename: the label. Each is "" where there is none, or more than one fits."""

    codename: str = ""
    account: str = ""
    owner: str = ""  # the account owner's name


class Directory:
    """Every customer that GitHub's labels and Salesforce know.

    labels: codenames of the confidential repository, described by the names. accounts: those with a codename.
    names: of all accounts, by id.
    """

    def __init__(
        self, labels: Sequence[Label], accounts: Sequence[Account], names: Mapping[str, Confidential[str]]
    ) -> None:
        labelled = [(label.description, planet_of(label.name)) for label in labels]
        labelled += [(account.name, planet_of(account.github_label)) for account in accounts]
        self._planets = _index((name, planet) for name, planet in labelled if planet)
        self._accounts = _index((name, account) for account, name in names.items())
        self._of_planet = {planet_of(account.github_label): account for account in accounts}
        self._labels = {planet_of(label.name): label.name.lower() for label in labels}

    def labelled(self, codename: str) -> Entry:
        """Gives the customer with a codename label. A prospect who has become a customer is found by either label."""
        planet = planet_of(codename.strip())
        label, account = self._labels.get(planet), self._of_planet.get(planet)
        if account:
            return Entry(label or account.github_label.lower(), account.id, account.owner)
        return Entry(label or codename.strip().lower())

    def named(self, name: Confidential[str]) -> Entry:
        """Gives the customer with a real name. "Acme, Inc." is "Acme" too, unless there are two of them."""
        if planet := _only(self._planets, name):
            return self.labelled(f"customer-{planet}")
        return Entry(account=_only(self._accounts, name))

    def has_label(self, codename: str) -> bool:
        """Says whether the confidential repository knows whom a codename label stands for."""
        return planet_of(codename.strip()) in self._labels


def _index(pairs: Iterable[tuple[Confidential[str], str]]) -> _Index:
    """Gives what each name stands for, by the whole name and by what of it tells."""
    found: dict[tuple[str, ...], set[str]] = {}
    for name, meant in pairs:
        for spelling in {_whole(name), core(name.reveal())} - {()}:
            found.setdefault(spelling, set()).add(meant)
    return found


def _only(index: _Index, name: Confidential[str]) -> str:
    """Gives the one that a name stands for, "" when that is none or several."""
    found = index.get(_whole(name), set())
    if len(found) != 1:
        found = index.get(core(name.reveal()), set())
    return next(iter(found)) if len(found) == 1 else ""


def _whole(name: Confidential[str]) -> tuple[str, ...]:
    text = " ".join(name.reveal().casefold().split())
    return (text,) if text else ()
