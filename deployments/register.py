"""Registers the work pool and every deployment of prefect.yaml: `python -m deployments.register`.

What has not changed since the last time is not registered again, since each deployment costs a second.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import sys
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectAlreadyExists
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker

from settings import ROOT, handbook
from tasks import customer_channels

POOL = "handbook"
REGISTERED = "registered_deployments"  # a Prefect variable: what was registered lives and dies with Prefect's database
# Whatever worker runs them, runs tell that they live; the sweeper finds dead ones by it. 30 s is Prefect's minimum.
ENVIRONMENT = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
SOURCES = (
    "deployments/register.py",
    "prefect.yaml",
    "handbook.toml",
    "requirements.lock",
    "flows/**/*.py",
    "policies/**/*.py",
)


def is_current() -> bool:
    """Says whether nothing has changed since the deployments were registered."""
    with get_client(sync_client=True) as client:
        variable = client.read_variable_by_name(REGISTERED)
    return variable is not None and variable.value == _state_of_sources()


def main() -> int:
    with get_client(sync_client=True) as client:
        prepare_pool(client)
    code = _deploy_all()
    if code == 0:
        _give_start_values()
        Variable.set(REGISTERED, _state_of_sources(), overwrite=True)
    return code


def prepare_pool(client: SyncPrefectClient) -> None:
    """Creates the work pool, or brings the one that is there up to date; what ops have set besides stays."""
    made = _with_environment(ProcessWorker.get_default_base_job_template())
    with contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=made))
    there = client.read_work_pool(POOL).base_job_template
    wanted = _with_environment(there) if there else made
    if wanted != there:
        client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=wanted))


def _with_environment(template: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(template)
    variable = made["variables"]["properties"]["env"]
    variable["default"] = variable.get("default", {}) | ENVIRONMENT
    return made


def _give_start_values() -> None:
    """Creates the variables that ops change; one that is there already stays as it is."""
    if Variable.get(customer_channels.VARIABLE) is None:
        Variable.set(customer_channels.VARIABLE, list(handbook().out_of_hours.channels))


def _state_of_sources() -> str:
    """Hashes everything that a deployment is made from."""
    files = sorted(file for pattern in SOURCES for file in ROOT.glob(pattern))
    digest = hashlib.sha256(str(ROOT).encode())
    for file in files:
        digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _deploy_all() -> int:
    from prefect.cli import app

    sys.argv = ["prefect", "--no-prompt", "deploy", "--all"]
    try:
        app()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
