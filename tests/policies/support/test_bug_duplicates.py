"""Look-alike bugs: what is searched for, what a person is shown and why, and what a choice may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.events import SlackAction
from policies.issue import Issue
from policies.report import Link, Mention
from policies.support import bug_duplicates as policy

TITLE = "Orbit keeps restarting after an update of certificates"
ACTUAL = 'Orbit restarts each minute and logs "x509: certificate signed by unknown authority".'
STEPS = "1. Update the certificates.\n2. Wait a minute."
MESSAGE = "https://fleetdm.slack.com/archives/C0SANDBOX01/p1795924770000100"
TOLD = policy.Told(TITLE, ACTUAL, "customer-juno", MESSAGE)
SUBJECT = "customer-juno/0123456789abcdef"


def issue(number: int, title: str, *labels: str, actual: str = "", is_open: bool = True, more: str = "") -> Issue:
    body = f"**Fleet version**: 4.58.0\n\n### 💥  Actual behavior\n\n{actual}\n\n### More info\n\n{more}"
    return Issue(
        "fleetdm/fleet",
        number,
        "ksatter",
        False,
        is_open,
        datetime(2026, 11, 16, tzinfo=UTC),
        dict.fromkeys(["bug", *labels]),
        [],
        [],
        Confidential(title),
        Confidential(body),
        f"https://github.com/fleetdm/fleet/issues/{number}",
    )


SAME = issue(41, "Orbit restarts after certificates are updated")
OTHER = issue(42, "Labels can't be deleted on the Hosts page")


def shown(searched: dict[str, Sequence[Issue]], newest: Sequence[Issue] = (), told: policy.Told = TOLD) -> list[int]:
    return [each.issue.number for each in policy.candidates(told, searched, newest)]


# -- looking


def test_it_takes_a_couple_of_tries_with_different_keywords() -> None:
    assert [(each.source, each.words) for each in policy.keyword_sets(TITLE, ACTUAL, STEPS)] == [
        ("title", "restarting update certificates"),
        ("error text", "certificate unknown authority"),
        ("actual behavior", "restarts certificate authority"),
        ("steps to reproduce", "update certificates minute"),
    ]


@pytest.mark.parametrize(
    ("title", "actual", "steps", "words"),
    [
        ("Policies fail", "Policies fail.", "Policies fail", ["policies fail"]),
        ("The host page is not working", "It doesn't", "1. 2. 3.", []),
        ("Agent 5.13.1 on 10.2.3.4", "500", "", ["agent"]),
        ("Échec de l'exécution répétée", "", "", ["échec exécution répétée"]),
        (f"Broken {'x' * 300} thing", "", "", ["broken thing"]),
        ('Search is:closed author:me "', "", "", ["search closed author"]),
    ],
    ids=[
        "the same words are searched for once",
        "words of every report tell nothing",
        "versions and addresses tell nothing",
        "other languages have words too",
        "what is endless is no word",
        "nothing is an instruction to the search",
    ],
)
def test_only_telling_words_are_searched_for(title: str, actual: str, steps: str, words: list[str]) -> None:
    assert [each.words for each in policy.keyword_sets(title, actual, steps)] == words


@pytest.mark.parametrize(
    ("title", "is_alike"),
    [
        pytest.param("Orbit restarts after certificates are updated", True, id="other forms of the words"),
        pytest.param("After updating certificates orbit keeps restarting", True, id="another order"),
        pytest.param("fleetd: Orbit keeps restarting", True, id="a part of it"),
        pytest.param("Orbit update fails on Windows", False, id="the same component"),
        pytest.param("Hosts keep restarting after MDM enrollment", False, id="some of the words"),
        pytest.param("Certificates of the SCEP proxy expire", False, id="the same subject"),
    ],
)
def test_titles_are_compared_by_their_words(title: str, is_alike: bool) -> None:
    assert bool(shown({"title": [issue(41, title)]})) is is_alike


def test_what_two_searches_find_is_worth_a_look_whatever_its_title() -> None:
    assert shown({"title": [OTHER]}) == []
    assert shown({"title": [OTHER], "error text": [OTHER]}) == [42]


def test_what_behaves_alike_is_worth_a_look_whatever_its_title() -> None:
    told = "Orbit restarts each minute and logs x509: certificate signed by unknown authority"
    (found,) = policy.candidates(TOLD, {"error text": [issue(43, "Agent is unstable", actual=told)]}, [])
    assert "actual behavior 100 % alike" in found.reasons


def test_the_newest_are_looked_at_by_likeness_alone_for_the_search_may_not_know_them() -> None:
    assert shown({}, [SAME, OTHER]) == [41]


def test_what_names_the_same_thread_of_the_customer_comes_first() -> None:
    there = issue(44, "Agent is unstable", more=f"- Slack: {MESSAGE}")
    found = policy.candidates(TOLD, {"title": [SAME], "error text": [SAME]}, [there])
    assert [each.issue.number for each in found] == [44, 41]
    assert found[0].reasons[0] == "it names the same message in Slack"
    assert shown({}, [there], policy.Told(TITLE, ACTUAL, "customer-juno", "")) == []


def test_the_likeliest_come_first_each_once_with_its_reasons_and_five_at_the_most() -> None:
    closed = issue(40, SAME.title.reveal(), is_open=False)
    customers = issue(45, TITLE, "customer-juno")
    found = policy.candidates(TOLD, {"title": [closed, SAME, customers], "steps to reproduce": [customers]}, [SAME])
    assert [each.issue.number for each in found] == [45, 41, 40]
    assert found[0].reasons == ["title 100 % alike", "found by title, steps to reproduce", "customer-juno is on it"]
    many = [issue(number, TITLE) for number in range(50, 60)]
    assert shown({"title": many}) == [59, 58, 57, 56, 55]


# -- what a person is shown


def seen(*issues: Issue) -> policy.Seen:
    found = policy.candidates(TOLD, {"title": issues, "error text": issues}, [])
    return policy.seen(policy.kept(TOLD, found))


def test_what_was_found_is_kept_and_read_as_it_was() -> None:
    found = seen(SAME)
    assert (found.title, found.actual, found.numbers) == (TITLE, ACTUAL, "#41")
    told = policy.Told(" A  title\n", "It\nfails", "", "")
    assert policy.seen(policy.kept(told, [])) == policy.Seen("A title", "It fails", [])


def test_the_question_names_each_candidate_with_link_and_reasons_and_has_a_button_for_each() -> None:
    asked = policy.question(SUBJECT, seen(SAME, issue(40, TITLE, is_open=False)))
    assert asked.sentences[0] == f'customer-juno reports: "{TITLE}".'
    assert asked.sentences[1] == f"Actual behavior: {ACTUAL}"
    assert "Nothing is filed before somebody has chosen." in asked.sentences[2]
    assert "A closed one may be fixed in a later version" in asked.sentences[3]
    assert [each.text for each in asked.buttons] == ["Same as #40", "Same as #41", "None of these: file it"]
    assert len({each.action for each in asked.buttons}) == 3
    assert all(len(each.value) < 2_000 for each in asked.buttons)
    blocks = str(asked.slack_blocks())
    assert "<https://github.com/fleetdm/fleet/issues/41|#41: Orbit restarts after certificates are updated>" in blocks
    assert "found by title, error text; open" in blocks


@pytest.mark.parametrize(
    ("chosen", "by", "told"),
    [
        ("new", "U0SANDBOX09", "It is filed as a new issue."),
        ("41", "U0SANDBOX09", "It is added to #41."),
        ("41", "a person", "It is added to #41. Chosen by a person."),
    ],
)
def test_the_answer_stands_in_the_place_of_the_question(chosen: str, by: str, told: str) -> None:
    answered = policy.answered(SUBJECT, seen(SAME), chosen, by, Link("fleetdm/fleet#43", "https://x/43"))
    assert answered.sentences[2:] == [told]
    assert not answered.buttons
    assert "<https://x/43|fleetdm/fleet#43>" in str(answered.slack_blocks()[2])
    assert answered.mentions == ([Mention(by)] if by.startswith("U") else [])


def test_a_long_report_and_a_customer_without_codename_are_shown_as_far_as_a_person_needs() -> None:
    long = policy.Seen("A title", "x" * 301, [])
    assert policy.question("no-codename/0123456789abcdef", long).sentences[:2] == [
        'A customer reports: "A title".',
        f"Actual behavior: {'x' * 300}\u2026",
    ]


def test_titles_call_nobody_in_slack() -> None:
    asked = policy.question(SUBJECT, seen(issue(41, f"{TITLE} <!channel>")))
    assert "<!channel>" not in str(asked.slack_blocks())


def test_the_run_says_how_to_choose() -> None:
    assert 'start this again with "same_as"' in policy.waits(SUBJECT, seen(SAME)).sentences[-1]


# -- choosing


@pytest.mark.parametrize(
    ("given", "word"), [("new", "new"), (" NEW ", "new"), ("41", "41"), ("#41", "41"), ("", None), ("  ", None)]
)
def test_a_choice_is_a_number_or_new(given: str, word: str | None) -> None:
    chosen = policy.choice(given)
    assert (chosen.word if chosen else None) == word


@pytest.mark.parametrize("given", ["0", "-1", "#", "forty", "41 42", "https://github.com/fleetdm/fleet/issues/41", "²"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(Refused, match=r"is no choice. Give the number of the issue"):
        policy.choice(given)


def test_a_report_is_added_to_an_open_bug_only() -> None:
    chosen = policy.Choice(41)
    assert policy.reasons_against(SAME, chosen, "bug") == []
    (gone,) = policy.reasons_against(None, chosen, "bug")
    assert gone == 'There is no issue #41, or it has been moved. Choose another one, or "new".'
    closed, no_bug = policy.reasons_against(issue(41, TITLE, is_open=False), chosen, ":product")
    assert "fleetdm/fleet#41 is closed. Open it again first" in closed
    assert 'lacks the label ":product"' in no_bug


def test_another_choice_than_the_one_that_stands_is_refused_with_what_to_do() -> None:
    assert 'chosen to be added to #41 before; "new" was chosen now' in str(
        policy.settled_otherwise(SUBJECT, "41", "new")
    )


def press_of(value: str = f"{SUBJECT}/41", action: str = "same-bug-41") -> SlackAction:
    return SlackAction(action, value, "U0SANDBOX09", "T1", "C062D0THVV1", "1.1", "", "1790000001.000100")


@pytest.mark.parametrize("codename", ["customer-juno", "prospect-hebe", "no-codename"])
def test_a_press_says_which_report_what_and_who(codename: str) -> None:
    action = press_of(f"{codename}/0123456789abcdef/new", "same-bug-new")
    assert policy.is_press(action)
    assert policy.reasons_to_ignore(action) == []
    found = policy.press(policy.press_subject(action))
    assert found == policy.Press(f"{codename}/0123456789abcdef", "new", "U0SANDBOX09")


@pytest.mark.parametrize("value", ["", "41", f"{SUBJECT}/0", f"{SUBJECT}/41; x", "Quillfeather/0123456789abcdef/41"])
def test_a_button_with_a_value_that_is_none_of_ours_does_nothing(value: str) -> None:
    assert policy.reasons_to_ignore(press_of(value)) == ["The button's value is none of ours."]
    with pytest.raises(Refused, match="is no press of a button"):
        policy.press(f"{value}/U0SANDBOX09/1.1")
