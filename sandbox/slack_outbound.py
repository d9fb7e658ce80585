"""What Slack sends to an app: signed, within three seconds, events up to four times.

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.slack.dev/apis/events-api,
https://docs.slack.dev/interactivity/handling-user-interaction, https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sandbox.slack_state import Answer, Caller, Channel, Message, State
from sandbox.slack_texts import without_metadata
from sandbox.webhooks import SECRETS, Answered, Attempt, Delivery, Rule, Signed

EVENTS, INTERACTIVITY, COMMANDS = "/slack/events", "/slack/interactivity", "/slack/commands"
LIMIT = 3.0  # seconds for a 2xx
EVENT_RULE, ONCE = Rule(LIMIT, waits=(0, 60, 300)), Rule(LIMIT)
VERIFICATION_TOKEN = "sandbox-slack-verification-token"  # the old way to know Slack; still in each request
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
CHANNEL_TYPES = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Gives `X-Slack-Signature`."""
    return f"v0={hmac.new(secret.encode(), b'v0:%s:%s' % (timestamp.encode(), body), hashlib.sha256).hexdigest()}"


def why(attempt: Attempt) -> str:
    """Gives `X-Slack-Retry-Reason` for a try that failed."""
    if attempt.status is not None:
        return "http_error"
    return "http_timeout" if attempt.error.endswith("Timeout") else "connection_failed"


class Outbound:
    """Sends to the app's three addresses."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def first_answers(self, deliveries: Sequence[Delivery | None]) -> list[Answer]:
        """Waits for the first try of each, and gives path, status and error; no status when nobody answered."""
        return await self.state.world.webhooks.first_answers([each for each in deliveries if each], LIMIT)

    # Events

    def posted(self, channel: Channel, message: Message) -> list[Delivery]:
        """Tells of a new message."""
        return self._tell(channel, without_metadata(message))

    def changed(self, channel: Channel, before: Message, after: Message) -> list[Delivery]:
        """Tells that a message has other words."""
        told = {"message": without_metadata(after), "previous_message": without_metadata(before)}
        return self._tell(channel, {"type": "message", "subtype": "message_changed", "hidden": True, **told})

    def deleted(self, channel: Channel, before: Message) -> list[Delivery]:
        """Tells that a message is gone, or that a thread has lost its first."""
        if before["ts"] in channel.messages:
            return self.changed(channel, before, channel.messages[before["ts"]])
        told = {"deleted_ts": before["ts"], "previous_message": without_metadata(before)}
        return self._tell(channel, {"type": "message", "subtype": "message_deleted", "hidden": True, **told})

    def _tell(self, channel: Channel, event: Message) -> list[Delivery]:
        if not self.state.world.webhooks.network.gateway:
            return []
        ts = event["ts"] if "ts" in event else self.state.ts()
        where = {"ts": ts, "channel": channel.id, "channel_type": CHANNEL_TYPES[channel.kind], "event_ts": ts}
        scope = channel.scope("history")
        apps = [app for app in self.state.apps() if app.user_id in channel.members and scope in app.scopes]
        sent = [self._event(app, channel, event | where) for app in apps]
        return [each for each in sent if each]

    def _event(self, app: Caller, channel: Channel, event: Message) -> Delivery | None:
        ours = self.state.team["id"]
        id = f"Ev{secrets.token_hex(5).upper()}"
        told = {
            "token": VERIFICATION_TOKEN,
            # In a shared channel it is the writer's workspace; context_team_id is whose installation hears of it.
            "team_id": event.get("user_team", ours),
            "context_team_id": ours,
            "context_enterprise_id": None,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": id,
            "event_time": int(event["event_ts"].partition(".")[0]),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": ours,
                    "user_id": app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": channel.is_ext_shared,
            "event_context": f"4-{id}-{channel.id}",
        }
        kind = f"message.{event['subtype']}" if event.get("subtype") else "message"
        return self.send(EVENTS, json.dumps(told, separators=(",", ":")).encode(), JSON, id=id, kind=kind)

    # Addresses

    def form(
        self, path: str, fields: Mapping[str, str], *, id: str, kind: str, answered: Answered | None = None
    ) -> Delivery | None:
        """Sends a form, which Slack does once only."""
        return self.send(path, urlencode(fields).encode(), FORM, id=id, kind=kind, rule=ONCE, answered=answered)

    def payload(self, payload: Mapping[str, object], *, id: str, answered: Answered | None = None) -> Delivery | None:
        """Sends what a person did with a button, a menu or a view."""
        told = {"payload": json.dumps(payload, separators=(",", ":"))}
        return self.form(INTERACTIVITY, told, id=id, kind=str(payload["type"]), answered=answered)

    def send(
        self,
        path: str,
        body: bytes,
        media_type: str,
        *,
        id: str,
        kind: str,
        rule: Rule = EVENT_RULE,
        answered: Answered | None = None,
    ) -> Delivery | None:
        """Starts to deliver a body. Each try is signed with its own time, the machine's and not the sandbox's."""
        made: list[Delivery] = []

        def signed(attempt: int) -> Signed:
            timestamp = str(int(time.time()))
            headers = {
                "Content-Type": media_type,
                "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                "X-Slack-Request-Timestamp": timestamp,
                "X-Slack-Signature": signature(SECRETS["slack"], timestamp, body),
            }
            if attempt:
                reason = why(made[0].attempts[-1])
                headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
            return body, headers

        delivery = self.state.world.webhooks.send(
            "slack", path, id=id, kind=kind, rule=rule, signed=signed, answered=answered
        )
        if delivery:
            made.append(delivery)
        return delivery
