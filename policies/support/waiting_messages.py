"""Decides what was asked in a channel from outside, by when it must be acknowledged, and whether it was.

Handbook: customer-success#respond-to-messages-and-alerts
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policies.business_time import Calendar
from policies.channel_history import Said
from policies.events import SlackMessage, slack_ts

# "We respond within 1-hour during business hours and 4 hours outside business hours."
INSIDE, OUTSIDE = timedelta(hours=1), timedelta(hours=4)
WATCHED_FOR = timedelta(days=3)  # then an answer is waited for no longer; it has been late for days, and told
SHOWN_BY = timedelta(minutes=2)  # Slack may show a message a moment late

_SPOKEN = {"", "file_share", "me_message", "thread_broadcast"}  # subtypes of what people write
_SLACKBOT = "USLACKBOT"

_EMOJI = (
    r":(?:\+1|thumbsup|pray|tada|heart|ok_hand|raised_hands|clap|white_check_mark|smile|slightly_\w+)(?:::[\w-]+)?:"
)
_CLOSING = re.compile(
    rf"(?=[\s\S]*\w)(?:[\s.,!;()-]|<@\w+>|{_EMOJI}|\b(?:(?:many )?thanks|thank you|thx|ty|cheers|ok(?:ay)?|great"
    r"|perfect|awesome|got it|will do|sounds good|that worked|so much|very much|a lot|again|all|team|everyone|you too"
    r"|have a (?:good|nice) \w+)\b)+",
    re.IGNORECASE,
)


# -- when


def due_by(asked: datetime, calendar: Calendar) -> datetime:
    """Gives when a message must have been acknowledged, in UTC.

    The hours in which it was written count, by the clock, even when they end meanwhile. What waits when we open is due
    no later than what comes at that moment.
    """
    return min(asked + OUTSIDE, calendar.opens_next(asked) + INSIDE)


# -- what was asked, and answered


@dataclass(frozen=True)
class Answer:
    """That the team answered a message: when, and up to which moment that covers what its writer has written."""

    at: datetime
    covers: datetime


@dataclass(frozen=True)
class Question:
    """What somebody from outside has written until they were answered: one thing that waits, since its first message.

    said: the oldest first. due: in UTC. answered: when, None while nobody has.
    """

    said: tuple[Said, ...]
    due: datetime
    answered: datetime | None = None

    @property
    def first(self) -> SlackMessage:
        return self.said[0].message

    @property
    def key(self) -> str:
        """Gives the business key: the first message's."""
        return self.first.key

    def is_late(self, now: datetime) -> bool:
        """Says whether the answer came late, or is late by now."""
        return (self.answered or now) > self.due


def people_to_look_up(history: Iterable[Said], our_team: str) -> set[str]:
    """Gives whom Slack must be asked about; who writes from another workspace tells it with each message."""
    strangers, others = set[str](), set[str]()
    for each in history:
        if each.message.team not in {"", our_team}:
            strangers.add(each.message.user)
        elif each.message.user and not each.message.bot:
            others.add(each.message.user)
        others.update(each.reacted, each.repliers)
    return {each for each in others - strangers if each.startswith(("U", "W"))} - {_SLACKBOT}


def questions(
    history: Iterable[Said],
    answers: Mapping[str, Answer],
    team: Collection[str],
    calendar: Calendar,
    *,
    is_public: bool,
) -> list[Question]:
    """Gives what was asked from outside, and when each was answered, the oldest first.

    history: what was said in a channel. answers: of the team in threads and by reactions, by the message's ts.
    team: the ids of our people, and of apps through which they write.
    is_public: many ask there, not one customer's people.
    """
    acts: list[tuple[datetime, Said | Answer, str]] = [(each.message.at, each, "") for each in history]
    acts += [(each.covers, each, ts) for ts, each in answers.items()]
    found = _Conversation(calendar, is_public)
    for _, act, ts in sorted(acts, key=lambda each: each[0]):
        match act:
            case Answer():
                found.answer(act.at, found.askers_of(ts))
            case Said() if author(act.message) in team:
                found.team_speaks(act)
            case Said() if is_asking(act):
                found.ask(act)
            case _:
                pass
    return sorted([*found.settled, *found.waiting], key=lambda each: each.first.ts)


def author(message: SlackMessage) -> str:
    """Gives who wrote a message: a person's id, or an app's; "" where Slack itself speaks, or tells of something."""
    return (message.bot or message.user) if message.subtype in _SPOKEN else ""


def is_asking(said: Said) -> bool:
    """Says whether a message by somebody who is not of the team wants an answer: not apps, edits, joins, and thanks."""
    by_a_person = not said.message.bot and author(said.message) not in {"", _SLACKBOT}
    return by_a_person and not _CLOSING.fullmatch(said.text.reveal())


