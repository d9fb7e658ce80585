"""Customer codenames: assign one, turn a prospect's into a customer's, watch that all places agree.

Handbook: customer-success#assign-a-customer-codename
"""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from policies.business_time import pacific_date
from policies.customer import ACCOUNT_PATTERN, Account, Kind, account_id
from policies.customers import customer_codenames as policy
from settings import handbook
from tasks import artifacts, codenames, github, runs, salesforce, slack
from tasks.known_names import known_names, public

AccountField = Annotated[str, Field(pattern=ACCOUNT_PATTERN)]


@flow(name="assign-customer-codename", flow_run_name="{account}")
async def assign_customer_codename(
    account: AccountField, kind: Kind = "customer", wished_name: str = "", dry_run: bool = False
) -> str:
    """Assign a customer codename.

    Handbook: customer-success#assign-a-customer-codename
    Owner: Customer Support Engineers
    Writes: GitHub, Salesforce

    1. An appropriate minor planet that nobody uses is chosen for the account, or its present codename is found.
    2. The label is created in the confidential repository, with the customer's name as its description.
    3. The label is created in the public repository, without the name.
    4. The account's "GitHub label" field in Salesforce is set to the label.

    Args:
        account: The account's address or id in Salesforce. Never the customer's name, which Prefect would store.
        kind: Whether the account is a customer already or still a prospect.
        wished_name: A minor planet you would like. Empty lets one be chosen.
        dry_run: Say what would be done, and do nothing.
    """
    github.assert_repositories()
    customer = salesforce.account(account_id(account))
    label = _assign(customer, policy.assignment(customer, kind, wished_name, codenames.known()))
    await artifacts.report("customer-codename", policy.assigned(customer, label))
    return label


def codename_of(account: str) -> str:
    """Gives the codename label of an account, which gets one if it has none.

    account: address or id in Salesforce.

    Raises:
        policies.customer.Refused: the places that hold its codename contradict each other, among others.
    """
    github.assert_repositories()
    customer, known = salesforce.account(account_id(account)), codenames.known()
    if label := policy.settled(customer, known):
        return label
    return _assign(customer, policy.assignment(customer, policy.kind_of(customer, known), "", known))


def _assign(customer: Account, assigned: policy.Assignment) -> str:
    label = assigned.label(codenames.reserve(customer.id, assigned.candidates))
    once = f"assign-customer-codename/{customer.id}"
    github.confidential.create_label(label, customer.name, once=f"{once}/confidential-label")
    github.fleet.create_label(public(label), public(policy.PUBLIC_DESCRIPTION), once=f"{once}/public-label")
    salesforce.set_github_label(customer.id, label, instead_of=customer.github_label, once=f"{once}/salesforce-field")
    return label


@flow(name="promote-prospect", flow_run_name="{account}")
async def promote_prospect(account: AccountField, dry_run: bool = False) -> str:
    """Turn a prospect's codename into a customer's.

    Handbook: customer-success#assign-a-customer-codename
    Owner: Customer Success Managers
    Writes: GitHub, Salesforce

    1. The label `prospect-x` is renamed to `customer-x` in the confidential repository; its issues keep it.
    2. The same in the public repository.
    3. The account's "GitHub label" field in Salesforce is set to the new label.

    Args:
        account: The account's address or id in Salesforce. Never the customer's name, which Prefect would store.
        dry_run: Say what would be done, and do nothing.
    """
    github.assert_repositories()
    customer = salesforce.account(account_id(account))
    label = policy.promotion(customer, codenames.known())
    once = f"promote-prospect/{customer.id}/{label.new}"
    github.confidential.rename_label(label.old, label.new, once=f"{once}/confidential-label")
    github.fleet.rename_label(label.old, public(label.new), once=f"{once}/public-label")
    salesforce.set_github_label(
        customer.id, label.new, instead_of=customer.github_label, once=f"{once}/salesforce-field"
    )
    await artifacts.report("customer-codename", policy.promoted(customer, label))
    return label.new


@flow(name="audit-customer-codenames")
async def audit_customer_codenames(everything: bool = False, dry_run: bool = False) -> int:
    """Watch that labels, descriptions and Salesforce agree, and that no real name stands in public.

    Handbook: customer-success#assign-a-customer-codename
    Owner: Manager of Customer Support and Solutions Architecture
    Writes: Slack

    1. The codename labels of both repositories and Salesforce's "GitHub label" fields are compared.
    2. Public labels, issues and comments changed since the last audit are searched for real names.
    3. What was found is reported in the customer success channel, with a fix for each, and without the names.

    Args:
        everything: Search all public issues and comments, not only those changed since the last audit.
        dry_run: Say what would be reported, and report nothing.
    """
    github.assert_repositories()
    day = pacific_date(runs.current().at)
    drift = policy.drift(salesforce.accounts_with_codename(), codenames.known())
    posts = github.fleet.posts(policy.looks_back_to(runs.current().at, everything=everything))
    leaks = policy.leaks(posts, github.fleet.labels(), known_names())
    report = policy.audited(drift, leaks, day)
    for message in policy.messages(report, day):
        await slack.post(
            handbook().channels["help-customers"].id, message.report, once=f"audit-customer-codenames/{message.key}"
        )
    await artifacts.report("customer-codenames-audit", report)
    return len(report.rows)
