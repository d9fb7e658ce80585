"""What a person is shown at the end: a title, a few sentences, a table. Rendered for Prefect and for Slack.

Holds ids, codenames and links; a customer's real name doesn't belong here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal
from urllib.parse import quote

from policies.foreign_text import SLACK_SECTION, escape_slack

Row = Sequence[str]
SLACK_CELL = 600  # characters of a cell, so that a row fits a section
SLACK_ROWS = 20  # a message holds 50 blocks, two of them for a row with buttons, and should fit a screen
# In Slack or in markdown; percent-encoded it leads to the same page.
_ENDS_A_LINK = re.compile(r"[^!-~]|[<>|()\[\]\\`\"]")


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere."""

    text: str
    url: str


@dataclass(frozen=True)
class ChannelName:
    """A channel by its id. Slack shows its name to whom it shows the channel; elsewhere the id stands."""

    id: str


Cell = str | Link | ChannelName


@dataclass(frozen=True)
class Mention:
    """A person or a user group to notify, by an id that was looked up, never taken from a text."""

    id: str  # "U..." or "W..." of a person, "S..." of a user group

    def slack(self) -> str:
        """Renders what notifies them."""
        return f"<!subteam^{self.id}>" if self.id.startswith("S") else f"<@{self.id}>"


def mentions_of(who: str) -> list[Mention]:
    """Gives the mention of a person by their id in Slack; none when it is a name of another kind."""
    return [Mention(who)] if re.fullmatch(r"[UW][A-Z0-9]{2,20}", who) else []


@dataclass(frozen=True)
class Button:
    """A button that starts a procedure; the gateway gets its action and value back when somebody clicks."""

    text: str
    action: str
    value: str
    style: Literal["", "primary", "danger"] = ""
    ask: str = ""  # a question to confirm first

    def slack(self) -> Mapping[str, Any]:
        """Renders it as an element of an actions block."""
        element: dict[str, Any] = {
            "type": "button",
            "text": {"type": "plain_text", "text": self.text},
            "action_id": self.action,
            "value": self.value,
        }
        if self.style:
            element["style"] = self.style
        if self.ask:
            element["confirm"] = {
                "title": {"type": "plain_text", "text": self.text},
                "text": {"type": "plain_text", "text": self.ask},
                "confirm": {"type": "plain_text", "text": "Yes"},
                "deny": {"type": "plain_text", "text": "No"},
            }
        return element


@dataclass(frozen=True)
class Report:
    """One page for a person. row_buttons: those of each row, in Slack."""

    title: str
    sentences: Sequence[str]
    columns: Row = ()
    rows: Sequence[Sequence[Cell]] = field(default_factory=tuple[Sequence[Cell], ...])
    mentions: Sequence[Mention] = ()
    buttons: Sequence[Button] = ()
    row_buttons: Sequence[Sequence[Button]] = ()

    def markdown(self) -> str:
        """Renders it for a Prefect artifact."""
        parts = [f"# {self.title}", *self.sentences]
        if self.rows:
            parts.append(markdown_table(self.columns, self.rows))
        return "\n\n".join(parts) + "\n"

    def slack_text(self) -> str:
        """Renders what notifications and screen readers say."""
        return " ".join([*self._mentioned(), escape_slack(" ".join([self.title, *self.sentences]))])

    def _mentioned(self) -> list[str]:
        return [mention.slack() for mention in self.mentions]

    def slack_blocks(self) -> list[Mapping[str, Any]]:
        """Renders it in Block Kit: a section a row, with the row's link as its last words."""
        blocks: list[Mapping[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": self.title[:150]}},
        ]
        said = "\n".join([" ".join(self._mentioned()), escape_slack("\n".join(self.sentences), SLACK_SECTION - 200)])
        if said.strip():
            blocks.append(_section(said.strip()))
        for row, buttons in zip_longest(self.rows[:SLACK_ROWS], self.row_buttons[:SLACK_ROWS], fillvalue=()):
            blocks.append(_section(_slack_row(self.columns, row)))
            blocks += _actions(buttons)
        if (more := len(self.rows) - SLACK_ROWS) > 0:
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"and {more} more in Prefect"}]})
        return blocks + _actions(self.buttons)


def markdown_table(columns: Row, rows: Sequence[Sequence[Cell]]) -> str:
    """Renders a GitHub-flavoured table; pipes and line breaks in cells don't break it."""
    lines = [columns, ["---"] * len(columns), *([_markdown_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_cell(cell: Cell) -> str:
    if isinstance(cell, ChannelName):
        return cell.id
    if isinstance(cell, Link):
        return f"[{_markdown_cell(cell.text)}]({_address(cell.url)})" if cell.url else _markdown_cell(cell.text)
    return " ".join(cell.replace("|", "\\|").split())


def _actions(buttons: Sequence[Button]) -> list[Mapping[str, Any]]:
    return [{"type": "actions", "elements": [button.slack() for button in buttons]}] if buttons else []


def _section(text: str) -> Mapping[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _slack_row(columns: Row, row: Sequence[Cell]) -> str:
    first, *others = [_slack_cell(cell) for cell in row]
    return "\n".join(
        [f"*{first}*", *(f"{column}: {cell}" for column, cell in zip(columns[1:], others, strict=True) if cell)]
    )


def _slack_cell(cell: Cell) -> str:
    if isinstance(cell, ChannelName):
        return f"<#{cell.id}>"
    if isinstance(cell, Link):
        text = escape_slack(cell.text, SLACK_CELL)
        return f"<{_address(cell.url)}|{text}>" if cell.url else text
    return escape_slack(cell, SLACK_CELL)


def _address(url: str) -> str:
    """Gives an address that can neither end its link nor begin anything else, as somebody may have typed it."""
    return _ENDS_A_LINK.sub(lambda found: quote(found[0], safe=""), url)
