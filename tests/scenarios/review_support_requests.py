"""One request was never announced, one is nearly due, one is overdue, one has its answer."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

NAME = "Quillfeather Logistics"


def request(number: int, created: str, **more: Any) -> dict[str, Any]:
    """Gives a request in the confidential repository."""
    return {
        "repository": "fleetdm/confidential",
        "number": number,
        "title": f"Request: something about {NAME}",
        "user": "lukeheath",
        "labels": [":help-customers"],
        "created_at": created,
        **more,
    }


ANSWER = {"user": "ksatter", "body": "On it.", "created_at": "2026-11-20T18:00:00+00:00"}

SCENARIO = Scenario(
    flow="flows.support.support_requests.review_support_requests",
    parameters={},
    seed={
        "github": {
            "issues": [
                request(12_511, "2026-11-20T19:00:00+00:00", assignees=["ksatter"]),
                request(12_512, "2026-11-19T18:00:00+00:00"),
                request(12_513, "2026-11-20T17:00:00+00:00", comments=[ANSWER]),
            ]
        }
    },
    # Two announcements that no webhook had brought, one reminder before the time and one after it.
    expected=[
        Expected("slack", "post message", "#help-customers", saying="New request.*12511"),
        Expected("slack", "post message", "#help-customers", saying="From.*overdue since.*12512"),
        Expected("slack", "post message", "#help-customers", saying="due soon.*12511"),
        Expected("slack", "post message", "#help-customers", saying="A request is overdue.*12512"),
    ],
    names=[NAME, "Quillfeather"],
)
