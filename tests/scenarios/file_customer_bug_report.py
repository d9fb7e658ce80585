"""A customer's bug that nobody has reported yet is filed, and the customer gets the link."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario
from tests.scenarios import answer_out_of_hours_message as night

NAME = "Quillfeather Logistics"
CODENAME = "customer-juno"
MESSAGE = f"https://fleetdm.slack.com/archives/{night.CHANNEL}/p{night.TS.replace('.', '')}"
REPORT: dict[str, Any] = {
    "customer": CODENAME,
    "title": "Orbit keeps restarting after an update of certificates",
    "fleet_version": "4.77.0",
    "agent": "fleetd",
    "agent_version": "1.49.0",
    "operating_system": "Windows 11",
    "web_browser": "Chrome 142",
    "expected": "Orbit restarts once.",
    "actual": 'Orbit restarts each minute and logs "x509: certificate signed by unknown authority".',
    "steps": "1. Update the certificates.\n2. Wait a minute.",
    "message": MESSAGE,
    "details": {"total_hosts": "1,200"},
}
LABELS = [
    {"repository": "fleetdm/confidential", "name": CODENAME, "description": NAME},
    {"repository": "fleetdm/fleet", "name": CODENAME},
]

SCENARIO = Scenario(
    flow="flows.support.bug_reports.file_customer_bug_report",
    parameters={"report": REPORT},
    seed={**night.SCENARIO.seed, "github": {"labels": LABELS}},
    expected=[
        Expected("github", "create issue", r"fleetdm/fleet #\d+", saying="Orbit keeps restarting.*customer-juno"),
        Expected("slack", "post message", "#fleet-at-hebe", saying="here's a link to the issue"),
    ],
    names=[NAME, "Quillfeather"],
)
