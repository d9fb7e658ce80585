"""How Twilio says no: a status and one of its error numbers. https://www.twilio.com/docs/api/errors"""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world import FaultKind

STATUSES = {20003: 401, 20404: 404, 20429: 429, 20500: 500, 20503: 503}


class Refusal(Exception):
    """An error number with Twilio's sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def status(self) -> int:
        return STATUSES.get(self.code, 400)

    def body(self) -> dict[str, Any]:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}

    def answer(self) -> Response:
        return JSONResponse(self.body(), self.status)


def not_found(path: str) -> Refusal:
    return Refusal(20404, f"The requested resource {path} was not found")


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as Twilio does."""
    match kind:
        case "401":
            return Refusal(20003, "Authenticate").answer()
        case "429" | "403_retry_after":
            answer = Refusal(20429, "Too Many Requests").answer()
            answer.headers["Retry-After"] = str(max(1, round(seconds)))
            return answer
        case "vanished":
            return not_found("/2010-04-01/Accounts").answer()
        case "malformed":
            return HTMLResponse("<!DOCTYPE html><html><head><title>Twilio</title></head></html>", 201)
        case "500_before":
            return Refusal(20503, "Service unavailable").answer()
        case _:
            return Refusal(20500, "Internal Server Error").answer()
