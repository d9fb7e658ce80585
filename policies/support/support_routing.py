"""Decides whom a customer's request in Unthread is brought to, by its priority, and what they read.

Handbook: customer-success 2024, "Customer support process".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from policies.contact_form import form
from policies.customer import Refused
from policies.events import ConversationCreated, SlackAction, slack_time
from policies.handbook import Person
from policies.report import Button, Cell, Link, Mention, Report, mentions_of
from policies.support.support_slas import PROMISED, URGENT, spoken
from policies.ticket import PRIORITIES, Priority, Ticket, Tier

AS_IN_UNTHREAD = "as in Unthread"
Choice = Literal["as in Unthread", "P0", "P1", "P2", "P3"]

HELP_CUSTOMERS, ON_CALL, CONSULTING, PRODUCT = (
    *("help-customers", "help-engineering", "help-solutions-consulting"),
    "help-product-design",
)
GROUP = "oncall"
IN_UNTHREAD = "somebody in Unthread"  # who has decided, as far as anybody can tell
THEIRS = "the customer's channel"  # shown in the place of its name
SET = "route-support-request"  # begins the buttons' action ids
NOT_POSTED = "0000000000.000000"  # stands for a message's ts in a dry run

# Who may set a priority with a button.
TEAM = (
    *("customer_support_engineer", "customer_solutions_architect", "customer_success_manager"),
    *("manager_of_support_and_solutions", "vp_of_customer_success"),
)

NAMES: Mapping[Priority, str] = {"P0": "Emergency", "P1": "High", "P2": "Medium", "P3": "Low"}
MEANS: Mapping[Priority, str] = {
    # "Your production instance of Fleet is unavailable or completely unusable."
    "P0": "the production instance of Fleet is unavailable or completely unusable",
    # "Fleet is highly degraded with significant business impact."
    "P1": "Fleet is highly degraded with significant business impact",
    # "Something is preventing normal Fleet operation, and there may or may not be minor business impact."
    "P2": "something is preventing normal Fleet operation, maybe with minor business impact",
    # "Questions or clarifications around features, documentation, deployments, or 'how to's'."
    "P3": "questions or clarifications about features, documentation, deployments or how-tos",
}

_PRESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{2,79})/(P[0-3])/([UW][A-Z0-9]{2,20})/(\d{10}\.\d{6})")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,79}")


# -- what is asked for


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: a priority, and whom to bring in beside those whom the process names."""

    priority: Choice
    expert: bool = False
    on_call: bool = False
    consulting: bool = False

    @property
    def brings_in_more(self) -> bool:
        """Says whether somebody beside the CSE is asked for."""
        return self.expert or self.on_call or self.consulting


@dataclass(frozen=True)
class Route:
    """What is decided about a conversation: its priority, and who is brought in beside the CSE."""

    priority: Priority
    on_call: bool
    consulting: bool
    product: bool  # with the customer success manager

    @property
    def is_emergency(self) -> bool:
        """Says whether the emergency communications begin."""
        return self.priority == "P0"

    def said(self) -> str:
        """Gives it in a few words, by which the same decision is known again."""
        brought = {"on-call": self.on_call, "consulting": self.consulting, "product": self.product}
        return " ".join([self.priority, *(name for name, is_in in brought.items() if is_in)])


def reasons_to_do_nothing(event: ConversationCreated) -> list[str]:
    """Says why a new conversation is no customer's request, as far as its event tells: it holds no text."""
    reasons: list[str] = []
    if event.status == "closed":
        reasons.append("It was closed when it was made.")
    if not event.customer:
        reasons.append("Unthread knows no customer behind it.")
    return reasons


