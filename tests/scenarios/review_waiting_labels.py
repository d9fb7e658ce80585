"""The daily review finds the label that a lost webhook has left."""

from __future__ import annotations

from tests.scenario import Scenario
from tests.scenarios import clear_waiting_labels as clearing

SCENARIO = Scenario(
    flow="flows.support.waiting_labels.review_waiting_labels",
    parameters={},
    seed=clearing.SEED,
    expected=clearing.SCENARIO.expected,
    names=["Quillfeather"],
)
