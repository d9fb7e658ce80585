"""The stand-in for Google Sheets, with Google's own client: ranges, values, dates, refusals."""

# google-auth and googleapiclient leave out types, and the latter makes its methods at run time.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.conftest import Sandbox
from tests.sandbox.test_google import KEY, Bearer, no_token, refused, token

READER, STRANGER = "luke@fleetdm.com", "zay@fleetdm.com"
READONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"
ID = "1Ab_rotation"
ROTATION: dict[str, Any] = {
    "title": "On call, 'the' rotation",
    "gid": 1831267053,
    "rows": [
        ["Week start", "Developer", ""],
        [{"day": "2026-11-16"}, "zwass", None],
        [{"day": "2026-11-23", "shown": "Nov 23, 2026"}, "Luke Heath"],
        [],
        ["", "", 1.5, True],
        ["", ""],
    ],
    "row_count": 40,
    "column_count": 6,
}
OTHERS: list[dict[str, Any]] = [
    {"title": "Hidden", "gid": 5, "rows": [["no"]], "hidden": True},
    {"title": "KPIs", "gid": 0, "rows": [[{"value": 0.5, "shown": "50%", "formula": "=1/2"}]]},
    {"title": "Empty", "gid": 7},
]
QUOTED = "'On call, ''the'' rotation'"


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    spreadsheet = {"id": ID, "title": "KPIs", "readers": [READER], "sheets": [*OTHERS, ROTATION]}
    sandbox.reset({"google": {"spreadsheets": [spreadsheet]}})
    return sandbox


class Readonly(Bearer):
    """The client's transport, with a token to read spreadsheets."""

    def __init__(self, world: Sandbox, subject: str | None = READER) -> None:
        super().__init__(sheets_token(world, subject))


def sheets_token(world: Sandbox, subject: str | None) -> str:
    info = {**KEY, "token_uri": f"{world.url}/google/token"}
    credentials = Credentials.from_service_account_info(info, scopes=[READONLY], subject=subject)
    credentials.refresh(Request())
    return str(credentials.token)


def spreadsheets(world: Sandbox, subject: str | None = READER, http: Any = None) -> Any:
    options = {"api_endpoint": f"{world.url}/google/"}
    given = http or Readonly(world, subject)
    return build("sheets", "v4", http=given, client_options=options, cache_discovery=False).spreadsheets()


def values(world: Sandbox, range_: str, **more: Any) -> Any:
    return spreadsheets(world).values().get(spreadsheetId=ID, range=range_, **more).execute()


# What there is


def test_a_spreadsheet_tells_its_sheets_with_titles_and_gids(world: Sandbox) -> None:
    found = spreadsheets(world).get(spreadsheetId=ID).execute()
    assert found["properties"]["title"] == "KPIs"
    assert [each["properties"]["sheetId"] for each in found["sheets"]] == [5, 0, 7, 1831267053]
    assert found["sheets"][0]["properties"]["hidden"] is True
    assert found["sheets"][3]["properties"]["gridProperties"] == {"rowCount": 40, "columnCount": 6}


@pytest.mark.parametrize(
    "fields",
    ["sheets.properties(sheetId,title)", "sheets/properties(sheetId,title)", "sheets(properties(sheetId,title))"],
)
def test_a_field_mask_leaves_what_it_names(world: Sandbox, fields: str) -> None:
    found = spreadsheets(world).get(spreadsheetId=ID, fields=fields).execute()
    assert found == {
        "sheets": [{"properties": {"sheetId": each["gid"], "title": each["title"]}} for each in [*OTHERS, ROTATION]]
    }


def test_ranges_narrow_the_sheets_that_are_told(world: Sandbox) -> None:
    found = spreadsheets(world).get(spreadsheetId=ID, ranges=["Empty", "KPIs!A1"]).execute()
    assert [each["properties"]["title"] for each in found["sheets"]] == ["KPIs", "Empty"]


