"""A customer is known by each of their names, and by none that could be another's."""

from __future__ import annotations

import pytest

from policies.confidentiality import Confidential
from policies.customer import Account, Label
from policies.customer_directory import Directory, Entry

ACME, OTHER = "001Ux00000000a1IAA", "001Ux00000000a2IAA"


def label(name: str, description: str) -> Label:
    return Label(name, Confidential(description), f"https://labels/{name}")


def account(id: str, name: str, codename: str) -> Account:
    return Account(id, Confidential(name), codename, "Jason Lewis", f"https://accounts/{id}")


DIRECTORY = Directory(
    [label("customer-juno", "Quillfeather Logistics, Inc."), label("prospect-hebe", "Marblewick")],
    [account(ACME, "Quillfeather Logistics", "customer-juno")],
    {ACME: Confidential("Quillfeather Logistics"), OTHER: Confidential("Tansyford Optics")},
)
JUNO = Entry("customer-juno", ACME, "Jason Lewis")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Quillfeather Logistics", JUNO),
        ("quillfeather  logistics", JUNO),
        ("Quillfeather Logistics, Inc.", JUNO),
        ("The Quillfeather Logistics LLC", JUNO),
        ("Marblewick", Entry("prospect-hebe")),
        ("Tansyford Optics", Entry(account=OTHER)),
        ("Quillfeather", Entry()),
        ("", Entry()),
    ],
    ids=[
        "as in Salesforce",
        "other capitals and spaces",
        "as on the label",
        "another form of company",
        "a label without an account",
        "an account without a label",
        "a part of the name is another name",
        "no name",
    ],
)
def test_a_real_name_leads_to_the_codename_or_the_account(name: str, entry: Entry) -> None:
    assert DIRECTORY.named(Confidential(name)) == entry


def test_a_name_that_two_customers_have_leads_to_neither() -> None:
    twins = Directory([label("customer-juno", "Acme Inc"), label("customer-hebe", "Acme GmbH")], [], {})
    assert twins.named(Confidential("Acme")) == Entry()
    assert twins.named(Confidential("Acme GmbH")) == Entry("customer-hebe")


def test_a_prospect_who_has_become_a_customer_is_one_customer() -> None:
    half = Directory([label("customer-juno", "Acme")], [account(ACME, "Acme", "prospect-juno")], {})
    assert half.named(Confidential("Acme")) == Entry("customer-juno", ACME, "Jason Lewis")
    assert half.labelled("prospect-juno") == half.labelled(" Customer-Juno ")
    assert half.has_label("prospect-juno")
    assert not half.has_label("customer-hebe")
