"""The runs of the warm worker that are under way: each in a child, with Prefect's cancellation and crash reports."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.events.clients import NullEventsClient
from prefect.flows import load_flow_from_flow_run
from prefect.logging import get_logger
from prefect.runner._cancellation_manager import CancellationManager
from prefect.runner._control_channel import ControlChannel
from prefect.runner._event_emitter import EventEmitter
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutor
from prefect.runner._hook_runner import HookRunner
from prefect.runner._process_manager import ProcessHandle
from prefect.runner._state_proposer import StateProposer

from deployments.children import Children, ForkStarter, RunningProcesses

logger = get_logger("worker.runs")


class Runs:
    """Starts and ends flow runs. Prefect's worker sets all of this up anew for each run, which takes 0.2 s."""

    def __init__(self, client: PrefectClient, children: Children) -> None:
        self._children = children
        self._control = ControlChannel()
        self._processes = RunningProcesses(on_remove=self._forget)
        self._states = StateProposer(client=client)
        self._hooks = HookRunner(resolve_flow=load_flow_from_flow_run)
        self._cancellation = CancellationManager(
            process_manager=self._processes,
            hook_runner=self._hooks,
            state_proposer=self._states,
            event_emitter=EventEmitter(runner_name="warm", client=client, get_events_client=lambda: NullEventsClient()),
            client=client,
            control_channel=self._control,
        )
        self._cancelling: set[UUID] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Runs:
        await self._stack.enter_async_context(self._control)
        await self._stack.enter_async_context(self._processes)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    def under_way(self) -> set[UUID]:
        """Gives the runs whose child has not ended."""
        return self._processes.flow_run_ids()

    async def execute(
        self,
        flow_run: FlowRun,
        entrypoint: str,
        environment: Mapping[str, str],
        task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
    ) -> FlowRunExecutionResult:
        """Runs a flow run in a child and waits for its end. A child that ends badly makes the run Crashed."""
        executor = FlowRunExecutor(
            flow_run=flow_run,
            starter=ForkStarter(self._children, entrypoint, environment, self._control),
            process_manager=self._processes,
            state_proposer=self._states,
            hook_runner=self._hooks,
            get_attempt_conclusion=self._control.get_conclusion,
            propose_submitting=False,
        )
        execution: FlowRunExecutionResult | None = None

        async def submit(*, task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED) -> None:
            nonlocal execution
            execution = await executor.submit(task_status=task_status)

        async with anyio.create_task_group() as group:
            handle: ProcessHandle = await group.start(submit)
            task_status.started(handle.pid or 0)
        if execution is None or execution.status_code is None:
            raise RuntimeError(f"Flow run {flow_run.id} has ended without an exit code.")
        return execution

    async def cancel(self, run: UUID) -> None:
        """Ends a run with all its processes and makes it Cancelled. Does nothing for one that isn't under way here."""
        if run in self._cancelling or run not in self.under_way():
            return
        self._cancelling.add(run)
        try:
            await self._cancellation.cancel_by_id(run)
        except Exception:
            logger.exception("Flow run %s could not be cancelled; the next look tries again.", run)
            self._cancelling.discard(run)

    async def end_all(self) -> None:
        """Ends what is under way; it becomes Crashed."""
        async with anyio.create_task_group() as group:
            for run in self.under_way():
                group.start_soon(self._processes.kill, run, 1)

    async def _forget(self, run: UUID) -> None:
        self._control.unregister(run)
        self._cancelling.discard(run)
