"""Bug reports: asking for the details that are still missing.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

from prefect import flow

from policies.confidentiality import PublicText
from policies.customer import CODENAME_LABEL, Refused
from policies.issue import AddComment, Issue, issue_number
from policies.support import bug_reports as policy
from policies.support.out_of_hours import message_key
from settings import handbook
from tasks import artifacts, cases, github, known_names, ledger, remembered, runs, slack
from tasks.effects import EffectError

REQUEST, REVIEW = "request-missing-details", "review-community-bug-reports"


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
    problems = [str(each) for each in outcomes if isinstance(each, EffectError)]
    await artifacts.report("community-bug-reports", policy.reviewed(len(reports), asked, problems))
    if problems:
        raise cases.Unsettled("\n".join(problems))
    return len(asked)


def _from_the_community() -> list[Issue]:
    names, members, now = handbook(), github.organisation_members(), runs.current().at
    return [
        issue
        for issue in github.fleet.open_issues([names.labels.bug])
        if policy.is_from_the_community(issue, members, names.bots.github, _has_codename(issue), now)
    ]


def _once(asked: policy.Request) -> str:
    return f"{REVIEW}/{asked.issue.key}/details"


def _agreed(asked: policy.Request) -> PublicText:
    """Gives the comment as it was worded first: its reporter may have edited the issue since."""
    text = policy.comment(asked)
    return known_names.public(text if runs.current().dry_run else remembered.first(_once(asked), text))


def _has_codename(issue: Issue) -> bool:
    return any(CODENAME_LABEL.match(label) for label in issue.labels)
