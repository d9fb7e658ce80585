"""What the worker's fork server has imported before the first run, and what each forked child does.

Importing this module imports Prefect's engine and every flow of prefect.yaml, so that a child starts in a moment.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import prefect.flow_engine as engine
import yaml

from settings import ROOT


def deployed() -> list[dict[str, Any]]:
    """Gives the deployments of prefect.yaml."""
    return list(yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"])


for each in deployed():
    importlib.import_module(each["entrypoint"].rpartition(".")[0])


def run_child(flow_run: UUID, entrypoint: str, environment: Mapping[str, str]) -> None:
    """Runs one flow run, as `python -m prefect.flow_engine <entrypoint>` does, without importing anything anew."""
    os.environ.update(environment)
    os.setsid()
    engine._run_flow_from_runtime_entrypoint(flow_run, entrypoint)  # pyright: ignore[reportPrivateUsage]
