"""Who is brought in for a request: P2 and P3, P0 and P1, expert questions, and what each of them reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.confidentiality import Confidential
from policies.customer import Refused
from policies.events import ConversationCreated, SlackAction, slack_time
from policies.report import Link, Mention
from policies.support import support_routing as policy
from policies.ticket import Priority, Ticket
from settings import handbook

MONDAY = datetime(2026, 11, 23, 17, tzinfo=UTC)
CSE = handbook().people["ksatter"].model_copy(update={"slack": "U0SANDBOX09"})
CSM = handbook().people["patagonia121"].model_copy(update={"slack": "U0SANDBOX14"})
FORM = "Message:\n\nHello\n\nSubmitter information:\n\nName: Robin\n\nEmail address: robin@example.com\n"


def ticket(text: str = "Hosts are offline.", **more: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": "conversation-1",
        "number": 7,
        "status": "open",
        "title": Confidential("Hosts offline"),
        "text": Confidential(text),
        "customer": "customer-1",
        "assignee": "",
        "priority": None,
        "created_at": MONDAY,
        "closed_at": None,
        "url": "https://app.example/7",
        "changed_at": MONDAY,
        "status_since": MONDAY,
    }
    return Ticket(**values | more)


REQUEST = policy.Request(ticket(), "customer-hebe", CSE, MONDAY)


def action(name: str, value: str = "conversation-1") -> SlackAction:
    return SlackAction(name, value, "U0SANDBOX09", "T0SANDBOX", "C1", "1.1", "", "1790000001.000100")


# -- the process


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (policy.Asked("P3"), "P3"),
        (policy.Asked("P2", on_call=True), "P2 on-call"),
        (policy.Asked("P2", consulting=True), "P2 consulting"),
        (policy.Asked("P1"), "P1 on-call"),
        (policy.Asked("P0"), "P0 on-call"),
        (policy.Asked("P3", expert=True), "P3 on-call product"),
    ],
    ids=[
        "P3: the CSE alone",
        "P2 with on-call as needed",
        "P2 with solutions consulting as needed",
        "P1 in conjunction with on-call",
        "P0 in conjunction with on-call",
        "an expert question: on-call, CSM and product",
    ],
)
def test_the_process_names_who_handles_it(asked: policy.Asked, said: str) -> None:
    priority: Priority = asked.priority if asked.priority != "as in Unthread" else "P2"
    assert policy.route(priority, asked).said() == said


def test_only_p0_begins_the_emergency_communications() -> None:
    assert [each for each in policy.NAMES if policy.route(each, policy.Asked(each)).is_emergency] == ["P0"]


def test_what_a_route_needs_of_handbook_toml_is_what_it_uses() -> None:
    assert policy.needed(policy.route("P3", policy.Asked("P3"))) == ["channels.help-customers.id"]
    assert policy.needed(policy.route("P1", policy.Asked("P1", expert=True))) == [
        "user_groups.oncall.id",
        "channels.help-customers.id",
        "channels.help-engineering.id",
        "channels.help-product-design.id",
    ]


# -- what is refused


def problems(of: Ticket, asked: policy.Asked, tier: Any = "Premium", before: Priority | None = None) -> list[str]:
    return policy.reasons_not_to_route(of, tier, asked, before)


def test_an_open_request_of_a_customer_is_routed() -> None:
    assert problems(ticket(), policy.Asked("P0")) == []
    assert problems(ticket(), policy.Asked("as in Unthread")) == []
    assert problems(ticket(), policy.Asked("P3"), "Free") == []
    assert problems(ticket(), policy.Asked("as in Unthread", expert=True), before="P2") == []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems(ticket(status="closed", customer=""), policy.Asked("as in Unthread", consulting=True))
    assert len(found) == 3
    assert "is closed" in found[0]
    assert "belongs to no customer" in found[1]
    assert "Choose one, so that it is known who is needed" in found[2]


def test_what_came_through_the_contact_form_goes_to_its_own_procedure() -> None:
    (found,) = problems(ticket(FORM, customer=""), policy.Asked("P2"))
    assert "respond-to-job-application" in found


def test_fleet_free_has_no_emergencies() -> None:
    (found,) = problems(ticket(), policy.Asked("P1"), "Free")
    assert "Fleet Free, which has no P1. Choose P2 or P3" in found
    (found,) = problems(ticket(), policy.Asked("as in Unthread"), "Free", before="P0")
    assert "Fleet Free, which has no P0. Choose P2 or P3" in found


@pytest.mark.parametrize(
    ("event", "reasons"),
    [
        (ConversationCreated("conversation-1", "open", "customer-1"), 0),
        (ConversationCreated("conversation-1", "open"), 1),
        (ConversationCreated("conversation-1", "closed"), 2),
    ],
)
def test_a_new_conversation_of_no_customer_is_left_with_the_reason(event: ConversationCreated, reasons: int) -> None:
    assert len(policy.reasons_to_do_nothing(event)) == reasons


# -- buttons


def test_a_button_says_which_priority_for_which_conversation() -> None:
    buttons = policy.question(REQUEST, "P2").buttons
    assert [each.text for each in buttons] == ["P0", "P1", "P2", "P3"]
    for button, priority in zip(buttons, policy.NAMES, strict=True):
        pressed = action(button.action, button.value)
        assert policy.is_press(pressed)
        assert policy.reasons_to_ignore(pressed) == []
        subject = policy.press_subject(pressed)
        assert policy.press(subject) == policy.Press(
            "conversation-1", priority, "U0SANDBOX09", slack_time(pressed.action_ts)
        )
        assert policy.pressed(subject, "conversation-1", priority).user == "U0SANDBOX09"


def test_the_button_for_an_emergency_asks_first() -> None:
    first, *others = policy.question(REQUEST, "P2").buttons
    assert "The VP of Customer Success gets a text" in first.ask
    assert not any(each.ask for each in others)


@pytest.mark.parametrize(
    ("subject", "conversation", "priority"),
    [
        ("mine", "conversation-1", "P1"),
        ("conversation-1/P0/U0SANDBOX09/1790000001.000100", "conversation-1", "P1"),
        ("conversation-1/P1/U0SANDBOX09/1790000001.000100", "conversation-2", "P1"),
    ],
    ids=["no press", "another priority", "another conversation"],
)
def test_a_form_can_not_pretend_a_press(subject: str, conversation: str, priority: policy.Choice) -> None:
    with pytest.raises(Refused, match="is no press of a button"):
        policy.pressed(subject, conversation, priority)


def test_other_buttons_are_no_press_of_ours() -> None:
    assert not policy.is_press(action("start-emergency-request-p0"))
    assert policy.reasons_to_ignore(action("route-support-request-p1", "two words"))
    assert policy.press("conversation-1") is None


# -- what people read


def test_the_question_says_what_each_priority_means_and_what_counts_until_then() -> None:
    shown = policy.question(REQUEST, "P2")
    assert shown.sentences[0] == (
        "Nobody has set its priority. Until then it counts as P2. A response is due on Monday, November 23, at 9:00 AM "
        "Pacific Time."
    )
    assert "P1 High: Fleet is highly degraded with significant business impact." in shown.sentences
    assert shown.mentions == [Mention("U0SANDBOX09")]


def test_the_answer_takes_the_buttons_away_and_names_who_decided() -> None:
    shown = policy.answered(REQUEST, "P1", "U0SANDBOX05")
    assert (shown.sentences, shown.mentions, list(shown.buttons)) == (["P1, High."], [Mention("U0SANDBOX05")], [])
    assert policy.answered(REQUEST, "P1", "a person").sentences == ["P1, High. Set by a person."]


def test_customer_success_reads_who_handles_it() -> None:
    alone = policy.routed(REQUEST, policy.route("P3", policy.Asked("P3")), "")
    assert alone.sentences[1] == "The CSE handles it."
    expert = policy.routed(REQUEST, policy.route("P1", policy.Asked("P1", expert=True)), "")
    assert "with the developer on-call, the customer success manager and product design." in expert.sentences[1]


def test_the_on_calls_group_comes_first_and_the_cse_second() -> None:
    shown = policy.for_on_call(REQUEST, policy.route("P1", policy.Asked("P1")), "S0SANDBOX1")
    assert [each.id for each in shown.mentions] == ["S0SANDBOX1", "U0SANDBOX09"]


def test_product_design_reads_who_handles_it_with_which_manager() -> None:
    shown = policy.for_product(REQUEST, policy.route("P2", policy.Asked("P2", expert=True)), CSM, [CSM])
    assert "Kathy Satterlee handles it, with the developer on-call and Jason Lewis, their CSM." in shown.sentences[0]
    assert [each.id for each in shown.mentions] == ["U0SANDBOX14", "U0SANDBOX09"]


def test_the_manager_is_who_owns_the_account() -> None:
    other = CSM.model_copy(update={"name": "Grant Bilstad"})
    assert policy.manager_of("grant bilstad", [CSM, other]) is other
    assert policy.manager_of("Somebody else", [CSM, other]) is None
    assert policy.manager_of("", [CSM.model_copy(update={"name": ""}), other]) is None


def test_where_the_manager_is_not_known_all_of_them_are_mentioned_and_nobody_is_called_so() -> None:
    other = CSM.model_copy(update={"name": "Grant Bilstad", "slack": "U0SANDBOX15"})
    shown = policy.for_product(REQUEST, policy.route("P2", policy.Asked("P2", expert=True)), None, [CSM, other])
    assert "their CSM, whom Salesforce does not tell: who is it?" in shown.sentences[0]
    assert [each.id for each in shown.mentions] == ["U0SANDBOX14", "U0SANDBOX15", "U0SANDBOX09"]


@pytest.mark.parametrize(
    ("has_channel", "address", "says"),
    [
        (True, "", "The customer is told in their private channel; go on there."),
        (False, "support@fleetdm.com", "Write to them from support@fleetdm.com, the contact address of the contract."),
        (False, "", "Write to them from the contract's contact address."),
        (None, "", "Slack did not tell of the customer's private channel"),
    ],
    ids=["private channel", "contract address", "contract address that handbook.toml doesn't say", "unknown"],
)
def test_an_emergency_says_how_the_customer_is_reached(has_channel: bool | None, address: str, says: str) -> None:
    assert says in policy.contact(
        has_channel=has_channel, address=address, information="https://docs.google.com/document/d/x"
    )


def test_the_customer_reads_until_when_we_answer_and_no_other_customers_name() -> None:
    shown = policy.for_customer(REQUEST)
    assert shown.sentences == [
        "We are on it, and answer here on Monday, November 23, at 9:00 AM Pacific Time at the latest."
    ]
    assert policy.for_customer(replace(REQUEST, due=None)).sentences == ["We are on it."]


def test_the_run_shows_where_people_were_told() -> None:
    chosen = policy.route("P1", policy.Asked("P1"))
    shown = policy.shown(REQUEST, chosen, {"help-customers": "https://slack.example/1", "help-engineering": ""})
    assert shown.title == "Conversation #7: P1, 4 business hours"
    theirs = policy.shown(REQUEST, chosen, {policy.THEIRS: "https://slack.example/2"})
    assert theirs.rows == [(Link("the customer's channel", "https://slack.example/2"),)]
    assert len(shown.rows) == 2
