"""Decides who is told that we are closed, who may start the emergency flow, and what everybody reads.

Handbook: customer-success#manage-automation-of-customer-slack
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from policies.business_time import PACIFIC, Calendar, spoken_clock, spoken_day
from policies.customer import Refused
from policies.events import SlackAction, SlackMessage, slack_time
from policies.report import Button, Link, Mention, Report, mentions_of

Priority = Literal["P0", "P1"]
Change = Literal["add", "remove"]

START, ACKNOWLEDGE = "start-emergency-request", "acknowledge-emergency-request"
APPROVE, DECLINE = "approve-customer-channel", "decline-customer-channel"
LATE = timedelta(minutes=5)  # after which somebody may have answered, so that a look is due
ONE_TEXT_IN = timedelta(minutes=5)  # about one message; more would bury the first
AN_ANSWER_IS_TO = timedelta(days=1)  # the texts of this time; what is older has been settled some other way

# The 2024 page's table of severities, in a customer's words.
MEANING: Mapping[Priority, str] = {
    "P0": "your production instance is unavailable or unusable",
    "P1": "it is highly degraded, with significant business impact",
}

_KEY = re.compile(r"([CG][A-Z0-9]{2,20})/(\d{10}\.\d{6})")
_ADDRESS = re.compile(r"https?://[^\s/]+(?:/slack/api)?/archives/([CG][A-Z0-9]{2,20})/p(\d{10})(\d{6})(?:\?\S*)?")
_THREAD = re.compile(r"[?&]thread_ts=(\d{10}\.\d{6})(?:&|$)")
_REQUEST = re.compile(_KEY.pattern + r"/(P[01])(?:/([UW][A-Z0-9]{2,20})/(\d{10}\.\d{6}))?(?:/follow-up/(\d+))?")


# -- the notice


def reasons_to_do_nothing(message: SlackMessage, channels: Collection[str], calendar: Calendar) -> list[str]:
    """Says why a message gets no notice, as far as it tells by itself.

    channels: the ids of the channels that the automation runs in.
    """
    reasons: list[str] = []
    if message.bot or not (message.user or message.subtype):  # of an edit, Slack names the author further inside
        reasons.append("An app wrote it.")
    if message.subtype not in {"", "file_share"}:
        reasons.append(f"It is no new message ({message.subtype}).")
    if message.direct:
        reasons.append("It is a direct message.")
    # "In a specific customer channel (manually designated by customer success)"
    elif message.channel not in channels:
        reasons.append(f"{message.channel} is not on the list of channels.")
    if message.thread_ts and message.thread_ts != message.ts:
        reasons.append("It is a reply; a thread gets one notice.")
    # "Posted outside of Fleet's business hours"
    if calendar.is_open(message.at):
        reasons.append("It was posted in business hours.")
    if message.empty and message.subtype == "file_share":
        reasons.append("It is a file without a word.")
    return reasons


@dataclass(frozen=True)
class Sender:
    """Who wrote a message: whether Slack counts them among our own people."""

    is_team: bool


def sender(team: str, our_team: str, *, is_guest: bool, is_bot: bool) -> Sender:
    """Decides by the workspace, never by the name that somebody gives themselves: guests of ours are customers too."""
    return Sender(is_team=team == our_team and not is_guest and not is_bot)


def closer_reasons(
    message: SlackMessage, by: Sender, now: datetime, calendar: Calendar, answered_by_team: bool
) -> list[str]:
    """Says why a message gets no notice after all, once its sender and what has come since are known."""
    reasons: list[str] = []
    # "Not from a Fleet team member"
    if by.is_team:
        reasons.append("A team member wrote it.")
    if is_late(message, now) and calendar.is_open(now):
        reasons.append("We are open again by now.")
    if answered_by_team:
        reasons.append("Somebody of the team has answered since.")
    return reasons


def is_late(message: SlackMessage, now: datetime) -> bool:
    """Says whether so much time has passed that the world must be looked at again."""
    return now - message.at > LATE


def notices_scope(message: SlackMessage) -> str:
    """Names what the budget of notices counts: one sender in one channel in one hour."""
    return f"notices {message.channel}/{message.user} {message.at:%Y%m%d%H}"


def notice(message: SlackMessage, calendar: Calendar) -> Report:
    """Words what the sender is told, with the two buttons."""
    # "Notify the sender that the request has been submitted outside of business hours and provide them with options
    # for escalation in the event of a P0 or P1 incident"
    opens = spoken(calendar.opens_next(message.at), message.at)
    value = f"{message.channel}/{message.ts}/{message.user}"
    return Report(
        "We are closed right now",
        [
            "Thank you for your message. Our business hours are Monday to Friday, 6 AM to 4 PM Pacific Time, except "
            f"U.S. federal holidays. We open {opens} and will answer you then.",
            f"If this is an emergency, press a button: P0 if {MEANING['P0']}, P1 if {MEANING['P1']}. We then text the "
            "person in charge at once.",
        ],
        buttons=[
            Button("P0: emergency", f"{START}-p0", value, "danger", f"Is it true that {MEANING['P0']}?"),
            Button("P1: high", f"{START}-p1", value, "", f"Is it true that {MEANING['P1']}?"),
        ],
    )


def spoken(moment: datetime, seen_from: datetime) -> str:
    """Says when, as one says it: "today at 6:00 AM Pacific Time", "on Monday, November 30, at 6:00 AM ..."."""
    local, here = moment.astimezone(PACIFIC), seen_from.astimezone(PACIFIC)
    clock = spoken_clock(moment)
    if local.date() == here.date():
        return f"today at {clock}"
    return f"on {spoken_day(local)}, at {clock}"


def answered(subjects: Sequence[str]) -> Report:
    """Words what the run shows."""
    return Report(
        "Out-of-hours messages", [f"{len(subjects)} messages looked at. Below is what came of them, with links."]
    )


# -- emergency requests


@dataclass(frozen=True)
class Request:
    """A customer's request to start the emergency flow."""

    channel: str
    ts: str  # of the customer's message
    priority: Priority
    stranger: str = ""  # who pressed the button, if it wasn't who wrote the message
    pressed_at: str = ""
    follow_up: int = 0

    @property
    def key(self) -> str:
        """Gives the business key, the same however often the button is pressed."""
        return f"{self.channel}/{self.ts}/{self.priority}"

    @property
    def subject(self) -> str:
        """Gives the key of what is to be done now."""
        if self.stranger:
            return f"{self.key}/{self.stranger}/{self.pressed_at}"
        return f"{self.key}/follow-up/{self.follow_up}" if self.follow_up else self.key


