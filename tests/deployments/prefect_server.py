"""A Prefect server without workers: runs are where a test puts them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from deployments.lost_runs import HEARTBEAT
from deployments.processes import Processes
from tests.conftest import free_port, own_environment, within

SERVER = "Prefect server"


class Prefect:
    """The server, with one deployment to begin with."""

    def __init__(self, state: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._database = state / "prefect.db"
        more = {"PREFECT_HOME": str(state), "PREFECT_API_URL": f"{self.url}/api", "NO_PROXY": "127.0.0.1"}
        self._processes = Processes(state / "logs", own_environment() | more)
        self._processes.start(SERVER, "-m", "deployments.server", "--host", "127.0.0.1", "--port", str(port))
        self._processes.wait_for(SERVER, f"{self.url}/api/health", 300)
        self.api = httpx.Client(base_url=f"{self.url}/api", timeout=60, trust_env=False)
        self.deployment = self.deploy("wait")

    def deploy(self, name: str, form: Mapping[str, Any] | None = None) -> str:
        """Makes a deployment that takes any parameters, or those of a form. Gives its id."""
        flow = self._post("/flows/", {"name": name})["id"]
        body = {"name": name, "flow_id": flow, "enforce_parameter_schema": form is not None, "concurrency_limit": None}
        body |= {"parameter_openapi_schema": form} if form else {}
        return str(self._post("/deployments/", body)["id"])

    def process(self) -> psutil.Process:
        """Gives the server's process."""
        return psutil.Process(self._processes.pid(SERVER))

    def run(self, state: str, seconds_ago: float = 0, *, tags: Sequence[str] = (), **parameters: Any) -> str:
        """Makes a run that has been in a state for some time."""
        body = {"parameters": parameters, "tags": list(tags), "state": {"type": "SCHEDULED"}}
        made = str(self._post(f"/deployments/{self.deployment}/create_flow_run", body)["id"])
        self.put(made, state, seconds_ago)
        return made

    def put(self, run: str, state: str, seconds_ago: float = 0, message: str = "") -> None:
        """Puts a run into a state, as if that had happened some time ago."""
        self._post(f"/flow_runs/{run}/set_state", {"state": {"type": state, "message": message}, "force": True})
        at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).replace(tzinfo=None)
        with sqlite3.connect(self._database, timeout=30) as connection:
            # Two hyphens or none: how Prefect writes an id differs between its tables and its versions.
            connection.execute(
                "UPDATE flow_run_state SET timestamp = ? WHERE id = (SELECT state_id FROM flow_run "
                "WHERE replace(id, '-', '') = replace(?, '-', ''))",
                (at.isoformat(" "), run),
            )

    def state(self, run: str) -> str:
        """Gives the type of a run's state."""
        return str(self.api.get(f"/flow_runs/{run}").json()["state_type"])

    def others(self, than: Sequence[str]) -> list[dict[str, Any]]:
        """Gives the runs besides those."""
        return [run for run in self._post("/flow_runs/filter", {}) if run["id"] not in than]

    def lives(self, run: str) -> None:
        """Has a run say that it lives, as Prefect's engine does."""
        event = {
            "occurred": datetime.now(UTC).isoformat(),
            "event": HEARTBEAT,
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.name": "wait"},
            "id": str(uuid4()),
        }
        self.api.post("/events", json=[event]).raise_for_status()
        wanted = {"filter": {"resource": {"id": [f"prefect.flow-run.{run}"]}, "event": {"name": [HEARTBEAT]}}}
        give_up = time.monotonic() + within(20)
        while not self._post("/events/filter", wanted)["events"]:
            assert time.monotonic() < give_up, "The event has not come."
            time.sleep(0.1)

    def artifacts(self) -> list[dict[str, Any]]:
        """Gives the artifacts of the inbox."""
        return self._post("/artifacts/filter", {"artifacts": {"key": {"any_": ["inbox"]}}})

    def forget(self) -> None:
        """Deletes every run."""
        for run in self.others(than=()):
            self.api.delete(f"/flow_runs/{run['id']}")

    def stop(self) -> None:
        self._processes.stop()

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self.api.post(path, json=dict(body))
        assert answer.is_success, answer.text
        return answer.json()
