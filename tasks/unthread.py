"""Unthread: tickets with their messages and internal notes, customers, users.

It has no key that makes a write safe to repeat. A note carries a line by which it is found again; a status is simply
looked at.

API: https://docs.unthread.io/api-introduction/using-api
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from policies.confidentiality import Confidential
from policies.customer import Refused as InputRefused
from policies.ticket import Ticket, TicketCustomer, TicketMessage, TicketUser
from settings import settings
from tasks import effects, wire
from tasks.effects import Different, Failure, LockedOut, Made, NothingHappened, Refused, Unclear, Write, aperform

PAGE = 100  # the most that Unthread gives
FIELDS = [
    *("id", "friendlyId", "status", "title", "customerId", "assignedToUserId", "priority", "createdAt", "closedAt"),
    *("updatedAt", "statusUpdatedAt", "initialMessage.text"),
]
MESSAGE_FIELDS = [
    *("ts", "conversationId", "text", "userId", "botId", "timestamp", "isPrivateNote", "metadata.eventType"),
    "onBehalfOf.email",
]


class Unreadable(Exception):
    """Unthread's answer is not about what was asked."""


class Unavailable(Exception):
    """Unthread gave no answer to a question. Nothing was written; start the run again."""


class NotGiven(Unavailable):
    """Unthread answers, but it refuses what was asked for, or that can't be read. Others may be given all the same."""


_ODD = (ValueError, KeyError, TypeError)  # what reading an answer raises that is not as documented


@dataclass(frozen=True)
class Where:
    """A condition of a list. operator: ==, !=, >, <, in, notIn, contains, notContains or like."""

    field: str
    operator: str
    value: str | int | Sequence[str]

    def said(self) -> dict[str, Any]:
        """Gives it as Unthread takes it."""
        value = self.value if isinstance(self.value, str | int) else list(self.value)
        return {"field": self.field, "operator": self.operator, "value": value}


async def conversation(id: str) -> Ticket:
    """Gives a ticket, as it is now.

    Raises:
        policies.customer.Refused: there is none.
        Unavailable
    """
    found = await _list("conversations", [Where("id", "==", id)], FIELDS)
    if not found:
        raise InputRefused(f"Unthread has no ticket {id}. Copy the ticket's address again.")
    return _ticket(found[0])


async def conversations(*where: Where) -> list[Ticket]:
    """Gives the tickets that meet all conditions, oldest first, 100 a call, each with its first message.

    Raises:
        Unavailable
    """
    found, problems = await readable_conversations(*where)
    if problems:
        raise NotGiven(" ".join(problems))
    return found


async def readable_conversations(*where: Where) -> tuple[list[Ticket], list[str]]:
    """Gives what `conversations` does, without the tickets that can't be read; and a sentence for each of these.

    Raises:
        Unavailable
    """
    found, problems = list[Ticket](), list[str]()
    for each in await _list("conversations", where, FIELDS, order="createdAt"):
        try:
            found.append(_ticket(each))
        except _ODD as error:
            problems.append(f"{_text(each, 'id')}: {_unreadable(error)}")
    return found, problems


async def messages(id: str) -> list[TicketMessage]:
    """Gives a ticket's messages and notes, oldest first, 100 a call.

    Raises:
        Unavailable
    """
    found = await _list(f"conversations/{id}/messages", (), MESSAGE_FIELDS, order="ts")
    try:
        return [_message(each) for each in found]
    except _ODD as error:
        raise NotGiven(_unreadable(error)) from None


async def customers() -> list[TicketCustomer]:
    """Gives all customers, 100 a call.

    Raises:
        Unavailable
    """
    return [_customer(each) for each in await _list("customers", (), ["id", "name", "slackChannelId", "tags.name"])]


async def users() -> list[TicketUser]:
    """Gives all team members, 100 a call.

    Raises:
        Unavailable
    """
    return [
        TicketUser(str(each["id"]), _text(each, "name"), _text(each, "email"), _text(each, "slackId"))
        for each in await _list("users", (), ["id", "name", "email", "slackId"])
    ]


