"""Google, for all its APIs that procedures use: as whom we act, what goes over the wire, what went wrong.

Each call has a token for one person of ours and one scope, by domain-wide delegation.

Guide: https://developers.google.com/identity/protocols/oauth2/service-account
"""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import requests
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from httplib2 import Response

from settings import ROOT, SettingsIncomplete, settings
from tasks import wire
from tasks.effects import Failure, LockedOut, NothingHappened, Refused, Unclear

_FULL = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}


def service(name: str, version: str, address: str, scope: str) -> Any:
    """Gives a client for one API, such as ("gmail", "v1"), that acts for a mailbox with one scope."""
    return _client(name, version, acting_for(address, scope))


def for_anybody(name: str, version: str) -> Any:
    """Gives a client whose calls name whom they act for: `execute(http=acting_for(...))`."""
    return _client(name, version, _Nobody())


def _client(name: str, version: str, http: Any) -> Any:
    return build(name, version, http=http, static_discovery=True, cache_discovery=False)


def acting_for(address: str, scope: str) -> Any:
    """Gives the transport that acts for a mailbox with one scope."""
    return _Http(credentials_for(address, scope))


def pages(resource: Any, name: str, **wanted: Any) -> Iterator[dict[str, Any]]:
    """Gives what a list has, page by page. name: of the list in an answer."""
    request = resource.list(**wanted)
    while request is not None:
        page = request.execute()
        yield from page.get(name, [])
        request = resource.list_next(request, page)


@lru_cache(maxsize=200)
def credentials_for(address: str, scope: str) -> Credentials:
    """Gives credentials that act for one mailbox. They get their token when it is first needed, and again each hour."""
    settings().require("google_service_account")
    given = settings().google_service_account.get_secret_value().strip()
    text = given if given.startswith("{") else (ROOT / given).read_text(encoding="utf-8")
    info = cast("dict[str, str]", json.loads(text))
    return Credentials.from_service_account_info(info, scopes=[scope], subject=address)


class _Nobody:
    """The transport of calls that name nobody."""

    def request(self, *_: Any, **__: Any) -> tuple[Response, bytes]:
        raise TypeError("Name whom the call acts for: execute(http=acting_for(...)).")


class _Http:
    """What googleapiclient takes for its transport: one request on the wire for each that it asks for."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials, self.session = credentials, wire.session("google", asks=["/token", "/calendar/v3/freeBusy"])

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> tuple[Response, bytes]:
        # Not google-auth's before_request, which asks Google for more in a thread of its own.
        if not self.credentials.valid:
            self.credentials.refresh(Request(self.session))
        given = {**(headers or {}), "Authorization": f"Bearer {self.credentials.token}"}
        answer = self.session.request(method, uri, data=body, headers=given, allow_redirects=False)
        return Response({**answer.headers, "status": str(answer.status_code)}), answer.content


def explain(error: Exception, product: str) -> Failure:
    """Reads what went wrong. Google's own words may hold addresses, so they stay out.

    product: as people call it, such as "Gmail".
    """
    match error:
        case SettingsIncomplete():
            return LockedOut(str(error))
        case HttpError():
            return _explain_answer(error, product)
        case RefreshError(retryable=False):
            return _locked_out("Google gives no token for this person's account", product)
        case RefreshError() | TransportError():  # the write itself never left
            return NothingHappened("Google gave no token.")
        case requests.exceptions.ConnectTimeout():
            return NothingHappened(f"{product} could not be reached.")
        case _ if "Connection refused" in str(error):
            return NothingHappened(f"{product} could not be reached.")
        case _:
            return Unclear(f"{product} gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(error: HttpError, product: str) -> Failure:
    status, reason = int(error.status_code), _reason(error)
    told = f"{status} {reason}".strip()
    if status == 429 or (status == 403 and reason in _FULL):
        after = str(error.resp.get("retry-after", ""))
        wait = float(after) if after.isdigit() else None
        return NothingHappened(f"{product} asked to come back later ({told}).", wait)
    if status in {401, 403}:
        return _locked_out(f"{product} refused the token ({told})", product)
    if 400 <= status < 500:
        return Refused(f"{product} refused it ({told}).")
    return Unclear(f"{product} answered {status}.")


def _locked_out(said: str, product: str) -> LockedOut:
    credentials_for.cache_clear()
    return LockedOut(
        f"{said}. Compare the service account's domain-wide delegation with the scopes for {product} in "
        "docs/connecting.md, and start the run again."
    )


def _reason(error: HttpError) -> str:
    try:
        return str(json.loads(error.content)["error"]["errors"][0]["reason"])
    except (ValueError, LookupError, TypeError):
        return ""
