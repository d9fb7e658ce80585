"""The part of SOQL that the stand-in understands: read by recursive descent, refused in Salesforce's words.

    SELECT Id, Owner.Name, (SELECT Id FROM Opportunities), COUNT(), COUNT(Id)
    FROM object
    WHERE conditions with = != <> < > <= >= LIKE IN NOT IN, semi-joins, AND, OR, NOT, parentheses
    ORDER BY field ASC | DESC NULLS FIRST | LAST
    LIMIT number OFFSET number

As in Salesforce, AND, OR and NOT don't mix without parentheses, texts compare without regard to capitals, and a value
must be of its field's type. GROUP BY, HAVING, TYPEOF, FIELDS() and aliases of objects are refused as malformed.
Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.salesforce_objects import (
    CHILDREN,
    IDS,
    NUMBERS,
    TEXTS,
    TIME_ZONE,
    Field,
    Refusal,
    find_field,
    find_object,
    full_id,
)

Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Row]]  # object -> id -> record
Condition = Callable[[Row], bool]

MOST_SKIPPED = 2_000
CLAUSES = {"SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "AND", "OR", "NOT", "IN", "LIKE"}
COMPARISONS = {"=", "!=", "<>", "<", ">", "<=", ">="}
_TOKEN = re.compile(
    r"""
        (?P<text>'(?:\\.|[^'\\])*')
      | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      | (?P<date>\d{4}-\d\d-\d\d(?!\w))
      | (?P<number>[+-]?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_][\w.]*(?::\d+)?)
      | (?P<sign><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True)
class Token:
    """A word of the query. `kind` "end" stands behind the last one."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Literal:
    """A value in the query. Days and moments are ranges, since TODAY or THIS_QUARTER are."""

    kind: str  # text, number, boolean, null, date, datetime, days (a date literal)
    value: Any
    token: Token


@dataclass(frozen=True)
class Path:
    """A field, or a field of a parent such as Account.Owner.Name."""

    parents: Sequence[tuple[str, str]]  # relationship, its object
    field: Field
    written: str

    def value(self, row: Row, tables: Tables) -> Any:
        for relationship, sobject in self.parents:
            parent = tables[sobject].get(row[f"{relationship}Id"])
            if parent is None:
                return None
            row = parent
        return row[self.field.name]


@dataclass
class Query:
    """A query that has been read."""

    sobject: str
    paths: list[Path] = field(default_factory=list[Path])
    children: dict[str, tuple[str, Query]] = field(default_factory=dict[str, "tuple[str, Query]"])
    counts_rows: bool = False
    counted: dict[str, Path] = field(default_factory=dict[str, Path])
    condition: Condition = field(default=lambda _: True)
    order: list[tuple[Path, bool, bool]] = field(default_factory=list[tuple[Path, bool, bool]])
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Found:
    """What a query gives: all records, before they are cut into pages."""

    total: int
    records: list[dict[str, Any]]


def select(soql: str, tables: Tables, now: datetime, version: str) -> Found:
    """Runs a query.

    tables: what the query may see. now: says what TODAY is. version: of the addresses in the answer.

    Raises:
        Refusal: the query can't be read, or names what the org doesn't have.
    """
    query = Reader(soql, tables, now).read()
    runner = Runner(tables, version)
    rows = runner.rows(query, tables[query.sobject].values())
    if query.counts_rows:
        return Found(len(rows), [])
    if query.counted:
        return Found(1, [runner.counted(query, rows)])
    return Found(len(rows), [runner.answer(query, row) for row in rows])


@dataclass(frozen=True)
class Runner:
    """Finds and sorts rows, and words them."""

    tables: Tables
    version: str

    def rows(self, query: Query, among: Any) -> list[Row]:
        found: list[Row] = [row for row in among if query.condition(row)]
        for path, descending, nulls_last in reversed(query.order):
            blank = [row for row in found if path.value(row, self.tables) is None]
            filled = [row for row in found if path.value(row, self.tables) is not None]
            filled.sort(key=lambda row: _rank(path.field, path.value(row, self.tables)), reverse=descending)
            found = filled + blank if nulls_last else blank + filled
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]

    def answer(self, query: Query, row: Row) -> dict[str, Any]:
        said = self._attributes(query.sobject, row)
        for path in query.paths:
            self._put(said, row, path)
        for name, (link, child) in query.children.items():
            among = [each for each in self.tables[child.sobject].values() if each[link] == row["Id"]]
            records = [self.answer(child, each) for each in self.rows(child, among)]
            said[name] = {"totalSize": len(records), "done": True, "records": records} if records else None
        return said

    def counted(self, query: Query, rows: Sequence[Row]) -> dict[str, Any]:
        counts = {
            name: sum(path.value(row, self.tables) is not None for row in rows) for name, path in query.counted.items()
        }
        return {"attributes": {"type": "AggregateResult"}, **counts}

    def _put(self, said: dict[str, Any], row: Row, path: Path) -> None:
        """Puts a value under its parents' names; a parent that is missing stands there as null."""
        for relationship, sobject in path.parents:
            parent = self.tables[sobject].get(row[f"{relationship}Id"])
            if parent is None:
                said[relationship] = None
                return
            said = said.setdefault(relationship, self._attributes(sobject, parent))
            row = parent
        said[path.field.name] = row[path.field.name]

    def _attributes(self, sobject: str, row: Row) -> dict[str, Any]:
        return {
            "attributes": {"type": sobject, "url": f"/services/data/v{self.version}/sobjects/{sobject}/{row['Id']}"}
        }


