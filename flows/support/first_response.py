"""First responses: who writes to us in Slack is acknowledged within an hour, outside business hours within four.

Handbook: customer-success#respond-to-messages-and-alerts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prefect import flow

from policies import attainment
from policies.channel_history import Said
from policies.support import first_response as policy
from policies.support import out_of_hours
from policies.support import waiting_messages as messages
from settings import handbook
from tasks import artifacts, cases, customer_channels, ledger, remembered, runs, slack, slack_history
from tasks.effects import EffectError

WATCH = "watch-first-responses"
COUNTED = f"{WATCH}/due/"

T = TypeVar("T")


@flow(name=WATCH)
async def watch_first_responses(dry_run: bool = False) -> int:
    """Remind of messages from outside that nobody has acknowledged.

    Handbook: customer-success#respond-to-messages-and-alerts
    Owner: Customer Support Engineers
    Writes: Slack

    1. The customers' channels and the public ones are read, from the first message on that still waits.
    2. A message from outside waits until the team replies, says something after it, or reacts to it; apps don't count.
    3. What is written in business hours is due after one hour, otherwise after four, or an hour after we open.
    4. At half of the time the responder is reminded: support, or the 24/7 on-call outside business hours.
    5. When the time is over it is escalated; what somebody calls an emergency, at once. Each is told once.
    6. The share answered in time is counted by week.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    now, names = runs.current().at, handbook()
    names.needs(f"user_groups.{policy.GROUP}.id")
    places, looks, problems = await _read()
    for look in looks:
        problems += await _settled(look)
    problems += await _blind_spots(places.without_us)
    waiting = {_url(each): each for look in looks for each in look.questions if not each.answered}
    weeks = attainment.by_week(map(policy.read_promise, remembered.below(COUNTED).values()), now)
    elsewhere = policy.out_of_reach(names)
    shown = policy.watched(waiting, len(looks), places.without_us, elsewhere, problems, weeks, now)
    await artifacts.report("first-responses", shown)
    await artifacts.attainment("first-responses-in-time", "First responses in time", weeks)
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(waiting)


# -- what is known


@dataclass(frozen=True)
class _Look:
    """What a look at a channel found, and from where the next one reads."""

    channel: str
    questions: list[messages.Question]
    bookmark: messages.Bookmark


async def _read() -> tuple[policy.Places, list[_Look], list[str]]:
    """Reads every channel, several at a time. Gives also what went wrong with those that could not be read."""
    names, now = handbook().first_response, runs.current().at
    async with slack_history.in_bulk():
        ours, listed = await slack_history.channels(), await customer_channels.listed()
        places = policy.places(ours, listed, names.public_channels, names.customer_prefixes)
        kept = remembered.several([_bookmark(each) for each in places.watched])
        before = {each: messages.bookmark(kept.get(_bookmark(each)), now) for each in places.watched}

        async def read(channel: str) -> list[Said]:
            return await slack_history.history(channel, before[channel].read_to)

        said, unread = _apart(await slack_history.each(places.watched, read))
        team = await _team_among(each for history in said.values() for each in history)

        async def look(channel: str) -> _Look:
            return await _look_at(before[channel], said[channel], team, channel, is_public=places.watched[channel])

        looks, unseen = _apart(await slack_history.each(said, look))
    return places, list(looks.values()), policy.unread(unread | unseen)


def _apart(found: Mapping[str, T | Exception]) -> tuple[dict[str, T], dict[str, str]]:
    """Gives what was found by channel, and why nothing was."""
    problems = {channel: slack.explain(each).reason for channel, each in found.items() if isinstance(each, Exception)}
    return {channel: each for channel, each in found.items() if not isinstance(each, Exception)}, problems


async def _team_among(said: Iterable[Said]) -> set[str]:
    """Gives the ids of our people among those who spoke, and of the apps through which they do."""
    our_team = (await slack.us()).team
    found = await slack_history.people(messages.people_to_look_up(said, our_team))
    senders = {
        each.id: out_of_hours.sender(each.team, our_team, is_guest=each.is_guest, is_bot=each.is_bot) for each in found
    }
    return {each for each, sender in senders.items() if sender.is_team} | set(handbook().first_response.answering_apps)


async def _look_at(
    before: messages.Bookmark, history: list[Said], team: set[str], channel: str, *, is_public: bool
) -> _Look:
    """Says what was asked in a channel. A thread is read when an answer may be in it that is not known yet."""
    now, calendar = runs.current().at, handbook().calendar
    answers = messages.acknowledgements(history, team, now) | dict(before.answers)
    asked = messages.questions(history, answers, team, calendar, is_public=is_public)
    if threads := messages.threads_to_read(asked, answers, team, now):
        replies = {thread: await slack.thread(channel, thread) for thread in sorted(set(threads.values()))}
        answers |= messages.answers_in(threads, replies, team)
        asked = messages.questions(history, answers, team, calendar, is_public=is_public)
    return _Look(channel, asked, messages.next_bookmark(before, history, asked, answers, now))


def _bookmark(channel: str) -> str:
    return f"{WATCH}/read/{channel}"


def _url(question: messages.Question) -> str:
    return slack.link(question.first.channel, question.first.ts)


# -- what is done


async def _settled(look: _Look) -> list[str]:
    """Tells and counts what a look found. Gives what went wrong; then the next run reads the same again."""
    try:
        for question in look.questions:
            await _tell(question)
    except EffectError as error:
        return [str(error)]
    if not runs.current().dry_run:
        _count(policy.promises(look.questions, runs.current().at))
        remembered.keep(_bookmark(look.channel), look.bookmark.kept())
    return []


async def _tell(question: messages.Question) -> None:
    """Reminds of a question, or escalates it, once each."""
    now = runs.current().at
    step = policy.step(question, now)
    once = f"{WATCH}/{question.key}/{step}"
    if step is None or ledger.is_done(once):
        return
    telling = policy.telling(question, step, policy.on_duty(handbook(), now), _url(question))
    said = policy.read_telling(remembered.agreed(once, telling.kept()))
    await slack.post(handbook().customer_success_channel.id, policy.told(said), once=once)


def _count(promises: Mapping[str, str]) -> None:
    """Keeps when each was due and answered; what was counted first stands."""
    names = {f"{COUNTED}{key}": value for key, value in promises.items()}
    known = remembered.several(names)
    for name, value in names.items():
        if name not in known:
            remembered.first(name, value)


async def _blind_spots(channels: Sequence[str]) -> list[str]:
    """Says once in which channels nobody watches, since our app is not in them. Gives what went wrong."""
    once = f"{WATCH}/without-us/{policy.digest(channels)}"
    try:
        if channels and not ledger.is_done(once):
            await slack.post(handbook().customer_success_channel.id, policy.not_watched(channels), once=once)
    except EffectError as error:
        return [str(error)]
    return []
