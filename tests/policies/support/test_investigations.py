"""Investigations: what is refused, until when there is time, what is planned and what others read of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from policies.business_time import SUPPORT, Calendar
from policies.confidentiality import Confidential
from policies.free_time import Slot
from policies.handbook import Person
from policies.issue import Issue
from policies.report import Link
from policies.support import investigations as policy
from policies.support.bug_escalation import bug

LABEL = "~investigate"
ADDRESS = "https://github.com/fleetdm/fleet/issues/12"
MESSAGE = "https://fleetdm.slack.com/archives/C0SANDBOX01/p1763900000000100"


def someone(handle: str, name: str, **fields: str) -> Person:
    return Person(handle=handle, name=name, **{"slack": "U02AB3CD4", "mailbox": f"{handle}@fleetdm.com", **fields})


KATHY, BEN, CSM = (
    someone("ksatter", "Kathy Satterlee"),
    someone("edwardsb", "Ben Edwards"),
    someone("pat", "Jason Lewis"),
)
PEOPLE = {
    each.handle: each
    for each in (
        *(KATHY, BEN, CSM),
        someone("without-mailbox", "Matt Rebelo", mailbox=""),
        someone("without-slack", "", slack=""),
    )
}
ROLES: dict[str, Sequence[str]] = {
    "customer_support_engineer": ["ksatter", "edwardsb", "without-slack"],
    "customer_solutions_architect": ["without-mailbox"],
    "customer_success_manager": ["pat"],
}


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)


MONDAY = pacific("2026-11-23T09:00")


def issue(*labels: str, is_open: bool = True, added: datetime = MONDAY) -> Issue:
    named = dict.fromkeys(labels or ("bug", LABEL, "customer-juno"), added)
    words = Confidential("Title"), Confidential("Body")
    return Issue("fleetdm/fleet", 12, "ksatter", False, is_open, added, named, [], [], *words, ADDRESS)


def timebox(**fields: Any) -> policy.Timebox:
    said: dict[str, Any] = {"issue": "12", "who": "ksatter", **fields}
    return policy.Timebox(**said)


def refused(found: Issue | None = None, **fields: Any) -> list[str]:
    return policy.reasons_not_to_timebox(timebox(**fields), found or issue(), LABEL, PEOPLE, ROLES)


def on(added: datetime = MONDAY, calendar: Calendar = SUPPORT) -> policy.Investigation:
    known = bug(issue(added=added), LABEL, calendar, from_stand_up=False)
    return policy.investigation(known, KATHY, policy.kept(known))


def slot(start: str, minutes: int = 60) -> Slot:
    return Slot(pacific(start), pacific(start) + timedelta(minutes=minutes))


# What is refused


def test_a_block_of_an_hour_is_right() -> None:
    assert refused(minutes=60) == []


def test_blocks_of_more_than_an_hour_are_refused() -> None:
    (told,) = refused(minutes=61)
    assert told.startswith("A block of 61 minutes is too long: calendar blocks max 1 hour each.")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"minutes": 14}, "14 minutes is too short. Give 15 or more."),
        ({"blocks": 0}, "0 blocks are none."),
        ({"blocks": -2}, "-2 blocks are none."),
        ({"who": "nobody"}, '"nobody" is not among [people]'),
        ({"who": "without-mailbox"}, "Fill in people.without-mailbox.mailbox"),
        ({"logs": "the thread"}, '"the thread" is no message in Slack'),
        ({"logs": MESSAGE, "wanted": ()}, "not said which logs"),
        ({"call": True}, "coordinated by the CSM. Give their GitHub handle."),
        ({"call": True, "manager": "nobody"}, '"nobody" is not among [people]'),
        ({"call": True, "manager": "edwardsb"}, "edwardsb is no CSM. Give one of pat."),
        ({"hand_over_to": "nobody", "tried": "It."}, '"nobody" is not among [people]'),
        ({"hand_over_to": "pat", "tried": "It."}, "pat is neither CSE nor CSA. Give one of ksatter, edwardsb"),
        ({"hand_over_to": "@KSATTER", "tried": "It."}, "can't hand over to themselves"),
        ({"hand_over_to": "without-slack", "tried": "It."}, "Fill in people.without-slack.slack."),
        ({"hand_over_to": "edwardsb"}, "It is not said what was tried."),
        ({"on_call": True}, "It is not said what was tried."),
        ({"on_call": True, "tried": "The password is hunter2"}, "a password or token"),
        ({"on_call": True, "tried": "x" * 2_001}, "at most 2000 are shown"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_what_to_do(fields: dict[str, Any], says: str) -> None:
    (told,) = refused(**fields)
    assert says in told


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, 'There is no issue "12".'),
        (issue(is_open=False), "fleetdm/fleet#12 is closed."),
        (issue("bug"), 'does not have the label "~investigate"'),
    ],
    ids=["absent", "closed", "not under investigation"],
)
def test_a_bug_must_be_on_the_stand_up(found: Issue | None, says: str) -> None:
    (told,) = policy.reasons_not_to_timebox(timebox(), found, LABEL, PEOPLE, ROLES)
    assert says in told


def test_everything_wrong_is_said_at_once() -> None:
    wanted = timebox(minutes=90, blocks=0, who="nobody", call=True, logs="x", hand_over_to="pat")
    told = policy.reasons_not_to_timebox(wanted, None, LABEL, PEOPLE, ROLES)
    assert len(told) == 8
    assert len(set(told)) == len(told)


def test_handles_may_be_written_as_people_do() -> None:
    assert refused(who="@KSatter", call=True, manager=" Pat ", hand_over_to="@edwardsb", tried="It.") == []


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        timebox(minute=30)


def test_the_form_says_the_limit() -> None:
    fields = policy.Timebox.model_json_schema()["properties"]
    assert fields["minutes"]["maximum"] == 60
    assert "max 1 hour" in fields["minutes"]["description"]
    assert all(field["title"] and field["description"] for field in fields.values())


# When


@pytest.mark.parametrize(
    ("added", "until"),
    [
        ("2026-11-23T09:00", "2026-11-24T08:30"),
        ("2026-11-20T15:59", "2026-11-23T08:30"),
        ("2026-11-21T12:00", "2026-11-24T08:30"),
        ("2026-11-25T10:00", "2026-11-27T08:30"),
    ],
    ids=["Monday to Tuesday", "Friday to Monday", "Saturday to Tuesday", "Wednesday to Friday, over Thanksgiving"],
)
def test_the_time_to_investigate_ends_at_the_stand_up_of_the_second_business_day(added: str, until: str) -> None:
    assert on(pacific(added)).until == pacific(until)


def test_a_closure_gives_more_time() -> None:
    closed = Calendar(closures={date(2026, 11, 24): "company closure"})
    assert on(calendar=closed).until == pacific("2026-11-25T08:30")


def test_blocks_have_a_break_between_them() -> None:
    first = policy.block_slot(on(), timebox(), pacific("2026-11-23T10:00"), [], SUPPORT)
    assert first
    assert first == slot("2026-11-23T10:00")
    taken = policy.with_breaks([first])
    assert policy.block_slot(on(), timebox(), pacific("2026-11-23T10:00"), taken, SUPPORT) == slot("2026-11-23T11:15")


def test_a_call_leaves_an_hour_to_reach_the_customer() -> None:
    now = pacific("2026-11-23T10:05")
    assert policy.call_slot(on(), now, [], SUPPORT) == slot("2026-11-23T11:15", 30)


def test_nothing_is_planned_past_the_stand_up_that_the_bug_leaves() -> None:
    now = pacific("2026-11-24T07:45")
    assert policy.block_slot(on(), timebox(), now, [], SUPPORT) is None
    assert policy.block_slot(on(), timebox(minutes=45), now, [], SUPPORT) == slot("2026-11-24T07:45", 45)
    assert policy.call_slot(on(), now, [], SUPPORT) is None


def test_a_time_that_has_begun_is_stale() -> None:
    assert policy.is_stale(slot("2026-11-23T10:00"), pacific("2026-11-23T10:01"))
    assert not policy.is_stale(slot("2026-11-23T10:00"), pacific("2026-11-23T10:00"))


# What others read


def test_a_second_run_says_what_the_first_has_said() -> None:
    known = bug(issue(), LABEL, SUPPORT, from_stand_up=False)
    said = policy.kept(known)
    later = bug(issue("bug", LABEL), LABEL, Calendar(closures={date(2026, 11, 24): "x"}), from_stand_up=False)
    assert policy.investigation(later, KATHY, said).customers == ["customer-juno"]
    assert policy.investigation(later, KATHY, said).until == pacific("2026-11-24T08:30")


def test_a_block_says_what_it_is_for_and_names_no_customer() -> None:
    made = policy.block(on(), 2, slot("2026-11-23T10:00"))
    assert (made.mailbox, made.title, made.about, made.guests) == (
        KATHY.mailbox,
        "Investigate fleetdm/fleet#12",
        ADDRESS,
        (),
    )
    assert "Block 2 for" in made.text
    assert "Tuesday, November 24, 8:30 AM Pacific Time" in made.text
    assert "juno" not in str(made)


def test_a_call_invites_both_and_names_no_customer() -> None:
    planned = slot("2026-11-23T12:00", 30)
    call = policy.call(on(), CSM, planned)
    event = policy.invitation(on(), CSM, planned, "https://zoom.us/j/1")
    assert (call.host, call.guests, call.minutes) == (KATHY.mailbox, [CSM.mailbox], 30)
    assert (event.mailbox, event.guests, event.place) == (KATHY.mailbox, [CSM.mailbox], "https://zoom.us/j/1")
    assert "juno" not in f"{call}{event}"


def test_the_csm_reads_when_for_whom_and_what_to_do() -> None:
    shown = policy.ask_manager(on(), CSM, slot("2026-11-23T12:00", 30), "https://zoom.us/j/1")
    text = shown.slack_text()
    assert text.startswith(f"<@{CSM.slack}>")
    assert "Monday, November 23, 12:00 PM to 12:30 PM Pacific Time" in text
    assert "Please agree on it with the customer" in text
    assert shown.rows == [(Link("fleetdm/fleet#12", ADDRESS), "customer-juno", Link("Zoom", "https://zoom.us/j/1"))]


def test_the_customer_is_told_what_to_send_and_where_it_is() -> None:
    shown = policy.ask_for_logs(on(), timebox(wanted=("debug archive", "agent")))
    told = shown.markdown()
    assert [row[0] for row in shown.rows] == [
        "Logs of fleetd, of a host that shows it",
        "The output of fleetctl debug archive",
        "The bug that it is about",
    ]
    assert "orbit.stderr.log" in told
    assert "take out passwords and tokens" in told
    assert "juno" not in told


def test_the_same_logs_are_the_same_request_in_whatever_order() -> None:
    both = policy.digest(timebox(wanted=("server", "agent")))
    assert policy.digest(timebox(wanted=("agent", "server", "agent"))) == both
    assert policy.digest(timebox(wanted=("agent",))) != both


def test_a_colleague_reads_what_was_tried_with_foreign_text_made_harmless() -> None:
    shown = policy.hand_over(on(), BEN, "Asked <!channel> about <orbit.log>")
    said = str(shown.slack_blocks())
    assert "Kathy Satterlee hands the investigation of this bug over to Ben Edwards." in said
    assert "<!channel>" not in said
    assert "&lt;orbit.log&gt;" in said


def test_the_developer_on_call_is_asked_in_the_persons_name() -> None:
    asked = policy.question(on(), timebox(on_call=True, tried="Restarted it."))
    assert (asked.issue, asked.asked_by, asked.tried) == (ADDRESS, "ksatter", "Restarted it.")


# What the run shows


def test_the_run_shows_blocks_call_and_threads_with_links() -> None:
    call = slot("2026-11-23T12:00", 30), "https://zoom.us/j/1", "https://calendar/2"
    done = policy.Planned([(slot("2026-11-23T10:00"), "https://calendar/1")], call, {"Logs": "https://slack/1"})
    shown = policy.timeboxed(on(), timebox(call=True, manager="pat"), done)
    assert shown.sentences == ["Time to investigate: until Tuesday, November 24, 8:30 AM Pacific Time."]
    assert shown.rows == [
        ("Block 1", Link("Monday, November 23, 10:00 AM to 11:00 AM Pacific Time", "https://calendar/1"), ""),
        (
            "Call with the customer",
            Link("Monday, November 23, 12:00 PM to 12:30 PM Pacific Time", "https://calendar/2"),
            Link("Zoom", "https://zoom.us/j/1"),
        ),
        ("Logs", "", Link("thread", "https://slack/1")),
    ]


def test_what_found_no_free_time_is_said_with_what_to_do() -> None:
    shown = policy.timeboxed(on(), timebox(blocks=3, call=True, manager="pat"), policy.Planned([], None, {}))
    _, blocks, call = shown.sentences
    assert "3 of 3 blocks found no free time" in blocks
    assert "hand over to another CSE or CSA, or ask the developer on-call" in blocks
    assert "There is no time for a call" in call
    assert "pat and ksatter have no 30 minutes in common" in call
