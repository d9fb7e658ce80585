"""Text messages as they leave: the letters that every phone shows, a length that fits, a code to find them again by.

The alphabet is GSM 03.38's: a single character outside it would halve what fits into a message.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 160  # characters beside a link at the end

# https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE = frozenset("^{}\\[~]|€")  # each takes the room of two
_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u2022": "-",
        "\u00d7": "x",
        "\u2192": "->",
        "`": "'",
        "\t": " ",
    }
)
_ACK = re.compile(r"\s*ack(?:\s+(?:ref\s+)?([0-9a-f]{8}))?\s*\.?\s*", re.IGNORECASE)
_LINK = re.compile(r"(?:^|\s)(https?://[\x21-\x7e]{1,300})\s*\Z")


def key(once: str) -> str:
    """Gives what stands for an effect's business key where others see it."""
    return hashlib.sha256(once.encode()).hexdigest()[:32]


def code(once: str) -> str:
    """Gives the code at the end of a text, by which it is found again."""
    return f"Ref {key(once)[:8]}"


def acknowledged(answer: str) -> str | None:
    """Gives the code of the text that an answer acknowledges, "" where it names none; None when it is no such answer.

    A "no" is worded in many ways, some with a "yes" in them: only ACK and nothing else takes something over.
    """
    found = _ACK.fullmatch(answer)
    if not found:
        return None
    return f"Ref {found[1].lower()}" if found[1] else ""


def words(body: str, once: str) -> str:
    """Gives the text that is sent: at most 160 characters with its code, then the link that the body ends with."""
    link = _LINK.search(body)
    said = gsm7(body[: link.start()] if link else body)
    end = f" {code(once)}"
    said = f"{_cut(said, LONGEST - len(end))}{end}".strip()
    return f"{said} {link[1]}" if link else said


def gsm7(text: str) -> str:
    """Gives a text in the letters that every phone shows: quotes and dashes plain, accents off where need be."""
    plain = "".join(map(_letters, text.translate(_PLAIN)))
    plain = re.sub(r"\?(?: ?\?)+", "?", plain)  # an emoji may be several characters
    return re.sub(r"[ ]+", " ", plain).strip()


def room(text: str) -> int:
    """Gives how many of a message's 160 characters a text takes."""
    return sum(2 if letter in _DOUBLE else 1 for letter in text)


def _letters(character: str) -> str:
    if character in _BASIC or character in _DOUBLE:
        return character
    if character.isspace():
        return " "
    if unicodedata.category(character)[0] in "CM":  # controls, marks that turn the direction, accents that combine
        return ""
    bare = "".join(each for each in unicodedata.normalize("NFKD", character) if each in _BASIC)
    return bare or "?"


def _cut(text: str, limit: int) -> str:
    if room(text) <= limit:
        return text
    taken = 0
    for at, letter in enumerate(text):
        taken += room(letter)
        if taken > limit - len("..."):
            return text[:at].rstrip() + "..."
    return text
