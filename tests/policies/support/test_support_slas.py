"""Response times as the handbook's table has them: until when, how long is left, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from policies.attainment import by_week
from policies.business_time import PACIFIC, Calendar, urgent
from policies.confidentiality import Confidential
from policies.report import Link, Mention
from policies.support import support_slas as policy
from policies.support.conversation_turns import History, Hold, Turn
from policies.ticket import Priority, Ticket, TicketCustomer, TicketUser, Tier
from settings import handbook

RULES = policy.rules(handbook())
HOLIDAYS_DELAY_P1 = replace(RULES, urgent=urgent(holidays_count=False))
HOUR = timedelta(hours=1)


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """Gives a time of 2026 in Los Angeles."""
    return datetime(2026, month, day, hour, minute, tzinfo=PACIFIC)


MONDAY = at(11, 23, 9)


def ticket(number: int = 7, priority: int | None = 5, **more: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": f"conversation-{number}",
        "number": number,
        "status": "open",
        "title": Confidential(""),
        "text": Confidential(""),
        "customer": "customer-1",
        "assignee": "",
        "priority": priority,
        "created_at": MONDAY,
        "closed_at": None,
        "url": f"https://app.example/{number}",
        "changed_at": MONDAY,
        "status_since": MONDAY,
    }
    return Ticket(**values | more)


def stands(
    priority: Priority = "P2",
    came: datetime = MONDAY,
    now: datetime = MONDAY,
    *,
    tier: Tier = "Premium",
    holds: Sequence[Hold] = (),
    answered_at: datetime | None = None,
    rules: policy.Rules = RULES,
    of: Ticket | None = None,
) -> policy.Standing:
    found = History(MONDAY, [Turn("message-1", came, priority, tier, answered_at)], holds)
    known = of or ticket(priority=rules.numbers[priority])
    return policy.standing(known, "customer-hebe", (priority, tier), found, now, rules)


# -- the table


@pytest.mark.parametrize(
    ("priority", "came", "due"),
    [
        pytest.param("P0", at(11, 23, 9), at(11, 23, 13), id="P0: 4 hours"),
        pytest.param("P0", at(11, 21, 23), at(11, 22, 3), id="P0 on a Saturday night: 4 hours by the clock"),
        pytest.param("P0", at(11, 26, 5), at(11, 26, 9), id="P0 on Thanksgiving: 4 hours by the clock"),
        pytest.param(
            "P0", at(10, 31, 23, 30), at(11, 1, 2, 30), id="P0 in the night when clocks go back: 4 real hours"
        ),
        pytest.param("P1", at(11, 23, 9), at(11, 23, 13), id="P1: 4 business hours"),
        pytest.param("P1", at(11, 23, 14), at(11, 24, 8), id="P1 in the afternoon: the rest on the next morning"),
        pytest.param("P1", at(11, 20, 18), at(11, 23, 10), id="P1 on Friday evening: Monday at ten"),
        pytest.param("P1", at(3, 6, 15), at(3, 9, 9), id="P1 before the weekend when clocks go forward"),
        pytest.param("P1", at(10, 30, 15), at(11, 2, 9), id="P1 before the weekend when clocks go back"),
        pytest.param("P1", at(11, 26, 9), at(11, 26, 13), id="P1 on Thanksgiving: holidays count"),
        pytest.param("P2", at(11, 23, 9), at(11, 24, 9), id="P2: 1 business day"),
        pytest.param("P2", at(11, 20, 15), at(11, 23, 15), id="P2 on Friday afternoon: Monday afternoon"),
        pytest.param("P2", at(11, 20, 18), at(11, 23, 16), id="P2 on Friday evening: the whole of Monday"),
        pytest.param("P2", at(11, 25, 9), at(11, 27, 9), id="P2 before Thanksgiving: a day later"),
        pytest.param("P2", at(3, 6, 15), at(3, 9, 15), id="P2 over the weekend when clocks go forward"),
        pytest.param("P3", at(11, 23, 9), at(11, 25, 9), id="P3: at most 2 business days"),
        pytest.param("P3", at(11, 25, 9), at(11, 30, 9), id="P3 before Thanksgiving"),
    ],
)
def test_an_answer_is_due_as_the_table_says(priority: Priority, came: datetime, due: datetime) -> None:
    assert policy.due_by(priority, came, RULES) == due


def test_the_vp_may_have_holidays_delay_p1_as_well() -> None:
    assert policy.due_by("P1", at(11, 26, 9), HOLIDAYS_DELAY_P1) == at(11, 27, 10)
    assert policy.due_by("P0", at(11, 26, 9), HOLIDAYS_DELAY_P1) == at(11, 26, 13)


def test_a_company_closure_delays_p2_and_where_holidays_do_p1_too() -> None:
    closed = {date(2026, 12, 24): "company closure"}
    rules = replace(RULES, support=Calendar(closures=closed), urgent=urgent(holidays_count=True, closures=closed))
    assert policy.due_by("P2", at(12, 23, 9), rules) == at(12, 28, 9)
    assert policy.due_by("P1", at(12, 24, 9), rules) == at(12, 24, 13)
    assert policy.due_by("P1", at(12, 24, 9), replace(rules, urgent=urgent(holidays_count=False, closures=closed))) == (
        at(12, 28, 10)
    )


def test_fleet_free_has_no_due_time_and_is_never_late() -> None:
    each = stands("P0", now=MONDAY + timedelta(days=30), tier="Free")
    assert (each.due, each.left) == (None, None)
    assert not policy.is_told(each, MONDAY)
    assert policy.promises([History(MONDAY, [Turn("1", MONDAY, "P0", "Free")])], RULES) == []


def test_fleet_ultimate_is_promised_what_premium_is() -> None:
    assert stands("P1", tier="Ultimate").due == stands("P1", tier="Premium").due == at(11, 23, 13)


# -- what counts


@pytest.mark.parametrize(
    ("number", "priority"),
    [(9, "P0"), (7, "P1"), (5, "P2"), (3, "P3"), (None, None), (4, None), (0, None)],
)
def test_unthreads_numbers_stand_for_priorities(number: int | None, priority: Priority | None) -> None:
    assert policy.priority_of(ticket(priority=number), RULES) == priority


def test_without_a_priority_p2_counts() -> None:
    assert RULES.without_priority == "P2"


@pytest.mark.parametrize(
    ("tags", "tier"),
    [((), "Premium"), (("EMEA",), "Premium"), (("fleet free",), "Free"), (("EMEA", "Fleet Ultimate"), "Ultimate")],
    ids=["no tag", "another tag", "Free", "Ultimate"],
)
def test_a_customers_tier_is_a_tag_and_without_one_premium(tags: tuple[str, ...], tier: Tier) -> None:
    assert policy.tier_of(TicketCustomer("customer-1", Confidential("x"), "", tags), RULES) == tier


def test_who_is_no_customer_uses_fleet_free() -> None:
    assert policy.tier_of(None, RULES) == "Free"


def test_raising_the_priority_moves_the_due_time() -> None:
    assert stands("P2").due == at(11, 24, 9)
    raised = stands("P0", now=at(11, 23, 12))
    assert (raised.due, raised.state, raised.left) == (at(11, 23, 13), "due soon", HOUR)
    assert raised.occasion() != stands("P1", now=at(11, 23, 12)).occasion()


# -- while we wait for the customer


def test_the_clock_stands_still_while_the_conversation_is_on_hold() -> None:
    lasting = stands("P1", holds=[Hold(at(11, 23, 10))], now=at(11, 23, 15))
    assert (lasting.state, lasting.due) == ("on hold", None)
    over = stands("P1", holds=[Hold(at(11, 23, 10), at(11, 23, 15))], now=at(11, 23, 15))
    assert (over.state, over.due) == ("in time", at(11, 24, 8))


def test_a_hold_over_a_night_costs_business_time_only() -> None:
    each = stands("P2", holds=[Hold(at(11, 23, 15), at(11, 24, 7))])
    assert each.due == at(11, 24, 11)


def test_for_p0_a_hold_moves_the_due_time_by_the_clock() -> None:
    holds = [Hold(at(11, 23, 10), at(11, 23, 20)), Hold(at(11, 23, 21), at(11, 23, 22))]
    assert stands("P0", holds=holds).due == at(11, 24, 0)


def test_a_hold_that_began_after_the_due_time_excuses_nothing() -> None:
    each = stands("P1", holds=[Hold(at(11, 23, 14))], now=at(11, 23, 15))
    assert (each.state, each.due) == ("late", at(11, 23, 13))


def test_once_we_have_answered_we_wait_for_the_customer() -> None:
    each = stands("P1", answered_at=at(11, 23, 10), now=at(11, 25, 9))
    assert (each.state, each.due) == ("waiting for the customer", None)


# -- how it stands


@pytest.mark.parametrize(
    ("priority", "now", "state", "left"),
    [
        ("P0", at(11, 23, 11, 59), "in time", timedelta(minutes=61)),
        ("P0", at(11, 23, 12), "due soon", HOUR),
        ("P0", at(11, 23, 13), "due soon", timedelta()),
        ("P0", at(11, 23, 13, 1), "late", -timedelta(minutes=1)),
        ("P1", at(11, 23, 12), "due soon", HOUR),
        ("P2", at(11, 23, 16), "in time", timedelta(hours=3)),
        ("P2", at(11, 24, 7), "due soon", 2 * HOUR),
        ("P3", at(11, 25, 6, 59), "in time", timedelta(hours=2, minutes=1)),
        ("P3", at(11, 25, 7), "due soon", 2 * HOUR),
    ],
)
def test_who_has_it_is_warned_before(priority: Priority, now: datetime, state: str, left: timedelta) -> None:
    each = stands(priority, now=now)
    assert (each.state, each.left) == (state, left)


def test_the_night_before_nobody_is_warned_of_a_p2_that_is_due_in_the_morning() -> None:
    assert stands("P2", at(11, 23, 9), now=at(11, 24, 5)).state == "in time"


def test_an_old_backlog_is_shown_and_told_nobody_when_the_watch_begins() -> None:
    began = at(11, 24, 12)
    assert policy.is_told(stands("P1", now=began), began)
    assert not policy.is_told(stands("P1", at(11, 20, 9), now=began), began)
    assert not policy.is_told(stands("P1"), MONDAY)


def test_a_new_request_without_a_priority_is_asked_about() -> None:
    assert policy.asks_for_priority(stands(of=ticket(priority=None)), MONDAY)
    assert not policy.asks_for_priority(stands(), MONDAY)
    assert not policy.asks_for_priority(stands(of=ticket(priority=None)), MONDAY + timedelta(days=2))
    assert not policy.asks_for_priority(stands(of=ticket(priority=None), answered_at=MONDAY), MONDAY)


def test_what_was_set_in_unthread_and_never_decided_on_is_routed_unless_it_is_older_than_the_watch() -> None:
    assert policy.is_set_by_hand(stands(), MONDAY, None)
    assert not policy.is_set_by_hand(stands(), MONDAY + timedelta(days=2), None)
    assert not policy.is_set_by_hand(stands(of=ticket(priority=None)), MONDAY, None)
    assert not policy.is_set_by_hand(stands("P2", answered_at=MONDAY), MONDAY, None)
    assert policy.is_set_by_hand(stands("P0", answered_at=MONDAY), MONDAY, None)
    assert not policy.is_set_by_hand(stands("P0", tier="Free"), MONDAY, None)


@pytest.mark.parametrize(
    ("decided", "now", "is_routed"),
    [("P2", "P0", True), ("P1", "P0", True), ("P2", "P1", True), ("P3", "P2", False), ("P0", "P1", False)],
)
def test_what_was_raised_to_p0_or_p1_in_unthread_is_routed_and_other_changes_are_left(
    decided: Priority, now: Priority, is_routed: bool
) -> None:
    assert policy.is_set_by_hand(stands(now), MONDAY + timedelta(days=9), decided) is is_routed


def test_another_due_time_is_another_occasion_and_the_same_one_is_not() -> None:
    soon = stands("P1", now=at(11, 23, 12))
    assert soon.occasion() == stands("P1", now=at(11, 23, 12, 30)).occasion()
    assert soon.occasion() != stands("P1", now=at(11, 23, 14)).occasion()
    moved = stands("P1", holds=[Hold(at(11, 23, 10), at(11, 23, 11))], now=at(11, 23, 13, 30))
    assert moved.state == "due soon"
    assert moved.occasion() != soon.occasion()


def test_what_has_the_least_time_left_stands_on_top_and_what_waits_at_the_end() -> None:
    late = stands("P1", now=at(11, 23, 15))
    p0 = stands("P0", at(11, 23, 14), now=at(11, 23, 15))
    p2 = stands("P2", now=at(11, 23, 15))
    held = stands("P1", holds=[Hold(at(11, 23, 10))], now=at(11, 23, 15))
    waits = stands("P0", answered_at=MONDAY, now=at(11, 23, 15))
    assert policy.by_time_left([waits, held, p2, p0, late]) == [late, p0, p2, held, waits]


def test_an_hour_of_business_is_less_than_three_by_the_clock_though_it_ends_the_next_morning() -> None:
    evening = at(11, 23, 17)
    p0 = stands("P0", at(11, 23, 16), now=evening)
    p1 = stands("P1", at(11, 23, 13), now=evening)
    assert [each.due for each in (p0, p1)] == [at(11, 23, 20), at(11, 24, 7)]
    assert policy.by_time_left([p0, p1]) == [p1, p0]


# -- attainment


def test_promises_are_reckoned_from_the_calendar_and_what_is_on_hold_is_not_due() -> None:
    answered, open_one = Turn("1", MONDAY, "P1", "Premium", at(11, 23, 12)), Turn("2", MONDAY, "P1", "Premium")
    histories = [History(MONDAY, [answered]), History(MONDAY, [open_one]), History(MONDAY, [open_one], [Hold(MONDAY)])]
    assert policy.promises(histories, RULES) == [(at(11, 23, 13), at(11, 23, 12)), (at(11, 23, 13), None)]
    (week,) = by_week(policy.promises(histories, RULES), at(11, 24, 9), weeks=1)
    assert (week.met, week.due) == (1, 2)


# -- who is told


PEOPLE = [
    person.model_copy(update={"mailbox": mailbox, "slack": slack})
    for person, mailbox, slack in (
        (handbook().people["ksatter"], "kathy@fleetdm.com", "U0SANDBOX09"),
        (handbook().people["edwardsb"], "", "U0SANDBOX11"),
    )
]


KATHY = policy.Owner("Kathy Satterlee", "U0SANDBOX09", is_known=True)


@pytest.mark.parametrize(
    ("user", "handle"),
    [
        (TicketUser("1", "Kathy", "Kathy@fleetdm.com", ""), "ksatter"),
        (TicketUser("2", "Ben", "ben@elsewhere.example", "U0SANDBOX11"), "edwardsb"),
        (TicketUser("3", "A stranger", "", ""), None),
        (None, None),
    ],
    ids=["by mailbox", "by Slack id", "unknown", "nobody"],
)
def test_the_owner_is_whom_unthread_assigns_it_to(user: TicketUser | None, handle: str | None) -> None:
    found = policy.owner(user, PEOPLE)
    assert (found.handle if found else None) == handle


def test_an_owner_whose_slack_id_handbook_toml_lacks_is_mentioned_by_the_one_that_unthread_has() -> None:
    people = [PEOPLE[0].model_copy(update={"slack": ""})]
    kathy = TicketUser("1", "Kathy", "kathy@fleetdm.com", "U0SANDBOX09")
    found = policy.owner(kathy, people)
    assert found
    assert found.slack == "U0SANDBOX09"
    soon = stands("P1", now=at(11, 23, 12))
    assert policy.notice(soon, policy.assigned_to(kathy, people), ["U0SANDBOX05"]).mentions == [Mention("U0SANDBOX09")]


def test_where_nobody_knows_the_owners_slack_id_they_are_named_and_who_leads_support_is_mentioned() -> None:
    people = [PEOPLE[0].model_copy(update={"slack": ""})]
    owner = policy.assigned_to(TicketUser("1", "Kathy", "kathy@fleetdm.com", ""), people)
    warned = policy.notice(stands("P1", now=at(11, 23, 12)), owner, ["U0SANDBOX05"])
    assert warned.mentions == [Mention("U0SANDBOX05")]
    assert f"It is assigned to {people[0].name}." in warned.sentences[0]


def test_an_owner_whom_only_unthread_knows_is_named_and_mentioned_with_who_leads_support() -> None:
    owner = policy.assigned_to(TicketUser("9", "Robin Example", "", "U0SANDBOX77"), PEOPLE)
    warned = policy.notice(stands("P1", now=at(11, 23, 12)), owner, ["U0SANDBOX05"])
    assert warned.mentions == [Mention("U0SANDBOX77"), Mention("U0SANDBOX05")]
    assert "It is assigned to Robin Example, whom handbook.toml does not name." in warned.sentences[0]


def test_a_warning_goes_to_the_owner_and_lateness_to_who_leads_support_too() -> None:
    soon, late = stands("P1", now=at(11, 23, 12)), stands("P1", now=at(11, 23, 14))
    warned = policy.notice(soon, KATHY, ["U0SANDBOX05"])
    assert warned.mentions == [Mention("U0SANDBOX09")]
    assert warned.title == "P1 response is due soon: conversation #7"
    assert "is due on Monday, November 23, at 1:00 PM Pacific Time: P1, 4 business hours." in warned.sentences[0]
    told = policy.notice(late, KATHY, ["U0SANDBOX05"])
    assert told.mentions == [Mention("U0SANDBOX09"), Mention("U0SANDBOX05")]
    assert told.rows == [(Link("Conversation #7", "https://app.example/7"), "customer-hebe")]


def test_what_nobody_has_goes_to_who_leads_support_at_once() -> None:
    warned = policy.notice(stands("P2", now=at(11, 24, 8), of=ticket(priority=None)), None, ["U0SANDBOX05"])
    assert warned.mentions == [Mention("U0SANDBOX05")]
    assert "Nobody has set a priority; it counts as P2." in warned.sentences[0]


def test_the_vp_is_told_when_something_urgent_is_late() -> None:
    assert policy.above("P0", ["U0SANDBOX05"], ["U0SANDBOX01"]) == ["U0SANDBOX05", "U0SANDBOX01"]
    assert policy.above("P2", ["U0SANDBOX05"], ["U0SANDBOX01"]) == ["U0SANDBOX05"]


# -- what the run shows


def test_the_table_shows_time_left_in_the_time_that_counts() -> None:
    now = at(11, 23, 14, 30)
    standings = [
        stands("P1", now=now),
        stands("P0", at(11, 23, 12), now=now),
        stands("P2", now=now, of=ticket(priority=None)),
        stands("P1", now=now, tier="Free"),
    ]
    shown = policy.watched(standings, {"conversation-7": "Kathy Satterlee"}, by_week([], now), ["Codenames missing."])
    assert [row[1:5] for row in shown.rows] == [
        ("-1 h 30 min", "Mon Nov 23, 13:00", "P1", "late"),
        ("1 h 30 min", "Mon Nov 23, 16:00", "P0", "in time"),
        ("4 h 30 min", "Tue Nov 24, 09:00", "P2 (not set)", "in time"),
    ]
    assert shown.rows[0][5:] == ("customer-hebe", "Kathy Satterlee", "Premium")
    assert shown.sentences == [
        "3 open conversations of customers with response times; 1 late, 0 due soon.",
        "1 more are of Fleet Free customers, who have none.",
        "Nothing was due in the last 12 weeks.",
        "Due is Pacific Time; what is left is business time, for P0 and once late by the clock.",
        "Codenames missing.",
    ]


def test_the_due_time_is_told_in_pacific_time() -> None:
    assert policy.spoken(datetime(2026, 11, 23, 14, tzinfo=UTC)) == "on Monday, November 23, at 6:00 AM Pacific Time"
