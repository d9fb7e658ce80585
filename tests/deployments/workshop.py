"""Prefect's server and a worker in a state directory of their own, behind a login and under a path."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments.processes import Processes
from tests.conftest import ROOT, free_port, own_environment, until
from tests.deployments.installation import FINAL

SERVER, WORKER = "Prefect server", "worker"
LOGIN = ("northwind", "not-a-real-password")
POLL = 30  # seconds; so long that a run which starts at once was not found by polling


class Workshop:
    """A server that stays, workers that come and go, and one deployment of tests/deployments/slow_flow.py."""

    def __init__(self, state: Path) -> None:
        self._state, self._port = state, free_port()
        self._processes = Processes(state / "logs", self._environment())
        url = f"http://127.0.0.1:{self._port}/ops/api"
        self.api = httpx.Client(base_url=url, auth=LOGIN, timeout=60, trust_env=False)
        self.start_server()
        flow = self.api.post("/flows/", json={"name": "wait"}).json()["id"]
        self.api.post("/work_pools/", json={"name": "handbook", "type": "process"}).raise_for_status()
        body = {
            "name": "wait",
            "flow_id": flow,
            "entrypoint": "tests.deployments.slow_flow.wait",
            "work_pool_name": "handbook",
            "enforce_parameter_schema": False,
            # What `prefect deploy` writes for the deployments of prefect.yaml.
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
        }
        self._deployment = self.api.post("/deployments/", json=body).json()["id"]
        self._count = 0

    def start_server(self) -> None:
        """Starts the server and waits until it answers."""
        port = str(self._port)
        self._processes.start(SERVER, "-m", "deployments.server", "--host", "127.0.0.1", "--port", port)
        self._processes.wait_for(SERVER, f"{self.api.base_url}health", 300)

    def start_worker(self, *arguments: str) -> psutil.Process:
        """Starts a worker, the warm one unless told otherwise, and waits until the server knows it."""
        before = self._heartbeat()
        self._processes.start(WORKER, *(arguments or ("-m", "deployments.worker")))
        until(lambda: self._heartbeat() != before)
        return psutil.Process(self._processes.pid(WORKER))

    def server(self) -> psutil.Process:
        """Gives the server's process."""
        return psutil.Process(self._processes.pid(SERVER))

    def begin(self, **parameters: Any) -> Run:
        """Creates a run, as the form in Prefect's UI does."""
        self._count += 1
        notes = self._state / f"notes-{self._count}.txt"
        body = {"parameters": {"notes": str(notes), **parameters}, "state": {"type": "SCHEDULED"}}
        made = self.api.post(f"/deployments/{self._deployment}/create_flow_run", json=body)
        assert made.status_code == 201, made.text
        return Run(self.api, made.json()["id"], notes)

    def stop(self) -> None:
        """Ends everything."""
        self._processes.stop()

    def said(self) -> str:
        """Gives what the worker has printed."""
        return (self._state / "logs" / f"{WORKER}.log").read_text(errors="replace")

    def _heartbeat(self) -> list[str]:
        workers = self.api.post("/work_pools/handbook/workers/filter", json={}).json()
        return sorted(each["last_heartbeat_time"] for each in workers)

    def _environment(self) -> dict[str, str]:
        login = ":".join(LOGIN)
        return own_environment() | {
            "PREFECT_HOME": str(self._state),
            "PREFECT_API_URL": f"http://127.0.0.1:{self._port}/ops/api",
            "PREFECT_API_AUTH_STRING": login,
            "PREFECT_SERVER_API_AUTH_STRING": login,
            "PREFECT_SERVER_API_BASE_PATH": "/ops/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": str(POLL),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1,localhost",
        }


class Run:
    """One flow run of the slow flow."""

    def __init__(self, api: httpx.Client, run: str, notes: Path) -> None:
        self._api, self._id, self._notes = api, run, notes
        self._created = time.time()

    def began(self, seconds: float = 30) -> float:
        """Waits for the first line of the flow. Gives the seconds from the run's creation to it."""
        until(lambda: bool(self._noted("began")), seconds)
        return float(self._noted("began")[2]) - self._created

    def process(self, which: str = "began") -> psutil.Process:
        """Gives the process of the run, or the `child` that it has started."""
        until(lambda: bool(self._noted(which)))
        return psutil.Process(int(self._noted(which)[1]))

    def ended(self, seconds: float = 30) -> str:
        """Waits for the end of the run. Gives its state."""
        until(lambda: self.state() in FINAL, seconds)
        return self.state()

    def state(self) -> str:
        """Gives the type of the run's state."""
        return self._api.get(f"/flow_runs/{self._id}").json()["state_type"]

    def cancel(self) -> None:
        """Cancels the run, as the button in Prefect's UI does."""
        body = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        self._api.post(f"/flow_runs/{self._id}/set_state", json=body).raise_for_status()

    def reached_its_end(self) -> bool:
        """Says whether the flow came to its last line."""
        return bool(self._noted("ended"))

    def _noted(self, word: str) -> list[str]:
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        return next((line.split() for line in lines if line.startswith(word)), list[str]())


def all_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Waits for the end of processes. Says whether all have ended; whether somebody has buried them is not asked."""
    until(lambda: not any(is_alive(process) for process in processes), seconds)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Says whether a process runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
