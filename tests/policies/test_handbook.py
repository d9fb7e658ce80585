"""handbook.toml: what it holds, and how a mistake in it is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.handbook import HandbookError, parse

FILE = Path(__file__).parents[2] / "handbook.toml"
TEXT = FILE.read_text(encoding="utf-8")
LINES = TEXT.splitlines()


def line_with(text: str) -> int:
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def problems(old: str, new: str) -> str:
    assert old in TEXT
    with pytest.raises(HandbookError) as error:
        parse(TEXT.replace(old, new, 1), "handbook.toml")
    return str(error.value)


def test_the_file_is_in_order_and_follows_the_2025_page() -> None:
    handbook = parse(TEXT, "handbook.toml")
    assert handbook.chosen("request_label") == ":help-customers"
    assert [person.name for person in handbook.role("vp_of_customer_success")] == ["Zay Hanlon"]
    assert handbook.channels["help-customers"].id == "C062D0THVV1"


def test_the_2024_page_can_be_chosen() -> None:
    assert parse(TEXT.replace("edition = 2025", "edition = 2024"), "x").chosen("request_label") == "#g-customer-success"


def test_escalation_keeps_the_handbooks_order() -> None:
    names = [person.name for person in parse(TEXT, "x").role("escalation")]
    assert names == ["Eric Shaw", "Zay Hanlon", "Luke Heath", "Mike McNeil"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('bug = "bug"', 'bugg = "bug"', 'bug = "bug"', "labels.bugg"),
        ('bug = "bug"', f'bug = "{51 * "x"}"', 'bug = "bug"', "at most 50 characters"),
        ('id = "C03EG80BM2A"', 'id = "help-p1"', "help-p1 =", "channels.help-p1.id"),
        ('id = "C03EG80BM2A"', 'id = "C062D0THVV1"', "help-p1 =", 'is the id of "help-customers" too'),
        ('["zayhanlon"]', '["nobody"]', "vp_of_customer_success", "is not among [people]"),
        ('"fleetdm/confidential"', '"fleetdm/fleet"', "[repositories]", "names would end in public"),
        ("edition = 2025", "edition = 2023", "edition = 2025", "There is no edition 2023"),
        ('2024 = "osquery"', "", "[by_edition]", "dri_proficiency must have a value"),
        ("drafting = 67", 'drafting = "sixty"', "drafting = 67", "projects.drafting"),
        ("edition = 2025", "edition = ", "edition = 2025", "Correct the TOML there"),
    ],
    ids=[
        "an unknown label",
        "a label that GitHub refuses",
        "a channel's name for its id",
        "one id for two channels",
        "a role held by nobody we know",
        "one repository for both",
        "an unknown edition",
        "half of a disagreement",
        "text for a number",
        "no TOML",
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_to_do(old: str, new: str, line: str, said: str) -> None:
    told = problems(old, new)
    assert said in told
    expected = line_with(line) if line != "[by_edition]" else 1
    assert f"handbook.toml:{expected}:" in told, told


def test_all_mistakes_are_told_at_once() -> None:
    wrong = (
        TEXT.replace('bug = "bug"', 'bug = ""')
        .replace("drafting = 67", "drafting = 1.5")
        .replace('"~investigate"', "7")
    )
    with pytest.raises(HandbookError) as error:
        parse(wrong, "handbook.toml")
    assert len(error.value.problems) == 3
