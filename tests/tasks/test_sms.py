"""Texts: one for each that is asked for, or another when silence would be worse; no numbers outside Twilio."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from policies.customer import Refused
from policies.text_messages import code, key
from tasks import effects, ledger, runs, sms
from tests.conftest import Sandbox, environment
from tests.tasks.faults import FAULTS

RUN = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC))
PHONE, HANDLE, ONCE = "+12025550101", "zayhanlon", "start-emergency-request/C1/1.2/P0/text/zayhanlon"
LINK = "https://fleetdm.slack.com/archives/C0SANDBOX01/p1767225600000100"
BODY = f"P0 emergency in #fleet-at-hebe \u2014 a customer can\u2019t reach us. {LINK}"
UNCLEAR = {"500_before", "500_after", "reset_before", "reset_after", "timeout_after", "malformed"}


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    sandbox.reset()
    return sandbox


def text(to: str = PHONE, *, at_least_once: bool = False) -> effects.Made:
    with runs.acting(RUN):
        return asyncio.run(sms.text(to, BODY, once=ONCE, target=HANDLE, at_least_once=at_least_once))


def messages(world: Sandbox) -> list[dict[str, Any]]:
    return world.state()["twilio"]["messages"]


def creates(world: Sandbox) -> int:
    return sum(call["service"] == "twilio" and call["method"] == "POST" for call in world.calls())


def test_a_text_says_what_it_is_about_in_plain_letters_with_a_code_and_the_link(world: Sandbox) -> None:
    made = text()
    (message,) = messages(world)
    assert message["sid"] == made.id
    assert message["to"] == PHONE
    assert message["from"] == "+12025550199"
    assert message["body"] == f"P0 emergency in #fleet-at-hebe - a customer can't reach us. {code(ONCE)} {LINK}"


def test_its_link_shows_how_it_fared() -> None:
    page = requests.get(text().url, timeout=10)
    assert page.ok
    assert "P0 emergency" in page.text


def test_asked_for_again_it_is_not_sent_again(world: Sandbox) -> None:
    assert text() == text()
    assert len(messages(world)) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_an_urgent_text_leaves_whatever_the_network_does(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="twilio", method="POST", seconds=1)
    made = text(at_least_once=True)
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    assert [each["sid"] for each in messages(world)] == [made.id]
    attempts = [move for move in ledger.history_of(ONCE) if move.state == ledger.State.IN_FLIGHT]
    assert creates(world) == len(attempts)


def test_an_urgent_text_that_can_not_be_found_is_sent_again(world: Sandbox) -> None:
    world.fault(kind="reset_before", service="twilio", method="POST", times=2)
    text(at_least_once=True)
    assert len(messages(world)) == 1
    assert creates(world) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_any_other_text_is_found_or_waits_for_a_person_but_is_never_sent_twice(fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="twilio", method="POST", seconds=1)
    if fault in UNCLEAR and fault.endswith("before"):
        with pytest.raises(effects.EffectParked):
            text()
        assert messages(world) == []
    else:
        text()
        assert len(messages(world)) == 1
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging


def test_an_older_text_to_the_same_person_is_not_taken_for_this_one(world: Sandbox) -> None:
    with runs.acting(RUN):
        asyncio.run(sms.text(PHONE, BODY, once="another", target=HANDLE, at_least_once=False))
    world.fault(kind="reset_after", service="twilio", method="POST")
    assert text().id == messages(world)[-1]["sid"]
    assert len(messages(world)) == 2


def test_twilio_is_asked_to_tell_the_gateway_how_the_text_fares(
    world: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    use_settings(environment(world.url, sqlite_url) | {"HANDBOOK_PUBLIC_URL": "https://hooks.example.com/"})
    text()
    (message,) = messages(world)
    assert message["status_callback"] == f"https://hooks.example.com/twilio/status?k={key(ONCE)}"


def test_a_messaging_service_may_send(
    world: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    service = "MG5a6d626f780000000000000000000001"
    use_settings(environment(world.url, sqlite_url) | {"HANDBOOK_TWILIO_FROM": service})
    text()
    assert messages(world)[0]["messaging_service_sid"] == service


@pytest.mark.parametrize(
    "number", ["", "Zay", "2025550101", "+1202555", "+1 202 555 0101", "+12025550101,+12025550102"]
)
def test_a_number_that_can_get_no_texts_is_refused_without_showing_it(number: str, world: Sandbox) -> None:
    with pytest.raises(Refused, match=f"phone number of {HANDLE}") as refused:
        text(number)
    assert not number or number not in str(refused.value)
    assert world.calls() == []


def test_what_twilio_refuses_names_the_error_and_not_the_number(world: Sandbox) -> None:
    with pytest.raises(effects.EffectRefused, match="21408") as refused:
        text("+442079460000")
    assert "442079460000" not in str(refused.value)


def test_a_refused_token_keeps_the_text_for_later(world: Sandbox) -> None:
    world.fault(kind="401", service="twilio", method="POST")
    with pytest.raises(effects.EffectPostponed, match="HANDBOOK_TWILIO_"):
        text()
    text()
    assert len(messages(world)) == 1


def test_no_number_stands_in_a_row_a_log_or_a_message(world: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.fault(kind="reset_after", service="twilio", method="POST")
    text()
    (row,) = ledger.rows(keys=[ONCE])
    told = f"{tuple(row)} {caplog.text}"
    assert PHONE[1:] not in told
    assert "P0 emergency" not in told


def test_a_write_outside_the_ledger_does_not_leave_the_process(world: Sandbox) -> None:
    client = sms._connect()  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(effects.OutsideLedger):
        client.messages.create(to=PHONE, from_="+12025550199", body="Hello")
    assert world.calls() == []


def test_missing_settings_are_named_and_nothing_is_in_doubt(
    sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    use_settings(environment(sandbox.url, sqlite_url) | {"HANDBOOK_TWILIO_AUTH_TOKEN": "", "HANDBOOK_TWILIO_FROM": ""})
    with pytest.raises(effects.EffectPostponed, match="Not set: HANDBOOK_TWILIO_AUTH_TOKEN, HANDBOOK_TWILIO_FROM"):
        text()
    assert [row.state for row in ledger.rows(keys=[ONCE])] == [ledger.State.RETRY_LATER]
