"""Decides what becomes of an escalated bug: acknowledged, on the stand-up, and gone from it on the second business day.

The states and what leads from one to the next are drawn in docs/bug_escalation.md; a test compares the two.

Handbook: customer-success#escalate-a-customer-bug-report
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, cast

from pydantic import Field

from policies.business_time import PACIFIC, Calendar, pacific_date, spoken_day
from policies.customer import Refused
from policies.events import SlackAction, slack_time
from policies.foreign_text import neutralise_markdown
from policies.handbook import Labels
from policies.issue import Issue
from policies.report import Button, Link, Mention, Report, mentions_of

Outcome = Literal["reproduced", "not reproduced"]
Details = Annotated[str, Field(json_schema_extra={"format": "textarea"})]

STAND_UP = time(8, 30)  # in Los Angeles; when the agenda is posted
REPRODUCED, NOT_REPRODUCED = "record-bug-reproduced", "record-bug-not-reproduced"
LONGEST_DETAILS = 5_000

# The roles of those who may say whether a bug was reproduced.
TEAM = ("customer_support_engineer", "customer_solutions_architect", "manager_of_support_and_solutions")

_SUBJECT = re.compile(
    r"([\w.-]+/[\w.-]+#\d+)@(\d+)/(reproduced|not reproduced)/([UW][A-Z0-9]{2,20})/(\d{1,12}\.\d{1,10})"
)
_WITHHELD = (
    "The recorded details hold a name that must not be public, and are not on the issue. Write them there without it, "
    "as a comment; the runs of record-reproduction show them."
)
_VALUE = re.compile(r"[\w.-]+/[\w.-]+#\d+@\d+")


class State(StrEnum):
    """Where a bug stands, as its labels and the calendar tell."""

    REPORTED = "reported"
    INVESTIGATED = "investigated"
    ACKNOWLEDGED = "acknowledged"
    SECOND_DAY = "second_day"
    DRAFTING = "drafting"
    TRIAGE = "triage"
    CLOSED = "closed"


# -- escalating


@dataclass(frozen=True)
class Labelling:
    """Which labels an issue gets and which it loses, as far as it isn't so already. What is added goes first."""

    add: Sequence[str]
    remove: Sequence[str]


def escalation(issue: Issue, labels: Labels) -> Labelling:
    """Gives what escalating a bug does to its labels."""
    # "Remove :incoming and :reproduce labels, and include the ~investigate label and the :help-customers label"
    return _labelling(issue, [labels.investigate, labels.help_customers], [labels.incoming, labels.reproduce])


def occasion(issue: Issue, label: str = "") -> str:
    """Gives what makes an escalation another one than those before: since when its issue is labelled as it is.

    label: one that goes; since when that has been there.
    """
    times = {name.lower(): at for name, at in issue.labels.items()}
    since = times.get(label.lower()) if label else issue.labelled_at
    return str(int((since or issue.created_at).timestamp()))


def reasons_not_to_begin(issue: str, report: object | None) -> list[str]:
    """Names what is wrong with what somebody gave: the issue, a report that is to be filed first, both or neither."""
    if bool(issue.strip()) == (report is not None):
        return ["Give either the issue, or a report that is to be filed and escalated."]
    return []


def reasons_not_to_escalate(issue: Issue | None, given: str, bug: str) -> list[str]:
    """Names what is wrong with the issue that somebody wants to escalate."""
    if issue is None:
        return [f"There is no issue {given}. Give the number of a bug, or leave it empty and fill in a report."]
    problems: list[str] = []
    if not issue.is_open:
        problems.append(f"{issue.key} is closed. Open it again first, or file a new report.")
    if not issue.has_label(bug):
        problems.append(f'{issue.key} lacks the label "{bug}". Escalate bugs only, or add the label first.')
    return problems


def _labelling(issue: Issue, add: Collection[str], remove: Collection[str]) -> Labelling:
    return Labelling(
        [each for each in add if not issue.has_label(each)], [each for each in remove if issue.has_label(each)]
    )


