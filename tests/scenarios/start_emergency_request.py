"""The sender presses P0: the VP is texted, the thread says so, the escalation record is opened."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios import answer_out_of_hours_message as night

# Where the VP's text does not get out at first, it is said, and the next in the order is texted.
NOT_TEXTED = [
    Expected("twilio", "send text", r"\+12025550118", at_least=0),
    Expected("slack", "post message", "#help-customers", saying="the text to zayhanlon did not get out", at_least=0),
    Expected("slack", "update message", "#help-customers.*", saying="emergency request", at_least=0, at_most=2),
]
REQUEST = f"{night.CHANNEL}/{night.TS}/P0"

SCENARIO = Scenario(
    flow="flows.support.out_of_hours.start_emergency_request",
    parameters={"requests": [REQUEST]},
    seed=night.SEED,
    expected=[
        # A second text is better than none when nobody knows whether the first one left.
        Expected("twilio", "send text", r"\+12025550101", saying="P0 emergency request in #", at_most=2),
        Expected("slack", "post message", "#fleet-at-hebe", saying="P0 emergency request started"),
        Expected("slack", "post message", "#help-customers", saying="Nobody has taken it over yet"),
        *NOT_TEXTED,
    ],
    names=["Quillfeather"],
    now=night.SATURDAY_EVENING,
)
