"""Salesforce: accounts and opportunities.

API: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
from simple_salesforce.format import format_soql
from simple_salesforce.login import SalesforceLogin

from policies.confidentiality import Confidential, revealed
from policies.customer import Account
from policies.customer import Refused as InputRefused
from policies.customers.expansion_opportunities import Existing
from settings import handbook, settings
from tasks import clock
from tasks.effects import (
    AlreadyThere,
    Different,
    Failure,
    LockedOut,
    Made,
    NothingHappened,
    Refused,
    Unclear,
    Write,
    perform,
)
from tasks.wire import salesforce_session

TOKEN_SECONDS = 600


def account(account_id: str) -> Account:
    """Gives an account by its 18-character id.

    Raises:
        policies.customer.Refused: Salesforce has no such account.
    """
    field = handbook().salesforce.account_github_label
    found = _query("SELECT Id, Name, Owner.Name, {:literal} FROM Account WHERE Id = {}", field, account_id)
    if not found:
        raise InputRefused(
            f"Salesforce has no account {account_id}, or our user may not see it. Open the account there and copy its "
            "address."
        )
    return _account(found[0])


def accounts_with_codename() -> list[Account]:
    """Gives every account whose "GitHub label" field is filled, 2,000 a call."""
    field = handbook().salesforce.account_github_label
    soql = "SELECT Id, Name, Owner.Name, {:literal} FROM Account WHERE {:literal} != null"
    return [_account(row) for row in _query(soql, field, field)]


def customers_without_codename() -> list[str]:
    """Gives the ids of customers whose "GitHub label" field is empty, oldest first."""
    soql = "SELECT Id FROM Account WHERE {:literal} = null AND Type = {} ORDER BY CreatedDate, Id"
    return [row["Id"] for row in _query(soql, handbook().salesforce.account_github_label, "Customer")]


def account_names() -> dict[str, Confidential[str]]:
    """Gives the name of every account by id, 2,000 a call."""
    return {row["Id"]: Confidential(row["Name"]) for row in _query("SELECT Id, Name FROM Account")}


def set_github_label(account_id: str, label: str, *, instead_of: str, once: str) -> Made:
    """Sets the account's "GitHub label" field, if it still holds what it held when we decided.

    Raises:
        tasks.effects.EffectError: a person has filled it with something else meanwhile, among others.
    """
    field = handbook().salesforce.account_github_label
    made = Made(account_id, url("Account", account_id))

    def held() -> str:
        return (
            cast("str | None", _query("SELECT {:literal} FROM Account WHERE Id = {}", field, account_id)[0][field])
            or ""
        )

    def send() -> Made:
        if (now := held()) not in {instead_of, label}:
            raise ChangedMeanwhile(f'The field holds "{now}" by now; a person\'s change stays. Look at the account.')
        _connect().restful(f"sobjects/Account/{account_id}", method="PATCH", json={field: label})
        return made

    def find(_: datetime) -> Made | None:
        now = held()
        if now not in {instead_of, label}:
            raise Different(f'The field holds "{now}" by now. Look at the account.')
        return made if now == label else None

    request = {"account": account_id, "field": field, "value": label}
    place = f'"GitHub label" of account {account_id} to {label}'
    return perform(Write(once, "Salesforce", "set field", place, request, send, find, explain, made, lasting=True))


class ChangedMeanwhile(Exception):
    """A person has changed the record since we read it."""


def describe(sobject: str) -> dict[str, Any]:
    """Gives Salesforce's own description of an object: its fields, which are required, their picklists."""
    return cast("dict[str, Any]", _connect().restful(f"sobjects/{sobject}/describe"))


def opportunity_by_key(key: str) -> dict[str, Any] | None:
    """Gives the opportunity whose external id is `key`."""
    fields = handbook().salesforce
    soql = "SELECT Id, Name, StageName, CloseDate, Type FROM Opportunity WHERE {:literal} = {}"
    found = _query(soql, fields.opportunity_key, key)
    return found[0] if found else None


def opportunities_named(account_id: str, name: Confidential[str]) -> list[Existing]:
    """Gives the account's opportunities that have this name."""
    key = handbook().salesforce.opportunity_key
    soql = "SELECT Id, {:literal} FROM Opportunity WHERE AccountId = {} AND Name = {}"
    rows = _query(soql, key, account_id, name.reveal())
    return [Existing(row[key] or "", url("Opportunity", row["Id"])) for row in rows]


