"""Rituals: an issue for each cycle of those that make one.

Handbook: customer-success#rituals
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from prefect import flow

from policies.business_time import pacific_date
from policies.team import rituals as policy
from settings import handbook
from tasks import artifacts, cases, github, known_names, ledger, remembered, rituals_file, runs

CREATE = "create-ritual-issues"
LAST_LOOK = f"{CREATE}, last look"
NAME = 120  # characters of what is remembered


@flow(name=CREATE)
async def create_ritual_issues(dry_run: bool = False) -> int:
    """Make the issues of today's rituals.

    Handbook: customer-success#rituals
    Owner: VP of Customer Success
    Writes: GitHub

    1. The file of rituals is read and checked: frequencies, people, labels, each mistake with its line.
    2. For each ritual with "autoIssue" whose cycle begins today, an issue is made, once a cycle.
    3. A cycle that came round while nothing ran is made up for; one that somebody made by hand is left alone.
    4. One whose issue can't be made holds up no other, and is tried again the next day.
    5. The rituals of the next six weeks are shown.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    today, found, looked = pacific_date(runs.current().at), _rituals(), remembered.below(LAST_LOOK)
    made, failed = _make_what_is_due(found, looked, today)
    if not dry_run:
        _keep(looked | {LAST_LOOK: today.isoformat()})
    await artifacts.report("rituals", policy.calendar(found, made, today, {task: str(failed[task]) for task in failed}))
    cases.assert_settled(failed)
    return sum(bool(each.url) for each in made)


def _make_what_is_due(
    found: list[policy.Ritual], looked: dict[str, str], today: date
) -> tuple[list[policy.Made], dict[str, Exception]]:
    """Makes the issues that are due. Gives them, and what failed by task.

    looked: the days of the last looks; noted in it is who is to be looked at again.
    """
    made, failed = list[policy.Made](), dict[str, Exception]()
    for ritual in found:
        last = looked.get(_missed(ritual)) or looked.get(LAST_LOOK)
        cycle = policy.cycle_to_make(ritual, date.fromisoformat(last) if last else None, today)
        if ritual.auto_issue and cycle:
            try:
                made.append(policy.Made(ritual, cycle, _make(ritual, cycle)))
            except Exception as error:  # the others go on; the flow raises it
                failed[ritual.task] = error
                looked[_missed(ritual)] = (cycle - timedelta(days=1)).isoformat()
            else:
                looked.pop(_missed(ritual), None)
    return made, failed


def _missed(ritual: policy.Ritual) -> str:
    """Names the day before a cycle whose issue could not be made: for this ritual, nobody has looked since."""
    return f"{LAST_LOOK}/{ritual.key}"[:NAME]


def _keep(looked: Mapping[str, str]) -> None:
    remembered.forget([name for name in remembered.below(LAST_LOOK) if name not in looked])
    for name, day in looked.items():
        remembered.keep(name, day)


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
    tried = ledger.rows(keys=[once])
    if tried and tried[0].state == ledger.State.DONE:  # whatever the file says by now
        return tried[0].made_url or ""
    if not tried and _is_made_by_hand(ritual, cycle, wanted):
        return ""
    if wanted.repo == "fleet":
        title, body = known_names.public(ritual.task), known_names.public(policy.body(ritual))
        return github.fleet.create_issue(title, body, wanted.labels, once=once, assignees=[ritual.dri]).url
    title, body = policy.confidential_texts(ritual)
    return github.confidential.create_issue(title, body, wanted.labels, once=once, assignees=[ritual.dri]).url


def _is_made_by_hand(ritual: policy.Ritual, cycle: date, wanted: policy.AutoIssue) -> bool:
    issues = list(_repositories()[wanted.repo].open_issues(wanted.labels))
    return policy.is_made_by_hand(ritual, cycle, issues)
