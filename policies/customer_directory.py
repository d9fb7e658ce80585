"""Knows a customer by any of their names: codename label, account in Salesforce, customer in Unthread.

Real names come in and stay in: what goes out is a codename, an account's id, and who owns the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policies.confidentiality import Confidential
from policies.customer import Account, Label
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
        labelled = [(label.description, label.name.lower()) for label in labels]
        labelled += [(account.name, account.github_label.lower()) for account in accounts]
        self._codenames = _index(labelled)
        self._accounts = _index((name, account) for account, name in names.items())
        self._of_codename = {account.github_label.lower(): account for account in accounts}
        self._labels = {label.name.lower() for label in labels}

    def labelled(self, codename: str) -> Entry:
        """Gives the customer with a codename label."""
        label = codename.strip().lower()
        account = self._of_codename.get(label)
        return Entry(label, account.id, account.owner) if account else Entry(label)

    def named(self, name: Confidential[str]) -> Entry:
        """Gives the customer with a real name. "Acme, Inc." is "Acme" too, unless there are two of them."""
        if codename := _only(self._codenames, name):
            return self.labelled(codename)
        return Entry(account=_only(self._accounts, name))

    def has_label(self, codename: str) -> bool:
        """Says whether the confidential repository knows whom a codename label stands for."""
        return codename.strip().lower() in self._labels


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
