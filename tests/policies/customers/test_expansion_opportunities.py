"""Expansion opportunities, case by case."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from policies.confidentiality import Confidential
from policies.customer import Account, Refused
from policies.customers import expansion_opportunities as policy
from policies.handbook import Salesforce

TODAY = date(2026, 11, 23)
ID = "001Ux0000000001IAA"
NAMES = Salesforce.model_construct(
    opportunity_key="Flow_Key__c",
    opportunity_next_step_date="Next_step_date__c",
    opportunity_product="Product__c",
    closed_stages=("Closed won", "Closed lost"),
)
ORG = policy.Org(
    required={"Name": "Name", "StageName": "Stage", "CloseDate": "Close Date"},
    picklists={
        "StageName": policy.Picklist("Stage", ["Discovery", "Scope", "Closed won"]),
        "Type": policy.Picklist("Type", ["New business", "Renewal", "Expansion"]),
        "Product__c": policy.Picklist("Product", ["Fleet Premium", "Fleet Premium MDM"]),
    },
)


def wanted(**changes: Any) -> policy.Expansion:
    said = {
        "account": ID,
        "product": "Fleet Premium MDM",
        "kind": "Host",
        "due_date": "2027-02-15",
        "amount": 42000,
        "stage": "Discovery",
        "next_step": "Agree on hosts",
        "next_step_date": "2026-12-01",
    }
    return policy.Expansion.model_validate(said | changes)


def account(name: str = "ABC Test Company") -> Account:
    return Account(ID, Confidential(name), "", "Jason Lewis", "https://sf/1")


def decide(name: str = "ABC Test Company", org: policy.Org = ORG, **changes: Any) -> policy.Opportunity:
    return policy.opportunity(wanted(**changes), account(name), TODAY, org, NAMES)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"due_date": "2027-02-15"}, "ABCTestCompany_FleetPremiumMDM_HostExpansion_Q12027"),
        (
            {"product": "Fleet Premium", "kind": "PriceIncrease", "due_date": "2027-03-31"},
            "ABCTestCompany_FleetPremium_PriceIncreaseExpansion_Q12027",
        ),
        ({"kind": "Other", "due_date": "2027-12-31"}, "ABCTestCompany_FleetPremiumMDM_Expansion_Q42027"),
    ],
    ids=["ABCTestCompany_FleetPremiumMDM_HostExpansion", "ABCTestCompany_FleetPremium_PriceIncreaseExpansion", "bare"],
)
def test_the_name_follows_the_handbook(changes: dict[str, Any], name: str) -> None:
    assert decide(**changes).name.reveal() == name


@pytest.mark.parametrize(
    ("customer", "part"),
    [("O'Brien & Söhne_GmbH", "OBrienSohneGmbH"), ("7 Seas, Inc.", "7SeasInc")],
    ids=["apostrophe, umlaut, underscore", "digits and punctuation"],
)
def test_an_underscore_space_or_accent_inside_a_part_is_removed(customer: str, part: str) -> None:
    assert decide(customer).name.reveal().split("_")[0] == part


@pytest.mark.parametrize(
    ("day", "quarter"),
    [("2027-01-01", "Q12027"), ("2027-03-31", "Q12027"), ("2027-04-01", "Q22027"), ("2027-12-31", "Q42027")],
)
def test_the_quarter_is_the_calendar_quarter_of_the_due_date(day: str, quarter: str) -> None:
    assert policy.quarter_of(date.fromisoformat(day)) == quarter


def test_the_type_is_expansion_and_the_three_fields_that_a_csm_keeps_are_filled() -> None:
    values = decide().values
    assert values["Type"] == "Expansion"
    assert (values["StageName"], values["NextStep"], values["Next_step_date__c"]) == (
        "Discovery",
        "Agree on hosts",
        "2026-12-01",
    )


def test_the_same_account_product_kind_and_quarter_have_one_key() -> None:
    assert decide().key == decide(amount=1, due_date="2027-03-01").key == f"sf-account:{ID}:FleetPremiumMDM:Host:Q12027"
    assert decide(due_date="2027-04-01").key != decide().key


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ae_assigned": True}, "Hand it over to them in #g-sales"),
        ({"stage": "Negotiating"}, '"Negotiating" is no stage in Salesforce. Choose one of: Discovery, Scope'),
        ({"stage": "Closed won"}, "can't begin in the closed stage"),
        ({"product": "Fleet Ultra"}, '"Fleet Ultra" is no product in Salesforce'),
        ({"product": "---"}, "has no letter or digit"),
        ({"due_date": "2025-03-31", "next_step_date": "2025-03-01"}, "Q12025 is no quarter to come"),
        ({"next_step_date": "2026-11-22"}, "The date of the next step 2026-11-22 is over"),
        ({"next_step_date": "2027-02-16"}, "comes after the due date"),
    ],
    ids=[
        "AE assigned by the CRO",
        "unknown stage",
        "closed stage",
        "unknown product",
        "empty part",
        "bad quarter",
        "next step in the past",
        "next step after the due date",
    ],
)
def test_what_cannot_be_created_is_refused_with_a_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said.replace("?", r"\?")):
        decide(**changes)


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(Refused, match="has no letter or digit that an opportunity's name may hold"):
        decide("株式会社")


def test_a_name_too_long_for_salesforce_is_refused_without_repeating_it() -> None:
    with pytest.raises(Refused, match="Salesforce takes 120") as refused:
        decide("Q" * 110)
    assert "QQQ" not in str(refused.value)


def test_a_field_that_the_org_requires_and_nobody_fills_is_named() -> None:
    org = policy.Org({**ORG.required, "LeadSource": "Lead Source"}, ORG.picklists)
    with pytest.raises(Refused, match=r"requires Lead Source \(LeadSource\)"):
        decide(org=org)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(Refused, match="for 3 reasons"):
        decide(stage="Negotiating", ae_assigned=True, next_step_date="2026-11-01")


@pytest.mark.parametrize(
    "changes",
    [{"amount": 0}, {"amount": -5}, {"next_step": ""}, {"kind": "Bigger"}, {"account": "ABC Test Company"}, {"x": 1}],
    ids=["amount 0", "negative amount", "no next step", "unknown kind", "a name for an account", "an unknown field"],
)
def test_the_form_refuses_what_can_never_be_right(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wanted(**changes)


def test_an_opportunity_of_the_same_name_made_by_hand_stops_it_and_our_own_does_not() -> None:
    mine = decide()
    assert policy.unless_made_by_hand(mine, [policy.Existing(mine.key, "https://sf/6")]) is mine
    with pytest.raises(Refused, match="https://sf/7"):
        policy.unless_made_by_hand(mine, [policy.Existing("", "https://sf/7")])


def test_what_salesforce_changed_by_itself_is_pointed_out() -> None:
    mine = decide()
    shown = {"Name": mine.name.reveal(), "Type": "Expansion", "StageName": "Scope", "CloseDate": "2027-02-15"}
    assert policy.differences(mine, shown) == ["StageName"]
    assert policy.differences(mine, None) == []
    assert "StageName" in policy.created(mine, "https://sf/6", ["StageName"]).markdown()


def test_the_result_shows_no_customers_name() -> None:
    assert "ABC" not in policy.created(decide(), "https://sf/6", []).markdown()


def test_the_org_is_read_from_describe() -> None:
    def field(name: str, **changes: Any) -> dict[str, Any]:
        plain: dict[str, Any] = {"name": name, "label": name, "type": "string", "nillable": True, "createable": True}
        plain |= {"defaultedOnCreate": False, "picklistValues": []}
        return plain | changes

    fields = [
        field("Name", nillable=False),
        field("OwnerId", nillable=False, defaultedOnCreate=True),
        field("IsPrivate", nillable=False, type="boolean"),
        field("StageName", picklistValues=[{"value": "Discovery", "active": True}, {"value": "Old", "active": False}]),
    ]
    org = policy.Org.of({"fields": fields})
    assert org.required == {"Name": "Name"}
    assert org.picklists["StageName"].values == ["Discovery"]
