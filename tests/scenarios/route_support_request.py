"""An emergency that needs an expert: priority, everybody whom the process names, and the emergency flow."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario
from tests.scenarios.answer_out_of_hours_message import SEED as CHANNEL
from tests.scenarios.start_emergency_request import NOT_TEXTED
from tests.scenarios.watch_support_slas import CUSTOMER, FREE, conversation, seed

TICKET, CLOSED, FREE_TICKET, FORM = "conversation-one", "conversation-closed", "conversation-free", "conversation-form"
CAME = "2026-11-23T17:30:00+00:00"

SEED: dict[str, Any] = seed(conversation(TICKET, CAME, None)) | CHANNEL

SCENARIO = Scenario(
    flow="flows.support.support_slas.route_support_request",
    parameters={"conversation": TICKET, "priority": "P0", "expert": True, "solutions_consulting": True},
    seed=SEED,
    # Where Salesforce does not answer, the id in Unthread stands for the customer.
    expected=[
        Expected("unthread", "update conversation", f"conversation {TICKET}", saying="'priority': 9"),
        Expected(
            "slack",
            "post message",
            "#help-customers",
            saying="P0 Emergency.*(told in their private channel|Slack did not tell).*(customer-hebe|customer-1)",
        ),
        Expected("slack", "post message", "#help-engineering", saying="developer on-call.*subteam"),
        Expected("slack", "post message", "#help-solutions-consulting", saying="help from a solutions consultant"),
        Expected("slack", "post message", "#help-product-design", saying="Expert question of a customer"),
        Expected("slack", "post message", "#fleet-at-hebe", saying="We treat your request as an emergency.*1:30 PM"),
        # Where the customer's message does not get out at first, it is about customer success's own.
        Expected("slack", "post message", "#(fleet-at-hebe|help-customers)", saying="P0 emergency request started"),
        Expected("slack", "post message", "#help-customers", saying="of customer-.*Nobody has taken it over yet"),
        # A second text is better than none when nobody knows whether the first one left.
        Expected("twilio", "send text", r"\+12025550101", saying="P0 emergency request of customer-", at_most=2),
        *NOT_TEXTED,
    ],
    names=["Quillfeather"],
)

BAD_SEED = seed(
    conversation(TICKET, CAME, None),
    conversation(CLOSED, CAME, status="closed", customerId=None),
    conversation(FREE_TICKET, CAME, customerId=FREE),
    {"id": FORM, "customerId": CUSTOMER, "messages": [{"text": "Message:\n\nHi\n\nSubmitter information:\n\nName: R"}]},
)

BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"conversation": "Quillfeather Logistics"}, "no ticket of Unthread"),
    ({"conversation": "no-such-conversation"}, "Unthread has no ticket no-such-conversation"),
    ({"conversation": CLOSED, "priority": "P1"}, r"for 2 reasons:(?s:.*)is closed(?s:.*)belongs to no customer"),
    ({"conversation": FREE_TICKET, "priority": "P0"}, "uses Fleet Free, which has no P0"),
    ({"conversation": TICKET, "expert": True}, "has no priority in Unthread. Choose one"),
    ({"conversation": TICKET, "priority": "P1", "press": "mine"}, "is no press of a button"),
]
