"""In which forms a company's name is looked for, and when what looks like one is one.

A name of several words is looked for as a whole and by its first distinctive word. Company suffixes and "The" don't
count. A name that is one ordinary word, or has fewer than four letters, is found only as that very word with its
capitals: otherwise each "target" or "box" would stop a request. Acronyms of a name and single letters are not looked
for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from policies.disguises import View
from policies.letters import bare, looks, visible
from policies.ordinary_words import ORDINARY_WORDS

SHORTEST = 4  # letters; what is shorter is found as a whole, case-matching word only
FREE_STANDING = 8  # letters from which on a name is found inside a longer word too, such as a host name
ACRONYM = 5  # letters up to which a word in capitals is taken for an acronym

_WORD = re.compile(r"[^\W_]+(?:['\u2018\u2019\u02bc][^\W_]+)*|[&+]")
_AND = frozenset({"&", "+", "and", "und", "et", "y"})
_SUFFIXES = frozenset(
    """
    ab ag ai app as bv co com company corp corporation gmbh group holding holdings inc incorporated io kg kgaa limited
    llc llp ltd net nv org oy plc pllc pty sa sarl sas se spa srl
    """.split()
)
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

_COMMON_FIRST = b"letaonsrhdcufpgwybvkxjqz"  # as `looks` spells, where i is l and m is rn

# What separates two words without being part of a name, and what may stand inside a word: a sentence that ends with
# "open" and another that begins with "systems" name nobody, nor do "in four" name a company "Infour".
_APART = re.compile(r"[.,;:!?|)]\s|\s[|(]|\n\s*\n|.{13}", re.DOTALL)
_INSIDE_WORD = re.compile(r"[^\s,;:!?/|]{1,12}|[^\w\n]{0,8}\n[^\w\n]{0,8}")


@dataclass(frozen=True)
class Form:
    """One way in which a name is written."""

    owner: str
    letters: bytes  # as `looks` gives them
    joints: frozenset[int]  # where in the letters a word meets the next
    digits: int
    capitals: tuple[bool, ...] | None = None  # given when the name is found with its own capitals only

    def rarest(self, length: int) -> int:
        """Gives where the letters begin, so many in a row, that are rarest in English."""
        rarity = [_COMMON_FIRST.find(letter) % len(_COMMON_FIRST) for letter in self.letters]
        return max(range(len(rarity) - length + 1), key=lambda at: sum(rarity[at : at + length]))

    def stands_at(self, view: View, at: int) -> tuple[int, int] | None:
        """Gives where in the view's text the name stands that its letters spell from `at` on, or None."""
        places = view.places[at : at + len(self.letters)]
        start, end = places[0], places[-1] + 1
        gaps = {
            index: gap
            for index, (one, other) in enumerate(pairwise(places), 1)
            if other - one > 1 and (gap := visible(view.text[one + 1 : other]))
        }
        fits = (
            not self._splits_a_character(view, at)
            and self._bridges(places, gaps)
            and self._has_its_digits(view, places)
            and self._is_free(view, places, contiguous=not gaps)
        )
        return (start, end) if fits else None

    def _splits_a_character(self, view: View, at: int) -> bool:
        places, end = view.places, at + len(self.letters)
        return (at > 0 and places[at - 1] == places[at]) or (end < len(places) and places[end - 1] == places[end])

    def _bridges(self, places: Sequence[int], gaps: dict[int, str]) -> bool:
        """Says whether what stands between the letters may stand in a name; s p a c e d letters may."""
        spaced_out = len(gaps) == len(set(places)) - 1
        return spaced_out or all(
            not _APART.search(gap) if index in self.joints else _INSIDE_WORD.fullmatch(gap)
            for index, gap in gaps.items()
        )

    def _has_its_digits(self, view: View, places: Sequence[int]) -> bool:
        """Says whether it isn't a number in which 1 and 0 are taken for letters."""
        digits = sum(view.text[place].isdigit() for place in places)
        return digits - self.digits <= len(self.letters) / 3

    def _is_free(self, view: View, places: Sequence[int], *, contiguous: bool) -> bool:
        """Says whether the name is no part of another word."""
        text, start, end = view.text, places[0], places[-1] + 1
        if self.capitals:
            as_written = tuple(text[place].isupper() for place in dict.fromkeys(places))
            neighbours = text[start - 1 : start] + text[end : end + 1]
            return as_written == self.capitals and not any(map(str.isalnum, neighbours))
        if contiguous and len(self.letters) >= FREE_STANDING:
            return True
        return _begins(text, start) and _ends(text, end)


