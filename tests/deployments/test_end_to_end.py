"""The real path: started as a newcomer does, runs made through Prefect's API, done by the worker, seen in services."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from policies.business_time import PACIFIC
from tests.conftest import FULL, until, within
from tests.deployments.installation import Installation
from tests.scenario import Scenario, all_scenarios
from tests.scenarios import assign_customer_codename as assigning
from tests.scenarios import create_expansion_opportunity as expanding

pytestmark = pytest.mark.whole
SCENARIOS = all_scenarios()
# Without Prefect each of them has its runs and its dry run in any case.
RUN, DRY = (SCENARIOS, SCENARIOS) if FULL else (SCENARIOS[::3], SCENARIOS[1::10])
ASSIGN = assigning.SCENARIO.deployment


def test_the_demo_says_in_plain_words_what_was_done_with_links(installation: Installation) -> None:
    said = installation.said()
    assert "GitHub: create label customer-" in said
    assert "Salesforce: set field" in said
    assert f"http://127.0.0.1:{installation.port}/runs/flow-run/" in said
    assert f"{installation.sandbox.url}/" in said


@pytest.mark.parametrize("scenario", RUN, ids=[scenario.name for scenario in RUN])
def test_a_run_started_from_prefect_has_the_expected_effects(scenario: Scenario, fresh: Installation) -> None:
    fresh.play(scenario)
    run = fresh.run(scenario.deployment, scenario.parameters)
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    assert scenario.unmet(fresh.sandbox.effects()) == []
    assert "http://" in fresh.artifacts(run["id"]), "The result has no link to what was made."
    stored = fresh.everything_stored()
    found = [name for name in scenario.names if name.encode() in stored]
    assert found == [], f"Prefect's or the ledger's files hold {found}."


@pytest.mark.parametrize("scenario", DRY, ids=[scenario.name for scenario in DRY])
def test_a_dry_run_started_from_prefect_lists_each_effect_and_has_none(scenario: Scenario, fresh: Installation) -> None:
    fresh.play(scenario)
    run = fresh.run(scenario.deployment, {**scenario.parameters, "dry_run": True})
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    assert fresh.sandbox.effects() == []
    assert fresh.artifacts(run["id"]).count("would be done") == scenario.usual + scenario.elsewhere


def test_what_a_schedule_says_stands_in_prefect_as_the_next_runs(fresh: Installation) -> None:
    path = fresh.api.get("/deployments/name/review-support-requests/review-support-requests").json()["id"]
    fresh.api.post(f"/deployments/{path}/resume_deployment").raise_for_status()
    wanted = {"deployments": {"id": {"any_": [path]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    try:
        give_up = time.monotonic() + 60
        while not (runs := fresh.api.post("/flow_runs/filter", json=wanted).json()):
            assert time.monotonic() < give_up, "Prefect has planned no run."
            time.sleep(0.2)
    finally:
        fresh.api.post(f"/deployments/{path}/pause_deployment").raise_for_status()
    starts = [datetime.fromisoformat(run["expected_start_time"]).astimezone(PACIFIC) for run in runs]
    assert all(6 <= start.hour < 16 and start.minute == 15 for start in starts)
    assert all(start.weekday() < 5 for start in starts)


def test_two_runs_for_one_account_at_once_give_one_codename(fresh: Installation) -> None:
    fresh.play(assigning.SCENARIO)
    fresh.sandbox.latency(**{"*": [0.02, 0.1]})
    runs = [fresh.begin(ASSIGN, assigning.SCENARIO.parameters) for _ in range(2)]
    assert {fresh.end(run)["state_type"] for run in runs} == {"COMPLETED"}
    assert assigning.SCENARIO.unmet(fresh.sandbox.effects()) == []


def test_two_accounts_at_once_get_two_different_planets(fresh: Installation) -> None:
    fresh.play(assigning.SCENARIO, assigning.ANOTHER_ACCOUNT)
    accounts = [assigning.ACCOUNT, assigning.OTHER]
    runs = [fresh.begin(ASSIGN, {"account": account}) for account in accounts]
    assert {fresh.end(run)["state_type"] for run in runs} == {"COMPLETED"}
    labels = [effect["detail"]["name"] for effect in fresh.sandbox.effects() if effect["action"] == "create label"]
    assert len(labels) == 4
    assert len(set(labels)) == 2


@pytest.mark.parametrize("after", ["confidential", "public"], ids=lambda which: f"after the {which} label")
def test_a_worker_killed_in_the_middle_and_started_again_makes_no_second_label(fresh: Installation, after: str) -> None:
    fresh.play(assigning.SCENARIO)
    fresh.sandbox.latency(**{"*": [0.15, 0.2]})
    fresh.begin(ASSIGN, assigning.SCENARIO.parameters)
    until(lambda: len(fresh.sandbox.effects()) >= (1 if after == "confidential" else 2))
    fresh.kill("deployments.worker")
    fresh.sandbox.latency()
    run = fresh.run(ASSIGN, assigning.SCENARIO.parameters)
    assert run["state_type"] == "COMPLETED", fresh.logs(run["id"])
    assert assigning.SCENARIO.unmet(fresh.sandbox.effects()) == []


BAD_INPUT = [
    *((assigning.SCENARIO, parameters, said) for parameters, said in assigning.BAD_INPUT),
    *((expanding.SCENARIO, parameters, said) for parameters, said in expanding.BAD_INPUT),
]


SOME_BAD_INPUT = BAD_INPUT if FULL else BAD_INPUT[::3]


@pytest.mark.parametrize(
    ("scenario", "parameters", "said"), SOME_BAD_INPUT, ids=[said for _, _, said in SOME_BAD_INPUT]
)
def test_bad_input_gets_a_sentence_before_any_effect(
    scenario: Scenario, parameters: dict[str, Any], said: str, fresh: Installation
) -> None:
    fresh.play(scenario, assigning.BAD_SEED)
    run = fresh.run(scenario.deployment, parameters)
    assert run["state_type"] == "FAILED"
    assert said in run["state"]["message"]
    assert fresh.sandbox.effects() == []


def test_an_unknown_stage_is_refused_by_the_form_with_the_stages_there_are(fresh: Installation) -> None:
    deployment = fresh.api.get(f"/deployments/name/{expanding.SCENARIO.deployment}").json()["id"]
    body = {"parameters": expanding.changed(stage="Negotiating")}
    answer = fresh.api.post(f"/deployments/{deployment}/create_flow_run", json=body)
    assert answer.status_code == 409
    assert "'Negotiating' is not one of" in answer.text
    assert "Discovery" in answer.text


def test_a_customers_name_typed_as_account_is_refused_before_prefect_stores_it(fresh: Installation) -> None:
    deployment = fresh.api.get(f"/deployments/name/{ASSIGN}").json()["id"]
    answer = fresh.api.post(
        f"/deployments/{deployment}/create_flow_run", json={"parameters": {"account": "Quillfeather"}}
    )
    assert answer.status_code == 409
    assert b"Quillfeather" not in fresh.everything_stored()


@pytest.mark.skipif(not FULL, reason="FULL_SWEEP=1 starts everything twice more.")
def test_ctrl_c_leaves_no_process_behind_and_a_later_start_takes_less_than_30_seconds(tmp_path: Path) -> None:
    first = Installation(tmp_path)
    first.wait_until_up()
    family = first.family()
    assert len(family) >= 4, "The server, the sandbox and the worker should be there."
    assert first.stop(signal.SIGINT) == 0
    gone, left = psutil.wait_procs(family, timeout=within(3))
    assert left == [], f"{[process.cmdline() for process in left]} are left of {len(gone) + len(left)}"
    took: list[float] = []
    limit = within(30)
    while not took or (min(took) >= limit and len(took) < 3):  # another start when the machine had other things to do
        later = Installation(tmp_path)
        try:
            took.append(later.wait_until_up())
        finally:
            later.stop()
    assert min(took) < limit, took
