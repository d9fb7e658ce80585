"""Decides what is searched for before a bug is filed, and which of the issues found may be about the same bug.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz, utils

from policies import bug
from policies.issue import Issue

MOST = 5  # candidates that a person is shown
ALIKE = 70  # of 100 in rapidfuzz, for titles: their words in any order
FOUND_TWICE = 2  # keyword sets that find the same issue make it worth a look
WORDS = 3  # a search: GitHub wants all of them in one issue

_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{2,}", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“`']([^\"”`'\n]{8,80})[\"”`']")
_ERROR = re.compile(
    r"\b(?:error|failed|fails|panic|exception|cannot|unable|timeout|denied)\b[^\n.]{0,60}", re.IGNORECASE
)
# Words that most bug reports have, so that they tell none of them apart.
_COMMON = frozenset(
    """
    about after again also and are been before but can cannot does doesn don for from has have host hosts into
    isn its more not now one only our out see shown shows some such than that the their them then there they
    this though too used user users using was were what when where which while will with would you your fleet
    bug issue page server version customer reported reports expected actual behavior click clicks open works
    working still
    """.split()
)


@dataclass(frozen=True)
class Keywords:
    """One search: a few words, and what they were taken from."""

    source: str  # "title", "error text", "actual behavior", "steps to reproduce"
    words: str


def keyword_sets(title: str, actual: str, steps: str) -> list[Keywords]:
    """Gives what to search for: several different sets of words, none twice."""
    # "it can often take a couple of tries with different keywords to find an existing issue"
    found = [
        Keywords("title", _telling(title)),
        Keywords("error text", _error_text(f"{title}\n{actual}")),
        Keywords("actual behavior", _telling(actual)),
        Keywords("steps to reproduce", _telling(steps)),
    ]
    unique: dict[frozenset[str], Keywords] = {}
    for each in found:
        if each.words:
            unique.setdefault(frozenset(each.words.split()), each)
    return list(unique.values())


def _telling(text: str) -> str:
    """Gives the words of a text that tell most: long ones that few reports have, in their order."""
    words = [each.strip(".-_").lower() for each in _WORD.findall(text)]
    rare = list(dict.fromkeys(each for each in words if each not in _COMMON and not each[0].isdigit()))
    chosen = set(sorted(rare, key=lambda each: (-len(each), rare.index(each)))[:WORDS])
    return " ".join(each for each in rare if each in chosen)


def _error_text(text: str) -> str:
    quoted = _QUOTED.search(text) or _ERROR.search(text)
    return _telling(quoted[1] if quoted and quoted.re is _QUOTED else quoted[0]) if quoted else ""


@dataclass(frozen=True)
class Candidate:
    """An issue that may be about the same bug, and why."""

    issue: Issue
    alike: int  # of 100: title against title
    reasons: Sequence[str] = field(default_factory=tuple[str, ...])


def candidates(title: str, actual: str, codename: str, found: Mapping[str, Sequence[Issue]]) -> list[Candidate]:
    """Ranks what the searches found, the likeliest first. What has nothing to say for itself is left out.

    found: the issues of each search, by its source.
    """
    sources: dict[int, list[str]] = {}
    issues: dict[int, Issue] = {}
    for source, several in found.items():
        for each in several:
            sources.setdefault(each.number, []).append(source)
            issues[each.number] = each
    ranked = [_candidate(issues[number], title, actual, codename, by) for number, by in sources.items()]
    worth = [each for each in ranked if each.alike >= ALIKE or len(sources[each.issue.number]) >= FOUND_TWICE]
    return sorted(worth, key=lambda each: (-_weight(each, len(sources[each.issue.number])), -each.issue.number))[:MOST]


def _candidate(issue: Issue, title: str, actual: str, codename: str, sources: Sequence[str]) -> Candidate:
    alike = round(fuzz.token_set_ratio(title, issue.title.reveal(), processor=utils.default_process))
    told = bug.told(issue.body.reveal()).says("actual")
    same = round(fuzz.token_set_ratio(actual, told, processor=utils.default_process)) if told else 0
    reasons = [f"title {alike} % alike", f"found by {', '.join(sources)}"]
    reasons += [f"actual behavior {same} % alike"] if same >= ALIKE else []
    reasons += [f"{codename} is on it"] if codename in issue.codenames else []
    reasons += ["open" if issue.is_open else "closed"]
    return Candidate(issue, alike, reasons)


def _weight(each: Candidate, sources: int) -> float:
    return each.alike + 10 * sources + (10 if each.issue.is_open else 0)
