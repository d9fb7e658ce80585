"""The dispatcher hands over to a real Prefect server: together under load, each once, whatever happens to it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.dispatcher import AT_WORK, Dispatcher
from tasks import cases, database
from tests.conftest import within
from tests.deployments.prefect_server import Prefect

CLEARING, TRIAGE, PROMOTING = "clear-waiting-labels", "triage-support-request", "promote-prospect"
FILING, RESPOND = "file-customer-bug-report", "respond-to-job-application"


@pytest.fixture(autouse=True, scope="module")
def _deployed(server: Prefect) -> None:
    for name in (CLEARING, PROMOTING):
        server.deploy(name)


def opened(procedure: str, *numbers: int) -> list[str]:
    """Opens cases, as an event each does."""
    subjects = [f"fleetdm/fleet#41001/{number}" for number in numbers]
    for subject in subjects:
        cases.open_case(procedure, subject, "a test", "", False)
    return subjects


def dispatch(until: Callable[[], Any], seconds: float = 60, meanwhile: Callable[[], None] | None = None) -> None:
    """Lets a gateway's dispatcher work until something is so."""

    async def work() -> None:
        group = database.GroupCommit()
        working = asyncio.create_task(Dispatcher(group).work())
        try:
            if meanwhile:
                await asyncio.to_thread(meanwhile)
            async with asyncio.timeout(within(seconds)):
                while not await asyncio.to_thread(until):
                    await asyncio.sleep(0.1)
        finally:
            working.cancel()
            await asyncio.wait([working])
            await group.close()

    asyncio.run(work())


def comments(prefect: Prefect) -> list[list[str]]:
    """Gives what each run of the waiting labels was given, the most first."""
    given = [run["parameters"].get("comments", []) for run in prefect.others(than=())]
    return sorted((each for each in given if each), key=len, reverse=True)


def everything_is_handed_over() -> bool:
    return not cases.without_run() and not cases.batches_without_run()


def test_many_events_become_runs_of_a_hundred_and_each_is_in_one(prefect: Prefect) -> None:
    subjects = opened(CLEARING, *range(250))
    dispatch(everything_is_handed_over)
    given = comments(prefect)
    assert [len(each) for each in given] == [100, 100, 50]
    assert sorted(subject for each in given for subject in each) == sorted(subjects)


def test_a_case_for_which_no_run_can_be_made_goes_to_a_person_and_holds_up_nobody(prefect: Prefect) -> None:
    strange = f"customer-juno/{'0' * 16}/41100/U0SANDBOX09/1790000001.000100"
    cases.open_case(FILING, strange, "a test", "", False)
    subjects = opened(CLEARING, 1)
    dispatch(lambda: everything_is_handed_over() and comments(prefect))
    assert comments(prefect) == [subjects]
    found = cases.of(FILING, [strange])[strange]
    assert found.state == cases.State.PARKED
    assert "is not known here. Fill in the form again." in str(found.reason)


def test_cases_of_a_procedure_that_is_no_more_go_to_a_person_and_hold_up_nobody(prefect: Prefect) -> None:
    gone = opened("a-procedure-of-before", 1, 2)
    subjects = opened(CLEARING, 1)
    dispatch(lambda: everything_is_handed_over() and comments(prefect))
    assert comments(prefect) == [subjects]
    found = cases.of("a-procedure-of-before", gone).values()
    assert {(row.state, "any more" in row.reason) for row in found} == {(cases.State.PARKED, True)}


def test_what_comes_while_prefect_is_busy_waits_and_goes_together(prefect: Prefect) -> None:
    opened(CLEARING, *range(100 * AT_WORK + 1))
    dispatch(lambda: len(comments(prefect)) == AT_WORK)
    more = opened(CLEARING, *range(1000, 1020))
    dispatch(lambda: len(comments(prefect)) > AT_WORK, meanwhile=lambda: settle(comments(prefect)[0]))
    assert len(comments(prefect)) == AT_WORK + 1
    assert set(more) < set(comments(prefect)[-1])
    assert len(comments(prefect)[-1]) == 21


