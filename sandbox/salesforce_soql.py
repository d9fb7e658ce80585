"""The part of SOQL that the stand-in understands: read by recursive descent, refused as Salesforce refuses it.

SELECT fields, parent fields (Owner.Name), COUNT() FROM object WHERE conditions with AND, OR, NOT, parentheses,
= != < > <= >= LIKE IN NOT IN, null, date literals ORDER BY LIMIT OFFSET.
Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

Record = Mapping[str, Any]
Condition = Callable[[Record], bool]
Lookup = Callable[[str, str], Any]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:\\.|[^'\\])*')
      | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_][\w.]*(?::\d+)?)
      | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "_": "\\_", "%": "\\%"}
OPERATORS = {"=", "!=", "<>", "<", ">", "<=", ">="}


class MalformedQuery(Exception):
    """The query can't be read."""


@dataclass(frozen=True)
class Query:
    """A query that has been read."""

    fields: Sequence[str]
    counts: bool
    sobject: str
    condition: Condition
    order: Sequence[tuple[str, bool, bool]]  # field, descending, nulls last
    limit: int | None
    offset: int
    used: Sequence[str]  # every field named, for the check that it exists


class Reader:
    """Reads one query. `now`: for date literals."""

    def __init__(self, soql: str, now: datetime, value_of: Callable[[Record, str], Any]) -> None:
        self.tokens = self._split(soql)
        self.at, self.now, self.value_of = 0, now, value_of
        self.used: list[str] = []

    def read(self) -> Query:
        """Gives the query.

        Raises:
            MalformedQuery: with what is unexpected.
        """
        self._expect("SELECT")
        fields, counts = self._fields()
        self._expect("FROM")
        sobject = self._word()
        condition = self._either() if self._accept("WHERE") else _always
        order = self._order() if self._accept("ORDER") else []
        limit = int(self._number()) if self._accept("LIMIT") else None
        offset = int(self._number()) if self._accept("OFFSET") else 0
        if self.at < len(self.tokens):
            raise MalformedQuery(f"unexpected token: '{self.tokens[self.at][1]}'")
        return Query(fields, counts, sobject, condition, order, limit, offset, self.used)

    @staticmethod
    def _split(soql: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at, soql = 0, soql.rstrip()
        while at < len(soql):
            found = _TOKEN.match(soql, at)
            if not found:
                raise MalformedQuery(f"unexpected token: '{soql[at : at + 20].strip()}'")
            tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            at = found.end()
        return tokens

    def _fields(self) -> tuple[list[str], bool]:
        fields: list[str] = []
        if self._accept("COUNT"):
            self._expect("(")
            if not self._accept(")"):
                self.used.append(self._word())
                self._expect(")")
            return fields, True
        while True:
            fields.append(self._word())
            if not self._accept(","):
                self.used += fields
                return fields, False

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._accept("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda record: any(part(record) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._accept("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)

    def _one(self) -> Condition:
        if self._accept("NOT"):
            inner = self._one()
            return lambda record: not inner(record)
        if self._accept("("):
            inner = self._either()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        field = self._word()
        self.used.append(field)
        negated = self._accept("NOT")
        if self._accept("IN"):
            wanted = [_folded(value) for value in self._list()]
            return lambda record: (_folded(self.value_of(record, field)) in wanted) is not negated
        if self._accept("LIKE"):
            pattern = _like(str(self._value()))
            return lambda record: bool(pattern.fullmatch(str(self.value_of(record, field) or "")))
        kind, sign = self._next()
        if kind != "sign" or sign not in OPERATORS:
            raise MalformedQuery(f"unexpected token: '{sign}'")
        value = self._value()
        return lambda record: _compare(self.value_of(record, field), sign, value)

    def _list(self) -> list[Any]:
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> Any:
        kind, text = self._next()
        match kind:
            case "text":
                return _unescaped(text[1:-1])
            case "number":
                return float(text)
            case "moment":
                return date.fromisoformat(text) if len(text) == 10 else _moment(text)
            case "word":
                return self._literal(text)
            case _:
                raise MalformedQuery(f"unexpected token: '{text}'")

    def _literal(self, word: str) -> Any:
        name, _, number = word.upper().partition(":")
        today = self.now.date()
        match name:
            case "NULL":
                return None
            case "TRUE" | "FALSE":
                return name == "TRUE"
            case "TODAY":
                return today
            case "YESTERDAY" | "TOMORROW":
                return today + timedelta(days=1 if name == "TOMORROW" else -1)
            case "LAST_N_DAYS":
                return today - timedelta(days=int(number))
            case "NEXT_N_DAYS":
                return today + timedelta(days=int(number))
            case _:
                raise MalformedQuery(f"unexpected token: '{word}'")

    def _order(self) -> list[tuple[str, bool, bool]]:
        self._expect("BY")
        order: list[tuple[str, bool, bool]] = []
        while True:
            field = self._word()
            self.used.append(field)
            descending = self._accept("DESC") or (self._accept("ASC") and False)
            nulls_last = self._accept("NULLS") and (self._accept("LAST") or (self._expect("FIRST") or False))
            order.append((field, descending, nulls_last))
            if not self._accept(","):
                return order

    def _accept(self, word: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at][1].upper() == word:
            self.at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            found = self.tokens[self.at][1] if self.at < len(self.tokens) else "<EOF>"
            raise MalformedQuery(f"expecting '{word}', found '{found}'")

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise MalformedQuery("unexpected token: '<EOF>'")
        self.at += 1
        return self.tokens[self.at - 1]

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise MalformedQuery(f"unexpected token: '{text}'")
        return text

    def _number(self) -> float:
        kind, text = self._next()
        if kind != "number":
            raise MalformedQuery(f"unexpected token: '{text}'")
        return float(text)


def _always(_: Record) -> bool:
    return True


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text, flags=re.DOTALL)


def _like(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\[%_]|[%_]|[^%_\\]+|\\", pattern)
    translated = "".join({"%": ".*", "_": "."}.get(part, re.escape(part.removeprefix("\\") or "\\")) for part in parts)
    return re.compile(translated, re.IGNORECASE | re.DOTALL)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _folded(value: Any) -> Any:
    """Salesforce compares texts without regard to capitals."""
    return value.casefold() if isinstance(value, str) else value


def _compare(have: Any, sign: str, want: Any) -> bool:
    if isinstance(want, datetime):
        have = _moment(have.replace("+0000", "+00:00")) if have else None
    elif isinstance(want, date):
        have = date.fromisoformat(have[:10]) if have else None
    have, want = _folded(have), _folded(want)
    if want is None and isinstance(have, str) and not have:
        have = None
    if sign in {"=", "!=", "<>"}:
        return (have == want) is (sign == "=")
    if have is None or want is None:
        return False
    return {"<": have < want, ">": have > want, "<=": have <= want, ">=": have >= want}[sign]
