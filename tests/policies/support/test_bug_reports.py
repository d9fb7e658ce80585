"""Bug reports: what they must tell, what they tell already, and who is asked for the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies import bug
from policies.confidentiality import Confidential
from policies.issue import Comment, Issue
from policies.support import bug_reports as policy

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
# The template of August 2025, filled in.
WHOLE = """**Fleet version**: 4.77.0
<!-- Copy this from the "My account" page in the Fleet UI, or run `fleetctl --version` -->

**Web browser and operating system**: Chrome 142 on macOS 15.1
<hr/>

### 💥  Actual behavior

The host stays offline although it should be online. fleetd 1.49.0

### 🧑‍💻  Steps to reproduce

1. Enroll a host.
2. Restart it.

### 🕯️ More info _(optional)_

N/A
"""
EMPTY = """**Fleet version**: <!-- Copy this from the page -->

**Web browser and operating system**:
<hr/>

### 💥  Actual behavior

TODO

### 🧑‍💻  Steps to reproduce

1.
2.
3.
"""
OLDEST = """**Fleet version**
4.42.0

**Operating system**
Ubuntu 22.04

**Web browser**
Firefox

### 🧑‍💻  Expected behavior
It works.

### 💥  Actual behavior
It does not. osquery 5.10.2

### More info
Steps to reproduce: none
"""


def issue(body: str, author: str = "octocat", days_ago: float = 1, *, is_bot: bool = False) -> Issue:
    at = NOW - timedelta(days=days_ago)
    title = Confidential("Hosts go offline")
    labels = {"bug": at}
    return Issue("fleetdm/fleet", 7, author, is_bot, True, at, labels, [], [], title, Confidential(body), "url")


def test_a_template_that_is_filled_in_lacks_nothing() -> None:
    assert bug.missing(WHOLE) == []


def test_a_template_as_it_comes_lacks_everything() -> None:
    assert bug.missing(EMPTY) == [each.name for each in bug.REQUIRED]
    assert bug.missing("") == [each.name for each in bug.REQUIRED]


def test_the_oldest_template_counts_too() -> None:
    assert bug.missing(OLDEST) == ["Steps to reproduce"]


@pytest.mark.parametrize(
    ("comment", "lacks"),
    [
        pytest.param("### Steps to reproduce\n\n1. Restart it.", [], id="under its heading"),
        pytest.param("It happens when I restart the host.", [], id="as in a chat"),
        pytest.param("Any news?", ["Steps to reproduce"], id="something else"),
        pytest.param(
            "Steps to reproduce are missing.\n\n<!-- handbook-flows 0123 -->", ["Steps to reproduce"], id="our own"
        ),
    ],
)
def test_what_the_reporter_tells_in_a_comment_counts(comment: str, lacks: list[str]) -> None:
    said = [Comment(1, "OctoCat", False, NOW, Confidential(comment)), Comment(2, "x", False, NOW, Confidential(WHOLE))]
    assert policy.request(replace(issue(OLDEST), comments=said)).required == lacks


def test_what_happens_is_not_told_by_any_comment() -> None:
    said = [Comment(1, "octocat", False, NOW, Confidential("Any news?"))]
    assert "Actual behavior" in policy.request(replace(issue(EMPTY), comments=said)).required


@pytest.mark.parametrize(
    ("replaced", "by", "lacks"),
    [
        ("4.77.0", "", ["Fleet server version"]),
        ("4.77.0", "latest", ["Fleet server version"]),
        ("4.77.0", "main", []),
        ("4.77.0", "v4.78.0-rc.1", []),
        ("Chrome 142 on ", "", ["Web browser"]),
        (" on macOS 15.1", "", ["Operating system"]),
        (" fleetd 1.49.0", "", ["Agent version (osquery or fleetd?)"]),
        (" fleetd 1.49.0", "\n**Agent**: orbit, newest", []),
        (" although it should be online", "", ["Expected behavior"]),
        ("1. Enroll a host.\n2. Restart it.", "1.\n2.", ["Steps to reproduce"]),
    ],
)
def test_each_detail_is_looked_for_by_itself(replaced: str, by: str, lacks: list[str]) -> None:
    assert bug.missing(WHOLE.replace(replaced, by)) == lacks


def test_what_is_nice_to_have_are_the_handbooks_thirteen() -> None:
    assert len(bug.WANTED) == 13
    assert bug.still_wanted(WHOLE) == list(bug.WANTED)


def test_what_has_been_told_of_them_is_not_asked_for_again() -> None:
    told = "Amount of total hosts: 1200\nIs Redis running in cluster mode? no\n"
    wanted = bug.still_wanted(told)
    assert "Amount of total hosts" not in wanted
    assert "Is Redis running in cluster mode?" not in wanted
    assert "Amount of online hosts" in wanted


@pytest.mark.parametrize(
    ("author", "days", "is_bot", "codename", "counts"),
    [
        pytest.param("octocat", 1, False, False, True, id="somebody from outside, yesterday"),
        pytest.param("KSatter", 1, False, False, False, id="a member, whatever the case"),
        pytest.param("renovate[bot]", 1, False, False, False, id="a bot"),
        pytest.param("app", 1, True, False, False, id="what GitHub calls a bot"),
        pytest.param("octocat", 1, False, True, False, id="a customer's, who is asked in Slack"),
        pytest.param("octocat", 15, False, False, False, id="an old one"),
    ],
)
def test_only_new_reports_from_outside_are_asked_about(
    author: str, days: float, is_bot: bool, codename: bool, counts: bool
) -> None:
    found = issue("", author, days, is_bot=is_bot)
    assert policy.is_from_the_community(found, {"ksatter"}, ["fleet-release"], codename, NOW) is counts


def test_the_comment_lists_what_is_required_only() -> None:
    said = policy.comment(policy.request(issue(OLDEST)))
    assert said.endswith("or in a comment:\n\n- Steps to reproduce")


def test_the_customer_reads_both_lists() -> None:
    asked = policy.request(issue(OLDEST), also_wanted=True)
    shown = policy.question(asked, "Fleet engineering")
    assert "We need:\n• Steps to reproduce" in shown.sentences
    assert shown.sentences[-1].startswith("Fleet engineering would like to know, too:\n• ")
    assert "• Is Redis running in cluster mode?" in shown.sentences[-1]
    assert asked.digest != policy.request(issue(OLDEST)).digest


def test_a_closed_issue_and_one_that_is_not_there_are_refused() -> None:
    assert policy.reasons_not_to_ask(None, "#9") == [
        "There is no issue #9. Give the number or the address of a bug report."
    ]
    assert policy.reasons_not_to_ask(issue(""), "#7") == []
    assert policy.asked_for(policy.request(issue(WHOLE))).sentences[0] == "The report has every detail."
