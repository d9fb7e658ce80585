"""Starts the sandbox: `python -m sandbox --port 4300 --seed demo`. Listens on loopback only."""

from __future__ import annotations

import argparse

import uvicorn

from sandbox.app import create_app
from sandbox.seed import SEEDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4300)
    parser.add_argument("--seed", choices=sorted(SEEDS), default="demo")
    parser.add_argument("--gateway", default="", help="where webhooks go, such as http://127.0.0.1:4400")
    arguments = parser.parse_args()
    app = create_app(f"http://127.0.0.1:{arguments.port}")
    app.state.world.load(SEEDS[arguments.seed]())
    app.state.world.webhooks.network.gateway = arguments.gateway
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
