"""Monday at nine: the hand-off thread, with one call of the week that nobody has answered."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios.contact_developer_on_call import rotation
from tests.scenarios.review_developer_requests import DEVELOPER, FRIDAY, ours, said

SCENARIO = Scenario(
    flow="flows.support.developer_on_call.hand_off_developer_on_call",
    parameters={},
    seed={
        "google": rotation(("2026-11-16", "zwass"), ("2026-11-23", "Luke Heath")),
        "slack": {
            "messages": [
                ours(FRIDAY),
                ours(FRIDAY, 300),
                said(FRIDAY, DEVELOPER, "Fixed.", f"{FRIDAY}.000300", 400),
            ]
        },
    },
    # When the rotation can't be read, the thread begins all the same, so that it isn't said here who is on call.
    expected=[
        Expected("slack", "post message", "#g-engineering", saying="hand-off of Monday, November 23.*oncall"),
        Expected("slack", "post message", "#g-engineering", saying="Highlights"),
        Expected("slack", "post message", "#g-engineering", saying="Improvements"),
        Expected("slack", "post message", "#g-engineering", saying=r"Ongoing issues.*1 call for @oncall.*November 20"),
        Expected("slack", "post message", "#g-engineering", saying="Retrospective.*most common support requests"),
    ],
    names=["Quillfeather"],
    now="2026-11-23T17:00:00+00:00",
)
