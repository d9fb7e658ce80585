"""GitHub's REST paths of webhooks and their deliveries. https://docs.github.com/rest/repos/webhooks"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from sandbox.github_access import Access
from sandbox.github_answers import JSON, Answers, stamp
from sandbox.github_bodies import FromCursor, NewHook, NoQuery
from sandbox.github_changes import found
from sandbox.github_hooks import Attempt, Hook, Hooks
from sandbox.github_refusals import Refusal, invalid
from sandbox.github_rest import REPOSITORY, Answer, Call, Path
from sandbox.github_state import Repository

HIDDEN = "********"


class HookPaths:
    """One method a path. Who may not see webhooks finds none."""

    def __init__(self, access: Access, answers: Answers, hooks: Hooks) -> None:
        self.access, self.answers, self.hooks = access, answers, hooks

    def table(self) -> list[Path]:
        hooks = f"{REPOSITORY}/hooks"
        deliveries = f"{hooks}/{{hook:int}}/deliveries"
        return [
            ("GET", hooks, self.list_hooks),
            ("POST", hooks, self.create_hook),
            ("GET", f"{hooks}/{{hook:int}}", self.get_hook),
            ("GET", deliveries, self.list_deliveries),
            ("GET", f"{deliveries}/{{delivery:int}}", self.get_delivery),
            ("POST", f"{deliveries}/{{delivery:int}}/attempts", self.deliver_again),
        ]

    def _repository(self, call: Call, *, write: bool = False) -> Repository:
        repository = self.access.repository(f"{call.name('owner')}/{call.name('repo')}", call.token)
        self.access.check_hooks(repository, call.token, write=write)
        return repository

    def _hook(self, call: Call, *, write: bool = False) -> Hook:
        return found(self.hooks.of(self._repository(call, write=write)), call.name("hook"))

    def _attempt(self, call: Call, hook: Hook) -> Attempt:
        return found({each.id: each for each in self.hooks.kept(hook)}, call.name("delivery"))

    # Webhooks

    def list_hooks(self, call: Call) -> Answer:
        call.asked(FromCursor)
        return Answer([self._shown(hook) for hook in self.hooks.of(self._repository(call)).values()])

    def get_hook(self, call: Call) -> Answer:
        call.asked(NoQuery)
        return Answer(self._shown(self._hook(call)))

    def create_hook(self, call: Call) -> Answer:
        repository, said = self._repository(call, write=True), call.said(NewHook, "Hook")
        url = said.config.url
        if not url or not re.match(r"https?://[^/]+", url):
            raise invalid("Hook", "url", "missing_field" if not url else "invalid")
        if any(hook.url == url for hook in self.hooks.of(repository).values()):
            message = {"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}
            raise Refusal(422, "Validation Failed", message)
        hook = self.hooks.add(
            repository,
            url,
            events=said.events,
            secret=said.config.secret,
            content_type=said.config.content_type,
            active=said.active,
        )
        self.hooks.state.record(repository, "create webhook", url, events=said.events)
        shown = self._shown(hook)
        self.hooks.ping(hook, shown)
        return Answer(shown, 201, {"Location": shown["url"]})

    def _shown(self, hook: Hook) -> JSON:
        url = self.answers.api(hook.repository, f"/hooks/{hook.id}")
        secret = {"secret": HIDDEN} if hook.secret else {}
        config = {"content_type": hook.content_type, "insecure_ssl": "0", **secret, "url": hook.url}
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": list(hook.events),
            "config": config,
            "updated_at": stamp(hook.created_at),
            "created_at": stamp(hook.created_at),
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": self._last_response(hook),
        }

    def _last_response(self, hook: Hook) -> JSON:
        latest = next(iter(self.hooks.kept(hook)), None)
        if latest is None:
            return {"code": None, "status": "unused", "message": None}
        code, message = outcome(latest)
        return {"code": code, "status": "active" if 200 <= code < 300 else "misconfigured", "message": message}

    # Deliveries

    def list_deliveries(self, call: Call) -> Answer:
        asked, hook = call.asked(FromCursor, "HookDelivery"), self._hook(call)
        kept, size = self.hooks.kept(hook), min(100, max(1, asked.per_page))
        if asked.cursor:
            if not re.fullmatch(r"v1_\d{1,18}", asked.cursor):
                raise invalid("HookDelivery", "cursor", value=asked.cursor)
            kept = [each for each in kept if each.id <= int(asked.cursor[3:])]
        page, rest = kept[:size], kept[size:]
        return Answer([self._summary(each, hook) for each in page], headers=self._next(call, size, rest))

    def _next(self, call: Call, size: int, rest: list[Attempt]) -> dict[str, str]:
        if not rest:
            return {}
        query = urlencode({"per_page": size, "cursor": f"v1_{rest[0].id}"})
        return {"Link": f'<{self.hooks.state.world.public_url}{call.request.url.path}?{query}>; rel="next"'}

    def get_delivery(self, call: Call) -> Answer:
        call.asked(NoQuery)
        hook = self._hook(call)
        return Answer(self._whole(self._attempt(call, hook), hook))

    def deliver_again(self, call: Call) -> Answer:
        call.asked(NoQuery)
        hook = self._hook(call, write=True)
        attempt = self._attempt(call, hook)
        self.hooks.deliver_again(hook, attempt)
        self.hooks.state.record(hook.repository, "redeliver webhook", attempt.guid)
        return Answer({}, 202)

    def _summary(self, attempt: Attempt, hook: Hook) -> JSON:
        first = attempt.sent.attempts[0] if attempt.sent else None
        code, status = outcome(attempt)
        return {
            "id": attempt.id,
            "guid": attempt.guid,
            "delivered_at": stamp(attempt.at),
            "redelivery": attempt.redelivery,
            "duration": round(first.milliseconds / 1000, 2) if first else 10.0,
            "status": status,
            "status_code": code,
            "event": attempt.event,
            "action": attempt.payload.get("action"),
            "installation_id": None,
            "repository_id": hook.repository.id,
            "throttled_at": None,
        }

    def _whole(self, attempt: Attempt, hook: Hook) -> dict[str, Any]:
        first = attempt.sent.attempts[0] if attempt.sent else None
        return {
            **self._summary(attempt, hook),
            "url": hook.url,
            "request": {"headers": dict(attempt.headers), "payload": attempt.payload},
            "response": {"headers": {}, "payload": first.answer if first else None},
        }


def outcome(attempt: Attempt) -> tuple[int, str]:
    """Gives `status_code` and `status` of a delivery."""
    first = attempt.sent.attempts[0] if attempt.sent else None
    if first is None or first.error == "ReadTimeout":
        return 504, "timed out"
    if first.status is None:
        return 502, "failed to connect to host"
    is_good = 200 <= first.status < 300
    return first.status, HTTPStatus(first.status).phrase if is_good else f"Invalid HTTP Response: {first.status}"
