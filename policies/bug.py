"""What a bug report must tell, what is nice to have, and what an issue's text tells already.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# "Amount of total hosts" and the twelve after it
WANTED = (
    "Amount of total hosts",
    "Amount of online hosts",
    "Amount of scheduled queries",
    "Amount and size (CPU/Mem) of the Fleet instances",
    "Fleet instances CPU and Memory usage while the issue has been happening",
    "MySQL flavor/version in use",
    "MySQL server capacity (CPU/Mem)",
    "MySQL CPU and Memory usage while the issue has been happening",
    "Are MySQL read replicas configured? If so, how many?",
    "Redis version and server capacity (CPU/Mem)",
    "Is Redis running in cluster mode?",
    "Redis CPU and Memory usage while the issue has been happening",
    "The output of fleetctl debug archive",
)

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HEADING = re.compile(
    r"^[ \t]*#{1,6}\s*(?P<name>[^\n]+?)\s*$|^[ \t]*\*\*(?P<field>[^*\n]+)\*\*[ \t]*:?(?P<value>[^\n]*)$", re.MULTILINE
)
_NOTHING = re.compile(
    r"(?:\s|\d+[.)](?=\s|$)|[-.*#:_?]|<hr/?>|\b(?:todo|tbd|n/a|na|unknown|none|missing)\b)*", re.IGNORECASE
)
_SYSTEMS = re.compile(
    r"\b(?:mac ?os|os ?x|windows|linux|ubuntu|debian|fedora|red ?hat|rhel|centos|arch|chrome ?os|ios|ipados|android)\b",
    re.IGNORECASE,
)
_BROWSERS = re.compile(r"\b(?:chrom(?:e|ium)|firefox|safari|edge|brave|opera|arc|vivaldi)\b", re.IGNORECASE)
_AGENT = re.compile(r"\b(?:osquery|fleetd|orbit)\b[^\n]{0,30}?\d+\.\d+", re.IGNORECASE)
_EXPECTED = re.compile(r"\b(?:expect\w*|should)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """An issue's text as its template divides it: each part by its name, in small letters."""

    parts: Sequence[tuple[str, str]]
    text: str

    def says(self, *names: str) -> str:
        """Gives what stands under the headings that hold one of these words; "" when that is nothing."""
        found = [value for name, value in self.parts if any(each in name for each in names)]
        return "\n".join(value for value in found if not is_nothing(value))


def is_nothing(text: str) -> bool:
    """Says whether a text tells nothing: it is empty, or a placeholder such as "n/a"."""
    return _NOTHING.fullmatch(text) is not None


def told(body: str) -> Told:
    """Divides an issue's text. What the template itself says, in comments, counts as nothing."""
    text = _COMMENT.sub("", body)
    return Told(list(_parts(text)), text)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    found = list(_HEADING.finditer(text))
    for each, following in zip(found, [*found[1:], None], strict=False):
        below = text[each.end() : following.start() if following else len(text)]
        yield (each["name"] or each["field"]).strip(" :").lower(), f"{each['value'] or ''}\n{below}".strip()


@dataclass(frozen=True)
class Detail:
    """A detail that every report must have."""

    name: str
    is_told: Callable[[Told], bool]


def _version(found: Told) -> bool:
    return (
        re.search(r"\d|\brc\b|\bmain\b", found.says("fleet version", "fleet server version"), re.IGNORECASE) is not None
    )


def _agent(found: Told) -> bool:
    return bool(found.says("agent", "osquery version", "fleetd version")) or _AGENT.search(found.text) is not None


def _system(found: Told) -> bool:
    return _SYSTEMS.search(found.says("operating system")) is not None


def _browser(found: Told) -> bool:
    return _BROWSERS.search(found.says("browser")) is not None


def _expected(found: Told) -> bool:
    return bool(found.says("expected")) or _EXPECTED.search(found.says("actual", "more info", "steps")) is not None


def _actual(found: Told) -> bool:
    return bool(found.says("actual"))


def _steps(found: Told) -> bool:
    return bool(found.says("reproduc", "steps"))


# "Include required details that will help speed up time to resolution"
REQUIRED = (
    Detail("Fleet server version", _version),
    Detail("Agent version (osquery or fleetd?)", _agent),
    Detail("Operating system", _system),
    Detail("Web browser", _browser),
    Detail("Expected behavior", _expected),
    Detail("Actual behavior", _actual),
    # "Mandatory to include reproduction steps"
    Detail("Steps to reproduce", _steps),
)

# Where there are no headings, as in a chat, a detail counts as told once it is mentioned; what happens always is.
_MENTIONED = {
    "Fleet server version": re.compile(r"\bfleet\b[^\n]{0,30}?\b\d+\.\d+|\bv?4\.\d{1,3}(?:\.\d+)?\b", re.IGNORECASE),
    "Agent version (osquery or fleetd?)": _AGENT,
    "Operating system": _SYSTEMS,
    "Web browser": _BROWSERS,
    "Expected behavior": _EXPECTED,
    "Actual behavior": re.compile(r"\S"),
    "Steps to reproduce": re.compile(r"\bsteps\b|\brepro\w*|\b(?:when|after|if) (?:I|we)\b", re.IGNORECASE),
}

_WANTED_WORDS = {
    each: frozenset(re.findall(r"[a-z]{4,}", each.lower())) - {"amount", "while", "been"} for each in WANTED
}


def missing(body: str, comments: str = "") -> list[str]:
    """Gives the names of the required details that neither a text nor its author's comments tell."""
    texts = told(body), told(comments)
    return [each.name for each in REQUIRED if not any(map(each.is_told, texts)) and not _mentions(comments, each.name)]


def _mentions(text: str, name: str) -> bool:
    """Says whether a comment mentions a detail. What happens is said by any message, but not by any comment."""
    return name != "Actual behavior" and _MENTIONED[name].search(text) is not None


def not_mentioned(text: str) -> list[str]:
    """Gives the names of the required details that a message doesn't mention."""
    return [each.name for each in REQUIRED if not _MENTIONED[each.name].search(text)]


def still_wanted(body: str) -> list[str]:
    """Gives the details that are nice to have and of which the text has not a line with all their words."""
    lines = [frozenset(re.findall(r"[a-z]{4,}", line.lower())) for line in told(body).text.splitlines()]
    return [each for each in WANTED if not any(_WANTED_WORDS[each] <= line for line in lines)]
