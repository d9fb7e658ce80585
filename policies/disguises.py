"""Undoes what can hide a word in a text: encodings, markup, look-alike letters, separators.

`views` gives the texts that a text may stand for; `Letters` boils one down to its bare letters and remembers where
words begin and end.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote_plus

from confusable_homoglyphs import confusables

DEPTH = 2  # an encoding inside an encoding, such as %2541
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){5,}")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SIMPLE_ESCAPE = re.compile(r"\\[nrt]")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKUP = re.compile(r"[*_`~\\]+")


def views(text: str) -> Iterator[tuple[str, str]]:
    """Gives each text that `text` may stand for, with the name of the disguise; the text itself first."""
    seen = {text}
    layer = [("plain", text)]
    yield layer[0]
    for _ in range(DEPTH):
        found: list[tuple[str, str]] = []
        for _, each in layer:
            for name, decoded in _decoded(each):
                if decoded not in seen:
                    seen.add(decoded)
                    found.append((name, decoded))
        yield from found
        layer = found


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    if "&" in text:
        yield "HTML entities", html.unescape(text)
    if "%" in text or "+" in text:
        yield "percent-encoding", unquote_plus(text)
    if "\\" in text:
        plain = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
        yield "JSON escapes", _SIMPLE_ESCAPE.sub(" ", plain)
    if "<" in text or "[" in text or _MARKUP.search(text):
        yield "markdown", without_markup(text)
    yield from (("base64", decoded) for run in _BASE64.finditer(text) for decoded in _from_base64(run[0]))
    yield from (
        ("hexadecimal", decoded) for run in _HEX.finditer(text) if (decoded := _readable(bytes.fromhex(run[0])))
    )


def without_markup(text: str) -> str:
    """Gives the text as a reader sees it: no comments, tags, link targets or emphasis."""
    for pattern in (_COMMENT, _TAG):
        text = pattern.sub("", text)
    return _MARKUP.sub("", _LINK.sub(r"\1", text))


def _from_base64(run: str) -> Iterator[str]:
    """Decodes a run at each of the four places where its first character may stand."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    for start in range(4):
        part = plain[start:]
        try:
            decoded = base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + "=" * (-len(part) % 4))
        except (binascii.Error, ValueError):
            continue
        if readable := _readable(decoded):
            yield readable


def _readable(data: bytes) -> str:
    """Gives the text in decoded bytes, or "" when they are no text: most runs of letters decode to noise."""
    text = data.decode("utf-8", "ignore")
    printable = sum(character.isprintable() or character.isspace() for character in text)
    return text if len(text) >= 4 and printable >= 0.8 * len(data) else ""


@dataclass(frozen=True)
class Letters:
    """A text without anything but letters and digits, folded to what they look like."""

    bare: str
    places: list[int]  # where each bare character stands in the text
    begins: list[int]  # indices in `bare` where a word begins, ascending
    ends: list[int]  # ... and where one ends, exclusive

    @classmethod
    def of(cls, text: str) -> Letters:
        """Boils a text down."""
        bare: list[str] = []
        places: list[int] = []
        begins: list[int] = []
        ends: list[int] = []
        inside = False
        for place, character in enumerate(text):
            folded = fold(character)
            if folded is None:
                continue
            if folded and not inside:
                begins.append(len(bare))
            elif not folded and inside:
                ends.append(len(bare))
            inside = bool(folded)
            bare += folded
            places += [place] * len(folded)
        if inside:
            ends.append(len(bare))
        return cls("".join(bare), places, begins, ends)

    def stands_alone(self, start: int, end: int) -> bool:
        """Says whether bare[start:end] begins and ends where words do."""
        return _holds(self.begins, start) and _holds(self.ends, end)


def _holds(ascending: list[int], value: int) -> bool:
    at = bisect_left(ascending, value)
    return at < len(ascending) and ascending[at] == value


@lru_cache(maxsize=8192)
def fold(character: str) -> str | None:
    """Gives the small Latin letters or digits that a character looks like: "" for a separator, None if invisible."""
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    if unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return None
    parts = [part for part in unicodedata.normalize("NFKD", character) if unicodedata.category(part) != "Mn"]
    return "".join(_latin(part) for part in parts)


def _latin(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    if not character.isalnum():
        return ""
    return _LOOKS_LIKE.get(character) or _LOOKS_LIKE.get(character.lower()) or character.casefold()


def _look_alikes() -> dict[str, str]:
    """Gives the Latin letter for each character that Unicode's list of confusables takes for one."""
    listed = cast("dict[str, list[dict[str, Any]]]", confusables.confusables_data)
    return {
        character: twin["c"].lower()
        for character, twins in listed.items()
        for twin in twins
        if not character.isascii() and len(twin["c"]) == 1 and twin["c"].isascii() and twin["c"].isalpha()
    }


_LOOKS_LIKE = _look_alikes()
