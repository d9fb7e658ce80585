"""Job applications: answer those that came through the contact form, and see that none waits too long.

Handbook: customer-success#respond-to-a-contact-us-job-application-submission
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from prefect import flow

from policies.contact_form import form
from policies.customer import Refused
from policies.events import SlackAction
from policies.open_positions import chosen_title
from policies.support import job_applications as policy
from policies.support.developer_on_call import bad_author, person
from policies.ticket import OPEN_STATES, Ticket, TicketUser
from settings import handbook, settings
from tasks import (
    artifacts,
    cases,
    database,
    decisions,
    gmail,
    ledger,
    open_positions,
    remembered,
    runs,
    slack,
    unthread,
)
from tasks.unthread import Where

RESPOND, REVIEW = "respond-to-job-application", "review-job-applications"
APPLICANTS = "applicants"  # of the hashes by which a second ticket of the same person is known


@flow(name=RESPOND)
async def respond_to_job_application(
    conversations: list[str], approved_by: str = "", position: str = "", dry_run: bool = False
) -> None:
    """Respond to a "Contact us" job application.

    Handbook: customer-success#respond-to-a-contact-us-job-application-submission
    Owner: Customer Support Engineers
    Writes: Gmail, Unthread, Slack

    1. The applicant and the position are found in the ticket; where they aren't clear, a person is asked.
    2. The assigned CSE approves the answer in Slack, unless handbook.toml says that it leaves at once.
    3. The assigned CSE answers from their own mailbox, with the Interim Head of People in copy.
    4. A copy of the answer goes into the ticket as an internal note.
    5. The ticket is closed. Where a person has closed it before the answer left, its draft is deleted.

    Args:
        conversations: The tickets' addresses or ids in Unthread. Never the applicant's name, which Prefect would store.
        approved_by: GitHub handle of the assigned CSE or the manager of support, to send it without asking in Slack.
        position: The title of the open position, when the ticket doesn't say it clearly. For one ticket only.
        dry_run: Say what would be done, and do nothing.
    """
    keys = [policy.subject(each) for each in conversations]
    if position and len(set(keys)) > 1:
        raise Refused("A position is for one ticket. Give one ticket with it, and start again for each other.")
    approver = _approver(approved_by)
    came: list[tuple[str, str]] = []

    async def act(key: str) -> None:
        try:
            came.append((key, await _answer_by_key(key, approver, position)))
        except cases.NothingToDo as reason:
            came.append((key, str(reason)))
            raise

    try:
        await cases.each(keys, act)
    finally:
        await artifacts.report("job-applications-answered", policy.answered(came))


def _approver(handle: str) -> str:
    """Gives the Slack id of who approves in Prefect, "" for nobody."""
    people = handbook().people
    if handle and (problems := bad_author(handle, people)):
        raise Refused(*problems)
    found = person(handle, people) if handle else None
    return found.slack if found else ""


async def _answer_by_key(key: str, approver: str, position: str) -> str:
    event = cases.event_behind(RESPOND, key)
    if isinstance(event, SlackAction) and (decision := policy.decision_of(event.action)):
        return await decide(event.value, decision, event.user)
    return await answer(key, approver=approver, position=position)


async def answer(conversation: str, *, approver: str = "", position: str = "") -> str:
    """Does the procedure for one ticket, as it is now. Gives what came of it.

    approver: the id in Slack of who wants it sent without being asked there.

    Raises:
        Refused: the approver may not decide.
        tasks.cases.NothingToDo: with the reason: no application, a person was asked, approval is awaited.
        tasks.effects.EffectError
    """
    ticket = await unthread.conversation(conversation)
    if not position and form(ticket.text.reveal()) is None:
        raise cases.NothingToDo("It did not come through the contact form.")
    return await _answer(ticket, await _known(), approver=approver, position=position)


async def decide(conversation: str, decision: policy.Decision, slack_user: str) -> str:
    """Does what a press of "Send" or "Don't send" asks for, if it is by somebody who may decide. Gives what came of it.

    Raises:
        tasks.cases.NothingToDo: with the reason: not theirs to decide, decided before, or the mail would be another.
        tasks.effects.EffectError
    """
    ticket, known = await unthread.conversation(conversation), await _known()
    begun = await _under_way(ticket, known)
    plan = begun or await _plan(ticket, known)
    await _assert_may_decide(plan, slack_user, known.managers)
    if begun:  # it was approved before, and that stands
        return await _send(begun)
    mark = policy.fingerprint(plan, _salt())
    questions = _questions(conversation)
    if not questions or questions[-1].mark != mark:
        await _ask(plan, mark)
        raise cases.NothingToDo("The answer would be another by now. It was asked again.")
    stands = await database.commit(decisions.record, RESPOND, f"{conversation}/{mark}", decision, slack_user, mark)
    await _show_decided(plan, mark, stands)
    if stands.decision == "decline":
        return f"Declined by {stands.decided_by}."
    said = await _send(plan)
    await database.commit_soon(cases.settle, RESPOND, conversation, cases.State.DONE, None)
    return said


# -- what is known


@dataclass(frozen=True)
class _Known:
    """What every ticket is compared with, read once for all."""

    titles: list[str]
    users: dict[str, TicketUser]
    people: dict[str, policy.Sender]
    copies: list[str]
    managers: list[policy.Sender]

    def sender(self, ticket: Ticket) -> policy.Sender | None:
        """Gives whom a ticket is assigned to."""
        user = self.users.get(ticket.assignee)
        return policy.sender_of(user.mailbox, user.slack, self.people.values()) if user else None


async def _known() -> _Known:
    head = handbook().role("interim_head_of_people")
    handbook().needs(f"people.{head.handle}.mailbox")
    titles, users = await open_positions.titles(), await unthread.users()
    people = policy.senders(handbook().people.values(), users)
    return _Known(
        titles=titles,
        users={each.id: each for each in users},
        people=people,
        copies=[head.mailbox],
        managers=[people[each.handle] for each in handbook().holders("manager_of_support_and_solutions")],
    )


def _salt() -> str:
    settings().require("applicant_salt")
    return settings().applicant_salt.get_secret_value()


# -- the steps


async def _answer(ticket: Ticket, known: _Known, *, approver: str = "", position: str = "") -> str:
    if ledger.is_done(f"{RESPOND}/{ticket.id}/close") and not ticket.is_closed:
        raise cases.NothingToDo("We answered and closed it, and somebody has opened it again.")
    if plan := await _under_way(ticket, known):
        return await _send(plan)
    plan = await _plan(ticket, known, position)
    if approver and not policy.may_decide(approver, plan.sender, known.managers):
        raise policy.not_theirs(plan, approver, known.people.values())
    if not approver:
        await _unless_second(plan)
    await _unless_unapproved(plan, approver)
    return await _send(plan)


async def _plan(ticket: Ticket, known: _Known, position: str = "") -> policy.Answer:
    """Gives the answer to send; where only a person can, asks one."""
    chosen = await _chosen(ticket, known, position)
    match policy.decide(ticket, known.titles, known.sender(ticket), known.copies, chosen):
        case policy.Leave(reason):
            raise cases.NothingToDo(reason)
        case policy.AskAPerson() as asked:
            raise await _handed_over(asked)
        case plan:
            return plan


async def _chosen(ticket: Ticket, known: _Known, position: str) -> str:
    """Gives the position that a person has said, now or earlier."""
    name = f"{RESPOND}/{ticket.id}/position"
    if not position:
        earlier = remembered.read(name) or ""
        return earlier if earlier in known.titles else ""
    chosen = chosen_title(position, known.titles)
    if not runs.current().dry_run:
        await database.commit(remembered.keep, name, chosen)
    return chosen


async def _handed_over(asked: policy.AskAPerson) -> cases.NothingToDo:
    """Asks a person, once for the same reasons. Gives what the run is told."""
    shown = policy.handed_over(asked, handbook().calendar)
    await slack.tell_once(_channel(), shown, occasion=f"{RESPOND}/{asked.ticket.id}/person/{asked.key}")
    return cases.NothingToDo(f"A person was asked: {asked.sentence}")


def _channel() -> str:
    return handbook().channels["help-customers"].id


async def _unless_second(plan: policy.Answer) -> None:
    """Asks a person when another ticket of the same applicant for the same position was looked at before."""
    who, (before, number, after) = policy.applicant_hash(plan, _salt()), policy.fortnights(plan.ticket.created_at)
    first = decisions.on(APPLICANTS, f"{who}/{number}")
    if first is None and not runs.current().dry_run:
        came = plan.ticket.created_at.isoformat()
        first = await database.commit(decisions.record, APPLICANTS, f"{who}/{number}", "applied", plan.ticket.id, came)
    others = [decisions.on(APPLICANTS, f"{who}/{each}") for each in (before, after)]
    earlier = [each for each in others if each and (first is None or each.at < first.at)]
    for each in [first, *earlier]:
        if each and policy.is_second(plan.ticket, each.decided_by, datetime.fromisoformat(each.shown)):
            raise await _handed_over(policy.second_ticket(plan))


async def _send(plan: policy.Answer) -> str:
    """Mail, note, close: each only after the one before."""
    once = f"{RESPOND}/{plan.ticket.id}"
    if not runs.current().dry_run:
        pinned = {"position": plan.position, "sender": plan.sender.handle, "copies": list(plan.mail.cc)}
        await database.commit(remembered.keep, f"{once}/answer", json.dumps(pinned))
    await gmail.send(plan.mail, once=f"{once}/mail", target=plan.ticket.id)
    await unthread.add_note(plan.ticket.id, policy.note(plan), once=f"{once}/note")
    await unthread.close(plan.ticket.id, once=f"{once}/close")
    return "Answered, noted and closed."


async def _under_way(ticket: Ticket, known: _Known) -> policy.Answer | None:
    """Gives the answer whose mail has left, or may have: it is finished as it was begun, whatever has changed since.

    A draft that waits is finished too, unless somebody has closed the ticket meanwhile: then it is deleted.
    """
    once = f"{RESPOND}/{ticket.id}"
    begun = [row for row in ledger.rows(below=f"{once}/mail/") if row.state not in ledger.NOTHING_HAPPENED]
    if not begun:
        return None
    pinned = json.loads(remembered.read(f"{once}/answer") or "{}")
    plan = policy.begun(ticket, pinned["position"], known.people[pinned["sender"]], pinned["copies"])
    if ledger.is_done(f"{once}/no-draft"):
        if ticket.is_closed:
            return None
        raise cases.NothingToDo("Its draft was deleted when somebody closed the ticket. Answer the applicant by hand.")
    may_have_left = any(row.key == f"{once}/mail/send" for row in begun)
    draft = next((row.made_id for row in begun if row.key == f"{once}/mail/draft"), None) or ""
    if not ticket.is_closed or ledger.is_done(f"{once}/mail/send"):
        return plan
    if may_have_left and not gmail.is_draft(plan.mail, draft):
        return plan
    if draft:
        await gmail.delete_draft(plan.mail, draft, once=f"{once}/no-draft", target=ticket.id)
    return None


# -- approval


@dataclass(frozen=True)
class _Question:
    """A question in Slack: which mail it is about, and where it stands."""

    number: int
    mark: str
    ts: str


def _questions(conversation: str) -> list[_Question]:
    rows = ledger.rows(below=f"{RESPOND}/{conversation}/question/", states=[ledger.State.DONE])
    found = [(row.key.split("/"), row.made_id) for row in rows]
    return sorted((_Question(int(key[-2]), key[-1], ts) for key, ts in found), key=lambda each: each.number)


async def _unless_unapproved(plan: policy.Answer, approver: str) -> None:
    """Goes on when exactly this mail is approved; else asks, and says that approval is awaited."""
    mark = policy.fingerprint(plan, _salt())
    subject, decision = f"{plan.ticket.id}/{mark}", decisions.on(RESPOND, f"{plan.ticket.id}/{mark}")
    if decision is None and (approver or handbook().job_applications.approval == "send"):
        if runs.current().dry_run:
            return
        by = approver or "handbook.toml"
        decision = await database.commit(decisions.record, RESPOND, subject, "approve", by, mark)
        await _show_decided(plan, mark, decision)
    if decision is None:
        await _ask(plan, mark)
        raise cases.NothingToDo("It waits for approval in Slack.")
    if decision.decision == "decline":
        raise cases.NothingToDo(f"{decision.decided_by} has declined it in Slack. Answer the applicant by hand.")


async def _ask(plan: policy.Answer, mark: str) -> None:
    """Asks in Slack whether to send exactly this mail. Earlier questions about another mail lose their buttons."""
    earlier = _questions(plan.ticket.id)
    if earlier and earlier[-1].mark == mark:
        earlier.pop()
    else:
        number = earlier[-1].number + 1 if earlier else 1
        once = f"{RESPOND}/{plan.ticket.id}/question/{number:03}/{mark}"
        await slack.post(_channel(), policy.question(plan, handbook().calendar), once=once)
    for question in earlier:
        await _take_back(plan, question)


async def _show_decided(plan: policy.Answer, mark: str, decision: decisions.Decision) -> None:
    """Puts the decision in the place of the question, with who decided and when; other questions lose their buttons."""
    made: policy.Decision = "decline" if decision.decision == "decline" else "approve"
    shown = policy.decided(plan, made, decision.decided_by, decision.at)
    for question in _questions(plan.ticket.id):
        if question.mark == mark:
            once = f"{RESPOND}/{plan.ticket.id}/decided/{question.number}"
            await slack.update(_channel(), question.ts, shown, once=once)
        else:
            await _take_back(plan, question)


async def _take_back(plan: policy.Answer, question: _Question) -> None:
    """Says that a question is about another mail than what would be sent by now."""
    once = f"{RESPOND}/{plan.ticket.id}/outdated/{question.number}"
    await slack.update(_channel(), question.ts, policy.outdated(plan.ticket), once=once)


async def _assert_may_decide(plan: policy.Answer, slack_user: str, managers: list[policy.Sender]) -> None:
    if not policy.may_decide(slack_user, plan.sender, managers):
        once = f"{RESPOND}/{plan.ticket.id}/refusal/{slack_user}"
        await slack.tell_only(_channel(), slack_user, policy.only_these(plan.sender, managers), once=once)
        raise cases.NothingToDo("Only the assigned CSE or the manager of support decides.")


# -- the review


@flow(name=REVIEW)
async def review_job_applications(dry_run: bool = False) -> int:
    """See that every job application is answered within four business hours.

    Handbook: customer-success#respond-to-a-contact-us-job-application-submission
    Owner: Customer Support Engineers
    Writes: Gmail, Unthread, Slack

    1. All open tickets are read; those of applicants whom no webhook told of are answered.
    2. The assigned CSE is warned before the four business hours are over.
    3. What is late is told to them and to the manager of support; what fails too, with the reason.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    now, calendar = runs.current().at, handbook().calendar
    if closed := policy.while_closed(now, calendar):
        await artifacts.report("job-applications", closed)
        return 0
    known, failed = await _known(), dict[str, Exception]()
    waiting: list[policy.Reviewed] = []
    for ticket in await unthread.conversations(Where("status", "in", OPEN_STATES)):
        if policy.is_application_ticket(ticket, known.titles):
            try:
                waiting += await _review(ticket, known)
            except Exception as error:  # the others go on; it is raised below
                failed[ticket.id] = error
                waiting.append(policy.waits(ticket, known.titles, known.sender(ticket), str(error)))
    for waits in waiting:
        try:
            await _remind(waits, known)
        except Exception as error:
            failed.setdefault(waits.ticket.id, error)
    await artifacts.report("job-applications", policy.reviewed(waiting, now, calendar))
    cases.assert_settled(failed)
    return len(waiting)


async def _review(ticket: Ticket, known: _Known) -> list[policy.Reviewed]:
    """Answers an application; gives it when it still waits for a person."""
    try:
        await _answer(ticket, known)
    except cases.NothingToDo as reason:
        if ledger.is_done(f"{RESPOND}/{ticket.id}/close"):
            return []
        return [policy.waits(ticket, known.titles, known.sender(ticket), str(reason))]
    return []


async def _remind(waits: policy.Reviewed, known: _Known) -> None:
    calendar = handbook().calendar
    how = policy.standing(waits.ticket, runs.current().at, calendar)
    has_answer = ledger.is_done(f"{RESPOND}/{waits.ticket.id}/mail/send")
    if how != "in time" and not has_answer:
        shown = policy.reminder(waits, how, calendar, [each.slack for each in known.managers])
        occasion = f"{REVIEW}/{waits.ticket.id}/{how.replace(' ', '-')}"
        await slack.tell_once(_channel(), shown, occasion=occasion)
