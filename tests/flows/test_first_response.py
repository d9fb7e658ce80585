"""First responses in several channels: what is told once, what a failure holds up, what a look costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from flows.support import first_response as flows
from policies import attainment
from policies.support.first_response import read_promise
from tasks import clock, customer_channels, remembered, runs, slack_history
from tasks.cases import Unsettled
from tests.conftest import Sandbox, environment
from tests.scenarios.watch_first_responses import (
    CSE,
    GUEST,
    HEBE,
    IRIS,
    IVO,
    JANA,
    JUNO,
    MIRA,
    NOW,
    PUBLIC,
    SCENARIO,
    said,
    ts,
    world,
)
from tests.starts import Start

PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def sandbox_of_slack(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url) | PATIENT | {"HANDBOOK_SLACK_READS_A_MINUTE": "1000"})
    asyncio.run(customer_channels.refresh())
    return sandbox


def look(minutes: int, *, dry_run: bool = False) -> int:
    """Watches so many minutes after nine on a Monday."""
    at = datetime.fromisoformat(NOW) + timedelta(minutes=minutes - 65)
    with runs.acting(runs.Run(f"run at {at}", flows.WATCH, "a schedule", at, dry_run=dry_run)):
        return asyncio.run(flows.watch_first_responses.fn(dry_run))


def told(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Gives what the team was told of messages: how the title begins, and the message by channel and ts."""
    blocks = [effect["detail"]["blocks"] for effect in sandbox.effects() if "not watched" not in str(effect)]
    return sorted(
        (header["text"]["text"].split()[0], read["text"]["text"].split("/archives/")[1].split("|")[0])
        for header, _, read, *_ in blocks
    )


def message(channel: str, minutes: int) -> str:
    return f"{channel}/p{ts(minutes).replace('.', '')}"


REMINDER, LATE = "A", "Nobody"  # how the titles begin; an emergency's begins as a reminder's


def act(sandbox: Sandbox, what: str, **details: Any) -> None:
    """Has a person do something in Slack."""
    assert requests.post(f"{sandbox.url}/slack/api/_person/{what}", json=details, timeout=10).ok


def seed(sandbox: Sandbox, *messages: dict[str, Any]) -> None:
    assert requests.post(f"{sandbox.url}/_sandbox/seed", json={"slack": {"messages": messages}}, timeout=10).ok


def calls(sandbox: Sandbox) -> Counter[str]:
    paths = (
        call["path"].partition("?")[0].rpartition("/")[2] for call in sandbox.calls() if call["service"] == "slack"
    )
    return Counter(path for path in paths if path != "auth.test")  # remembered by the process


# What is told


def test_each_channel_is_watched_and_each_step_told_once(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(IRIS, IVO, 10, "How?"), said(JUNO, JANA, 35, "How?")))
    assert look(45) == 3
    hebe_and_iris = [(REMINDER, message(HEBE, 0)), (REMINDER, message(IRIS, 10))]
    assert told(sandbox) == hebe_and_iris
    assert look(55) == 3
    assert told(sandbox) == hebe_and_iris
    assert look(66) == 3
    assert told(sandbox) == [*hebe_and_iris, (REMINDER, message(JUNO, 35)), (LATE, message(HEBE, 0))]


def test_business_hours_support_is_mentioned_at_night_the_on_call(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?")))
    look(45)
    seed(sandbox, said(HEBE, CSE, 50, "So."), said(IRIS, IVO, 600, "Urgent, it is all broken"))
    look(605)
    day, night = [effect["detail"]["text"] for effect in sandbox.effects() if "not watched" not in str(effect)]
    assert day.startswith("<@U0SANDBOX09> <@U0SANDBOX10> <@U0SANDBOX11> <@U0SANDBOX12> A message from outside waits")
    assert night.startswith("<!subteam^S0SANDBOX2> <@U0SANDBOX01> A message from outside speaks of an emergency")


def test_the_team_is_told_apart_by_workspace_and_guests_are_none_of_it(sandbox: Sandbox) -> None:
    impostor = {"id": MIRA, "name": "ksatter", "real_name": "Kathy Satterlee", "team_id": "T0CUSTOMER1"}
    sandbox.reset(
        world(said(HEBE, MIRA, 0, "I work for Fleet"), said(PUBLIC, GUEST, 0, "How?")), {"slack": {"users": [impostor]}}
    )
    assert look(45) == 2


def test_after_a_restart_nothing_is_told_again(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?")))
    look(45)
    use_settings(environment(sandbox.url, sqlite_url) | PATIENT)
    before = len(sandbox.effects())
    look(46)
    assert len(sandbox.effects()) == before


def test_a_later_attempt_repeats_what_the_first_has_said(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "It fails.")))
    sandbox.fault(kind="500_before", service="slack", path="chat.postMessage", times=9)
    with pytest.raises(Unsettled):
        look(45)
    sandbox.no_more_faults()
    act(sandbox, "edit", user=MIRA, channel=HEBE, ts=ts(0), text="It fails on macOS.")
    look(50)
    (text,) = [effect["detail"]["text"] for effect in sandbox.effects() if "waits" in str(effect)]
    assert "Operating system" in text


