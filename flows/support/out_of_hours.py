"""Out of hours: tell customers that we are closed, start the emergency flow for them, keep the list of channels.

Handbook: customer-success#manage-automation-of-customer-slack

The plain functions do the steps. The gateway calls them at once, so that a customer in trouble waits for nothing; the
flows call them too, as record and net. Whoever comes first does it, the other finds it done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace

from prefect import flow

from policies import text_messages
from policies.customer import Refused
from policies.events import SlackAction, SlackCommand, SlackMessage, TextReceived, phone_hash, slack_time
from policies.handbook import HandbookError
from policies.report import Report
from policies.support import out_of_hours as policy
from settings import handbook
from tasks import (
    artifacts,
    cases,
    clock,
    customer_channels,
    database,
    deadlines,
    decisions,
    ledger,
    remembered,
    runs,
    slack,
    sms,
)
from tasks.effects import EffectError, EffectRefused, OverBudget

ANSWER, START, ACKNOWLEDGE = "answer-out-of-hours-message", "start-emergency-request", "acknowledge-emergency-request"
REGISTER = "register-customer-channel"
FOR_GOOD = (Refused, EffectRefused, HandbookError)  # what trying again does not mend


# -- the notice


@flow(name=ANSWER)
async def answer_out_of_hours_message(messages: list[str], dry_run: bool = False) -> None:
    """Tell customers who write outside business hours that we are closed.

    Handbook: customer-success#manage-automation-of-customer-slack
    Owner: Manager of Customer Support and Solutions Architecture
    Writes: Slack

    1. A new message is posted in a customer's channel.
    2. It counts if no team member wrote it, outside business hours, in a channel of the hand-kept list.
    3. The sender is told in the thread that we are closed and when we open, with buttons for a P0 or P1 emergency.

    Args:
        messages: Links of messages in Slack.
        dry_run: Say what would be done, and do nothing.
    """
    keys = [policy.message_key(each) for each in messages]
    await cases.each(keys, _answer_by_key)
    await artifacts.report("out-of-hours-messages", policy.answered(keys))


async def _answer_by_key(key: str) -> None:
    event = cases.event_behind(ANSWER, key)
    channel, _, ts = key.partition("/")
    message = event if isinstance(event, SlackMessage) else await slack.message(channel, ts)
    if message is None:
        raise cases.NothingToDo("The message is gone.")
    await answer(message)


async def answer(message: SlackMessage) -> None:
    """Gives one message its notice.

    Raises:
        tasks.cases.NothingToDo: with the reasons.
    """
    calendar, now = handbook().calendar, runs.current().at
    _unless(policy.reasons_to_do_nothing(message, await customer_channels.listed(), calendar))
    by = await _sender(message.user)
    answered_by_team = policy.is_late(message, now) and await _team_has_answered(message)
    _unless(policy.closer_reasons(message, by, now, calendar, answered_by_team))
    notice, once = policy.notice(message, calendar), f"{ANSWER}/{message.key}/notice"
    budget = ledger.Budget(policy.notices_scope(message), message.key, handbook().out_of_hours.notices_an_hour)
    try:
        await slack.post(message.channel, notice, once=once, thread=message.ts, to_customers=True, budget=budget)
    except OverBudget as over:
        raise cases.NothingToDo(str(over)) from None


async def _team_has_answered(message: SlackMessage) -> bool:
    replies = await slack.thread(message.channel, message.ts)
    speakers = {reply.user for reply in replies if reply.ts != message.ts and reply.user and not reply.bot}
    return any([(await _sender(user)).is_team for user in speakers])


async def _sender(user: str) -> policy.Sender:
    found, us = await slack.person(user), await slack.us()
    return policy.sender(found.team, us.team, is_guest=found.is_guest, is_bot=found.is_bot)


def _unless(reasons: Sequence[str]) -> None:
    if reasons:
        raise cases.NothingToDo(" ".join(reasons))


# -- the emergency flow


@flow(name=START)
async def start_emergency_request(requests: list[str], dry_run: bool = False) -> None:
    """Start the emergency flow for a customer.

    Handbook: customer-success#manage-automation-of-customer-slack
    Owner: VP of Customer Success
    Writes: Twilio, Slack

    1. Only the original sender may start it; anybody else is told so, and only they see it.
    2. The VP of Customer Success gets a text with the customer's channel, the priority and the link.
    3. The state is posted in the thread.
    4. The escalation record is opened in the customer success channel, with a button to take it over.
    5. If nobody has taken it over in time, the next in the order of escalation gets the text.

    Args:
        requests: A message's link in Slack, a blank and the priority, such as "https://... P0".
        dry_run: Say what would be done, and do nothing.
    """
    asked = [policy.request(each).subject for each in requests]
    await cases.each(asked, start_emergency)
    await artifacts.report("emergency-requests", policy.started(asked))


async def start_emergency(subject: str) -> None:
    """Does what a press of the button asks for, or the next step when its time has come."""
    asked = policy.request(subject)
    if asked.stranger:
        await _refuse_stranger(asked)
    elif asked.follow_up:
        await _tell_next(asked)
    else:
        await _start(asked)


async def _refuse_stranger(asked: policy.Request) -> None:
    once = f"{START}/{asked.subject}/refusal"
    await slack.tell_only(asked.channel, asked.stranger, policy.only_the_sender(), once=once, thread=asked.ts)


async def start_for(subject: str, customer: str, *, is_texted: bool) -> None:
    """Starts the emergency flow that our own team has decided on.

    customer: what stands for them, never the name. is_texted: whether the first in the order has had a text already.
    """
    asked = policy.request(subject)
    if not runs.current().dry_run:
        await database.commit(remembered.first, _customer(asked), customer)
        if is_texted:
            await database.commit(remembered.first, _texts(asked), "no")
    await _start(asked)


async def _start(asked: policy.Request) -> None:
    name, texts = await _channel_name(asked), await _is_texted_at_once(asked)
    await _set_deadline(asked)
    reply = policy.begun(asked) if texts else policy.not_texted_again(asked)
    once = f"{START}/{asked.key}/thread"
    problems = await problems_of(
        *([_alert(asked, name)] if texts and not _taken_by(asked) else []),
        slack.post(asked.channel, reply, once=once, thread=asked.ts, to_customers=True),
        _open_record(asked, name, [_vp()] if texts else []),
    )
    if _not_texted(asked):
        problems += await problems_of(_show_record(asked, name))
    raise_one(problems)


async def side_by_side(*steps: Awaitable[object]) -> None:
    """Does steps that must not wait for each other. One that fails holds up no other.

    Raises:
        Exception: what one of them raised, rather one that can be tried again.
    """
    raise_one(await problems_of(*steps))


async def problems_of(*steps: Awaitable[object]) -> list[Exception]:
    """Does steps that must not wait for each other. Gives what they raised."""
    return [each for each in await asyncio.gather(*steps, return_exceptions=True) if isinstance(each, Exception)]


def raise_one(problems: Sequence[Exception]) -> None:
    """Raises one of several problems, if there are any, rather one that can be tried again."""
    for problem in sorted(problems, key=lambda each: isinstance(each, FOR_GOOD)):
        raise problem


async def _alert(asked: policy.Request, name: str) -> None:
    """Texts whose turn it is. Where no text gets out, they are told in Slack, and the next is texted at once."""
    handle = _whose_turn(asked)
    if handle is None:
        raise cases.NothingToDo("Everybody in the order of escalation has been told.")
    try:
        await _text(asked, handle, name)
    except (*FOR_GOOD, EffectError) as error:
        following = _following(asked)
        await _set_deadline(following)
        raise_one([error, *await problems_of(_say_not_texted(asked, handle, error), _alert_too(following, name))])


async def _alert_too(asked: policy.Request, name: str) -> None:
    with suppress(Exception):  # its deadline is set; what is to be corrected, or tried again, is the one before
        await _alert(asked, name)


async def _say_not_texted(asked: policy.Request, handle: str, error: Exception) -> None:
    rows = ledger.rows(keys=[f"{START}/{asked.key}/text/{handle}"])
    reason = next((str(row.reason) for row in rows if row.reason), str(error))
    link, member = slack.link(asked.channel, asked.ts), handbook().people[handle].slack
    shown = policy.not_texted(asked, handle, member, reason, link)
    await slack.tell_once(_record_channel(), shown, occasion=f"{START}/{asked.key}/not-texted/{handle}")


def _whose_turn(asked: policy.Request) -> str | None:
    texted = remembered.read(_texts(asked)) != "no"
    return policy.whose_turn(asked, _vp(), _escalation(), texted_at_once=texted)


def _escalation() -> list[str]:
    handles = [each.handle for each in handbook().holders("escalation")]
    return [handle for handle in handles if handle not in handbook().roles["website_escalation_only"]]


def _vp() -> str:
    return handbook().role("vp_of_customer_success").handle


def _customer(asked: policy.Request) -> str:
    return f"emergency {asked.key} customer"


def _texts(asked: policy.Request) -> str:
    return f"emergency {asked.key} texts"


async def _is_texted_at_once(asked: policy.Request) -> bool:
    """Says whether there is no text yet about the message in these minutes. A later run must say the same."""
    run = runs.current()
    if run.dry_run:
        return True
    window = [policy.texts_window(run.at)]
    has_place = await database.commit(ledger.reserve, policy.texts_scope(asked), asked.key, window) is not None
    texts = policy.is_texted(asked, has_place=has_place)
    return await database.commit(remembered.first, _texts(asked), "yes" if texts else "no") == "yes"


async def _text(asked: policy.Request, handle: str, channel_name: str) -> None:
    said = policy.text_message(asked, channel_name, remembered.read(_customer(asked)) or "")
    words = f"{said} {slack.link(asked.channel, asked.ts)}"
    handbook().needs(f"people.{handle}.phone")
    phone = handbook().people[handle].phone
    await sms.text(phone, words, once=f"{START}/{asked.key}/text/{handle}", target=handle, at_least_once=True)


async def _channel_name(asked: policy.Request) -> str:
    """Gives the channel's name; its id when Slack doesn't say, since the text must not wait for that.

    A later run must say the same: what the text said stands.
    """
    try:
        name = str((await slack.info(asked.channel)).get("name") or asked.channel)
    except Exception:  # whatever Slack's trouble is
        name = asked.channel
    if runs.current().dry_run:
        return name
    return await database.commit(remembered.first, f"emergency {asked.key}", name)


async def _open_record(asked: policy.Request, name: str, told: Sequence[str]) -> None:
    customer = remembered.read(_customer(asked)) or ""
    shown = policy.record(asked, name, told, slack.link(asked.channel, asked.ts), customer=customer)
    await slack.post(_record_channel(), shown, once=f"{START}/{asked.key}/record")


async def _set_deadline(asked: policy.Request) -> None:
    """Has the next be told in time, whatever becomes of this step."""
    if runs.current().dry_run:
        return
    by = policy.acknowledge_by(runs.current().at, handbook().out_of_hours.acknowledge_within_minutes)
    await database.commit(deadlines.set_for, START, _following(asked).subject, by)


def _following(asked: policy.Request) -> policy.Request:
    return replace(asked, follow_up=asked.follow_up + 1)


async def _tell_next(asked: policy.Request) -> None:
    if decisions.on(START, asked.key):
        raise cases.NothingToDo("Somebody has taken it over.")
    name = await _channel_name(asked)
    if _whose_turn(asked):
        await _set_deadline(asked)
    try:
        await _alert(asked, name)
    finally:
        await _show_record(asked, name)


def _record_channel() -> str:
    return handbook().channels["help-customers"].id


async def _show_record(asked: policy.Request, name: str) -> None:
    """Brings the escalation record up to date, if there is one."""
    records = ledger.rows(keys=[f"{START}/{asked.key}/record"], states=[ledger.State.DONE])
    if not records:
        return
    told, taken_by = _told(asked), _taken_by(asked)
    unreached = {handle: handbook().people[handle].slack for handle in _not_texted(asked) if handle not in told}
    customer, link = remembered.read(_customer(asked)) or "", slack.link(asked.channel, asked.ts)
    shown = policy.record(asked, name, told, link, taken_by, customer=customer, unreached=unreached)
    step = f"{'-'.join(['+'.join(told), *unreached])}/{'taken' if taken_by else 'open'}"
    await slack.update(_record_channel(), records[0].made_id, shown, once=f"{START}/{asked.key}/record/{step}")
    if _taken_by(asked) != taken_by:
        await _show_record(asked, name)


def _told(asked: policy.Request) -> list[str]:
    """Gives who has been texted, in order."""
    rows = ledger.rows(below=f"{START}/{asked.key}/text/", states=[ledger.State.DONE])
    return [row.key.rpartition("/")[2] for row in rows]


def _not_texted(asked: policy.Request) -> list[str]:
    """Gives whom a text did not reach, at least at first, in the order of escalation."""
    begin = f"{START}/{asked.key}/not-texted/"
    handles = {row.key.removeprefix(begin).partition("/")[0] for row in ledger.rows(below=begin)}
    return [handle for handle in dict.fromkeys([_vp(), *_escalation(), *sorted(handles)]) if handle in handles]


def _taken_by(asked: policy.Request) -> str:
    found = decisions.on(START, asked.key)
    return found.decided_by if found else ""


@flow(name=ACKNOWLEDGE)
async def acknowledge_emergency_request(requests: list[str], dry_run: bool = False) -> None:
    """Take over an emergency request.

    Handbook: customer-success#manage-automation-of-customer-slack
    Owner: VP of Customer Success
    Writes: Slack

    1. Who takes it over is recorded; the first one stands.
    2. The customer reads in the thread that somebody is on it.
    3. The escalation record says who; nobody else is texted.

    Args:
        requests: A message's link in Slack, a blank and the priority, such as "https://... P0".
        dry_run: Say what would be done, and do nothing.
    """
    await cases.each(requests, _acknowledge_by_key)
    await artifacts.report("emergency-requests-taken-over", policy.started(requests))


async def _acknowledge_by_key(subject: str) -> None:
    event = cases.event_behind(ACKNOWLEDGE, subject)
    if isinstance(event, SlackAction | TextReceived):
        await acknowledge(event)
    else:
        await _take_over(policy.request(subject), runs.current().started_by)


async def acknowledge(event: SlackAction | TextReceived) -> None:
    """Does what a press of "I take it over", or an answer to the text, asks for."""
    if isinstance(event, TextReceived):
        await _take_over(*await _answered(event))
    elif not (await _sender(event.user)).is_team:
        once = f"{ACKNOWLEDGE}/{event.value}/{event.user}/{event.action_ts}/refusal"
        await slack.tell_only(event.channel, event.user, policy.only_the_team(), once=once)
    else:
        await _take_over(policy.request(event.value), event.user)


async def _answered(text: TextReceived) -> tuple[policy.Request, str]:
    """Gives the request that an answer takes over, with who it is; another try is about the same one.

    Without a code it is the request of the latest text, whatever has become of it: nobody takes over unseen what
    an earlier text was about.
    """
    people = {handle: each for handle, each in handbook().people.items() if phone_hash(each.phone) == text.sender_hash}
    keys = [key for key in _texts_of_late(text.code) if key.rpartition("/")[2] in people]
    if not keys:
        raise cases.NothingToDo("It answers no text of ours of the last day.")
    key = keys[-1]
    if not runs.current().dry_run:
        key = await database.commit(remembered.first, f"{ACKNOWLEDGE}/{text.sid}", key)
    asked, handle = key.removeprefix(f"{START}/").split("/text/")
    return policy.request(asked), people[handle].slack or handle


def _texts_of_late(code: str) -> list[str]:
    """Gives the keys of the texts of the last day that got out, the latest last; only the one with the code, if any.

    Who names the code has read the text, even if Twilio never told us that it left.
    """
    since = clock.wall() - policy.AN_ANSWER_IS_TO
    rows = [row for row in ledger.rows(below=f"{START}/") if row.updated_at > since and "/text/" in row.key]
    if code:
        return [row.key for row in rows if text_messages.code(row.key) == code]
    out = [row for row in rows if row.state == ledger.State.DONE]
    return [row.key for row in sorted(out, key=lambda row: row.updated_at)]


async def _take_over(asked: policy.Request, by: str) -> None:
    if not runs.current().dry_run:
        await database.commit(decisions.record, START, asked.key, "taken over", by)
    once = f"{ACKNOWLEDGE}/{asked.key}/thread"
    await slack.post(asked.channel, policy.taken_over(), once=once, thread=asked.ts, to_customers=True)
    await _show_record(asked, await _channel_name(asked))


# -- the list of channels


@flow(name=REGISTER, flow_run_name="{change} {channel}")
async def register_customer_channel(
    channel: str, change: policy.Change = "add", reason: str = "", press: str = "", dry_run: bool = False
) -> None:
    """Add a customer's channel to the out-of-hours notice, or remove it.

    Handbook: customer-success#manage-automation-of-customer-slack
    Owner: Automation administrator
    Writes: Slack, Prefect

    1. Our app joins the channel.
    2. The channel is added to the list, or taken off it.
    3. Who asked for it and why is recorded.

    Args:
        channel: The channel's link or id in Slack.
        change: Whether it shall get the notice, or no longer.
        reason: Why. Who reads the list later wants to know. Never a customer's name, which Prefect would store.
        press: Leave it empty. After a request in Slack it says which press of a button decided it.
        dry_run: Say what would be done, and do nothing.
    """
    if press:
        await cases.each([press], _decide_by_key)
        report = policy.listed(await customer_channels.refresh())
    else:
        report = await register(policy.channel_id(channel), change, reason, runs.current().started_by)
    await artifacts.report("customer-channels", report)


async def _decide_by_key(press: str) -> None:
    event = cases.event_behind(REGISTER, press)
    if not isinstance(event, SlackAction):
        raise Refused(f'Nothing is known of the press "{press}". Leave the field empty.')
    await decide_on_channel(event)


async def register(channel: str, change: policy.Change, reason: str, who: str) -> Report:
    """Changes the list of channels."""
    name = await _name_of(channel, change)
    if change == "add":
        await slack.join(channel, once=f"{REGISTER}/{channel}/{runs.current().id}/join")
    await customer_channels.change(channel, change, once=f"{REGISTER}/{channel}/{runs.current().id}/{change}")
    return policy.registered(channel, name, change, reason, who, await customer_channels.refresh())


async def _name_of(channel: str, change: policy.Change) -> str:
    """Gives a channel's name. What shall no longer get the notice may be gone.

    Raises:
        policies.customer.Refused: the automation can't run there.
    """
    found = await slack.find_channel(channel)
    if change == "remove":
        return str(found.get("name") or channel) if found else channel
    if found is None:
        raise Refused(policy.not_there(channel))
    name = str(found.get("name") or channel)
    states = {state: bool(found.get(state)) for state in ("is_archived", "is_private", "is_member")}
    if problems := policy.problems_with(channel, name, **states):
        raise Refused(*problems)
    return name


async def ask_to_register(channel: str, change: policy.Change, reason: str, asked: SlackCommand) -> Report:
    """Asks the automation administrator for a change of the list. Gives what the asking person reads.

    Raises:
        policies.customer.Refused: the asking person is no team member, or the automation can't run there.
    """
    if not (await _sender(asked.user)).is_team:
        raise Refused("Only members of the team can ask for this. Write to us in your channel.")
    administrators = [each.slack for each in handbook().holders("automation_administrator")]
    name = await _name_of(channel, change)
    question = policy.asked_to_register(channel, name, change, reason, asked.user, administrators)
    made = await slack.post(_record_channel(), question, once=f"{REGISTER}/{asked.trigger}/question")
    return policy.question_asked(made.url)


async def decide_on_channel(action: SlackAction) -> None:
    """Does what the automation administrator's press of a button asks for; anybody else is told who decides."""
    administrators = [each.slack for each in handbook().holders("automation_administrator")]
    channel, change = policy.asked_for(action.value)
    if action.user not in administrators:
        once = f"{REGISTER}/{action.user}/{action.action_ts}/refusal"
        await slack.tell_only(action.channel, action.user, policy.only_the_administrator(), once=once)
        raise cases.NothingToDo("Only the automation administrator decides.")
    approved = action.action == policy.APPROVE
    subject = f"{action.channel}/{action.message_ts}"
    stands = await database.commit(decisions.record, REGISTER, subject, action.action, action.user)
    if (stands.decision, stands.decided_by) != (action.action, action.user):
        raise cases.NothingToDo("It has been decided before.")
    shown = policy.decided(channel, change, approved, action.user, slack_time(action.action_ts))
    await slack.update(action.channel, action.message_ts, shown, once=f"{REGISTER}/{subject}/decided")
    if approved:
        await register(channel, change, "asked for in Slack", f"the administrator, {action.user}")
