"""Status updates: what is open for each customer and what has changed, first thing in the morning for who is on call.

Handbook: customer-success#gather-status-updates-for-open-issues
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.support import developer_on_call, support_slas
from policies.business_time import pacific_date
from policies.customer import Refused, account_id
from policies.customer_directory import Directory, Entry
from policies.customers.customer_codenames import planet_of
from policies.support import status_pages as words
from policies.support import status_updates as policy
from policies.support import support_slas as slas
from policies.ticket import OPEN_STATES
from settings import handbook
from tasks import artifacts, customer_channels, github, known_names, remembered, runs, salesforce, slack, unthread
from tasks.unthread import Where

GATHER = "gather-status-updates"
LAST = f"{GATHER}/last"  # the day of the last update
CustomerField = Annotated[str, Field(pattern=policy.CUSTOMER_PATTERN)]


@flow(name=GATHER)
async def gather_status_updates(customer: CustomerField = "", dry_run: bool = False) -> int:
    """Gather what is open for each customer, for the CSE or CSA on call.

    Handbook: customer-success#gather-status-updates-for-open-issues
    Owner: Customer Support Engineers
    Writes: Slack

    1. Open conversations are read from Unthread and open bugs from both repositories, 100 a call.
    2. Each is told of its customer's codename, and compared with the last update: new, closed, changed, commented.
    3. Each customer with something open or changed gets a page, the most urgent first, with who could be asked.
    4. Who is on call reads one message a day in an internal channel of handbook.toml, with links to the pages.

    For one customer the page alone is shown, at any time, and the next update is compared as if nobody had looked.

    Args:
        customer: The codename label, or the account's address or id in Salesforce; empty for all. Never the customer's
            name, which Prefect would store.
        dry_run: Say what would be done, and do nothing.
    """
    now = runs.current().at
    if customer.strip():
        return await _look_at(customer)
    if why := handbook().calendar.why_closed(pacific_date(now)):
        await artifacts.report("status-updates", words.closed_today(pacific_date(now), why))
        return 0
    _assert_internal()
    morning = await _of_today(now)
    customers = policy.by_urgency(morning)
    for each in customers:
        await _show(morning, each)
    told = await _tell(morning)
    _remember(morning)
    await artifacts.report("status-updates", words.overview(morning, _link, told))
    return len(customers)


async def _look_at(given: str) -> int:
    """Shows the page of one customer, as of now."""
    known = _known()
    entry = _entry(given, known.directory)
    found = await _gathered(runs.current().at, known, policy.OnCall())
    wanted = [each for each in found.customers.values() if _is(each, entry)] or [
        _customer(entry, managers=known.managers)
    ]
    for each in wanted:
        await _show(found, each)
    return sum(len(found.of(each.key)) for each in wanted)


# -- what is known


@dataclass(frozen=True)
class _Known:
    """Who the customers are, read once a run."""

    directory: Directory
    managers: list[str]  # names


def _known() -> _Known:
    github.assert_repositories()
    labels, accounts = github.confidential.codename_labels(), salesforce.accounts_with_codename()
    managers = [each.name for each in handbook().holders("customer_success_manager")]
    return _Known(Directory(labels, accounts, salesforce.account_names()), managers)


def _entry(given: str, directory: Directory) -> Entry:
    """Gives the customer that somebody wants to look at.

    Raises:
        Refused: nobody has the codename, or there is no such account.
    """
    if not planet_of(given.strip()):
        account = salesforce.account(account_id(given))
        found = directory.named(account.name)
        return found if found.account == account.id else Entry(account=account.id, owner=account.owner)
    if not directory.has_label(given):
        raise policy.unknown_codename(given)
    return directory.labelled(given)


def _is(customer: policy.Customer, entry: Entry) -> bool:
    if entry.codename:
        return customer.codename == entry.codename
    return customer.account == entry.account


def _customer(entry: Entry, unthread_id: str = "", managers: Sequence[str] = ()) -> policy.Customer:
    url = salesforce.url("Account", entry.account) if entry.account else ""
    return policy.customer(entry, unthread_id, url, managers)


def _is_nameless(text: str) -> bool:
    return not known_names.known_names().find(text)


# -- the morning


def _name(day: date) -> str:
    return f"{GATHER}/morning/{day}"


async def _of_today(now: datetime) -> policy.Morning:
    """Gives the day's update; a second run gives the first one's."""
    name = _name(pacific_date(now))
    kept = remembered.read(name)
    if kept is None:
        found = await _gathered(now, _known(), await _on_call())
        kept = remembered.agreed(name, found.model_dump_json())
    return policy.Morning.model_validate_json(kept)


def _before() -> policy.Morning | None:
    day = remembered.read(LAST)
    kept = remembered.read(_name(date.fromisoformat(day))) if day else None
    return policy.Morning.model_validate_json(kept) if kept else None


def _remember(morning: policy.Morning) -> None:
    """Has the next update compared with this one."""
    if not runs.current().dry_run:
        remembered.keep(LAST, str(morning.day))
        remembered.forget_below(f"{GATHER}/morning/", but=_name(morning.day))


async def _on_call() -> policy.OnCall:
    """Says who is on call for support, and who among the developers."""
    names = handbook()
    group = names.status_updates.on_call_group
    names.needs(f"user_groups.{group}.id")
    members = await slack.members_of_group(names.user_groups[group].id)
    holders = [person for role in policy.ROLES for person in names.holders(role)]
    (developer,) = developer_on_call.on_call(pacific_date(runs.current().at))
    return policy.on_call(members, holders, names.holders("first_responder"), group, developer)


async def _gathered(now: datetime, known: _Known, on_call: policy.OnCall) -> policy.Morning:
    before = _before()
    customers = dict(before.customers) if before else {}
    talks, strangers = await _conversations(known, customers)
    found = [*talks, *_bugs(known, customers, before)]
    items = policy.compared(found, before, _closed(before) if policy.may_be_closed(found, before) else {})
    return policy.Morning(
        day=pacific_date(now),
        at=now,
        since=before.day if before else None,
        on_call=on_call,
        customers={each.customer: customers[each.customer] for each in items},
        items=items,
        strangers=strangers,
    )


async def _conversations(known: _Known, customers: dict[str, policy.Customer]) -> tuple[list[policy.Item], int]:
    """Gives the open conversations, and how many are no customer's. Adds their customers."""
    named = {
        each.id: _customer(known.directory.named(each.name), each.id, known.managers)
        for each in await unthread.customers()
    }
    users = {each.id: each.name for each in await unthread.users()}
    tickets = await unthread.conversations(Where("status", "in", OPEN_STATES))
    of_customers = [each for each in tickets if each.customer in named]
    customers |= {named[each.customer].key: named[each.customer] for each in of_customers}
    turns, rules = support_slas.known_turns(of_customers), slas.rules(handbook())
    found = [
        policy.conversation(each, named[each.customer].key, users, slas.priority_of(each, rules), turns.get(each.id))
        for each in of_customers
    ]
    return found, len(tickets) - len(found)


