"""Decides which details a bug report still lacks, and how its reporter is asked for them.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies import bug
from policies.issue import MARK, Issue, is_from_outside
from policies.report import Link, Report

LOOKS_BACK = timedelta(days=14)  # older reports have been triaged, or asked about by somebody


@dataclass(frozen=True)
class Request:
    """What a report still lacks."""

    issue: Issue
    required: Sequence[str]
    wanted: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Says whether nothing is to be asked for."""
        return not self.required and not self.wanted

    @property
    def digest(self) -> str:
        """Gives a short name of the list: another list is another question."""
        return hashlib.sha256("\n".join([*self.required, "", *self.wanted]).encode()).hexdigest()[:12]


def request(issue: Issue, *, also_wanted: bool = False) -> Request:
    """Gives what an issue's text and its reporter's comments lack.

    also_wanted: whether to ask for what is nice to have too.
    """
    # "Include additional details that are nice to have but not required. These may be requested by Fleet engineering
    # as needed"
    body, more = issue.body.reveal(), "\n\n".join(_by_the_reporter(issue))
    return Request(issue, bug.missing(body, more), bug.still_wanted(f"{body}\n\n{more}") if also_wanted else [])


def _by_the_reporter(issue: Issue) -> list[str]:
    """Gives the comments of who has reported it; without our own, when that was we."""
    texts = (each.text.reveal() for each in issue.comments if each.author.lower() == issue.author.lower())
    return [text for text in texts if MARK not in text]


def reasons_not_to_ask(issue: Issue | None, given: str) -> list[str]:
    """Names what is wrong with the issue that a customer is to be asked about."""
    if issue is None:
        return [f"There is no issue {given}. Give the number or the address of a bug report."]
    return [] if issue.is_open else [f"{issue.key} is closed. Open it again, or leave it."]


def is_from_the_community(
    issue: Issue, members: Collection[str], bots: Sequence[str], codename: bool, now: datetime
) -> bool:
    """Says whether a bug was reported lately by somebody from outside, for no customer of ours.

    members: logins in lower case. codename: whether a customer's codename is on it; that customer is asked in Slack.
    """
    from_outside = is_from_outside(issue.author, issue.author_is_bot, members, bots)
    return from_outside and not codename and now - issue.created_at <= LOOKS_BACK


def comment(asked: Request) -> str:
    """Words what a reporter from the community reads."""
    lines = "\n".join(f"- {each}" for each in asked.required)
    return (
        "Thank you for the report. These details will help us to find the cause sooner. Please add them by editing the "
        f"description, or in a comment:\n\n{lines}"
    )


def question(asked: Request, wanted_by: str) -> Report:
    """Words what a customer reads in Slack.

    wanted_by: who asks for what is nice to have, "Fleet engineering" or "Fleet support".
    """
    said = ["These details help us to find the cause sooner. Please write here what you can find out."]
    if asked.required:
        said.append("We need:\n" + "\n".join(f"• {each}" for each in asked.required))
    if asked.wanted:
        said.append(f"{wanted_by} would like to know, too:\n" + "\n".join(f"• {each}" for each in asked.wanted))
    return Report("Details for your bug report", said, ("Issue",), [(Link(asked.issue.key, asked.issue.url),)])


def asked_for(asked: Request) -> Report:
    """Words what the run shows."""
    said = ["The report has every detail."] if asked.is_empty else ["The customer has been asked for these."]
    rows = [(each, "required") for each in asked.required] + [(each, "nice to have") for each in asked.wanted]
    return Report(f"Details of {asked.issue.key}", [*said, asked.issue.url], ("Detail", ""), rows)


def reviewed(number: int, asked: Sequence[Request], problems: Sequence[str]) -> Report:
    """Words what the review shows."""
    said = [f"{number} reports of the last {LOOKS_BACK.days} days come from the community, {len(asked)} lack details."]
    said += ["Failed; the next run does them:", *problems] if problems else []
    rows = [(Link(each.issue.key, each.issue.url), each.issue.author, ", ".join(each.required)) for each in asked]
    return Report("Bug reports of the community", said, ("Issue", "By", "Missing"), rows)
