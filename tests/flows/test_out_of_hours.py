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
