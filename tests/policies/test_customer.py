"""Accounts and what people type to name them."""

from __future__ import annotations

import re

import pytest

from policies.customer import ACCOUNT_PATTERN, Refused, account_id

ID = "001Ux0000000001IAA"
PAGE = f"https://fleetdm.lightning.force.com/lightning/r/Account/{ID}/view"


@pytest.mark.parametrize("text", [ID, ID[:15], f"  {ID} ", PAGE], ids=["18 characters", "15", "with spaces", "address"])
def test_an_account_is_named_by_its_id_or_its_page(text: str) -> None:
    assert re.match(ACCOUNT_PATTERN, text)
    assert account_id(text) == ID


@pytest.mark.parametrize("text", ["Quillfeather Logistics", "", "003Ux0000000001IAA", "001", "https://force.com/x"])
def test_the_form_takes_nothing_else(text: str) -> None:
    assert not re.match(ACCOUNT_PATTERN, text)


def test_a_mistyped_id_is_told_by_its_check_characters() -> None:
    with pytest.raises(Refused, match="its last three characters should be IAA"):
        account_id("001Ux0000000001IAB")


def test_two_ids_are_not_guessed_between() -> None:
    with pytest.raises(Refused, match="2 Salesforce account ids"):
        account_id(f"{ID} or 001Ux0000000002IAA")


def test_checksums_are_salesforces_own() -> None:
    # The example of Salesforce's article on 15- and 18-character ids, and one with every letter small.
    assert account_id("001D000000IRFma") == "001D000000IRFmaIAH"
    assert account_id("001aaaaaaaaaaaa").endswith("AAA")
