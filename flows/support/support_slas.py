"""Support requests in Unthread: routed by their priority, watched against the response times of the handbook.

Handbook: customer-success 2024, "Customer support service level agreements (SLAs)" and "Customer support process".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from prefect import flow

from flows.support import out_of_hours
from policies.attainment import WEEKS, by_week
from policies.customer import Account, Refused
from policies.customer_directory import Directory
from policies.handbook import Person
from policies.report import Report
from policies.support import conversation_turns as turns
from policies.support import support_routing as routing
from policies.support import support_slas as policy
from policies.ticket import OPEN_STATES, Priority, Ticket, TicketCustomer, TicketUser, Tier, ticket_id
from settings import handbook
from tasks import artifacts, cases, decisions, ledger, remembered, runs, salesforce, slack, sms, unthread
from tasks.unthread import Where

WATCH, ROUTE = "watch-support-slas", routing.SET
JUST_AFTER = timedelta(microseconds=1)  # so that of two decisions one is the last


@flow(name=WATCH)
async def watch_support_slas(dry_run: bool = False) -> int:
    """See that customers are answered within the response times of their priority.

    Handbook: customer-success#customer-support-service-level-agreements-slas
    Owner: Customer Support Engineers
    Writes: Slack

    1. All open conversations in Unthread are read, 100 a call, and the messages of those that have changed.
    2. When an answer is due follows from the priority and the calendar; the clock stops while we wait for the customer.
    3. The conversation's owner is warned before, and told with the manager of support when it is late; each once.
    4. For a new conversation without a priority the team is asked for one, if that has not been done. One whose
       priority was set in Unthread, or raised there to P0 or P1, is routed as route-support-request does.
    5. A table shows what has the least time left first, a plot the share that was answered in time, week by week.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    now, known = runs.current().at, await _known()
    began = datetime.fromisoformat(remembered.agreed(f"{WATCH}/began", now.isoformat()))
    tickets, unreadable = await _conversations(now)
    found, problems = await _look_at(tickets, known)
    problems += unreadable
    standings = [_standing(each, known, found[each.id]) for each in tickets if each.id in found and not each.is_closed]
    if not problems and not runs.current().dry_run:
        remembered.keep(f"{WATCH}/looked", now.isoformat())
    problems += await _tell(policy.by_time_left(standings), known, began)
    await _show(standings, found, known, problems)
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(standings)


@flow(name=ROUTE)
async def route_support_request(
    conversation: str,
    priority: routing.Choice = "as in Unthread",
    expert: bool = False,
    on_call: bool = False,
    solutions_consulting: bool = False,
    press: str = "",
    dry_run: bool = False,
) -> None:
    """Set a support request's priority, and bring in the people it needs.

    Handbook: customer-success#customer-support-process
    Owner: Customer Support Engineers
    Writes: Unthread, Slack, Twilio

    1. Where nobody has set a priority, the team is asked for it in Slack, with buttons.
    2. The priority is set in Unthread.
    3. P2 and P3 go to the CSE; the developer on-call and solutions consulting are asked on request.
    4. P0 and P1 go to the CSE with the developer on-call.
    5. Expert questions go to the CSE with the developer on-call, the CSM and #help-product-design.
    6. For a P0 the customer is told in their private channel, and the emergency flow starts: text, record, escalation.

    Args:
        conversation: Its address or id in Unthread. Never the customer's name, which Prefect would store.
        priority: P0 emergency, P1 high, P2 medium, P3 low. As in Unthread: without one there, the team is asked.
        expert: It needs expert knowledge of the product.
        on_call: Ask the developer on-call to help; for P0, P1 and expert questions they are asked anyway.
        solutions_consulting: Ask solutions consulting to help.
        press: Leave it empty; a button in Slack fills it in.
        dry_run: Say what would be done, and do nothing.
    """
    key, asked = ticket_id(conversation), routing.Asked(priority, expert, on_call, solutions_consulting)
    by = routing.pressed(press, key, priority).user if press else runs.current().started_by

    async def act(_: str) -> None:
        await artifacts.report("routed-support-request", await _route(key, asked, by, await _known(), press))

    # What a person asks for in the form is done whatever became of the conversation's case.
    if press or priority == routing.AS_IN_UNTHREAD:
        await cases.each([press or key], act)
    else:
        await act(key)


