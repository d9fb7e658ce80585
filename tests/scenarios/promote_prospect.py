"""A prospect has bought: its label is renamed in both repositories, and the account's field follows."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios.assign_customer_codename import account_id

ACCOUNT = account_id(11)
NAME = "Brightwater Cooperative"

SCENARIO = Scenario(
    flow="flows.customers.customer_codenames.promote_prospect",
    parameters={"account": ACCOUNT},
    seed={
        "salesforce": {
            "accounts": [{"Id": ACCOUNT, "Name": NAME, "Type": "Prospect", "GitHub_label__c": "prospect-thalia"}]
        },
        "github": {
            "labels": [
                {"repository": "fleetdm/confidential", "name": "prospect-thalia", "description": NAME},
                {"repository": "fleetdm/fleet", "name": "prospect-thalia"},
            ],
            "issues": [{"repository": "fleetdm/fleet", "title": "Slow query", "labels": ["prospect-thalia"]}],
        },
    },
    expected=[
        Expected("github", "update label", r"fleetdm/confidential customer-thalia"),
        Expected("github", "update label", r"fleetdm/fleet customer-thalia"),
        Expected("salesforce", "update account", rf".*{ACCOUNT}.*"),
    ],
    names=[NAME, "Brightwater"],
)
