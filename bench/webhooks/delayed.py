"""A step that comes later: an emergency request that nobody takes over, with kill -9 of the gateway in the wait."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.results import percentile
from bench.webhooks import load
from bench.webhooks.stage import Stage

CHANNELS = [f"C0SANDBOX{number:02}" for number in range(1, 13)]
NIGHT = "2026-11-28T20:00:00-08:00"


async def lateness(seconds: float) -> dict[str, Any]:
    """Starts requests, kills the gateway in the middle of the wait, and sees when the next person is texted."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), channels=CHANNELS, acknowledge_within_minutes=seconds / 60, on_sandbox=True)
        try:
            stage.migrate()
            stage.start_sandbox()
            stage.ask(stage.sandbox, "/_sandbox/clock", {"now": NIGHT}, "PUT")
            stage.start_gateway()
            pressed: dict[str, datetime] = {}
            for number, channel in enumerate(CHANNELS, 1):
                pressed |= await _emergency(stage, channel, f"U0SANDBOXX{number:02}")
            await asyncio.sleep(seconds / 2)
            stage.kill("gateway")
            await asyncio.sleep(min(3.0, seconds / 4))
            stage.start_gateway()
            await asyncio.sleep(seconds / 2 + 6)
            return _judged(pressed, _texts(stage), seconds)
        finally:
            stage.end()


async def _emergency(stage: Stage, channel: str, user: str) -> dict[str, datetime]:
    """Has a customer write a message and press P0. Gives the message, and the sandbox's time then."""
    said = {"user": user, "channel": channel, "text": "Our server answers 502 to everybody."}
    ts = stage.ask(stage.sandbox, "/slack/api/_person/message", said)["ts"]
    action = {
        "action_id": "start-emergency-request-p0",
        "value": f"{channel}/{ts}/{user}",
        "type": "button",
        "action_ts": f"{time.time():.6f}",
    }
    pressed = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T0CUSTOMER"},
        "container": {"type": "message", "message_ts": ts, "channel_id": channel},
        "actions": [action],
    }
    body = urlencode({"payload": json.dumps(pressed)}).encode()
    request = load.request("/slack/interactivity", body, "application/x-www-form-urlencoded")
    at = datetime.fromisoformat(stage.ask(stage.sandbox, "/_sandbox/clock")["now"])
    sent = await load.Connection(stage.gateway).send(load.Event(ts, request))
    assert sent.status == 200, sent
    return {f"{channel}/p{ts.replace('.', '')}": at}


def _texts(stage: Stage) -> list[tuple[str, str, datetime]]:
    """Gives every text: to whom, about which message, when."""
    effects = stage.ask(stage.sandbox, "/_sandbox/effects")
    texts = [each for each in effects if (each["service"], each["action"]) == ("twilio", "send text")]
    about = [each["detail"]["body"].rpartition("/archives/")[2] for each in texts]
    return [(each["target"], link, datetime.fromisoformat(each["at"])) for each, link in zip(texts, about, strict=True)]


def _judged(pressed: dict[str, datetime], texts: list[tuple[str, str, datetime]], seconds: float) -> dict[str, Any]:
    first_number, number_after = texts[0][0], "+12025550118"  # the VP of Customer Success, then the CTO
    first = {link: at for number, link, at in texts if number == first_number}
    after = [(first[link] - at).total_seconds() for link, at in pressed.items() if link in first]
    late = [(at - first[link]).total_seconds() - seconds for number, link, at in texts if number == number_after]
    return {
        "requests": len(pressed),
        "press -> text_s": {f"p{share}": round(percentile(after, share / 100), 3) for share in (50, 95)},
        "late_s": {"p50": round(sorted(late)[len(late) // 2], 2), "most": round(max(late), 2)} if late else {},
        "lost": len(pressed) - len({link for number, link, _ in texts if number == number_after}),
        "doubled": len(late) - len({link for number, link, _ in texts if number == number_after}),
    }
