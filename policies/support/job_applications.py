"""Job applications: is it one, for which position, who answers with which words, and what only a person can decide.

Handbook: customer-success#respond-to-a-contact-us-job-application-submission
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from string import Template
from typing import Literal

from policies.business_time import Calendar
from policies.contact_form import Form, form
from policies.customer import Refused
from policies.events import ConversationCreated
from policies.handbook import Person
from policies.mail import Mail, address
from policies.open_positions import is_application, is_for_somebody_else, positions_in, words_of
from policies.report import Button, Cell, Link, Mention, Report, mentions_of
from policies.support.out_of_hours import spoken
from policies.ticket import Ticket, TicketUser, ticket_id

Decision = Literal["approve", "decline"]
Approval = Literal["ask", "send"]

APPROVE, DECLINE = "approve-job-application", "decline-job-application"
# "Within 4 business hours, the assigned CSE sends an email from their gmail account to the applicant using the
# suggested response template under "Applying for open position""
REPLY_WITHIN = timedelta(hours=4)
TEMPLATE_TITLE = "Applying for open position"
TEMPLATE_FILE = Path(__file__).parent.parent / "templates" / "applying_for_open_position.txt"
WARN_BEFORE = timedelta(hours=1)  # of business time
SAME_ROLE_WITHIN = timedelta(days=14)
LONGEST_NAME = 40


# -- what is to be done


@dataclass(frozen=True)
class Sender:
    """The team member whom the ticket is assigned to."""

    handle: str
    name: str
    mailbox: str = field(repr=False)
    slack: str


@dataclass(frozen=True)
class Answer:
    """The applicant gets this mail."""

    ticket: Ticket
    position: str
    sender: Sender
    mail: Mail = field(repr=False)


@dataclass(frozen=True)
class AskAPerson:
    """Only a person can decide. reasons: a word for the key, and the sentence."""

    ticket: Ticket
    reasons: Mapping[str, str]
    sender: Sender | None = None

    @property
    def key(self) -> str:
        """Gives what stands for the reasons in the effect's key."""
        return "+".join(self.reasons)

    @property
    def sentence(self) -> str:
        """Gives all reasons in words."""
        return " ".join(self.reasons.values())


@dataclass(frozen=True)
class Leave:
    """It is none of this procedure's."""

    reason: str


def subject(given: str) -> str:
    """Gives a ticket's id from that or from its address; what a press of a button opened stays as it is.

    Raises:
        Refused: it is none of them.
    """
    text = given.strip()
    return text if re.fullmatch(r"[\w-]{3,80}/[UW][A-Z0-9]{2,20}/[\d.]{3,30}", text) else ticket_id(text)


def reasons_to_do_nothing(event: ConversationCreated) -> list[str]:
    """Says why a new ticket is no job application, as far as its event tells: it holds no text."""
    return ["It was closed when it was made."] if event.status == "closed" else []


def decide(
    ticket: Ticket, titles: Sequence[str], sender: Sender | None, copies: Sequence[str], chosen: str = ""
) -> Answer | AskAPerson | Leave:
    """Decides what becomes of a ticket.

    titles: of the open positions. sender: whom the ticket is assigned to, None when it is nobody whose mailbox we know.
    copies: the mailboxes that get a copy of each answer. chosen: the position, when a person has said it.
    """
    found = form(ticket.text.reveal())
    if found is None:
        return Leave("It did not come through the contact form.")
    if not chosen and not is_application(found.message, titles):
        return Leave("It is no job application.")
    named = [chosen] if chosen else positions_in(found.message, titles)
    reasons = dict(_reasons(ticket, found, titles, named, sender, chosen))
    if sender and not reasons:
        try:
            return Answer(ticket, named[0], sender, mail(found, named[0], sender, copies))
        except Refused:
            reasons["applicant"] = "The applicant's address can't be written to."
    return AskAPerson(ticket, reasons, sender)