# -- what is known


@dataclass(frozen=True)
class _Known:
    """What conversations are compared with, read once for all."""

    rules: policy.Rules
    users: Mapping[str, TicketUser]
    customers: Mapping[str, TicketCustomer]
    directory: Directory
    accounts: Mapping[str, Account]  # those with a codename, by id
    missing: Sequence[str]  # what could not be looked up

    @property
    def team(self) -> set[str]:
        """Gives the ids of our people, in Unthread and in Slack."""
        return {id for each in self.users.values() for id in (each.id, each.slack) if id}

    def counts(self, ticket: Ticket) -> tuple[Priority, Tier]:
        """Gives the priority and the tier that count for a conversation."""
        tier = policy.tier_of(self.customers.get(ticket.customer), self.rules)
        return policy.priority_of(ticket, self.rules) or self.rules.without_priority, tier

    def account(self, ticket: Ticket) -> Account | None:
        """Gives the customer's account in Salesforce, if it has a codename."""
        customer = self.customers.get(ticket.customer)
        return self.accounts.get(self.directory.named(customer.name).account) if customer else None

    def customer(self, ticket: Ticket) -> str:
        """Gives what stands for the customer where it is shown: never the name."""
        account = self.account(ticket)
        return account.github_label if account else ticket.customer

    def owner(self, ticket: Ticket) -> Person | None:
        """Gives whom a conversation is assigned to."""
        return policy.owner(self.users.get(ticket.assignee), handbook().people.values())


async def _known() -> _Known:
    accounts, missing = _accounts()
    return _Known(
        rules=policy.rules(handbook()),
        users={each.id: each for each in await unthread.users()},
        customers={each.id: each for each in await unthread.customers()},
        directory=Directory([], accounts, {each.id: each.name for each in accounts}),
        accounts={each.id: each for each in accounts},
        missing=missing,
    )


def _accounts() -> tuple[list[Account], list[str]]:
    """Gives the accounts that have a codename. Without them, ids stand for customers, and no deadline waits."""
    try:
        return salesforce.accounts_with_codename(), []
    except Exception as error:  # whatever Salesforce's trouble is
        return [], [f"Salesforce did not answer ({type(error).__name__}): codenames are missing."]


async def _conversations(now: datetime) -> tuple[list[Ticket], list[str]]:
    """Gives the open conversations of customers, and those that were closed since the last look.

    Gives what went wrong, too: one that can't be read holds up no other.
    """
    looked = remembered.read(f"{WATCH}/looked")
    since = datetime.fromisoformat(looked) - policy.OVERLAP if looked else now - timedelta(weeks=WEEKS)
    still_open, problems = await unthread.readable_conversations(Where("status", "in", OPEN_STATES))
    closed, others = await unthread.readable_conversations(
        Where("status", "==", "closed"), Where("updatedAt", ">", unthread.moment(since))
    )
    found = {each.id: each for each in [*closed, *still_open] if each.customer}
    return list(found.values()), [*problems, *others]


def _history(ticket: Ticket) -> str:
    return f"{WATCH}/history/{ticket.id}"


async def _look_at(tickets: Sequence[Ticket], known: _Known) -> tuple[dict[str, turns.History], list[str]]:
    """Brings what is known of conversations up to date. Gives what went wrong, too: one holds up no other."""
    found, problems, outages = dict[str, turns.History](), list[str](), 0
    progress = artifacts.Progress("Conversations looked at")
    before = remembered.several([_history(each) for each in tickets])
    for ticket in tickets:
        try:
            found[ticket.id] = await _looked_at(ticket, known, before.get(_history(ticket), ""))
        except unthread.Unavailable as error:
            problems.append(f"{ticket.id}: {error}")
            outages += not isinstance(error, unthread.NotGiven)
        if outages == policy.GIVES_UP_AFTER:
            break
        await progress.up_to(len(found), len(tickets))
    return found, problems


