"""Sheets: read by gid with the least right, in two calls, with a sentence for each way it may fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks import google_client, runs, sheets
from tests.conftest import Sandbox, environment

READER, STRANGER = "luke@fleetdm.com", "zay@fleetdm.com"
ID, GID = "1Ab_rotation", 1831267053
RUN = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC))
ROWS: list[Any] = [["Week start", "Developer"], [{"day": "2026-11-23"}, "zwass"], ["2026-11-30"]]
SHEETS = [{"title": "KPIs", "gid": 0}, {"title": "On call: 'the' / rotation", "gid": GID, "rows": ROWS}]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    google_client.credentials_for.cache_clear()
    spreadsheet = {"id": ID, "title": "KPIs", "readers": [READER], "sheets": SHEETS}
    sandbox.reset({"google": {"spreadsheets": [spreadsheet]}})
    return sandbox


def read(spreadsheet: str = ID, gid: int = GID, reader: str = READER) -> sheets.Rows:
    with runs.acting(RUN):
        return sheets.rows(spreadsheet, gid, reader)


def test_a_sheet_is_read_by_its_gid_with_dates_as_numbers() -> None:
    assert read() == [["Week start", "Developer"], [46349, "zwass"], ["2026-11-30"]]


def test_its_rows_take_one_call_after_the_one_for_its_title(world: Sandbox) -> None:
    read()
    calls = [call["path"] for call in world.calls() if call["service"] == "google" and call["method"] == "GET"]
    assert len(calls) == 2
    assert re.search(r"/values/", calls[1])
    assert world.state()["google"]["granted"] == [{"mailbox": READER, "scopes": [sheets.READONLY]}]


def test_an_empty_sheet_has_no_rows() -> None:
    assert read(gid=0) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"gid": 9}, "no sheet with the gid 9. Copy it"),
        ({"spreadsheet": "1Other"}, "no such spreadsheet. Copy its id"),
        ({"reader": STRANGER}, "may not open it. Share the spreadsheet"),
        ({"reader": "nobody@fleetdm.com"}, "Google gives no token for this person's account"),
    ],
    ids=["no such sheet", "no such spreadsheet", "not shared", "no such person"],
)
def test_what_a_person_must_change_is_said(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(sheets.Refused, match=re.escape(says)):
        read(**arguments)


def test_a_missing_key_is_said(
    sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    use_settings(environment(sandbox.url, sqlite_url) | {"HANDBOOK_GOOGLE_SERVICE_ACCOUNT": ""})
    google_client.credentials_for.cache_clear()
    with pytest.raises(sheets.Refused, match="Not set: HANDBOOK_GOOGLE_SERVICE_ACCOUNT"):
        read()


@pytest.mark.parametrize("kind", ["500_before", "429", "403_retry_after", "reset_before", "timeout_before"])
@pytest.mark.parametrize("skip", [1, 2], ids=["the title", "the rows"])
def test_what_passes_by_itself_is_unavailable(world: Sandbox, kind: str, skip: int) -> None:
    world.fault(kind=kind, skip=skip, seconds=1, service="google")
    with pytest.raises(sheets.Unavailable):
        read()
    assert read()


@pytest.mark.parametrize("kind", ["reset_before", "timeout_before"])
def test_a_token_that_does_not_come_is_unavailable(world: Sandbox, kind: str) -> None:
    world.fault(kind=kind, seconds=1, service="google")
    with pytest.raises(sheets.Unavailable, match="gave no token"):
        read()


def test_an_answer_that_is_none_is_unavailable(world: Sandbox) -> None:
    world.fault(kind="malformed", skip=2, service="google")
    with pytest.raises(sheets.Unavailable, match="gave no answer that can be read"):
        read()
