"""Every customer's real name that we know of, and the one door to public text."""

from __future__ import annotations

from functools import cache

from policies.confidentiality import KnownNames, PublicText, declassify
from policies.customers.customer_codenames import planet_of
from tasks import github, salesforce


@cache
def known_names() -> KnownNames:
    """Gives what `read` does, read once a process.

    A run lives in a process of its own, so what it knows is as old as the run.
    """
    return read()


def read() -> KnownNames:
    """Reads the names of all Salesforce accounts and of all confidential codename labels."""
    codenames = github.confidential.codename_labels()
    accounts = [(f"Salesforce account {account}", name) for account, name in salesforce.account_names().items()]
    labels = [(f"label {label.name}", label.description) for label in codenames]
    return KnownNames(accounts + labels, codenames=[planet_of(label.name) for label in codenames])


def public(text: str) -> PublicText:
    """Gives the text as one that may be shown to anybody.

    Raises:
        policies.confidentiality.Leak: it holds a customer's real name.
    """
    return declassify(text, known_names())
