"""Decides until when a customer's message in Unthread is answered, how long is left, and who is told.

Kept is when a turn began and ended (conversation_turns.py); due times are reckoned from the calendar anew each time.

Handbook: customer-success 2024, "Customer support service level agreements (SLAs)".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from policies.attainment import Promise, Week, summed
from policies.business_time import PACIFIC, Calendar, Interval, emergency_due_by, pacific_date, spoken_clock, spoken_day
from policies.handbook import Handbook, Person
from policies.report import Cell, Link, Mention, Report
from policies.support.conversation_turns import History, Hold, Turn
from policies.ticket import PRIORITIES, TIERS, Priority, Ticket, TicketCustomer, TicketUser, Tier

State = Literal["late", "due soon", "in time", "on hold", "waiting for the customer"]

# "≤4 hours"
P0_WITHIN = timedelta(hours=4)  # by the clock
# "≤4 business hours"
P1_WITHIN = timedelta(hours=4)
# "≤1 business day"
P2_WITHIN = 1
# "1-2 business days"
P3_WITHIN = 2

URGENT: Sequence[Priority] = ("P0", "P1")
PROMISED: Mapping[Priority, str] = {
    "P0": "4 hours",
    "P1": "4 business hours",
    "P2": "1 business day",
    "P3": "2 business days",
}

# How long back a first look goes; what was late for longer when the watch began is shown, but told nobody.
LATE_BEFORE = timedelta(days=1)
GIVES_UP_AFTER = 3  # conversations about which Unthread gave no answer; the next run goes on with the others
# So much before the last look is looked at again: clocks differ.
OVERLAP = timedelta(hours=1)


@dataclass(frozen=True)
class Rules:
    """What the team may change about response times."""

    support: Calendar
    urgent: Calendar
    numbers: Mapping[Priority, int]
    without_priority: Priority
    tags: Mapping[Tier, str]
    warn_before: Mapping[Priority, timedelta]


def rules(names: Handbook) -> Rules:
    """Reads the rules from handbook.toml."""
    said = names.support_slas
    numbers, minutes, tags = (
        cast("dict[str, int]", said.priorities.model_dump()),
        cast("dict[str, int]", said.warn_minutes_before.model_dump()),
        cast("dict[str, str]", said.tier_tags.model_dump()),
    )
    return Rules(
        names.calendar,
        names.urgent_calendar,
        {each: numbers[each] for each in PRIORITIES},
        cast("Priority", said.without_priority),
        {each: tags[each] for each in TIERS},
        {each: timedelta(minutes=minutes[each]) for each in PRIORITIES},
    )


def priority_of(ticket: Ticket, rules: Rules) -> Priority | None:
    """Gives the priority that somebody has set; None for none, and for a number that stands for none."""
    return next((each for each, number in rules.numbers.items() if number == ticket.priority), None)


def tier_of(customer: TicketCustomer | None, rules: Rules) -> Tier:
    """Gives a customer's tier. Who is no customer uses Fleet Free, as far as anybody knows."""
    if customer is None:
        return "Free"
    tags = {each.casefold() for each in customer.tags}
    # "CSE's track Fleet Premium customer support conversations via the external tool Unthread"
    named: list[Tier] = [tier for tier, tag in rules.tags.items() if tag.casefold() in tags]
    return named[0] if named else "Premium"


# -- when an answer is due


def due_by(priority: Priority, start: datetime, rules: Rules, pauses: Sequence[Interval] = ()) -> datetime:
    """Gives when a message that came at `start` is to be answered, in UTC. pauses: while we waited for the customer."""
    match priority:
        case "P0":
            return emergency_due_by(start, P0_WITHIN, pauses)
        case "P1":
            return rules.urgent.due_by(start, P1_WITHIN, pauses)
        case "P2":
            return rules.support.due_by(start, P2_WITHIN * rules.support.business_day, pauses)
        case "P3":
            return rules.support.due_by(start, P3_WITHIN * rules.support.business_day, pauses)


def time_left(priority: Priority, now: datetime, due: datetime, rules: Rules) -> timedelta:
    """Gives the time that is left, as it counts for the priority; below zero by the clock once it is late."""
    if now > due or priority == "P0":
        return due - now
    return (rules.urgent if priority == "P1" else rules.support).business_time_between(now, due)