def is_start(action: SlackAction) -> bool:
    """Says whether a button of the notice was pressed."""
    return action.action in {f"{START}-p0", f"{START}-p1"}


def request_of(action: SlackAction) -> Request:
    """Gives the request behind a press of a notice's button. A press by somebody else is a subject of its own."""
    channel, ts, author = action.value.split("/")
    priority: Priority = "P0" if action.action.endswith("p0") else "P1"
    # "if triggered by the original sender"
    if action.user == author:
        return Request(channel, ts, priority)
    return Request(channel, ts, priority, action.user, action.action_ts)


def reasons_to_ignore(action: SlackAction) -> list[str]:
    """Says why a press does nothing: our buttons only, in the channel of the message."""
    if not re.fullmatch(_KEY.pattern + r"/[UW][A-Z0-9]{2,20}", action.value):
        return ["The button's value is none of ours."]
    return [] if action.value.startswith(f"{action.channel}/") else ["The button belongs to another channel."]


def request(subject: str) -> Request:
    """Reads a request from its subject, or from a message's address followed by the priority, such as "https://... P0".

    Raises:
        Refused
    """
    address, _, priority = subject.strip().rpartition(" ")
    if priority in {"P0", "P1"} and (found := _ADDRESS.fullmatch(address.strip())):
        subject = f"{found[1]}/{found[2]}.{found[3]}/{priority}"
    if not (found := _REQUEST.fullmatch(subject.strip())):
        raise Refused(
            f'"{subject}" is no emergency request. Give the message\'s link and P0 or P1, such as '
            '"https://fleetdm.slack.com/archives/C0123ABCD/p1790000000123456 P0".'
        )
    channel, ts, priority, stranger, pressed_at, follow_up = found.groups(default="")
    return Request(channel, ts, "P0" if priority == "P0" else "P1", stranger, pressed_at, int(follow_up or 0))


def is_emergency_of_its_sender(action: SlackAction) -> bool:
    """Says whether the sender of a message has pressed P0: what is texted even when nothing can be stored."""
    if not is_start(action) or reasons_to_ignore(action):
        return False
    asked = request_of(action)
    return asked.priority == "P0" and not asked.stranger


def message_key(subject: str) -> str:
    """Gives `channel/ts` from that, or from a message's address.

    Raises:
        Refused
    """
    subject = subject.strip()
    if found := _ADDRESS.fullmatch(subject):
        return f"{found[1]}/{found[2]}.{found[3]}"
    if _KEY.fullmatch(subject):
        return subject
    raise Refused(f'"{subject}" is no message in Slack. Give its link, from "Copy link" in Slack.')


def thread_key(subject: str) -> str:
    """Gives what `message_key` does, for the first message of the thread where the address names a reply.

    Raises:
        Refused
    """
    channel, _, ts = message_key(subject).partition("/")
    found = _THREAD.search(subject)
    return f"{channel}/{found[1] if found else ts}"


