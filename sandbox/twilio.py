"""Twilio's stand-in: text messages out and in, how they fare, and the webhooks that tell of it.

Besides Twilio's own: `POST /_person/message` `{"from", "to", "body"}` texts one of our numbers as a person, and
`GET /console/{sid}` shows a message. Neither needs a token.

API: https://www.twilio.com/docs/messaging/api/message-resource

How true it is to Twilio, and what nobody has checked: docs/fidelity_twilio.md.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import html
import itertools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree.ElementTree import Element

import defusedxml.ElementTree as SafeXml
import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.seed_fields import check_fields
from sandbox.twilio_refusals import Refusal, not_found, on_demand
from sandbox.webhooks import SECRETS, Rule
from sandbox.world import FaultKind, World

VERSION = "2010-04-01"
LONGEST = 1_600
PAGE, LARGEST_PAGE = 50, 1_000
INBOUND = "/twilio/inbound"
RULE = Rule(
    limit=15, waits=(0,), only_if_unreached=True
)  # https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
STOP, START = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit"}, {"start", "yes", "unstop"}
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_DOUBLE = frozenset("^{}\\[~]|€")
SEED: dict[str, Any] = {
    "account": ...,
    "api_keys": [{"sid", "secret"}],
    "numbers": [{"phone_number", "sms_url"}],
    "services": [{"sid", "numbers"}],
    "phones": [{"number", "name", "fate", "error_code"}],
    "pace": ...,
}

Fate = Literal["delivered", "undelivered", "failed"]


class Account(BaseModel):
    """The account; a trial account texts verified numbers only."""

    model_config = ConfigDict(extra="forbid")

    sid: str = Field(pattern=r"^AC[0-9a-f]{32}$")
    auth_token: str = SECRETS["twilio"]
    type: Literal["Full", "Trial"] = "Full"
    verified: list[str] = Field(default_factory=list)
    regions: list[str] = Field(default_factory=list)  # such as "+1"; none: everywhere


class Pace(BaseModel):
    """After how many seconds of the world's clock a message is sent, and delivered. 0: at once."""

    model_config = ConfigDict(extra="forbid")

    sent: float = Field(default=0, ge=0)
    delivered: float = Field(default=0, ge=0)


@dataclass
class Phone:
    """A person's phone, and what becomes of texts to it."""

    number: str
    name: str = ""
    fate: Fate = "delivered"
    error_code: int | None = None


