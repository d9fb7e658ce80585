"""How Slack says no: HTTP 200 with `ok: false` and a code. https://docs.slack.dev/apis/web-api/#responses"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from sandbox.world import FaultKind


class Refusal(Exception):
    """`ok: false`, with one of Slack's codes and what Slack says beside it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error, self.more = error, more

    def answer(self) -> Response:
        return JSONResponse({"ok": False, "error": self.error, **self.more})


def invalid(error: str, problems: Sequence[str]) -> Refusal:
    """Refuses arguments, blocks or a view, and says what is wrong with each part."""
    return Refusal(
        error, errors=list(problems), response_metadata={"messages": [f"[ERROR] {each}" for each in problems]}
    )


def invalid_arguments(*problems: str) -> Refusal:
    return invalid("invalid_arguments", problems)


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as Slack does."""
    match kind:
        case "401":
            return Refusal("invalid_auth").answer()
        case "429" | "403_retry_after":
            wait = {"Retry-After": str(max(1, round(seconds)))}
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, wait)
        case "malformed":
            return HTMLResponse("<!DOCTYPE html>\n<html><head><title>Slack</title></head></html>")
        case "ok_false":
            return Refusal("internal_error").answer()
        case "vanished":
            return Refusal("channel_not_found").answer()
        case _:
            return PlainTextResponse("upstream connect error or disconnect/reset before headers", 503)
