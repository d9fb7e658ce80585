"""Job applications, as cases: what is one, for which position, who answers, when it is due."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.business_time import SUPPORT
from policies.confidentiality import Confidential
from policies.contact_form import Form, form
from policies.customer import Refused
from policies.events import ConversationCreated
from policies.handbook import Person
from policies.mail import address
from policies.open_positions import chosen_title, is_application, is_for_somebody_else, open_titles, positions_in
from policies.support import job_applications as policy
from policies.ticket import Ticket, TicketUser, ticket_id
from tests.scenarios.respond_to_job_application import text

TITLES = ["Customer Support Engineer", "Customer Success Manager", "Software Engineer", "Apprentice"]
CSE = policy.Sender("ksatter", "Kathy Satterlee", "kathy@fleetdm.com", "U0SANDBOX09")
MANAGER = policy.Sender("AdamBaali", "Adam Baali", "adam@fleetdm.com", "U0SANDBOX05")
HEAD, SALT = "sampfluger88@fleetdm.com", "salt"
MONDAY_AT_NINE = datetime(2026, 11, 23, 17, tzinfo=UTC)
APPLIES = "I would like to apply for the Customer Support Engineer position."


def a_ticket(said: str = APPLIES, **more: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": "conversation-1",
        "number": 1001,
        "status": "open",
        "title": Confidential("New contact form message"),
        "text": Confidential(text(said)),
        "customer": "",
        "assignee": "user-ksatter",
        "priority": None,
        "created_at": MONDAY_AT_NINE,
        "closed_at": None,
        "url": "https://app.example/conversation-1",
        "changed_at": MONDAY_AT_NINE,
        "status_since": MONDAY_AT_NINE,
    }
    return Ticket(**values | more)


def decide(
    ticket: Ticket | None = None,
    sender: policy.Sender | None = CSE,
    titles: Sequence[str] = TITLES,
    copies: Sequence[str] = (HEAD,),
    chosen: str = "",
) -> policy.Answer | policy.AskAPerson | policy.Leave:
    return policy.decide(ticket or a_ticket(), titles, sender, copies, chosen)


def the_answer(ticket: Ticket | None = None, **more: Any) -> policy.Answer:
    found = decide(ticket, **more)
    assert isinstance(found, policy.Answer), found
    return found


def asked(ticket: Ticket | None = None, **more: Any) -> policy.AskAPerson:
    found = decide(ticket, **more)
    assert isinstance(found, policy.AskAPerson), found
    return found


def read(said: str) -> Form:
    found = form(said)
    assert found is not None
    return found


# -- the form


def test_the_form_of_2025_names_the_sender_at_its_end() -> None:
    found = read(text("Hello\nthere"))
    assert (found.name, found.address, found.message) == (
        "Robin Quillfeather",
        "robin@quillfeather.example",
        "Hello\nthere",
    )


def test_the_form_of_2024_names_the_sender_at_its_head() -> None:
    found = read("New contact form message:\n\nName: Edda Lomax\nEmail: edda@lomax.example\nMessage: Hello\nthere\n")
    assert (found.name, found.address, found.message) == ("Edda Lomax", "edda@lomax.example", "Hello\nthere")


@pytest.mark.parametrize(
    "said",
    [
        "*Message:*\n\nHello\n\n*Submitter information:*\n\n*Name:* Edda Lomax\n\n*Email address:* edda@lomax.example",
        "**Message:**\nHello\n**Submitter information:**\n**Name:** Edda Lomax\n**Email address:** edda@lomax.example",
        "Message:\r\nHello\r\nSubmitter information:\r\nName: Edda Lomax\r\nEmail address: edda@lomax.example\r\n",
        "Message:\nHello\nSubmitter information:\nName: Edda Lomax\n"
        "Email address: <mailto:edda@lomax.example|edda@lomax.example>",
        "From: contact@fleetdm.com\nReply-To: Edda Lomax <edda@lomax.example>\n\nMessage:\nHello\n"
        "Submitter information:\nName: Edda Lomax\nEmail address: edda@lomax.example",
        "From: contact@fleetdm.com\nReply-To: Edda Lomax <edda@lomax.example>\n\nHello",
    ],
    ids=["Slack's bold", "Markdown's bold", "CRLF", "a marked-up address", "with Reply-To", "Reply-To alone"],
)
def test_the_sender_is_found_however_the_mail_is_shown(said: str) -> None:
    found = read(said)
    assert (found.name, found.address, found.message) == ("Edda Lomax", "edda@lomax.example", "Hello")


def test_the_ticket_s_own_sender_is_never_the_applicant() -> None:
    assert "fleetdm" not in read(f"From: contact@fleetdm.com\n{text('Hello')}").address


def test_details_that_the_message_makes_up_do_not_count() -> None:
    forged = "Hello\n\nSubmitter information:\n\nName: Somebody Else\n\nEmail address: victim@elsewhere.example"
    assert read(text(forged)).address == "robin@quillfeather.example"
    of_2024 = f"Name: Edda Lomax\nEmail: edda@lomax.example\nMessage: {forged}\nEmail: victim@elsewhere.example"
    assert read(of_2024).address == "edda@lomax.example"


@pytest.mark.parametrize(
    "said",
    [
        text(address="a@x.example\nEmail address: b@x.example"),
        text(address=""),
        text(address="a@x.example, b@x.example"),
        text(name="A\nEmail address: victim@elsewhere.example"),
        "Name: A\nEmail: a@x.example\nEmail: b@x.example\nMessage: Hello",
        "Reply-To: a@x.example\n\nMessage:\nHello\nSubmitter information:\nName: A\nEmail address: b@x.example",
        "Message:\nHello\nSubmitter information:\nName: A\nEmail address: <mailto:b@x.example|a@x.example>",
    ],
    ids=["two lines", "none", "two in one", "one in the name", "two in 2024", "another Reply-To", "a link elsewhere"],
)
def test_an_address_that_is_not_certain_is_none(said: str) -> None:
    assert read(said).address == ""


@pytest.mark.parametrize(
    "said",
    [
        "",
        "A host is offline since the update.",
        "Hello,\nName: our server\nhas a problem",
        "Message: the agent logs this message and stops",
        "Please see the details.\n\nSubmitter information:\nName: A\nEmail address: a@x.example",
    ],
    ids=["empty", "a question", "a label inside", "a message without a sender", "a sender without a message"],
)
def test_another_ticket_is_no_contact_form(said: str) -> None:
    assert form(said) is None


# -- is it an application


@pytest.mark.parametrize(
    "said",
    [
        APPLIES,
        "I am applying for the open position of Software Engineer.",
        "I'd like to apply for the job you advertise.",
        "Please find my resume attached.",
        "Attached resume and cover letter, thank you for your time.",
        "My CV is attached.",
        "My r\u00e9sum\u00e9 is below.",
        "Are you hiring?",
        "I heard that you\u2019re hiring!",
        "I would love to join your team.",
        "I saw your job posting on LinkedIn.",
        "Is the Customer Success Manager role still there?",
        "I'm interested in the Software Engineer job.",
        "I am writing about the role of Customer Support Engineer",
        "I want to apply as Software Engineer.",
        "Do you have open positions?",
        "I am interested in the Apprentice internship",
        "I submit my candidacy.",
        "I APPLY FOR THE SOFTWARE ENGINEER OPENING",
    ],
)
def test_who_wants_to_work_here_applies(said: str) -> None:
    assert is_application(said, TITLES)


@pytest.mark.parametrize(
    "said",
    [
        "What does Fleet Premium cost for 300 hosts?",
        "How do I apply a policy to the maintainer role?",
        "This does not apply to the observer role.",
        "The application doesn't install on two Macs.",
        "My application inventory is empty.",
        "The agent does not resume after sleep.",
        "Our Customer Success Manager was great, thank you!",
        "Could our Customer Support Engineer call us back?",
        "We need a job that runs the query each hour.",
        "What is the position of the menu?",
        "Can an admin role be limited to one team?",
        "Please join our team meeting, or may I join your team call?",
        "I am a software engineer and evaluate Fleet for 200 laptops.",
        "",
    ],
)
def test_who_writes_about_something_else_does_not(said: str) -> None:
    assert not is_application(said, TITLES)


def test_no_title_makes_everything_an_application() -> None:
    assert not is_application("Hello, a question about the role of labels", ["", "  ", "\U0001f680"])


@pytest.mark.parametrize(
    ("said", "is_it"),
    [
        ("I am a recruiter with a staffing firm and have a candidate for your Software Engineer role", True),
        ("I write on behalf of my client", True),
        ("I worked in recruiting before", False),
        (APPLIES, False),
    ],
)
def test_a_recruiter_is_no_applicant(said: str, is_it: bool) -> None:
    assert is_for_somebody_else(said) is is_it


# -- for which position


def test_titles_lose_the_emoji_before_them_and_stand_once() -> None:
    listed = [
        "\U0001f680 Software Engineer",
        "\U0001f40b Customer Success Manager",
        "Software Engineer",
        " ",
        "\U0001f310",
    ]
    assert open_titles(listed) == ["Software Engineer", "Customer Success Manager"]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("the Customer Support Engineer position", ["Customer Support Engineer"]),
        ("the CUSTOMER SUPPORT ENGINEER position", ["Customer Support Engineer"]),
        ("the customer-support engineer position", ["Customer Support Engineer"]),
        ("the custmer support enginer position", ["Customer Support Engineer"]),
        ("Software Engineer or Customer Success Manager", ["Customer Success Manager", "Software Engineer"]),
        ("Software Engineer. I say it again: Software Engineer.", ["Software Engineer"]),
        ("the Senior Software Engineer position", []),
        ("the Software Engineer Intern position", []),
        ("the Head of People position", []),
        ("the Customer Success Engineer position", []),
        ("the hardware engineer position", []),
        ("any position", []),
        ("", []),
    ],
    ids=[
        *("as it is", "capitals", "a hyphen", "typing errors", "two", "twice the same", "a higher level", "an intern"),
        *("not open", "a mixture", "nearly", "none", "nothing said"),
    ],
)
def test_the_position_is_the_one_that_the_message_names(said: str, named: list[str]) -> None:
    assert sorted(positions_in(said, TITLES)) == named


def test_a_huge_message_takes_no_time() -> None:
    began = time.perf_counter()
    huge = "apply for " * 200_000
    assert not is_application(huge, TITLES)
    assert positions_in(huge, TITLES) == []
    assert time.perf_counter() - began < 2


def test_the_longer_title_counts_where_one_stands_in_the_other() -> None:
    titles = ["Engineer", "Support Engineer", "Customer Support Engineer"]
    assert positions_in("I apply for the Customer Support Engineer role", titles) == ["Customer Support Engineer"]
    assert positions_in("I apply for the Support Engineer role", titles) == ["Support Engineer"]


def test_a_level_that_is_part_of_the_title_is_no_other_position() -> None:
    titles = ["Software Engineer", "Senior Software Engineer"]
    assert positions_in("I apply as Senior Software Engineer", titles) == ["Senior Software Engineer"]
    assert positions_in("I apply as Software Engineer", titles) == ["Software Engineer"]


def test_a_person_chooses_among_the_open_positions_only() -> None:
    assert chosen_title(" customer support engineer ", TITLES) == "Customer Support Engineer"
    with pytest.raises(Refused, match='No open position is called "Astronaut"'):
        chosen_title("Astronaut", TITLES)


# -- what is decided


def test_a_clear_application_is_answered_by_the_assigned_cse_with_the_head_of_people_in_copy() -> None:
    answer = the_answer()
    assert answer.position == "Customer Support Engineer"
    assert answer.mail.sender == "Kathy Satterlee <kathy@fleetdm.com>"
    assert answer.mail.to == "robin@quillfeather.example"
    assert answer.mail.cc == (HEAD,)
    assert "Customer Support Engineer" in answer.mail.subject
    assert answer.mail.text.startswith("Hi Robin,\n")
    assert "$" not in answer.mail.text
    assert answer.mail.text.rstrip().endswith("Kathy Satterlee\nFleet")


@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        (a_ticket(text=Confidential("A host is offline.")), "contact form"),
        (a_ticket("What does it cost?"), "no job application"),
    ],
    ids=["an ordinary ticket", "a question through the form"],
)
def test_what_is_no_application_is_left_alone_without_a_word(ticket: Ticket, reason: str) -> None:
    found = decide(ticket)
    assert isinstance(found, policy.Leave)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("ticket", "sender", "key"),
    [
        (a_ticket("I'd love to join your team."), CSE, "no-position"),
        (a_ticket(f"{APPLIES} Or Software Engineer."), CSE, "several-positions"),
        (a_ticket(assignee=""), None, "no-assignee"),
        (a_ticket(assignee="user-stranger"), None, "assignee"),
        (a_ticket(status="closed"), CSE, "closed"),
        (a_ticket(text=Confidential(text(APPLIES, address="a@x.example, b@x.example"))), CSE, "applicant"),
        (a_ticket(text=Confidential(text(APPLIES, address="contact@fleetdm.com"))), CSE, "applicant"),
        (a_ticket(text=Confidential(text(APPLIES, address='"x"@y.example'))), CSE, "applicant"),
        (a_ticket(f"I have a candidate for you. {APPLIES} We are a staffing firm."), CSE, "for-somebody-else"),
        (a_ticket("I'd love to join your team.", assignee=""), None, "no-position+no-assignee"),
    ],
    ids=[
        *("no position", "several positions", "nobody assigned", "assigned to a stranger", "closed", "two addresses"),
        *("our own address", "an odd address", "a recruiter", "two reasons"),
    ],
)
def test_what_is_not_clear_goes_to_a_person(ticket: Ticket, sender: policy.Sender | None, key: str) -> None:
    found = asked(ticket, sender=sender)
    assert found.key == key
    assert found.sentence


def test_no_open_position_goes_to_a_person() -> None:
    assert "No position is open." in asked(titles=[]).sentence


def test_a_person_may_say_the_position() -> None:
    answer = the_answer(a_ticket("I'd love to join your team."), chosen="Software Engineer")
    assert answer.position == "Software Engineer"
    assert "Software Engineer" in answer.mail.subject


@pytest.mark.parametrize("hostile", ["a@x.example\r\nBcc: z@y.example", "a@x.example\nBcc: z@y.example"])
def test_an_address_can_not_add_a_header(hostile: str) -> None:
    found = decide(a_ticket(text=Confidential(text(APPLIES, address=hostile))))
    if isinstance(found, policy.Answer):
        assert "z@y.example" not in str(found.mail.parts())
        assert address(found.mail.to).addr_spec == "a@x.example"


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Robin Quillfeather", "Hi Robin,"),
        ("Jean-Luc", "Hi Jean-Luc,"),
        ("D'Arcy Lomax", "Hi D'Arcy,"),
        ("S\u00f8ren", "Hi S\u00f8ren,"),
        ("", "Hello,"),
        ("{config.secret}", "Hello,"),
        ("$sender_name", "Hello,"),
        ("https://spam.example", "Hello,"),
        ("x" * 41, "Hello,"),
        ("\u202eniboR", "Hello,"),
    ],
)
def test_the_greeting_takes_names_only(name: str, greeted: str) -> None:
    assert policy.greeting(name) == greeted


def test_a_title_with_a_dollar_sign_is_no_template() -> None:
    mail = policy.mail(Form("Robin", "robin@x.example", ""), "$sender_name & more", CSE, [HEAD])
    assert mail.subject == "Your application at Fleet: $sender_name & more"


def test_a_template_with_an_unknown_word_is_refused_before_anything_leaves() -> None:
    with pytest.raises(KeyError):
        policy.mail(Form("Robin", "robin@x.example", ""), "Apprentice", CSE, [], template="Subject: x\n\n$salary")


def test_the_note_is_a_copy_of_the_answer() -> None:
    answer = the_answer()
    note = policy.note(answer)
    assert answer.mail.text.strip() in note
    assert answer.mail.subject in note
    assert HEAD in note
    assert "kathy@fleetdm.com" in note


# -- by whom


def test_the_assignee_is_known_by_mailbox_and_else_by_slack() -> None:
    other = policy.Sender("edwardsb", "Ben Edwards", "ben@fleetdm.com", "U0SANDBOX11")
    nobody = policy.Sender("newhire", "New Hire", "", "U0SANDBOX99")
    people = [CSE, other, nobody]
    assert policy.sender_of("Kathy@fleetdm.com", "", people) == CSE
    assert policy.sender_of("other@elsewhere.example", "U0SANDBOX11", people) == other
    assert policy.sender_of("", "U0SANDBOX99", people) is None
    assert policy.sender_of("", "", people) is None


@pytest.mark.parametrize(
    ("user", "may"),
    [("U0SANDBOX09", True), ("U0SANDBOX05", True), ("U0SANDBOX11", False), ("", False)],
    ids=["the assigned CSE", "the manager of support", "a colleague", "nobody"],
)
def test_the_assigned_cse_and_the_manager_decide(user: str, may: bool) -> None:
    assert policy.may_decide(user, CSE, [MANAGER, replace(MANAGER, slack="")]) is may


def test_nobody_decides_for_a_cse_whose_slack_id_is_unknown_by_having_none() -> None:
    assert not policy.may_decide("", replace(CSE, slack=""), [replace(MANAGER, slack="")])


def test_a_decision_that_the_handbook_made_mentions_nobody() -> None:
    shown = policy.decided(the_answer(), "approve", "handbook.toml", MONDAY_AT_NINE)
    assert shown.mentions == []
    assert "by handbook.toml." in shown.markdown()


def test_who_presses_and_is_not_known_reads_what_to_fill_in() -> None:
    assert "Fill in" not in policy.only_these(CSE, [MANAGER]).slack_text()
    told = policy.only_these(replace(CSE, slack=""), [MANAGER]).slack_text()
    assert "Fill in people.ksatter.slack in handbook.toml" in told


def test_the_slack_id_of_unthread_stands_in_for_one_that_the_handbook_lacks() -> None:
    people = [
        Person(handle="ksatter", name="Kathy", slack="", mailbox="kathy@fleetdm.com"),
        Person(handle="x", name="X", slack="U0SANDBOX99"),
    ]
    users = [TicketUser("1", "Kathy", "Kathy@fleetdm.com", "U0SANDBOX09"), TicketUser("2", "Other", "", "U0SANDBOX98")]
    assert {each.handle: each.slack for each in policy.senders(people, users).values()} == {
        "ksatter": "U0SANDBOX09",
        "x": "U0SANDBOX99",
    }


@pytest.mark.parametrize(
    ("action", "decision"), [(policy.APPROVE, "approve"), (policy.DECLINE, "decline"), ("acknowledge", None)]
)
def test_a_button_decides_what_it_says(action: str, decision: str | None) -> None:
    assert policy.decision_of(action) == decision


def test_exactly_the_mail_that_was_shown_is_approved() -> None:
    mark = policy.fingerprint(the_answer(), SALT)
    assert mark == policy.fingerprint(the_answer(), SALT)
    others = [
        the_answer(a_ticket("I want to apply as Software Engineer.")),
        the_answer(sender=policy.Sender("edwardsb", "Ben Edwards", "ben@fleetdm.com", "U0SANDBOX11")),
        the_answer(copies=["somebody@fleetdm.com"]),
        the_answer(a_ticket(text=Confidential(text(APPLIES, address="other@x.example")))),
    ]
    assert mark not in {policy.fingerprint(each, SALT) for each in others}
    assert mark != policy.fingerprint(the_answer(), "another salt")


# -- a second ticket


def test_the_hash_of_an_applicant_tells_neither_who_nor_for_what() -> None:
    kept = policy.applicant_hash(the_answer(), SALT)
    assert kept != policy.applicant_hash(the_answer(), "another salt")
    assert "robin" not in kept
    shouted = the_answer(a_ticket(text=Confidential(text(APPLIES, address="ROBIN@quillfeather.example"))))
    assert kept == policy.applicant_hash(shouted, SALT)
    assert kept != policy.applicant_hash(the_answer(a_ticket("I want to apply as Software Engineer.")), SALT)


@pytest.mark.parametrize(
    ("other", "came", "is_second"),
    [
        ("conversation-0", datetime(2026, 11, 20, 17, tzinfo=UTC), True),
        ("conversation-0", datetime(2026, 11, 9, 17, 0, 1, tzinfo=UTC), True),
        ("conversation-0", datetime(2026, 11, 9, 17, tzinfo=UTC), False),
        ("conversation-2", datetime(2026, 11, 24, 17, tzinfo=UTC), True),
        ("conversation-1", datetime(2026, 11, 20, 17, tzinfo=UTC), False),
        ("conversation-0", MONDAY_AT_NINE, True),
    ],
    ids=["three days ago", "just within 14 days", "14 days ago", "one that came later", "itself", "at once"],
)
def test_a_second_ticket_within_14_days_goes_to_a_person(other: str, came: datetime, is_second: bool) -> None:
    assert policy.is_second(a_ticket(), other, came) is is_second


def test_tickets_of_14_days_are_in_neighbouring_spans() -> None:
    _, number, after = policy.fortnights(MONDAY_AT_NINE)
    assert policy.fortnights(MONDAY_AT_NINE + policy.SAME_ROLE_WITHIN)[1] == after == number + 1


# -- when


@pytest.mark.parametrize(
    ("created", "due"),
    [
        (datetime(2026, 11, 23, 17, tzinfo=UTC), datetime(2026, 11, 23, 21, tzinfo=UTC)),
        (datetime(2026, 11, 20, 23, tzinfo=UTC), datetime(2026, 11, 23, 17, tzinfo=UTC)),
        (datetime(2026, 11, 26, 17, tzinfo=UTC), datetime(2026, 11, 27, 18, tzinfo=UTC)),
        (datetime(2026, 11, 21, 3, tzinfo=UTC), datetime(2026, 11, 23, 18, tzinfo=UTC)),
    ],
    ids=["in the morning", "Friday at three", "on Thanksgiving", "at night before the week-end"],
)
def test_the_answer_is_due_within_four_business_hours(created: datetime, due: datetime) -> None:
    assert policy.due_by(a_ticket(created_at=created), SUPPORT) == due


@pytest.mark.parametrize(
    ("now", "how"),
    [
        (datetime(2026, 11, 23, 19, 59, tzinfo=UTC), "in time"),
        (datetime(2026, 11, 23, 20, tzinfo=UTC), "due soon"),
        (datetime(2026, 11, 23, 21, tzinfo=UTC), "due soon"),
        (datetime(2026, 11, 23, 21, 0, 1, tzinfo=UTC), "late"),
    ],
)
def test_the_warning_comes_in_the_last_hour(now: datetime, how: str) -> None:
    assert policy.standing(a_ticket(), now, SUPPORT) == how


def test_the_warning_goes_to_the_cse_and_what_is_late_to_the_manager_too() -> None:
    waits = policy.waits(a_ticket(), TITLES, CSE, "It waits for approval in Slack.")
    manager = "U0SANDBOX05"
    soon, late = (policy.reminder(waits, how, SUPPORT, [manager]) for how in ("due soon", "late"))
    assert [each.id for each in soon.mentions] == [CSE.slack]
    assert [each.id for each in late.mentions] == [CSE.slack, manager]
    nobody = policy.waits(a_ticket(assignee=""), TITLES, None, "")
    assert [each.id for each in policy.reminder(nobody, "due soon", SUPPORT, [manager]).mentions] == [manager]
    assert "on Monday, November 23, at 1:00 PM" in soon.slack_text()


def test_outside_business_hours_nothing_is_reviewed() -> None:
    assert policy.while_closed(datetime(2026, 11, 26, 18, tzinfo=UTC), SUPPORT)
    assert policy.while_closed(MONDAY_AT_NINE, SUPPORT) is None


def test_the_review_shows_age_and_due_time_the_first_due_on_top() -> None:
    early = policy.waits(a_ticket(), TITLES, CSE, "It waits for approval in Slack.")
    late = policy.waits(
        a_ticket("I'd love to join your team.", id="b", number=900, created_at=datetime(2026, 11, 20, 16, tzinfo=UTC)),
        TITLES,
        CSE,
        "A person was asked.",
    )
    shown = policy.reviewed([early, late], datetime(2026, 11, 23, 18, tzinfo=UTC), SUPPORT).markdown()
    assert shown.index("#900") < shown.index("#1001")
    assert "2 applications wait for their answer, 1 of them past" in shown
    assert "| [#900](https://app.example/conversation-1) | not clear | 12.0 |" in shown
    assert "| Customer Support Engineer | 1.0 | today at 1:00 PM Pacific Time | in time |" in shown


# -- what is shown


def test_nothing_of_the_applicant_stands_in_what_people_read_in_slack_or_prefect() -> None:
    answer = the_answer()
    waits = policy.waits(answer.ticket, TITLES, CSE, "It waits.")
    reports = [
        policy.question(answer, SUPPORT),
        policy.decided(answer, "approve", CSE.slack, MONDAY_AT_NINE),
        policy.outdated(answer.ticket),
        policy.handed_over(asked(a_ticket(assignee=""), sender=None), SUPPORT),
        policy.handed_over(policy.second_ticket(answer), SUPPORT),
        policy.reminder(waits, "late", SUPPORT, ["U0SANDBOX05"]),
        policy.reviewed([waits], MONDAY_AT_NINE, SUPPORT),
    ]
    told = " ".join(f"{each.markdown()} {each.slack_blocks()}" for each in reports)
    told += f" {answer!r} {answer.ticket!r} {form(answer.ticket.text.reveal())!r}"
    for personal in ("Robin", "robin@", "quillfeather", "Quillfeather"):
        assert personal not in told


def test_the_question_has_two_buttons_that_name_the_ticket_only() -> None:
    shown = policy.question(the_answer(), SUPPORT)
    assert [(each.action, each.value) for each in shown.buttons] == [
        (policy.APPROVE, "conversation-1"),
        (policy.DECLINE, "conversation-1"),
    ]
    assert [each.id for each in shown.mentions] == [CSE.slack]


def test_a_new_ticket_is_looked_at_unless_it_is_closed() -> None:
    assert policy.reasons_to_do_nothing(ConversationCreated("conversation-1", "open")) == []
    assert policy.reasons_to_do_nothing(ConversationCreated("conversation-1", "closed"))


# -- what the form of Prefect takes


@pytest.mark.parametrize(
    ("given", "id"),
    [
        ("3f2c8a1e-0000-4000-8000-1234567890ab", "3f2c8a1e-0000-4000-8000-1234567890ab"),
        (" conversation-1 ", "conversation-1"),
        ("https://app.unthread.io/dashboard/conversations/conversation-1", "conversation-1"),
        ("https://app.unthread.io/dashboard/conversations/conversation-1/?tab=all#x", "conversation-1"),
        ("http://127.0.0.1:4300/unthread/conversations/conversation-1", "conversation-1"),
    ],
)
def test_a_ticket_is_named_by_its_id_or_its_address(given: str, id: str) -> None:
    assert ticket_id(given) == id


@pytest.mark.parametrize("given", ["", "Robin Quillfeather", "robin@quillfeather.example", "https://x", "a/b/c", "<a>"])
def test_anything_else_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(Refused, match="no ticket of Unthread") as refused:
        ticket_id(given)
    assert "Robin" not in str(refused.value)
    assert "robin" not in str(refused.value)


def test_what_a_button_s_press_opened_stays_as_it_is() -> None:
    pressed = "conversation-1/U0SANDBOX09/1795453200.000100"
    assert policy.subject(pressed) == pressed
    assert policy.subject(" conversation-1 ") == "conversation-1"
