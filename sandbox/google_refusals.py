"""How Google's APIs say no. https://developers.google.com/workspace/gmail/api/guides/handle-errors"""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world import FaultKind

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Refusal(Exception):
    """An error as Gmail words it; `short` is what its list of errors says, when that differs."""

    def __init__(
        self, code: int, reason: str, message: str, *, status: str = "", short: str = "", domain: str = "global"
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.status, self.short, self.domain = status or STATUSES[code], short or message, domain

    def body(self) -> dict[str, Any]:
        entry = {"message": self.short, "domain": self.domain, "reason": self.reason}
        if self.code == 401:
            entry |= {"location": "Authorization", "locationType": "header"}
        return {"error": {"code": self.code, "message": self.message, "errors": [entry], "status": self.status}}

    def answer(self) -> Response:
        return JSONResponse(self.body(), self.code)


class CalendarRefusal(Refusal):
    """An error as Calendar words it, which has a form of its own. https://developers.google.com/workspace/calendar/api/guides/errors

    location: the parameter or header that it is about, if any.
    """

    def __init__(
        self, code: int, reason: str, message: str, *, domain: str = "global", location: tuple[str, str] | None = None
    ) -> None:
        super().__init__(code, reason, message, status="none", domain=domain)
        self.location = location

    def body(self) -> dict[str, Any]:
        entry = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            kind, name = self.location
            entry |= {"locationType": kind, "location": name}
        return {"error": {"errors": [entry], "code": self.code, "message": self.message}}


class TokenRefusal(Exception):
    """An error of the token endpoint, which speaks OAuth's own form."""

    def __init__(self, code: int, error: str, description: str) -> None:
        super().__init__(description)
        self.code, self.error = code, error

    def answer(self) -> Response:
        return JSONResponse({"error": self.error, "error_description": str(self)}, self.code)


def invalid(message: str) -> Refusal:
    return Refusal(400, "invalidArgument", message)


def not_found() -> Refusal:
    return Refusal(404, "notFound", "Requested entity was not found.")


def unauthenticated() -> Refusal:
    return Refusal(401, "authError", CREDENTIALS, short="Invalid Credentials")


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as Gmail does."""
    wait = {"Retry-After": str(max(1, round(seconds)))}
    match kind:
        case "401":
            return unauthenticated().answer()
        case "429":
            told = Refusal(429, "rateLimitExceeded", "Too many concurrent requests for user.").body()
            return JSONResponse(told, 429, wait)
        case "403_retry_after":
            told = Refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded", domain="usageLimits").body()
            return JSONResponse(told, 403, wait)
        case "vanished":
            return not_found().answer()
        case "malformed":
            return HTMLResponse("<!DOCTYPE html><html><head><title>Google</title></head></html>")
        case "500_before":
            return Refusal(503, "backendError", "The service is currently unavailable.").answer()
        case _:
            return Refusal(500, "backendError", "Internal error encountered.").answer()
