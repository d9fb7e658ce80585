"""A Slack that costs next to nothing, so that what is measured is the product: it notes when each reply comes.

`uvicorn bench.webhooks.slack:app`. It answers the few methods that the fast lane calls. `GET /replies` gives the thread
and the moment (seconds of the machine's monotonic clock) of each message; `POST /down?seconds=6` has it answer 503.
"""

from __future__ import annotations

import itertools
import json
import time
from typing import Any
from urllib.parse import parse_qsl

Scope = dict[str, Any]

replies: list[tuple[str, float]] = []
threads: dict[str, list[dict[str, Any]]] = {}
numbers = itertools.count(1)
down_until = 0.0


async def app(scope: Scope, receive: Any, send: Any) -> None:
    """Answers one call."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, answer = _answer(scope["path"], scope["query_string"].decode(), body)
    content = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _answer(path: str, query: str, body: bytes) -> tuple[int, Any]:
    method = path.rpartition("/")[2]
    if method in CONTROLS:
        return 200, CONTROLS[method](query.partition("=")[2])
    if time.monotonic() < down_until:
        return 503, {"ok": False, "error": "service_unavailable"}
    return 200, {"ok": True} | METHODS[method](json.loads(body) if body else dict(parse_qsl(query)))


def _down(seconds: str) -> Any:
    global down_until
    down_until = time.monotonic() + float(seconds)


def _forget(_: str) -> None:
    replies.clear()
    threads.clear()


def _replies(_: str) -> Any:
    return replies


def _post(asked: dict[str, Any]) -> Any:
    thread = asked.get("thread_ts", "")
    replies.append((thread, time.monotonic()))
    posted = {"ts": f"{1_800_000_000 + next(numbers)}.000001", "metadata": asked.get("metadata", {})}
    threads.setdefault(thread, []).append(posted)
    return {"ts": posted["ts"], "channel": asked["channel"]}


def _thread(asked: dict[str, Any]) -> Any:
    return {"messages": threads.get(asked["ts"], [])}


def _person(asked: dict[str, Any]) -> Any:
    return {"user": {"id": asked["user"], "team_id": "T0CUSTOMER", "is_bot": False}}


def _us(_: dict[str, Any]) -> Any:
    return {"team_id": "T0BENCH", "user_id": "U0BENCH", "bot_id": "B0BENCH"}


CONTROLS = {"replies": _replies, "forget": _forget, "down": _down}
METHODS = {
    "chat.postMessage": _post,
    "conversations.replies": _thread,
    "users.info": _person,
    "auth.test": _us,
}