def _reasons(
    ticket: Ticket, found: Form, titles: Sequence[str], named: Sequence[str], sender: Sender | None, chosen: str
) -> Iterator[tuple[str, str]]:
    if ticket.is_closed:
        yield "closed", "The ticket is closed already, and we have sent no answer."
    if problem := _wrong_with_applicant(found, sender):
        yield "applicant", problem
    if not chosen and is_for_somebody_else(found.message):
        yield "for-somebody-else", "Somebody seems to write for an applicant, not as one."
    # "Remember to include the title of the position being applied for, as is requested in the response template."
    if len(named) > 1:
        yield "several-positions", f"The message names several positions: {', '.join(named)}."
    elif not named:
        why = "The message names none of the open positions clearly." if titles else "No position is open."
        yield "no-position", why
    if not ticket.assignee:
        yield "no-assignee", "The ticket is assigned to nobody. Assign it, then start this again."
    elif sender is None:
        yield "assignee", "The ticket is assigned to somebody whose mailbox is not known here."


def _wrong_with_applicant(found: Form, sender: Sender | None) -> str:
    if not found.address:
        return "The applicant's address can't be told for certain: the form names none, or more than one."
    ours = sender.mailbox.partition("@")[2].lower() if sender else ""
    is_ours = bool(ours) and found.address.lower().endswith(f"@{ours}")
    return "The applicant's address is one of our own." if is_ours else ""


def begun(ticket: Ticket, position: str, sender: Sender, copies: Sequence[str]) -> Answer:
    """Gives an answer whose mail is under way, as it was decided."""
    found = form(ticket.text.reveal())
    if found is None:
        raise Refused(
            f"The text of ticket #{ticket.number} has been changed since its mail was begun. Finish it by hand."
        )
    return Answer(ticket, position, sender, mail(found, position, sender, copies))


def second_ticket(answer: Answer) -> AskAPerson:
    """Words that the same person has applied for the same position a few days ago."""
    days = SAME_ROLE_WITHIN.days
    reason = f"The same person has applied for the same position within the last {days} days, in another ticket."
    return AskAPerson(answer.ticket, {"second-ticket": reason}, answer.sender)


def senders(people: Iterable[Person], users: Iterable[TicketUser]) -> dict[str, Sender]:
    """Gives our people by handle. Where handbook.toml lacks somebody's id in Slack, what Unthread says stands."""
    in_unthread = {each.mailbox.lower(): each.slack for each in users if each.mailbox}
    return {
        each.handle: Sender(
            each.handle, each.name, each.mailbox, each.slack or in_unthread.get(each.mailbox.lower(), "")
        )
        for each in people
    }


def sender_of(mailbox: str, slack: str, people: Iterable[Sender]) -> Sender | None:
    """Gives the team member behind a user of Unthread: by mailbox, else by the member's id in Slack."""
    known = [each for each in people if each.mailbox]
    by_mailbox = [each for each in known if mailbox and each.mailbox.lower() == mailbox.lower()]
    by_slack = [each for each in known if slack and each.slack == slack]
    return next(iter(by_mailbox or by_slack), None)


# -- the mail and the note


def mail(found: Form, position: str, sender: Sender, copies: Sequence[str], template: str = "") -> Mail:
    """Writes the answer.

    Raises:
        Refused: an address or a name can't stand in a mail.
    """
    words = Template(template or TEMPLATE_FILE.read_text(encoding="utf-8")).substitute(
        position_title=position, greeting=greeting(found.name), sender_name=sender.name
    )
    subject, _, text = words.partition("\n\n")
    # "CC the Interim Head of People on all job application emails."
    return Mail(
        sender=f"{sender.name} <{sender.mailbox}>" if sender.name else sender.mailbox,
        to=found.address,
        subject=subject.removeprefix("Subject:").strip(),
        text=text,
        cc=tuple(copies),
    )


