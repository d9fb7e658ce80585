"""The developer on-call: asked for help, reminded, handed over each week; and direct messages summed up in channels.

Handbook: customer-success#contact-the-developer-on-call
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from prefect import flow

from policies.business_time import pacific_date
from policies.confidentiality import Leak
from policies.customer import Refused
from policies.events import slack_ts
from policies.issue import Issue
from policies.on_call_rotation import WEEK, Answer, Row, who
from policies.report import Report
from policies.support import developer_hand_off as hand_off
from policies.support import developer_on_call as policy
from policies.support import direct_messages
from settings import handbook
from tasks import artifacts, cases, github, known_names, ledger, remembered, runs, sheets, slack, slack_history
from tasks.effects import KeyReused

CONTACT, REVIEW = "contact-developer-on-call", "review-developer-requests"
SUMMARY, HAND_OFF = "post-direct-message-summary", "hand-off-developer-on-call"
GROUP = f"user_groups.{policy.GROUP}.id"
DAY = timedelta(days=1)
NEEDS = (GROUP, f"channels.{policy.CHANNEL}.id")


@flow(name=CONTACT)
async def contact_developer_on_call(question: policy.Question, dry_run: bool = False) -> str:
    """Ask the developer on-call for help.

    Handbook: customer-success#contact-the-developer-on-call
    Owner: Customer Support Engineers
    Writes: Slack

    1. The question is checked: the issue is there, the customer has the codename, no name and no secret is in it.
    2. Who is on call is read from the rotation. If that fails, the message says so and goes out all the same.
    3. The on-call's user group is mentioned in #help-engineering, with the issue, the codename and what was tried.
    4. On request, solutions consulting is asked too, with a link to that thread.

    Args:
        question: What it is about, what was tried, and who asks.
        dry_run: Say what would be done, and do nothing.
    """
    shown, thread = await contact(question, runs.current().at)
    await artifacts.report("developer-on-call", shown)
    return thread


async def contact(question: policy.Question, now: datetime) -> tuple[Report, str]:
    """Asks the developer on-call, the same once a day. Gives what a run shows, and the thread's address.

    Raises:
        Refused: with everything that is wrong with the question, or it was asked that day in other words.
    """
    names = handbook()
    names.needs(*NEEDS, *([f"channels.{policy.CONSULTING}.id"] if question.solutions_consulting else []))
    about, issue = _checked(question)
    day = policy.asked_on(now, remembered.read(_said(about, pacific_date(now) - DAY)))
    once = f"{CONTACT}/{about.key}/{day}"
    (who_is,) = on_call(day)
    said = remembered.agreed(_said(about, day), policy.kept(now, who_is, policy.customers(question, issue)))
    asked = policy.asked(question, about, issue, names.people, said)
    thread = await _call_for_help(asked, f"{once}/message")
    consulted = ""
    if question.solutions_consulting:
        shown = policy.consulting(asked, thread)
        consulted = (await slack.post(_channel(policy.CONSULTING), shown, once=f"{once}/solutions-consulting")).url
    return policy.contacted(asked, thread, consulted, names.developer_calendar), thread


@flow(name=REVIEW)
async def review_developer_requests(dry_run: bool = False) -> int:
    """Remind the developer on-call of calls that nobody has answered.

    Handbook: customer-success#contact-the-developer-on-call
    Owner: Manager of Customer Support and Solutions Architecture
    Writes: Slack

    1. Messages of the last week in #help-engineering that mention the on-call's user group are calls, by whomever.
    2. An answer is a reply in the thread by anybody but the asker and apps.
    3. After one hour of nine to five on business days without an answer, the thread is reminded, once.
    4. One that can't be reminded holds up no other.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    now, names = runs.current().at, handbook()
    calendar = names.developer_calendar
    if not calendar.is_open(now):
        await artifacts.report("developer-on-call-review", policy.closed(calendar, now))
        return 0
    names.needs(*NEEDS)
    found, failed = dict[policy.Request, policy.State](), dict[str, Exception]()
    for request in await _requests():
        try:
            found[request] = await _standing(request)
            if found[request] == "overdue":
                shown = policy.reminder(request, _group(), calendar)
                await slack.tell_once(request.channel, shown, occasion=f"{REVIEW}/{request.key}", thread=request.ts)
        except Exception as error:  # the others go on; it is raised below
            failed[request.key] = error
    await artifacts.report("developer-on-call-review", policy.reviewed(found, calendar))
    cases.assert_settled(failed)
    return len(found)


