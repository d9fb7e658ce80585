"""Unthread's stand-in: tickets with their messages and notes, customers, users, and the webhooks that tell of them.

| module | what it has |
|---|---|
| unthread_state | what there is, what bodies and seeds may say |
| unthread_queries | list requests: select, where, order, pages |
| unthread_refusals | how Unthread says no |

Besides Unthread's own, without a key: `POST /_person/conversation` `{"name", "email", "message"}` fills in the contact
form of the website, which makes a ticket, `POST /_person/status` `{"id", "status"}` closes or reopens one as a team
member does, `POST /_person/message` `{"id", "text", "user"}` writes in one, as the customer unless a user's id is
given, and `GET /conversations/{id}` shows one.

API: https://docs.unthread.io/api-introduction/using-api

How true it is to Unthread, and what nobody has checked: docs/fidelity_unthread.md.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import itertools
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.unthread_queries import ListRequest, Row, answer, check_field, selected
from sandbox.unthread_refusals import Refusal, not_found, on_demand
from sandbox.unthread_state import (
    CONVERSATION_FIELDS,
    CUSTOMER_FIELDS,
    MESSAGE_FIELDS,
    NAMESPACE,
    SUBSCRIPTION_FIELDS,
    USER_FIELDS,
    ContactForm,
    Conversation,
    ConversationChange,
    CustomerChange,
    Message,
    NewConversation,
    NewCustomer,
    NewMessage,
    NewSubscription,
    Seed,
    SeededConversation,
    SubscriptionChange,
    contact_form,
    stamp,
)
from sandbox.webhooks import SECRETS, Rule, Signed
from sandbox.world import FaultKind, World

RULE = Rule(limit=30, waits=(5, 60, 300, 900))  # four more tries; how far apart, its page doesn't say
VERIFICATION = Rule(limit=3)
AGE = timedelta(hours=1)  # of what a seed gives no time
BODY = TypeVar("BODY", bound=BaseModel)


class Unthread:
    """The workspace: its tickets, customers and users."""

    name = "unthread"

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.api_keys: dict[str, str] = {}
        self.inbox = "contact@fleetdm.com"
        self.users: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, Conversation] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._friendly = itertools.count(1001)

    # Seeds

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects.

        Raises:
            ValueError: a field is unknown, or a ticket is assigned to nobody.
        """
        said = Seed.model_validate(dict(seed))
        self.api_keys |= said.api_keys
        self.inbox = said.inbox or self.inbox
        self.users |= {each.id: each.model_dump(by_alias=True) for each in said.users}
        for each in said.customers:
            self.customers[each.id] = self._dated(each.model_dump(by_alias=True))
        for each in said.subscriptions:
            self.subscriptions[each.id] = self._dated(each.model_dump(by_alias=True))
        for each in said.conversations:
            self._seed_conversation(each)

    def _dated(self, row: dict[str, Any]) -> dict[str, Any]:
        now = stamp(self.world.clock.now())
        return {"createdAt": now, "updatedAt": now} | row

    def _seed_conversation(self, said: SeededConversation) -> None:
        self._check_references(said.customer_id, said.assigned_to_user_id)
        at = said.created_at or self.world.clock.now() - AGE
        since = said.status_updated_at or at
        made = Conversation(said.id, next(self._friendly), said.type, at, since, since, said.status, said.title)
        made.closed = (said.closed_at or at) if said.status == "closed" else None
        made.values = said.model_dump(
            include={"priority", "customer_id", "assigned_to_user_id", "metadata"}, by_alias=True
        )
        self.conversations[made.id] = made
        for place, each in enumerate(said.messages):
            written = each.at or at + timedelta(seconds=place)
            more = each.model_dump(include={"is_private_note", "event_type"})
            self._add_message(made, each.text, written, user=each.user_id, bot=each.bot_id, **more)
            made.updated = max(made.updated, written)
        made.updated = max(made.updated, made.closed or at)

    def _check_references(self, customer: str | None, user: str | None) -> None:
        if customer and customer not in self.customers:
            raise ValueError(f'There is no customer "{customer}". Add it to "customers".')
        if user and user not in self.users:
            raise ValueError(f'There is no user "{user}". Add it to "users".')

    def dump(self) -> dict[str, Any]:
        """Gives the tickets, oldest first, each with its messages."""
        return {
            "conversations": [
                {**self.shown(each), "messages": [message.shown() for message in each.messages]}
                for each in self.conversations.values()
            ],
            "customers": list(self.customers.values()),
            "users": list(self.users.values()),
            "subscriptions": list(self.subscriptions.values()),
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        return on_demand(kind, seconds)

    # Who calls

    def check_key(self, given: str) -> str:
        """Gives the service account whose key it is.

        Raises:
            Refusal: nobody's.
        """
        for key, account in self.api_keys.items():
            if hmac.compare_digest(key.encode(), given.encode()):
                return account
        raise Refusal(401, "Unauthorized")

    # Tickets

    def shown(self, conversation: Conversation) -> dict[str, Any]:
        """Gives a ticket as the API has it."""
        values, first = conversation.values, conversation.messages[0].shown() if conversation.messages else None
        customer, user = (
            self.customers.get(values.get("customerId", "")),
            self.users.get(values.get("assignedToUserId") or ""),
        )
        plain = {name: None for name in CONVERSATION_FIELDS if "." not in name}
        return plain | {
            "ticketTypeFields": {},
            "metadata": {},
            "tags": [],
            "excludeAnalytics": False,
            **values,
            "id": conversation.id,
            "friendlyId": conversation.friendly_id,
            "type": conversation.type,
            "status": conversation.status,
            "title": conversation.title,
            "createdAt": stamp(conversation.created),
            "updatedAt": stamp(conversation.updated),
            "statusUpdatedAt": stamp(conversation.status_updated),
            "closedAt": conversation.closed and stamp(conversation.closed),
            "initialMessage": first and {name: first[name] for name in ("ts", "text", "timestamp", "conversationId")},
            "customer": customer and {"id": customer["id"], "name": customer["name"]},
            "assignedToUser": user and {name: user[name] for name in ("id", "name", "email")},
        }

    def conversation(self, id: str) -> Conversation:
        found = self.conversations.get(id)
        if found is None:
            raise not_found("Conversation", id)
        return found

    def create(self, said: NewConversation, by: str) -> Conversation:
        """Makes a ticket."""
        missing = {"slack": said.channel_id, "triage": said.triage_channel_id, "email": said.email_inbox_id}
        if not missing[said.type]:
            raise Refusal(400, f'A conversation of type "{said.type}" needs its channel or inbox')
        self._check_named(said.model_dump(by_alias=True))
        made = self._new(said.type, said.title, said.markdown, bot=by)
        given = said.model_dump(exclude={"type", "markdown", "title", "status"}, exclude_none=True, by_alias=True)
        made.values |= given
        made.status = said.status
        made.closed = made.created if said.status == "closed" else None
        self._record("create conversation", made, title=said.title or "")
        self.tell("conversation_created", self.shown(made))
        return made

    def fill_in_contact_form(self, said: ContactForm) -> Conversation:
        """Makes a ticket of the website's form, as its mail to our own mailbox does."""
        self._check_references(None, said.assigned_to)
        made = self._new("email", "New contact form message", contact_form(said, self.inbox))
        made.values |= {
            "assignedToUserId": said.assigned_to,
            "onBehalfOf": {"name": "Fleet", "email": self.inbox},
            "emailInboxId": "inbox-contact",
        }
        self.tell("conversation_created", self.shown(made))
        return made

    def _new(self, kind: Any, title: str | None, text: str, bot: str | None = None) -> Conversation:
        now = self.world.clock.now()
        made = Conversation(self._id("conversation"), next(self._friendly), kind, now, now, now, title=title)
        self.conversations[made.id] = made
        self._add_message(made, text, now, bot=bot)
        self.world.version += 1
        return made

    def _id(self, kind: str) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{kind} {next(self._numbers)}"))

    def _add_message(self, conversation: Conversation, text: str, at: datetime, **more: Any) -> Message:
        ts = f"{at.timestamp():.3f}{next(self._numbers) % 1000:03}"
        message = Message(ts, text, conversation.id, at, **more)
        conversation.messages.append(message)
        return message

    def _check_named(self, given: Mapping[str, Any]) -> None:
        for name, known in (("customerId", self.customers), ("assignedToUserId", self.users)):
            if given.get(name) and given[name] not in known:
                raise Refusal(400, f'Invalid {name} "{given[name]}"')

    def update(self, conversation: Conversation, said: ConversationChange) -> None:
        """Changes a ticket. What is as wanted already changes nothing."""
        given = said.model_dump(exclude_unset=True, by_alias=True)
        self._check_named(given)
        now, before = self.world.clock.now(), (conversation.status, conversation.title, dict(conversation.values))
        conversation.title = given.pop("title", conversation.title)
        status = given.pop("status", None)
        if status and status != conversation.status:
            conversation.status, conversation.status_updated = status, now
            conversation.closed = now if status == "closed" else None
        conversation.values |= {
            name: stamp(value) if isinstance(value, datetime) else value for name, value in given.items()
        }
        if before == (conversation.status, conversation.title, conversation.values):
            return
        conversation.updated = now
        action = "close conversation" if conversation.closed and before[0] != "closed" else "update conversation"
        self._record(action, conversation, **said.model_dump(mode="json", exclude_unset=True, by_alias=True))
        self.tell("conversation_updated", self.shown(conversation))

    def write(self, conversation: Conversation, said: NewMessage, by: str) -> Message:
        """Adds a message, or a note that only the team sees."""
        behalf = said.on_behalf_of.model_dump(exclude_none=True) if said.on_behalf_of else None
        message = self._add_message(
            conversation,
            said.body.value,
            self.world.clock.now(),
            bot=by,
            is_private_note=said.is_private_note,
            on_behalf_of=behalf,
        )
        conversation.updated = message.at
        action = "add private note" if said.is_private_note else "send message"
        self._record(action, conversation, text=said.body.value)
        self.tell("message_created", message.shown())
        return message

    def say(self, id: str, text: str, user: str | None) -> None:
        """Adds what a person writes in a ticket: a team member, or the customer.

        Raises:
            ValueError: there is no such ticket, or no such user.
        """
        if id not in self.conversations:
            raise ValueError(f"There is no conversation {id}.")
        self._check_references(None, user)
        conversation = self.conversations[id]
        message = self._add_message(conversation, text, self.world.clock.now(), user=user)
        conversation.updated = message.at
        self.world.version += 1
        self.tell("message_created", message.shown())

    def _record(self, action: str, conversation: Conversation, **detail: Any) -> None:
        self.world.record(self.name, action, f"conversation {conversation.id}", **detail)

    # Customers and subscriptions

    def keep(self, kind: str, rows: dict[str, dict[str, Any]], given: Mapping[str, Any], id: str = "") -> Row:
        """Makes an object, or changes one."""
        if id and id not in rows:
            raise not_found(kind.capitalize(), id)
        row = rows.get(id) or self._dated({"id": self._id(kind)})
        row |= {**given, "updatedAt": stamp(self.world.clock.now())}
        rows[row["id"]] = row
        self.world.record(self.name, f"{'update' if id else 'create'} {kind}", f"{kind} {row['id']}", **given)
        return row

    def verify(self, subscription: Row) -> None:
        """Asks whether somebody listens at a subscription's address."""
        self._post(subscription, "url_verification", {}, VERIFICATION)

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        for each in self.subscriptions.values():
            if each["enabled"]:
                self._post(each, event, data, RULE)

    def _post(self, subscription: Row, event: str, data: Mapping[str, Any], rule: Rule) -> None:
        id, now = str(uuid.uuid5(NAMESPACE, f"event {next(self._numbers)}")), self.world.clock.now()

        def signed(attempt: int) -> Signed:
            said = {
                "event": event,
                "eventId": id,
                "eventTimestamp": int(now.timestamp() * 1000),
                "webhookTimestamp": int(time.time() * 1000),  # real: who verifies it lives in real time
                "data": data,
            }
            body = json.dumps(said).encode()
            headers = {
                "Content-Type": "application/json",
                "X-Unthread-Signature": signature(SECRETS["unthread"], body),
                "X-Unthread-Attempt-Number": str(attempt + 1),
            }
            return body, headers

        path = urlsplit(str(subscription["url"])).path
        self.world.webhooks.send(self.name, path, id=id, kind=event, rule=rule, signed=signed)


def signature(secret: str, body: bytes) -> str:
    """Gives `X-Unthread-Signature`."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Call:
    """A request of a known service account."""

    by: str
    path: Mapping[str, Any]
    query: Mapping[str, str]
    sent: bytes

    @property
    def id(self) -> str:
        return str(self.path["id"])

    def said(self, model: type[BODY]) -> BODY:
        """Reads the body.

        Raises:
            Refusal: it is no JSON, or a field is unknown or wrong.
        """
        try:
            return model.model_validate_json(self.sent or b"{}")
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, problem["loc"])) or "body"
            raise Refusal(400, f'Invalid "{where}": {problem["msg"]}') from None


class Api:
    """Unthread's paths, and the pages that people open."""

    def __init__(self, service: Unthread) -> None:
        self.service = service

    def app(self) -> Starlette:
        conversation, message = "/conversations/{id}", "/conversations/{id}/messages"
        table: list[tuple[str, str, Callable[[Call], Any]]] = [
            ("POST", "/conversations", self.create_conversation),
            ("POST", "/conversations/list", self.list_conversations),
            ("GET", conversation, self.get_conversation),
            ("PATCH", conversation, self.update_conversation),
            ("DELETE", conversation, self.delete_conversation),
            ("POST", message, self.create_message),
            ("POST", f"{message}/list", self.list_messages),
            ("POST", "/customers", self.create_customer),
            ("POST", "/customers/list", self.list_customers),
            ("GET", "/customers/{id}", self.get_customer),
            ("PATCH", "/customers/{id}", self.update_customer),
            ("POST", "/users/list", self.list_users),
            ("GET", "/users/{id}", self.get_user),
            ("POST", "/webhook-subscriptions", self.create_subscription),
            ("POST", "/webhook-subscriptions/list", self.list_subscriptions),
            ("PATCH", "/webhook-subscriptions/{id}", self.update_subscription),
        ]
        return Starlette(
            routes=[
                *(Route(f"/api{path}", self._endpoint(run), methods=[method]) for method, path, run in table),
                Route("/_person/conversation", self.person_conversation, methods=["POST"]),
                Route("/_person/status", self.person_status, methods=["POST"]),
                Route("/_person/message", self.person_message, methods=["POST"]),
                Route("/conversations/{id}", self.page),
            ],
            exception_handlers={Refusal: _refused, ValueError: _unprocessable, 404: _unknown, 405: _unknown},
        )

    def _endpoint(self, run: Callable[[Call], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            sent, world = await request.body(), self.service.world
            by, before = self.service.check_key(request.headers.get("x-api-key", "")), world.actor
            world.actor = before or by
            try:
                return JSONResponse(run(Call(by, request.path_params, request.query_params, sent)))
            finally:
                world.actor = before

        return endpoint

    # Tickets

    def _shown(self, call: Call, row: Row, fields: Sequence[str]) -> Any:
        asked = [each.strip() for each in call.query.get("select", "").split(",") if each.strip()]
        for name in asked:
            check_field(name, fields)
        return selected(row, asked or None)

    def _conversation(self, call: Call) -> Conversation:
        return self.service.conversation(call.id)

    def create_conversation(self, call: Call) -> Any:
        made = self.service.create(call.said(NewConversation), call.by)
        return self._shown(call, self.service.shown(made), CONVERSATION_FIELDS)

    def list_conversations(self, call: Call) -> Any:
        rows = [self.service.shown(each) for each in self.service.conversations.values()]
        return answer(rows, CONVERSATION_FIELDS, call.said(ListRequest))

    def get_conversation(self, call: Call) -> Any:
        return self._shown(call, self.service.shown(self._conversation(call)), CONVERSATION_FIELDS)

    def update_conversation(self, call: Call) -> Any:
        conversation = self._conversation(call)
        self.service.update(conversation, call.said(ConversationChange))
        return self._shown(call, self.service.shown(conversation), CONVERSATION_FIELDS)

    def delete_conversation(self, call: Call) -> Any:
        shown = self.service.shown(self._conversation(call))
        del self.service.conversations[call.id]
        self.service.world.record("unthread", "delete conversation", f"conversation {call.id}")
        self.service.tell("conversation_deleted", {"id": call.id})
        return shown

    def create_message(self, call: Call) -> Any:
        return self.service.write(self._conversation(call), call.said(NewMessage), call.by).shown()

    def list_messages(self, call: Call) -> Any:
        rows = [message.shown() for message in self._conversation(call).messages]
        return answer(rows, MESSAGE_FIELDS, call.said(ListRequest))

    # Customers, users, subscriptions

    def create_customer(self, call: Call) -> Any:
        given = call.said(NewCustomer).model_dump(by_alias=True)
        return self._shown(call, self.service.keep("customer", self.service.customers, given), CUSTOMER_FIELDS)

    def list_customers(self, call: Call) -> Any:
        return answer(list(self.service.customers.values()), CUSTOMER_FIELDS, call.said(ListRequest))

    def get_customer(self, call: Call) -> Any:
        return self._shown(call, _found(self.service.customers, "Customer", call.id), CUSTOMER_FIELDS)

    def update_customer(self, call: Call) -> Any:
        given = call.said(CustomerChange).model_dump(exclude_unset=True, by_alias=True)
        return self._shown(call, self.service.keep("customer", self.service.customers, given, call.id), CUSTOMER_FIELDS)

    def list_users(self, call: Call) -> Any:
        return answer(list(self.service.users.values()), USER_FIELDS, call.said(ListRequest))

    def get_user(self, call: Call) -> Any:
        return self._shown(call, _found(self.service.users, "User", call.id), USER_FIELDS)

    def create_subscription(self, call: Call) -> Any:
        given = call.said(NewSubscription).model_dump()
        made = self.service.keep("webhook subscription", self.service.subscriptions, given)
        self.service.verify(made)
        return made

    def list_subscriptions(self, call: Call) -> Any:
        return answer(list(self.service.subscriptions.values()), SUBSCRIPTION_FIELDS, call.said(ListRequest))

    def update_subscription(self, call: Call) -> Any:
        given = call.said(SubscriptionChange).model_dump(exclude_unset=True)
        return self.service.keep("webhook subscription", self.service.subscriptions, given, call.id)

    # People

    async def person_conversation(self, request: Request) -> Response:
        said = ContactForm.model_validate_json(await request.body())
        made = self.service.fill_in_contact_form(said)
        return JSONResponse({"ok": True, "id": made.id, "friendlyId": made.friendly_id})

    async def person_status(self, request: Request) -> Response:
        """Sets a ticket's status, as a team member does in Unthread: `{"id", "status"}`."""
        said = json.loads(await request.body())
        conversation = self.service.conversations.get(str(said["id"]))
        if conversation is None:
            raise ValueError(f"There is no conversation {said['id']}.")
        before, self.service.world.actor = self.service.world.actor, "a person"
        try:
            self.service.update(conversation, ConversationChange(status=said["status"]))
        finally:
            self.service.world.actor = before
        return JSONResponse({"ok": True})

    async def person_message(self, request: Request) -> Response:
        """Writes in a ticket: `{"id", "text", "user"}`, as the customer when there is no user."""
        said = json.loads(await request.body())
        self.service.say(str(said["id"]), str(said["text"]), said.get("user"))
        return JSONResponse({"ok": True})

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a link to a ticket."""
        found = self.service.conversations.get(request.path_params["id"])
        if found is None:
            return HTMLResponse(_html("No such conversation", "", []), 404)
        return HTMLResponse(_html(f"#{found.friendly_id} {found.title or ''}", found.status, found.messages))


def _found(rows: Mapping[str, Row], kind: str, id: str) -> Row:
    if id not in rows:
        raise not_found(kind, id)
    return rows[id]


def _html(title: str, status: str, messages: Sequence[Message]) -> str:
    parts = "".join(
        f"<h2>{'Private note' if each.is_private_note else 'Message'}, {stamp(each.at)}</h2>"
        f"<pre>{html.escape(each.text)}</pre>"
        for each in messages
    )
    style = "body{font:16px system-ui;margin:2rem}pre{white-space:pre-wrap;background:#f5f5f5;padding:1rem}"
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    return (
        f'<!DOCTYPE html><html lang="en">{head}<h1>{html.escape(title)}</h1><p>{html.escape(status)}</p>{parts}</html>'
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _unknown(request: Request, error: Exception) -> Response:
    return Refusal(404, "Not found").answer()


async def _unprocessable(request: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        return JSONResponse({"error": str(error)}, 422)
    problems = [f"{'.'.join(map(str, each['loc'])) or 'The body'}: {each['msg']}." for each in error.errors()]
    return JSONResponse({"error": " ".join(problems)}, 422)


def create(world: World) -> tuple[Unthread, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Unthread(world)
    return service, Api(service).app()
