"""HANDBOOK.md and docs/handbook.json: made from what is there, and stale when it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments import handbook_page
from settings import ROOT

FLOW = '''
@flow(name="ring-bell")
async def ring_bell(dry_run: bool = False) -> None:
    """Ring the bell.

    Handbook: customer-success#ring-the-bell
    Owner: Bell ringers
    Writes: Bells, Slack

    1. The bell is rung.
    """
'''
ROWS = """
[[row]]
number = "1"
procedure = "Ring the bell"
editions = [2025]
chapter = "Support"
flows = ["ring_bell"]

[[row]]
number = "34b"
procedure = "Polish the bell"
editions = [2024, 2025]
chapter = "Support"
flows = ["polish_bell", "ring_bell"]
"""
PREFECT = """
deployments:
  - name: ring-bell
    entrypoint: flows.support.bells.ring_bell
    tags: [webhook]
    schedules:
      - {slug: daily, cron: "0 6 * * *", timezone: America/Los_Angeles}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("policies", "flows/support", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "policies/handbook_rows.toml").write_text(ROWS)
    (tmp_path / "flows/support/bells.py").write_text(FLOW)
    (tmp_path / "prefect.yaml").write_text(PREFECT)
    return tmp_path


def test_a_row_whose_flows_are_all_deployed_is_done_with_everything_about_it(project: Path) -> None:
    done, _ = json.loads(handbook_page.twin(handbook_page.read(project)))
    assert done == {
        "row": 1,
        "procedure": "Ring the bell",
        "flow": "ring_bell",
        "deployment": "ring-bell",
        "starts": ["form", "schedule (0 6 * * * America/Los_Angeles)", "webhook"],
        "writes": ["Bells", "Slack"],
        "status": "done",
    }


def test_a_row_with_a_flow_that_is_missing_is_not_yet_done(project: Path) -> None:
    _, missing = json.loads(handbook_page.twin(handbook_page.read(project)))
    assert (missing["row"], missing["status"], missing["flow"]) == ("34b", "not yet", None)


def test_a_flow_without_a_deployment_does_nothing(project: Path) -> None:
    (project / "prefect.yaml").write_text("deployments: []\n")
    assert [each["status"] for each in json.loads(handbook_page.twin(handbook_page.read(project)))] == ["not yet"] * 2


@pytest.mark.parametrize("entrypoint", ["flows.support.bells.ring", "flows.team.bells.ring_bell"], ids=["name", "file"])
def test_a_deployment_that_starts_something_else_does_nothing_for_a_flow(project: Path, entrypoint: str) -> None:
    (project / "prefect.yaml").write_text(PREFECT.replace("flows.support.bells.ring_bell", entrypoint))
    assert [each["status"] for each in json.loads(handbook_page.twin(handbook_page.read(project)))] == ["not yet"] * 2


def test_a_row_of_several_flows_names_them_all_and_each_service_once(project: Path) -> None:
    polish = FLOW.replace("ring_bell", "polish_bell").replace("ring-bell", "polish-bell").replace("Slack", "Brass")
    with (project / "flows/support/bells.py").open("a") as module:
        module.write(polish)
    with (project / "prefect.yaml").open("a") as deployments:
        deployments.write("  - {name: polish-bell, entrypoint: flows.support.bells.polish_bell}\n")
    _, both = json.loads(handbook_page.twin(handbook_page.read(project)))
    assert (both["flow"], both["deployment"]) == ("polish_bell, ring_bell", "polish-bell, ring-bell")
    assert both["writes"] == ["Bells", "Brass", "Slack"]
    assert both["starts"] == ["form", "schedule (0 6 * * * America/Los_Angeles)", "webhook"]


def test_the_page_links_flow_policy_and_handbook_section(project: Path) -> None:
    page = handbook_page.page(handbook_page.read(project))
    assert "[ring_bell](flows/support/bells.py), [policy](policies/support/bells.py)" in page
    assert "(https://fleetdm.com/handbook/customer-success#ring-the-bell)" in page
    assert "1 of 2 rows are done" in page
    assert "schedule (`0 6 * * * America/Los_Angeles`), webhook | Bell ringers | Bells, Slack |" in page
    assert "| 34b | Polish the bell | not yet |" in page


def test_the_command_writes_both_files_and_its_check_fails_with_a_sentence_until_then(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handbook_page.main(["--check"], project) == 1
    assert "HANDBOOK.md is stale. Run `make handbook` and commit it." in capsys.readouterr().out
    assert handbook_page.main([], project) == 0
    assert "1 of 2 rows are done" in capsys.readouterr().out
    assert handbook_page.main(["--check"], project) == 0
    assert json.loads((project / "docs/handbook.json").read_text())[0]["status"] == "done"


def test_a_page_is_stale_until_it_is_written_and_again_after_a_change(project: Path) -> None:
    assert handbook_page.stale(project) == ["HANDBOOK.md", "docs/handbook.json"]
    handbook_page.main([], project)
    assert handbook_page.stale(project) == []
    (project / "flows/support/bells.py").write_text(FLOW.replace("Bell ringers", "Bell founders"))
    assert handbook_page.stale(project) == ["HANDBOOK.md"]


def test_every_row_of_both_handbook_pages_is_listed_once() -> None:
    numbers = [row.number for row in handbook_page.read(ROOT).rows]
    assert sorted(numbers, key=lambda number: int(number.rstrip("b"))) == numbers
    assert {str(number) for number in range(1, 74)} | {"34b"} == set(numbers)
    assert len(numbers) == 74
