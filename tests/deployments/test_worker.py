"""The warm worker: it starts runs at once, ends them when told to, and leaves no process behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import anyio
import psutil
import pytest

from deployments.wakeup import Rounds
from tests.conftest import within
from tests.deployments.workshop import POLL, Workshop, all_gone, is_alive

whole = pytest.mark.whole


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = Workshop(tmp_path_factory.mktemp("workshop"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def _shared() -> list[psutil.Process]:
    return []


@pytest.fixture
def worker(workshop: Workshop, _shared: list[psutil.Process]) -> psutil.Process:
    """The warm worker, started again when the test before has ended it."""
    if not _shared or not is_alive(_shared[0]):
        _shared[:] = [workshop.start_worker()]
    return _shared[0]


@pytest.fixture
def _no_warm_worker(_shared: list[psutil.Process]) -> None:
    for process in _shared:
        process.kill()
    psutil.wait_procs(_shared, timeout=5)


@whole
def test_a_run_starts_long_before_the_next_poll(workshop: Workshop, worker: psutil.Process) -> None:
    run = workshop.begin()
    assert run.began() < min(within(POLL / 5), POLL / 2)
    assert run.ended() == "COMPLETED"


@whole
def test_ten_runs_at_once_all_run(workshop: Workshop, worker: psutil.Process) -> None:
    runs = [workshop.begin() for _ in range(10)]
    assert {run.ended() for run in runs} == {"COMPLETED"}
    assert all(run.reached_its_end() for run in runs)


@whole
def test_a_crash_takes_one_run_and_shows_within_seconds(workshop: Workshop, worker: psutil.Process) -> None:
    crashing, other = workshop.begin(seconds=600), workshop.begin(seconds=1.5)
    other.began()
    crashing.process().kill()
    assert crashing.ended(5) == "CRASHED"
    assert other.ended() == "COMPLETED"


@whole
def test_cancelling_ends_a_run_and_what_it_has_started(workshop: Workshop, worker: psutil.Process) -> None:
    run, other = workshop.begin(seconds=600, with_child=True), workshop.begin(seconds=2)
    family = [run.process(), run.process("child")]
    other.began()
    run.cancel()
    assert run.ended(8) == "CANCELLED"
    assert all_gone(family, 1)
    assert other.ended() == "COMPLETED"


@whole
def test_runs_start_at_once_again_when_the_server_was_away(workshop: Workshop, worker: psutil.Process) -> None:
    under_way = workshop.begin(seconds=2)
    under_way.began()
    workshop.server().kill()
    workshop.start_server()
    later = workshop.begin()
    assert later.began() < POLL / 2
    assert later.ended() == "COMPLETED"
    assert under_way.ended() == "COMPLETED"
    assert worker.is_running()


@whole
def test_a_worker_told_to_stop_lets_short_runs_finish_and_ends_long_ones(
    workshop: Workshop, worker: psutil.Process
) -> None:
    short, long = workshop.begin(seconds=2), workshop.begin(seconds=600, with_child=True)
    short.began()
    long.process("child")
    family = [worker, *worker.children(recursive=True)]
    worker.send_signal(signal.SIGTERM)
    assert all_gone(family, 8)
    assert short.state() == "COMPLETED"
    assert long.state() == "CRASHED"
    assert not long.reached_its_end()


@whole
def test_a_worker_that_is_killed_leaves_no_process(workshop: Workshop, worker: psutil.Process) -> None:
    run = workshop.begin(seconds=600, with_child=True)
    run.process("child")
    family = worker.children(recursive=True)
    assert len(family) >= 4, "The fork server, a run, its child and those that are ready should be there."
    worker.kill()
    assert all_gone(family, 8)
    assert run.ended(1) == "CRASHED", "The run tells of its end itself."


@whole
@pytest.mark.usefixtures("_no_warm_worker")
def test_a_cold_worker_runs_the_same_deployment(workshop: Workshop) -> None:
    run = workshop.begin()
    worker = workshop.start_worker("-m", "prefect", "worker", "start", "--pool", "handbook", "--type", "process")
    assert run.ended() == "COMPLETED"
    assert run.reached_its_end()
    worker.terminate()


async def _rounds_for(seconds: float, rounds: Rounds) -> None:
    with anyio.move_on_after(seconds):
        await rounds.go_on()


def test_many_who_ask_during_a_round_get_one_more() -> None:
    made: list[str] = []

    async def work() -> None:
        made.append("round")
        if len(made) == 1:
            for _ in range(10):
                rounds.ask()
        await anyio.sleep(0)

    async def ask() -> None:
        rounds.ask()
        await _rounds_for(0.1, rounds)

    rounds = Rounds(work, seconds=60)
    anyio.run(ask)
    assert len(made) == 2


def test_rounds_go_on_unasked_and_after_a_failure() -> None:
    made: list[str] = []

    async def work() -> None:
        made.append("round")
        raise ConnectionError("The server is away.")

    rounds = Rounds(work, seconds=0.01)
    anyio.run(_rounds_for, 0.3, rounds)
    assert len(made) > 3


def test_a_round_that_takes_too_long_is_given_up() -> None:
    made: list[str] = []

    async def work() -> None:
        made.append("round")
        await anyio.sleep(60)

    anyio.run(_rounds_for, 0.3, Rounds(work, seconds=0.01, longest=0.02))
    assert len(made) > 3
