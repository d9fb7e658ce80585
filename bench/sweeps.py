"""Measures sweeps over the public tracker: `python -m bench.sweeps [--quick]`. Adds to bench/results.json.

The review of escalated bugs at 100, 1,000 and 10,000 open issues, of which every 40th is under investigation; then the
same review once more, which must change nothing; then reading every open issue. Beside it, in the same run, what a
script does that asks for each issue by itself. Each runs in a process of its own; memory is what that process has at
most, beyond what it had when everything was imported.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import requests
from github import Auth, Github
from github.Issue import Issue

from bench import results
from bench.webhooks.stage import Stage

STAND_UP = "2026-11-24T16:30:00+00:00"
ADDED = "2026-11-23T20:00:00+00:00"
MATCHING = 40  # every so manieth issue is under investigation
NAIVE_AT_MOST = 1_000  # open issues that the naive script reads one by one; it takes minutes for more
FIRST = 50_000
FORKS = multiprocessing.get_context("spawn")


def issues(number: int) -> list[dict[str, Any]]:
    """Gives open issues, each with two comments."""
    return [_issue(FIRST + at, investigated=at % MATCHING == 0) for at in range(number)]


def _issue(number: int, *, investigated: bool) -> dict[str, Any]:
    labels = ["bug", "~investigate", ":help-customers"] if investigated else ["story"]
    return {
        "repository": "fleetdm/fleet",
        "number": number,
        "title": f"Hosts of platform {number} go offline",
        "body": "What happens after an update. " * 20,
        "user": "octocat",
        "labels": labels,
        "created_at": ADDED,
        "label_events": [{"label": each, "event": "labeled", "at": ADDED, "actor": "ksatter"} for each in labels],
        "comments": [{"user": "octocat", "body": "Any news?", "created_at": ADDED} for _ in range(2)],
    }


class Sandbox:
    """The sandbox's control API."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/_sandbox"

    def hold(self, number: int) -> None:
        """Makes the tracker hold so many open issues."""
        requests.post(f"{self.url}/reset", json={"seed": "empty"}, timeout=60).raise_for_status()
        requests.put(f"{self.url}/clock", json={"now": STAND_UP}, timeout=60).raise_for_status()
        held = issues(number)
        for at in range(0, number, 1_000):
            seed = {"github": {"issues": held[at : at + 1_000]}}
            requests.post(f"{self.url}/seed", json=seed, timeout=600).raise_for_status()

    def github(self) -> tuple[int, int]:
        """Gives how many calls GitHub's stand-in got so far, and how many of them changed something."""
        calls = requests.get(f"{self.url}/calls", timeout=60).json()
        ours = [each for each in calls if each["service"] == "github"]
        return len(ours), sum(each["effects"] > 0 for each in ours)


# -- what runs in a process of its own


def review() -> None:
    """Reviews the bugs under investigation."""
    from flows.support import bug_escalation
    from tasks import runs

    run = runs.Run(f"bench {time.time()}", bug_escalation.REVIEW, "bench", datetime.fromisoformat(STAND_UP))
    with runs.acting(run):
        asyncio.run(bug_escalation.review_escalated_bugs.fn())


def read_everything() -> None:
    """Reads every open issue with its labels' times and comments."""
    from tasks import github

    for _ in github.fleet.open_issues(None):
        pass


def naive() -> None:
    """Does what a script does: asks for each issue by itself."""
    for issue in _listed():
        if any(label.name == "~investigate" for label in issue.labels):
            list(issue.get_timeline())
            list(issue.get_comments())
            issue.create_comment("Acknowledged.")
            issue.create_comment("It is not known whether it can be reproduced.")
            issue.add_to_labels(":incoming", ":reproduce")
            issue.remove_from_labels("~investigate")


def naive_reading() -> None:
    """Reads every open issue with its timeline and comments, one by one."""
    for issue in _listed():
        list(issue.get_timeline())
        list(issue.get_comments())


def _listed() -> Iterable[Issue]:
    """Gives the open issues as a script lists them."""
    from settings import settings

    client = Github(
        auth=Auth.Token(settings().github_public_token.get_secret_value()),
        base_url=f"{settings().sandbox_url}/github",
        per_page=100,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    return client.get_repo("fleetdm/fleet").get_issues(state="open")


def _child(work: Callable[[], None], environment: Mapping[str, str], said: Any) -> None:
    os.environ.update(environment)
    from flows.support import bug_escalation
    from tasks import known_names

    assert bug_escalation, known_names  # what has been imported is not measured
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    work()
    took, most = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    said.send({"seconds": round(took, 2), "memory_mb": round(max(0, most - before) / 2**20, 1)})


def measured(work: Callable[[], None], stage: Stage, sandbox: Sandbox) -> dict[str, Any]:
    """Gives calls, changing calls, seconds and memory of something that is done in a process of its own."""
    calls, writes = sandbox.github()
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=_child, args=(work, stage.environment, theirs))
    process.start()
    theirs.close()
    told = ours.recv()
    process.join()
    calls_then, writes_then = sandbox.github()
    return {"calls": calls_then - calls, "of them writes": writes_then - writes} | told


@contextmanager
def staged() -> Generator[tuple[Stage, Sandbox]]:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), on_sandbox=True)
        try:
            stage.migrate()
            stage.start_sandbox()
            yield stage, Sandbox(f"http://127.0.0.1:{stage.sandbox}")
        finally:
            stage.end()


def at(number: int) -> dict[str, Any]:
    """Measures with so many open issues."""
    with staged() as (stage, sandbox):
        sandbox.hold(number)
        found = {
            "review": measured(review, stage, sandbox),
            "review again": measured(review, stage, sandbox),
            "reading everything": measured(read_everything, stage, sandbox),
        }
        if number <= NAIVE_AT_MOST:
            sandbox.hold(number)
            found["review, a script"] = measured(naive, stage, sandbox)
            found["reading everything, a script"] = measured(naive_reading, stage, sandbox)
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 1,000 issues")
    sizes = (100, 1_000) if parser.parse_args().quick else (100, 1_000, 10_000)
    found: dict[str, Any] = {}
    for number in sizes:
        part = {f"{number:,} open issues": at(number)}
        results.show(part)
        found |= part
    results.keep("sweeps", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
