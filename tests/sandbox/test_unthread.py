"""Unthread's stand-in, over HTTP as its page describes it, and the webhooks it sends."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from sandbox.webhooks import SECRETS
from tests.conftest import Sandbox, until

KEY = "sandbox-unthread-key"
TICKET = "conversation-1"
SEED: dict[str, Any] = {
    "customers": [{"id": "customer-1", "name": "Northwind Traders"}],
    "conversations": [
        {
            "id": TICKET,
            "title": "Hosts offline",
            "type": "slack",
            "priority": 3,
            "customerId": "customer-1",
            "assignedToUserId": "user-ksatter",
            "createdAt": "2026-11-23T17:00:00+00:00",
            "messages": [{"text": "Some hosts are offline."}, {"text": "Looking.", "userId": "user-ksatter"}],
        }
    ],
}


class Unthread:
    """The API as a service account calls it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=f"{url}/unthread/api", headers={"X-Api-Key": KEY}, trust_env=False)

    def ask(self, method: str, path: str, said: Any = None, status: int = 200, **more: Any) -> Any:
        answer = self.http.request(method, path, json=said, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def list(self, what: str = "conversations", **said: Any) -> Any:
        return self.ask("POST", f"/{what}/list", said)

    def ids(self, *where: tuple[str, str, Any], **said: Any) -> list[str]:
        conditions = [{"field": field, "operator": operator, "value": value} for field, operator, value in where]
        return [each["id"] for each in self.list(where=conditions, order=["createdAt"], **said)["data"]]

    def person(self, what: str = "conversation", **said: Any) -> Any:
        answer = httpx.post(f"{self.url}/unthread/_person/{what}", json=said, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.reset({"unthread": SEED})
    yield sandbox
    httpx.put(f"{sandbox.url}/_sandbox/webhooks", json={}, trust_env=False)


@pytest.fixture
def unthread(world: Sandbox) -> Unthread:
    return Unthread(world.url)


# -- tickets


def test_a_ticket_shows_what_it_is_and_who_has_it(unthread: Unthread) -> None:
    found = unthread.ask("GET", f"/conversations/{TICKET}")
    assert (found["id"], found["friendlyId"], found["status"], found["closedAt"]) == (TICKET, 1001, "open", None)
    assert found["customer"] == {"id": "customer-1", "name": "Northwind Traders"}
    assert found["assignedToUser"]["email"] == "kathy@fleetdm.com"
    assert found["initialMessage"]["text"] == "Some hosts are offline."
    assert found["createdAt"] == "2026-11-23T17:00:00.000Z"


def test_a_ticket_is_closed_once_and_may_be_opened_again(world: Sandbox, unthread: Unthread) -> None:
    closed = unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "closed"})
    assert closed["status"] == "closed"
    assert closed["closedAt"] == closed["statusUpdatedAt"]
    unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "closed"})
    assert [each["action"] for each in world.effects()] == ["close conversation"]
    opened = unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "in_progress"})
    assert (opened["status"], opened["closedAt"]) == ("in_progress", None)


