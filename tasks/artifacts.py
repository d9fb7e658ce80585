"""Artifacts: what a run shows a person in Prefect."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from uuid import UUID

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    aupdate_progress_artifact,
)

from policies.attainment import Week, summed
from policies.report import Link, Report, markdown_table
from tasks import clock, plots, remembered, runs

PROGRESS_EVERY = 2.0  # seconds; each time is a call of Prefect's API


async def report(key: str, shown: Report) -> None:
    """Writes a report as the run's artifact, followed by each effect with its link.

    key: lower-case letters, digits and dashes; Prefect keeps the artifact's history under it.
    """
    run = runs.current()
    effects = [(each.outcome, each.service, each.action, Link(each.target, each.url)) for each in run.outcomes]
    parts = [shown.markdown()]
    if run.dry_run:
        parts.insert(0, "**Dry run: nothing was done.** Below is what would be.")
    if effects:
        parts.append("## Effects\n\n" + markdown_table(("Outcome", "Service", "Effect", "On"), effects))
    if runs.in_prefect():
        await acreate_markdown_artifact("\n\n".join(parts), key=key, description=shown.title)


async def attainment(key: str, title: str, weeks: Sequence[Week]) -> None:
    """Shows a plot of the share answered in time, where it differs from the last one under the same key.

    key: as for `report`. A sweep runs every few minutes; a plot each time would fill Prefect's database.
    """
    name, drawn = f"plot {key}", f"{title}: {weeks}"
    if not runs.in_prefect() or remembered.read(name) == drawn:
        return
    png = base64.b64encode(plots.shares(title, weeks)).decode()
    # The image travels in its address: the UI shows it without a server to fetch it from.
    await acreate_image_artifact(f"data:image/png;base64,{png}", key=key, description=f"{title}. {summed(weeks)}")
    if not runs.current().dry_run:
        remembered.keep(name, drawn)


def link(key: str) -> str:
    """Gives the address of what was reported last under a key, with all that came before."""
    from prefect.settings import PREFECT_UI_URL

    return f"{PREFECT_UI_URL.value() or ''}/artifacts/key/{key}"


class Progress:
    """How far something has come. It shows on the run's page once it takes longer than a few seconds."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown: UUID | None = None
        self._told = clock.monotonic()

    async def up_to(self, done: int, total: int) -> None:
        """Shows that so many of so many are done, every few seconds and at the end."""
        is_end, now = done >= total and self._shown is not None, clock.monotonic()
        if now - self._told < PROGRESS_EVERY and not is_end:
            return
        self._told = now
        percent, told = (min(100.0, 100.0 * done / total) if total else 100.0), f"{self._what}: {done} of {total}"
        if self._shown:
            await aupdate_progress_artifact(self._shown, percent, description=told)
        elif done < total and runs.in_prefect():
            self._shown = await acreate_progress_artifact(percent, description=told)
