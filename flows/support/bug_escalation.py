"""Escalated bugs: investigated for a business day, then sent on to the drafting board or to QA.

Handbook: customer-success#escalate-a-customer-bug-report
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date

from prefect import flow

from flows.support import bug_reports
from policies.business_time import pacific_date
from policies.confidentiality import Leak
from policies.customer import Refused
from policies.issue import AddComment, AddLabels, Change, Issue, RemoveLabels, issue_number
from policies.report import Report
from policies.support import bug_escalation as policy
from policies.support.customer_bug_report import BugReport
from settings import handbook
from tasks import artifacts, cases, decisions, effects, github, known_names, ledger, remembered, runs, slack
from tasks.effects import EffectError, EffectRefused

ESCALATE, REVIEW, RECORD = "escalate-customer-bug", "review-escalated-bugs", "record-reproduction"


@flow(name=ESCALATE)
async def escalate_customer_bug(issue: str = "", report: BugReport | None = None, dry_run: bool = False) -> str:
    """Put a bug that a customer suffers from on the stand-up.

    Handbook: customer-success#escalate-a-customer-bug-report
    Owner: Customer Support Engineers
    Writes: GitHub, Salesforce, Slack

    1. Without an issue the report is filed at once. What may be the same bug is shown, and nobody is asked first.
    2. The labels "~investigate" and ":help-customers" are added, then ":incoming" and ":reproduce" removed.
    3. The team is asked in the customer success channel whether it can be reproduced.

    Args:
        issue: Number or address of a bug in the public repository. Empty: the report is filed first.
        report: What the customer has told us, when no issue says it yet.
        dry_run: Say what would be done, and do nothing.
    """
    if problems := policy.reasons_not_to_begin(issue, report):
        raise Refused(*problems)
    # "When a CSE suspects that a customer is impacted by a bug, a bug report is filed immediately."
    filed = await bug_reports.file(report, at_once=True) if report else None
    if filed and not filed.number:  # a dry run: there is no issue yet whose labels could be changed
        await artifacts.report("escalated-bug", policy.would_escalate(handbook().labels))
        return filed.url
    number = filed.number if filed else issue_number(issue, handbook().repositories.public)
    bug, done = await escalate(number)
    await artifacts.report("escalated-bug", policy.escalated(bug, done, filed.not_told if filed else ""))
    return bug.issue.url


async def escalate(number: int) -> tuple[policy.Bug, policy.Labelling]:
    """Escalates a bug that has been filed.

    Raises:
        Refused: it is closed, no bug, or not there.
    """
    labels = handbook().labels
    issue = github.fleet.issue(number)
    if problems := policy.reasons_not_to_escalate(issue, f"#{number}", labels.bug):
        raise Refused(*problems)
    assert issue
    wanted, once = policy.escalation(issue, labels), f"{ESCALATE}/{issue.key}"
    if wanted.add:
        added = f"{policy.occasion(issue)}/add/{'+'.join(wanted.add)}"
        github.fleet.add_labels(number, wanted.add, once=f"{once}/{added}")
    for label in wanted.remove:
        github.fleet.remove_label(number, label, once=f"{once}/{policy.occasion(issue, label)}/remove/{label}")
    bug = _bug(issue if runs.current().dry_run else github.fleet.issue(number) or issue)
    await _ask(bug)
    return bug, wanted


@flow(name=REVIEW)
async def review_escalated_bugs(dry_run: bool = False) -> int:
    """Review the bugs under investigation, for the stand-up.

    Handbook: customer-success#escalate-a-customer-bug-report
    Owner: Manager of Customer Support and Solutions Architecture
    Writes: GitHub, Slack

    1. All open issues with "~investigate" are read, 100 a call.
    2. On its first business day a bug is acknowledged in the manager's name and asked about on the stand-up.
    3. On its second the details go onto the issue, and "~investigate" goes.
    4. Reproduced, it gets ":product" for the drafting board; otherwise ":incoming" and ":reproduce" for QA.
    5. The agenda is posted in the customer success channel, with buttons for what is still unknown.
    6. The question of a bug that has left the stand-up says so.
    7. Reports that wait since the day before until somebody has said whether the bug is known are named there, too.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    calendar, day = handbook().calendar, pacific_date(runs.current().at)
    if why := calendar.why_closed(day):
        await artifacts.report("escalated-bugs", policy.closed_today(day, why))
        return 0
    asked, bugs = _asked(), await _under_investigation()
    findings = _findings(each.key for each in bugs)
    on_it = policy.agenda_items(bugs, findings, day)
    agenda = policy.read(remembered.agreed(_agenda(day), policy.kept(on_it)))
    problems = _acknowledge(bugs) + _send_on([each for each in bugs if policy.leaves(each, day)], findings)
    await _tell(agenda, day)
    await bug_reports.remind_of_choices(day)
    for bug in bugs:
        if not policy.leaves(bug, day):
            await _ask(bug)
    await _close_questions(asked, bugs)
    await artifacts.report("escalated-bugs", policy.reviewed(agenda, problems))
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(bugs)


