"""Which run acts: its id, its procedure, who started it, and whether it may only say what it would do."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from settings import settings
from tasks import clock

if TYPE_CHECKING:
    from prefect.context import FlowRunContext


@dataclass(frozen=True)
class Outcome:
    """What came of one effect that a run asked for."""

    service: str
    action: str
    target: str
    outcome: Literal["done", "done before", "already there", "would be done"]
    url: str


@dataclass(frozen=True)
class Run:
    """One run of a procedure, inside Prefect or outside it."""

    id: str
    procedure: str
    started_by: str
    at: datetime  # when it was meant to run; what a day's decisions go by
    dry_run: bool = False
    outcomes: list[Outcome] = field(default_factory=list[Outcome], compare=False)


STARTED_BY = "started by "  # a run's tag: who started it in Slack

_acting: ContextVar[Run | None] = ContextVar("acting", default=None)
_of_flow_runs: dict[str, Run] = {}


def current() -> Run:
    """Gives the run that acts.

    Raises:
        RuntimeError: outside of any run; effects need to know who is behind them.
    """
    if run := _acting.get():
        return run
    context = _flow_run()
    if context is None or context.flow_run is None:
        raise RuntimeError("No run is under way. Start the flow, or wrap the call in runs.acting(...).")
    flow_run = context.flow_run
    return _of_flow_runs.setdefault(
        str(flow_run.id),
        Run(
            id=str(flow_run.id),
            procedure=context.flow.name if context.flow else "",
            started_by=_tagged(flow_run.tags) or _starter(flow_run.created_by.type if flow_run.created_by else None),
            at=_meant_for(flow_run.expected_start_time),
            dry_run=bool((context.parameters or {}).get("dry_run", False)),
        ),
    )


def _meant_for(expected: datetime | None) -> datetime:
    """Gives the time that a run was meant for; with a sandbox it is the sandbox's, which plays another day."""
    return clock.now() if settings().sandbox_url else expected or clock.now()


def _tagged(tags: Sequence[str]) -> str:
    """Gives the member's id in Slack that the gateway has noted on a run; "" when it noted none."""
    return next((tag.removeprefix(STARTED_BY) for tag in tags if tag.startswith(STARTED_BY)), "")


def _starter(kind: str | None) -> str:
    return {"SCHEDULE": "schedule", "AUTOMATION": "automation", "DEPLOYMENT": "schedule"}.get(kind or "", "a person")


def in_prefect() -> bool:
    """Says whether a Prefect flow run is around this call, so that an effect can show as a task run."""
    return _acting.get() is None and _flow_run() is not None


def _flow_run() -> FlowRunContext | None:
    """Gives the Prefect flow run around this call. Where nothing has imported Prefect yet, there can be none."""
    prefect = sys.modules.get("prefect.context")
    return prefect.FlowRunContext.get() if prefect else None


@contextmanager
def acting(run: Run) -> Generator[Run]:
    """Makes `run` the run that acts, without Prefect."""
    token = _acting.set(run)
    try:
        yield run
    finally:
        _acting.reset(token)
