"""Prefect's API: one client for all calls inside `connected()`, else one a call.

Prefect's own shared client refuses to begin while the server is away; the gateway must begin then too. And it tries
again by itself, in silence, with pauses that grow to half a minute: whoever calls here has a loop of their own, which
knows what else waits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

ANSWER_WITHIN = 15.0  # seconds

_client: ContextVar[PrefectClient | None] = ContextVar("prefect_client", default=None)


@asynccontextmanager
async def connected() -> AsyncGenerator[PrefectClient]:
    """Keeps a client for all calls inside. A call that fails, or takes longer than `ANSWER_WITHIN`, raises at once."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        async with get_client(httpx_settings={"timeout": ANSWER_WITHIN}) as made:
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
