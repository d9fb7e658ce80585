"""The gateway as a process: what it refuses, what its 2xx is worth, and that a kill -9 takes nothing from it."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bench.webhooks import load
from deployments.gateway import CONNECTIONS, READ_WITHIN
from deployments.inbox import inbox
from deployments.webhooks import WEBHOOKS
from tasks import cases, database
from tests import signed
from tests.conftest import FULL, until, within
from tests.deployments.night import BUSY, CHANNEL, Night, earlier

CLEARING, NOTICE = "clear-waiting-labels", "answer-out-of-hours-message"
KILLS, COMMENTS, AGAIN = (10, 340, 0.2) if FULL else (3, 60, 0.2)


def taken() -> list[str]:
    """Gives the ids in the inbox."""
    with database.reading() as connection:
        return sorted(connection.execute(select(inbox.c.id)).scalars())


def opened(procedure: str) -> list[str]:
    """Gives what the cases of a procedure are about."""
    with database.reading() as connection:
        return sorted(connection.execute(select(cases.cases.c.subject).filter_by(procedure=procedure)).scalars())


def comment(number: int = 1) -> dict[str, Any]:
    """Gives a comment from outside, on an issue that waits for it."""
    author = {"login": "outside-reporter", "type": "User"}
    issue = {"number": 41_001, "state": "open", "user": author, "labels": [{"name": "+more info please"}]}
    said = {"id": number, "author_association": "NONE", "user": author}
    return {"action": "created", "repository": {"full_name": "fleetdm/fleet"}, "issue": issue, "comment": said}


def subject(number: int = 1) -> str:
    return f"fleetdm/fleet#41001/{number}"


def post(night: Night, path: str, body: bytes | Iterable[bytes], media_type: str = "application/json") -> int:
    headers = {"Content-Type": media_type}
    return httpx.post(f"{night.gateway}{path}", content=body, headers=headers, timeout=20, trust_env=False).status_code


# -- refused, and nothing stored


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook.path)
def test_a_body_that_is_too_large_and_one_of_another_type_are_refused(night: Night, webhook: Any) -> None:
    (media_type, *_) = webhook.types
    assert post(night, webhook.path, b"x" * webhook.largest, media_type) in {400, 401}, "As large as it may be."
    assert post(night, webhook.path, b"x" * (webhook.largest + 1), media_type) == 413
    assert post(night, webhook.path, b"{}", "text/csv") == 415
    assert post(night, webhook.path, b"{}", "") == 415
    assert taken() == []


def test_a_large_body_that_does_not_say_how_large_it_is_is_refused_too(night: Night) -> None:
    assert post(night, "/github", (b"x" * 65_536 for _ in range(17))) == 413
    assert taken() == []


def test_a_body_that_does_not_come_is_waited_for_ten_seconds_and_others_are_served_meanwhile(night: Night) -> None:
    head = "POST /github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", night.port), timeout=READ_WITHIN + 5) as slow:
        slow.sendall(head.encode())
        assert signed.github(night.gateway, "issue_comment", "others", comment()).status_code == 202
        assert time.monotonic() - began < READ_WITHIN / 2
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began >= READ_WITHIN
    assert taken() == ["others"]


def test_more_connections_than_the_gateway_can_serve_are_refused_until_some_are_closed(night: Night) -> None:
    with ExitStack() as open_ones:
        for _ in range(CONNECTIONS):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", night.port), timeout=5))
        until(lambda: post(night, "/github", b"{}") == 503)
    until(lambda: post(night, "/github", b"{}") == 401)


def test_a_stranger_does_not_learn_what_is_not_set_here_and_the_log_says_it(night: Night) -> None:
    message = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-2:123456789012:alarms"}
    answer = httpx.post(f"{night.gateway}/alarms/sns", json=message, trust_env=False)
    assert (answer.status_code, answer.json()) == (401, {"error": "It is not signed as it should be."})
    assert "HANDBOOK_SNS_TOPICS is not set" in night.log()


def test_other_paths_and_methods_are_not_found_and_not_allowed(night: Night) -> None:
    assert post(night, "/elsewhere", b"{}") == 404
    assert post(night, "/github/", b"{}") == 404
    for method in ("GET", "PUT", "DELETE"):
        assert httpx.request(method, f"{night.gateway}/github", trust_env=False).status_code == 405
    assert taken() == []


def test_what_is_refused_is_counted_by_address_and_status(night: Night) -> None:
    def refused() -> Counter[str]:
        return Counter(httpx.get(f"{night.gateway}/ready", trust_env=False).json()["refused"])

    before = refused()
    post(night, "/github", b"{}")
    post(night, "/github", b"{}", "text/csv")
    post(night, "/unthread", b"{}")
    assert refused() - before == {"/github 401": 1, "/github 415": 1, "/unthread 401": 1}


def test_while_the_database_is_away_nothing_is_acknowledged_and_the_next_attempt_is_taken(night: Night) -> None:
    night.lose_database()
    try:
        told = signed.github(night.gateway, "issue_comment", "later", comment())
        heard = signed.slack_event(night.gateway, "EvLater", {"type": "reaction_added"})
        ready = httpx.get(f"{night.gateway}/ready", trust_env=False)
    finally:
        night.find_database()
    assert (told.status_code, heard.status_code, ready.status_code) == (503, 503, 503)
    assert (taken(), opened(CLEARING)) == ([], [])
    assert signed.github(night.gateway, "issue_comment", "later", comment()).status_code == 202
    assert (taken(), opened(CLEARING)) == (["later"], [subject()])


# -- taken


def test_slack_and_unthread_learn_that_we_are_there(night: Night) -> None:
    answer = httpx.post(f"{night.sandbox.url}/slack/api/_person/verify_endpoint", trust_env=False)
    assert answer.json()["ok"] is True
    wanted = {"url": "https://hooks.fleetdm.example/unthread", "enabled": True}
    key = {"X-Api-Key": "sandbox-unthread-key"}
    made = httpx.post(
        f"{night.sandbox.url}/unthread/api/webhook-subscriptions", json=wanted, headers=key, trust_env=False
    )
    assert made.is_success, made.text

    def asked() -> list[Mapping[str, Any]]:
        told = httpx.get(f"{night.sandbox.url}/_sandbox/webhooks", trust_env=False).json()["deliveries"]
        return [each for each in told if (each["service"], each["kind"]) == ("unthread", "url_verification")]

    until(lambda: asked() and asked()[-1]["delivered"])
    assert taken() == [], "A question is no event."


def test_a_delivery_that_comes_again_is_acknowledged_and_makes_no_second_case(night: Night) -> None:
    for _ in range(3):
        assert signed.github(night.gateway, "issue_comment", "the-same", comment()).status_code == 202
    assert signed.github(night.gateway, "issue_comment", "another-of-the-same", comment()).status_code == 202
    assert taken() == ["another-of-the-same", "the-same"]
    assert opened(CLEARING) == [subject()]


def test_what_was_acknowledged_stands_although_the_gateway_is_killed_the_moment_after(night: Night) -> None:
    answer = signed.github(night.gateway, "issue_comment", "just-in-time", comment())
    night.kill()
    assert answer.status_code == 202
    assert (taken(), opened(CLEARING)) == (["just-in-time"], [subject()])
    night.start()


def test_the_first_webhook_is_taken_soon_after_the_start(night: Night) -> None:
    night.kill()
    began = time.monotonic()
    night.begin()
    until(lambda: _first(night), 30)
    took = time.monotonic() - began
    assert took < within(4), f"{took:.1f} s"  # one, on a machine that does nothing else
    until(lambda: opened(CLEARING) == [subject()])  # it had to wait for the procedures, and was not forgotten


def _first(night: Night) -> bool:
    try:
        return signed.github(night.gateway, "issue_comment", "first", comment()).status_code == 202
    except httpx.TransportError:
        return False


def test_every_webhook_stands_on_the_openapi_page(night: Night) -> None:
    assert httpx.get(f"{night.gateway}/docs", trust_env=False).status_code == 200
    described = httpx.get(f"{night.gateway}/openapi.json", trust_env=False).json()["paths"]
    for webhook in WEBHOOKS:
        told = described[webhook.path]["post"]
        assert told["summary"] == webhook.summary
        assert {"400", "401", "413", "415"} <= set(told["responses"])


# -- killed


def test_kills_under_load_lose_nothing_and_double_nothing(night: Night) -> None:
    """A sender sends again what was not acknowledged, and a fifth of what was."""
    messages = earlier(BUSY * 3)
    night.forget(*messages)
    wanted = [*map(slack_event, messages), *(github_event(number) for number in range(1, COMMENTS + 1))]
    dice = random.Random(10)
    dice.shuffle(wanted)
    share = -(-len(wanted) // KILLS)
    unanswered: list[load.Event] = []
    acknowledged: dict[str, load.Event] = {}
    cut_off = 0
    for number in range(KILLS):
        fresh = wanted[number * share : (number + 1) * share]
        again = dice.sample(list(acknowledged.values()), int(len(acknowledged) * AGAIN))
        batch = [*unanswered, *fresh, *again]
        dice.shuffle(batch)
        sent = asyncio.run(_killed_under(night, batch))
        acknowledged |= {event.ts: event for event, each in zip(batch, sent, strict=True) if 200 <= each.status < 300}
        unanswered = [event for event in wanted[: (number + 1) * share] if event.ts not in acknowledged]
        cut_off += len(unanswered)
        assert set(acknowledged) <= set(taken())
        night.begin()
        until(lambda: _is_up(night), 30)
    assert cut_off > 0, "The gateway was never killed at work: the test proved nothing."
    last = asyncio.run(load.evenly(night.port, [*unanswered, *dice.sample(wanted, len(wanted) // 5)], 200))
    assert {each.status for each in last} <= {200, 202}
    # Slack tells of our own replies too, which are taken in and ignored.
    assert [id for id in taken() if id in {event.ts for event in wanted}] == sorted(event.ts for event in wanted)
    until(lambda: len(opened(CLEARING)) + len(opened(NOTICE)) == len(wanted), 30)
    assert opened(CLEARING) == sorted(subject(number) for number in range(1, COMMENTS + 1))
    until(lambda: len(night.replies()) >= len(messages), 40)
    until(lambda: not [row for row in cases.of(NOTICE, opened(NOTICE)).values() if row.state == cases.State.OPEN], 30)
    assert Counter(each["thread_ts"] for each in night.replies()) == Counter(each["ts"] for each in messages)


async def _killed_under(night: Night, batch: list[load.Event]) -> list[load.Sent]:
    sending = asyncio.create_task(load.evenly(night.port, batch, 200, connections=16))
    await asyncio.sleep(len(batch) / 200 * 0.7)
    night.kill()
    return await sending


def _is_up(night: Night) -> bool:
    try:
        return httpx.get(f"{night.gateway}/health", timeout=1, trust_env=False).is_success
    except httpx.TransportError:
        return False


def slack_event(message: Mapping[str, str]) -> load.Event:
    id = f"Ev{message['ts'].replace('.', '')}"
    event = {"type": "message", "team": "T0CUSTOMER", "channel": CHANNEL, **message}
    body = signed.json_body({"type": "event_callback", "event_id": id, "event": event})
    return load.Event(id, signed.raw("/slack/events", body, signed.slack_headers(body)))


def github_event(number: int) -> load.Event:
    id = f"comment-{number}"
    body = signed.json_body(comment(number))
    return load.Event(id, signed.raw("/github", body, signed.github_headers(body, "issue_comment", id)))
