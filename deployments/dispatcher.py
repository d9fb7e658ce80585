"""The dispatcher: does urgent cases at once, and hands everything to Prefect, one run for all that waits.

It holds nothing that the database does not: a new one goes on where a killed one was.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from sqlalchemy.exc import InterfaceError, OperationalError

from deployments import inbox, procedures
from deployments.deliveries import Delivery
from deployments.inbox import Opening, Verdict
from policies.customer import Refused
from policies.events import Event
from tasks import cases, clock, customer_channels, database, deadlines, prefect_api, runs, slack
from tasks.database import GroupCommit, Waiting

INBOX = "inbox"  # the tag of runs that do cases
LOG = logging.getLogger(__name__)
AT_ONCE = 48  # urgent cases of a procedure at work at the same time
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before the next attempt at an urgent case
ROUND = 0.5  # seconds between looks at the database, for what no event woke us for
CHANNELS_EVERY = 5.0  # seconds
AT_WORK = 3  # batches of a procedure that Prefect may be busy with; what comes meanwhile waits and goes together
BUSY_FOR = timedelta(minutes=2)  # after which a batch is no reason to wait any more
RECORD_AFTER = 1.0  # seconds that done cases are gathered before Prefect gets their record
PREFECT_AGAIN = 2.0  # seconds
REFUSED = {409, 422}  # what Prefect answers to parameters that a deployment doesn't take
UNREADABLE = Verdict(reasons=["What it told can't be read any more: another version of ours has stored it."])
AWAY = (httpx.HTTPError, OperationalError, InterfaceError)  # Prefect or the database: nothing goes on without it


class Dispatcher:
    """Works until its task is cancelled."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        # A procedure has places of its own: an emergency waits behind no notices, which sleep while Slack asks for it.
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._acting: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._deployments: dict[str, UUID] = {}
        self._context = copy_context()
        self._troubles: dict[str, str] = {}  # what does not go well, until it does

    def open(self, openings: Sequence[Opening], event: Event | None, by: str) -> None:
        """Begins with cases that have just been committed."""
        for opening in openings:
            if opening.urgent:
                self._begin(opening.procedure, opening.subject, event, by)
            else:
                self._woken.set()

    async def take(self, delivery: Delivery, verdict: Verdict) -> None:
        """Commits a delivery and begins with what it opens.

        An urgent case begins before the commit, which then holds the first intent too: nothing leaves before it. Where
        the case has to ask somebody first, the commit does not wait for that.
        """
        by, carried = f"{delivery.source} {delivery.id}", Waiting.of(inbox.receive, (delivery, verdict))
        urgent = next((each for each in verdict.openings if each.urgent), None)
        if urgent is None or not self._begin(urgent.procedure, urgent.subject, delivery.event, by, carried=carried):
            self._group.submit(carried)
        self.open([each for each in await carried.future if each != urgent], delivery.event, by)

    async def work(self) -> None:
        """Does what is there and what comes."""
        async with slack.connected(), prefect_api.connected() as client:
            self._context = copy_context()  # with the connections to Slack, for what requests begin
            loops = [
                self._again_and_again("deliveries that wait", self._decide_waiting, ROUND),
                self._again_and_again("deadlines", self._meet_deadlines, ROUND),
                self._again_and_again("urgent cases", self._take_up_urgent, ROUND),
                self._again_and_again("the list of channels", customer_channels.refresh, CHANNELS_EVERY),
                self._again_and_again("Prefect", partial(self._hand_over, client), 0),
            ]
            with database.committing_together(self._group):
                async with asyncio.TaskGroup() as group:
                    for loop in loops:
                        group.create_task(loop)

    async def _again_and_again(self, what: str, look: Callable[[], Awaitable[Any]], every: float) -> None:
        while True:
            with self._going_on(what):
                await look()
            await clock.asleep(every)

    @contextmanager
    def _going_on(self, what: str, but: tuple[type[Exception], ...] = ()) -> Generator[None]:
        """Keeps one thing that can't be done from ending the others. It is told once, until it goes well again."""
        try:
            yield
        except but:
            raise
        except Exception as error:
            told = type(error).__name__
            if self._troubles.get(what) != told:
                LOG.warning("%s: %s. It is tried again.", what, told, exc_info=not isinstance(error, AWAY))
            self._troubles[what] = told
        else:
            self._troubles.pop(what, None)

    # -- urgent cases

    def _begin(
        self,
        procedure: str,
        subject: str,
        event: Event | None,
        by: str,
        attempts: int = 0,
        carried: Waiting | None = None,
    ) -> bool:
        """Begins with an urgent case. False: it is being done already."""
        key = (procedure, subject)
        if key in self._acting:
            return False
        acting = self._act(procedure, subject, event, by, attempts, carried)
        task = asyncio.get_running_loop().create_task(acting, context=self._context.copy())
        self._acting[key] = task
        task.add_done_callback(lambda _: self._acting.pop(key, None))
        return True

    async def _act(
        self, procedure: str, subject: str, event: Event | None, by: str, attempts: int, carried: Waiting | None
    ) -> None:
        places = self._places[procedure]
        run = runs.Run(id=f"gateway {procedure} {subject}", procedure=procedure, started_by=by, at=clock.now())
        if carried and places.locked():
            self._group.submit(carried)  # who waits for a place doesn't keep the sender waiting
            carried = None
        async with places:
            with ExitStack() as around:
                around.enter_context(database.committing_together(self._group))
                around.enter_context(runs.acting(run))
                if carried:
                    around.enter_context(database.carrying(carried))
                try:
                    await cases.settling(subject, lambda key: procedures.act(procedure, key, event))
                except cases.NothingToDo:
                    return
                except Exception as error:  # its reason stands in its case; it is tried again
                    LOG.info("%s %s: %s", procedure, subject, type(error).__name__)
                    pause = BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
                    with suppress(Exception):
                        await self._group.run(cases.put_off, procedure, subject, pause)

    async def _take_up_urgent(self) -> None:
        """Takes up what a killed gateway left, and what has to be tried again."""
        for row in await asyncio.to_thread(cases.urgent_now):
            self._begin(row.procedure, row.subject, cases.event_in(row.facts), row.opened_by, row.attempts)

    async def _decide_waiting(self) -> None:
        for row in await asyncio.to_thread(inbox.waiting):
            await clock.asleep(0)  # many that can't be decided hold up no request
            with self._going_on(f"the delivery {row.source} {row.id}", but=AWAY):
                event = cases.event_in(row.facts)
                verdict = UNREADABLE if row.facts and event is None else procedures.verdict(event)
                opened = await self._group.run(inbox.decide, row, verdict)
                self.open(opened, event, f"{row.source} {row.id}")

    async def _meet_deadlines(self) -> None:
        for row in await asyncio.to_thread(deadlines.due, clock.now()):
            with self._going_on(f"the deadline of {row.procedure} {row.subject}", but=AWAY):
                await self._group.run(cases.open_case, row.procedure, row.subject, "deadline", "", True)
                await self._group.run(deadlines.settle, row.procedure, row.subject)
                self._begin(row.procedure, row.subject, None, "deadline")

    # -- Prefect

    async def _hand_over(self, client: PrefectClient) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), RECORD_AFTER)
        self._woken.clear()
        try:
            await self._hand_over_all(client)
        except Exception:  # Prefect is away: the cases wait in the database
            await clock.asleep(PREFECT_AGAIN)
            raise

    async def _hand_over_all(self, client: PrefectClient) -> None:
        """Starts what waits; a deployment that Prefect doesn't know, or knows otherwise, holds up nobody else."""
        for batch, (procedure, subjects) in (await asyncio.to_thread(cases.batches_without_run)).items():
            with self._going_on(f"runs of {procedure}", but=AWAY), _unless_refused(procedure):
                await self._start(client, procedure, batch, subjects)
        for procedure in await asyncio.to_thread(cases.without_run):
            with self._going_on(f"runs of {procedure}", but=AWAY), _unless_refused(procedure):
                await self._hand_over_cases_of(client, procedure)

    async def _hand_over_cases_of(self, client: PrefectClient, procedure: str) -> None:
        most = procedures.most(procedure)
        since = clock.wall() - BUSY_FOR
        while most == 1 or await asyncio.to_thread(cases.batches_at_work, procedure, since) < AT_WORK:
            batch = f"{procedure}:{uuid4()}"
            subjects = await self._group.run(cases.hand_over, procedure, batch, most)
            if not subjects:
                return
            await self._start(client, procedure, batch, subjects)

    async def _start(self, client: PrefectClient, procedure: str, batch: str, subjects: Sequence[str]) -> None:
        """Makes the run; the same batch gives the same run, however often it is asked for."""
        try:
            parameters: dict[str, Any] = procedures.parameters(procedure, subjects)
        except Refused as refused:  # or it would hold up everybody behind it
            for subject in subjects:
                await self._group.run(cases.settle, procedure, subject, cases.State.PARKED, str(refused))
            await self._group.run(cases.handed, batch, "none")
            return
        if procedure not in self._deployments:
            found = await client.read_deployment_by_name(f"{procedure}/{procedure}")
            self._deployments[procedure] = found.id
        tags = [INBOX, *await asyncio.to_thread(procedures.tags, procedure, subjects)]
        run = await client.create_flow_run_from_deployment(
            self._deployments[procedure], parameters=parameters, idempotency_key=batch, tags=tags
        )
        await self._group.run(cases.handed, batch, str(run.id))


@contextmanager
def _unless_refused(procedure: str) -> Generator[None]:
    try:
        yield
    except ObjectNotFound:
        LOG.warning("Prefect has no deployment %s. Run `python -m deployments.register`.", procedure)
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in REFUSED:
            raise
        LOG.warning("Prefect refuses a run of %s. Run `python -m deployments.register`: its form is older.", procedure)
