"""How Unthread says no: a status and a sentence. Its page doesn't give the form, so nothing may be read out of it."""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world import FaultKind


class Refusal(Exception):
    """A status with a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def answer(self) -> Response:
        return JSONResponse({"error": self.message}, self.status)


def not_found(kind: str, id: str) -> Refusal:
    return Refusal(404, f"{kind} {id} not found")


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as Unthread might."""
    match kind:
        case "401":
            return Refusal(401, "Unauthorized").answer()
        case "429" | "403_retry_after":
            answer = Refusal(429 if kind == "429" else 403, "Too many requests").answer()
            answer.headers["Retry-After"] = str(max(1, round(seconds)))
            return answer
        case "vanished":
            return Refusal(404, "Not found").answer()
        case "malformed":
            return HTMLResponse("<!DOCTYPE html><html><head><title>Unthread</title></head></html>", 200)
        case _:
            return Refusal(500, "Internal server error").answer()