@pytest.mark.parametrize("fields", ["sheets.nothing", "sheets(properties", ")", "sheets..title"])
def test_a_mask_that_is_none_is_refused(world: Sandbox, fields: str) -> None:
    code, reason, _ = refused(spreadsheets(world).get(spreadsheetId=ID, fields=fields))
    assert (code, reason) == (400, "invalidArgument")


def test_grid_data_is_refused_rather_than_left_out(world: Sandbox) -> None:
    assert refused(spreadsheets(world).get(spreadsheetId=ID, includeGridData=True))[0] == 400


# Values


def test_values_come_by_rows_without_what_is_empty_at_the_ends(world: Sandbox) -> None:
    assert values(world, QUOTED) == {
        "range": f"{QUOTED}!A1:F40",
        "majorDimension": "ROWS",
        "values": [
            ["Week start", "Developer"],
            ["11/16/2026", "zwass"],
            ["Nov 23, 2026", "Luke Heath"],
            [],
            ["", "", "1.5", "TRUE"],
        ],
    }


def test_an_empty_range_has_no_values_at_all(world: Sandbox) -> None:
    assert values(world, "Empty!A1:B2") == {"range": "Empty!A1:B2", "majorDimension": "ROWS"}


@pytest.mark.parametrize(
    ("range_", "answered", "first"),
    [
        (f"{QUOTED}!A2:B3", f"{QUOTED}!A2:B3", ["11/16/2026", "zwass"]),
        (f"{QUOTED}!B:B", f"{QUOTED}!B1:B40", ["Developer"]),
        (f"{QUOTED}!A3:B", f"{QUOTED}!A3:B40", ["Nov 23, 2026", "Luke Heath"]),
        (f"{QUOTED}!2:3", f"{QUOTED}!A2:F3", ["11/16/2026", "zwass"]),
        (f"{QUOTED}!b2", f"{QUOTED}!B2:B2", ["zwass"]),
        (f"{QUOTED}!$A$2:$B$900", f"{QUOTED}!A2:B40", ["11/16/2026", "zwass"]),
        (f"{QUOTED}!B3:A2", f"{QUOTED}!A2:B3", ["11/16/2026", "zwass"]),
        ("A1:B2", "KPIs!A1:B2", ["50%"]),
        ("KPIs", "KPIs!A1:Z1000", ["50%"]),
    ],
    ids=[
        "cells",
        "a column",
        "from a row on",
        "rows",
        "one cell",
        "more than there is",
        "backwards",
        "the first sheet that is seen",
        "a sheet",
    ],
)
def test_a_range_in_a1_notation_means_its_cells(world: Sandbox, range_: str, answered: str, first: list[str]) -> None:
    found = values(world, range_)
    assert (found["range"], found["values"][0]) == (answered, first)


def test_values_come_by_columns_when_asked(world: Sandbox) -> None:
    found = values(world, f"{QUOTED}!A1:C3", majorDimension="COLUMNS")
    assert found["majorDimension"] == "COLUMNS"
    assert found["values"] == [["Week start", "11/16/2026", "Nov 23, 2026"], ["Developer", "zwass", "Luke Heath"]]


@pytest.mark.parametrize(
    ("options", "date", "share"),
    [
        ({}, "Nov 23, 2026", "50%"),
        ({"valueRenderOption": "UNFORMATTED_VALUE"}, 46349, 0.5),
        ({"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"}, "Nov 23, 2026", 0.5),
        ({"valueRenderOption": "FORMULA"}, 46349, "=1/2"),
    ],
    ids=["formatted", "unformatted", "dates as texts", "formulas"],
)
def test_a_cell_is_shown_as_asked(world: Sandbox, options: dict[str, str], date: Any, share: Any) -> None:
    assert values(world, f"{QUOTED}!A3", **options)["values"] == [[date]]
    assert values(world, "KPIs!A1", **options)["values"] == [[share]]


def test_several_ranges_come_in_one_call_in_their_order(world: Sandbox) -> None:
    wanted = ["KPIs!A1", f"{QUOTED}!A1:B1", "Empty"]
    found = spreadsheets(world).values().batchGet(spreadsheetId=ID, ranges=wanted).execute()
    assert found["spreadsheetId"] == ID
    assert [each.get("values") for each in found["valueRanges"]] == [[["50%"]], [["Week start", "Developer"]], None]


