"""Decides which waiting labels a comment clears: those with a "+" in front, when somebody from outside has answered.

Handbook: customer-success#create-customer-support-issue
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from policies.events import IssueComment
from policies.issue import Comment, Issue, is_bot, is_from_outside
from policies.report import Link, Report

OURS = {"MEMBER", "OWNER"}  # what GitHub calls people of the organisation


def reasons_to_do_nothing(event: IssueComment, repository: str, prefix: str, bots: Sequence[str]) -> list[str]:
    """Says why a comment clears nothing, as far as the event tells by itself."""
    reasons: list[str] = []
    if event.repository.lower() != repository.lower():
        reasons.append(f"It is in {event.repository}.")
    if event.author_is_bot or is_bot(event.author, bots):
        reasons.append("A bot wrote the comment.")
    if event.association in OURS:
        reasons.append("A member of the organisation wrote the comment.")
    if not event.is_open:
        reasons.append("The issue is closed.")
    if not any(label.startswith(prefix) for label in event.labels):
        reasons.append(f'No label begins with "{prefix}".')
    return reasons


@dataclass(frozen=True)
class Cleared:
    """The labels that a comment clears."""

    issue: Issue
    comment: Comment
    labels: Sequence[str]


def cleared(issue: Issue, comment: Comment, members: Collection[str], prefix: str, bots: Sequence[str]) -> Cleared:
    """Gives the labels that a comment clears: none for a member, a bot or a closed issue.

    members: the logins of the organisation, in lower case. A label that was added after the comment stays: somebody
    waits for something else since.
    """
    # "indicate we are waiting on an answer from an external community member who does not work at Fleet"
    if not (issue.is_open and is_from_outside(comment.author, comment.is_bot, members, bots)):
        return Cleared(issue, comment, [])
    waiting = [(label, added) for label, added in issue.labels.items() if label.startswith(prefix)]
    return Cleared(issue, comment, [label for label, added in waiting if added is None or added <= comment.at])


def last_from_outside(issue: Issue, members: Collection[str], bots: Sequence[str]) -> Comment | None:
    """Gives the newest comment of somebody from outside."""
    outside = [each for each in issue.comments if is_from_outside(each.author, each.is_bot, members, bots)]
    return max(outside, key=lambda each: each.at, default=None)


def report(done: Sequence[Cleared], problems: Sequence[str] = ()) -> Report:
    """Words what the run shows. problems: what could not be removed, a sentence each."""
    rows = [
        (Link(each.issue.key, each.issue.url), ", ".join(each.labels) or "none", str(each.comment.id)) for each in done
    ]
    number = sum(len(each.labels) for each in done)
    return Report(
        "Waiting labels",
        [
            f"{number} labels removed: somebody from outside has answered."
            if number
            else "No label had to be removed.",
            *problems,
        ],
        ("Issue", "Labels removed", "Comment"),
        rows,
    )
