"""Boils a text down to its bare letters: small Latin ones, without accents, whatever look-alikes stood for them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, cast

from confusable_homoglyphs import confusables  # pyright: ignore[reportMissingTypeStubs]

_INVISIBLE = {"Cf", "Mn", "Me"}  # Unicode's formatting characters, and accents that combine with a letter
_FILLERS = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters and symbols that show nothing


class _Folding(dict[int, str]):
    """Small Latin letters and digits for each character, as a table for `str.translate` that fills itself.

    A letter that looks like no Latin one becomes its number behind a brace, so that bare letters are always ASCII.
    """

    def __missing__(self, point: int) -> str:
        self[point] = folded = _folded(chr(point))
        return folded


def _folded(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    if not visible(character):
        return ""
    if twin := _TWINS.get(character):
        return twin
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        parts = character.casefold()
    if parts != character:
        return parts.translate(_FOLDING)
    is_letter = character.isalnum() and unicodedata.category(character) != "Lm"  # Lm: letters like apostrophes
    return f"{{{ord(character):x}" if is_letter else ""


def _ascii_twins() -> dict[str, str]:
    """Gives the Latin letters that Unicode's list of confusables (UTS 39) takes a character for."""
    listed = cast("dict[str, list[dict[str, Any]]]", confusables.confusables_data)
    twins = ((character, visible(other["c"])) for character, others in listed.items() for other in others)
    return {
        character: twin.lower()
        for character, twin in twins
        if len(character) == 1 and not character.isascii() and twin.isascii() and twin.isalnum()
    }


def visible(text: str) -> str:
    """Gives a text without the characters that show nothing of their own, such as soft hyphens."""
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in _INVISIBLE and character not in _FILLERS
    )


_TWINS = _ascii_twins()
_FOLDING = _Folding()
_ASCII = bytes(range(128))
_DROPPED = bytes(point for point in _ASCII if not chr(point).isalnum() and chr(point) != "{")
_SMALL = bytes.maketrans(_ASCII, _ASCII.lower())
_ALIKE = bytes.maketrans(b"i10", b"llo")  # alike in print: I, l and 1; O and 0; below, rn and m
_FOREIGN = re.compile(r"[^\x00-\x7f]+|\{")


def bare(text: str) -> str:
    """Gives the letters and digits of a text as small Latin ones, without accents; nothing between them."""
    return _bare(text).decode()


def looks(text: str) -> bytes:
    """Gives the bare letters of a text with those made equal that look alike in print."""
    return _bare(text).translate(_ALIKE).replace(b"m", b"rn")


def _bare(text: str) -> bytes:
    # Bytes, because translating a text that is not all ASCII takes 20 times as long.
    latin = _FOREIGN.sub(lambda run: run[0].translate(_FOLDING), text)
    return latin.encode().translate(_SMALL, _DROPPED)
