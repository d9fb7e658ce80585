"""Decides what the sweeper starts again, when, and when it asks a person instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from policies.report import Link, Report, mentions_of

SILENT_FOR = timedelta(seconds=75)  # a run tells every 30 s that it lives; two times missed and some patience
NOT_STARTED_FOR = timedelta(seconds=60)  # claimed by a worker, and nothing more; a cold start takes some seconds
LISTEN_FIRST = timedelta(seconds=45)  # every living run is heard of once in so long
GAP = timedelta(minutes=2)  # between two looks; after a longer one the sweeper has to listen anew
LOOKS_BACK = timedelta(hours=24)  # older runs that crashed are history
MOST_TIMES = 5  # a run, a case or a delivery is started again before a person is asked
FIRST_PAUSE, LONGER = timedelta(seconds=30), 4  # each pause is so many times longer: 30 s, 2, 8, 32 minutes, 2 hours
MOST_ALONE = 10  # messages about one thing each that a sweep posts; the rest shares one
ON_ITS_WAY = timedelta(seconds=30)  # a message is left to its webhook for so long
LOOK_AT_CHANNEL = timedelta(minutes=1)
CHANNELS_A_SWEEP = 10  # Slack lets an app read 50 pages a minute
LOOK_AT_DELIVERIES = timedelta(minutes=5)
GITHUB_KEEPS = timedelta(days=3)
INBOX_ROWS = 200
CANCELLED = "A person cancelled its run."

# Bad input, what a service refused, and what is missing in handbook.toml.
_FOR_GOOD = re.compile(r"(?:.*exception: )?(?:[\w.]+\.)?(?:Refused|EffectRefused|HandbookError): (.+)", re.DOTALL)


# -- runs


def listens_since(since: datetime | None, last: datetime | None, now: datetime) -> datetime:
    """Gives since when signs of life would have been noticed, looking now.

    since: what this gave at the last look. last: when that was.

    A clock that jumped and a computer that slept look the same: runs seem silent that nobody could hear.
    """
    if since is None or last is None or not timedelta(0) <= now - last <= GAP:
        return now
    return since


def has_listened(since: datetime, now: datetime) -> bool:
    """Says whether the sweeper has listened long enough to call a run silent."""
    return now - since >= LISTEN_FIRST


def is_silent(started: datetime, last_sign: datetime | None, now: datetime) -> bool:
    """Says whether a run that should be at work has given no sign of life for too long."""
    return now - max(started, last_sign or started) > SILENT_FOR


def is_stuck(claimed: datetime, now: datetime) -> bool:
    """Says whether a run has been claimed and not started for too long."""
    return now - claimed > NOT_STARTED_FOR


def start_again_at(ended: datetime, times: int) -> datetime:
    """Gives when a case whose run has failed is started again, or a delivery asked for: after 30 s, 2 minutes, 8 ...

    times: how often that has been done already. Five pauses bridge an outage of almost three hours.
    """
    return ended + FIRST_PAUSE * LONGER**times


def continue_at(crashed: datetime, times: int) -> datetime:
    """Gives when a crashed run goes on: at once, since it was killed and has not failed; then as a case does."""
    return crashed if times == 0 else start_again_at(crashed, times - 1)


def goes_to_a_person(times: int) -> bool:
    """Says whether it has been started again often enough."""
    return times >= MOST_TIMES


def refusal(message: str) -> str:
    """Gives why a run has failed for good, which trying again does not mend; "" when it may help.

    message: what Prefect says of a failed run: the exception, after the name of its type.
    """
    found = _FOR_GOOD.match(message)
    return found[1].strip() if found else ""


# -- what no webhook told of


def channels_to_read(looked: Sequence[tuple[str, datetime | None]], now: datetime) -> list[str]:
    """Gives the channels whose history is read now, those that waited longest first.

    looked: each channel with the last look at it.
    """
    begin = datetime.min.replace(tzinfo=now.tzinfo)
    waiting = [(at or begin, channel) for channel, at in looked if at is None or is_due(at, LOOK_AT_CHANNEL, now)]
    return [channel for _, channel in sorted(waiting)[:CHANNELS_A_SWEEP]]


def is_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Says whether something that is done once in a while is to be done now. A last time in the future is a mistake."""
    return last is None or not timedelta(0) <= now - last < every


