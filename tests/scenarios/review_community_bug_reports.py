"""Of four new reports one lacks details and comes from outside: its reporter is asked."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

NEW = "2026-11-22T17:00:00+00:00"
THIN = "**Fleet version**: 4.77.0\n\n### 💥  Actual behavior\n\nHosts go offline.\n"
FULL = (
    f"{THIN}They should stay online. fleetd 1.49.0\n\n**Web browser and operating system**: Chrome on Windows\n\n"
    "### Steps to reproduce\n\n1. Restart it.\n"
)


def report(number: int, body: str, user: str, **more: Any) -> dict[str, Any]:
    """Gives a bug report."""
    said = {"repository": "fleetdm/fleet", "number": number, "title": "Hosts go offline", "body": body, "user": user}
    return {**said, "labels": ["bug"], "created_at": NEW, **more}


SCENARIO = Scenario(
    flow="flows.support.bug_reports.review_community_bug_reports",
    parameters={},
    seed={
        "github": {
            "issues": [
                report(43_001, THIN, "octocat"),
                report(43_002, FULL, "octocat"),
                report(43_003, THIN, "ksatter"),
                report(43_004, THIN, "octocat", created_at="2026-10-01T17:00:00+00:00"),
            ]
        }
    },
    expected=[Expected("github", "create comment", "fleetdm/fleet #43001", saying="Steps to reproduce")],
    names=["Quillfeather"],
)
