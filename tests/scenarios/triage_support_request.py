"""A request comes in: the channel reads that it is there, when an answer is due, and the team is mentioned."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

NAME = "Quillfeather Logistics"
SEED: dict[str, Any] = {
    "github": {
        "issues": [
            {
                "repository": "fleetdm/confidential",
                "number": 12_501,
                "title": f"Request: help {NAME} with their upgrade",
                "body": "This is urgent, their window is tonight.",
                "user": "lukeheath",
                "labels": [":help-customers"],
                "created_at": "2026-11-23T17:30:00+00:00",
            }
        ],
    }
}

SCENARIO = Scenario(
    flow="flows.support.support_requests.triage_support_request",
    parameters={"issues": ["fleetdm/confidential#12501"]},
    seed=SEED,
    expected=[Expected("slack", "post message", "#help-customers")],
    names=[NAME, "Quillfeather"],
)
