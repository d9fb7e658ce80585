"""A customer is asked in the thread of their message for what their bug report lacks."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios import answer_out_of_hours_message as night
from tests.scenarios import review_community_bug_reports as reviewing

SCENARIO = Scenario(
    flow="flows.support.bug_reports.request_missing_details",
    parameters={"issue": "43001", "message": f"{night.CHANNEL}/{night.TS}"},
    seed={**night.SCENARIO.seed, "github": {"issues": [reviewing.report(43_001, reviewing.THIN, "ksatter")]}},
    expected=[Expected("slack", "post message", "#fleet-at-hebe", saying="We need:.*Steps to reproduce.*Redis")],
    names=["Quillfeather"],
)
