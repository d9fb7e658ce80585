"""Decides which messages from outside wait for a first response, by when it is due, and who is told.

Handbook: customer-success#respond-to-messages-and-alerts
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from policies import attainment, bug
from policies.attainment import Promise, Week
from policies.business_time import spoken_time
from policies.handbook import OURS, Handbook
from policies.report import ChannelName, Link, Mention, Report
from policies.support.support_requests import says_urgent
from policies.support.waiting_messages import Question

# "Use on-call runbooks to guide your response."
RUNBOOKS = "https://github.com/fleetdm/confidential/tree/main/infrastructure/runbooks#readme"
GROUP = "infrastructure-oncall"

_QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|^(?:>|&gt;)[^\n]*", re.DOTALL | re.MULTILINE)  # logs, others' words
_SEVERITY = re.compile(
    r"\bcritical(?:[\s-]\w+)?[\s-](?:cves?|vuln\w*|updates?|patch\w*|severity|alerts?|ratings?)\b|\bseverity\W+critical\b"
    r"|\bnon[\s-]?critical\b",
    re.IGNORECASE,
)
# "Your production instance of Fleet is unavailable or completely unusable."
_DOWN = re.compile(
    r"\bP0\b|\b(?:prod(?:uction)?|instance|fleet|server|everything)\s+(?:is|are|went|has gone)\s+(?:\w+\s+)?"
    r"(?:down|unavailable|unusable)\b|\b(?:having|have|seeing|experiencing)\s+an?\s+(?:\w+\s+)?outage\b",
    re.IGNORECASE,
)
_STILL_UP = re.compile(r"\b(?:is|are)(?:n't|\s+not)\s+(?:down|unavailable|unusable)\b", re.IGNORECASE)
Step = Literal["reminder", "emergency", "overdue"]


# -- where


@dataclass(frozen=True)
class Places:
    """The channels that are watched, each with whether many ask there; and those that should be, without our app."""

    watched: Mapping[str, bool]
    without_us: Sequence[str]


def places(ours: Mapping[str, str], listed: Iterable[str], public: Iterable[str], prefixes: Sequence[str]) -> Places:
    """Gives where somebody from outside is answered.

    ours: the channels that our app is in, id -> name. listed: the customers' channels by the hand-kept list.
    """
    # "the first response to messages in private customer Slack channels"
    named = [channel for channel, name in ours.items() if name.startswith(tuple(prefixes))]
    # "and other public Slacks"
    wanted = dict.fromkeys([*listed, *named], False) | dict.fromkeys(public, True)
    return Places(
        {channel: many for channel, many in wanted.items() if channel in ours},
        sorted(channel for channel in wanted if channel not in ours),
    )


def out_of_reach(names: Handbook) -> list[str]:
    """Names the channels of other workspaces, which the token of our app does not open."""
    # "of osquery Slack, and other public Slacks"
    return [f"#{name} in {each.workspace}'s Slack" for name, each in names.channels.items() if each.workspace != OURS]


# -- who is told


def is_emergency(question: Question) -> bool:
    """Says whether somebody calls it urgent in their own words; logs, quotations and severities don't count."""
    # "when a Fleet customer has an emergency or other time-sensitive situation ongoing, it is Fleet's priority"
    text = "\n".join(each.text.reveal() for each in question.said)
    text = _STILL_UP.sub("", _SEVERITY.sub("", _QUOTED.sub("", text)))
    return says_urgent(text) or _DOWN.search(text) is not None


def step(question: Question, now: datetime) -> Step | None:
    """Gives what is to be told of a question by now; what is told already is not told again."""
    if question.answered:
        return None
    if question.is_late(now):
        return "overdue"
    if is_emergency(question):
        return "emergency"
    halfway = question.first.at + (question.due - question.first.at) / 2
    return "reminder" if now >= halfway else None


@dataclass(frozen=True)
class Duty:
    """Whom to mention at a time, by their ids in Slack: who responds, and to whom it is escalated."""

    responders: Sequence[str]
    escalation: Sequence[str]


def on_duty(names: Handbook, now: datetime) -> Duty:
    """Gives who responds: in business hours support, else the 24/7 on-call and then the order of escalation."""
    # "Customer Support and 24/7 on-call Engineers are responsible for the first response to Slack messages"
    if names.calendar.is_open(now):
        support, managers = (
            names.holders("customer_support_engineer"),
            names.holders("manager_of_support_and_solutions"),
        )
        return Duty([each.slack for each in support if each.slack], [each.slack for each in managers if each.slack])
    others = [each for each in names.holders("escalation") if each.handle not in names.roles["website_escalation_only"]]
    return Duty([names.user_groups[GROUP].id], [each.slack for each in others if each.slack][:1])


