"""A Monday at ten: one answer is due within the hour, one is late, one has no priority, one got it in Unthread."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario
from tests.scenarios.assign_customer_codename import account_id

NAME = "Quillfeather Logistics"
CUSTOMER, FREE, NAMELESS = "customer-1", "customer-2", "customer-3"
P0, P1, P2, P3 = 9, 7, 5, 3
CSE = "user-ksatter"


def conversation(id: str, came: str, priority: int | None = P2, *said: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Gives a conversation that begins with a customer's message; `said` follows it."""
    return {
        "id": id,
        "title": f"About {id}",
        "type": "slack",
        "priority": priority,
        "customerId": CUSTOMER,
        "assignedToUserId": CSE,
        "createdAt": came,
        "messages": [{"text": f"{NAME} asks.", "at": came}, *said],
    } | more


def ours(at: str, **more: Any) -> dict[str, Any]:
    """Gives an answer of the team."""
    return {"text": "Looking into it.", "userId": CSE, "at": at} | more


def theirs(at: str, **more: Any) -> dict[str, Any]:
    """Gives another message of the customer."""
    return {"text": "Any news?", "at": at} | more


def seed(*conversations: dict[str, Any]) -> dict[str, Any]:
    """Gives conversations, and the customers they belong to; one has a codename."""
    account = {"Id": account_id(1), "Name": NAME, "Type": "Customer", "GitHub_label__c": "customer-hebe"}
    return {
        "unthread": {
            "customers": [
                {"id": CUSTOMER, "name": f"{NAME.upper()}, Inc.", "slackChannelId": "C0SANDBOX01"},
                {"id": FREE, "name": "Wrenfield Foods", "tags": [{"id": "tag-1", "name": "Fleet Free"}]},
                {"id": NAMELESS, "name": "Ostergaard Dairy"},
            ],
            "conversations": list(conversations),
        },
        "salesforce": {"accounts": [account]},
    }


DUE_SOON, LATE, UNSET = "conversation-soon", "conversation-late", "conversation-unset"
FRIDAY_AT_NINE, MONDAY_AT_HALF_PAST_SIX = "2026-11-20T17:00:00+00:00", "2026-11-23T14:30:00+00:00"

SCENARIO = Scenario(
    flow="flows.support.support_slas.watch_support_slas",
    parameters={},
    seed=seed(
        conversation(DUE_SOON, MONDAY_AT_HALF_PAST_SIX, P1, createdAt=FRIDAY_AT_NINE),
        conversation(LATE, FRIDAY_AT_NINE, P2, customerId=NAMELESS, assignedToUserId=None),
        conversation(UNSET, "2026-11-23T17:00:00+00:00", None),
        conversation("conversation-p0", "2026-11-23T16:00:00+00:00", P0, createdAt=FRIDAY_AT_NINE),
        conversation("conversation-by-hand", "2026-11-23T17:00:00+00:00", P3),
        conversation("conversation-answered", FRIDAY_AT_NINE, P1, ours("2026-11-20T17:20:00+00:00")),
        conversation("conversation-free", FRIDAY_AT_NINE, P1, customerId=FREE),
        conversation("conversation-hold", FRIDAY_AT_NINE, P2, status="on_hold", statusUpdatedAt=FRIDAY_AT_NINE),
        conversation("conversation-nobodys", FRIDAY_AT_NINE, P1, customerId=None),
        conversation("conversation-closed", FRIDAY_AT_NINE, P1, status="closed"),
    ),
    # Where Salesforce does not answer, the id in Unthread stands for the customer.
    expected=[
        Expected(
            "slack", "post message", "#help-customers", saying="P1 response is due soon.*(customer-hebe|customer-1)"
        ),
        Expected("slack", "post message", "#help-customers", saying="P2 response is late.*customer-3"),
        Expected("slack", "post message", "#help-customers", saying="New support request.*counts as P2"),
        Expected("slack", "post message", "#help-customers", saying="P3 Low: conversation"),
    ],
    names=["Quillfeather", "Ostergaard", "Wrenfield"],
)
