"""Salesforce's stand-in: the org's records with their rules, and the REST API that reaches them.

API: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import itertools
import json
import re
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.salesforce_objects import (
    OBJECTS,
    PREFIXES,
    TIME_ZONE,
    DuplicateRule,
    Refusal,
    ValidationRule,
    described,
    details,
    field_of,
    find_field,
    find_object,
    full_id,
    known_fields,
    record_id,
    same,
    stage_of,
    stamp,
)
from sandbox.salesforce_soql import Found, Tables, select
from sandbox.seed_fields import check_fields
from sandbox.world import FaultKind, World

__all__ = ["Salesforce", "create", "record_id"]

Record = dict[str, Any]

PAGE = 2_000
SMALLEST_PAGE = 200
MOST_RECORDS = 200  # in one call to composite/sobjects
MOST_SUBREQUESTS = 25
CALLS_A_DAY = 100_000
SESSION = timedelta(hours=2)
VERSIONS = range(50, 65)
INSTANCE = "https://sandbox.my.salesforce.com"  # SDKs write https:// before it, so their sessions lead it here
ORGANIZATION = "00D000000000001EAA"
GONE = "The requested resource does not exist"
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
NOT_ALL_VALID = "Record rolled back because not all records were valid and the request was using AllOrNone header"

TABLES = {"users": "User", "accounts": "Account", "contacts": "Contact", "opportunities": "Opportunity"}
SEED: dict[str, Any] = {
    "clients": [{"consumer_key", "consumer_secret", "username", "public_key"}],
    **dict.fromkeys(TABLES, ...),
    "validation_rules": [{"object", "name", "when", "message", "fields"}],
    "duplicate_rules": [{"object", "name", "fields"}],
}


@dataclass(frozen=True)
class Client:
    """A connected app, and the user it acts for."""

    key: str
    secret: str
    username: str
    public_key: str = ""


@dataclass(frozen=True)
class Change:
    """An effect that is still to be told to the world: a transaction may take it back."""

    action: str
    target: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Salesforce:
    """The org: its records and rules, and what each write does to them."""

    name = "salesforce"

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.records: dict[str, dict[str, Record]] = {sobject: {} for sobject in OBJECTS}
        self.clients: dict[str, Client] = {}
        self.sessions: dict[str, tuple[str, datetime]] = {}
        self.validation_rules: dict[tuple[str, str], ValidationRule] = {}
        self.duplicate_rules: dict[tuple[str, str], DuplicateRule] = {}
        self.cursors: dict[str, Found] = {}
        self.changes: list[Change] = []
        self.calls = 0
        self._numbers = itertools.count(7_000)

    # Seeds

    def load(self, seed: Mapping[str, Any]) -> None:
        """Adds a seed's objects, or none of them.

        Raises:
            ValueError: a table, a field, an id or a value isn't Salesforce's.
        """
        check_fields("salesforce", seed, SEED)
        with self.all_or_none():
            self._load_records("users", seed)
            self._load_clients(seed)
            for table in ("accounts", "contacts", "opportunities"):
                self._load_records(table, seed)
            self._load_rules(seed)

    def _load_clients(self, seed: Mapping[str, Any]) -> None:
        for said in seed.get("clients", []):
            _need("clients", said, "consumer_key", "consumer_secret", "username")
            username = said["username"]
            client = Client(said["consumer_key"], said["consumer_secret"], username, said.get("public_key", ""))
            self.clients[client.key] = client
            if self.user_named(username) is None:
                self._load("User", {"Name": username, "Username": username})

    def _load_records(self, table: str, seed: Mapping[str, Any]) -> None:
        for said in seed.get(table, []):
            try:
                self._load(TABLES[table], said)
            except Refusal as refusal:
                raise ValueError(f"A row of salesforce.{table} can't be kept. {refusal}") from None

    def _load(self, sobject: str, said: Mapping[str, Any]) -> None:
        known_fields(sobject, said, f"A seed's {sobject}")
        values = {name: OBJECTS[sobject][name].accept(value) for name, value in said.items()}
        if calculated := sorted(name for name in values if OBJECTS[sobject][name].calculated):
            raise ValueError(f"{calculated} of a seed's {sobject} are calculated. Leave them out.")
        own_id = values.pop("Id", None) or self._new_id(sobject)
        if not own_id.startswith(PREFIXES[sobject]):
            raise ValueError(f"{own_id} is no id of {sobject}. Make one with record_id({PREFIXES[sobject]!r}, 7).")
        held = self.records[sobject].get(own_id)
        record = {**(held or self._blank(sobject, own_id)), **values}
        self._derive(sobject, record, values, moved="StageName" in values)
        self._check_required(sobject, record)
        self._check_references(sobject, values)
        self._check_unique(sobject, record)
        self.records[sobject][own_id] = record

    def _load_rules(self, seed: Mapping[str, Any]) -> None:
        for said in seed.get("validation_rules", []):
            _need("validation_rules", said, "object", "name", "when", "message")
            rule = ValidationRule(
                said["object"], said["name"], said["when"], said["message"], tuple(said.get("fields", ()))
            )
            self.validation_rules[rule.sobject, rule.name] = rule
        for said in seed.get("duplicate_rules", []):
            _need("duplicate_rules", said, "object", "name", "fields")
            duplicates = DuplicateRule(said["object"], said["name"], tuple(said["fields"]))
            self.duplicate_rules[duplicates.sobject, duplicates.name] = duplicates

    def dump(self) -> dict[str, Any]:
        """Gives all records by object, without what has been deleted."""
        return {sobject: list(rows.values()) for sobject, rows in self.visible().items()}

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        """Words a fault as Salesforce does."""
        match kind:
            case "401":
                return _errors(Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid"))
            case "403_retry_after":
                return _errors(Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
            case "429":  # not Salesforce's own, but what a proxy before it answers
                answer = _errors(Refusal(429, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
                answer.headers["Retry-After"] = str(max(1, round(seconds)))
                return answer
            case "vanished":
                return _errors(Refusal(404, "NOT_FOUND", GONE))
            case "malformed":
                return HTMLResponse("<html><title>Salesforce is down for maintenance</title></html>")
            case "500_before":
                return _errors(Refusal(503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable."))
            case _:
                message = "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)"
                return _errors(Refusal(500, "UNKNOWN_EXCEPTION", message))

    # Sessions

    def log_in(self, client: Client) -> str:
        """Gives a session for a client."""
        session = f"{ORGANIZATION[:15]}!{secrets.token_hex(40)}"
        self.sessions[session] = (client.username, self.world.clock.now() + SESSION)
        return session

    def user_of(self, session: str) -> str:
        """Gives the username of a session.

        Raises:
            Refusal: there is no such session, or it is over.
        """
        now = self.world.clock.now()
        username, ends = self.sessions.get(session, ("", now))
        if ends <= now:
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return username

    def user_named(self, username: str) -> Record | None:
        return next((user for user in self.records["User"].values() if same(user["Username"], username)), None)

    # Reading

    @property
    def today(self) -> date:
        return self.world.clock.now().astimezone(TIME_ZONE).date()

    def visible(self) -> dict[str, dict[str, Record]]:
        """Gives the records that aren't deleted."""
        return {sobject: {row["Id"]: row for row in self._kept(sobject)} for sobject in OBJECTS}

    def _kept(self, sobject: str) -> Iterator[Record]:
        return (row for row in self.records[sobject].values() if not row.get("IsDeleted"))

    def query(self, soql: str, version: str, *, with_deleted: bool) -> Found:
        tables: Tables = self.records if with_deleted else self.visible()
        return select(soql, tables, self.world.clock.now(), version)

    def get(self, sobject: str, text: str) -> Record:
        """Gives a record by its id of 15 or 18 characters.

        Raises:
            Refusal: the text is no id, or there is no such record, or no longer.
        """
        own_id = full_id(text)
        if own_id is None:
            raise Refusal(400, "MALFORMED_ID", f"malformed id {text}")
        record = self.records[sobject].get(own_id)
        if record is None:
            raise Refusal(404, "NOT_FOUND", GONE)
        if record.get("IsDeleted"):
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return record

    def by_external_id(self, sobject: str, name: str, value: str) -> list[Record]:
        """Gives the records that have a value in an external id field."""
        field = find_field(sobject, name)
        if field is None or not field.external:
            raise Refusal(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")
        return [row for row in self._kept(sobject) if same(row[field.name], value)]

    # Writing

    @contextmanager
    def all_or_none(self) -> Generator[None]:
        """Takes back every change that the block made, if the block raises."""
        kept = {sobject: {own_id: dict(row) for own_id, row in rows.items()} for sobject, rows in self.records.items()}
        clients, told = dict(self.clients), len(self.changes)
        rules = dict(self.validation_rules), dict(self.duplicate_rules)
        try:
            yield
        except BaseException:
            self.records, self.clients = kept, clients
            self.validation_rules, self.duplicate_rules = rules
            del self.changes[told:]
            raise

    def create(self, sobject: str, said: Mapping[str, Any], *, allow_duplicates: bool, owner: str = "") -> Record:
        """Creates a record.

        Raises:
            Refusal: a field, a value or one of the org's rules stands against it.
        """
        if sobject == "User":
            raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: User", [])
        values = self._accepted(sobject, said)
        record = {**self._blank(sobject, self._new_id(sobject), owner), **values}
        self._derive(sobject, record, values)
        self._check(sobject, record, values, allow_duplicates=allow_duplicates)
        self.records[sobject][record["Id"]] = record
        self.changes.append(Change(f"create {sobject.lower()}", f"{sobject} {record['Id']}", values))
        return record

    def update(self, sobject: str, record: Record, said: Mapping[str, Any], *, allow_duplicates: bool) -> None:
        """Changes a record; one that has these values already stays as it is.

        Raises:
            Refusal: a field, a value or one of the org's rules stands against it.
        """
        given = self._accepted(sobject, said)
        values = {name: value for name, value in given.items() if record[name] != value}
        changed = {**record, **values}
        self._derive(sobject, changed, given, moved="StageName" in values)
        self._check(sobject, changed, values, allow_duplicates=allow_duplicates)
        if values:
            now = stamp(self.world.clock.now())
            record.update(changed, LastModifiedDate=now, SystemModstamp=now)
            self.changes.append(Change(f"update {sobject.lower()}", f"{sobject} {record['Id']}", values))

    def delete(self, sobject: str, record: Record) -> None:
        """Puts a record into the bin, where queryAll still sees it."""
        if sobject == "User":
            raise Refusal(405, "METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET,PATCH")
        now = stamp(self.world.clock.now())
        record.update(IsDeleted=True, LastModifiedDate=now, SystemModstamp=now)
        self.changes.append(Change(f"delete {sobject.lower()}", f"{sobject} {record['Id']}"))

    def tell(self, username: str) -> None:
        """Records the changes that stand, as this user's or as somebody else's."""
        world, actor = self.world, self.world.actor
        world.actor = actor or username
        try:
            for change in self.changes:
                world.record(self.name, change.action, change.target, public=False, **change.values)
        finally:
            self.changes.clear()
            world.actor = actor

    def _new_id(self, sobject: str) -> str:
        ids = (record_id(PREFIXES[sobject], number) for number in self._numbers)
        return next(each for each in ids if each not in self.records[sobject])

    def _blank(self, sobject: str, own_id: str, owner: str = "") -> Record:
        now = stamp(self.world.clock.now())
        record: Record = {
            name: False if field.type == "boolean" else now if field.type == "datetime" else None
            for name, field in OBJECTS[sobject].items()
        }
        record["Id"] = own_id
        if sobject == "User":
            record["IsActive"] = True
        else:
            user = self.user_named(owner) or next(iter(self.records["User"].values()), None)
            record["OwnerId"] = user and user["Id"]
        return record

    def _accepted(self, sobject: str, said: Mapping[str, Any]) -> Record:
        values: Record = {}
        for name, value in said.items():
            if name == "attributes":
                continue
            field = field_of(sobject, name)
            if field.name == "Id":
                raise Refusal(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
            if not field.writable:
                message = (
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field "
                    "and verify that it is read/write for your profile or permission set."
                )
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
            values[field.name] = field.accept(value)
        return values

    def _derive(self, sobject: str, record: Record, given: Mapping[str, Any], *, moved: bool = True) -> None:
        """Fills what Salesforce calculates, and what follows a stage that was moved to, unless it is given."""
        if sobject == "Contact":
            record["Name"] = " ".join(filter(None, (record["FirstName"], record["LastName"])))
        if sobject != "Opportunity" or not record["StageName"]:
            return
        stage = stage_of(record)
        record.update(IsClosed=stage.closed, IsWon=stage.closed and stage.probability == 100)
        if moved:
            follows = {"Probability": stage.probability, "ForecastCategoryName": stage.forecast}
            record.update({name: value for name, value in follows.items() if given.get(name) is None})

    def _check(self, sobject: str, record: Record, values: Record, *, allow_duplicates: bool) -> None:
        """Asks the rules in Salesforce's order of execution."""
        self._check_required(sobject, record)
        self._check_references(sobject, values)
        for rule in self.validation_rules.values():
            if rule.sobject == sobject and rule.breaks(record, self.today):
                raise Refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.fields)
        if values and not allow_duplicates:
            self._check_duplicates(sobject, record)
        self._check_unique(sobject, record)

    def _check_required(self, sobject: str, record: Record) -> None:
        fields = OBJECTS[sobject].values()
        missing = [field.name for field in fields if field.is_missing_when_empty and record[field.name] is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", message, missing)

    def _check_references(self, sobject: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            field = OBJECTS[sobject][name]
            if field.reference and value is not None:
                self._check_reference(sobject, name, value, self.records[field.reference].get(value))

    def _check_reference(self, sobject: str, name: str, value: str, found: Record | None) -> None:
        if found is None and name == "OwnerId":
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        if found is None:
            message = f"insufficient access rights on cross-reference id: {value[:15]}"
            raise Refusal(400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message, [name])
        if found.get("IsDeleted"):
            raise Refusal(400, "ENTITY_IS_DELETED", "entity is deleted", [])
        if found.get("IsActive") is False:
            message = f"operation performed with inactive user [{value[:15]}] as owner of {sobject.lower()}"
            raise Refusal(400, "INACTIVE_OWNER_OR_USER", message, ["OwnerId"])

    def _check_duplicates(self, sobject: str, record: Record) -> None:
        for rule in self.duplicate_rules.values():
            if rule.sobject != sobject:
                continue
            others = (each for each in self._kept(sobject) if each["Id"] != record["Id"])
            if found := [each for each in others if rule.matches(record, each)]:
                message = "Use one of these records?"
                result = _duplicates(rule, message, found)
                # "duplicateResut": the misspelling is Salesforce's, in every version of the REST API.
                raise Refusal(400, "DUPLICATES_DETECTED", message, duplicateResut=result)

    def _check_unique(self, sobject: str, record: Record) -> None:
        for column in OBJECTS[sobject].values():
            value = record[column.name]
            if not column.unique or value is None:
                continue
            for other in self._kept(sobject):
                if other["Id"] != record["Id"] and same(other[column.name], value):
                    place = f"{column.name} duplicates value on record with id: {other['Id'][:15]}"
                    raise Refusal(400, "DUPLICATE_VALUE", f"duplicate value found: {place}", [])


def _need(table: str, said: Mapping[str, Any], *names: str) -> None:
    if missing := [name for name in names if name not in said]:
        raise ValueError(f"A row of salesforce.{table} needs {missing}. Add them.")


def _duplicates(rule: DuplicateRule, message: str, found: Sequence[Record]) -> dict[str, Any]:
    matches: list[dict[str, Any]] = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {
                    "type": rule.sobject,
                    "url": f"/services/data/v{VERSIONS[-1]}.0/sobjects/{rule.sobject}/{each['Id']}",
                },
                "Id": each["Id"],
            },
        }
        for each in found
    ]
    result: dict[str, Any] = {
        "entityType": rule.sobject,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": matches,
        "rule": rule.name,
        "size": len(matches),
        "success": True,
    }
    return {
        "allowSave": True,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": rule.sobject,
        "errorMessage": message,
        "matchResults": [result],
    }


def _errors(refusal: Refusal) -> Response:
    return JSONResponse([refusal.body()], refusal.status)


# The REST API


@dataclass(frozen=True)
class Call:
    """A request to /services/data, from the wire or out of a composite one."""

    method: str
    path: str  # without /services/data, still percent-encoded
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower case names
    body: bytes
    username: str
    all_or_none: bool = False  # a composite request asks it of every collection
    parts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def version(self) -> str:
        return self.parts["version"]

    @property
    def sobject(self) -> str:
        """Gives the object that the path names."""
        found = find_object(self.parts["sobject"])
        if found is None:
            raise Refusal(404, "NOT_FOUND", GONE)
        return found

    @property
    def allows_duplicates(self) -> bool:
        return bool(re.search(r"allowsave\s*=\s*true", self.headers.get("sforce-duplicate-rule-header", ""), re.I))

    def said(self) -> dict[str, Any]:
        """Gives the body.

        Raises:
            Refusal: there is none, or it is no JSON object.
        """
        if not self.body.strip():
            message = "The HTTP entity body is required, but this request has no entity body."
            raise Refusal(400, "JSON_PARSER_ERROR", message)
        try:
            said = json.loads(self.body, parse_constant=_no_number)
        except ValueError as error:
            raise Refusal(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from None
        if not isinstance(said, dict):
            message = "Cannot deserialize instance of sobject from START_ARRAY value [line:1, column:1]"
            raise Refusal(400, "JSON_PARSER_ERROR", message)
        return cast("dict[str, Any]", said)

    def check_unmodified(self, record: Record) -> None:
        """Raises Refusal when the record has changed since the moment in If-Unmodified-Since."""
        told = self.headers.get("if-unmodified-since")
        if told is None:
            return
        try:
            since = parsedate_to_datetime(told)
        except ValueError:
            raise Refusal(400, "INVALID_HEADER", f"If-Unmodified-Since is no HTTP date: {told}") from None
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        if datetime.fromisoformat(record["LastModifiedDate"]) > since:
            message = f"The record was modified at {record['LastModifiedDate']}, after {told}"
            raise Refusal(412, "PRECONDITION_FAILED", message)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


@dataclass(frozen=True)
class Answer:
    """What a call gives: `body` is JSON, None for no content."""

    status: int
    body: Any = None
    location: str = ""
    is_partial: bool = False  # some records of a collection couldn't be kept

    @property
    def headers(self) -> dict[str, str]:
        return {"Location": self.location} if self.location else {}

    def response(self) -> Response:
        if self.body is None:
            return Response(status_code=self.status, headers=self.headers)
        return JSONResponse(self.body, self.status, self.headers)


class Collection(BaseModel):
    """What composite/sobjects takes."""

    model_config = ConfigDict(extra="forbid")

    all_or_none: bool = Field(False, alias="allOrNone")
    records: list[dict[str, Any]] = Field(max_length=MOST_RECORDS)


class Subrequest(BaseModel):
    """One of a composite request's calls."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    url: str
    reference: str = Field(alias="referenceId", pattern=r"^[A-Za-z0-9]\w*$")
    body: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict, alias="httpHeaders")


class Composite(BaseModel):
    """What composite takes."""

    model_config = ConfigDict(extra="forbid")

    all_or_none: bool = Field(False, alias="allOrNone")
    collate: bool = Field(False, alias="collateSubrequests")
    subrequests: list[Subrequest] = Field(alias="compositeRequest", min_length=1, max_length=MOST_SUBREQUESTS)


_Body = TypeVar("_Body", bound=BaseModel)


def _read(model: type[_Body], call: Call) -> _Body:
    try:
        return model.model_validate(call.said())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        code = "LIMIT_EXCEEDED" if problem["type"] == "too_long" else "JSON_PARSER_ERROR"
        raise Refusal(400, code, f"{place}: {problem['msg']}") from None


class NotAll(Exception):
    """Some of what should happen all or none couldn't; the rest is taken back."""


class Rest:
    """The resources under /services/data."""

    def __init__(self, service: Salesforce) -> None:
        self.service = service
        rows = [
            ("GET", "/query", self.query),
            ("GET", "/queryAll", self.query_all),
            ("GET", "/query/{locator}", self.more),
            ("GET", "/limits", self.limits),
            ("GET", "/sobjects", self.list_objects),
            ("GET", "/sobjects/{sobject}", self.object_info),
            ("POST", "/sobjects/{sobject}", self.create),
            ("GET", "/sobjects/{sobject}/describe", self.describe),
            ("GET", "/sobjects/{sobject}/{id}", self.read),
            ("PATCH", "/sobjects/{sobject}/{id}", self.update),
            ("DELETE", "/sobjects/{sobject}/{id}", self.delete),
            ("GET", "/sobjects/{sobject}/{field}/{value}", self.read_external),
            ("PATCH", "/sobjects/{sobject}/{field}/{value}", self.upsert),
            ("POST", "/composite", self.composite),
            ("POST", "/composite/sobjects", self.create_many),
            ("PATCH", "/composite/sobjects", self.update_many),
            ("DELETE", "/composite/sobjects", self.delete_many),
            ("PATCH", "/composite/sobjects/{sobject}/{field}", self.upsert_many),
        ]
        self.resources: list[tuple[str, re.Pattern[str], Callable[[Call], Answer]]] = [
            (method, re.compile(r"/v(?P<version>\d+\.\d)" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), handler)
            for method, path, handler in rows
        ]

    def answer(self, call: Call) -> Answer:
        """Answers a call, with an error if it comes to that."""
        try:
            return self._handle(call)
        except Refusal as refusal:
            return Answer(refusal.status, [refusal.body()])

    def _handle(self, call: Call) -> Answer:
        allowed: list[str] = []
        for method, path, handler in self.resources:
            found = path.fullmatch(call.path.rstrip("/"))
            if found is None:
                continue
            if method == call.method:
                _check_version(found["version"])
                parts = {name: unquote(part) for name, part in found.groupdict().items()}
                return handler(replace(call, parts=parts))
            allowed.append(method)
        if allowed:
            message = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(allowed)}"
            raise Refusal(405, "METHOD_NOT_ALLOWED", message)
        raise Refusal(404, "NOT_FOUND", GONE)

    # Queries

    def query(self, call: Call) -> Answer:
        return self._first_page(call, with_deleted=False)

    def query_all(self, call: Call) -> Answer:
        return self._first_page(call, with_deleted=True)

    def _first_page(self, call: Call, *, with_deleted: bool) -> Answer:
        found = self.service.query(call.query.get("q", ""), call.version, with_deleted=with_deleted)
        return self._page(call, found, record_id("01g", len(self.service.cursors) + 1), 0)

    def more(self, call: Call) -> Answer:
        cursor, _, start = call.parts["locator"].partition("-")
        if cursor not in self.service.cursors or not start.isdigit():
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, self.service.cursors[cursor], cursor, int(start))

    def _page(self, call: Call, found: Found, cursor: str, start: int) -> Answer:
        end = start + _page_size(call)
        body: dict[str, Any] = {"totalSize": found.total, "done": True, "records": found.records[start:end]}
        if end < len(found.records):
            self.service.cursors[cursor] = found
            body |= {"done": False, "nextRecordsUrl": f"/services/data/v{call.version}/query/{cursor}-{end}"}
        return Answer(200, body)

    def limits(self, call: Call) -> Answer:
        remaining = max(0, CALLS_A_DAY - self.service.calls)
        return Answer(200, {"DailyApiRequests": {"Max": CALLS_A_DAY, "Remaining": remaining}})

    # Objects

    def list_objects(self, call: Call) -> Answer:
        sobjects = [described(sobject, call.version) for sobject in OBJECTS]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": MOST_RECORDS, "sobjects": sobjects})

    def object_info(self, call: Call) -> Answer:
        return Answer(200, {"objectDescribe": described(call.sobject, call.version), "recentItems": []})

    def describe(self, call: Call) -> Answer:
        return Answer(200, details(call.sobject, call.version))

    # Records

    def create(self, call: Call) -> Answer:
        return self._created(call, call.sobject, call.said(), {})

    def _created(self, call: Call, sobject: str, said: Mapping[str, Any], more: Mapping[str, Any]) -> Answer:
        record = self.service.create(sobject, said, allow_duplicates=call.allows_duplicates, owner=call.username)
        body: dict[str, Any] = {"id": record["Id"], "success": True, "errors": [], **more}
        return Answer(201, body, _url(call, sobject, record))

    def read(self, call: Call) -> Answer:
        return self._shown(call, self.service.get(call.sobject, call.parts["id"]))

    def _shown(self, call: Call, record: Record) -> Answer:
        said = call.query.get("fields")
        chosen = [field_of(call.sobject, name.strip()).name for name in said.split(",")] if said else list(record)
        attributes = {"type": call.sobject, "url": _url(call, call.sobject, record)}
        body = {"attributes": attributes, **{name: record[name] for name in chosen}, "Id": record["Id"]}
        return Answer(200, body)

    def update(self, call: Call) -> Answer:
        record = self.service.get(call.sobject, call.parts["id"])
        call.check_unmodified(record)
        self.service.update(call.sobject, record, call.said(), allow_duplicates=call.allows_duplicates)
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        self.service.delete(call.sobject, self.service.get(call.sobject, call.parts["id"]))
        return Answer(204)

    def read_external(self, call: Call) -> Answer:
        found = self.service.by_external_id(call.sobject, call.parts["field"], call.parts["value"])
        if not found:
            raise Refusal(404, "NOT_FOUND", GONE)
        if len(found) > 1:
            return Answer(300, [_url(call, call.sobject, record) for record in found])
        return self._shown(call, found[0])

    def upsert(self, call: Call) -> Answer:
        return self._upserted(call, call.sobject, call.parts["field"], call.parts["value"], call.said())

    def _upserted(self, call: Call, sobject: str, name: str, value: str, said: Mapping[str, Any]) -> Answer:
        found = self.service.by_external_id(sobject, name, value)
        key = field_of(sobject, name).name
        if any(same(key, each) for each in said):
            message = f"The {key} field should not be specified in the sobject data."
            raise Refusal(400, "INVALID_FIELD", message)
        if len(found) > 1:
            return Answer(300, [_url(call, sobject, record) for record in found])
        if not found:
            return self._created(call, sobject, {**said, key: value}, {"created": True})
        call.check_unmodified(found[0])
        self.service.update(sobject, found[0], said, allow_duplicates=call.allows_duplicates)
        return Answer(200, {"id": found[0]["Id"], "success": True, "errors": [], "created": False})

    # Several at once

    def create_many(self, call: Call) -> Answer:
        def one(said: dict[str, Any]) -> Answer:
            return self._created(call, _object_of(said), said, {})

        return self._collection(call, _read(Collection, call), one)

    def update_many(self, call: Call) -> Answer:
        def one(said: dict[str, Any]) -> Answer:
            sobject, own_id = _object_of(said), str(said.pop("id", None) or said.pop("Id", ""))
            record = self.service.get(sobject, own_id)
            self.service.update(sobject, record, said, allow_duplicates=call.allows_duplicates)
            return Answer(200, {"id": record["Id"], "success": True, "errors": []})

        return self._collection(call, _read(Collection, call), one)

    def upsert_many(self, call: Call) -> Answer:
        key = call.parts["field"]

        def one(said: dict[str, Any]) -> Answer:
            value = next((said.pop(name) for name in list(said) if same(name, key)), None)
            if value is None:
                raise Refusal(400, "MISSING_ARGUMENT", f"{key} not specified", [])
            return self._upserted(call, call.sobject, key, str(value), said)

        return self._collection(call, _read(Collection, call), one)

    def delete_many(self, call: Call) -> Answer:
        ids = [{"id": each} for each in call.query.get("ids", "").split(",") if each]
        told = Collection(allOrNone=call.query.get("allOrNone", "").lower() == "true", records=ids)

        def one(said: dict[str, Any]) -> Answer:
            sobject = next((name for name, prefix in PREFIXES.items() if said["id"].startswith(prefix)), "Account")
            record = self.service.get(sobject, said["id"])
            self.service.delete(sobject, record)
            return Answer(200, {"id": record["Id"], "success": True, "errors": []})

        return self._collection(call, told, one)

    def _collection(self, call: Call, told: Collection, one: Callable[[dict[str, Any]], Answer]) -> Answer:
        results: list[dict[str, Any]] = []
        try:
            with self.service.all_or_none():
                results += [_result(one, record) for record in told.records]
                if (told.all_or_none or call.all_or_none) and not all(result["success"] for result in results):
                    raise NotAll
        except NotAll:
            undone = Refusal(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", NOT_ALL_VALID).saved()
            results = [{"success": False, "errors": [undone]} if result["success"] else result for result in results]
        return Answer(200, results, is_partial=not all(result["success"] for result in results))

    def composite(self, call: Call) -> Answer:
        told = _read(Composite, call)
        answers: dict[str, Answer] = {}
        try:
            with self.service.all_or_none():
                for each in told.subrequests:
                    answers[each.reference] = answer = self._subanswer(call, each, answers, told.all_or_none)
                    if told.all_or_none and (answer.status >= 300 or answer.is_partial):
                        raise NotAll
        except NotAll:
            failed = list(answers)[-1]
            halted = Answer(400, [Refusal(400, "PROCESSING_HALTED", ROLLED_BACK).body()])
            answers = {each.reference: halted for each in told.subrequests} | {failed: answers[failed]}
        return Answer(200, {"compositeResponse": [_subresponse(name, each) for name, each in answers.items()]})

    def _subanswer(self, call: Call, told: Subrequest, earlier: Mapping[str, Answer], together: bool) -> Answer:
        try:
            url = urlsplit(cast("str", _with_references(told.url, earlier)))
            body = _with_references(told.body, earlier)
        except Refusal as refusal:
            return Answer(refusal.status, [refusal.body()])
        path, query = url.path.removeprefix("/services/data"), dict(parse_qsl(url.query))
        headers = {name.lower(): value for name, value in told.headers.items()}
        return self.answer(Call(told.method, path, query, headers, json.dumps(body).encode(), call.username, together))


def _check_version(version: str) -> None:
    major, _, minor = version.partition(".")
    if int(major) not in VERSIONS or minor != "0":
        raise Refusal(404, "NOT_FOUND", GONE)


def _page_size(call: Call) -> int:
    wanted = re.search(r"batchsize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""), re.I)
    return min(PAGE, max(SMALLEST_PAGE, int(wanted[1]))) if wanted else PAGE


def _url(call: Call, sobject: str, record: Record) -> str:
    return f"/services/data/v{call.version}/sobjects/{sobject}/{record['Id']}"


def _object_of(said: Mapping[str, Any]) -> str:
    attributes = said.get("attributes")
    told = str(cast("dict[str, Any]", attributes).get("type")) if isinstance(attributes, dict) else ""
    found = find_object(told)
    if found is None:
        raise Refusal(400, "INVALID_TYPE", f"sObject type '{told}' is not supported.", [])
    return found


def _result(one: Callable[[dict[str, Any]], Answer], said: dict[str, Any]) -> dict[str, Any]:
    """Gives what a collection says of one record."""
    try:
        answer = one(said)
    except Refusal as refusal:
        return {"success": False, "errors": [refusal.saved()]}
    if answer.status == 300:
        ambiguous = Refusal(300, "DUPLICATE_EXTERNAL_ID", "More than one record found for external id field", [])
        return {"success": False, "errors": [ambiguous.saved()]}
    return answer.body


def _with_references(told: Any, earlier: Mapping[str, Answer]) -> Any:
    """Fills @{reference.path} in texts with what an earlier subrequest answered."""
    if isinstance(told, str):
        return re.sub(r"@{(\w+)\.([^}]+)}", lambda found: _looked_up(found[1], found[2], earlier), told)
    if isinstance(told, list):
        return [_with_references(each, earlier) for each in cast("list[Any]", told)]
    if isinstance(told, dict):
        return {name: _with_references(each, earlier) for name, each in cast("dict[str, Any]", told).items()}
    return told


def _looked_up(reference: str, path: str, earlier: Mapping[str, Answer]) -> str:
    held: Any = earlier[reference].body if reference in earlier else None
    try:
        for step in re.findall(r"\w+|\[\d+\]", path):
            held = held[int(step[1:-1])] if step.startswith("[") else held[step]
    except (LookupError, TypeError):
        held = None
    if held is None:
        message = (
            f"Invalid reference specified. No value for {reference}.{path} found in {reference}. Provided referenceId "
            f"('{reference}.{path}') must start with a letter or a number, and it can contain only letters, numbers "
            "and underscores ('_')."
        )
        raise Refusal(400, "PROCESSING_HALTED", message)
    return str(held)


def _subresponse(reference: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }


# Logging in


class Denied(Exception):
    """OAuth's no, in its own form."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


@dataclass(frozen=True)
class OAuth:
    """Gives sessions for a client's secret, or for a text that it has signed."""

    service: Salesforce

    async def token(self, request: Request) -> Response:
        try:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            return JSONResponse(self._granted(form, request.headers.get("authorization", "")))
        except Denied as denied:
            return JSONResponse(denied.body, 400)

    def _granted(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        match form.get("grant_type"):
            case "client_credentials":
                return self._signed(self._client_of(form, authorization))
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return self._answer(self._signer_of(form.get("assertion", "")))
            case _:
                raise Denied("unsupported_grant_type", "grant type not supported")

    def _client_of(self, form: Mapping[str, str], authorization: str) -> Client:
        key, secret = _credentials(form, authorization)
        client = self.service.clients.get(key)
        if client is None or not secrets.compare_digest(client.secret.encode(), secret.encode()):
            raise Denied("invalid_client", "invalid client credentials")
        return client

    def _signer_of(self, assertion: str) -> Client:
        try:
            claimed = jwt.decode(assertion, options={"verify_signature": False})
            client = self.service.clients[claimed["iss"]]
        except (jwt.PyJWTError, KeyError):
            raise Denied("invalid_client", "invalid client credentials") from None
        try:
            # By real time, not by the world's clock: SDKs date what they sign by their own.
            checks: Any = {"require": ["iss", "sub", "aud", "exp"], "verify_aud": False}
            claims = jwt.decode(assertion, client.public_key, algorithms=["RS256"], options=checks)
        except (jwt.PyJWTError, ValueError):
            raise Denied("invalid_grant", "invalid assertion") from None
        if not re.fullmatch(r"https://[\w.-]+\.salesforce\.com", str(claims["aud"])):
            raise Denied("invalid_grant", "audience is invalid")
        if not same(claims["sub"], client.username):
            raise Denied("invalid_grant", "user hasn't approved this consumer")
        return client

    def _answer(self, client: Client) -> dict[str, Any]:
        user = self.service.user_named(client.username)
        return {
            "access_token": self.service.log_in(client),
            "instance_url": INSTANCE,
            "id": f"https://login.salesforce.com/id/{ORGANIZATION}/{user['Id'] if user else ''}",
            "token_type": "Bearer",
            "scope": "api",
        }

    def _signed(self, client: Client) -> dict[str, Any]:
        answer = self._answer(client)
        issued = str(int(self.service.world.clock.now().timestamp() * 1000))
        signature = hmac.digest(client.secret.encode(), f"{answer['id']}{issued}".encode(), hashlib.sha256)
        return {**answer, "issued_at": issued, "signature": base64.b64encode(signature).decode()}


def _credentials(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        key, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Denied("invalid_client", "invalid client credentials") from None
    return key, secret


# The app

_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "th{text-align:left;padding-right:2em;vertical-align:top}"
)


class Site:
    """What the wire reaches: the REST API, and the pages that people open."""

    def __init__(self, service: Salesforce) -> None:
        self.service, self.rest = service, Rest(service)

    def app(self) -> Starlette:
        every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        return Starlette(
            routes=[
                Route("/services/oauth2/token", OAuth(self.service).token, methods=["POST"]),
                Route("/services/data", self.versions),
                Route("/services/data/", self.versions),
                Route("/services/data/{rest:path}", self.data, methods=every),
                Route("/lightning/r/{sobject}/{id}/view", self.page),
            ]
        )

    async def versions(self, request: Request) -> Response:
        """Lists the versions, three a year. It needs no session."""
        return JSONResponse([_release(number) for number in VERSIONS])

    async def data(self, request: Request) -> Response:
        self.service.calls += 1
        response = self._answer(request, await request.body())
        response.headers["Sforce-Limit-Info"] = f"api-usage={self.service.calls}/{CALLS_A_DAY}"
        return response

    def _answer(self, request: Request, body: bytes) -> Response:
        _, _, session = request.headers.get("authorization", "").partition(" ")
        try:
            username = self.service.user_of(session)
        except Refusal as refusal:
            return _errors(refusal)
        path = _undecoded(request).removeprefix("/services/data")
        call = Call(request.method, path, dict(request.query_params), dict(request.headers), body, username)
        answer = self.rest.answer(call)
        self.service.tell(username)
        return answer.response()

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a link to a record. It needs no session."""
        sobject = find_object(request.path_params["sobject"])
        try:
            if sobject is None:
                raise Refusal(404, "NOT_FOUND", GONE)
            record = self.service.get(sobject, request.path_params["id"])
        except Refusal:
            return HTMLResponse(_html("Page not found", "<p>Salesforce has no such record, or no longer.</p>"), 404)
        rows = "".join(
            f"<tr><th>{html.escape(field.title)}</th><td>{html.escape(str(record[name]))}</td></tr>"
            for name, field in OBJECTS[sobject].items()
            if record[name] not in (None, "")
        )
        return HTMLResponse(_html(str(record["Name"]), f"<p>{sobject}</p><table>{rows}</table>"))


def _html(title: str, body: str) -> str:
    shown = html.escape(title)
    head = f'<meta charset="utf-8"><title>{shown}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en">{head}<h1>{shown}</h1>{body}</html>'


def _release(number: int) -> dict[str, str]:
    season, year = ("Winter", "Spring", "Summer")[(number - 50) % 3], 21 + (number - 50) // 3
    return {"label": f"{season} '{year}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _undecoded(request: Request) -> str:
    """Gives the path as it came: only there, a slash in an external id (%2F) differs from one between parts."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("latin-1").removeprefix(request.scope.get("root_path", ""))


def create(world: World) -> tuple[Salesforce, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Salesforce(world)
    return service, Site(service).app()
