"""Decides on which day developers hand over the on-call, and what the thread of that day says.

Handbook: customer-success#contact-the-developer-on-call
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from policies.business_time import Calendar, spoken_day, spoken_time
from policies.events import slack_time
from policies.handbook import Person
from policies.on_call_rotation import Answer, person_of
from policies.report import Link, Mention, Report
from policies.support.developer_on_call import Request

CHANNEL = "g-engineering"


@dataclass(frozen=True)
class HandOff:
    """A week's hand-off. open: addresses of threads without an answer, with the time they began."""

    day: date
    new: Answer
    former: Answer
    open: Mapping[str, str]

    def kept(self) -> str:
        """Writes down what a second attempt must repeat."""
        return json.dumps({"new": asdict(self.new), "former": asdict(self.former), "open": dict(self.open)})


def read(day: date, text: str) -> HandOff:
    """Reads what `HandOff.kept` wrote."""
    found = json.loads(text)
    return HandOff(day, Answer(**found["new"]), Answer(**found["former"]), found["open"])


def hand_off_of(today: date, weekday: str, calendar: Calendar) -> date | None:
    """Gives the day whose hand-off is today: the weekday itself, or one that was closed; None on other days."""
    meant = next(day for back in range(7) if f"{(day := today - timedelta(days=back)):%A}" == weekday)
    return meant if calendar.nth_business_day(meant, 1) == today else None


def hand_off(day: date, on_call: tuple[Answer, Answer], waiting: Sequence[Request]) -> HandOff:
    """Puts a hand-off together. on_call: who is now, and who was the week before. waiting: without an answer."""
    shown = {each.url: spoken_time(slack_time(each.ts)) for each in sorted(waiting, key=lambda found: found.ts)}
    return HandOff(day, *on_call, shown)


def thread(found: HandOff, group: str, people: Mapping[str, Person]) -> Report:
    """Words the message that begins the thread."""
    # "An automated weekly on-call handoff Slack thread in #g-engineering provides the opportunity to discuss"
    new, former = found.new.developer or "whoever is on call now", found.former.developer or "whoever was before"
    unknown = [f"This week: {found.new.why_not}"] * (not found.new.developer)
    unknown += [f"The week before: {found.former.why_not}"] * (not found.former.developer)
    person = person_of(found.new.developer, people)
    return Report(
        f"On-call hand-off of {spoken_day(found.day)}",
        [*unknown, *_checklist(new, former)],
        mentions=[Mention(each) for each in (group, person.slack if person else "") if each],
    )


def _checklist(new: str, former: str) -> list[str]:
    if new.casefold() == former.casefold():
        return [f"{new} stays on call, and in the @oncall user group."]
    return [
        f"1. {new} puts themselves into the @oncall user group, in the place of {former}.",
        f"2. {new} and {former} go through the open threads below.",
        f"3. What is not handed over stays with {former}.",
    ]


def replies(found: HandOff, questions: Sequence[str]) -> dict[str, Report]:
    """Words the thread's replies, by the name of each. questions: of the retrospective."""
    # "discuss highlights, improvements, and hand off ongoing issues"
    count = len(found.open)
    told = f"{count} {'call' if count == 1 else 'calls'} for @oncall of the last week without an answer."
    rows = [(Link(asked, url),) for url, asked in found.open.items()]
    return {
        "highlights": Report("Highlights", ["What was worth knowing this week?"]),
        "improvements": Report(
            "Improvements", ["What should become better, in the product, its docs or the rotation?"]
        ),
        "issues": Report("Ongoing issues to hand over", [told, "Add what else is open."], ("Asked",), rows),
        "retrospective": Report("Retrospective", [f"{at}. {each}" for at, each in enumerate(questions, 1)]),
    }


def no_hand_off(today: date, weekday: str) -> Report:
    """Words why there is no hand-off on a day."""
    return Report("No hand-off today", [f"{spoken_day(today)} is not the day of the hand-off, which is {weekday}."])


def handed_off(found: HandOff, begun: str) -> Report:
    """Words what the run shows."""
    told = [
        f"Now on call: {_or_why(found.new)}",
        f"Before: {_or_why(found.former)}",
        f"{len(found.open)} threads open.",
    ]
    rows = [("Hand-off", Link(f"#{CHANNEL}", begun))]
    rows += [("Without an answer", Link(asked, url)) for url, asked in found.open.items()]
    return Report("On-call hand-off", told, ("What", "Thread"), rows)


def _or_why(answer: Answer) -> str:
    return f"{answer.developer}." if answer.developer else f"not known. {answer.why_not}"
