"""What other services tell us, reduced to what decisions need: ids, times and flags, never texts or names.

The gateway makes them from verified deliveries, and nothing else of a delivery is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast


@dataclass(frozen=True)
class SlackMessage:
    """A message in Slack. https://docs.slack.dev/reference/events/message"""

    channel: str
    ts: str
    user: str  # "" when an app or Slack itself speaks
    team: str = ""  # the workspace of who speaks
    thread_ts: str = ""  # of the message that began the thread; "" outside of threads
    subtype: str = ""  # "message_changed", "channel_join", "file_share" ...
    bot: str = ""  # the bot's or app's id when an app speaks
    direct: bool = False  # direct messages, not a channel
    empty: bool = False  # no text, such as a file without a word

    @property
    def key(self) -> str:
        """Gives the business key: a message has one ts in its channel, however often it is told."""
        return f"{self.channel}/{self.ts}"

    @property
    def at(self) -> datetime:
        """Gives when it was written, in UTC."""
        return slack_time(self.ts)


@dataclass(frozen=True)
class SlackAction:
    """A click on a button of ours. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""

    action: str  # the button's action id, such as "start-emergency-request"
    value: str  # what we put into the button
    user: str
    team: str
    channel: str
    message_ts: str  # the message that holds the button
    thread_ts: str
    action_ts: str


@dataclass(frozen=True)
class SlackCommand:
    """A slash command. Its text is read at once and not kept. https://docs.slack.dev/interactivity/implementing-slash-commands"""

    command: str
    text: str
    user: str
    team: str
    channel: str
    trigger: str


@dataclass(frozen=True)
class FormAsked:
    """A shortcut, a button or the command that opens a procedure's form. It is answered at once and not kept.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """

    procedure: str
    user: str
    team: str
    trigger: str  # what a modal may be opened with, for three seconds
    channel: str = ""  # where it was asked for, as far as Slack says
    message_ts: str = ""  # of the message that it is about; in a thread of the one that began it


@dataclass(frozen=True)
class FormSent:
    """A form that somebody has sent. Its parameters are kept beside it until its run has ended.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """

    procedure: str
    view: str  # Slack's id of the modal: however often it is sent, it is one
    user: str

    @property
    def key(self) -> str:
        """Gives the business key."""
        return f"form/{self.view}"


@dataclass(frozen=True)
class IssueOpened:
    """An issue that is new, or got a label. https://docs.github.com/webhooks/webhook-events-and-payloads#issues"""

    repository: str
    number: int
    author: str
    author_is_bot: bool
    labels: tuple[str, ...]
    put_on: str = ""  # the label that it got; "" for a new issue

    @property
    def key(self) -> str:
        """Gives `fleetdm/confidential#12`."""
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True)
class IssueComment:
    """A new comment on an issue or a pull request. https://docs.github.com/webhooks/webhook-events-and-payloads#issue_comment"""

    repository: str
    number: int
    comment: int
    author: str
    author_is_bot: bool
    association: str  # "MEMBER", "CONTRIBUTOR", "NONE" ... as GitHub sees the author
    is_open: bool
    labels: tuple[str, ...]

    @property
    def key(self) -> str:
        """Gives `fleetdm/fleet#12/998`, the last number being the comment's."""
        return f"{self.repository}#{self.number}/{self.comment}"


@dataclass(frozen=True)
class ConversationCreated:
    """A new ticket in Unthread."""

    conversation: str
    status: str  # "open", "in_progress", "on_hold", "closed"
    customer: str = ""  # the id in Unthread, "" when it knows none

    @property
    def key(self) -> str:
        """Gives the ticket's id."""
        return self.conversation


@dataclass(frozen=True)
class AccountChanged:
    """An account in Salesforce that its outbound message told us of."""

    account: str

    @property
    def key(self) -> str:
        """Gives the account's id."""
        return self.account


@dataclass(frozen=True)
class Alarm:
    """An alarm of Alertmanager or AWS SNS."""

    fingerprint: str
    started: str  # as the monitor states it
    firing: bool

    @property
    def key(self) -> str:
        """Gives fingerprint and start: the same alarm an hour later is another."""
        return f"{self.fingerprint}/{self.started}"


@dataclass(frozen=True)
class TextReceived:
    """A text message to our number. Of who sent it, a hash is kept that can be compared with known numbers."""

    sid: str
    sender_hash: str
    acknowledges: bool
    code: str = ""  # of the text that it acknowledges, where it names one

    @property
    def key(self) -> str:
        """Gives Twilio's id of the message."""
        return self.sid


@dataclass(frozen=True)
class TextSent:
    """How a text message of ours fared."""

    reference: str  # the hash of the effect's key
    sid: str
    status: str  # "queued", "sent", "delivered", "undelivered", "failed"

    @property
    def key(self) -> str:
        """Gives Twilio's id of the message, and how it fared."""
        return f"{self.sid}/{self.status}"


def slack_time(ts: str) -> datetime:
    """Reads Slack's timestamp, seconds since 1970 with six digits behind the point."""
    seconds, _, micros = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int((micros or "0").ljust(6, "0")[:6]))


def slack_ts(at: datetime) -> str:
    """Gives a moment as Slack's timestamp."""
    return f"{at.timestamp():.6f}"


def phone_hash(number: str) -> str:
    """Gives what stands for a phone number, "+15551234567", where the number itself must not be kept."""
    return hashlib.sha256(number.encode()).hexdigest()


Event = (
    SlackMessage
    | SlackAction
    | FormSent
    | IssueOpened
    | IssueComment
    | ConversationCreated
    | AccountChanged
    | Alarm
    | TextReceived
    | TextSent
)
KINDS: dict[str, Callable[..., Event]] = {
    each.__name__: each
    for each in (
        SlackMessage,
        SlackAction,
        FormSent,
        IssueOpened,
        IssueComment,
        ConversationCreated,
        AccountChanged,
        Alarm,
        TextReceived,
        TextSent,
    )
}


def facts(event: Event) -> str:
    """Gives an event as it is stored, as JSON."""
    return json.dumps({"kind": type(event).__name__, **asdict(event)}, separators=(",", ":"))


def event_of(stored: str) -> Event:
    """Gives a stored event back."""
    values: dict[str, Any] = json.loads(stored)
    kind = str(values.pop("kind"))
    lists = {name: tuple(cast("list[str]", each)) for name, each in values.items() if isinstance(each, list)}
    return KINDS[kind](**values | lists)
