"""How the SDKs reach the network: with time-outs, no retries of their own, and a last look at every request.

The checks stand in the transports, below the SDKs, so that no call gets around them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import requests
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse
from requests.adapters import HTTPAdapter

from policies.confidentiality import scan_request
from settings import handbook, settings
from tasks import effects

_READS = {"GET", "HEAD", "OPTIONS"}
_MUTATION = re.compile(r"\s*mutation\b")


@cache
def authorities() -> SSLContext:
    """Reads once whose certificates count: it takes longer than a call."""
    return httpx.create_ssl_context()


def before_github(verb: str, path: str, body: str | None) -> None:
    """Looks at a request to GitHub before its bytes leave.

    Raises:
        effects.OutsideLedger, effects.LeaseLost: it writes without a permit that holds.
        policies.confidentiality.Leak: it writes to a place that anybody can read, and holds a customer's name.
    """
    if verb in _READS or _only_asks(path, body):
        return
    effects.assert_permitted()
    if not _is_confidential(path):
        from tasks.known_names import known_names

        scan_request(verb, path, (body or "").encode(), known_names())


def _only_asks(path: str, body: str | None) -> bool:
    if not path.split("?")[0].endswith("/graphql"):
        return False
    return not _MUTATION.match(json.loads(body or "{}").get("query", ""))


def _is_confidential(path: str) -> bool:
    return f"/repos/{handbook().repositories.confidential}/".lower() in f"{path.split('?')[0]}/".lower()


class _Https(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        self.timeout = _timeouts()
        before_github(self.verb, self.url, _text(self.input))
        return super().getresponse()


class _Http(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        self.timeout = _timeouts()
        before_github(self.verb, self.url, _text(self.input))
        return super().getresponse()


def _timeouts() -> Any:
    """Gives the seconds to connect and to answer; PyGithub itself takes whole seconds only and hands them through."""
    return settings().connect_timeout, settings().read_timeout


def _text(body: Any) -> str | None:
    if body is None or isinstance(body, str):
        return body
    raise TypeError("Uploads to GitHub are not looked through, so they are not sent.")


def install() -> None:
    """Has every PyGithub client of this process use the transports above."""
    Requester.injectConnectionClasses(_Http, _Https)


class SdkAdapter(HTTPAdapter):
    """Adds what SDKs on requests lack: time-outs, the permit check, and a sandbox on plain HTTP."""

    def __init__(self, service: str, asks: Sequence[str]) -> None:
        super().__init__(max_retries=0)
        self.service, self.asks = service, tuple(asks)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        if request.method not in _READS and not asked.path.startswith(self.asks):
            effects.assert_permitted()
        kwargs["timeout"] = _timeouts()
        if sandbox := settings().sandbox_url:
            host = urlsplit(sandbox)
            request.url = urlunsplit((host.scheme, host.netloc, f"/{self.service}{asked.path}", asked.query, ""))
        return super().send(request, *args, **kwargs)


def session(service: str, *, asks: Sequence[str] = ()) -> requests.Session:
    """Gives a session for an SDK; one a thread.

    service: the sandbox's name for it.
    asks: how the paths begin that write nothing although they are POSTed to: they give a token, or an answer.
    """
    made = requests.Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, SdkAdapter(service, asks))
    if settings().sandbox_url:
        made.trust_env = False
    return made


def salesforce_session() -> requests.Session:
    """Gives a session for simple-salesforce; one a thread."""
    return session("salesforce", asks=["/services/oauth2/"])
