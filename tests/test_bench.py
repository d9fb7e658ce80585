"""The measurements work with the product as it is: what they say is of little use otherwise."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.webhooks import load
from bench.webhooks.__main__ import in_flight, replies_to
from bench.webhooks.stage import WRITTEN_AT, Stage


def test_the_measurement_of_webhooks_sees_each_reply_of_the_product_and_of_the_floor(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        stage.migrate()
        stage.start_slack()
        stage.start_floor()
        stage.start_gateway()
        for name, port in (("gateway", stage.gateway), ("floor", stage.floor)):
            seen = asyncio.run(replies_to(stage, name, port, load.events(3, WRITTEN_AT), in_flight(1)))
            assert (seen["lost"], seen["doubled"], seen["reply_ms"]["p99"] > 0) == (0, 0, True), name
    finally:
        stage.end()
