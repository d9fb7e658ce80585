"""The sweeper's first duties: runs that died or failed go on as others, and cases whose runs ended badly do, too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed
from sqlalchemy import Row

from deployments import runs_continued, telling
from deployments.dispatcher import INBOX
from policies import sweeping as policy
from policies.report import Report
from tasks import cases, clock, remembered

PAGE = 200  # the most that Prefect gives
SWEEP = "sweep"  # the tag of runs that look through everything, so that a newer one does for an older one
SCHEDULED = "auto-scheduled"  # Prefect's own tag; a run that goes on for another keeps it
CONTINUED = "continued "  # the tag that says the how-manieth time
HEARTBEAT = "prefect.flow-run.heartbeat"


@dataclass
class Watch:
    """Since when runs have been listened to without a break, and when that was known last."""

    since: datetime | None = None
    last: datetime | None = None

    def look(self, now: datetime) -> bool:
        """Notes that Prefect has answered. Says whether a run that was not heard of is silent."""
        self.since, self.last = policy.listens_since(self.since, self.last, now), now
        return policy.has_listened(self.since, now)

    def lose(self) -> None:
        """Notes that Prefect was away, and runs could not be heard."""
        self.since = None


async def mark_lost_runs(client: PrefectClient, watch: Watch) -> None:
    """Ends in Prefect what runs no more, whoever should have said so."""
    try:
        found = await runs_in(client, [StateType.RUNNING, StateType.CANCELLING, StateType.PENDING])
    except BaseException:
        watch.lose()
        raise
    now = clock.wall()
    if not watch.look(now):
        return
    ours = [run for run in found if run.deployment_id]
    stuck = [run for run in ours if run.state_type is StateType.PENDING and policy.is_stuck(_changed(run), now)]
    for run in [*stuck, *await _silent(client, [run for run in ours if run.state_type is not StateType.PENDING], now)]:
        # Not by force: a run that has ended meanwhile stays as it is.
        await client.set_flow_run_state(run.id, _end_of(run))


def _end_of(run: FlowRun) -> State[Any]:
    if run.state_type is StateType.CANCELLING:
        return Cancelled(message="Somebody cancelled it, and nothing of it runs any more.")
    return Crashed(message="It gave no sign of life; the sweeper starts it again.")


async def _silent(client: PrefectClient, asked: Sequence[FlowRun], now: datetime) -> list[FlowRun]:
    suspects = [run for run in asked if policy.is_silent(_changed(run), None, now)]
    signs = {run.id: await _last_sign(client, run, now) for run in suspects}
    return [run for run in suspects if policy.is_silent(_changed(run), signs[run.id], now)]


async def _last_sign(client: PrefectClient, run: FlowRun, now: datetime) -> datetime | None:
    """Gives when a run was last heard of; None when that is too long ago to count."""
    wanted = {
        "occurred": {"since": (now - policy.SILENT_FOR).isoformat(), "until": (now + policy.GAP).isoformat()},
        "event": {"name": [HEARTBEAT]},
        "resource": {"id": [f"prefect.flow-run.{run.id}"]},
    }
    answer = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    signs = [str(event["occurred"]) for event in answer.json()["events"]]
    return datetime.fromisoformat(max(signs).replace("Z", "+00:00")) if signs else None


async def continue_lost_runs(client: PrefectClient) -> None:
    """Starts crashed runs and failed sweeps again; those that do cases go on through their cases."""
    lost = [*await _crashed_of_late(client), *await _failed_sweeps(client)]
    lost = [run for run in lost if run.deployment_id and INBOX not in run.tags]
    known, told = runs_continued.of([str(run.id) for run in lost]), dict[str, Report]()
    for run in lost:
        row = known.get(str(run.id))
        if row and row.as_run and row.at >= _changed(run):
            continue
        if (number := runs_continued.begin(str(run.id), _changed(run))) is not None:
            with telling.logged(f"Run {run.id} does not go on"):
                told |= await _go_on_with(client, run, number)
    await telling.tell(told)
    for about in told:
        runs_continued.went_on(about.removeprefix("lost/"), "a person has been told")


async def _go_on_with(client: PrefectClient, run: FlowRun, number: int) -> dict[str, Report]:
    """Starts a lost run again, or notes why not. Gives what a person is to be told."""
    if await _was_cancelled(client, run):
        runs_continued.went_on(str(run.id), "cancelled by a person")
    elif SWEEP in run.tags and await _is_superseded(client, run):
        runs_continued.went_on(str(run.id), "a newer run does it")
    elif policy.goes_to_a_person(number - 1):
        return {f"lost/{run.id}": policy.given_up(run.name, telling.url_of(str(run.id)), number)}
    elif _start_at(run, number - 1) <= clock.wall():
        await _continue(client, run, number)
    return {}


def _start_at(run: FlowRun, times: int) -> datetime:
    """Gives when what a run was to do is started again."""
    start_at = policy.continue_at if run.state_type is StateType.CRASHED else policy.start_again_at
    return start_at(_changed(run), times)


async def _was_cancelled(client: PrefectClient, run: FlowRun) -> bool:
    """Says whether a person has cancelled it: what ends it then may report a crash."""
    states = sorted(await client.read_flow_run_states(run.id), key=lambda state: state.timestamp, reverse=True)
    before = next((state.type for state in states if state.type is not StateType.CRASHED), None)
    return before in {StateType.CANCELLING, StateType.CANCELLED}


async def _is_superseded(client: PrefectClient, run: FlowRun) -> bool:
    assert run.deployment_id
    after = FlowRunFilterExpectedStartTime.model_validate({"after_": run.expected_start_time})
    deployment = FlowRunFilterDeploymentId(any_=[run.deployment_id])
    wanted = FlowRunFilter(expected_start_time=after, deployment_id=deployment)
    begun = [StateType.PENDING, StateType.RUNNING, StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
    newer = await runs_in(client, begun, wanted)
    return policy.is_superseded(run.parameters, [each.parameters for each in newer if each.id != run.id])


async def _continue(client: PrefectClient, run: FlowRun, number: int) -> None:
    assert run.deployment_id
    tags = [tag for tag in run.tags if not tag.startswith(CONTINUED)]
    try:
        made = await client.create_flow_run_from_deployment(
            run.deployment_id,
            parameters=run.parameters,
            idempotency_key=f"continues {run.id} {_changed(run).isoformat()}",
            tags=[*tags, f"{CONTINUED}{number}"],
        )
    except ObjectNotFound:
        runs_continued.went_on(str(run.id), "its deployment is gone")
    else:
        runs_continued.went_on(str(run.id), str(made.id))


async def record_anew(client: PrefectClient) -> None:
    """Has what the gateway has done recorded by another run where the first one crashed."""
    crashed = {str(run.id): run for run in await _crashed_of_late(client) if INBOX in run.tags}
    for run_id, rows in itertools.groupby(cases.recorded_by(list(crashed)), lambda row: row.run_id):
        run, done = crashed[run_id], list(rows)
        times = max(row.generation for row in done)
        is_time = policy.continue_at(_changed(run), times) <= clock.wall() and not policy.goes_to_a_person(times)
        if is_time and not await _was_cancelled(client, run):
            cases.take_back(done[0].procedure, [row.subject for row in done])


async def _crashed_of_late(client: PrefectClient) -> list[FlowRun]:
    return await runs_in(client, [StateType.CRASHED], FlowRunFilter(end_time=_of_late()))


async def _failed_sweeps(client: PrefectClient) -> list[FlowRun]:
    """Gives the sweeps that failed on their schedule. A person who has started one sees it fail."""
    wanted = FlowRunFilter(end_time=_of_late(), tags=FlowRunFilterTags(all_=[SWEEP, SCHEDULED]))
    failed = await runs_in(client, [StateType.FAILED], wanted)
    return [run for run in failed if run.state and not policy.refusal(run.state.message or "")]


def _of_late() -> FlowRunFilterEndTime:
    return FlowRunFilterEndTime.model_validate({"after_": clock.wall() - policy.LOOKS_BACK})


async def hand_over_anew(client: PrefectClient) -> None:
    """Hands over again the open cases whose runs have ended without settling them."""
    now = clock.wall()
    waiting = [row for row in cases.open_cases(before=now) if row.run_id]
    known = await _runs_by_id(client, {row.run_id for row in waiting})
    crashed = [run for run in known.values() if run.state_type is StateType.CRASHED]
    cancelled = {str(run.id) for run in crashed if await _was_cancelled(client, run)}
    cancelled |= {id for id, run in known.items() if run.state_type is StateType.CANCELLED}
    refused: list[tuple[Row[Any], str]] = []
    for row in waiting:
        run = known.get(row.run_id)
        if run is None:
            cases.take_back(row.procedure, [row.subject])
        elif row.run_id in cancelled:
            _settle(row, cases.State.REFUSED, policy.CANCELLED)
        elif run.state and run.state.is_completed():  # most flows leave their case to us
            _settle(row, cases.State.DONE, None)
        elif run.state and (reason := policy.refusal(run.state.message or "")):
            refused.append((row, reason))
        elif run.state and run.state.is_final():
            _go_on_with_case(row, run, now)
    await telling.tell(dict(telling.refusal(row, reason) for row, reason in refused))
    for row, reason in refused:
        _settle(row, cases.State.REFUSED, reason)


def _settle(row: Row[Any], state: cases.State, reason: str | None) -> None:
    """Notes what came of a case. What was filled in for it in Slack is in Prefect now, and kept here no longer."""
    cases.settle(row.procedure, row.subject, state, reason)
    remembered.forget([row.subject])


def _go_on_with_case(row: Row[Any], run: FlowRun, now: datetime) -> None:
    has_crashed = run.state_type is StateType.CRASHED
    if policy.goes_to_a_person(row.generation):
        reason = row.reason or ("Its run crashed." if has_crashed else None)
        cases.settle(row.procedure, row.subject, cases.State.PARKED, reason)
    elif _start_at(run, row.generation) <= now:
        cases.take_back(row.procedure, [row.subject])


async def _runs_by_id(client: PrefectClient, ids: set[str]) -> dict[str, FlowRun]:
    """Gives the runs; one that was deleted in Prefect is not among them."""
    found: dict[str, FlowRun] = {}
    listed = [UUID(each) for each in sorted(ids)]
    for at in range(0, len(listed), PAGE):
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=listed[at : at + PAGE]))
        found |= {str(run.id): run for run in await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE)}
    return found


async def runs_in(
    client: PrefectClient, kinds: Sequence[StateType], wanted: FlowRunFilter | None = None, page: int = PAGE
) -> list[FlowRun]:
    """Gives all runs in these states, however many pages they fill."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds)))
    chosen = (wanted or FlowRunFilter()).model_copy(update={"state": state})
    found: dict[UUID, FlowRun] = {}
    for offset in itertools.count(step=page):
        listed = await client.read_flow_runs(
            flow_run_filter=chosen, sort=FlowRunSort.ID_DESC, limit=page, offset=offset
        )
        found |= {run.id: run for run in listed}
        if len(listed) < page:
            break
    return list(found.values())


def _changed(run: FlowRun) -> datetime:
    at = run.state.timestamp if run.state else run.expected_start_time
    assert at
    return at.astimezone(UTC)
