"""Words a morning's update: a page a customer, one message for who is on call, an overview.

Customers are named by codename; one without is named by the account's id in Salesforce or by the id in Unthread.

Handbook: customer-success#gather-status-updates-for-open-issues
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import quote

from policies.business_time import spoken_day
from policies.report import Cell, Link, Mention, Report
from policies.support.status_updates import (
    NEWS,
    Customer,
    Item,
    Morning,
    by_urgency,
    needs_a_word,
    spoken_priority,
)

NAMED = 3  # of what is new or closed, in the message; the page has all
ASKED = 4  # people, in the message
QUIET = 40  # customers without news, in the message
LABELS = 4  # of a bug, in a table
HEADLINE = 80  # characters of a name, in the message


def title_of(customer: Customer) -> str:
    """Gives what a customer is called."""
    where = f"account {customer.account}" if customer.account else f"Unthread customer {customer.unthread}"
    return customer.codename or f"No codename ({where})"


def page(morning: Morning, customer: Customer, issues: str, bug: str) -> Report:
    """Words the page of a customer. issues: the address of the public ones. bug: the label."""
    items = morning.of(customer.key)
    said = [_told(items, morning.since), f"Could be asked: {_asked(items, customer, morning) or 'nobody is known'}."]
    if not customer.codename:
        said.append("Without a codename no bug can be found. Assign one, and label the bugs.")
    rows: list[tuple[Cell, ...]] = [
        (
            Link(_kind(each) + each.name, each.url),
            spoken_priority(each),
            _state(each),
            spoken_age(morning.at - each.opened),
            ", ".join(each.changes),
            ", ".join(each.people),
        )
        for each in items
    ]
    rows += [(link, "", "", "", "", "") for link in _elsewhere(customer, issues, bug)]
    columns = ("What", "Priority", "State", "Open for", _since(morning.since), "With")
    return Report(f"{title_of(customer)}: status of {spoken_day(morning.day)}", said, columns, rows)


def message(morning: Morning, mentioned: Sequence[str], link: Callable[[str], str]) -> Report:
    """Words what who is on call reads first thing in the morning.

    mentioned: their ids in Slack. link: gives the address of a customer's page by the customer's key.
    """
    customers = by_urgency(morning)
    loud = [each for each in customers if needs_a_word(morning.of(each.key))]
    quiet = [each for each in customers if each not in loud]
    said = [_totals(morning, customers)]
    if morning.on_call.developer:
        said.append(f"Developer on-call: {morning.on_call.developer}.")
    if quiet:
        told = ", ".join(f"{title_of(each)} ({len(morning.of(each.key))})" for each in quiet[:QUIET])
        more = f", and {len(quiet) - QUIET} more in Prefect" if len(quiet) > QUIET else ""
        said.append(f"Open without news: {told}{more}.")
    if not mentioned:
        said.append(morning.on_call.note)
    return Report(
        f"Open issues, {spoken_day(morning.day)}",
        said,
        ("Customer", "Open", "Most urgent", _since(morning.since), "Ask"),
        [_row(morning, each, link) for each in loud],
        mentions=[Mention(each) for each in mentioned],
    )


def _row(morning: Morning, customer: Customer, link: Callable[[str], str]) -> tuple[Cell, ...]:
    items = morning.of(customer.key)
    still = [each for each in items if each.is_open]
    first: Cell = Link(_headline(still[0], morning.at), still[0].url) if still else ""
    return (
        Link(title_of(customer), link(customer.key)),
        _counts(items) or "nothing any more",
        first,
        _news(items),
        _asked(items, customer),
    )


def overview(morning: Morning, link: Callable[[str], str], told: str) -> Report:
    """Words what the run shows. told: the address of the message."""
    customers = by_urgency(morning)
    said = [_totals(morning, customers), *([morning.on_call.note] if morning.on_call.note else [])]
    if morning.strangers:
        said.append(f"Left out: {_number(morning.strangers, 'open conversation')} of no customer in Unthread.")
    nameless = sum(not each.codename for each in customers)
    if nameless:
        said.append(f"Without a codename, or named otherwise in Unthread: {_number(nameless, 'customer')}.")
    if morning.on_call.why_not:
        said.append(f"Who the developer on-call is could not be read from the rotation: {morning.on_call.why_not}")
    rows: list[tuple[Cell, ...]] = [
        (
            Link(title_of(each), link(each.key)),
            _counts(items := morning.of(each.key)) or "nothing any more",
            ", ".join(dict.fromkeys(rank for item in items if (rank := spoken_priority(item)))),
            _news(items),
        )
        for each in customers
    ]
    if told:
        rows.append((Link("The message in Slack", told), "", "", ""))
    return Report("Status updates", said, ("Customer", "Open", "Priorities", _since(morning.since)), rows)


def closed_today(day: date, why: str) -> Report:
    """Words why nobody is told anything on a day."""
    return Report("No status updates today", [f"{spoken_day(day)} is no business day ({why})."])


# -- parts


def _since(day: date | None) -> str:
    return f"Since {spoken_day(day)}" if day else "Since the last update"


def _totals(morning: Morning, customers: Sequence[Customer]) -> str:
    """Says in a sentence or two what is open for all and what has changed."""
    whose = sum(any(each.is_open for each in morning.of(customer.key)) for customer in customers)
    return _told(morning.items, morning.since, ", for one customer" if whose == 1 else f", for {whose} customers")


def _told(items: Sequence[Item], since: date | None, whose: str = "") -> str:
    counts = _counts(items)
    begun = f"Open: {counts}{whose}" if counts else "Nothing is open"
    if since is None:
        return f"{begun}. This is the first update, so that nothing is told as new."
    if changed := _changed(items):
        return f"{begun}. {_since(since)}: {changed}."
    unchanged = f"has changed since {spoken_day(since)}."
    return f"{begun}. Nothing {unchanged}" if counts else f"{begun}, and nothing {unchanged}"


def _counts(items: Iterable[Item]) -> str:
    still = {each.key: each for each in items if each.is_open}.values()
    talks = [each for each in still if each.kind == "conversation"]
    waiting = sum(each.waits for each in talks)
    bugs = len(still) - len(talks)
    told = [_number(len(talks), "conversation") + (f" ({waiting} waiting for us)" if waiting else "")] if talks else []
    return " and ".join([*told, *([_number(bugs, "bug")] if bugs else [])])


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _changed(items: Iterable[Item]) -> str:
    new, gone, changed = _sorted_out(items)
    counted = ((len(new), "new"), (len(gone), "no longer open"), (len(changed), "changed"))
    return ", ".join(f"{count} {what}" for count, what in counted if count)


def _sorted_out(items: Iterable[Item]) -> tuple[list[Item], list[Item], list[Item]]:
    """Gives what is new, what is no longer open, and what else has changed, each thing once."""
    new, gone, changed = list[Item](), list[Item](), list[Item]()
    for each in {(each.key, each.is_open): each for each in items if each.changes}.values():
        place = gone if not each.is_open else new if each.changes[0] in NEWS else changed
        place.append(each)
    return new, gone, changed


def _news(items: Sequence[Item]) -> str:
    """Names what is new and what is no longer open, and counts what else has changed."""
    new, gone, changed = _sorted_out(items)
    told = [f"new {_named([_short(each) for each in new])}"] if new else []
    told += [_named([f"{_short(each)} {each.changes[0]}" for each in gone])] if gone else []
    told += [f"{_named([f'{_short(each)} ({each.changes[0]})' for each in changed])}"] if changed else []
    return "; ".join(told)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _short(item: Item) -> str:
    """Gives an item's name without its title."""
    return item.name.partition(":")[0]


