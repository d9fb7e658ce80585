"""kill -9 on the whole product: what was acknowledged comes about all the same, once, and its run stands in Prefect."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from bench.webhooks import load, through_prefect
from tests.conftest import FULL, until, within
from tests.deployments.installation import Installation
from tests.deployments.night import BUSY, CHANNEL, EVENING, OUR_BOT, SEED, earlier
from tests.deployments.test_gateway import slack_event

pytestmark = pytest.mark.whole
MESSAGES, SLACK_IS_DOWN_FOR = 100, 6.0  # seconds
RESUMED_WITHIN = 150.0  # seconds
MORE = [f"U0MORE{number:05}" for number in range(14)]  # each may get three notices an hour
ALSO: dict[str, Any] = {
    "slack": {
        "users": [{"id": id, "name": id.lower(), "team_id": "T0CUSTOMER"} for id in MORE],
        "channels": [{"id": CHANNEL, "name": "fleet-at-hebe", "members": MORE}],
    }
}


def answered(installation: Installation) -> list[str]:
    """Gives the thread of each reply of ours."""
    effects = installation.sandbox.effects()
    posts = [
        each["detail"] for each in effects if (each["action"], each["target"]) == ("post message", "#fleet-at-hebe")
    ]
    return [post["thread_ts"] for post in posts if post["user"] == OUR_BOT]


def recorded(installation: Installation) -> set[str]:
    """Gives the messages that stand in a completed run."""
    wanted = {"flows": {"name": {"any_": ["answer-out-of-hours-message"]}}, "flow_runs": {"tags": {"all_": ["inbox"]}}}
    runs = installation.api.post("/flow_runs/filter", json=wanted).json()
    return {message for run in runs if run["state_type"] == "COMPLETED" for message in run["parameters"]["messages"]}


def test_a_hundred_messages_are_answered_once_though_slack_was_down_and_everything_was_killed(
    fresh: Installation,
) -> None:
    messages = earlier(((BUSY + MORE) * 3)[:MESSAGES])
    fresh.sandbox.reset(SEED, ALSO, {"slack": {"messages": messages}})
    fresh.sandbox.set_clock(EVENING.isoformat())
    fresh.sandbox.fault(kind="500_before", service="slack", method="POST", path="chat.postMessage", times=100_000)
    time.sleep(within(1.1))  # processes ask for the time once a second
    went_down = time.monotonic()
    sent = asyncio.run(load.at_once(int(fresh.gateway.rpartition(":")[2]), [*map(slack_event, messages)], 16))
    assert {each.status for each in sent} == {200}
    fresh.kill("deployments.server", "deployments.worker", "deployments.gateway", "deployments.sweeper")
    time.sleep(max(0.0, SLACK_IS_DOWN_FOR - (time.monotonic() - went_down)))
    assert answered(fresh) == []
    fresh.sandbox.no_more_faults()
    until(lambda: len(answered(fresh)) >= MESSAGES, RESUMED_WITHIN)
    until(lambda: recorded(fresh) >= {f"{CHANNEL}/{each['ts']}" for each in messages}, RESUMED_WITHIN)
    assert Counter(answered(fresh)) == Counter(each["ts"] for each in messages)


@pytest.mark.skipif(not FULL, reason="FULL_SWEEP=1 kills again and again, and so does make bench.")
def test_what_prefect_does_is_done_once_though_gateway_and_worker_are_killed_again_and_again(
    fresh: Installation,
) -> None:
    found = asyncio.run(through_prefect.killed(fresh, range(16), kills=2, every=8))
    assert found["cut off"] > 0, "Nothing was ever killed at work: the test proved nothing."
    assert (found["acknowledged"], found["lost"], found["doubled"]) == (16, 0, 0), found