@dataclass(frozen=True)
class Telling:
    """What a person is told of a question, as it was when that was first tried."""

    step: Step
    channel: str
    url: str
    asked: str
    due: str
    missing: Sequence[str]
    mentions: Sequence[str]

    def kept(self) -> str:
        """Gives it as text."""
        return json.dumps(asdict(self))


def telling(question: Question, wanted: Step, duty: Duty, url: str) -> Telling:
    """Puts together what is told. url: the first message's address."""
    # "collect any additional necessary information"
    missing = bug.not_mentioned("\n".join(each.text.reveal() for each in question.said))
    mentions = duty.responders if wanted == "reminder" else [*duty.responders, *duty.escalation]
    times = spoken_time(question.first.at), spoken_time(question.due)
    return Telling(wanted, question.first.channel, url, *times, missing, mentions)


def read_telling(kept: str) -> Telling:
    """Reads what was kept."""
    return Telling(**json.loads(kept))


TITLES: Mapping[Step, str] = {
    "reminder": "A message from outside waits for a first response",
    "emergency": "A message from outside speaks of an emergency",
    "overdue": "Nobody has answered a message from outside in time",
}


def told(said: Telling) -> Report:
    """Words what the customer success channel reads. The customer's own words stay where they are."""
    verb = "was" if said.step == "overdue" else "is"
    sentences = [
        f"Written {said.asked}; a first response {verb} due {said.due}.",
        "Acknowledging it is enough: reply, or react to it.",
    ]
    if said.step == "emergency":
        sentences.append("An emergency comes first, whatever the response times are.")
    if said.missing:
        sentences.append(f"If something does not work, ask for what they haven't told: {', '.join(said.missing)}.")
    return Report(
        TITLES[said.step],
        sentences,
        ("Read", "Channel"),
        [(Link("The message", said.url), ChannelName(said.channel)), (Link("On-call runbooks", RUNBOOKS), "")],
        mentions=[Mention(each) for each in said.mentions],
    )


def not_watched(channels: Sequence[str]) -> Report:
    """Words that customers may write where nobody watches."""
    return Report(
        f"{len(channels)} channels are not watched for first responses",
        [
            "Our app is not in them. Invite it there (/invite @Handbook Flows), take them off the list with "
            "register-customer-channel, or correct first_response.public_channels in handbook.toml:",
            ", ".join(channels),
        ],
    )


def digest(channels: Sequence[str]) -> str:
    """Gives a short name of some channels."""
    return hashlib.sha256(" ".join(channels).encode()).hexdigest()[:12]


# -- what is counted and shown


def promises(asked: Iterable[Question], now: datetime) -> dict[str, str]:
    """Gives what is to be counted of questions that were answered or are late, as text, by key."""
    final = [each for each in asked if each.answered or each.is_late(now)]
    return {each.key: json.dumps([each.due.isoformat(), each.answered and each.answered.isoformat()]) for each in final}


def read_promise(kept: str) -> Promise:
    """Reads what was kept to be counted."""
    due, answered = json.loads(kept)
    return datetime.fromisoformat(due), datetime.fromisoformat(answered) if answered else None


def unread(problems: Mapping[str, str]) -> list[str]:
    """Says which channels could not be read, a sentence a reason."""
    reasons = sorted(set(problems.values()))
    return [
        f"{reason} Not read: {', '.join(sorted(c for c, r in problems.items() if r == reason))}." for reason in reasons
    ]


def watched(
    waiting: Mapping[str, Question],
    number: int,
    without_us: Sequence[str],
    elsewhere: Sequence[str],
    problems: Sequence[str],
    weeks: Sequence[Week],
    now: datetime,
) -> Report:
    """Words what the run shows: what waits, by channel and link, what is due first at the top.

    waiting: by the first message's address. number: of the channels that were read. elsewhere: those in other
    workspaces.
    """
    rows = [
        (Link(each.first.channel, url), spoken_time(each.first.at), spoken_time(each.due), state(each, now))
        for url, each in sorted(waiting.items(), key=lambda each: each[1].due)
    ]
    said = [f"{len(rows)} messages wait for a first response in {number} channels.", attainment.summed(weeks)]
    said += [f"Not watched, since our app is not in them: {', '.join(without_us)}."] if without_us else []
    said += [f"Not watched: {', '.join(elsewhere)}, for which our app has no token."] if elsewhere else []
    said += ["Failed; the next run does it:", *problems] if problems else []
    return Report("First responses", said, ("Channel", "Since", "Due", "State"), rows)


def state(question: Question, now: datetime) -> str:
    """Says how a question that waits stands."""
    return {"overdue": "overdue", "emergency": "emergency", "reminder": "due soon", None: "in time"}[
        step(question, now)
    ]
