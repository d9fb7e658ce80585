"""Who may start a procedure from Slack, and what they read."""

from __future__ import annotations

import json

import pytest

from policies.handbook import Handbook, parse
from policies.slack_forms import Entry, overview, person, reasons_to_refuse, refused, started
from sandbox.slack_blocks import block_problems, view_problems
from settings import ROOT

ADDED = '[people]\nksatter = { slack = "U0SUPPORT01" }\nlukeheath = { slack = "U0DEVELOP01" }\n'
SUPPORT, DEVELOPER, NOBODY = "U0SUPPORT01", "U0DEVELOP01", "U0NOBODY001"
FILE = Entry("file-customer-bug-report", "File a bug", "File it.", ("customer_support_engineer",))
SUM_UP = Entry("post-direct-message-summary", "Sum up", "Sum it up.")
URL = "http://127.0.0.1:4200/runs/flow-run/1"


@pytest.fixture(scope="module")
def names() -> Handbook:
    return parse((ROOT / "handbook.toml").read_text(encoding="utf-8"), "handbook.toml", ADDED)


@pytest.mark.parametrize(
    ("entry", "user", "is_team", "why"),
    [
        (FILE, SUPPORT, True, ""),
        (FILE, DEVELOPER, True, "File a bug is for customer support engineers. Ask one of them."),
        (SUM_UP, DEVELOPER, True, ""),
        (FILE, NOBODY, True, "handbook.toml has no person with your id in Slack"),
        (SUM_UP, "", True, "handbook.toml has no person with your id in Slack"),
        (FILE, SUPPORT, False, "Only members of the team can start this"),
    ],
    ids=["of the role", "of another role", "open to all of the team", "unknown", "nobody", "a guest with a known id"],
)
def test_a_procedure_is_for_its_roles(names: Handbook, entry: Entry, user: str, is_team: bool, why: str) -> None:
    reasons = reasons_to_refuse(entry, names, user, is_team=is_team)
    assert (not reasons) if not why else why in reasons[0]


def test_a_role_that_nobody_holds_yet_refuses_and_does_not_break(names: Handbook) -> None:
    entry = Entry("x", "X", "", ("interim_head_of_people", "director_of_solutions_consulting"))
    (why,) = reasons_to_refuse(entry, names, SUPPORT, is_team=True)
    assert "for interim head of peoples and director of solutions consultings" in why


def test_a_person_is_known_by_their_id(names: Handbook) -> None:
    found = person(names, SUPPORT)
    assert found
    assert found.handle == "ksatter"
    assert person(names, "") is None


def test_the_list_has_a_line_and_a_button_a_procedure() -> None:
    report = overview([FILE, SUM_UP], "http://127.0.0.1:4200/deployments")
    blocks = [dict(block) for block in report.slack_blocks()]
    assert block_problems(blocks) == []
    assert "Command: /handbook file-customer-bug-report" in json.dumps(blocks)
    assert [each["value"] for each in blocks[-1]["elements"]] == [FILE.procedure, SUM_UP.procedure]
    assert "Nothing that you may start begins in Slack." in overview([], URL).sentences


def test_what_was_started_is_said_with_its_link() -> None:
    made = started(FILE, URL, in_prefect=True, is_dry=False, is_repeated=False)
    assert view_problems(made) == []
    assert f"<{URL}|The run in Prefect>" in str(made)
    assert "submit" not in made
    waiting = str(started(FILE, URL, in_prefect=False, is_dry=True, is_repeated=False))
    assert "as a dry run" in waiting
    assert "it is kept here and follows by itself" in waiting
    assert "with other words" in str(started(FILE, URL, in_prefect=True, is_dry=False, is_repeated=True))


def test_a_refusal_says_that_nothing_was_started() -> None:
    made = dict(refused("File a bug", ["It is for others."]))
    assert view_problems(made) == []
    assert "It is for others.\\nNothing was started." in json.dumps(made)
