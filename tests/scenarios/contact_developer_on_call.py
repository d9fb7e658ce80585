"""A support engineer is stuck on a customer's bug: the on-call is mentioned, solutions consulting is asked too."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

NAME = "Quillfeather Logistics"
SPREADSHEET, GID = "1Hso0LxqwrRVINCyW_n436bNHmoqhoLhC8bcbvLPOs9A", 1831267053
READER = "luke@fleetdm.com"


def rotation(*weeks: tuple[str, str], reader: str = READER) -> dict[str, Any]:
    """Gives the spreadsheet with the rotation: the first day of each week, and who is on call."""
    rows = [["Week start", "Developer"], *([{"day": start}, developer] for start, developer in weeks)]
    sheets = [{"title": "KPIs", "gid": 0}, {"title": "On-call rotation", "gid": GID, "rows": rows}]
    return {"spreadsheets": [{"id": SPREADSHEET, "title": "KPIs", "readers": [reader], "sheets": sheets}]}


ISSUE: dict[str, Any] = {
    "repository": "fleetdm/fleet",
    "number": 42_101,
    "title": "Hosts go offline after an update",
    "user": "ksatter",
    "labels": ["bug", "customer-juno"],
    "created_at": "2026-11-20T17:00:00+00:00",
}
QUESTION: dict[str, Any] = {
    "issue": "https://github.com/fleetdm/fleet/issues/42101",
    "tried": "Restarted the agent on two hosts & looked at <orbit.log>: nothing after the update.",
    "asked_by": "ksatter",
    "customer": "customer-juno",
    "solutions_consulting": True,
}

SCENARIO = Scenario(
    flow="flows.support.developer_on_call.contact_developer_on_call",
    parameters={"question": QUESTION},
    seed={
        "github": {
            "issues": [ISSUE],
            "labels": [
                {"repository": "fleetdm/confidential", "name": "customer-juno", "description": NAME},
                {"repository": "fleetdm/fleet", "name": "customer-juno"},
            ],
        },
        "google": rotation(("2026-11-16", "zwass"), ("2026-11-23", "Luke Heath")),
    },
    # When the rotation can't be read, the message goes out all the same, so that it isn't said here who is on call.
    expected=[
        Expected("slack", "post message", "#help-engineering", saying="subteam.*S0SANDBOX1.*42101.*customer-juno"),
        Expected("slack", "post message", "#help-solutions-consulting", saying="consultant.*42101.*customer-juno"),
    ],
    names=[NAME, "Quillfeather"],
)


def changed(**changes: object) -> dict[str, object]:
    """Gives the scenario's parameters with other fields."""
    return {"question": {**QUESTION, **changes}}


BAD_INPUT: list[tuple[dict[str, object], str]] = [
    (changed(issue="https://github.com/fleetdm/fleet/issues/9"), "There is no issue fleetdm/fleet#9"),
    (changed(issue="the bug"), '"the bug" is neither an issue of ours nor a message in Slack'),
    (changed(customer="customer-vesta"), 'No customer has the label "customer-vesta"'),
    (changed(asked_by="nobody"), '"nobody" is not among'),
    (changed(tried="The password is hunter2"), "a password or token in line 1"),
    (changed(tried=f"Called {NAME}"), "holds a customer's real name"),
]