def _begins(text: str, at: int) -> bool:
    before, first = text[at - 1 : at], text[at]
    return not before.isalnum() or before.isdigit() != first.isdigit() or (before.islower() and first.isupper())


def _ends(text: str, at: int) -> bool:
    last, after = text[at - 1], text[at : at + 1]
    plural = after in {"s", "S"} and not text[at + 1 : at + 2].isalnum()
    return plural or not after.isalnum() or last.isdigit() != after.isdigit() or (last.islower() and after.isupper())


@dataclass(frozen=True)
class ShortForm:
    """A name of fewer than four letters: the pattern finds the very word."""

    owner: str
    pattern: re.Pattern[str]


def forms(owner: str, name: str, codenames: Collection[str] = ()) -> Iterator[Form | ShortForm]:
    """Gives the forms in which an owner's name is looked for; none when it has no letters.

    codenames: minor planets in use, in small letters. They are ordinary words to us: "customer-pallas" doesn't name
    Pallas Athletics.
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", name))
    core = _without_suffixes(words)
    telling = [word for word in core if word.casefold() not in _AND]
    length = len(bare("".join(telling)))
    if 1 < length < SHORTEST:
        yield ShortForm(owner, re.compile(rf"(?<!\w){'[^a-zA-Z0-9]{0,3}'.join(map(re.escape, core))}(?!\w)"))
    elif len(telling) == 1 and _is_ordinary(telling[0], codenames):
        yield _form(owner, telling, exact=True)
    else:
        yield from _spellings(owner, core)
        distinctive = [word for word in telling if _is_distinctive(word, codenames)]
        if len(telling) > 1 and distinctive:
            yield from _spellings(owner, distinctive[:1])
    if core != words and len(telling) == 1:  # "box" is not looked for, "box inc" is
        yield from _spellings(owner, words)


def core(name: str) -> tuple[str, ...]:
    """Gives a company's name as it is compared with another's: in small letters, without "The" and company suffixes."""
    words = _WORD.findall(unicodedata.normalize("NFKC", name))
    return tuple(word.casefold() for word in _without_suffixes(words))


def _without_suffixes(words: Sequence[str]) -> Sequence[str]:
    start = 1 if len(words) > 1 and words[0].casefold() == "the" else 0
    end = len(words)
    while end - start > 1 and words[end - 1].casefold() in _SUFFIXES | _AND:
        end -= 1
    return words[start:end]


def _is_ordinary(word: str, codenames: Collection[str]) -> bool:
    return bare(word) in ORDINARY_WORDS or bare(word) in codenames


def _is_distinctive(word: str, codenames: Collection[str]) -> bool:
    acronym = word.isupper() and len(word) <= ACRONYM
    return len(bare(word)) >= SHORTEST and not (acronym or word.isdigit() or _is_ordinary(word, codenames))


def _spellings(owner: str, words: Sequence[str]) -> Iterator[Form]:
    """Gives the words in each spelling that has other letters.

    "And" is left out or spelt out, and so are umlauts. Scripts whose capitals and small letters look like different
    Latin ones need both.
    """
    spelt = " ".join("and" if word in {"&", "+"} else word for word in words)
    plain = " ".join(word for word in words if word.casefold() not in _AND)
    umlauts = unicodedata.normalize("NFC", plain).lower().translate(_SPELT_OUT)
    found = (_form(owner, text.split()) for text in (plain, spelt, umlauts, plain.upper(), plain.lower()))
    yield from {form.letters: form for form in found if len(form.letters) >= SHORTEST}.values()


def _form(owner: str, words: Sequence[str], *, exact: bool = False) -> Form:
    letters = [looks(word) for word in words]
    capitals = tuple(character.isupper() for word in words for character in word if looks(character))
    return Form(
        owner,
        b"".join(letters),
        frozenset(accumulate(map(len, letters))),
        sum(map(str.isdigit, "".join(words))),
        capitals if exact else None,
    )