# -- days


def first_day(added: datetime, calendar: Calendar, *, from_stand_up: bool) -> date:
    """Gives a bug's first business day on the stand-up.

    added: when `~investigate` was added. from_stand_up: whether the day counts only if that was before the stand-up.
    """
    day = pacific_date(added)
    missed = from_stand_up and added.astimezone(PACIFIC).time() > STAND_UP
    return calendar.nth_business_day(day + timedelta(days=1) if missed else day, 1)


def second_day(first: date, calendar: Calendar) -> date:
    """Gives the business day on which a bug leaves the stand-up."""
    # "If a bug appears on stand-up for a second business day, the label is removed"
    return calendar.nth_business_day(first + timedelta(days=1), 1)


@dataclass(frozen=True)
class Bug:
    """A bug under investigation, on one day.

    added: when `~investigate` was added last; a label that is added again begins anew. first, second: business days.
    """

    issue: Issue
    added: datetime
    first: date
    second: date

    @property
    def key(self) -> str:
        """Gives the business key: the issue, and since when it is investigated."""
        return f"{self.issue.key}@{int(self.added.timestamp())}"


def bug(issue: Issue, investigate: str, calendar: Calendar, *, from_stand_up: bool) -> Bug:
    """Reads since when a bug is investigated. Where GitHub keeps that no more, the issue's own age counts."""
    times = {label.lower(): at for label, at in issue.labels.items()}
    added = times.get(investigate.lower()) or issue.created_at
    first = first_day(added, calendar, from_stand_up=from_stand_up)
    return Bug(issue, added, first, second_day(first, calendar))


def is_acknowledged(bug: Bug, managers: Collection[str]) -> bool:
    """Says whether the manager has commented since the bug is investigated.

    managers: logins in lower case.
    """
    return any(each.author.lower() in managers and each.at >= bug.added for each in bug.issue.comments)


def leaves(bug: Bug, today: date) -> bool:
    """Says whether this is a bug's second business day on the stand-up, or a later one."""
    return today >= bug.second


def state(bug: Bug, today: date, labels: Labels, managers: Collection[str]) -> State:
    """Says where a bug stands."""
    if not bug.issue.is_open:
        return State.CLOSED
    if not bug.issue.has_label(labels.investigate):
        return State.DRAFTING if bug.issue.has_label(labels.product) else _triage_or_reported(bug.issue, labels)
    if leaves(bug, today):
        return State.SECOND_DAY
    return State.ACKNOWLEDGED if is_acknowledged(bug, managers) else State.INVESTIGATED


def _triage_or_reported(issue: Issue, labels: Labels) -> State:
    both = issue.has_label(labels.incoming) and issue.has_label(labels.reproduce)
    return State.TRIAGE if both and issue.has_label(labels.help_customers) else State.REPORTED


def outcome_labels(bug: Bug, outcome: Outcome | None, labels: Labels, *, keeps_help_customers: bool) -> Labelling:
    """Gives what a bug's labels become when it leaves the stand-up; nobody knowing counts as not reproduced."""
    # "If we are able to reproduce the bug, the issue can be sent straight to the :product drafting board"
    # "the :incoming and :reproduce labels should be added back in so the bug can be triaged by the QA team"
    add = [labels.product] if outcome == "reproduced" else [labels.incoming, labels.reproduce]
    help_customers = [] if keeps_help_customers else [labels.help_customers]
    return _labelling(bug.issue, add, [labels.investigate, *help_customers])


@dataclass(frozen=True)
class Leaving:
    """A bug that leaves the stand-up: with what was found, and what its labels become.

    withheld: whether there are details that nobody outside may read.
    """

    bug: Bug
    finding: Finding | None
    labelling: Labelling
    withheld: bool = False


def leaving(bug: Bug, finding: Finding | None, labels: Labels, *, keeps_help_customers: bool) -> Leaving:
    """Decides with which labels a bug leaves the stand-up."""
    outcome = finding.outcome if finding else None
    wanted = outcome_labels(bug, outcome, labels, keeps_help_customers=keeps_help_customers)
    return Leaving(bug, finding, wanted)