def only_the_sender() -> Report:
    """Words what anybody else reads who presses the button."""
    return Report(
        "Only the sender can start this",
        [
            "Only the person who wrote the message can start the emergency request. Ask them to press the button, or "
            "write a message of your own in the channel."
        ],
    )


def text_message(asked: Request, channel_name: str, customer: str = "") -> str:
    """Words the text message, without its link: the priority, and the channel, whose name carries the codename.

    customer: their codename label, where our team has decided; it stands in the channel's place.
    """
    return f"Fleet {asked.priority} emergency request {_whose(channel_name, customer)}. Reply just ACK to take it."


def _whose(channel_name: str, customer: str) -> str:
    return f"of {customer}" if customer else f"in #{channel_name}"


def text_of_last_resort(asked: Request) -> str:
    """Words the text message while nothing can be stored, without its link: then nobody can be told of an ACK."""
    return (
        f"Fleet {asked.priority} emergency request in {asked.channel}. Our database is away: nobody else is told, and "
        "ACK is not heard. Answer them there."
    )


def texts_scope(asked: Request) -> str:
    """Names what the budget of texts counts: those about one message, which begins a thread."""
    return f"texts {asked.channel}/{asked.ts}"


def is_texted(asked: Request, *, has_place: bool) -> bool:
    """Says whether somebody is texted at once. A P0 always is, also where its message has just been called a P1."""
    return has_place or asked.priority == "P0"


