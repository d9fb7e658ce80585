"""Decides when a bug is investigated, what a customer is asked for, and whom it is handed over to.

Handbook: customer-success#timebox-an-investigation
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.appointment import Appointment, Call
from policies.business_time import PACIFIC, Calendar, Interval, spoken_time
from policies.customer import Refused
from policies.free_time import Slot, first_free
from policies.handbook import Person
from policies.issue import Issue
from policies.report import Cell, Link, Mention, Report
from policies.support.bug_escalation import STAND_UP, Bug
from policies.support.developer_on_call import (
    CHANNEL,
    LONGEST_TEXT,
    Question,
    bad_author,
    bad_text,
    called,
    person,
)
from policies.support.out_of_hours import message_key

# "Block time on your calendar (maximum 1 hour at a time) to dig into the issue further."
LONGEST_BLOCK = 60  # minutes
SHORTEST_BLOCK = 15
BREAK = timedelta(minutes=15)  # between two blocks, or they would be one that is longer
CALL = 30  # minutes
NOTICE = timedelta(hours=1)  # before a call, so that the customer can be reached

# "Escalate to other CSE's or CSA's."
COLLEAGUES = ("customer_support_engineer", "customer_solutions_architect")
MANAGER = "customer_success_manager"

Log = Literal["server", "agent", "debug archive", "browser"]

# Where each is, in words for a customer; the paths are those of fleetdm.com/docs, "Finding fleetd logs".
LOGS: Mapping[Log, tuple[str, str]] = {
    "server": ("Logs of the Fleet server", "From ten minutes before it happened until ten minutes after."),
    "agent": (
        "Logs of fleetd, of a host that shows it",
        "macOS: /private/var/log/orbit/orbit.stdout.log and orbit.stderr.log. Windows: "
        r"C:\Windows\system32\config\systemprofile\AppData\Local\FleetDM\Orbit\Logs\orbit-osquery.log. "
        "Linux: /var/log/syslog or /var/log/messages, or the output of journalctl -u orbit.",
    ),
    "debug archive": (
        "The output of fleetctl debug archive",
        "Run it while the problem is there, if that is possible.",
    ),
    "browser": ("The browser's console and network log", "Open the developer tools, do it again, and save both."),
}


class Timebox(BaseModel):
    """What somebody plans for a bug, in the form's order."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issue: Annotated[
        str,
        Field(title="Bug", description="Number or address in the public repository. It is on the stand-up."),
    ]
    who: Annotated[str, Field(title="Your GitHub handle", description="The blocks go into this person's own calendar.")]
    minutes: Annotated[
        int,
        Field(
            title="Minutes a block",
            description="Calendar blocks max 1 hour each.",
            json_schema_extra={"minimum": SHORTEST_BLOCK, "maximum": LONGEST_BLOCK},
        ),
    ] = LONGEST_BLOCK
    blocks: Annotated[
        int,
        Field(
            title="Blocks",
            description="How many in all for this bug. For more, start again with a higher number.",
            json_schema_extra={"minimum": 1},
        ),
    ] = 1
    logs: Annotated[
        str,
        Field(
            title="Ask the customer for logs",
            description="Link of the customer's message in Slack; its thread gets the request. Empty: don't ask.",
        ),
    ] = ""
    wanted: Annotated[tuple[Log, ...], Field(title="Which logs", description="What the customer is asked to send.")] = (
        "server",
        "agent",
    )
    call: Annotated[
        bool, Field(title="Zoom call with the customer", description=f"{CALL} minutes, coordinated by the CSM.")
    ] = False
    manager: Annotated[
        str, Field(title="The CSM's GitHub handle", description="Who coordinates the call with the customer.")
    ] = ""
    hand_over_to: Annotated[
        str, Field(title="Hand over to", description="GitHub handle of another CSE or CSA. Empty: nobody.")
    ] = ""
    on_call: Annotated[
        bool, Field(title="Ask the developer on-call", description=f"In #{CHANNEL}, as contact-developer-on-call.")
    ] = False
    tried: Annotated[
        str,
        Field(
            title="What was tried",
            description=f"Needed to hand over or to ask. At most {LONGEST_TEXT} characters, without names and secrets.",
            json_schema_extra={"format": "textarea"},
        ),
    ] = ""

    @property
    def needs_words(self) -> bool:
        """Says whether somebody reads what was tried."""
        return self.on_call or bool(self.hand_over_to.strip())


