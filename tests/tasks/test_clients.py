"""The SDKs as our factories build them: one request on the wire for each attempt that the ledger knows of."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.confidentiality import Confidential, KnownNames, Leak, declassify
from policies.report import Report
from tasks import effects, github, github_labels, known_names, ledger, runs, salesforce, slack
from tasks.effects import Made
from tests.conftest import Sandbox, environment
from tests.scenarios.assign_customer_codename import ACCOUNT, NAME, SCENARIO
from tests.tasks.faults import FAULTS

RUN = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC))
HELP_CUSTOMERS = "C062D0THVV1"
NOBODY = KnownNames([])


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    known_names.known_names.cache_clear()
    sandbox.reset(SCENARIO.seed)
    return sandbox


def create_label() -> Made:
    return github.fleet.create_label(declassify("customer-hebe", NOBODY), declassify("A codename.", NOBODY), once="k")


def create_confidential_label() -> Made:
    return github.confidential.create_label("customer-hebe", Confidential(NAME), once="k")


def rename_label() -> Made:
    return github.fleet.rename_label("customer-juno", declassify("customer-hebe", NOBODY), once="k")


def set_field() -> Made:
    return salesforce.set_github_label(ACCOUNT, "customer-hebe", instead_of="", once="k")


def post() -> Made:
    return asyncio.run(slack.post(HELP_CUSTOMERS, Report("Title", ["One."]), once="k"))


def upsert() -> Made:
    values = {
        "Name": Confidential("QuillfeatherLogistics_FleetPremium_HostExpansion_Q12027"),
        "AccountId": ACCOUNT,
        "Type": "Expansion",
        "StageName": "Discovery",
        "CloseDate": "2027-02-15",
        "Next_step_date__c": "2027-01-15",
        "NextStep": "Ask",
        "Product__c": "Fleet Premium",
        "Amount": 1,
    }
    return salesforce.upsert_opportunity("key:1", values, "an opportunity", once="k")


WRITES: dict[str, tuple[Callable[[], Made], str, str]] = {
    "create a label": (create_label, "POST", r"^/repos/fleetdm/fleet/labels"),
    "create a confidential label": (create_confidential_label, "POST", r"^/repos/fleetdm/confidential/labels"),
    "rename a label": (rename_label, "PATCH", r"^/repos/fleetdm/fleet/labels"),
    "set a field": (set_field, "PATCH", r"/sobjects/Account/"),
    "upsert an opportunity": (upsert, "PATCH", r"/sobjects/Opportunity/"),
    "post a message": (post, "POST", r"chat\.postMessage"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", FAULTS)
def test_an_sdk_sends_once_what_the_ledger_asks_for_once(write: str, fault: str, world: Sandbox) -> None:
    perform, method, path = WRITES[write]
    world.fault(kind=fault, method=method, path=path, seconds=1)
    with runs.acting(RUN):
        perform()
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    attempts = [move for move in ledger.history_of("k") if move.state == ledger.State.IN_FLIGHT]
    assert len(requests_to(world, method, path)) == len(attempts)
    assert len(world.effects()) == 1


@pytest.mark.parametrize("write", WRITES)
def test_a_write_outside_the_ledger_does_not_leave_the_process(
    write: str, world: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform, method, path = WRITES[write]

    def without_ledger(described: effects.Write) -> Any:
        return described.send()

    monkeypatch.setattr(github_labels, "perform", without_ledger)
    monkeypatch.setattr(salesforce, "perform", without_ledger)
    monkeypatch.setattr(slack, "aperform", without_ledger)
    with pytest.raises(effects.OutsideLedger):
        perform()
    assert requests_to(world, method, path) == []


def requests_to(world: Sandbox, method: str, path: str) -> list[dict[str, Any]]:
    return [call for call in world.calls() if call["method"] == method and re.search(path, call["path"])]


def test_swapped_repositories_stop_before_the_first_write(
    world: Sandbox, tmp_path: Any, use_settings: Callable[[Mapping[str, str]], None], sqlite_url: str
) -> None:
    from settings import ROOT, handbook

    swapped = (ROOT / "handbook.toml").read_text().replace("fleetdm/fleet", "fleetdm/x")
    swapped = swapped.replace("fleetdm/confidential", "fleetdm/fleet").replace("fleetdm/x", "fleetdm/confidential")
    file = tmp_path / "handbook.toml"
    file.write_text(swapped)
    variables = {
        "HANDBOOK_HANDBOOK_FILE": str(file),
        "HANDBOOK_GITHUB_PUBLIC_TOKEN": "sandbox-github-confidential",
        "HANDBOOK_GITHUB_CONFIDENTIAL_TOKEN": "sandbox-github-public",
    }
    use_settings(environment(world.url, sqlite_url) | variables)
    handbook.cache_clear()
    try:
        with runs.acting(RUN), pytest.raises(github.WrongRepository, match="Nothing was written"):
            create_confidential_label()
        with pytest.raises(github.WrongRepository):
            github.assert_repositories()
    finally:
        handbook.cache_clear()
    assert world.effects() == []


def test_a_name_that_slipped_into_a_public_request_is_stopped_at_the_wire(world: Sandbox) -> None:
    careless = declassify(f"Codename of {NAME}", NOBODY)
    with runs.acting(RUN), pytest.raises(effects.EffectError):
        github.fleet.create_label(declassify("customer-hebe", NOBODY), careless, once="k")
    assert world.effects() == []
    assert all(NAME not in call["body"] for call in world.calls() if "/fleetdm/fleet/" in call["path"])
    (row,) = ledger.rows(keys=["k"])
    assert NAME not in str(tuple(row))


def test_the_scanner_raises_a_leak_that_names_the_owner_and_not_the_name() -> None:
    with pytest.raises(Leak) as leak:
        known_names.public(f"for {NAME.upper()}")
    assert ACCOUNT in str(leak.value)
    assert "uillfeather" not in str(leak.value).lower()


def test_a_message_never_goes_to_a_channel_shared_with_another_company(world: Sandbox) -> None:
    shared = {"slack": {"channels": [{"id": "C0SHARED001", "name": "fleet-at-hebe", "is_ext_shared": True}]}}
    world.reset(shared)
    with runs.acting(RUN), pytest.raises(effects.EffectRefused, match="shared with another company"):
        asyncio.run(slack.post("C0SHARED001", Report("Title", ["One."]), once="k"))
    assert world.effects() == []


def test_a_persons_change_to_the_field_stays(world: Sandbox) -> None:
    with runs.acting(RUN), pytest.raises(effects.EffectRefused, match="by now"):
        salesforce.set_github_label(ACCOUNT, "customer-hebe", instead_of="customer-else", once="k")
    assert world.effects() == []


def test_without_credentials_the_variable_is_named(
    use_settings: Callable[[Mapping[str, str]], None], sqlite_url: str
) -> None:
    from settings import SettingsIncomplete

    empty = dict.fromkeys(environment("", sqlite_url), "")
    use_settings(empty | {"HANDBOOK_DATABASE_URL": sqlite_url})
    with pytest.raises(SettingsIncomplete, match="HANDBOOK_GITHUB_CONFIDENTIAL_TOKEN"):
        github.assert_repositories()