@flow(name=RECORD)
async def record_reproduction(
    issue: str, outcome: policy.Outcome, details: policy.Details = "", press: str = "", dry_run: bool = False
) -> str:
    """Record whether a bug under investigation was reproduced.

    Handbook: customer-success#escalate-a-customer-bug-report
    Owner: Customer Support Engineers
    Writes: Slack

    1. It is recorded who says so and when; what is said last counts, and all details are kept.
    2. The question in the customer success channel shows the answer.
    3. The review of the second business day uses it, and puts the details onto the issue.

    Args:
        issue: Number or address of the bug.
        outcome: Whether it could be reproduced.
        details: Logs, reproduction steps and what else helps. Anybody can read them on the issue.
        press: Leave it empty; a button in Slack fills it in.
        dry_run: Say what would be done, and do nothing.
    """
    if press:
        return next(iter(await cases.each([press], lambda _: _record(issue, outcome, details, press))), "")
    return await _record(issue, outcome, details, press)


async def _record(issue: str, outcome: policy.Outcome, details: str, press: str) -> str:
    number, labels = issue_number(issue, handbook().repositories.public), handbook().labels
    said = policy.press(press) if press else None
    by, at = (said.user, said.at) if said else (runs.current().started_by, runs.current().at)
    if press and by not in _team():
        await _refuse(press, by, policy.only_the_team())
        raise cases.NothingToDo("Who pressed the button is not of the team.")
    found = github.fleet.issue(number)
    if problems := policy.reasons_not_to_record(found, f"#{number}", labels.investigate, details):
        if press:
            await _refuse(press, by, policy.not_recorded(problems))
            raise cases.NothingToDo(" ".join(problems))
        raise Refused(*problems)
    assert found
    _assert_public(details)
    bug, finding = _bug(found), policy.Finding(outcome, by, details)
    if not runs.current().dry_run:
        subject = f"{bug.key}/{press or runs.current().id}"
        decisions.record(RECORD, subject, finding.outcome, finding.by, finding.details, at)
        await _show_finding(bug)
    await artifacts.report("recorded-reproduction", policy.recorded(found, finding))
    return found.url


def _assert_public(details: str) -> None:
    try:
        known_names.public(details)
    except Leak as leak:
        raise Refused(f"Details: {leak}") from None


# -- what is known


def _bug(issue: Issue) -> policy.Bug:
    names = handbook()
    return policy.bug(
        issue, names.labels.investigate, names.calendar, from_stand_up=names.bug_escalation.counts_from_stand_up
    )


