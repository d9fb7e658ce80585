"""Prefect's server on SQLite, safe for concurrent writers: `python -m deployments.server --port 4200`.

As shipped, a transaction reads first and asks for the write lock later; SQLite refuses that at once when somebody else
has written in between, whatever the busy time-out, and the API answers 503. Here each write transaction begins
IMMEDIATE, so that writers queue. The place where that is decided is internal to Prefect: without it the server does not
start.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from prefect.server.database.configurations import AioSqliteConfiguration

PATCH_POINT = "begin_transaction"


class PatchPointGone(Exception):
    """This Prefect version decides elsewhere how transactions begin."""


def begin_immediately() -> None:
    """Has Prefect's SQLite transactions take the write lock at their beginning.

    Raises:
        PatchPointGone: pin another Prefect version, or use PostgreSQL.
    """
    begin = vars(AioSqliteConfiguration).get(PATCH_POINT)
    if begin is None or "with_for_update" not in inspect.signature(begin).parameters:
        raise PatchPointGone(
            "Prefect's AioSqliteConfiguration.begin_transaction is not as we know it. Pin the Prefect version of "
            "requirements.lock, or set PREFECT_SERVER_DATABASE_CONNECTION_URL to a PostgreSQL database."
        )

    def begin_with_lock(self: AioSqliteConfiguration, session: Any, with_for_update: bool = False) -> Any:
        return begin(self, session, with_for_update=True)

    setattr(AioSqliteConfiguration, PATCH_POINT, begin_with_lock)


def main() -> None:
    begin_immediately()
    from prefect.cli import app

    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