async def add_note(id: str, text: str, *, once: str) -> Made:
    """Adds an internal note to a ticket: the team sees it, nobody else. It is found again by its last line.

    Raises:
        tasks.effects.EffectError
    """
    mark, made = marker(once), Made("", link(id))

    async def send() -> Made:
        body = {"type": "markdown", "value": f"{text.rstrip()}\n\n{mark}"}
        said = {"body": body, "isPrivateNote": True}
        answer = await _ask("POST", f"/conversations/{id}/messages", said)
        if not answer.get("ts"):
            raise Unreadable("The answer has no ts.")
        return Made(str(answer["ts"]), link(id))

    async def find(_: datetime) -> Made | None:
        for message in await messages(id):
            if mark in message.text.reveal():
                return Made(message.id, link(id))
        return None

    request = {"conversation": id, "note": Confidential(text)}
    return await aperform(Write(once, "Unthread", "add note", id, request, send, find, explain, made))


async def set_priority(id: str, priority: int, *, once: str) -> Made:
    """Sets a ticket's priority. One that has it already counts as done; what a person has changed since stays.

    Raises:
        tasks.effects.EffectError
    """
    made = Made(id, link(id))

    async def send() -> Made:
        answer = await _ask("PATCH", f"/conversations/{id}", {"priority": priority})
        if (answer.get("id"), answer.get("priority")) != (id, priority):
            raise Unreadable("The answer does not say that the ticket has this priority.")
        return made

    async def find(_: datetime) -> Made | None:
        found = await _list("conversations", [Where("id", "==", id)], ["id", "priority"])
        if not found:
            raise Different("The ticket is gone. Look in Unthread whether it was merged into another.")
        return made if found[0]["priority"] == priority else None

    request = {"conversation": id, "priority": priority}
    return await aperform(Write(once, "Unthread", "set priority", id, request, send, find, explain, made, lasting=True))


async def close(id: str, *, once: str) -> Made:
    """Closes a ticket. One that is closed already counts as done; one that a person has reopened is left alone.

    Raises:
        tasks.effects.EffectError
    """
    made = Made(id, link(id))

    async def send() -> Made:
        answer = await _ask("PATCH", f"/conversations/{id}", {"status": "closed"})
        if (answer.get("id"), answer.get("status")) != (id, "closed"):
            raise Unreadable("The answer does not say that the ticket is closed.")
        return made

    async def find(_: datetime) -> Made | None:
        found = await _list("conversations", [Where("id", "==", id)], ["id", "status"])
        if not found:
            raise Different("The ticket is gone. Look in Unthread whether it was merged into another.")
        return made if found[0]["status"] == "closed" else None

    request = {"conversation": id, "status": "closed"}
    return await aperform(Write(once, "Unthread", "close ticket", id, request, send, find, explain, made, lasting=True))


def moment(at: datetime) -> str:
    """Gives a time as conditions take it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def marker(once: str) -> str:
    """Gives the line by which a note of ours is found again."""
    return f"Handbook Flows, reference {hashlib.sha256(once.encode()).hexdigest()[:16]}"


def link(id: str) -> str:
    """Gives a ticket's address."""
    sandbox = settings().sandbox_url
    return f"{sandbox}/unthread/conversations/{id}" if sandbox else f"{settings().unthread_web_url}/{id}"


# The wire


