"""The database of the ledger when another process holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy.exc import OperationalError

from tasks import database, remembered
from tasks.database import GroupCommit
from tests.conftest import environment, within


@pytest.mark.parametrize("number", [1, 20])
def test_a_group_waits_a_second_for_a_locked_database_however_many_wait_and_goes_on_afterwards(
    sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None], number: int
) -> None:
    use_settings(environment("http://127.0.0.1:9", sqlite_url))

    async def keep_all(group: GroupCommit) -> list[object]:
        keeping = [group.run(remembered.keep, f"thing {each}", "") for each in range(number)]
        return list(await asyncio.gather(*keeping, return_exceptions=True))

    async def work() -> None:
        group = GroupCommit()
        with database.connect(sqlite_url).begin():  # as another process that writes
            began = time.monotonic()
            refused = await keep_all(group)
            assert time.monotonic() - began < within(2)
        assert {type(each) for each in refused} == {OperationalError}
        assert await keep_all(group) == [None] * number
        await group.close()

    asyncio.run(work())
    assert len(remembered.below("thing ")) == number
