"""The developer on-call from the question to the hand-off: what the sheet says, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.support import developer_on_call as flows
from policies.customer import Refused
from policies.handbook import HandbookError
from policies.support.developer_on_call import Question
from policies.support.direct_messages import Summary
from tasks import cases, google_client, known_names, remembered, runs, slack
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios import contact_developer_on_call as contact
from tests.scenarios import hand_off_developer_on_call as hand_off
from tests.scenarios import post_direct_message_summary as summing_up
from tests.scenarios import review_developer_requests as review
from tests.scenarios.review_developer_requests import CSE, DEVELOPER, FRIDAY, ours, said

NOW = contact.SCENARIO.now
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | PATIENT)
    known_names.known_names.cache_clear()
    google_client.credentials_for.cache_clear()
    sandbox.reset(contact.SCENARIO.seed)
    return sandbox


def a_run(procedure: str, at: str = NOW, *, dry_run: bool = False) -> runs.Run:
    return runs.Run("run 1", procedure, "a person", datetime.fromisoformat(at), dry_run=dry_run)


def ask(parameters: Mapping[str, Any] = contact.SCENARIO.parameters, at: str = NOW) -> str:
    with runs.acting(a_run(flows.CONTACT, at)):
        return asyncio.run(flows.contact_developer_on_call.fn(Question(**parameters["question"])))


def sum_up(parameters: Mapping[str, Any] = summing_up.SCENARIO.parameters) -> str:
    with runs.acting(a_run(flows.SUMMARY)):
        return asyncio.run(flows.post_direct_message_summary.fn(Summary(**parameters["summary"])))


def look(at: str = review.NOW, *, dry_run: bool = False) -> int:
    with runs.acting(a_run(flows.REVIEW, at, dry_run=dry_run)):
        return asyncio.run(flows.review_developer_requests.fn(dry_run))


def hand_over(at: str = hand_off.SCENARIO.now) -> str:
    with runs.acting(a_run(flows.HAND_OFF, at)):
        return asyncio.run(flows.hand_off_developer_on_call.fn())


def posted(world: Sandbox, channel: str = "#help-engineering") -> list[str]:
    return [effect["detail"]["text"] for effect in world.effects() if effect["target"] == channel]


# Asking


def test_the_message_names_who_is_on_call_by_the_sheet(world: Sandbox) -> None:
    url = ask()
    (message,) = posted(world)
    assert "Kathy Satterlee asks. On call this week: Luke Heath." in message
    assert "due by Monday, November 23, 11:00 AM Pacific Time" in message
    (consulting,) = [effect for effect in world.effects() if effect["target"] == "#help-solutions-consulting"]
    assert url in str(consulting["detail"]["blocks"])


@pytest.mark.parametrize(
    ("seed", "why"),
    [
        (contact.rotation(("2026-11-16", "zwass")), "The rotation has no week with Monday, November 23."),
        (contact.rotation(reader="zay@fleetdm.com"), "may not open it. Share the spreadsheet with it."),
        (
            {"spreadsheets": [{"id": contact.SPREADSHEET, "title": "KPIs", "sheets": [], "readers": [contact.READER]}]},
            "no sheet with the gid 1831267053",
        ),
    ],
    ids=["a missing week", "not shared", "no such sheet"],
)
def test_a_rotation_that_cannot_be_read_holds_up_nothing(world: Sandbox, seed: dict[str, Any], why: str) -> None:
    world.reset({**contact.SCENARIO.seed, "google": seed})
    ask()
    (message,) = posted(world)
    assert "could not be read from the rotation" in message
    assert why in message


def test_google_being_away_holds_up_nothing_and_a_second_run_adds_nothing(world: Sandbox) -> None:
    world.fault(kind="500_before", skip=1, service="google")
    ask()
    ask()
    (message,) = posted(world)
    assert "could not be read from the rotation: Google Sheets answered 503." in message


def test_no_mailbox_to_read_with_holds_up_nothing(
    world: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(added.replace('reader = "luke@fleetdm.com"', ""), encoding="utf-8")
    variables = environment(world.url, sqlite_url, NOW) | PATIENT
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})
    ask()
    assert "fill in developer_on_call.reader" in posted(world)[0]


def test_a_group_without_an_id_is_refused_with_what_to_fill_in(
    world: Sandbox, sqlite_url: str, use_settings: Use, tmp_path: Path
) -> None:
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (tmp_path / "added.toml").write_text(added.replace('oncall = { id = "S0SANDBOX1" }', ""), encoding="utf-8")
    variables = environment(world.url, sqlite_url, NOW) | PATIENT
    use_settings(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(tmp_path / "added.toml")})
    with pytest.raises(HandbookError, match=r"handbook.toml:\d+: user_groups.oncall.id: .*Fill it in"):
        ask()
    assert world.effects() == []


@pytest.mark.parametrize(("parameters", "says"), contact.BAD_INPUT)
def test_a_question_that_cannot_be_asked_changes_nothing(world: Sandbox, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        ask(parameters)
    assert world.effects() == []


def test_a_real_name_and_other_mistakes_are_told_together_without_the_name() -> None:
    with pytest.raises(Refused) as refused:
        ask(contact.changed(tried=f"Called {contact.NAME}", asked_by="nobody"))
    assert len(refused.value.problems) == 2
    assert "Quillfeather" not in str(refused.value)


def test_the_same_issue_in_other_words_is_sent_to_todays_thread(world: Sandbox) -> None:
    url = ask()
    with pytest.raises(Refused) as refused:
        ask(contact.changed(tried="Restarted all hosts."))
    assert url in str(refused.value)
    assert len(posted(world)) == 1


def test_the_same_issue_is_asked_again_the_next_day(world: Sandbox) -> None:
    ask()
    ask(at="2026-11-24T18:00:00+00:00")
    assert len(posted(world)) == 2


def test_what_is_sent_before_midnight_and_goes_on_after_it_calls_once(world: Sandbox) -> None:
    assert ask(at="2026-11-24T07:58:00+00:00") == ask(at="2026-11-24T08:02:00+00:00")
    assert len(posted(world)) == 1


def test_a_message_in_slack_is_asked_about_by_a_link_to_our_own_slack_whatever_was_typed(world: Sandbox) -> None:
    link = "https://elsewhere.example/archives/C062D0THVV1/p1795453200000100?a|b>_<!channel>"
    ask(contact.changed(issue=link, customer="", solutions_consulting=False))
    shown = str(world.effects()[0]["detail"]["blocks"])
    assert f"<{slack.link('C062D0THVV1', '1795453200.000100')}|Message in Slack>" in shown
    assert "elsewhere" not in shown
    assert "!channel" not in shown


# Reminding


def test_a_thread_is_reminded_once_and_read_no_more_once_answered(world: Sandbox) -> None:
    world.reset(review.SCENARIO.seed)
    assert look() == 4
    before = len(world.calls())
    later = "2026-11-23T18:20:00+00:00"
    assert look(later) == 4
    assert len(posted(world)) == 2
    read = [call["path"].partition("?")[0] for call in world.calls()[before:]]
    assert read.count("/conversations.replies") == 2  # those that were reminded; somebody may have answered


def test_a_thread_that_can_not_be_reminded_holds_up_no_other_and_is_named(world: Sandbox) -> None:
    world.reset(review.SCENARIO.seed)
    world.fault(kind="401", service="slack", path=r"chat\.postMessage")
    with pytest.raises(cases.Unsettled, match=r"1 are not settled.*\n.*Slack refused the token"):
        look()
    assert len(posted(world)) == 1
    look()
    assert len(posted(world)) == 2


def test_an_answer_ends_the_wait(world: Sandbox) -> None:
    reply = said(FRIDAY, DEVELOPER, "On it.", f"{FRIDAY}.000100", 200)
    world.reset({"slack": {"messages": [ours(FRIDAY), reply]}})
    assert look() == 1
    assert world.effects() == []


def test_the_askers_own_words_are_no_answer(world: Sandbox) -> None:
    reply = said(FRIDAY, CSE, "Anybody?", f"{FRIDAY}.000100", 200)
    world.reset({"slack": {"messages": [ours(FRIDAY), reply]}})
    look()
    assert len(posted(world)) == 1


def test_what_our_own_question_asked_is_found_by_the_review(world: Sandbox) -> None:
    world.set_clock(NOW)
    ask()
    world.set_clock("2026-11-23T19:30:00+00:00")
    look("2026-11-23T19:30:00+00:00")
    assert "An answer was due by Monday, November 23, 11:00 AM" in posted(world)[1]


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-22T18:00:00+00:00",
        "2026-11-26T18:00:00+00:00",
        "2026-11-23T16:55:00+00:00",
        "2026-11-24T01:00:00+00:00",
    ],
    ids=["Sunday", "Thanksgiving", "before nine", "at five"],
)
def test_nobody_is_reminded_outside_the_developers_hours(world: Sandbox, at: str) -> None:
    world.reset(review.SCENARIO.seed)
    assert look(at) == 0
    assert world.calls() == []


def test_a_dry_run_remembers_no_answer(world: Sandbox) -> None:
    world.reset(review.SCENARIO.seed)
    look(dry_run=True)
    assert remembered.read(f"{flows.REVIEW}/{review.CHANNEL}/{review.NINE}.000400/answered") is None
    look()
    assert remembered.read(f"{flows.REVIEW}/{review.CHANNEL}/{review.NINE}.000400/answered") == "yes"


# Direct messages


@pytest.mark.parametrize(("parameters", "says"), summing_up.BAD_INPUT)
def test_a_summary_that_cannot_be_posted_changes_nothing(world: Sandbox, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        sum_up(parameters)
    assert world.effects() == []


SHARED = {"id": "C0SANDBOX50", "name": "fleet-at-juno", "is_private": True, "is_ext_shared": True}
INTERNAL = {"id": "C0SANDBOX51", "name": "op-juno", "is_private": True}


def test_a_summary_goes_to_a_customers_channel_without_any_name(world: Sandbox) -> None:
    world.reset(contact.SCENARIO.seed, {"slack": {"channels": [SHARED]}})
    with pytest.raises(Refused, match="holds a customer's real name"):
        sum_up(summing_up.changed(channel=SHARED["id"], summary=f"{contact.NAME} is fine"))
    sum_up(summing_up.changed(channel=SHARED["id"]))
    assert len(posted(world, "#fleet-at-juno")) == 1


def test_in_a_private_channel_of_ours_a_name_may_stand(world: Sandbox) -> None:
    world.reset(contact.SCENARIO.seed, {"slack": {"channels": [INTERNAL]}})
    sum_up(summing_up.changed(channel=INTERNAL["id"], summary=f"{contact.NAME} is fine"))
    assert len(posted(world, "#op-juno")) == 1


def test_other_words_are_another_summary(world: Sandbox) -> None:
    first = sum_up()
    assert sum_up() == first
    sum_up(summing_up.changed(summary="And one more setting."))
    assert len(posted(world)) == 2


# Handing over


def test_the_hand_off_names_both_developers_and_links_what_is_open(world: Sandbox) -> None:
    world.reset(hand_off.SCENARIO.seed)
    url = hand_over()
    root, *replies = [effect["detail"] for effect in world.effects()]
    assert "1. Luke Heath puts themselves into the @oncall user group, in the place of zwass." in root["text"]
    ts = url.rpartition("/p")[2]
    assert {reply["thread_ts"].replace(".", "") for reply in replies} == {ts}
    assert f"/archives/C019WG4GH0A/p{FRIDAY}000100" in str(replies[2]["blocks"])
    assert f"p{FRIDAY}000300" not in str(replies[2]["blocks"])


def test_on_other_days_nothing_is_done_and_nothing_is_asked(world: Sandbox) -> None:
    world.reset(hand_off.SCENARIO.seed)
    assert hand_over("2026-11-24T17:00:00+00:00") == ""
    assert world.calls() == []


def test_a_second_run_repeats_the_hand_off_though_the_world_has_moved_on(world: Sandbox) -> None:
    world.reset(hand_off.SCENARIO.seed)
    first = hand_over()
    reply = said(FRIDAY, DEVELOPER, "Done.", f"{FRIDAY}.000100", 900)
    seed = {"google": contact.rotation(("2026-11-23", "zwass")), "slack": {"messages": [reply]}}
    assert requests.post(f"{world.url}/_sandbox/seed", json=seed, timeout=10).ok
    assert hand_over() == first
    assert len(world.effects()) == 5
