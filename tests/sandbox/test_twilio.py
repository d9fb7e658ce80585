"""Twilio's stand-in, as the twilio library meets it over HTTP, and the webhooks it sends."""

# Twilio ships its types without the mark that says so.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from sandbox.webhooks import SECRETS
from tests.conftest import Sandbox, until

SID, OURS, PERSON, OTHER = "AC5a6d626f780000000000000000000001", "+12025550199", "+12025550101", "+12025550102"
SERVICE = "MG5a6d626f780000000000000000000001"
PUBLIC = "https://hooks.example.com"


class Wire(TwilioHttpClient):
    """Twilio's own client, led to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self.url = urlsplit(url)

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        asked = urlsplit(url)
        led = urlunsplit((self.url.scheme, self.url.netloc, f"/twilio{asked.path}", asked.query, ""))
        return super().request(method, led, *args, **more)


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.reset()
    yield sandbox
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={}, timeout=10)


def client(world: Sandbox, user: str = SID, password: str = SECRETS["twilio"]) -> Client:
    return Client(user, password, SID, http_client=Wire(world.url))


@pytest.fixture
def messages(world: Sandbox) -> Any:
    return client(world).messages


def seed(world: Sandbox, **objects: Any) -> None:
    requests.post(f"{world.url}/_sandbox/seed", json={"twilio": objects}, timeout=10).raise_for_status()


def refused(create: Callable[..., Any], **arguments: Any) -> tuple[int, int | None]:
    with pytest.raises(TwilioRestException) as error:
        create(**arguments)
    return error.value.status, error.value.code


class Gateway:
    """Takes webhooks, and answers what a test wants."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.status, self.kind, self.answer = 200, "text/xml", b""
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                gateway.got.append((self.path, dict(parse_qsl(body, keep_blank_values=True)), headers))
                self.send_response(gateway.status)
                self.send_header("Content-Type", gateway.kind)
                self.send_header("Content-Length", str(len(gateway.answer)))
                self.end_headers()
                self.wfile.write(gateway.answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def gateway(world: Sandbox) -> Iterator[Gateway]:
    made = Gateway()
    requests.put(f"{world.url}/_sandbox/webhooks", json={"gateway": made.url}, timeout=10).raise_for_status()
    yield made
    made.server.shutdown()


# Messages


def test_a_message_is_queued_sent_and_delivered(world: Sandbox, messages: Any) -> None:
    made = messages.create(to=PERSON, from_=OURS, body="P0 emergency")
    assert (made.status, made.direction, made.date_sent) == ("queued", "outbound-api", None)
    assert until(lambda: messages(made.sid).fetch().status == "delivered")
    assert messages(made.sid).fetch().date_sent is not None
    (effect,) = world.effects()
    assert (effect["action"], effect["target"], effect["detail"]["body"]) == ("send text", PERSON, "P0 emergency")


def test_it_takes_as_long_as_the_seed_says_by_the_worlds_clock(world: Sandbox, messages: Any) -> None:
    seed(world, pace={"sent": 60, "delivered": 120})
    sid = messages.create(to=PERSON, from_=OURS, body="x").sid
    time.sleep(0.1)
    assert messages(sid).fetch().status == "queued"
    world.advance(61)
    assert until(lambda: messages(sid).fetch().status == "sent")
    world.advance(61)
    assert until(lambda: messages(sid).fetch().status == "delivered")


def test_a_phone_that_is_off_gets_nothing(world: Sandbox, messages: Any) -> None:
    seed(world, phones=[{"number": OTHER, "fate": "undelivered", "error_code": 30003}])
    sid = messages.create(to=OTHER, from_=OURS, body="x").sid
    assert until(lambda: messages(sid).fetch().status == "undelivered")
    assert messages(sid).fetch().error_code == 30003


def test_a_messaging_service_chooses_the_number(messages: Any) -> None:
    made = messages.create(to=PERSON, messaging_service_sid=SERVICE, body="x")
    assert (made.status, made.from_, made.num_segments, made.messaging_service_sid) == ("accepted", None, "0", SERVICE)
    assert until(lambda: messages(made.sid).fetch().from_ == OURS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"to": "Zay"}, 21211),
        ({"to": "2025550101"}, 21211),
        ({"to": "+1202"}, 21211),
        ({"to": ""}, 21604),
        ({"to": "+442079460000"}, 21408),
        ({"to": OURS}, 21266),
        ({"from_": "+12025550142"}, 21659),
        ({"from_": ""}, 21603),
        ({"from_": "", "messaging_service_sid": "MG0"}, 21705),
        ({"body": ""}, 21602),
        ({"body": "x" * 1_601}, 21617),
        ({"status_callback": "hooks.example.com"}, 21609),
    ],
    ids=str,
)
def test_what_twilio_refuses_is_refused_with_its_number(
    arguments: dict[str, str], code: int, world: Sandbox, messages: Any
) -> None:
    assert refused(messages.create, **{"to": PERSON, "from_": OURS, "body": "x"} | arguments) == (400, code)
    assert world.effects() == []


