"""Salesforce's stand-in: OAuth, SOQL, describe, records with their rules, upsert by external id.

API: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest
"""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from sandbox.salesforce_objects import OBJECTS, PREFIXES, STAGES, Field, complete_id, record_id
from sandbox.salesforce_soql import MalformedQuery, Query, Reader
from sandbox.seed_fields import check_fields
from sandbox.world import FaultKind, World

__all__ = ["Salesforce", "create", "record_id"]

PAGE = 2_000
SESSION = timedelta(hours=2)
VERSIONS = range(50, 65)
Record = dict[str, Any]


class Refusal(Exception):
    """An answer that isn't 2xx: a list of errors, as Salesforce gives it."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] = (), **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields, self.more = status, code, message, fields, more

    def body(self) -> dict[str, Any]:
        named = {"fields": list(self.fields)} if self.fields else {}
        return {"message": self.message, "errorCode": self.code, **named, **self.more}

    def answer(self) -> Response:
        return JSONResponse([self.body()], self.status)


@dataclass(frozen=True)
class Client:
    secret: str
    username: str


@dataclass(frozen=True)
class ValidationRule:
    """Refuses a record whose `when` holds: {"Type": "Expansion", "Next_step_date__c": None} means both."""

    sobject: str
    name: str
    when: Mapping[str, Any]
    message: str
    fields: Sequence[str]

    def breaks(self, record: Mapping[str, Any]) -> bool:
        return all(record.get(field) == value for field, value in self.when.items())


class Salesforce:
    """The state, and what each call does to it."""

    name = "salesforce"

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        self.records: dict[str, dict[str, Record]] = {sobject: {} for sobject in OBJECTS}
        self.clients: dict[str, Client] = {}
        self.sessions: dict[str, tuple[str, datetime]] = {}
        self.validation_rules: list[ValidationRule] = []
        self.duplicate_rules: list[tuple[str, Sequence[str]]] = []
        self.cursors: dict[str, tuple[str, list[Record]]] = {}
        self._numbers = itertools.count(7_000)

    # Seeds

    def load(self, seed: Mapping[str, Any]) -> None:
        check_fields("salesforce", seed, SEED)
        for said in seed.get("clients", []):
            self.clients[said["consumer_key"]] = Client(said["consumer_secret"], said["username"])
        for table, sobject in TABLES.items():
            for said in seed.get(table, []):
                self._load(sobject, dict(said))
        for said in seed.get("validation_rules", []):
            self.validation_rules.append(
                ValidationRule(said["object"], said["name"], said["when"], said["message"], said.get("fields", ()))
            )
        for said in seed.get("duplicate_rules", []):
            self.duplicate_rules.append((said["object"], tuple(said["fields"])))

    def _load(self, sobject: str, said: Record) -> None:
        record_id_ = said.pop("Id", None) or self._new_id(sobject)
        known = {field.name for field in OBJECTS[sobject]}
        if unknown := set(said) - known:
            raise ValueError(f"A seed's {sobject} has no {sorted(unknown)}. It may have {sorted(known)}.")
        if complete_id(record_id_[:15]) != record_id_ or not record_id_.startswith(PREFIXES[sobject]):
            raise ValueError(f"{record_id_} is no id of {sobject}. Make one with record_id({PREFIXES[sobject]!r}, 7).")
        self._keep(sobject, record_id_, said)

    def dump(self) -> dict[str, Any]:
        return {sobject: list(records.values()) for sobject, records in self.records.items()}

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        match kind:
            case "401":
                return Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid").answer()
            case "403_retry_after":
                return Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").answer()
            case "429":  # not Salesforce's own, but what a proxy before it answers
                refused = Refusal(429, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").answer()
                refused.headers["Retry-After"] = str(max(1, round(seconds)))
                return refused
            case "vanished":
                return Refusal(404, "NOT_FOUND", "The requested resource does not exist").answer()
            case "malformed":
                return HTMLResponse("<html><title>Salesforce is down for maintenance</title></html>")
            case _:
                return Refusal(503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable.").answer()

    # Sessions

    def log_in(self, key: str, secret: str) -> str:
        client = self.clients.get(key)
        if client is None or not secrets.compare_digest(client.secret, secret):
            raise LookupError
        session = f"00D{secrets.token_hex(20)}"
        self.sessions[session] = (client.username, self.world.clock.now() + SESSION)
        return session

    def authorize(self, request: Request) -> None:
        _, _, session = request.headers.get("authorization", "").partition(" ")
        username, ends = self.sessions.get(session, ("", self.world.clock.now()))
        if not username or ends <= self.world.clock.now():
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.world.actor != "somebody else":
            self.world.actor = username

    # Records

    def _new_id(self, sobject: str) -> str:
        return record_id(PREFIXES[sobject], next(self._numbers))

    def _keep(self, sobject: str, record_id_: str, values: Mapping[str, Any]) -> Record:
        now = stamp(self.world.clock.now())
        blank: Record = {field.name: False if field.type == "boolean" else None for field in OBJECTS[sobject]}
        record = self.records[sobject].setdefault(record_id_, blank | {"Id": record_id_, "CreatedDate": now})
        record.update(values)
        record.update({"LastModifiedDate": now, "SystemModstamp": now})
        if sobject == "Opportunity":
            stage = record["StageName"]
            closed = str(stage).startswith("Closed")
            record.update({"IsClosed": closed, "IsWon": stage == "Closed won", "Probability": STAGES.get(stage, 0)})
        if "OwnerId" in record and not record["OwnerId"]:
            record["OwnerId"] = next(iter(self.records["User"]), None)
        return record

    def get(self, sobject: str, record_id_: str) -> Record:
        if not re.fullmatch(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", record_id_):
            raise Refusal(400, "MALFORMED_ID", f"malformed id {record_id_}")
        try:
            return self.records[sobject][complete_id(record_id_[:15])]
        except KeyError:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist") from None

    def create(self, sobject: str, values: Mapping[str, Any], *, allow_duplicates: bool = False) -> Record:
        self._check_fields(sobject, values)
        missing = [field.name for field in OBJECTS[sobject] if _is_missing(field, values)]
        if missing:
            listed = ", ".join(missing)
            raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", missing)
        self._check_rules(sobject, values, None)
        if not allow_duplicates:
            self._check_duplicates(sobject, values)
        record = self._keep(sobject, self._new_id(sobject), values)
        self.world.record("salesforce", f"create {sobject.lower()}", f"{sobject} {record['Id']}", **values)
        return record

    def update(self, sobject: str, record: Record, values: Mapping[str, Any]) -> None:
        self._check_fields(sobject, values)
        changed = {name: value for name, value in values.items() if record.get(name) != value}
        self._check_rules(sobject, {**record, **values}, record["Id"])
        if changed:
            self._keep(sobject, record["Id"], changed)
            self.world.record("salesforce", f"update {sobject.lower()}", f"{sobject} {record['Id']}", **changed)

    def delete(self, sobject: str, record: Record) -> None:
        del self.records[sobject][record["Id"]]
        self.world.record("salesforce", f"delete {sobject.lower()}", f"{sobject} {record['Id']}")

    def by_external_id(self, sobject: str, name: str, value: str) -> list[Record]:
        field = self.field(sobject, name)
        if not field.unique:
            raise Refusal(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")
        return [record for record in self.records[sobject].values() if _same(record[field.name], value)]

    def field(self, sobject: str, name: str) -> Field:
        for field in OBJECTS[sobject]:
            if field.name.lower() == name.lower():
                return field
        raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")

    def _check_fields(self, sobject: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            field = self.field(sobject, name)
            if not field.writable:
                message = f"Unable to create/update fields: {name}. Please check the security settings of this field."
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [name])
            if value is not None:
                self._check_value(field, value)

    def _check_value(self, field: Field, value: Any) -> None:
        if field.picklist and value not in field.picklist:
            message = f"{field.described()['label']}: bad value for restricted picklist field: {value}"
            raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])
        if field.type in {"string", "url", "email", "phone", "textarea"}:
            if not isinstance(value, str):
                raise Refusal(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of string from {value}")
            if len(value) > field.length:
                label = field.described()["label"]
                message = f"{label}: data value too large: {value} (max length={field.length})"
                raise Refusal(400, "STRING_TOO_LONG", message, [field.name])
        if field.type in {"currency", "int", "percent"} and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise Refusal(
                400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of double from VALUE_STRING value {value}"
            )
        if field.type == "date" and not _is_date(value):
            raise Refusal(
                400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of date from VALUE_STRING value {value}"
            )
        if field.reference and str(value)[:15] not in {each[:15] for each in self.records[field.reference]}:
            message = f"{field.name}: id value of incorrect type or of a record that does not exist: {value}"
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", message, [field.name])

    def _check_rules(self, sobject: str, values: Mapping[str, Any], own_id: str | None) -> None:
        for rule in self.validation_rules:
            if rule.sobject == sobject and rule.breaks(values):
                raise Refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.fields)
        for field in OBJECTS[sobject]:
            value = values.get(field.name)
            if not field.unique or value is None:
                continue
            for other in self.by_external_id(sobject, field.name, value):
                if other["Id"] != own_id:
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {other['Id']}"
                    raise Refusal(400, "DUPLICATE_VALUE", message)

    def _check_duplicates(self, sobject: str, values: Mapping[str, Any]) -> None:
        for rule_object, fields in self.duplicate_rules:
            if rule_object != sobject:
                continue
            for other in self.records[sobject].values():
                if all(values.get(field) and _same(other.get(field), values[field]) for field in fields):
                    found = {"matchResults": [{"matchRecords": [{"record": {"Id": other["Id"]}}]}]}
                    message = "Use one of these records?"
                    raise Refusal(400, "DUPLICATES_DETECTED", message, duplicateResult=found)

    # Queries

    def query(self, soql: str) -> tuple[Query, list[Record]]:
        try:
            query = Reader(soql, self.world.clock.now(), self.value_of).read()
        except MalformedQuery as problem:
            raise Refusal(400, "MALFORMED_QUERY", str(problem)) from None
        sobject = next((each for each in OBJECTS if each.lower() == query.sobject.lower()), None)
        if sobject is None:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{query.sobject}' is not supported.")
        for path in query.used:
            self._check_path(sobject, path)
        found = [record for record in self.records[sobject].values() if query.condition(record)]
        for field, descending, nulls_last in reversed(query.order):
            found.sort(
                key=lambda record: _sort_key(self.value_of(record, field), descending, nulls_last), reverse=descending
            )
        end = None if query.limit is None else query.offset + query.limit
        return query, [self._selected(sobject, record, query.fields) for record in found[query.offset : end]]

    def _check_path(self, sobject: str, path: str) -> None:
        *parents, name = path.split(".")
        for parent in parents:
            sobject = self.field(sobject, f"{parent}Id").reference
        try:
            self.field(sobject, name)
        except Refusal:
            message = (
                f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure "
                "to append the '__c' after the custom field name."
            )
            raise Refusal(400, "INVALID_FIELD", message) from None

    def value_of(self, record: Mapping[str, Any], path: str) -> Any:
        """Gives a field's value, through parents such as Owner.Name."""
        head, dot, rest = path.partition(".")
        if not dot:
            return next((value for name, value in record.items() if name.lower() == head.lower()), None)
        parent_id = self.value_of(record, f"{head}Id")
        parents = (records[parent_id] for records in self.records.values() if parent_id in records)
        parent = next(parents, None)
        return self.value_of(parent, rest) if parent else None

    def _selected(self, sobject: str, record: Record, fields: Sequence[str]) -> Record:
        chosen: Record = {
            "attributes": {"type": sobject, "url": f"/services/data/v64.0/sobjects/{sobject}/{record['Id']}"}
        }
        for path in fields:
            head, dot, rest = path.partition(".")
            if not dot:
                chosen[self.field(sobject, head).name] = self.value_of(record, head)
            elif self.value_of(record, f"{head}Id"):
                chosen.setdefault(head, {})[rest] = self.value_of(record, path)
            else:
                chosen[head] = None
        return chosen


