"""A CSM creates an expansion opportunity: one record with the handbook's name, type and fields."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios.assign_customer_codename import account_id

ACCOUNT = account_id(31)
TOO_LATE = "2026-06-30"
NAME = "Larkspur Freight"

SCENARIO = Scenario(
    flow="flows.customers.expansion_opportunities.create_expansion_opportunity",
    parameters={
        "opportunity": {
            "account": ACCOUNT,
            "product": "Fleet Premium",
            "kind": "Host",
            "due_date": "2027-02-15",
            "amount": 42000,
            "stage": "Discovery",
            "next_step": "Agree on the number of hosts",
            "next_step_date": "2026-12-01",
        }
    },
    seed={"salesforce": {"accounts": [{"Id": ACCOUNT, "Name": NAME, "Type": "Customer"}]}},
    expected=[Expected("salesforce", "create opportunity", r"Opportunity .*")],
    names=[NAME, "Larkspur", "LarkspurFreight"],
)


def changed(**changes: object) -> dict[str, object]:
    """Gives the scenario's parameters with other fields."""
    return {"opportunity": {**SCENARIO.parameters["opportunity"], **changes}}


BAD_INPUT: list[tuple[dict[str, object], str]] = [
    (changed(account=account_id(99)), f"Salesforce has no account {account_id(99)}"),
    (changed(ae_assigned=True), "Hand it over to them in #g-sales"),
    (changed(due_date=TOO_LATE), "Q22026 is no quarter to come"),
    (changed(next_step_date="2026-01-01"), "The date of the next step 2026-01-01 is over"),
]