def test_a_trial_account_texts_verified_numbers_only(world: Sandbox, messages: Any) -> None:
    seed(world, account={"sid": SID, "type": "Trial", "verified": [PERSON]})
    assert messages.create(to=PERSON, from_=OURS, body="x").sid
    assert refused(messages.create, to=OTHER, from_=OURS, body="x") == (400, 21608)


def test_who_has_said_stop_gets_no_text(world: Sandbox, messages: Any) -> None:
    texted(world, "STOP")
    assert refused(messages.create, to=PERSON, from_=OURS, body="x") == (400, 21610)
    texted(world, "start")
    assert messages.create(to=PERSON, from_=OURS, body="x").sid


def test_a_wrong_token_and_another_account_are_refused(world: Sandbox) -> None:
    assert refused(client(world, password="wrong").messages.create, to=PERSON, from_=OURS, body="x") == (401, 20003)
    seed(world, api_keys=[{"sid": "SK1", "secret": "s"}])
    assert client(world, "SK1", "s").messages.create(to=PERSON, from_=OURS, body="x").sid
    other = Client(SID, SECRETS["twilio"], f"AC{'0' * 32}", http_client=Wire(world.url))
    assert refused(other.messages.create, to=PERSON, from_=OURS, body="x") == (404, 20404)


def test_an_unknown_message_is_not_found(messages: Any) -> None:
    assert refused(messages(f"SM{'0' * 32}").fetch) == (404, 20404)


def test_a_list_has_pages_and_filters_newest_first(world: Sandbox, messages: Any) -> None:
    sids = [messages.create(to=PERSON, from_=OURS, body=str(number)).sid for number in range(5)]
    messages.create(to=OTHER, from_=OURS, body="x")
    assert [each.sid for each in messages.stream(to=PERSON, page_size=2)] == sids[::-1]
    until(lambda: all(each.status == "delivered" for each in messages.list()))
    now = datetime.now(UTC)
    assert len(messages.list(to=PERSON, date_sent_after=now - timedelta(minutes=1))) == 5
    assert messages.list(date_sent_after=now + timedelta(minutes=1)) == []
    assert len(messages.list(from_=OURS, date_sent_before=now + timedelta(minutes=1), limit=3)) == 3


def test_what_has_not_been_sent_has_no_date_to_be_found_by(world: Sandbox, messages: Any) -> None:
    seed(world, pace={"sent": 60})
    messages.create(to=PERSON, from_=OURS, body="x")
    assert messages.list(date_sent_after=datetime.now(UTC) - timedelta(minutes=1)) == []
    assert len(messages.list(to=PERSON)) == 1


@pytest.mark.parametrize(
    ("body", "parts"),
    [("x" * 160, "1"), ("x" * 161, "2"), ("{" * 80, "1"), ("{" * 81, "2"), ("\u2019" * 70, "1"), ("\u2019" * 71, "2")],
    ids=["160", "161", "80 that count twice", "81 that count twice", "70 of Unicode", "71 of Unicode"],
)
def test_a_long_text_travels_in_parts(body: str, parts: str, messages: Any) -> None:
    assert messages.create(to=PERSON, from_=OURS, body=body).num_segments == parts


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, 20003),
        ("429", 429, 20429),
        ("vanished", 404, 20404),
        ("500_before", 503, 20503),
        ("500_after", 500, 20500),
    ],
)
def test_a_fault_is_worded_as_twilio_does(kind: str, status: int, code: int, world: Sandbox, messages: Any) -> None:
    world.fault(kind=kind, service="twilio", method="POST")
    assert refused(messages.create, to=PERSON, from_=OURS, body="x") == (status, code)


# Webhooks


def texted(world: Sandbox, body: str) -> str:
    said = {"from": PERSON, "to": OURS, "body": body}
    answer = requests.post(f"{world.url}/twilio/_person/message", json=said, timeout=10)
    assert answer.ok, answer.text
    return str(answer.json()["sid"])


def is_signed(url: str, told: dict[str, str], headers: dict[str, str]) -> bool:
    return bool(RequestValidator(SECRETS["twilio"]).validate(url, told, headers["x-twilio-signature"]))


