"""Undoes what can hide a name in a text: encodings, markup, look-alike characters, separators.

`views` gives the texts that a text may stand for; each knows its bare letters and where they stand in the original.
"""

from __future__ import annotations

import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from urllib.parse import unquote

from policies.letters import looks

Span = tuple[int, int]
Replace = Callable[[re.Match[str]], str]

PASSES = 5  # an escape inside an escape, such as %252541
DEPTH = 2  # base64 or hexadecimal inside the same


@dataclass(frozen=True)
class View:
    """What a text says once a disguise is taken off.

    back: gives where text[start:end] stands in the original.
    """

    text: str
    disguise: str
    back: Callable[[int, int], Span]

    @cached_property
    def letters(self) -> bytes:
        """The text as `looks` gives it."""
        return looks(self.text)

    @cached_property
    def places(self) -> list[int]:
        """Where in the text each of `letters` stands."""
        seen = {character: len(looks(character)) for character in set(self.text)}
        return [place for place, character in enumerate(self.text) for _ in range(seen[character])]

    def rewritten(self, pattern: re.Pattern[str], replace: Replace, disguise: str) -> View:
        """Gives the view with each match replaced."""
        return View(pattern.sub(replace, self.text), disguise, _WayBack(self, pattern, replace))

    def payload(self, runs: Sequence[Span], decode: Callable[[list[str]], str], disguise: str) -> View:
        """Gives what the runs say when decoded, one after the other."""
        texts = [self.text[start:end] for start, end in runs]

        def back(start: int, _: int) -> Span:
            ends = accumulate(len(decode([text])) for text in texts)
            return self.back(*next(run for run, end in zip(runs, ends, strict=True) if start < end))

        return View(decode(texts), disguise, back)


@dataclass(frozen=True)
class _WayBack:
    """Leads from a rewritten text to the original. Worked out when a name has been found, not before."""

    view: View
    pattern: re.Pattern[str]
    replace: Replace

    def __call__(self, start: int, end: int) -> Span:
        return self.view.back(self._source(start)[0], self._source(end - 1)[1])

    @cached_property
    def _edits(self) -> list[tuple[int, int, Span]]:
        """Where each replacement begins and ends, and what it replaced."""
        edits: list[tuple[int, int, Span]] = []
        moved = 0
        for match in self.pattern.finditer(self.view.text):
            begin = match.start() + moved
            end = begin + len(self.replace(match))
            edits.append((begin, end, match.span()))
            moved = end - match.end()
        return edits

    def _source(self, index: int) -> Span:
        before = bisect_right(self._edits, index, key=lambda edit: edit[0])
        if not before:
            return index, index + 1
        _, end, replaced = self._edits[before - 1]
        return replaced if index < end else (replaced[1] + index - end, replaced[1] + index - end + 1)


def views(text: str) -> Iterator[View]:
    """Gives each text that `text` may stand for, itself first."""
    yield from _views(View(text, "", lambda start, end: (start, end)), DEPTH)


def _views(view: View, depth: int) -> Iterator[View]:
    for _ in range(PASSES):
        yield view
        plainer = view.rewritten(_ESCAPE, _unescaped, "in escapes or percent-encoding")
        if plainer.text == view.text:
            break
        view = plainer
    yield from _without_markup(view)
    if depth:
        for payload in _payloads(view):
            yield from _views(payload, depth - 1)


# -- escapes

_ESCAPE = re.compile(
    r"[%\\&](?:"
    r"(?<=%)[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"  # URLs, forms
    r"|(?<=\\)(?:u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|x[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2})*|[nrtbf\"/\\])"  # JSON
    r"|(?<=&)(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?"  # HTML
    r")"
)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _unescaped(escape: re.Match[str]) -> str:
    text = escape[0]
    if text[0] == "%":
        return unquote(text)
    if text[0] == "&":
        return html.unescape(text)
    if text[1] == "u":
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be", "replace")
    if text[1] == "x":
        return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "replace")
    return _CONTROL.get(text[1], text[1])


# -- markup

_ATTRIBUTE = r"""[\s+]+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?"""
_MARKUP = re.compile(
    rf"<!--.*?(?:-->|\Z)|</?[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?>"  # comments and tags
    r"|\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)?\)|\]\[[^\[\]<>\n]*\]",  # where a link leads
    re.DOTALL,
)


def _without_markup(view: View) -> Iterator[View]:
    plainer = view.rewritten(_MARKUP, lambda _: "", "in markup")
    if plainer.text != view.text:
        yield plainer


# -- base64 and hexadecimal

# Runs of plain words, also joined as in paths, are left out: that base64 of a name has neither digit nor capital in
# the middle of a word does not happen in practice, and they are nine tenths of a text.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?![A-Z]?[a-z]*(?:[/_-][A-Z]?[a-z]*)*(?![A-Za-z0-9+/_-]))"
    r"[A-Za-z0-9+/_-]{6,}(?:\r?\n[A-Za-z0-9+/_-]+)*"
)
_LINE = re.compile(r"\S{6,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{8,}")
_URL_SAFE = str.maketrans("-_", "+/", "\r\n")


def _payloads(view: View) -> Iterator[View]:
    for runs in _base64_runs(view.text):
        for start in range(4):  # a run may begin anywhere in a group of four
            yield view.payload(runs, partial(_from_base64, start), "in base64")
    if runs := [run.span() for run in _HEXADECIMAL.finditer(view.text)]:
        for start in range(2):
            yield view.payload(runs, partial(_from_hexadecimal, start), "in hexadecimal")


def _base64_runs(text: str) -> Iterator[list[Span]]:
    """Gives the runs as one text over several lines each, and each line of those by itself."""
    runs = [run.span() for run in _BASE64.finditer(text)]
    several = [(start, end) for start, end in runs if "\n" in text[start:end]]
    lines = [line.span() for start, end in several for line in _LINE.finditer(text, start, end)]
    yield from filter(None, (runs, lines))


def _from_base64(start: int, runs: list[str]) -> str:
    groups = [run.translate(_URL_SAFE)[start:] for run in runs]
    # "A" stands for six zero bits: pads a group, and eight of them keep two runs apart.
    joined = "".join(group + "A" * (-len(group) % 4 + 8) for group in groups)
    return binascii.a2b_base64(joined).decode("utf-8", "replace")


def _from_hexadecimal(start: int, runs: list[str]) -> str:
    pairs = [run[start : start + (len(run) - start) // 2 * 2] for run in runs]
    return bytes.fromhex("".join(pair + "0000" for pair in pairs)).decode("utf-8", "replace")
