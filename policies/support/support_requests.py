"""Decides what becomes of a request to customer success: announced, due, urgent, answered, reminded.

Handbook: customer-success#contact-us
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from policies.business_time import Calendar, pacific_date, spoken_clock, spoken_day, spoken_time
from policies.events import IssueOpened
from policies.issue import Comment, Issue, is_bot
from policies.report import Link, Mention, Report

# "create an issue and a team member will get back to you within one business day"
BUSINESS_DAYS = 1
NEARLY = timedelta(hours=2)  # of business time left, when the owner is reminded

# The roles of the team of customer success; answers of others don't count.
TEAM = (
    "vp_of_customer_success",
    "manager_of_support_and_solutions",
    "customer_success_manager",
    "customer_support_engineer",
    "customer_solutions_architect",
    "infrastructure_engineer",
)

_URGENT = re.compile(r"\b(urgent(?:ly)?|asap|emergency|right away|blocker|critical)\b", re.IGNORECASE)
_NOT_URGENT = re.compile(
    r"\b(?:not|isn't|is not|non|nothing|no)[\s-]+(?:\w+\s+)?(?:urgent|emergency|critical|blocker)\b", re.IGNORECASE
)

State = Literal["answered", "in time", "due soon", "overdue"]


def reasons_to_do_nothing(event: IssueOpened, repository: str, label: str, bots: Sequence[str]) -> list[str]:
    """Says why an issue that is new, or got a label, is no new request to customer success."""
    reasons: list[str] = []
    if event.repository.lower() != repository.lower():
        reasons.append(f"It is in {event.repository}.")
    if label.lower() not in {each.lower() for each in event.labels}:
        reasons.append(f'It lacks the label "{label}".')
    if event.put_on and event.put_on.lower() != label.lower():
        reasons.append(f'Another label was put on it ("{event.put_on}").')
    if event.author_is_bot or is_bot(event.author, bots):
        reasons.append("A bot opened it.")
    return reasons


def is_urgent(issue: Issue) -> bool:
    """Says whether a request calls itself urgent, in its title or body, without saying that it isn't."""
    # "If urgent, mention a team member in the #help-customers"
    return says_urgent(f"{issue.title.reveal()}\n{issue.body.reveal()}")


def says_urgent(text: str) -> bool:
    """Says whether somebody's words call something urgent, without saying that it isn't."""
    return _URGENT.search(_NOT_URGENT.sub("", text)) is not None


def due_by(issue: Issue, calendar: Calendar) -> datetime:
    """Gives when a request must be answered, in UTC."""
    return calendar.due_by(issue.created_at, BUSINESS_DAYS * calendar.business_day)


def answer(issue: Issue, team: Collection[str], bots: Sequence[str]) -> Comment | None:
    """Gives the first answer by a team member; bots and the one who asks don't count.

    team: logins in lower case.
    """
    answers = (
        each
        for each in issue.comments
        if each.author.lower() in team
        and each.author.lower() != issue.author.lower()
        and not each.is_bot
        and not is_bot(each.author, bots)
    )
    return min(answers, key=lambda each: each.at, default=None)


@dataclass(frozen=True)
class Request:
    """A request and how it stands."""

    issue: Issue
    due: datetime
    age: timedelta  # of business time
    state: State

    @property
    def owner(self) -> str:
        """Gives who it is assigned to, "" when nobody is."""
        return self.issue.assignees[0] if self.issue.assignees else ""


def standing(issue: Issue, team: Collection[str], bots: Sequence[str], now: datetime, calendar: Calendar) -> Request:
    """Says how a request stands now."""
    due = due_by(issue, calendar)
    age = calendar.business_time_between(issue.created_at, now)
    if answer(issue, team, bots):
        return Request(issue, due, age, "answered")
    if now > due:
        return Request(issue, due, age, "overdue")
    left = calendar.business_time_between(now, due)
    return Request(issue, due, age, "due soon" if left <= NEARLY else "in time")


