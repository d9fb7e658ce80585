"""Which event may start which procedure, under which key, and which reasons there are to do nothing.

Importing this module imports the flows that the gateway does at once, and with them Prefect: the gateway loads it after
it has begun to listen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from deployments import forms
from deployments.inbox import Opening, Verdict
from flows.support import bug_reports, out_of_hours, support_slas
from policies.customer import Refused
from policies.events import (
    AccountChanged,
    ConversationCreated,
    Event,
    FormSent,
    IssueComment,
    IssueOpened,
    SlackAction,
    SlackMessage,
    TextReceived,
)
from policies.support import (
    bug_duplicates,
    bug_escalation,
    job_applications,
    support_requests,
    support_routing,
    waiting_labels,
)
from policies.support import out_of_hours as hours
from settings import handbook
from tasks import cases, customer_channels
from tasks.runs import STARTED_BY

E = TypeVar("E", bound=Event)
Act = Callable[[str, Any], Awaitable[Any]]  # gets the subject, and the event if one opened the case


@dataclass(frozen=True)
class Start:
    """One way in which events start a procedure.

    procedure: the deployment's name, which is the flow's.
    reasons: to do nothing, as far as the event tells by itself; None when the event has nothing to do with it.
    act: does the procedure at once; None when Prefect alone does it.
    parameters: of the flow run that does the subjects, or records them.
    most: subjects a run.
    """

    procedure: str
    subject: Callable[[Any], str]
    reasons: Callable[[Any], Sequence[str] | None]
    parameters: Callable[[Sequence[str]], dict[str, Any]]
    act: Act | None = None
    most: int = 100


def _of(kind: type[E], reasons: Callable[[E], Sequence[str] | None]) -> Callable[[Any], Sequence[str] | None]:
    """Limits a start to one kind of event."""

    def checked(event: Any) -> Sequence[str] | None:
        return reasons(event) if isinstance(event, kind) else None

    return checked


def _listed(name: str) -> Callable[[Sequence[str]], dict[str, Any]]:
    """Hands the subjects over as the flow's list of that name."""

    def parameters(subjects: Sequence[str]) -> dict[str, Any]:
        return {name: list(subjects)}

    return parameters


def _of_event(act: Callable[[Any], Awaitable[Any]]) -> Act:
    """Does at once what an event asks for; its subject alone does not tell enough."""

    async def does(_: str, event: Any) -> None:
        if event is None:
            raise Refused("What opened it can't be read any more. Prefect's run goes by its subject.")
        await act(event)

    return does


def _key(event: Any) -> str:
    return event.key


# -- out of hours


def _message(message: SlackMessage) -> Sequence[str]:
    return hours.reasons_to_do_nothing(message, customer_channels.known(), handbook().calendar)


def _press_of_start(action: SlackAction) -> Sequence[str] | None:
    return hours.reasons_to_ignore(action) if hours.is_start(action) else None


def _emergency(action: SlackAction) -> str:
    return hours.request_of(action).subject


async def _start_emergency(subject: str, _: Any) -> None:
    await out_of_hours.start_emergency(subject)


def _press_of_acknowledge(action: SlackAction) -> Sequence[str] | None:
    return [] if action.action == hours.ACKNOWLEDGE else None


_take_over = _of_event(out_of_hours.acknowledge)


def _press(action: SlackAction) -> str:
    return f"{action.value}/{action.user}/{action.action_ts}"


def _text_received(text: TextReceived) -> Sequence[str]:
    return [] if text.acknowledges else ["The text acknowledges nothing."]


def _press_on_channel(action: SlackAction) -> Sequence[str] | None:
    return [] if action.action in {hours.APPROVE, hours.DECLINE} else None


def _channel_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    channel, change = subjects[0].split("/")[:2]
    return {"channel": channel, "change": change, "press": subjects[0]}


# -- job applications


def _ticket(event: ConversationCreated) -> Sequence[str]:
    return job_applications.reasons_to_do_nothing(event)


def _press_on_application(action: SlackAction) -> Sequence[str] | None:
    return [] if job_applications.decision_of(action.action) else None


# -- support requests in Unthread


def _conversation(event: ConversationCreated) -> Sequence[str]:
    return support_routing.reasons_to_do_nothing(event)


def _press_on_conversation(action: SlackAction) -> Sequence[str] | None:
    return support_routing.reasons_to_ignore(action) if support_routing.is_press(action) else None


def _conversation_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    said = support_routing.press(subjects[0])
    if said is None:
        return {"conversation": subjects[0]}
    return {"conversation": said.conversation, "priority": said.priority, "press": subjects[0]}


# -- GitHub


def _issue(event: IssueOpened) -> Sequence[str]:
    names = handbook()
    label = names.chosen("request_label")
    return support_requests.reasons_to_do_nothing(event, names.repositories.confidential, label, names.bots.github)


def _comment(event: IssueComment) -> Sequence[str]:
    names = handbook()
    prefix = names.labels.waiting_prefix
    return waiting_labels.reasons_to_do_nothing(event, names.repositories.public, prefix, names.bots.github)


# -- escalated bugs