class _Transport(httpx.AsyncHTTPTransport):
    """Sends each request once, and those that write with the ledger's permit only."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" and not request.url.path.endswith("/list"):
            effects.assert_permitted()
        return await super().handle_async_request(request)


@asynccontextmanager
async def _connected() -> AsyncGenerator[httpx.AsyncClient]:
    settings().require("unthread_api_key")
    sandbox = settings().sandbox_url
    async with httpx.AsyncClient(
        base_url=f"{sandbox}/unthread/api" if sandbox else settings().unthread_url,
        headers={"X-Api-Key": settings().unthread_api_key.get_secret_value()},
        timeout=httpx.Timeout(settings().read_timeout, connect=settings().connect_timeout),
        transport=_Transport(verify=wire.authorities(), retries=0, trust_env=not sandbox),
        follow_redirects=False,
    ) as client:
        yield client


async def _ask(method: str, path: str, said: dict[str, Any]) -> dict[str, Any]:
    async with _connected() as client:
        answer = (await client.request(method, path, json=said)).raise_for_status().json()
    if not isinstance(answer, dict):
        raise Unreadable("The answer is no object.")
    return cast("dict[str, Any]", answer)


async def _list(what: str, where: Sequence[Where], select: Sequence[str], order: str = "id") -> list[dict[str, Any]]:
    """Gives all pages of a list."""
    said: dict[str, Any] = {"select": list(select), "where": [each.said() for each in where], "limit": PAGE}
    said["order"] = [order] if order == "ts" else [order, "id"] if order != "id" else ["id"]
    found: list[dict[str, Any]] = []
    try:
        while True:
            page = await _ask("POST", f"/{what}/list", said)
            found += page["data"]
            if not page["cursors"]["hasNext"]:
                return found
            said["cursor"] = page["cursors"]["next"]
    except (httpx.HTTPError, *_ODD, Unreadable) as error:
        failure = explain(error)
        kind = NotGiven if isinstance(failure, LockedOut | Refused) else Unavailable
        raise kind(f"{failure.reason} Nothing was written. Start the run again.") from None


def _unreadable(error: Exception) -> str:
    return f"{explain(error).reason} Nothing was written."


def _ticket(found: dict[str, Any]) -> Ticket:
    first: dict[str, Any] = found.get("initialMessage") or {}
    return Ticket(
        id=str(found["id"]),
        number=int(found.get("friendlyId") or 0),
        status=_text(found, "status"),
        title=Confidential(_text(found, "title")),
        text=Confidential(_text(first, "text")),
        customer=_id(found.get("customerId")),
        assignee=_id(found.get("assignedToUserId")),
        priority=found.get("priority"),
        created_at=_time(str(found["createdAt"])),
        closed_at=_time(str(found["closedAt"])) if found.get("closedAt") else None,
        url=link(str(found["id"])),
        changed_at=_time(str(found.get("updatedAt") or found["createdAt"])),
        status_since=_time(str(found.get("statusUpdatedAt") or found.get("updatedAt") or found["createdAt"])),
    )


def _message(found: dict[str, Any]) -> TicketMessage:
    inner: dict[str, Any] = found.get("metadata") or {}
    brought = bool(found.get("onBehalfOf")) or _text(inner, "eventType").endswith("_received")
    return TicketMessage(
        id=str(found["ts"]),
        ticket=_text(found, "conversationId"),
        text=Confidential(_text(found, "text")),
        user=_text(found, "userId"),
        at=_time(str(found["timestamp"])),
        is_note=bool(found.get("isPrivateNote")),
        by_app=bool(found.get("botId")) and not brought,
    )


def _customer(found: dict[str, Any]) -> TicketCustomer:
    tags: list[dict[str, Any]] = found.get("tags") or []
    names = tuple(_text(each, "name") for each in tags)
    return TicketCustomer(str(found["id"]), Confidential(_text(found, "name")), _text(found, "slackChannelId"), names)


def _id(value: Any) -> str:
    """Reads an id; callers have seen an object in its place."""
    return str(cast("dict[str, Any]", value).get("id") or "") if isinstance(value, dict) else str(value or "")


def _text(found: dict[str, Any], name: str) -> str:
    return str(found.get(name) or "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# What went wrong


def explain(error: Exception) -> Failure:
    """Reads what went wrong. Unthread's own words may repeat what was sent, so they stay out."""
    match error:
        case httpx.HTTPStatusError():
            return _explain_answer(error.response)
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return NothingHappened("Unthread could not be reached.")
        case Unavailable():
            return Unclear(str(error))
        case _:
            return Unclear(f"Unthread gave no answer that can be read ({type(error).__name__}).")


def _explain_answer(answer: httpx.Response) -> Failure:
    status, after = answer.status_code, answer.headers.get("Retry-After", "")
    if status == 429 or (status == 403 and after):
        seconds = float(after) if after.isdigit() else None
        return NothingHappened(f"Unthread asked to come back later ({status}).", seconds)
    if status in {401, 403}:
        return LockedOut(
            f"Unthread refused the key ({status}). Put a valid HANDBOOK_UNTHREAD_API_KEY into .env and start the run "
            "again."
        )
    if 400 <= status < 500:
        return Refused(f"Unthread refused it ({status}).")
    return Unclear(f"Unthread answered {status}.")
