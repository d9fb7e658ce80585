"""Procedures that Prefect does: from the webhook to the first effect, on the whole product, as a newcomer starts it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.webhooks import load
from policies.customer import checksum
from tests.deployments.installation import Installation

ORGANIZATION, KEY = "00DUx0000000001MAA", "sandbox-salesforce-webhook-key"
SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{organization}</OrganizationId>
<Notification><Id>04l{number:015}</Id><sObject><sf:Id xmlns:sf="urn:sobject">{account}</sf:Id></sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>"""


def _account(number: int) -> str:
    id15 = f"001Ux{number:010d}"
    return id15 + checksum(id15)


def _world(number: int) -> dict[str, Any]:
    """Gives so many prospects with a codename."""
    names = [f"prospect-p{each:04}" for each in range(number)]
    accounts = [
        {
            "Id": _account(each),
            "Name": f"Invented Company {each:04}",
            "Type": "Prospect",
            "GitHub_label__c": names[each],
        }
        for each in range(number)
    ]
    labels = [
        {"repository": repository, "name": name, "description": description}
        for each, name in enumerate(names)
        for repository, description in (
            ("fleetdm/confidential", f"Invented Company {each:04}"),
            ("fleetdm/fleet", ""),
        )
    ]
    return {"salesforce": {"accounts": accounts}, "github": {"labels": labels}}


async def first_effects(number: int) -> dict[str, Any]:
    """Sends a webhook a second, each for another prospect, and sees when its first label is renamed."""
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        try:
            installation.wait_until_up()
            installation.sandbox.reset(_world(number))
            sent = [await _send(installation, each) for each in range(number)]
            await asyncio.sleep(10)
            return _judged(installation, sent)
        finally:
            installation.stop()


async def _send(installation: Installation, number: int) -> float:
    body = SOAP.format(organization=ORGANIZATION, number=number, account=_account(number)).encode()
    request = load.request(f"/salesforce?key={KEY}", body, "text/xml")
    at = time.time()
    port = int(installation.gateway.rpartition(":")[2])
    answer = await load.Connection(port).send(load.Event("", request))
    assert answer.status == 200, answer
    await asyncio.sleep(max(0.0, at + 1 - time.time()))
    return at


def _judged(installation: Installation, sent: list[float]) -> dict[str, Any]:
    renamed = [each for each in installation.sandbox.effects() if each["action"] == "update label"]
    first: dict[int, float] = {}
    for effect in renamed:
        number = int(effect["target"].rpartition("p")[2])
        first.setdefault(number, datetime.fromisoformat(effect["at"]).astimezone(UTC).timestamp())
    took = sorted(first[number] - at for number, at in enumerate(sent) if number in first)
    return {
        "webhooks": len(sent),
        "first effect_s": {
            f"p{share}": round(took[min(len(took) - 1, len(took) * share // 100)], 2) for share in (50, 95)
        },
        "lost": len(sent) - len(first),
        "doubled": len(renamed) - 2 * len(first),
    }
