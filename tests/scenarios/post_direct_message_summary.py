"""A support engineer sums up a direct message in a public channel."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

NAME = "Quillfeather Logistics"
SUMMARY: dict[str, Any] = {
    "channel": "#help-engineering",
    "author": "ksatter",
    "summary": "customer-juno sent their server's configuration. Two settings were wrong & are corrected now.",
    "reason": "the configuration held addresses",
}

SCENARIO = Scenario(
    flow="flows.support.developer_on_call.post_direct_message_summary",
    parameters={"summary": SUMMARY},
    seed={
        "github": {
            "labels": [{"repository": "fleetdm/confidential", "name": "customer-juno", "description": NAME}],
        },
    },
    expected=[
        Expected("slack", "post message", "#help-engineering", saying="Kathy Satterlee sums up.*customer-juno"),
    ],
    names=[NAME, "Quillfeather"],
)


def changed(**changes: object) -> dict[str, object]:
    """Gives the scenario's parameters with other fields."""
    return {"summary": {**SUMMARY, **changes}}


BAD_INPUT: list[tuple[dict[str, object], str]] = [
    (changed(summary=" "), "It is not said what was talked about"),
    (changed(summary="x" * 2_001), "has 2001 characters; at most 2000"),
    (changed(summary="We set the password to hunter2"), "a password or token in line 1"),
    (changed(summary=f"{NAME} is fine"), "holds a customer's real name"),
    (changed(channel="somewhere"), 'no channel "somewhere"'),
]
