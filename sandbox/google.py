"""Google's stand-in: Gmail, Calendar and Sheets as googleapiclient speaks them, and tokens for service accounts.

| module | what it has |
|---|---|
| google_oauth | signed texts in, tokens out |
| google_mail | mailboxes, how mail is read, shown and searched |
| google_sheets | spreadsheets and how they are read |
| google_calendar, google_calendar_events, google_calendar_rest | calendars, their events, their methods |
| google_refusals | how Google says no |

Besides Google's own, without a token: `POST /_person/mail` `{"from", "to", "subject", "text"}` writes to a mailbox as
somebody outside, `POST /_person/send` `{"mailbox", "draft"}` presses Send on a draft, and `GET /mail/sent/{id}` shows a
mail.

API: https://developers.google.com/workspace/gmail/api/reference/rest

How true it is to Google, and what nobody has checked: docs/fidelity_google.md.
"""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, cast
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.google_calendar import Calendars
from sandbox.google_calendar_rest import CalendarApi
from sandbox.google_mail import Format, Mailbox, Message, decoded, from_mailbox, parsed, recipients, search
from sandbox.google_oauth import AUDIENCE, ServiceAccount, Token, grant, read
from sandbox.google_refusals import Refusal, TokenRefusal, invalid, not_found, on_demand
from sandbox.google_sheets import Sheets, Spreadsheet
from sandbox.seed_fields import check_fields
from sandbox.world import FaultKind, World

