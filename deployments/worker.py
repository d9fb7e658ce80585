"""Starts the warm worker: `python -m deployments.worker`.

Its children look into this module again, as Python's multiprocessing asks, so it imports nothing by itself.
"""

from __future__ import annotations

if __name__ == "__main__":
    import asyncio

    from deployments.warm_worker import work

    asyncio.run(work())
