"""Mails from our people's mailboxes, through Gmail: a draft first, then the draft is sent.

A draft can be sent once only, so a mail whose answer never came is safe to send again as long as its draft is there.
Each call has a token for one mailbox and one scope: drafts are written with `gmail.compose`, and what has been sent is
looked for with `gmail.metadata`, which shows headers and no texts.

API: https://developers.google.com/workspace/gmail/api/reference/rest
"""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from googleapiclient.errors import HttpError

from policies.confidentiality import Confidential
from policies.mail import READ_BACK, Mail, is_alike, is_ours, mailbox, message_id, to_bytes
from settings import settings
from tasks import google_client
from tasks.effects import AlreadyThere, Different, Failure, IfAbsent, Made, Unclear, Write, aperform
from tasks.google_client import pages, service

COMPOSE = "https://www.googleapis.com/auth/gmail.compose"
METADATA = "https://www.googleapis.com/auth/gmail.metadata"
CLOCKS_DIFFER = timedelta(minutes=5)  # ours and Google's, at the most
PAGE = 100
_WEB = "https://mail.google.com/mail/#sent/"


async def send(mail: Mail, *, once: str, target: str) -> Made:
    """Sends a mail from its sender's mailbox, once.

    target: what the ledger shows instead of people and texts; the ticket's id.

    Raises:
        tasks.effects.EffectError: parked, when the draft is gone and the mail is not in Sent, among others.
    """
    draft = await _create_draft(mail, once, target)
    return await _send_draft(draft.id, mail, once, target)


async def _create_draft(mail: Mail, once: str, target: str) -> Made:
    def send_once() -> Made:
        raw = base64.urlsafe_b64encode(to_bytes(mail, once)).decode()
        made = _users(mail, COMPOSE).drafts().create(userId="me", body={"message": {"raw": raw}}).execute()
        return Made(str(made["id"]))

    def find(since: datetime) -> Made | None:
        if draft := _drafted(mail, once, since):
            return Made(draft)
        if _sent(mail, once, since):
            raise Different("Its draft is gone: somebody has sent it by hand. Settle it as done.")
        return None

    write = Write(f"{once}/draft", "Gmail", "create draft", target, _request(mail), send_once, find, explain, Made(""))
    return await aperform(write)


async def _send_draft(draft: str, mail: Mail, once: str, target: str) -> Made:
    looks_left = len(settings().look_again_after)

    def send_once() -> Made:
        sent = _users(mail, COMPOSE).drafts().send(userId="me", body={"id": draft}).execute()
        return _made(str(sent["id"]))

    def find(since: datetime) -> Made | None:
        """Finds the mail in Sent. While its draft is there, it has not been sent."""
        nonlocal looks_left
        if sent := _sent(mail, once, since):
            return _made(sent)
        if is_draft(mail, draft):
            return None
        looks_left -= 1
        if looks_left > 0:  # Sent may show it late; the engine looks again
            return None
        raise Different("Its draft is gone, and the mail is not in Sent. Ask the sender what became of it.")

    write = Write(
        f"{once}/send",
        "Gmail",
        "send mail",
        target,
        _request(mail),
        send_once,
        find,
        _explain_sending,
        Made(""),
        IfAbsent.REPEAT,  # a draft that is there has not been sent
    )
    return await aperform(write)


async def delete_draft(mail: Mail, draft: str, *, once: str, target: str) -> Made:
    """Deletes the draft of a mail that is not to be sent any more; one that is gone counts as deleted."""

    def send_once() -> Made:
        _users(mail, COMPOSE).drafts().delete(userId="me", id=draft).execute()
        return Made(draft)

    def find(_: datetime) -> Made | None:
        return None if is_draft(mail, draft) else Made(draft)

    request = {"draft": draft}
    return await aperform(
        Write(once, "Gmail", "delete draft", target, request, send_once, find, _explain_deletion, Made(draft))
    )


def _request(mail: Mail) -> Mapping[str, object]:
    return {name: Confidential(value) for name, value in mail.parts().items()}


def _made(sent: str) -> Made:
    sandbox = settings().sandbox_url
    return Made(sent, f"{sandbox}/google/mail/sent/{sent}" if sandbox else f"{_WEB}{sent}")


# Looking


def _drafted(mail: Mail, once: str, since: datetime) -> str | None:
    """Gives the id of our draft: by its Message-ID, or among the latest, should Gmail have given it another."""
    drafts, after = _users(mail, COMPOSE).drafts(), int((since - CLOCKS_DIFFER).timestamp())
    for query in (f"rfc822msgid:{message_id(mail, once).strip('<>')}", f"in:drafts after:{after}"):
        for draft in pages(drafts, "drafts", userId="me", maxResults=PAGE, q=query):
            found = drafts.get(userId="me", id=draft["id"], format="metadata").execute()
            if is_ours(mail, once, _headers(found["message"])):
                return str(draft["id"])
    return None


def is_draft(mail: Mail, draft: str) -> bool:
    """Says whether the draft of a mail is there: then the mail has not been sent."""
    try:
        _users(mail, COMPOSE).drafts().get(userId="me", id=draft, format="minimal").execute()
    except HttpError as error:
        if error.status_code == 404:
            return False
        raise
    return True


def _sent(mail: Mail, once: str, since: datetime) -> str | None:
    """Gives the id of our mail in Sent, or of one to the same person with the same subject since then.

    It reads headers of the latest mails, since a search asks for the right to read every text.
    """
    messages, after = _users(mail, METADATA).messages(), (since - CLOCKS_DIFFER).timestamp() * 1000
    for each in pages(messages, "messages", userId="me", maxResults=PAGE, labelIds=["SENT"]):
        wanted = {"userId": "me", "id": each["id"], "format": "metadata", "metadataHeaders": list(READ_BACK)}
        found = messages.get(**wanted).execute()
        if float(found["internalDate"]) < after:
            return None
        headers = _headers(found)
        if is_ours(mail, once, headers) or is_alike(mail, headers):
            return str(each["id"])
    return None


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"].lower(): each["value"] for each in message.get("payload", {}).get("headers", [])}


# What went wrong, and as whom we act


def _users(mail: Mail, scope: str) -> Any:
    return service("gmail", "v1", mailbox(mail), scope).users()


def explain(error: Exception) -> Failure:
    """Reads what went wrong."""
    return google_client.explain(error, "Gmail")


def _explain_sending(error: Exception) -> Failure:
    """A draft that is gone has been sent, by us or by a person, or deleted: only a look at Sent tells."""
    if isinstance(error, HttpError) and error.status_code == 404:
        return Unclear("Its draft is gone.")
    return explain(error)


def _explain_deletion(error: Exception) -> Failure:
    """A draft that is gone is as wanted, once a look has confirmed it."""
    if isinstance(error, HttpError) and error.status_code == 404:
        return AlreadyThere("Gmail says that it isn't there.")
    return explain(error)