def settle(subjects: list[str]) -> None:
    """Ends a run's work, while the dispatcher looks on for some rounds."""
    time.sleep(3)
    for subject in subjects:
        cases.settle(CLEARING, subject, cases.State.DONE, None)


def test_an_event_of_a_procedure_that_takes_one_at_a_time_is_a_run_each(prefect: Prefect) -> None:
    for number in range(3):
        cases.open_case(PROMOTING, f"001Ux000000000{number}IAA", "a test", "", False)
    dispatch(everything_is_handed_over)
    given = [run["parameters"].get("account") for run in prefect.others(than=())]
    assert sorted(given) == [f"001Ux000000000{number}IAA" for number in range(3)]


def test_a_procedure_that_prefect_does_not_know_holds_up_no_other(prefect: Prefect) -> None:
    opened(TRIAGE, 1)
    subjects = opened(CLEARING, 2)
    dispatch(lambda: comments(prefect))
    assert comments(prefect) == [subjects]
    assert [subjects for _, subjects in cases.batches_without_run().values()] == [["fleetdm/fleet#41001/1"]]


def test_a_procedure_whose_form_prefect_knows_as_it_was_holds_up_no_other(prefect: Prefect) -> None:
    older = {"type": "object", "properties": {"tickets": {"type": "array"}}, "required": ["tickets"]}
    prefect.deploy(RESPOND, older)
    cases.open_case(RESPOND, "conv-0001", "a test", "", False)
    subjects = opened(CLEARING, 2)
    dispatch(lambda: comments(prefect))
    assert comments(prefect) == [subjects]
    assert [subjects for _, subjects in cases.batches_without_run().values()] == [["conv-0001"]]


def test_of_a_run_that_failed_only_the_event_that_was_not_settled_is_handed_over_anew(prefect: Prefect) -> None:
    good, bad = opened(CLEARING, 1, 2)
    dispatch(everything_is_handed_over)
    cases.settle(CLEARING, good, cases.State.DONE, None)
    cases.settle(CLEARING, bad, cases.State.OPEN, "GitHub gave no answer.")
    cases.take_back(CLEARING, [good, bad])
    dispatch(everything_is_handed_over)
    assert comments(prefect) == [[good, bad], [bad]]


def test_a_server_that_was_frozen_gets_one_run_once_it_wakes(prefect: Prefect) -> None:
    server = prefect.process()

    def freeze() -> None:
        server.send_signal(signal.SIGSTOP)
        opened(CLEARING, 1)
        time.sleep(20)  # longer than a call waits for its answer: it is asked for again
        server.send_signal(signal.SIGCONT)

    dispatch(everything_is_handed_over, meanwhile=freeze)
    time.sleep(2)  # what was asked for into the freeze is answered too
    assert comments(prefect) == [["fleetdm/fleet#41001/1"]]


def test_while_prefects_database_is_busy_the_dispatcher_asks_again_every_few_seconds(prefect: Prefect) -> None:
    """Prefect's own client would ask after 2, 4, 8, 16 and 32 seconds: a run that could be made would wait a minute."""
    with busy(prefect, times=5) as url, temporary_settings({PREFECT_API_URL: url}):
        opened(CLEARING, 1)
        dispatch(everything_is_handed_over, 45)
    assert comments(prefect) == [["fleetdm/fleet#41001/1"]]


@contextmanager
def busy(prefect: Prefect, times: int) -> Generator[str]:
    """Stands before the server and answers 503 to the first attempts to make a run, as if SQLite were locked."""
    left = iter(range(times))

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path.endswith("/create_flow_run") and next(left, None) is not None:
                self._answer(503, b"{}")
            else:
                given = httpx.request(
                    self.command,
                    f"{prefect.url}{self.path}",
                    content=body,
                    headers={"Content-Type": "application/json"},
                    timeout=30,
                    trust_env=False,
                )
                self._answer(given.status_code, given.content)

        do_GET = do_POST  # noqa: N815

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            return

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    Thread(target=door.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{door.server_address[1]}/api"
    finally:
        door.shutdown()