# -- when answers were due


def promises(histories: Iterable[History], rules: Rules) -> list[Promise]:
    """Gives when each message was due and when it was answered. What stands still while on hold is not due yet."""
    return [
        (due, turn.answered_at)
        for each in histories
        for turn in each.turns
        if (due := _due(turn, each.holds, rules)) is not None
    ]


def _due(turn: Turn, holds: Sequence[Hold], rules: Rules) -> datetime | None:
    """Gives when a turn is due; None for never, and while a hold lasts."""
    # "No guaranteed resolution"
    if turn.tier == "Free":
        return None
    due = due_by(turn.priority, turn.at, rules, [(each.begin, each.end) for each in holds if each.end])
    lasting = next((each for each in holds if not each.end), None)
    return None if lasting and lasting.begin < due and not turn.answered_at else due


# -- where a conversation stands


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands now. due, left: None while no clock runs. is_set: its priority, by somebody."""

    ticket: Ticket
    customer: str  # the codename label, or the id in Unthread
    tier: Tier
    priority: Priority
    is_set: bool
    state: State
    turn: Turn | None = None
    due: datetime | None = None
    left: timedelta | None = None

    def occasion(self) -> str:
        """Gives what a deadline is told of once by: it moves with the priority, the calendar and a hold."""
        assert self.turn
        assert self.due
        return f"{self.ticket.id}/{self.turn.message}/{self.priority}/{self.due:%Y%m%dT%H%M%S}/{self.state}"


def standing(
    ticket: Ticket, customer: str, counts: tuple[Priority, Tier], found: History, now: datetime, rules: Rules
) -> Standing:
    """Says where an open conversation stands."""
    priority, tier = counts
    about = (ticket, customer, tier, priority, priority_of(ticket, rules) is not None)
    turn = found.turns[-1] if found.turns else None
    if turn is None or turn.answered_at or tier == "Free":
        return Standing(*about, "waiting for the customer")
    due = _due(turn, found.holds, rules)
    if due is None:
        return Standing(*about, "on hold", turn)
    left = time_left(priority, now, due, rules)
    state: State = "late" if now > due else "due soon" if left <= rules.warn_before[priority] else "in time"
    return Standing(*about, state, turn, due, left)


def is_told(each: Standing, began: datetime) -> bool:
    """Says whether a conversation's owner is told. began: when the watch first looked, maybe at an old backlog."""
    return each.state in {"due soon", "late"} and each.due is not None and each.due > began - LATE_BEFORE


def asks_for_priority(each: Standing, began: datetime) -> bool:
    """Says whether a priority is asked for, where a lost webhook may have kept that from being done."""
    return each.turn is not None and not each.is_set and each.ticket.created_at > began - LATE_BEFORE


def is_set_by_hand(each: Standing, began: datetime, decided: Priority | None) -> bool:
    """Says whether the people whom a priority needs are still to be brought in, since it was set in Unthread itself.

    decided: the priority that was routed last; None when nothing was, for a lost webhook may be why.
    """
    if not each.is_set or (each.tier == "Free" and each.priority in URGENT):
        return False
    if decided is None:
        is_waiting = each.turn is not None or each.priority in URGENT
        return is_waiting and each.ticket.created_at > began - LATE_BEFORE
    return each.priority in URGENT and each.priority < decided


def by_time_left(standings: Iterable[Standing]) -> list[Standing]:
    """Sorts conversations: what has the least time left on top, what has no due time at the end."""
    order: Sequence[State] = ("on hold", "waiting for the customer")
    return sorted(
        standings,
        key=lambda each: (
            order.index(each.state) if each.state in order else -1,
            each.left if each.left is not None else timedelta.max,
            each.ticket.number,
        ),
    )


# -- who is told


def owner(user: TicketUser | None, people: Collection[Person]) -> Person | None:
    """Gives whom a conversation is assigned to: by the mailbox, else by the id in Slack, which Unthread may know."""
    if user is None:
        return None
    by_mailbox = [each for each in people if each.mailbox and each.mailbox.lower() == user.mailbox.lower()]
    by_slack = [each for each in people if each.slack and each.slack == user.slack]
    found = next(iter(by_mailbox or by_slack), None)
    return found.model_copy(update={"slack": found.slack or user.slack}) if found else None


