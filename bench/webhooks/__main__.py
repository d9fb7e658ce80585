"""Measures webhooks: `python -m bench.webhooks [--quick] [--part PART]`. Prints a table and writes bench/results.json.

What the product takes stands beside the durable floor of the same run, so that the figures are ratios and mean the same
on another machine. Prefect's server is away in all of this: the fast lane does without it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import results
from bench.results import percentile
from bench.webhooks import delayed, load, through_prefect
from bench.webhooks.load import Event, Sent
from bench.webhooks.stage import WRITTEN_AT, Stage

Send = Callable[[int, Sequence[Event]], Awaitable[list[Sent]]]


def in_milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(1000 * percentile(seconds, share / 100), 2) for share in (50, 95, 99)}


async def replies_to(stage: Stage, name: str, port: int, wanted: Sequence[Event], send: Send) -> dict[str, Any]:
    """Sends events and waits for their replies. Gives how long both took, and what they cost."""
    stage.ask(stage.slack, "/forget")
    before, began = stage.cpu(name), time.monotonic()
    sent = await send(port, wanted)
    replies = await _replies(stage, len(wanted))
    first = dict(reversed(replies))
    took = [first[each.ts] - each.at for each in sent if each.ts in first]
    span = max((at for _, at in replies), default=began) - began
    return {
        "events": len(wanted),
        "acknowledged_ms": in_milliseconds([each.acknowledged - each.at for each in sent]),
        "reply_ms": in_milliseconds(took),
        "replies_a_second": round(len(first) / span) if replies else 0,
        "cpu_ms_an_event": round(1000 * (stage.cpu(name) - before) / len(wanted), 2),
        "lost": sum(each.status == 200 and each.ts not in first for each in sent),
        "doubled": len(replies) - len(first),
    }


async def _replies(stage: Stage, number: int, patience: float = 20) -> list[tuple[str, float]]:
    """Waits until so many replies are there, or none has come for a while."""
    seen, since = -1, time.monotonic()
    while True:
        replies: list[tuple[str, float]] = [(ts, at) for ts, at in stage.ask(stage.slack, "/replies")]
        if len(replies) != seen:
            seen, since = len(replies), time.monotonic()
        if len({ts for ts, _ in replies}) >= number or time.monotonic() - since > patience:
            return replies
        await asyncio.sleep(0.05)


def a_second(rate: float) -> Send:
    async def send(port: int, wanted: Sequence[Event]) -> list[Sent]:
        return await load.evenly(port, wanted, rate)

    return send


def in_flight(number: int) -> Send:
    async def send(port: int, wanted: Sequence[Event]) -> list[Sent]:
        return await load.at_once(port, wanted, number)

    return send


async def fast_lane(stage: Stage, scale: float) -> dict[str, Any]:
    """Measures webhook -> reply, the floor and the product in turn."""
    loads: Mapping[str, tuple[int, Send]] = {
        "one at a time": (int(150 * scale), a_second(10)),
        "20 a second": (int(300 * scale), a_second(20)),
        "burst of 100": (100, in_flight(100)),
        "16 in flight": (int(3000 * scale), in_flight(16)),
    }
    found: dict[str, Any] = {}
    for title, (number, send) in loads.items():
        measured = {
            name: await replies_to(stage, name, port, load.events(number, WRITTEN_AT), send)
            for name, port in (("floor", stage.floor), ("gateway", stage.gateway))
        }
        ratio = measured["gateway"]["reply_ms"]["p95"] / measured["floor"]["reply_ms"]["p95"]
        found[title] = measured | {"p95 gateway / floor": round(ratio, 2)}
    return found


async def gateway(stage: Stage, scale: float) -> dict[str, Any]:
    """Measures what the gateway takes in when there is nothing to do."""
    number = int(5000 * scale)
    before, began = stage.cpu("gateway"), time.monotonic()
    await load.at_once(stage.gateway, load.events(number, WRITTEN_AT, filtered=True), 16)
    rate, cost = number / (time.monotonic() - began), (stage.cpu("gateway") - before) / number
    sent = await load.evenly(stage.gateway, load.events(number, WRITTEN_AT, filtered=True), 1000)
    return {
        "filtered events a second": round(rate),
        "cpu_ms_a_filtered_event": round(1000 * cost, 2),
        "1,000 a second, acknowledged_ms": in_milliseconds([each.acknowledged - each.at for each in sent]),
        "1,000 a second, not acknowledged": sum(each.status != 200 for each in sent),
    }


async def cold_start(stage: Stage) -> dict[str, Any]:
    """Measures from the start of the gateway's process to its first 2xx."""
    stage.kill("gateway")
    (event,) = load.events(1, WRITTEN_AT)
    began = time.monotonic()
    stage.start_gateway(ready=False)
    while (await load.Connection(stage.gateway).send(event)).status != 200:
        await asyncio.sleep(0.01)
    accepted = time.monotonic() - began
    stage.wait(stage.gateway, "/ready")
    return {"first webhook accepted_s": round(accepted, 2), "ready_s": round(time.monotonic() - began, 2)}


