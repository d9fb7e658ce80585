"""Expansion opportunities: create one with the right name and fields.

Handbook: customer-success#generate-an-expansion-opportunity-in-salesforce
"""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from policies.business_time import pacific_date
from policies.customer import account_id
from policies.customers import expansion_opportunities as policy
from settings import handbook
from tasks import artifacts, runs, salesforce

PRODUCTS, STAGES = handbook().salesforce.products, handbook().salesforce.open_stages


class Expansion(policy.Expansion):
    """The opportunity, with the choices of handbook.toml as drop-downs."""

    product: Annotated[str, Field(title="Fleet product", json_schema_extra={"enum": [*PRODUCTS]})]
    stage: Annotated[str, Field(title="Stage", json_schema_extra={"enum": [*STAGES]})]


@flow(name="create-expansion-opportunity", flow_run_name="{opportunity.account}")
async def create_expansion_opportunity(opportunity: Expansion, dry_run: bool = False) -> str:
    """Generate an expansion opportunity in Salesforce.

    Handbook: customer-success#generate-an-expansion-opportunity-in-salesforce
    Owner: Customer Success Managers
    Writes: Salesforce

    1. The name is built: `CustomerName_FleetProduct_<Kind>Expansion_QnYYYY`.
    2. What Salesforce requires is checked: required fields, stage, product, dates.
    3. The opportunity is created on the account, with type "Expansion".

    Args:
        opportunity: The opportunity.
        dry_run: Say what would be done, and do nothing.
    """
    account = salesforce.account(account_id(opportunity.account))
    org = policy.Org.of(salesforce.describe("Opportunity"))
    today = pacific_date(runs.current().at)
    wanted = policy.opportunity(opportunity, account, today, org, handbook().salesforce)
    policy.unless_made_by_hand(wanted, salesforce.opportunities_named(account.id, wanted.name))
    once = f"create-expansion-opportunity/{wanted.key}"
    made = salesforce.upsert_opportunity(wanted.key, wanted.values, f"{wanted.key} of account {account.id}", once=once)
    changed = policy.differences(wanted, salesforce.opportunity_by_key(wanted.key))
    await artifacts.report("expansion-opportunity", policy.created(wanted, made.url, changed))
    return made.id
