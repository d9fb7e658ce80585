"""The migrations make the tables that the ledger uses, on both databases, and take them away again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from tasks import database, ledger
from tests.conftest import ROOT, environment

ALEMBIC = ROOT / "deployments" / "migrations" / "alembic.ini"


@pytest.fixture
def empty_database(database_url: str, tmp_path: Path, use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings(environment("http://127.0.0.1:9", database_url))
    ledger.effects.metadata.drop_all(database.engine())


@pytest.mark.usefixtures("empty_database")
def test_migrations_lead_to_the_tables_that_the_code_names() -> None:
    command.upgrade(Config(ALEMBIC), "head")
    command.check(Config(ALEMBIC))
    assert {"effects", "effect_history", "reservations"} <= set(inspect(database.engine()).get_table_names())


@pytest.mark.usefixtures("empty_database")
def test_migrations_can_be_taken_back() -> None:
    command.upgrade(Config(ALEMBIC), "head")
    command.downgrade(Config(ALEMBIC), "base")
    assert inspect(database.engine()).get_table_names() in ([], ["alembic_version"])
