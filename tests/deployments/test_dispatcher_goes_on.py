"""The dispatcher goes on: neither a database that is away nor a row that can't be read ends its work."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from deployments.deliveries import Delivery
from deployments.dispatcher import Dispatcher
from deployments.inbox import inbox, receive
from policies.events import SlackMessage
from tasks import cases, clock, database, deadlines
from tests.conftest import ROOT, WITHOUT_PREFECT, create_tables, environment, free_port, within

START, NOTICE = "start-emergency-request", "answer-out-of-hours-message"
OLD = '{"kind": "WhatAnEarlierVersionKnew"}'
MESSAGE = SlackMessage("C0SANDBOX01", "1795921200.000100", "U0CUSTOMER1", "T0CUSTOMER")


@pytest.fixture
def url(tmp_path: Path, use_settings: Callable[[Mapping[str, str]], None]) -> str:
    """A database that holds nothing yet, and no service that answers."""
    found = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    use_settings(environment("http://127.0.0.1:9", found))
    return found


def dispatch(until: Callable[[], Any], after: float = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Lets a dispatcher work until something is so. It must not end by itself."""

    async def work() -> None:
        group = database.GroupCommit()
        working = asyncio.create_task(Dispatcher(group).work())
        try:
            await asyncio.sleep(after)
            meanwhile()
            async with asyncio.timeout(within(10)):
                while not until() and not working.done():
                    await asyncio.sleep(0.05)
            assert not working.done(), working
        finally:
            working.cancel()
            await asyncio.wait([working])
            await group.close()

    asyncio.run(work())


def states() -> dict[str, str]:
    """Gives what became of each delivery."""
    with database.reading() as connection:
        return {row.id: row.state for row in connection.execute(select(inbox))}


def came(id: str, facts: str | None = None) -> None:
    """Has a delivery wait for what is decided about it."""
    receive(Delivery("slack", id, MESSAGE, "message"), None)
    if facts:
        with database.engine().begin() as connection:
            connection.execute(inbox.update().where(inbox.c.id == id).values(facts=facts))


def test_a_database_that_is_away_is_told_once_and_what_comes_after_it_is_done(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def comes_back() -> None:
        create_tables(url)
        came("Ev1")

    with caplog.at_level(logging.WARNING):
        dispatch(lambda: states()["Ev1"] != "waiting", after=1.2, meanwhile=comes_back)
    told = [record.getMessage() for record in caplog.records if record.name == "deployments.dispatcher"]
    assert len(told) == len(set(told))
    assert told


def test_a_delivery_that_can_not_be_read_is_ignored_with_the_reason_and_holds_up_nothing(url: str) -> None:
    create_tables(url)
    came("EvOld", OLD)
    came("EvNew")
    deadlines.set_for(START, "C0SANDBOX01/1795921200.000100/P0/1", clock.now())
    dispatch(lambda: "waiting" not in states().values() and not deadlines.due(clock.now()))
    with database.reading() as connection:
        (old,) = connection.execute(select(inbox).filter_by(id="EvOld"))
    assert (old.state, "can't be read" in old.reason) == ("ignored", True)


def test_an_urgent_case_that_can_not_be_read_or_is_not_known_is_refused_with_the_reason(url: str) -> None:
    create_tables(url)
    wanted = {(NOTICE, "C0SANDBOX01/1.2"): OLD, ("what-there-was-once", "its-subject"): ""}
    for (procedure, subject), facts in wanted.items():
        cases.open_case(procedure, subject, "a test", facts, True)

    def found() -> list[Any]:
        return [row for procedure, subject in wanted for row in cases.of(procedure, [subject]).values()]

    dispatch(lambda: all(row.state != "open" for row in found()))
    assert {row.state for row in found()} == {"refused"}


def test_a_gateway_whose_dispatcher_has_ended_ends_so_that_the_supervisor_starts_another(url: str) -> None:
    create_tables(url)
    ended = subprocess.run(
        [sys.executable, "-m", "deployments.gateway", "--port", str(free_port())],
        cwd=ROOT,
        env={**os.environ, **WITHOUT_PREFECT, "PREFECT_API_SSL_CERT_FILE": "/nowhere.pem"},
        capture_output=True,
        text=True,
        timeout=within(20),
        check=False,
    )
    assert ended.returncode == 1
    assert "The dispatcher has ended" in ended.stderr
    assert "FileNotFoundError" in ended.stderr
