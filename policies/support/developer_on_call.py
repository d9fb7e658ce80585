"""Decides what the developer on-call is asked, and when they are reminded.

Handbook: customer-success#contact-the-developer-on-call
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.business_time import PACIFIC, Calendar, pacific_date, spoken_day, spoken_time
from policies.customer import Refused
from policies.events import SlackMessage, slack_time
from policies.handbook import Person, Repositories
from policies.issue import Issue, Reference, reference
from policies.on_call_rotation import Answer
from policies.report import Link, Mention, Report
from policies.spilled_secrets import secrets_in
from policies.support.out_of_hours import message_key

ANSWER_WITHIN = timedelta(hours=1)  # of nine to five on weekdays; handbook/engineering, not this page
LONGEST_TEXT = 2_000  # characters, so that a message shows all of it
LOOKS_BACK = timedelta(days=7)
GOES_ON_FOR = timedelta(hours=8)  # of a question that was begun and stopped, before it counts as asked anew
CHANNEL, CONSULTING = "help-engineering", "help-solutions-consulting"
GROUP = "oncall"

State = Literal["answered", "in time", "overdue"]


class Question(BaseModel):
    """What somebody asks the developer on-call."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issue: Annotated[
        str,
        Field(
            title="Issue or message",
            description="Address of the GitHub issue or comment, or link of the Slack message, that the team can't "
            "address.",
        ),
    ]
    tried: Annotated[
        str,
        Field(
            title="What was tried",
            description=f"At most {LONGEST_TEXT} characters, without names and secrets.",
            json_schema_extra={"format": "textarea"},
        ),
    ]
    asked_by: Annotated[
        str, Field(title="Your GitHub handle", description="Your own replies in the thread are no answer.")
    ]
    customer: Annotated[
        str,
        Field(
            title="Customer's codename label",
            description="Empty: the issue's. Never the customer's name, which Prefect would store.",
            pattern=r"^((customer|prospect)-[a-z0-9][a-z0-9-]*)?$",
        ),
    ] = ""
    solutions_consulting: Annotated[
        bool, Field(title="Ask solutions consulting too", description=f"In #{CONSULTING}.")
    ] = False


# -- asking


@dataclass(frozen=True)
class Subject:
    """What a question is about: an issue, a comment, or a message in Slack, which has no issue.

    url: of a message. It is made from its key: what somebody typed may lead elsewhere.
    """

    key: str
    url: str = ""
    issue: Reference | None = None


def subject(given: str, repositories: Repositories) -> Subject | None:
    """Reads what a question is about; None when it is neither an issue of ours nor a message."""
    if given.strip().startswith("http"):
        with suppress(Refused):
            return Subject(message_key(given))
    for repository, comment in product((repositories.public, repositories.confidential), (False, True)):
        with suppress(Refused):
            found = reference(given, repository, comment=comment)
            return Subject(found.key, "", found)
    return None


def reasons_not_to_ask(
    asked: Question,
    about: Subject | None,
    issue: Issue | None,
    codenames: Sequence[str],
    people: Mapping[str, Person],
) -> list[str]:
    """Names what is wrong with a question.

    issue: what it is about, None when there is none. codenames: the labels that stand for customers.
    """
    problems = bad_text(asked.tried, "what was tried") + bad_author(asked.asked_by, people)
    if about is None:
        problems.append(
            f'"{asked.issue}" is neither an issue of ours nor a message in Slack. Give its address, or its link from '
            '"Copy link" in Slack.'
        )
    elif about.issue and issue is None:
        problems.append(f"There is no issue {about.issue.key}. Copy its address in GitHub.")
    if asked.customer and asked.customer not in {each.lower() for each in codenames}:
        problems.append(
            f'No customer has the label "{asked.customer}" in the confidential repository. Correct it, or assign the '
            "codename first."
        )
    return problems


def bad_text(text: str, what: str) -> list[str]:
    """Says why a text can't be posted: it is empty or too long, or seems to hold a secret."""
    if not text.strip():
        return [f"It is not said {what}. Write it in a sentence or more."]
    problems: list[str] = []
    if len(text) > LONGEST_TEXT:
        problems.append(f"The text has {len(text)} characters; at most {LONGEST_TEXT} are shown. Shorten it.")
    if spilled := secrets_in(text):
        problems.append(
            f"The text seems to hold {' and '.join(map(str, spilled))}. Leave it out. The run keeps what was typed: "
            "delete the run, and change the secret if it is one."
        )
    return problems


