"""What Unthread's stand-in holds, and what a seed may say. Seeding leaves no effects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Status = Literal["open", "in_progress", "on_hold", "closed"]
Kind = Literal["slack", "triage", "email"]
NAMESPACE = uuid.UUID("8c5f5f0e-6f5c-4a3e-9c59-6d4d0f3b7a10")

CONVERSATION_FIELDS = (
    *("id", "friendlyId", "type", "status", "priority", "title", "summary", "notes", "customerId", "customer.id"),
    *("customer.name", "channelId", "triageChannelId", "emailInboxId", "ticketTypeId", "ticketTypeFields", "tags.id"),
    *("tags.name", "assignedToUserId", "assignedToUser.id", "assignedToUser.name", "assignedToUser.email"),
    *("createdAt", "updatedAt", "closedAt", "statusUpdatedAt", "wakeUpAt", "snoozedAt", "lockedAt", "responseTime"),
    *("resolutionTime", "metadata", "excludeAnalytics", "onBehalfOf.name", "onBehalfOf.email", "initialMessage.ts"),
    *("initialMessage.text", "initialMessage.timestamp", "initialMessage.conversationId"),
)
MESSAGE_FIELDS = (
    *("ts", "text", "conversationId", "userId", "botId", "timestamp", "threadTs", "isPrivateNote"),
    *("metadata.eventType", "onBehalfOf.name", "onBehalfOf.email"),
)
CUSTOMER_FIELDS = (
    *("id", "name", "slackChannelId", "slackTeamId", "emailDomains", "primarySupportAssigneeId"),
    *("defaultTriageChannelId", "replyTimeoutMinutes", "disableAutomatedTicketing", "createdAt", "updatedAt"),
    *("tags.id", "tags.name"),
)
USER_FIELDS = ("id", "name", "email", "slackId")
SUBSCRIPTION_FIELDS = ("id", "url", "enabled", "createdAt", "updatedAt")


class Said(BaseModel):
    """A body of the API: what it doesn't name is refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class OnBehalfOf(Said):
    name: str | None = None
    email: str | None = None
    id: str | None = None


class NewConversation(Said):
    type: Kind
    markdown: str = Field(min_length=1)
    title: str | None = None
    status: Status = "open"
    customer_id: str | None = None
    channel_id: str | None = None
    triage_channel_id: str | None = None
    email_inbox_id: str | None = None
    assigned_to_user_id: str | None = None
    priority: int | None = None
    on_behalf_of: OnBehalfOf | None = None
    ticket_type_id: str | None = None
    notes: str | None = None
    exclude_analytics: bool | None = None


class ConversationChange(Said):
    status: Status | None = None
    title: str | None = None
    priority: int | None = None
    customer_id: str | None = None
    assigned_to_user_id: str | None = None
    ticket_type_id: str | None = None
    ticket_type_fields: dict[str, Any] | None = None
    notes: str | None = None
    wake_up_at: AwareDatetime | None = None
    exclude_analytics: bool | None = None


class Body(Said):
    type: Literal["html", "markdown"]
    value: str = Field(min_length=1)


class NewMessage(Said):
    body: Body
    is_private_note: bool = False
    on_behalf_of: OnBehalfOf | None = None


class NewCustomer(Said):
    name: str = Field(min_length=1)
    slack_channel_id: str | None = None
    slack_team_id: str | None = None
    email_domains: list[str] = []
    primary_support_assignee_id: str | None = None
    default_triage_channel_id: str | None = None
    reply_timeout_minutes: int | None = None
    disable_automated_ticketing: bool | None = None


class CustomerChange(NewCustomer):
    name: str = ""


class NewSubscription(Said):
    url: str = Field(pattern=r"^https?://[^/\s]+/\S*$")
    enabled: bool = True


class SubscriptionChange(Said):
    url: str = Field(default="", pattern=r"^(https?://[^/\s]+/\S*)?$")
    enabled: bool | None = None


class ContactForm(BaseModel):
    """What somebody typed into the form on the website."""

    model_config = ConfigDict(extra="forbid")
    name: str
    email: str
    message: str
    assigned_to: str | None = None  # a user's id; the form's tickets are assigned by a rule of Unthread
    layout: Literal[2024, 2025] = 2025
    reply_to: bool = False  # whether the mail's Reply-To shows in the ticket


class SeededUser(Said):
    id: str
    name: str
    email: str
    slack_id: str | None = None


class SeededMessage(Said):
    text: str
    user_id: str | None = None
    bot_id: str | None = None
    event_type: str | None = None
    is_private_note: bool = False
    at: AwareDatetime | None = None


class SeededConversation(Said):
    id: str
    title: str = ""
    type: Kind = "email"
    status: Status = "open"
    priority: int | None = None
    customer_id: str | None = None
    assigned_to_user_id: str | None = None
    created_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    status_updated_at: AwareDatetime | None = None
    metadata: dict[str, Any] = {}
    messages: list[SeededMessage] = []


class Tag(Said):
    id: str
    name: str


class SeededCustomer(NewCustomer):
    id: str
    tags: list[Tag] = []


class SeededSubscription(NewSubscription):
    id: str


class Seed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api_keys: dict[str, str] = {}  # key -> name of the service account
    inbox: str = ""  # the address that the website's contact form writes from and to
    users: list[SeededUser] = []
    customers: list[SeededCustomer] = []
    conversations: list[SeededConversation] = []
    subscriptions: list[SeededSubscription] = []


@dataclass
class Message:
    ts: str
    text: str
    conversation: str
    at: datetime
    user: str | None = None
    bot: str | None = None
    is_private_note: bool = False
    on_behalf_of: Mapping[str, Any] | None = None
    event_type: str | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "ts": self.ts,
            "text": self.text,
            "conversationId": self.conversation,
            "userId": self.user,
            "botId": self.bot,
            "timestamp": stamp(self.at),
            "threadTs": None,
            "isPrivateNote": self.is_private_note,
            "metadata": {"eventType": self.event_type or ("private_note" if self.is_private_note else "message")},
            "onBehalfOf": self.on_behalf_of,
        }


@dataclass
class Conversation:
    id: str
    friendly_id: int
    type: Kind
    created: datetime
    updated: datetime
    status_updated: datetime
    status: Status = "open"
    title: str | None = None
    closed: datetime | None = None
    values: dict[str, Any] = field(default_factory=dict[str, Any])  # the fields that nothing here works with
    messages: list[Message] = field(default_factory=list[Message])


def stamp(at: datetime) -> str:
    """Gives a time as Unthread writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def contact_form(said: ContactForm, inbox: str) -> str:
    """Gives the mail that the website makes of its form, as text. The sender is Fleet's own mailbox in each.

    Source: fleetdm/fleet, website/views/emails/email-contact-form.ejs (2025), deliver-contact-form-message.js (2024).
    """
    head = f"From: {inbox}\nReply-To: {said.name} <{said.email}>\n\n" if said.reply_to else ""
    if said.layout == 2024:
        body = f"New contact form message:\n\nName: {said.name}\nEmail: {said.email}\nMessage: {said.message}"
    else:
        who = f"Submitter information:\n\nName: {said.name}\n\nEmail address: {said.email}"
        body = f"Message:\n\n{said.message}\n\n{who}"
    return f"{head}{body}\n"
