"""The sandbox and the ledger that tests work with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from dotenv import dotenv_values

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from tests.deployments.installation import Installation

ROOT = Path(__file__).parent.parent
FULL = bool(os.environ.get("FULL_SWEEP"))  # every fault at every call, each kill and each start: an hour and more
# For what runs without Prefect: nobody is there, and that is known at once. Prefect reads it when it is imported.
WITHOUT_PREFECT = {
    "PREFECT_API_URL": "http://127.0.0.1:9/api",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "0",
}
os.environ.update(WITHOUT_PREFECT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the fault sweep between the other files, or some processes are at it alone when the rest is done."""
    long = [item for item in items if item.path.name == "test_scenarios.py"]
    others = [list(group) for path, group in groupby(items, _path) if path.name != "test_scenarios.py"]
    share = -(-len(long) // max(1, len(others)))
    spread = [[*file, *long[number * share : (number + 1) * share]] for number, file in enumerate(others)]
    items[:] = [item for part in spread for item in part] if others else long


def _path(item: pytest.Item) -> Path:
    return item.path


def own_environment() -> dict[str, str]:
    """Gives this process's environment without that, for processes that have a Prefect of their own."""
    return {name: value for name, value in os.environ.items() if name not in WITHOUT_PREFECT}


QUICK = {
    "HANDBOOK_CONNECT_TIMEOUT": "0.3",
    "HANDBOOK_READ_TIMEOUT": "0.5",
    "HANDBOOK_LOOK_AGAIN_AFTER": "[0, 0.05]",
    "HANDBOOK_PATIENCE": "6",
}


def free_port() -> int:
    """Gives a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def within(seconds: float) -> float:
    """Gives how long something may take here that may take so long where a core is free: more on a busy machine."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """Waits until something is there, or true, and gives it."""
    give_up = time.monotonic() + within(seconds)
    while not (there := found()):
        assert time.monotonic() < give_up, f"It did not come within {within(seconds):.0f} s."
        time.sleep(0.02)
    return there


class Sandbox:
    """The sandbox in a process of its own, through its control API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self, *seeds: Mapping[str, Any]) -> None:
        """Forgets everything, then loads the empty seed and these."""
        self._call("POST", "/reset", {"seed": "empty"})
        for seed in seeds:
            self._call("POST", "/seed", seed)

    def effects(self) -> list[dict[str, Any]]:
        return self._call("GET", "/effects")

    def calls(self) -> list[dict[str, Any]]:
        return self._call("GET", "/calls")

    def state(self) -> dict[str, Any]:
        return self._call("GET", "/state")

    def fault(self, **fault: Any) -> None:
        self._call("POST", "/faults", fault)

    def faults_struck(self) -> int:
        return sum(fault["struck"] for fault in self._call("GET", "/faults"))

    def no_more_faults(self) -> None:
        self._call("DELETE", "/faults")

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock."""
        self._call("POST", "/clock/advance", {"seconds": seconds})

    def set_clock(self, now: str) -> None:
        """Sets the sandbox's clock, which goes on from there."""
        self._call("PUT", "/clock", {"now": now})

    def latency(self, **services: Sequence[float]) -> None:
        self._call("PUT", "/latency", services)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=30)
        assert answer.ok, f"The sandbox refused {method} {path}: {answer.text}"
        return answer.json()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The sandbox, one a test process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", str(port), "--seed", "empty"], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/_sandbox/health", process)
        yield Sandbox(url)
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "The sandbox has ended at its start. Run `python -m sandbox` to see why."
        try:
            requests.get(url, timeout=1).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(f"The sandbox does not answer at {url}.")


def environment(sandbox_url: str, database_url: str, now: str = "") -> dict[str, str]:
    """Gives the settings of a start against the sandbox, with short time-outs."""
    sample = {name: value for name, value in dotenv_values(ROOT / ".env.demo").items() if value is not None}
    return (
        sample
        | QUICK
        | {
            "HANDBOOK_SANDBOX_URL": sandbox_url,
            "HANDBOOK_DATABASE_URL": database_url,
            "HANDBOOK_FIXED_TIME": now,
        }
    )


def postgres_url() -> str:
    """Gives the PostgreSQL to test with, from the environment or this machine's own; "" when none answers."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    url = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
    try:
        create_engine(url, connect_args={"connect_timeout": 2}).connect().close()
    except OperationalError:
        return ""
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty ledger on each kind of database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        create_tables(url)
        yield url
    else:
        yield from _postgres_schema()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty ledger on SQLite, for tests that aren't about the database."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    create_tables(url)
    return url


def _postgres_schema() -> Iterator[str]:
    from sqlalchemy import create_engine, text

    server = postgres_url()
    if not server:
        pytest.skip("No PostgreSQL answers. Start one and name it in TEST_POSTGRES_URL to run this.")
    schema = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = f"{server}?options=-csearch_path%3D{schema}"
    try:
        create_tables(url)
        yield url
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


def all_tables() -> MetaData:
    """Gives the tables of every module that has some, whichever of them a test has imported."""
    from deployments import inbox, runs_continued
    from tasks import cases, database, deadlines, decisions, remembered

    tables = len(database.metadata.tables)
    assert tables >= 9, [inbox, runs_continued, cases, deadlines, decisions, remembered]  # importing them names tables
    return database.metadata


def create_tables(url: str) -> None:
    from tasks import database

    engine = database.connect(url)
    all_tables().create_all(engine)
    engine.dispose()


@pytest.fixture
def use_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """Lets a test set variables; whatever was read from others is forgotten."""
    from settings import handbook, settings
    from tasks import database, salesforce

    def forget() -> None:
        handbook.cache_clear()
        salesforce.login.cache_clear()
        if database.engine.cache_info().currsize:
            database.engine().dispose()
        database.engine.cache_clear()
        settings.cache_clear()

    def use(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget()

    yield use
    forget()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The whole product on a sandbox, started once; tests that use it are marked `whole`."""
    from tests.deployments.installation import Installation

    made = Installation(tmp_path_factory.mktemp("installation"))
    try:
        made.wait_until_up()
        yield made
    finally:
        made.stop()


@pytest.fixture
def fresh(installation: Installation, use_settings: Callable[[Mapping[str, str]], None]) -> Installation:
    """The installation with an empty ledger; each test resets the sandbox with its own seed."""
    from sqlalchemy import delete

    from tasks import database

    use_settings(environment(installation.sandbox.url, installation.database_url()))
    installation.forget()
    with database.engine().begin() as connection:
        for table in all_tables().sorted_tables:
            connection.execute(delete(table))
    return installation
