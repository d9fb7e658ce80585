"""The warm worker: it hears at once of a run and starts it in a forked child that has everything imported.

It is Prefect's process worker; how it learns of a run and how a child starts is ours. The same deployments run on a
cold worker too: `prefect worker start --pool handbook --type process`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.events.schemas.events import Event
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.children import Children
from deployments.runs import Runs
from deployments.wakeup import Rounds, listen

POOL = "handbook"
AT_ONCE = 40  # runs; more wait on the server until one has ended
FINISH_WITHIN = 5.0  # seconds that runs have when the worker is told to stop; its supervisor kills it after 8
REMEMBER = 5.0  # seconds in which a deployment isn't read anew; Prefect's worker reads it three times a run
CANCELLING = "prefect.flow-run.Cancelling"
TO_DO = [f"prefect.flow-run.{state}" for state in ("Scheduled", "AwaitingRetry", "Resuming", "Late")]


class WarmWorker(ProcessWorker):
    """A process worker that is told of its runs, and whose children are forked, not started."""

    type = "process"

    def __init__(self, children: Children) -> None:
        super().__init__(work_pool_name=POOL, name=POOL, create_pool_if_not_found=True, limit=AT_ONCE)
        self._children = children
        self._rounds = Rounds(self._look, get_current_settings().worker.query_seconds)

    @classmethod
    def __dispatch_key__(cls) -> str:
        return "warm"  # Prefect's own process worker keeps its place in the registry

    async def __aenter__(self) -> WarmWorker:
        return await super(ProcessWorker, self).__aenter__()  # without the runner for flows that have no deployment

    async def __aexit__(self, *exc_info: Any) -> None:
        await super(ProcessWorker, self).__aexit__(*exc_info)

    async def setup(self) -> None:
        await super().setup()
        _remember_deployments(self.client)
        self._runs = await self._exit_stack.enter_async_context(Runs(self.client, self._children))

    async def take_runs(self, stop: asyncio.Event) -> None:
        """Takes runs until told to stop."""
        beats = Rounds(self._sync_and_initialize, self.heartbeat_interval_seconds)
        async with anyio.create_task_group() as group:
            group.start_soon(self._rounds.go_on)
            group.start_soon(beats.go_on)
            group.start_soon(self._listen)
            print(f"Worker {self.name!r} takes runs.", flush=True)
            await stop.wait()
            group.cancel_scope.cancel()

    async def finish(self) -> None:
        """Gives the runs under way some seconds, then ends them; they become Crashed, and the sweeper goes on there."""
        with anyio.move_on_after(FINISH_WITHIN):
            while self.limiter.borrowed_tokens:
                await anyio.sleep(0.05)
        await self._runs.end_all()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        assert flow_run.deployment_id, "The worker runs deployments only."
        deployment = await self.client.read_deployment(flow_run.deployment_id)
        environment = {name: value for name, value in configuration.env.items() if value is not None}
        status = task_status or anyio.TASK_STATUS_IGNORED
        done = await self._runs.execute(flow_run, str(deployment.entrypoint), environment, status)
        return ProcessWorkerResult(status_code=done.status_code or 0, identifier=str(done.handle.pid))

    async def _listen(self) -> None:
        while self._work_pool is None:  # until the first beat
            await anyio.sleep(0.5)
        pool = EventAnyResourceFilter(id=[f"prefect.work-pool.{self._work_pool.id}"])
        await listen(EventFilter(event=EventNameFilter(name=[CANCELLING, *TO_DO]), any_resource=pool), self._heard)

    def _heard(self, event: Event | None) -> None:
        if event is None or event.event != CANCELLING:
            self._rounds.ask()
        else:
            self._begin_to_cancel(UUID(event.resource.id.removeprefix("prefect.flow-run.")))

    async def _look(self) -> None:
        """Submits what is scheduled, and cancels what was cancelled while nobody listened."""
        await self.get_and_submit_flow_runs()
        if mine := self._runs.under_way():
            cancelling = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING]))
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(mine)), state=cancelling)
            for run in await self.client.read_flow_runs(flow_run_filter=wanted):
                self._begin_to_cancel(run.id)

    def _begin_to_cancel(self, run: UUID) -> None:
        if self._runs_task_group:
            self._runs_task_group.start_soon(self._runs.cancel, run)

    async def _submit_run(self, flow_run: FlowRun) -> None:
        try:
            await super()._submit_run(flow_run)
        except Exception:  # the server went away; Prefect's worker would end here, and every run with it
            self._logger.exception("Flow run %s could not be submitted.", flow_run.id)
            self._submitting_flow_run_ids.discard(flow_run.id)
            self._release_limit_slot(flow_run.id)

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        """Does nothing: the run is Running before anybody could read Submitting."""

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        """Does nothing: the run names its work pool anyway."""

    def _release_limit_slot(self, flow_run_id: UUID) -> None:
        if self.limiter.borrowed_tokens >= AT_ONCE:
            self._rounds.ask()
        super()._release_limit_slot(flow_run_id)


def _remember_deployments(client: PrefectClient) -> None:
    """Has the client read a deployment once in some seconds."""
    read, known = client.read_deployment, dict[UUID, tuple[float, DeploymentResponse]]()

    async def remembering(deployment_id: UUID | str) -> DeploymentResponse:
        key = UUID(str(deployment_id))
        at, deployment = known.get(key, (0.0, None))
        if deployment is None or time.monotonic() - at > REMEMBER:
            deployment = await read(key)
            known[key] = (time.monotonic(), deployment)
        return deployment.model_copy(deep=True)  # Prefect's worker writes into it

    client.read_deployment = remembering


async def work() -> None:
    """Works until it is told to stop, by SIGTERM or Ctrl-C. Warms up while the server may still be starting."""
    children, stop = Children(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with anyio.create_task_group() as group:
        group.start_soon(children.keep_ready)
        async with get_client() as client:
            while not stop.is_set() and await client.api_healthcheck() is not None:
                await anyio.sleep(0.2)
        if not stop.is_set():
            async with WarmWorker(children) as worker:
                await worker.take_runs(stop)
                await worker.finish()
        group.cancel_scope.cancel()
    await children.send_home()
