"""Forged, stale and malformed deliveries: refused before anything is read, whatever the service."""

# Twilio ships its types without the mark that says so.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from deployments import deliveries, interactions
from deployments.deliveries import Malformed
from deployments.signatures import Forged
from deployments.webhooks import WEBHOOKS, Incoming
from policies.events import IssueOpened
from tests import signed
from tests.conftest import environment

NOBODY = "http://127.0.0.1:9"
PUBLIC = "https://hooks.example.com"
TAKE = {webhook.path: webhook.take for webhook in WEBHOOKS}

SLACK_MESSAGE = {
    "type": "event_callback",
    "event_id": "Ev1",
    "event": {"type": "message", "channel": "C0HEBE00001", "user": "U0GUEST0001", "ts": "1795924770.000100"},
}
CLICK = {
    "type": "block_actions",
    "user": {"id": "U0GUEST0001", "team_id": "T0CUSTOMER"},
    "container": {"channel_id": "C0HEBE00001", "message_ts": "1795924770.000100"},
    "actions": [{"action_id": "start-emergency-request-p0", "value": "x", "action_ts": "1795924770.000100"}],
}
SHORTCUT = {
    "type": "message_action",
    "callback_id": "file-customer-bug-report-on-message",
    "trigger_id": "1.2.ab",
    "user": {"id": "U0TEAM0001", "team_id": "T0FLEET"},
    "channel": {"id": "C0HEBE00001"},
    "message": {"ts": "1795924770.000100", "thread_ts": "1795924770.000100"},
}
SENT = {
    "type": "view_submission",
    "user": {"id": "U0TEAM0001", "team_id": "T0FLEET"},
    "view": {
        "id": "V0FORM00001",
        "callback_id": "record-reproduction",
        "private_metadata": "{}",
        "state": {
            "values": {
                "issue": {"value": {"type": "plain_text_input", "value": "41"}},
                "outcome": {"value": {"type": "static_select", "selected_option": {"value": "reproduced"}}},
                "dry_run": {"value": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
            }
        },
    },
}
COMMAND = {
    "command": "/handbook",
    "text": "",
    "user_id": "U0TEAM0001",
    "team_id": "T0FLEET",
    "channel_id": "C0HEBE00001",
}
OPENED = {
    "action": "opened",
    "repository": {"full_name": "fleetdm/confidential"},
    "issue": {"number": 1, "user": {"login": "lukeheath", "type": "User"}, "labels": []},
}
ALARMS = {"alerts": [{"status": "firing", "fingerprint": "0123456789abcdef", "startsAt": "2026-11-23T10:00:00Z"}]}
SOAP = (
    "<Envelope><Body><notifications><OrganizationId>00DUx0000000001MAA</OrganizationId><Notification><Id>04l1</Id>"
    "<sObject><Id>001Ux0000000011IAA</Id></sObject></Notification></notifications></Body></Envelope>"
)


def hexed(secret: str, body: bytes, how: Any = hashlib.sha256) -> str:
    return hmac.new(secret.encode(), body, how).hexdigest()


def slack(path: str, body: bytes, at: float | None = None, secret: str = signed.SLACK) -> Incoming:
    headers = {name.lower(): value for name, value in signed.slack_headers(body, secret, at).items()}
    return Incoming(headers, {}, path, body)


def github(body: bytes, secret: str = signed.GITHUB) -> Incoming:
    headers = {"x-github-event": "issues", "x-github-delivery": "1-2-3"}
    return Incoming(headers | {"x-hub-signature-256": f"sha256={hexed(secret, body)}"}, {}, "/github", body)


def unthread(data: Mapping[str, Any] | None = None, at: float | None = None, secret: str = signed.UNTHREAD) -> Incoming:
    said = {
        "event": "conversation_created",
        "eventId": "e1",
        "webhookTimestamp": int((time.time() if at is None else at) * 1000),
        "data": {"id": "c-1", "status": "open"},
    }
    body = json.dumps(said | dict(data or {})).encode()
    return Incoming({"x-unthread-signature": hexed(secret, body)}, {}, "/unthread", body)


def twilio(path: str, form: Mapping[str, str]) -> Incoming:
    body = urlencode(form).encode()
    signature = RequestValidator("sandbox-twilio-auth-token").compute_signature(PUBLIC + path, dict(form))
    query = dict(pair.split("=") for pair in path.partition("?")[2].split("&") if pair)
    return Incoming({"x-twilio-signature": signature}, query, path, body)


def genuine() -> dict[str, Incoming]:
    """Gives a good request of every service."""
    click, command = urlencode({"payload": json.dumps(CLICK)}).encode(), urlencode(COMMAND).encode()
    alarm = Incoming({"authorization": "Bearer sandbox-alertmanager-token"}, {}, "/", json.dumps(ALARMS).encode())
    return {
        "/slack/events": slack("/slack/events", json.dumps(SLACK_MESSAGE).encode()),
        "/slack/interactivity": slack("/slack/interactivity", click),
        "/slack/commands": slack("/slack/commands", command),
        "/github": github(json.dumps(OPENED).encode()),
        "/unthread": unthread(),
        "/alarms/alertmanager": alarm,
        "/salesforce": Incoming({}, {"key": "sandbox-salesforce-webhook-key"}, "/salesforce", SOAP.encode()),
        "/twilio/status": twilio("/twilio/status?k=abc", {"MessageSid": "SM1", "MessageStatus": "delivered"}),
        "/twilio/inbound": twilio("/twilio/inbound", {"MessageSid": "SM2", "From": "+12025550101", "Body": "ack"}),
    }


SIGNED_BY = {
    "/slack/events": "x-slack-signature",
    "/slack/interactivity": "x-slack-signature",
    "/slack/commands": "x-slack-signature",
    "/github": "x-hub-signature-256",
    "/unthread": "x-unthread-signature",
    "/alarms/alertmanager": "authorization",
    "/twilio/status": "x-twilio-signature",
    "/twilio/inbound": "x-twilio-signature",
}


@pytest.fixture(autouse=True)
def own_settings(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings(environment(NOBODY, "sqlite://") | {"HANDBOOK_PUBLIC_URL": PUBLIC})


@pytest.mark.parametrize("path", genuine())
def test_a_genuine_request_is_taken(path: str) -> None:
    taken = TAKE[path](genuine()[path])
    assert taken.deliveries or taken.asked


def spoiled(signature: str) -> Iterator[tuple[str, str]]:
    """Gives a signature, or key, as forgers, proxies and bugs spoil it."""
    last = "0" if signature[-1] != "0" else "1"
    yield "absent", ""
    yield "blank", " "
    yield "one character changed", signature[:-1] + last
    yield "first character changed", ("x" if signature[0] != "x" else "y") + signature[1:]
    yield "one character short", signature[:-1]
    yield "one character long", signature + "0"
    yield "half of it", signature[: len(signature) // 2]
    yield "twice", signature + signature
    yield "twice with a comma", f"{signature},{signature}"
    yield "backwards", signature[::-1]
    yield "in quotes", f'"{signature}"'
    yield "with a blank inside", signature[:5] + " " + signature[5:]
    yield "with a line end inside", signature[:5] + "\r\n" + signature[5:]
    yield "with NUL", signature[:-1] + "\x00"
    yield "other letters", "".join(chr(ord(each) + 1) for each in signature)
    yield "letters that look alike", signature.replace("a", "\u0430") + "\u0430"
    yield "not ASCII", "é" * len(signature)
    yield "an emoji", "\U0001f511"
    yield "a lone surrogate", "\ud800"
    yield "huge", "a" * 100_000
    yield "none", "none"
    yield "null", "null"
    yield "true", "true"
    yield "zeros", "0" * len(signature)
    yield "base64 of it", base64.b64encode(signature.encode()).decode()
    yield "hash of it", hashlib.sha256(signature.encode()).hexdigest()
    yield "another scheme", "v1=" + signature.rpartition("=")[2]
    yield "sha1", "sha1=" + signature.rpartition("=")[2]
    yield "no scheme, changed", signature.rpartition("=")[2][::-1] + "x"
    yield "Basic", "Basic " + base64.b64encode(b"user:password").decode()
    yield "Bearer of another", "Bearer another-token"
    yield "percent-encoded", "".join(f"%{ord(each):02x}" for each in signature[:20])
    yield "a path", "../../etc/passwd"
    yield "SQL", "' OR '1'='1"
    yield "a template", "{{7*7}}"
    yield "a wildcard", "*"
    yield "empty list", "[]"
    yield "tab", "\t" + signature[1:]
    yield "of an empty body", hexed(signed.SLACK, b"")
    yield "of another secret", hexed("another secret", b"x")
    yield "md5", hexed(signed.GITHUB, b"x", hashlib.md5)


FORGED = [
    pytest.param(path, value, id=f"{path} {how}")
    for path, request in genuine().items()
    if path in SIGNED_BY
    for how, value in spoiled(request.headers[SIGNED_BY[path]])
]


@pytest.mark.parametrize(("path", "value"), FORGED)
def test_a_spoiled_signature_is_refused_before_the_body_is_read(path: str, value: str) -> None:
    request = genuine()[path]
    forged = replace(request, headers={**request.headers, SIGNED_BY[path]: value})
    for body in (request.body, b"\xff{not readable"):
        with pytest.raises(Forged):
            TAKE[path](replace(forged, body=body))


@pytest.mark.parametrize(("how", "value"), list(spoiled("sandbox-salesforce-webhook-key")))
def test_a_spoiled_key_in_salesforces_address_is_refused(how: str, value: str) -> None:
    with pytest.raises(Forged):
        TAKE["/salesforce"](Incoming({}, {"key": value}, "/salesforce", b"<not even XML"))


@pytest.mark.parametrize("path", [path for path in SIGNED_BY if path != "/alarms/alertmanager"])
@pytest.mark.parametrize("body", [b"", b"{}", b"x", b"\xff\xfe", b"payload=%7B%7D"], ids=repr)
def test_another_body_under_a_good_signature_is_refused(path: str, body: bytes) -> None:
    with pytest.raises(Forged):
        TAKE[path](replace(genuine()[path], body=body))


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "0x10", "١٢٣", " 1", "9" * 20, "1.5", "null", "0"])
def test_slacks_timestamp_must_be_a_recent_number(stamp: str) -> None:
    request = genuine()["/slack/events"]
    with pytest.raises(Forged):
        TAKE["/slack/events"](replace(request, headers={**request.headers, "x-slack-request-timestamp": stamp}))


@pytest.mark.parametrize(("age", "is_taken"), [(0, True), (295, True), (301, False), (3600, False), (-301, False)])
def test_what_was_signed_more_than_five_minutes_ago_or_ahead_is_refused(age: float, is_taken: bool) -> None:
    at = time.time() - age
    for path, request in (
        ("/slack/events", slack("/slack/events", json.dumps(SLACK_MESSAGE).encode(), at)),
        ("/unthread", unthread(at=at)),
    ):
        if is_taken:
            assert TAKE[path](request).deliveries
        else:
            with pytest.raises(Forged, match="5 minutes"):
                TAKE[path](request)


@pytest.mark.parametrize("stamp", [None, "soon", True, [], 1.5])
def test_unthreads_time_must_stand_in_the_body(stamp: Any) -> None:
    with pytest.raises(Forged):
        TAKE["/unthread"](unthread({"webhookTimestamp": stamp}))


def test_both_secrets_are_valid_while_one_is_rotated(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings({"HANDBOOK_GITHUB_WEBHOOK_SECRET": "new-secret, sandbox-github-webhook-secret"})
    body = json.dumps(OPENED).encode()
    assert TAKE["/github"](github(body)).deliveries
    assert TAKE["/github"](github(body, "new-secret")).deliveries
    with pytest.raises(Forged):
        TAKE["/github"](github(body, "new-secret, sandbox-github-webhook-secret"))


def test_without_a_secret_nothing_is_taken(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings({"HANDBOOK_GITHUB_WEBHOOK_SECRET": "", "HANDBOOK_SLACK_SIGNING_SECRET": " , "})
    for path in ("/github", "/slack/events"):
        with pytest.raises(Forged, match="is not set"):
            TAKE[path](genuine()[path])


def test_without_our_own_address_twilios_requests_are_refused_with_what_to_set(
    use_settings: Callable[[Mapping[str, str]], None],
) -> None:
    use_settings({"HANDBOOK_PUBLIC_URL": ""})
    with pytest.raises(Forged, match="HANDBOOK_PUBLIC_URL is not set"):
        TAKE["/twilio/inbound"](genuine()["/twilio/inbound"])


def test_a_form_of_more_than_a_hundred_fields_is_refused_before_its_signature_is_computed() -> None:
    with pytest.raises(Forged, match="more fields"):
        TAKE["/twilio/inbound"](twilio("/twilio/inbound", {f"Field{number}": "" for number in range(101)}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 123456789012345678901234567890}',
        "[" * 100_000,
        '{"a":' * 40 + "1" + "}" * 40,
        '{"a": 1',
    ],
    ids=lambda text: text[:20],
)
def test_json_is_read_strictly(text: str) -> None:
    with pytest.raises(Malformed):
        deliveries.parse_json(text.encode())


@pytest.mark.parametrize(
    ("told", "put_on"), [({}, ""), ({"action": "labeled", "label": {"name": ":help-customers"}}, ":help-customers")]
)
def test_of_an_issue_that_gets_a_label_it_is_read_which_one(told: dict[str, Any], put_on: str) -> None:
    event = deliveries.github("issues", "1", OPENED | told).event
    assert isinstance(event, IssueOpened)
    assert event.put_on == put_on


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=10), inside, max_size=4),
    max_leaves=12,
)
FUZZED: dict[str, Callable[[bytes], object]] = {
    "Slack's events": lambda body: deliveries.slack_event(deliveries.parse_json(body)),
    "Slack's buttons": lambda body: deliveries.slack_actions(urlencode({"payload": body}).encode()),
    "Slack's forms": lambda body: interactions.form_interaction(urlencode({"payload": body}).encode()),
    "Slack's commands": deliveries.slack_command,
    "GitHub": lambda body: deliveries.github("issues", "1", deliveries.parse_json(body)),
    "GitHub's comments": lambda body: deliveries.github("issue_comment", "1", deliveries.parse_json(body)),
    "Unthread": lambda body: deliveries.unthread(deliveries.parse_json(body)),
    "Alertmanager": lambda body: deliveries.alertmanager(deliveries.parse_json(body)),
    "SNS": lambda body: deliveries.sns(deliveries.parse_json(body)),
    "Salesforce": lambda body: deliveries.salesforce(body, "00DUx0000000001MAA"),
    "Twilio's status": lambda body: deliveries.twilio_status({"k": "x"}, body),
    "Twilio's texts": deliveries.twilio_inbound,
}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
settings.register_profile("quick", max_examples=300, deadline=None, suppress_health_check=SLOW, derandomize=True)
settings.register_profile("nightly", settings.get_profile("quick"), max_examples=10_000, derandomize=False)
FUZZ = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
SHAPES: list[dict[str, Any]] = [SLACK_MESSAGE, CLICK, SHORTCUT, SENT, OPENED, ALARMS]


