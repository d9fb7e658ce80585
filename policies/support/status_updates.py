"""Decides what is open for each customer, what has changed since the last update, and what of it is urgent.

How it is worded: policies/support/status_pages.py.

Handbook: customer-success#gather-status-updates-for-open-issues
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from policies.customer import ACCOUNT_PATTERN, Refused
from policies.customer_directory import Entry
from policies.customers.customer_codenames import planet_of
from policies.foreign_text import neutralise_markdown
from policies.handbook import Labels, Person, Repositories
from policies.issue import Issue, is_bot, is_from_outside
from policies.on_call_rotation import Answer
from policies.support.conversation_turns import History
from policies.ticket import PRIORITIES, Priority, Ticket

# "When on call, CSEs/CSAs will start their day by following these steps"
ROLES = ("customer_support_engineer", "customer_solutions_architect")

CRITICAL = 1  # what a label for critical bugs makes of one without a priority
NONE = 9  # no priority
URGENT = 1  # and below: is told though nothing has changed
ANSWERED = "waits for the customer"
STATES = {"open": "waits for us", "in_progress": "in progress", "on_hold": "on hold"}
LONGEST_TITLE = 120
NEWS = ("new", "new here")  # opened since the last update; opened earlier, and theirs since

CUSTOMER_PATTERN = rf"^\s*$|^\s*([Cc]ustomer|[Pp]rospect)-[a-zA-Z0-9-]+\s*$|{ACCOUNT_PATTERN}"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Customer(_Kept):
    """A customer as a page shows them. key: stays when a prospect becomes a customer."""

    key: str
    codename: str = ""
    unthread: str = ""  # the customer's id there, "" when it isn't known
    account: str = ""
    account_url: str = ""
    owner: str = ""  # who could be asked, by name


class Item(_Kept):
    """A conversation or a bug of one customer, on one morning. changes: since the update before."""

    customer: str  # their key
    key: str
    kind: Literal["conversation", "bug"]
    name: str
    url: str
    opened: datetime
    touched: datetime | None = None
    priority: int = NONE
    state: str = ""
    labels: tuple[str, ...] = ()
    comments: int = 0  # by people, since the update before
    waits: bool = False  # the customer for us, as far as can be told
    people: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    is_open: bool = True


class OnCall(_Kept):
    """Who is on call on a morning: CSEs and CSAs by handle, with why it is they; the developer, or why nobody knows."""

    handles: tuple[str, ...] = ()
    note: str = ""
    developer: str = ""
    why_not: str = ""


class Morning(_Kept):
    """Everything that one day's update says; the next one is compared with it.

    since: the day of the update before, None for the first.
    """

    day: date
    at: datetime
    since: date | None
    on_call: OnCall
    customers: Mapping[str, Customer]
    items: tuple[Item, ...]
    strangers: int = 0  # conversations that Unthread counts to no customer

    def of(self, customer: str) -> list[Item]:
        """Gives a customer's items, the most urgent first, those that are no longer open last."""
        return sorted((each for each in self.items if each.customer == customer), key=urgency)


# -- who


def on_call(
    members: Collection[str], holders: Sequence[Person], first: Sequence[Person], group: str, developer: Answer
) -> OnCall:
    """Says who is on call: the CSEs and CSAs in the user group, else those among the first responders.

    members: ids in Slack. holders: all CSEs and CSAs. group: the alias. developer: by the rotation.
    """
    inside = [each for each in holders if each.slack and each.slack in members]
    found = inside or [each for each in first if each in holders]
    note = "" if inside else f"Nobody in @{group} is a CSE or CSA"
    if found and note:
        note += ", so that the first responders count as on call."
    elif note:
        note += ", nor is a first responder. Put whoever is on call into the group."
    return OnCall(
        handles=tuple(dict.fromkeys(each.handle for each in found)),
        note=note,
        developer=developer.developer,
        why_not=developer.why_not,
    )


def reasons_not_to_post(channels: Collection[str], customers: Collection[str], public: Collection[str]) -> list[str]:
    """Says which channels of [status_updates] may not get the message: others than our own people read there."""
    places = dict.fromkeys(customers, "a customer's channel") | dict.fromkeys(public, "a public one")
    return [
        f"{each} is {places[each]}. Correct status_updates in handbook.toml: name internal channels only."
        for each in channels
        if each in places
    ]


