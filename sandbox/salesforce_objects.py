"""What the stand-in's org holds: objects, their fields, which values they take, and record ids.

Sources: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference for what is standard;
names that end in __c are the org's own, as in handbook.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("America/Los_Angeles")  # of the API user: says which day TODAY is


class Refusal(Exception):
    """An answer that isn't 2xx. `fields` is None for errors that name no fields, not even in an empty list."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields, self.more = status, code, message, fields, more

    def body(self) -> dict[str, Any]:
        """Gives the error as REST answers list it."""
        named = {} if self.fields is None else {"fields": list(self.fields)}
        return {**self.more, "message": self.message, "errorCode": self.code, **named}

    def saved(self) -> dict[str, Any]:
        """Gives the error as collections list it, one a record."""
        return {**self.more, "statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


@dataclass(frozen=True)
class Stage:
    """What a stage says about an opportunity."""

    probability: int
    forecast: str
    closed: bool = False


STAGES = {
    "Meeting set": Stage(0, "Pipeline"),
    "Discovery": Stage(10, "Pipeline"),
    "Scope": Stage(20, "Pipeline"),
    "EB": Stage(30, "Pipeline"),
    "PoV (Proof of Value)": Stage(50, "Best Case"),
    "Justification": Stage(70, "Best Case"),
    "Negotiation": Stage(90, "Commit"),
    "Closed won": Stage(100, "Closed", closed=True),
    "Closed lost": Stage(0, "Omitted", closed=True),
}

TEXTS = {"string", "textarea", "url", "email", "phone", "picklist"}
NUMBERS = {"int", "double", "currency", "percent"}
IDS = {"id", "reference"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d)")


@dataclass(frozen=True)
class Field:
    """A field of an object."""

    name: str
    type: str = "string"
    length: int = 255
    label: str = ""
    required: bool = False
    unique: bool = False
    external: bool = False  # upserts find records by it
    picklist: Sequence[str] = ()
    restricted: bool = False  # takes the picklist's values only
    reference: str = ""
    writable: bool = True
    calculated: bool = False
    defaulted: bool = False

    @property
    def title(self) -> str:
        return self.label or self.name.removesuffix("__c").replace("_", " ")

    @property
    def relationship(self) -> str:
        """Gives the name under which queries reach the parent: Owner for OwnerId."""
        return self.name.removesuffix("Id") if self.reference else ""

    @property
    def is_missing_when_empty(self) -> bool:
        return self.required and self.writable and not self.defaulted

    def described(self) -> dict[str, Any]:
        """Gives the field as `describe` does."""
        return {
            "name": self.name,
            "label": self.title,
            "type": self.type,
            "length": self.length if self.type in TEXTS | IDS else 0,
            "nillable": not self.required and self.type != "boolean",
            "createable": self.writable,
            "updateable": self.writable,
            "defaultedOnCreate": self.defaulted or self.type == "boolean",
            "defaultValue": False if self.type == "boolean" and self.writable else None,
            "calculated": self.calculated,
            "custom": self.name.endswith("__c"),
            "externalId": self.external and self.name.endswith("__c"),
            "idLookup": self.external or self.type == "id",
            "unique": self.unique,
            "caseSensitive": False,
            "filterable": self.type != "textarea",
            "sortable": self.type != "textarea",
            "restrictedPicklist": self.restricted,
            "referenceTo": [self.reference] if self.reference else [],
            "relationshipName": self.relationship or None,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
                for value in self.picklist
            ],
        }

    def accept(self, value: Any) -> Any:
        """Gives a value as the field keeps it: texts trimmed, "" as nothing, ids with 18 characters.

        Raises:
            Refusal: the field doesn't take the value.
        """
        if self.type in TEXTS:
            return self._text(value)
        if value is None:
            return self._nothing()
        if self.type in IDS:
            return self._id(value)
        if self.type == "boolean":
            return value if isinstance(value, bool) else self._unreadable(value, "boolean")
        if self.type in NUMBERS:
            return value if self._is_number(value) else self._unreadable(value, self.type)
        if self.type == "datetime":
            return self._moment(value)
        return value if _is_date(value) else self._unreadable(value, "date")

    def _is_number(self, value: Any) -> bool:
        return isinstance(value, int | float if self.type != "int" else int) and not isinstance(value, bool)

    def _nothing(self) -> None:
        if self.type == "boolean":
            message = f"{self.title}: value not of required type: "
            raise Refusal(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", message, [self.name])

    def _text(self, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            self._unreadable(value, "string")
        text = (value or "").strip()
        if len(text) > self.length:
            message = f"{self.title}: data value too large: {text} (max length={self.length})"
            raise Refusal(400, "STRING_TOO_LONG", message, [self.name])
        if text and self.restricted and text not in self.picklist:
            message = f"{self.title}: bad value for restricted picklist field: {text}"
            raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [self.name])
        if text and self.type == "email" and not _EMAIL.fullmatch(text):
            raise Refusal(400, "INVALID_EMAIL_ADDRESS", f"{self.title}: invalid email address: {text}", [self.name])
        return text or None

    def _id(self, value: Any) -> str:
        found = full_id(value) if isinstance(value, str) else None
        if found is None or (self.reference and not found.startswith(PREFIXES[self.reference])):
            raise Refusal(400, "MALFORMED_ID", f"{self.title}: id value of incorrect type: {value}", [self.name])
        return found

    def _moment(self, value: Any) -> str:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            self._unreadable(value, "datetime")
        return stamp(datetime.fromisoformat(value))

    def _unreadable(self, value: Any, kind: str) -> Any:
        message = (
            f"Cannot deserialize instance of {kind} from {_json_token(value)} value {value} or request may be missing "
            "a required field at [line:1, column:2]"
        )
        raise Refusal(400, "JSON_PARSER_ERROR", message)


def _json_token(value: Any) -> str:
    """Names a JSON value as Salesforce's parser does."""
    match value:
        case bool():
            return f"VALUE_{str(value).upper()}"
        case str():
            return "VALUE_STRING"
        case int():
            return "VALUE_NUMBER_INT"
        case float():
            return "VALUE_NUMBER_FLOAT"
        case list():
            return "START_ARRAY"
        case _:
            return "START_OBJECT"


def _is_date(value: Any) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except (TypeError, ValueError):
        return False


def stamp(at: datetime) -> str:
    """Gives a moment as Salesforce writes it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _text(name: str, length: int = 255, **more: Any) -> Field:
    return Field(name, length=length, **more)


def _reference(name: str, to: str, **more: Any) -> Field:
    return Field(name, "reference", 18, reference=to, label=f"{name.removesuffix('Id')} ID", **more)


ID = Field("Id", "id", 18, label="Record ID", required=True, writable=False, defaulted=True)
OWNER = _reference("OwnerId", "User", required=True, defaulted=True)
TIMES = [
    Field(name, "datetime", label=label, required=True, writable=False, defaulted=True)
    for name, label in (
        ("CreatedDate", "Created Date"),
        ("LastModifiedDate", "Last Modified Date"),
        ("SystemModstamp", "System Modstamp"),
    )
]
SYSTEM = [Field("IsDeleted", "boolean", label="Deleted", writable=False, defaulted=True), *TIMES]

FIELDS: dict[str, Sequence[Field]] = {
    "User": (
        ID,
        _text("Name", 121, label="Full Name", required=True, writable=False),
        Field("Email", "email", 128, required=True, external=True, writable=False),
        Field("Username", length=80, required=True, unique=True, external=True, writable=False),
        Field("IsActive", "boolean", label="Active", writable=False),
        *TIMES,
    ),
    "Account": (
        ID,
        _text("Name", label="Account Name", required=True),
        Field(
            "Type", "picklist", label="Account Type", picklist=("Prospect", "Customer", "Partner", "Former customer")
        ),
        Field("Website", "url"),
        _text("Industry"),
        OWNER,
        _text("GitHub_label__c", 80, label="GitHub label"),
        Field("Kickoff_date__c", "date"),
        Field("Renewal_date__c", "date"),
        Field("Managed_cloud__c", "boolean"),
        Field("Self_hosted__c", "boolean"),
        _text("Fleet_version__c", 40),
        _text("AccountNumber", 40, label="Account Number"),
        Field("NumberOfEmployees", "int", label="Employees"),
        Field("LinkedIn_company_URL__c", "url"),
        Field("Description", "textarea", 32_000, label="Account Description"),
        *SYSTEM,
    ),
    "Contact": (
        ID,
        _reference("AccountId", "Account"),
        _text("FirstName", 40, label="First Name"),
        _text("LastName", 80, label="Last Name", required=True),
        Field("Name", length=121, label="Full Name", required=True, writable=False, calculated=True),
        Field("Email", "email", 80, external=True),
        Field("Phone", "phone", 40),
        _text("Title", 128),
        _text("Role__c", 80),
        Field("LinkedIn_profile__c", "url"),
        OWNER,
        *SYSTEM,
    ),
    "Opportunity": (
        ID,
        _reference("AccountId", "Account"),
        _text("Name", 120, label="Opportunity Name", required=True),
        Field("StageName", "picklist", label="Stage", required=True, restricted=True, picklist=tuple(STAGES)),
        Field("CloseDate", "date", label="Close Date", required=True),
        Field("Amount", "currency"),
        Field(
            "Type",
            "picklist",
            label="Opportunity Type",
            restricted=True,
            picklist=("New business", "Renewal", "Expansion"),
        ),
        _text("NextStep", label="Next Step"),
        Field("Next_step_date__c", "date"),
        _text("Flow_Key__c", label="Flow key", unique=True, external=True),
        Field(
            "Product__c",
            "picklist",
            required=True,
            restricted=True,
            picklist=("Fleet Premium", "Fleet Premium MDM", "Fleet Managed Cloud"),
        ),
        Field("Expansion_kind__c", "picklist", restricted=True, picklist=("Host", "PriceIncrease", "Other")),
        Field("AE_assigned__c", "boolean"),
        Field("Probability", "percent", label="Probability (%)"),
        Field(
            "ForecastCategoryName",
            "picklist",
            label="Forecast Category",
            restricted=True,
            defaulted=True,
            picklist=("Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
        ),
        _text("LeadSource", label="Lead Source"),
        Field("Order_form_URL__c", "url"),
        OWNER,
        Field("IsClosed", "boolean", label="Closed", writable=False, calculated=True),
        Field("IsWon", "boolean", label="Won", writable=False, calculated=True),
        *SYSTEM,
    ),
}
OBJECTS: dict[str, dict[str, Field]] = {
    sobject: {field.name: field for field in fields} for sobject, fields in FIELDS.items()
}
PREFIXES = {"User": "005", "Account": "001", "Contact": "003", "Opportunity": "006"}
PLURALS = {"User": "Users", "Account": "Accounts", "Contact": "Contacts", "Opportunity": "Opportunities"}
CHILDREN = {"Account": {"Contacts": ("Contact", "AccountId"), "Opportunities": ("Opportunity", "AccountId")}}


def find_object(name: str) -> str | None:
    """Gives an object's name in its own spelling; Salesforce doesn't look at capitals."""
    return next((sobject for sobject in OBJECTS if sobject.lower() == name.lower()), None)


def find_field(sobject: str, name: str) -> Field | None:
    """Gives a field by its name in any capitals."""
    return next((field for field in OBJECTS[sobject].values() if field.name.lower() == name.lower()), None)


def field_of(sobject: str, name: str) -> Field:
    """Gives a field that a record call names.

    Raises:
        Refusal: the object has none.
    """
    if found := find_field(sobject, name):
        return found
    raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def described(sobject: str, version: str) -> dict[str, Any]:
    """Gives what `describe` says of an object, without its fields."""
    url = f"/services/data/v{version}/sobjects/{sobject}"
    changeable = sobject != "User"
    return {
        "name": sobject,
        "label": sobject,
        "labelPlural": PLURALS[sobject],
        "keyPrefix": PREFIXES[sobject],
        "custom": False,
        "queryable": True,
        "createable": changeable,
        "updateable": changeable,
        "deletable": changeable,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def details(sobject: str, version: str) -> dict[str, Any]:
    """Gives all that `describe` says of an object."""
    children = [
        {"childSObject": child, "field": field, "relationshipName": name}
        for name, (child, field) in CHILDREN.get(sobject, {}).items()
    ]
    fields = [field.described() for field in OBJECTS[sobject].values()]
    return {**described(sobject, version), "fields": fields, "childRelationships": children, "recordTypeInfos": []}


def stage_of(record: Mapping[str, Any]) -> Stage:
    return STAGES[record["StageName"]]


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, wanted: value == wanted,
    "is_not": lambda value, wanted: value != wanted,
    "before": lambda value, wanted: value is not None and value < wanted,
    "after": lambda value, wanted: value is not None and value > wanted,
    "less_than": lambda value, wanted: value is not None and value < wanted,
    "more_than": lambda value, wanted: value is not None and value > wanted,
    "matches": lambda value, wanted: re.fullmatch(wanted, str(value or "")) is not None,
    "does_not_match": lambda value, wanted: re.fullmatch(wanted, str(value or "")) is None,
}


@dataclass(frozen=True)
class ValidationRule:
    """Refuses a record for which every condition of `when` holds, as Salesforce's own rules do.

    A condition is a value that the field has (None: it is empty), or operators with what they compare with:
    {"Type": "Expansion", "Next_step_date__c": {"before": "today"}}. Operators: is, is_not, before and after (a day, or
    "today"), less_than, more_than, matches and does_not_match (a regular expression for all of the text).

    Raises:
        ValueError: the object, a field or an operator is unknown, or an expression is none.
    """

    sobject: str
    name: str
    when: Mapping[str, Any]
    message: str
    fields: Sequence[str] = ()

    def __post_init__(self) -> None:
        known_fields(self.sobject, [*self.when, *self.fields], f"The validation rule {self.name!r}")
        for field, operator, wanted in self._conditions():
            if operator not in _OPERATORS:
                raise ValueError(
                    f"The validation rule {self.name!r} has the operator {operator!r}. There are {sorted(_OPERATORS)}."
                )
            _check_operand(OBJECTS[self.sobject][field], operator, wanted)

    def breaks(self, record: Mapping[str, Any], today: date) -> bool:
        """Says whether the rule refuses a record."""
        return all(
            _OPERATORS[operator](record[field], today.isoformat() if wanted == "today" else wanted)
            for field, operator, wanted in self._conditions()
        )

    def _conditions(self) -> Iterator[tuple[str, str, Any]]:
        for field, told in self.when.items():
            operators = cast("Mapping[str, Any]", told) if isinstance(told, Mapping) else {"is": told}
            for operator, wanted in operators.items():
                yield field, operator, wanted


@dataclass(frozen=True)
class DuplicateRule:
    """Refuses a record that has the same values in `fields` as another.

    Raises:
        ValueError: the object or a field is unknown.
    """

    sobject: str
    name: str
    fields: Sequence[str]

    def __post_init__(self) -> None:
        known_fields(self.sobject, self.fields, f"The duplicate rule {self.name!r}")

    def matches(self, record: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return all(record[field] is not None and same(record[field], other[field]) for field in self.fields)


def known_fields(sobject: str, names: Iterable[str], who: str) -> None:
    """Raises ValueError, naming `who` asked for it, when an object or one of its fields is unknown."""
    if sobject not in OBJECTS:
        raise ValueError(f"{who} is for {sobject!r}. There are {sorted(OBJECTS)}.")
    if unknown := set(names) - set(OBJECTS[sobject]):
        raise ValueError(f"{who} has no {sorted(unknown)}. It may have {sorted(OBJECTS[sobject])}.")


def same(one: Any, other: Any) -> bool:
    """Compares two values without regard to capitals."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return one == other


def _check_operand(field: Field, operator: str, wanted: Any) -> None:
    """Raises ValueError when a field can't be compared with what a rule names."""
    try:
        if operator in {"matches", "does_not_match"}:
            re.compile(wanted)
        elif wanted not in (None, "today"):
            field.accept(wanted)
    except (re.error, TypeError, Refusal) as error:
        raise ValueError(f"{field.name} can't be compared with {wanted!r}. {error}") from None


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


def full_id(text: str) -> str | None:
    """Gives the 18 characters of an id that comes with 15 or 18; None when it is no id."""
    if not re.fullmatch(r"[0-9A-Za-z]{15}(?:[0-5A-Z]{3})?", text):
        return None
    complete = complete_id(text[:15])
    return complete if complete.startswith(text) else None