SEED: dict[str, Any] = {
    "clients": [{"consumer_key", "consumer_secret", "username"}],
    "users": ...,
    "accounts": ...,
    "contacts": ...,
    "opportunities": ...,
    "validation_rules": [{"object", "name", "when", "message", "fields"}],
    "duplicate_rules": [{"object", "name", "fields"}],
}
TABLES = {"users": "User", "accounts": "Account", "contacts": "Contact", "opportunities": "Opportunity"}


def _is_missing(field: Field, values: Mapping[str, Any]) -> bool:
    return field.required and field.writable and not field.defaulted and values.get(field.name) in (None, "")


def _same(one: Any, other: Any) -> bool:
    return str(one).casefold() == str(other).casefold() if one is not None else False


def _sort_key(value: Any, descending: bool, nulls_last: bool) -> tuple[int, Any]:
    present = value is not None
    rank = (1 if present else 0) if nulls_last is descending else (0 if present else 1)
    return rank, (value.casefold() if isinstance(value, str) else value) if present else 0


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class Paths:
    """The HTTP side."""

    def __init__(self, service: Salesforce) -> None:
        self.service = service

    def routes(self) -> list[BaseRoute]:
        data = "/services/data/v{version}"
        record = f"{data}/sobjects/{{sobject}}/{{id}}"
        table = [
            (f"{data}/query", self.query, ["GET"]),
            (f"{data}/query/", self.query, ["GET"]),
            (f"{data}/query/{{cursor}}", self.more, ["GET"]),
            (f"{data}/limits", self.limits, ["GET"]),
            (f"{data}/sobjects", self.sobjects, ["GET"]),
            (f"{data}/sobjects/{{sobject}}/describe", self.describe, ["GET"]),
            (f"{data}/sobjects/{{sobject}}", self.create, ["POST"]),
            (f"{data}/sobjects/{{sobject}}/", self.create, ["POST"]),
            (record, self.read, ["GET"]),
            (record, self.update, ["PATCH"]),
            (record, self.delete, ["DELETE"]),
            (f"{data}/sobjects/{{sobject}}/{{field}}/{{value:path}}", self.read_external, ["GET"]),
            (f"{data}/sobjects/{{sobject}}/{{field}}/{{value:path}}", self.upsert, ["PATCH"]),
        ]
        return [
            Route("/services/oauth2/token", self.token, methods=["POST"]),
            *(Route(path, self._endpoint(handler), methods=methods) for path, handler, methods in table),
            Route("/lightning/r/{sobject}/{id}/view", self.page),
        ]

    def _endpoint(self, handler: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            service = self.service
            actor = service.world.actor
            try:
                version = request.path_params["version"].partition(".")[0]
                if not version.isdigit() or int(version) not in VERSIONS:
                    raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
                service.authorize(request)
                answer: Response = await handler(request)
            finally:
                service.world.actor = actor
            answer.headers["Sforce-Limit-Info"] = "api-usage=18/100000"
            return answer

        return endpoint

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        key, secret = _client_of(request, form)
        if form.get("grant_type") != "client_credentials":
            return JSONResponse(
                {"error": "unsupported_grant_type", "error_description": "grant type not supported"}, 400
            )
        try:
            session = self.service.log_in(key, secret)
        except LookupError:
            return JSONResponse({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        return JSONResponse(
            {
                "access_token": session,
                "instance_url": "https://sandbox.my.salesforce.com",
                "id": "https://login.salesforce.com/id/00D000000000001/005000000000001",
                "token_type": "Bearer",
                "issued_at": str(int(self.service.world.clock.now().timestamp() * 1000)),
                "signature": "",
            }
        )

    def _sobject(self, request: Request) -> str:
        wanted = request.path_params["sobject"]
        found = next((each for each in OBJECTS if each.lower() == wanted.lower()), None)
        if found is None:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    async def query(self, request: Request) -> Response:
        query, found = self.service.query(request.query_params.get("q", ""))
        if query.counts:
            return JSONResponse({"totalSize": len(found), "done": True, "records": []})
        return self._page(request, found, 0, len(found))

    def _page(self, request: Request, found: list[Record], start: int, total: int) -> Response:
        rest, body = found[PAGE:], {"totalSize": total, "done": True, "records": found[:PAGE]}
        if rest:
            cursor = f"01g{secrets.token_hex(8)}-{start + PAGE}"
            self.service.cursors[cursor] = (str(total), rest)
            version = request.path_params["version"]
            body |= {"done": False, "nextRecordsUrl": f"/services/data/v{version}/query/{cursor}"}
        return JSONResponse(body)

    async def more(self, request: Request) -> Response:
        cursor = request.path_params["cursor"]
        if cursor not in self.service.cursors:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        total, found = self.service.cursors.pop(cursor)
        return self._page(request, found, int(cursor.rpartition("-")[2]), int(total))

    async def limits(self, _: Request) -> Response:
        return JSONResponse({"DailyApiRequests": {"Max": 100_000, "Remaining": 99_982}})

    async def sobjects(self, _: Request) -> Response:
        return JSONResponse({"sobjects": [{"name": name, "keyPrefix": PREFIXES[name]} for name in OBJECTS]})

    async def describe(self, request: Request) -> Response:
        sobject = self._sobject(request)
        return JSONResponse({"name": sobject, "fields": [field.described() for field in OBJECTS[sobject]]})

    async def create(self, request: Request) -> Response:
        allow = "allowsave=true" in request.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")
        record = self.service.create(self._sobject(request), await _said(request), allow_duplicates=allow)
        return JSONResponse({"id": record["Id"], "success": True, "errors": []}, 201)

    async def read(self, request: Request) -> Response:
        sobject = self._sobject(request)
        record = self.service.get(sobject, request.path_params["id"])
        wanted = request.query_params.get("fields")
        if not wanted:
            return JSONResponse(record)
        names = [self.service.field(sobject, name.strip()).name for name in wanted.split(",")]
        return JSONResponse({name: record[name] for name in names})

    async def update(self, request: Request) -> Response:
        sobject = self._sobject(request)
        record = self.service.get(sobject, request.path_params["id"])
        self.service.update(sobject, record, await _said(request))
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        sobject = self._sobject(request)
        self.service.delete(sobject, self.service.get(sobject, request.path_params["id"]))
        return Response(status_code=204)

    def _external(self, request: Request) -> tuple[str, list[Record]]:
        sobject = self._sobject(request)
        return sobject, self.service.by_external_id(sobject, request.path_params["field"], request.path_params["value"])

    async def read_external(self, request: Request) -> Response:
        _, found = self._external(request)
        if not found:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return JSONResponse(found[0])

    async def upsert(self, request: Request) -> Response:
        sobject, found = self._external(request)
        values = await _said(request)
        if len(found) > 1:
            return JSONResponse([record["Id"] for record in found], 300)
        if found:
            self.service.update(sobject, found[0], values)
            return JSONResponse({"id": found[0]["Id"], "success": True, "errors": [], "created": False})
        keyed = {**values, request.path_params["field"]: request.path_params["value"]}
        record = self.service.create(sobject, keyed)
        return JSONResponse({"id": record["Id"], "success": True, "errors": [], "created": True}, 201)

    async def page(self, request: Request) -> Response:
        """Gives what a person sees who follows a link to a record. It needs no session."""
        record = self.service.get(self._sobject(request), request.path_params["id"])
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in record.items()
            if value not in (None, "")
        )
        title = html.escape(str(record.get("Name", record["Id"])))
        style = (
            "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}"
            "th{text-align:left;padding-right:2em}"
        )
        return HTMLResponse(
            f"<!DOCTYPE html><title>{title}</title><style>{style}</style><h1>{title}</h1><table>{rows}</table>"
        )


def _client_of(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        key, _, secret = base64.b64decode(encoded).decode().partition(":")
        return key, secret
    return form.get("client_id", ""), form.get("client_secret", "")


async def _said(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refusal(
            400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has none."
        ) from None
    if not isinstance(body, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "The HTTP entity body must be an object.")
    return body  # type: ignore[no-any-return]


def create(world: World) -> tuple[Salesforce, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Salesforce(world)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return error.answer()

    return service, Starlette(routes=Paths(service).routes(), exception_handlers={Refusal: refused})
