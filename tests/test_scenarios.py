"""From each scenario, without more code a flow: the dry run, the second run, and the fault sweep.

The sweep fails call 1, 2, 3 ... of a run in up to fifteen ways until a run needs no fault, and judges by the sandbox's
own log: no effect twice, none lost in silence, no name in public.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FULL, Sandbox, create_tables, environment
from tests.scenario import Scenario, all_scenarios
from tests.starts import Ended, Start

SCENARIOS = [scenario for scenario in all_scenarios() if not scenario.needs_prefect]
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
RECORDED = SCENARIOS if FULL else SCENARIOS[::3]  # to the ledger such a kill is like one right after the call
RERUNS = 3

BEFORE = ["crash_before", "timeout_before", "reset_before", "500_before", "429", "403_retry_after", "401", "vanished"]
AFTER = ["crash_after", "timeout_after", "reset_after", "500_after", "malformed", "ok_false", "exists_already"]
KILL = "crash_after"
IN_DOUBT = ["timeout_after", "reset_after", "malformed"]


def start(
    scenario: Scenario, sandbox: Sandbox, database_url: str, *, dry_run: bool = False, crash_at: int = 0
) -> Start:
    variables = environment(sandbox.url, database_url, scenario.now)
    return Start(scenario.flow, {**scenario.parameters, "dry_run": dry_run}, variables, crash_at)


def ours(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [effect for effect in sandbox.effects() if effect["actor"] != "somebody else"]


def leaks(scenario: Scenario, sandbox: Sandbox) -> list[str]:
    """Gives the public places that hold a real name, by what the sandbox got and what it has."""
    written = [json.dumps(effect) for effect in sandbox.effects() if effect["public"]]
    return [f"{name} in {text[:200]}" for name in scenario.names for text in written if name.lower() in text.lower()]


@each_scenario
def test_a_run_has_the_expected_effects_and_a_second_run_has_none(
    scenario: Scenario, sandbox: Sandbox, sqlite_url: str
) -> None:
    sandbox.reset(scenario.seed)
    first = start(scenario, sandbox, sqlite_url).go().end()
    assert first.how == "completed", first.said
    assert scenario.unmet(ours(sandbox)) == []
    before = len(sandbox.effects())
    second = start(scenario, sandbox, sqlite_url).go().end()
    assert second.how == "completed", second.said
    assert len(sandbox.effects()) == before, "The second run had effects of its own."
    assert leaks(scenario, sandbox) == []


@each_scenario
def test_a_dry_run_has_no_effect(scenario: Scenario, sandbox: Sandbox, sqlite_url: str) -> None:
    sandbox.reset(scenario.seed)
    ended = start(scenario, sandbox, sqlite_url, dry_run=True).go().end()
    assert ended.how == "completed", ended.said
    assert sandbox.effects() == []


@each_scenario
def test_two_runs_at_once_have_the_effects_of_one(scenario: Scenario, sandbox: Sandbox, sqlite_url: str) -> None:
    sandbox.reset(scenario.seed)
    sandbox.latency(**{"*": [0.01, 0.05]})
    starts = [start(scenario, sandbox, sqlite_url) for _ in range(2)]
    for each in starts:
        each.go()
    ended = [each.end() for each in starts]
    assert "completed" in {each.how for each in ended}, ended
    assert scenario.unmet(ours(sandbox)) == []


def faults_of(number: int) -> list[str]:
    """Gives the faults that a scenario gets: the kill always, of the lost answers and of the others one in turn.

    `FULL_SWEEP=1 make test` gives each scenario all of them, at each of its calls; it takes five times as long.
    """
    if FULL:
        return BEFORE + AFTER
    others = [kind for kind in BEFORE + AFTER if kind not in [KILL, *IN_DOUBT]]
    return [KILL, IN_DOUBT[number % 3], others[number % len(others)]]


def strikes(kind: str) -> range:
    """Gives which calls of a run are failed: each that writes; of all, when reads are failed too, every fifth."""
    return range(0, 200, 5 if kind in BEFORE and not FULL else 1)


SWEEP = [
    pytest.param(scenario, kind, id=f"{kind}-{scenario.name}")
    for number, scenario in enumerate(SCENARIOS)
    for kind in faults_of(number)
]


@pytest.mark.parametrize(("scenario", "kind"), SWEEP)
def test_a_fault_at_any_call_neither_doubles_nor_loses_an_effect(
    scenario: Scenario, kind: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    struck = [judge(scenario, sandbox, ended) for ended in faulted_runs(scenario, kind, sandbox, tmp_path)]
    assert struck or kind in {"ok_false", "exists_already"}, "The fault never struck: the sweep proved nothing."


@pytest.mark.parametrize("scenario", RECORDED, ids=[scenario.name for scenario in RECORDED])
def test_a_kill_between_an_answer_and_its_record_doubles_nothing(
    scenario: Scenario, sandbox: Sandbox, tmp_path: Path
) -> None:
    for nth in range(1, scenario.usual + 1):
        sandbox.reset(scenario.seed)
        url = fresh_ledger(tmp_path, f"record-{nth}")
        assert start(scenario, sandbox, url, crash_at=nth).go().end().how == "killed"
        judge(scenario, sandbox, until_settled(scenario, sandbox, url))


def faulted_runs(scenario: Scenario, kind: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Ended]:
    """Runs the scenario again and again, with the fault some calls later each time, until no call is left to fail."""
    for nth in strikes(kind):
        sandbox.reset(scenario.seed)
        url = fresh_ledger(tmp_path, f"{kind}-{nth}")
        first = start(scenario, sandbox, url)
        methods = "" if kind in BEFORE else "POST|PATCH|PUT|DELETE"
        sandbox.fault(kind=kind, skip=nth, pid=first.pid, seconds=1, method=methods, service=SERVICES.get(kind, ""))
        first.go().end()
        struck = sandbox.faults_struck()
        sandbox.no_more_faults()
        ended = until_settled(scenario, sandbox, url)
        if not struck:
            return
        yield ended
    raise AssertionError("200 calls and no end: the flow calls the services too often, or never the same way.")


SERVICES = {"ok_false": "slack"}


def until_settled(scenario: Scenario, sandbox: Sandbox, url: str) -> Ended:
    """Starts again as an operator would, three times at the most."""
    ended = Ended("not started")
    for _ in range(RERUNS):
        ended = start(scenario, sandbox, url).go().end()
        if ended.how == "completed":
            break
    return ended


def judge(scenario: Scenario, sandbox: Sandbox, ended: Ended) -> Ended:
    assert ended.how == "completed", f"Not settled within {RERUNS} starts: {ended.said}"
    assert leaks(scenario, sandbox) == []
    done = others(sandbox)
    wrong = [problem for problem in scenario.unmet(ours(sandbox)) if not _done_by_others(problem, scenario, done)]
    assert wrong == []
    return ended


def others(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [effect for effect in sandbox.effects() if effect["actor"] == "somebody else"]


def _done_by_others(problem: str, scenario: Scenario, effects: list[dict[str, Any]]) -> bool:
    """An effect that somebody else had a moment before is not missing."""
    return problem.startswith("0 times") and any(
        str(expected) in problem and any(expected.matches(effect) for effect in effects)
        for expected in scenario.expected
    )


def fresh_ledger(folder: Path, name: str) -> str:
    """Gives an empty ledger, copied: making its tables anew takes twenty times as long."""
    empty = folder / "empty.sqlite"
    if not empty.exists():
        create_tables(f"sqlite:///{empty}")
    shutil.copy(empty, folder / f"{name}.sqlite")
    return f"sqlite:///{folder / name}.sqlite"
