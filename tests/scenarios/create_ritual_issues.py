"""A Monday on which the sprint is prioritized: its issue is made, and those of others are not."""

from __future__ import annotations

from pathlib import Path

from tests.scenario import Expected, Scenario

FILE = "handbook/customer-success/customer-success.rituals.yml"
TEXT = (Path(__file__).parents[2] / "sandbox/seed_rituals.yml").read_text(encoding="utf-8")
SCENARIO = Scenario(
    flow="flows.team.rituals.create_ritual_issues",
    parameters={},
    seed={"github": {"files": [{"repository": "fleetdm/fleet", "path": FILE, "text": TEXT}]}},
    expected=[Expected("github", "create issue", r"fleetdm/confidential #\d+", saying="Prioritize for next sprint")],
    names=["Quillfeather"],
    now="2026-11-23T14:00:00+00:00",
)