SCOPE = "https://www.googleapis.com/auth/gmail."
EVERYTHING = "https://mail.google.com/"
COMPOSES = {EVERYTHING, f"{SCOPE}modify", f"{SCOPE}compose"}
SENDS = {*COMPOSES, f"{SCOPE}send"}
READS_DRAFTS = {*COMPOSES, f"{SCOPE}readonly"}
READS_TEXTS = {EVERYTHING, f"{SCOPE}modify", f"{SCOPE}readonly"}
READS = {*READS_TEXTS, f"{SCOPE}metadata"}
READS_LABELS = {*READS, f"{SCOPE}labels"}
READS_PROFILE = {*READS, f"{SCOPE}compose"}
MESSAGE_IDS = ("kept", "moved", "lost")  # moved: to X-Google-Original-Message-ID
LABELS = ("CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "STARRED", "UNREAD")
RECORDED = ("To", "Cc", "Subject", "Message-ID")
PAGE, LARGEST_PAGE = 100, 500
SEED: dict[str, Any] = {
    "service_accounts": [{"email", "public_key", "scopes"}],
    "mailboxes": [{"address", "name", "enabled"}],
    "spreadsheets": [set(Spreadsheet.model_fields)],
    "events": ...,  # each as Calendar takes it, with the mailbox whose "calendar" it is in
    "unshared_calendars": ...,  # mailboxes whose busy times nobody else sees
    "message_ids": ...,  # what Gmail does to the Message-ID of what it sends, one of MESSAGE_IDS
}


class Google:
    """The domain: its service accounts, mailboxes, calendars and spreadsheets."""

    name = "google"

    def __init__(self, world: World) -> None:
        self.world, self.sheets = world, Sheets()
        self.mailboxes: dict[str, Mailbox] = {}
        self.calendars = Calendars(world, lambda: self.mailboxes)
        self.reset()

    def reset(self) -> None:
        """Forgets everything. Tokens stay good, for the mailboxes that there are."""
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.mailboxes.clear()
        self.calendars.clear()
        self.sheets.spreadsheets.clear()
        self.message_ids = "kept"
        self.granted: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field is unknown.
        """
        check_fields("google", seed, SEED)
        for each in seed.get("service_accounts", []):
            account = ServiceAccount(each["email"], each["public_key"], frozenset(each["scopes"]))
            self.service_accounts[account.email] = account
        for each in seed.get("mailboxes", []):
            mailbox = Mailbox(each["address"].lower(), each.get("name", ""), each.get("enabled", True))
            self.mailboxes.setdefault(mailbox.address, mailbox)
        self.calendars.load(seed.get("events", []), seed.get("unshared_calendars", []))
        self.sheets.load(seed.get("spreadsheets", []))
        self.message_ids = seed.get("message_ids", self.message_ids)
        if self.message_ids not in MESSAGE_IDS:
            raise ValueError(f"message_ids of a google seed is {self.message_ids!r}. Write one of {MESSAGE_IDS}.")

    def dump(self) -> dict[str, Any]:
        """Gives each mailbox with its drafts and messages, and for which scopes tokens were given."""
        return {
            "mailboxes": [
                {
                    "address": mailbox.address,
                    "drafts": dict(mailbox.drafts),
                    "messages": [_told(message) for message in mailbox.messages.values()],
                }
                for mailbox in self.mailboxes.values()
            ],
            "events": self.calendars.dump(),
            "spreadsheets": self.sheets.dump(),
            "granted": list(self.granted),
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)

    def mailbox(self, token: Token, wanted: str) -> Mailbox:
        """Gives the mailbox that a call is about.

        Raises:
            Refusal: the token acts for nobody, or for somebody else, or the person has no Gmail.
        """
        found = self.mailboxes.get(token.mailbox)
        if found is None:
            raise Refusal(400, "failedPrecondition", "Precondition check failed.", status="FAILED_PRECONDITION")
        if not found.enabled:
            raise Refusal(400, "failedPrecondition", "Mail service not enabled", status="FAILED_PRECONDITION")
        if wanted.lower() not in {"me", found.address}:
            raise Refusal(403, "forbidden", f"Delegation denied for {token.mailbox}")
        return found

    # Drafts

    def create_draft(self, mailbox: Mailbox, raw: bytes, thread: str) -> str:
        """Keeps a draft and gives its id."""
        mail = parsed(raw)
        from_mailbox(mail, mailbox)
        draft = f"r{next(self._numbers) * 7_919_000_000_000_007 % 10**19:019}"
        mailbox.drafts[draft] = self._keep(mailbox, mail, ["DRAFT"], thread).id
        self._record("create draft", mailbox, mail)
        return draft

    def update_draft(self, mailbox: Mailbox, draft: str, raw: bytes, thread: str) -> None:
        """Puts another message into a draft."""
        mail = parsed(raw)
        from_mailbox(mail, mailbox)
        before = self.drafted(mailbox, draft)
        mailbox.drafts[draft] = self._keep(mailbox, mail, ["DRAFT"], thread or before.thread).id
        del mailbox.messages[before.id]
        self._record("update draft", mailbox, mail)

    def delete_draft(self, mailbox: Mailbox, draft: str) -> None:
        """Deletes a draft for good."""
        message = self.drafted(mailbox, draft)
        del mailbox.drafts[draft], mailbox.messages[message.id]
        self._record("delete draft", mailbox, message.mail)

    def drafted(self, mailbox: Mailbox, draft: str) -> Message:
        """Gives a draft's message.

        Raises:
            Refusal: there is no such draft, or it has been sent.
        """
        if draft not in mailbox.drafts:
            raise not_found()
        return mailbox.messages[mailbox.drafts[draft]]

    def send_draft(self, mailbox: Mailbox, draft: str) -> Message:
        """Sends a draft, which is gone then."""
        message = self.drafted(mailbox, draft)
        sent = self.send(mailbox, message.raw, message.thread)
        del mailbox.drafts[draft], mailbox.messages[message.id]
        return sent

    # Messages

    def send(self, mailbox: Mailbox, raw: bytes, thread: str = "") -> Message:
        """Sends a mail: a copy in Sent, and one in the inbox of each recipient of the domain."""
        mail = parsed(raw)
        to = recipients(mail)
        if not to:
            raise invalid("Recipient address required")
        from_mailbox(mail, mailbox)
        self._stamp(mail)
        sent = self._keep(mailbox, mail, ["SENT"], thread)
        hidden = sent.mail
        del hidden["Bcc"]
        for address in to:
            if (other := self.mailboxes.get(address)) and other.enabled:
                self._deliver(other, hidden)
        self._record("send mail", mailbox, mail)
        return sent

    def _stamp(self, mail: EmailMessage) -> None:
        """Adds what Gmail adds to what leaves."""
        given = mail.get("Message-ID")
        if given and self.message_ids != "kept":
            del mail["Message-ID"]
        if given and self.message_ids == "moved":
            mail["X-Google-Original-Message-ID"] = str(given)
        if "Message-ID" not in mail:
            mail["Message-ID"] = f"<CA{next(self._numbers):030x}@mail.gmail.com>"
        if "Date" not in mail:
            mail["Date"] = format_datetime(self.world.clock.now())

    def _deliver(self, mailbox: Mailbox, mail: EmailMessage) -> Message:
        return self._keep(mailbox, mail, ["UNREAD", "IMPORTANT", "INBOX"], "")

    def receive(self, mailbox: Mailbox, mail: EmailMessage) -> Message:
        """Puts a mail from outside into an inbox."""
        self._stamp(mail)
        return self._deliver(mailbox, mail)

    def press_send(self, mailbox: Mailbox, draft: str) -> Message:
        """Sends a draft as a person does in Gmail, which writes the mail anew and keeps nobody's own headers."""
        before = self.drafted(mailbox, draft).mail
        anew = EmailMessage()
        for name in ("From", "To", "Cc", "Subject"):
            if name in before:
                anew[name] = str(before[name])
        anew.set_content(mailbox.messages[mailbox.drafts[draft]].text)
        mailbox.messages[mailbox.drafts[draft]].raw = anew.as_bytes(policy=SMTP)
        return self.send_draft(mailbox, draft)

    def _keep(self, mailbox: Mailbox, mail: EmailMessage, labels: list[str], thread: str) -> Message:
        number = next(self._numbers)
        own_id = f"{0x19A0000000000000 + number * 0x1F3D5B79:016x}"
        thread = thread or self._thread_of(mailbox, mail) or own_id
        raw = mail.as_bytes(policy=SMTP)
        message = Message(own_id, thread, raw, self.world.clock.now(), str(10_000 + number), labels)
        mailbox.messages[own_id] = message
        return message

    def _thread_of(self, mailbox: Mailbox, mail: EmailMessage) -> str:
        """Gives the thread that a mail answers in."""
        answered = {str(mail.get("In-Reply-To", "")), *str(mail.get("References", "")).split()} - {""}
        if not answered:
            return ""
        return next((each.thread for each in mailbox.messages.values() if each.header("Message-ID") in answered), "")

    def _record(self, action: str, mailbox: Mailbox, mail: EmailMessage) -> None:
        told: dict[str, Any] = {name.lower(): str(mail[name]) for name in RECORDED if name in mail}
        world = self.world
        actor, world.actor = world.actor, world.actor or mailbox.address
        world.record(self.name, action, f"{mailbox.address} to {told.get('to', 'nobody')}", **told)
        world.actor = actor


def _told(message: Message) -> dict[str, Any]:
    headers = {name: str(value).strip() for name, value in message.mail.items()}
    return {"id": message.id, "threadId": message.thread, "labelIds": message.labels, "headers": headers} | {
        "text": message.text
    }


# The REST API


@dataclass(frozen=True)
class Call:
    """A request to Gmail: who calls, about which mailbox, with what."""

    token: Token
    mailbox: Mailbox
    parts: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    @property
    def form(self) -> Format:
        """Gives the format that a message is wanted in.

        Raises:
            Refusal: there is none of that name, or the token may read headers only.
        """
        wanted = self.one("format", "full").lower()
        if wanted not in {"minimal", "full", "raw", "metadata"}:
            raise invalid(f"Invalid value at 'format', \"{wanted}\"")
        if wanted in {"full", "raw"} and self.reads_headers_only:
            message = f"Metadata scope doesn't allow format {wanted.upper()}"
            raise Refusal(403, "forbidden", message)
        return cast("Format", wanted)

    @property
    def reads_headers_only(self) -> bool:
        """Says whether the token has Gmail's metadata scope, which narrows what others of its scopes allow."""
        return f"{SCOPE}metadata" in self.token.scopes

    def said(self, **known: Any) -> dict[str, Any]:
        """Gives the body, whose fields must be known.

        Raises:
            Refusal
        """
        try:
            said = json.loads(self.body or b"{}")
        except ValueError:
            raise invalid("Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(said, dict):
            raise invalid('Invalid JSON payload received. Unknown name "": Root element must be a message.')
        return _checked(cast("dict[str, Any]", said), known, "")


MESSAGE = dict.fromkeys(
    ("id", "threadId", "labelIds", "raw", "snippet", "payload", "sizeEstimate", "historyId", "internalDate")
)
DRAFT = {"id": None, "message": MESSAGE}


def _checked(said: dict[str, Any], known: Mapping[str, Any], place: str) -> dict[str, Any]:
    for name, value in said.items():
        if name not in known:
            where = f" at '{place}'" if place else ""
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')
        if known[name]:
            if not isinstance(value, dict):
                raise invalid(f"Invalid value at '{name}'")
            _checked(cast("dict[str, Any]", value), known[name], name)
    return said


Answer = Callable[[Call], Any]


class Gmail:
    """The methods of users, users.drafts, users.messages, users.threads and users.labels."""

    def __init__(self, service: Google) -> None:
        self.service = service

    def methods(self) -> list[tuple[str, str, set[str], Answer]]:
        """Gives verb, path, scopes of which one is needed, and what answers."""
        return [
            ("GET", "/profile", READS_PROFILE, self.profile),
            ("GET", "/labels", READS_LABELS, self.labels),
            ("POST", "/drafts/send", COMPOSES, self.send_draft),
            ("POST", "/drafts", COMPOSES, self.create_draft),
            ("GET", "/drafts", READS_DRAFTS, self.list_drafts),
            ("GET", "/drafts/{id}", READS_DRAFTS, self.get_draft),
            ("PUT", "/drafts/{id}", COMPOSES, self.update_draft),
            ("DELETE", "/drafts/{id}", COMPOSES, self.delete_draft),
            ("POST", "/messages/send", SENDS, self.send),
            ("GET", "/messages", READS, self.list_messages),
            ("GET", "/messages/{id}", READS, self.get_message),
            ("GET", "/threads/{id}", READS, self.get_thread),
        ]

    def profile(self, call: Call) -> Any:
        messages = call.mailbox.messages.values()
        return {
            "emailAddress": call.mailbox.address,
            "messagesTotal": len(messages),
            "threadsTotal": len({each.thread for each in messages}),
            "historyId": max((each.history for each in messages), default="10000"),
        }

    def labels(self, call: Call) -> Any:
        return {"labels": [{"id": name, "name": name, "type": "system"} for name in LABELS]}

    def create_draft(self, call: Call) -> Any:
        message = call.said(**DRAFT).get("message")
        if not message or not message.get("raw"):
            raise invalid("Missing draft message")
        draft = self.service.create_draft(call.mailbox, decoded(message["raw"]), message.get("threadId", ""))
        return self._draft(call, draft)

    def update_draft(self, call: Call) -> Any:
        message = call.said(**DRAFT).get("message")
        if not message or not message.get("raw"):
            raise invalid("Missing draft message")
        draft = call.parts["id"]
        self.service.update_draft(call.mailbox, draft, decoded(message["raw"]), message.get("threadId", ""))
        return self._draft(call, draft)

    def _draft(self, call: Call, draft: str) -> dict[str, Any]:
        message = call.mailbox.messages[call.mailbox.drafts[draft]]
        return {"id": draft, "message": _short(message) | {"labelIds": message.labels}}

    def get_draft(self, call: Call) -> Any:
        form = call.form
        message = self.service.drafted(call.mailbox, call.parts["id"])
        return {"id": call.parts["id"], "message": message.shown(form)}

    def delete_draft(self, call: Call) -> Any:
        self.service.delete_draft(call.mailbox, call.parts["id"])
        return None

    def send_draft(self, call: Call) -> Any:
        said = call.said(**DRAFT)
        if not said.get("id"):
            raise invalid("Invalid draft")
        message: dict[str, Any] = said.get("message") or {}
        if message.get("raw"):
            self.service.update_draft(call.mailbox, said["id"], decoded(message["raw"]), message.get("threadId", ""))
        sent = self.service.send_draft(call.mailbox, said["id"])
        return _short(sent) | {"labelIds": sent.labels}

    def list_drafts(self, call: Call) -> Any:
        of = {message: draft for draft, message in call.mailbox.drafts.items()}
        found = [each for each in self._searched(call) if each.id in of]
        return _page(call, "drafts", [{"id": of[each.id], "message": _short(each)} for each in found])

    def send(self, call: Call) -> Any:
        said = call.said(**MESSAGE)
        if not said.get("raw"):
            raise invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
        sent = self.service.send(call.mailbox, decoded(said["raw"]), said.get("threadId", ""))
        return _short(sent) | {"labelIds": sent.labels}

    def list_messages(self, call: Call) -> Any:
        labels = set(call.all("labelIds"))
        found = [each for each in self._searched(call) if labels <= set(each.labels)]
        return _page(call, "messages", [_short(each) for each in found])

    def _searched(self, call: Call) -> list[Message]:
        """Gives the messages that fit `q`, newest first; without spam and trash unless they are asked for."""
        query = call.one("q")
        if query and call.reads_headers_only:
            raise Refusal(403, "forbidden", "Metadata scope does not support 'q' parameter")
        fits = search(query, self.service.world.clock.now())
        hidden = set[str]() if call.one("includeSpamTrash") == "true" else {"SPAM", "TRASH"}
        return [each for each in call.mailbox.newest_first() if fits(each) and not hidden & set(each.labels)]

    def get_message(self, call: Call) -> Any:
        form, found = call.form, call.mailbox.messages.get(call.parts["id"])
        if not re.fullmatch("[0-9a-f]{1,16}", call.parts["id"]):
            raise invalid("Invalid id value")
        if found is None:
            raise not_found()
        return found.shown(form, call.all("metadataHeaders"))

    def get_thread(self, call: Call) -> Any:
        form = call.form
        found = [each for each in call.mailbox.newest_first() if each.thread == call.parts["id"]]
        if not found:
            raise not_found()
        shown = [each.shown(form, call.all("metadataHeaders")) for each in reversed(found)]
        return {"id": call.parts["id"], "historyId": found[0].history, "messages": shown}


def _short(message: Message) -> dict[str, Any]:
    return {"id": message.id, "threadId": message.thread}


def _page(call: Call, name: str, rows: Sequence[Any]) -> dict[str, Any]:
    """Gives a page. Where nothing is found the list itself is missing, as with Google."""
    size, start = call.one("maxResults", str(PAGE)), call.one("pageToken", "0")
    if not size.isdigit() or not int(size) > 0:
        raise invalid(f"Invalid value at 'max_results' (TYPE_UINT32), \"{size}\"")
    if not start.isdigit():
        raise invalid("Invalid pageToken")
    end = int(start) + min(int(size), LARGEST_PAGE)
    body: dict[str, Any] = {"resultSizeEstimate": len(rows)}
    if shown := rows[int(start) : end]:
        body = {name: list(shown), **body}
    if end < len(rows):
        body["nextPageToken"] = str(end)
    return body


class Site:
    """Everything under /google."""

    def __init__(self, service: Google) -> None:
        self.service, self.gmail = service, Gmail(service)

    def app(self) -> Starlette:
        users = "/gmail/v1/users/{user}"
        return Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                *(
                    Route(users + path, self._endpoint(scopes, answer), methods=[verb])
                    for verb, path, scopes, answer in self.gmail.methods()
                ),
                Route("/_person/mail", self.person_mail, methods=["POST"]),
                Route("/_person/send", self.person_send, methods=["POST"]),
                Route("/mail/sent/{id}", self.page),
                *CalendarApi(self.service.calendars).routes(),
                *self.service.sheets.routes(),
            ],
            exception_handlers={
                Refusal: _refused,
                TokenRefusal: _refused,
                ValueError: _unprocessable,
                404: _unknown,
                405: _unknown,
            },
        )

    def _endpoint(self, scopes: set[str], answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            token = read(request.headers.get("authorization", ""))
            if not scopes & token.scopes:
                message = "Request had insufficient authentication scopes."
                raise Refusal(403, "insufficientPermissions", message, short="Insufficient Permission")
            mailbox = self.service.mailbox(token, request.path_params["user"])
            query = parse_qsl(request.url.query, keep_blank_values=True)
            said = answer(Call(token, mailbox, request.path_params, query, await request.body()))
            return Response(status_code=204) if said is None else JSONResponse(said)

        return endpoint

    async def token(self, request: Request) -> Response:
        said = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        ours = f"{self.service.world.public_url}/google/token"
        token, answer = grant(said, self.service.service_accounts, self.service.mailboxes.keys(), [AUDIENCE, ours])
        self.service.granted.append({"mailbox": token.mailbox, "scopes": sorted(token.scopes)})
        return JSONResponse(answer)

    async def person_mail(self, request: Request) -> Response:
        said = Written.model_validate_json(await request.body())
        mail = EmailMessage()
        mail["From"] = said.sender
        mail["To"] = said.to
        mail["Subject"] = said.subject
        mail.set_content(said.text)
        return JSONResponse({"ok": True, "id": self.service.receive(self._mailbox(said.to), mail).id})

    async def person_send(self, request: Request) -> Response:
        said = Pressed.model_validate_json(await request.body())
        mailbox = self._mailbox(said.mailbox)
        if said.draft not in mailbox.drafts:
            raise ValueError(f"{mailbox.address} has no draft {said.draft}. It has {sorted(mailbox.drafts)}.")
        return JSONResponse({"ok": True, "id": self.service.press_send(mailbox, said.draft).id})

    def _mailbox(self, address: str) -> Mailbox:
        if found := self.service.mailboxes.get(address.lower()):
            return found
        raise ValueError(f"No mailbox {address}. There are {sorted(self.service.mailboxes)}.")

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a link to a mail."""
        own_id = request.path_params["id"]
        found = [each.messages[own_id] for each in self.service.mailboxes.values() if own_id in each.messages]
        if not found:
            return HTMLResponse(_html("No such mail", "<p>It is in none of the mailboxes.</p>"), 404)
        headers = "".join(
            f"<tr><th>{html.escape(name)}<td>{html.escape(str(value))}" for name, value in found[0].mail.items()
        )
        title = found[0].header("Subject") or "(no subject)"
        return HTMLResponse(_html(title, f"<table>{headers}</table><pre>{html.escape(found[0].text)}</pre>"))


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sender: str = Field(alias="from")
    to: str
    subject: str
    text: str


class Pressed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mailbox: str
    draft: str


def _html(title: str, body: str) -> str:
    style = "body{font:16px system-ui;margin:2rem}th{text-align:left;padding-right:1rem}pre{white-space:pre-wrap}"
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    return f'<!DOCTYPE html><html lang="en">{head}<h1>{html.escape(title)}</h1>{body}</html>'


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal | TokenRefusal)
    return error.answer()


async def _unknown(request: Request, error: Exception) -> Response:
    """What Google answers to paths and verbs that it doesn't know: a page."""
    return HTMLResponse("<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title></html>", 404)


async def _unprocessable(request: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        return JSONResponse({"error": str(error)}, 422)
    problems = [f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in error.errors()]
    return JSONResponse({"error": " ".join(problems)}, 422)


def create(world: World) -> tuple[Google, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Google(world)
    return service, Site(service).app()
