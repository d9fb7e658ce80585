"""Finds what looks like a secret in a text that is about to be shown to others: keys, tokens, passwords.

The forms of well-known tokens are their makers' own; beside them stand assignments such as "password: ..." and long
texts that look random. It may find what is none; whoever wrote the text can say it in other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
# https://docs.slack.dev/authentication/tokens, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers
_FORMS = {
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    "a Slack token": re.compile(r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    "a Slack webhook": re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/\S{10,}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Google key": re.compile(r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"),
    "a Stripe key": re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@"),
    "a bearer token": re.compile(r"\bbearer\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,}", re.IGNORECASE),
}
_NAME = r"(?:pass(?:word|wd|phrase|code)|pwd|(?:api|access|secret|private|enroll|license)?[ _-]?(?:secret|token|key)s?)"
_ASSIGNED = re.compile(
    rf"\b[\w-]*?{_NAME}[\"']?\s*(?:[:=]|\b(?:is|was|to)\b)\s*[\"'`]?(?P<value>[^\s\"'`,;]{{6,}})", re.IGNORECASE
)
_URL = re.compile(r"\bhttps?://\S+")
_RANDOM = re.compile(r"(?<![\w/+=-])[\w/+=-]{32,}(?![\w/+=-])")
# What stands for a secret that has been taken out.
_PLACEHOLDER = re.compile(r"[<\[({*.•-].*|x{3,}|redacted\W*|hidden\W*|removed\W*|\$\{?\w+\}?", re.IGNORECASE)
_DIGIT_OR_SIGN = re.compile(r"[0-9!#$%&*+/=?@^_~]")


@dataclass(frozen=True)
class Spilled:
    """Something that looks like a secret. It says what and where, never the secret."""

    kind: str
    line: int

    def __str__(self) -> str:
        return f"{self.kind} in line {self.line}"


def secrets_in(text: str) -> list[Spilled]:
    """Gives what looks like a secret, in the order of the text; the same kind once a line."""
    found = {Spilled(kind, text.count("\n", 0, at) + 1): None for at, kind in sorted(_found(text))}
    return list(found)


def _found(text: str) -> Iterator[tuple[int, str]]:
    for kind, form in _FORMS.items():
        for match in form.finditer(text):
            yield match.start(), kind
    for match in _ASSIGNED.finditer(text):
        # "the token is missing" tells of a token without telling it.
        if not _PLACEHOLDER.fullmatch(match["value"]) and _DIGIT_OR_SIGN.search(match["value"]):
            yield match.start(), "a password or token"
    without_addresses = _URL.sub(lambda address: " " * len(address[0]), text)
    for match in _RANDOM.finditer(without_addresses):
        if _looks_random(match[0]):
            yield match.start(), "a long text that looks random"


def _looks_random(text: str) -> bool:
    """Says whether letters of both cases and digits alternate, as they don't in words, paths and checksums."""
    kinds = (r"[a-z]", r"[A-Z]", r"\d")
    changes = sum(_kind(before) != _kind(after) for before, after in pairwise(text))
    return all(re.search(kind, text) for kind in kinds) and changes * 3 >= len(text)


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"