def upsert_opportunity(key: str, values: Mapping[str, Any], target: str, *, once: str) -> Made:
    """Creates the opportunity whose external id is `key`, or finds it created.

    values: Salesforce field names with `Confidential`, text, number, true/false or ISO date.
    """
    external_id = handbook().salesforce.opportunity_key

    def send() -> Made:
        plain = {name: revealed(value) for name, value in values.items()}
        path = f"sobjects/Opportunity/{external_id}/{quote(key, safe='')}"
        answer = cast("dict[str, str]", _connect().restful(path, method="PATCH", json=plain))
        made = answer["id"]
        return Made(made, url("Opportunity", made))

    def find(_: datetime) -> Made | None:
        found = opportunity_by_key(key)
        return Made(found["Id"], url("Opportunity", found["Id"])) if found else None

    request = {"key": key, **values}
    preview = Made("", url("Account", str(values["AccountId"])))
    return perform(
        Write(once, "Salesforce", "create opportunity", target, request, send, find, explain, preview, lasting=True)
    )


def url(sobject: str, record_id: str) -> str:
    """Gives the address that people open."""
    sandbox = settings().sandbox_url
    app = f"{sandbox}/salesforce" if sandbox else settings().salesforce_app_url
    return f"{app}/lightning/r/{sobject}/{record_id}/view"


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        id=row["Id"],
        name=Confidential(row["Name"]),
        github_label=row[handbook().salesforce.account_github_label] or "",
        owner=str((row["Owner"] or {"Name": ""})["Name"]),
        url=url("Account", row["Id"]),
    )


def _query(soql: str, *values: object) -> list[dict[str, Any]]:
    """Runs SOQL whose `{}` are filled with quoted values, and `{:literal}` with names from handbook.toml."""
    wanted = format_soql(soql, *values)
    try:
        found = _connect().query_all(wanted)
    except SalesforceExpiredSession:  # a process that lives long may know one that Salesforce has ended
        login.cache_clear()
        found = _connect().query_all(wanted)
    return cast("list[dict[str, Any]]", found["records"])


def _connect() -> Salesforce:
    """Builds a client that can't log in again by itself: simple-salesforce would do so without bound."""
    session_id, instance = login(int(clock.monotonic() // TOKEN_SECONDS))
    version = settings().salesforce_api_version
    return Salesforce(session_id=session_id, instance=instance, version=version, session=salesforce_session())


@lru_cache(maxsize=1)
def login(_: int) -> tuple[str, str]:
    """Gives a session id and the instance, anew every ten minutes, long before Salesforce ends the session."""
    if not settings().sandbox_url:
        settings().require("salesforce_consumer_key", "salesforce_consumer_secret", "salesforce_domain")
    return SalesforceLogin(
        session=salesforce_session(),
        consumer_key=settings().salesforce_consumer_key.get_secret_value(),
        consumer_secret=settings().salesforce_consumer_secret.get_secret_value(),
        domain=settings().salesforce_domain,
    )


def explain(error: Exception) -> Failure:
    """Reads what went wrong in a write to Salesforce."""
    if isinstance(error, ChangedMeanwhile):
        return Refused(str(error))
    if isinstance(error, SalesforceError):
        return _explain_answer(error)
    if isinstance(error, requests.exceptions.ConnectTimeout) or "Connection refused" in str(error):
        return NothingHappened("Salesforce could not be reached.")
    return Unclear(f"Salesforce gave no answer that can be read ({type(error).__name__}).")


_FULL = {"REQUEST_LIMIT_EXCEEDED", "UNABLE_TO_LOCK_ROW"}  # both say that nothing was written; a 5xx does not


def _explain_answer(error: SalesforceError) -> Failure:
    said = _said(error.content)
    code = said.get("errorCode", "")
    sentence = f"{code}: {said.get('message', '')}"
    match error.status:
        case 401:
            login.cache_clear()
            return LockedOut("Salesforce refused the session (401). Check the connected app and start the run again.")
        case _ if code in _FULL or error.status == 429:
            return NothingHappened(f"Salesforce asked to come back later ({code}).")
        case 300:
            return Refused("Several records have this external id. Mark the field as unique and remove the surplus.")
        case 400 if code == "DUPLICATE_VALUE":
            return AlreadyThere(sentence)
        case int(status) if 400 <= status < 500:
            return Refused(f"Salesforce refused it. {sentence}")
        case _:
            return Unclear(f"Salesforce answered {error.status}.")


def _said(content: Any) -> dict[str, Any]:
    try:
        body = json.loads(content) if isinstance(content, (str, bytes)) else content
        return dict(body[0])
    except (ValueError, TypeError, LookupError):
        return {}