def reasons_not_to_route(ticket: Ticket, tier: Tier, asked: Asked, set_before: Priority | None) -> list[str]:
    """Names what is wrong with what is asked for. set_before: the priority that the conversation has in Unthread."""
    problems: list[str] = []
    if ticket.is_closed:
        problems.append(f"Conversation #{ticket.number} is closed. Open it again first.")
    if form(ticket.text.reveal()) is not None:
        problems.append(
            f"Conversation #{ticket.number} came through the website's contact form, which is no support request: "
            "job applications are answered by respond-to-job-application, other requests become an issue."
        )
    elif not ticket.customer:
        problems.append(f"Conversation #{ticket.number} belongs to no customer. Choose the customer in Unthread first.")
    priority = set_before if asked.priority == AS_IN_UNTHREAD else asked.priority
    if tier == "Free" and ticket.customer and priority in URGENT:
        problems.append(
            f"The customer of conversation #{ticket.number} uses Fleet Free, which has no {priority}. Choose P2 "
            "or P3, or correct the customer's tier tag in Unthread."
        )
    if asked.priority == AS_IN_UNTHREAD and set_before is None and asked.brings_in_more:
        problems.append(
            f"Conversation #{ticket.number} has no priority in Unthread. Choose one, so that it is known who is needed."
        )
    return problems


def route(priority: Priority, asked: Asked) -> Route:
    """Decides who is brought in beside the CSE."""
    # "The CSE team handles in depth technical issues (P0 and P1) in conjunction with on-call."
    in_depth = priority in URGENT
    # "expert technical product and services support in coordination with the on-call technicians, the customer success
    # manager (CSM), and the product team via #help-product-design"
    # "basic help desk resolution and service delivery issues (P2 and P3) with assistance from on-call and the solutions
    # consulting team as needed"
    return Route(priority, in_depth or asked.expert or asked.on_call, asked.consulting, asked.expert)


def priority_in(said: str) -> Priority:
    """Gives the priority of a decision, from the words it is known by."""
    return cast("Priority", said[:2])


def overtaken(ticket: Ticket, said: str, by: str, at: datetime) -> str:
    """Says that an older choice does nothing, since a newer one stands. said, by, at: the newer one."""
    return (
        f"Conversation #{ticket.number} has been made a {priority_in(said)} since, {spoken(at)}, by {by}. That stands."
    )


def under_way(ticket: Ticket, said: str) -> str:
    """Says that the priority in Unthread is about to be changed to what was chosen."""
    return (
        f"{priority_in(said)} was chosen for conversation #{ticket.number} and is not set in Unthread yet. It stands."
    )


def needed(chosen: Route) -> list[str]:
    """Gives what handbook.toml must say for a route."""
    channels = {HELP_CUSTOMERS: True, ON_CALL: chosen.on_call, CONSULTING: chosen.consulting, PRODUCT: chosen.product}
    group = [f"user_groups.{GROUP}.id"] if chosen.on_call else []
    return [*group, *(f"channels.{name}.id" for name, is_in in channels.items() if is_in)]


def emergency(channel: str, ts: str) -> str:
    """Gives the subject by which the emergency flow starts about a message. ts: "" in a dry run."""
    return f"{channel}/{ts or NOT_POSTED}/P0"


# -- buttons


@dataclass(frozen=True)
class Press:
    """A press of a button that sets a priority."""

    conversation: str
    priority: Priority
    user: str
    at: datetime


def is_press(action: SlackAction) -> bool:
    """Says whether a button of ours was pressed that sets a priority."""
    return action.action in {_action(each) for each in PRIORITIES}


def reasons_to_ignore(action: SlackAction) -> list[str]:
    """Says why a press does nothing."""
    return [] if _VALUE.fullmatch(action.value) else ["The button's value is none of ours."]


def press_subject(action: SlackAction) -> str:
    """Gives the subject of a press: which priority for which conversation, by whom, when."""
    priority = next(each for each in PRIORITIES if action.action == _action(each))
    return f"{action.value}/{priority}/{action.user}/{action.action_ts}"


def press(subject: str) -> Press | None:
    """Reads a press from its subject; None when it is a conversation's id."""
    found = _PRESS.fullmatch(subject)
    return Press(found[1], cast("Priority", found[2]), found[3], slack_time(found[4])) if found else None


