"""What the stand-in's org holds: objects, their fields and picklists, as `describe` gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

STAGES = {  # stage -> probability
    "Meeting set": 0,
    "Discovery": 10,
    "Scope": 20,
    "EB": 30,
    "PoV (Proof of Value)": 50,
    "Justification": 70,
    "Negotiation": 90,
    "Closed won": 100,
    "Closed lost": 0,
}


@dataclass(frozen=True)
class Field:
    """A field of an object."""

    name: str
    type: str = "string"
    length: int = 255
    label: str = ""
    required: bool = False
    unique: bool = False  # and an external id
    picklist: Sequence[str] = ()
    reference: str = ""
    writable: bool = True
    defaulted: bool = False

    def described(self) -> dict[str, Any]:
        """Gives the field as `describe` does."""
        return {
            "name": self.name,
            "label": self.label or self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length if self.type in {"string", "textarea", "url", "email", "phone"} else 0,
            "nillable": not self.required,
            "createable": self.writable,
            "updateable": self.writable,
            "defaultedOnCreate": self.defaulted or self.type == "boolean",
            "calculated": False,
            "custom": self.name.endswith("__c"),
            "externalId": self.unique,
            "unique": self.unique,
            "restrictedPicklist": bool(self.picklist),
            "referenceTo": [self.reference] if self.reference else [],
            "relationshipName": self.name.removesuffix("Id") if self.reference else None,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "value": value} for value in self.picklist
            ],
        }


def _system(*names: str) -> list[Field]:
    return [Field(name, "datetime", writable=False, required=True, defaulted=True) for name in names]


TIMES = _system("CreatedDate", "LastModifiedDate", "SystemModstamp")
OWNER = Field("OwnerId", "reference", 18, required=True, reference="User", defaulted=True)
ID = Field("Id", "id", 18, required=True, writable=False, defaulted=True)

OBJECTS: dict[str, list[Field]] = {
    "User": [
        ID,
        Field("Name", required=True),
        Field("Email", "email"),
        Field("Username"),
        Field("IsActive", "boolean"),
        *TIMES,
    ],
    "Account": [
        ID,
        Field("Name", required=True, label="Account Name"),
        Field("Type", "picklist", picklist=("Prospect", "Customer", "Partner", "Former customer")),
        Field("Website", "url"),
        Field("Industry"),
        OWNER,
        Field("GitHub_label__c", length=80, label="GitHub label"),
        Field("Kickoff_date__c", "date"),
        Field("Renewal_date__c", "date"),
        Field("Managed_cloud__c", "boolean"),
        Field("Self_hosted__c", "boolean"),
        Field("Fleet_version__c", length=40),
        Field("AccountNumber", length=40),
        Field("NumberOfEmployees", "int"),
        Field("LinkedIn_company_URL__c", "url"),
        Field("Description", "textarea", 32000),
        *TIMES,
    ],
    "Contact": [
        ID,
        Field("AccountId", "reference", 18, reference="Account"),
        Field("FirstName", length=40),
        Field("LastName", length=80, required=True),
        Field("Email", "email", 80),
        Field("Phone", "phone", 40),
        Field("Title", length=128),
        Field("Role__c", length=80),
        Field("LinkedIn_profile__c", "url"),
        OWNER,
        *TIMES,
    ],
    "Opportunity": [
        ID,
        Field("AccountId", "reference", 18, reference="Account"),
        Field("Name", length=120, required=True, label="Opportunity Name"),
        Field("StageName", "picklist", required=True, label="Stage", picklist=tuple(STAGES)),
        Field("CloseDate", "date", required=True, label="Close Date"),
        Field("Amount", "currency"),
        Field("Type", "picklist", picklist=("New business", "Renewal", "Expansion")),
        Field("NextStep", label="Next Step"),
        Field("Next_step_date__c", "date", label="Next step date"),
        Field("Flow_Key__c", unique=True, label="Flow key"),
        Field(
            "Product__c",
            "picklist",
            required=True,
            label="Product",
            picklist=("Fleet Premium", "Fleet Premium MDM", "Fleet Managed Cloud"),
        ),
        Field("LeadSource"),
        Field("Order_form_URL__c", "url", label="Order form URL"),
        Field("AE_assigned__c", "boolean"),
        OWNER,
        Field("IsClosed", "boolean", writable=False),
        Field("IsWon", "boolean", writable=False),
        Field("Probability", "percent", writable=False),
        *TIMES,
    ],
}
PREFIXES = {"User": "005", "Account": "001", "Contact": "003", "Opportunity": "006"}


def record_id(prefix: str, number: int) -> str:
    """Gives a valid 18-character id: the object's prefix, a number, and the three check characters."""
    return complete_id(f"{prefix}Ux{number:010d}")


def complete_id(id15: str) -> str:
    """Adds the three characters that say which letters of a 15-character id are capitals."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (id15[start : start + 5] for start in (0, 5, 10))
    return id15 + "".join(
        alphabet[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks
    )
