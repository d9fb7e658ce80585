"""Requests as the services send them to the gateway, signed with the sandbox's secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

SLACK, GITHUB, UNTHREAD = (
    "sandbox-slack-signing-secret",
    "sandbox-github-webhook-secret",
    "sandbox-unthread-webhook-secret",
)


def slack_headers(body: bytes, secret: str = SLACK, at: float | None = None) -> dict[str, str]:
    """Signs as Slack does, now or at a moment in seconds since 1970."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def slack_event(gateway: str, id: str, event: Mapping[str, Any]) -> httpx.Response:
    """Tells of an event in Slack."""
    body = json.dumps({"type": "event_callback", "event_id": id, "event": dict(event)}).encode()
    headers = {"Content-Type": "application/json", **slack_headers(body)}
    return httpx.post(f"{gateway}/slack/events", content=body, headers=headers, trust_env=False)


def slack_click(
    gateway: str, user: str, team: str, channel: str, message_ts: str, action: Mapping[str, Any]
) -> httpx.Response:
    """Presses a button as a person."""
    pressed = {
        "type": "block_actions",
        "user": {"id": user, "team_id": team},
        "container": {"type": "message", "message_ts": message_ts, "channel_id": channel},
        "actions": [{"type": "button", "action_ts": f"{time.time():.6f}", **action}],
    }
    return slack_interaction(gateway, pressed)


def slack_form(gateway: str, user: str, view: Mapping[str, Any]) -> httpx.Response:
    """Sends a form that a person has filled in. view: as Slack's JSON has it, with its state."""
    sent = {"type": "view_submission", "user": {"id": user, "team_id": "T0SANDBOX"}, "view": dict(view)}
    return slack_interaction(gateway, sent)


def slack_interaction(gateway: str, payload: Mapping[str, Any], **headers: str) -> httpx.Response:
    """Tells of something that a person did; `headers` take the place of good ones."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    given = {"Content-Type": "application/x-www-form-urlencoded", **slack_headers(body), **headers}
    return httpx.post(f"{gateway}/slack/interactivity", content=body, headers=given, trust_env=False, timeout=10)


def github_headers(body: bytes, kind: str, id: str, secret: str = GITHUB) -> dict[str, str]:
    """Signs as GitHub does."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-GitHub-Event": kind, "X-GitHub-Delivery": id, "X-Hub-Signature-256": f"sha256={digest}"}


def json_body(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(payload)).encode()


def raw(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Gives a request with a JSON body as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", "Content-Type: application/json"]
    lines += [*(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def github(gateway: str, kind: str, id: str, payload: Mapping[str, Any], secret: str = GITHUB) -> httpx.Response:
    """Delivers a webhook of GitHub."""
    body = json_body(payload)
    headers = {"Content-Type": "application/json", **github_headers(body, kind, id, secret)}
    return httpx.post(f"{gateway}/github", content=body, headers=headers, trust_env=False)
