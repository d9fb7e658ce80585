"""Child processes that come up in order and leave nothing behind."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import psutil

from settings import ROOT

PR_SET_PDEATHSIG = 1
RESTARTS, RESTART_WINDOW = 3, 60.0  # seconds


class NotReady(Exception):
    """A process ended or did not answer in time; the message names its log."""


class Processes:
    """The processes of one start. Leave with `stop()`."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs, self._environment = logs, dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._arguments: dict[str, tuple[str, ...]] = {}
        self._ended: dict[str, list[float]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *arguments: str) -> None:
        """Starts `python <arguments>`; its output goes to a log of that name."""
        self._arguments[name] = arguments
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def wait_for(self, name: str, url: str, seconds: float) -> None:
        """Waits until `url` answers 200.

        Raises:
            NotReady: the process has ended, or the time is over.
        """
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self.assert_running(name)
            try:
                if httpx.get(url, timeout=2, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise NotReady(f"The {name} has not answered at {url} within {seconds:.0f} s. Its log: {self._log(name)}")

    def assert_running(self, *names: str) -> None:
        """Checks that the named processes, or all, are still there.

        Raises:
            NotReady: one has ended.
        """
        for name in names or tuple(self._running):
            if (code := self._running[name].poll()) is not None:
                raise NotReady(
                    f"The {name} has ended (exit code {code}). Its log: {self._log(name)}\n{self._tail(name)}"
                )

    def keep_running(self) -> None:
        """Starts again what has ended, a killed worker for example.

        Raises:
            NotReady: it ends again and again.
        """
        for name, process in list(self._running.items()):
            if process.poll() is None:
                continue
            now = time.monotonic()
            self._ended[name] = [at for at in self._ended.get(name, []) if now - at < RESTART_WINDOW] + [now]
            if len(self._ended[name]) > RESTARTS:
                self.assert_running(name)
            print(f"The {name} has ended (exit code {process.returncode}); starting it again.", flush=True)
            self.start(name, *self._arguments[name])

    def stop(self, patience: float = 8) -> None:
        """Ends every process with all its children: politely first, for certain after `patience` seconds.

        What was started first ends last: runs under way still tell Prefect's server how they end.
        """
        processes = list(self._running.values())
        _end(processes[1:], patience)
        _end(processes[:1], patience)
        self._running.clear()

    def pid(self, name: str) -> int:
        """Gives the process id."""
        return self._running[name].pid

    def _log(self, name: str) -> Path:
        return self._logs / f"{name.replace(' ', '-')}.log"

    def _tail(self, name: str) -> str:
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-15:])


def _end(processes: Sequence[subprocess.Popen[bytes]], patience: float) -> None:
    families = [family for process in processes for family in _family(process.pid)]
    for process in reversed(processes):
        _signal(process.pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(families, timeout=patience)
    late = [child for parent in families for child in _family(parent.pid)]
    for process in [*alive, *late]:
        _signal(process.pid, signal.SIGKILL)
    psutil.wait_procs(families, timeout=2)
    for process in processes:
        process.poll()


def _family(pid: int) -> Sequence[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        psutil.Process(pid).send_signal(number)
    except psutil.NoSuchProcess:
        return


def _die_with_parent() -> None:
    """Has Linux end this child when the supervisor is killed and can't clean up."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
