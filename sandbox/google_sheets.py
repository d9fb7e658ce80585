"""Google Sheets, as far as it is read: which sheets a spreadsheet has, and what stands in them.

A seed's cell is a text, a number, a boolean, nothing, or a `Cell`: what it is worth, how it is shown, its formula.

API: https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.google_oauth import read
from sandbox.google_refusals import Refusal, invalid, not_found

SCOPE = "https://www.googleapis.com/auth/"
READS = {f"{SCOPE}{each}" for each in ("spreadsheets", "spreadsheets.readonly")} | {
    f"{SCOPE}drive{each}" for each in ("", ".file", ".readonly")
}
DAY_ZERO = date(1899, 12, 30)
RENDERINGS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
DATES = ("SERIAL_NUMBER", "FORMATTED_STRING")
DIMENSIONS = ("DIMENSION_UNSPECIFIED", "ROWS", "COLUMNS")
FIELDS = {  # that a mask may name, at any depth
    *("spreadsheetId", "properties", "sheets", "spreadsheetUrl", "title", "locale", "timeZone", "sheetId", "index"),
    *("sheetType", "gridProperties", "rowCount", "columnCount", "hidden", "*"),
}

Scalar = str | bool | int | float | None


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cell(_Row):
    """A cell that is shown otherwise than it is worth. A date is worth its number of days."""

    value: Scalar = None
    day: date | None = None
    shown: str | None = None
    formula: str = ""

    def rendered(self, option: str, dates: str) -> str | bool | int | float:
        """Gives it as a call wants it."""
        if option == "FORMULA" and self.formula:
            return self.formula
        if option == "FORMATTED_VALUE" or (self.day and dates == "FORMATTED_STRING" and option != "FORMULA"):
            return self._shown()
        if self.day:
            return (self.day - DAY_ZERO).days
        return "" if self.value is None else self.value

    def _shown(self) -> str:
        if self.shown is not None:
            return self.shown
        if self.day:
            return f"{self.day.month}/{self.day.day}/{self.day.year}"
        match self.value:
            case None:
                return ""
            case bool():
                return str(self.value).upper()
            case _:
                return str(self.value)


class Sheet(_Row):
    """A sheet: a tab of a spreadsheet. `gid`: its id, which stands in its address."""

    title: str
    gid: int
    rows: list[list[Cell | Scalar]] = []
    row_count: int = 1000
    column_count: int = 26
    hidden: bool = False

    def cell(self, row: int, column: int) -> Cell:
        """Gives a cell, counted from 1; an empty one where there is none."""
        cells = self.rows[row - 1] if row <= len(self.rows) else []
        found = cells[column - 1] if column <= len(cells) else None
        return found if isinstance(found, Cell) else Cell(value=found)


class Spreadsheet(_Row):
    """A spreadsheet, and the mailboxes of those who may read it."""

    id: str
    title: str
    readers: list[str] = []
    sheets: list[Sheet]


@dataclass(frozen=True)
class Area:
    """Cells of a sheet, from the first row and column to the last, counted from 1."""

    sheet: Sheet
    top: int
    left: int
    bottom: int
    right: int

    @property
    def name(self) -> str:
        """Gives it in A1 notation, as answers do."""
        return f"{_quoted(self.sheet.title)}!{_letters(self.left)}{self.top}:{_letters(self.right)}{self.bottom}"

    def values(self, dimension: str, option: str, dates: str) -> list[list[Any]]:
        """Gives what stands there, without what is empty at the ends."""
        rows = [
            [self.sheet.cell(row, column).rendered(option, dates) for column in range(self.left, self.right + 1)]
            for row in range(self.top, min(self.bottom, max(len(self.sheet.rows), self.top)) + 1)
        ]
        if dimension == "COLUMNS":
            rows = [list(column) for column in zip(*rows, strict=True)]
        return _without_end([_without_end(row, "") for row in rows], [])


def _without_end(values: list[Any], empty: Any) -> list[Any]:
    while values and values[-1] == empty:
        values = values[:-1]
    return values


# A1 notation: https://developers.google.com/workspace/sheets/api/guides/concepts#cell

_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d{0,7})?")
_WITH_SHEET = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))(?:!(.+))?", re.DOTALL)


def area(spreadsheet: Spreadsheet, wanted: str) -> Area:
    """Finds what a range in A1 notation means.

    Raises:
        Refusal: it means nothing here, or lies outside the sheet.
    """
    unknown = Refusal(400, "badRequest", f"Unable to parse range: {wanted}")
    match = _WITH_SHEET.fullmatch(wanted)
    if not match:
        raise unknown
    title, cells = (match[1] or "").replace("''", "'") or match[2], match[3]
    sheet = next((each for each in spreadsheet.sheets if each.title == title), None)
    if sheet is None and not match[1] and cells is None:  # "A1:B2" means the first sheet that is seen
        sheet, cells = next((each for each in spreadsheet.sheets if not each.hidden), None), title
    corners = _corners(cells) if cells else ((0, 0), (0, 0))
    if sheet is None or corners is None:
        raise unknown
    return _within(sheet, corners, wanted)


Corner = tuple[int, int]  # row and column, 0 where it isn't said


def _corners(cells: str) -> tuple[Corner, Corner] | None:
    first, colon, second = cells.partition(":")
    found = [_CORNER.fullmatch(each) for each in ((first, second) if colon else (first, first))]
    corners = [(int(each[2] or 0), _number(each[1] or "")) for each in found if each and each[0]]
    if len(corners) < 2 or (not colon and 0 in corners[0]):
        return None
    (top, left), (bottom, right) = corners
    if (left and not right) or (right and not left):
        return None  # "A1:5"
    if bottom and not top:
        return None  # "A:B5", which Google reads from the other end
    return (top, left), (bottom, right)


def _within(sheet: Sheet, corners: tuple[Corner, Corner], wanted: str) -> Area:
    (top, left), (bottom, right) = corners
    rows = sorted((top or 1, bottom or max(top, sheet.row_count)))
    columns = sorted((left or 1, right or max(left, sheet.column_count)))
    if rows[0] > sheet.row_count or columns[0] > sheet.column_count:
        limits = f"Max rows: {sheet.row_count}, max columns: {sheet.column_count}"
        raise Refusal(400, "badRequest", f"Range ({wanted}) exceeds grid limits. {limits}")
    return Area(sheet, rows[0], columns[0], min(rows[1], sheet.row_count), min(columns[1], sheet.column_count))


def _number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _quoted(title: str) -> str:
    return title if re.fullmatch(r"[A-Za-z_]\w*", title) else "'" + title.replace("'", "''") + "'"


# Field masks: https://developers.google.com/workspace/sheets/api/guides/field-masks

Mask = dict[str, Any]


def mask(text: str) -> Mask:
    """Reads "sheets.properties(sheetId,title),spreadsheetId" into what is wanted at each level.

    Raises:
        Refusal: it is no mask, or names what there is not.
    """
    parts = re.findall(r"[^\s(),./]+|[(),./]", text)
    wanted, rest = _mask(parts)
    if rest or not wanted:
        raise invalid("Request contains an invalid argument.")
    return wanted


def _mask(parts: list[str]) -> tuple[Mask, list[str]]:
    wanted: Mask = {}
    while parts and parts[0] not in "(),./":
        inner, rest = _path(parts)
        for name, below in inner.items():
            wanted[name] = wanted.get(name, {}) | below
        if rest[:1] != [","]:
            return wanted, rest
        parts = rest[1:]
    return wanted, parts


def _path(parts: list[str]) -> tuple[Mask, list[str]]:
    name, rest = parts[0], parts[1:]
    if name not in FIELDS:
        raise invalid(f"Invalid field selection {name}")
    if rest[:1] in (["."], ["/"]) and len(rest) > 1:
        below, rest = _path(rest[1:])
        return {name: below}, rest
    if rest[:1] == ["("]:
        below, rest = _mask(rest[1:])
        if rest[:1] != [")"]:
            raise invalid("Request contains an invalid argument.")
        return {name: below}, rest[1:]
    return {name: {}}, rest


def masked(value: Any, wanted: Mask) -> Any:
    """Gives what a mask leaves of an answer."""
    if not wanted or "*" in wanted:
        return value
    if isinstance(value, list):
        return [masked(each, wanted) for each in cast("list[Any]", value)]
    known = cast("dict[str, Any]", value)
    return {name: masked(known[name], below) for name, below in wanted.items() if name in known}


# The REST API


@dataclass(frozen=True)
class Call:
    """A request: about which spreadsheet, with what."""

    spreadsheet: Spreadsheet
    parts: Mapping[str, str]
    query: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def chosen(self, name: str, kind: str, values: Sequence[str], default: str) -> str:
        """Gives one of a few values.

        Raises:
            Refusal: it is none of them.
        """
        given = next(iter(self.all(name)), default)
        if given not in values:
            snake = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
            raise invalid(f"Invalid value at '{snake}' (type.googleapis.com/google.apps.sheets.v4.{kind}), \"{given}\"")
        return given


class Sheets:
    """The spreadsheets of the domain, and the methods that read them."""

    def __init__(self) -> None:
        self.spreadsheets: dict[str, Spreadsheet] = {}

    def load(self, seeded: Sequence[Mapping[str, Any]]) -> None:
        """Adds a seed's spreadsheets; one that is there is replaced.

        Raises:
            ValueError: a field is unknown or missing.
        """
        for each in TypeAdapter(list[Spreadsheet]).validate_python(seeded):
            self.spreadsheets[each.id] = each

    def dump(self) -> list[dict[str, Any]]:
        """Gives each spreadsheet as seeded."""
        return [each.model_dump(mode="json") for each in self.spreadsheets.values()]

    def routes(self) -> list[Route]:
        """Gives what answers under /google."""
        spreadsheet = "/v4/spreadsheets/{id}"
        methods: list[tuple[str, Callable[[Call], Any]]] = [
            (f"{spreadsheet}/values:batchGet", self.batch_get),
            (f"{spreadsheet}/values/{{range:path}}", self.get_values),
            (spreadsheet, self.get),
        ]
        return [Route(path, self._endpoint(answer), methods=["GET"]) for path, answer in methods]

    def _endpoint(self, answer: Callable[[Call], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            token = read(request.headers.get("authorization", ""))
            if not READS & token.scopes:
                message = "Request had insufficient authentication scopes."
                raise Refusal(403, "insufficientPermissions", message, short="Insufficient Permission")
            found = self.spreadsheets.get(request.path_params["id"])
            if found is None:
                raise not_found()
            if token.mailbox not in {each.lower() for each in found.readers}:
                raise Refusal(403, "forbidden", "The caller does not have permission")
            query = parse_qsl(request.url.query, keep_blank_values=True)
            return JSONResponse(answer(Call(found, request.path_params, query)))

        return endpoint

    def get(self, call: Call) -> Any:
        if call.all("includeGridData") == ["true"]:
            raise invalid("The stand-in has no grid data. Read the values instead.")
        shown = [area(call.spreadsheet, each).sheet for each in call.all("ranges")] or call.spreadsheet.sheets
        body = {
            "spreadsheetId": call.spreadsheet.id,
            "properties": {"title": call.spreadsheet.title, "locale": "en_US", "timeZone": "America/Los_Angeles"},
            "sheets": [
                {"properties": _properties(index, each)}
                for index, each in enumerate(call.spreadsheet.sheets)
                if each in shown
            ],
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{call.spreadsheet.id}/edit",
        }
        fields = "".join(call.all("fields"))
        return masked(body, mask(fields)) if fields else body

    def get_values(self, call: Call) -> Any:
        return _value_range(call, call.parts["range"])

    def batch_get(self, call: Call) -> Any:
        ranges = [_value_range(call, each) for each in call.all("ranges")]
        return {"spreadsheetId": call.spreadsheet.id} | ({"valueRanges": ranges} if ranges else {})


def _properties(index: int, sheet: Sheet) -> dict[str, Any]:
    grid = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    told = {"sheetId": sheet.gid, "title": sheet.title, "index": index, "sheetType": "GRID", "gridProperties": grid}
    return told | ({"hidden": True} if sheet.hidden else {})


def _value_range(call: Call, wanted: str) -> dict[str, Any]:
    """Gives the values of a range. Where nothing stands, the list itself is missing."""
    asked = call.chosen("majorDimension", "Dimension", DIMENSIONS, "ROWS")
    dimension = "ROWS" if asked == "DIMENSION_UNSPECIFIED" else asked
    option = call.chosen("valueRenderOption", "ValueRenderOption", RENDERINGS, "FORMATTED_VALUE")
    dates = call.chosen("dateTimeRenderOption", "DateTimeRenderOption", DATES, "SERIAL_NUMBER")
    found = area(call.spreadsheet, wanted)
    values = found.values(dimension, option, dates)
    return {"range": found.name, "majorDimension": dimension} | ({"values": values} if values else {})