async def kills(stage: Stage, times: int) -> dict[str, Any]:
    """Kills the gateway again and again under load, and counts what was acknowledged and not answered once."""
    stage.ask(stage.slack, "/forget")
    acknowledged: set[str] = set()
    for _ in range(times):
        wanted = load.events(100, WRITTEN_AT)
        sending = asyncio.create_task(load.evenly(stage.gateway, wanted, 200))
        await _at_work(stage, sending)
        stage.kill("gateway")
        acknowledged |= {each.ts for each in await sending if each.status == 200}
        stage.start_gateway()
    return {"kills": times} | await _judged(stage, acknowledged)


async def _at_work(stage: Stage, sending: asyncio.Task[list[Sent]]) -> None:
    """Waits until some replies have come, and more are on their way."""
    before = len(stage.ask(stage.slack, "/replies"))
    while not sending.done() and len(stage.ask(stage.slack, "/replies")) < before + 20:
        await asyncio.sleep(0.02)


async def slack_away(stage: Stage) -> dict[str, Any]:
    """Has Slack answer 503 for six seconds and kills the gateway in between."""
    stage.ask(stage.slack, "/forget")
    stage.ask(stage.slack, "/down?seconds=6")
    sent = await load.at_once(stage.gateway, load.events(100, WRITTEN_AT), 16)
    await asyncio.sleep(2)
    stage.kill("gateway")
    stage.start_gateway()
    return await _judged(stage, {each.ts for each in sent if each.status == 200})


async def _judged(stage: Stage, acknowledged: set[str]) -> dict[str, Any]:
    """Waits as long as a lease and a look take, and counts."""
    began = time.monotonic()
    answered: list[str] = []
    while acknowledged - set(answered) and time.monotonic() - began < 90:
        await asyncio.sleep(0.2)
        answered = [ts for ts, _ in await _replies(stage, 0)]
    return {
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - set(answered)),
        "doubled": len(answered) - len(set(answered)),
        "all answered after_s": round(time.monotonic() - began, 1),
    }


async def at_once(quick: bool) -> AsyncIterator[tuple[str, Any]]:
    """Measures what the gateway does without Prefect. Gives each part's name and figures as they are there."""
    scale = 0.2 if quick else 1.0
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        try:
            stage.migrate()
            stage.start_slack()
            stage.start_floor()
            stage.start_gateway()
            yield "memory at rest_mb", round(stage.memory("gateway"))
            await replies_to(stage, "gateway", stage.gateway, load.events(100, WRITTEN_AT), in_flight(4))  # warm
            await replies_to(stage, "floor", stage.floor, load.events(100, WRITTEN_AT), in_flight(4))
            yield "fast lane, Prefect away", await fast_lane(stage, scale)
            yield "gateway", await gateway(stage, scale)
            yield "memory after_mb", round(stage.memory("gateway"))
            yield "cold start", await cold_start(stage)
            yield "kill -9 under load", await kills(stage, 2 if quick else 10)
            yield "Slack away for 6 s and kill -9", await slack_away(stage)
        finally:
            stage.end()


async def later(quick: bool) -> AsyncIterator[tuple[str, Any]]:
    """Measures what comes after a wait."""
    for seconds in (10,) if quick else (10, 70):
        yield f"step after {seconds} s, kill -9 in the wait", await delayed.lateness(seconds)


async def by_prefect(quick: bool) -> AsyncIterator[tuple[str, Any]]:
    """Measures what Prefect does."""
    yield "through Prefect", await through_prefect.measure(quick)


PARTS = {"at-once": at_once, "later": later, "by-prefect": by_prefect}


async def show_and_collect(parts: Sequence[str], quick: bool) -> dict[str, Any]:
    """Prints each part's figures once they are there, for all of it takes minutes."""
    found: dict[str, Any] = {}
    for part in parts:
        async for name, figures in PARTS[part](quick):
            results.show({name: figures})
            found[name] = figures
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the events, two kills")
    parser.add_argument("--part", choices=PARTS, help="one part only; the figures of the others stay")
    asked = parser.parse_args()
    parts = [asked.part] if asked.part else list(PARTS)
    found = asyncio.run(show_and_collect(parts, asked.quick))
    results.keep("webhooks", (results.kept("webhooks") if asked.part else {}) | found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
