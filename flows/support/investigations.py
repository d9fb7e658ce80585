"""Investigations: time for a bug, and what else helps before it leaves the stand-up.

Handbook: customer-success#timebox-an-investigation
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect import flow

from flows.support import developer_on_call
from policies import free_time
from policies.business_time import Interval
from policies.customer import Refused
from policies.free_time import Slot
from policies.handbook import Person
from policies.issue import Issue, issue_number
from policies.support import bug_escalation, direct_messages
from policies.support import investigations as policy
from policies.support.developer_on_call import person
from policies.support.out_of_hours import message_key
from settings import handbook
from tasks import artifacts, github, google_calendar, ledger, remembered, runs, slack, zoom
from tasks.effects import KeyReused

TIMEBOX = "timebox-investigation"


@flow(name=TIMEBOX)
async def timebox_investigation(timebox: policy.Timebox, dry_run: bool = False) -> int:
    """Plan the time to investigate a bug, and get help with it.

    Handbook: customer-success#timebox-an-investigation
    Owner: Customer Support Engineers
    Writes: Calendar, Slack, Zoom

    1. Free time is looked for in the calendars, in business hours, until the stand-up that the bug leaves.
    2. Blocks of an hour at most go into the person's own calendar; what finds no free time is said.
    3. The customer is asked for logs, in the thread of their message.
    4. A Zoom call is planned when the person and the CSM are both free, and the CSM is asked to coordinate it.
    5. The investigation is handed over to a colleague, or the developer on-call is asked.

    Args:
        timebox: The bug, whose calendar, and what shall be done.
        dry_run: Say what would be done, and do nothing.
    """
    on = await _checked(timebox)
    blocks, call = await _slots(on, timebox)
    made = [(planned, await _block(on, number, planned)) for number, planned in blocks.items()]
    threads = await _ask_for_logs(on, timebox)
    planned_call = await _plan_call(on, timebox, call, threads) if call else None
    await _hand_over(on, timebox, threads)
    shown = policy.timeboxed(on, timebox, policy.Planned(made, planned_call, threads))
    await artifacts.report("timeboxed-investigation", shown)
    return len(made)


# -- what is known


async def _checked(wanted: policy.Timebox) -> policy.Investigation:
    """Gives what is known of the bug.

    Raises:
        Refused: with everything that is wrong with what is wanted.
    """
    names, issue = handbook(), _issue(wanted.issue)
    problems = policy.reasons_not_to_timebox(wanted, issue, names.labels.investigate, names.people, names.roles)
    problems += await _bad_place(wanted.logs) + (zoom.missing() if wanted.call else [])
    problems += developer_on_call.leaks(wanted.tried) if wanted.needs_words else []
    if problems or issue is None:
        raise Refused(*problems)
    if wanted.on_call:
        names.needs(*developer_on_call.NEEDS)
    bug = bug_escalation.bug(
        issue, names.labels.investigate, names.calendar, from_stand_up=names.bug_escalation.counts_from_stand_up
    )
    said = remembered.agreed(f"{TIMEBOX}/{bug.key}", policy.kept(bug))
    return policy.investigation(bug, _person(wanted.who), said)


def _issue(given: str) -> Issue | None:
    try:
        return github.fleet.issue(issue_number(given, handbook().repositories.public))
    except Refused:
        return None


def _person(handle: str) -> Person:
    found = person(handle, handbook().people)
    assert found
    return found


async def _bad_place(link: str) -> list[str]:
    """Says why a request can't go into the thread of a message."""
    try:
        channel, _, ts = message_key(link).partition("/")
    except Refused:
        return []  # the policy says so
    info = await slack.find_channel(channel)
    problems = direct_messages.bad_place(direct_messages.Place.of(info) if info else None, link)
    if not problems and not await slack.message(channel, ts):
        problems.append(f"The message {link.strip()} is gone. Give one of the customer's that is there.")
    return problems


# -- when


def _once(on: policy.Investigation, step: str) -> str:
    return f"{TIMEBOX}/{on.bug.key}/{on.who.handle}/{step}"


async def _slots(on: policy.Investigation, wanted: policy.Timebox) -> tuple[Mapping[int, Slot], Slot | None]:
    """Gives the time of each block by its number, and that of the call. Later runs repeat what the first has found.

    One after the other is settled, with all before it taken: two runs at once agree on times that don't overlap.
    """
    calendar, now = handbook().calendar, runs.current().at
    call = _once(on, f"call/{wanted.manager.strip().lower()}")
    names = {number: _once(on, str(number)) for number in range(1, wanted.blocks + 1)}
    planned = _planned_before([call, *names.values()], now)
    busy = await _busy(on.who, now, on.until)
    if wanted.call and call not in planned:
        both = [*busy, *await _busy(_person(wanted.manager), now, on.until), *policy.with_breaks(planned.values())]
        _agree(planned, call, policy.call_slot(on, now, both, calendar))
    for name in names.values():
        if name not in planned:
            taken = [*busy, *policy.with_breaks(planned.values())]
            _agree(planned, name, policy.block_slot(on, wanted, now, taken, calendar))
    blocks = {number: planned[name] for number, name in names.items() if name in planned}
    return blocks, planned.get(call) if wanted.call else None


