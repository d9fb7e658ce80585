"""The seeds: the product can connect to the empty one, and the demo tells one consistent story."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.app import create_app
from sandbox.seed import CUSTOMERS, DATA, SEEDS, demo, empty
from sandbox.world import World
from tests.conftest import ROOT

PUBLIC, CONFIDENTIAL = "fleetdm/fleet", "fleetdm/confidential"
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
A_FORTNIGHT = [NOW + timedelta(days=days, hours=5 * days) for days in range(14)]
Seed = dict[str, Any]


def public_texts(seed: Seed) -> Iterator[tuple[str, str]]:
    """Gives everything in a seed that anybody on the internet can read, and what it is."""
    github = seed["github"]
    for label in github["labels"]:
        if label["repository"] == PUBLIC:
            yield "label", f"{label['name']} {label['description']}"
    for issue in github.get("issues", []):
        if issue["repository"] == PUBLIC:
            yield "issue", f"{issue['title']}\n{issue['body']}"
            yield from (("comment", comment["body"]) for comment in issue["comments"])
    for release in github.get("releases", []):
        yield "release", f"{release['tag_name']} {release['name']}\n{release['body']}"
    for user in github["users"]:
        yield "user", f"{user['login']} {user['name']}"


def names_in(text: str) -> list[str]:
    """Gives the customers whose name, or the word in it that nobody else uses, stands in a text."""
    return [
        customer.name
        for customer in CUSTOMERS
        if re.search(rf"\b{re.escape(customer.word)}", text, re.IGNORECASE) or customer.name.lower() in text.lower()
    ]


def issues(seed: Seed, repository: str = PUBLIC) -> list[Seed]:
    return [issue for issue in seed["github"]["issues"] if issue["repository"] == repository]


def label_names(seed: Seed, repository: str) -> list[str]:
    return [label["name"] for label in seed["github"]["labels"] if label["repository"] == repository]


# -- confidentiality


@pytest.mark.parametrize("now", A_FORTNIGHT, ids=lambda now: f"{now:%A-%d-%Hh}")
def test_one_public_issue_and_one_public_comment_name_a_customer_and_nothing_else_does(now: datetime) -> None:
    slips = Counter(kind for kind, text in public_texts(demo(now)) for _ in names_in(text))
    assert slips == {"issue": 1, "comment": 1}


def test_the_two_slips_are_fresh_enough_for_the_nightly_audit() -> None:
    week_ago = f"{NOW - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}"
    seed = demo(NOW)
    (issue,) = [issue for issue in issues(seed) if names_in(issue["body"])]
    (comment,) = [comment for issue in issues(seed) for comment in issue["comments"] if names_in(comment["body"])]
    assert min(issue["created_at"], comment["created_at"]) > week_ago


def test_only_the_confidential_labels_say_who_is_meant() -> None:
    described = {label["name"]: label["description"] for label in demo(NOW)["github"]["labels"]}
    assert described["customer-semele"] == "Marrowstone Games"
    public = [label for label in demo(NOW)["github"]["labels"] if label["repository"] == PUBLIC]
    codenames = [label for label in public if re.match("(customer|prospect)-", label["name"])]
    assert len(codenames) > 10
    assert {label["description"] for label in codenames} == {DATA["public_description"]}


# -- customers worth showing


def test_about_thirty_customers_and_prospects_some_with_codenames_and_some_without() -> None:
    kinds = Counter((customer.kind, bool(customer.codename)) for customer in CUSTOMERS)
    assert 25 <= len(CUSTOMERS) <= 35
    assert min(kinds[kind, named] for kind in ("customer", "prospect") for named in (True, False)) >= 2


def test_each_special_customer_is_there() -> None:
    held = {account["Name"]: account["GitHub_label__c"] for account in demo(NOW)["salesforce"]["accounts"]}
    assert any(len(name) > 100 for name in held), "nobody's label description is too long"
    assert held["Hartsong Music"] == held["Fenwarren Aerospace"] == "customer-thisbe"
    assert held["Marrowstone Games"] is None
    assert held["Juno"] is held["Pallas Athletics"] is None
    assert any(re.search("['&]", name) and not name.isascii() for name in held)


def test_a_half_finished_codename_stands_in_one_repository_only() -> None:
    seed = demo(NOW)
    one_sided = {name for name in label_names(seed, CONFIDENTIAL) if name not in label_names(seed, PUBLIC)}
    assert one_sided == {"customer-semele"}


def test_every_codename_is_a_minor_planet_used_once() -> None:
    codenames = [customer.codename for customer in CUSTOMERS if customer.codename]
    assert len(codenames) == len(set(codenames))
    assert all(re.fullmatch("[a-z]{4,12}", name) for name in codenames)


def test_no_two_records_share_an_id() -> None:
    salesforce = demo(NOW)["salesforce"]
    ids = [row["Id"] for kind in ("users", "accounts", "contacts", "opportunities") for row in salesforce[kind]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("00[1356][0-9A-Za-z]{15}", each) for each in ids)


def test_opportunities_belong_to_accounts_and_are_named_as_the_handbook_says() -> None:
    salesforce = demo(NOW)["salesforce"]
    accounts = {account["Id"] for account in salesforce["accounts"]}
    owners = {user["Id"] for user in salesforce["users"]}
    for opportunity in salesforce["opportunities"]:
        assert opportunity["AccountId"] in accounts
        assert opportunity["OwnerId"] in owners
        assert re.fullmatch(r"[0-9A-Za-z]+_FleetPremium_[A-Za-z]+_Q[1-4]20\d\d", opportunity["Name"])
    assert {each["Type"] for each in salesforce["opportunities"]} == {"Renewal", "Expansion", "New business"}


# -- the tracker


def test_the_tracker_is_as_full_as_a_real_one() -> None:
    seed = demo(NOW)
    assert len(issues(seed)) >= 200
    assert len(issues(seed, CONFIDENTIAL)) >= 30
    assert Counter(issue["state"] for issue in issues(seed)).keys() == {"open", "closed"}
    assert sum(len(issue["comments"]) for issue in issues(seed)) > 100


def test_every_label_of_an_issue_exists_in_its_repository() -> None:
    seed = demo(NOW)
    for repository in (PUBLIC, CONFIDENTIAL):
        known = set(label_names(seed, repository))
        assert {name for issue in issues(seed, repository) for name in issue["labels"]} <= known


def test_labels_are_what_the_label_events_left() -> None:
    for issue in seed_issues():
        left: set[str] = set()
        for event in sorted(issue["label_events"], key=lambda event: event["at"]):
            (left.add if event["event"] == "labeled" else left.discard)(event["label"])
        assert left == set(issue["labels"]), issue["title"]


def seed_issues() -> list[Seed]:
    return demo(NOW)["github"]["issues"]


@pytest.mark.parametrize("now", A_FORTNIGHT, ids=lambda now: f"{now:%A-%d-%Hh}")
def test_nothing_happens_after_now_or_before_its_issue(now: datetime) -> None:
    today = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    for issue in demo(now)["github"]["issues"]:
        moments = [comment["created_at"] for comment in issue["comments"]]
        moments += [event["at"] for event in issue["label_events"]]
        moments += [issue["closed_at"]] if issue["closed_at"] else []
        assert issue["created_at"] <= min(moments), issue["title"]
        assert max(moments) <= today, issue["title"]


@pytest.mark.parametrize("now", A_FORTNIGHT, ids=lambda now: f"{now:%A-%d-%Hh}")
def test_some_customers_bugs_are_under_investigation_whatever_day_it_is(now: datetime) -> None:
    under = [issue for issue in issues(demo(now)) if "~investigate" in issue["labels"] and issue["state"] == "open"]
    assert len(under) >= 2


def test_bug_reports_keep_the_templates_headings() -> None:
    bugs = [issue for issue in issues(demo(NOW)) if "bug" in issue["labels"]]
    assert len(bugs) > 100
    for bug in bugs:
        assert re.match(r"\*\*Fleet version\*\*: 4\.\d+\.\d+\n", bug["body"])
        assert "### 💥  Actual behavior" in bug["body"]
        assert "### 🧑‍💻  Steps to reproduce" in bug["body"]


def test_releases_of_fleet_and_of_orbit_stand_side_by_side() -> None:
    tags = [release["tag_name"] for release in demo(NOW)["github"]["releases"]]
    assert len([tag for tag in tags if re.fullmatch(r"fleet-v4\.\d+\.\d+", tag)]) > 5
    assert any(tag.startswith("orbit-v") for tag in tags)


# -- people and channels


def test_the_channels_have_the_handbooks_ids() -> None:
    channels = {channel["name"]: channel["id"] for channel in empty()["slack"]["channels"]}
    assert channels["help-customers"] == "C062D0THVV1"
    assert channels["help-engineering"] == "C019WG4GH0A"
    assert channels["help-p1"] == "C03EG80BM2A"


def test_every_label_of_the_handbooks_conventions_is_in_both_repositories() -> None:
    wanted = {"bug", ":incoming", ":reproduce", ":product", ":help-customers", "~investigate", "~customer request"}
    for repository in (PUBLIC, CONFIDENTIAL):
        names = label_names(empty(), repository)
        assert wanted <= set(names)
        assert len(names) == len({name.lower() for name in names})


def test_the_empty_seed_knows_no_customer() -> None:
    assert not names_in(str(empty()))
    assert not [name for name in label_names(empty(), CONFIDENTIAL) if re.match("(customer|prospect)-", name)]


# -- loading


def test_the_demo_is_the_same_in_every_process() -> None:
    script = (
        f"from sandbox.seed import demo; from datetime import datetime; print(demo(datetime.fromisoformat('{NOW}')))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(printed[0]) > 100_000
    assert printed[0] == printed[1]


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_every_service_takes_the_seed(name: str) -> None:
    world: World = create_app("http://127.0.0.1:1").state.world
    world.load(SEEDS[name]())
    assert world.effects == []
    assert (
        set(SEEDS[name]())
        == set(world.services)
        == {*("github", "salesforce", "slack", "google", "twilio", "unthread", "zoom")}
    )


def test_customers_are_complete_rows_of_the_table() -> None:
    rows = tomllib.loads((ROOT / "sandbox" / "seed_data.toml").read_text(encoding="utf-8"))["customers"]
    assert [row["name"] for row in rows] == [customer.name for customer in CUSTOMERS]
    assert all(customer.word in customer.name for customer in CUSTOMERS)


def test_customers_speak_from_their_own_workspace_or_as_guests_and_the_app_hears_them() -> None:
    world: World = create_app("http://127.0.0.1:4300").state.world
    world.load(demo(NOW))
    slack = world.services["slack"].dump()
    users = {user["id"]: user for user in slack["users"]}
    channels = [channel for channel in slack["channels"] if channel["name"].startswith("fleet-at-")]
    kinds: Counter[str] = Counter()
    for channel in channels:
        outside = [users[each] for each in channel["members"] if users[each]["team_id"] != "T0SANDBOX"]
        guests = [users[each] for each in channel["members"] if users[each]["is_restricted"]]
        assert len(outside) + len(guests) == 1, channel["name"]
        assert channel["is_ext_shared"] == bool(outside)
        assert "U0SANDBOXBOT" in channel["members"]
        kinds["guest" if guests else "workspace"] += 1
    assert min(kinds.values()) >= 2
    assert len(kinds) == 2