def texts_window(pressed: datetime) -> str:
    """Names the only place that the budget has for five minutes; the press counts, however old the message is."""
    return str(int(pressed.timestamp() // ONE_TEXT_IN.total_seconds()))


# Wordings name no time of their own: a second run must repeat them letter by letter.


def begun(asked: Request) -> Report:
    """Words what the customer reads in the thread. It is true also where the first text does not get through."""
    return Report(
        f"{asked.priority} emergency request started",
        ["We are texting the person in charge. Whoever takes it over will write here."],
    )


def not_texted_again(asked: Request) -> Report:
    """Words what the customer reads when the person in charge has just been texted about the same message."""
    return Report(
        f"{asked.priority} emergency request noted",
        ["We texted the person in charge about this message a few minutes ago."],
    )


def record(
    asked: Request,
    channel_name: str,
    told: Sequence[str],
    link: str,
    acknowledged_by: str = "",
    *,
    customer: str = "",
    unreached: Mapping[str, str] | None = None,
) -> Report:
    """Words the escalation record in the customer success channel.

    told: whose turn it has been so far, in order. acknowledged_by: the member's id in Slack, or who it is else.
    customer: their codename label, where our team has decided; "" where they have pressed a button themselves.
    unreached: whom no text has reached so far, by handle, with their ids in Slack.
    """
    at = slack_time(asked.ts).astimezone(PACIFIC)
    member = mentions_of(acknowledged_by)
    who = "the person named at the top" if member else acknowledged_by
    state = f"Taken over by {who}." if acknowledged_by else "Nobody has taken it over yet."
    why = "Our team has set the priority." if customer else f"In the customer's words: {MEANING[asked.priority]}."
    missed: Mapping[str, str] = unreached if unreached and not acknowledged_by else {}
    texts = f"Texts go to, in order: {', '.join(told)}." if told else "A text about this message has just gone out."
    return Report(
        f"{asked.priority} emergency request {_whose(channel_name, customer)}",
        [
            f"About a message of {spoken_day(at)}, {at:%H:%M} Pacific Time. {why}",
            *([texts] if told or not missed else []),
            *([f"A text did not get out to: {', '.join(missed)}."] if missed else []),
            state,
        ],
        ("Message", ""),
        [(Link("Our message" if customer else "The customer's message", link), "")],
        mentions=[*member, *(Mention(id) for id in missed.values() if id)],
        buttons=[] if acknowledged_by else [Button("I take it over", ACKNOWLEDGE, asked.key, "primary")],
    )


def not_texted(asked: Request, handle: str, member: str, reason: str, link: str) -> Report:
    """Words what is said in the customer success channel where a text does not get out. member: their id in Slack."""
    return Report(
        f"{asked.priority} emergency request: the text to {handle} did not get out",
        [reason, "The next in the order of escalation is texted. Whoever reads this can take it over in the record."],
        ("Message", ""),
        [(Link("The message", link), "")],
        mentions=[Mention(member)] if member else [],
    )


def taken_over() -> Report:
    """Words what the customer reads when somebody has acknowledged."""
    return Report("Somebody is on it", ["A member of the team has taken over your request and will write here."])


def only_the_team() -> Report:
    """Words what somebody reads who is no team member and presses "I take it over"."""
    return Report("Only the team can take this over", ["This is for members of the Fleet team."])


def whose_turn(asked: Request, first: str, escalation: Sequence[str], *, texted_at_once: bool) -> str | None:
    """Gives who is texted now, in the handbook's order; None when it has been everybody's turn.

    first: the VP of Customer Success. texted_at_once: whether they were texted when the button was pressed, rather
        than for the same message a moment before.
    """
    # "Escalations (in order)"
    order = [first, *(handle for handle in escalation if handle != first)]
    turn = asked.follow_up if texted_at_once else asked.follow_up - 1
    return order[turn] if turn < len(order) else None


def acknowledge_by(started: datetime, minutes: float) -> datetime:
    """Gives when the next person is told, unless somebody has acknowledged."""
    return started + timedelta(minutes=minutes)


def started(subjects: Sequence[str]) -> Report:
    """Words what the run shows."""
    return Report("Emergency requests", [f"{len(subjects)} handled. Below is what was done, with links."])


# -- the list of channels


def channel_id(given: str) -> str:
    """Gives a channel's id from that or from its address.

    Raises:
        Refused
    """
    found = re.fullmatch(r"(?:https?://[^\s/]+(?:/slack/api)?/archives/)?([CG][A-Z0-9]{8,20})/?", given.strip())
    if not found:
        raise Refused(
            f'"{given}" is no channel in Slack. Give its link, or its id from the bottom of "View channel details".'
        )
    return found[1]


def changed(channels: Sequence[str], channel: str, change: Change) -> list[str]:
    """Gives the list after the change; each channel once, in the order they came."""
    others = [each for each in channels if each != channel]
    return [*others, channel] if change == "add" else others


def problems_with(channel: str, name: str, *, is_archived: bool, is_private: bool, is_member: bool) -> list[str]:
    """Says why the automation can't run in a channel."""
    problems: list[str] = []
    if is_archived:
        problems.append(f"#{name} ({channel}) is archived. Unarchive it, or choose another.")
    if is_private and not is_member:
        problems.append(f"Our app is not in the private channel {channel}. Invite it there: /invite @Handbook Flows")
    return problems


def not_there(channel: str) -> str:
    """Says why nothing is known of a channel."""
    return (
        f"Slack shows our app no channel {channel}. Correct the id, or invite the app if the channel is private: "
        "/invite @Handbook Flows"
    )


def registered(channel: str, name: str, change: Change, reason: str, who: str, channels: Sequence[str]) -> Report:
    """Words what came of it."""
    done = "gets" if change == "add" else "no longer gets"
    return Report(
        "Out-of-hours channels",
        [f"#{name} ({channel}) {done} the out-of-hours notice. Asked for by {who}. Reason: {reason or 'none given'}."],
        ("Channel",),
        [(each,) for each in channels],
    )


def listed(channels: Sequence[str]) -> Report:
    """Words the list as it is once a request in Slack is decided."""
    return Report(
        "Out-of-hours channels",
        ["The automation administrator decided in Slack. These channels get the out-of-hours notice now."],
        ("Channel",),
        [(each,) for each in channels],
    )


def asked_to_register(
    channel: str, name: str, change: Change, reason: str, asker: str, administrators: Sequence[str]
) -> Report:
    """Words the question to the automation administrator, with its buttons."""
    # "Submit requests for additions to the Zapier administrator"
    word = "Add" if change == "add" else "Remove"
    value = f"{channel}/{change}"
    return Report(
        f"{word} a channel {'to' if change == 'add' else 'from'} the out-of-hours notice?",
        [
            f"Channel #{name} ({channel}). Reason: {reason or 'none given'}.",
            "The last person named at the top asks for it.",
        ],
        mentions=[Mention(each) for each in (*administrators, asker) if each],
        buttons=[Button(word, APPROVE, value, "primary"), Button("Decline", DECLINE, value)],
    )


def question_asked(url: str) -> Report:
    """Words what the asking person reads."""
    return Report(
        "The automation administrator has been asked", [], ("",), [(Link("The question, and the answer", url),)]
    )


def asked_for(value: str) -> tuple[str, Change]:
    """Reads the value of the two buttons."""
    channel, _, change = value.partition("/")
    return channel, "remove" if change == "remove" else "add"


def decided(channel: str, change: Change, approved: bool, by: str, when: datetime) -> Report:
    """Words what stands in the question's place once it is decided."""
    word = "Approved" if approved else "Declined"
    return Report(
        f"{word}: {change} {channel}",
        [f"Decided {spoken(when, when)} by the person named at the top."],
        mentions=[Mention(by)],
    )


def only_the_administrator() -> Report:
    """Words what anybody else reads who presses one of the two buttons."""
    return Report("Only the automation administrator decides this", ["Ask them to press the button."])
