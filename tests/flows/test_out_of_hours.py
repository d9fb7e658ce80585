"""Emergency requests, step by step: which answer to a text takes which request over, and whom a text does not reach."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from deployments import deliveries
from flows.support import out_of_hours as flows
from policies.events import TextReceived
from policies.text_messages import code
from tasks import cases, clock, decisions, runs
from tasks.effects import EffectPostponed
from tests.conftest import Sandbox, environment
from tests.scenarios import answer_out_of_hours_message as night

FIRST, SECOND = "1795924770.000100", "1795924880.000100"
VP, NEXT = "+12025550101", "+12025550118"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, night.SATURDAY_EVENING) | PATIENT)
    later = {"channel": night.CHANNEL, "user": night.CUSTOMER, "text": "Now nothing works.", "ts": SECOND}
    sandbox.reset(night.SEED, {"slack": {"messages": [later]}})
    return sandbox


def does(procedure: str, what: Any) -> None:
    with runs.acting(runs.Run("run", procedure, "a person", clock.now())):
        asyncio.run(what)


def starts(ts: str = FIRST, priority: str = "P0") -> None:
    does(flows.START, flows.start_emergency(subject(ts, priority)))


def subject(ts: str, priority: str = "P0") -> str:
    return f"{night.CHANNEL}/{ts}/{priority}"


def answers(words: str, sid: str = "SM1", number: str = VP) -> None:
    """Answers a text, as Twilio tells of it."""
    text = deliveries.twilio_inbound(urlencode({"MessageSid": sid, "From": number, "Body": words}).encode()).event
    assert isinstance(text, TextReceived)
    assert text.acknowledges
    does(flows.ACKNOWLEDGE, flows.acknowledge(text))


def reference(ts: str) -> str:
    return code(f"{flows.START}/{subject(ts)}/text/zayhanlon")


def taken_over() -> list[str]:
    return [ts for ts in (FIRST, SECOND) if decisions.on(flows.START, subject(ts))]


# -- which request an answer takes over


def test_an_answer_takes_over_the_request_of_the_latest_text_only() -> None:
    starts(FIRST)
    starts(SECOND)
    answers("ACK")
    assert taken_over() == [SECOND]


def test_an_answer_with_the_code_of_a_text_takes_over_what_that_text_was_about() -> None:
    starts(FIRST)
    starts(SECOND)
    answers(f"ack {reference(FIRST)}")
    assert taken_over() == [FIRST]


def test_an_answer_that_is_tried_again_stays_about_the_same_request(world: Sandbox) -> None:
    starts(FIRST)
    world.fault(kind="500_before", service="slack", times=100)
    with pytest.raises(Exception, match="Slack"):
        answers("ACK")
    world.no_more_faults()
    starts(SECOND)
    answers("ACK")
    assert taken_over() == [FIRST]


@pytest.mark.parametrize(
    ("words", "number"), [("ACK 00000000", VP), ("ACK", NEXT)], ids=["another code", "who was not texted"]
)
def test_an_answer_to_no_text_of_ours_takes_nothing_over(words: str, number: str) -> None:
    starts(FIRST)
    with pytest.raises(cases.NothingToDo, match="answers no text"):
        answers(words, number=number)
    assert taken_over() == []


# -- whom no text reaches


def told(world: Sandbox, action: str = "post message") -> list[str]:
    return [
        str(each["detail"]["text"])
        for each in world.effects()
        if each["action"] == action and "help-customers" in each["target"]
    ]


def texted(world: Sandbox) -> list[str]:
    return [each["target"] for each in world.effects() if each["action"] == "send text"]


def test_without_twilio_the_vp_is_mentioned_with_the_reason_and_the_record_says_whom_no_text_reached(
    world: Sandbox, sqlite_url: str, use_settings: Use
) -> None:
    settings = environment(world.url, sqlite_url, night.SATURDAY_EVENING) | PATIENT
    use_settings(settings | {"HANDBOOK_TWILIO_AUTH_TOKEN": ""})
    with pytest.raises(EffectPostponed, match="zayhanlon"):
        starts()
    assert texted(world) == []
    (said,) = [each for each in told(world) if "the text to zayhanlon did not get out" in each]
    assert said.startswith("<@U0SANDBOX01>")
    assert "HANDBOOK_TWILIO_AUTH_TOKEN" in said
    shown = told(world, "update message")[-1]
    assert "A text did not get out to: zayhanlon, lukeheath, mikermcneil." in shown
    assert "<@U0SANDBOX01>" in shown


def test_when_the_vps_text_is_put_off_the_next_is_texted_at_once_and_the_vp_by_the_next_try(world: Sandbox) -> None:
    world.fault(kind="401", service="twilio", method="POST", times=1)
    with pytest.raises(EffectPostponed, match="zayhanlon"):
        starts()
    assert texted(world) == [NEXT]
    assert (
        "Texts go to, in order: lukeheath. A text did not get out to: zayhanlon." in told(world, "update message")[-1]
    )
    starts()
    assert texted(world) == [NEXT, VP]
    assert "A text did not get out" not in told(world, "update message")[-1]


def test_who_takes_it_over_while_twilio_is_away_is_not_texted_afterwards(world: Sandbox) -> None:
    world.fault(kind="401", service="twilio", method="POST", times=9)
    with pytest.raises(EffectPostponed):
        starts()
    world.no_more_faults()
    decisions.record(flows.START, subject(FIRST), "taken over", "U0SANDBOX01")
    starts()
    assert texted(world) == []
