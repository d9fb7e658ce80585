"""Makes text that others wrote harmless where it is shown: in GitHub's markdown, in Slack, in logs.

What people see stays the same: marks that would do something get a zero-width space behind them.
"""

from __future__ import annotations

import re
import unicodedata

ZERO_WIDTH_SPACE = "\u200b"
SLACK_TEXT = 40_000  # characters of a message, after which Slack cuts
SLACK_SECTION = 3_000  # characters of a text object in a block, more is refused

# GitHub finds mentions and references in the rendered page, so that "\@all" and "&#64;all" mention too.
_ENTITY = re.compile(r"&(?=#?\w{1,32};)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"!(?=\[)")
_LINK_TITLE = re.compile(r"(\]\(\s*(?:<[^<>\n]*>|[^\s()<>]+))\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\))\s*\)")
_LINK_DEFINITION = re.compile(r"^([ >]*\[[^\]\n]+\]):", re.MULTILINE)
_REFERENCE_URL = re.compile(r"(github\.com)(?=/[\w.-]+/[\w.-]+/(?:issues|pull|discussions|commit)/)", re.IGNORECASE)
_CLOSING = re.compile(  # the nine keywords of https://docs.github.com/issues/tracking-your-work-with-issues
    r"\b[cfr](?=(?:lose[sd]?|ix(?:e[sd])?|esolve[sd]?):?\s+(?:[\w./-]*#\d|GH-\d|https?:))", re.IGNORECASE
)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
_FENCE = re.compile(r"^[ >]{0,6}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)

_PLAIN = re.compile(r"[\n\t -~]*")  # most text; nothing in it needs a look
_WHITESPACE = {"\n", "\t"}
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's control, format, surrogate and line-separating characters


def neutralise_markdown(text: str) -> str:
    """Gives text for an issue's title, body or comment that mentions nobody, links to and closes no issue, hides
    nothing, loads no image and swallows nothing that follows it.

    Source: the sanitisers of github/gh-aw and Dependabot, which learned each of these the hard way.
    """
    text = _COMMENT.sub("", _printable(text))
    text = _ENTITY.sub("&amp;", text)
    text = _LINK_TITLE.sub(r"\1)", text)
    text = _LINK_DEFINITION.sub(rf"\1{ZERO_WIDTH_SPACE}:", text)
    for mark in (_CLOSING, _TAG, _IMAGE, _REFERENCE_URL, _MENTION, _REFERENCE):
        text = mark.sub(rf"\g<0>{ZERO_WIDTH_SPACE}", text)
    return _with_closed_fence(text)


def _with_closed_fence(text: str) -> str:
    fence = ""
    for opening, info in _FENCE.findall(text):
        if not fence:
            fence = opening
        elif opening.startswith(fence) and not info.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def fenced(text: str) -> str:
    """Gives the text as a markdown code block that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{_printable(text)}\n{fence}"


def escape_slack(text: str, limit: int = SLACK_TEXT) -> str:
    """Gives text that calls nobody in Slack, where `&`, `<` and `>` alone mean something; cut at the limit.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    escaped = _printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(escaped) <= limit:
        return escaped
    return re.sub(r"&[a-z]{0,3}$", "", escaped[: limit - 1]) + "\u2026"


def one_line(text: str) -> str:
    """Gives text for a log: what can't be seen is spelt out, so that it starts no line and colours nothing."""
    return "".join(_spelt_out(character) if _is_unseen(character) else character for character in text)


def _printable(text: str) -> str:
    """Gives text without control characters and without marks that turn its direction around."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(character for character in text if character in _WHITESPACE or not _is_unseen(character))


def _is_unseen(character: str) -> bool:
    return not character.isprintable() and unicodedata.category(character) in _UNSEEN


def _spelt_out(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
