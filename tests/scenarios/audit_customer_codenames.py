"""Labels and Salesforce have drifted apart, a name stands in a public issue: one message tells it, without the name."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios.assign_customer_codename import account_id

ACCOUNT = account_id(21)
NAME = "Copperfield Analytics"

SCENARIO = Scenario(
    flow="flows.customers.customer_codenames.audit_customer_codenames",
    parameters={"everything": True},
    seed={
        "salesforce": {"accounts": [{"Id": ACCOUNT, "Name": NAME, "GitHub_label__c": "customer-melete"}]},
        "github": {
            "labels": [
                {"repository": "fleetdm/confidential", "name": "customer-melete", "description": NAME},
                {"repository": "fleetdm/fleet", "name": "customer-egeria"},
            ],
            "issues": [
                {"repository": "fleetdm/fleet", "title": "Hosts go missing", "body": f"{NAME} sees it since Monday."},
                {
                    "repository": "fleetdm/fleet",
                    "title": "Policies are slow",
                    "comments": [{"user": "ksatter", "body": "It is the same one."}],
                },
            ],
        },
    },
    expected=[Expected("slack", "post message", r"#help-customers")],
    names=[NAME, "Copperfield"],
)