@flow(name=SUMMARY)
async def post_direct_message_summary(summary: direct_messages.Summary, dry_run: bool = False) -> str:
    """Sum up a direct message in the channel it belongs to.

    Handbook: customer-success#contact-the-developer-on-call
    Owner: Customer Support Engineers
    Writes: Slack

    1. The summary is what a person wrote about a direct message; the message itself is never read.
    2. It is refused when it seems to hold a secret, or a customer's real name where others would read it.
    3. It is posted in the channel, in its author's name.

    Args:
        summary: Where it belongs, who sums it up, and what was talked about.
        dry_run: Say what would be done, and do nothing.
    """
    people = handbook().people
    place = await _place(summary.channel)
    problems = direct_messages.reasons_not_to_post(summary, place, people)
    if place is None or place.hides_names:
        problems += leaks(summary.text)
    if place is None or problems:
        raise Refused(*problems)
    once = f"{SUMMARY}/{direct_messages.summary_key(summary, place.id)}"
    shown = direct_messages.message(summary, people)
    made = await slack.post(place.id, shown, once=once, to_customers=place.is_shared)
    await artifacts.report("direct-message-summary", direct_messages.summarised(place, made.url))
    return made.url


@flow(name=HAND_OFF)
async def hand_off_developer_on_call(dry_run: bool = False) -> str:
    """Begin the weekly thread in which developers hand over the on-call.

    Handbook: customer-success#contact-the-developer-on-call
    Owner: Developer on-call
    Writes: Slack

    1. It is the day of handbook.toml, or the next business day when that one is closed; on others nothing happens.
    2. Who is on call and who was before is read from the rotation; the new one takes over the user group.
    3. A thread in #g-engineering asks for highlights, improvements, ongoing issues, and a retrospective.
    4. Calls of the last week without an answer are listed, with links.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    names, today = handbook(), pacific_date(runs.current().at)
    weekday = names.developer_on_call.hand_off_day
    day = hand_off.hand_off_of(today, weekday, names.developer_calendar)
    if day is None:
        await artifacts.report("developer-hand-off", hand_off.no_hand_off(today, weekday))
        return ""
    names.needs(*NEEDS, f"channels.{hand_off.CHANNEL}.id")
    once = f"{HAND_OFF}/{day}"
    found = await _hand_off(day, once)
    root = hand_off.thread(found, _group(), names.people)
    begun = await slack.post(_channel(hand_off.CHANNEL), root, once=f"{once}/thread")
    questions = names.by_edition.developer_retrospective[names.edition]
    for name, reply in hand_off.replies(found, questions).items():
        await slack.post(_channel(hand_off.CHANNEL), reply, once=f"{once}/{name}", thread=begun.id)
    await artifacts.report("developer-hand-off", hand_off.handed_off(found, begun.url))
    return begun.url


# -- what is known


def _checked(question: policy.Question) -> tuple[policy.Subject, Issue | None]:
    """Gives what a question is about.

    Raises:
        Refused: with everything that is wrong with it.
    """
    about = policy.subject(question.issue, handbook().repositories)
    issue = _issue(about)
    codenames = [label.name for label in github.confidential.codename_labels()] if question.customer else []
    problems = policy.reasons_not_to_ask(question, about, issue, codenames, handbook().people)
    problems += leaks(question.tried)
    if problems or about is None:
        raise Refused(*problems)
    if about.issue is None:
        channel, _, ts = about.key.partition("/")
        return replace(about, url=slack.link(channel, ts)), None
    return about, issue


def _said(about: policy.Subject, day: date) -> str:
    """Names what is kept of what was first said about something on a day."""
    return f"{CONTACT}/{about.key}/{day}/said"


def _issue(about: policy.Subject | None) -> Issue | None:
    if about is None or about.issue is None:
        return None
    is_public = about.issue.repository.lower() == handbook().repositories.public.lower()
    return (github.fleet if is_public else github.confidential).issue(about.issue.number)


def leaks(text: str) -> list[str]:
    """Says whether a text holds a customer's real name."""
    try:
        known_names.public(text)
    except Leak as leak:
        return [str(leak)]
    return []


