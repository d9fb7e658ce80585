"""Escalated bugs: how long they stay on the stand-up, and where they go from there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from policies.business_time import PACIFIC, Calendar
from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.events import SlackAction
from policies.issue import Comment, Issue, issue_number
from policies.report import Mention
from policies.support import bug_escalation as policy
from settings import handbook

CALENDAR, LABELS = Calendar(), handbook().labels
MONDAY, TUESDAY, WEDNESDAY, FRIDAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 20)
MANAGERS = ["ddribeiro"]


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PACIFIC)


def issue(*labels: str, added: datetime | None = None, comments: Sequence[Comment] = (), is_open: bool = True) -> Issue:
    return Issue(
        "fleetdm/fleet",
        7,
        "ksatter",
        False,
        is_open,
        at(MONDAY, 9),
        {label: added or at(MONDAY) for label in labels},
        [],
        comments,
        Confidential("Hosts go offline"),
        Confidential(""),
        "https://github.com/fleetdm/fleet/issues/7",
    )


def investigated(added: datetime | None = None, *others: str, comments: Sequence[Comment] = ()) -> Issue:
    return issue("bug", "~investigate", ":help-customers", *others, added=added or at(MONDAY), comments=comments)


def bug(
    added: datetime | None = None, *others: str, calendar: Calendar = CALENDAR, stand_up: bool = False
) -> policy.Bug:
    return policy.bug(investigated(added, *others), "~investigate", calendar, from_stand_up=stand_up)


def comment(by: str, moment: datetime) -> Comment:
    return Comment(1, by, False, moment)


# -- escalating


def test_escalating_adds_investigate_and_help_customers_and_removes_incoming_and_reproduce() -> None:
    wanted = policy.escalation(issue("bug", ":incoming", ":reproduce"), LABELS)
    assert wanted == policy.Labelling(["~investigate", ":help-customers"], [":incoming", ":reproduce"])


def test_what_is_so_already_is_not_done_again() -> None:
    assert policy.escalation(investigated(), LABELS) == policy.Labelling([], [])


def test_labels_know_no_case() -> None:
    assert policy.escalation(issue("Bug", "~Investigate", ":INCOMING"), LABELS).remove == [":incoming"]


def test_everything_wrong_with_an_issue_is_told_at_once() -> None:
    problems = policy.reasons_not_to_escalate(issue("story", is_open=False), "#7", "bug")
    assert len(problems) == 2
    assert "fleetdm/fleet#7 is closed" in problems[0]
    assert 'lacks the label "bug"' in problems[1]
    assert policy.reasons_not_to_escalate(None, "#8", "bug") == [
        "There is no issue #8. Give the number of a bug, or leave it empty and fill in a report."
    ]


def test_an_escalation_shows_why_the_customer_has_no_link_and_what_to_do() -> None:
    shown = policy.escalated(bug(), policy.Labelling([], []), not_told="Slack refused it (thread_not_found).")
    assert shown.sentences[-1] == (
        "The customer does not have the link: Slack refused it (thread_not_found). Give them the link by hand: "
        "https://github.com/fleetdm/fleet/issues/7"
    )
    assert len(policy.escalated(bug(), policy.Labelling([], [])).sentences) == len(shown.sentences) - 1


# -- days


@pytest.mark.parametrize(
    ("added", "first", "second"),
    [
        pytest.param(at(MONDAY), MONDAY, TUESDAY, id="Monday: leaves on Tuesday"),
        pytest.param(at(FRIDAY), FRIDAY, date(2026, 11, 23), id="Friday: leaves on Monday"),
        pytest.param(at(date(2026, 11, 21)), date(2026, 11, 23), date(2026, 11, 24), id="Saturday: begins on Monday"),
        pytest.param(
            at(date(2027, 1, 15)), date(2027, 1, 15), date(2027, 1, 19), id="Friday before a holiday Monday: Tuesday"
        ),
        pytest.param(
            at(date(2026, 11, 25)), date(2026, 11, 25), date(2026, 11, 27), id="the day before Thanksgiving: Friday"
        ),
        pytest.param(
            datetime(2026, 11, 17, 7, 30, tzinfo=UTC), MONDAY, TUESDAY, id="Monday 11:30 PM in Los Angeles is Monday"
        ),
        pytest.param(
            datetime(2026, 3, 6, 20, tzinfo=UTC), date(2026, 3, 6), date(2026, 3, 9), id="over the DST Sunday"
        ),
        pytest.param(at(date(2026, 12, 31)), date(2026, 12, 31), date(2027, 1, 4), id="New Year's Eve 2026"),
    ],
)
def test_days_are_counted_from_the_label_in_pacific_business_days(added: datetime, first: date, second: date) -> None:
    found = bug(added)
    assert (found.first, found.second) == (first, second)


@pytest.mark.parametrize(("hour", "minute", "second"), [(8, 30, date(2026, 11, 23)), (8, 31, date(2026, 11, 24))])
def test_counted_from_the_stand_up_a_friday_after_it_begins_on_monday(hour: int, minute: int, second: date) -> None:
    assert bug(at(FRIDAY, hour, minute), stand_up=True).second == second


def test_a_company_closure_is_no_business_day() -> None:
    assert bug(at(MONDAY), calendar=Calendar(closures={TUESDAY: "company closure"})).second == WEDNESDAY


def test_a_label_that_is_added_again_begins_anew() -> None:
    first, again = bug(at(MONDAY)), bug(at(WEDNESDAY))
    assert policy.leaves(first, WEDNESDAY)
    assert not policy.leaves(again, WEDNESDAY)
    assert first.key != again.key


def test_where_github_keeps_no_time_the_issue_counts_as_old_as_it_is() -> None:
    unknown = replace(investigated(), labels={"~investigate": None})
    assert policy.bug(unknown, "~investigate", CALENDAR, from_stand_up=False).added == unknown.created_at


def test_a_review_that_missed_the_second_day_takes_the_bug_off_on_the_third() -> None:
    assert policy.leaves(bug(at(MONDAY)), WEDNESDAY)


# -- acknowledgement


@pytest.mark.parametrize(
    ("by", "moment", "is_acknowledged"),
    [
        pytest.param("ddribeiro", at(MONDAY, 11), True, id="the manager commented since"),
        pytest.param("DDRibeiro", at(MONDAY, 11), True, id="logins know no case"),
        pytest.param("ddribeiro", at(MONDAY, 9), False, id="before the label is about something else"),
        pytest.param("ksatter", at(MONDAY, 11), False, id="somebody else"),
    ],
)
def test_the_manager_acknowledges_by_a_comment(by: str, moment: datetime, is_acknowledged: bool) -> None:
    found = investigated(comments=[comment(by, moment)])
    assert (
        policy.is_acknowledged(policy.bug(found, "~investigate", CALENDAR, from_stand_up=False), MANAGERS)
        is is_acknowledged
    )


def test_the_acknowledgement_says_the_same_on_whatever_day_it_is_written() -> None:
    said = policy.acknowledgement(bug(at(FRIDAY)), "ddribeiro")
    assert said == (
        "Acknowledged by @ddribeiro, Manager of Customer Support and Solutions Architecture. It is on the customer "
        "success stand-up of Friday, November 20, and is investigated until Monday, November 23."
    )


# -- leaving


@pytest.mark.parametrize(
    ("outcome", "add"),
    [
        pytest.param("reproduced", [":product"], id="reproduced: straight to the drafting board"),
        pytest.param("not reproduced", [":incoming", ":reproduce"], id="not reproduced: back to QA"),
        pytest.param(None, [":incoming", ":reproduce"], id="nobody knows: as not reproduced"),
    ],
)
def test_a_bug_leaves_the_stand_up_for_the_drafting_board_or_for_qa(
    outcome: policy.Outcome | None, add: list[str]
) -> None:
    wanted = policy.outcome_labels(bug(), outcome, LABELS, keeps_help_customers=True)
    assert wanted == policy.Labelling(add, ["~investigate"])


def test_help_customers_goes_too_when_the_setting_says_so() -> None:
    wanted = policy.outcome_labels(bug(), None, LABELS, keeps_help_customers=False)
    assert wanted.remove == ["~investigate", ":help-customers"]


def test_what_was_found_is_written_on_the_issue_and_notifies_nobody() -> None:
    found = policy.Finding("reproduced", "U1", "Run fleetctl twice.\n@someone must see #12 and ```code")
    said = policy.details_comment(bug(), found, LABELS)
    assert said.startswith("Investigated from Monday, November 16 to Tuesday, November 17. We have reproduced it.")
    assert "Run fleetctl twice." in said
    assert "@someone" not in said


def test_nothing_found_is_said_too() -> None:
    said = policy.details_comment(bug(), None, LABELS)
    assert "not known whether it can be reproduced" in said
    assert "`:incoming`, `:reproduce`" in said
    assert said.endswith("No further logs, steps or details were recorded.")


def test_a_finding_is_kept_and_read_as_it_was() -> None:
    for found in (None, policy.Finding("reproduced", "U1", "steps")):
        assert policy.finding_read(policy.finding_kept(found)) == found


def test_what_was_said_last_counts_and_all_details_stay_in_their_order() -> None:
    said = [
        policy.Finding("not reproduced", "U1", "It needs two hosts."),
        policy.Finding("not reproduced", "U2", "It needs two hosts."),
        policy.Finding("not reproduced", "U3", "And an old agent."),
        policy.Finding("reproduced", "U4"),
    ]
    assert policy.gathered(said) == policy.Finding("reproduced", "U4", "It needs two hosts.\n\nAnd an old agent.")
    assert policy.gathered([]) is None


# -- recording


def action(value: str = "fleetdm/fleet#7@1790000000", pressed: str = policy.REPRODUCED) -> SlackAction:
    return SlackAction(pressed, value, "U0SANDBOX09", "T1", "C062D0THVV1", "1.1", "", "1790000001.000100")


@pytest.mark.parametrize(
    ("pressed", "outcome"), [(policy.REPRODUCED, "reproduced"), (policy.NOT_REPRODUCED, "not reproduced")]
)
def test_a_press_says_which_bug_what_and_who(pressed: str, outcome: str) -> None:
    found = policy.press(policy.press_subject(action(pressed=pressed)))
    assert (found.issue, found.outcome, found.user) == ("fleetdm/fleet#7", outcome, "U0SANDBOX09")
    assert found.at == datetime.fromtimestamp(1790000001.0001, UTC)


def test_a_button_with_a_value_that_is_none_of_ours_does_nothing() -> None:
    assert policy.reasons_to_ignore(action()) == []
    assert policy.reasons_to_ignore(action("fleetdm/fleet#7; rm")) == ["The button's value is none of ours."]
    with pytest.raises(Refused, match="is no press of a button"):
        policy.press("fleetdm/fleet#7")


def test_nothing_is_recorded_for_a_bug_that_has_left_the_stand_up() -> None:
    (problem,) = policy.reasons_not_to_record(issue("bug", ":product"), "#7", "~investigate", "")
    assert "it has left the stand-up" in problem
    assert len(policy.reasons_not_to_record(None, "#8", "~investigate", "x" * 5_001)) == 2
    assert policy.reasons_not_to_record(investigated(), "#7", "~investigate", "steps") == []


@pytest.mark.parametrize("given", ["7", "#7", " fleetdm/fleet#7", "https://github.com/fleetdm/fleet/issues/7"])
def test_a_bug_is_named_by_number_key_or_address(given: str) -> None:
    assert issue_number(given, "fleetdm/fleet") == 7


# -- Slack


def test_the_question_has_two_buttons_and_shows_who_answered() -> None:
    asked = policy.question(bug())
    assert [each.action for each in asked.buttons] == [policy.REPRODUCED, policy.NOT_REPRODUCED]
    answered = policy.question(bug(), policy.Finding("not reproduced", "U0SANDBOX09"))
    assert answered.mentions == [Mention("U0SANDBOX09")]
    assert answered.sentences[0] == "Not reproduced."
    assert "Recorded by a person." in policy.question(bug(), policy.Finding("reproduced", "a person")).sentences[0]


def test_the_agenda_begins_with_what_leaves_today_and_names_codenames_only() -> None:
    new = policy.bug(
        replace(investigated(at(TUESDAY), "customer-hebe"), number=9), "~investigate", CALENDAR, from_stand_up=False
    )
    old = bug(at(MONDAY))
    items = policy.agenda_items([new, old], {old.key: policy.Finding("reproduced", "U1")}, TUESDAY)
    assert [(each.issue, each.day, each.outcome) for each in items] == [
        ("fleetdm/fleet#7", "leaves today", "reproduced"),
        ("fleetdm/fleet#9", "first day", "unknown"),
    ]
    assert items[1].customers == "customer-hebe"
    assert policy.read(policy.kept(items)) == items
    shown = policy.agenda(items, TUESDAY, "U1")
    assert shown.title == "Stand-up of Tuesday, November 17: bugs under investigation"
    assert shown.sentences == ["2 on the agenda, 1 of them for the second business day: these leave it now."]


def test_the_agenda_has_buttons_for_what_stays_and_is_unknown() -> None:
    kinds = {number: replace(investigated(at(TUESDAY)), number=number) for number in (1, 2)}
    known, unknown = [policy.bug(each, "~investigate", CALENDAR, from_stand_up=False) for each in kinds.values()]
    said = {known.key: policy.Finding("reproduced", "U1")}
    items = policy.agenda_items([bug(at(MONDAY)), known, unknown], said, TUESDAY)
    shown = policy.agenda(items, TUESDAY, "")
    assert [[(each.action, each.value) for each in row] for row in shown.row_buttons] == [
        [],  # it leaves today
        [],
        [(policy.REPRODUCED, unknown.key), (policy.NOT_REPRODUCED, unknown.key)],
    ]
    assert policy.with_outcomes(items, {unknown.key: said[known.key]})[2].outcome == "reproduced"


# -- the drawing


def edges() -> list[tuple[str, str, str]]:
    drawn = (Path(__file__).parents[3] / "docs/bug_escalation.md").read_text(encoding="utf-8")
    found = re.findall(r"^ {4}(\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)
    assert len(found) >= 10
    return found


STANDING = {
    policy.State.REPORTED: issue("bug", ":incoming", ":reproduce"),
    policy.State.INVESTIGATED: investigated(at(TUESDAY)),
    policy.State.ACKNOWLEDGED: investigated(at(TUESDAY), comments=[comment("ddribeiro", at(TUESDAY, 11))]),
    policy.State.SECOND_DAY: investigated(at(MONDAY)),
    policy.State.DRAFTING: issue("bug", ":help-customers", ":product"),
    policy.State.TRIAGE: issue("bug", ":help-customers", ":incoming", ":reproduce"),
    policy.State.CLOSED: replace(investigated(), is_open=False),
}


def standing(found: Issue, day: date = TUESDAY) -> policy.State:
    return policy.state(policy.bug(found, "~investigate", CALENDAR, from_stand_up=False), day, LABELS, MANAGERS)


def labelled(found: Issue, change: policy.Labelling) -> Issue:
    kept = {label: moment for label, moment in found.labels.items() if label not in change.remove}
    return replace(found, labels=kept | dict.fromkeys(change.add, at(TUESDAY, 9)))


def after(found: Issue, event: str) -> policy.State:
    """Gives where the policy leads."""
    match event:
        case "escalated":
            return standing(labelled(found, policy.escalation(found, LABELS)))
        case "the manager comments":
            return standing(replace(found, comments=[comment("ddribeiro", at(TUESDAY, 11))]))
        case "the second business day":
            return standing(found, TUESDAY + timedelta(days=1))
        case "reproduced" | "not reproduced" | "unknown":
            outcome: policy.Outcome | None = None if event == "unknown" else event
            here = policy.bug(found, "~investigate", CALENDAR, from_stand_up=False)
            change = policy.outcome_labels(here, outcome, LABELS, keeps_help_customers=True)
            return standing(labelled(found, change))
        case "closed":
            return standing(replace(found, is_open=False))
        case _:
            raise AssertionError(f'The drawing says "{event}", which the test does not know.')


@pytest.mark.parametrize("state", policy.State)
def test_every_state_of_the_drawing_is_one_of_the_policys(state: policy.State) -> None:
    assert standing(STANDING[state]) is state
    assert str(state) in {name for edge in edges() for name in edge[:2]}


@pytest.mark.parametrize(("source", "target", "event"), edges())
def test_the_policy_goes_where_the_drawing_says(source: str, target: str, event: str) -> None:
    assert after(STANDING[policy.State(source)], event) == policy.State(target)