def bad_author(handle: str, people: Mapping[str, Person]) -> list[str]:
    """Says why nobody can write in somebody's name."""
    found = person(handle, people)
    if found is None:
        return [f'"{handle}" is not among [people] of handbook.toml. Give your GitHub handle as it stands there.']
    if not found.slack:
        return [f"handbook.toml has no Slack id of {found.handle}. Fill in people.{found.handle}.slack."]
    return []


def person(handle: str, people: Mapping[str, Person]) -> Person | None:
    """Gives who has a GitHub handle; None when nobody of handbook.toml does."""
    wanted = handle.strip().lstrip("@").lower()
    return next((found for known, found in people.items() if known.lower() == wanted), None)


@dataclass(frozen=True)
class Asked:
    """A question that may be asked, with what the first attempt has said, which later ones repeat.

    at: when it was first asked. on_call: who was on call then.
    """

    about: Subject
    url: str
    tried: str
    asker: Person
    customers: Sequence[str]
    at: datetime
    on_call: Answer


def kept(at: datetime, on_call: Answer, customers: Sequence[str]) -> str:
    """Writes down what a second attempt must repeat."""
    return json.dumps({"at": at.isoformat(), "on_call": asdict(on_call), "customers": list(customers)})


def asked_on(now: datetime, yesterdays: str | None) -> date:
    """Gives the day that a question counts for: one that goes on after midnight calls nobody a second time.

    yesterdays: what `kept` wrote of the same question the day before, if it was asked then.
    """
    at = datetime.fromisoformat(json.loads(yesterdays)["at"]) if yesterdays else now
    return pacific_date(at if now - at < GOES_ON_FOR else now)


def customers(question: Question, issue: Issue | None) -> list[str]:
    """Gives the codename labels of whom a question is about: the one that was given, else the issue's."""
    if question.customer:
        return [question.customer]
    return issue.codenames if issue else []


def asked(question: Question, about: Subject, issue: Issue | None, people: Mapping[str, Person], said: str) -> Asked:
    """Puts together what is asked. said: what `kept` wrote."""
    first, asker = json.loads(said), person(question.asked_by, people)
    assert asker
    url = about.url
    if issue and about.issue:
        url = issue.url + (f"#issuecomment-{about.issue.comment}" if about.issue.comment else "")
    at, on_call = datetime.fromisoformat(first["at"]), Answer(**first["on_call"])
    return Asked(about, url, question.tried.strip(), asker, first["customers"], at, on_call)


def call_for_help(asked: Asked, group: str, calendar: Calendar) -> Report:
    """Words what the developer on-call reads. group: the id of the user group to mention.

    The asker is mentioned second, so that a look at the channel tells whose replies are no answer.
    """
    # "mention them in Fleet Slack using @oncall in the #help-engineering channel"
    due = calendar.due_by(asked.at, ANSWER_WITHIN)
    return Report(
        "Help from the developer on-call",
        [
            f"{called(asked.asker)} asks. {_told(asked.on_call)} An answer is due by {spoken_time(due)}.",
            f"What was tried: {asked.tried}",
        ],
        ("Question", "Customer"),
        [_row(asked)],
        mentions=[Mention(group), Mention(asked.asker.slack)],
    )


def consulting(asked: Asked, thread: str) -> Report:
    """Words what solutions consulting reads. thread: the address of what the developer on-call was asked."""
    # "Additional help can be obtained by messaging your friendly Solutions Consultant"
    return Report(
        "Help from a solutions consultant",
        [f"{called(asked.asker)} asks. The developer on-call is asked too.", f"What was tried: {asked.tried}"],
        ("Question", "Customer", "Thread"),
        [(*_row(asked), Link(f"#{CHANNEL}", thread))],
    )


def _row(asked: Asked) -> tuple[Link, str]:
    shown = asked.about.key if asked.about.issue else "Message in Slack"
    return Link(shown, asked.url), ", ".join(asked.customers)


def called(someone: Person) -> str:
    """Gives what people call a person."""
    return someone.name or someone.handle