def pressed(subject: str, conversation: str, priority: Choice) -> Press:
    """Reads the press that a form brings.

    Raises:
        Refused: it is none, or says something else than the form.
    """
    found = press(subject)
    if found is None or (found.conversation, found.priority) != (conversation, priority):
        raise Refused(f'"{subject}" is no press of a button. Leave it empty; Slack fills it in.')
    return found


def _action(priority: Priority) -> str:
    return f"{SET}-{priority.lower()}"


def not_set(problems: Sequence[str]) -> Report:
    """Words what somebody reads whose button can't be followed."""
    return Report("The priority can't be set", problems)


def only_the_team() -> Report:
    """Words what anybody else reads who presses one of the buttons."""
    return Report("Only the team sets a priority", ["This is for customer support and customer success."])


# -- what people read


@dataclass(frozen=True)
class Request:
    """A conversation as messages tell of it. cse: who has it, or is asked first. due: None for never, or on hold."""

    ticket: Ticket
    customer: str  # the codename label, or the id in Unthread
    cse: Person
    due: datetime | None

    def row(self) -> Sequence[Cell]:
        """Gives the conversation and its customer."""
        return Link(f"Conversation #{self.ticket.number}", self.ticket.url), self.customer


COLUMNS = ("Conversation", "Customer")


def question(request: Request, counts_as: Priority) -> Report:
    """Asks for a conversation's priority."""
    emergency = "Is it true that {}? The VP of Customer Success gets a text, and the on-call is called."
    return Report(
        f"New support request: conversation #{request.ticket.number}",
        [
            f"Nobody has set its priority. Until then it counts as {counts_as}.{_due(request)}",
            *(f"{each} {NAMES[each]}: {MEANS[each]}." for each in PRIORITIES),
            "An expert question, or help from others for a P2 or P3: the form route-support-request.",
        ],
        COLUMNS,
        [request.row()],
        mentions=[Mention(request.cse.slack)] if request.cse.slack else [],
        buttons=[
            Button("P0", _action("P0"), request.ticket.id, "danger", emergency.format(MEANS["P0"])),
            *(Button(each, _action(each), request.ticket.id) for each in PRIORITIES[1:]),
        ],
    )


def answered(request: Request, priority: Priority, by: str) -> Report:
    """Words what stands in the question's place once a priority is set. by: an id in Slack, or who it is else."""
    who = mentions_of(by)
    told = f"{priority}, {NAMES[priority]}." + ("" if who else f" Set by {by}.")
    title = f"Priority of conversation #{request.ticket.number}"
    return Report(title, [told], COLUMNS, [request.row()], mentions=who)


def routed(request: Request, chosen: Route, contact: str, channel: str = "") -> Report:
    """Words what customer success reads.

    contact: how a P0's customer is reached, "" for other priorities. channel: the address of their private channel.
    """
    with_them = _brought_in(chosen)
    return Report(
        f"{chosen.priority} {NAMES[chosen.priority]}: conversation #{request.ticket.number}",
        [
            f"{MEANS[chosen.priority][0].upper()}{MEANS[chosen.priority][1:]}.{_due(request)}",
            f"The CSE handles it{f' with {with_them}' if with_them else ''}.",
            *([contact] if contact else []),
        ],
        COLUMNS,
        [request.row(), *([(Link(THEIRS, channel), "")] if channel else [])],
        mentions=[Mention(request.cse.slack)] if request.cse.slack else [],
    )


def _brought_in(chosen: Route) -> str:
    brought = {
        "the developer on-call": chosen.on_call,
        "solutions consulting": chosen.consulting,
        "the customer success manager and product design": chosen.product,
    }
    return ", ".join(name for name, is_in in brought.items() if is_in)


def _due(request: Request) -> str:
    return f" A response is due {spoken(request.due)}." if request.due else ""


