"""Waiting labels: who clears them, and which."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.events import IssueComment
from policies.issue import Comment, Issue, reference
from policies.support import waiting_labels as policy

BOTS = ["fleet-release", "vercel[bot]"]
MEMBERS = {"ksatter", "bctbb"}


def day(number: int) -> datetime:
    return datetime(2026, 11, number, 12, tzinfo=UTC)


def comment(author: str = "outside", on: int = 18, *, is_bot: bool = False) -> Comment:
    return Comment(7, author, is_bot, day(on))


def issue(*comments: Comment, is_open: bool = True, **labels: int) -> Issue:
    added = {name.replace("_", " "): day(on) for name, on in labels.items()}
    added = {f"+{name}" if name != "bug" else name: at for name, at in added.items()}
    nothing = Confidential("")
    return Issue("fleetdm/fleet", 1, "outside", False, is_open, day(1), added, [], comments, nothing, nothing, "url")


def cleared(found: Issue, by: Comment) -> list[str]:
    return list(policy.cleared(found, by, MEMBERS, "+", BOTS).labels)


def test_an_answer_from_outside_removes_every_label_with_a_plus_in_front() -> None:
    assert cleared(issue(more_info_please=17, logs_please=16, bug=1), comment()) == [
        "+more info please",
        "+logs please",
    ]


@pytest.mark.parametrize(
    "author", ["ksatter", "KSatter", "BCTBB", "fleet-release", "Fleet-Release", "renovate[bot]", "vercel[bot]"]
)
def test_members_and_bots_clear_nothing_whatever_the_case_of_their_letters(author: str) -> None:
    assert cleared(issue(more_info_please=17), comment(author)) == []


def test_what_github_calls_a_bot_clears_nothing() -> None:
    assert cleared(issue(more_info_please=17), comment("some-app", is_bot=True)) == []


def test_a_closed_issue_keeps_its_labels() -> None:
    assert cleared(issue(more_info_please=17, is_open=False), comment()) == []


def test_a_label_that_was_added_after_the_comment_stays() -> None:
    assert cleared(issue(more_info_please=17, for_release=19), comment(on=18)) == ["+more info please"]


def test_a_comment_that_comes_late_is_judged_by_its_own_time() -> None:
    assert cleared(issue(asked_again=20), comment(on=18)) == []


def test_the_newest_comment_from_outside_counts_in_the_review() -> None:
    found = issue(comment(on=10), comment("ksatter", 12), comment(on=15), comment("fleet-release", 16))
    newest = policy.last_from_outside(found, MEMBERS, BOTS)
    assert newest
    assert newest.at == day(15)
    assert policy.last_from_outside(issue(comment("ksatter")), MEMBERS, BOTS) is None


def event(**changed: Any) -> IssueComment:
    said: dict[str, Any] = {
        "repository": "fleetdm/fleet",
        "number": 1,
        "comment": 7,
        "author": "outside",
        "author_is_bot": False,
        "association": "NONE",
        "is_open": True,
        "labels": ("bug", "+more info please"),
    }
    return IssueComment(**said | changed)


def test_an_answer_from_outside_has_no_reason_against_it() -> None:
    assert policy.reasons_to_do_nothing(event(), "fleetdm/fleet", "+", BOTS) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"repository": "fleetdm/confidential"}, "It is in fleetdm/confidential."),
        ({"author_is_bot": True}, "A bot wrote the comment."),
        ({"author": "Fleet-Release"}, "A bot wrote the comment."),
        ({"association": "MEMBER"}, "A member of the organisation wrote the comment."),
        ({"association": "OWNER"}, "A member of the organisation wrote the comment."),
        ({"is_open": False}, "The issue is closed."),
        ({"labels": ("bug",)}, 'No label begins with "+".'),
    ],
)
def test_most_comments_need_nothing_and_the_reason_is_told(changed: dict[str, Any], reason: str) -> None:
    assert policy.reasons_to_do_nothing(event(**changed), "fleetdm/fleet", "+", BOTS) == [reason]


def test_every_reason_is_told_at_once() -> None:
    found = policy.reasons_to_do_nothing(event(is_open=False, labels=()), "fleetdm/fleet", "+", BOTS)
    assert found == ["The issue is closed.", 'No label begins with "+".']


def test_the_report_says_what_was_removed_where() -> None:
    done = policy.cleared(issue(more_info_please=17), comment(), MEMBERS, "+", BOTS)
    shown = policy.report([done]).markdown()
    assert "1 labels removed" in shown
    assert "[fleetdm/fleet#1](url) | +more info please" in shown
    assert "No label had to be removed." in policy.report([]).markdown()


@pytest.mark.parametrize(
    "given",
    [
        "fleetdm/fleet#12/998",
        " fleetdm/fleet#12/998 ",
        "https://github.com/fleetdm/fleet/issues/12#issuecomment-998",
        "http://127.0.0.1:4300/github/fleetdm/fleet/issues/12#issuecomment-998",
    ],
)
def test_a_comment_is_named_by_its_key_or_its_address(given: str) -> None:
    assert reference(given, "fleetdm/fleet", comment=True).key == "fleetdm/fleet#12/998"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fleetdm/fleet#12", "is no comment"),
        ("12", "is no comment"),
        ("https://example.com/", "is no comment"),
        ("fleetdm/confidential#12/998", "works on fleetdm/fleet"),
    ],
)
def test_anything_else_is_refused_with_what_to_give(given: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        reference(given, "fleetdm/fleet", comment=True)
