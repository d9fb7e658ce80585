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


def test_the_page_links_flow_policy_and_handbook_section(project: Path) -> None:
    page = handbook_page.page(handbook_page.read(project))
    assert "[ring_bell](flows/support/bells.py), [policy](policies/support/bells.py)" in page
    assert "(https://fleetdm.com/handbook/customer-success#ring-the-bell)" in page
    assert "1 of 2 rows are done" in page


def test_a_page_is_stale_until_it_is_written_and_again_after_a_change(project: Path) -> None:
    assert handbook_page.stale(project) == ["HANDBOOK.md", "docs/handbook.json"]
    house = handbook_page.read(project)
    (project / "HANDBOOK.md").write_text(handbook_page.page(house))
    (project / "docs/handbook.json").write_text(handbook_page.twin(house))
    assert handbook_page.stale(project) == []
    (project / "flows/support/bells.py").write_text(FLOW.replace("Bell ringers", "Bell founders"))
    assert handbook_page.stale(project) == ["HANDBOOK.md"]


def test_every_row_of_both_handbook_pages_is_listed_once() -> None:
    numbers = [row.number for row in handbook_page.read(ROOT).rows]
    assert sorted(numbers, key=lambda number: int(number.rstrip("b"))) == numbers
    assert {str(number) for number in range(1, 74)} | {"34b"} == set(numbers)
    assert len(numbers) == 74