@dataclass
class _Conversation:
    """What waits in a channel while one goes through its history."""

    calendar: Calendar
    is_public: bool
    waiting: list[Question] = field(default_factory=list[Question])
    settled: list[Question] = field(default_factory=list[Question])
    last_asker: str = ""

    def ask(self, said: Said) -> None:
        """Adds to what the writer waits with; what they write after that was due begins anew."""
        self.last_asker = said.message.user
        for place, each in enumerate(self.waiting):
            if each.first.user == said.message.user and said.message.at <= each.due:
                self.waiting[place] = replace(each, said=(*each.said, said))
                return
        self.waiting.append(Question((said,), due_by(said.message.at, self.calendar)))

    def team_speaks(self, said: Said) -> None:
        """Where one customer is, all are answered; where many are, who asked last and who is mentioned."""
        everybody = {each.first.user for each in self.waiting}
        self.answer(said.message.at, {self.last_asker, *said.mentioned} if self.is_public else everybody)

    def answer(self, at: datetime, askers: Collection[str]) -> None:
        """Settles what these people wait with."""
        answered = [each for each in self.waiting if each.first.user in askers]
        self.settled += [replace(each, answered=at) for each in answered]
        self.waiting = [each for each in self.waiting if each not in answered]

    def askers_of(self, ts: str) -> set[str]:
        """Gives who wrote a message, if they wait with it."""
        return {each.first.user for each in self.waiting if any(ts == said.message.ts for said in each.said)}


def acknowledgements(history: Iterable[Said], team: Collection[str], now: datetime) -> dict[str, Answer]:
    """Gives which messages a team member has reacted to. When that was, Slack doesn't say; the first look counts.

    It covers what their writer wrote before, not what came after.
    """
    # "we need to at least acknowledge"
    return {each.message.ts: Answer(now, each.message.at) for each in history if set(team) & set(each.reacted)}


def threads_to_read(
    asked: Iterable[Question], known: Collection[str], team: Collection[str], now: datetime
) -> dict[str, str]:
    """Gives the threads in which an answer may be that changes something: the message's ts -> the thread's.

    known: messages whose answer is known.
    """
    open_ones = [each for question in asked if question.is_late(now) or not question.answered for each in question.said]
    return {
        each.message.ts: each.message.thread_ts or each.message.ts
        for each in open_ones
        if each.message.ts not in known
        and (
            each.message.thread_ts not in {"", each.message.ts} or not each.lists_all or set(each.repliers) & set(team)
        )
    }


def answers_in(
    threads: Mapping[str, str], replies: Mapping[str, Sequence[SlackMessage]], team: Collection[str]
) -> dict[str, Answer]:
    """Gives the team's first reply after each message. An app's is none: a notice that we are closed answers nothing.

    threads: what `threads_to_read` gave. replies: each thread.
    """
    found: dict[str, Answer] = {}
    for ts, thread in threads.items():
        times = [each.at for each in replies[thread] if each.ts > ts and author(each) in team]
        if times:
            found[ts] = Answer(min(times), min(times))
    return found


# -- how far a channel has been read


@dataclass(frozen=True)
class Bookmark:
    """How far a channel has been read, and the answers in threads that are known of what comes after that."""

    read_to: str
    answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])

    def kept(self) -> str:
        """Gives it as text."""
        times = {ts: [each.at.isoformat(), each.covers.isoformat()] for ts, each in self.answers.items()}
        return json.dumps({"read_to": self.read_to, "answers": times})


def bookmark(kept: str | None, now: datetime) -> Bookmark:
    """Reads how far a channel has been read. The first look goes back as far as an answer may take."""
    if kept is None:
        return Bookmark(slack_ts(now - OUTSIDE))
    found = json.loads(kept)
    answers = {ts: Answer(*map(datetime.fromisoformat, times)) for ts, times in found["answers"].items()}
    return Bookmark(max(found["read_to"], slack_ts(now - WATCHED_FOR - OUTSIDE)), answers)


def next_bookmark(
    before: Bookmark, history: Sequence[Said], asked: Sequence[Question], answers: Mapping[str, Answer], now: datetime
) -> Bookmark:
    """Gives from where on the next look reads: from the first message that still waits, and never amid a question."""
    limit = now - SHOWN_BY
    for each in sorted(asked, key=lambda each: each.first.ts, reverse=True):
        if each.first.at <= limit and _end(each) > limit:
            limit = each.first.at - timedelta(microseconds=1)
    read = [each.message.ts for each in history if each.message.at <= limit]
    read_to = max([before.read_to, *read])
    return Bookmark(read_to, {ts: each for ts, each in answers.items() if ts > read_to})


def _end(question: Question) -> datetime:
    """Gives when a question is over: answered, or given up."""
    return question.answered or question.first.at + WATCHED_FOR