class Reader:
    """Reads one query."""

    def __init__(self, soql: str, tables: Tables, now: datetime) -> None:
        self.soql, self.tables = soql, tables
        self.today = now.astimezone(TIME_ZONE).date()
        self.tokens = list(self._split())
        self.at = 0

    def read(self) -> Query:
        """Gives the query.

        Raises:
            Refusal: with what is unexpected, and where.
        """
        query = self._query(self._object)
        if self._peek().kind != "end":
            raise self._unexpected()
        return query

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        at = 0
        while rest := self.soql[at:].lstrip():
            at = len(self.soql) - len(rest)
            found = _TOKEN.match(self.soql, at)
            if found is None:
                raise self._refusal("MALFORMED_QUERY", f"unexpected token: '{rest[0]}'", at)
            tokens.append(Token(found.lastgroup or "", found[0], at))
            at = found.end()
        return [*tokens, Token("end", "<EOF>", len(self.soql))]

    # The clauses

    def _query(self, object_of: Callable[[Token], str]) -> Query:
        self._expect("SELECT")
        start = self.at
        self._skip_to_from()
        query = Query(object_of(self._word()))
        behind, self.at = self.at, start  # what is selected can only be read once the object is known
        self._selection(query)
        self._expect("FROM")
        self.at = behind
        if self._accept("WHERE"):
            query.condition = self._condition(query.sobject)
        if self._accept("ORDER"):
            query.order = self._order(query.sobject)
        query.limit = self._whole_number() if self._accept("LIMIT") else None
        query.offset = self._offset() if self._accept("OFFSET") else 0
        return query

    def _skip_to_from(self) -> None:
        depth = 0
        while depth or not self._accept("FROM"):
            token = self._next()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.kind == "end" or depth < 0:
                raise self._refusal("MALFORMED_QUERY", f"unexpected token: '{token.text}'", token.at)

    def _object(self, token: Token) -> str:
        found = find_object(token.text)
        if found is None:
            raise self._refusal(
                "INVALID_TYPE",
                f"sObject type '{token.text}' is not supported. If you are attempting to use a custom object, be sure "
                "to append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names.",
                token.at,
            )
        return found

    def _selection(self, query: Query) -> None:
        while True:
            if self._peek().text.upper() == "COUNT" and self._peek(1).text == "(":
                self._count(query)
            elif self._accept("("):
                self._child(query)
            else:
                self._selected(query)
            if query.counts_rows or not self._accept(","):
                return

    def _selected(self, query: Query) -> None:
        at = self._peek().at
        path = self._path(query.sobject)
        if any(path.written.lower() == other.written.lower() for other in query.paths):
            raise self._refusal("MALFORMED_QUERY", f"duplicate field selected: {path.written}", at)
        if query.counted:
            raise self._refusal("MALFORMED_QUERY", f"Field must be grouped or aggregated: {path.written}", at)
        query.paths.append(path)

    def _count(self, query: Query) -> None:
        start = self._next()
        self._expect("(")
        if query.paths or query.children:
            raise self._refusal("MALFORMED_QUERY", f"Field must be grouped or aggregated: {start.text}", start.at)
        if self._accept(")"):
            query.counts_rows = True
            return
        path = self._path(query.sobject)
        self._expect(")")
        is_named = self._peek().kind == "word" and self._peek().text.upper() not in CLAUSES
        name = self._next().text if is_named else f"expr{len(query.counted)}"
        query.counted[name] = path

    def _child(self, query: Query) -> None:
        relations = CHILDREN.get(query.sobject, {})
        named: list[str] = []

        def child_object(token: Token) -> str:
            name = next((each for each in relations if each.lower() == token.text.lower()), None)
            if name is None:
                raise self._refusal(
                    "INVALID_TYPE",
                    f"Didn't understand relationship '{token.text}' in FROM part of query call. If you are attempting "
                    "to use a custom relationship, be sure to append the '__r' after the custom relationship name. "
                    "Please reference your WSDL or the describe call for the appropriate names.",
                    token.at,
                )
            named.append(name)
            return relations[name][0]

        child = self._query(child_object)
        self._expect(")")
        query.children[named[0]] = (relations[named[0]][1], child)

    def _order(self, sobject: str) -> list[tuple[Path, bool, bool]]:
        self._expect("BY")
        order: list[tuple[Path, bool, bool]] = []
        while True:
            at, path = self._peek().at, self._path(sobject)
            if path.field.type == "textarea":
                raise self._refusal("MALFORMED_QUERY", f"field '{path.written}' can not be sorted in a query call", at)
            descending = self._accept("DESC")
            if not descending:
                self._accept("ASC")
            order.append((path, descending, self._accept("NULLS") and self._nulls_last()))
            if not self._accept(","):
                return order

    def _nulls_last(self) -> bool:
        if self._accept("LAST"):
            return True
        self._expect("FIRST")
        return False

    def _offset(self) -> int:
        at = self._peek().at
        offset = self._whole_number()
        if offset > MOST_SKIPPED:
            message = f"Maximum SOQL offset allowed is {MOST_SKIPPED}"
            raise self._refusal("NUMBER_OUTSIDE_VALID_RANGE", message, at)
        return offset

    # Conditions

    def _condition(self, sobject: str) -> Condition:
        if self._accept("NOT"):
            inner = self._term(sobject)
            return lambda row: not inner(row)
        parts = [self._term(sobject)]
        if self._peek().text.upper() == "OR":
            while self._accept("OR"):
                parts.append(self._term(sobject))
            return lambda row: any(part(row) for part in parts)
        while self._accept("AND"):
            parts.append(self._term(sobject))
        return lambda row: all(part(row) for part in parts)

    def _term(self, sobject: str) -> Condition:
        if self._accept("("):
            inner = self._condition(sobject)
            self._expect(")")
            return inner
        return self._comparison(sobject)

    def _comparison(self, sobject: str) -> Condition:
        start = self._peek()
        path = self._path(sobject)
        if path.field.type == "textarea":
            raise self._refusal(
                "INVALID_FIELD", f"field '{path.written}' can not be filtered in a query call", start.at
            )
        operator = self._next()
        match operator.text.upper():
            case "NOT":
                self._expect("IN")
                return self._among(path, start, wanted=False)
            case "IN":
                return self._among(path, start, wanted=True)
            case "LIKE":
                return self._like(path, operator)
            case sign if sign in COMPARISONS:
                value = self._literal(path)
                return lambda row: _holds(sign, path.field, path.value(row, self.tables), value)
            case _:
                raise self._refusal("MALFORMED_QUERY", f"unexpected token: '{operator.text}'", operator.at)

    def _among(self, path: Path, start: Token, *, wanted: bool) -> Condition:
        self._expect("(")
        if self._peek().text.upper() == "SELECT":
            ids = self._joined(path, start)
            self._expect(")")
            return lambda row: (path.value(row, self.tables) in ids) is wanted
        values = [self._literal(path)]
        while self._accept(","):
            values.append(self._literal(path))
        self._expect(")")

        def holds(row: Row) -> bool:
            have = path.value(row, self.tables)
            return any(_holds("=", path.field, have, value) for value in values) is wanted

        return holds

    def _joined(self, path: Path, start: Token) -> set[str]:
        """Runs a semi-join's inner query."""
        if path.field.type not in IDS:
            message = (
                "The left operand field in the where expression for outer query should be an id field, cannot use: "
                f"'{path.written}'"
            )
            raise self._refusal("MALFORMED_QUERY", message, start.at)
        inner = self._query(self._object)
        if len(inner.paths) != 1 or inner.children or inner.paths[0].field.type not in IDS:
            message = "The inner select field of a semi-join must be one id or reference field"
            raise self._refusal("MALFORMED_QUERY", message, start.at)
        rows = Runner(self.tables, "").rows(inner, self.tables[inner.sobject].values())
        return {inner.paths[0].value(row, self.tables) for row in rows} - {None}

    def _like(self, path: Path, operator: Token) -> Condition:
        if path.field.type not in TEXTS:
            message = f"invalid operator on {path.field.type} field"
            raise self._refusal("INVALID_QUERY_FILTER_OPERATOR", message, operator.at)
        token = self._next()
        if token.kind != "text":
            raise self._mistyped(path, "string", token)
        pattern = self._pattern(token)
        return lambda row: pattern.fullmatch(path.value(row, self.tables) or "") is not None

    # Values

    def _literal(self, path: Path) -> Literal:
        literal = self._any_literal()
        kind, token = path.field.type, literal.token
        if literal.kind == "null" and kind != "boolean":
            return literal
        if kind in IDS and literal.kind == "text":
            return self._id(path, literal)
        expected = "string" if kind in TEXTS | IDS else "dateTime" if kind == "datetime" else kind
        if literal.kind not in _kinds(kind):
            raise self._mistyped(path, expected, token)
        return literal

    def _id(self, path: Path, literal: Literal) -> Literal:
        found = full_id(literal.value)
        if found is None and literal.value:
            raise self._refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}", literal.token.at)
        return Literal("text", found, literal.token)

    def _mistyped(self, path: Path, expected: str, token: Token) -> Refusal:
        quotes = "should be enclosed in quotes" if expected == "string" else "should not be enclosed in quotes"
        message = f"value of filter criterion for field '{path.written}' must be of type {expected} and {quotes}"
        return self._refusal("INVALID_FIELD", message, token.at)

    def _any_literal(self) -> Literal:
        token = self._next()
        match token.kind:
            case "text":
                return Literal("text", self._unescaped(token), token)
            case "number":
                return Literal("number", float(token.text), token)
            case "date" | "datetime":
                return Literal(token.kind, self._moment(token), token)
            case "word":
                return self._named(token)
            case _:
                raise self._refusal("MALFORMED_QUERY", f"unexpected token: '{token.text}'", token.at)

    def _moment(self, token: Token) -> date | datetime:
        try:
            if token.kind == "date":
                return date.fromisoformat(token.text)
            return datetime.fromisoformat(token.text)
        except ValueError:
            raise self._refusal("MALFORMED_QUERY", f"Invalid date: {token.text}", token.at) from None

    def _named(self, token: Token) -> Literal:
        name, _, number = token.text.upper().partition(":")
        if name == "NULL":
            return Literal("null", None, token)
        if name in {"TRUE", "FALSE"}:
            return Literal("boolean", name == "TRUE", token)
        try:
            days = days_of(name, int(number) if number else None, self.today)
        except (OverflowError, ValueError):  # days beyond what a calendar holds
            days = None
        if days is None:
            raise self._refusal("MALFORMED_QUERY", f"unexpected token: '{token.text}'", token.at)
        return Literal("days", days, token)

    def _unescaped(self, token: Token) -> str:
        def one(escape: re.Match[str]) -> str:
            code = escape[1]
            if code.startswith("u"):
                return chr(int(code[1:], 16))
            if code.lower() not in _ESCAPES:
                message = (
                    f"Invalid string literal {token.text}. Illegal character sequence '\\{code}' in string literal."
                )
                raise self._refusal("MALFORMED_QUERY", message, token.at)
            return _ESCAPES[code.lower()]

        return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", one, token.text[1:-1], flags=re.DOTALL)

    def _pattern(self, token: Token) -> re.Pattern[str]:
        """Translates what LIKE compares with; only there, \\% and \\_ are escapes."""
        parts: list[str] = re.findall(r"\\u[0-9A-Fa-f]{4}|\\.|.", token.text[1:-1], re.DOTALL)
        wild = {"%": ".*", "_": ".", r"\%": "%", r"\_": "_"}
        translated = [
            wild.get(part) or re.escape(self._unescaped(Token("text", f"'{part}'", token.at))) for part in parts
        ]
        return re.compile("".join(translated), re.IGNORECASE | re.DOTALL)

    # Words

    def _path(self, sobject: str) -> Path:
        token = self._word()
        *parents, name = token.text.split(".")
        steps: list[tuple[str, str]] = []
        for parent in parents:
            link = find_field(sobject, f"{parent}Id")
            if link is None or not link.reference:
                raise self._refusal(
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{parent}' in field path. If you are attempting to use a custom "
                    "relationship, be sure to append the '__r' after the custom relationship name. Please reference "
                    "your WSDL or the describe call for the appropriate names.",
                    token.at,
                )
            steps.append((link.relationship, link.reference))
            sobject = link.reference
        field = find_field(sobject, name)
        if field is None:
            raise self._refusal(
                "INVALID_FIELD",
                f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure "
                "to append the '__c' after the custom field name. Please reference your WSDL or the describe call for "
                "the appropriate names.",
                token.at,
            )
        return Path(steps, field, token.text)

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self.at += 1
        return token

    def _accept(self, word: str) -> bool:
        is_there = self._peek().kind in {"word", "sign"} and self._peek().text.upper() == word
        self.at += is_there
        return is_there

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _word(self) -> Token:
        token = self._peek()
        if token.kind != "word" or ":" in token.text or token.text.upper() in CLAUSES:
            raise self._unexpected()
        return self._next()

    def _whole_number(self) -> int:
        if not self._peek().text.isdigit():
            raise self._unexpected()
        return int(self._next().text)

    def _unexpected(self) -> Refusal:
        token = self._peek()
        return self._refusal("MALFORMED_QUERY", f"unexpected token: '{token.text}'", token.at)

    def _refusal(self, code: str, message: str, at: int) -> Refusal:
        """Words an error and shows its place, as Salesforce does."""
        lines = self.soql[:at].split("\n")
        row, column = len(lines), len(lines[-1]) + 1
        shown = (self.soql + "\n").split("\n")[row - 1]
        pointer = " " * (column - 1) + "^"
        return Refusal(400, code, f"\n{shown}\n{pointer}\nERROR at Row:{row}:Column:{column}\n{message}")


