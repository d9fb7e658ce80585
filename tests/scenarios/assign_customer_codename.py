"""A customer without a codename gets one: two labels and a field, and the name in public nowhere."""

from __future__ import annotations

from typing import Any

from policies.customer import checksum
from tests.scenario import Expected, Scenario


def account_id(number: int) -> str:
    """Gives a valid 18-character account id."""
    id15 = f"001Ux{number:010d}"
    return id15 + checksum(id15)


ACCOUNT, OTHER, TOO_LONG, HELD = (account_id(number) for number in range(1, 5))
NAME = "Quillfeather Logistics"

SCENARIO = Scenario(
    flow="flows.customers.customer_codenames.assign_customer_codename",
    parameters={"account": ACCOUNT, "kind": "customer"},
    seed={
        "salesforce": {"accounts": [{"Id": ACCOUNT, "Name": NAME, "Type": "Customer"}]},
        "github": {
            "labels": [
                {"repository": "fleetdm/confidential", "name": "customer-juno", "description": "Ostergaard Dairy"},
                {"repository": "fleetdm/fleet", "name": "customer-juno"},
            ]
        },
    },
    expected=[
        Expected("github", "create label", r"fleetdm/confidential customer-[a-z]{4,12}"),
        Expected("github", "create label", r"fleetdm/fleet customer-[a-z]{4,12}"),
        Expected("salesforce", "update account", rf".*{ACCOUNT}.*"),
    ],
    names=[NAME, "Quillfeather"],
)

ANOTHER_ACCOUNT: dict[str, Any] = {"salesforce": {"accounts": [{"Id": OTHER, "Name": "Wrenfield Foods"}]}}

BAD_SEED: dict[str, Any] = {
    "salesforce": {
        "accounts": [
            {"Id": TOO_LONG, "Name": "Amberlight " + 90 * "x"},
            {"Id": HELD, "Name": "Thistledown Press", "GitHub_label__c": "customer-vesta"},
        ]
    },
    "github": {
        "labels": [
            {"repository": "fleetdm/confidential", "name": "customer-vesta", "description": "Marlowe and Daughters"},
            {"repository": "fleetdm/fleet", "name": "customer-vesta"},
        ]
    },
}

BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"account": account_id(99)}, f"Salesforce has no account {account_id(99)}"),
    ({"account": ACCOUNT[:-1] + "Z"}, "is no Salesforce id"),
    ({"account": ACCOUNT, "wished_name": "Nosuchplanet"}, "Nosuchplanet"),
    ({"account": ACCOUNT, "wished_name": "Juno"}, "juno"),
    ({"account": TOO_LONG}, "makes a label description of 101 characters; GitHub takes 100"),
    ({"account": HELD}, 'holds "customer-vesta" already'),
]