def without_details(each: Leaving) -> Leaving:
    """Takes out details that name a customer: the bug goes on without them."""
    return replace(each, finding=replace(each.finding, details="") if each.finding else None, withheld=True)


def withheld(bug: Bug) -> str:
    """Words what the team must do about details that were left out."""
    return f"{bug.issue.key}: {_WITHHELD}"


# -- what was found


@dataclass(frozen=True)
class Finding:
    """What somebody recorded. details: logs, steps and what else belongs on the issue, which anybody can read."""

    outcome: Outcome
    by: str
    details: str = ""


def finding_of(decision: str, by: str, shown: str) -> Finding:
    """Reads what was recorded."""
    return Finding("reproduced" if decision == "reproduced" else "not reproduced", by, shown)


def gathered(said: Sequence[Finding]) -> Finding | None:
    """Gives what is known of a bug: what was said last counts, and all details belong on the issue.

    said: in the order in which it was said.
    """
    if not said:
        return None
    details = dict.fromkeys(each.details for each in said if each.details)
    return replace(said[-1], details="\n\n".join(details))


def finding_kept(finding: Finding | None) -> str:
    """Gives a finding as text."""
    return json.dumps(asdict(finding) if finding else None)


def finding_read(kept: str) -> Finding | None:
    """Reads a finding that was kept."""
    found = json.loads(kept)
    return Finding(**found) if found else None


@dataclass(frozen=True)
class Press:
    """A press of one of the two buttons."""

    issue: str  # its key
    outcome: Outcome
    user: str
    at: datetime


def is_press(action: SlackAction) -> bool:
    """Says whether a button of ours was pressed that says how a reproduction went."""
    return action.action in {REPRODUCED, NOT_REPRODUCED}


def reasons_to_ignore(action: SlackAction) -> list[str]:
    """Says why a press does nothing."""
    return [] if _VALUE.fullmatch(action.value) else ["The button's value is none of ours."]


def press_subject(action: SlackAction) -> str:
    """Gives the subject of a press: what was said of which bug, by whom, when."""
    outcome: Outcome = "reproduced" if action.action == REPRODUCED else "not reproduced"
    return f"{action.value}/{outcome}/{action.user}/{action.action_ts}"


def press(subject: str) -> Press:
    """Reads a press from its subject.

    Raises:
        Refused
    """
    if not (found := _SUBJECT.fullmatch(subject)):
        raise Refused(f'"{subject}" is no press of a button. Leave it empty; Slack fills it in.')
    return Press(found[1], cast(Outcome, found[3]), found[4], slack_time(found[5]))


def reasons_not_to_record(bug: Issue | None, given: str, investigate: str, details: str) -> list[str]:
    """Names what is wrong with what somebody wants to record."""
    problems: list[str] = []
    if bug is None:
        problems.append(f"There is no issue {given}. Give the number of a bug under investigation.")
    elif not bug.is_open:
        problems.append(f"{bug.key} is closed. There is nothing to record.")
    elif not bug.has_label(investigate):
        problems.append(
            f'{bug.key} does not have the label "{investigate}": it has left the stand-up, or was never on it. '
            "Comment on the issue instead, or escalate it again."
        )
    if len(details) > LONGEST_DETAILS:
        problems.append(f"The details have {len(details)} characters; {LONGEST_DETAILS} fit. Attach a file in GitHub.")
    return problems


# -- what is written on the issue


def acknowledgement(bug: Bug, handle: str) -> str:
    """Words the manager's acknowledgement.

    handle: the manager's, in GitHub.
    """
    # "The Manager of CSE/CSA will acknowledge the bug report with a comment in the issue"
    return (
        f"Acknowledged by @{handle}, Manager of Customer Support and Solutions Architecture. It is on the customer "
        f"success stand-up of {spoken_day(bug.first)}, and is investigated until {spoken_day(bug.second)}."
    )


