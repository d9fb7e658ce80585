"""The durable floor: the least that can be done without losing anything. One handler: commit, answer, POST, mark done.

`uvicorn bench.webhooks.floor:app` with FLOOR_DATABASE and FLOOR_SLACK. What the product takes is measured beside it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from typing import Any

import aiohttp

database = sqlite3.connect(os.environ.get("FLOOR_DATABASE", ":memory:"), isolation_level=None)
for pragma in ("journal_mode=WAL", "synchronous=FULL"):
    database.execute(f"PRAGMA {pragma}")
database.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, state TEXT NOT NULL)")
session: aiohttp.ClientSession | None = None
at_work: set[asyncio.Task[None]] = set()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Takes one event."""
    if scope["type"] != "http":
        return
    message = await receive()
    event = json.loads(message["body"])
    database.execute("INSERT OR IGNORE INTO events VALUES (?, 'waiting')", (event["event_id"],))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
    task = asyncio.get_running_loop().create_task(_reply(event))
    at_work.add(task)
    task.add_done_callback(at_work.discard)


async def _reply(event: dict[str, Any]) -> None:
    global session
    session = session or aiohttp.ClientSession()
    said = event["event"]
    reply = {"channel": said["channel"], "thread_ts": said["ts"], "text": "We are closed right now."}
    async with session.post(f"{os.environ['FLOOR_SLACK']}/chat.postMessage", json=reply) as answer:
        await answer.read()
    database.execute("UPDATE events SET state = 'done' WHERE id = ?", (event["event_id"],))
