"""Requests to customer success: announced when they come, answered within a business day.

Handbook: customer-success#contact-us
"""

from __future__ import annotations

from prefect import flow

from policies.business_time import holiday_name, pacific_date
from policies.issue import Issue, reference
from policies.support import support_requests as policy
from settings import handbook
from tasks import artifacts, cases, github, runs, slack

TRIAGE, REVIEW = "triage-support-request", "review-support-requests"


@flow(name=TRIAGE)
async def triage_support_request(issues: list[str], dry_run: bool = False) -> int:
    """Announce requests to customer success.

    Handbook: customer-success#contact-us
    Owner: Customer Support Engineers
    Writes: Slack

    1. A new issue with the team's label in the confidential repository is a request.
    2. It is announced in the customer success channel, with its link and the time by which an answer is due.
    3. When it says that it is urgent, the team is mentioned.
    4. What a team member has answered already is not announced.

    Args:
        issues: Addresses of issues in the confidential repository.
        dry_run: Say what would be done, and do nothing.
    """
    found = await cases.each([_key(each) for each in issues], _announce_by_key)
    await artifacts.report("support-requests", policy.triaged(found, handbook().calendar))
    return len(found)


@flow(name=REVIEW)
async def review_support_requests(dry_run: bool = False) -> int:
    """Remind of requests that nobody has answered.

    Handbook: customer-success#contact-us
    Owner: Manager of Customer Support and Solutions Architecture
    Writes: Slack

    1. All open requests are read, 100 a call; those that no webhook told of are announced.
    2. An answer is a comment by a team member; bots and the one who asks don't count.
    3. When the business day is nearly over, or past, the owner is reminded, once each.
    4. One that can't be told of holds up no other.

    Args:
        dry_run: Say what would be done, and do nothing.
    """
    now, names = runs.current().at, handbook()
    day = pacific_date(now)
    if not names.calendar.is_business_day(day):
        await artifacts.report("support-requests-review", policy.closed_today(f"{day:%A, %B %d}", holiday_name(day)))
        return 0
    label = names.chosen("request_label")
    found = list(github.confidential.open_issues([label]))
    requests = [policy.standing(each, _team(), names.bots.github, now, names.calendar) for each in found]
    failed: dict[str, Exception] = {}
    for request in requests:
        try:
            await _tell_of(request)
        except Exception as error:  # the others go on; it is raised below
            failed[request.issue.key] = error
    await artifacts.report("support-requests-review", policy.reviewed(requests))
    cases.assert_settled(failed)
    return len(requests)


def _key(given: str) -> str:
    return reference(given, handbook().repositories.confidential).key


async def _announce_by_key(subject: str) -> Issue:
    issue = github.confidential.issue(reference(subject, handbook().repositories.confidential).number)
    if issue is None:
        raise cases.NothingToDo("The issue is gone.")
    if not issue.is_open:
        raise cases.NothingToDo("The issue is closed.")
    if policy.answer(issue, _team(), handbook().bots.github):
        raise cases.NothingToDo("A team member has answered it already.")
    await _announce(issue)
    return issue


async def _announce(issue: Issue) -> None:
    shown = policy.announcement(issue, runs.current().at, handbook().calendar, _mentioned())
    await slack.tell_once(_channel(), shown, occasion=f"{TRIAGE}/{issue.key}")


async def _tell_of(request: policy.Request) -> None:
    if request.state != "answered":
        await _announce(request.issue)
    if request.state in {"due soon", "overdue"}:
        people = {handle: person.slack for handle, person in handbook().people.items()}
        shown = policy.reminder(request, people, _mentioned())
        occasion = f"{REVIEW}/{request.issue.key}/{request.state.replace(' ', '-')}"
        await slack.tell_once(_channel(), shown, occasion=occasion)


def _channel() -> str:
    return handbook().customer_success_channel.id


def _team() -> frozenset[str]:
    roles = handbook().roles
    return frozenset(handle.lower() for role in policy.TEAM for handle in roles[role])


def _mentioned() -> dict[str, str]:
    """Gives the Slack ids of the support engineers and their manager, by handle."""
    roles = ("customer_support_engineer", "manager_of_support_and_solutions")
    return {person.handle: person.slack for role in roles for person in handbook().holders(role)}
