"""Long work shows on its run's page how far it has come; short work does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect import flow

from tasks import artifacts
from tests.deployments.prefect_server import Prefect


@flow
async def work(seconds_a_step: float) -> None:
    progress = artifacts.Progress("Bugs read")
    for done in (100, 200, 250):
        await asyncio.sleep(seconds_a_step)
        await progress.up_to(done, 250)


@pytest.mark.parametrize(
    ("seconds_a_step", "shown"),
    [(0.0, []), (artifacts.PROGRESS_EVERY + 0.1, [(100.0, "Bugs read: 250 of 250")])],
    ids=["short work", "long work"],
)
def test_how_far_it_has_come_shows_once_it_takes_long(
    prefect: Prefect, seconds_a_step: float, shown: list[tuple[float, str]]
) -> None:
    asyncio.run(work(seconds_a_step))
    found: list[dict[str, Any]] = prefect.api.post("/artifacts/filter", json={}).json()
    assert [(each["data"], each["description"]) for each in found if each["type"] == "progress"] == shown