def _press_on_bug(action: SlackAction) -> Sequence[str] | None:
    return bug_escalation.reasons_to_ignore(action) if bug_escalation.is_press(action) else None


def _bug_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    said = bug_escalation.press(subjects[0])
    return {"issue": said.issue, "outcome": said.outcome, "press": subjects[0]}


# -- bug reports


def _press_on_report(action: SlackAction) -> Sequence[str] | None:
    return bug_duplicates.reasons_to_ignore(action) if bug_duplicates.is_press(action) else None


def _report_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    return bug_reports.drafted(subjects[0])


# -- customer codenames


def _became_customer(account: AccountChanged) -> Sequence[str]:
    return []


def _account_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    return {"account": subjects[0]}


# -- forms in Slack


def _sent_for(procedure: str) -> Callable[[Any], Sequence[str] | None]:
    """Limits a start to the forms of one procedure."""

    def reasons(event: Any) -> Sequence[str] | None:
        return [] if isinstance(event, FormSent) and event.procedure == procedure else None

    return reasons


def _form_parameters(subjects: Sequence[str]) -> dict[str, Any]:
    return forms.parameters_of(subjects[0])


STARTS = (
    Start(out_of_hours.ANSWER, _key, _of(SlackMessage, _message), _listed("messages"), _of_event(out_of_hours.answer)),
    Start(out_of_hours.START, _emergency, _of(SlackAction, _press_of_start), _listed("requests"), _start_emergency),
    Start(out_of_hours.ACKNOWLEDGE, _press, _of(SlackAction, _press_of_acknowledge), _listed("requests"), _take_over),
    Start(out_of_hours.ACKNOWLEDGE, _key, _of(TextReceived, _text_received), _listed("requests"), _take_over),
    Start(
        out_of_hours.REGISTER,
        _press,
        _of(SlackAction, _press_on_channel),
        _channel_parameters,
        _of_event(out_of_hours.decide_on_channel),
        1,
    ),
    Start("respond-to-job-application", _key, _of(ConversationCreated, _ticket), _listed("conversations")),
    Start("respond-to-job-application", _press, _of(SlackAction, _press_on_application), _listed("conversations")),
    Start(support_slas.ROUTE, _key, _of(ConversationCreated, _conversation), _conversation_parameters, most=1),
    Start(
        support_slas.ROUTE,
        support_routing.press_subject,
        _of(SlackAction, _press_on_conversation),
        _conversation_parameters,
        most=1,
    ),
    Start("triage-support-request", _key, _of(IssueOpened, _issue), _listed("issues")),
    Start("clear-waiting-labels", _key, _of(IssueComment, _comment), _listed("comments")),
    Start(
        "record-reproduction", bug_escalation.press_subject, _of(SlackAction, _press_on_bug), _bug_parameters, most=1
    ),
    Start(
        bug_reports.FILE,
        bug_duplicates.press_subject,
        _of(SlackAction, _press_on_report),
        _report_parameters,
        most=1,
    ),
    Start("promote-prospect", _key, _of(AccountChanged, _became_customer), _account_parameters, most=1),
    *(Start(form.procedure, _key, _sent_for(form.procedure), _form_parameters, most=1) for form in forms.FORMS),
)


def of(procedure: str) -> Start:
    """Gives how a procedure is started.

    Raises:
        policies.customer.Refused: no event starts it here, or not any more.
    """
    for start in STARTS:
        if start.procedure == procedure:
            return start
    raise Refused(f'No event starts "{procedure}" any more. Start what has taken its place by hand.')


def most(procedure: str) -> int:
    """Gives how many subjects a run takes; those of a procedure that is no more go to a person together."""
    return next((start.most for start in STARTS if start.procedure == procedure), Start.most)


async def act(procedure: str, subject: str, event: Event | None) -> None:
    """Does a procedure at once for a subject.

    Raises:
        policies.customer.Refused: it can't be done here.
    """
    does = of(procedure).act
    if does is None:
        raise Refused(f'"{procedure}" is not done at once. Start it in Prefect.')
    await does(subject, event)


def parameters(procedure: str, subjects: Sequence[str]) -> dict[str, Any]:
    """Gives the parameters of the run that does these subjects.

    Raises:
        policies.customer.Refused: they are not known here any more.
    """
    if forms.is_form(subjects[0]):
        return _form_parameters(subjects)
    return of(procedure).parameters(subjects)


def tags(procedure: str, subjects: Sequence[str]) -> list[str]:
    """Gives what is noted on the run beside: who sent the form."""
    sent = cases.event_behind(procedure, subjects[0]) if forms.is_form(subjects[0]) else None
    return [f"{STARTED_BY}{sent.user}"] if isinstance(sent, FormSent) else []


def verdict(event: Event | None) -> Verdict:
    """Decides what an event opens, or why nothing."""
    openings: list[Opening] = []
    reasons: list[str] = []
    for start in STARTS if event else ():
        found = start.reasons(event)
        if found:
            reasons.extend(found)
        elif found is not None:
            openings.append(Opening(start.procedure, start.subject(event), start.act is not None))
    if not openings and not reasons:
        reasons.append("No procedure listens to it.")
    return Verdict(openings, reasons)
