"""How GitHub says no. PyGithub reads these texts, so they are GitHub's own words.

Sources: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api, answers quoted in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world import FaultKind

DOCS = "https://docs.github.com/rest"
RATE_LIMITS = f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

Code = Literal["already_exists", "custom", "invalid", "missing", "missing_field"]


class Refusal(Exception):
    """An answer that isn't 2xx."""

    def __init__(self, status: int, message: str, *errors: Mapping[str, Any], docs: str = DOCS) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.docs = status, message, errors, docs

    def answer(self, headers: Mapping[str, str] | None = None) -> Response:
        errors = {"errors": list(self.errors)} if self.errors else {}
        body = {"message": self.message, **errors, "documentation_url": self.docs, "status": str(self.status)}
        return JSONResponse(body, self.status, dict(headers or {}))


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def bad_credentials() -> Refusal:
    return Refusal(401, "Bad credentials")


def out_of_reach() -> Refusal:
    """Refuses a write to what the caller may read only."""
    return Refusal(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: Code = "invalid", **more: Any) -> Refusal:
    """Refuses a value; `more` may hold the `value` or a `message`."""
    return Refusal(422, "Validation Failed", {**more, "resource": resource, "code": code, "field": field})


def on_demand(kind: FaultKind, seconds: float) -> Response:
    """Words a fault as GitHub does."""
    wait = {"Retry-After": str(max(1, round(seconds)))}
    match kind:
        case "401":
            return bad_credentials().answer()
        case "403_retry_after":
            return Refusal(403, SECONDARY, docs=f"{RATE_LIMITS}#about-secondary-rate-limits").answer(wait)
        case "429":
            spent = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000"}
            return Refusal(429, "API rate limit exceeded for installation.", docs=RATE_LIMITS).answer(wait | spent)
        case "malformed":
            return HTMLResponse("<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head></html>")
        case "vanished":
            return not_found().answer()
        case _:
            return JSONResponse({"message": "Server Error"}, 502)
