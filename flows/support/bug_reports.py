"""Bug reports: filing a customer's once, and asking for the details that are still missing.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect import flow

from flows.customers.customer_codenames import codename_of
from policies.confidentiality import Leak, PublicText
from policies.customer import Refused
from policies.issue import AddComment, Issue, issue_number
from policies.support import bug_duplicates as duplicates
from policies.support import bug_reports as policy
from policies.support import customer_bug_report as filing
from policies.support.out_of_hours import message_key
from settings import handbook
from tasks import artifacts, cases, decisions, effects, github, known_names, ledger, remembered, runs, slack

FILE, REQUEST, REVIEW = "file-customer-bug-report", "request-missing-details", "review-community-bug-reports"


@flow(name=FILE)
async def file_customer_bug_report(
    report: filing.BugReport, same_as: str = "", press: str = "", dry_run: bool = False
) -> str:
    """File what a customer has reported, unless it has been reported before.

    Handbook: customer-success#file-a-customer-bug-report
    Owner: Customer Support Engineers
    Writes: GitHub, Salesforce, Slack

    1. The report is checked: required details, and that no customer's real name is in it.
    2. The customer's codename is found; a customer without one gets one.
    3. The public repository is searched with several sets of keywords. When something like it is there, somebody is
       asked in the customer success channel, and nothing is filed before they have chosen.
    4. The issue is filed with its labels, or the codename label and a comment go onto the one that was chosen.
    5. The customer gets the link in the thread of their message.

    Args:
        report: What the customer has told us.
        same_as: Number of the issue that reports the same bug, or "new". Empty: search first.
        press: Leave it empty; a button in Slack fills it in.
        dry_run: Say what would be done, and do nothing.
    """
    if press and (by := filing.press(press).user) not in _team():
        once = f"{FILE}/{press}/refusal"
        await slack.tell_only(handbook().customer_success_channel.id, by, filing.only_the_team(), once=once)
        return by
    done = await file(report, same_as, press=press)
    return done.url if done else ""


async def file(report: filing.BugReport, same_as: str, *, press: str = "") -> Filed | None:
    """Files a report, or adds it to the issue that was chosen. None: somebody must choose first, and is asked.

    Raises:
        Refused: with everything that is wrong with it.
    """
    chosen = filing.choice(same_as) if same_as else None
    _check(report)
    codename = report.customer.strip().lower()
    if filing.is_codename(codename):
        _assert_known(codename)
    else:
        codename = codename_of(report.customer)
    subject = f"{codename}/{filing.digest(report)}"
    found = _candidates(report, codename, subject) if chosen is None else _seen(subject)
    if found and chosen is None and not (chosen := _chosen_before(subject)):
        await _ask_which(report, codename, subject, found)
        return None
    chosen = chosen or filing.Choice(0)
    same = _same(chosen) if chosen.number else None
    _settle(subject, chosen, filing.press(press).user if press else runs.current().started_by, found)
    done = _added(report, codename, subject, same) if same else _new(report, codename, subject)
    await _show_choice(report, codename, subject, found)
    if report.message:
        channel, _, ts = message_key(report.message).partition("/")
        told = filing.link_message(done.key, done.url)
        await slack.post(channel, told, once=f"{FILE}/{subject}/link", thread=ts, to_customers=True)
    shown = filing.filed(
        codename, done.key, done.url, new=chosen.number == 0, candidates=found, told=bool(report.message)
    )
    await artifacts.report("customer-bug-report", shown)
    return done


@dataclass(frozen=True)
class Filed:
    """The issue that a report is in. number: 0 in a dry run that would file it."""

    number: int
    key: str
    url: str


def _check(report: filing.BugReport) -> None:
    problems = filing.problems(report)
    try:
        known_names.public(filing.texts(report))
    except Leak as leak:
        problems.append(str(leak))
    if problems:
        raise Refused(*problems)


def _assert_known(codename: str) -> None:
    places = {"confidential": github.confidential, "public": github.fleet}
    lacking = [name for name, each in places.items() if codename not in {one.name for one in each.codename_labels()}]
    if lacking:
        raise Refused(
            f'"{codename}" is no label of the {" and the ".join(lacking)} repository. Give the address of the account '
            "in Salesforce instead; its codename is found or assigned."
        )


def _candidates(report: filing.BugReport, codename: str, subject: str) -> list[filing.Shown]:
    """Searches, once a report: whoever starts it again is shown the same."""
    name = f"{FILE}/{subject}/found"
    if (known := remembered.read(name)) is None:
        sets = duplicates.keyword_sets(report.title, report.actual, report.steps)
        label = [handbook().labels.bug]
        by_source = {each.source: github.fleet.search_issues(each.words, labels=label) for each in sets}
        found = duplicates.candidates(report.title, report.actual, codename, by_source)
        known = remembered.agreed(name, filing.kept(found))
    return filing.shown(known)


def _seen(subject: str) -> list[filing.Shown]:
    return filing.shown(remembered.read(f"{FILE}/{subject}/found") or "[]")


def _chosen_before(subject: str) -> filing.Choice | None:
    found = decisions.on(FILE, subject)
    return filing.choice(found.decision) if found else None


def _same(chosen: filing.Choice) -> Issue:
    found = github.fleet.issue(chosen.number)
    if problems := filing.reasons_against(found, chosen, handbook().labels.bug):
        raise Refused(*problems)
    assert found
    return found


def _settle(subject: str, chosen: filing.Choice, by: str, found: Sequence[filing.Shown]) -> None:
    """Records the choice. The first one stands."""
    before = decisions.on(FILE, subject)
    if before is None and not runs.current().dry_run:
        shown = ", ".join(f"#{each.number}" for each in found)
        before = decisions.record(FILE, subject, chosen.word, by, shown)
    if before and before.decision != chosen.word:
        raise filing.settled_otherwise(subject, before.decision, chosen.word)


def _new(report: filing.BugReport, codename: str, subject: str) -> Filed:
    labels, public = handbook().labels, known_names.public
    made = github.fleet.create_issue(
        public(filing.title(report)),
        public(filing.body(report, codename)),
        filing.labels_of_new(codename, labels.bug, labels.incoming, labels.reproduce),
        once=f"{FILE}/{subject}/issue",
    )
    number = int(made.id or 0)
    return Filed(number, f"{github.fleet.full_name}#{number}" if number else "The new issue", made.url)


def _added(report: filing.BugReport, codename: str, subject: str, found: Issue) -> Filed:
    text = known_names.public(filing.comment(report, codename))
    github.fleet.comment(found.number, text, once=f"{FILE}/{subject}/comment")
    if not found.has_label(codename):
        github.fleet.add_labels(found.number, [codename], once=f"{FILE}/{subject}/label")
    return Filed(found.number, found.key, found.url)


async def _ask_which(report: filing.BugReport, codename: str, subject: str, found: Sequence[filing.Shown]) -> None:
    remembered.agreed(f"{FILE}/{subject}/draft", report.model_dump_json())
    asked = filing.question(report, codename, found)
    await slack.post(handbook().customer_success_channel.id, asked, once=f"{FILE}/{subject}/question")
    await artifacts.report("customer-bug-report", filing.waits(report, codename, found))


async def _show_choice(report: filing.BugReport, codename: str, subject: str, found: Sequence[filing.Shown]) -> None:
    """Puts what was chosen in the place of the question, if one was asked."""
    asked = ledger.rows(keys=[f"{FILE}/{subject}/question"], states=[ledger.State.DONE])
    decided = decisions.on(FILE, subject)
    if asked and decided:
        shown = filing.question(report, codename, found, chosen=decided.decision, by=decided.decided_by)
        channel = handbook().customer_success_channel.id
        await slack.update(channel, asked[0].made_id, shown, once=f"{FILE}/{subject}/answer")


def drafted(press: str) -> dict[str, Any]:
    """Gives the parameters of the run that does what a button in Slack says."""
    said = filing.press(press)
    kept = remembered.read(f"{FILE}/{said.report}/draft")
    if kept is None:
        raise Refused("The report that the button belongs to is not known here. Fill in the form again.")
    return {"report": json.loads(kept), "same_as": said.choice, "press": press}


def _team() -> set[str]:
    return {person.slack for role in filing.TEAM for person in handbook().holders(role)}


@flow(name=REQUEST)
async def request_missing_details(issue: str, message: str, also_wanted: bool = False, dry_run: bool = False) -> int:
    """Ask a customer for the details that a bug report still lacks.

    Handbook: customer-success#file-a-customer-bug-report
    Owner: Customer Support Engineers
    Writes: Slack

    1. The issue's text is compared with the required details.
    2. What is missing is asked for in the thread of the customer's message; the same list once.

    Args:
        issue: Number or address of the bug in the public repository.
        message: Link of the customer's message in Slack.
        also_wanted: Ask for the details that are nice to have, too.
        dry_run: Say what would be done, and do nothing.
    """
    number, (channel, _, ts) = issue_number(issue, handbook().repositories.public), message_key(message).partition("/")
    found = github.fleet.issue(number)
    if problems := policy.reasons_not_to_ask(found, f"#{number}"):
        raise Refused(*problems)
    assert found
    asked = policy.request(found, also_wanted=also_wanted)
    if not asked.is_empty:
        once = f"{REQUEST}/{found.key}/{channel}/{ts}/{asked.digest}"
        await slack.post(channel, policy.question(asked), once=once, thread=ts, to_customers=True)
    await artifacts.report("missing-details", policy.asked_for(asked))
    return len(asked.required) + len(asked.wanted)


@flow(name=REVIEW)
async def review_community_bug_reports(dry_run: bool = False) -> int:
    """Ask reporters from the community for the details that their reports lack.

    Handbook: customer-success#create-customer-support-issue
    Owner: Customer Support Engineers
    Writes: GitHub

    1. All open bugs are read, 100 a call; those count that somebody from outside has reported in the last 14 days.
    2. Where required details are missing, a comment names them, once an issue.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    reports = _from_the_community()
    asked = [each for each in map(policy.request, reports) if not each.is_empty]
    new = [each for each in asked if not ledger.is_done(_once(each))]
    outcomes = github.fleet.change_together([AddComment(each.issue, _agreed(each), _once(each)) for each in new])
    problems = effects.problems(outcomes)
    await artifacts.report("community-bug-reports", policy.reviewed(len(reports), asked, problems))
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(asked)


def _from_the_community() -> list[Issue]:
    names, members, now = handbook(), github.organisation_members(), runs.current().at
    return [
        issue
        for issue in github.fleet.open_issues([names.labels.bug])
        if policy.is_from_the_community(issue, members, names.bots.github, bool(issue.codenames), now)
    ]


def _once(asked: policy.Request) -> str:
    return f"{REVIEW}/{asked.issue.key}/details"


def _agreed(asked: policy.Request) -> PublicText:
    """Gives the comment as it was worded first: its reporter may have edited the issue since."""
    return known_names.public(remembered.agreed(_once(asked), policy.comment(asked)))
