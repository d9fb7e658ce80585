"""Starts the worker of the work pool, and the pool if there is none: `python -m deployments.worker`."""

from __future__ import annotations

import sys

POOL = "handbook"


def main() -> None:
    from prefect.cli import app

    sys.argv = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", POOL]
    app()


if __name__ == "__main__":
    main()