def _planned_before(names: Sequence[str], now: datetime) -> dict[str, Slot]:
    """Gives the times that stand, but for those that have passed with nothing made of them."""
    kept = {name: free_time.slot(text) for name, text in remembered.several(names).items()}
    return {name: found for name, found in kept.items() if not policy.is_stale(found, now) or _is_begun(name)}


def _is_begun(name: str) -> bool:
    rows = ledger.rows(keys=[name, f"{name}/meeting"])
    return any(ledger.State(row.state) not in ledger.NOTHING_HAPPENED for row in rows)


def _agree(planned: dict[str, Slot], name: str, found: Slot | None) -> None:
    if found is None:
        return
    if remembered.read(name) is not None and not runs.current().dry_run:
        remembered.keep(name, found.kept())  # in the place of one that has passed
    planned[name] = free_time.slot(remembered.agreed(name, found.kept()))


async def _busy(whose: Person, since: datetime, until: datetime) -> list[Interval]:
    return await asyncio.to_thread(google_calendar.busy, whose.mailbox, since, until)


# -- the steps


async def _block(on: policy.Investigation, number: int, planned: Slot) -> str:
    """Puts a block into the calendar, and gives its link."""
    target = f"block {number} of {on.who.handle} for {on.bug.issue.key}"
    made = await google_calendar.create(policy.block(on, number, planned), once=_once(on, str(number)), target=target)
    return made.url


async def _ask_for_logs(on: policy.Investigation, wanted: policy.Timebox) -> dict[str, str]:
    """Asks the customer for logs, the same ones once. Gives the thread's link."""
    if not wanted.logs.strip():
        return {}
    channel, _, ts = message_key(wanted.logs).partition("/")
    message = await slack.message(channel, ts)
    thread = (message.thread_ts if message else "") or ts
    once = f"{TIMEBOX}/{on.bug.key}/{channel}/{thread}/logs/{policy.digest(wanted)}"
    shown = policy.ask_for_logs(on, wanted)
    return {"Logs": (await slack.post(channel, shown, once=once, thread=thread, to_customers=True)).url}


async def _plan_call(
    on: policy.Investigation, wanted: policy.Timebox, planned: Slot, threads: dict[str, str]
) -> tuple[Slot, str, str]:
    """Plans the call, and asks the CSM to coordinate it. Gives its time, the link to join it and the event's."""
    manager, once = _person(wanted.manager), _once(on, f"call/{wanted.manager.strip().lower()}")
    target = f"call of {on.who.handle} and {manager.handle} about {on.bug.issue.key}"
    meeting = await zoom.create(policy.call(on, manager, planned), once=f"{once}/meeting", target=target)
    invitation = policy.invitation(on, manager, planned, meeting.url)
    event = await google_calendar.create(invitation, once=f"{once}/event", target=target)
    shown = policy.ask_manager(on, manager, planned, meeting.url)
    told = await slack.post(handbook().customer_success_channel.id, shown, once=f"{once}/told")
    threads["The CSM coordinates the call"] = told.url
    return planned, meeting.url, event.url


async def _hand_over(on: policy.Investigation, wanted: policy.Timebox, threads: dict[str, str]) -> None:
    """Hands over to a colleague, and asks the developer on-call, as far as that is wanted."""
    if wanted.hand_over_to.strip():
        to = _person(wanted.hand_over_to)
        threads[f"Handed over to {to.handle}"] = await _tell_colleague(on, to, wanted.tried)
    if wanted.on_call:
        since = datetime.fromisoformat(remembered.agreed(_once(on, "on-call"), runs.current().at.isoformat()))
        _, threads["Developer on-call"] = await developer_on_call.contact(policy.question(on, wanted), since)


async def _tell_colleague(on: policy.Investigation, to: Person, tried: str) -> str:
    once, channel = _once(on, f"hand-over/{to.handle}"), handbook().customer_success_channel.id
    try:
        return (await slack.post(channel, policy.hand_over(on, to, tried), once=once)).url
    except KeyReused:
        (before,) = ledger.rows(keys=[once])
        raise policy.handed_over_already(to, before.made_url or "") from None
