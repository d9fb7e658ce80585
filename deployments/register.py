"""Registers the work pool and every deployment of prefect.yaml: `python -m deployments.register`.

What has not changed since the last time is not registered again, since each deployment costs a second.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.variables import Variable

from settings import ROOT

POOL = "handbook"
REGISTERED = "registered_deployments"  # a Prefect variable: what was registered lives and dies with Prefect's database
SOURCES = ("prefect.yaml", "handbook.toml", "requirements.lock", "flows/**/*.py", "policies/**/*.py")


def is_current() -> bool:
    """Says whether nothing has changed since the deployments were registered."""
    with get_client(sync_client=True) as client:
        variable = client.read_variable_by_name(REGISTERED)
    return variable is not None and variable.value == _state_of_sources()


def main() -> int:
    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    code = _deploy_all()
    if code == 0:
        Variable.set(REGISTERED, _state_of_sources(), overwrite=True)
    return code


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
