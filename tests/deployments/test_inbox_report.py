"""`make inbox`: what came in, what became of it, and why."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from deployments import inbox
from deployments.deliveries import Delivery
from deployments.gateway import Gateway
from deployments.inbox import Opening, Verdict
from tasks import cases
from tests.conftest import ROOT, environment

OPEN_HOURS = "It was posted in business hours."


@pytest.fixture
def run(sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Callable[..., str]:
    variables = environment("http://127.0.0.1:9", sqlite_url)
    use_settings(variables)

    def command(*arguments: str, columns: int = 100) -> str:
        said = subprocess.run(
            [sys.executable, "-m", "deployments.inbox_report", *arguments],
            cwd=ROOT,
            env={**os.environ, **variables, "COLUMNS": str(columns)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        return said.stdout

    return command


def ignore(id: str, *reasons: str) -> None:
    inbox.receive(Delivery("slack", id, None, "message"), Verdict(reasons=reasons))


def test_an_empty_inbox_says_so(run: Callable[..., str]) -> None:
    assert "Nothing has come in since" in run()
    assert "Nothing has been ignored since" in run("--ignored")
    assert "Every case is settled." in run("--open")


def test_an_address_that_a_person_has_to_open_stands_there_in_one_piece(run: Callable[..., str]) -> None:
    address = f"https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token={'2-3' * 60}"
    told = Delivery("sns", "m-1", None, "SubscriptionConfirmation", f"To confirm the subscription, open {address}")
    asyncio.run(taken(told))
    assert address in run(columns=80)
    assert address in run("--ignored", columns=80)


async def taken(delivery: Delivery) -> None:
    """Has the gateway take it in when it has just been started."""
    gateway = Gateway()
    await gateway.take(delivery)
    await gateway.group.close()


def test_deliveries_are_counted_by_what_became_of_them_and_why(run: Callable[..., str]) -> None:
    for id in ("Ev1", "Ev2", "Ev2"):
        ignore(id, OPEN_HOURS)
    opening = Opening("triage-support-request", "fleetdm/confidential#12", False)
    inbox.receive(Delivery("github", "d-1", None, "issues.opened"), Verdict([opening]))
    lines = run().splitlines()
    assert lines[0].startswith("3 deliveries since")
    assert lines[2].split() == ["Number", "From", "What", "State", "Reason"]
    assert [line.split(maxsplit=4) for line in lines[3:]] == [
        ["2", "slack", "message", "ignored", OPEN_HOURS],
        ["1", "github", "issues.opened", "taken"],
    ]


def test_a_long_reason_goes_on_below_its_column(run: Callable[..., str]) -> None:
    ignore("Ev1", *(12 * [OPEN_HOURS]))
    lines = run(columns=80).splitlines()
    assert max(map(len, lines)) <= 80
    begin = lines[2].index("Reason")
    assert all(line[:begin].strip() == "" for line in lines[4:])


def test_nothing_older_than_asked_for_is_listed(run: Callable[..., str]) -> None:
    ignore("Ev1", OPEN_HOURS)
    assert "Nothing has come in" in run("--hours", "0")


def test_single_events_that_were_ignored_are_listed_with_their_reasons(run: Callable[..., str]) -> None:
    ignore("Ev1", OPEN_HOURS)
    ignore("Ev2", "An app wrote it.\x1b[2J")
    said = run("--ignored")
    assert "Ev1" in said
    assert OPEN_HOURS in said
    assert "\x1b" not in said, "A terminal would obey it."


def test_cases_that_are_open_wait_for_a_person_or_were_refused_lately_are_listed(run: Callable[..., str]) -> None:
    for subject in ("conv-1", "conv-2", "conv-3", "conv-4"):
        cases.open_case("respond-to-job-application", subject, "unthread e-1", "", False)
    cases.settle("respond-to-job-application", "conv-2", cases.State.PARKED, "Its answer never came.")
    cases.settle("respond-to-job-application", "conv-3", cases.State.DONE, None)
    cases.settle("respond-to-job-application", "conv-4", cases.State.REFUSED, "There is no such person.")
    said = run("--open")
    assert "conv-4" in said
    assert "There is no such person." in said
    assert "conv-4" not in run("--open", "--hours", "0")
    assert "conv-1" in said
    assert "Its answer never came." in said
    assert "conv-3" not in said