def _told(on_call: Answer) -> str:
    if on_call.developer:
        return f"On call this week: {on_call.developer}."
    return f"Who is on call could not be read from the rotation: {on_call.why_not}"


def asked_already(asked: Asked, thread: str) -> Refused:
    """Says that the same was asked before in other words."""
    return Refused(
        f"The developer on-call was asked about {asked.about.key} on {spoken_time(asked.at)}: {thread} Add there what "
        "is new, or start this again the day after."
    )


def contacted(asked: Asked, thread: str, consulted: str, calendar: Calendar) -> Report:
    """Words what the run shows. consulted: the address of the message to solutions consulting, "" for none."""
    row = (*_row(asked), Link(f"#{CHANNEL}", thread), Link(f"#{CONSULTING}", consulted) if consulted else "not asked")
    due = spoken_time(calendar.due_by(asked.at, ANSWER_WITHIN))
    said = [_told(asked.on_call), f"An answer is due by {due}; without one the thread is reminded."]
    return Report(
        "Developer on-call contacted", said, ("Question", "Customer", "Thread", "Solutions consulting"), [row]
    )


# -- reminding


@dataclass(frozen=True)
class Request:
    """A message that calls the developer on-call. asker: whose replies are no answer, a Slack id or ""."""

    channel: str
    ts: str
    asker: str
    url: str

    @property
    def key(self) -> str:
        """Gives the business key: a message has one ts in its channel."""
        return f"{self.channel}/{self.ts}"


def is_request(message: SlackMessage, mentioned: Sequence[str], group: str) -> bool:
    """Says whether a channel's message calls the on-call, by our hand or somebody else's."""
    is_reply = message.thread_ts not in {"", message.ts}
    return group in mentioned and not is_reply and message.subtype in {"", "bot_message", "file_share", "me_message"}


def request(message: SlackMessage, mentioned: Sequence[str], url: str) -> Request:
    """Reads a message that calls the on-call. For an app it asks in the name of whom it mentions."""
    named = next((each for each in mentioned if not each.startswith("S")), "")
    return Request(message.channel, message.ts, named if message.bot else message.user, url)


def is_due(request: Request, now: datetime, calendar: Calendar) -> bool:
    """Says whether the hour to answer has passed, of which only nine to five on weekdays counts."""
    return now >= due_by(request, calendar)


def due_by(request: Request, calendar: Calendar) -> datetime:
    """Gives when a request must be answered, in UTC."""
    return calendar.due_by(slack_time(request.ts), ANSWER_WITHIN)


def is_answered(request: Request, thread: Sequence[SlackMessage]) -> bool:
    """Says whether anybody but the asker and apps has replied; a message that is gone needs no answer."""
    replies = [each for each in thread if each.ts != request.ts]
    return not thread or any(each.user and not each.bot and each.user != request.asker for each in replies)


def reminder(request: Request, group: str, calendar: Calendar) -> Report:
    """Words what the thread reads when nobody has answered."""
    return Report(
        "Nobody has answered yet",
        [
            f"An answer was due by {spoken_time(due_by(request, calendar))}, one hour after the question between 9 AM "
            "and 5 PM Pacific Time. A first reply is enough; this is the only reminder."
        ],
        mentions=[Mention(group)],
    )


def closed(calendar: Calendar, now: datetime) -> Report:
    """Words why there is no review at a time."""
    day = now.astimezone(PACIFIC).date()
    why = calendar.why_closed(day)
    told = f"{spoken_day(day)} is no business day ({why})." if why else "It is not between 9 AM and 5 PM Pacific Time."
    return Report("No review now", [told])


def reviewed(requests: Mapping[Request, State], calendar: Calendar) -> Report:
    """Words what the run shows: what waits for an answer, the longest first."""
    waiting = [(each, state) for each, state in requests.items() if state != "answered"]
    rows = [
        (Link(spoken_time(slack_time(each.ts)), each.url), spoken_time(due_by(each, calendar)), state)
        for each, state in sorted(waiting, key=lambda found: found[0].ts)
    ]
    told = f"{len(rows)} wait for an answer, {len(requests) - len(rows)} have one. Looked back {LOOKS_BACK.days} days."
    return Report("Calls for the developer on-call", [told], ("Asked", "Due", "State"), rows)