def known_turns(tickets: Sequence[Ticket]) -> dict[str, turns.History]:
    """Gives what the watch knows of conversations that have not changed since it looked, by id. It asks nobody."""
    kept = remembered.several([_history(each) for each in tickets])
    found = {each.id: (each, turns.read(kept[_history(each)])) for each in tickets if _history(each) in kept}
    return {id: history for id, (ticket, history) in found.items() if history.is_about(ticket)}


async def _looked_at(ticket: Ticket, known: _Known, kept: str, *, anew: bool = False) -> turns.History:
    """Brings what is known of a conversation up to date. Its messages are read when it has changed, or `anew`."""
    before = turns.read(kept) if kept else None
    is_known = before is not None and before.is_about(ticket) and not anew
    messages = None if is_known else await unthread.messages(ticket.id)
    found = turns.history(ticket, messages, known.team, known.counts(ticket), before)
    if found.kept() != kept and not runs.current().dry_run:
        remembered.keep(_history(ticket), found.kept())
    return found


def _standing(ticket: Ticket, known: _Known, found: turns.History) -> policy.Standing:
    at = runs.current().at
    return policy.standing(ticket, known.customer(ticket), known.counts(ticket), found, at, known.rules)


# -- the watch


async def _tell(standings: Sequence[policy.Standing], known: _Known, began: datetime) -> list[str]:
    """Tells of each deadline once. One that can't be told of holds up no other. Gives what went wrong."""
    problems: list[str] = []
    for each in standings:
        try:
            if policy.is_told(each, began):
                await _tell_owner(each, known)
            if policy.asks_for_priority(each, began):
                await _ask(_request(each.ticket, known, each.due), known.rules.without_priority)
            await _route_what_was_set(each, known, began)
        except Exception as error:  # the others go on; it is raised by the caller
            problems.append(f"{each.ticket.id}: {error}")
    return problems


async def _route_what_was_set(each: policy.Standing, known: _Known, began: datetime) -> None:
    """Brings in the people whom a priority needs that was set in Unthread itself, or whose webhook was lost."""
    last = _last_decision(each.ticket.id)
    is_left = last is not None and last.is_left
    if is_left or policy.is_set_by_hand(each, began, last.priority if last else None):
        with suppress(cases.NothingToDo, Refused):  # there are reasons not to, or another choice stands
            await _route(each.ticket.id, routing.Asked(routing.AS_IN_UNTHREAD), routing.IN_UNTHREAD, known)


async def _tell_owner(each: policy.Standing, known: _Known) -> None:
    """Warns of a deadline, or says that it is missed, after one more look: somebody may have answered meanwhile."""
    occasion = f"{WATCH}/{each.occasion()}"
    if ledger.rows(below=f"{occasion}/", states=[ledger.State.DONE]):
        return
    found = await _looked_at(each.ticket, known, remembered.read(_history(each.ticket)) or "", anew=True)
    if _standing(each.ticket, known, found) == each:
        managers, vp = _slack_ids("manager_of_support_and_solutions"), _slack_ids("vp_of_customer_success")
        above = policy.above(each.priority, managers, vp)
        owner = policy.assigned_to(known.users.get(each.ticket.assignee), handbook().people.values())
        shown = policy.notice(each, owner, above)
        await slack.tell_once(_channel(routing.HELP_CUSTOMERS), shown, occasion=occasion)


