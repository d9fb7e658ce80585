"""Deliveries that GitHub could not hand over: asked for again with pauses, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import update

from deployments import missed
from policies import sweeping as policy
from policies.report import Report
from tasks import clock, database, github, ledger, remembered, runs
from tests.conftest import Sandbox, environment, within
from tests.sandbox.gateway import Gateway

AUTHOR = "outside-reporter"
SEED: dict[str, Any] = {
    "github": {
        "users": [{"login": AUTHOR}],
        "issues": [{"repository": "fleetdm/fleet", "number": 7, "title": "Hosts go missing", "user": AUTHOR}],
    }
}


class Comments:
    """Comments from outside, the webhooks that tell of them, and a gateway that takes them or not."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.gateway = sandbox, Gateway()
        sandbox.reset(SEED)
        self.network(gateway=self.gateway.url)

    def network(self, **said: Any) -> None:
        requests.put(f"{self.sandbox.url}/_sandbox/webhooks", json=said, timeout=10).raise_for_status()

    def write(self, answered: int) -> str:
        """Has somebody comment while the gateway answers so. Gives the delivery's guid."""
        self.gateway.status = answered
        said = {"user": AUTHOR, "repository": "fleetdm/fleet", "number": 7, "body": "It is 4.77.0."}
        answer = requests.post(f"{self.sandbox.url}/github/_person/comment", json=said, timeout=20)
        assert answer.json()["status"] == answered
        return self.gateway.got[-1].headers["x-github-delivery"]

    def asked_for(self) -> list[str]:
        """Gives the guids that were asked for again, once their deliveries have come."""
        asked = [each["target"].split()[1] for each in self.sandbox.effects() if each["action"] == "redeliver webhook"]
        give_up = time.monotonic() + within(10)
        while len(self._tried()) < len(self.written()) + len(asked):
            assert time.monotonic() < give_up, "A delivery that was asked for did not come."
            time.sleep(0.01)
        return asked

    def written(self) -> set[str]:
        return {each.headers["x-github-delivery"] for each in self.gateway.got}

    def _tried(self) -> list[Any]:
        told = requests.get(f"{self.sandbox.url}/_sandbox/webhooks", timeout=10).json()["deliveries"]
        return [attempt for each in told for attempt in each["attempts"]]


@pytest.fixture
def comments(
    sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> Iterator[Comments]:
    use_settings(environment(sandbox.url, sqlite_url))
    made = Comments(sandbox)
    yield made
    made.network()
    made.gateway.server.shutdown()


def look() -> dict[str, Report]:
    with runs.acting(runs.Run("sweeper", "sweeper", "sweeper", clock.wall())):
        return missed.ask_again(github.fleet)


def time_passes(by: timedelta) -> None:
    """Has all that was asked for so far be older."""
    with database.engine().begin() as connection:
        for row in ledger.rows():
            older = update(ledger.effects).where(ledger.effects.c.key == row.key)
            connection.execute(older.values(updated_at=row.updated_at - by))


def test_a_delivery_that_failed_is_asked_for_once_and_arrives(comments: Comments) -> None:
    lost = comments.write(answered=503)
    comments.write(answered=202)
    assert look() == {}
    assert comments.asked_for() == [lost]
    time_passes(timedelta(days=1))
    assert look() == {}
    assert comments.asked_for() == [lost]


def test_a_delivery_that_arrived_on_a_later_attempt_is_not_asked_for(comments: Comments) -> None:
    lost = comments.write(answered=503)
    comments.gateway.status = 202
    (failed,) = github.fleet.failed_deliveries(clock.now() - timedelta(hours=1))
    with runs.acting(runs.Run("somebody", "somebody", "somebody", clock.wall())):
        github.fleet.ask_for_delivery_again(failed)
    assert comments.asked_for() == [lost]
    look()
    assert comments.asked_for() == [lost]


@pytest.mark.parametrize("kind", ["500_after", "reset_after", "malformed"])
def test_a_delivery_is_asked_for_once_although_githubs_answer_to_that_is_lost(comments: Comments, kind: str) -> None:
    lost = comments.write(answered=503)
    comments.gateway.status = 202
    comments.sandbox.fault(kind=kind, service="github", method="POST", path="/attempts")
    look()
    time_passes(timedelta(days=1))
    look()
    assert comments.sandbox.faults_struck() == 1
    assert comments.asked_for() == [lost]


def test_a_delivery_that_fails_each_time_is_asked_for_five_times_with_growing_pauses_and_then_told(
    comments: Comments,
) -> None:
    lost = comments.write(answered=401)
    for times in range(policy.MOST_TIMES):
        if times:
            look()
            assert len(comments.asked_for()) == times, "There is a pause first."
            time_passes(policy.FIRST_PAUSE * policy.LONGER**times)
        assert look() == {}
        assert len(comments.asked_for()) == times + 1
    time_passes(timedelta(days=1))
    told = look()
    assert comments.asked_for() == [lost] * policy.MOST_TIMES
    assert list(told) == [f"delivery/{lost}"]
    assert "the last answer was 401" in told[f"delivery/{lost}"].sentences[0]


def test_after_a_longer_absence_older_deliveries_are_asked_for_too(comments: Comments) -> None:
    now = clock.wall()
    comments.sandbox.set_clock((now - timedelta(hours=40)).isoformat())
    lost = comments.write(answered=503)
    comments.sandbox.set_clock(now.isoformat())
    look()
    assert comments.asked_for() == [], "A day back is enough as long as we look all the time."
    remembered.keep(f"deliveries of {github.fleet.full_name}", (now - timedelta(hours=48)).isoformat())
    look()
    assert comments.asked_for() == [lost]


def test_many_are_asked_for_some_at_a_time(comments: Comments) -> None:
    lost = {comments.write(answered=503) for _ in range(25)}
    comments.gateway.status = 202
    asked: list[int] = []
    for _ in range(3):
        look()
        asked.append(len(comments.asked_for()))
    assert asked == [10, 20, 25]
    assert set(comments.asked_for()) == lost


def test_a_token_that_may_not_see_webhooks_finds_nothing_to_ask_for(comments: Comments) -> None:
    comments.write(answered=503)
    stranger = {"login": "fleet-handbook-flows[bot]", "repositories": ["fleetdm/fleet"]}
    seed = {"github": {"tokens": {"sandbox-github-public": stranger}}}
    requests.post(f"{comments.sandbox.url}/_sandbox/seed", json=seed, timeout=10).raise_for_status()
    assert look() == {}
    assert comments.asked_for() == []
