"""Somebody takes an emergency request over: the customer reads that somebody is on it."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios.start_emergency_request import REQUEST

SCENARIO = Scenario(
    flow="flows.support.out_of_hours.acknowledge_emergency_request",
    parameters={"requests": [REQUEST]},
    seed=night.SEED,
    expected=[Expected("slack", "post message", "#fleet-at-hebe", saying="Somebody is on it")],
    names=["Quillfeather"],
    now=night.SATURDAY_EVENING,
)