def is_on_its_way(written: datetime, now: datetime) -> bool:
    """Says whether the webhook about a message may still come."""
    return now - written < ON_ITS_WAY


def deliveries_since(last: datetime | None, now: datetime) -> datetime:
    """Gives from when on GitHub is asked for failed deliveries: a day back, and further after a longer absence."""
    return max(min(last or now, now - LOOKS_BACK), now - GITHUB_KEEPS)


# -- what a person reads


def given_up(run_name: str, url: str, times: int) -> Report:
    """Words what a person is told of a run that crashes or fails each time."""
    return Report(
        "A run does not come to its end",
        [
            f"It has been started {times} times, and did not come to its end. Nothing has been done twice. Look at its "
            "log, and start it again."
        ],
        ("Run",),
        [(Link(run_name, url),)],
    )


def parked(service: str, action: str, target: str, reason: str, key: str, url: str) -> Report:
    """Words what a person is told of an effect that waits for a decision."""
    return Report(
        "Something waits for a person",
        [
            f"{service}: {action} {target}. {reason}",
            "`make ledger` shows how to settle it: look whether it has happened, then say so.",
        ],
        ("Key", "Where"),
        [(key, Link("open", url) if url else "")],
    )


def case_given_up(procedure: str, subject: str, reason: str, times: int, url: str) -> Report:
    """Words what a person is told of a case that can't be settled."""
    return Report(
        "A procedure can't be finished",
        [f"{procedure} for {subject} was started {times + 1} times. The last reason: {reason or 'none was given'}"],
        ("Run",),
        [(Link("The last run in Prefect", url),)],
    )


def refused(procedure: str, reason: str, url: str, user: str) -> Report:
    """Words what a person is told of a case that was refused. url: its run's, or "". user: who started it, or ""."""
    return Report(
        f"Not done: {procedure}",
        [reason, "Correct it and start it again; what was filled in stands in the run's own form in Prefect."],
        ("Run",),
        [(Link("The run in Prefect", url),)] if url else [],
        mentions=mentions_of(user),
    )


def delivery_given_up(repository: str, guid: str, status: int, url: str) -> Report:
    """Words what a person is told of a delivery of GitHub that we refuse each time."""
    return Report(
        "A delivery of GitHub does not arrive",
        [
            f"{repository} has sent it {MOST_TIMES + 1} times; the last answer was {status or 'none'}. After 401 "
            "compare the webhook's secret with .env, after 5xx look whether the gateway is up. Then press Redeliver."
        ],
        ("Delivery", "Where"),
        [(guid, Link("the webhooks' settings", url))],
    )


def more_wait(number: int) -> Report:
    """Words what is said of many things at once, instead of a message each."""
    return Report(
        f"{number} more wait for a person" if number > 1 else "One more waits for a person",
        ['`make ledger` lists effects, `make inbox ARGS="--open"` cases, Prefect the runs that failed.'],
    )


def inbox(counts: Sequence[tuple[str, str, str, str | None, int]], since: datetime) -> Report:
    """Shows what came in and what became of it, with the reasons."""
    rows = [(str(number), source, what, state, reason or "") for source, what, state, reason, number in counts]
    total = sum(number for *_, number in counts)
    said = [f"{total} deliveries since {since:%Y-%m-%d %H:%M} UTC. Most need nothing done; the last column says why."]
    if (more := len(rows) - INBOX_ROWS) > 0:
        said.append(f"{more} rows with fewer deliveries are left out.")
    return Report("What came in", said, ("Number", "From", "What", "State", "Reason"), rows[:INBOX_ROWS])


def is_superseded(parameters: object, of_newer: Collection[object]) -> bool:
    """Says whether a newer run of the same sweep, with the same parameters, has taken over from one that was lost."""
    return parameters in of_newer
