"""The open positions, as the public repository lists them."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import yaml

from policies.open_positions import open_titles
from settings import handbook
from tasks import github


class UnreadablePositions(Exception):
    """The list of open positions is not what it should be."""


async def titles() -> list[str]:
    """Gives the titles of the open positions, as people say them.

    Raises:
        UnreadablePositions: the file is no list of positions.
    """
    path = handbook().job_applications.positions_file
    text = await asyncio.to_thread(github.fleet.file, path)
    try:
        listed: Any = yaml.safe_load(text) or []
        return open_titles([str(each["jobTitle"]) for each in cast("list[dict[str, Any]]", listed)])
    except (yaml.YAMLError, KeyError, TypeError):
        raise UnreadablePositions(
            f"{path} of {github.fleet.full_name} is no list of positions with a jobTitle each. Correct it there, then "
            "start the run again."
        ) from None