async def _show(
    standings: Sequence[policy.Standing],
    found: Mapping[str, turns.History],
    known: _Known,
    problems: Sequence[str],
) -> None:
    kept = {name: turns.read(text) for name, text in remembered.below(f"{WATCH}/history/").items()}
    histories = kept | {f"{WATCH}/history/{id}": each for id, each in found.items()}
    weeks = by_week(policy.promises(histories.values(), known.rules), runs.current().at)
    owners = {each.ticket.id: owner.name for each in standings if (owner := known.users.get(each.ticket.assignee))}
    await artifacts.report("support-slas", policy.watched(standings, owners, weeks, [*known.missing, *problems]))
    await artifacts.attainment("support-sla-attainment", "Support requests answered in time", weeks)


# -- routing


async def _route(key: str, asked: routing.Asked, by: str, known: _Known, press: str = "") -> Report:
    names = handbook()
    if press and by not in _team():
        await _tell_only(by, routing.only_the_team(), press)
        raise cases.NothingToDo("Only the team sets a priority.")
    before = _last_decision(key)
    ticket = await unthread.conversation(key)
    set_before, tier = policy.priority_of(ticket, known.rules), known.counts(ticket)[1]
    if problems := routing.reasons_not_to_route(ticket, tier, asked, set_before):
        if press:
            await _tell_only(by, routing.not_set(problems), press)
            raise cases.NothingToDo(" ".join(problems))
        raise _refused(key if asked.priority == routing.AS_IN_UNTHREAD else "", problems)
    priority = asked.priority
    if priority == routing.AS_IN_UNTHREAD:
        if before and before.is_open and set_before != before.priority:
            raise cases.NothingToDo(routing.under_way(ticket, before.said))
        priority = set_before
    if priority is None:
        request = _request(ticket, known, await _due(ticket, known, (known.rules.without_priority, tier)))
        url = await _ask(request, known.rules.without_priority)
        return routing.asked_for_priority(request, url)
    chosen = routing.route(priority, asked)
    names.needs(*routing.needed(chosen))
    request = _request(ticket, known, await _due(ticket, known, (priority, tier)))
    chosen_at = routing.pressed(press, key, priority).at if press else runs.current().at
    once = _decided(ticket, chosen, by, chosen_at, set_before).once
    places = await _bring_in(request, chosen, known, once)
    await _show_priority(request, priority, by, once)
    remembered.agreed(f"{once}/routed", "yes")
    return routing.shown(request, chosen, places)


def _refused(subject: str, problems: Sequence[str]) -> Exception:
    """Says why a conversation is not routed: to a person who asked for it, or as what came of an event's case."""
    return cases.NothingToDo(" ".join(problems)) if cases.event_behind(ROUTE, subject) else Refused(*problems)


async def _due(ticket: Ticket, known: _Known, counts: tuple[Priority, Tier]) -> datetime | None:
    """Gives when the customer is to have an answer, going by this priority."""
    kept = remembered.read(_history(ticket))
    messages = await unthread.messages(ticket.id)
    found = turns.history(ticket, messages, known.team, counts, turns.read(kept) if kept else None)
    return policy.standing(ticket, "", counts, found, runs.current().at, known.rules).due


def _request(ticket: Ticket, known: _Known, due: datetime | None) -> routing.Request:
    cse = known.owner(ticket) or handbook().role("customer_support_engineer")
    return routing.Request(ticket, known.customer(ticket), cse, due)


@dataclass(frozen=True)
class _Decision:
    """A decision about a conversation: the how-manieth, what was decided, by whom, when."""

    ticket: str
    number: int
    said: str
    by: str
    at: datetime

    @property
    def once(self) -> str:
        """Gives what the keys of its effects begin with."""
        return f"{ROUTE}/{self.ticket}/{self.number}"

    @property
    def priority(self) -> Priority:
        """Gives the priority that was decided on."""
        return routing.priority_in(self.said)

    @property
    def is_open(self) -> bool:
        """Says whether Unthread may not have the priority yet."""
        if remembered.read(f"{self.once}/set"):  # the ledger has no row where Unthread had it already
            return False
        states = [row.state for row in ledger.rows(keys=[f"{self.once}/priority"])]
        return not states or states[0] not in {ledger.State.DONE, ledger.State.FAILED}

    @property
    def is_left(self) -> bool:
        """Says whether the watch has begun with it and not come to its end."""
        return self.by == routing.IN_UNTHREAD and remembered.read(f"{self.once}/routed") is None


