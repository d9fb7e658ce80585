"""`/ready` of the gateway: the dead-man's switch that watches over the sweeper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx
import pytest

from deployments.gateway import Gateway, create_app
from tasks import clock, remembered
from tests.conftest import Sandbox, environment


@pytest.fixture(autouse=True)
def _world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings(environment(sandbox.url, sqlite_url))


def ask(path: str = "/ready", *, up_for: float, swept: float | None) -> httpx.Response:
    """Asks a gateway that has been up for some minutes, so many minutes after the last sweep."""
    if swept is not None:
        remembered.keep(remembered.LAST_SWEEP, (clock.wall() - timedelta(minutes=swept)).isoformat())

    async def answer() -> httpx.Response:
        app = create_app()
        gateway: Gateway = app.state.gateway
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
            asyncio.timeout(30),
        ):
            while not gateway.dispatches:
                await asyncio.sleep(0.05)
            gateway.started = clock.wall() - timedelta(minutes=up_for)
            return await client.get(path)

    return asyncio.run(answer())


@pytest.mark.parametrize(
    ("up_for", "swept", "status"),
    [(0, None, 200), (0, 600, 200), (6, None, 503), (60, 4, 200), (60, 6, 503)],
    ids=[
        "at the very first start",
        "at the start after a long night",
        "the sweeper never came",
        "it came four minutes ago",
        "it has been silent for six minutes",
    ],
)
def test_a_sweeper_that_is_silent_for_five_minutes_is_told(up_for: float, swept: float | None, status: int) -> None:
    assert ask(up_for=up_for, swept=swept).status_code == status


def test_who_watches_reads_how_long_ago_the_last_sweep_was() -> None:
    assert 360 <= ask(up_for=60, swept=6).json()["seconds_since_sweep"] < 420


def test_a_silent_sweeper_does_not_make_the_gateway_itself_ill() -> None:
    assert ask("/health", up_for=60, swept=6).status_code == 200
