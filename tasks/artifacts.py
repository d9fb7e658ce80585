"""Artifacts: what a run shows a person in Prefect."""

from __future__ import annotations

from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_progress_artifact, aupdate_progress_artifact

from policies.report import Link, Report, markdown_table
from tasks import runs


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


class Progress:
    """How far something has come. It shows on the run's page once it takes more than one step."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown: UUID | None = None

    async def up_to(self, done: int, total: int) -> None:
        """Shows that so many of so many are done."""
        percent, told = (min(100.0, 100.0 * done / total) if total else 100.0), f"{self._what}: {done} of {total}"
        if self._shown:
            await aupdate_progress_artifact(self._shown, percent, description=told)
        elif done < total and runs.in_prefect():
            self._shown = await acreate_progress_artifact(percent, description=told)