def announcement(issue: Issue, now: datetime, calendar: Calendar, team: Mapping[str, str]) -> Report:
    """Words what the customer success channel reads; the title stays in the issue, it may hold a name.

    team: the Slack id of each who is mentioned when it is urgent, by handle; "" where handbook.toml has none.
    """
    urgent, due = is_urgent(issue), due_by(issue, calendar)
    mentioned: Mapping[str, str] = team if urgent else {}
    if now <= due:
        kind, told = "New request", f"An answer is due by {spoken_time(due)}."
    else:
        kind, told = "Request", f"An answer is overdue since {_with_year(due, now)}."
    return Report(
        f"{'Urgent request' if urgent else kind} to customer success",
        [f"From {issue.author}. {told}", *_to_fill_in(mentioned)],
        ("Request",),
        [(Link(issue.key, issue.url),)],
        mentions=_mentions(mentioned),
    )


def _with_year(at: datetime, now: datetime) -> str:
    """Says when, with the year where it is another than now."""
    day = pacific_date(at)
    return spoken_time(at) if day.year == now.year else f"{spoken_day(day)}, {day.year}, {spoken_clock(at)}"


def _mentions(people: Mapping[str, str]) -> list[Mention]:
    return [Mention(each) for each in people.values() if each]


def _to_fill_in(people: Mapping[str, str]) -> list[str]:
    """Says who can't be mentioned, and what to do about it."""
    missing = [f"people.{handle}.slack" for handle, slack in people.items() if not slack]
    return [f"To have everybody mentioned, fill in {' and '.join(missing)} in handbook.toml."] if missing else []


def reminder(request: Request, people: Mapping[str, str], team: Mapping[str, str]) -> Report:
    """Words what the owner is reminded of; without one who can be mentioned, the team.

    people, team: Slack ids by handle, "" where handbook.toml has none.
    """
    late = request.state == "overdue"
    when = f"was due {spoken_time(request.due)}" if late else f"is due {spoken_time(request.due)}"
    owner = {handle: slack for handle, slack in people.items() if handle.lower() == request.owner.lower()}
    mentioned = owner if any(owner.values()) else team
    who = request.owner or "Nobody"
    return Report(
        "A request is overdue" if late else "A request is due soon",
        [
            f"{who} is assigned. No team member has answered yet; an answer {when}.",
            *_to_fill_in({**owner, **mentioned}),
        ],
        ("Request",),
        [(Link(request.issue.key, request.issue.url),)],
        mentions=_mentions(mentioned),
    )


def triaged(issues: Sequence[Issue], calendar: Calendar) -> Report:
    """Words what the run shows, by number and link only."""
    rows = [
        (Link(each.key, each.url), "yes" if is_urgent(each) else "no", spoken_time(due_by(each, calendar)))
        for each in issues
    ]
    return Report("Requests announced", [f"{len(rows)} announced."], ("Request", "Urgent", "Due"), rows)


def closed_today(day: str, holiday: str) -> Report:
    """Words why there is no review on a day."""
    return Report("No review today", [f"{day} is no business day{f' ({holiday})' if holiday else ''}."])


def reviewed(requests: Sequence[Request]) -> Report:
    """Words what the run shows: each open request without an answer, the one that is due first at the top."""
    open_ones = sorted((each for each in requests if each.state != "answered"), key=lambda each: each.due)
    rows = [
        (
            Link(each.issue.key, each.issue.url),
            each.owner or "nobody",
            f"{each.age.total_seconds() / 3600:.1f} h",
            spoken_time(each.due),
            each.state,
        )
        for each in open_ones
    ]
    answered = len(requests) - len(open_ones)
    told = f"{len(open_ones)} wait for an answer, {answered} have one."
    return Report("Requests to customer success", [told], ("Request", "Owner", "Business hours", "Due", "State"), rows)
