"""The sweeper's look at what no webhook told of: messages in customers' channels, deliveries that GitHub lost."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from prefect.client.orchestration import PrefectClient

from deployments import inbox, procedures, telling
from deployments.deliveries import Delivery
from policies import sweeping as policy
from policies.events import SlackMessage, slack_ts
from policies.report import Report
from tasks import cases, clock, customer_channels, github, ledger, remembered, slack_history
from tasks.github_deliveries import FailedDelivery

OVERLAP = timedelta(minutes=2)  # a channel's history is read again so far back
DELIVERIES_A_SWEEP = 10  # there is a second between two writes to GitHub


# -- Slack


async def fill_slack_gaps(_: PrefectClient) -> None:
    """Reads what was written in customers' channels since the last look, and takes in what the inbox lacks.

    A channel's first look only notes that it begins.
    """
    now = clock.now()
    looks = [(channel, _moment(remembered.read(_look_at(channel)))) for channel in await customer_channels.listed()]
    last = dict(looks)
    for channel in policy.channels_to_read(looks, now):
        with telling.logged(f"The history of {channel} is not read"):
            since = last[channel]
            for said in await slack_history.history(channel, slack_ts(since - OVERLAP)) if since else []:
                _take_in(said.message, now)
            remembered.keep(_look_at(channel), now.isoformat())


def _take_in(message: SlackMessage, now: datetime) -> None:
    verdict = procedures.verdict(message)
    is_known = any(cases.of(each.procedure, [each.subject]) for each in verdict.openings)
    if verdict.openings and not is_known and not policy.is_on_its_way(message.at, now):
        inbox.receive(Delivery("slack-history", message.key, message, "message"), verdict)


def _look_at(channel: str) -> str:
    return f"slack history {channel}"


def _moment(kept: str | None) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None


# -- GitHub


async def ask_github_again(_: PrefectClient) -> None:
    """Has GitHub send again what did not arrive; it never does so by itself."""
    for repository in (github.fleet, github.confidential):
        if remembered.is_time(f"look at {repository.full_name}", policy.LOOK_AT_DELIVERIES):
            with telling.logged(f"The deliveries of {repository.full_name} are not looked through"):
                await telling.tell(await asyncio.to_thread(ask_again, repository))


def ask_again(repository: github.Repository) -> dict[str, Report]:
    """Asks for what failed, with growing pauses. Gives what a person is to be told: what fails each time."""
    name, now = f"deliveries of {repository.full_name}", clock.now()  # GitHub's time; the ledger's is the wall's
    since = policy.deliveries_since(_moment(remembered.read(name)), now)
    told: dict[str, Report] = {}
    due: list[FailedDelivery] = []
    for failed in repository.failed_deliveries(since):
        asked = ledger.rows(below=f"sweeper/delivery/{failed.guid}/")
        if policy.goes_to_a_person(len(asked)):
            url = f"https://github.com/{repository.full_name}/settings/hooks/{failed.hook}"
            shown = policy.delivery_given_up(repository.full_name, failed.guid, failed.status, url)
            told[f"delivery/{failed.guid}"] = shown
        elif not asked or policy.start_again_at(asked[-1].updated_at, len(asked) - 1) <= clock.wall():
            due.append(failed)
    for failed in due[:DELIVERIES_A_SWEEP]:
        with telling.logged(f"Delivery {failed.guid} is not asked for"):
            repository.ask_for_delivery_again(failed)
    if len(due) <= DELIVERIES_A_SWEEP:
        remembered.keep(name, now.isoformat())
    return told
