"""A bug is investigated: two blocks, logs from the customer, a call with the CSM, a colleague and the on-call told."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import contact_developer_on_call as on_call
from tests.scenarios import review_escalated_bugs as reviewing

NUMBER = 42_201
ENGINEER, CSM = "kathy@fleetdm.com", "jason@fleetdm.com"
MONDAY = "2026-11-23T17:00:00+00:00"  # 9:00 AM Pacific Time; the bug leaves the stand-up on Tuesday at 8:30 AM


def busy(calendar: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    """Gives an event of Monday in somebody's calendar, from and to a time such as "10:15"."""
    times = {name: {"dateTime": f"2026-11-23T{at}:00-08:00"} for name, at in (("start", start), ("end", end))}
    return {"calendar": calendar, "summary": "Something else", **times, **more}


BUG = reviewing.bug(NUMBER, MONDAY, labels=[*reviewing.LABELS, "customer-juno"])
SEED: dict[str, Any] = {
    **night.SEED,
    "github": {**on_call.SCENARIO.seed["github"], "issues": [BUG]},
    "google": {
        **on_call.rotation(("2026-11-16", "zwass"), ("2026-11-23", "Luke Heath")),
        "events": [busy(ENGINEER, "10:15", "11:00"), busy(CSM, "11:00", "12:00")],
    },
}
TIMEBOX: dict[str, Any] = {
    "issue": f"https://github.com/fleetdm/fleet/issues/{NUMBER}",
    "who": "ksatter",
    "minutes": 60,
    "blocks": 2,
    "logs": f"{night.CHANNEL}/{night.TS}",
    "wanted": ["agent", "debug archive"],
    "call": True,
    "manager": "patagonia121",
    "hand_over_to": "edwardsb",
    "on_call": True,
    "tried": "Restarted the agent on two hosts & looked at <orbit.log>: nothing after the update.",
}
ABOUT = rf"fleetdm/fleet#{NUMBER}"

SCENARIO = Scenario(
    flow="flows.support.investigations.timebox_investigation",
    parameters={"timebox": TIMEBOX},
    seed=SEED,
    expected=[
        Expected("google", "create event", f"{ENGINEER} Investigate {ABOUT}", saying="T20:45:00.*Block 1 for"),
        Expected("google", "create event", f"{ENGINEER} Investigate {ABOUT}", saying="T22:00:00.*Block 2 for"),
        Expected("slack", "post message", "#fleet-at-hebe", saying="send us logs.*fleetd.*debug archive"),
        Expected("zoom", "create meeting", f"{ENGINEER} Reproduce {ABOUT} together", saying=f"T20:00:00.*{CSM}"),
        Expected("google", "create event", f"{ENGINEER} Reproduce {ABOUT} together", saying=f"/zoom/j/.*{CSM}.*all"),
        Expected("slack", "post message", "#help-customers", saying="U0SANDBOX14.*to be coordinated.*/zoom/j/"),
        Expected("slack", "post message", "#help-customers", saying="U0SANDBOX11.*handed over.*customer-juno"),
        Expected("slack", "post message", "#help-engineering", saying=f"subteam.*{NUMBER}.*customer-juno"),
    ],
    names=[on_call.NAME, "Quillfeather"],
)


def changed(**changes: object) -> dict[str, Any]:
    """Gives the scenario's parameters with other fields."""
    return {"timebox": {**TIMEBOX, **changes}}
