"""Waiting labels: once somebody from outside has answered, nobody waits any more.

Handbook: customer-success#create-customer-support-issue
"""

from __future__ import annotations

from itertools import chain

from prefect import flow

from policies.issue import reference
from policies.support import waiting_labels as policy
from settings import handbook
from tasks import artifacts, cases, github
from tasks.effects import EffectError

CLEAR, REVIEW = "clear-waiting-labels", "review-waiting-labels"


@flow(name=CLEAR)
async def clear_waiting_labels(comments: list[str], dry_run: bool = False) -> int:
    """Remove the waiting labels of issues that somebody from outside has commented on.

    Handbook: customer-success#create-customer-support-issue
    Owner: Customer Support Engineers
    Writes: GitHub

    1. A comment on an open issue or pull request counts if its author is no member of the organisation and no bot.
    2. Every label that begins with "+" and was there when the comment was written is removed.

    Args:
        comments: Addresses of comments on issues of the public repository.
        dry_run: Say what would be done, and do nothing.
    """
    members = github.organisation_members()

    async def act(subject: str) -> policy.Cleared:
        return _cleared(subject, members)

    done = await cases.each([_key(each) for each in comments], act)
    await artifacts.report("waiting-labels", policy.report(done))
    return len(done)


@flow(name=REVIEW)
async def review_waiting_labels(dry_run: bool = False) -> int:
    """Find waiting labels that a lost webhook has left.

    Handbook: customer-success#create-customer-support-issue
    Owner: Customer Support Engineers
    Writes: GitHub

    1. All open issues and pull requests with a label that begins with "+" are read, 100 a call.
    2. Where somebody from outside has answered since, the label is removed. One that can't be holds up no other.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    names, members = handbook(), github.organisation_members()
    prefix, bots = names.labels.waiting_prefix, names.bots.github
    labels = [label.name for label in github.fleet.labels() if label.name.startswith(prefix)]
    done, problems = list[policy.Cleared](), list[str]()
    for issue in chain(github.fleet.open_issues(labels), github.fleet.open_pull_requests(labels)):
        if comment := policy.last_from_outside(issue, members, bots):
            try:
                done.append(_remove(policy.cleared(issue, comment, members, prefix, bots)))
            except EffectError as error:
                problems.append(str(error))
    await artifacts.report("waiting-labels-review", policy.report([each for each in done if each.labels], problems))
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(done)


def _key(given: str) -> str:
    return reference(given, handbook().repositories.public, comment=True).key


def _cleared(subject: str, members: frozenset[str]) -> policy.Cleared:
    """Clears what one comment clears."""
    names = handbook()
    wanted = reference(subject, names.repositories.public, comment=True)
    issue = github.fleet.issue_or_pull_request(wanted.number)
    comment = next((each for each in issue.comments if each.id == wanted.comment), None) if issue else None
    if issue is None or comment is None:
        raise cases.NothingToDo("The comment is gone.")
    return _remove(policy.cleared(issue, comment, members, names.labels.waiting_prefix, names.bots.github))


def _remove(done: policy.Cleared) -> policy.Cleared:
    for label in done.labels:
        once = f"{CLEAR}/{done.issue.key}/{done.comment.id}/{label}"
        github.fleet.remove_label(done.issue.number, label, once=once)
    return done
