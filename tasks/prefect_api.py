"""Prefect's API: one client for all calls inside `connected()`, else one a call.

Prefect's own shared client refuses to begin while the server is away; the gateway must begin then too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

_client: ContextVar[PrefectClient | None] = ContextVar("prefect_client", default=None)


@asynccontextmanager
async def connected() -> AsyncGenerator[PrefectClient]:
    """Keeps a client for all calls inside."""
    from prefect.client.orchestration import get_client

    async with get_client() as made:
        token = _client.set(made)
        try:
            yield made
        finally:
            _client.reset(token)


@asynccontextmanager
async def client() -> AsyncGenerator[PrefectClient]:
    """Gives the client at hand, or a new one."""
    if at_hand := _client.get():
        yield at_hand
    else:
        async with connected() as made:
            yield made
