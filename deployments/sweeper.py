"""The sweeper: `python -m deployments.sweeper`. What was killed, lost or missed goes on, under the same keys.

| it finds | it does |
|---|---|
| a run that gives no sign of life, or was claimed and never started | marks it crashed |
| a run that somebody cancelled and that is gone | marks it cancelled |
| a crashed run | starts it again with the same parameters; after five times it tells a person |
| a case whose run failed | hands it over anew, with growing pauses; after five times it tells a person |
| a crashed run that was to record what the gateway had done | has another one record it; five times at the most |
| an effect or a case that waits for a person | tells the customer success channel, once |
| a message in a customer's channel that no webhook told of | puts it into the inbox |
| a delivery of GitHub that failed | asks GitHub for it again; after five times it tells a person |

The ledger keeps what was done from being done twice, so a mistaken start costs nothing. Two sweepers do no harm.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence

from prefect.client.orchestration import PrefectClient

from deployments.lost_runs import Watch, continue_lost_runs, hand_over_anew, mark_lost_runs, record_anew
from deployments.missed import ask_github_again, fill_slack_gaps
from deployments.telling import show_inbox, tell_what_waits
from tasks import clock, prefect_api, remembered, runs, slack

LOG = logging.getLogger(__name__)
EVERY = 20.0  # seconds
PATIENCE = 30.0  # seconds for a duty
Duty = Callable[[PrefectClient], Awaitable[None]]


class Sweeper:
    """Strands of duties that go on beside each other: what waits for a service that is away holds up nothing else."""

    def __init__(self, client: PrefectClient, watch: Watch | None = None) -> None:
        self._client = client
        self._watch = watch or Watch()
        self._strands: Sequence[Sequence[Duty]] = (
            (self._mark_lost_runs, continue_lost_runs, hand_over_anew, record_anew, note_sweep),
            (tell_what_waits,),
            (show_inbox,),
            (fill_slack_gaps,),
            (ask_github_again,),
        )

    async def sweep(self) -> None:
        """Goes once through everything."""
        await asyncio.gather(*(self._go_through(strand) for strand in self._strands))

    async def work(self, every: float) -> None:
        """Sweeps until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for strand in self._strands:
                group.create_task(self._go_on(strand, every))

    async def _go_on(self, strand: Sequence[Duty], every: float) -> None:
        while True:
            await self._go_through(strand)
            await clock.asleep(every)

    async def _go_through(self, strand: Sequence[Duty]) -> None:
        for duty in strand:
            try:
                with runs.acting(runs.Run("sweeper", "sweeper", "sweeper", clock.now())):
                    async with asyncio.timeout(PATIENCE):
                        await duty(self._client)
            except Exception as error:  # the next sweep tries again
                LOG.warning("%s: %s: %s", getattr(duty, "__name__", duty), type(error).__name__, error)

    async def _mark_lost_runs(self, client: PrefectClient) -> None:
        await mark_lost_runs(client, self._watch)


async def note_sweep(_: PrefectClient) -> None:
    """Notes that the sweeper is at work; the gateway's /ready tells when it is not."""
    remembered.keep(remembered.LAST_SWEEP, clock.wall().isoformat())


async def work(every: float) -> None:
    """Sweeps until it is told to stop."""
    async with slack.connected(), prefect_api.connected() as client:
        await Sweeper(client).work(every)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two sweeps")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request
    asyncio.run(work(parser.parse_args().every))
    return 0


if __name__ == "__main__":
    sys.exit(main())
