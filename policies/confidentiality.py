"""A customer's real name never reaches a public place: types first, a scanner last.

`Confidential` holds what must not be shown. `PublicText` is what may be, made by `declassify` alone. `KnownNames` finds
names in the bytes of a request, in whatever disguise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from policies.disguises import Letters, views
from policies.ordinary_words import ORDINARY_WORDS

Value = TypeVar("Value")
MASK = "***"


class Confidential(Generic[Value]):
    """Holds a value that is shown nowhere. `reveal()` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def reveal(self) -> Value:
        """Gives the value, to the one call that needs it."""
        return self._value

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confidential) and self._value == other._value  # pyright: ignore[reportUnknownMemberType]

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Confidential values are not pickled. Hand an id on and read the value where it is needed.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        arguments = getattr(source, "__args__", (Any,))
        return core_schema.no_info_after_validator_function(
            lambda value: value if isinstance(value, cls) else cls(value),
            core_schema.union_schema([core_schema.is_instance_schema(cls), handler(arguments[0])]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: MASK),
        )


class Leak(ValueError):
    """A text for the public holds a customer's real name. The message says where and whose, never the name."""


_DOOR = object()


class PublicText:
    """A text that has been found free of names. Only `declassify` makes one."""

    __slots__ = ("_text",)

    def __init__(self, text: str, door: object = None) -> None:
        if door is not _DOOR:
            raise TypeError("PublicText is made by declassify(text, names) alone, which looks for names first.")
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"PublicText({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicText) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True)
class Finding:
    """A name in a text: whose, where (offsets in the text as `disguise` shows it), in which disguise."""

    owner: str
    start: int
    end: int
    disguise: str


_SUFFIXES = frozenset(
    """
    ab ag as bv co company corp corporation gmbh group holding holdings inc incorporated kg limited llc llp ltd nv oy
    plc pty sa sarl spa srl the
    """.split()
)
FREE_STANDING = 8  # letters from which on a name is found inside a longer word too, such as in a host name
DISTINCTIVE = 5  # letters that the first words of a name must have to give the customer away


@dataclass(frozen=True)
class _Key:
    """One form of a name to look for."""

    owner: str
    letters: str
    exact: re.Pattern[str] | None  # for names that are ordinary words: the very word, capitals as in the name

    def occurs(self, text: str, letters: Letters) -> Iterator[tuple[int, int]]:
        if self.exact:
            yield from (found.span() for found in self.exact.finditer(text))
            return
        start = letters.bare.find(self.letters)
        while start >= 0:
            end = start + len(self.letters)
            if len(self.letters) >= FREE_STANDING or letters.stands_alone(start, end):
                yield letters.places[start], letters.places[end - 1] + 1
            start = letters.bare.find(self.letters, start + 1)


class KnownNames:
    """Every name to look for, made ready once.

    pairs: whose name it is ("Salesforce account 001...", "label customer-pallas"), and the name.
    """

    def __init__(self, pairs: Iterable[tuple[str, Confidential[str]]]) -> None:
        self._keys = tuple({(key.letters, key.owner): key for pair in pairs for key in _keys(*pair)}.values())

    def find(self, text: str | bytes) -> list[Finding]:
        """Gives every name in a text or in the bytes of a request."""
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return [finding for disguise, view in views(plain) for finding in self._find(view, disguise)]

    def _find(self, view: str, disguise: str) -> Iterator[Finding]:
        letters = Letters.of(view)
        for key in self._keys:
            for start, end in key.occurs(view, letters) if key.exact or key.letters in letters.bare else ():
                yield Finding(key.owner, start, end, disguise)


def _keys(owner: str, name: Confidential[str]) -> Iterator[_Key]:
    """Gives the forms of a name: as a whole, and its first words when they are distinctive.

    A name that is an ordinary word, or has fewer than four letters, is looked for as that very word, capitals and all;
    otherwise each "target" and "apple" would be a leak.
    """
    words = [
        word for word in re.split(r"[^\w'\u2019]+", unicodedata.normalize("NFKC", name.reveal())) if word.strip("_")
    ]
    significant = [word for word in words if word.casefold() not in _SUFFIXES] or words
    whole = "".join(Letters.of(word).bare for word in significant)
    if not whole:
        return
    if len(whole) < 4 or (len(significant) == 1 and whole in ORDINARY_WORDS):
        yield _Key(owner, whole, re.compile(rf"(?<!\w){re.escape(' '.join(significant))}(?!\w)"))
        return
    yield _Key(owner, whole, None)
    first = Letters.of(significant[0]).bare
    if len(significant) > 1 and len(first) >= DISTINCTIVE and first not in ORDINARY_WORDS:
        yield _Key(owner, first, None)


def declassify(text: str, names: KnownNames) -> PublicText:
    """Gives the text as one that anybody may read.

    Raises:
        Leak: it holds a customer's real name.
    """
    _refuse(names.find(text), "The text", text)
    return PublicText(text, _DOOR)


def scan_request(method: str, url: str, body: bytes, names: KnownNames) -> None:
    """Looks through a request to a public place, the last thing before its bytes leave.

    Raises:
        Leak: it holds a customer's real name.
    """
    _refuse(names.find(url), f"The address of a public {method} request", "")
    _refuse(names.find(body), f"The body of a public {method} request", body.decode("utf-8", "replace"))


def _refuse(findings: list[Finding], what: str, text: str) -> None:
    if not findings:
        return
    first = findings[0]
    line = text.count("\n", 0, first.start) + 1 if first.disguise == "plain" else 0
    where = f"line {line}, character {first.start}" if line else f"behind {first.disguise}"
    owners = ", ".join(sorted({finding.owner for finding in findings}))
    raise Leak(f"{what} holds a customer's real name ({where}; {owners}). Nothing was sent. Use the codename instead.")
