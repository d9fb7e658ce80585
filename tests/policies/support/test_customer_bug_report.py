"""A customer's bug report: what it must hold, what must not be in it, and how its issue reads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from policies import bug
from policies.support import bug_duplicates as duplicates
from policies.support import customer_bug_report as policy
from settings import handbook
from tests.scenarios.file_customer_bug_report import CODENAME, REPORT

HOSTS = handbook().bug_reports.public_domains
# How .github/workflows/auto-tag-unreleased-bugs.yml of fleetdm/fleet finds the version.
VERSION_LINE = re.compile(r"\*\*Fleet version\*\*:\s*(.+)")


def report(**changed: Any) -> policy.BugReport:
    return policy.BugReport.model_validate(REPORT | changed)


def problems(label: policy.LabelOfCustomers = "codename", **changed: Any) -> list[str]:
    return policy.problems(report(**changed), label, HOSTS)


# -- required details


def test_a_complete_report_has_no_problem() -> None:
    assert problems() == []


def test_all_required_details_that_are_missing_are_named_at_once() -> None:
    details = ["fleet_version", "agent_version", "operating_system", "web_browser", "expected", "actual", "steps"]
    nothing: dict[str, Any] = dict.fromkeys(details, " ")
    found = problems(**nothing)
    assert [each.partition(" is missing")[0] for each in found] == [
        "Fleet server version",
        "Agent version",
        "Operating system",
        "Web browser",
        "Expected behavior",
        "Actual behavior",
        "Steps to reproduce",
    ]
    assert all('Give it, such as "' in each for each in found)


@pytest.mark.parametrize("nothing", ["", "TODO", "n/a", "-", "unknown", "1. \n2. \n3.", "tbd?"])
def test_reproduction_steps_are_mandatory_and_a_placeholder_is_none(nothing: str) -> None:
    (problem,) = problems(steps=nothing)
    assert problem.startswith("Steps to reproduce is missing or says nothing.")


@pytest.mark.parametrize(
    "changed", [{"operating_system": "Kali 2025.1"}, {"web_browser": "no browser is involved"}], ids=str
)
def test_a_system_that_nobody_has_heard_of_and_no_browser_at_all_are_told(changed: dict[str, Any]) -> None:
    assert problems(**changed) == []


def test_what_is_not_in_the_form_is_refused_without_repeating_what_was_typed() -> None:
    with pytest.raises(ValidationError) as refused:
        report(customer="Quillfeather Logistics", agent="zabbix", note="x")
    assert len(refused.value.errors()) == 3
    assert "Quillfeather" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("4.77.0", "4.77.0"),
        (" v4.77.0 ", "4.77.0"),
        ("fleet-v4.77.0", "4.77.0"),
        ("4.77", "4.77"),
        ("4.76.1 & v4.77.0", "4.76.1 & 4.77.0"),
        ("4.x", "4.x"),
        ("4.78.0-rc.1", "4.78.0-rc.1"),
        ("main", "main"),
    ],
)
def test_the_version_is_written_as_fleets_workflow_reads_it(given: str, written: str) -> None:
    body = policy.body(report(fleet_version=given), CODENAME)
    assert problems(fleet_version=given) == []
    assert body.splitlines()[0] == f"**Fleet version**: {written}"
    found = VERSION_LINE.search(body)
    assert found
    assert found[1] == written


@pytest.mark.parametrize("given", ["latest", "4", "4.77.0 on the customer's domain", "Fleet 4.77.0", "4.76.1, 4.77.0"])
def test_a_version_that_the_workflow_would_misread_is_refused(given: str) -> None:
    assert problems(fleet_version=given) == [f'"{given}" is no Fleet version. Write it like 4.58.0, or "main".']


def test_a_second_version_line_in_the_text_does_not_count() -> None:
    body = policy.body(report(actual="**Fleet version**: main is what I typed, and it breaks."), CODENAME)
    found = VERSION_LINE.search(body)
    assert found
    assert found[1] == "4.77.0"


# -- straightforward and easy to understand


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"title": "Broken"}, 'The title "Broken" is too short to understand.'),
        ({"title": " "}, 'The title "" is too short to understand.'),
        ({"actual": REPORT["title"] + "!"}, "The actual behavior only repeats the title."),
        ({"expected": REPORT["actual"]}, "The expected and the actual behavior are the same."),
    ],
)
def test_what_nobody_would_understand_is_refused(changed: dict[str, Any], told: str) -> None:
    (problem,) = problems(**changed)
    assert problem.startswith(told)


def test_texts_that_are_too_long_are_refused_with_both_numbers() -> None:
    found = problems(title="a bug " * 40, actual="It fails. " * 1_001, details={"debug_archive": "y" * 501})
    assert [each.partition(" characters")[0] for each in found] == [
        "Title has 240",
        "Actual behavior has 10010",
        "The output of fleetctl debug archive has 501",
    ]
    assert "logs belong into an issue of the confidential repository" in found[1]


def test_the_longest_report_fits_into_githubs_issue() -> None:
    text = "@a " * (policy.LONGEST_TEXT // 3)
    details = dict.fromkeys(policy.NiceToHave.model_fields, "#1 " * (policy.LONGEST_LINE // 3))
    longest = report(actual=text, expected=f"{text}!", steps=text, details=details)
    assert len(policy.body(longest, CODENAME)) < 65_536


# -- default to public: nothing tells which customer it is


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"actual": "It fails.\nSee https://mdm.acmewidgets.com"},
            "Actual behavior seems to hold an address in line 2",
        ),
        ({"steps": "Run it on build-7.corp"}, "Steps to reproduce seems to hold a host in line 1"),
        ({"expected": "jane@acmewidgets.com can log in"}, "Expected behavior seems to hold a mail address in line 1"),
        (
            {"details": {"mysql_version": "password: hunter2!x9"}},
            "MySQL flavor/version in use seems to hold a password or token in line 1",
        ),
    ],
    ids=["an address", "a host", "a mailbox", "a password"],
)
def test_hosts_mailboxes_and_secrets_are_refused_by_field_and_line_and_not_repeated(
    changed: dict[str, Any], told: str
) -> None:
    (problem,) = problems(**changed)
    assert problem.startswith(told)
    assert "write example.com" in problem
    assert not any(secret in problem for secret in ("acmewidgets", "build-7", "hunter2"))


@pytest.mark.parametrize(
    "text",
    ["See https://fleetdm.com/docs", "curl https://fleet.example.com/healthz", "com.apple.mdm fails on main.go:7"],
)
def test_well_known_places_may_be_named(text: str) -> None:
    assert problems(actual=text) == []


def test_every_text_that_anybody_reads_is_looked_through() -> None:
    full = report(gong="https://app.gong.io/call?id=1", details=dict.fromkeys(policy.NiceToHave.model_fields, "12"))
    names = [name for name, _ in policy.typed(full)]
    assert len(names) == 10 + 13
    assert "Customer" not in names
    assert "Message in Slack" not in names


@pytest.mark.parametrize(
    "text",
    [
        "@everyone look",
        "closes #1",
        "fixes fleetdm/fleet#12",
        "<!-- /close --> hidden",
        "GH-7",
        "![](https://gong.io/x)",
    ],
)
@pytest.mark.parametrize("name", ["title", "actual", "expected", "steps", "operating_system", "web_browser"])
def test_foreign_text_mentions_nobody_closes_nothing_and_hides_nothing(name: str, text: str) -> None:
    foreign = report(**{name: f"Orbit keeps restarting {text}"})
    for shown in (policy.title(foreign), policy.body(foreign, CODENAME), policy.comment(foreign, CODENAME)):
        assert not re.search(r"@everyone|#\d|GH-\d|<!--|!\[", shown)


def test_an_open_code_block_swallows_no_heading_after_it() -> None:
    assert "```\n\n**Expected behavior**" in policy.body(report(actual="```\nIt restarts"), CODENAME)


# -- the issue


def test_the_issue_has_the_headings_of_the_template_in_its_order() -> None:
    body = policy.body(report(), CODENAME)
    headings = [
        "**Fleet version**: 4.77.0",
        "**Web browser and operating system**: Chrome 142, Windows 11",
        "**Agent version**: fleetd 1.49.0",
        "<hr/>",
        "### 💥  Actual behavior",
        "**Expected behavior**:",
        "### 🧑‍💻  Steps to reproduce",
        "### 🕯️ More info _(optional)_",
    ]
    assert [line for line in body.splitlines() if line in headings] == headings
    assert bug.missing(body) == []


def test_it_opens_with_the_codename_and_holds_every_detail() -> None:
    body = policy.body(report(gong="https://us-1.app.gong.io/call?id=1&highlights=%5B1%5D"), CODENAME)
    assert "`customer-juno` reported that:\n\nOrbit restarts each minute" in body
    assert "- Amount of total hosts: 1,200" in body
    assert "- Gong snippet: https://us-1.app.gong.io/call?id=1&highlights=%5B1%5D" in body
    assert "- Slack: https://fleetdm.slack.com/archives/C0SANDBOX01/p" in body


def test_without_more_info_it_says_so() -> None:
    assert policy.body(report(message="", details={}), CODENAME).endswith("### 🕯️ More info _(optional)_\n\nNone.")


def test_the_thirteen_details_that_are_nice_to_have_bear_the_handbooks_names() -> None:
    fields = policy.NiceToHave.model_fields
    assert [field.title for field in fields.values()] == list(bug.WANTED)
    assert len(fields) == 13
    full = report(details=dict.fromkeys(fields, "12"))
    assert bug.still_wanted(policy.body(full, CODENAME)) == []


@pytest.mark.parametrize("reproduced", [True, False])
def test_the_customers_steps_are_called_theirs_unless_we_have_reproduced_it(reproduced: bool) -> None:
    body = policy.body(report(reproduced=reproduced), CODENAME)
    assert ("These are the steps that the customer took; we have not reproduced it." in body) is not reproduced
    assert report().reproduced is False


@pytest.mark.parametrize(
    "link",
    [
        "https://gong.io.evil.net/call",
        "https://evil-gong.io/call",
        "http://app.gong.io/call",
        "https://app.gong.io/call <!--",
        "https://app.gong.io/<!--",
        "https://app.gong.io/x)![](y",
    ],
)
def test_a_gong_snippet_is_a_link_to_gong(link: str) -> None:
    assert f'"{link}" is no link to Gong. Copy the snippet\'s link, or leave it empty.' in problems(gong=link)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://quillfeather.slack.com/archives/C0SANDBOX01/p1795924770000100", "p1795924770000100"),
        (
            "https://fleetdm.slack.com/archives/C0SANDBOX01/p1795924999000100?thread_ts=1795924770.000100&cid=C0SANDBOX01",
            "p1795924770000100",
        ),
        ("C0SANDBOX01/1795924770.000100", "p1795924770000100"),
    ],
    ids=["copied in the customer's workspace", "of a reply", "a key"],
)
def test_the_message_is_linked_in_our_workspace_by_the_first_of_its_thread(given: str, shown: str) -> None:
    link = f"https://fleetdm.slack.com/archives/C0SANDBOX01/{shown}"
    assert problems(message=given) == []
    assert policy.message_link(report(message=given)) == link
    assert f"- Slack: {link}" in policy.body(report(message=given), CODENAME)


def test_what_is_no_message_is_refused() -> None:
    (problem,) = problems(message="#fleet-at-hebe")
    assert 'is no message in Slack. Give its link, from "Copy link" in Slack.' in problem


# -- labels


def test_a_new_report_has_the_templates_labels_and_the_codename() -> None:
    assert policy.labels_of_new(CODENAME, handbook().labels) == ["bug", ":incoming", ":reproduce", CODENAME]


@pytest.mark.parametrize(
    ("given", "codename"),
    [
        (" Customer-Juno ", "customer-juno"),
        ("prospect-hebe", "prospect-hebe"),
        ("customer request", ""),
        ("001Ux0000000001IAA", None),
        ("https://fleetdm.my.salesforce.com/lightning/r/Account/001Ux0000000001IAA/view", None),
    ],
)
def test_a_customer_is_named_by_codename_or_account(given: str, codename: str | None) -> None:
    assert policy.codename(report(customer=given)) == codename


def test_2025_asks_for_a_codename_and_2024_leaves_the_choice_of_customer_request() -> None:
    (problem,) = problems("codename", customer="customer request")
    assert problem.startswith("This edition of the handbook asks for a codename.")
    assert problems("codename or customer request", customer="customer request") == []
    assert policy.labels_of_new("", handbook().labels)[-1] == "~customer request"
    assert "A customer reported that:" in policy.body(report(), "")
    assert policy.subject(report(), "").startswith("no-codename/")
    by_edition = handbook().by_edition.bug_report_label
    assert by_edition == {2025: "codename", 2024: "codename or customer request"}


# -- one report, one issue


def test_the_same_title_and_behavior_are_the_same_report_whatever_else_is_corrected() -> None:
    first = policy.subject(report(), CODENAME)
    same = {"title": f" {REPORT['title'].upper()} ", "steps": "Others.", "message": ""}
    assert policy.subject(report(**same), CODENAME) == first
    assert policy.subject(report(title="Orbit restarts for ever"), CODENAME) != first
    assert policy.subject(report(), "customer-hebe") != first


# -- what people read


DONE = policy.Filed(7, "fleetdm/fleet#7", "https://github.com/fleetdm/fleet/issues/7", is_new=True)


def test_the_customer_reads_a_friendly_message_with_the_link() -> None:
    told = policy.link_message(DONE)
    assert told.sentences[0].startswith("Hi everyone, here's a link to the issue")
    assert "<https://github.com/fleetdm/fleet/issues/7|fleetdm/fleet#7>" in str(told.slack_blocks())


def test_without_a_message_the_run_gives_the_words_for_the_customer() -> None:
    shown = policy.filed(DONE, CODENAME, duplicates.Seen("A title", "It fails"), told=False, differs=False)
    assert f'"Hi everyone, here\'s a link to the issue we discussed: {DONE.url}"' in shown.sentences[1]


def test_a_link_that_slack_refused_is_given_by_hand() -> None:
    shown = policy.filed(
        replace(DONE, not_told="It refused."),
        CODENAME,
        duplicates.Seen("A title", "It fails"),
        told=True,
        differs=False,
    )
    assert shown.sentences[1].startswith("It refused. Give the customer the link:")


def test_the_run_shows_what_was_looked_at_and_that_an_earlier_version_stands() -> None:
    seen = duplicates.Seen(
        "A title", "It fails", [duplicates.Shown(41, "Orbit", "https://x/41", False, ["title 80 % alike"])]
    )
    shown = policy.filed(DONE, CODENAME, seen, told=True, differs=True)
    assert "The customer has the link." in shown.sentences
    assert "An earlier version of this report stands there. Correct it there by hand." in shown.sentences
    assert [row[1] for row in shown.rows] == [CODENAME, "title 80 % alike; closed"]
