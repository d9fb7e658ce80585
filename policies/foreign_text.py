"""Makes text that others wrote harmless where it is shown: in GitHub's markdown, in Slack, in logs."""

from __future__ import annotations

import re
import unicodedata

ZERO_WIDTH_SPACE = "\u200b"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*\)")
_LINK_TITLE = re.compile(r"(\]\(\s*[^\s()]+)\s+(?:\"[^\"]*\"|'[^']*')\s*\)")
_MENTION = re.compile(r"@(?=[\w-])")
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
_CLOSING = re.compile(r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=[:\s])", re.IGNORECASE)


def neutralise_markdown(text: str) -> str:
    """Gives text that mentions nobody, links and closes no issue, hides nothing and loads no image.

    Source: what gh-aw's and Dependabot's sanitisers do.
    """
    text = _COMMENT.sub("", text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK_TITLE.sub(r"\1)", text)
    text = _CLOSING.sub(lambda word: word[0][0] + ZERO_WIDTH_SPACE + word[0][1:], text)
    text = _MENTION.sub("@" + ZERO_WIDTH_SPACE, text)
    return _REFERENCE.sub(lambda mark: mark[0] + ZERO_WIDTH_SPACE, text)


def fenced(text: str) -> str:
    """Gives the text as a code block that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def escape_slack(text: str) -> str:
    """Gives text that calls nobody in Slack, where only `&`, `<` and `>` mean something.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str) -> str:
    """Gives text for a log: control characters are shown, so that it can't start a line of its own or colour it."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return f"\\u{ord(character):04x}"
    return character