@dataclass(frozen=True)
class Owner:
    """Whom a conversation is assigned to, as warnings name them. slack: "" where nobody knows their id."""

    name: str
    slack: str
    is_known: bool  # in handbook.toml


def assigned_to(user: TicketUser | None, people: Collection[Person]) -> Owner | None:
    """Gives whom a conversation is assigned to, also where handbook.toml doesn't name them."""
    if user is None:
        return None
    known = owner(user, people)
    name = (known.name if known else "") or user.name
    return Owner(name, known.slack if known else user.slack, known is not None)


def notice(each: Standing, owner: Owner | None, above: Sequence[str]) -> Report:
    """Words the warning before a response is due, or that it is late.

    above: ids in Slack of who is told when it is late, and when nobody we can reach has the conversation.
    """
    assert each.due
    is_late = each.state == "late"
    is_reached = owner is not None and owner.is_known and owner.slack != ""
    told = [owner.slack if owner else "", *(above if is_late or not is_reached else ())]
    said = (
        f"A response {'was' if is_late else 'is'} due {spoken(each.due)}: {each.priority}, {PROMISED[each.priority]}."
    )
    unset = "" if each.is_set else f" Nobody has set a priority; it counts as {each.priority}."
    return Report(
        f"{each.priority} response is {'late' if is_late else 'due soon'}: conversation #{each.ticket.number}",
        [f"{said}{unset} {_whose(owner)}"],
        ("Conversation", "Customer"),
        [(Link(f"Conversation #{each.ticket.number}", each.ticket.url), each.customer)],
        mentions=[Mention(id) for id in dict.fromkeys(told) if id],
    )


def _whose(owner: Owner | None) -> str:
    if owner is None:
        return "It is assigned to nobody whom we know."
    missing = "" if owner.is_known else ", whom handbook.toml does not name"
    return f"It is assigned to {owner.name or 'somebody'}{missing}."


def above(priority: Priority, managers: Sequence[str], vp: Sequence[str]) -> list[str]:
    """Gives who is told when a response is late: whoever leads support, and the VP for what is urgent."""
    return [*managers, *vp] if priority in URGENT else [*managers]


def spoken(moment: datetime) -> str:
    """Gives a time as people say it, in Los Angeles: "on Monday, November 23, at 2:00 PM Pacific Time"."""
    return f"on {spoken_day(pacific_date(moment))}, at {spoken_clock(moment)}"


# -- what the run shows


def watched(
    standings: Sequence[Standing], owners: Mapping[str, str], weeks: Sequence[Week], missing: Sequence[str]
) -> Report:
    """Shows the open conversations, what has the least time left on top.

    owners: the name of whom a conversation is assigned to, by the conversation. missing: what went wrong.
    """
    promised = [each for each in standings if each.tier != "Free"]
    late, soon = (sum(each.state == state for each in promised) for state in ("late", "due soon"))
    told = [f"{len(promised)} open conversations of customers with response times; {late} late, {soon} due soon."]
    if free := len(standings) - len(promised):
        told.append(f"{free} more are of Fleet Free customers, who have none.")
    told += [summed(weeks), "Due is Pacific Time; what is left is business time, for P0 and once late by the clock."]
    columns = ("Conversation", "Left", "Due", "Priority", "State", "Customer", "Owner", "Tier")
    rows = [_row(each, owners.get(each.ticket.id, "nobody")) for each in by_time_left(promised)]
    return Report("Response times in Unthread", [*told, *missing], columns, rows)


def _row(each: Standing, owner: str) -> Sequence[Cell]:
    return (
        Link(f"#{each.ticket.number}", each.ticket.url),
        _hours(each.left) if each.left is not None else "",
        f"{each.due.astimezone(PACIFIC):%a %b %d, %H:%M}" if each.due else "",
        each.priority if each.is_set else f"{each.priority} (not set)",
        each.state,
        each.customer,
        owner,
        each.tier,
    )


def _hours(left: timedelta) -> str:
    minutes = int(abs(left).total_seconds() // 60)
    return f"{'-' if left < timedelta() else ''}{minutes // 60} h {minutes % 60:02} min"
