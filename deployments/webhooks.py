"""The addresses of the gateway: how each service's request is verified and read, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployments import deliveries, signatures
from deployments.deliveries import Delivery, Reader, parse_json
from deployments.interactions import Asked, form_interaction
from settings import settings

OF_A_TEXT = 64 * 1024  # bytes; such a form must be read before it can be verified
JSON, FORM, XML, PLAIN = "application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain"

# https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_notifications.htm
ACKNOWLEDGED = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>
</soapenv:Body></soapenv:Envelope>"""


@dataclass(frozen=True)
class Incoming:
    """A request as it came. Header names are lower-case, whatever the mapping makes of others."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    path_and_query: str
    body: bytes


@dataclass(frozen=True)
class Taken:
    """What a request holds, and what its sender is answered once that is committed."""

    deliveries: Sequence[Delivery] = ()
    status: int = 200
    text: str = ""
    media_type: str = PLAIN
    asked: Asked | None = None  # answered by what it asks for


@dataclass(frozen=True)
class Webhook:
    """One address. `take` raises `Forged` before it reads anything, `Malformed` when it can't.

    largest: bytes of a body.
    """

    path: str
    summary: str
    types: Sequence[str]
    take: Callable[[Incoming], Taken]
    asks_others: bool = False  # verifying may need the network
    largest: int = 1024 * 1024


def slack_events(incoming: Incoming) -> Taken:
    """Takes Slack's events, and its question whether we are there."""
    signatures.slack(incoming.headers, incoming.body)
    found = parse_json(incoming.body)
    if found.get("type") == "url_verification":
        return Taken(text=Reader(found).text("challenge", r"[\w.-]{1,200}"))
    return Taken([deliveries.slack_event(found)])


def slack_interactivity(incoming: Incoming) -> Taken:
    """Takes presses of buttons, shortcuts, and forms that were sent."""
    signatures.slack(incoming.headers, incoming.body)
    if asked := form_interaction(incoming.body):
        return Taken(asked=asked)
    return Taken(deliveries.slack_actions(incoming.body))


def slack_commands(incoming: Incoming) -> Taken:
    """Takes a slash command."""
    signatures.slack(incoming.headers, incoming.body)
    return Taken(asked=deliveries.slack_command(incoming.body))


def github(incoming: Incoming) -> Taken:
    """Takes what happens in the repositories."""
    signatures.github(incoming.headers, incoming.body)
    kind, id = incoming.headers.get("x-github-event", ""), incoming.headers.get("x-github-delivery", "")
    return Taken([deliveries.github(kind, id, parse_json(incoming.body))], 202)


def unthread(incoming: Incoming) -> Taken:
    """Takes what happens in Unthread, and its question whether we are there."""
    signatures.unthread(incoming.headers, incoming.body)
    found = parse_json(incoming.body)
    signatures.assert_fresh_unthread(found.get("webhookTimestamp"))
    return Taken() if found.get("event") == "url_verification" else Taken([deliveries.unthread(found)])


def alertmanager(incoming: Incoming) -> Taken:
    """Takes a group of alarms."""
    signatures.alertmanager(incoming.headers)
    return Taken(deliveries.alertmanager(parse_json(incoming.body)))


def sns(incoming: Incoming) -> Taken:
    """Takes an alarm of AWS. A topic's question whether we want it is kept for a person: we fetch no address."""
    signatures.sns(incoming.body)
    return Taken([deliveries.sns(parse_json(incoming.body))])


def salesforce(incoming: Incoming) -> Taken:
    """Takes an outbound message."""
    signatures.salesforce(incoming.query)
    found = deliveries.salesforce(incoming.body, settings().salesforce_organization)
    return Taken(found, text=ACKNOWLEDGED, media_type=XML)


def twilio_status(incoming: Incoming) -> Taken:
    """Takes how a text message of ours fared."""
    signatures.twilio(incoming.headers, incoming.body, incoming.path_and_query)
    return Taken([deliveries.twilio_status(incoming.query, incoming.body)], 204)


def twilio_inbound(incoming: Incoming) -> Taken:
    """Takes a text message to our number; we don't answer by text."""
    signatures.twilio(incoming.headers, incoming.body, incoming.path_and_query)
    return Taken([deliveries.twilio_inbound(incoming.body)], text="<Response/>", media_type=XML)


WEBHOOKS = (
    Webhook("/slack/events", "Slack's Events API", (JSON,), slack_events),
    Webhook("/slack/interactivity", "Slack's buttons, shortcuts and forms", (FORM,), slack_interactivity),
    Webhook("/slack/commands", "Slack's /handbook command", (FORM,), slack_commands),
    Webhook("/github", "Webhooks of the two repositories", (JSON,), github),
    Webhook("/unthread", "Unthread's webhooks", (JSON,), unthread),
    Webhook("/alarms/alertmanager", "Alarms of Alertmanager", (JSON,), alertmanager),
    Webhook("/alarms/sns", "Alarms of AWS SNS", (PLAIN, JSON), sns, asks_others=True),
    Webhook("/salesforce", "Salesforce's outbound messages", (XML,), salesforce),
    Webhook("/twilio/status", "How a text message fared", (FORM,), twilio_status, largest=OF_A_TEXT),
    Webhook("/twilio/inbound", "Text messages to our number", (FORM,), twilio_inbound, largest=OF_A_TEXT),
)