def test_the_status_callback_comes_to_the_gateway_signed_for_its_address(messages: Any, gateway: Gateway) -> None:
    callback = f"{PUBLIC}/twilio/status?k=abc&x=1"
    sid = messages.create(to=PERSON, from_=OURS, body="x", status_callback=callback).sid
    until(lambda: len(gateway.got) == 2)
    assert {told["MessageStatus"] for _, told, _ in gateway.got} == {"sent", "delivered"}
    for path, told, headers in gateway.got:
        assert path == "/twilio/status?k=abc&x=1"
        assert told["MessageSid"] == sid
        assert is_signed(callback, told, headers)
        assert not is_signed(f"{PUBLIC}/twilio/status?k=abd&x=1", told, headers)
        assert not is_signed(callback, told | {"MessageStatus": "failed"}, headers)


def test_a_person_texts_us_and_twilio_tells_the_gateway(world: Sandbox, gateway: Gateway) -> None:
    sid = texted(world, "ack, I'm on it \u00e9")
    ((path, told, headers),) = until(lambda: gateway.got)
    assert (path, told["From"], told["To"], told["Body"]) == ("/twilio/inbound", PERSON, OURS, "ack, I'm on it \u00e9")
    assert told["MessageSid"] == sid
    assert is_signed(f"{gateway.url}/twilio/inbound", told, headers)
    assert world.effects() == []


def test_a_number_may_have_its_own_address_for_texts(world: Sandbox, gateway: Gateway) -> None:
    seed(world, numbers=[{"phone_number": OURS, "sms_url": f"{PUBLIC}/twilio/inbound"}])
    texted(world, "hello")
    ((path, told, headers),) = until(lambda: gateway.got)
    assert path == "/twilio/inbound"
    assert is_signed(f"{PUBLIC}/twilio/inbound", told, headers)


def test_twiml_in_the_answer_is_read(world: Sandbox, messages: Any, gateway: Gateway) -> None:
    answer = MessagingResponse()
    answer.message("Thank you, noted.")
    gateway.answer = str(answer).encode()
    texted(world, "ack")
    (reply,) = until(lambda: messages.list(to=PERSON))
    assert (reply.body, reply.direction, reply.from_) == ("Thank you, noted.", "outbound-reply", OURS)


@pytest.mark.parametrize(
    ("kind", "answer", "code"),
    [("application/json", b"{}", 12300), ("text/xml", b"<Response>", 12100), ("text/xml", b"<Reply/>", 12102)],
)
def test_an_answer_that_is_no_twiml_raises_an_alert(
    kind: str, answer: bytes, code: int, world: Sandbox, gateway: Gateway
) -> None:
    gateway.kind, gateway.answer = kind, answer
    texted(world, "ack")
    alerts = until(lambda: world.state()["twilio"]["alerts"])
    assert [each["code"] for each in alerts] == [code]
    assert world.effects() == []


def test_what_the_gateway_refused_is_not_sent_again_what_it_missed_is_once(world: Sandbox, gateway: Gateway) -> None:
    def attempts() -> list[dict[str, Any]]:
        told = requests.get(f"{world.url}/_sandbox/webhooks", timeout=10).json()
        return [attempt for delivery in told["deliveries"] for attempt in delivery["attempts"]]

    gateway.status = 500
    texted(world, "hello")
    until(attempts)
    time.sleep(0.1)
    assert [each["status"] for each in attempts()] == [500]
    gateway.server.shutdown()
    gateway.server.server_close()
    texted(world, "hello")
    assert until(lambda: len(attempts()) == 3)
    assert [each["error"] for each in attempts()[1:]] == ["ConnectError", "ConnectError"]


def test_a_person_without_a_number_and_a_number_that_is_not_ours_are_refused(world: Sandbox) -> None:
    for said in (
        {"from": "Zay", "to": OURS, "body": "x"},
        {"from": PERSON, "to": OTHER, "body": "x"},
        {"from": PERSON},
    ):
        assert requests.post(f"{world.url}/twilio/_person/message", json=said, timeout=10).status_code == 422


def test_a_seed_with_a_misspelt_field_is_refused(world: Sandbox) -> None:
    wrong: list[dict[str, Any]] = [{"numbrs": []}, {"numbers": [{"phone_number": "1"}]}, {"account": {"sid": "AC"}}]
    for objects in wrong:
        answer = requests.post(f"{world.url}/_sandbox/seed", json={"twilio": objects}, timeout=10)
        assert answer.status_code == 422