@pytest.mark.parametrize("parser", FUZZED)
@FUZZ
@given(data=st.data())
def test_a_parser_says_malformed_and_nothing_else(parser: str, data: st.DataObject) -> None:
    raw = data.draw(st.one_of(st.binary(max_size=200), JSON.map(_dumped), st.sampled_from(SHAPES).flatmap(_mutated)))
    try:
        FUZZED[parser](raw)
    except Malformed:
        return


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _mutated(shape: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    """Puts anything in the place of one value of a good delivery."""

    def put(choice: tuple[str, Any]) -> bytes:
        name, value = choice
        inside = {**shape}
        for part in ("event", "view", "message"):
            if isinstance(inside.get(part), dict):
                inside[part] = {**inside[part], name: value}
        return _dumped({**inside, name: value})

    names = sorted({*shape, "channel", "ts", "user", "labels", "number", "action", "id", "state", "private_metadata"})
    return st.tuples(st.sampled_from(names), JSON).map(put)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE l [<!ENTITY l "l"><!ENTITY m "&l;&l;&l;&l;">]><l>&m;</l>',
        "<a>",
        "",
    ],
)
def test_xml_that_does_things_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        deliveries.salesforce(body.encode(), "00DUx0000000001MAA")


def test_another_orgs_message_is_refused() -> None:
    with pytest.raises(Malformed, match="our Salesforce org"):
        deliveries.salesforce(SOAP.encode(), "00DUx0000000009MAA")