def _last_decision(ticket: str) -> _Decision | None:
    """Gives what was decided last about a conversation: what was chosen last, whenever we came to hear of it."""
    last = decisions.last(ROUTE, below=f"{ticket}/")
    return _Decision(ticket, int(last.shown), last.decision, last.decided_by, last.at) if last else None


def _decided(ticket: Ticket, chosen: routing.Route, by: str, at: datetime, in_unthread: Priority | None) -> _Decision:
    """Records a decision. The same one again is no new one, so that nobody is told twice, until Unthread says another.

    Raises:
        tasks.cases.NothingToDo: another was chosen since.
    """
    while True:
        last, said = _last_decision(ticket.id), chosen.said()
        if last and last.said == said:
            is_undone = at > last.at and in_unthread != chosen.priority and not last.is_open
            if not is_undone:
                return last
        if last and last.at > at:
            raise cases.NothingToDo(routing.overtaken(ticket, last.said, last.by, last.at))
        number, moment = (last.number + 1, max(at, last.at + JUST_AFTER)) if last else (1, at)
        if runs.current().dry_run:
            return _Decision(ticket.id, number, said, by, moment)
        decisions.record(ROUTE, f"{ticket.id}/{number}", said, by, str(number), moment)


async def _bring_in(request: routing.Request, chosen: routing.Route, known: _Known, once: str) -> Mapping[str, str]:
    """Sets the priority and tells everybody; a step that fails holds up no other. Gives where they are told."""
    places: dict[str, str] = {}

    async def tell(name: str, shown: Report) -> None:
        places[name] = (await slack.tell_once(_channel(name), shown, occasion=f"{once}/{name}")).url

    number = known.rules.numbers[chosen.priority]
    steps: list[Awaitable[object]] = [_set_priority(request.ticket, number, once)]
    if chosen.is_emergency:
        steps.append(_begin_emergency(request, chosen, known, once, places))
    else:
        steps.append(tell(routing.HELP_CUSTOMERS, routing.routed(request, chosen, "")))
    steps += [tell(name, shown) for name, shown in _others(request, chosen, known)]
    await out_of_hours.side_by_side(*steps)
    return places


async def _set_priority(ticket: Ticket, number: int, once: str) -> None:
    """Sets a conversation's priority, once for a decision: what somebody changes after that stays."""
    if not remembered.read(f"{once}/set"):
        await unthread.set_priority(ticket.id, number, once=f"{once}/priority")
        remembered.agreed(f"{once}/set", "yes")


def _others(request: routing.Request, chosen: routing.Route, known: _Known) -> Iterator[tuple[str, Report]]:
    """Gives what is told in which channel beside customer success's."""
    if chosen.on_call:
        group = handbook().user_groups[routing.GROUP].id
        yield routing.ON_CALL, routing.for_on_call(request, chosen, group)
    if chosen.consulting:
        yield routing.CONSULTING, routing.for_consulting(request, chosen)
    if chosen.product:
        account, managers = known.account(request.ticket), handbook().holders("customer_success_manager")
        manager = routing.manager_of(account.owner if account else "", managers)
        yield routing.PRODUCT, routing.for_product(request, chosen, manager, managers)


