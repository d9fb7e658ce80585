"""Two mornings on call: how few calls they take, what has changed between them, and what is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.support import status_updates as flows
from flows.support import support_slas
from policies.customer import Refused
from policies.report import Report
from policies.support import status_pages as words
from policies.support import status_updates as policy
from tasks import google_client, known_names, remembered, runs, salesforce
from tasks.effects import EffectError
from tests.conftest import ROOT, Sandbox, environment
from tests.scenarios import gather_status_updates as scenario
from tests.scenarios.gather_status_updates import NAME, NAMELESS, NOW, OTHER, bug, conversation

MONDAY, TUESDAY, HOLIDAY = NOW, "2026-11-24T14:00:00+00:00", "2026-11-26T14:00:00+00:00"
CSE, OTHER_CSE, INFRASTRUCTURE = "U0SANDBOX09", "U0SANDBOX11", "U0SANDBOX02"
GUESTS, SHARED, COMMUNITY = "C0SANDBOX04", "C0SANDBOX51", "C0SANDBOXPUB"
PATIENT = {"HANDBOOK_CONNECT_TIMEOUT": "5", "HANDBOOK_READ_TIMEOUT": "20"}  # no test here is about waiting
Use = Callable[[Mapping[str, str]], None]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Use) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url, NOW) | PATIENT)
    sandbox.reset(scenario.SEED)
    sandbox.set_clock(NOW)
    return sandbox


def gather(at: str = MONDAY, customer: str = "", *, dry_run: bool = False) -> int:
    for known in (known_names.known_names, google_client.credentials_for, salesforce.login):
        known.cache_clear()  # a run has a process of its own
    run = runs.Run("run 1", flows.GATHER, "a person", datetime.fromisoformat(at), dry_run=dry_run)
    with runs.acting(run):
        return asyncio.run(flows.gather_status_updates.fn(customer, dry_run))


def change(world: Sandbox, **seed: Any) -> None:
    """Has somebody else change things, as they are the next morning."""
    assert requests.post(f"{world.url}/_sandbox/seed", json=seed, timeout=10).ok


def posted(world: Sandbox, channel: str = "#help-customers") -> list[dict[str, Any]]:
    return [each["detail"] for each in world.effects() if each["target"] == channel]


def act(world: Sandbox, what: str, number: int, user: str = "lukeheath", **said: Any) -> None:
    """Has a person do something to a bug in GitHub."""
    told = {"user": user, "repository": "fleetdm/fleet", "number": number, **said}
    assert requests.post(f"{world.url}/github/_person/{what}", json=told, timeout=10).ok


def change_ticket(world: Sandbox, id: str, **said: Any) -> None:
    """Has a person change a conversation in Unthread."""
    headers = {"X-Api-Key": "sandbox-unthread-key"}
    answer = requests.patch(f"{world.url}/unthread/api/conversations/{id}", json=said, headers=headers, timeout=10)
    assert answer.ok


def kept(day: str) -> policy.Morning:
    morning = remembered.read(f"{flows.GATHER}/morning/{day}")
    assert morning
    return policy.Morning.model_validate_json(morning)


def pages(day: str) -> dict[str, Report]:
    """Gives what stands on the pages of a day, by customer."""
    morning = kept(day)
    return {each.key: words.page(morning, each, "https://issues", "bug") for each in policy.by_urgency(morning)}


def line(page: Report, name: str) -> list[str]:
    """Gives the cells of an item after its name."""
    (found,) = [row for row in page.rows if name in getattr(row[0], "text", "")]
    return [str(cell) for cell in found[1:]]


# -- one morning


def test_each_customer_has_a_page_with_what_is_open_and_whom_to_ask(world: Sandbox) -> None:
    assert gather() == 3
    found = pages("2026-11-23")
    assert list(found) == ["juno", "hebe", "unthread-three"]
    assert [cell for row in found["juno"].rows[:3] for cell in [getattr(row[0], "text", "")]] == [
        "Conversation #1001",
        "fleet#42301: Hosts go offline after an update",
        "confidential#12301",
    ]
    assert line(found["juno"], "#1001") == ["P1", "waits for us", "2 days", "", "Kathy Satterlee"]
    assert line(found["juno"], "42301") == ["P1", ":product", "11 days", "", "Luke Heath"]
    assert "Luke Heath (developer on-call)" in found["hebe"].sentences[1]
    assert "Without a codename" in found["unthread-three"].sentences[2]
    assert found["unthread-three"].title.startswith("No codename (Unthread customer three)")


def test_no_real_name_and_no_words_of_a_customer_stand_anywhere(world: Sandbox) -> None:
    leaky = bug(42_399, "customer-juno", title=f"{OTHER} reports that hosts go offline", labels=[f"~{NAME.lower()}"])
    change(world, github={"issues": [leaky]})
    gather()
    shown = [words.page(kept("2026-11-23"), each, "", "").markdown() for each in kept("2026-11-23").customers.values()]
    everything = "\n".join([*shown, str(posted(world)), kept("2026-11-23").model_dump_json()]).lower()
    assert "fleet#42399" in everything
    for name in ("quillfeather", "marblewick", "tansyford", NAMELESS.lower(), "can't see any hosts"):
        assert name not in everything


def test_a_second_run_on_a_day_asks_nobody_and_posts_nothing_though_the_world_has_moved_on(world: Sandbox) -> None:
    gather()
    before, first = len(world.calls()), kept("2026-11-23")
    change(world, unthread={"conversations": [conversation("talk-8", "one")]})
    assert gather("2026-11-23T18:00:00+00:00") == 3
    assert len(world.calls()) - before == 0
    assert len(posted(world)) == 1
    assert kept("2026-11-23") == first


def test_the_message_links_each_customers_page_and_says_who_is_on_call(world: Sandbox) -> None:
    gather()
    (said,) = posted(world)
    assert f"<@{CSE}>" in said["text"]
    assert "Developer on-call: Luke Heath." in said["text"]
    assert "/artifacts/key/status-juno|customer-juno>" in str(said["blocks"])
    assert "P1, waits for us, open for 2 days: Conversation #1001>" in str(said["blocks"])
    assert "Open without news: prospect-hebe (2), No codename (Unthread customer three) (1)." in said["text"]


def test_who_had_the_last_word_is_known_from_the_watch_over_response_times(world: Sandbox) -> None:
    words = [{"text": "No hosts."}, {"text": "Looking.", "userId": "user-ksatter"}]
    change(world, unthread={"conversations": [conversation("talk-6", "one", priority=7, messages=words)]})
    with runs.acting(runs.Run("run 0", "watch-support-slas", "schedule", datetime.fromisoformat(MONDAY))):
        asyncio.run(support_slas.watch_support_slas.fn())
    before = asked(world)["unthread"]
    gather()
    assert line(pages("2026-11-23")["juno"], "#1006")[1] == "waits for the customer"
    assert line(pages("2026-11-23")["juno"], "#1001")[1] == "waits for us"
    assert asked(world)["unthread"] - before == 3


def test_a_holiday_says_so_and_ends(world: Sandbox) -> None:
    assert gather(HOLIDAY) == 0
    assert world.calls() == []


def test_nothing_open_says_so(world: Sandbox) -> None:
    world.reset({})
    assert gather() == 0
    assert gather(TUESDAY) == 0
    first, second = posted(world)
    assert "Nothing is open. This is the first update" in first["text"]
    assert "Nothing is open, and nothing has changed since Monday, November 23." in second["text"]


def test_a_rotation_that_cannot_be_read_holds_up_nothing(world: Sandbox) -> None:
    world.fault(kind="500_before", skip=1, service="google")
    gather()
    assert kept("2026-11-23").on_call.why_not
    assert "Developer on-call" not in posted(world)[0]["text"]


def test_a_dry_run_posts_and_remembers_nothing(world: Sandbox) -> None:
    assert gather(dry_run=True) == 3
    assert world.effects() == []
    assert remembered.read(flows.LAST) is None
    gather()
    assert len(posted(world)) == 1


# -- who is on call, and where they read it


def test_a_cse_in_the_user_group_is_on_call_and_others_in_it_are_not(world: Sandbox) -> None:
    group = {
        "id": "S0SANDBOX2",
        "handle": "infrastructure-oncall",
        "name": "24/7",
        "users": [INFRASTRUCTURE, OTHER_CSE],
    }
    change(world, slack={"usergroups": [group]})
    gather()
    text = posted(world)[0]["text"]
    assert f"<@{OTHER_CSE}>" in text
    assert f"<@{CSE}>" not in text
    assert f"<@{INFRASTRUCTURE}>" not in text


def use_channels(world: Sandbox, use: Use, folder: Path, database: str, setting: str) -> None:
    """Lays other [status_updates] over handbook.toml."""
    added = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8")
    (folder / "added.toml").write_text(f"{added}\n[status_updates]\n{setting}\n", encoding="utf-8")
    variables = environment(world.url, database, NOW) | PATIENT
    use(variables | {"HANDBOOK_HANDBOOK_ADDITIONS": str(folder / "added.toml")})


def test_who_is_on_call_reads_it_in_a_channel_of_their_own_if_there_is_one(
    world: Sandbox, use_settings: Use, tmp_path: Path, sqlite_url: str
) -> None:
    use_channels(world, use_settings, tmp_path, sqlite_url, 'own_channels = { ksatter = "C051QJU3D0V" }')
    gather()
    assert posted(world) == []
    assert len(posted(world, "#help-infrastructure")) == 1


@pytest.mark.parametrize(
    ("channel", "why"),
    [(GUESTS, "C0SANDBOX04 is a customer's channel"), (COMMUNITY, "C0SANDBOXPUB is a public one")],
    ids=["with guests", "of the community"],
)
def test_a_channel_in_which_others_read_is_refused_before_anything_is_read(
    world: Sandbox, use_settings: Use, tmp_path: Path, sqlite_url: str, channel: str, why: str
) -> None:
    use_channels(world, use_settings, tmp_path, sqlite_url, f'channel = "{channel}"')
    with pytest.raises(Refused, match=why):
        gather()
    assert world.calls() == []


def test_a_channel_that_slack_calls_shared_when_the_message_leaves_gets_none(
    world: Sandbox, use_settings: Use, tmp_path: Path, sqlite_url: str
) -> None:
    shared = {"id": SHARED, "name": "op-juno", "is_private": True, "is_ext_shared": True}
    change(world, slack={"channels": [shared]})
    use_channels(world, use_settings, tmp_path, sqlite_url, f'channel = "{SHARED}"')
    with pytest.raises(EffectError, match="shared with another company"):
        gather()
    assert world.effects() == []
    assert remembered.read(flows.LAST) is None


# -- what has changed


def test_the_next_morning_tells_what_has_changed_and_how_bugs_were_closed(world: Sandbox) -> None:
    gather()
    world.set_clock("2026-11-24T02:00:00+00:00")
    act(world, "comment", 42_301, "marta-it-admin", body="Still there.")
    act(world, "label", 42_301, add=[":release", "P0"], remove=[":product", "P1"])
    act(world, "state", 42_302, "ksatter", state="closed")
    change_ticket(world, "talk-1", status="closed")
    change_ticket(world, "talk-2", status="open", assignedToUserId="user-ksatter")
    change_ticket(world, "talk-3", priority=9)
    change(
        world,
        github={"issues": [bug(42_304, "customer-juno", created_at="2026-11-24T01:00:00+00:00")]},
        unthread={"conversations": [conversation("talk-7", "one")]},
    )
    world.set_clock(TUESDAY)
    gather(TUESDAY)
    found = pages("2026-11-24")
    juno, hebe = found["juno"], found["hebe"]
    assert line(juno, "42301")[:4] == [
        "P0",
        "last word from outside, :release",
        "12 days",
        "P0, was P1, +:release, -:product, 1 comment",
    ]
    assert line(juno, "42304")[3] == "new"
    assert line(juno, "#1001")[1:4] == ["not open any more", "3 days", "closed"]
    assert line(juno, "#1006")[3] == "new here"  # opened before the last update, and not seen by it
    assert line(juno, "12301")[3] == ""
    assert line(hebe, "42302")[3] == "closed as completed"
    assert line(hebe, "#1002")[3] == "waits for us, was on hold, now with Kathy Satterlee"
    assert line(found["unthread-three"], "#1003")[3] == "P0, was without one"
    text = posted(world)[1]["text"]
    assert "Since Monday, November 23: 2 new, 2 no longer open, 3 changed." in text
    assert "Open without news" not in text


def test_what_only_was_written_into_is_told_as_that(world: Sandbox) -> None:
    gather()
    world.set_clock("2026-11-24T02:00:00+00:00")
    change_ticket(world, "talk-1", title="Another title")
    gather(TUESDAY)
    assert line(pages("2026-11-24")["juno"], "#1001")[3] == "written into"


def test_a_bug_that_is_no_bug_any_more_is_not_called_closed(world: Sandbox) -> None:
    gather()
    act(world, "label", 42_302, remove=["bug"])
    gather(TUESDAY)
    assert line(pages("2026-11-24")["hebe"], "42302")[3] == "no longer an open bug"


def test_a_prospect_who_becomes_a_customer_keeps_its_page_and_nothing_counts_as_new(world: Sandbox) -> None:
    gather()
    for repository in ("fleet", "confidential"):
        token = {"Authorization": f"token sandbox-github-{'public' if repository == 'fleet' else 'confidential'}"}
        url = f"{world.url}/github/repos/fleetdm/{repository}/labels/prospect-hebe"
        assert requests.patch(url, json={"new_name": "customer-hebe"}, headers=token, timeout=10).ok
    gather(TUESDAY)
    found = pages("2026-11-24")["hebe"]
    assert found.title.startswith("customer-hebe: status")
    assert "Nothing has changed since Monday" in found.sentences[0]


def test_a_morning_that_was_killed_before_it_was_told_is_told_with_what_it_found(world: Sandbox) -> None:
    world.fault(kind="401", service="slack", path="chat.postMessage")
    with pytest.raises(EffectError):
        gather()
    world.no_more_faults()
    act(world, "state", 42_302, "ksatter", state="closed")
    gather()
    assert "3 bugs" in posted(world)[0]["text"]
    gather(TUESDAY)
    assert "1 no longer open" in posted(world)[1]["text"]


def test_only_the_last_morning_is_kept(world: Sandbox) -> None:
    gather()
    gather(TUESDAY)
    assert remembered.read(f"{flows.GATHER}/morning/2026-11-23") is None
    assert remembered.read(flows.LAST) == "2026-11-24"


# -- one customer


@pytest.mark.parametrize(
    ("given", "items"),
    [("customer-juno", 3), (" Prospect-Hebe ", 2), (scenario.ACCOUNT, 3)],
    ids=["by codename", "however it is typed", "by account"],
)
def test_one_customer_is_looked_at_at_any_time_without_a_message(world: Sandbox, given: str, items: int) -> None:
    assert gather(HOLIDAY, given) == items
    assert world.effects() == []
    assert remembered.read(flows.LAST) is None


def test_looking_at_a_customer_takes_no_news_from_the_next_morning(world: Sandbox) -> None:
    gather()
    act(world, "state", 42_302, "ksatter", state="closed")
    gather("2026-11-23T20:00:00+00:00", "prospect-hebe")
    gather(TUESDAY)
    assert line(pages("2026-11-24")["hebe"], "42302")[3] == "closed as completed"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("customer-vesta", 'No customer has the label "customer-vesta" in the confidential repository'),
        ("001Ux00000000zzIAA", "Salesforce"),
    ],
    ids=["no such codename", "no such account"],
)
def test_a_customer_that_nobody_knows_is_refused(world: Sandbox, given: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        gather(customer=given)


def test_a_real_name_is_refused_by_the_form() -> None:
    with pytest.raises(Exception, match="should match pattern"):
        flows.gather_status_updates.validate_parameters({"customer": NAME})


# -- many


def big(customers: int, conversations: int, bugs: int) -> dict[str, Any]:
    """Gives a world of so many, invented."""
    planets = [f"customer-{chr(97 + at // 26)}{chr(97 + at % 26)}ria" for at in range(customers)]
    names = [f"Zorblatt{chr(97 + at // 26)}{chr(97 + at % 26)} Works" for at in range(customers)]
    private = [
        {"repository": "fleetdm/confidential", "name": planet, "description": name}
        for planet, name in zip(planets, names, strict=True)
    ]
    labels = [*private, *({"repository": "fleetdm/fleet", "name": planet} for planet in planets)]
    return {
        "github": {
            "labels": labels,
            "issues": [bug(50_001 + at, planets[at % customers], labels=[":release"]) for at in range(bugs)],
        },
        "salesforce": {
            "accounts": [
                {"Id": f"001Ux000000{at:04}IAA", "Name": name, "GitHub_label__c": planet}
                for at, (planet, name) in enumerate(zip(planets, names, strict=True))
            ]
        },
        "unthread": {
            "customers": [{"id": f"c{at}", "name": name} for at, name in enumerate(names)],
            "conversations": [
                conversation(f"t{at}", f"c{at % customers}", priority=(3, 5, 7, 9)[at % 4])
                for at in range(conversations)
            ],
        },
        "google": scenario.SEED["google"],
    }


def asked(world: Sandbox, since: int = 0) -> dict[str, int]:
    """Gives how many calls each service got."""
    found: dict[str, int] = {}
    for call in world.calls()[since:]:
        found[call["service"]] = found.get(call["service"], 0) + 1
    return found


def test_40_customers_with_300_conversations_and_500_bugs_take_26_calls(world: Sandbox) -> None:
    world.reset(big(40, 300, 500))
    assert gather() == 40
    # GitHub: 5 pages of public bugs, 1 of confidential ones, the members, labels and visibility of both repositories.
    assert asked(world) == {"github": 11, "salesforce": 4, "slack": 3, "google": 3, "unthread": 5}
    (said,) = posted(world)
    assert len(said["blocks"]) <= 50
    assert all(len(each["text"]["text"]) <= 3000 for each in said["blocks"] if "text" in each)
    assert "and 20 more in Prefect" in str(said["blocks"][-1])


def test_the_morning_after_takes_two_more_to_learn_how_bugs_were_closed(world: Sandbox) -> None:
    world.reset(big(40, 300, 500))
    gather()
    act(world, "state", 50_001, "ksatter", state="closed")
    before = len(world.calls())
    gather(TUESDAY)
    assert asked(world, before)["github"] == 11 + 2
