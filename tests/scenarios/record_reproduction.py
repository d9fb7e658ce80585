"""Somebody records that a bug was reproduced; nobody had been asked in Slack yet, so nothing is to be changed there."""

from __future__ import annotations

from tests.scenario import Scenario
from tests.scenarios import review_escalated_bugs as reviewing

SCENARIO = Scenario(
    flow="flows.support.bug_escalation.record_reproduction",
    parameters={
        "issue": "42001",
        "outcome": "reproduced",
        "details": "Run the update twice on an offline host.",
    },
    seed=reviewing.SEED,
    expected=[],
    names=["Quillfeather"],
    now="2026-11-24T17:00:00+00:00",
)