async def _begin_emergency(
    request: routing.Request, chosen: routing.Route, known: _Known, once: str, places: dict[str, str]
) -> None:
    """Tells customer success and the customer, and starts the emergency flow about the message that the customer sees.

    Where they get none it is about customer success's own message, and stays so. Where nothing can be posted at all,
    the VP of Customer Success gets the text without the rest.
    """
    channel, has_channel, problems = "", None, list[Exception]()
    try:
        channel = await _private_channel(known.customers.get(request.ticket.customer))
        has_channel = bool(channel)
    except Exception as error:  # whatever Slack's trouble is
        problems.append(error)

    async def tell_customer_success() -> str:
        names, where = handbook().support_slas, slack.channel_link(channel) if channel else ""
        contact = routing.contact(
            has_channel=has_channel, address=names.contract_contact, information=names.contact_information
        )
        shown = routing.routed(request, chosen, contact, where)
        ours = _channel(routing.HELP_CUSTOMERS)
        told = await slack.tell_once(ours, shown, occasion=f"{once}/{routing.HELP_CUSTOMERS}")
        places[routing.HELP_CUSTOMERS] = told.url
        return routing.emergency(ours, told.id)

    async def tell_customer() -> str:
        shown, occasion = routing.for_customer(request), f"{once}/customer"
        told = await slack.tell_once(channel, shown, occasion=occasion, to_customers=True)
        places[routing.THEIRS] = told.url
        return routing.emergency(channel, told.id)

    steps = [*([tell_customer()] if channel else []), tell_customer_success()]
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    problems += [each for each in outcomes if isinstance(each, Exception)]
    about = next((each for each in outcomes if isinstance(each, str)), None)
    alert = _start_emergency(about, request, once) if about else _text_without_slack(request, once)
    out_of_hours.raise_one([*problems, *await out_of_hours.problems_of(alert)])


async def _start_emergency(about: str, request: routing.Request, once: str) -> None:
    about = remembered.agreed(f"{once}/emergency", about)
    is_texted = ledger.is_done(_text_key(once))
    await out_of_hours.start_for(about, request.customer, is_texted=is_texted)


async def _text_without_slack(request: routing.Request, once: str) -> None:
    vp = handbook().role("vp_of_customer_success")
    handbook().needs(f"people.{vp.handle}.phone")
    words = f"{routing.text_without_slack(request)} {request.ticket.url}"
    await sms.text(vp.phone, words, once=_text_key(once), target=vp.handle, at_least_once=True)


def _text_key(once: str) -> str:
    return f"{once}/text"


async def _private_channel(customer: TicketCustomer | None) -> str:
    """Gives the id of a customer's private channel; "" when there is none that our app sees."""
    info = await slack.find_channel(customer.channel) if customer and customer.channel else None
    is_usable = info is not None and info.get("is_private") and not info.get("is_archived")
    return str(info["id"]) if info and is_usable else ""


# -- Slack


def _channel(name: str) -> str:
    return handbook().channels[name].id


def _team() -> set[str]:
    return {id for role in routing.TEAM for id in _slack_ids(role)}


def _slack_ids(role: str) -> list[str]:
    return [each.slack for each in handbook().holders(role) if each.slack]


async def _tell_only(user: str, shown: Report, press: str) -> None:
    """Tells who pressed a button why nothing came of it; nobody else reads it."""
    await slack.tell_only(_channel(routing.HELP_CUSTOMERS), user, shown, once=f"{ROUTE}/{press}/refusal")


async def _ask(request: routing.Request, counts_as: Priority) -> str:
    """Asks once for a conversation's priority. Gives the address of the question."""
    occasion = f"{ROUTE}/{request.ticket.id}/question"
    shown = routing.question(request, counts_as)
    return (await slack.tell_once(_channel(routing.HELP_CUSTOMERS), shown, occasion=occasion)).url


async def _show_priority(request: routing.Request, priority: Priority, by: str, once: str) -> None:
    """Puts the priority into the place of the question, if it was asked."""
    asked = ledger.rows(below=f"{ROUTE}/{request.ticket.id}/question/", states=[ledger.State.DONE])
    if asked and asked[0].made_id:
        shown = routing.answered(request, priority, by)
        await slack.update(_channel(routing.HELP_CUSTOMERS), asked[0].made_id, shown, once=f"{once}/question")