def test_a_dry_run_tells_nobody_and_keeps_nothing(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(HEBE, CSE, 5, "So.")))
    look(45, dry_run=True)
    assert sandbox.effects() == []
    assert remembered.below(flows.WATCH) == {}


# What counts as an answer


def test_a_reply_ends_the_wait_and_its_thread_is_read_once(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(IRIS, IVO, 0, "How?")))
    seed(sandbox, said(HEBE, CSE, 20, "So.", thread=0))
    assert look(25) == 1
    assert look(26) == 1
    assert calls(sandbox)["conversations.replies"] == 1
    assert (REMINDER, message(HEBE, 0)) not in told(sandbox)


def test_a_team_members_reaction_acknowledges_and_a_customers_does_not(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(IRIS, IVO, 0, "How?")))
    act(sandbox, "react", user=CSE, channel=HEBE, ts=ts(0), name="eyes")
    act(sandbox, "react", user=IVO, channel=IRIS, ts=ts(0), name="eyes")
    assert look(10) == 1
    look(70)
    assert told(sandbox) == [(LATE, message(IRIS, 0))]
    assert attained() == (1, 2)


def test_the_notice_that_we_are_closed_answers_nothing(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 600, "How?"), said(HEBE, "U0SANDBOXBOT", 601, "We are closed.", thread=600)))
    assert look(725) == 1
    assert told(sandbox) == [(REMINDER, message(HEBE, 600))]
    assert calls(sandbox)["conversations.replies"] == 0


def test_a_message_that_is_taken_back_waits_no_longer(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?")))
    assert look(10) == 1
    act(sandbox, "delete", user=MIRA, channel=HEBE, ts=ts(0))
    assert look(70) == 0
    assert told(sandbox) == []


# What is counted


def attained(minutes: int = 600) -> tuple[int, int]:
    """Gives how many were answered in time, of how many that were due."""
    now = datetime.fromisoformat(NOW) + timedelta(minutes=minutes - 65)
    (week,) = attainment.by_week(map(read_promise, remembered.below(flows.COUNTED).values()), now, weeks=1)
    return week.met, week.due


def test_an_answer_that_comes_late_does_not_mend_the_count(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(IRIS, IVO, 0, "How?"), said(IRIS, CSE, 59, "So.")))
    look(61)
    seed(sandbox, said(HEBE, CSE, 62, "Sorry!", thread=0))
    assert look(70) == 0
    assert attained() == (1, 2)


def test_an_answer_in_time_counts_even_when_nobody_looked_meanwhile(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(HEBE, CSE, 40, "So.", thread=0), said(HEBE, CSE, 90, "Also")))
    assert look(180) == 0
    assert attained() == (1, 1)
    assert told(sandbox) == []


# What fails


def test_a_channel_that_cannot_be_read_holds_up_no_other_and_is_named(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(PUBLIC, GUEST, 0, "How?")), token("groups:history"))
    with pytest.raises(Unsettled, match=rf"missing_scope.*Not read: {PUBLIC}\."):
        look(45)
    assert told(sandbox) == [(REMINDER, message(HEBE, 0))]


def token(*history: str) -> dict[str, Any]:
    """Gives our app's token with these scopes for reading what was said."""
    scopes = ["chat:write", "channels:read", "groups:read", "users:read", *history]
    ours = {"user_id": "U0SANDBOXBOT", "bot_id": "B0SANDBOX", "app_id": "A0SANDBOX", "scopes": scopes}
    return {"slack": {"tokens": {"xoxb-sandbox": ours}}}


