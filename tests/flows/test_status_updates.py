"""Two mornings on call: how few calls they take, what has changed between them, and what is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.support import status_updates as flows
from policies.customer import Refused
from policies.report import Report
from policies.support import status_pages as words
from policies.support import status_updates as policy
from tasks import google_client, known_names, remembered, runs
from tasks.effects import EffectError
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios import gather_status_updates as scenario
from tests.scenarios.gather_status_updates import NAME, NAMELESS, NOW, OTHER, bug, conversation

MONDAY, TUESDAY, HOLIDAY = NOW, "2026-11-24T14:00:00+00:00", "2026-11-26T14:00:00+00:00"
CSE, OTHER_CSE, INFRASTRUCTURE = "U0SANDBOX09", "U0SANDBOX11", "U0SANDBOX02"
GUESTS, SHARED, COMMUNITY = "C0SANDBOX04", "C0SANDBOX51", "C0SANDBOXPUB"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | PATIENT)
    known_names.known_names.cache_clear()
    google_client.credentials_for.cache_clear()
    sandbox.reset(scenario.SEED)
    sandbox.set_clock(NOW)
    return sandbox


def gather(at: str = MONDAY, customer: str = "", *, dry_run: bool = False) -> int:
    run = runs.Run("run 1", flows.GATHER, "a person", datetime.fromisoformat(at), dry_run=dry_run)
    with runs.acting(run):
        return asyncio.run(flows.gather_status_updates.fn(customer, dry_run))


def change(world: Sandbox, **seed: Any) -> None:
    """Has somebody else change things, as they are the next morning."""
    assert requests.post(f"{world.url}/_sandbox/seed", json=seed, timeout=10).ok


def posted(world: Sandbox, channel: str = "#help-customers") -> list[dict[str, Any]]:
    return [each["detail"] for each in world.effects() if each["target"] == channel]
