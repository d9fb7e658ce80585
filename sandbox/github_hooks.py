"""What GitHub tells a repository's webhooks: signed, within ten seconds, once. It never tries again by itself.

Sources: https://docs.github.com/webhooks/webhook-events-and-payloads, https://docs.github.com/rest/repos/webhooks,
https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from sandbox.github_answers import JSON, Answers
from sandbox.github_state import Comment, Event, Issue, Label, Repository, State
from sandbox.webhooks import Delivery, Rule

RULE = Rule(limit=10)
KEPT = timedelta(days=3)
REMEMBERED = 5_000  # attempts of one webhook
FIRST_HOOK, FIRST_ATTEMPT = 410_000_001, 12_000_000_001
ISSUE_ACTIONS = {"labeled", "unlabeled", "assigned", "unassigned", "closed", "reopened"}
ContentType = Literal["json", "form"]
MEDIA_TYPES: Mapping[ContentType, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, eq=False)
class Attempt:
    """One try to deliver, which GitHub calls a delivery; `guid` is the same for each try of one event."""

    id: int
    guid: str
    event: str
    payload: JSON
    headers: Mapping[str, str]
    at: datetime
    redelivery: bool
    sent: Delivery | None  # None: the network lost it

    @property
    def is_over(self) -> bool:
        return self.sent is None or bool(self.sent.attempts)


@dataclass(eq=False)
class Hook:
    """A webhook of a repository."""

    id: int
    repository: Repository
    url: str
    content_type: ContentType
    secret: str
    events: Sequence[str]
    active: bool
    created_at: datetime
    attempts: deque[Attempt] = field(default_factory=lambda: deque[Attempt](maxlen=REMEMBERED))

    def hears(self, event: str) -> bool:
        return event == "ping" or (self.active and not {event, "*"}.isdisjoint(self.events))


class Hooks:
    """The webhooks of all repositories, and what they are told."""

    def __init__(self, state: State, answers: Answers) -> None:
        self.state, self.answers = state, answers
        self.clear()

    def clear(self) -> None:
        self._hooks: dict[int, Hook] = {}
        self._ids, self._attempts = itertools.count(FIRST_HOOK), itertools.count(FIRST_ATTEMPT)

    def of(self, repository: Repository) -> dict[int, Hook]:
        return {id: hook for id, hook in self._hooks.items() if hook.repository is repository}

    def add(
        self,
        repository: Repository,
        url: str,
        *,
        events: Sequence[str],
        secret: str,
        content_type: ContentType,
        active: bool,
    ) -> Hook:
        now, id = self.state.now(), next(self._ids)
        self._hooks[id] = Hook(id, repository, url, content_type, secret, events, active, now)
        return self._hooks[id]

    def kept(self, hook: Hook) -> list[Attempt]:
        """Gives the tries that are over, newest first, as far back as GitHub keeps them."""
        since = self.state.now() - KEPT
        return [each for each in reversed(hook.attempts) if each.is_over and each.at >= since]

    # Events

    def issue(self, action: str, issue: Issue, **more: JSON) -> None:
        self._tell(issue.repository, "issues", action, issue=self.answers.issue(issue), **more)

    def happened(self, event: Event) -> None:
        """Tells of an entry in an issue's history, where GitHub has a webhook for it."""
        if event.event not in ISSUE_ACTIONS:
            return
        label = {"label": self.answers.label(event.label)} if event.label else {}
        assignee = {"assignee": self.answers.user(event.assignee)} if event.assignee else {}
        self.issue(event.event, event.issue, **label, **assignee)

    def comment(self, action: str, comment: Comment, **more: JSON) -> None:
        said = {"issue": self.answers.issue(comment.issue), "comment": self.answers.comment(comment)}
        self._tell(comment.issue.repository, "issue_comment", action, **said, **more)

    def label(self, action: str, label: Label, **more: JSON) -> None:
        self._tell(label.repository, "label", action, label=self.answers.label(label), **more)

    def ping(self, hook: Hook, shown: JSON) -> None:
        """Greets a new webhook."""
        said = {"zen": "Keep it logically awesome.", "hook_id": hook.id, "hook": shown}
        self._deliver(hook, "ping", said | self._where(hook.repository))

    def _tell(self, repository: Repository, event: str, action: str, **said: JSON) -> None:
        hooks = [hook for hook in self.of(repository).values() if hook.hears(event)]
        if hooks and self.state.world.webhooks.network.gateway:
            payload: JSON = {"action": action, **said, **self._where(repository)}
            for hook in hooks:
                self._deliver(hook, event, payload)

    def _where(self, repository: Repository) -> JSON:
        told = {"repository": _as_in_events(self.answers.repository(repository))}
        if repository.owner.lower() == self.state.organization.lower():
            told["organization"] = self.answers.organization_in_events()
        return {**told, "sender": self.answers.user(self.state.actor())}

    # Deliveries

    def deliver_again(self, hook: Hook, attempt: Attempt) -> None:
        """Sends the same under the same guid."""
        self._deliver(hook, attempt.event, attempt.payload, attempt.guid)

    def _deliver(self, hook: Hook, event: str, payload: JSON, again: str = "") -> None:
        webhooks = self.state.world.webhooks
        if not webhooks.network.gateway:
            return
        guid, body = again or str(uuid.uuid4()), _body(hook, payload)
        headers = _headers(hook, event, guid, body)
        sent = webhooks.send(
            "github",
            urlsplit(hook.url).path,
            id=guid,
            kind=".".join(filter(None, (event, payload.get("action")))),
            rule=RULE,
            signed=lambda _: (body, headers),
        )
        made = Attempt(next(self._attempts), guid, event, payload, headers, self.state.now(), bool(again), sent)
        hook.attempts.append(made)


def _body(hook: Hook, payload: JSON) -> bytes:
    text = json.dumps(payload, separators=(",", ":"))
    return (text if hook.content_type == "json" else urlencode({"payload": text})).encode()


def _headers(hook: Hook, event: str, guid: str, body: bytes) -> dict[str, str]:
    return {
        "Accept": "*/*",
        "Content-Type": MEDIA_TYPES[hook.content_type],
        "User-Agent": "GitHub-Hookshot/5ab1ed0",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.repository.id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        **({} if not hook.secret else signatures(hook.secret, body)),
    }


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """Gives both headers: the one to verify, and the old one that GitHub still sends beside it."""
    return {
        "X-Hub-Signature": f"sha1={hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}",
    }


def _as_in_events(repository: Mapping[str, Any]) -> JSON:
    """Webhooks know no caller, so what a caller may do is not in them."""
    return {name: value for name, value in repository.items() if name != "permissions"}
