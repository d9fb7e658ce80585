"""Open positions: their titles, whether somebody applies for one, and for which.

The titles come from handbook/company/open-positions.yml of the public repository.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from policies.customer import Refused

LOOKED_AT = 20_000  # characters of a message; who applies says so before
ALIKE = 90  # of 100 in rapidfuzz: "custmer support enginer" is, "customer success engineer" is not


_ROLE = r"(?:positions?|roles?|jobs?|openings?|vacanc(?:y|ies)|internships?)"
_POST = r"(?:positions?|jobs?|openings?|vacanc(?:y|ies)|internships?)"  # roles are what users have in Fleet, too
_RESUME = r"(?:r[eé]sum[eé]|cv|curriculum vitae|cover letter)"
_APPLIES = [
    re.compile(pattern)
    for pattern in (
        rf"\bappl(?:y|ying|ied) for\b[^.!?\n]{{0,80}}\b{_ROLE}\b",
        rf"\bappl(?:y|ying|ied) to\b[^.!?\n]{{0,80}}\b{_POST}\b",
        rf"\b(?:my|attached|enclosed|following) (?:\w+ )?{_RESUME}\b",
        rf"\b{_RESUME} (?:is |are |and \w+ )?(?:attached|enclosed|below)\b",
        rf"\b(?:open|vacant|advertised|posted|available) {_ROLE}\b",
        r"\bjob (?:opening|posting|application|opportunit(?:y|ies)|vacanc(?:y|ies)|listing|ad)s?\b",
        rf"\bmy (?:application (?:for|as)\b[^.!?\n]{{0,80}}\b{_ROLE}|candidacy)\b",
        r"\bcareer opportunit(?:y|ies)\b",
        r"\b(?:are you|you are|you're) (?:currently |still )?hiring\b",
        r"\bjoin(?:ing)? (?:your|the fleet|fleet's) team\b(?! (?:meeting|call))",
    )
]
_FOR_SOMEBODY_ELSE = re.compile(
    r"\b(?:recruit(?:er|ment|ing) (?:agency|firm|services?)|staffing|our candidates?|(?:a|my) candidate for"
    r"|on behalf of (?:my|our|a) (?:candidate|client))\b"
)


def is_application(message: str, titles: Iterable[str]) -> bool:
    """Says whether somebody applies for a position, by the words they use.

    titles: of the open positions. A title alone is none: customers write about their Customer Success Manager too.
    """
    message = message[:LOOKED_AT]
    said = message.replace("\u2019", "'").lower()
    if any(pattern.search(said) for pattern in _APPLIES):
        return True
    words = " ".join(words_of(message))
    return any(_applies_for(words, " ".join(words_of(title))) for title in titles)


def is_for_somebody_else(message: str) -> bool:
    """Says whether a recruiter seems to write, who is not to get an applicant's answer."""
    return _FOR_SOMEBODY_ELSE.search(message[:LOOKED_AT].lower()) is not None


def _applies_for(said: str, title: str) -> bool:
    named = re.escape(title)
    return bool(title) and bool(
        re.search(rf"\b{named}s? (?:\w+ )?{_ROLE}\b", said)
        or re.search(rf"\b{_ROLE} (?:of|as|for) (?:an? |the |your )?{named}\b", said)
        or re.search(
            rf"\b(?:apply|applying|applied|application) (?:for|as|to) (?:an? |the |your )?(?:\w+ )?{named}\b", said
        )
    )


# -- for which position


@dataclass(frozen=True)
class Named:
    """A place in a message where an open position is named."""

    start: int
    end: int
    title: str
    score: float

    def is_inside(self, other: Named) -> bool:
        """Says whether a longer title covers it: "Engineer" in "Support Engineer"."""
        wider = other.end - other.start > self.end - self.start
        return other.start <= self.start and self.end <= other.end and (wider or other.score > self.score)


_LEVELS_BEFORE = set(
    "senior sr junior jr staff principal lead head director vp chief associate deputy assistant intern".split()
)
_LEVELS_BEHIND = set("intern internship trainee lead director manager".split())


def open_titles(positions: Iterable[str]) -> list[str]:
    """Gives the titles as people say them, without the emoji that the list puts before them, each once."""
    return list(dict.fromkeys(title for each in positions if (title := re.sub(r"^[\W_]+", "", each).strip())))


def positions_in(message: str, titles: Sequence[str]) -> list[str]:
    """Gives the open positions that a message names, spelling mistakes allowed: one is a clear match.

    A title with a level that the position doesn't have ("Senior ...") names another position.
    """
    words = words_of(message[:LOOKED_AT])
    named = [each for title in titles for each in _named(words, title)]
    clear = [each for each in named if not any(each.is_inside(other) for other in named)]
    return list(dict.fromkeys(each.title for each in clear if not _has_other_level(words, each)))


def _named(words: Sequence[str], title: str) -> Iterator[Named]:
    wanted = words_of(title)
    for start in range(len(words) - len(wanted) + 1 if wanted else 0):
        end = start + len(wanted)
        score = fuzz.ratio(" ".join(words[start:end]), " ".join(wanted))
        if score >= ALIKE:
            yield Named(start, end, title, score)


def _has_other_level(words: Sequence[str], named: Named) -> bool:
    before = words[named.start - 1] if named.start else ""
    behind = words[named.end] if named.end < len(words) else ""
    return before in _LEVELS_BEFORE or behind in _LEVELS_BEHIND


def words_of(text: str) -> list[str]:
    """Gives the words of a text in small letters, without accents."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"[a-z0-9]+", "".join(each for each in bare if not unicodedata.combining(each)))


def chosen_title(given: str, titles: Sequence[str]) -> str:
    """Gives the open position that a person chose.

    Raises:
        Refused: no open position has that title.
    """
    for title in titles:
        if words_of(title) == words_of(given):
            return title
    listed = ", ".join(f'"{title}"' for title in titles) or "none"
    raise Refused(f'No open position is called "{given}". Open are: {listed}. Write one of them, or leave it empty.')
