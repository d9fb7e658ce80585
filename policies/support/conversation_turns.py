"""Reads a conversation in Unthread as turns: a customer's message, and our answer to it.

A turn begins with a customer's message and ends with our answer or with closing; then we wait for the customer, and
their next message begins another. While a conversation is on hold its clock stands still, until the customer writes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from policies.ticket import Priority, Ticket, TicketMessage, Tier


@dataclass(frozen=True)
class Turn:
    """A customer's message, and our answer to it. priority, tier: those that count, or counted when we answered."""

    message: str
    at: datetime
    priority: Priority
    tier: Tier
    answered_at: datetime | None = None


@dataclass(frozen=True)
class Hold:
    """A time on hold; no end: it lasts."""

    begin: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class History:
    """What is known of a conversation. changed_at: as Unthread said when its messages were read."""

    changed_at: datetime
    turns: Sequence[Turn] = ()
    holds: Sequence[Hold] = ()

    def kept(self) -> str:
        """Gives it as text."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    def is_about(self, ticket: Ticket) -> bool:
        """Says whether its messages have been read since it last changed."""
        return self.changed_at == ticket.changed_at


def read(kept: str) -> History:
    """Reads a history that was kept."""
    found = json.loads(kept)
    turns = [
        Turn(**each | {"at": _time(each["at"]), "answered_at": each["answered_at"] and _time(each["answered_at"])})
        for each in found["turns"]
    ]
    holds = [Hold(_time(each["begin"]), _time(each["end"]) if each["end"] else None) for each in found["holds"]]
    return History(_time(found["changed_at"]), turns, holds)


def _time(kept: str) -> datetime:
    return datetime.fromisoformat(kept)


def history(
    ticket: Ticket,
    messages: Sequence[TicketMessage] | None,
    team: Collection[str],
    counts: tuple[Priority, Tier],
    before: History | None,
) -> History:
    """Brings what is known of a conversation up to date.

    messages: None when none has come since `before`. team: the ids of our people, in Unthread and in Slack.
    counts: its priority and its customer's tier as they are now.
    """
    spoken = list(_spoken(messages or (), team))
    answered = {each.message: each for each in before.turns if each.answered_at} if before else {}
    closed_at = (ticket.closed_at or ticket.status_since) if ticket.is_closed else None
    if messages is None and before:
        turns = list(before.turns)
    else:
        turns = _turns(spoken, counts, answered, closed_at) if messages else [Turn("", ticket.created_at, *counts)]
    turns = [_ended(each, answered, closed_at) for each in turns]
    turns = [_as_it_counted(each, answered.get(each.message), counts) for each in turns]
    customer_wrote = [message.at for message, is_ours in spoken if not is_ours]
    holds = [_until_heard_of(each, customer_wrote) for each in _holds(ticket, before.holds if before else ())]
    return History(ticket.changed_at, turns, holds)


def _spoken(messages: Sequence[TicketMessage], team: Collection[str]) -> Iterator[tuple[TicketMessage, bool]]:
    """Gives what was said to the other side, oldest first, and whether we said it.

    What an app says for itself counts for nobody, unless it is the first: that is how a customer's mail comes in.
    """
    shown = sorted((each for each in messages if not each.is_note), key=lambda each: each.at)
    for place, each in enumerate(shown):
        if each.user in team and each.user:
            yield each, True
        elif not each.by_app or not place:
            yield each, False


def _turns(
    spoken: Sequence[tuple[TicketMessage, bool]],
    counts: tuple[Priority, Tier],
    answered: Mapping[str, Turn],
    closed_at: datetime | None,
) -> list[Turn]:
    turns: list[Turn] = []
    for message, is_ours in spoken:
        if turns and (ended := _ended(turns[-1], answered, closed_at)).answered_at and ended.answered_at < message.at:
            turns[-1] = ended
        is_open = bool(turns) and not turns[-1].answered_at
        if is_ours and is_open:
            turns[-1] = replace(turns[-1], answered_at=message.at)
        elif not is_ours and not is_open:
            turns.append(Turn(message.id, message.at, *counts))
    return turns


def _ended(turn: Turn, answered: Mapping[str, Turn], closed_at: datetime | None) -> Turn:
    """Ends a turn that no message of ours has ended: nobody answers "thank you", so closing is the answer.

    answered: turns that were over before; a conversation that was opened again no longer tells when it was closed.
    """
    known = answered.get(turn.message)
    at = known.answered_at if known else closed_at
    return turn if turn.answered_at or at is None else replace(turn, answered_at=max(at, turn.at))


def _as_it_counted(turn: Turn, kept: Turn | None, counts: tuple[Priority, Tier]) -> Turn:
    """What was answered stays judged by the priority that it had then; what is open goes by today's."""
    priority, tier = (kept.priority, kept.tier) if kept and turn.answered_at else counts
    return replace(turn, priority=priority, tier=tier)


def _holds(ticket: Ticket, before: Sequence[Hold]) -> list[Hold]:
    holds, last = list(before), before[-1] if before else None
    if ticket.status == "on_hold":
        if last is None or (last.end and ticket.status_since > last.begin):
            holds.append(Hold(ticket.status_since))
    elif last and not last.end:
        holds[-1] = replace(last, end=max(ticket.status_since, last.begin))
    return holds


def _until_heard_of(hold: Hold, customer_wrote: Sequence[datetime]) -> Hold:
    """What we waited for has come when the customer writes."""
    heard = next((at for at in customer_wrote if at > hold.begin), None)
    return replace(hold, end=min(heard, hold.end or heard)) if heard else hold
