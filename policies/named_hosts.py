"""Finds names of computers and mail addresses in a text that anybody will read: they tell whose they are.

Addresses of well-known places are allowed by their domain (handbook.toml). What looks like a file or a package, such as
"main.go" or "com.apple.mdm", is none. It may find what is harmless; whoever wrote the text writes example.com instead.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

EXAMPLES = ("example.com", "example.org", "example.net")  # RFC 2606 keeps them free for texts
# Ends of names: those of the internet that files and packages don't have, and those that networks give themselves.
_PUBLIC = "com|net|org|io|dev|cloud|gov|edu|mil|co|us|uk|de|fr|ca|au|eu|ai|tech|systems"
_INTERNAL = "local|localdomain|internal|corp|lan|intra|intranet|home|private|ad"

_ADDRESS = re.compile(r"\bhttps?://(?:[^\s/@]*@)?(?P<host>\[[^\]\s]*\]|[^\s/:?#\"'<>)\]`,]+)", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@(?P<host>[\w-]+(?:\.[\w-]+)+)")
_BARE = re.compile(
    rf"(?<![\w.@/-])(?P<host>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_PUBLIC}|{_INTERNAL}))(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_GIVEN = re.compile(  # a word of small letters tells of a name without telling it
    r"\b(?:host|computer|machine|server)[ _-]?name[\"']?\s*[:=]\s*[\"'`]?"
    r"(?P<host>(?=[\w.-]*(?:\d|[.-]\w|(?-i:[A-Z]{2})))[\w.-]{2,})",
    re.IGNORECASE,
)
_HERE = re.compile(r"localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """Something that names a computer or a person. It says what and where, never the name."""

    kind: str
    line: int

    def __str__(self) -> str:
        return f"{self.kind} in line {self.line}"


def hosts_in(text: str, allowed: Collection[str]) -> list[Named]:
    """Gives what names a computer or a mailbox, in the order of the text; the same kind once a line.

    allowed: domains that may be named, with all that is below them.
    """
    found = {Named(kind, text.count("\n", 0, at) + 1): None for at, kind in sorted(_found(text, allowed))}
    return list(found)


def _found(text: str, allowed: Collection[str]) -> Iterator[tuple[int, str]]:
    kinds = ((_ADDRESS, "an address"), (_MAIL, "a mail address"), (_BARE, "a host"), (_GIVEN, "a host"))
    for form, kind in kinds:
        for match in form.finditer(text):
            if not _is_allowed(match["host"], allowed):
                yield match.start(), kind


def _is_allowed(host: str, allowed: Collection[str]) -> bool:
    name = host.lower().rstrip(".")
    return _HERE.fullmatch(name) is not None or any(
        name == each or name.endswith(f".{each}") for each in (*EXAMPLES, *allowed)
    )
