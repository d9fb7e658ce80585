"""handbook.toml: what it holds, and how a mistake in it is reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from policies.handbook import ByEdition, HandbookError, line_of, parse

FILE = Path(__file__).parents[2] / "handbook.toml"
TEXT = FILE.read_text(encoding="utf-8")
LINES = TEXT.splitlines()
OLDER = parse(TEXT.replace("edition = 2025", "edition = 2024"), "handbook.toml")
NEWER = parse(TEXT, "handbook.toml")


def line_with(text: str) -> int:
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def test_a_name_that_is_not_public_is_demanded_by_the_procedure_that_uses_it() -> None:
    NEWER.needs("labels.bug", "channels.help-p1.id")
    with pytest.raises(HandbookError) as error:
        NEWER.needs("channels.g-engineering.id", "channels.help-p1.id", "people.zayhanlon.slack")
    line = line_with("zayhanlon = {")
    assert error.value.problems == [
        f"handbook.toml:{line}: people.zayhanlon.slack: This procedure needs it, and it is empty. Fill it in.",
        f"handbook.toml:{line_with('g-engineering =')}: channels.g-engineering.id: This procedure needs it, "
        "and it is empty. Fill it in.",
    ]


def test_a_role_that_nobody_holds_is_told_when_it_is_asked_for() -> None:
    line = line_with("interim_head_of_people")
    with pytest.raises(HandbookError, match=rf"handbook.toml:{line}: roles.interim_head_of_people: .* Fill it in"):
        NEWER.role("interim_head_of_people")


def problems(old: str, new: str) -> Sequence[str]:
    assert old in TEXT
    with pytest.raises(HandbookError) as error:
        parse(TEXT.replace(old, new, 1), "handbook.toml")
    return error.value.problems


def test_the_file_is_in_order_and_follows_the_2025_page() -> None:
    assert NEWER.chosen("request_label") == ":help-customers"
    assert NEWER.role("vp_of_customer_success").handle == "zayhanlon"
    assert NEWER.channels["help-customers"].id == "C062D0THVV1"
    assert NEWER.labels.investigate == "~investigate"


@pytest.mark.parametrize("topic", ByEdition.model_fields)
def test_the_2024_page_can_be_chosen_wherever_the_two_disagree(topic: str) -> None:
    assert OLDER.chosen(topic) != NEWER.chosen(topic)


def test_escalation_keeps_the_handbooks_order() -> None:
    names = [person.name for person in NEWER.holders("escalation")]
    assert names == ["Eric Shaw", "Zay Hanlon", "Luke Heath", "Mike McNeil"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('bug = "bug"', 'bugg = "bug"', 'bug = "bug"', "labels.bugg: Nothing reads this name. Correct its spelling"),
        ('bug = "bug"', "", "[labels]", "labels.bug: It is missing. Add it."),
        ('bug = "bug"', 'bug = ""', 'bug = "bug"', "labels.bug: It is empty. Fill it in."),
        ('bug = "bug"', f'bug = "{51 * "x"}"', 'bug = "bug"', "has 51 characters; at most 50 fit. Shorten it."),
        ("ksatter = {", "k--satter = {", "ksatter = {", '"k--satter" is not a GitHub handle'),
        (
            '"Kathy Satterlee", slack = ""',
            '"Kathy Satterlee", slack = "@kathy"',
            "ksatter = {",
            '"@kathy" is not a Slack',
        ),
        ('id = "C03EG80BM2A"', 'id = "help-p1"', "help-p1 =", '"help-p1" is not a Slack channel\'s id, such as'),
        ('id = "C03EG80BM2A"', 'id = "C062D0THVV1"', "help-p1 =", 'is the id of "help-customers" too'),
        ('on_call_group = "inf', 'on_call_group = "sup', "on_call_group", "is not among [user_groups]. Add it there"),
        (
            "own_channels = {}",
            'own_channels = { nobody = "C062D0THVV1" }',
            "own_channels",
            '"nobody" is not among [people',
        ),
        ('["zayhanlon"]', '["nobody"]', "vp_of_customer_success", "is not among [people]"),
        ('"fleetdm/confidential"', '"fleetdm/fleet"', "[repositories]", "names would end in public"),
        ("edition = 2025", "edition = 2023", "edition = 2025", "There is no edition 2023"),
        ('2024 = "osquery"', "", "[by_edition.dri_proficiency]", "for each of the editions (2024, 2025)"),
        ("drafting = 67", 'drafting = "sixty"', "drafting = 67", "'sixty', which is not a whole number. Correct it."),
        ("drafting = 67", "drafting = 0", "drafting = 67", "projects.drafting: It is 0"),
        ("blocked = []", 'blocked = "Ceres"', "blocked = []", "which is not a list"),
        ('"GitHub_label__c"', '"GitHub label"', "account_github_label", "is not the API name of a Salesforce field"),
        ('"outage.md"', '"outage"', "outage.md", "is not the file name of an issue template"),
        ("[closures]", '[closures]\n2026-02-30 = "offsite"', "[closures]", '"2026-02-30" is no date. Write it like'),
        ("P0 = 9, P1 = 7", "P0 = 9, P1 = 9", "priorities = {", "Two priorities have the same number"),
        ('without_priority = "P2"', 'without_priority = "P4"', "without_priority", '"P4" is not a priority, P0 to P3'),
        ("edition = 2025", "edition = ", "edition = 2025", "Correct the TOML there"),
    ],
    ids=[
        "a misspelt label",
        "a missing label",
        "an empty label",
        "a label that GitHub refuses",
        "a handle that GitHub doesn't give",
        "a person's name for their id",
        "a channel's name for its id",
        "one id for two channels",
        "a user group that isn't there",
        "a channel of nobody we know",
        "a role held by nobody we know",
        "one repository for both",
        "an unknown edition",
        "half of a disagreement",
        "text for a number",
        "a project that can't be",
        "text for a list",
        "a field's label for its name",
        "a template without its ending",
        "a day that no year has",
        "two priorities nobody could tell apart",
        "a priority that the handbook doesn't know",
        "no TOML",
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_to_do(old: str, new: str, line: str, said: str) -> None:
    expected = line_with(line) + ("2026-02-30" in new)
    told = [problem for problem in problems(old, new) if problem.startswith(f"handbook.toml:{expected}: ")]
    assert any(said in problem for problem in told), told


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    wrong = (
        TEXT.replace("edition = 2025", "edition = 2023")
        .replace('["zayhanlon"]', '["nobody"]')
        .replace('bug = "bug"', 'bug = ""')
        .replace('"~investigate"', "7")
        .replace("drafting = 67", "drafting = 1.5")
    )
    with pytest.raises(HandbookError) as error:
        parse(wrong, "handbook.toml")
    places = [problem.split(": ")[1] for problem in error.value.problems]
    assert places == [
        "edition",
        "roles.vp_of_customer_success",
        "labels.bug",
        "labels.investigate",
        "projects.drafting",
    ]


def test_a_file_that_ends_too_early_is_told_with_its_last_line() -> None:
    with pytest.raises(HandbookError, match=r"^handbook\.toml:2: .*Correct the TOML there"):
        parse("edition = 2025\nx = [1,", "handbook.toml")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("roles", "escalation", 1), 2),
        (("roles", "on call"), 5),
        (("roles", "missing"), 1),
        (("people", "ksatter", "slack"), 7),
        (("nothing",), 1),
    ],
    ids=["inside a list", "a quoted key", "the table of a missing key", "an inline table", "nowhere"],
)
def test_the_line_of_a_name_is_found(path: tuple[str | int, ...], line: int) -> None:
    text = '[roles] # who\nescalation = [\n  "ksatter",\n]\n"on call" = []\n[people]\nksatter = { slack = "" }\n'
    assert line_of(text, path) == line