def details_comment(bug: Bug, finding: Finding | None, labels: Labels, *, withheld: bool = False) -> str:
    """Words what the issue reads when it leaves the stand-up."""
    # "Any available logs, reproduction steps, and details are updated on the issue"
    to_qa = f"It goes to QA for triage (`{labels.incoming}`, `{labels.reproduce}`)."
    match finding:
        case Finding(outcome="reproduced"):
            said = f"We have reproduced it. It goes to the drafting board (`{labels.product}`)."
        case Finding():
            said = f"We have not been able to reproduce it. {to_qa}"
        case None:
            said = f"It is not known whether it can be reproduced. {to_qa}"
    begun = f"Investigated from {spoken_day(bug.first)} to {spoken_day(bug.second)}. {said}"
    if withheld:
        return f"{begun} Details were recorded that can't be shown here; customer support has them."
    if finding and finding.details:
        return f"{begun}\n\n**Logs, reproduction steps and details**\n\n{neutralise_markdown(finding.details)}"
    return f"{begun} No further logs, steps or details were recorded."


# -- what Slack reads


def question(bug: Bug, found: Finding | None = None) -> Report:
    """Words the question whether a bug was reproduced, or what was answered. It changes with the answer only."""
    if found:
        who = mentions_of(found.by)
        said = f"{found.outcome.capitalize()}." + ("" if who else f" Recorded by {found.by}.")
    else:
        who, said = [], "Nobody has said yet whether it can be reproduced."
    return Report(
        f"Bug under investigation: {bug.issue.key}",
        [
            said,
            f"It leaves the stand-up on {spoken_day(bug.second)}: reproduced, it goes to the drafting board; otherwise "
            "to QA. Logs and steps go onto the issue with the form record-reproduction.",
        ],
        ("Bug", "For"),
        [(Link(bug.issue.title.reveal(), bug.issue.url), ", ".join(bug.issue.codenames))],
        mentions=who,
        buttons=_buttons(bug.key),
    )


def _buttons(key: str) -> list[Button]:
    return [Button("Reproduced", REPRODUCED, key, "primary"), Button("Not reproduced", NOT_REPRODUCED, key)]


def left(key: str, url: str, found: Finding | None, *, withheld: bool) -> Report:
    """Words what stands in the place of the question once nothing more is recorded of a bug.

    withheld: whether there are details that nobody outside may read.
    """
    issue = key.partition("@")[0]
    said = [f"It was recorded as {found.outcome}." if found else "Nobody has said whether it can be reproduced."]
    said += [_WITHHELD] if withheld else []
    said.append("Comment on the issue if there is more to say, or escalate it again.")
    return Report(f"No longer on the stand-up: {issue}", said, ("Bug",), [(Link(issue, url),)])


def not_recorded(problems: Sequence[str]) -> Report:
    """Words what somebody reads whose answer can't be recorded."""
    return Report("That can't be recorded", problems)


def only_the_team() -> Report:
    """Words what anybody else reads who presses a button."""
    return Report("Only the team can record this", ["This is for customer support engineers and solutions architects."])


@dataclass(frozen=True)
class AgendaItem:
    """A bug on the stand-up's agenda, as it was when the agenda was made."""

    issue: str
    title: str
    url: str
    customers: str
    day: str  # "first day" or "leaves today"
    outcome: str
    key: str = ""  # the bug's

    @property
    def is_asked_about(self) -> bool:
        """Says whether an answer is still of use. What leaves today has left once the agenda is read."""
        return bool(self.key) and self.day == "first day" and self.outcome == "unknown"


