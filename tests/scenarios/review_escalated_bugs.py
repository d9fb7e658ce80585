"""A Tuesday's stand-up: one bug is new, one was acknowledged by the manager, one leaves, others are none of it."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

LABELS = ["bug", "~investigate", ":help-customers"]


def bug(number: int, investigated: str, **more: Any) -> dict[str, Any]:
    """Gives a bug that is investigated since then."""
    labels = more.pop("labels", LABELS)
    return {
        "repository": "fleetdm/fleet",
        "number": number,
        "title": "Hosts go offline after an update",
        "user": "ksatter",
        "labels": labels,
        "created_at": "2026-11-12T17:00:00+00:00",
        "label_events": [
            {"label": label, "event": "labeled", "at": investigated, "actor": "ksatter"} for label in labels
        ],
        **more,
    }


def comment(user: str, body: str, at: str) -> dict[str, Any]:
    """Gives a comment."""
    return {"user": user, "body": body, "created_at": at}


TODAY, YESTERDAY = "2026-11-24T15:00:00+00:00", "2026-11-23T20:00:00+00:00"
SEED: dict[str, Any] = {
    "github": {
        "issues": [
            bug(42_001, TODAY, labels=[*LABELS, "customer-hebe"]),
            bug(42_002, TODAY, comments=[comment("ddribeiro", "On it.", "2026-11-24T15:30:00+00:00")]),
            bug(42_003, YESTERDAY, comments=[comment("ddribeiro", "On it.", "2026-11-23T21:00:00+00:00")]),
            bug(42_004, YESTERDAY, state="closed"),
            bug(42_005, YESTERDAY, labels=["bug", ":product"]),
        ],
        "labels": [{"repository": "fleetdm/fleet", "name": "customer-hebe"}],
    }
}

SCENARIO = Scenario(
    flow="flows.support.bug_escalation.review_escalated_bugs",
    parameters={},
    seed=SEED,
    expected=[
        Expected("github", "create comment", r"fleetdm/fleet #42001", saying="Acknowledged by @ddribeiro"),
        Expected("github", "create comment", r"fleetdm/fleet #42003", saying="not known whether it can be reproduced"),
        Expected("github", "set labels", r"fleetdm/fleet #42003", saying=r"added.*:incoming.*:reproduce"),
        Expected("github", "set labels", r"fleetdm/fleet #42003", saying=r"removed.*~investigate"),
        Expected("slack", "post message", "#help-customers", saying="Stand-up of Tuesday.*3 on the agenda"),
        Expected("slack", "post message", "#help-customers", saying="Bug under investigation.*42001"),
        Expected("slack", "post message", "#help-customers", saying="Bug under investigation.*42002"),
    ],
    names=["Quillfeather"],
    now="2026-11-24T16:30:00+00:00",
)