def _bugs(known: _Known, customers: dict[str, policy.Customer], before: policy.Morning | None) -> list[policy.Item]:
    """Gives the open bugs of customers in both repositories. Adds their customers."""
    names = handbook()
    reader = policy.Reader(
        labels=names.labels,
        repositories=names.repositories,
        people={handle.lower(): person.name for handle, person in names.people.items()},
        members=github.organisation_members(),
        bots=names.bots.github,
        since=before.at if before else None,
    )
    is_nameless = cache(_is_nameless)  # most labels come again and again
    found: list[policy.Item] = []
    for repository in (github.fleet, github.confidential):
        for issue in repository.open_issues([names.labels.bug]):
            found += policy.bugs(issue, reader, is_nameless)
            for label in issue.codenames:
                entry = known.directory.labelled(label)
                customers[planet_of(label)] = _customer(entry, managers=known.managers)
    return found


def _closed(before: policy.Morning | None) -> dict[str, str]:
    """Gives how the bugs were closed that were since the update before, by key."""
    if before is None:
        return {}
    bug = handbook().labels.bug
    return {
        f"{repository.full_name}#{number}": how
        for repository in (github.fleet, github.confidential)
        for number, how in repository.closed_since(bug, before.at).items()
    }


# -- showing it


async def _show(morning: policy.Morning, customer: policy.Customer) -> None:
    shown = words.page(morning, customer, f"{github.fleet.url}/issues", handbook().labels.bug)
    await artifacts.report(_key(customer.key), shown)


def _key(customer: str) -> str:
    return f"status-{customer}"


def _link(customer: str) -> str:
    return artifacts.link(_key(customer))


def _assert_internal() -> None:
    """Looks at the channels of handbook.toml before anything is done. Slack is asked again before a message leaves.

    Raises:
        Refused: others than our own people read in one of them.
    """
    names = handbook()
    names.needs("status_updates.channel")
    channels = [names.status_updates.channel, *names.status_updates.own_channels.values()]
    public = names.first_response.public_channels
    if problems := policy.reasons_not_to_post(channels, customer_channels.known(), public):
        raise Refused(*problems)


async def _tell(morning: policy.Morning) -> str:
    """Posts the day's message for who is on call. Gives its address."""
    names = handbook().status_updates
    people = [handbook().people[each] for each in morning.on_call.handles]
    own = (names.own_channels[each.handle] for each in people if each.handle in names.own_channels)
    shown = words.message(morning, [each.slack for each in people if each.slack], _link)
    once = f"{GATHER}/{'+'.join(morning.on_call.handles) or 'nobody'}/{morning.day}"
    return (await slack.post(next(own, names.channel), shown, once=once)).url