def on_call(*days: date) -> list[Answer]:
    """Says who is on call on each of some days, going by one look at the rotation."""
    names = handbook().developer_on_call
    rows = _rotation()
    if isinstance(rows, str):
        return [Answer("", rows) for _ in days]
    return [who(rows, names.week_column, names.developer_column, day) for day in days]


def _rotation() -> list[Row] | str:
    """Reads the rotation's rows; a text says why they can't be read. That holds up nobody."""
    names = handbook().developer_on_call
    if not names.reader:
        return "handbook.toml names no mailbox that reads it; fill in developer_on_call.reader."
    try:
        return list(sheets.rows(names.spreadsheet, names.sheet, names.reader))
    except sheets.SheetError as error:
        return str(error)


async def _place(given: str) -> direct_messages.Place | None:
    """Gives the channel that a person named, as Slack shows it to our app."""
    ids = {name: channel.id for name, channel in handbook().channels.items()}
    channel = direct_messages.channel_id(given, ids)
    info = await slack.find_channel(channel) if channel else None
    return direct_messages.Place.of(info) if info else None


async def _requests() -> list[policy.Request]:
    """Gives the calls for the developer on-call of the last week."""
    since = runs.current().at - policy.LOOKS_BACK
    return [
        policy.request(each.message, each.mentioned, slack.link(each.message.channel, each.message.ts))
        for each in await slack_history.history(_channel(policy.CHANNEL), slack_ts(since))
        if policy.is_request(each.message, each.mentioned, _group())
    ]


async def _standing(request: policy.Request) -> policy.State:
    """Says how a call stands. A thread is read when its time is over, and not again once somebody has answered."""
    if not policy.is_due(request, runs.current().at, handbook().developer_calendar):
        return "in time"
    return "answered" if await _is_answered(request) else "overdue"


async def _is_answered(request: policy.Request) -> bool:
    name = f"{REVIEW}/{request.key}/answered"
    if remembered.read(name):
        return True
    answered = policy.is_answered(request, await slack.thread(request.channel, request.ts))
    if answered and not runs.current().dry_run:
        remembered.keep(name, "yes")
    return answered


async def _hand_off(day: date, once: str) -> hand_off.HandOff:
    """Gives what the first attempt at a week's hand-off went by."""
    new, former = on_call(day, day - WEEK)
    waiting = [each for each in await _requests() if not await _is_answered(each)]
    found = hand_off.hand_off(day, (new, former), waiting)
    return hand_off.read(day, remembered.agreed(f"{once}/found", found.kept()))


# -- Slack


def _channel(name: str) -> str:
    return handbook().channels[name].id


def _group() -> str:
    return handbook().user_groups[policy.GROUP].id


async def _call_for_help(asked: policy.Asked, once: str) -> str:
    """Mentions the on-call, and gives the address of the thread.

    Raises:
        Refused: the same was asked today in other words.
    """
    shown = policy.call_for_help(asked, _group(), handbook().developer_calendar)
    try:
        return (await slack.post(_channel(policy.CHANNEL), shown, once=once)).url
    except KeyReused:
        (before,) = ledger.rows(keys=[once])
        raise policy.asked_already(asked, before.made_url or "") from None