def test_a_ticket_is_made_assigned_and_given_a_priority(world: Sandbox, unthread: Unthread) -> None:
    said = {
        "type": "email",
        "markdown": "Hello",
        "title": "A question",
        "emailInboxId": "inbox-1",
        "customerId": "customer-1",
    }
    made = unthread.ask("POST", "/conversations", said)
    changed = {"assignedToUserId": "user-edwardsb", "priority": 5}
    assert unthread.ask("PATCH", f"/conversations/{made['id']}", changed)["priority"] == 5
    assert unthread.ids(("assignedToUserId", "==", "user-edwardsb")) == [made["id"]]
    assert [each["action"] for each in world.effects()] == ["create conversation", "update conversation"]


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/conversations", {"type": "email", "markdown": "x"}),
        ("POST", "/conversations", {"type": "email", "markdown": "x", "emailInboxId": "i", "colour": "red"}),
        ("POST", "/conversations", {"type": "fax", "markdown": "x"}),
        ("PATCH", f"/conversations/{TICKET}", {"status": "done"}),
        ("PATCH", f"/conversations/{TICKET}", {"state": "closed"}),
        ("PATCH", f"/conversations/{TICKET}", {"assignedToUserId": "user-nobody"}),
        ("POST", f"/conversations/{TICKET}/messages", {"markdown": "x"}),
        ("POST", f"/conversations/{TICKET}/messages", {"body": {"type": "text", "value": "x"}}),
        ("POST", "/conversations/list", {"limit": 101}),
        ("POST", "/conversations/list", {"select": ["colour"]}),
        ("POST", "/conversations/list", {"order": ["colour"]}),
        ("POST", "/conversations/list", {"where": [{"field": "colour", "operator": "==", "value": "red"}]}),
        ("POST", "/conversations/list", {"where": [{"field": "status", "operator": "is", "value": "open"}]}),
        ("POST", "/conversations/list", {"where": [{"field": "status", "operator": "in", "value": "open"}]}),
        ("POST", "/conversations/list", {"cursor": "nonsense"}),
        ("POST", "/customers", {}),
    ],
    ids=str,
)
def test_what_is_unknown_or_wrong_is_refused(
    method: str, path: str, said: Any, world: Sandbox, unthread: Unthread
) -> None:
    assert unthread.ask(method, path, said, status=400)["error"]
    assert world.effects() == []


def test_a_wrong_key_and_a_missing_ticket_are_refused(unthread: Unthread) -> None:
    unthread.ask("GET", f"/conversations/{TICKET}", status=401, headers={"X-Api-Key": "wrong"})
    unthread.ask("GET", "/conversations/none", status=404)
    unthread.ask("PATCH", "/conversations/none", {"status": "closed"}, status=404)
    unthread.ask("GET", "/nowhere", status=404)


# -- lists


@pytest.fixture
def many(world: Sandbox, unthread: Unthread) -> Unthread:
    rows = [
        {
            "id": f"many-{number:03}",
            "title": f"Question {number}",
            "status": "closed" if number % 2 else "open",
            "priority": number % 4 or None,
            "createdAt": f"2026-11-{1 + number // 24:02}T{number % 24:02}:00:00+00:00",
            "messages": [{"text": f"Text {number}"}],
        }
        for number in range(230)
    ]
    httpx.post(f"{world.url}/_sandbox/seed", json={"unthread": {"conversations": rows}}, trust_env=False)
    return unthread


def test_a_long_list_comes_in_pages_of_a_hundred(many: Unthread) -> None:
    found: list[str] = []
    said: dict[str, Any] = {"order": ["createdAt"], "select": ["id"]}
    sizes: list[int] = []
    while True:
        page = many.list(**said)
        found += [each["id"] for each in page["data"]]
        sizes.append(len(page["data"]))
        assert page["totalCount"] == 231
        if not page["cursors"]["hasNext"]:
            break
        said["cursor"] = page["cursors"]["next"]
    assert sizes == [100, 100, 31]
    assert len(set(found)) == 231
    assert found[:230] == [f"many-{number:03}" for number in range(230)]
    assert page["cursors"]["hasPrevious"]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (("status", "==", "open"), 115),
        (("status", "!=", "open"), 115),
        (("status", "in", ["open", "on_hold"]), 115),
        (("status", "notIn", ["open", "on_hold"]), 115),
        (("priority", "==", 3), 57),
        (("priority", ">", 2), 57),
        (("priority", "<", 2), 58),
        (("priority", "==", None), 58),
        (("createdAt", ">", "2026-11-09T00:00:00.000Z"), 37),
        (("title", "contains", "question 22"), 11),
        (("title", "notContains", "question"), 0),
        (("title", "like", "Question 22_"), 10),
        (("title", "like", "question %"), 230),
        (("initialMessage.text", "contains", "text 229"), 1),
    ],
    ids=str,
)
def test_a_list_takes_conditions(where: tuple[str, str, Any], count: int, many: Unthread) -> None:
    wanted = [{"field": where[0], "operator": where[1], "value": where[2]}]
    ours = {"field": "id", "operator": "like", "value": "many-%"}
    assert many.list(where=[*wanted, ours])["totalCount"] == count