def _kinds(field_type: str) -> set[str]:
    """Gives the kinds of values that a field may be compared with."""
    if field_type in TEXTS:
        return {"text"}
    if field_type in NUMBERS:
        return {"number"}
    return {"boolean": {"boolean"}, "date": {"date", "days"}, "datetime": {"datetime", "days"}}.get(field_type, set())


def days_of(name: str, number: int | None, today: date) -> tuple[date, date] | None:
    """Gives the first and the last day of a date literal, None when there is none of this name."""
    if number is not None:
        named = {
            "LAST_N_DAYS": (today - timedelta(days=number), today),
            "NEXT_N_DAYS": (today + timedelta(days=1), today + timedelta(days=number)),
        }
        return named.get(name)
    if name in (near := {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}):
        day = today + timedelta(days=near[name])
        return day, day
    which, _, unit = name.partition("_")
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit)
    shift = {"LAST": -1, "THIS": 0, "NEXT": 1}.get(which)
    if months is None or shift is None:
        return None
    first = 12 * today.year + (today.month - 1) // months * months + shift * months
    return _first_of(first), _first_of(first + months) - timedelta(days=1)


def _first_of(month: int) -> date:
    """Gives the first day of a month that is counted from year 0."""
    return date(month // 12, month % 12 + 1, 1)


def _holds(sign: str, field: Field, have: Any, literal: Literal) -> bool:
    if sign in {"!=", "<>"}:
        return not _holds("=", field, have, literal)
    wanted = literal.value
    if wanted is None or wanted == "" or have is None:
        return sign == "=" and have is None and wanted in (None, "")
    value = _comparable(field, have)
    if literal.kind == "days":
        value = value.astimezone(TIME_ZONE).date() if isinstance(value, datetime) else value
        return _is_within(sign, value, *wanted)
    wanted = wanted.casefold() if field.type in TEXTS else wanted
    return _is_within(sign, value, wanted, wanted)


def _is_within(sign: str, value: Any, first: Any, last: Any) -> bool:
    match sign:
        case "=":
            return first <= value <= last
        case "<":
            return value < first
        case "<=":
            return value <= last
        case ">":
            return value > last
        case _:
            return value >= first


def _comparable(field: Field, value: Any) -> Any:
    if field.type in TEXTS:
        return value.casefold()
    if field.type == "date":
        return date.fromisoformat(value)
    if field.type == "datetime":
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _rank(field: Field, value: Any) -> Any:
    """Gives what ORDER BY sorts by: a picklist's values come in the picklist's order."""
    if field.picklist:
        return field.picklist.index(value) if value in field.picklist else len(field.picklist)
    return _comparable(field, value)
