"""Texts to our own people, through Twilio.

API: https://www.twilio.com/docs/messaging/api/message-resource
"""

# Twilio ships its types without the mark that says so.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import phonenumbers
import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from policies.confidentiality import Confidential
from policies.customer import Refused as InputRefused
from policies.text_messages import code, key, words
from settings import settings
from tasks import wire
from tasks.effects import (
    Failure,
    IfAbsent,
    LockedOut,
    Made,
    NothingHappened,
    Refused,
    Unclear,
    Write,
    aperform,
    asend_without_ledger,
)

STATUS_PATH = "/twilio/status"
CLOCKS_DIFFER = timedelta(minutes=5)  # ours and Twilio's, at the most
PAGE = 100
MOST = 1_000  # messages to one person that are looked through
_CONSOLE = "https://console.twilio.com/us1/monitor/logs/sms"
_NOT_NOW = {20429, 14107, 30001, 30022}  # too many requests, rate exceeded, queue overflow
_LOCKED_OUT = {20003, 20005, 20006, 10001, 20008}  # wrong token, inactive account


async def text(to: str, body: str, *, once: str, target: str, at_least_once: bool) -> Made:
    """Sends a text: what is said, cut to 160 characters, and the link that the body may end with.

    target: what the ledger shows instead of the number; a person's handle.
    at_least_once: whether a second text is better than none when nobody knows whether the first one left.

    Raises:
        policies.customer.Refused: the number is none that can get texts.
        tasks.effects.EffectError
    """
    return await aperform(_described(to, body, once, target, at_least_once=at_least_once))


async def text_without_ledger(to: str, body: str, *, once: str, target: str) -> Made:
    """Sends a text while the ledger is away: the one effect that does without it, since silence would cost more.

    Raises:
        Exception: whatever Twilio's client raises.
    """
    return await asend_without_ledger(_described(to, body, once, target, at_least_once=True))


def _described(to: str, body: str, once: str, target: str, *, at_least_once: bool) -> Write:
    number, said = _checked(to, target), words(body, once)

    def send() -> Made:
        sender: dict[str, Any] = _sender()
        sent = _connect().messages.create(to=number, body=said, **sender, **_status_callback(once))
        if not sent.sid:
            raise ValueError("no id")
        return Made(sent.sid, url(sent.sid))

    def find(since: datetime) -> Made | None:
        """Looks through the latest texts to the number; Twilio can't search by date what it has not sent yet."""
        for sent in _connect().messages.stream(to=number, page_size=PAGE, limit=MOST):
            if sent.date_created and sent.date_created.replace(tzinfo=UTC) < since - CLOCKS_DIFFER:
                return None
            if sent.sid and code(once) in (sent.body or ""):
                return Made(sent.sid, url(sent.sid))
        return None

    request = {"to": Confidential(number), "body": Confidential(said)}
    if_absent = IfAbsent.REPEAT if at_least_once else IfAbsent.PARK
    return Write(once, "Twilio", "send text", target, request, send, find, explain, Made("", ""), if_absent)


def _checked(to: str, target: str) -> str:
    try:
        parsed = phonenumbers.parse(to, None)
    except phonenumbers.NumberParseException:
        parsed = None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if parsed else ""
    if parsed is None or number != to or not phonenumbers.is_valid_number(parsed):
        raise InputRefused(
            f"The phone number of {target} is none that can get texts. Write it as +15551234567 where the names are."
        )
    return number


def _sender() -> dict[str, Any]:
    ours = settings().twilio_from
    return {"messaging_service_sid": ours} if ours.startswith("MG") else {"from_": ours}


def _status_callback(once: str) -> dict[str, Any]:
    """Has Twilio tell the gateway how the text fares; the callback itself proves that it was accepted."""
    public = settings().public_url.rstrip("/")
    return {"status_callback": f"{public}{STATUS_PATH}?k={key(once)}"} if public else {}


def url(sid: str) -> str:
    """Gives the address where a person sees a text and how it fared."""
    sandbox = settings().sandbox_url
    return f"{sandbox}/twilio/console/{sid}" if sandbox else f"{_CONSOLE}/{sid}"


class _Http(TwilioHttpClient):
    """Twilio's transport with our session; it logs nothing, since addresses hold phone numbers."""

    def __init__(self) -> None:
        super().__init__(pool_connections=False)
        self.session = wire.session("twilio")

    def log_request(self, kwargs: dict[str, Any]) -> None:
        pass

    def log_response(self, status_code: int, response: Any) -> None:
        pass


def _connect() -> Client:
    settings().require("twilio_account_sid", "twilio_auth_token", "twilio_from")
    token = settings().twilio_auth_token.get_secret_value().split(",")[0].strip()
    nothing_else = {"TWILIO_EDGE": ""}  # an empty one would stand for the process's own environment
    return Client(settings().twilio_account_sid, token, http_client=_Http(), environment=nothing_else)


def explain(error: Exception) -> Failure:
    """Reads what went wrong. Twilio's own words hold phone numbers, so they stay out."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return _explain_answer(error.status, error.code)
    if isinstance(error, requests.exceptions.ConnectTimeout) or "Connection refused" in str(error):
        return NothingHappened("Twilio could not be reached.")
    return Unclear(f"Twilio gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(status: int, number: int | None) -> Failure:
    told = f"{status}, error {number}; see https://www.twilio.com/docs/api/errors/{number}"
    if status == 429 or number in _NOT_NOW:
        return NothingHappened(f"Twilio asked to come back later ({told}).")
    if status == 401 or number in _LOCKED_OUT:
        return LockedOut(f"Twilio refused the token ({told}). Correct HANDBOOK_TWILIO_* and start the run again.")
    if status >= 500 or status < 400:
        return Unclear(f"Twilio answered {status}.")
    return Refused(f"Twilio refused the text ({told}).")
