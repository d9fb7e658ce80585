"""The processes of a measurement: a Slack that costs nothing, the durable floor, and the product."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from dotenv import dotenv_values

from bench.webhooks.load import CHANNELS
from settings import ROOT
from tests.conftest import free_port

SATURDAY = "2026-11-22T03:00:30+00:00"  # in Los Angeles it is Saturday evening
WRITTEN_AT = 1795316400.0  # half a minute before, in seconds since 1970


class Stage:
    """Starts processes in a folder of their own. Leave with `end()`."""

    def __init__(
        self,
        folder: Path,
        *,
        channels: Sequence[str] = CHANNELS,
        acknowledge_within_minutes: float = 15,
        on_sandbox: bool = False,
    ) -> None:
        self.folder = folder
        self.slack, self.floor, self.gateway, self.sandbox = (free_port() for _ in range(4))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        additions = (ROOT / "sandbox" / "handbook.toml").read_text(encoding="utf-8").split("[out_of_hours]")[0]
        hours = f"channels = {json.dumps(list(channels))}\nacknowledge_within_minutes = {acknowledge_within_minutes}\n"
        (folder / "handbook.toml").write_text(f"{additions}[out_of_hours]\n{hours}", encoding="utf-8")
        sample = {name: value for name, value in dotenv_values(ROOT / ".env.demo").items() if value is not None}
        self.environment = {
            **os.environ,
            **sample,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",  # or each start compiles everything
            "PREFECT_API_URL": "http://127.0.0.1:9/api",  # nobody is there
            "PREFECT_HOME": str(folder / "prefect"),
            "HANDBOOK_SANDBOX_URL": f"http://127.0.0.1:{self.sandbox if on_sandbox else self.slack}",
            "HANDBOOK_DATABASE_URL": f"sqlite:///{folder / 'handbook.sqlite'}",
            "HANDBOOK_HANDBOOK_ADDITIONS": str(folder / "handbook.toml"),
            "HANDBOOK_FIXED_TIME": "" if on_sandbox else SATURDAY,
            "FLOOR_DATABASE": str(folder / "floor.sqlite"),
            "FLOOR_SLACK": f"http://127.0.0.1:{self.slack}",
        }

    def migrate(self) -> None:
        """Makes the tables."""
        self._python("-m", "alembic", "-c", "deployments/migrations/alembic.ini", "upgrade", "head").wait()

    def start_slack(self) -> None:
        """Starts the Slack that costs nothing."""
        self._start("slack", "-m", "uvicorn", "bench.webhooks.slack:app", "--port", str(self.slack), "--no-access-log")
        self.wait(self.slack, "/replies")

    def start_sandbox(self) -> None:
        """Starts the sandbox with its demo data."""
        self._start("sandbox", "-m", "sandbox", "--port", str(self.sandbox), "--seed", "demo")
        self.wait(self.sandbox, "/_sandbox/health")

    def start_floor(self) -> None:
        """Starts the durable floor."""
        self._start("floor", "-m", "uvicorn", "bench.webhooks.floor:app", "--port", str(self.floor), "--no-access-log")
        time.sleep(1)

    def start_gateway(self, *, ready: bool = True) -> None:
        """Starts the product's gateway."""
        self._start("gateway", "-m", "deployments.gateway", "--port", str(self.gateway))
        if ready:
            self.wait(self.gateway, "/ready")

    def kill(self, name: str) -> None:
        """Ends a process as kill -9 does."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def ask(self, port: int, path: str, body: Any = None, method: str = "") -> Any:
        """Calls one of the processes and reads its JSON."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{port}{path}"
        asked = urllib.request.Request(url, content, headers, method=method or ("POST" if content else "GET"))
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def wait(self, port: int, path: str, seconds: float = 300) -> None:
        """Waits until an address answers 2xx."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            try:
                self.ask(port, path)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise TimeoutError(f"{path} has not answered within {seconds:.0f} s. See {self.folder}.")

    def cpu(self, name: str) -> float:
        """Gives the processor seconds that a process has used."""
        times = psutil.Process(self._running[name].pid).cpu_times()
        return times.user + times.system

    def memory(self, name: str) -> float:
        """Gives a process's memory in MB."""
        return psutil.Process(self._running[name].pid).memory_info().rss / 1e6

    def end(self) -> None:
        """Ends everything."""
        for process in self._running.values():
            process.kill()
            process.wait()
        self._running.clear()

    def _start(self, name: str, *arguments: str, **more: str) -> None:
        self._running[name] = self._python(*arguments, more=more)

    def _python(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env={**self.environment, **(more or {})}, stdout=log, stderr=log
            )