def customer(entry: Entry, unthread: str, account_url: str, managers: Collection[str]) -> Customer:
    """Gives how a customer is shown: by codename, else by the id in Unthread.

    unthread: the customer's id there, "" for none. managers: names of the customer success managers.
    """
    key = planet_of(entry.codename) or (f"unthread-{unthread}" if unthread else f"account-{entry.account}")
    role = "CSM" if entry.owner in managers else "account owner"
    owner = f"{entry.owner} ({role})" if entry.owner else ""
    key = re.sub("[^a-z0-9]+", "-", key.lower()).strip("-")  # what Prefect takes
    return Customer(
        key=key,
        codename=entry.codename,
        unthread=unthread,
        account=entry.account,
        account_url=account_url,
        owner=owner,
    )


def unknown_codename(given: str) -> Refused:
    """Words that nobody has a codename."""
    return Refused(
        f'No customer has the label "{given.strip().lower()}" in the confidential repository. Correct it, or give the '
        "address of the account in Salesforce."
    )


# -- what is open


def conversation(
    ticket: Ticket, customer: str, users: Mapping[str, str], priority: Priority | None, history: History | None
) -> Item:
    """Gives a ticket as an update shows it, without anything that somebody wrote.

    users: names by id. history: whose turn it is, as far as the watch over response times has seen it.
    """
    # "Search Unthread for open conversations by the customer name."
    state = _state(ticket, history)
    return Item(
        customer=customer,
        key=ticket.id,
        kind="conversation",
        name=f"#{ticket.number}",
        url=ticket.url,
        opened=ticket.created_at,
        touched=ticket.changed_at,
        priority=PRIORITIES.index(priority) if priority else NONE,
        state=state,
        waits=state == STATES["open"],
        people=(users.get(ticket.assignee) or ticket.assignee,) if ticket.assignee else (),
    )


def _state(ticket: Ticket, history: History | None) -> str:
    """Says whose turn it is. Without a history the status tells, which people set."""
    if history is None or not history.turns or ticket.status == "on_hold":
        return STATES.get(ticket.status, ticket.status)
    return ANSWERED if history.turns[-1].answered_at else STATES["open"]


class Reader(_Kept):
    """What issues are read with. members: logins of our own people, in lower case. since: the update before."""

    labels: Labels
    repositories: Repositories
    people: Mapping[str, str]  # names by handle, in lower case
    members: frozenset[str]
    bots: tuple[str, ...]
    since: datetime | None


def bugs(issue: Issue, reader: Reader, is_nameless: Callable[[str], bool]) -> list[Item]:
    """Gives a bug once for each customer whose codename it has.

    is_nameless: says that a text holds no customer's real name. What does is left out, and so are the words of
    confidential issues.
    """
    # "Search GitHub issues for label:bug and label:customer-codename."
    shown_elsewhere = {*issue.codenames, reader.labels.bug, *reader.labels.priorities}
    labels = [each for each in issue.labels if each not in shown_elsewhere and is_nameless(each)]
    talk = [each for each in issue.comments if not each.is_bot and not is_bot(each.author, reader.bots)]
    last = talk[-1] if talk else None
    is_public = issue.repository.lower() == reader.repositories.public.lower()
    title = _title(issue.title.reveal()) if is_public and is_nameless(issue.title.reveal()) else ""
    name = f"{issue.repository.rpartition('/')[2]}#{issue.number}" + (f": {title}" if title else "")
    found = Item(
        customer="",
        key=issue.key,
        kind="bug",
        name=name,
        url=issue.url,
        opened=issue.created_at,
        priority=_priority(issue, reader.labels),
        labels=tuple(sorted(labels)),
        comments=sum(each.at > reader.since for each in talk) if reader.since else 0,
        waits=bool(last and is_from_outside(last.author, last.is_bot, reader.members, reader.bots)),
        people=tuple(reader.people.get(each.lower()) or each for each in issue.assignees),
    )
    planets = dict.fromkeys(planet_of(each) for each in issue.codenames)
    return [found.model_copy(update={"customer": each}) for each in planets]