def test_only_the_chosen_fields_come_and_inner_ones_stay_inside(unthread: Unthread) -> None:
    chosen = ["id", "initialMessage.text", "customer.name", "tags.name"]
    (found,) = unthread.list(select=chosen)["data"]
    assert found == {
        "id": TICKET,
        "initialMessage": {"text": "Some hosts are offline."},
        "customer": {"name": "Northwind Traders"},
        "tags": [],
    }
    assert unthread.ask("GET", f"/conversations/{TICKET}?select=id,status") == {"id": TICKET, "status": "open"}


def test_the_order_may_be_turned_around(many: Unthread) -> None:
    assert many.ids(("id", "like", "many-%"), descending=True)[:2] == ["many-229", "many-228"]


# -- messages, customers, users


def test_a_private_note_is_a_message_that_the_customer_does_not_see(world: Sandbox, unthread: Unthread) -> None:
    said = {"body": {"type": "markdown", "value": "For us only"}, "isPrivateNote": True}
    made = unthread.ask("POST", f"/conversations/{TICKET}/messages", said)
    shown = unthread.list(f"conversations/{TICKET}/messages")
    assert [each["text"] for each in shown["data"]] == ["Some hosts are offline.", "Looking.", "For us only"]
    assert shown["data"][-1]["ts"] == made["ts"]
    (effect,) = world.effects()
    assert (effect["action"], effect["target"]) == ("add private note", f"conversation {TICKET}")
    unthread.ask("POST", f"/conversations/{TICKET}/messages", {"body": {"type": "html", "value": "<p>Hello</p>"}})
    assert world.effects()[-1]["action"] == "send message"


def test_customers_are_made_changed_and_listed(unthread: Unthread) -> None:
    made = unthread.ask("POST", "/customers", {"name": "Tailspin Toys"})
    unthread.ask("PATCH", f"/customers/{made['id']}", {"emailDomains": ["tailspin.example"]})
    found = unthread.list("customers", where=[{"field": "name", "operator": "==", "value": "Tailspin Toys"}])["data"]
    assert [(each["id"], each["emailDomains"]) for each in found] == [(made["id"], ["tailspin.example"])]
    assert unthread.list("users", select=["email"], limit=1)["data"] == [{"email": "zay@fleetdm.com"}]


# -- the contact form


@pytest.mark.parametrize("layout", [2024, 2025])
def test_a_ticket_of_the_contact_form_is_from_our_own_mailbox(layout: int, unthread: Unthread) -> None:
    form: dict[str, Any] = {"name": "Edda Lomax", "email": "edda@lomax.example", "message": "Hello", "layout": layout}
    made = unthread.person(**form, assigned_to="user-ksatter", reply_to=True)
    found = unthread.ask("GET", f"/conversations/{made['id']}")
    assert found["onBehalfOf"]["email"] == "contact@fleetdm.com"
    assert found["assignedToUserId"] == "user-ksatter"
    text = found["initialMessage"]["text"]
    assert text.startswith("From: contact@fleetdm.com\nReply-To: Edda Lomax <edda@lomax.example>\n")
    for part in ("Name: Edda Lomax", "edda@lomax.example", "Hello"):
        assert part in text


def test_a_person_who_is_no_user_gets_no_tickets(unthread: Unthread, world: Sandbox) -> None:
    form = {"name": "E", "email": "e@x.example", "message": "x", "assigned_to": "nobody"}
    answer = httpx.post(f"{world.url}/unthread/_person/conversation", json=form, trust_env=False)
    assert answer.status_code == 422
    assert "nobody" in answer.json()["error"]


