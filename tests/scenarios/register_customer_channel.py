"""A channel gets the out-of-hours notice: our app is in it, and the list, a Prefect variable, holds it."""

from __future__ import annotations

from tests.scenario import Scenario
from tests.scenarios import answer_out_of_hours_message as night

CHANNEL = "C0SANDBOX77"

SCENARIO = Scenario(
    flow="flows.support.out_of_hours.register_customer_channel",
    parameters={"channel": CHANNEL, "change": "add", "reason": "A new customer"},
    seed={"slack": {"channels": [{"id": CHANNEL, "name": "fleet-at-thalia"}]}},
    expected=[],  # the app is in the channel already
    elsewhere=2,  # joining, which finds that; and Prefect's variable, which the sandbox doesn't see
    names=["Quillfeather"],
    now=night.SATURDAY_EVENING,
    needs_prefect=True,
)
