"""Reads verified deliveries into events. Ids, times and flags are taken, checked one by one; the rest is dropped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from policies.customer import Refused, account_id
from policies.events import (
    AccountChanged,
    Alarm,
    ConversationCreated,
    Event,
    IssueComment,
    IssueOpened,
    SlackAction,
    SlackCommand,
    SlackMessage,
    TextReceived,
    TextSent,
    phone_hash,
)
from policies.text_messages import acknowledged

DEEPEST = 32  # objects in objects
LARGEST_INTEGER = 2**53
LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]*)(?:\[bot\])?"
REPOSITORY = r"[\w.-]+/[\w.-]+"
SLACK_ID = r"[A-Z][A-Z0-9]{2,20}"
SLACK_TS = r"\d{10}\.\d{6}"
WORD = r"[\w.:-]{1,100}"
TEXT = r"(?s).{0,3000}"
SNS_CONFIRMS = r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\?Action=ConfirmSubscription[\w&=:.%-]{0,1000}"
LABEL = r"[^\x00-\x1f\ud800-\udfff]{1,100}"


class Malformed(Exception):
    """The delivery is signed, and can't be read. The message says where."""


@dataclass(frozen=True)
class Delivery:
    """One event of one delivery.

    id: the service's own, the same on each of its retries.
    for_a_person: what somebody has to do about it, where it is no event.
    """

    source: str
    id: str
    event: Event | None
    what: str  # the service's word for it, for events that nothing here listens to
    for_a_person: str = ""


