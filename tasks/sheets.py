"""Google Sheets, read only: what stands in one sheet of a spreadsheet.

A sheet is named by its gid, which stays when people rename it. Its rows come in one call, after one that asks for the
sheet's title: what Google has for reading by gid takes the right to write.

API: https://developers.google.com/workspace/sheets/api/reference/rest
"""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from functools import cache
from typing import Any, cast

from googleapiclient.errors import HttpError

from tasks import effects, google_client

READONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"
_TITLES = "sheets.properties(sheetId,title)"

Rows = list[list[str | bool | int | float]]


class SheetError(Exception):
    """A sheet could not be read; the message says why and what to do."""


class Unavailable(SheetError):
    """Not now. Later it may work, with nobody doing anything."""


class Refused(SheetError):
    """Not before a person has changed something."""


def rows(spreadsheet: str, gid: int, reader: str) -> Rows:
    """Gives what stands in a sheet, row by row, without empty cells at a row's end.

    Dates come as the number of days since December 30, 1899, whatever the spreadsheet's locale makes of them.

    spreadsheet, gid: as in the sheet's address. reader: the mailbox that opens it.

    Raises:
        Unavailable: Google doesn't answer, or asks to come back later.
        Refused: the mailbox may not open it, there is no such sheet, or a setting is missing.
    """
    try:
        return _rows(spreadsheet, gid, reader)
    except (SheetError, effects.OutsideLedger):
        raise
    except Exception as error:  # the client raises whatever the network does
        raise _explained(error) from error


@cache
def client() -> tuple[Any, Any]:
    """Gives the methods of spreadsheets and of their values: to make them takes longer than to call them."""
    spreadsheets = google_client.for_anybody("sheets", "v4").spreadsheets()
    return spreadsheets, spreadsheets.values()


def _rows(spreadsheet: str, gid: int, reader: str) -> Rows:
    (spreadsheets, values_of), http = client(), google_client.acting_for(reader, READONLY)
    told = spreadsheets.get(spreadsheetId=spreadsheet, fields=_TITLES).execute(http=http)
    found = [each["properties"] for each in told.get("sheets", [])]
    title = next((str(each["title"]) for each in found if each["sheetId"] == gid), None)
    if title is None:
        raise Refused(f"The spreadsheet has no sheet with the gid {gid}. Copy it from the sheet's address.")
    wanted = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
    values = values_of.get(spreadsheetId=spreadsheet, range=_quoted(title), **wanted).execute(http=http)
    return cast("Rows", values.get("values", []))


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"


def _explained(error: Exception) -> SheetError:
    status = int(error.status_code) if isinstance(error, HttpError) else 0
    failure = google_client.explain(error, "Google Sheets")
    match status, failure:
        case 404, effects.Refused():
            return Refused("There is no such spreadsheet. Copy its id from its address.")
        case 403, effects.LockedOut() if "forbidden" in failure.reason:
            return Refused("The mailbox that reads the spreadsheet may not open it. Share the spreadsheet with it.")
        case _, effects.LockedOut() | effects.Refused():
            return Refused(failure.reason)
        case _:
            return Unavailable(failure.reason)