async def _under_investigation() -> list[policy.Bug]:
    """Reads the bugs, and shows how far that has come."""
    bugs, progress = list[policy.Bug](), artifacts.Progress("Bugs read")
    for page, total in github.fleet.open_issues_by_page([handbook().labels.investigate]):
        bugs += [_bug(issue) for issue in page]
        await progress.up_to(len(bugs), total)
    return bugs


def _findings(keys: Iterable[str]) -> dict[str, policy.Finding]:
    return {key: found for key in keys if (found := _finding(key))}


def _finding(key: str) -> policy.Finding | None:
    """Gives what was recorded of a bug."""
    said = decisions.all_of(RECORD, below=f"{key}/")
    return policy.gathered([policy.finding_of(each.decision, each.decided_by, each.shown) for each in said])


def _managers() -> list[str]:
    return [each.lower() for each in handbook().roles["manager_of_support_and_solutions"]]


def _team() -> set[str]:
    return {person.slack for role in policy.TEAM for person in handbook().holders(role)}


def _channel() -> str:
    return handbook().customer_success_channel.id


# -- the steps


def _acknowledge(bugs: Sequence[policy.Bug]) -> list[str]:
    """Acknowledges in the manager's name what they have not acknowledged themselves."""
    managers, handle = _managers(), handbook().role("manager_of_support_and_solutions").handle
    # Once it is there it stands, whatever the calendar says by now.
    new = [
        bug for bug in bugs if not policy.is_acknowledged(bug, managers) and not ledger.is_done(_acknowledgement(bug))
    ]
    changes = [
        AddComment(bug.issue, known_names.public(policy.acknowledgement(bug, handle)), _acknowledgement(bug))
        for bug in new
    ]
    return effects.problems(github.fleet.change_together(changes))


def _acknowledgement(bug: policy.Bug) -> str:
    return f"{REVIEW}/{bug.key}/acknowledgement"


def _send_on(bugs: Sequence[policy.Bug], findings: Mapping[str, policy.Finding]) -> list[str]:
    """Takes bugs off the stand-up. A step is for those only whose steps before are done."""
    names = handbook()
    keeps = names.bug_escalation.keeps_help_customers
    agreed = _agreed(bugs, findings)
    leaving = [policy.leaving(bug, agreed[bug.key], names.labels, keeps_help_customers=keeps) for bug in bugs]
    leaving = [policy.without_details(each) if _names_a_customer(_comment(each)) else each for each in leaving]
    problems = [policy.withheld(each.bug) for each in leaving if each.withheld]
    # "~investigate" goes last: it is what the next run finds a bug by.
    for step in (_details, _additions, _removals):
        changes = {each.bug.key: change for each in leaving if (change := step(each))}
        outcomes = dict(zip(changes, github.fleet.change_together(list(changes.values())), strict=True))
        problems += effects.problems(outcomes.values())
        leaving = [each for each in leaving if not isinstance(outcomes.get(each.bug.key), EffectError)]
    return problems


def _agreed(bugs: Sequence[policy.Bug], findings: Mapping[str, policy.Finding]) -> dict[str, policy.Finding | None]:
    """Gives what each bug is sent on with: once its details may be on the issue, what they say."""
    rows = ledger.rows(keys=[_commented(bug) for bug in bugs])
    said = {row.key for row in rows if row.state not in ledger.NOTHING_HAPPENED}
    return {bug.key: _agreed_finding(bug, findings.get(bug.key), binds=_commented(bug) in said) for bug in bugs}


def _agreed_finding(bug: policy.Bug, finding: policy.Finding | None, *, binds: bool) -> policy.Finding | None:
    name, kept = f"{REVIEW}/{bug.key}/finding", policy.finding_kept(finding)
    if binds:
        return policy.finding_read(remembered.agreed(name, kept))
    if not runs.current().dry_run:
        remembered.keep(name, kept)
    return finding


def _names_a_customer(text: str) -> bool:
    """Says whether a text can't be shown: a name may be known by now that was not when details were recorded."""
    return bool(known_names.known_names().find(text))


