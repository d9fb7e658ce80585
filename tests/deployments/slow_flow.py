"""A flow for the worker's tests: it says that it runs, waits, and says that it has ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from prefect import flow


@flow(name="wait")
async def wait(notes: str, seconds: float = 0, with_child: bool = False) -> None:
    """Notes its process and the time, waits, and notes its end.

    Args:
        notes: the file that takes the notes, a line each.
        seconds: how long it runs.
        with_child: whether it starts a process of its own, which runs for ten minutes.
    """
    _note(notes, f"began {os.getpid()} {time.time()}")
    if with_child:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        _note(notes, f"child {child.pid}")
    await asyncio.sleep(seconds)
    _note(notes, f"ended {os.getpid()} {time.time()}")


def _note(notes: str, line: str) -> None:
    with Path(notes).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
