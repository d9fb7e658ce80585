"""Bug reports: filing a customer's once, and asking for the details that are still missing.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from prefect import flow
from pydantic import ValidationError

from flows.customers.customer_codenames import codename_of
from policies.business_time import pacific_date
from policies.confidentiality import Leak, PublicText
from policies.customer import Refused
from policies.issue import AddComment, Issue, issue_number
from policies.report import Link
from policies.support import bug_duplicates as duplicates
from policies.support import bug_reports as policy
from policies.support import customer_bug_report as filing
from policies.support.out_of_hours import thread_key
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

    1. The report is checked: required details, and that nothing is in it that tells which customer it is.
    2. The customer's codename is found; a customer without one gets one.
    3. The public repository is searched with several sets of keywords. When something like it is there, somebody is
       asked in the customer success channel, and nothing is filed before they have chosen.
    4. The issue is filed with its labels, or the codename label and a comment go onto the one that was chosen.
    5. The customer gets the link in the thread of their message.

    Args:
        report: What the customer has told us. Anybody can read it: no customer's name, no host, no secret.
        same_as: Number of the issue that reports the same bug, or "new". Empty: search first, and ask.
        press: Leave it empty; a button in Slack fills it in.
        dry_run: Say what would be done, and do nothing.
    """
    if press:
        return next(iter(await cases.each([press], partial(_choose, report))), "")
    done = await file(report, same_as)
    if done and done.not_told:
        raise cases.Unsettled(done.not_told)
    return done.url if done else ""


async def _choose(report: filing.BugReport, press: str) -> str:
    """Does what somebody has chosen with a button, or tells them alone why not."""
    said, tell = duplicates.press(press), partial(slack.tell_only, handbook().customer_success_channel.id)
    if said.user not in _team():
        await tell(said.user, duplicates.only_the_team(), once=f"{FILE}/{press}/refusal")
        raise cases.NothingToDo("Who pressed the button is not of the team.")
    try:
        done = await file(report, said.choice, by=said.user)
    except Refused as refused:
        await tell(said.user, duplicates.not_chosen(refused), once=f"{FILE}/{press}/refusal")
        raise cases.NothingToDo(str(refused)) from None
    return done.url if done else ""


async def file(
    report: filing.BugReport, same_as: str = "", *, by: str = "", at_once: bool = False
) -> filing.Filed | None:
    """Files a report, or adds it to the issue that was chosen. None: somebody must choose first, and is asked.

    by: who has chosen; the member's id in Slack. at_once: whether it is filed without asking.

    Raises:
        Refused: with everything that is wrong with it.
    """
    chosen = duplicates.choice(same_as)
    _check(report)
    codename = _codename(report)
    subject = filing.subject(report, codename)
    seen = _seen(report, codename, subject)
    chosen = chosen or _chosen_before(subject) or (duplicates.Choice(0) if at_once or not seen.found else None)
    if chosen is None:
        await _ask_which(report, subject, seen)
        return None
    issue = _same(chosen, subject) if chosen.number else None
    _settle(subject, chosen, by or runs.current().started_by, seen)
    standing = _standing(report, subject)
    done = _added(standing, codename, subject, chosen, issue) if chosen.number else _new(standing, codename, subject)
    done = replace(done, not_told=await _give_the_link(report, subject, done))
    await _show_choice(subject, done, seen, at_once=at_once)
    shown = filing.filed(done, codename, seen, told=bool(report.message.strip()), differs=standing != report)
    await artifacts.report("customer-bug-report", shown)
    return done


def _check(report: filing.BugReport) -> None:
    names = handbook()
    label = names.by_edition.bug_report_label[names.edition]
    problems = filing.problems(report, label, names.bug_reports.public_domains)
    for name, text in filing.typed(report):
        try:
            known_names.public(text)
        except Leak as leak:
            problems.append(f"{name}: {leak}")
    if problems:
        raise Refused(*problems)


def _codename(report: filing.BugReport) -> str:
    """Gives the customer's codename label; an account without one gets one."""
    given = filing.codename(report)
    if given is None:
        return codename_of(report.customer)
    places = {"confidential": github.confidential, "public": github.fleet} if given else {}
    if lacking := [name for name, each in places.items() if not each.has_label(given)]:
        raise Refused(
            f'"{given}" is no label of the {" and the ".join(lacking)} repository. Give the address of the account '
            "in Salesforce instead; its codename is found or assigned."
        )
    return given


