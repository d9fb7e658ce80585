"""A customer writes on Saturday evening: one notice in the thread, with two buttons."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

CHANNEL, CUSTOMER, TS = "C0SANDBOX01", "U0GUEST0001", "1795924770.000100"
SEED: dict[str, Any] = {
    "slack": {
        "users": [{"id": CUSTOMER, "name": "guest", "real_name": "Mira Lindqvist", "team_id": "T0CUSTOMER"}],
        "channels": [
            {"id": CHANNEL, "name": "fleet-at-hebe", "is_private": True, "is_ext_shared": True, "members": [CUSTOMER]}
        ],
        "messages": [{"channel": CHANNEL, "user": CUSTOMER, "text": "Our server answers 502.", "ts": TS}],
    }
}
SATURDAY_EVENING = "2026-11-29T04:00:00+00:00"

SCENARIO = Scenario(
    flow="flows.support.out_of_hours.answer_out_of_hours_message",
    parameters={"messages": [f"{CHANNEL}/{TS}"]},
    seed=SEED,
    expected=[Expected("slack", "post message", "#fleet-at-hebe", saying="We are closed right now.*6:00 AM")],
    names=["Quillfeather"],
    now=SATURDAY_EVENING,
)