@dataclass
class Message:
    sid: str
    to: str
    sender: str
    body: str
    direction: str
    status: str
    created: datetime
    updated: datetime
    service: str = ""
    sent: datetime | None = None
    status_callback: str = ""
    error_code: int | None = None

    def shown(self, account: str) -> dict[str, Any]:
        """Gives it as Twilio's JSON has it."""
        uri = f"/{VERSION}/Accounts/{account}/Messages/{self.sid}"
        has_sender = self.status != "accepted"  # a messaging service chooses one later
        return {
            "account_sid": account,
            "api_version": VERSION,
            "body": self.body,
            "date_created": _rfc2822(self.created),
            "date_sent": self.sent and _rfc2822(self.sent),
            "date_updated": _rfc2822(self.updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender if has_sender else None,
            "messaging_service_sid": self.service or None,
            "num_media": "0",
            "num_segments": str(segments(self.body)) if has_sender else "0",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def segments(body: str) -> int:
    """Gives in how many parts a text travels. https://www.twilio.com/docs/glossary/what-sms-character-limit"""
    if set(body) <= GSM7 | GSM7_DOUBLE:
        size, (alone, together) = sum(2 if each in GSM7_DOUBLE else 1 for each in body), (160, 153)
    else:
        size, (alone, together) = len(body.encode("utf-16-le")) // 2, (70, 67)
    return 1 if size <= alone else -(-size // together)


def signature(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """Signs a webhook. https://www.twilio.com/docs/usage/security#validating-requests"""
    text = url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Twilio:
    """The account: its numbers, its messages, and who has said STOP."""

    name = "twilio"

    def __init__(self, world: World) -> None:
        self.world = world
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        for task in self._tasks:
            task.cancel()
        self.account: Account | None = None
        self.api_keys: dict[str, str] = {}
        self.numbers: dict[str, str] = {}  # ours -> where texts to it are told
        self.services: dict[str, list[str]] = {}
        self.phones: dict[str, Phone] = {}
        self.pace = Pace()
        self.messages: dict[str, Message] = {}
        self.opted_out: set[tuple[str, str]] = set()  # person, our number
        self.alerts: list[dict[str, Any]] = []  # what Twilio's debugger would show of our answers
        self._numbers = itertools.count(1)

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field is unknown, or a number is none.
        """
        check_fields("twilio", seed, SEED)
        if "account" in seed:
            self.account = Account.model_validate(seed["account"])
        if "pace" in seed:
            self.pace = Pace.model_validate(seed["pace"])
        self.api_keys |= {each["sid"]: each["secret"] for each in seed.get("api_keys", [])}
        self.numbers |= {_seeded(each["phone_number"]): each.get("sms_url", "") for each in seed.get("numbers", [])}
        for each in seed.get("services", []):
            self.services[each["sid"]] = [_seeded(number) for number in each["numbers"]]
        for each in seed.get("phones", []):
            self.phones[_seeded(each["number"])] = Phone(**each)

    def dump(self) -> dict[str, Any]:
        """Gives the messages, oldest first, who has said STOP, and what was wrong with our answers."""
        account = self.account.sid if self.account else ""
        return {
            "messages": [
                each.shown(account) | {"status_callback": each.status_callback} for each in self.messages.values()
            ],
            "opted_out": [{"person": person, "number": number} for person, number in sorted(self.opted_out)],
            "alerts": list(self.alerts),
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)

    # Who calls

    def account_for(self, authorization: str) -> Account:
        """Gives the account that Basic authentication opens.

        Raises:
            Refusal: it opens none.
        """
        scheme, _, given = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        account = self.account
        if scheme.lower() != "basic" or account is None:
            raise Refusal(20003, "Authenticate")
        known = {account.sid: account.auth_token, **self.api_keys}
        if not password or not hmac.compare_digest(known.get(user, "").encode(), password.encode()):
            raise Refusal(20003, "Authenticate")
        return account

    # Messages

    def create(self, said: Mapping[str, str]) -> Message:
        """Takes a message to send.

        Raises:
            Refusal: it can't be sent.
        """
        to, body, callback = said.get("To", ""), said.get("Body", ""), said.get("StatusCallback", "")
        service = said.get("MessagingServiceSid", "")
        self._check_recipient(to)
        sender = self._sender(said.get("From", ""), service)
        self._check_pair(to, sender)
        if not body:
            raise Refusal(21602, "Message body is required.")
        if len(body) > LONGEST:
            raise Refusal(21617, f"The concatenated message body exceeds the {LONGEST} character limit")
        if callback and not _is_url(callback):
            raise Refusal(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
        status = "accepted" if service else "queued"
        message = self._keep(to, sender, body, "outbound-api", status)
        message.service, message.status_callback = service, callback
        self.world.record(self.name, "send text", to, sender=sender, body=body, status_callback=callback)
        self._in_background(self._progress(message))
        return message

    def _check_recipient(self, to: str) -> None:
        account = self.account
        if not to:
            raise Refusal(21604, "A 'To' phone number is required.")
        if not is_number(to):
            raise Refusal(21211, f"Invalid 'To' Phone Number: {_masked(to)}")
        if account and account.type == "Trial" and to not in account.verified:
            raise Refusal(
                21608,
                f"The number {to} is unverified. Trial accounts cannot send messages to unverified numbers; "
                f"verify {to} at twilio.com/user/account/phone-numbers/verified, or purchase a Twilio number to "
                "send messages to unverified numbers",
            )
        if account and account.regions and not to.startswith(tuple(account.regions)):
            where = "the region indicated by the 'To' number"
            raise Refusal(21408, f"Permission to send an SMS has not been enabled for {where}: {to}")

    def _sender(self, sender: str, service: str) -> str:
        if service:
            if service not in self.services:
                raise Refusal(21705, f"The Messaging Service Sid {service} is invalid.")
            if not self.services[service]:
                raise Refusal(21704, "The Messaging Service contains no phone numbers.")
            return self.services[service][0]
        if not sender:
            raise Refusal(21603, "A 'From' phone number is required.")
        if sender not in self.numbers:
            raise Refusal(21659, f"'From' {sender} is not a Twilio phone number or Short Code country mismatch")
        return sender

    def _check_pair(self, to: str, sender: str) -> None:
        if to == sender:
            raise Refusal(21266, "'To' and 'From' number cannot be the same")
        if (to, sender) in self.opted_out:
            raise Refusal(21610, "Attempt to send to unsubscribed recipient")

    def _keep(self, to: str, sender: str, body: str, direction: str, status: str) -> Message:
        now = self.world.clock.now()
        sid = f"SM{next(self._numbers):032x}"
        self.messages[sid] = Message(sid, to, sender, body, direction, status, now, now)
        return self.messages[sid]

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _progress(self, message: Message) -> None:
        """Has a message be sent, and arrive or not, by the world's clock."""
        phone = self.phones.get(message.to, Phone(message.to))
        steps = [] if phone.fate == "failed" else [("sent", self.pace.sent)]
        for status, after in [*steps, (phone.fate, self.pace.delivered)]:
            while self.world.clock.now() < message.created + timedelta(seconds=after):
                await asyncio.sleep(0.02)
            self._move(message, status, phone)

    def _move(self, message: Message, status: str, phone: Phone) -> None:
        message.status, message.updated = status, self.world.clock.now()
        if status in {"undelivered", "failed"}:
            message.error_code = phone.error_code or 30003
        else:
            message.sent = message.sent or message.updated
        self.world.version += 1
        if message.status_callback:
            self._tell_status(message)

    def find(self, wanted: Mapping[str, str]) -> list[Message]:
        """Gives the messages that match a list's filters, newest first. What has not been sent has no date sent."""
        tests = [_filter(name, value) for name, value in wanted.items() if value and name in FILTERS]
        found = [message for message in self.messages.values() if all(test(message) for test in tests)]
        return found[::-1]

    # Webhooks

    def _tell_status(self, message: Message) -> None:
        told = {
            "AccountSid": self._account_sid(),
            "ApiVersion": VERSION,
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": message.status,
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "To": message.to,
        }
        if message.error_code:
            told["ErrorCode"] = str(message.error_code)
        if message.service:
            told["MessagingServiceSid"] = message.service
        self._post(message.status_callback, f"{message.sid}/{message.status}", f"status.{message.status}", told)

    def hear(self, person: str, ours: str, body: str) -> Message:
        """Takes a text of a person to one of our numbers."""
        message = self._keep(ours, person, body, "inbound", "received")
        message.sent = message.created
        word = body.strip().lower()
        if word in STOP:
            self.opted_out.add((person, ours))
        if word in START:
            self.opted_out.discard((person, ours))
        told = {
            "AccountSid": self._account_sid(),
            "ApiVersion": VERSION,
            "Body": body,
            "From": person,
            "FromCountry": phonenumbers.region_code_for_number(phonenumbers.parse(person)) or "",
            "MessageSid": message.sid,
            "NumMedia": "0",
            "NumSegments": str(segments(body)),
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": ours,
            "ToCountry": phonenumbers.region_code_for_number(phonenumbers.parse(ours)) or "",
        }
        url = self.numbers[ours] or f"{self.world.webhooks.network.gateway}{INBOUND}"
        self._post(url, message.sid, "inbound", told, replies_to=message)
        return message

    def _post(
        self, url: str, id: str, kind: str, told: Mapping[str, str], *, replies_to: Message | None = None
    ) -> None:
        """Sends a webhook: signed for the address that we were given, to the gateway that the sandbox knows."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        token = self.account.auth_token if self.account else ""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(token, parts._replace(fragment="").geturl(), told),
            "I-Twilio-Idempotency-Token": id,
        }
        body = urlencode(told).encode()

        def answered(kind_of: str, content: bytes) -> None:
            if replies_to:
                self._read_answer(kind_of, content, replies_to)

        self.world.webhooks.send(
            self.name, path, id=id, kind=kind, rule=RULE, signed=lambda _: (body, headers), answered=answered
        )

    def _read_answer(self, kind_of: str, content: bytes, heard: Message) -> None:
        """Does what the TwiML of an answer says: `<Message>` is a reply. https://www.twilio.com/docs/messaging/twiml"""
        if not content.strip():
            return
        if "xml" not in kind_of:
            if not kind_of.startswith("text/plain"):
                self.alerts.append({"code": 12300, "message": "Invalid Content-Type", "content_type": kind_of})
                return
            replies = [content.decode("utf-8", "replace")]
        else:
            replies = self._replies(content)
        for reply in filter(None, replies):
            message = self._keep(heard.sender, heard.to, reply, "outbound-reply", "queued")
            self.world.record(self.name, "send text", message.to, sender=message.sender, body=reply)
            self._in_background(self._progress(message))

    def _replies(self, content: bytes) -> list[str]:
        try:
            root: Element = SafeXml.fromstring(content)
        except (SafeXml.ParseError, ValueError) as error:
            self.alerts.append({"code": 12100, "message": f"Document parse failure: {error}"})
            return []
        if root.tag != "Response":
            self.alerts.append({"code": 12102, "message": "Response is not TwiML: no <Response>"})
            return []
        for verb in root:
            if verb.tag not in {"Message", "Redirect"}:
                self.alerts.append({"code": 12200, "message": f"Schema validation warning: <{verb.tag}>"})
        return ["".join(verb.itertext()).strip() for verb in root if verb.tag == "Message"]

    def _account_sid(self) -> str:
        return self.account.sid if self.account else ""


FILTERS = {"To", "From", "DateSent", "DateSent<", "DateSent>"}


def _filter(name: str, value: str) -> Callable[[Message], bool]:
    """Gives the test that one filter of a list asks for."""
    if name in {"To", "From"}:
        return lambda message: value == (message.to if name == "To" else message.sender)
    start, end = _span(value)

    def is_within(message: Message) -> bool:
        if message.sent is None:
            return False
        return (name == "DateSent<" or message.sent >= start) and (name == "DateSent>" or message.sent < end)

    return is_within


def _span(value: str) -> tuple[datetime, datetime]:
    """Gives the moment, or the day, that a filter names."""
    try:
        start = datetime.fromisoformat(value)
    except ValueError:
        raise Refusal(20001, f"Invalid date: {value}") from None
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    return start, start + (timedelta(days=1) if len(value) == len("2026-11-23") else timedelta(seconds=1))


def is_number(text: str) -> bool:
    """Says whether a text is a phone number in E.164."""
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return written == text and phonenumbers.is_possible_number(parsed)


def _seeded(number: str) -> str:
    if not is_number(number):
        raise ValueError(f"{number} is no phone number. Write it with its country code, such as +12025550101.")
    return number


def _masked(number: str) -> str:
    return f"{number[:-4]}XXXX" if len(number) > 4 else number


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _rfc2822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0))


class Api:
    """The Message resource, and the pages that people open."""

    def __init__(self, service: Twilio) -> None:
        self.service = service

    def app(self) -> Starlette:
        accounts = f"/{VERSION}/Accounts"
        return Starlette(
            routes=[
                Route(f"{accounts}/{{account}}.json", self.account),
                Route(f"{accounts}/{{account}}/Messages.json", self.create, methods=["POST"]),
                Route(f"{accounts}/{{account}}/Messages.json", self.list),
                Route(f"{accounts}/{{account}}/Messages/{{sid}}.json", self.fetch),
                Route("/_person/message", self.person, methods=["POST"]),
                Route("/console/{sid}", self.page),
            ],
            exception_handlers={Refusal: _refused, ValueError: _unprocessable, 404: _unknown, 405: _unknown},
        )

    def _account(self, request: Request) -> Account:
        account = self.service.account_for(request.headers.get("authorization", ""))
        if request.path_params["account"] != account.sid:
            raise not_found(request.url.path.removeprefix(request.scope.get("root_path", "")))
        return account

    async def account(self, request: Request) -> Response:
        account = self._account(request)
        said = {"sid": account.sid, "friendly_name": "Sandbox", "status": "active", "type": account.type}
        return JSONResponse(said)

    async def create(self, request: Request) -> Response:
        account = self._account(request)
        said = await _form(request)
        return JSONResponse(self.service.create(said).shown(account.sid), 201)

    async def fetch(self, request: Request) -> Response:
        account = self._account(request)
        found = self.service.messages.get(request.path_params["sid"])
        if found is None:
            raise not_found(f"/{VERSION}/Accounts/{account.sid}/Messages/{request.path_params['sid']}.json")
        return JSONResponse(found.shown(account.sid))

    async def list(self, request: Request) -> Response:
        account = self._account(request)
        asked = dict(request.query_params)
        found = self.service.find(asked)
        size = min(LARGEST_PAGE, _whole(asked.get("PageSize", str(PAGE)), least=1))
        page = _whole(asked.get("Page", "0"))
        start = _after(found, asked.get("PageToken", ""))
        shown = found[start : start + size]

        def uri(number: int, token: str) -> str:
            query = {**asked, "PageSize": size, "Page": number, **({"PageToken": token} if token else {})}
            return f"/{VERSION}/Accounts/{account.sid}/Messages.json?{urlencode(query)}"

        has_more = start + size < len(found)
        body = {
            "messages": [each.shown(account.sid) for each in shown],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(0, len(shown) - 1),
            "first_page_uri": uri(0, ""),
            "next_page_uri": uri(page + 1, f"PA{shown[-1].sid}") if has_more else None,
            "previous_page_uri": None,
            "uri": uri(page, asked.get("PageToken", "")),
        }
        return JSONResponse(body)

    async def person(self, request: Request) -> Response:
        said = Spoken.model_validate_json(await request.body())
        if not is_number(said.sender):
            raise ValueError(f"{said.sender} is no phone number. Write it with its country code, such as +12025550101.")
        if said.to not in self.service.numbers:
            raise ValueError(f"{said.to} is none of our numbers. There are {sorted(self.service.numbers)}.")
        return JSONResponse({"ok": True, "sid": self.service.hear(said.sender, said.to, said.body).sid})

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a link to a message."""
        found = self.service.messages.get(request.path_params["sid"])
        if found is None:
            return HTMLResponse(_html("No such message", {}), 404)
        rows = {name: str(value) for name, value in found.shown("").items() if isinstance(value, str)}
        return HTMLResponse(_html("Text message", {name: rows[name] for name in SHOWN if name in rows}))


SHOWN = ("from", "to", "body", "status", "date_created", "date_sent", "num_segments", "sid")


class Spoken(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sender: str = Field(alias="from")
    to: str
    body: str = Field(max_length=LONGEST)


def _html(title: str, rows: Mapping[str, str]) -> str:
    cells = "".join(f"<tr><th>{html.escape(name)}<td>{html.escape(value)}" for name, value in rows.items())
    style = "body{font:16px system-ui;margin:2rem}th{text-align:left;padding:.2rem 1rem .2rem 0}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{style}</style>'
    return f'<!DOCTYPE html><html lang="en">{head}<h1>{title}</h1><table>{cells}</table></html>'


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _whole(text: str, least: int = 0) -> int:
    return max(least, int(text)) if text.isascii() and text.isdigit() else least


def _after(found: Sequence[Message], token: str) -> int:
    sids = [each.sid for each in found]
    last = token.removeprefix("PA")
    return sids.index(last) + 1 if last in sids else 0


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _unknown(request: Request, error: Exception) -> Response:
    return not_found(request.url.path.removeprefix(request.scope.get("root_path", ""))).answer()


async def _unprocessable(request: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        return JSONResponse({"error": str(error)}, 422)
    problems = [f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in error.errors()]
    return JSONResponse({"error": " ".join(problems)}, 422)


def create(world: World) -> tuple[Twilio, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Twilio(world)
    return service, Api(service).app()
