"""The worker's children: forked from a server that has everything imported, some kept ready, each for one flow run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING, cast
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_logger
from prefect.runner._control_channel import ControlChannel
from prefect.runner._process_manager import ProcessHandle, ProcessManager, create_isolated_termination_scope

from deployments.child import Order, serve

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

READY = 2  # children that wait for a run; each holds some 5 MB of its own
END_WITHIN = 10.0  # seconds that a cancelled run has before it is killed

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["deployments.warm"])

logger = get_logger("worker.children")


@dataclass(frozen=True)
class Child:
    process: ForkServerProcess
    orders: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid, "A child is handed out after its start."
        return self.process.pid

    async def ended(self) -> None:
        """Waits for the end of the process, then ends what it has left behind."""
        await anyio.wait_readable(self.process.sentinel)
        self.process.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Children:
    """Children that are ready for a run."""

    def __init__(self) -> None:
        self._ready: list[Child] = []
        self._taken = anyio.Event()

    async def keep_ready(self) -> None:
        """Forks a child for each that is taken, until cancelled.

        Raises:
            EOFError, OSError: not even the first one could be forked, since a flow can't be imported for example.
        """
        self._ready.append(await self.fork())
        while True:
            try:
                while len(self._ready) < READY:
                    self._ready.append(await self.fork())
            except (EOFError, OSError):
                logger.exception("No child could be forked; the next attempt comes in a second.")
                await anyio.sleep(1)
                continue
            self._taken = anyio.Event()
            await self._taken.wait()

    async def take(self) -> Child:
        """Gives a child that waits for its run, or forks one when all are taken."""
        self._taken.set()
        while self._ready:
            child = self._ready.pop(0)
            if child.process.is_alive():
                return child
        return await self.fork()

    async def fork(self) -> Child:
        """Forks a child and waits until it is ready. The first one waits for the fork server's imports."""
        here, there = FORKS.Pipe()
        process = FORKS.Process(target=serve, args=(there,))
        try:
            with there:
                await anyio.to_thread.run_sync(process.start)
            await anyio.wait_readable(here)
            here.recv()
        except BaseException:  # cancelled, for example; the child would wait for its order for ever
            here.close()
            raise
        return Child(process, here)

    async def send_home(self) -> None:
        """Ends those that wait for a run."""
        for child in self._ready:
            child.orders.close()
        while self._ready:
            await self._ready.pop().ended()


class ForkStarter:
    """Starts a flow run in a child that is ready."""

    def __init__(
        self, children: Children, entrypoint: str, environment: Mapping[str, str], control: ControlChannel
    ) -> None:
        self._children, self._control = children, control
        self._entrypoint, self._environment = entrypoint, environment

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Returns when the child has ended."""
        port, token = self._control.register(flow_run.id)
        environment = {
            **self._environment,
            "PREFECT__FLOW_RUN_ID": str(flow_run.id),
            "PREFECT__CONTROL_PORT": str(port),
            "PREFECT__CONTROL_TOKEN": token,
            "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false",  # the worker runs them
        }
        child = await self._children.take()
        child.orders.send(Order(flow_run.id, self._entrypoint, environment))
        child.orders.close()
        scope = create_isolated_termination_scope(child.pid)
        task_status.started(ProcessHandle(cast("SpawnProcess", child.process), scope))
        await child.ended()


class RunningProcesses(ProcessManager):
    """The processes of the runs under way, each with all it has started."""

    async def kill(self, flow_run_id: UUID, grace_seconds: float = END_WITHIN, *, force: bool = False) -> None:
        """Ends a run's processes: politely first, for certain after some seconds.

        Prefect looks every tenth of the given time, and not more often than each second, whether the process has ended.
        """
        await super().kill(flow_run_id, min(grace_seconds, END_WITHIN), force=force)