# -- what is refused


def reasons_not_to_timebox(
    wanted: Timebox,
    issue: Issue | None,
    investigate: str,
    people: Mapping[str, Person],
    roles: Mapping[str, Sequence[str]],
) -> list[str]:
    """Names what is wrong with what somebody plans.

    issue: the bug, None when there is none. investigate: the label of bugs under investigation.
    """
    problems = _bad_issue(issue, wanted.issue, investigate) + _bad_blocks(wanted) + _bad_calendar(wanted.who, people)
    problems += _bad_link(wanted) if wanted.logs.strip() else []
    problems += _bad_manager(wanted, people, roles) if wanted.call else []
    problems += _bad_colleague(wanted, people, roles) if wanted.hand_over_to.strip() else []
    if wanted.needs_words:
        known = person(wanted.who, people)
        problems += bad_text(wanted.tried, "what was tried") + (bad_author(wanted.who, people) if known else [])
    return problems


def _bad_issue(issue: Issue | None, given: str, investigate: str) -> list[str]:
    if issue is None:
        return [
            f'There is no issue "{given.strip()}". Give the number or the address of a bug that is on the stand-up.'
        ]
    if not issue.is_open:
        return [f"{issue.key} is closed. There is nothing left to investigate; open it again first."]
    if not issue.has_label(investigate):
        # "During the window of time available to investigate an issue, use the resources at your disposal"
        return [
            f'{issue.key} does not have the label "{investigate}", which begins the time to investigate it. Escalate '
            "it first, with escalate-customer-bug."
        ]
    return []


def _bad_blocks(wanted: Timebox) -> list[str]:
    problems: list[str] = []
    if wanted.minutes > LONGEST_BLOCK:
        problems.append(
            f"A block of {wanted.minutes} minutes is too long: calendar blocks max 1 hour each. Give {LONGEST_BLOCK} "
            "or less, and more blocks."
        )
    if wanted.minutes < SHORTEST_BLOCK:
        problems.append(f"A block of {wanted.minutes} minutes is too short. Give {SHORTEST_BLOCK} or more.")
    if wanted.blocks < 1:
        problems.append(f"{wanted.blocks} blocks are none. Give 1 or more.")
    return problems


def _bad_calendar(handle: str, people: Mapping[str, Person]) -> list[str]:
    found = person(handle, people)
    if found is None:
        return [f'"{handle}" is not among [people] of handbook.toml. Give a GitHub handle as it stands there.']
    if not found.mailbox:
        return [
            f"{found.handle} has no mailbox, by which their calendar is found. Fill in people.{found.handle}.mailbox "
            "where the names are that are not public."
        ]
    return []


def _bad_link(wanted: Timebox) -> list[str]:
    problems = [] if wanted.wanted else ["It is not said which logs the customer is asked for. Choose one or more."]
    try:
        message_key(wanted.logs)
    except Refused as refused:
        problems += refused.problems
    return problems


def _bad_manager(wanted: Timebox, people: Mapping[str, Person], roles: Mapping[str, Sequence[str]]) -> list[str]:
    # "(coordinate with the CSM)"
    if not wanted.manager.strip():
        return ["A call with the customer is coordinated by the CSM. Give their GitHub handle."]
    problems, found = _bad_calendar(wanted.manager, people), person(wanted.manager, people)
    if found and found.handle not in roles[MANAGER]:
        problems.append(f"{found.handle} is no CSM. Give one of {', '.join(roles[MANAGER])}.")
    return problems + (bad_author(wanted.manager, people) if found else [])


