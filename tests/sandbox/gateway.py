"""A gateway that takes webhooks, keeps them as they came, and answers what a test wants."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


class Received:
    """A request as it came to the gateway."""

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        self.path, self.body, self.at = path, body, time.monotonic()
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)["event"]

    @property
    def json(self) -> dict[str, Any]:
        """Gives a body that is JSON itself."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.form["payload"])


class Gateway:
    """Takes webhooks, and answers what a test wants."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.status, self.kind = 200, "text/plain"
        self.answer: Callable[[Received], bytes] = lambda _: b""
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received = Received(self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
                gateway.got.append(received)
                content = gateway.answer(received)
                self.send_response(gateway.status)
                self.send_header("Content-Type", gateway.kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def events(self) -> list[dict[str, Any]]:
        return [each.event for each in self.got]
