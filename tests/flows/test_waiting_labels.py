"""The daily review of waiting labels: what the scenario doesn't show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest

from flows.support import waiting_labels as flows
from tasks import cases, runs
from tests.conftest import Sandbox, environment
from tests.scenarios import clear_waiting_labels as clearing


def test_a_label_that_can_not_be_removed_holds_up_no_other_and_is_named(
    sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    now = clearing.SCENARIO.now
    use_settings(environment(sandbox.url, sqlite_url, now))
    comments = [{**each, "id": each.get("id", 0) + 1} for each in clearing.ISSUE["comments"]]
    second = {**clearing.ISSUE, "number": 41_002, "comments": comments}
    sandbox.reset(clearing.SEED, {"github": {"issues": [second]}})
    sandbox.fault(kind="401", service="github", method="DELETE", path="issues/41001/labels")
    run = runs.Run("run 1", flows.REVIEW, "schedule", datetime.fromisoformat(now))
    with runs.acting(run), pytest.raises(cases.Unsettled, match="41001"):
        asyncio.run(flows.review_waiting_labels.fn())
    assert [each["target"] for each in sandbox.effects()] == ["fleetdm/fleet #41002"]
