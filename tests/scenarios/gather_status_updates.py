"""Six on a Monday morning: two customers with codenames, one without, and somebody whom Unthread counts to nobody."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario
from tests.scenarios.contact_developer_on_call import rotation

NAME, OTHER, NAMELESS = "Quillfeather Logistics", "Marblewick Robotics", "Tansyford Optics"
ACCOUNT, OTHER_ACCOUNT = "001Ux00000000a1IAA", "001Ux00000000a2IAA"
NOW = "2026-11-23T14:00:00+00:00"  # six in Los Angeles


def conversation(id: str, customer: str | None, **more: Any) -> dict[str, Any]:
    """Gives a conversation in Unthread, as a seed has it."""
    return {
        "id": id,
        "type": "slack",
        "title": f"{NAME}: hosts offline",
        "customerId": customer,
        "createdAt": "2026-11-21T14:00:00+00:00",
        "messages": [{"text": f"{NAME} can't see any hosts."}],
    } | more


def bug(number: int, *codenames: str, **more: Any) -> dict[str, Any]:
    """Gives a bug, as a seed has it."""
    return {
        "repository": "fleetdm/fleet",
        "number": number,
        "title": "Hosts go offline after an update",
        "user": "ksatter",
        "labels": ["bug", *codenames, *more.pop("labels", [])],
        "created_at": "2026-11-12T14:00:00+00:00",
        **more,
    }


LABELS = [
    {"repository": "fleetdm/confidential", "name": "customer-juno", "description": NAME},
    {"repository": "fleetdm/confidential", "name": "prospect-hebe", "description": OTHER},
    {"repository": "fleetdm/fleet", "name": "customer-juno"},
    {"repository": "fleetdm/fleet", "name": "prospect-hebe"},
]
SEED: dict[str, Any] = {
    "github": {
        "labels": LABELS,
        "issues": [
            bug(42_301, "customer-juno", labels=["P1", ":product"], assignees=["lukeheath"]),
            bug(42_302, "prospect-hebe", labels=[":incoming"]),
            bug(42_303),
            bug(12_301, "customer-juno", repository="fleetdm/confidential", title=f"{NAME}: see the logs"),
        ],
    },
    "salesforce": {
        "accounts": [
            {"Id": ACCOUNT, "Name": NAME, "GitHub_label__c": "customer-juno"},
            {"Id": OTHER_ACCOUNT, "Name": OTHER, "GitHub_label__c": "prospect-hebe"},
        ]
    },
    "unthread": {
        "customers": [
            {"id": "one", "name": f"{NAME}, Inc."},
            {"id": "two", "name": OTHER},
            {"id": "three", "name": NAMELESS},
        ],
        "conversations": [
            conversation("talk-1", "one", priority=7, assignedToUserId="user-ksatter"),
            conversation("talk-2", "two", status="on_hold", assignedToUserId="user-edwardsb"),
            conversation("talk-3", "three", status="in_progress"),
            conversation("talk-4", "one", status="closed"),
            conversation("talk-5", None),
        ],
    },
    "google": rotation(("2026-11-23", "Luke Heath")),
}

SCENARIO = Scenario(
    flow="flows.support.status_updates.gather_status_updates",
    parameters={},
    seed=SEED,
    # When the rotation can't be read, the message goes out all the same, so that it isn't said here who is on call.
    expected=[
        Expected(
            "slack",
            "post message",
            "#help-customers",
            saying="U0SANDBOX09.*3 conversations .1 waiting for us. and 3 bugs, for 3 customers.*customer-juno.*P1",
        )
    ],
    names=[NAME, "Quillfeather", OTHER, "Marblewick", NAMELESS, "Tansyford"],
    now=NOW,
)