def _commented(bug: policy.Bug) -> str:
    return f"{REVIEW}/{bug.key}/details"


def _comment(each: policy.Leaving) -> str:
    return policy.details_comment(each.bug, each.finding, handbook().labels, withheld=each.withheld)


def _details(each: policy.Leaving) -> Change | None:
    return AddComment(each.bug.issue, known_names.public(_comment(each)), _commented(each.bug))


def _additions(each: policy.Leaving) -> Change | None:
    added = each.labelling.add
    return AddLabels(each.bug.issue, added, f"{REVIEW}/{each.bug.key}/add") if added else None


def _removals(each: policy.Leaving) -> Change | None:
    return RemoveLabels(each.bug.issue, each.labelling.remove, f"{REVIEW}/{each.bug.key}/remove")


# -- Slack


def _agenda(day: date) -> str:
    return f"{REVIEW}/{day}/agenda"


async def _tell(agenda: Sequence[policy.AgendaItem], day: date) -> None:
    """Posts the stand-up's agenda, unless it is empty."""
    if agenda:
        await slack.post(_channel(), policy.agenda(agenda, day, _manager()), once=_agenda(day))


def _manager() -> str:
    return handbook().role("manager_of_support_and_solutions").slack


def _question(bug: policy.Bug) -> str:
    return f"{REVIEW}/{bug.key}/question"


async def _ask(bug: policy.Bug) -> None:
    """Asks once whether a bug was reproduced."""
    if not ledger.is_done(_question(bug)):
        await slack.post(_channel(), policy.question(bug), once=_question(bug))


async def _show_finding(bug: policy.Bug) -> None:
    """Puts what was recorded last in the place of the question, and into the agenda of the bug's first day."""
    once = f"{RECORD}/{bug.key}/{runs.current().id}"
    if found := _finding(bug.key):
        await _put(_question(bug), policy.question(bug, found), once)
    if kept := remembered.read(_agenda(bug.first)):
        on_it = policy.read(kept)
        now = policy.with_outcomes(on_it, _findings(each.key for each in on_it))
        await _put(_agenda(bug.first), policy.agenda(now, bug.first, _manager()), f"{once}/agenda")


async def _put(posted: str, shown: Report, once: str) -> None:
    """Puts a report in the place of a message, where there is one."""
    for row in ledger.rows(keys=[posted], states=[ledger.State.DONE]):
        with suppress(EffectRefused):  # somebody has deleted it
            await slack.update(_channel(), row.made_id, shown, once=once)


def _asked() -> list[str]:
    """Gives the keys of the bugs that were asked about, and whose question has not been closed."""
    rows = {row.key for row in ledger.rows(below=f"{REVIEW}/", states=[ledger.State.DONE, ledger.State.FAILED])}
    asked = [key.removeprefix(f"{REVIEW}/").removesuffix("/question") for key in rows if key.endswith("/question")]
    return sorted(key for key in asked if f"{REVIEW}/{key}/left" not in rows)


async def _close_questions(asked: Sequence[str], bugs: Sequence[policy.Bug]) -> None:
    """Says in the questions of bugs that have left the stand-up, whoever took them off, that nothing is recorded now.

    asked: from before the bugs were read, so that one that was escalated meanwhile is not taken for one that has left.
    """
    found_here = {bug.key for bug in bugs}
    for key in asked:
        if key not in found_here or ledger.is_done(f"{REVIEW}/{key}/remove"):
            found, number = _finding(key), key.partition("@")[0].partition("#")[2]
            withheld = bool(found and _names_a_customer(found.details))
            shown = policy.left(key, f"{github.fleet.url}/issues/{number}", found, withheld=withheld)
            await _put(f"{REVIEW}/{key}/question", shown, f"{REVIEW}/{key}/left")


async def _refuse(press: str, user: str, shown: Report) -> None:
    await slack.tell_only(_channel(), user, shown, once=f"{RECORD}/{press}/refusal")
