"""The warm worker: `python -m deployments.worker`. A run starts in a forked child that has everything imported.

It is Prefect's process worker, with its cancellation, hooks and crash reports; only how a child starts is ours. The
same deployments run on a cold worker too: `prefect worker start --pool handbook`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from typing import TYPE_CHECKING, cast

import anyio
import anyio.abc
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flows import load_flow_from_flow_run
from prefect.runner._control_channel import ControlChannel
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

POOL = "handbook"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["__main__", "deployments.warm"])


class ForkStarter:
    """Starts a flow run in a child of the fork server."""

    def __init__(self, entrypoint: str, environment: dict[str, str], control: ControlChannel) -> None:
        self._entrypoint, self._environment, self._control = entrypoint, environment, control

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        from deployments.warm import run_child

        port, token = self._control.register(flow_run.id)
        environment = self._environment | {
            "PREFECT__FLOW_RUN_ID": str(flow_run.id),
            "PREFECT__CONTROL_PORT": str(port),
            "PREFECT__CONTROL_TOKEN": token,
        }
        child = FORKS.Process(target=run_child, args=(flow_run.id, self._entrypoint, environment))
        await anyio.to_thread.run_sync(child.start)
        task_status.started(ProcessHandle(cast("SpawnProcess", child)))
        await anyio.to_thread.run_sync(child.join)


class WarmWorker(ProcessWorker):
    """A process worker whose children are forked, not started."""

    type = "process"

    @classmethod
    def __dispatch_key__(cls) -> str:
        return "warm"  # Prefect's own process worker keeps its place in the registry

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        assert flow_run.deployment_id, "The worker runs deployments only."
        deployment = await self.client.read_deployment(flow_run.deployment_id)
        environment = {name: value for name, value in configuration.env.items() if value is not None}
        async with FlowRunExecutorContext() as context:
            starter = ForkStarter(str(deployment.entrypoint), environment, context.control_channel)
            executor = context.create_executor(
                flow_run, starter, resolve_flow=load_flow_from_flow_run, propose_submitting=False
            )
            execution: FlowRunExecutionResult | None = None

            async def execute(*, task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED) -> None:
                nonlocal execution
                execution = await executor.submit(task_status=task_status)

            async with anyio.create_task_group() as group:
                handle: ProcessHandle = await group.start(execute)
                if task_status and handle.pid:
                    task_status.started(handle.pid)
        if execution is None or execution.status_code is None:
            raise RuntimeError(f"Flow run {flow_run.id} has ended without an exit code.")
        return ProcessWorkerResult(status_code=execution.status_code, identifier=str(execution.handle.pid))


async def work() -> None:
    """Works until it is told to stop. Warms up while the server may still be starting."""
    warm_up = FORKS.Process(target=os.getpid)
    await anyio.to_thread.run_sync(warm_up.start)
    async with get_client() as client:
        while await client.api_healthcheck() is not None:
            await anyio.sleep(0.2)
    worker = WarmWorker(work_pool_name=POOL, name=POOL, create_pool_if_not_found=True)
    await worker.start(printer=print)


if __name__ == "__main__":
    asyncio.run(work())
