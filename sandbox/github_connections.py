"""GitHub's connections: a page of a list in GraphQL, with cursors, counts and the errors that GitHub gives."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

MOST = 100  # what `first` and `last` may ask for
Info = GraphQLResolveInfo[Any]


@dataclass(frozen=True)
class Page:
    """What a connection is asked for."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def bounds(self, total: int, name: str) -> tuple[int, int]:
        """Gives where the page begins and ends.

        Raises:
            GraphQLError: it asks for no number, for two, or for too many.
        """
        side, asked = ("first", self.first) if self.first is not None else ("last", self.last)
        if asked is None:
            raise error(
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
                "MISSING_PAGINATION_BOUNDARIES",
            )
        if self.first is not None and self.last is not None:
            raise error(f"Passing both `first` and `last` to paginate the `{name}` connection is not supported.")
        if asked < 0:
            raise error(f"`{side}` on the `{name}` connection cannot be less than zero.")
        if asked > MOST:
            raise error(
                f"Requesting {asked} records on the `{name}` connection exceeds the `{side}` limit of {MOST} records.",
                "EXCESSIVE_PAGINATION",
            )
        start = min(total, _position(self.after)) if self.after else 0
        end = min(total, _position(self.before) - 1) if self.before else total
        return (start, min(end, start + asked)) if side == "first" else (max(start, end - asked), end)


def cursor(position: int) -> str:
    """Names a place in a list."""
    return base64.b64encode(f"cursor:{position}".encode()).decode()


def _position(text: str) -> int:
    try:
        return int(base64.b64decode(text, validate=True).decode().removeprefix("cursor:"))
    except ValueError:
        raise error(f"`{text}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS") from None


def error(message: str, kind: str = "") -> GraphQLError:
    """Makes an error with the type that GitHub puts beside the message."""
    return GraphQLError(message, extensions={"type": kind} if kind else None)


def connection(items: Sequence[Any], info: Info, **page: Any) -> dict[str, Any]:
    """Gives one page of a connection."""
    start, end = Page(**page).bounds(len(items), info.field_name)
    nodes = list(items[start:end])
    cursors = [cursor(position + 1) for position in range(start, end)]
    return {
        "nodes": nodes,
        "edges": [{"cursor": at, "node": node} for at, node in zip(cursors, nodes, strict=True)],
        "total_count": len(items),
        "page_info": {
            "has_next_page": end < len(items),
            "has_previous_page": start > 0,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
    }