def _seen(report: filing.BugReport, codename: str, subject: str) -> duplicates.Seen:
    """Searches, once a report: whoever starts it again is shown the same."""
    name, bug = f"{FILE}/{subject}/found", handbook().labels.bug
    if (known := remembered.read(name)) is None:
        sets = duplicates.keyword_sets(report.title, report.actual, report.steps)
        searched, newest = github.fleet.look_for({each.source: each.words for each in sets}, [bug, codename or bug])
        told = duplicates.Told(report.title, report.actual, codename, filing.message_link(report))
        known = remembered.agreed(name, duplicates.kept(told, duplicates.candidates(told, searched, newest)))
    return duplicates.seen(known)


def _chosen_before(subject: str) -> duplicates.Choice | None:
    found = decisions.on(FILE, subject)
    return duplicates.choice(found.decision) if found else None


def _same(chosen: duplicates.Choice, subject: str) -> Issue | None:
    """Gives the issue that was chosen. Once the report is on it, a person's change of that issue stands."""
    found = github.fleet.issue(chosen.number)
    problems = duplicates.reasons_against(found, chosen, handbook().labels.bug)
    if problems and not ledger.is_done(f"{FILE}/{subject}/comment"):
        raise Refused(*problems)
    return found


def _settle(subject: str, chosen: duplicates.Choice, by: str, seen: duplicates.Seen) -> None:
    """Records the choice. The first one stands."""
    before = decisions.on(FILE, subject)
    if before is None and not runs.current().dry_run:
        before = decisions.record(FILE, subject, chosen.word, by, seen.numbers)
    if before and before.decision != chosen.word:
        raise duplicates.settled_otherwise(subject, before.decision, chosen.word)


def _standing(report: filing.BugReport, subject: str) -> filing.BugReport:
    """Gives the report as it was when it was filed first: what is corrected later is corrected in the issue."""
    return filing.BugReport.model_validate_json(remembered.agreed(f"{FILE}/{subject}/report", report.model_dump_json()))


def _new(report: filing.BugReport, codename: str, subject: str) -> filing.Filed:
    public = known_names.public
    made = github.fleet.create_issue(
        public(filing.title(report)),
        public(filing.body(report, codename)),
        filing.labels_of_new(codename, handbook().labels),
        once=f"{FILE}/{subject}/issue",
    )
    number = int(made.id or 0)
    key = f"{github.fleet.full_name}#{number}" if number else "The new issue"
    return filing.Filed(number, key, made.url, is_new=True)


def _added(
    report: filing.BugReport, codename: str, subject: str, chosen: duplicates.Choice, issue: Issue | None
) -> filing.Filed:
    number, once = chosen.number, f"{FILE}/{subject}"
    label = filing.label_of_customer(codename, handbook().labels)
    github.fleet.comment(number, known_names.public(filing.comment(report, codename)), once=f"{once}/comment")
    if issue and not issue.has_label(label):
        github.fleet.add_labels(number, [label], once=f"{once}/label")
    return filing.Filed(
        number, f"{github.fleet.full_name}#{number}", f"{github.fleet.url}/issues/{number}", is_new=False
    )


# -- who is told


async def _ask_which(report: filing.BugReport, subject: str, seen: duplicates.Seen) -> None:
    if not runs.current().dry_run:
        remembered.keep(f"{FILE}/{subject}/draft", report.model_dump_json())  # what was corrected last counts
    asked = duplicates.question(subject, seen)
    await slack.post(handbook().customer_success_channel.id, asked, once=f"{FILE}/{subject}/question")
    await artifacts.report("customer-bug-report", duplicates.waits(subject, seen))


async def _give_the_link(report: filing.BugReport, subject: str, done: filing.Filed) -> str:
    """Gives the customer the link. Gives why Slack refused it: that undoes no filing."""
    if report.message.strip():
        channel, _, ts = thread_key(report.message).partition("/")
        once = f"{FILE}/{subject}/link/{channel}/{ts}"
        try:
            await slack.post(channel, filing.link_message(done), once=once, thread=ts, to_customers=True)
        except effects.EffectRefused as refused:
            return str(refused)
    return ""


async def _show_choice(subject: str, done: filing.Filed, seen: duplicates.Seen, *, at_once: bool) -> None:
    """Tells the team what became of the question, or what they could not be asked."""
    channel = handbook().customer_success_channel.id
    asked = ledger.rows(keys=[f"{FILE}/{subject}/question"], states=[ledger.State.DONE])
    decided = decisions.on(FILE, subject)
    if asked and decided:
        now = Link(done.key, done.url)
        told = not done.not_told
        shown = duplicates.answered(subject, seen, decided.decision, decided.decided_by, now, told=told)
        once = f"{FILE}/{subject}/answer" + ("" if told else "-without-link")
        with suppress(effects.EffectRefused):  # somebody has deleted the question
            await slack.update(channel, asked[0].made_id, shown, once=once)
    elif at_once and done.is_new and seen.found:
        shown = duplicates.look_alikes(subject, done.key, done.url, seen)
        await slack.post(channel, shown, once=f"{FILE}/{subject}/look-alikes")


