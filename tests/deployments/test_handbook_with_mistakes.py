"""A handbook.toml with a mistake in it: told at once, and no event is lost until it is mended."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from deployments.gateway import Gateway, create_app
from deployments.inbox import inbox
from settings import ROOT
from tasks import database
from tests import signed
from tests.conftest import environment, free_port, own_environment, within

NAMES = (ROOT / "handbook.toml").read_text(encoding="utf-8")
EVENT = {
    "type": "message",
    "channel": "C0UNLISTED1",
    "user": "U0CUSTOMER1",
    "text": "Hello?",
    "ts": "1795921200.000100",
}


@pytest.fixture
def names(tmp_path: Path, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Path:
    """The file of names, with a mistake in it."""
    file = tmp_path / "handbook.toml"
    file.write_text(f"{NAMES}\n[rolls]\n", encoding="utf-8")
    use_settings(environment("http://127.0.0.1:9", sqlite_url) | {"HANDBOOK_HANDBOOK_FILE": str(file)})
    return file


def state() -> str:
    with database.reading() as connection:
        return connection.execute(select(inbox.c.state)).scalar_one()


def test_an_event_waits_until_the_mistake_is_mended(names: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": EVENT}).encode()
    headers = {"Content-Type": "application/json", **signed.slack_headers(body)}

    async def tell() -> None:
        app = create_app()
        gateway: Gateway = app.state.gateway
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
        async with app.router.lifespan_context(app), client, asyncio.timeout(within(20)):
            while not gateway.dispatches:
                await asyncio.sleep(0.05)
            answer = await client.post("/slack/events", content=body, headers=headers)
            assert (answer.status_code, state()) == (200, "waiting")
            names.write_text(NAMES, encoding="utf-8")
            while state() == "waiting":
                await asyncio.sleep(0.05)

    asyncio.run(tell())
    assert state() == "ignored"
    assert "rolls" in next(each.getMessage() for each in caplog.records if each.levelno == logging.CRITICAL)


def test_nothing_is_started_with_a_mistake(names: Path, tmp_path: Path) -> None:
    ports = [f"--{name}={free_port()}" for name in ("port", "sandbox-port", "gateway-port")]
    ended = subprocess.run(
        [sys.executable, "-m", "deployments.up", "--demo", "--state", str(tmp_path / "state"), *ports],
        cwd=ROOT,
        env={**own_environment(), "HANDBOOK_HANDBOOK_FILE": os.environ["HANDBOOK_HANDBOOK_FILE"]},
        capture_output=True,
        text=True,
        timeout=within(20),
        check=False,
    )
    assert (ended.returncode, "rolls" in ended.stderr) == (1, True), ended.stderr
    assert "Starting" not in ended.stdout