def test_a_ticket_has_a_page_that_shows_foreign_text_harmlessly(world: Sandbox, unthread: Unthread) -> None:
    made = unthread.person(name="<b>", email="e@x.example", message="<script>alert(1)</script>")
    page = httpx.get(f"{world.url}/unthread/conversations/{made['id']}", trust_env=False)
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert httpx.get(f"{world.url}/unthread/conversations/none", trust_env=False).status_code == 404


# -- faults


@pytest.mark.parametrize(
    ("kind", "status", "effects"),
    [
        ("401", 401, 0),
        ("429", 429, 0),
        ("403_retry_after", 403, 0),
        ("vanished", 404, 0),
        ("500_before", 500, 0),
        ("500_after", 500, 1),
        ("malformed", 200, 1),
    ],
)
def test_a_fault_has_its_status_and_its_effect_or_none(
    kind: str, status: int, effects: int, world: Sandbox, unthread: Unthread
) -> None:
    world.fault(kind=kind, service="unthread", method="PATCH", seconds=7)
    answer = unthread.http.patch(f"/conversations/{TICKET}", json={"status": "closed"})
    assert answer.status_code == status
    assert answer.headers.get("Retry-After", "7") == "7"
    assert len(world.effects()) == effects


# -- webhooks


class Gateway:
    """Takes webhooks, and answers what a test wants."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes, dict[str, str]]] = []
        self.statuses: list[int] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.got.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(gateway.statuses.pop(0) if gateway.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body, _ in self.got]


@pytest.fixture
def gateway(world: Sandbox) -> Iterator[Gateway]:
    made = Gateway()
    network = {"gateway": f"http://127.0.0.1:{made.server.server_port}", "pace": 0.001}
    httpx.put(f"{world.url}/_sandbox/webhooks", json=network, trust_env=False).raise_for_status()
    yield made
    made.server.shutdown()


def test_a_new_ticket_is_told_to_the_gateway_signed_and_with_its_time(unthread: Unthread, gateway: Gateway) -> None:
    made = unthread.person(name="Edda Lomax", email="edda@lomax.example", message="Hello")
    ((path, body, headers),) = until(lambda: gateway.got)
    said = json.loads(body)
    assert path == "/unthread"
    assert (said["event"], said["data"]["id"], said["data"]["status"]) == ("conversation_created", made["id"], "open")
    assert abs(said["webhookTimestamp"] / 1000 - time.time()) < 60
    assert said["eventId"]
    assert headers["x-unthread-attempt-number"] == "1"
    expected = hmac.new(SECRETS["unthread"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-unthread-signature"] == expected


def test_changes_messages_and_deletions_are_told_too(unthread: Unthread, gateway: Gateway) -> None:
    unthread.ask("POST", f"/conversations/{TICKET}/messages", {"body": {"type": "markdown", "value": "x"}})
    unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "closed"})
    unthread.ask("DELETE", f"/conversations/{TICKET}")
    until(lambda: len(gateway.got) == 3)
    assert sorted(gateway.events()) == ["conversation_deleted", "conversation_updated", "message_created"]


def test_what_is_refused_is_told_four_more_times_under_the_same_id(unthread: Unthread, gateway: Gateway) -> None:
    gateway.statuses = [500, 500, 503, 500]
    unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "closed"})
    until(lambda: len(gateway.got) == 5)
    assert [headers["x-unthread-attempt-number"] for _, _, headers in gateway.got] == ["1", "2", "3", "4", "5"]
    assert len({json.loads(body)["eventId"] for _, body, _ in gateway.got}) == 1


def test_a_subscription_asks_first_whether_somebody_listens_and_may_be_switched_off(
    unthread: Unthread, gateway: Gateway
) -> None:
    made = unthread.ask("POST", "/webhook-subscriptions", {"url": "https://hooks.example.com/unthread"})
    until(lambda: gateway.got)
    assert gateway.events() == ["url_verification"]
    for each in unthread.list("webhook-subscriptions")["data"]:
        unthread.ask("PATCH", f"/webhook-subscriptions/{each['id']}", {"enabled": False})
    assert made["id"] in {each["id"] for each in unthread.list("webhook-subscriptions")["data"]}
    unthread.ask("PATCH", f"/conversations/{TICKET}", {"status": "closed"})
    time.sleep(0.1)
    assert gateway.events() == ["url_verification"]


# -- people


def test_a_customer_and_a_team_member_write_in_a_ticket(world: Sandbox, unthread: Unthread) -> None:
    unthread.person("message", id=TICKET, text="Any news?")
    unthread.person("message", id=TICKET, text="Yes.", user="user-ksatter")
    written = unthread.ask("POST", f"/conversations/{TICKET}/messages/list", {"order": ["ts"]})["data"][2:]
    assert [(each["text"], each["userId"]) for each in written] == [("Any news?", None), ("Yes.", "user-ksatter")]
    assert unthread.ask("GET", f"/conversations/{TICKET}")["updatedAt"] == written[-1]["timestamp"]
    assert world.effects() == []


@pytest.mark.parametrize("wrong", [{"id": "none", "text": "x"}, {"id": TICKET, "text": "x", "user": "nobody"}])
def test_nobody_writes_in_a_ticket_that_is_not_there_or_as_somebody_unknown(
    wrong: dict[str, Any], unthread: Unthread
) -> None:
    url = f"{unthread.url}/unthread/_person/message"
    assert httpx.post(url, json=wrong, trust_env=False).status_code == 422


# -- seeds


def test_a_seeded_ticket_has_changed_with_its_last_message_and_keeps_the_time_of_its_status(
    sandbox: Sandbox, unthread: Unthread
) -> None:
    tags = [{"id": "tag-1", "name": "Fleet Free"}]
    seeded = {
        "customers": [{"id": "customer-9", "name": "Tailspin Toys", "tags": tags}],
        "conversations": [
            {
                "id": "held",
                "status": "on_hold",
                "createdAt": "2026-11-23T17:00:00+00:00",
                "statusUpdatedAt": "2026-11-23T18:00:00+00:00",
                "messages": [{"text": "x", "botId": "B1", "eventType": "email_received", "at": "2026-11-23T19:00:00Z"}],
            }
        ],
    }
    sandbox.reset({"unthread": seeded})
    (found,) = unthread.list(where=[{"field": "id", "operator": "==", "value": "held"}])["data"]
    assert (found["statusUpdatedAt"], found["updatedAt"]) == ("2026-11-23T18:00:00.000Z", "2026-11-23T19:00:00.000Z")
    (message,) = unthread.ask("POST", "/conversations/held/messages/list", {})["data"]
    assert (message["botId"], message["metadata"]) == ("B1", {"eventType": "email_received"})
    (customer,) = unthread.list("customers", select=["id", "tags.name"])["data"]
    assert customer == {"id": "customer-9", "tags": [{"name": "Fleet Free"}]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"conversations": [{"id": "x", "colour": "red"}]},
        {"conversations": [{"id": "x", "assignedToUserId": "nobody"}]},
        {"conversations": [{"id": "x", "customerId": "nobody"}]},
        {"tickets": []},
    ],
    ids=["an unknown field", "an unknown user", "an unknown customer", "an unknown table"],
)
def test_a_seed_with_a_mistake_is_refused(wrong: dict[str, Any], world: Sandbox) -> None:
    answer = httpx.post(f"{world.url}/_sandbox/seed", json={"unthread": wrong}, trust_env=False)
    assert answer.status_code == 422


def test_the_demo_has_open_questions_two_applications_and_a_message_that_is_none(sandbox: Sandbox) -> None:
    httpx.post(f"{sandbox.url}/_sandbox/reset", json={"seed": "demo"}, trust_env=False).raise_for_status()
    state = sandbox.state()["unthread"]
    open_ones = [each for each in state["conversations"] if each["status"] != "closed"]
    assert len([each for each in open_ones if each["priority"]]) >= 3
    assert len([each for each in open_ones if each["title"] == "New contact form message"]) == 3
    assert {each["customer"]["name"] for each in open_ones if each["customer"]} <= {
        each["name"] for each in state["customers"]
    }
