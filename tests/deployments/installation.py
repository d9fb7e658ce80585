"""The whole product as a newcomer starts it, in a process of its own, and Prefect's API to talk to it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from tasks.customer_channels import VARIABLE
from tests.conftest import ROOT, Sandbox, free_port, own_environment, within
from tests.scenario import Scenario

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Installation:
    """`python -m deployments.up --demo` on ports of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port, sandbox_port, gateway_port = free_port(), free_port(), free_port()
        self.gateway = f"http://127.0.0.1:{gateway_port}"
        self.sandbox = Sandbox(f"http://127.0.0.1:{sandbox_port}")
        self.output = state / "output.txt"
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api", timeout=60, trust_env=False)
        state.mkdir(parents=True, exist_ok=True)
        ports = ["--port", str(self.port), "--sandbox-port", str(sandbox_port), "--gateway-port", str(gateway_port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deployments.up", "--demo", "--state", str(state), *ports],
            cwd=ROOT,
            env={**own_environment(), "PYTHONUNBUFFERED": "1"},
            stdout=self.output.open("wb"),
            stderr=subprocess.STDOUT,
        )

    def wait_until_up(self, seconds: float = 400) -> float:
        """Waits for the demo's last line. Gives the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if "Ctrl-C stops everything" in self.said():
                took = time.monotonic() - began
                self._pause_schedules()
                return took
            assert self._process.poll() is None, f"The demo has ended:\n{self.said()}"
            time.sleep(0.1)
        raise AssertionError(f"The demo is not up after {seconds} s:\n{self.said()}")

    def _pause_schedules(self) -> None:
        """Keeps what the clock starts out of tests that judge by every effect."""
        for deployment in self.api.post("/deployments/filter", json={}).json():
            self.api.post(f"/deployments/{deployment['id']}/pause_deployment").raise_for_status()

    def forget(self) -> None:
        """Cancels the runs that an earlier test left unfinished, or the sweeper would go on with them; drops the list.

        They are not deleted: Prefect would try again and again to store what is still told of their tasks, and lock its
        database meanwhile.
        """
        left = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CRASHED", "CANCELLING"]}}}}
        for run in self.api.post("/flow_runs/filter", json=left).json():
            cancelled = {"state": {"type": "CANCELLED"}, "force": True}
            self.api.post(f"/flow_runs/{run['id']}/set_state", json=cancelled).raise_for_status()
        self.api.delete(f"/variables/name/{VARIABLE}")

    def said(self) -> str:
        """Gives what it has printed."""
        return self.output.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """Gives its process and all that came from it."""
        if not psutil.pid_exists(self._process.pid):
            return []
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def kill(self, *modules: str) -> None:
        """Ends modules' processes with all they have started, as kill -9 does; the supervisor starts them anew."""
        named = [each for each in self.family() if any(f"-m {module}" in " ".join(_words(each)) for module in modules)]
        victims = {child for each in named for child in [each, *each.children(recursive=True)]}
        for process in victims:
            process.kill()
        psutil.wait_procs(list(victims), timeout=5)
        assert len(named) >= len(modules), f"Of {modules} only {named} were there."

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stops it as Ctrl-C does. Gives the exit code."""
        self._process.send_signal(number)
        return self._process.wait(30)

    def play(self, scenario: Scenario, *more: Mapping[str, Any]) -> None:
        """Sets the sandbox to a scenario's world and time."""
        self.sandbox.reset(scenario.seed, *more)
        self.sandbox.set_clock(scenario.now)
        time.sleep(within(1.1))  # processes ask for the time once a second

    def begin(self, deployment: str, parameters: Mapping[str, Any]) -> str:
        """Starts a flow as the form in Prefect's UI does. Gives the run's id."""
        found = self.api.get(f"/deployments/name/{deployment}")
        found.raise_for_status()
        body = {"parameters": dict(parameters), "state": {"type": "SCHEDULED"}}
        made = self.api.post(f"/deployments/{found.json()['id']}/create_flow_run", json=body)
        assert made.status_code in {200, 201}, made.text
        return made.json()["id"]

    def end(self, run: str, seconds: float = 90) -> dict[str, Any]:
        """Waits until a run has ended."""
        give_up = time.monotonic() + within(seconds)
        while time.monotonic() < give_up:
            flow_run = self.api.get(f"/flow_runs/{run}").json()
            if flow_run["state_type"] in FINAL:
                return flow_run
            time.sleep(0.2)
        raise AssertionError(f"Run {run} has not ended within {seconds} s.")

    def run(self, deployment: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Starts a flow and waits for its end."""
        return self.end(self.begin(deployment, parameters))

    def artifacts(self, run: str) -> str:
        """Gives the text of a run's artifacts."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [run]}}}
        return "\n".join(str(each["data"]) for each in self.api.post("/artifacts/filter", json=wanted).json())

    def logs(self, run: str) -> str:
        """Gives a run's log lines."""
        wanted = {"logs": {"flow_run_id": {"any_": [run]}}}
        return "\n".join(each["message"] for each in self.api.post("/logs/filter", json=wanted).json())

    def database_url(self) -> str:
        """Gives the ledger's database."""
        return f"sqlite:///{self.state / 'handbook.sqlite'}"

    def everything_stored(self) -> bytes:
        """Gives the bytes of all databases, results and logs of Prefect and the ledger."""
        files = [file for file in self.state.rglob("*") if file.is_file() and "sandbox" not in file.name]
        return b"\n".join(file.read_bytes() for file in files)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []
