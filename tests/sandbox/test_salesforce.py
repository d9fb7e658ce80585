"""Salesforce's stand-in, as simple-salesforce meets it over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import jwt
import pytest
import requests
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql
from simple_salesforce.login import SalesforceLogin
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox import salesforce
from sandbox.salesforce import record_id
from sandbox.salesforce_objects import complete_id, full_id
from sandbox.world import World
from tests.conftest import free_port

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # a Monday, 10:00 in Los Angeles
USERNAME = "handbook-flows@fleetdm.com"
CSM, LEFT = record_id("005", 1), record_id("005", 2)
NORTHWIND, LARKSPUR = record_id("001", 1), record_id("001", 2)
RENEWAL = record_id("006", 1)
SEED: dict[str, Any] = {
    "clients": [{"consumer_key": "key", "consumer_secret": "secret", "username": USERNAME}],
    "users": [
        {"Id": CSM, "Name": "Customer Success Manager", "Username": "csm@fleetdm.com", "Email": "csm@fleetdm.com"},
        {"Id": LEFT, "Name": "Former Colleague", "Username": "left@fleetdm.com", "IsActive": False},
    ],
    "accounts": [
        {"Id": NORTHWIND, "Name": "Northwind Traders", "Type": "Customer", "OwnerId": CSM, "NumberOfEmployees": 700},
        {"Id": LARKSPUR, "Name": "Larkspur Freight", "OwnerId": CSM},
    ],
    "opportunities": [
        {
            "Id": RENEWAL,
            "Name": "NorthwindTraders_FleetPremium_Renewal_Q12027",
            "AccountId": NORTHWIND,
            "Type": "Renewal",
            "StageName": "PoV (Proof of Value)",
            "CloseDate": "2027-01-15",
            "Product__c": "Fleet Premium",
            "Flow_Key__c": "renewal:1",
            "Amount": 42_000,
        }
    ],
}
EXPANSION: dict[str, Any] = {
    "Name": "NorthwindTraders_FleetPremium_HostExpansion_Q12027",
    "AccountId": NORTHWIND,
    "Type": "Expansion",
    "StageName": "Discovery",
    "CloseDate": "2027-02-15",
    "Product__c": "Fleet Premium",
    "NextStep": "Agree on the number of hosts",
    "Next_step_date__c": "2026-12-01",
}
RULES: dict[str, Any] = {
    "validation_rules": [
        {
            "object": "Opportunity",
            "name": "Next_step_to_come",
            "when": {"Type": "Expansion", "Next_step_date__c": {"before": "today"}},
            "message": "The date of the next step must not be over.",
            "fields": ["Next_step_date__c"],
        },
        {
            "object": "Opportunity",
            "name": "Next_step_given",
            "when": {"Type": "Expansion", "Next_step_date__c": None},
            "message": "An expansion needs a date of its next step.",
            "fields": ["Next_step_date__c"],
        },
        {
            "object": "Opportunity",
            "name": "Expansion_name",
            "when": {
                "Type": {"is": "Expansion"},
                "Name": {"does_not_match": r"[0-9A-Za-z]+_[0-9A-Za-z]+_[A-Za-z]*Expansion_Q[1-4]\d{4}"},
            },
            "message": "Name it CustomerName_FleetProduct_Expansion_QuarterDue.",
        },
    ]
}
SAME_NAME = {"object": "Opportunity", "name": "Same_name", "fields": ["AccountId", "Name"]}


class Wire(HTTPAdapter):
    """Leads what simple-salesforce sends to https://<anything>/path to the sandbox, and keeps the last answer."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        path = f"{self.url.path}{asked.path}"
        request.url = urlunsplit((self.url.scheme, self.url.netloc, path, asked.query, ""))
        kwargs["timeout"] = (3, 10)
        self.last = super().send(request, *args, **kwargs)
        return self.last


@dataclass
class Org:
    """The stand-in behind its port, and a client that has logged in."""

    url: str
    world: World
    service: salesforce.Salesforce
    version: str = "64.0"
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def start(self) -> None:
        self.world.reset()
        self.service.reset()
        self.world.clock.set(NOW, frozen=True)
        self.service.load(SEED)
        self.version = "64.0"
        self.log_in()

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        self.wire = Wire(self.url)
        session.mount("https://", self.wire)
        return session

    def log_in(self) -> None:
        self.sf = Salesforce(
            consumer_key="key", consumer_secret="secret", domain="acme.my", version="64.0", session=self.session()
        )
        self.headers = {"Authorization": f"Bearer {self.sf.session_id}"}

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Sends a request by hand."""
        url = f"{self.url}/services/data/v{self.version}{path}"
        return requests.request(method, url, json=body, headers={**self.headers, **(headers or {})}, timeout=10)

    def refused(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Refused:
        """Sends a request that must be refused, and gives the answer's first error."""
        answer = self.call(method, path, body, headers)
        assert answer.status_code >= 400, answer.text
        (error,) = answer.json()
        return Refused(answer.status_code, error["errorCode"], error["message"], error.get("fields"), error)

    def rows(self, soql: str, *values: object) -> list[dict[str, Any]]:
        """Runs SOQL whose `{}` are filled with quoted values, and `{:literal}` with parts of the query."""
        return cast("list[dict[str, Any]]", self.sf.query_all(format_soql(soql, *values))["records"])

    def names(self, soql: str, *values: object) -> list[Any]:
        return [row["Name"] for row in self.rows(soql, *values)]

    def malformed(self, soql: str) -> Refused:
        answer = requests.get(
            f"{self.url}/services/data/v64.0/query/", params={"q": soql}, headers=self.headers, timeout=10
        )
        (error,) = answer.json()
        return Refused(answer.status_code, error["errorCode"], error["message"], error.get("fields"), error)

    def effects(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(each.action, each.target, dict(each.detail)) for each in self.world.effects]


@dataclass(frozen=True)
class Refused:
    status: int
    code: str
    message: str
    fields: list[str] | None
    error: dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Org]:
    """The stand-in on a port of its own, once for all tests."""
    port = free_port()
    world = World(public_url=f"http://127.0.0.1:{port}")
    service, app = salesforce.create(world)
    world.services[service.name] = service
    mounted = Starlette(routes=[Mount("/salesforce", app)])
    uvicorn_server = uvicorn.Server(uvicorn.Config(mounted, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=uvicorn_server.run, daemon=True)
    thread.start()
    while not uvicorn_server.started:
        assert thread.is_alive(), "The server has ended at its start."
        time.sleep(0.01)
    yield Org(f"http://127.0.0.1:{port}/salesforce", world, service)
    uvicorn_server.should_exit = True
    thread.join(timeout=5)


@pytest.fixture
def org(server: Org) -> Org:
    server.start()
    return server


# -- logging in


def test_a_client_logs_in_with_its_secret_and_works(org: Org) -> None:
    assert org.sf.sf_instance == "sandbox.my.salesforce.com"
    assert org.names("SELECT Name FROM Account WHERE Id = {}", NORTHWIND) == ["Northwind Traders"]


def test_a_token_comes_signed_and_says_who_it_is_for(org: Org) -> None:
    form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
    told = requests.post(f"{org.url}/services/oauth2/token", data=form, timeout=10).json()
    user = org.rows("SELECT Id FROM User WHERE Username = {}", USERNAME)[0]["Id"]
    signature = hmac.digest(b"secret", f"{told['id']}{told['issued_at']}".encode(), hashlib.sha256)
    assert base64.b64decode(told["signature"]) == signature
    assert told["id"].endswith(f"/{user}")
    assert (told["token_type"], told["issued_at"]) == ("Bearer", str(int(NOW.timestamp() * 1000)))
    assert told["instance_url"] == "https://sandbox.my.salesforce.com"


@pytest.mark.parametrize(
    ("form", "authorization", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "key", "client_secret": "wrong"}, "", "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "other", "client_secret": "secret"}, "", "invalid_client"),
        ({"grant_type": "client_credentials"}, "Basic a", "invalid_client"),
        ({"grant_type": "client_credentials"}, "Basic a2V5Ondyb25n", "invalid_client"),
        ({"grant_type": "client_credentials"}, "", "invalid_client"),
        ({"grant_type": "password", "client_id": "key", "client_secret": "secret"}, "", "unsupported_grant_type"),
    ],
)
def test_whoever_cant_prove_who_they_are_gets_no_token(
    org: Org, form: dict[str, str], authorization: str, error: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = requests.post(f"{org.url}/services/oauth2/token", data=form, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_a_session_ends_after_two_hours_of_the_worlds_clock(org: Org) -> None:
    org.world.clock.advance(timedelta(hours=2, seconds=-1))
    assert org.call("GET", "/limits").status_code == 200
    org.world.clock.advance(timedelta(seconds=1))
    refused = org.refused("GET", "/limits")
    assert (refused.status, refused.code) == (401, "INVALID_SESSION_ID")
    assert org.sf.query("SELECT COUNT() FROM Account")["totalSize"] == 2, "simple-salesforce logs in again by itself"


def test_an_unknown_session_is_turned_away(org: Org) -> None:
    refused = org.refused("GET", "/limits", headers={"Authorization": "Bearer 00Dsomebody"})
    assert (refused.status, refused.code) == (401, "INVALID_SESSION_ID")
    assert refused.message == "Session expired or invalid"


def key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_a_client_logs_in_with_what_its_private_key_signed(org: Org) -> None:
    private, public = key_pair()
    org.service.load({"clients": [{**SEED["clients"][0], "public_key": public}]})
    session, instance = SalesforceLogin(
        username=USERNAME, consumer_key="key", privatekey=private, domain="login", session=org.session()
    )
    assert instance == "sandbox.my.salesforce.com"
    assert org.call("GET", "/limits", headers={"Authorization": f"Bearer {session}"}).status_code == 200


def test_a_signed_text_for_another_user_gives_no_session(org: Org) -> None:
    private, public = key_pair()
    org.service.load({"clients": [{**SEED["clients"][0], "public_key": public}]})
    with pytest.warns(UserWarning, match="authorize"), pytest.raises(SalesforceAuthenticationFailed, match="approved"):
        SalesforceLogin(username="csm@fleetdm.com", consumer_key="key", privatekey=private, session=org.session())


def test_a_signed_text_of_an_unknown_client_gives_no_session(org: Org) -> None:
    private, _ = key_pair()
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        SalesforceLogin(username=USERNAME, consumer_key="other", privatekey=private, session=org.session())


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": 1}, "invalid assertion"),
        ({"aud": "https://example.com"}, "audience is invalid"),
        ({"sub": None}, "invalid assertion"),
    ],
    ids=["that is over", "for another service", "for nobody"],
)
def test_a_signed_text_gives_no_session(org: Org, claims: dict[str, Any], error: str) -> None:
    private, public = key_pair()
    org.service.load({"clients": [{**SEED["clients"][0], "public_key": public}]})
    good = {"iss": "key", "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": int(time.time()) + 180}
    told = {name: value for name, value in {**good, **claims}.items() if value is not None}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": jwt.encode(told, private, algorithm="RS256"),
    }
    answer = requests.post(f"{org.url}/services/oauth2/token", data=form, timeout=10)
    assert (answer.status_code, answer.json()["error_description"]) == (400, error)


@pytest.mark.parametrize("known", [True, False], ids=["another key pair", "no key on file"])
def test_a_text_signed_with_a_key_that_salesforce_doesnt_know_gives_no_session(org: Org, known: bool) -> None:
    private, _ = key_pair()
    public = key_pair()[1] if known else ""
    org.service.load({"clients": [{**SEED["clients"][0], "public_key": public}]})
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid assertion"):
        SalesforceLogin(username=USERNAME, consumer_key="key", privatekey=private, session=org.session())


# -- versions, objects, limits


def test_the_versions_are_listed_for_everybody(org: Org) -> None:
    versions = requests.get(f"{org.url}/services/data", timeout=10).json()
    assert versions[0] == {"label": "Winter '21", "url": "/services/data/v50.0", "version": "50.0"}
    assert versions[-1]["label"] == "Summer '25"


@pytest.mark.parametrize(
    ("version", "status"), [("49.0", 404), ("50.0", 200), ("64.0", 200), ("65.0", 404), ("59.5", 404)]
)
def test_versions_50_to_64_are_spoken(org: Org, version: str, status: int) -> None:
    org.version = version
    assert org.call("GET", "/limits").status_code == status


def test_every_answer_counts_the_days_calls(org: Org) -> None:
    first = org.call("GET", "/limits").headers["Sforce-Limit-Info"]
    second = org.call("GET", "/sobjects/Account/nothing").headers["Sforce-Limit-Info"]
    assert (first, second) == ("api-usage=1/100000", "api-usage=2/100000")
    assert org.call("GET", "/limits").json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_997}


def test_describe_names_what_an_opportunity_needs(org: Org) -> None:
    described = cast("dict[str, Any]", org.sf.Opportunity.describe())  # pyright: ignore[reportCallIssue]
    fields = {each["name"]: each for each in described["fields"]}
    required = {
        name
        for name, each in fields.items()
        if each["createable"] and not each["nillable"] and not each["defaultedOnCreate"]
    }
    assert required == {"Name", "StageName", "CloseDate", "Product__c"}
    assert described["keyPrefix"] == "006"
    key = fields["Flow_Key__c"]
    assert (key["externalId"], key["unique"], key["type"], key["length"]) == (True, True, "string", 255)
    assert fields["IsClosed"]["calculated"]
    assert not fields["IsClosed"]["createable"]
    assert fields["Type"]["picklistValues"][-1] == {
        "active": True,
        "defaultValue": False,
        "label": "Expansion",
        "validFor": None,
        "value": "Expansion",
    }
    assert fields["OwnerId"]["referenceTo"] == ["User"]


def test_describe_lists_an_accounts_children(org: Org) -> None:
    children = org.call("GET", "/sobjects/Account/describe").json()["childRelationships"]
    assert {each["relationshipName"]: each["childSObject"] for each in children} == {
        "Contacts": "Contact",
        "Opportunities": "Opportunity",
    }


def test_the_objects_are_listed(org: Org) -> None:
    listed = org.sf.describe()
    assert listed is not None
    assert {each["name"]: each["keyPrefix"] for each in listed["sobjects"]} == {
        "User": "005",
        "Account": "001",
        "Contact": "003",
        "Opportunity": "006",
    }
    assert org.call("GET", "/sobjects/Account").json()["objectDescribe"]["name"] == "Account"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/sobjects/Lead/describe", 404, "NOT_FOUND"),
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("PUT", "/sobjects/Account", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_isnt_there_is_refused(org: Org, method: str, path: str, status: int, code: str) -> None:
    refused = org.refused(method, path)
    assert (refused.status, refused.code) == (status, code)


# -- records


def test_a_record_is_created_read_changed_and_deleted(org: Org) -> None:
    made = org.sf.Account.create({"Name": "Thistle Bank", "GitHub_label__c": "customer-hebe"})  # pyright: ignore
    own_id = cast("dict[str, Any]", made)["id"]
    assert own_id.startswith("001")
    assert len(own_id) == 18
    org.world.clock.advance(timedelta(minutes=5))
    assert org.call("PATCH", f"/sobjects/Account/{own_id}", {"Industry": "Banking"}).status_code == 204
    held = org.call("GET", f"/sobjects/Account/{own_id}").json()
    assert held["attributes"] == {"type": "Account", "url": f"/services/data/v64.0/sobjects/Account/{own_id}"}
    assert (held["Name"], held["Industry"], held["Managed_cloud__c"], held["Website"]) == (
        "Thistle Bank",
        "Banking",
        False,
        None,
    )
    assert (held["CreatedDate"], held["LastModifiedDate"], held["SystemModstamp"]) == (
        "2026-11-23T18:00:00.000+0000",
        "2026-11-23T18:05:00.000+0000",
        "2026-11-23T18:05:00.000+0000",
    )
    assert org.call("DELETE", f"/sobjects/Account/{own_id}").status_code == 204
    refused = org.refused("GET", f"/sobjects/Account/{own_id}")
    assert (refused.status, refused.code, refused.message) == (404, "ENTITY_IS_DELETED", "entity is deleted")


def test_a_new_record_belongs_to_who_created_it(org: Org) -> None:
    own_id = org.call("POST", "/sobjects/Account", {"Name": "Thistle Bank"}).json()["id"]
    (row,) = org.rows("SELECT Owner.Username FROM Account WHERE Id = {}", own_id)
    assert row["Owner"]["Username"] == USERNAME


def test_a_created_records_address_is_told(org: Org) -> None:
    answer = org.call("POST", "/sobjects/Account", {"Name": "Thistle Bank"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/services/data/v64.0/sobjects/Account/{answer.json()['id']}"
    assert answer.json() == {"id": answer.json()["id"], "success": True, "errors": []}


def test_only_the_fields_asked_for_are_given(org: Org) -> None:
    held = org.call("GET", f"/sobjects/Account/{NORTHWIND}?fields=Name,github_LABEL__c").json()
    assert set(held) == {"attributes", "Id", "Name", "GitHub_label__c"}
    refused = org.refused("GET", f"/sobjects/Account/{NORTHWIND}?fields=Nmae")
    assert (refused.code, refused.message) == ("INVALID_FIELD", "No such column 'Nmae' on sobject of type Account")


def test_an_id_of_15_characters_is_as_good_as_its_18(org: Org) -> None:
    assert org.call("GET", f"/sobjects/Account/{NORTHWIND[:15]}").json()["Id"] == NORTHWIND
    assert org.names("SELECT Name FROM Account WHERE Id = {}", NORTHWIND[:15]) == ["Northwind Traders"]
    own_id = org.call("POST", "/sobjects/Contact", {"LastName": "Ash", "AccountId": NORTHWIND[:15]}).json()["id"]
    assert org.call("GET", f"/sobjects/Contact/{own_id}").json()["AccountId"] == NORTHWIND


@pytest.mark.parametrize(
    ("own_id", "status", "code"),
    [
        ("short", 400, "MALFORMED_ID"),
        (f"{NORTHWIND[:15]}AAA", 400, "MALFORMED_ID"),
        (record_id("001", 999), 404, "NOT_FOUND"),
        (RENEWAL, 404, "NOT_FOUND"),
    ],
    ids=["no id", "wrong check characters", "nobody's id", "another object's id"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_leads_nowhere_is_refused(org: Org, method: str, own_id: str, status: int, code: str) -> None:
    refused = org.refused(method, f"/sobjects/Account/{own_id}", {"Industry": "Banking"})
    assert (refused.status, refused.code) == (status, code)
    assert org.effects() == []


REFUSED_VALUES: dict[str, tuple[dict[str, Any], str, str, list[str] | None]] = {
    "an unknown field": (
        {"Nmae": "x"},
        "INVALID_FIELD",
        "No such column 'Nmae' on sobject of type Opportunity",
        None,
    ),
    "a required field left empty": (
        {"CloseDate": None},
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [CloseDate]",
        ["CloseDate"],
    ),
    "a required field of blanks": (
        {"Name": "  "},
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Name]",
        ["Name"],
    ),
    "a stage that isn't in the list": (
        {"StageName": "Stage 3 - Requested POV"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Stage: bad value for restricted picklist field: Stage 3 - Requested POV",
        ["StageName"],
    ),
    "a name of 121 characters": (
        {"Name": "x" * 121},
        "STRING_TOO_LONG",
        f"Opportunity Name: data value too large: {'x' * 121} (max length=120)",
        ["Name"],
    ),
    "a date in words": (
        {"CloseDate": "next week"},
        "JSON_PARSER_ERROR",
        "Cannot deserialize instance of date from VALUE_STRING value next week or request may be missing a required "
        "field at [line:1, column:2]",
        None,
    ),
    "a day that there isn't": (
        {"CloseDate": "2027-02-30"},
        "JSON_PARSER_ERROR",
        "Cannot deserialize instance of date from VALUE_STRING value 2027-02-30 or request may be missing a required "
        "field at [line:1, column:2]",
        None,
    ),
    "an amount in words": (
        {"Amount": "a lot"},
        "JSON_PARSER_ERROR",
        "Cannot deserialize instance of currency from VALUE_STRING value a lot or request may be missing a required "
        "field at [line:1, column:2]",
        None,
    ),
    "a number for a text": (
        {"NextStep": 7},
        "JSON_PARSER_ERROR",
        "Cannot deserialize instance of string from VALUE_NUMBER_INT value 7 or request may be missing a required "
        "field at [line:1, column:2]",
        None,
    ),
    "a word for a checkbox": (
        {"AE_assigned__c": "yes"},
        "JSON_PARSER_ERROR",
        "Cannot deserialize instance of boolean from VALUE_STRING value yes or request may be missing a required "
        "field at [line:1, column:2]",
        None,
    ),
    "nothing for a checkbox": (
        {"AE_assigned__c": None},
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "AE assigned: value not of required type: ",
        ["AE_assigned__c"],
    ),
    "a calculated field": (
        {"IsWon": True},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: IsWon. Please check the security settings of this field and verify that it "
        "is read/write for your profile or permission set.",
        ["IsWon"],
    ),
    "an id in the body": (
        {"Id": RENEWAL},
        "INVALID_FIELD",
        "The Id field should not be specified in the sobject data.",
        None,
    ),
    "an account's id that is none": (
        {"AccountId": "Northwind"},
        "MALFORMED_ID",
        "Account ID: id value of incorrect type: Northwind",
        ["AccountId"],
    ),
    "an owner's id for an account's": (
        {"AccountId": CSM},
        "MALFORMED_ID",
        f"Account ID: id value of incorrect type: {CSM}",
        ["AccountId"],
    ),
    "an account that there isn't": (
        {"AccountId": record_id("001", 999)},
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        f"insufficient access rights on cross-reference id: {record_id('001', 999)[:15]}",
        ["AccountId"],
    ),
    "an owner that there isn't": (
        {"OwnerId": record_id("005", 999)},
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
        [],
    ),
    "an owner who has left": (
        {"OwnerId": LEFT},
        "INACTIVE_OWNER_OR_USER",
        f"operation performed with inactive user [{LEFT[:15]}] as owner of opportunity",
        ["OwnerId"],
    ),
}


@pytest.mark.parametrize(("values", "code", "message", "fields"), REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_a_value_that_salesforce_doesnt_take_is_refused_in_its_words(
    org: Org, values: dict[str, Any], code: str, message: str, fields: list[str] | None
) -> None:
    for method, path, body in (
        ("POST", "/sobjects/Opportunity", {**EXPANSION, **values}),
        ("PATCH", f"/sobjects/Opportunity/{RENEWAL}", values),
    ):
        refused = org.refused(method, path, body)
        assert (refused.status, refused.code, refused.message, refused.fields) == (400, code, message, fields)
    assert org.effects() == []


@pytest.mark.parametrize(
    ("value", "token"),
    [(True, "VALUE_TRUE"), (1.5, "VALUE_NUMBER_FLOAT"), (["x"], "START_ARRAY"), ({"x": 1}, "START_OBJECT")],
)
def test_a_value_of_another_kind_is_named_as_the_parser_does(org: Org, value: Any, token: str) -> None:
    refused = org.refused("PATCH", f"/sobjects/Account/{NORTHWIND}", {"Industry": value})
    assert (refused.code, refused.message.split()[6]) == ("JSON_PARSER_ERROR", token)


def test_half_an_employee_is_refused(org: Org) -> None:
    refused = org.refused("PATCH", f"/sobjects/Account/{NORTHWIND}", {"NumberOfEmployees": 1.5})
    assert refused.message.startswith("Cannot deserialize instance of int from VALUE_NUMBER_FLOAT value 1.5")


def test_an_account_in_the_bin_gets_no_opportunities(org: Org) -> None:
    org.call("DELETE", f"/sobjects/Account/{LARKSPUR}")
    refused = org.refused("POST", "/sobjects/Opportunity", {**EXPANSION, "AccountId": LARKSPUR})
    assert (refused.status, refused.code, refused.message) == (400, "ENTITY_IS_DELETED", "entity is deleted")


def test_all_missing_fields_are_named_at_once(org: Org) -> None:
    refused = org.refused("POST", "/sobjects/Opportunity", {"Name": "x"})
    assert refused.message == "Required fields are missing: [StageName, CloseDate, Product__c]"
    assert refused.fields == ["StageName", "CloseDate", "Product__c"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The HTTP entity body is required, but this request has no entity body."),
        (b"{", "Unexpected character"),
        (b'{"Name": NaN}', "Unexpected character"),
        (b"[]", "START_ARRAY"),
    ],
)
def test_a_body_that_is_no_record_is_refused(org: Org, body: bytes, message: str) -> None:
    url = f"{org.url}/services/data/v64.0/sobjects/Account"
    answer = requests.post(url, data=body, headers=org.headers, timeout=10)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert message in answer.json()[0]["message"]


def test_an_address_that_is_no_address_is_refused(org: Org) -> None:
    refused = org.refused("POST", "/sobjects/Contact", {"LastName": "Ash", "Email": "ash at northwind"})
    assert (refused.code, refused.fields) == ("INVALID_EMAIL_ADDRESS", ["Email"])
    assert refused.message == "Email: invalid email address: ash at northwind"


def test_texts_are_trimmed_and_an_empty_one_is_nothing(org: Org) -> None:
    org.call("PATCH", f"/sobjects/Account/{NORTHWIND}", {"Industry": "  Trade ", "AccountNumber": ""})
    held = org.call("GET", f"/sobjects/Account/{NORTHWIND}").json()
    assert (held["Industry"], held["AccountNumber"]) == ("Trade", None)


def test_field_names_are_taken_in_any_capitals(org: Org) -> None:
    org.call("PATCH", f"/sobjects/account/{NORTHWIND}", {"github_label__C": "customer-hebe"})
    assert org.effects() == [("update account", f"Account {NORTHWIND}", {"GitHub_label__c": "customer-hebe"})]


def test_a_contacts_name_is_made_of_its_parts(org: Org) -> None:
    body = {"FirstName": "Robin", "LastName": "Ash", "AccountId": NORTHWIND, "Role__c": "Champion"}
    own_id = org.call("POST", "/sobjects/Contact", body).json()["id"]
    assert org.names("SELECT Name FROM Contact WHERE Id = {}", own_id) == ["Robin Ash"]


def test_users_are_neither_made_nor_removed_here(org: Org) -> None:
    assert org.refused("POST", "/sobjects/User", {}).code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert org.refused("DELETE", f"/sobjects/User/{CSM}").code == "METHOD_NOT_ALLOWED"
    assert org.refused("PATCH", f"/sobjects/User/{CSM}", {"Name": "x"}).code == "INVALID_FIELD_FOR_INSERT_UPDATE"


@pytest.mark.parametrize(
    ("stage", "probability", "closed", "won", "forecast"),
    [
        ("Meeting set", 0, False, False, "Pipeline"),
        ("Negotiation", 90, False, False, "Commit"),
        ("Closed won", 100, True, True, "Closed"),
        ("Closed lost", 0, True, False, "Omitted"),
    ],
)
def test_a_stage_says_how_likely_and_whether_closed(
    org: Org, stage: str, probability: int, closed: bool, won: bool, forecast: str
) -> None:
    org.call("PATCH", f"/sobjects/Opportunity/{RENEWAL}", {"StageName": stage})
    held = org.call("GET", f"/sobjects/Opportunity/{RENEWAL}").json()
    assert (held["Probability"], held["IsClosed"], held["IsWon"], held["ForecastCategoryName"]) == (
        probability,
        closed,
        won,
        forecast,
    )


def test_a_probability_given_with_the_stage_stays(org: Org) -> None:
    org.call("PATCH", f"/sobjects/Opportunity/{RENEWAL}", {"StageName": "Scope", "Probability": 33})
    org.call("PATCH", f"/sobjects/Opportunity/{RENEWAL}", {"StageName": "Scope", "NextStep": "Call"})
    assert org.call("GET", f"/sobjects/Opportunity/{RENEWAL}").json()["Probability"] == 33


# -- upsert by external id


def test_an_upsert_creates_once_and_then_updates(org: Org) -> None:
    path = "/sobjects/Opportunity/Flow_Key__c/expansion%3A7"
    first, second = org.call("PATCH", path, EXPANSION), org.call("PATCH", path, {**EXPANSION, "Amount": 9})
    assert (first.status_code, second.status_code) == (201, 200)
    own_id = first.json()["id"]
    assert first.json() == {"id": own_id, "success": True, "errors": [], "created": True}
    assert second.json() == {"id": own_id, "success": True, "errors": [], "created": False}
    assert [effect[0] for effect in org.effects()] == ["create opportunity", "update opportunity"]
    assert org.effects()[1][2] == {"Amount": 9}


def test_simple_salesforce_upserts_and_reads_by_a_key_with_a_slash(org: Org) -> None:
    key = format_external_id("Flow_Key__c", "sf/account:1 ä")
    made = org.sf.Opportunity.upsert(key, EXPANSION, raw_response=True)  # pyright: ignore
    assert cast("requests.Response", made).status_code == 201
    held = cast("dict[str, Any]", org.sf.Opportunity.get(key))  # pyright: ignore
    assert held["Flow_Key__c"] == "sf/account:1 ä"


def test_a_slash_that_isnt_encoded_leads_nowhere(org: Org) -> None:
    refused = org.refused("PATCH", "/sobjects/Opportunity/Flow_Key__c/sf/account", EXPANSION)
    assert (refused.status, refused.code) == (404, "NOT_FOUND")


def test_an_upsert_finds_its_key_in_any_capitals(org: Org) -> None:
    answer = org.call("PATCH", "/sobjects/Opportunity/flow_key__c/RENEWAL%3A1", {"NextStep": "Call"})
    assert (answer.status_code, answer.json()["id"]) == (200, RENEWAL)


def test_the_key_of_an_upsert_stands_in_the_address_only(org: Org) -> None:
    body = {**EXPANSION, "Flow_Key__c": "x"}
    refused = org.refused("PATCH", "/sobjects/Opportunity/Flow_Key__c/x", body)
    assert refused.message == "The Flow_Key__c field should not be specified in the sobject data."
    assert refused.code == "INVALID_FIELD"


def test_several_records_with_the_key_are_listed_not_changed(org: Org) -> None:
    for last_name in ("Ash", "Birch"):
        org.call("POST", "/sobjects/Contact", {"LastName": last_name, "Email": "office@northwind.example"})
    told = len(org.effects())
    answer = org.call("PATCH", "/sobjects/Contact/Email/office%40northwind.example", {"LastName": "Oak"})
    assert answer.status_code == 300
    assert [path.rpartition("/")[0] for path in answer.json()] == ["/services/data/v64.0/sobjects/Contact"] * 2
    with pytest.raises(SalesforceMoreThanOneRecord):
        org.sf.Contact.get_by_custom_id("Email", "office@northwind.example")  # pyright: ignore
    assert len(org.effects()) == told


@pytest.mark.parametrize("name", ["NextStep", "Nothing__c"])
def test_a_field_that_is_no_external_id_finds_nothing(org: Org, name: str) -> None:
    refused = org.refused("GET", f"/sobjects/Opportunity/{name}/x")
    assert (refused.status, refused.code) == (404, "NOT_FOUND")
    assert refused.message == f"Provided external ID field does not exist or is not accessible: {name}"


def test_an_unknown_key_is_not_found(org: Org) -> None:
    with pytest.raises(SalesforceResourceNotFound):
        org.sf.Opportunity.get_by_custom_id("Flow_Key__c", "nobody")  # pyright: ignore


def test_a_key_is_given_once(org: Org) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        org.sf.Opportunity.create({**EXPANSION, "Flow_Key__c": "Renewal:1"})  # pyright: ignore
    assert refused.value.status == 400
    assert refused.value.content == [
        {
            "message": f"duplicate value found: Flow_Key__c duplicates value on record with id: {RENEWAL[:15]}",
            "errorCode": "DUPLICATE_VALUE",
            "fields": [],
        }
    ]


# -- the org's rules


def test_an_expansion_without_fault_passes_the_orgs_rules(org: Org) -> None:
    org.service.load(RULES)
    assert org.call("POST", "/sobjects/Opportunity", EXPANSION).status_code == 201


@pytest.mark.parametrize(
    ("values", "message", "fields"),
    [
        ({"Next_step_date__c": "2026-11-22"}, "The date of the next step must not be over.", ["Next_step_date__c"]),
        ({"Next_step_date__c": None}, "An expansion needs a date of its next step.", ["Next_step_date__c"]),
        ({"Name": "Northwind more hosts"}, "Name it CustomerName_FleetProduct_Expansion_QuarterDue.", []),
    ],
)
def test_an_expansion_that_breaks_a_rule_is_refused_with_its_message(
    org: Org, values: dict[str, Any], message: str, fields: list[str]
) -> None:
    org.service.load(RULES)
    refused = org.refused("POST", "/sobjects/Opportunity", {**EXPANSION, **values})
    assert (refused.code, refused.message, refused.fields) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields)
    assert org.effects() == []


def test_a_rules_today_is_that_of_los_angeles(org: Org) -> None:
    org.service.load(RULES)
    org.world.clock.set(datetime(2026, 11, 24, 7, 59, tzinfo=UTC), frozen=True)
    org.log_in()
    today = {**EXPANSION, "Next_step_date__c": "2026-11-23"}
    assert org.call("POST", "/sobjects/Opportunity", today).status_code == 201
    org.world.clock.advance(timedelta(minutes=1))
    assert org.refused("POST", "/sobjects/Opportunity", today).code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_a_rule_looks_at_the_whole_record_after_a_change(org: Org) -> None:
    org.service.load(RULES)
    assert org.call("PATCH", f"/sobjects/Opportunity/{RENEWAL}", {"NextStep": "Call"}).status_code == 204
    refused = org.refused("PATCH", f"/sobjects/Opportunity/{RENEWAL}", {"Type": "Expansion"})
    assert refused.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.mark.parametrize(
    ("condition", "amount", "refused"),
    [
        ({"more_than": 100}, 101, True),
        ({"more_than": 100}, 100, False),
        ({"less_than": 100}, 99, True),
        ({"less_than": 100}, None, False),
        ({"is_not": 100}, 99, True),
        ({"is_not": 100}, 100, False),
        ({"more_than": 1, "less_than": 5}, 3, True),
        ({"more_than": 1, "less_than": 5}, 7, False),
        ({"is": None}, None, True),
    ],
)
def test_rules_compare_numbers(org: Org, condition: dict[str, Any], amount: float | None, refused: bool) -> None:
    rule = {"object": "Opportunity", "name": "Amount", "when": {"Amount": condition}, "message": "No."}
    org.service.load({"validation_rules": [rule]})
    answer = org.call("POST", "/sobjects/Opportunity", {**EXPANSION, "Amount": amount})
    assert answer.status_code == (400 if refused else 201)


def test_a_second_opportunity_of_the_same_name_is_refused_and_shown(org: Org) -> None:
    org.service.load({"duplicate_rules": [SAME_NAME]})
    first = org.call("POST", "/sobjects/Opportunity", EXPANSION).json()["id"]
    refused = org.refused("POST", "/sobjects/Opportunity", {**EXPANSION, "Name": EXPANSION["Name"].upper()})
    assert (refused.code, refused.message) == ("DUPLICATES_DETECTED", "Use one of these records?")
    result = refused.error["duplicateResut"]
    assert (result["duplicateRule"], result["duplicateRuleEntityType"]) == ("Same_name", "Opportunity")
    assert result["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first


def test_a_change_that_makes_a_duplicate_is_refused_too(org: Org) -> None:
    org.service.load({"duplicate_rules": [SAME_NAME]})
    org.call("POST", "/sobjects/Opportunity", EXPANSION)
    path = f"/sobjects/Opportunity/{RENEWAL}"
    assert org.refused("PATCH", path, {"Name": EXPANSION["Name"]}).code == "DUPLICATES_DETECTED"
    assert org.call("PATCH", path, {"NextStep": "Call"}).status_code == 204


def test_a_duplicate_rule_is_for_its_object_and_compares_numbers_too(org: Org) -> None:
    rule = {"object": "Account", "name": "Same_size", "fields": ["NumberOfEmployees"]}
    org.service.load({"duplicate_rules": [SAME_NAME, rule]})
    sizes = [
        org.call("POST", "/sobjects/Account", {"Name": "Oak Mills", "NumberOfEmployees": size}).status_code
        for size in (700, 701, None, None)
    ]
    assert sizes == [400, 201, 201, 201]


def test_a_duplicate_is_kept_when_the_caller_insists(org: Org) -> None:
    org.service.load({"duplicate_rules": [SAME_NAME]})
    insists = {"Sforce-Duplicate-Rule-Header": "allowSave = true; includeRecordDetails=true"}
    assert org.call("POST", "/sobjects/Opportunity", EXPANSION).status_code == 201
    assert org.call("POST", "/sobjects/Opportunity", EXPANSION, insists).status_code == 201
    (second,) = org.rows("SELECT Id FROM Opportunity WHERE Type = 'Expansion' LIMIT 1 OFFSET 1")
    unchanged = {"NextStep": EXPANSION["NextStep"]}
    assert org.call("PATCH", f"/sobjects/Opportunity/{second['Id']}", unchanged).status_code == 204
    doubts = {"Sforce-Duplicate-Rule-Header": "allowSave=false"}
    assert org.call("POST", "/sobjects/Opportunity", EXPANSION, doubts).status_code == 400


def test_the_same_name_in_another_account_is_no_duplicate(org: Org) -> None:
    org.service.load({"duplicate_rules": [SAME_NAME]})
    org.call("POST", "/sobjects/Opportunity", EXPANSION)
    assert org.call("POST", "/sobjects/Opportunity", {**EXPANSION, "AccountId": LARKSPUR}).status_code == 201
    assert org.call("POST", "/sobjects/Opportunity", {**EXPANSION, "AccountId": None}).status_code == 201
    assert org.call("POST", "/sobjects/Opportunity", {**EXPANSION, "AccountId": None}).status_code == 201


# -- changes that came in between


def test_a_record_that_changed_meanwhile_is_not_overwritten(org: Org) -> None:
    seen = {"If-Unmodified-Since": format_datetime(NOW, usegmt=True)}
    path = f"/sobjects/Account/{NORTHWIND}"
    assert org.call("PATCH", path, {"Industry": "Trade"}, seen).status_code == 204
    org.world.clock.advance(timedelta(minutes=1))
    org.call("PATCH", path, {"Industry": "Shipping"})
    assert org.call("PATCH", path, {"Industry": "Banking"}, seen).status_code == 412
    assert org.call("GET", path).json()["Industry"] == "Shipping"


def test_a_moment_that_is_none_is_refused(org: Org) -> None:
    answer = org.call("PATCH", f"/sobjects/Account/{NORTHWIND}", {"Industry": "x"}, {"If-Unmodified-Since": "noon"})
    assert answer.status_code == 400
    assert org.effects() == []


# -- effects


def test_every_write_that_takes_effect_is_recorded_for_its_user(org: Org) -> None:
    org.call("PATCH", f"/sobjects/Account/{NORTHWIND}", {"Industry": "Trade", "Name": "Northwind Traders"})
    (effect,) = org.world.effects
    assert (effect.service, effect.action, effect.target) == ("salesforce", "update account", f"Account {NORTHWIND}")
    assert effect.detail == {"Industry": "Trade"}
    assert (effect.actor, effect.public, effect.at) == (USERNAME, False, NOW)


def test_a_change_to_what_is_there_already_is_no_effect(org: Org) -> None:
    org.world.clock.advance(timedelta(minutes=1))
    assert org.call("PATCH", f"/sobjects/Account/{NORTHWIND}", {"Type": "Customer"}).status_code == 204
    assert org.effects() == []
    assert org.call("GET", f"/sobjects/Account/{NORTHWIND}").json()["LastModifiedDate"].startswith("2026-11-23T18:00")


def test_what_somebody_else_does_is_recorded_as_theirs(org: Org) -> None:
    org.world.actor = "somebody else"
    org.call("DELETE", f"/sobjects/Opportunity/{RENEWAL}")
    org.world.actor = ""
    assert [(effect.action, effect.actor) for effect in org.world.effects] == [("delete opportunity", "somebody else")]


# -- queries


def accounts(org: Org, *names: str, **values: Any) -> None:
    org.service.load({"accounts": [{"Name": name, "OwnerId": CSM, **values} for name in names]})


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Name = 'northwind TRADERS'", ["Northwind Traders"]),
        ("Name != 'Northwind Traders'", ["Larkspur Freight"]),
        ("Name <> 'Northwind Traders'", ["Larkspur Freight"]),
        ("Name > 'M'", ["Northwind Traders"]),
        ("Name LIKE 'north%'", ["Northwind Traders"]),
        ("Name LIKE '_arkspur%'", ["Larkspur Freight"]),
        ("Name LIKE 'arkspur'", []),
        ("(NOT Name LIKE 'north%')", ["Larkspur Freight"]),
        (r"Name = '\u004eorthwind\u0020Traders'", ["Northwind Traders"]),
        (r"Name LIKE '\u004e%'", ["Northwind Traders"]),
        ("NOT (Name = 'x' OR Type = 'Customer')", ["Larkspur Freight"]),
        ("Name IN ('Larkspur freight', 'x')", ["Larkspur Freight"]),
        ("Name NOT IN ('Larkspur Freight')", ["Northwind Traders"]),
        ("Type = null", ["Larkspur Freight"]),
        ("Type = ''", ["Larkspur Freight"]),
        ("Type != null", ["Northwind Traders"]),
        ("Type != 'Customer'", ["Larkspur Freight"]),
        ("Type IN (null, 'Partner')", ["Larkspur Freight"]),
        ("Managed_cloud__c = false", ["Larkspur Freight", "Northwind Traders"]),
        ("Managed_cloud__c = true", []),
        ("NumberOfEmployees >= 700", ["Northwind Traders"]),
        ("NumberOfEmployees > 700", []),
        ("NumberOfEmployees <= 700.5", ["Northwind Traders"]),
        ("NumberOfEmployees < 700", []),
        ("Owner.Name = 'Customer Success Manager' AND Type = 'Customer'", ["Northwind Traders"]),
        ("Name = 'x' OR (Type = 'Customer' AND (Name LIKE 'n%' OR Name LIKE 'm%'))", ["Northwind Traders"]),
        ("CreatedDate = TODAY", ["Larkspur Freight", "Northwind Traders"]),
        ("CreatedDate = 2026-11-23T18:00:00Z", ["Larkspur Freight", "Northwind Traders"]),
        ("CreatedDate > 2026-11-23T18:00:00.000+0000", []),
        ("CreatedDate <= 2026-11-23T10:00:00-08:00", ["Larkspur Freight", "Northwind Traders"]),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE Type = 'Renewal')", ["Northwind Traders"]),
        ("Id NOT IN (SELECT AccountId FROM Opportunity)", ["Larkspur Freight"]),
    ],
)
def test_a_condition_finds_its_accounts(org: Org, condition: str, found: list[str]) -> None:
    assert org.names("SELECT Name FROM Account WHERE {:literal} ORDER BY Name", condition) == found


@pytest.mark.parametrize(
    ("literal", "first", "last"),
    [
        ("YESTERDAY", "2026-11-22", "2026-11-22"),
        ("TODAY", "2026-11-23", "2026-11-23"),
        ("TOMORROW", "2026-11-24", "2026-11-24"),
        ("LAST_N_DAYS:7", "2026-11-16", "2026-11-23"),
        ("NEXT_N_DAYS:7", "2026-11-24", "2026-11-30"),
        ("THIS_MONTH", "2026-11-01", "2026-11-30"),
        ("LAST_QUARTER", "2026-07-01", "2026-09-30"),
        ("THIS_QUARTER", "2026-10-01", "2026-12-31"),
        ("NEXT_QUARTER", "2027-01-01", "2027-03-31"),
        ("THIS_YEAR", "2026-01-01", "2026-12-31"),
        ("2026-11-23", "2026-11-23", "2026-11-23"),
    ],
)
def test_a_word_for_days_means_all_of_them(org: Org, literal: str, first: str, last: str) -> None:
    day = timedelta(days=1)
    begins, ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
    days = {"before": begins - day, "first": begins, "last": ends, "after": ends + day}
    for name, when in days.items():
        accounts(org, name, Renewal_date__c=f"{when:%Y-%m-%d}")

    def found(sign: str) -> set[str]:
        return set(org.names("SELECT Name FROM Account WHERE Renewal_date__c {:literal} {:literal}", sign, literal))

    assert found("=") == {"first", "last"}
    assert found("<") == {"before"}
    assert found("<=") == {"before", "first", "last"}
    assert found(">") == {"after"}
    assert found(">=") == {"first", "last", "after"}


def test_today_is_the_day_in_los_angeles(org: Org) -> None:
    org.world.clock.set(datetime(2026, 11, 24, 5, 0, tzinfo=UTC), frozen=True)
    org.log_in()
    accounts(org, "Late", Renewal_date__c="2026-11-23")
    assert org.names("SELECT Name FROM Account WHERE Renewal_date__c = TODAY") == ["Late"]
    assert org.names("SELECT Name FROM Account WHERE CreatedDate = TODAY AND Name = 'Late'") == ["Late"]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("Industry", ["c", "b", "A"]),
        ("Industry ASC NULLS LAST", ["b", "A", "c"]),
        ("Industry NULLS FIRST", ["c", "b", "A"]),
        ("Industry DESC", ["c", "A", "b"]),
        ("Industry DESC NULLS LAST", ["A", "b", "c"]),
        ("Name", ["A", "b", "c"]),
        ("Owner.Name, Name DESC", ["c", "b", "A"]),
        ("Type, Name", ["c", "A", "b"]),
    ],
)
def test_rows_come_in_the_order_asked_for(org: Org, order: str, found: list[str]) -> None:
    accounts(org, "A", Industry="Zinc", Type="Partner")
    accounts(org, "b", Industry="apples", Type="Former customer")
    accounts(org, "c", Type="Prospect")
    assert org.names("SELECT Name FROM Account WHERE Name IN ('a', 'b', 'c') ORDER BY {:literal}", order) == found


def test_a_limit_and_an_offset_cut_the_rows(org: Org) -> None:
    accounts(org, "A", "B", "C")
    chosen = "SELECT Name FROM Account WHERE Name IN ('A', 'B', 'C') ORDER BY Name"
    assert org.names(f"{chosen} LIMIT 2") == ["A", "B"]
    assert org.names(f"{chosen} LIMIT 2 OFFSET 2") == ["C"]
    assert org.names(f"{chosen} OFFSET 1") == ["B", "C"]


def test_parents_fields_come_nested_and_a_missing_parent_is_nothing(org: Org) -> None:
    org.service.load({"contacts": [{"LastName": "Ash"}]})
    (renewal,) = org.rows("SELECT Id, account.name, Account.Owner.Email FROM Opportunity")
    assert renewal["attributes"]["url"] == f"/services/data/v64.0/sobjects/Opportunity/{RENEWAL}"
    assert renewal["Account"]["Name"] == "Northwind Traders"
    assert renewal["Account"]["attributes"]["type"] == "Account"
    assert renewal["Account"]["Owner"]["Email"] == "csm@fleetdm.com"
    (contact,) = org.rows("SELECT Account.Name FROM Contact WHERE Account.Name = null")
    assert contact["Account"] is None


def test_children_come_as_a_result_of_their_own(org: Org) -> None:
    asked = "SELECT Name, (SELECT Name FROM Opportunities WHERE IsClosed = false LIMIT 5) FROM Account ORDER BY Name"
    larkspur, northwind = org.rows(asked)
    assert larkspur["Opportunities"] is None
    children = northwind["Opportunities"]
    assert (children["totalSize"], children["done"]) == (1, True)
    assert [child["Name"] for child in children["records"]] == ["NorthwindTraders_FleetPremium_Renewal_Q12027"]


def test_rows_and_values_are_counted(org: Org) -> None:
    assert org.sf.query("SELECT COUNT() FROM Account") == {"totalSize": 2, "done": True, "records": []}
    (counted,) = org.rows("SELECT COUNT(Id), COUNT(Type) typed FROM Account")
    assert counted == {"attributes": {"type": "AggregateResult"}, "expr0": 2, "typed": 1}


def test_what_is_deleted_only_query_all_still_sees(org: Org) -> None:
    org.call("DELETE", f"/sobjects/Opportunity/{RENEWAL}")
    asked = "SELECT Id, IsDeleted FROM Opportunity"
    assert org.rows(asked) == []
    (held,) = cast("list[dict[str, Any]]", org.sf.query_all(asked, include_deleted=True)["records"])
    assert (held["Id"], held["IsDeleted"]) == (RENEWAL, True)
    assert org.call("PATCH", "/sobjects/Opportunity/Flow_Key__c/renewal%3A1", EXPANSION).status_code == 201


def test_a_long_result_comes_in_pages_that_can_be_asked_for_again(org: Org) -> None:
    accounts(org, *(f"Account {number:04}" for number in range(4_100)))
    first = org.sf.query("SELECT Name FROM Account ORDER BY Name")
    assert (first["totalSize"], len(first["records"]), first["done"]) == (4_102, 2_000, False)
    again = [org.sf.query_more(first["nextRecordsUrl"], identifier_is_url=True) for _ in range(2)]
    assert again[0]["records"] == again[1]["records"]
    assert again[0]["records"][0]["Name"] == "Account 2000"
    assert len(org.rows("SELECT Name FROM Account")) == 4_102
    assert org.refused("GET", "/query/01gnothing-2000").code == "INVALID_QUERY_LOCATOR"


def test_a_caller_may_ask_for_smaller_pages(org: Org) -> None:
    accounts(org, *(f"Account {number}" for number in range(300)))
    sizes = [
        len(
            org.call("GET", "/query?q=SELECT+Id+FROM+Account", headers={"Sforce-Query-Options": told}).json()["records"]
        )
        for told in ("batchSize=250", "batchSize=10")
    ]
    assert sizes == [250, 200]


REFUSED_QUERIES: dict[str, tuple[str, str, str]] = {
    "an unknown field": (
        "SELECT Id, Nmae FROM Account",
        "INVALID_FIELD",
        "No such column 'Nmae' on entity 'Account'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names.",
    ),
    "an unknown field in a condition": ("SELECT Id FROM Account WHERE Nmae = 'x'", "INVALID_FIELD", "No such column"),
    "an unknown field to sort by": ("SELECT Id FROM Account ORDER BY Nmae", "INVALID_FIELD", "No such column"),
    "an unknown parent": (
        "SELECT Boss.Name FROM Account",
        "INVALID_FIELD",
        "Didn't understand relationship 'Boss' in field path.",
    ),
    "an unknown object": ("SELECT Id FROM Lead", "INVALID_TYPE", "sObject type 'Lead' is not supported."),
    "unknown children": (
        "SELECT (SELECT Id FROM Cases) FROM Account",
        "INVALID_TYPE",
        "Didn't understand relationship 'Cases' in FROM part of query call.",
    ),
    "AND and OR without parentheses": (
        "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "MALFORMED_QUERY",
        "unexpected token: 'OR'",
    ),
    "NOT without parentheses": (
        "SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'b'",
        "MALFORMED_QUERY",
        "unexpected token: 'NOT'",
    ),
    "a date in quotes": (
        "SELECT Id FROM Opportunity WHERE CloseDate = '2027-01-15'",
        "INVALID_FIELD",
        "value of filter criterion for field 'CloseDate' must be of type date and should not be enclosed in quotes",
    ),
    "a day for a moment": (
        "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01",
        "INVALID_FIELD",
        "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in "
        "quotes",
    ),
    "a text without quotes": (
        "SELECT Id FROM Account WHERE Name = 7",
        "INVALID_FIELD",
        "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
    ),
    "a checkbox in quotes": (
        "SELECT Id FROM Account WHERE Managed_cloud__c = 'true'",
        "INVALID_FIELD",
        "must be of type boolean",
    ),
    "an id that is none": (
        "SELECT Id FROM Account WHERE Id = 'Northwind'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid ID field: Northwind",
    ),
    "LIKE with an id": (
        "SELECT Id FROM Account WHERE Id LIKE '001%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on id field",
    ),
    "LIKE with a number": ("SELECT Id FROM Account WHERE Name LIKE 7", "INVALID_FIELD", "must be of type string"),
    "no value": ("SELECT Id FROM Account WHERE Name = )", "MALFORMED_QUERY", "unexpected token: ')'"),
    "neither first nor last": ("SELECT Id FROM Account ORDER BY Name NULLS", "MALFORMED_QUERY", "'<EOF>'"),
    "a long text in a condition": (
        "SELECT Id FROM Account WHERE Description = 'x'",
        "INVALID_FIELD",
        "field 'Description' can not be filtered in a query call",
    ),
    "a long text to sort by": ("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
    "an open quote": ("SELECT Id FROM Account WHERE Name = 'O", "MALFORMED_QUERY", "unexpected token: '''"),
    "an escape that there isn't": (
        r"SELECT Id FROM Account WHERE Name = 'a\z'",
        "MALFORMED_QUERY",
        r"Illegal character sequence '\z'",
    ),
    "a wildcard's escape outside LIKE": (
        r"SELECT Id FROM Account WHERE Name = 'a\%'",
        "MALFORMED_QUERY",
        r"Illegal character sequence '\%'",
    ),
    "an unknown word for days": (
        "SELECT Id FROM Opportunity WHERE CloseDate = SOMEDAY",
        "MALFORMED_QUERY",
        "unexpected token: 'SOMEDAY'",
    ),
    "more days than there are": (
        "SELECT Id FROM Opportunity WHERE CloseDate = LAST_N_DAYS:99999999",
        "MALFORMED_QUERY",
        "unexpected token",
    ),
    "a day that there isn't": (
        "SELECT Id FROM Opportunity WHERE CloseDate = 2027-02-30",
        "MALFORMED_QUERY",
        "Invalid date",
    ),
    "nothing": ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    "no object": ("SELECT Id", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    "no field": ("SELECT FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
    "a parenthesis too many": (
        "SELECT Id FROM Account WHERE (Name = 'a'))",
        "MALFORMED_QUERY",
        "unexpected token: ')'",
    ),
    "IS NULL": ("SELECT Id FROM Account WHERE Name IS NULL", "MALFORMED_QUERY", "unexpected token: 'IS'"),
    "a star": ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected token: '*'"),
    "a second statement": ("SELECT Id FROM Account; SELECT Id FROM User", "MALFORMED_QUERY", "unexpected token: ';'"),
    "a field twice": ("SELECT Id, id FROM Account", "MALFORMED_QUERY", "duplicate field selected: id"),
    "a count beside a field": ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "grouped or aggregated"),
    "a field beside a count": ("SELECT COUNT(Id), Name FROM Account", "MALFORMED_QUERY", "grouped or aggregated"),
    "a limit that is no number": ("SELECT Id FROM Account LIMIT many", "MALFORMED_QUERY", "unexpected token: 'many'"),
    "too large an offset": (
        "SELECT Id FROM Account OFFSET 2001",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Maximum SOQL offset allowed is 2000",
    ),
    "a semi-join of names": (
        "SELECT Id FROM Account WHERE Name IN (SELECT Name FROM Opportunity)",
        "MALFORMED_QUERY",
        "should be an id field, cannot use: 'Name'",
    ),
    "a semi-join by names": (
        "SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Opportunity)",
        "MALFORMED_QUERY",
        "inner select field",
    ),
}


@pytest.mark.parametrize(("soql", "code", "message"), REFUSED_QUERIES.values(), ids=REFUSED_QUERIES)
def test_a_query_that_salesforce_doesnt_take_is_refused_in_its_words(
    org: Org, soql: str, code: str, message: str
) -> None:
    refused = org.malformed(soql)
    assert (refused.status, refused.code) == (400, code)
    assert message in refused.message


def test_a_refused_query_shows_the_place(org: Org) -> None:
    refused = org.malformed("SELECT Id,\n  Nmae FROM Account")
    shown = "\n  Nmae FROM Account\n  ^\nERROR at Row:2:Column:3\nNo such column 'Nmae' on entity 'Account'."
    assert refused.message.startswith(shown)


TRICKY = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("'\"\\%_\n\r\t"), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("O'Brien")
@example("back\\slash")
@example("100%")
@example("under_score")
@example("two\nlines")
@example("\\'%_\\n")
@given(TRICKY.map(str.strip).filter(bool))
def test_any_name_is_found_by_what_format_soql_makes_of_it(server: Org, name: str) -> None:
    server.start()
    accounts(server, name, "decoy", "x" * 30)
    assert name in server.names("SELECT Name FROM Account WHERE Name = {}", name)
    assert name in server.names("SELECT Name FROM Account WHERE Name IN {}", [name, "nobody"])
    alike = server.names("SELECT Name FROM Account WHERE Name LIKE '{:like}'", name)
    assert {each.casefold() for each in alike} == {name.casefold()}


@pytest.mark.parametrize(("name", "other"), [("100%", "1000"), ("a_b", "axb")])
def test_an_escaped_wildcard_means_itself(org: Org, name: str, other: str) -> None:
    accounts(org, name, other)
    assert org.names("SELECT Name FROM Account WHERE Name LIKE '{:like}'", name) == [name]
    assert set(org.names("SELECT Name FROM Account WHERE Name LIKE {}", name)) == {name, other}


def test_format_soqls_other_values_are_understood(org: Org) -> None:
    asked = "SELECT Id FROM Opportunity WHERE CloseDate = {} AND IsClosed = {} AND Amount = {} AND CreatedDate = {}"
    rows = org.rows(asked, date(2027, 1, 15), False, 42_000, NOW)
    assert [row["Id"] for row in rows] == [RENEWAL]


# -- several at once


def composite(*subrequests: tuple[str, str, str, Any], all_or_none: bool) -> dict[str, Any]:
    listed = [
        {"method": method, "url": f"/services/data/v64.0{url}", "referenceId": name, **({"body": body} if body else {})}
        for name, method, url, body in subrequests
    ]
    return {"allOrNone": all_or_none, "compositeRequest": listed}


NEW_ACCOUNT = ("account", "POST", "/sobjects/Account", {"Name": "Thistle Bank"})
NEW_CONTACT = ("contact", "POST", "/sobjects/Contact", {"LastName": "Ash", "AccountId": "@{account.id}"})
BAD_CONTACT = ("bad", "POST", "/sobjects/Contact", {"FirstName": "Robin"})


def test_a_composite_call_uses_what_its_earlier_parts_gave(org: Org) -> None:
    lookup = ("found", "GET", "/query?q=SELECT+Id,Name+FROM+Account+WHERE+Name='Thistle+Bank'", None)
    change = ("change", "PATCH", "/sobjects/Account/@{found.records[0].Id}", {"Industry": "@{found.records[0].Name}"})
    body = composite(NEW_ACCOUNT, NEW_CONTACT, lookup, change, all_or_none=True)
    answer = cast("dict[str, Any]", org.sf.restful("composite", method="POST", json=body))
    parts = answer["compositeResponse"]
    assert [(part["referenceId"], part["httpStatusCode"]) for part in parts] == [
        ("account", 201),
        ("contact", 201),
        ("found", 200),
        ("change", 204),
    ]
    own_id = parts[0]["body"]["id"]
    assert parts[0]["httpHeaders"] == {"Location": f"/services/data/v64.0/sobjects/Account/{own_id}"}
    assert [effect[0] for effect in org.effects()] == ["create account", "create contact", "update account"]
    assert org.rows("SELECT Account.Industry FROM Contact")[0]["Account"]["Industry"] == "Thistle Bank"


def test_a_composite_call_of_all_or_none_takes_everything_back(org: Org) -> None:
    later = ("later", "POST", "/sobjects/Account", {"Name": "Later"})
    body = composite(NEW_ACCOUNT, NEW_CONTACT, BAD_CONTACT, later, all_or_none=True)
    parts = {part["referenceId"]: part for part in org.call("POST", "/composite", body).json()["compositeResponse"]}
    assert {name: part["httpStatusCode"] for name, part in parts.items()} == dict.fromkeys(parts, 400)
    assert parts["bad"]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for name in ("account", "contact", "later"):
        assert parts[name]["body"] == [
            {
                "errorCode": "PROCESSING_HALTED",
                "message": "The transaction was rolled back since another operation in the same transaction failed.",
            }
        ]
    assert list(parts) == ["account", "contact", "bad", "later"]
    assert org.effects() == []
    assert org.names("SELECT Name FROM Account WHERE Name = 'Thistle Bank'") == []


def test_a_composite_call_of_its_parts_keeps_what_worked(org: Org) -> None:
    uses_bad = ("uses", "PATCH", "/sobjects/Account/@{bad.id}", {"Industry": "x"})
    body = composite(BAD_CONTACT, uses_bad, NEW_ACCOUNT, all_or_none=False)
    parts = org.call("POST", "/composite", body).json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [400, 400, 201]
    assert parts[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert parts[1]["body"][0]["message"].startswith("Invalid reference specified. No value for bad.id found in bad.")
    assert [effect[0] for effect in org.effects()] == ["create account"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "JSON_PARSER_ERROR"),
        ({"compositeRequest": []}, "JSON_PARSER_ERROR"),
        ({"compositeRequest": [{"method": "POST"}]}, "JSON_PARSER_ERROR"),
        (composite(*[NEW_ACCOUNT] * 26, all_or_none=False), "LIMIT_EXCEEDED"),
    ],
)
def test_a_composite_call_that_is_none_is_refused(org: Org, body: dict[str, Any], code: str) -> None:
    assert org.refused("POST", "/composite", body).code == code


def collection(*rows: Mapping[str, Any], all_or_none: bool = False, of: str = "Account") -> dict[str, Any]:
    return {"allOrNone": all_or_none, "records": [{"attributes": {"type": of}, **row} for row in rows]}


def test_a_collection_says_of_each_record_whether_it_was_kept(org: Org) -> None:
    body = collection({"Name": "Thistle Bank"}, {"Industry": "Trade"}, {"Name": "Oak Mills"})
    first, second, third = org.call("POST", "/composite/sobjects", body).json()
    assert (first["success"], second["success"], third["success"]) == (True, False, True)
    assert second["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Name]",
            "fields": ["Name"],
        }
    ]
    assert len(org.effects()) == 2


def test_a_collection_of_all_or_none_takes_everything_back(org: Org) -> None:
    body = collection({"Name": "Thistle Bank"}, {"Industry": "Trade"}, all_or_none=True)
    first, second = org.call("POST", "/composite/sobjects", body).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.effects() == []
    assert org.names("SELECT Name FROM Account WHERE Name = 'Thistle Bank'") == []


def test_a_composite_call_of_all_or_none_binds_its_collections(org: Org) -> None:
    some = ("some", "POST", "/composite/sobjects", collection({"Name": "Thistle Bank"}, {"Industry": "Trade"}))
    answer = org.call("POST", "/composite", composite(NEW_ACCOUNT, some, all_or_none=True))
    kept, failed = answer.json()["compositeResponse"][1]["body"]
    assert (kept["success"], kept["errors"][0]["statusCode"]) == (False, "ALL_OR_NONE_OPERATION_ROLLED_BACK")
    assert failed["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.effects() == []


def test_a_collection_changes_and_deletes_by_id(org: Org) -> None:
    changes = collection({"id": NORTHWIND, "Industry": "Trade"}, {"id": record_id("001", 999), "Industry": "Trade"})
    first, second = org.call("PATCH", "/composite/sobjects", changes).json()
    assert first == {"id": NORTHWIND, "success": True, "errors": []}
    assert second["errors"][0]["statusCode"] == "NOT_FOUND"
    first, second = org.call("DELETE", f"/composite/sobjects?ids={RENEWAL},{LARKSPUR}&allOrNone=true").json()
    assert (first["success"], second["success"]) == (True, True)
    assert [effect[0] for effect in org.effects()] == ["update account", "delete opportunity", "delete account"]


def test_a_collection_upserts_by_external_id(org: Org) -> None:
    body = collection(
        {**EXPANSION, "Flow_Key__c": "expansion:7"},
        {"Flow_Key__c": "renewal:1", "NextStep": "Call"},
        {"NextStep": "Call"},
        of="Opportunity",
    )
    made, changed, keyless = org.call("PATCH", "/composite/sobjects/Opportunity/Flow_Key__c", body).json()
    assert (made["created"], changed["created"], changed["id"]) == (True, False, RENEWAL)
    assert keyless["success"] is False


def test_a_collection_changes_nothing_that_several_records_answer_to(org: Org) -> None:
    twins = collection(
        {"LastName": "Ash", "Email": "a@b.example"}, {"LastName": "Oak", "Email": "a@b.example"}, of="Contact"
    )
    org.call("POST", "/composite/sobjects", twins)
    change = collection({"Email": "a@b.example", "LastName": "Elm"}, of="Contact")
    (result,) = org.call("PATCH", "/composite/sobjects/Contact/Email", change).json()
    assert (result["success"], result["errors"][0]["statusCode"]) == (False, "DUPLICATE_EXTERNAL_ID")


def test_a_collection_holds_200_records(org: Org) -> None:
    body = collection(*({"Name": f"Account {number}"} for number in range(201)))
    assert org.refused("POST", "/composite/sobjects", body).code == "LIMIT_EXCEEDED"
    assert org.effects() == []


def test_a_collection_names_the_object_of_each_record(org: Org) -> None:
    for attributes in ({}, {"attributes": "Account"}, {"attributes": {"type": "Lead"}}):
        (result,) = org.call("POST", "/composite/sobjects", {"records": [{**attributes, "Name": "x"}]}).json()
        assert result["errors"][0]["statusCode"] == "INVALID_TYPE"


# -- pages for people


@pytest.mark.parametrize(("sobject", "own_id"), [("Account", NORTHWIND), ("Opportunity", RENEWAL)])
def test_a_link_to_a_record_opens_a_page_without_logging_in(org: Org, sobject: str, own_id: str) -> None:
    org.service.load({"accounts": [{"Id": NORTHWIND, "Name": "Northwind <Traders>"}]})
    page = requests.get(f"{org.world.public_url}/salesforce/lightning/r/{sobject}/{own_id}/view", timeout=10)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert ("Northwind &lt;Traders&gt;" if sobject == "Account" else "Renewal_Q12027") in page.text
    assert "<Traders>" not in page.text


@pytest.mark.parametrize("path", [f"Account/{record_id('001', 999)}", "Account/x", f"Lead/{NORTHWIND}"])
def test_a_link_to_nothing_says_so(org: Org, path: str) -> None:
    page = requests.get(f"{org.url}/lightning/r/{path}/view", timeout=10)
    assert page.status_code == 404
    assert "no such record" in page.text


# -- faults


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, "INVALID_SESSION_ID"),
        ("403_retry_after", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("429", 429, "REQUEST_LIMIT_EXCEEDED"),
        ("500_before", 503, "SERVER_UNAVAILABLE"),
        ("500_after", 500, "UNKNOWN_EXCEPTION"),
        ("ok_false", 500, "UNKNOWN_EXCEPTION"),
        ("vanished", 404, "NOT_FOUND"),
    ],
)
def test_a_fault_is_worded_as_salesforce_does(org: Org, kind: Any, status: int, code: str) -> None:
    told = org.service.refusal(kind, 30)
    assert told.status_code == status
    assert f'"errorCode":"{code}"'.encode() in bytes(told.body)
    assert told.headers.get("Retry-After") == ("30" if kind == "429" else None)


def test_a_malformed_answer_is_a_page_instead_of_json(org: Org) -> None:
    told = org.service.refusal("malformed", 0)
    assert (told.status_code, told.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


# -- seeds


def test_a_seed_adds_to_what_is_there_and_changes_what_it_names_again(org: Org) -> None:
    org.service.load({"accounts": [{"Id": NORTHWIND, "Name": "Northwind", "Industry": "Trade"}, {"Name": "Oak Mills"}]})
    held = {row["Name"]: row for row in org.service.dump()["Account"]}
    assert set(held) == {"Northwind", "Larkspur Freight", "Oak Mills"}
    assert (held["Northwind"]["Type"], held["Northwind"]["NumberOfEmployees"]) == ("Customer", 700)
    assert org.effects() == []


def test_made_up_ids_are_the_same_every_time(org: Org) -> None:
    def made_up() -> list[str]:
        org.start()
        accounts(org, "A", "B")
        return [row["Id"] for row in org.service.dump()["Account"]]

    assert made_up() == made_up()


def test_a_seeds_record_may_be_an_old_one(org: Org) -> None:
    accounts(org, "Old", CreatedDate="2024-02-29T08:00:00Z")
    assert org.names("SELECT Name FROM Account WHERE CreatedDate < LAST_N_DAYS:365") == ["Old"]


@pytest.mark.parametrize(
    ("seed", "named"),
    [
        ({"leads": []}, "leads"),
        ({"accounts": [{"Nmae": "x"}]}, "Nmae"),
        ({"clients": [{"consumer_kye": "x"}]}, "consumer_kye"),
        ({"clients": [{"consumer_key": "x"}]}, "consumer_secret"),
        ({"accounts": [{"Industry": "Trade"}]}, "Name"),
        ({"accounts": [{"Id": "001", "Name": "x"}]}, "001"),
        ({"accounts": [{"Id": RENEWAL, "Name": "x"}]}, RENEWAL),
        ({"accounts": [{"Name": "x", "OwnerId": record_id("005", 999)}]}, "cross reference"),
        ({"opportunities": [{**EXPANSION, "StageName": "Won"}]}, "Won"),
        ({"opportunities": [{**EXPANSION, "IsWon": True}]}, "IsWon"),
        ({"accounts": [{"Name": "x", "CreatedDate": "yesterday"}]}, "yesterday"),
        ({"opportunities": [{**EXPANSION, "Flow_Key__c": "renewal:1"}]}, "Flow_Key__c"),
        ({"duplicate_rules": [{**SAME_NAME, "object": "Lead"}]}, "Lead"),
        ({"duplicate_rules": [{**SAME_NAME, "fields": ["Nmae"]}]}, "Nmae"),
        ({"validation_rules": [{"object": "Account", "name": "x", "when": {"Nmae": 1}, "message": "x"}]}, "Nmae"),
        (
            {"validation_rules": [{"object": "Account", "name": "x", "when": {"Name": {"like": 1}}, "message": "x"}]},
            "like",
        ),
        (
            {
                "validation_rules": [
                    {"object": "Account", "name": "x", "when": {"Name": {"matches": "("}}, "message": "x"}
                ]
            },
            "Name",
        ),
        (
            {"validation_rules": [{"object": "Opportunity", "name": "x", "when": {"Amount": "much"}, "message": "x"}]},
            "Amount",
        ),
    ],
)
def test_a_seed_with_a_mistake_is_refused_by_its_name_and_adds_nothing(
    org: Org, seed: dict[str, Any], named: str
) -> None:
    before = org.service.dump()
    good = {"accounts": [{"Name": "Oak Mills"}]}
    with pytest.raises(ValueError, match=named):
        org.service.load(
            {**good, **seed} if "accounts" not in seed else {"accounts": good["accounts"] + seed["accounts"]}
        )
    assert org.service.dump() == before


@pytest.mark.parametrize(
    "own_id",
    ["001D000000IqhSLIAZ", "001R0000006hfeZIAQ", "003RO0000016kOuYAI", "0031i000013x2TEAAY", "0014x000025JC8DAAW"],
)
def test_an_ids_last_characters_tell_its_capitals(own_id: str) -> None:
    """The ids stand in Salesforce's documentation, and one in Fleet's website."""
    assert complete_id(own_id[:15]) == own_id
    assert full_id(own_id[:15]) == own_id
    assert full_id(f"{own_id[:15]}ZZZ") is None