# Refusals


@pytest.mark.parametrize(
    "range_", ["Nowhere!A1", "Nowhere", "KPIs!A1:[5", "KPIs!A0", "KPIs!A", "KPIs!A1:5", "'KPIs!A1", "KPIs!", "KPIs!A1:"]
)
def test_a_range_that_means_nothing_is_refused_in_googles_words(world: Sandbox, range_: str) -> None:
    told = refused(spreadsheets(world).values().get(spreadsheetId=ID, range=range_))
    assert told == (400, "badRequest", f"Unable to parse range: {range_}")


@pytest.mark.parametrize("range_", ["KPIs!A1001", "KPIs!A1001:A", "KPIs!AA1:AB2"])
def test_a_range_that_begins_outside_the_sheet_is_refused(world: Sandbox, range_: str) -> None:
    code, _, words = refused(spreadsheets(world).values().get(spreadsheetId=ID, range=range_))
    assert code == 400
    assert words == f"Range ({range_}) exceeds grid limits. Max rows: 1000, max columns: 26"


def test_one_bad_range_refuses_the_whole_batch(world: Sandbox) -> None:
    request = spreadsheets(world).values().batchGet(spreadsheetId=ID, ranges=["KPIs!A1", "Nowhere"])
    assert refused(request)[2] == "Unable to parse range: Nowhere"


def test_a_spreadsheet_that_is_not_there_is_not_found(world: Sandbox) -> None:
    told = refused(spreadsheets(world).values().get(spreadsheetId="other", range="A1"))
    assert told == (404, "notFound", "Requested entity was not found.")


@pytest.mark.parametrize("subject", [STRANGER, None], ids=["a person without access", "the service account itself"])
def test_who_may_not_read_it_is_refused(world: Sandbox, subject: str | None) -> None:
    told = refused(spreadsheets(world, subject).get(spreadsheetId=ID))
    assert told == (403, "forbidden", "The caller does not have permission")


def test_a_token_for_mail_reads_no_sheet(world: Sandbox) -> None:
    http = Bearer(token(world, READER, "compose"))
    assert refused(spreadsheets(world, http=http).get(spreadsheetId=ID))[:2] == (403, "insufficientPermissions")


def test_a_token_of_nobody_reads_no_sheet(world: Sandbox) -> None:
    assert refused(spreadsheets(world, http=Bearer("ya29.of.nobody")).get(spreadsheetId=ID))[:2] == (401, "authError")


def test_a_scope_that_the_domain_did_not_allow_gives_no_token(world: Sandbox) -> None:
    no_token("unauthorized_client", world, READER, "modify")


def test_an_unknown_option_is_refused(world: Sandbox) -> None:
    answer = requests.get(
        f"{world.url}/google/v4/spreadsheets/{ID}/values/A1",
        params={"valueRenderOption": "PRETTY"},
        headers={"Authorization": f"Bearer {sheets_token(world, READER)}"},
        timeout=10,
    )
    assert answer.status_code == 400
    assert "value_render_option" in answer.json()["error"]["message"]


def test_nothing_is_written_here(world: Sandbox) -> None:
    body = {"values": [["x"]]}
    request = spreadsheets(world).values().update(spreadsheetId=ID, range="A1", valueInputOption="RAW", body=body)
    with pytest.raises(HttpError) as error:
        request.execute()
    assert error.value.status_code == 404
    assert world.effects() == []


def test_a_seed_that_misspells_a_field_is_refused(world: Sandbox) -> None:
    with pytest.raises(AssertionError, match="Extra inputs"):
        world.reset({"google": {"spreadsheets": [{"id": "a", "title": "a", "sheets": [{"title": "a", "gd": 1}]}]}})


def test_a_reset_forgets_the_spreadsheets(world: Sandbox) -> None:
    world.reset()
    assert world.state()["google"]["spreadsheets"] == []
