"""Signed Slack events, sent as fast or as evenly as asked, over connections that stay open."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

SECRET = "sandbox-slack-signing-secret"
CHANNELS = [f"C0BENCH{number:03}" for number in range(200)]
SENDERS = 50  # as often as one of them writes in a channel, the budget of notices allows for
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sent:
    """One event: the ts of its message, when it was sent and acknowledged (monotonic), and with what status."""

    ts: str
    at: float
    acknowledged: float
    status: int


@dataclass(frozen=True)
class Event:
    """One request, ready to be sent."""

    ts: str
    request: bytes


def events(number: int, at: float, *, filtered: bool = False, path: str = "/slack/events") -> list[Event]:
    """Makes events of messages, in turn by each sender in each channel.

    at: when they were written, in seconds since 1970.
    filtered: whether an app wrote them, so that nothing is to be done.
    """
    made: list[Event] = []
    for _ in range(number):
        count = next(_numbers)
        ts = f"{int(at)}.{count:06}"
        message = {
            "type": "message",
            "channel": CHANNELS[count % len(CHANNELS)],
            "user": f"U0BENCH{count // len(CHANNELS) % SENDERS:02}",
            "team": "T0CUSTOMER",
            "text": "Our server answers 502 to everybody since a few minutes. Can you help?",
            "ts": ts,
            "channel_type": "channel",
        } | ({"bot_id": "B0OTHER"} if filtered else {})
        event = {"type": "event_callback", "event_id": f"Ev{count:08}", "team_id": "T0BENCH", "event": message}
        made.append(Event(ts, request(path, json.dumps(event).encode())))
    return made


def request(path: str, body: bytes, media_type: str = "application/json") -> bytes:
    """Signs a body as Slack does and puts it into a request."""
    now = int(time.time())
    signature = hmac.new(SECRET.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: {media_type}\r\n"
        f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection, with one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, event: Event) -> Sent:
        """Sends an event and waits for its acknowledgement; status 0 when none comes."""
        at = time.monotonic()
        try:
            status = await self._exchange(event.request)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            status = 0
        return Sent(event.ts, at, time.monotonic(), status)

    async def _exchange(self, sent: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if lengths:
            await reader.readexactly(int(lengths[0].split(b":")[1]))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Gives the connection up."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def at_once(port: int, wanted: Sequence[Event], in_flight: int) -> list[Sent]:
    """Sends as fast as `in_flight` connections can."""
    waiting = iter(wanted)

    async def one() -> list[Sent]:
        connection = Connection(port)
        sent = [await connection.send(event) for event in waiting]
        connection.close()
        return sent

    return [each for group in await asyncio.gather(*(one() for _ in range(in_flight))) for each in group]


async def evenly(port: int, wanted: Sequence[Event], a_second: float, connections: int = 64) -> list[Sent]:
    """Sends so many a second, whether answers come or not."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(Connection(port))
    began = time.monotonic()

    async def one(number: int, event: Event) -> Sent:
        await asyncio.sleep(max(0.0, began + number / a_second - time.monotonic()))
        connection = await free.get()
        try:
            return await connection.send(event)
        finally:
            free.put_nowait(connection)

    return list(await asyncio.gather(*(one(number, event) for number, event in enumerate(wanted))))
