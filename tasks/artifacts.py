"""Artifacts: what a run shows a person in Prefect."""

from __future__ import annotations

from prefect.artifacts import acreate_markdown_artifact

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
