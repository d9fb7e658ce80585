"""Deliveries that GitHub could not hand over: asked for again with pauses, and not for ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import update

from deployments import missed
from policies import sweeping as policy
from policies.report import Report
from settings import settings
from tasks import clock, database, github, ledger, remembered, runs
from tests.conftest import environment

GUID = "0b989ba4-242f-11e5-81e1-c7b6966d2516"


class Hooks:
    """GitHub's pages about one webhook of ours, as its documentation shows them.

    https://docs.github.com/rest/repos/webhooks
    """

    def __init__(self) -> None:
        self.deliveries: list[dict[str, Any]] = []
        self.asked_for: list[int] = []
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path.endswith("/hooks"):
                    self.say(200, [{"id": 7, "config": {"url": "https://hooks.example.com/github"}}])
                elif path.endswith("/hooks/7/deliveries"):
                    self.say(200, sorted(hooks.deliveries, key=lambda each: each["id"], reverse=True))
                else:
                    self.say(404, {"message": "Not Found"})

            def do_POST(self) -> None:
                hooks.asked_for.append(int(self.path.split("/")[-2]))
                self.say(202, {})

            def say(self, status: int, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def attempt(self, id: int, status: int, guid: str = GUID, hours_ago: float = 0) -> None:
        """Notes an attempt at a delivery."""
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        said = {"id": id, "guid": guid, "status_code": status, "delivered_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        self.deliveries.append(said)


@pytest.fixture
def hooks(sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Iterator[Hooks]:
    made = Hooks()
    use_settings(environment(made.url, sqlite_url))
    assert settings().sandbox_url == made.url
    yield made
    made.server.shutdown()


def look() -> dict[str, Report]:
    with runs.acting(runs.Run("sweeper", "sweeper", "sweeper", clock.wall())):
        return missed.ask_again(github.confidential)


def time_passes(by: timedelta) -> None:
    """Has all that was asked for so far be older."""
    with database.engine().begin() as connection:
        for row in ledger.rows():
            older = update(ledger.effects).where(ledger.effects.c.key == row.key)
            connection.execute(older.values(updated_at=row.updated_at - by))


def test_a_delivery_that_failed_is_asked_for_once(hooks: Hooks) -> None:
    hooks.attempt(1, 503)
    hooks.attempt(2, 202, guid="another-that-arrived")
    assert look() == {}
    assert look() == {}
    assert hooks.asked_for == [1]


def test_a_delivery_that_arrived_on_a_later_attempt_is_not_asked_for(hooks: Hooks) -> None:
    hooks.attempt(1, 503)
    hooks.attempt(2, 202)
    look()
    assert hooks.asked_for == []


def test_a_delivery_that_fails_each_time_is_asked_for_five_times_with_growing_pauses_and_then_told(
    hooks: Hooks,
) -> None:
    for times in range(policy.MOST_TIMES):
        hooks.attempt(times + 1, 401)
        if times:
            look()
            assert len(hooks.asked_for) == times, "There is a pause first."
            time_passes(policy.FIRST_PAUSE * policy.LONGER**times)
        assert look() == {}
        assert len(hooks.asked_for) == times + 1
    hooks.attempt(6, 401)
    time_passes(timedelta(days=1))
    told = look()
    assert hooks.asked_for == [1, 2, 3, 4, 5]
    assert list(told) == [f"delivery/{GUID}"]
    assert "the last answer was 401" in told[f"delivery/{GUID}"].sentences[0]


def test_after_a_longer_absence_older_deliveries_are_asked_for_too(hooks: Hooks) -> None:
    hooks.attempt(1, 503, hours_ago=40)
    look()
    assert hooks.asked_for == [], "A day back is enough as long as we look all the time."
    last = clock.wall() - timedelta(hours=48)
    remembered.keep(f"deliveries of {github.confidential.full_name}", last.isoformat())
    look()
    assert hooks.asked_for == [1]


def test_many_are_asked_for_some_at_a_time(hooks: Hooks) -> None:
    for number in range(25):
        hooks.attempt(number, 503, guid=f"delivery-{number}")
    asked: list[int] = []
    for _ in range(3):
        look()
        asked.append(len(hooks.asked_for))
    assert asked == [10, 20, 25]