def _bad_colleague(wanted: Timebox, people: Mapping[str, Person], roles: Mapping[str, Sequence[str]]) -> list[str]:
    team, found = [handle for role in COLLEAGUES for handle in roles[role]], person(wanted.hand_over_to, people)
    if found is None:
        return bad_author(wanted.hand_over_to, people)
    if found == person(wanted.who, people):
        return [f"{found.handle} can't hand over to themselves. Give another CSE or CSA."]
    if found.handle not in team:
        return [f"{found.handle} is neither CSE nor CSA. Give one of {', '.join(team)}."]
    return bad_author(wanted.hand_over_to, people)


# -- what is known


@dataclass(frozen=True)
class Investigation:
    """A bug, and what the first attempt has said about it, which later ones repeat.

    customers: their codename labels. until: when the time to investigate is over.
    """

    bug: Bug
    who: Person
    customers: Sequence[str]
    until: datetime

    @property
    def url(self) -> str:
        """Gives the bug's address."""
        return self.bug.issue.url

    @property
    def row(self) -> tuple[Link, str]:
        """Gives the bug and for whom it is."""
        return Link(self.bug.issue.key, self.url), ", ".join(self.customers)


def kept(bug: Bug) -> str:
    """Writes down what a second attempt must repeat."""
    return json.dumps({"customers": bug.issue.codenames, "until": ends(bug).isoformat()})


def investigation(bug: Bug, who: Person, said: str) -> Investigation:
    """Puts together what is known. said: what `kept` wrote."""
    first = json.loads(said)
    return Investigation(bug, who, first["customers"], datetime.fromisoformat(first["until"]))


# -- when


def ends(bug: Bug) -> datetime:
    """Gives when the time to investigate a bug is over: at the stand-up that it leaves."""
    # "If a bug appears on stand-up for a second business day, the label is removed."
    return datetime.combine(bug.second, STAND_UP, PACIFIC).astimezone(UTC)


def block_slot(
    on: Investigation, wanted: Timebox, now: datetime, busy: Sequence[Interval], calendar: Calendar
) -> Slot | None:
    """Finds the first free time for a block; None when there is none left.

    busy: when the person is, with what is planned already.
    """
    return first_free(now, on.until, timedelta(minutes=wanted.minutes), busy, calendar)


def call_slot(on: Investigation, now: datetime, busy: Sequence[Interval], calendar: Calendar) -> Slot | None:
    """Finds the first time for a call; None when there is none left. busy: when either of the two is."""
    return first_free(now + NOTICE, on.until, timedelta(minutes=CALL), busy, calendar)


def with_breaks(planned: Iterable[Slot]) -> list[Interval]:
    """Gives the times that are taken by what is planned, and the breaks around it."""
    return [(each.start - BREAK, each.end + BREAK) for each in planned]


def is_stale(planned: Slot, now: datetime) -> bool:
    """Says whether a time that nothing stands in yet has begun meanwhile."""
    return planned.start < now


# -- what is written


def block(on: Investigation, number: int, planned: Slot) -> Appointment:
    """Words a block in somebody's own calendar."""
    return Appointment(
        on.who.mailbox,
        f"Investigate {on.bug.issue.key}",
        planned.start,
        planned.end,
        f"Block {number} for {on.url}\nThe time to investigate it ends on {spoken_time(on.until)}.",
        about=on.url,
    )


def call(on: Investigation, manager: Person, planned: Slot) -> Call:
    """Words the call with the customer. It is passed on to them, and names nobody."""
    return Call(
        on.who.mailbox,
        _call_title(on),
        planned.start,
        CALL,
        f"To reproduce {on.url} together.",
        [manager.mailbox],
    )


def _call_title(on: Investigation) -> str:
    return f"Reproduce {on.bug.issue.key} together"


def invitation(on: Investigation, manager: Person, planned: Slot, link: str) -> Appointment:
    """Words the call in both calendars. link: to join it."""
    # "Jump on a Zoom call with the customer if it would help gather reproduction steps (coordinate with the CSM)."
    text = f"With the customer, whom {called(manager)} invites.\nBug: {on.url}\nJoin: {link}"
    guests = [manager.mailbox]
    return Appointment(on.who.mailbox, _call_title(on), planned.start, planned.end, text, link, on.url, guests)


