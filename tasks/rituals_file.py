"""The file of rituals, as it stands in the public repository, with the line of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import yaml

from policies.customer import Refused
from policies.team.rituals import Entry
from tasks import github

Path = tuple[str | int, ...]


def entries(path: str) -> list[Entry]:
    """Reads the file.

    Raises:
        Refused: it is no YAML list of entries; with file and line.
    """
    text = github.fleet.file(path)
    try:
        lines = _lines_of_entries(text)
        values: Any = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{path}:{line}: It can't be read: {error.problem}. Correct the YAML there.") from None
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in cast("list[Any]", values)):
        raise Refused(f'{path}:1: It is no list of rituals. Begin each with "- task:".')
    return [Entry(value, known) for value, known in zip(cast("list[Any]", values), lines, strict=True)]


def _lines_of_entries(text: str) -> list[dict[Path, int]]:
    compose = cast("Callable[..., Any]", yaml.compose)  # pyright: ignore[reportUnknownMemberType]  # it has no types
    nodes = compose(text, yaml.SafeLoader)
    return [dict(_lines(each, ())) for each in nodes.value] if isinstance(nodes, yaml.SequenceNode) else []


def _lines(node: Any, path: Sequence[str | int]) -> Iterator[tuple[Path, int]]:
    yield tuple(path), node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in cast("list[tuple[Any, Any]]", node.value):
            yield from _lines(value, [*path, key.value])
