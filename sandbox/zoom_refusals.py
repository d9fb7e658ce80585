"""How Zoom says no: a status with a code and a sentence. https://developers.zoom.us/docs/api/errors/"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world import FaultKind


class Refusal(Exception):
    """A code with Zoom's sentence. fields: what is wrong with which field of a body."""

    def __init__(
        self, status: int, code: int, message: str, *, fields: dict[str, str] | None = None, after: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields, self.after = status, code, message, fields or {}, after

    def answer(self) -> Response:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            body["errors"] = [{"field": name, "message": problem} for name, problem in self.fields.items()]
        return JSONResponse(body, self.status, {"Retry-After": self.after} if self.after else None)


class TokenRefusal(Exception):
    """An error of the token endpoint."""

    def __init__(self, status: int, error: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.error = status, error

    def answer(self) -> Response:
        return JSONResponse({"reason": str(self), "error": self.error}, self.status)


def invalid_token() -> Refusal:
    return Refusal(401, 124, "Invalid access token.")


def lacks(*scopes: str) -> Refusal:
    return Refusal(400, 4711, f"Invalid access token, does not contain scopes:[{', '.join(scopes)}].")


def no_user(user: str) -> Refusal:
    return Refusal(404, 1001, f"User does not exist: {user}.")


def no_meeting(id: str) -> Refusal:
    return Refusal(404, 3001, f"Meeting does not exist: {id}.")


def validation(fields: dict[str, str]) -> Refusal:
    return Refusal(400, 300, "Validation Failed.", fields=fields)


def daily_limit(limit: int, now: datetime) -> Refusal:
    told = (
        f"You have exceeded the daily rate limit ({limit}) of Meeting Create/Update API requests permitted for this "
        "particular user. You may resume these requests at GMT 00:00:00."
    )
    return Refusal(429, 429, told, after=f"{now + timedelta(days=1):%Y-%m-%d}T00:00:00Z")


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as Zoom does."""
    match kind:
        case "401":
            return invalid_token().answer()
        case "429" | "403_retry_after":
            told = "You have reached the maximum per-second rate limit for this API. Try again later."
            status = 429 if kind == "429" else 403
            return Refusal(status, 429, told, after=str(max(1, round(seconds)))).answer()
        case "vanished":
            return no_meeting("0").answer()
        case "malformed":
            return HTMLResponse("<!DOCTYPE html><html><head><title>Zoom</title></head></html>")
        case _:
            return Refusal(500, 500, "Internal server error.").answer()
