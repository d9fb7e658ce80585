"""Decides whether a CSM may create an expansion opportunity, what it is called and which fields it needs.

Handbook: customer-success#generate-an-expansion-opportunity-in-salesforce
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from policies.confidentiality import Confidential, revealed
from policies.customer import ACCOUNT_PATTERN, Account, Refused
from policies.handbook import Salesforce
from policies.report import Link, Report

# "Fill out all the required fields making sure to pick "Expansion" in the "Type" dropdown menu"
TYPE = "Expansion"
NAME_LIMIT = 120  # characters, Salesforce's

Kind = Literal["Host", "PriceIncrease", "Other"]


class Expansion(BaseModel):
    """What a CSM says about the opportunity, in the form's order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Annotated[
        str,
        Field(
            title="Salesforce account",
            description="Its address or id in Salesforce. Never the customer's name, which Prefect would store.",
            pattern=ACCOUNT_PATTERN,
        ),
    ]
    product: Annotated[str, Field(title="Fleet product", description="As in Salesforce, such as Fleet Premium MDM.")]
    kind: Annotated[
        Kind,
        Field(title="Kind", description="Host: more hosts. PriceIncrease: at a renewal. Other: no word of its own."),
    ]
    due_date: Annotated[date, Field(title="Due date", description="Its quarter ends the opportunity's name.")]
    amount: Annotated[float, Field(title="Amount", description="US dollars.", gt=0)]
    stage: Annotated[str, Field(title="Stage", description="One of the open stages in Salesforce.")]
    next_step: Annotated[str, Field(title="Next step", min_length=1, max_length=255)]
    next_step_date: Annotated[date, Field(title="Date of the next step")]
    ae_assigned: Annotated[
        bool,
        Field(title="AE assigned", description="Has the CRO assigned an Account Executive to this expansion?"),
    ] = False


@dataclass(frozen=True)
class Picklist:
    """The values that Salesforce takes for a field."""

    label: str
    values: Sequence[str]


@dataclass(frozen=True)
class Org:
    """What Salesforce says about its own opportunities."""

    required: Mapping[str, str]  # field -> its label
    picklists: Mapping[str, Picklist]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Org:
        """Reads the answer of `describe`."""
        fields = cast("list[dict[str, Any]]", described["fields"])
        return cls(
            required={field["name"]: field["label"] for field in fields if _is_required(field)},
            picklists={
                field["name"]: Picklist(
                    field["label"], [each["value"] for each in field["picklistValues"] if each["active"]]
                )
                for field in fields
                if field.get("picklistValues")
            },
        )


def _is_required(field: Mapping[str, Any]) -> bool:
    return (
        field["createable"] and not field["nillable"] and not field["defaultedOnCreate"] and field["type"] != "boolean"
    )


@dataclass(frozen=True)
class Opportunity:
    """An opportunity that may be created."""

    key: str  # the external id, which Salesforce takes once
    quarter: str
    values: Mapping[str, Any]

    @property
    def name(self) -> Confidential[str]:
        """Gives the opportunity's name, which begins with the customer's."""
        return self.values["Name"]


@dataclass(frozen=True)
class Existing:
    """An opportunity of the account that has the same name."""

    key: str
    url: str


def quarter_of(day: date) -> str:
    """Gives the calendar quarter in the handbook's form, such as Q12025."""
    return f"Q{(day.month + 2) // 3}{day.year}"


def name_of(account: Account, wanted: Expansion) -> Confidential[str]:
    """Gives the name; its four parts hold letters and digits only."""
    # "CustomerName_FleetProduct_Expansion_QuarterDue"
    kind = "" if wanted.kind == "Other" else wanted.kind
    parts = [_part(account.name.reveal()), _part(wanted.product), f"{kind}Expansion", quarter_of(wanted.due_date)]
    return Confidential("_".join(parts))


def _part(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^0-9A-Za-z]", "", plain)


def opportunity(wanted: Expansion, account: Account, today: date, org: Org, names: Salesforce) -> Opportunity:
    """Decides on the opportunity.

    today: in Los Angeles. names: the org's field names of handbook.toml.

    Raises:
        Refused: with every reason why not.
    """
    name, quarter = name_of(account, wanted), quarter_of(wanted.due_date)
    values: dict[str, Any] = {
        "Name": name,
        "AccountId": account.id,
        "Type": TYPE,
        "StageName": wanted.stage,
        "CloseDate": wanted.due_date.isoformat(),
        "Amount": wanted.amount,
        "NextStep": wanted.next_step,
        names.opportunity_next_step_date: wanted.next_step_date.isoformat(),
        names.opportunity_product: wanted.product,
    }
    problems = [
        *_handed_over(wanted),
        *_bad_parts(account, wanted, name),
        *_bad_dates(wanted, today, quarter),
        *_bad_choices(values, org, names.closed_stages),
        *_left_empty(values, org),
    ]
    if problems:
        raise Refused(*problems)
    return Opportunity(f"sf-account:{account.id}:{_part(wanted.product)}:{wanted.kind}:{quarter}", quarter, values)


