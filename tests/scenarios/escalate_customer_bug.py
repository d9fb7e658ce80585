"""A bug from the inbox is put on the stand-up, and the team is asked whether it can be reproduced."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios import review_escalated_bugs as reviewing

NUMBER = 42_011
SCENARIO = Scenario(
    flow="flows.support.bug_escalation.escalate_customer_bug",
    parameters={"issue": str(NUMBER)},
    seed={
        "github": {
            "issues": [
                reviewing.bug(NUMBER, "2026-11-20T17:00:00+00:00", labels=["bug", ":incoming", ":reproduce"]),
            ]
        }
    },
    expected=[
        Expected("github", "set labels", rf"fleetdm/fleet #{NUMBER}", saying=r"added.*~investigate.*:help-customers"),
        Expected("github", "set labels", rf"fleetdm/fleet #{NUMBER}", saying=r"removed.*:incoming"),
        Expected("github", "set labels", rf"fleetdm/fleet #{NUMBER}", saying=r"removed.*:reproduce"),
        Expected("slack", "post message", "#help-customers", saying="Bug under investigation"),
    ],
    names=["Quillfeather"],
)