def agenda_items(bugs: Sequence[Bug], findings: Mapping[str, Finding], today: date) -> list[AgendaItem]:
    """Gives the agenda: those that leave today first, then the oldest first.

    findings: what was recorded, by the bug's key.
    """
    return [
        AgendaItem(
            each.issue.key,
            each.issue.title.reveal(),
            each.issue.url,
            ", ".join(each.issue.codenames),
            "leaves today" if leaves(each, today) else "first day",
            findings[each.key].outcome if each.key in findings else "unknown",
            each.key,
        )
        for each in sorted(bugs, key=lambda each: (not leaves(each, today), each.added, each.issue.number))
    ]


def with_outcomes(items: Sequence[AgendaItem], findings: Mapping[str, Finding]) -> list[AgendaItem]:
    """Gives an agenda with what has been recorded since."""
    return [replace(each, outcome=findings[each.key].outcome) if each.key in findings else each for each in items]


def kept(items: Sequence[AgendaItem]) -> str:
    """Gives an agenda as text, so that a second run says the same."""
    return json.dumps([asdict(each) for each in items])


def read(agenda: str) -> list[AgendaItem]:
    """Reads an agenda that was kept."""
    return [AgendaItem(**each) for each in json.loads(agenda)]


def agenda(items: Sequence[AgendaItem], today: date, manager: str) -> Report:
    """Words the stand-up's agenda.

    manager: their id in Slack.
    """
    # "All suspected bug reports with the ~investigate label are reviewed on the :help-customers stand-up daily"
    rows = [(Link(f"{each.issue}: {each.title}", each.url), each.customers, each.day, each.outcome) for each in items]
    leaving = sum(each.day == "leaves today" for each in items)
    return Report(
        f"Stand-up of {spoken_day(today)}: bugs under investigation",
        [f"{len(items)} on the agenda, {leaving} of them for the second business day: these leave it now."],
        ("Bug", "For", "Day", "Reproduced"),
        rows,
        mentions=[Mention(manager)] if manager else [],
        row_buttons=[_buttons(each.key) if each.is_asked_about else [] for each in items],
    )


# -- what the runs show


def closed_today(day: date, why: str) -> Report:
    """Words why there is no stand-up on a day."""
    return Report("No stand-up today", [f"{spoken_day(day)} is no business day ({why})."])


def would_escalate(labels: Labels) -> Report:
    """Words what a dry run shows of a report that isn't filed yet."""
    swapped = f"+ {labels.investigate}, + {labels.help_customers}, - {labels.incoming}, - {labels.reproduce}"
    return Report("Escalated", [f"The new issue's labels would be changed: {swapped}. The team would be asked."])


def escalated(bug: Bug, done: Labelling, not_told: str = "") -> Report:
    """Words what an escalation shows. not_told: why the customer does not have the link to what was filed."""
    changed = [*(f"+ {each}" for each in done.add), *(f"- {each}" for each in done.remove)]
    said = [
        f"On the stand-up since {spoken_day(bug.first)}; it leaves on {spoken_day(bug.second)}.",
        f"Labels: {', '.join(changed)}." if changed else "Its labels were as they should be.",
    ]
    if not_told:
        said.append(f"The customer does not have the link: {not_told} Give them the link by hand: {bug.issue.url}")
    return Report(
        "Escalated",
        said,
        ("Bug", "For"),
        [(Link(bug.issue.key, bug.issue.url), ", ".join(bug.issue.codenames))],
    )


def reviewed(items: Sequence[AgendaItem], problems: Sequence[str]) -> Report:
    """Words what the review shows."""
    said = [f"{len(items)} bugs are under investigation." if items else "No bug is under investigation."]
    said += [f"{len(problems)} changes failed; the next run does them:", *problems] if problems else []
    rows = [(Link(each.issue, each.url), each.customers, each.day, each.outcome) for each in items]
    return Report("Escalated bugs", said, ("Bug", "For", "Day", "Reproduced"), rows)


def recorded(issue: Issue, finding: Finding) -> Report:
    """Words what a recording shows."""
    rows = [(Link(issue.key, issue.url), finding.outcome, finding.by, "yes" if finding.details else "no")]
    return Report("Recorded", ["The next review uses it."], ("Bug", "Outcome", "By", "With details"), rows)