def test_one_failing_channel_is_read_from_where_it_was_by_the_next_run(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(IRIS, IVO, 0, "How?")))
    sandbox.fault(kind="500_before", service="slack", path="conversations.history")
    with pytest.raises(Unsettled, match="Not read: C0"):
        look(45)
    look(55)
    assert told(sandbox) == [(REMINDER, message(HEBE, 0)), (REMINDER, message(IRIS, 0))]


def test_slack_asking_to_come_back_later_is_waited_for(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?")))
    sandbox.fault(kind="429", service="slack", path="conversations.history", times=2, seconds=1)
    assert look(45) == 1


def test_channels_without_our_app_are_told_of_once(sandbox: Sandbox) -> None:
    sandbox.reset(world())
    look(45)
    look(55)
    (blind,) = [effect["detail"]["text"] for effect in sandbox.effects()]
    assert "10 channels are not watched for first responses" in blind
    assert "C0SANDBOX03, C0SANDBOX04" in blind


def test_people_whom_slack_does_not_show_are_from_outside(sandbox: Sandbox) -> None:
    sandbox.reset(world(said(HEBE, MIRA, 0, "How?"), said(PUBLIC, GUEST, 0, "How?")))
    sandbox.fault(kind="vanished", service="slack", path="users.info", times=9)
    assert look(20) == 2


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_run_that_dies_in_the_middle_loses_no_message(sandbox: Sandbox, sqlite_url: str, dies_at: int) -> None:
    sandbox.reset(SCENARIO.seed)
    variables = environment(sandbox.url, sqlite_url, NOW)
    assert Start(SCENARIO.flow, {}, variables, dies_at).go().end().how == "killed"
    seed(sandbox, said(HEBE, MIRA, 63, "And one more thing."), said(JUNO, JANA, 64, "Hello?"))
    ended = Start(SCENARIO.flow, {}, variables).go().end()
    assert ended.how == "completed", ended.said
    assert SCENARIO.unmet(sandbox.effects()) == []
    look(95)
    assert (REMINDER, message(JUNO, 55)) in told(sandbox)


# What it costs


def test_a_channels_pages_are_all_read(sandbox: Sandbox) -> None:
    many = [said(HEBE, CSE, 0, "Hello") | {"ts": f"1795453200.{place:06}"} for place in range(450)]
    sandbox.reset(world(said(HEBE, MIRA, -10, "How?"), *many, said(HEBE, MIRA, 10, "How?")))
    assert look(20) == 1
    assert calls(sandbox)["conversations.history"] == 4 + 2


def fifty_channels() -> dict[str, Any]:
    """Gives fifty customers with ten questions each, which five of us have answered, the last two in their threads."""
    helpers = [f"U0HELPER{number:03}" for number in range(5)]
    users: list[Any] = [{"id": each, "name": each.lower()} for each in helpers]
    channels: list[Any] = []
    messages: list[Any] = []
    for number in range(50):
        channel, customer, helper = f"C0MEASURE{number:02}", f"U0MEASURE{number:02}", helpers[number % 5]
        users.append({"id": customer, "name": f"customer-{number}", "team_id": f"T0MEASURE{number:02}"})
        shared = {"name": f"fleet-at-{number}", "is_private": True, "is_ext_shared": True}
        channels.append({"id": channel, "members": [customer, helper], **shared})
        for place in range(10):
            asked = -120 + 10 * place
            messages.append(said(channel, customer, asked, "How?"))
            messages.append(said(channel, helper, asked + 5, "So.", thread=asked if place >= 8 else None))
    return {"slack": {"users": users, "channels": channels, "messages": messages}}


def test_fifty_channels_with_a_thousand_messages_take_a_call_each_and_one_a_thread(sandbox: Sandbox) -> None:
    many = fifty_channels()
    assert len(many["slack"]["messages"]) == 1000
    sandbox.reset(many)
    assert look(0) == 0
    first = calls(sandbox)
    assert first == {
        "users.conversations": 1,
        "conversations.history": 51,  # with the community's
        "conversations.replies": 100,
        "users.info": 5,
        "conversations.info": 1,  # before it is told that our app is not in the channels of the list
        "chat.postMessage": 1,
    }
    assert look(10) == 0
    assert calls(sandbox) - first == {"users.conversations": 1, "conversations.history": 51}
    assert attained() == (500, 500)


def test_calls_keep_slacks_pace() -> None:
    async def five() -> float:
        pace, begun = slack_history.Pace(2, 0.3), clock.monotonic()
        await asyncio.gather(*(pace.wait() for _ in range(5)))
        return clock.monotonic() - begun

    assert asyncio.run(five()) >= 0.6
