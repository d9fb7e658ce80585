"""Conversations as turns: when a customer waits for us, and when we wait for the customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.confidentiality import Confidential
from policies.support.conversation_turns import History, Hold, Turn, history, read
from policies.ticket import Priority, Ticket, TicketMessage, Tier

NINE = datetime(2026, 11, 23, 17, tzinfo=UTC)  # a Monday in Los Angeles
TEAM = {"user-ksatter", "U0SANDBOX09"}
COUNTS: tuple[Priority, Tier] = ("P2", "Premium")


def after(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


def ticket(status: str = "open", since: float = 0, **more: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": "conversation-1",
        "number": 1001,
        "status": status,
        "title": Confidential(""),
        "text": Confidential(""),
        "customer": "customer-1",
        "assignee": "",
        "priority": None,
        "created_at": NINE,
        "closed_at": after(since) if status == "closed" else None,
        "url": "",
        "changed_at": after(since),
        "status_since": after(since),
    }
    return Ticket(**values | more)


def said(by: str, hours: float, **more: Any) -> TicketMessage:
    user = {"team": "user-ksatter", "team in Slack": "U0SANDBOX09", "customer": "U0GUEST0001", "nobody": ""}[by]
    return TicketMessage(f"message-{hours}", "conversation-1", Confidential(""), user, after(hours), **more)


def look(
    *messages: TicketMessage,
    at: Ticket | None = None,
    before: History | None = None,
    counts: tuple[Priority, Tier] = COUNTS,
) -> History:
    return history(at or ticket(), messages, TEAM, counts, before)


def times(found: History) -> list[tuple[datetime, datetime | None]]:
    return [(each.at, each.answered_at) for each in found.turns]


# -- whose turn it is


def test_a_customers_message_waits_until_we_answer() -> None:
    assert times(look(said("customer", 0))) == [(NINE, None)]
    assert times(look(said("customer", 0), said("team", 1))) == [(NINE, after(1))]


def test_what_a_customer_adds_does_not_begin_the_wait_anew() -> None:
    assert times(look(said("customer", 0), said("customer", 2), said("team", 3))) == [(NINE, after(3))]


def test_the_customers_next_message_after_our_answer_begins_another_turn() -> None:
    found = look(said("customer", 0), said("team", 1), said("customer", 5))
    assert times(found) == [(NINE, after(1)), (after(5), None)]


def test_a_second_answer_of_ours_changes_nothing() -> None:
    assert times(look(said("customer", 0), said("team", 1), said("team", 2))) == [(NINE, after(1))]


def test_our_people_are_known_by_their_id_in_slack_too() -> None:
    assert times(look(said("customer", 0), said("team in Slack", 1))) == [(NINE, after(1))]


def test_a_note_that_only_the_team_sees_is_no_answer() -> None:
    assert times(look(said("customer", 0), said("team", 1, is_note=True))) == [(NINE, None)]


def test_an_automatic_reply_is_no_answer_and_no_question() -> None:
    assert times(look(said("customer", 0), said("nobody", 1, by_app=True))) == [(NINE, None)]
    answered = look(said("customer", 0), said("team", 1), said("nobody", 2, by_app=True))
    assert times(answered) == [(NINE, after(1))]


def test_a_conversation_that_an_app_has_brought_in_is_the_customers() -> None:
    assert times(look(said("nobody", 0, by_app=True))) == [(NINE, None)]


def test_a_conversation_that_we_begin_waits_for_the_customer() -> None:
    assert times(look(said("team", 0))) == []
    assert times(look(said("team", 0), said("customer", 1))) == [(after(1), None)]


def test_a_conversation_whose_messages_unthread_does_not_give_counts_from_its_beginning() -> None:
    assert times(look()) == [(NINE, None)]


def test_messages_count_in_the_order_in_which_they_were_written() -> None:
    assert times(look(said("team", 1), said("customer", 0))) == [(NINE, after(1))]


# -- closing


def test_closing_answers_a_thank_you() -> None:
    found = look(said("customer", 0), said("team", 1), said("customer", 2), at=ticket("closed", 3))
    assert times(found) == [(NINE, after(1)), (after(2), after(3))]


def test_a_customer_who_writes_after_closing_begins_another_turn() -> None:
    closed = look(said("customer", 0), at=ticket("closed", 3))
    found = look(said("customer", 0), said("customer", 9), at=ticket("open", 9), before=closed)
    assert times(found) == [(NINE, after(3)), (after(9), None)]


def test_a_conversation_that_we_open_again_ourselves_waits_for_the_customer() -> None:
    closed = look(said("customer", 0), at=ticket("closed", 3))
    assert times(look(said("customer", 0), at=ticket("open", 9), before=closed)) == [(NINE, after(3))]


# -- priorities


def test_an_open_turn_goes_by_todays_priority_and_an_answered_one_by_the_one_it_had() -> None:
    first = look(said("customer", 0))
    raised = look(said("customer", 0), before=first, counts=("P0", "Premium"))
    assert raised.turns[0].priority == "P0"
    answered = look(said("customer", 0), said("team", 1), before=raised, counts=("P0", "Premium"))
    lowered = look(
        said("customer", 0), said("team", 1), said("customer", 2), before=answered, counts=("P3", "Ultimate")
    )
    assert [(each.priority, each.tier) for each in lowered.turns] == [("P0", "Premium"), ("P3", "Ultimate")]


def test_a_priority_counts_at_once_where_no_message_has_come() -> None:
    first = look(said("customer", 0))
    found = history(ticket(), None, TEAM, ("P1", "Premium"), first)
    assert [each.priority for each in found.turns] == ["P1"]


# -- on hold


def test_a_hold_lasts_from_when_unthread_says_until_it_says_otherwise() -> None:
    held = look(said("customer", 0), at=ticket("on_hold", 1))
    assert held.holds == [Hold(after(1))]
    still = look(said("customer", 0), at=ticket("on_hold", 1), before=held)
    assert still.holds == [Hold(after(1))]
    over = look(said("customer", 0), at=ticket("open", 4), before=still)
    assert over.holds == [Hold(after(1), after(4))]
    assert look(said("customer", 0), at=ticket("open", 4), before=over).holds == [Hold(after(1), after(4))]


def test_a_hold_ends_when_the_customer_writes_even_if_nobody_lifts_it() -> None:
    held = look(said("customer", 0), at=ticket("on_hold", 1))
    wrote = look(said("customer", 0), said("customer", 2), at=ticket("on_hold", 1), before=held)
    assert wrote.holds == [Hold(after(1), after(2))]
    later = look(said("customer", 0), said("customer", 2), at=ticket("in_progress", 5), before=wrote)
    assert later.holds == [Hold(after(1), after(2))]


def test_a_second_hold_stands_beside_the_first() -> None:
    held = look(said("customer", 0), at=ticket("on_hold", 1))
    over = look(said("customer", 0), at=ticket("open", 2), before=held)
    again = look(said("customer", 0), at=ticket("on_hold", 6), before=over)
    assert again.holds == [Hold(after(1), after(2)), Hold(after(6))]


# -- what is kept


@given(
    st.lists(
        st.tuples(st.sampled_from(["team", "customer", "nobody"]), st.integers(0, 200), st.booleans(), st.booleans()),
        max_size=12,
    ),
    st.sampled_from(["open", "in_progress", "on_hold", "closed"]),
    st.integers(0, 200),
)
def test_what_is_kept_is_read_as_it_was_and_a_second_look_changes_nothing(
    spoken: list[tuple[str, int, bool, bool]], status: str, since: int
) -> None:
    messages = [said(by, hours, is_note=note, by_app=app) for by, hours, note, app in spoken]
    found = look(*messages, at=ticket(status, since))
    assert read(found.kept()).kept() == found.kept()
    again = look(*messages, at=ticket(status, since), before=read(found.kept()))
    assert again.kept() == found.kept()
    untouched = history(ticket(status, since), None, TEAM, COUNTS, found)
    assert untouched.kept() == found.kept()


def test_it_is_known_whether_a_conversation_has_changed_since() -> None:
    found = look(said("customer", 0))
    assert found.is_about(ticket())
    assert not found.is_about(ticket("open", 1))


def test_an_unchanged_conversation_keeps_its_turns() -> None:
    before = History(NINE, [Turn("1", NINE, *COUNTS)], [])
    assert history(ticket(), None, TEAM, COUNTS, before).turns == [Turn("1", NINE, *COUNTS)]
