"""What the worker's fork server has imported before the first run, so that a child starts in a moment.

Importing this module imports Prefect's engine and every flow of prefect.yaml.
"""

from __future__ import annotations

import gc
import importlib
from typing import Any

import yaml

from policies.business_time import holiday_name, pacific_date
from settings import ROOT
from tasks import clock, minor_planets, sheets, wire


def deployed() -> list[dict[str, Any]]:
    """Gives the deployments of prefect.yaml."""
    return list(yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"])


ENGINE = ("prefect.flow_engine", "anyio._backends._asyncio")
for module in (*ENGINE, *(each["entrypoint"].rpartition(".")[0] for each in deployed())):
    importlib.import_module(module)
# They are made when they are first asked for, which takes the half of a short run.
holiday_name(pacific_date(clock.wall()))
minor_planets.names()
wire.authorities()
sheets.client()
gc.collect()
gc.freeze()  # or each child would look through all of it again
