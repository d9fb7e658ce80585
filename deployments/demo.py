"""What `make demo` shows: a codename assigned through Prefect, told in plain words, with links to look at."""

from __future__ import annotations

import time

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun

from policies.customers.customer_codenames import DESCRIPTION_LIMIT
from tasks import github, ledger, salesforce

DEPLOYMENT = "assign-customer-codename/assign-customer-codename"
SECONDS = 120


def assign_a_codename(prefect_url: str, sandbox_url: str) -> None:
    """Starts the flow for the first customer without a codename and says what came of it."""
    account = _customer_without_codename()
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
        began = time.monotonic()
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"account": account})
        print(f"Assigning a codename to account {account} ...", flush=True)
        run = _finished(client, run)
        seconds = time.monotonic() - began
    _tell(run, seconds)
    print(f"\n  The run, its steps and its result   {prefect_url}/runs/flow-run/{run.id}")
    print(f"  Start it for another account        {prefect_url}/deployments/deployment/{deployment.id}")
    print(f"  What each service saw               {sandbox_url}/", flush=True)


def _customer_without_codename() -> str:
    """Gives the first account that neither Salesforce nor a confidential label knows a codename of."""
    named = {label.description for label in github.confidential.codename_labels()}
    names = salesforce.account_names()
    fitting = (account for account in salesforce.customers_without_codename() if names[account] not in named)
    return next(account for account in fitting if len(names[account].reveal()) <= DESCRIPTION_LIMIT)


def _finished(client: SyncPrefectClient, run: FlowRun) -> FlowRun:
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        run = client.read_flow_run(run.id)
        if run.state and run.state.is_final():
            break
        time.sleep(0.2)
    return run


def _tell(run: FlowRun, seconds: float) -> None:
    done = [row for row in ledger.rows() if row.run_id == str(run.id)]
    state = run.state.name if run.state else "unknown"
    print(f"{state} after {seconds:.1f} s:")
    for number, row in enumerate(done, 1):
        print(f"  {number}. {row.service}: {row.action} {row.target}\n     {row.made_url}")
    if run.state and not run.state.is_completed():
        print(f"  {run.state.message or 'It has not ended yet.'}")