def for_on_call(request: Request, chosen: Route, group: str) -> Report:
    """Words what the developer on-call reads. group: the id of the user group to mention.

    The CSE is mentioned second: whose replies are no answer is read from that.
    """
    return Report(
        f"{chosen.priority} support request for the developer on-call",
        [f"Support handles it with you: {MEANS[chosen.priority]}.{_due(request)}"],
        COLUMNS,
        [request.row()],
        mentions=[Mention(each) for each in (group, request.cse.slack) if each],
    )


def for_consulting(request: Request, chosen: Route) -> Report:
    """Words what solutions consulting reads."""
    return Report(
        f"{chosen.priority} support request: help from a solutions consultant",
        [f"{_called(request.cse)} handles it and asks for your help.{_due(request)}"],
        COLUMNS,
        [request.row()],
        mentions=[Mention(request.cse.slack)] if request.cse.slack else [],
    )


def for_product(request: Request, chosen: Route, manager: Person | None, managers: Sequence[Person]) -> Report:
    """Words what product design reads.

    manager: the customer's success manager, None when it isn't known; then all `managers` are mentioned.
    """
    csm = f"{_called(manager)}, their CSM" if manager else "their CSM, whom Salesforce does not tell: who is it?"
    return Report(
        f"Expert question of a customer: {chosen.priority}",
        [
            f"{_called(request.cse)} handles it, with the developer on-call and {csm}{'.' if manager else ''} "
            f"Please answer in this thread.{_due(request)}"
        ],
        COLUMNS,
        [request.row()],
        mentions=[Mention(each.slack) for each in (*([manager] if manager else managers), request.cse) if each.slack],
    )


def for_customer(request: Request) -> Report:
    """Words what a customer reads in their private channel when their request is an emergency."""
    # "chat with us via your dedicated private Slack channel"
    return Report(
        "We treat your request as an emergency (P0)",
        [f"We are on it, and answer here {spoken(request.due)} at the latest." if request.due else "We are on it."],
    )


def contact(*, has_channel: bool | None, address: str, information: str) -> str:
    """Says how the customer of a P0 is reached.

    has_channel: whether our app sees a private channel of theirs, None while Slack doesn't tell. address: the one that
        contracts give.
    """
    if has_channel:
        return "The customer is told in their private channel; go on there."
    # "Email the contact address provided in your Fleet contract"
    where = f"from {address}, the contact address of the contract" if address else "from the contract's contact address"
    seen = "Our app sees no private channel of the customer"
    if has_channel is None:
        seen = "Slack did not tell of the customer's private channel: look whether they are told there"
    return f"{seen}. Write to them {where}. Fleet's contact information: {information}"


def text_without_slack(request: Request) -> str:
    """Words the text message about a P0 of which nothing can be posted, without its link to the conversation."""
    return f"Fleet P0 emergency request of {request.customer}. Slack takes no message of ours. Go to the conversation:"


def manager_of(account_owner: str, managers: Sequence[Person]) -> Person | None:
    """Gives a customer's success manager: who owns the account in Salesforce; None when that is none of them."""
    wanted = account_owner.casefold()
    return next((each for each in managers if wanted and each.name.casefold() == wanted), None)


def _called(someone: Person) -> str:
    return someone.name or someone.handle


def shown(request: Request, chosen: Route, places: Mapping[str, str]) -> Report:
    """Shows what a run has done. places: the address of each message, by the channel's name or `THEIRS`."""
    shown = {name if name == THEIRS else f"#{name}": url for name, url in places.items()}
    rows = [(Link(name, url) if url else name,) for name, url in shown.items()]
    return Report(
        f"Conversation #{request.ticket.number}: {chosen.priority}, {PROMISED[chosen.priority]}",
        [f"For {request.customer}.{_due(request)}"],
        ("Told in",),
        rows,
    )


def asked_for_priority(request: Request, url: str) -> Report:
    """Shows that a run has asked for the priority."""
    return Report(
        f"Conversation #{request.ticket.number} has no priority yet",
        [f"For {request.customer}. The team is asked in Slack; a button there starts this again."],
        ("Asked in",),
        [(Link("#help-customers", url),)],
    )
