"""Unthread: tickets in bulk, one note and one close for each that is asked for, nothing personal in what we keep."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from policies.customer import Refused
from tasks import effects, ledger, runs, unthread
from tasks.unthread import NotGiven, Unavailable, Where
from tests.conftest import Sandbox, environment
from tests.scenarios.respond_to_job_application import ADDRESS, APPLICANT, TICKET, seed, ticket
from tests.tasks.faults import FAULTS

RUN = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC))
ONCE, NOTE = "respond/conversation-one/note", "Answered Robin Quillfeather, robin@quillfeather.example."


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    sandbox.reset(seed(ticket()))
    return sandbox


def add_note(once: str = ONCE) -> effects.Made:
    with runs.acting(RUN):
        return asyncio.run(unthread.add_note(TICKET, NOTE, once=once))


def close(once: str = "respond/conversation-one/close") -> effects.Made:
    with runs.acting(RUN):
        return asyncio.run(unthread.close(TICKET, once=once))


def set_status(world: Sandbox, status: str) -> None:
    said = {"id": TICKET, "status": status}
    httpx.post(f"{world.url}/unthread/_person/status", json=said, trust_env=False).raise_for_status()


def actions(world: Sandbox) -> list[str]:
    return [each["action"] for each in world.effects() if each["actor"] != "a person"]


def writes(world: Sandbox) -> int:
    paths = [(each["method"], each["path"]) for each in world.calls() if each["service"] == "unthread"]
    return sum(method == "PATCH" or (method == "POST" and path.endswith("/messages")) for method, path in paths)


# -- reading


def test_a_ticket_is_read_with_its_first_message() -> None:
    found = asyncio.run(unthread.conversation(TICKET))
    assert (found.id, found.status, found.assignee, found.is_closed) == (TICKET, "open", "user-ksatter", False)
    assert found.created_at == datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert found.url.endswith(f"/unthread/conversations/{TICKET}")
    assert APPLICANT in found.text.reveal()
    assert APPLICANT not in repr(found)


def test_a_ticket_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="Unthread has no ticket none"):
        asyncio.run(unthread.conversation("none"))


def test_many_tickets_are_read_a_hundred_a_call_oldest_first(world: Sandbox) -> None:
    rows = [
        ticket(f"many-{number:03}", createdAt=f"2026-11-{20 - number // 24:02}T{number % 24:02}:00:00+00:00")
        for number in range(250)
    ]
    world.reset(seed(*rows, ticket("closed", status="closed")))
    found = asyncio.run(unthread.conversations(Where("status", "in", ["open", "on_hold"])))
    assert len({each.id for each in found}) == 250
    assert found == sorted(found, key=lambda each: (each.created_at, each.id))
    assert len([each for each in world.calls() if each["path"].endswith("/conversations/list")]) == 3


def test_messages_users_and_customers_are_read(world: Sandbox) -> None:
    world.reset({"unthread": {"customers": [{"id": "customer-1", "name": "Northwind Traders"}]}}, seed(ticket()))
    (message,) = asyncio.run(unthread.messages(TICKET))
    assert APPLICANT in message.text.reveal()
    (customer,) = asyncio.run(unthread.customers())
    assert (customer.id, customer.name.reveal(), str(customer.name)) == ("customer-1", "Northwind Traders", "***")
    users = {each.id: each for each in asyncio.run(unthread.users())}
    assert (users["user-ksatter"].mailbox, users["user-ksatter"].slack) == ("kathy@fleetdm.com", "U0SANDBOX09")


def test_a_customers_channel_and_tags_are_read(world: Sandbox) -> None:
    tags = [{"id": "tag-1", "name": "Fleet Free"}, {"id": "tag-2", "name": "EMEA"}]
    row = {"id": "customer-1", "name": "Northwind Traders", "slackChannelId": "C0SANDBOX01", "tags": tags}
    world.reset({"unthread": {"customers": [row, {"id": "customer-2", "name": "Tailspin Toys"}]}})
    first, second = asyncio.run(unthread.customers())
    assert (first.channel, first.tags) == ("C0SANDBOX01", ("Fleet Free", "EMEA"))
    assert (second.channel, second.tags) == ("", ())


@pytest.mark.parametrize(
    ("said", "is_note", "by_app"),
    [
        ({"userId": "user-ksatter"}, False, False),
        ({"userId": "user-ksatter", "isPrivateNote": True}, True, False),
        ({"botId": "B1", "eventType": "autoresponder_replied"}, False, True),
        ({"botId": "B1", "eventType": "email_received"}, False, False),
        ({}, False, False),
    ],
    ids=["a team member", "a note", "an automatic reply", "a customer's mail that an app brings", "a customer"],
)
def test_it_is_told_who_speaks_in_a_message(world: Sandbox, said: dict[str, Any], is_note: bool, by_app: bool) -> None:
    world.reset(seed(ticket(messages=[{"text": "Hello", **said}])))
    (found,) = asyncio.run(unthread.messages(TICKET))
    assert (found.is_note, found.by_app, found.user) == (is_note, by_app, said.get("userId", ""))


def test_a_ticket_tells_when_it_has_changed_and_since_when_it_has_its_status(world: Sandbox) -> None:
    at = "2026-11-23T18:30:00+00:00"
    later = [{"text": "Hello"}, {"text": "Anybody?", "at": "2026-11-23T19:00:00+00:00"}]
    world.reset(seed(ticket(status="on_hold", statusUpdatedAt=at, messages=later)))
    found = asyncio.run(unthread.conversation(TICKET))
    assert found.status_since == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    assert found.changed_at == datetime(2026, 11, 23, 19, tzinfo=UTC)


def test_tickets_that_have_changed_since_a_time_are_found(world: Sandbox) -> None:
    old, new = (ticket(f"ticket-{day}", createdAt=f"2026-11-{day}T17:00:00+00:00") for day in (20, 23))
    world.reset(seed(old, new))
    since = unthread.moment(datetime(2026, 11, 22, tzinfo=UTC))
    assert [each.id for each in asyncio.run(unthread.conversations(Where("updatedAt", ">", since)))] == ["ticket-23"]


@pytest.mark.parametrize("fault", ["401", "429", "500_before", "reset_before", "timeout_before", "malformed"])
def test_a_question_without_an_answer_says_so_in_a_sentence(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="unthread", path="/list", seconds=1)
    with pytest.raises(Unavailable, match=r"Unthread .*Start the run again"):
        asyncio.run(unthread.conversation(TICKET))


@contextmanager
def answering(rows: Sequence[Mapping[str, Any]]) -> Generator[str]:
    """Answers each list with these rows, as an Unthread that says something else than it documents."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = json.dumps({"data": rows, "cursors": {"hasNext": False}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_ticket_that_can_not_be_read_is_no_other_tickets_problem(
    sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    good = {"id": "ticket-1", "createdAt": "2026-11-23T17:00:00.000Z"}
    with answering([good, {"id": "ticket-2", "createdAt": None}]) as url:
        use_settings(environment("", sqlite_url) | {"HANDBOOK_UNTHREAD_URL": url})
        found, problems = asyncio.run(unthread.readable_conversations())
        with pytest.raises(NotGiven, match="ticket-2"):
            asyncio.run(unthread.conversations())
    assert [each.id for each in found] == ["ticket-1"]
    assert ["ticket-2: Unthread gave no answer that can be read" in each for each in problems] == [True]