def _handed_over(wanted: Expansion) -> list[str]:
    # "An AE may be assigned by the Chief Revenue Officer (CRO) for large-scale expansion opportunities"
    if not wanted.ae_assigned:
        return []
    return ["The CRO has assigned an AE, who creates and keeps this opportunity. Hand it over to them in #g-sales."]


def _bad_parts(account: Account, wanted: Expansion, name: Confidential[str]) -> list[str]:
    problems: list[str] = []
    if not _part(account.name.reveal()):
        problems.append(
            f"The name of account {account.id} has no letter or digit that an opportunity's name may hold. Correct "
            "it in Salesforce."
        )
    if not _part(wanted.product):
        problems.append(f'The product "{wanted.product}" has no letter or digit. Choose one of Fleet\'s products.')
    if (length := len(name.reveal())) > NAME_LIMIT:
        problems.append(
            f"The opportunity's name would have {length} characters; Salesforce takes {NAME_LIMIT}. Shorten the "
            f"name of account {account.id} in Salesforce."
        )
    return problems


def _bad_dates(wanted: Expansion, today: date, quarter: str) -> list[str]:
    problems: list[str] = []
    if wanted.due_date < today:
        problems.append(
            f"The due date {wanted.due_date} is over (today is {today}), so {quarter} is no quarter to come. Give "
            "a later date."
        )
    if wanted.next_step_date < today:
        problems.append(
            f"The date of the next step {wanted.next_step_date} is over (today is {today}). Give a later date."
        )
    if wanted.next_step_date > wanted.due_date:
        problems.append(
            f"The next step {wanted.next_step_date} comes after the due date {wanted.due_date}. Correct one of the two."
        )
    return problems


def _bad_choices(values: Mapping[str, Any], org: Org, closed_stages: Sequence[str]) -> list[str]:
    problems = [
        f'"{values[field]}" is no {picklist.label.lower()} in Salesforce. Choose one of: {", ".join(picklist.values)}.'
        for field, picklist in org.picklists.items()
        if field in values and values[field] not in picklist.values
    ]
    if values["StageName"] in closed_stages:
        problems.append(
            f'A new opportunity can\'t begin in the closed stage "{values["StageName"]}". Choose an open one.'
        )
    return problems


def _left_empty(values: Mapping[str, Any], org: Org) -> list[str]:
    missing = [f"{label} ({field})" for field, label in org.required.items() if field not in values]
    if not missing:
        return []
    return [
        f"Salesforce requires {', '.join(missing)}, which this procedure doesn't fill. Ask the Salesforce "
        "administrator for a default value there."
    ]


def unless_made_by_hand(wanted: Opportunity, same_name: Sequence[Existing]) -> Opportunity:
    """Gives the opportunity back, if nobody has made one of the same name without us.

    Raises:
        Refused: somebody has.
    """
    by_hand = [existing for existing in same_name if existing.key != wanted.key]
    if by_hand:
        raise Refused(
            f"The account has an opportunity of this name already: {by_hand[0].url} Use that one, or rename it."
        )
    return wanted


def differences(wanted: Opportunity, read_back: Mapping[str, Any] | None) -> list[str]:
    """Gives the fields that Salesforce shows otherwise than asked: its own rules may have changed them.

    read_back: None in a dry run, where there is nothing to read.
    """
    shown = ("Name", "Type", "StageName", "CloseDate") if read_back else ()
    return [field for field in shown if revealed(wanted.values[field]) != (read_back or {}).get(field)]


def created(wanted: Opportunity, url: str, changed: Sequence[str]) -> Report:
    """Words the result."""
    sentences = [
        f"Type {TYPE}, stage {wanted.values['StageName']}, due {wanted.values['CloseDate']} ({wanted.quarter}).",
        # "CSM's are responsible for keeping the stage, next steps, and date of next steps fields updated"
        "Keep its stage, next step and date of the next step up to date.",
    ]
    if changed:
        sentences.append(f"Look at it: Salesforce shows {', '.join(changed)} otherwise than asked.")
    return Report("Expansion opportunity", sentences, ("Opportunity",), [(Link(wanted.key, url),)])
