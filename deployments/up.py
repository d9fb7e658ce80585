"""Everything in one command: `python -m deployments.up` on the live services of .env, `--demo` on the sandbox.

Starts Prefect's server, the worker and (for the demo) the sandbox, registers the deployments, and stays until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dotenv import dotenv_values
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from deployments.processes import NotReady, Processes
from policies.handbook import HandbookError
from settings import ROOT, STATE, SettingsIncomplete, handbook, settings

LOGIN = "PREFECT_SERVER_API_AUTH_STRING"
LIVE_VARIABLES = (
    "github_public_token",
    "github_confidential_token",
    "salesforce_consumer_key",
    "salesforce_consumer_secret",
    "slack_bot_token",
    "slack_signing_secret",
    "github_webhook_secret",
    "unthread_webhook_secret",
    "unthread_api_key",
    "applicant_salt",
)


@dataclass(frozen=True)
class Ports:
    prefect: int
    sandbox: int
    gateway: int

    @property
    def prefect_url(self) -> str:
        return f"http://127.0.0.1:{self.prefect}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway}"


class Stopped(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


def main() -> int:
    arguments = _arguments()
    ports = Ports(arguments.port, arguments.sandbox_port, arguments.gateway_port)
    state = arguments.state or STATE / ("demo" if arguments.demo else "live")
    _stop_on_signals()
    try:
        os.environ.update(_environment(ports, state, demo=arguments.demo))
        _preflight(ports, demo=arguments.demo)
    except (SettingsIncomplete, HandbookError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    processes = Processes(state / "logs", os.environ)
    try:
        _start(processes, ports, state, demo=arguments.demo)
        while True:
            time.sleep(1)
            processes.keep_running()
    except NotReady as problem:
        print(problem, file=sys.stderr)
        return 1
    except Stopped:
        print("\nStopping ...", flush=True)
        return 0
    finally:
        _ignore_signals()
        processes.stop()
        print("Stopped. No process is left.", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="work on the sandbox, with sample data")
    parser.add_argument("--port", type=int, default=4200, help="Prefect's UI and API")
    parser.add_argument("--sandbox-port", type=int, default=4300, help="the sandbox and its console")
    parser.add_argument("--gateway-port", type=int, default=4400, help="where webhooks come in")
    parser.add_argument("--state", type=Path, help="where databases and logs go")
    return parser.parse_args()


def _environment(ports: Ports, state: Path, *, demo: bool) -> dict[str, str]:
    """Gives what every process of this start needs to find the others."""
    values = {
        "PREFECT_HOME": str(state / "prefect"),
        "PREFECT_API_URL": f"{ports.prefect_url}/api",
        "PREFECT_UI_URL": ports.prefect_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "5",  # the net: the worker hears of a run at once
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # Prefect's minimum; the sweeper finds dead runs by it
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",  # one installation, one version
        "PREFECT_API_SSL_CERT_FILE": str(_one_authority(state)),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    if not demo:
        return values
    sample = {name: value for name, value in dotenv_values(ROOT / ".env.demo").items() if value is not None}
    return (
        values
        | sample
        | {
            "HANDBOOK_SANDBOX_URL": ports.sandbox_url,
            "HANDBOOK_PUBLIC_URL": ports.gateway_url,
            "HANDBOOK_DATABASE_URL": f"sqlite:///{state / 'handbook.sqlite'}",
        }
    )


def _one_authority(state: Path) -> Path:
    """Writes the first of the usual certificate authorities into a file of its own.

    Prefect's clients read the file of authorities anew six times a run, which takes 0.25 s with all of them, although
    the API is plain HTTP on this machine. Other clients keep theirs.
    """
    authorities, end = Path(DEFAULT_CA_BUNDLE_PATH).read_text(encoding="utf-8"), "-----END CERTIFICATE-----\n"
    state.mkdir(parents=True, exist_ok=True)
    first = state / "one-authority.pem"
    first.write_text(authorities[: authorities.index(end)] + end, encoding="utf-8")
    return first


def _preflight(ports: Ports, *, demo: bool) -> None:
    """Says everything that stands in the way before a process is started.

    Raises:
        SettingsIncomplete, HandbookError, OSError: with what to do.
    """
    for port in (ports.prefect, ports.gateway, *([ports.sandbox] if demo else [])):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise OSError(f"Port {port} is in use. Stop what uses it, or choose others: --port, --sandbox-port ...")
    if not demo:
        settings().require(*LIVE_VARIABLES)
        login = {**dotenv_values(ROOT / ".env"), **os.environ}.get(LOGIN)
        if not login:
            raise SettingsIncomplete([f"{LOGIN} (user:password for Prefect's UI and API)"])
        os.environ.update({LOGIN: login, "PREFECT_API_AUTH_STRING": login})
    handbook()


def _start(processes: Processes, ports: Ports, state: Path, *, demo: bool) -> None:
    """Starts what takes long at once, and does the rest while it comes up."""
    began = time.monotonic()
    print(
        "Starting Prefect's server, the worker, the gateway, the sweeper"
        + (" and the sandbox" if demo else "")
        + " ...",
        flush=True,
    )
    processes.start("Prefect server", "-m", "deployments.server", "--host", "127.0.0.1", "--port", str(ports.prefect))
    processes.start("worker", "-m", "deployments.worker")
    if demo:
        # The sandbox forgets everything when it ends, so what the ledger remembers of it would be wrong.
        for leftover in state.glob("handbook.sqlite*"):
            leftover.unlink()
        to = ("--port", str(ports.sandbox), "--gateway", ports.gateway_url)
        processes.start("sandbox", "-m", "sandbox", *to, "--seed", "demo")
    _migrate()
    processes.start("gateway", "-m", "deployments.gateway", "--port", str(ports.gateway))
    processes.start("sweeper", "-m", "deployments.sweeper")
    processes.wait_for("Prefect server", f"{ports.prefect_url}/api/health", 300)
    _register()
    if demo:
        processes.wait_for("sandbox", f"{ports.sandbox_url}/_sandbox/health", 60)
    print(f"Up after {time.monotonic() - began:.1f} s.", flush=True)
    print(f"  Prefect   {ports.prefect_url}", flush=True)
    print(f"  Webhooks  {ports.gateway_url}/docs", flush=True)
    if demo:
        from deployments import demo as show

        print(f"  Sandbox   {ports.sandbox_url}\n", flush=True)
        show.assign_a_codename(ports.prefect_url, ports.sandbox_url)
    print("\nCtrl-C stops everything.", flush=True)


def _migrate() -> None:
    from alembic import command
    from alembic.config import Config

    command.upgrade(Config(ROOT / "deployments" / "migrations" / "alembic.ini"), "head")


def _register() -> None:
    """Creates or updates the work pool and every deployment of prefect.yaml."""
    from deployments import register

    if register.is_current():
        return
    command = [sys.executable, "-m", "deployments.register"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"The deployments could not be registered:\n{done.stdout}{done.stderr}")


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
