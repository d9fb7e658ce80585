"""Procedures that Prefect does: from the webhook to the first effect, on the whole product, as a newcomer starts it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.results import percentile
from bench.webhooks import load
from policies.customer import checksum
from tests.deployments.installation import Installation

LABELS = 2  # of a prospect, that are renamed
PATIENCE = 240  # seconds in which everything that was killed has gone on
ORGANIZATION, KEY = "00DUx0000000001MAA", "sandbox-salesforce-webhook-key"
SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{organization}</OrganizationId>
<Notification><Id>04l{number:015}</Id><sObject><sf:Id xmlns:sf="urn:sobject">{account}</sf:Id></sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>"""


def _account(number: int) -> str:
    id15 = f"001Ux{number:010d}"
    return id15 + checksum(id15)


def _world(numbers: Iterable[int]) -> dict[str, Any]:
    """Gives prospects with a codename."""
    names = {each: f"prospect-p{each:04}" for each in numbers}
    accounts = [
        {
            "Id": _account(each),
            "Name": f"Invented Company {each:04}",
            "Type": "Prospect",
            "GitHub_label__c": name,
        }
        for each, name in names.items()
    ]
    labels = [
        {"repository": repository, "name": name, "description": description}
        for each, name in names.items()
        for repository, description in (
            ("fleetdm/confidential", f"Invented Company {each:04}"),
            ("fleetdm/fleet", ""),
        )
    ]
    return {"salesforce": {"accounts": accounts}, "github": {"labels": labels}}


async def measure(quick: bool) -> dict[str, Any]:
    """Measures both on an installation of its own."""
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        try:
            installation.wait_until_up()
            effects = await first_effects(installation, range(10 if quick else 40))
            many, kills = (16, 2) if quick else (100, 10)
            return {
                "webhook -> first effect, one a second": effects,
                "kill -9 of gateway and worker": await killed(installation, range(1000, 1000 + many), kills, 21),
            }
        finally:
            installation.stop()


async def first_effects(installation: Installation, numbers: Sequence[int]) -> dict[str, Any]:
    """Sends a webhook a second, each for another prospect, and sees when its first label is renamed."""
    installation.sandbox.reset(_world(numbers))
    sent = [await _send(installation, each) for each in numbers]
    await asyncio.sleep(10)
    return _judged(installation, numbers, sent)


async def killed(installation: Installation, numbers: Sequence[int], kills: int, every: float) -> dict[str, Any]:
    """Kills gateway and worker again and again under load. A webhook that is not acknowledged is sent again.

    every: seconds between two kills; the supervisor gives up what ends four times within a minute.
    """
    installation.sandbox.reset(_world(numbers))
    installation.sandbox.latency(**{"*": [0.05, 0.2]})  # so that runs are under way when they are killed
    began, cut_off, acknowledged = time.monotonic(), 0, 0
    killing = asyncio.create_task(_kill(installation, kills, every))
    for each in numbers:
        while not await _is_taken(installation, each):
            cut_off += 1
            await asyncio.sleep(0.2)
        acknowledged += 1
        due = began + acknowledged * kills * every / len(numbers)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.wait([killing])
    installation.sandbox.latency()
    while time.monotonic() - began < kills * every + PATIENCE and len(_renamed(installation)) < LABELS * len(numbers):
        await asyncio.sleep(0.5)
    times = Counter(_number_in(effect) for effect in _renamed(installation))
    return {
        "kills": kills,
        "cut off": cut_off + await killing,
        "acknowledged": acknowledged,
        "lost": sum(times[each] < LABELS for each in numbers),
        "doubled": sum(times[each] > LABELS for each in numbers),
        "all done after the last kill_s": round(time.monotonic() - began - kills * every, 1),
    }


async def _kill(installation: Installation, kills: int, every: float) -> int:
    """Gives how many runs were under way when they were killed."""
    under_way = 0
    at_work = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}
    for _ in range(kills):
        await asyncio.sleep(every)
        found = await asyncio.to_thread(installation.api.post, "/flow_runs/filter", json=at_work)
        under_way += len(found.json())
        await asyncio.to_thread(installation.kill, "deployments.gateway", "deployments.worker")
    return under_way


async def _is_taken(installation: Installation, number: int) -> bool:
    answer = await load.Connection(_port(installation)).send(_event(number))
    return answer.status == 200


def _port(installation: Installation) -> int:
    return int(installation.gateway.rpartition(":")[2])


def _event(number: int) -> load.Event:
    body = SOAP.format(organization=ORGANIZATION, number=number, account=_account(number)).encode()
    return load.Event("", load.request(f"/salesforce?key={KEY}", body, "text/xml"))


async def _send(installation: Installation, number: int) -> float:
    at = time.time()
    assert await _is_taken(installation, number)
    await asyncio.sleep(max(0.0, at + 1 - time.time()))
    return at


def _judged(installation: Installation, numbers: Sequence[int], sent: Sequence[float]) -> dict[str, Any]:
    renamed = _renamed(installation)
    first: dict[int, float] = {}
    for effect in renamed:
        number = _number_in(effect)
        first.setdefault(number, datetime.fromisoformat(effect["at"]).astimezone(UTC).timestamp())
    took = [first[number] - at for number, at in zip(numbers, sent, strict=True) if number in first]
    return {
        "webhooks": len(sent),
        "first effect_s": {f"p{share}": round(percentile(took, share / 100), 2) for share in (50, 95)},
        "lost": len(sent) - len(first),
        "doubled": len(renamed) - LABELS * len(first),
    }


def _renamed(installation: Installation) -> list[dict[str, Any]]:
    return [each for each in installation.sandbox.effects() if each["action"] == "update label"]


def _number_in(effect: dict[str, Any]) -> int:
    return int(effect["target"].rpartition("p")[2])