def greeting(name: str) -> str:
    """Greets by the first name where it is one: what somebody typed there may be anything."""
    first = (name.split() or [""])[0]
    is_name = re.fullmatch(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*", first) and len(first) <= LONGEST_NAME
    return f"Hi {first}," if is_name else "Hello,"


def note(answer: Answer) -> str:
    """Words the internal note: a copy of the answer."""
    # "Add a closure note or include copy of your response as an internal note in the unthread ticket, and close the
    # ticket."
    copied = ", ".join(answer.mail.cc)
    head = [
        f"Answered by email from {address(answer.mail.sender).addr_spec}, with a copy to {copied}.",
        f"Position: {answer.position}. Template: {TEMPLATE_TITLE}.",
        f"Subject: {answer.mail.subject}",
    ]
    return "\n".join(head) + f"\n\n{answer.mail.text.strip()}"


def fingerprint(answer: Answer, salt: str) -> str:
    """Gives what stands for exactly this mail where it is kept: a hash that tells nobody whose it is."""
    return _hash(salt, *(f"{name}={value}" for name, value in answer.mail.parts().items()))


def applicant_hash(answer: Answer, salt: str) -> str:
    """Gives what stands for an applicant and a position, so that a second ticket is known without keeping either."""
    return _hash(salt, address(answer.mail.to).addr_spec.lower(), " ".join(words_of(answer.position)))


def _hash(salt: str, *parts: str) -> str:
    return hmac.new(salt.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def fortnights(at: datetime) -> tuple[int, int, int]:
    """Numbers the span of 14 days in which a ticket came, with those before and after: the one before comes first."""
    number = int(at.timestamp() // SAME_ROLE_WITHIN.total_seconds())
    return number - 1, number, number + 1


def is_second(ticket: Ticket, other: str, other_came: datetime) -> bool:
    """Says whether another ticket of the same person and position, looked at before, makes this one the second."""
    return other != ticket.id and abs(ticket.created_at - other_came) < SAME_ROLE_WITHIN


# -- who decides


def may_decide(user: str, sender: Sender, managers: Iterable[Sender]) -> bool:
    """Says whether somebody, by their id in Slack, may have the mail sent: the assigned CSE, or who leads support."""
    return bool(user) and user in {each.slack for each in (sender, *managers)}


def not_theirs(answer: Answer, user: str, people: Iterable[Sender]) -> Refused:
    """Says that somebody who started it in Prefect may not approve an answer."""
    who = next((each.handle for each in people if each.slack == user), user)
    return Refused(
        f"Ticket #{answer.ticket.number} is {answer.sender.name}'s: {who} may not approve it. Only the assigned CSE or "
        "the manager of support may. Leave it out, and they are asked in Slack."
    )


def decision_of(action: str) -> Decision | None:
    """Gives what a button's press decides; None for other buttons."""
    decided: dict[str, Decision] = {APPROVE: "approve", DECLINE: "decline"}
    return decided.get(action)


def due_by(ticket: Ticket, calendar: Calendar) -> datetime:
    """Gives when the applicant is to have the answer."""
    return calendar.due_by(ticket.created_at, REPLY_WITHIN)


def _due(ticket: Ticket, calendar: Calendar) -> str:
    """Says when the answer is due, never as "today": the message may be read on another day."""
    due = due_by(ticket, calendar)
    return spoken(due, due - timedelta(days=1))


def _link(ticket: Ticket) -> tuple[Cell, ...]:
    return (Link(f"Ticket #{ticket.number}", ticket.url), "")


def _mentions(*ids: str) -> list[Mention]:
    return [Mention(each) for each in dict.fromkeys(ids) if each]


def question(answer: Answer, calendar: Calendar) -> Report:
    """Words the question to the assigned CSE: what would be sent, but nothing of the applicant."""
    due = _due(answer.ticket, calendar)
    return Report(
        f"Answer the applicant of ticket #{answer.ticket.number}?",
        [
            f'Position: {answer.position}. Template: "{TEMPLATE_TITLE}", from the mailbox of {answer.sender.name}, '
            "with a copy to the Interim Head of People. After it, the ticket gets a note and is closed.",
            f"Read the ticket, and check that the position is right. The answer is due {due}.",
        ],
        ("Ticket", ""),
        [_link(answer.ticket)],
        mentions=_mentions(answer.sender.slack),
        buttons=[
            Button("Send", APPROVE, answer.ticket.id, "primary"),
            Button("Don't send", DECLINE, answer.ticket.id, "", "Shall the applicant get no answer from here?"),
        ],
    )


def decided(answer: Answer, decision: Decision, by: str, at: datetime) -> Report:
    """Words what stands in the question's place once it is decided."""
    mentioned = mentions_of(by)  # "handbook.toml" decides too
    word = "Approved" if decision == "approve" else "Declined"
    then = "The applicant gets the answer." if decision == "approve" else "Nothing is sent. Please answer by hand."
    return Report(
        f"{word}: answer to the applicant of ticket #{answer.ticket.number}",
        [f"Position: {answer.position}. {then}", f"Decided {spoken(at, at)} by{':' if mentioned else f' {by}.'}"],
        ("Ticket", ""),
        [_link(answer.ticket)],
        mentions=mentioned,
    )


def outdated(ticket: Ticket) -> Report:
    """Words what stands in the place of a question whose mail would be another by now."""
    told = "The ticket or the open positions have changed since this question. What holds now stands below."
    return Report(f"No longer: ticket #{ticket.number}", [told], ("Ticket", ""), [_link(ticket)])


def only_these(sender: Sender, managers: Iterable[Sender]) -> Report:
    """Words what anybody else reads who presses one of the two buttons."""
    told = [f"{sender.name} has the ticket. They decide, or the manager of support."]
    missing = [f"people.{each.handle}.slack" for each in (sender, *managers) if not each.slack]
    if missing:
        told.append(f"If that is you: your id in Slack is not known. Fill in {' and '.join(missing)} in handbook.toml.")
    return Report("Only the assigned CSE decides this", told)


def handed_over(asked: AskAPerson, calendar: Calendar) -> Report:
    """Words what the team reads when only a person can answer an applicant."""
    due = _due(asked.ticket, calendar)
    return Report(
        f"A job application needs a person: ticket #{asked.ticket.number}",
        [asked.sentence, f"The applicant is to have an answer {due}."],
        ("Ticket", ""),
        [_link(asked.ticket)],
        mentions=_mentions(asked.sender.slack if asked.sender else ""),
    )


# -- the review


Standing = Literal["in time", "due soon", "late"]


@dataclass(frozen=True)
class Reviewed:
    """An application that waits for its answer."""

    ticket: Ticket
    position: str
    sender: Sender | None
    state: str


def is_application_ticket(ticket: Ticket, titles: Sequence[str]) -> bool:
    """Says whether a ticket is a job application."""
    found = form(ticket.text.reveal())
    return found is not None and is_application(found.message, titles)


def waits(ticket: Ticket, titles: Sequence[str], sender: Sender | None, state: str) -> Reviewed:
    """Gives an application that is not answered, with the position that it names, if it names one."""
    found = form(ticket.text.reveal())
    named = positions_in(found.message, titles) if found else []
    return Reviewed(ticket, named[0] if len(named) == 1 else "", sender, state)


def standing(ticket: Ticket, now: datetime, calendar: Calendar) -> Standing:
    """Says how an application stands against its due time."""
    due = due_by(ticket, calendar)
    if now > due:
        return "late"
    return "due soon" if calendar.business_time_between(now, due) <= WARN_BEFORE else "in time"


def reminder(each: Reviewed, how: Standing, calendar: Calendar, managers: Sequence[str]) -> Report:
    """Words the warning before the due time, or that it is over, the same each time."""
    due = _due(each.ticket, calendar)
    late = how == "late"
    title = "A job application is late" if late else "A job application is due soon"
    owner = each.sender.slack if each.sender else ""
    return Report(
        f"{title}: ticket #{each.ticket.number}",
        [f"The answer {'was' if late else 'is'} due {due}. {each.state}"],
        ("Ticket", ""),
        [_link(each.ticket)],
        mentions=_mentions(owner, *(managers if late or not owner else ())),
    )


def while_closed(now: datetime, calendar: Calendar) -> Report | None:
    """Words that nothing is looked at outside business hours; None inside them."""
    if calendar.is_open(now):
        return None
    return Report("Job applications", ["We are closed; the clock of the four business hours stands still."])


def reviewed(found: Sequence[Reviewed], now: datetime, calendar: Calendar) -> Report:
    """Shows the applications that wait, the one due first on top."""
    rows = [
        (
            Link(f"#{each.ticket.number}", each.ticket.url),
            each.position or "not clear",
            _hours(calendar.business_time_between(each.ticket.created_at, now)),
            spoken(due_by(each.ticket, calendar), now),
            standing(each.ticket, now, calendar),
            each.state,
        )
        for each in sorted(found, key=lambda each: (due_by(each.ticket, calendar), each.ticket.id))
    ]
    late = sum(standing(each.ticket, now, calendar) == "late" for each in found)
    said = f"{len(rows)} applications wait for their answer, {late} of them past the four business hours."
    return Report("Job applications", [said], ("Ticket", "Position", "Age in business hours", "Due", "", "State"), rows)


def _hours(passed: timedelta) -> str:
    return f"{passed.total_seconds() / 3600:.1f}"


def answered(came: Sequence[tuple[str, str]]) -> Report:
    """Shows what came of each ticket that a run was started for, by id."""
    return Report("Job applications", [f"{len(came)} tickets looked at."], ("Ticket", "What came of it"), list(came))