def test_a_message_without_a_time_makes_its_ticket_one_that_is_not_given(
    sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    with answering([{"ts": "1.1", "timestamp": None}]) as url:
        use_settings(environment("", sqlite_url) | {"HANDBOOK_UNTHREAD_URL": url})
        with pytest.raises(NotGiven, match="can be read"):
            asyncio.run(unthread.messages(TICKET))


# -- notes


def test_a_note_is_private_and_ends_with_its_mark(world: Sandbox) -> None:
    add_note()
    (held,) = [each for each in world.state()["unthread"]["conversations"] if each["id"] == TICKET]
    note = held["messages"][-1]
    assert note["isPrivateNote"]
    assert note["text"] == f"{NOTE}\n\n{unthread.marker(ONCE)}"


@pytest.mark.parametrize("fault", [*FAULTS, "timeout_before"])
def test_one_note_is_added_whatever_the_network_does(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="unthread", path="/messages$", seconds=1)
    made = add_note()
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    assert world.faults_struck() == 1
    assert actions(world) == ["add private note"]
    attempts = [move for move in ledger.history_of(ONCE) if move.state == ledger.State.IN_FLIGHT]
    assert writes(world) == len(attempts)
    assert add_note() == made


def test_another_note_is_not_taken_for_this_one(world: Sandbox) -> None:
    add_note("another")
    world.fault(kind="reset_before", service="unthread", path="/messages$")
    add_note()
    assert actions(world) == ["add private note", "add private note"]


def test_an_answer_about_nothing_is_no_success(world: Sandbox) -> None:
    world.fault(kind="vanished", service="unthread", path="/messages$")
    with pytest.raises(effects.EffectRefused, match="404"):
        add_note()
    assert actions(world) == []


# -- closing


@pytest.mark.parametrize("fault", [*FAULTS, "timeout_before"])
def test_a_ticket_is_closed_once_whatever_the_network_does(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="unthread", method="PATCH", seconds=1)
    close()
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    assert world.faults_struck() == 1
    assert actions(world) == ["close conversation"]


def test_a_ticket_that_somebody_has_closed_counts_as_done(world: Sandbox) -> None:
    set_status(world, "closed")
    close()
    assert actions(world) == []
    assert writes(world) == 0


def test_a_ticket_that_somebody_has_reopened_is_left_alone(world: Sandbox) -> None:
    close()
    set_status(world, "in_progress")
    with pytest.raises(effects.Undone, match="is gone since"):
        close()
    assert actions(world) == ["close conversation"]


def test_a_refused_key_keeps_the_work_for_later(world: Sandbox) -> None:
    world.fault(kind="401", service="unthread", method="PATCH")
    with pytest.raises(effects.EffectPostponed, match="HANDBOOK_UNTHREAD_API_KEY"):
        close()
    close()
    assert actions(world) == ["close conversation"]


# -- priorities


def set_priority(priority: int = 9) -> effects.Made:
    with runs.acting(RUN):
        return asyncio.run(unthread.set_priority(TICKET, priority, once=f"route/{TICKET}/{priority}"))


def priority(world: Sandbox) -> int | None:
    return asyncio.run(unthread.conversation(TICKET)).priority


@pytest.mark.parametrize("fault", [*FAULTS, "timeout_before"])
def test_a_priority_is_set_once_whatever_the_network_does(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="unthread", method="PATCH", seconds=1)
    set_priority()
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    assert world.faults_struck() == 1
    assert actions(world) == ["update conversation"]
    assert priority(world) == 9


def test_a_priority_that_is_set_already_counts_as_done(world: Sandbox) -> None:
    world.reset(seed(ticket(priority=9)))
    set_priority()
    assert writes(world) == 0


def test_a_priority_that_somebody_has_changed_since_is_left_alone(world: Sandbox) -> None:
    set_priority()
    set_priority(5)
    with pytest.raises(effects.Undone, match="is gone since"):
        set_priority()
    assert priority(world) == 5


# -- what we keep


def test_what_is_personal_stands_in_no_row_no_log_and_no_message(
    world: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fault(kind="vanished", service="unthread", path="/messages$")
    with pytest.raises(effects.EffectRefused) as refused:
        add_note("another")
    add_note()
    rows = ledger.rows(keys=["another", ONCE])
    told = " ".join([str(refused.value), *(str(tuple(row)) for row in rows), caplog.text])
    assert len(rows) == 2
    for personal in (APPLICANT, ADDRESS, "Answered"):
        assert personal not in told


def test_a_dry_run_writes_nothing(world: Sandbox) -> None:
    dry = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC), dry_run=True)
    with runs.acting(dry):
        asyncio.run(unthread.add_note(TICKET, NOTE, once=ONCE))
        asyncio.run(unthread.close(TICKET, once="close"))
        asyncio.run(unthread.set_priority(TICKET, 9, once="priority"))
    assert [(each.action, each.target, each.outcome) for each in dry.outcomes] == [
        ("add note", TICKET, "would be done"),
        ("close ticket", TICKET, "would be done"),
        ("set priority", TICKET, "would be done"),
    ]
    assert world.calls() == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/conversations/x/messages"), ("PATCH", "/conversations/x")])
def test_a_write_outside_the_ledger_does_not_leave_the_process(method: str, path: str, world: Sandbox) -> None:
    said: dict[str, Any] = {"status": "closed"}
    with pytest.raises(effects.OutsideLedger):
        asyncio.run(unthread._ask(method, path, said))  # pyright: ignore[reportPrivateUsage]
    assert world.calls() == []


def test_a_missing_key_is_named_and_nothing_is_in_doubt(
    sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    use_settings(environment(sandbox.url, sqlite_url) | {"HANDBOOK_UNTHREAD_API_KEY": ""})
    with pytest.raises(effects.EffectPostponed, match="Not set: HANDBOOK_UNTHREAD_API_KEY"):
        add_note()
    assert [row.state for row in ledger.rows(keys=[ONCE])] == [ledger.State.RETRY_LATER]