def parse_json(body: bytes) -> dict[str, Any]:
    """Reads a JSON object strictly: no name twice, no NaN, no number that a float rounds, nothing nested deeply.

    Raises:
        Malformed
    """
    try:
        _assert_shallow(body)
        found = json.loads(body, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is no JSON that can be used ({type(error).__name__}).") from None
    if not isinstance(found, dict):
        raise Malformed("The body is no JSON object.")
    return cast("dict[str, Any]", found)


_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def _assert_shallow(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return
    depth = 0
    for token in _STRUCTURE.finditer(body):
        first = body[token.start()]
        depth += (first in b"{[") - (first in b"}]")
        if depth > DEEPEST:
            raise Malformed(f"The JSON is nested more than {DEEPEST} deep.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Malformed("The JSON has a name twice in one object.")
    return made


def _constant(name: str) -> Any:
    raise Malformed(f"The JSON holds {name}, which is no number.")


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > LARGEST_INTEGER:
        raise Malformed("The JSON holds a number that others would round.")
    return int(digits)


class Reader:
    """Takes checked values out of a parsed body."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def inside(self, name: str) -> Reader:
        """Gives an object in this one; an empty one when it is absent."""
        value = self._found.get(name)
        return Reader(cast("dict[str, Any]", value) if isinstance(value, dict) else {})

    def many(self, name: str) -> list[Reader]:
        """Gives a list of objects."""
        value = self._found.get(name)
        listed = cast("list[Any]", value) if isinstance(value, list) else []
        return [Reader(cast("dict[str, Any]", each)) for each in listed if isinstance(each, dict)]

    def text(self, name: str, shape: str, default: str | None = None) -> str:
        """Gives a text of a shape, a regular expression for all of it; `default` when it is absent or null.

        Raises:
            Malformed
        """
        value = self._found.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and re.fullmatch(shape, value):
            return value
        raise Malformed(f'"{name}" is missing or not what it should be.')

    def number(self, name: str) -> int:
        """Gives a positive whole number.

        Raises:
            Malformed
        """
        value = self._found.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        raise Malformed(f'"{name}" is missing or no positive whole number.')

    def names(self) -> list[str]:
        """Gives what the object has."""
        return list(self._found)

    def has(self, name: str) -> bool:
        """Says whether something stands there that isn't empty."""
        return bool(self._found.get(name))


def slack_event(body: Mapping[str, Any]) -> Delivery:
    """Reads an `event_callback`. https://docs.slack.dev/apis/events-api#events-JSON

    Raises:
        Malformed
    """
    said = Reader(body)
    event = said.inside("event")
    kind, id = event.text("type", WORD), said.text("event_id", WORD)
    if kind != "message":
        return Delivery("slack", id, None, kind)
    return Delivery("slack", id, _slack_message(event), kind)


def _slack_message(said: Reader) -> SlackMessage:
    bot = said.text("bot_id", SLACK_ID, "") or said.inside("bot_profile").text("id", SLACK_ID, "")
    return SlackMessage(
        channel=said.text("channel", SLACK_ID),
        ts=said.text("ts", SLACK_TS),
        user=said.text("user", SLACK_ID, ""),
        team=said.text("user_team", SLACK_ID, "") or said.text("team", SLACK_ID, ""),
        thread_ts=said.text("thread_ts", SLACK_TS, ""),
        subtype=said.text("subtype", WORD, ""),
        bot=bot or said.text("app_id", SLACK_ID, ""),
        direct=said.text("channel_type", WORD, "channel") in {"im", "mpim", "app_home"},
        empty=not said.has("text"),
    )


def slack_payload(body: bytes) -> Reader:
    """Reads the JSON of an interaction.

    Raises:
        Malformed
    """
    return Reader(parse_json(_form(body).get("payload", "").encode("utf-8", "surrogatepass")))


def slack_actions(body: bytes) -> list[Delivery]:
    """Reads `payload=` of an interaction; only clicks on buttons are events.

    Raises:
        Malformed
    """
    said = slack_payload(body)
    kind = said.text("type", WORD)
    if kind != "block_actions":
        return [Delivery("slack-interactivity", hashlib.sha256(body).hexdigest(), None, kind)]
    return [_slack_action(said, action) for action in said.many("actions")]


def _slack_action(said: Reader, action: Reader) -> Delivery:
    user, container = said.inside("user"), said.inside("container")
    event = SlackAction(
        action=action.text("action_id", WORD),
        value=action.text("value", r"[\w./:#@-]{0,200}", ""),
        user=user.text("id", SLACK_ID),
        team=user.text("team_id", SLACK_ID, ""),
        channel=container.text("channel_id", SLACK_ID, "") or said.inside("channel").text("id", SLACK_ID, ""),
        message_ts=container.text("message_ts", SLACK_TS, ""),
        thread_ts=container.text("thread_ts", SLACK_TS, ""),
        action_ts=action.text("action_ts", SLACK_TS),
    )
    id = f"{event.user}/{event.action}/{event.action_ts}"
    return Delivery("slack-interactivity", id, event, "block_actions")


def slack_command(body: bytes) -> SlackCommand:
    """Reads a slash command.

    Raises:
        Malformed
    """
    said = Reader(_form(body))
    return SlackCommand(
        command=said.text("command", r"/[\w-]{1,40}"),
        text=said.text("text", TEXT, ""),
        user=said.text("user_id", SLACK_ID),
        team=said.text("team_id", SLACK_ID, ""),
        channel=said.text("channel_id", SLACK_ID, ""),
        trigger=said.text("trigger_id", r"[\w.]{1,100}", ""),
    )


def github(kind: str, id: str, body: Mapping[str, Any]) -> Delivery:
    """Reads a delivery of GitHub; `kind` is its X-GitHub-Event, `id` its X-GitHub-Delivery.

    Raises:
        Malformed
    """
    said = Reader({"kind": kind, "id": id})
    kind, id = said.text("kind", r"[a-z_]{1,50}"), said.text("id", WORD)
    said = Reader(body)
    what = f"{kind}.{said.text('action', WORD, '')}".rstrip(".")
    return Delivery("github", id, _GITHUB[what](said) if what in _GITHUB else None, what)


def _issue(said: Reader) -> IssueOpened:
    issue = said.inside("issue")
    author = issue.inside("user")
    return IssueOpened(
        repository=said.inside("repository").text("full_name", REPOSITORY),
        number=issue.number("number"),
        author=author.text("login", LOGIN),
        author_is_bot=author.text("type", WORD, "User") == "Bot",
        labels=_labels(issue),
        put_on=said.inside("label").text("name", LABEL, ""),
    )


def _comment(said: Reader) -> IssueComment:
    issue, comment = said.inside("issue"), said.inside("comment")
    author = comment.inside("user")
    return IssueComment(
        repository=said.inside("repository").text("full_name", REPOSITORY),
        number=issue.number("number"),
        comment=comment.number("id"),
        author=author.text("login", LOGIN),
        author_is_bot=author.text("type", WORD, "User") == "Bot",
        association=comment.text("author_association", WORD, "NONE"),
        is_open=issue.text("state", WORD) == "open",
        labels=_labels(issue),
    )


def _labels(issue: Reader) -> tuple[str, ...]:
    return tuple(label.text("name", LABEL) for label in issue.many("labels"))


_GITHUB: dict[str, Callable[[Reader], Event]] = {
    "issues.opened": _issue,
    "issues.labeled": _issue,
    "issue_comment.created": _comment,
}


def unthread(body: Mapping[str, Any]) -> Delivery:
    """Reads a delivery of Unthread.

    Raises:
        Malformed
    """
    said = Reader(body)
    kind, id, data = said.text("event", WORD), said.text("eventId", WORD), said.inside("data")
    if kind != "conversation_created":
        return Delivery("unthread", id, None, kind)
    said = (data.text("id", WORD), data.text("status", WORD, "open"), data.text("customerId", WORD, ""))
    event = ConversationCreated(*said)
    return Delivery("unthread", id, event, kind)


def alertmanager(body: Mapping[str, Any]) -> list[Delivery]:
    """Reads a group of alarms. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config

    Raises:
        Malformed
    """
    return [_alarm(alert) for alert in Reader(body).many("alerts")]


def _alarm(alert: Reader) -> Delivery:
    status = alert.text("status", WORD)
    event = Alarm(
        alert.text("fingerprint", r"[0-9a-f]{8,64}"), alert.text("startsAt", r"[0-9T:.+Z-]{10,40}"), status == "firing"
    )
    return Delivery("alertmanager", f"{event.key}/{status}", event, status)


def sns(body: Mapping[str, Any]) -> Delivery:
    """Reads a message of AWS SNS; its own id stands for the alarm, whose text is looked up where it is shown.

    Raises:
        Malformed
    """
    said = Reader(body)
    kind, id = said.text("Type", WORD), said.text("MessageId", WORD)
    if kind == "SubscriptionConfirmation":
        address = said.text("SubscribeURL", SNS_CONFIRMS)
        return Delivery("sns", id, None, kind, f"To confirm the subscription, open {address}")
    if kind != "Notification":
        return Delivery("sns", id, None, kind)
    return Delivery("sns", id, Alarm(id, said.text("Timestamp", r"[0-9T:.+Z-]{10,40}"), True), kind)


def salesforce(body: bytes, organization: str) -> list[Delivery]:
    """Reads an outbound message (SOAP). https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm

    organization: the org's id, which the message must name.

    Raises:
        Malformed
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed("The body is no XML that can be used.") from None
    if _xml(root, "OrganizationId") != [organization]:
        raise Malformed("It is not of our Salesforce org.")
    ids = [found for note in root.iter() if _tag(note) == "Notification" for found in [_notification(note)]]
    if not ids:
        raise Malformed("It holds no notification.")
    return ids


def _notification(note: Any) -> Delivery:
    objects = [each for each in note.iter() if _tag(each) == "sObject"]
    ids = [child.text or "" for each in objects for child in each if _tag(child) == "Id"]
    said = Reader({"id": next(iter(_xml(note, "Id")), None), "object": ids[0] if ids else None})
    try:
        event = AccountChanged(account_id(said.text("object", r"[0-9A-Za-z]{15,18}")))
    except Refused:
        return Delivery("salesforce", said.text("id", WORD), None, "another object than an account")
    return Delivery("salesforce", said.text("id", WORD), event, "outbound message")


def _xml(root: Any, tag: str) -> list[str]:
    return [(each.text or "").strip() for each in root.iter() if _tag(each) == tag]


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def twilio_status(query: Mapping[str, str], body: bytes) -> Delivery:
    """Reads how a text message of ours fared; `k` in the address says which effect it was.

    Raises:
        Malformed
    """
    said = Reader(_form(body) | {"k": query.get("k")})
    event = TextSent(said.text("k", r"[\w-]{1,64}"), said.text("MessageSid", WORD), said.text("MessageStatus", WORD))
    return Delivery("twilio", f"{event.sid}/{event.status}", event, "status")


def twilio_inbound(body: bytes) -> Delivery:
    """Reads a text message to our number: who sent it (as a hash), and what it acknowledges.

    Raises:
        Malformed
    """
    said = Reader(_form(body))
    sender = said.text("From", r"\+\d{6,15}")
    code = acknowledged(said.text("Body", TEXT, ""))
    event = TextReceived(said.text("MessageSid", WORD), phone_hash(sender), code is not None, code or "")
    return Delivery("twilio", event.sid, event, "inbound")


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError as error:
        raise Malformed(f"The body is no form ({type(error).__name__}).") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise Malformed("The form has a field twice.")
    return dict(pairs)
