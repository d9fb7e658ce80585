"""What a child of the worker does: it waits for one flow run, runs it, and ends.

The fork server has imported what `deployments.warm` names before it forks. This module itself is light, since the
worker imports it too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from uuid import UUID

LAST_WORDS = 5.0  # seconds in which a run tells the server of its end when the worker is gone


@dataclass(frozen=True)
class Order:
    """One flow run for a child."""

    flow_run: UUID
    entrypoint: str
    environment: Mapping[str, str]


def serve(worker: Connection) -> None:
    """Says that it is ready, waits for its order, carries it out and ends."""
    os.setsid()
    threading.Thread(target=_end_with_the_worker, args=(os.getppid(),), daemon=True).start()
    try:
        worker.send("ready")
        order: Order = worker.recv()
    except (EOFError, OSError):  # the worker has no use for it any more
        return
    worker.close()
    _run(order)


def _run(order: Order) -> None:
    """Runs a flow run as `python -m prefect.flow_engine <entrypoint>` does, without importing anything anew."""
    import prefect.flow_engine as engine

    os.environ.update(order.environment)
    engine._run_flow_from_runtime_entrypoint(order.flow_run, order.entrypoint)  # pyright: ignore[reportPrivateUsage]


def _end_with_the_worker(fork_server: int) -> None:
    """Ends this process and all it has started once the worker or the fork server is gone, however they went.

    Nobody could cancel such a run or tell of its crash. The ledger knows how far it came; the sweeper goes on from
    there.
    """
    worker = multiprocessing.parent_process()
    while worker and worker.is_alive() and os.getppid() == fork_server:
        worker.join(1)
    os.killpg(0, signal.SIGTERM)  # Prefect's engine tells the server
    time.sleep(LAST_WORDS)
    os.killpg(0, signal.SIGKILL)
