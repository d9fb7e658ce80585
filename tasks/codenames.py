"""What is known about codenames, read in bulk, and the reservation of a planet for one account."""

from __future__ import annotations

from collections.abc import Iterator

from policies.customers.customer_codenames import Known, none_left
from settings import handbook
from tasks import github, ledger, minor_planets, runs, salesforce

_SCOPE = "codename"


def known() -> Known:
    """Reads both repositories' codename labels and all account names."""
    return Known(
        confidential=github.confidential.codename_labels(),
        public=github.fleet.codename_labels(),
        reserved=ledger.reserved(_SCOPE),
        planets=minor_planets.names(),
        customer_names=salesforce.account_names().values(),
        blocked=handbook().codenames.blocked,
    )


def reserve(account_id: str, candidates: Iterator[str]) -> str:
    """Gives the account the first planet that no other account holds; the same one every time.

    A dry run reserves nothing.

    Raises:
        policies.customer.Refused: other accounts hold every candidate.
    """
    if runs.current().dry_run:
        held = ledger.reserved(_SCOPE)
        planet = next((planet for planet in candidates if held.get(planet, account_id) == account_id), None)
    else:
        planet = ledger.reserve(_SCOPE, account_id, candidates)
    if planet is None:
        raise none_left(account_id)
    return planet