def _kind(item: Item) -> str:
    return "Conversation " if item.kind == "conversation" else ""


def _headline(item: Item, now: datetime) -> str:
    """Says in a line why it comes first, and what it is."""
    told = [spoken_priority(item), item.state, f"open for {spoken_age(now - item.opened)}"]
    name = item.name if len(item.name) <= HEADLINE else f"{item.name[: HEADLINE - 1]}\u2026"
    return f"{', '.join(each for each in told if each)}: {_kind(item)}{name}"


def _state(item: Item) -> str:
    if not item.is_open:
        return "not open any more"
    if item.kind == "conversation":
        return item.state
    more = [f"and {len(item.labels) - LABELS} more"] if len(item.labels) > LABELS else []
    last = ["last word from outside"] if item.waits else []
    return ", ".join([*last, *item.labels[:LABELS], *more])


def _asked(items: Sequence[Item], customer: Customer, morning: Morning | None = None) -> str:
    """Names whom to ask, those with the most urgent first, then who owns the account. morning: on the page only."""
    people = list(dict.fromkeys(who for each in items if each.is_open for who in each.people))
    shown = people if morning else people[:ASKED]
    developer = [f"{morning.on_call.developer} (developer on-call)"] if morning and morning.on_call.developer else []
    return ", ".join([*shown, *([customer.owner] if customer.owner else []), *developer])


def _elsewhere(customer: Customer, issues: str, bug: str) -> list[Link]:
    links = [Link("The account in Salesforce", customer.account_url)] if customer.account_url else []
    if customer.codename:
        wanted = quote(f'is:issue is:open label:"{bug}" label:"{customer.codename}"')
        links.append(Link("All its open bugs in GitHub", f"{issues}?q={wanted}"))
    return links


def spoken_age(age: timedelta) -> str:
    """Gives how long something has been open, as people say it."""
    hours = int(age.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    return _number(hours, "hour") if hours < 24 else _number(hours // 24, "day")
