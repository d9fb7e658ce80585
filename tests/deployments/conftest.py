"""What tests without the whole product work with: a Prefect server, or the gateway alone at night."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED,
    PREFECT_UI_URL,
    temporary_settings,
)

from tests.conftest import Sandbox, environment
from tests.deployments.night import Night
from tests.deployments.prefect_server import Prefect
from tests.scenarios.answer_out_of_hours_message import SEED


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    made = Prefect(tmp_path_factory.mktemp("prefect"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def prefect(
    server: Prefect, sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]
) -> Iterator[Prefect]:
    """The server without runs, an empty ledger, and the sandbox on Saturday evening."""
    use_settings(environment(sandbox.url, sqlite_url))
    sandbox.reset(SEED)
    server.forget()
    with temporary_settings(
        {
            PREFECT_API_URL: f"{server.url}/api",
            PREFECT_UI_URL: server.url,
            PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False,
        }
    ):
        yield server


@pytest.fixture(scope="module")
def started(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """The gateway, up: tests begin with `night`."""
    made = Night(tmp_path_factory.mktemp("night"), sandbox)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        made.network()


@pytest.fixture
def night(started: Night, use_settings: Callable[[Mapping[str, str]], None]) -> Night:
    """A new evening of the gateway, with an empty ledger and nothing on its way."""
    use_settings(started.settings)
    started.forget()
    return started
