"""Rituals: an issue for each cycle of those that make one.

Handbook: customer-success#rituals
"""

from __future__ import annotations

from datetime import date

from prefect import flow

from policies.business_time import pacific_date
from policies.team import rituals as policy
from settings import handbook
from tasks import artifacts, github, known_names, ledger, remembered, rituals_file, runs

CREATE = "create-ritual-issues"
LAST_LOOK = f"{CREATE}, last look"


@flow(name=CREATE)
async def create_ritual_issues(dry_run: bool = False) -> int:
    """Make the issues of today's rituals.

    Handbook: customer-success#rituals
    Owner: VP of Customer Success
    Writes: GitHub

    1. The file of rituals is read and checked: frequencies, people, labels, each mistake with its line.
    2. For each ritual with "autoIssue" whose cycle begins today, an issue is made, once a cycle.
    3. A cycle that came round while nothing ran is made up for; one that somebody made by hand is left alone.
    4. The rituals of the next six weeks are shown.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    today, found, looked = pacific_date(runs.current().at), _rituals(), remembered.read(LAST_LOOK)
    last = date.fromisoformat(looked) if looked else None
    due = [(each, cycle) for each in found if each.auto_issue and (cycle := policy.cycle_to_make(each, last, today))]
    made = [policy.Made(each, cycle, _make(each, cycle)) for each, cycle in due]
    if not dry_run:
        remembered.keep(LAST_LOOK, today.isoformat())
    await artifacts.report("rituals", policy.calendar(found, made, today))
    return sum(bool(each.url) for each in made)


def _rituals() -> list[policy.Ritual]:
    path = handbook().chosen("rituals_file")
    people = github.organisation_members() | {handle.lower() for handle in handbook().people}
    return policy.rituals(rituals_file.entries(path), path, people, _labels())


def _labels() -> dict[policy.Repository, set[str]]:
    return {name: {each.name.lower() for each in where.labels()} for name, where in _repositories().items()}


def _repositories() -> dict[policy.Repository, github.Repository]:
    return {"fleet": github.fleet, "confidential": github.confidential}


def _make(ritual: policy.Ritual, cycle: date) -> str:
    """Makes a cycle's issue. Gives its address, "" when somebody has made it by hand."""
    wanted, once = ritual.auto_issue, f"{CREATE}/{ritual.key}/{cycle}"
    assert wanted
    if not ledger.rows(keys=[once]) and _is_made_by_hand(ritual, cycle, wanted):
        return ""
    if wanted.repo == "fleet":
        title, body = known_names.public(ritual.task), known_names.public(policy.body(ritual))
        return github.fleet.create_issue(title, body, wanted.labels, once=once, assignees=[ritual.dri]).url
    title, body = policy.confidential_texts(ritual)
    return github.confidential.create_issue(title, body, wanted.labels, once=once, assignees=[ritual.dri]).url


def _is_made_by_hand(ritual: policy.Ritual, cycle: date, wanted: policy.AutoIssue) -> bool:
    issues = list(_repositories()[wanted.repo].open_issues(wanted.labels))
    return policy.is_made_by_hand(ritual, cycle, issues)
