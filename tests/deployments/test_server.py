"""Prefect's server on SQLite takes many writers at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments import server
from deployments.processes import Processes
from tests.conftest import ROOT, free_port, own_environment

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    state, port = tmp_path_factory.mktemp("server"), free_port()
    environment = {**own_environment(), "PREFECT_HOME": str(state), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    processes = Processes(state / "logs", environment | {"PYTHONPATH": str(ROOT)})
    processes.start("Prefect server", "-m", "deployments.server", "--host", "127.0.0.1", "--port", str(port))
    try:
        processes.wait_for("Prefect server", f"http://127.0.0.1:{port}/api/health", 300)
        yield httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60, trust_env=False)
    finally:
        processes.stop()


def test_sixteen_runs_created_at_once_are_all_accepted(api: httpx.Client) -> None:
    flow = api.post("/flows/", json={"name": "sixteen"}).json()["id"]

    def create(number: int) -> int:
        body = {"flow_id": flow, "name": f"run {number}", "state": {"type": "PENDING"}}
        return api.post("/flow_runs/", json=body).status_code

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(create, range(64))) == [201] * 64


def test_a_prefect_that_decides_elsewhere_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AioSqliteConfiguration, server.PATCH_POINT)
    with pytest.raises(server.PatchPointGone, match=r"Pin the Prefect version of requirements\.lock"):
        server.begin_immediately()


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path, api: httpx.Client) -> None:
    port = str(api.base_url.port)
    said = subprocess.run(
        [sys.executable, "-m", "deployments.up", "--demo", "--port", port, "--state", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 1
    assert f"Port {port} is in use" in said.stderr
