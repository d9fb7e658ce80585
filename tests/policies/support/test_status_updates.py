"""Status updates: what comes first, what counts as a change, who is on call, and how it all reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from policies.confidentiality import Confidential
from policies.customer_directory import Entry
from policies.handbook import Person
from policies.issue import Comment, Issue
from policies.on_call_rotation import Answer
from policies.report import Link, Report
from policies.support import status_pages as words
from policies.support import status_updates as policy
from policies.support.conversation_turns import History, Turn
from policies.ticket import Priority, Ticket
from settings import handbook

NOW = datetime(2026, 11, 24, 14, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
JUNO = policy.Customer(key="juno", codename="customer-juno", owner="Jason Lewis (CSM)")
KATHY, BEN = (
    Person(handle=handle, name=name, slack=slack)
    for handle, name, slack in (("ksatter", "Kathy Satterlee", "U02AB3CD4"), ("edwardsb", "Ben Edwards", "U02AB3CD5"))
)
NOBODY = Person(handle="mason-buettner", name="Mason Buettner", slack="")
READER = policy.Reader(
    labels=handbook().labels,
    repositories=handbook().repositories,
    people={"lukeheath": "Luke Heath"},
    members=frozenset({"lukeheath"}),
    bots=("fleet-release",),
    since=YESTERDAY,
)


def item(key: str = "1", **more: Any) -> policy.Item:
    made = policy.Item(
        customer="juno",
        key=key,
        kind="conversation",
        name=f"#{key}",
        url=f"https://item/{key}",
        opened=NOW - timedelta(days=3),
        touched=NOW - timedelta(days=2),
        state="in progress",
    )
    return made.model_copy(update=more)


def a_bug(key: str = "fleetdm/fleet#7", **more: Any) -> policy.Item:
    return item(key, kind="bug", name=key.removeprefix("fleetdm/"), state="", **more)


def morning(*items: policy.Item, since: date | None = date(2026, 11, 23), **more: Any) -> policy.Morning:
    customers = {each.customer: JUNO.model_copy(update={"key": each.customer}) for each in items}
    made = policy.Morning(
        day=date(2026, 11, 24), at=NOW, since=since, on_call=policy.OnCall(), customers={"juno": JUNO}, items=items
    )
    return made.model_copy(update={"customers": customers | {"juno": JUNO}, **more})


def before(*items: policy.Item) -> policy.Morning:
    return morning(*items).model_copy(update={"day": date(2026, 11, 23), "at": YESTERDAY})


# -- what is open


def ticket(**more: Any) -> Ticket:
    written = Confidential("Quillfeather can't see its hosts")
    made = Ticket(
        id="t1",
        number=1001,
        status="open",
        title=written,
        text=written,
        customer="one",
        assignee="u1",
        priority=7,
        created_at=YESTERDAY,
        closed_at=None,
        url="https://t1",
        changed_at=NOW,
        status_since=YESTERDAY,
    )
    return replace(made, **more)


def talk(history: History | None = None, priority: Priority | None = None, **more: Any) -> policy.Item:
    return policy.conversation(ticket(**more), "juno", {"u1": "Kathy Satterlee"}, priority, history)


@pytest.mark.parametrize(("priority", "rank"), [("P0", 0), ("P3", 3), (None, policy.NONE)])
def test_a_conversations_priority_is_the_one_that_response_times_go_by(priority: Priority | None, rank: int) -> None:
    assert talk(priority=priority).priority == rank
    assert policy.spoken_priority(talk(priority=priority)) == (priority or "")


ASKED = History(NOW, [Turn("m1", YESTERDAY, "P1", "Premium")])
ANSWERED = History(NOW, [Turn("m1", YESTERDAY, "P1", "Premium", NOW)])


@pytest.mark.parametrize(
    ("status", "history", "state"),
    [
        ("open", None, "waits for us"),
        ("in_progress", None, "in progress"),
        ("on_hold", None, "on hold"),
        ("open", ANSWERED, "waits for the customer"),
        ("in_progress", ASKED, "waits for us"),
        ("on_hold", ASKED, "on hold"),
        ("open", History(NOW), "waits for us"),
    ],
    ids=[
        "open",
        "in progress",
        "on hold",
        "open, and we had the last word",
        "in progress, and the customer had",
        "on hold, whoever had",
        "nobody has said anything",
    ],
)
def test_a_conversation_waits_for_us_when_the_customer_had_the_last_word(
    status: str, history: History | None, state: str
) -> None:
    found = talk(history, status=status)
    assert (found.state, found.waits, found.people) == (state, state == "waits for us", ("Kathy Satterlee",))


def test_nothing_that_somebody_wrote_into_a_conversation_is_kept() -> None:
    assert "hosts" not in talk().model_dump_json()


def issue(*labels: str, repository: str = "fleetdm/fleet", **more: Any) -> Issue:
    made = Issue(
        repository,
        7,
        "ksatter",
        False,
        True,
        YESTERDAY,
        dict.fromkeys(["bug", *labels]),
        [],
        [],
        Confidential("Hosts go [offline]"),
        Confidential(""),
        "https://issue/7",
    )
    return replace(made, **more)


def nameless(text: str) -> bool:
    return "quillfeather" not in text.lower()


def read(*labels: str, **more: Any) -> policy.Item:
    (found,) = policy.bugs(issue("customer-juno", *labels, **more), READER, nameless)
    return found


@pytest.mark.parametrize(
    ("labels", "spoken"),
    [
        (["P1"], "P1"),
        (["P2", "p0"], "P0"),
        (["~critical bug"], "P1"),
        (["~release blocker", "P0"], "P0"),
        ([":release"], ""),
    ],
    ids=["P1", "the higher of two", "a critical bug", "a release blocker in an emergency", "none"],
)
def test_a_bugs_priority_stands_on_its_labels(labels: list[str], spoken: str) -> None:
    assert policy.spoken_priority(read(*labels)) == spoken


def test_a_bug_of_two_customers_is_told_to_both_and_one_of_none_to_nobody() -> None:
    both = policy.bugs(issue("customer-juno", "prospect-hebe"), READER, nameless)
    assert [each.customer for each in both] == ["juno", "hebe"]
    assert policy.bugs(issue(), READER, nameless) == []


def test_titles_are_harmless_where_they_are_shown_and_left_out_where_they_name_a_customer() -> None:
    assert read().name == "fleet#7: Hosts go (offline)"
    assert read(title=Confidential("Quillfeather's hosts")).name == "fleet#7"
    assert read(repository="fleetdm/confidential").name == "confidential#7"
    assert read("~quillfeather", ":release").labels == (":release",)
    assert len(read(title=Confidential("x" * 300)).name) <= policy.LONGEST_TITLE + len("fleet#7: ")


def comment(by: str, at: datetime, *, bot: bool = False) -> Comment:
    return Comment(1, by, bot, at)


@pytest.mark.parametrize(
    ("comments", "number", "waits"),
    [
        ([comment("marta", NOW)], 1, True),
        ([comment("marta", NOW), comment("lukeheath", NOW)], 2, False),
        ([comment("marta", YESTERDAY - timedelta(hours=1))], 0, True),
        ([comment("marta", NOW), comment("fleet-release", NOW), comment("renovate", NOW, bot=True)], 1, True),
        ([], 0, False),
    ],
    ids=["somebody from outside", "and our answer", "before the last update", "bots don't count", "nobody"],
)
def test_comments_since_the_last_update_are_counted_and_the_last_word_is_known(
    comments: Sequence[Comment], number: int, waits: bool
) -> None:
    found = read(comments=comments)
    assert (found.comments, found.waits) == (number, waits)


# -- what has changed


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (item(), item(), ()),
        (item(), item(state="waits for us"), ("waits for us, was in progress",)),
        (item(priority=2), item(priority=1), ("P1, was P2",)),
        (item(priority=1), item(), ("no priority, was P1",)),
        (item(people=("Kathy",)), item(people=("Ben",)), ("now with Ben",)),
        (item(people=("Kathy",)), item(), ("assigned to nobody any more",)),
        (item(), item(touched=NOW), ("written into",)),
        (item(), item(touched=NOW, state="on hold"), ("on hold, was in progress",)),
        (a_bug(labels=(":product",)), a_bug(labels=(":release",)), ("+:release", "-:product")),
        (a_bug(), a_bug(comments=1), ("1 comment",)),
        (a_bug(), a_bug(comments=4), ("4 comments",)),
    ],
    ids=[
        "nothing",
        "the state",
        "the priority",
        "no priority any more",
        "the assignee",
        "no assignee any more",
        "a message",
        "a message that changed the state is told as that",
        "labels",
        "a comment",
        "comments",
    ],
)
def test_a_change_is_told_in_a_few_words(old: policy.Item, new: policy.Item, changes: tuple[str, ...]) -> None:
    (found,) = policy.compared([new], before(old), {})
    assert found.changes == changes


def test_what_was_not_there_is_new_and_says_whether_it_was_opened_since() -> None:
    fresh, older = policy.compared([item("2", opened=NOW), item("3")], before(), {})
    assert (fresh.changes, older.changes) == (("new",), ("new here",))


@pytest.mark.parametrize(
    ("old", "now", "closed", "how"),
    [
        (item(), [], {}, "closed"),
        (item(), [item(customer="hebe")], {}, "now another customer's"),
        (a_bug(), [], {"fleetdm/fleet#7": "completed"}, "closed as completed"),
        (a_bug(), [], {"fleetdm/fleet#7": ""}, "closed"),
        (a_bug(), [], {}, "no longer an open bug"),
    ],
    ids=["a conversation", "of another customer by now", "a bug", "for no reason given", "a bug without the label bug"],
)
def test_what_is_gone_says_how(old: policy.Item, now: list[policy.Item], closed: dict[str, str], how: str) -> None:
    gone = policy.compared(now, before(old), closed)[-1]
    assert (gone.is_open, gone.changes) == (False, (how,))
    assert policy.may_be_closed(now, before(old)) is (old.kind == "bug")


def test_what_was_gone_the_morning_before_is_told_once() -> None:
    assert policy.compared([], before(item(is_open=False, changes=("closed",))), {}) == ()


def test_the_first_update_calls_nothing_new() -> None:
    assert policy.compared([item()], None, {}) == (item(),)
    assert not policy.may_be_closed([item()], None)


# -- what comes first


def test_the_most_urgent_comes_first_then_what_waits_for_us_then_the_oldest() -> None:
    gone = item("gone", priority=0, is_open=False)
    old, new = item("old", opened=NOW - timedelta(days=9)), item("new")
    waiting, urgent = item("waiting", waits=True), item("urgent", priority=1)
    found = morning(gone, new, old, waiting, urgent).of("juno")
    assert [each.key for each in found] == ["urgent", "waiting", "old", "new", "gone"]


def test_customers_come_in_the_order_of_their_most_urgent() -> None:
    found = morning(item("1", priority=2), item("2", customer="hebe", priority=1), item("3", priority=3))
    assert [each.key for each in policy.by_urgency(found)] == ["hebe", "juno"]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([item()], False),
        ([item(), a_bug(priority=2, waits=True)], False),
        ([item(changes=("new",))], True),
        ([item(waits=True)], True),
        ([a_bug(priority=1)], True),
    ],
    ids=["open without news", "a bug with an old word from outside", "news", "a customer who waits", "a P1"],
)
def test_a_customer_is_told_of_when_there_is_something_to_tell(items: list[policy.Item], told: bool) -> None:
    assert policy.needs_a_word(items) is told


# -- who is on call


@pytest.mark.parametrize(
    ("members", "first", "handles", "note"),
    [
        ({"U02AB3CD5", "U09INFRA1"}, [KATHY], ("edwardsb",), ""),
        ({"U02AB3CD5", "U02AB3CD4"}, [], ("ksatter", "edwardsb"), ""),
        ({"U09INFRA1"}, [KATHY], ("ksatter",), "so that the first responders count as on call"),
        (set[str](), [], (), "Put whoever is on call into the group"),
        ({""}, [], (), "Put whoever is on call into the group"),
    ],
    ids=["a CSE in the group", "two", "infrastructure alone", "nobody", "nobody without a Slack id is in a group"],
)
def test_who_is_on_call_is_in_the_user_group_or_a_first_responder(
    members: set[str], first: list[Person], handles: tuple[str, ...], note: str
) -> None:
    found = policy.on_call(members, [KATHY, BEN, NOBODY], first, "infrastructure-oncall", Answer("Luke Heath"))
    assert found.handles == handles
    assert (note in found.note) if note else not found.note
    assert found.developer == "Luke Heath"


def test_channels_of_customers_and_of_the_community_get_no_message() -> None:
    assert policy.reasons_not_to_post(["C1"], ["C2"], ["C3"]) == []
    assert len(policy.reasons_not_to_post(["C1", "C2", "C3"], ["C2"], ["C3"])) == 2


@pytest.mark.parametrize(
    ("entry", "key", "title"),
    [
        (Entry("customer-juno"), "juno", "customer-juno"),
        (Entry("prospect-juno"), "juno", "prospect-juno"),
        (Entry(account="001Ux00000000a1IAA"), "unthread-a-1", "No codename (account 001Ux00000000a1IAA)"),
        (Entry(), "unthread-a-1", "No codename (Unthread customer A_1)"),
    ],
    ids=["by codename", "a prospect has the page of the customer it becomes", "by account", "by the id in Unthread"],
)
def test_a_customer_is_named_by_codename_or_id(entry: Entry, key: str, title: str) -> None:
    found = policy.customer(entry, "A_1", "", [])
    assert (found.key, words.title_of(found)) == (key, title)


def test_an_owner_is_told_as_the_csm_if_they_are_one() -> None:
    owned = Entry("customer-juno", owner="Jason Lewis")
    assert policy.customer(owned, "", "", ["Jason Lewis"]).owner == "Jason Lewis (CSM)"
    assert policy.customer(owned, "", "", []).owner == "Jason Lewis (account owner)"


# -- how it reads


def link(customer: str) -> str:
    return f"https://prefect/{customer}"


def said(found: policy.Morning) -> Report:
    return words.message(found, ["U02AB3CD4"], link)


def test_the_message_begins_with_the_sum_and_has_a_row_for_each_customer_with_news() -> None:
    on_call = policy.OnCall(handles=("ksatter",), developer="Luke Heath")
    talk = item("1001", waits=True, priority=1, people=("Kathy",), state="waits for us", changes=("new",))
    found = said(morning(talk, a_bug(), item("5", customer="hebe"), on_call=on_call))
    assert found.title == "Open issues, Tuesday, November 24"
    assert list(found.sentences) == [
        "Open: 2 conversations (1 waiting for us) and 1 bug, for 2 customers. Since Monday, November 23: 1 new.",
        "Developer on-call: Luke Heath.",
        "Open without news: customer-juno (1).",
    ]
    assert list(found.rows) == [
        (
            Link("customer-juno", "https://prefect/juno"),
            "1 conversation (1 waiting for us) and 1 bug",
            Link("P1, waits for us, open for 3 days: Conversation #1001", "https://item/1001"),
            "new #1001",
            "Kathy, Jason Lewis (CSM)",
        )
    ]


def test_news_names_three_of_each_kind_and_counts_the_rest() -> None:
    new = [item(str(number), changes=("new",)) for number in range(5)]
    gone = a_bug(is_open=False, changes=("closed as completed",))
    changed = item("9", changes=("on hold, was in progress", "P1, was P2"))
    (row,) = said(morning(*new, gone, changed)).rows
    assert row[3] == "new #0, #1, #2 and 2 more; fleet#7 closed as completed; #9 (on hold, was in progress)"


def test_a_bug_of_two_customers_is_one_bug_in_the_sum() -> None:
    found = said(morning(a_bug(), a_bug(customer="hebe")))
    assert found.sentences[0].startswith("Open: 1 bug, for 2 customers.")


@pytest.mark.parametrize(
    ("items", "since", "begins"),
    [
        ([], None, "Nothing is open. This is the first update"),
        ([], date(2026, 11, 23), "Nothing is open, and nothing has changed since Monday, November 23."),
        ([item()], date(2026, 11, 23), "Open: 1 conversation, for one customer. Nothing has changed since Monday"),
        (
            [item(is_open=False, changes=("closed",))],
            date(2026, 11, 20),
            "Nothing is open. Since Friday, November 20: 1 no longer open.",
        ),
    ],
    ids=["the first morning", "nothing at all", "nothing new", "nothing any more"],
)
def test_a_quiet_morning_says_so(items: list[policy.Item], since: date | None, begins: str) -> None:
    assert said(morning(*items, since=since)).sentences[0].startswith(begins)


def test_nobody_on_call_is_told_in_the_message() -> None:
    found = words.message(morning(on_call=policy.OnCall(note="Nobody is.")), [], link)
    assert found.sentences[-1] == "Nobody is."
    assert found.mentions == []


def test_the_message_stays_within_slacks_limits_for_any_number_of_customers() -> None:
    items = [
        a_bug(
            f"fleetdm/fleet#{number}",
            customer=f"planet-{number}",
            changes=("+" + "x" * 50, *["y" * 50] * 20),
            people=("A person with a long name",) * 9,
        )
        for number in range(300)
    ]
    quiet = [item(f"q{number}", customer=f"quiet-{number}") for number in range(200)]
    blocks = said(morning(*items, *quiet)).slack_blocks()
    assert len(blocks) <= 50
    assert all(len(each["text"]["text"]) <= 3000 for each in blocks if "text" in each)
    assert "160 more in Prefect" in str(blocks)
    assert "280 more in Prefect" in str(blocks[-1])


def test_a_page_says_what_to_do_without_a_codename_and_where_else_to_look() -> None:
    nobody = policy.Customer(key="unthread-one", unthread="one", account="001", account_url="https://account")
    shown = words.page(morning(item(customer="unthread-one")), nobody, "https://issues", "bug")
    assert "Could be asked: nobody is known." in shown.sentences
    assert "Without a codename no bug can be found. Assign one, and label the bugs." in shown.sentences
    assert shown.rows[-1][0] == Link("The account in Salesforce", "https://account")
    (*_, last) = words.page(morning(item()), JUNO, "https://issues", "bug").rows
    assert last[0] == Link(
        "All its open bugs in GitHub",
        "https://issues?q=is%3Aissue%20is%3Aopen%20label%3A%22bug%22%20label%3A%22customer-juno%22",
    )


def test_the_overview_says_what_is_left_out_and_why_somebody_is_on_call() -> None:
    on_call = policy.OnCall(note="Nobody in it.", why_not="The sheet is away.")
    found = words.overview(morning(item(changes=("new",)), strangers=1, on_call=on_call), link, "https://slack")
    told = " ".join(found.sentences)
    assert "Left out: 1 open conversation of no customer in Unthread." in told
    assert "Nobody in it." in told
    assert "could not be read from the rotation: The sheet is away." in told
    assert found.rows[-1][0] == Link("The message in Slack", "https://slack")


@pytest.mark.parametrize(
    ("age", "spoken"),
    [
        (timedelta(minutes=5), "less than an hour"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=107), "107 days"),
    ],
)
def test_an_age_is_spoken(age: timedelta, spoken: str) -> None:
    assert words.spoken_age(age) == spoken