async def remind_of_choices(day: date) -> None:
    """Tells the team once a day which questions of the days before nobody has answered."""
    once = f"{FILE}/{day}/reminder"
    rows = json.loads(remembered.agreed(once, json.dumps(_waiting(day))))
    if rows:
        reminder = duplicates.still_waiting([(title, url, who) for title, url, who in rows])
        await slack.post(handbook().customer_success_channel.id, reminder, once=once)


def _waiting(day: date) -> list[tuple[str, str, str]]:
    since = runs.current().at - duplicates.WAITS_LONGEST
    asked = [
        (row.key.removeprefix(f"{FILE}/").removesuffix("/question"), row.made_url or "")
        for row in ledger.rows(below=f"{FILE}/", states=[ledger.State.DONE])
        if row.key.endswith("/question") and row.intent_at > since and pacific_date(row.intent_at) < day
    ]
    return [
        duplicates.waiting(subject, duplicates.seen(remembered.read(f"{FILE}/{subject}/found") or ""), url)
        for subject, url in asked
        if decisions.on(FILE, subject) is None
    ]


def drafted(press: str) -> dict[str, Any]:
    """Gives the parameters of the run that does what a button in Slack says.

    Raises:
        Refused: the report that the button belongs to is not known, or not as it would be filled in today.
    """
    said = duplicates.press(press)
    kept = remembered.read(f"{FILE}/{said.report}/draft")
    try:
        report = filing.BugReport.model_validate_json(kept or "")
    except ValidationError:
        raise duplicates.not_known(said.report) from None
    return {"report": report.model_dump(), "press": press}


def _team() -> set[str]:
    return {person.slack for role in duplicates.TEAM for person in handbook().holders(role)}


@flow(name=REQUEST)
async def request_missing_details(issue: str, message: str, also_wanted: bool = True, dry_run: bool = False) -> int:
    """Ask a customer for the details that a bug report still lacks.

    Handbook: customer-success#file-a-customer-bug-report
    Owner: Customer Support Engineers
    Writes: Slack

    1. The issue's text and its reporter's comments are compared with the required details, and with those that are
       nice to have.
    2. What is missing is asked for in the thread of the customer's message; the same list once.

    Args:
        issue: Number or address of the bug in the public repository.
        message: Link of the customer's message in Slack.
        also_wanted: Whether to ask for the details that are nice to have, too.
        dry_run: Say what would be done, and do nothing.
    """
    number, (channel, _, ts) = issue_number(issue, handbook().repositories.public), thread_key(message).partition("/")
    found = github.fleet.issue(number)
    if problems := policy.reasons_not_to_ask(found, f"#{number}"):
        raise Refused(*problems)
    assert found
    asked = policy.request(found, also_wanted=also_wanted)
    if not asked.is_empty:
        once = f"{REQUEST}/{found.key}/{channel}/{ts}/{asked.digest}"
        question = policy.question(asked, handbook().chosen("nice_to_have_details_asked_by"))
        await slack.post(channel, question, once=once, thread=ts, to_customers=True)
    await artifacts.report("missing-details", policy.asked_for(asked))
    return len(asked.required) + len(asked.wanted)


@flow(name=REVIEW)
async def review_community_bug_reports(dry_run: bool = False) -> int:
    """Ask reporters from the community for the details that their reports lack.

    Handbook: customer-success#create-customer-support-issue
    Owner: Customer Support Engineers
    Writes: GitHub

    1. All open bugs are read, 100 a call; those count that somebody from outside has reported in the last 14 days.
    2. Where required details are missing, in the reporter's comments too, a comment names them, once an issue.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    reports = _from_the_community()
    asked = [_looked_closer(each) for each in map(policy.request, reports) if not each.is_empty]
    asked = [each for each in asked if not each.is_empty]
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


def _looked_closer(asked: policy.Request) -> policy.Request:
    """Reads what the reporter has commented, where they have and have not been asked yet."""
    issue = asked.issue
    if ledger.is_done(_once(asked)) or not any(each.author == issue.author for each in issue.comments):
        return asked
    return policy.request(github.fleet.issue(issue.number) or issue)


def _once(asked: policy.Request) -> str:
    return f"{REVIEW}/{asked.issue.key}/details"


def _agreed(asked: policy.Request) -> PublicText:
    """Gives the comment as it was worded first: its reporter may have edited the issue since."""
    return known_names.public(remembered.agreed(_once(asked), policy.comment(asked)))