def _title(text: str) -> str:
    plain = " ".join(text.split()).replace("[", "(").replace("]", ")")
    return neutralise_markdown(plain if len(plain) <= LONGEST_TITLE else f"{plain[: LONGEST_TITLE - 1]}…")


def _priority(issue: Issue, labels: Labels) -> int:
    stated = [rank for rank, label in enumerate(labels.priorities) if issue.has_label(label)]
    critical = [CRITICAL] if any(issue.has_label(each) for each in labels.critical) else []
    return min([*stated, *critical], default=NONE)


def urgency(item: Item) -> tuple[bool, int, bool, datetime]:
    """Gives what comes first: the higher priority, then what waits for us, then what is open longer."""
    return not item.is_open, item.priority, not item.waits, item.opened


def spoken_priority(item: Item) -> str:
    """Gives a priority as people say it, "" when there is none."""
    return "" if item.priority == NONE else f"P{item.priority}"


# -- what has changed

Closed = Mapping[str, str]  # how issues are closed, by key


def compared(found: Sequence[Item], before: Morning | None, closed: Closed) -> tuple[Item, ...]:
    """Gives what is open with what has changed, followed by what is no longer open.

    before: the last update; without one nothing counts as new.
    """
    if before is None:
        return tuple(found)
    earlier = {(each.customer, each.key): each for each in before.items if each.is_open}
    now = {(each.customer, each.key) for each in found}
    others = {each.key for each in found}
    gone = [each for at, each in earlier.items() if at not in now]
    return (
        *(each.model_copy(update={"changes": _changes(each, earlier, before.at)}) for each in found),
        *(_gone(each, closed, others) for each in gone),
    )


def may_be_closed(found: Sequence[Item], before: Morning | None) -> bool:
    """Says whether bugs have left the list, so that it is worth asking how they were closed."""
    open_now = {each.key for each in found}
    earlier = before.items if before else ()
    return any(each.kind == "bug" and each.is_open and each.key not in open_now for each in earlier)


def _changes(item: Item, earlier: Mapping[tuple[str, str], Item], since: datetime) -> tuple[str, ...]:
    old = earlier.get((item.customer, item.key))
    if old is None:
        return (NEWS[0] if item.opened > since else NEWS[1],)
    found: list[str] = []
    if item.state != old.state:
        found.append(f"{item.state}, was {old.state}")
    if item.priority != old.priority:
        found.append(f"{spoken_priority(item) or 'no priority'}, was {spoken_priority(old) or 'without one'}")
    found += [f"+{each}" for each in item.labels if each not in old.labels]
    found += [f"-{each}" for each in old.labels if each not in item.labels]
    if item.people != old.people:
        found.append(f"now with {', '.join(item.people)}" if item.people else "assigned to nobody any more")
    if item.comments:
        found.append("1 comment" if item.comments == 1 else f"{item.comments} comments")
    if not found and item.touched and old.touched and item.touched > old.touched:
        found.append("written into")
    return tuple(found)


def _gone(item: Item, closed: Closed, others: Collection[str]) -> Item:
    if item.key in others:
        how = "now another customer's"
    elif item.kind == "conversation":
        how = "closed"
    elif item.key in closed:
        how = f"closed as {closed[item.key]}" if closed[item.key] else "closed"
    else:
        how = "no longer an open bug"
    return item.model_copy(update={"changes": (how,), "is_open": False, "comments": 0, "waits": False})


# -- the order of the morning


def by_urgency(morning: Morning) -> list[Customer]:
    """Gives the customers with something open or changed, the one with the most urgent first."""
    firsts: dict[str, Item] = {}
    for each in sorted(morning.items, key=urgency):
        firsts.setdefault(each.customer, each)
    return [morning.customers[key] for key in firsts]


def needs_a_word(items: Sequence[Item]) -> bool:
    """Says whether there is something to tell about a customer: changed, urgent, or waiting for us."""
    return any(
        each.changes or each.priority <= URGENT or (each.waits and each.kind == "conversation") for each in items
    )