def ask_manager(on: Investigation, manager: Person, planned: Slot, link: str) -> Report:
    """Words what the CSM reads."""
    return Report(
        "A call with the customer, to be coordinated",
        [
            f"{called(on.who)} investigates the bug below and would like to reproduce it with the customer, on "
            f"{planned.spoken}. Both of you are free then and have it in your calendars.",
            "Please agree on it with the customer and pass the link on. If it does not suit them, move the event and "
            f"the call; the time to investigate ends on {spoken_time(on.until)}.",
        ],
        ("Bug", "For", "Call"),
        [(*on.row, Link("Zoom", link))],
        mentions=[Mention(manager.slack)],
    )


def digest(wanted: Timebox) -> str:
    """Gives a short name of the logs that are asked for: another list is another question."""
    return hashlib.sha256("\n".join(sorted(set(wanted.wanted))).encode()).hexdigest()[:12]


def ask_for_logs(on: Investigation, wanted: Timebox) -> Report:
    """Words what the customer reads."""
    # "Request applicable logs from the customer."
    chosen = [told for name, told in LOGS.items() if name in wanted.wanted]
    return Report(
        "Could you send us logs?",
        [
            "We are investigating what you have reported and need the following. Please send it in this thread; take "
            "out passwords and tokens first."
        ],
        ("What", "How"),
        [*chosen, ("The bug that it is about", Link(on.bug.issue.key, on.url))],
    )


def hand_over(on: Investigation, to: Person, tried: str) -> Report:
    """Words what a colleague reads."""
    return Report(
        "An investigation is handed over",
        [
            f"{called(on.who)} hands the investigation of this bug over to {called(to)}. The time for it ends on "
            f"{spoken_time(on.until)}.",
            f"What was tried: {tried.strip()}",
        ],
        ("Bug", "For"),
        [on.row],
        mentions=[Mention(each) for each in (to.slack, on.who.slack) if each],
    )


def handed_over_already(to: Person, url: str) -> Refused:
    """Says that the same was handed over in other words."""
    return Refused(
        f"It was handed over to {to.handle} already, in other words: {url} Add there what is new, and start this again "
        "without handing over."
    )


def question(on: Investigation, wanted: Timebox) -> Question:
    """Gives what the developer on-call is asked."""
    # "Contact the developer on-call."
    return Question(issue=on.url, tried=wanted.tried, asked_by=on.who.handle)


# -- what the run shows


@dataclass(frozen=True)
class Planned:
    """What was done. blocks: each with its event's link. threads: what was said where, with links."""

    blocks: Sequence[tuple[Slot, str]]
    call: tuple[Slot, str, str] | None  # with the link to join it, and the event's
    threads: Mapping[str, str]


def timeboxed(on: Investigation, wanted: Timebox, done: Planned) -> Report:
    """Words what the run shows."""
    said = [f"Time to investigate: until {spoken_time(on.until)}."]
    if (lacking := wanted.blocks - len(done.blocks)) > 0:
        said.append(
            f"**{lacking} of {wanted.blocks} blocks found no free time** of {wanted.minutes} minutes before that, in "
            "business hours. Clear some time in the calendar or choose shorter blocks, and start this again; or hand "
            "over to another CSE or CSA, or ask the developer on-call."
        )
    if wanted.call and done.call is None:
        said.append(
            f"**There is no time for a call**: {wanted.manager} and {wanted.who} have no {CALL} minutes in common "
            "before that, an hour from now or later. Ask the CSM to clear some, and start this again."
        )
    rows: list[tuple[Cell, Cell, Cell]] = [
        (f"Block {number}", Link(planned.spoken, url), "") for number, (planned, url) in enumerate(done.blocks, 1)
    ]
    if done.call:
        planned, join, url = done.call
        rows.append(("Call with the customer", Link(planned.spoken, url), Link("Zoom", join)))
    rows += [(what, "", Link("thread", url)) for what, url in done.threads.items()]
    return Report(f"Investigation of {on.bug.issue.key}", said, ("What", "When", "Where"), rows)
