"""Starts flows in processes of their own, forked from one that has everything imported, so that they can be killed."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from settings import handbook, settings

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.imported"])


@dataclass(frozen=True)
class Ended:
    """How a start ended: "completed" with the flow's result, "failed" with the exception's text, or "killed"."""

    how: str
    said: str = ""


class Start:
    """A flow about to run in a process of its own."""

    def __init__(
        self, flow: str, parameters: Mapping[str, Any], environment: Mapping[str, str], crash_at: int = 0
    ) -> None:
        self._ours, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=_child, args=(theirs, flow, dict(parameters), dict(environment), crash_at))
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0

    def go(self) -> Start:
        """Lets it begin."""
        self._ours.send("go")
        return self

    def end(self, seconds: float = 60) -> Ended:
        """Waits for its end."""
        try:
            if not self._ours.poll(seconds):
                raise TimeoutError(f"The flow has not ended within {seconds} s.")
            how, said = self._ours.recv()
        except (EOFError, ConnectionResetError):
            how, said = "killed", ""
        finally:
            self._process.join(1)
            if self._process.is_alive():
                self._process.kill()
            self._process.join()
            self._ours.close()
        return Ended(how, said)


def _child(pipe: Connection, flow: str, parameters: dict[str, Any], environment: dict[str, str], crash_at: int) -> None:
    os.environ.update(environment)
    settings.cache_clear()  # the fork server read others when it imported the flows
    handbook.cache_clear()
    module, _, name = flow.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    if crash_at:
        _die_before_recording(crash_at)
    pipe.recv()
    pipe.send(_outcome(function, name, parameters))


def _outcome(function: Any, name: str, parameters: dict[str, Any]) -> tuple[str, str]:
    from tasks import clock, runs

    run = runs.Run(
        id=f"process {os.getpid()}",
        procedure=name,
        started_by="a test",
        at=clock.now(),
        dry_run=bool(parameters.get("dry_run", False)),
    )
    try:
        with runs.acting(run):
            return "completed", str(asyncio.run(function.fn(**function.validate_parameters(parameters))))
    except Exception as error:  # the test reads what a person would read
        return "failed", f"{type(error).__name__}: {error}"


def _die_before_recording(nth: int) -> None:
    """Kills this process when the nth effect has been answered and is about to be recorded as done."""
    from sqlalchemy import event

    from tasks.database import engine

    seen = 0

    def count(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        nonlocal seen
        if statement.startswith("UPDATE effects") and "done" in (
            values.values() if isinstance(values, dict) else values
        ):
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine(), "before_cursor_execute", count)
