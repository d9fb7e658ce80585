"""Google's stand-in, as google-auth and googleapiclient meet it over HTTP."""

# googleapiclient makes its methods at run time, so nothing knows their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import httplib2
import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.conftest import ROOT, Sandbox

GMAIL = "https://www.googleapis.com/auth/gmail."
KEY: dict[str, str] = json.loads((ROOT / "sandbox" / "google_service_account.json").read_text())
SENDER, COLLEAGUE, OUTSIDE = "kathy@fleetdm.com", "ben@fleetdm.com", "robin@quillfeather.example"
ALL = [f"{GMAIL}{each}" for each in ("compose", "metadata", "readonly")]


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    public = serialization.load_pem_private_key(KEY["private_key"].encode(), None).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    account = {"email": KEY["client_email"], "public_key": pem, "scopes": ALL}
    sandbox.reset({"google": {"service_accounts": [account]}})
    return sandbox


class Bearer(httplib2.Http):
    """httplib2, googleapiclient's own transport, with a token."""

    def __init__(self, token: str) -> None:
        super().__init__(timeout=10)
        self.token = token

    def request(self, uri: str, *args: Any, **more: Any) -> Any:
        more["headers"] = {**(more.get("headers") or {}), "Authorization": f"Bearer {self.token}"}
        return super().request(uri, *args, **more)


def token(world: Sandbox, subject: str | None = SENDER, *scopes: str, key: Mapping[str, str] = KEY) -> str:
    wanted = [f"{GMAIL}{each}" for each in scopes or ("compose", "readonly")]
    credentials = Credentials.from_service_account_info(
        {**key, "token_uri": f"{world.url}/google/token"}, scopes=wanted, subject=subject
    )
    credentials.refresh(Request())
    return str(credentials.token)


def gmail(world: Sandbox, subject: str | None = SENDER, *scopes: str) -> Any:
    options = {"api_endpoint": f"{world.url}/google/"}
    http = Bearer(token(world, subject, *scopes))
    return build("gmail", "v1", http=http, client_options=options, cache_discovery=False).users()


def mail(**headers: str) -> EmailMessage:
    built = EmailMessage()
    written = {"From": SENDER, "To": OUTSIDE, "Subject": "Your application"} | headers
    for name, value in written.items():
        if value:
            built[name] = value
    built.set_content("Hello!\n")
    return built


def raw(message: EmailMessage | bytes) -> dict[str, str]:
    content = message if isinstance(message, bytes) else message.as_bytes()
    return {"raw": base64.urlsafe_b64encode(content).decode()}


def refused(request: Any) -> tuple[int, str, str]:
    with pytest.raises(HttpError) as error:
        request.execute()
    said = json.loads(error.value.content)["error"]
    assert said["code"] == error.value.status_code
    return said["code"], said["errors"][0]["reason"], error.value.reason


def no_token(error: str, *arguments: Any, **more: Any) -> None:
    with pytest.raises(RefreshError, match=error):
        token(*arguments, **more)


# Tokens


def test_a_service_account_acts_for_a_mailbox(world: Sandbox) -> None:
    profile = gmail(world).getProfile(userId="me").execute()
    assert profile["emailAddress"] == SENDER
    assert {"mailbox": SENDER, "scopes": [f"{GMAIL}compose", f"{GMAIL}readonly"]} in world.state()["google"]["granted"]


def test_who_is_not_known_or_not_delegated_gets_no_token(world: Sandbox) -> None:
    no_token("unauthorized_client", world, key={**KEY, "client_email": "stranger@example.iam.gserviceaccount.com"})
    no_token("unauthorized_client", world, SENDER, "modify")
    no_token("invalid_grant: Invalid email or User ID", world, "nobody@fleetdm.com")


def test_another_key_signs_in_vain(world: Sandbox) -> None:
    other = rsa.generate_private_key(65537, 2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    no_token("Invalid JWT Signature", world, key={**KEY, "private_key": other.private_bytes(*form).decode()})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"exp": 0}, "short-lived"),
        ({"exp": 7_200}, "short-lived"),
        ({"iat": None}, "short-lived"),
        ({"aud": "https://example.com"}, "audience"),
        ({"scope": ""}, "scope"),
        ({"iss": None}, "unauthorized"),
    ],
    ids=str,
)
def test_claims_that_google_would_not_take_are_refused(changed: dict[str, Any], error: str, world: Sandbox) -> None:
    now = int(time.time()) - 600
    claims: dict[str, Any] = {
        "iat": 0,
        "exp": 3_600,
        "aud": "https://oauth2.googleapis.com/token",
        "scope": f"{GMAIL}compose",
    }
    claims |= {"iss": KEY["client_email"], "sub": SENDER} | changed
    given = {name: value for name, value in claims.items() if value is not None}
    dated = {name: now + value if name in {"iat", "exp"} else value for name, value in given.items()}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": jwt.encode(dated, KEY["private_key"], "RS256"),
    }
    answer = requests.post(f"{world.url}/google/token", data=form, timeout=10)
    assert answer.status_code in {400, 401}
    assert error in json.dumps(answer.json()).lower()


def test_without_a_good_token_nothing_is_answered(world: Sandbox) -> None:
    for given in ("", "Bearer nonsense", "Bearer ya29.e30.00", f"Basic {token(world)}", f"Bearer {token(world)}x"):
        url = f"{world.url}/google/gmail/v1/users/me/profile"
        answer = requests.get(url, headers={"Authorization": given}, timeout=10)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_token_for_one_mailbox_opens_no_other(world: Sandbox) -> None:
    assert refused(gmail(world).getProfile(userId=COLLEAGUE)) == (403, "forbidden", f"Delegation denied for {SENDER}")
    assert refused(gmail(world, None).getProfile(userId="me"))[:2] == (400, "failedPrecondition")
    off = {"mailboxes": [{"address": "left@fleetdm.com", "enabled": False}]}
    requests.post(f"{world.url}/_sandbox/seed", json={"google": off}, timeout=10)
    left = gmail(world, "left@fleetdm.com").getProfile(userId="me")
    assert refused(left) == (400, "failedPrecondition", "Mail service not enabled")


def test_a_scope_allows_what_google_says_and_no_more(world: Sandbox) -> None:
    metadata = gmail(world, SENDER, "metadata")
    assert refused(metadata.drafts().create(userId="me", body={"message": raw(mail())}))[0] == 403
    searched = refused(metadata.messages().list(userId="me", q="in:sent"))
    assert searched == (403, "forbidden", "Metadata scope does not support 'q' parameter")
    assert metadata.messages().list(userId="me", labelIds=["SENT"]).execute() == {"resultSizeEstimate": 0}
    sent = gmail(world).messages().send(userId="me", body=raw(mail())).execute()
    assert refused(metadata.messages().get(userId="me", id=sent["id"]))[1] == "forbidden"
    wanted = {"userId": "me", "id": sent["id"], "format": "metadata", "metadataHeaders": ["subject"]}
    shown = metadata.messages().get(**wanted).execute()
    assert shown["payload"]["headers"] == [{"name": "Subject", "value": "Your application"}]
    assert refused(gmail(world, SENDER, "compose").messages().list(userId="me"))[1] == "insufficientPermissions"


# Drafts


def test_a_draft_is_sent_once_and_then_gone(world: Sandbox) -> None:
    users = gmail(world)
    draft = users.drafts().create(userId="me", body={"message": raw(mail())}).execute()
    assert draft["message"]["labelIds"] == ["DRAFT"]
    assert [each["id"] for each in users.drafts().list(userId="me").execute()["drafts"]] == [draft["id"]]
    sent = users.drafts().send(userId="me", body={"id": draft["id"]}).execute()
    assert sent["labelIds"] == ["SENT"]
    assert refused(users.drafts().send(userId="me", body={"id": draft["id"]})) == (
        404,
        "notFound",
        "Requested entity was not found.",
    )
    assert refused(users.drafts().get(userId="me", id=draft["id"]))[0] == 404
    assert "drafts" not in users.drafts().list(userId="me").execute()
    assert [(each["action"], each["target"]) for each in world.effects()] == [
        ("create draft", f"{SENDER} to {OUTSIDE}"),
        ("send mail", f"{SENDER} to {OUTSIDE}"),
    ]


def test_a_draft_is_changed_and_deleted(world: Sandbox) -> None:
    drafts = gmail(world).drafts()
    draft = drafts.create(userId="me", body={"message": raw(mail())}).execute()["id"]
    drafts.update(userId="me", id=draft, body={"message": raw(mail(Subject="Another"))}).execute()
    shown = drafts.get(userId="me", id=draft, format="metadata").execute()
    assert {"name": "Subject", "value": "Another"} in shown["message"]["payload"]["headers"]
    assert drafts.delete(userId="me", id=draft).execute() == ""
    assert refused(drafts.delete(userId="me", id=draft))[0] == 404


def test_a_draft_may_lack_a_recipient_but_can_not_be_sent_so(world: Sandbox) -> None:
    drafts = gmail(world).drafts()
    draft = drafts.create(userId="me", body={"message": raw(mail(To=""))}).execute()["id"]
    sent = refused(drafts.send(userId="me", body={"id": draft}))
    assert sent == (400, "invalidArgument", "Recipient address required")
    assert drafts.get(userId="me", id=draft, format="minimal").execute()["id"] == draft


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"To: robin\r\n\r\nx", "Invalid To header"),
        (b"To: robin@f\r\n\r\nx", "Invalid To header"),
        (b"To: a@example.com\r\nTo: b@example.com\r\n\r\nx", "Invalid To header"),
        (b"To: a@example.com\r\nCc: a b@example.com\r\n\r\nx", "Invalid Cc header"),
        (b"To: a@example.com, , <>\r\n\r\nx", "Invalid To header"),
        (b"To: a@example.com\r\nnonsense\r\n\r\nx", "Invalid message: a header line is malformed"),
        (b"To: a@example.com\rBcc: b@example.com\r\n\r\nx", "Invalid message: a header line is malformed"),
    ],
    ids=["no domain", "half a domain", "To twice", "a blank in an address", "empty ones", "no header", "a bare CR"],
)
def test_malformed_headers_are_refused(content: bytes, message: str, world: Sandbox) -> None:
    assert refused(gmail(world).drafts().create(userId="me", body={"message": raw(content)}))[2] == message
    assert refused(gmail(world).messages().send(userId="me", body=raw(content)))[2] == message
    assert world.effects() == []


def test_what_is_no_message_is_refused(world: Sandbox) -> None:
    users = gmail(world)
    assert refused(users.drafts().create(userId="me", body={}))[2] == "Missing draft message"
    assert "Base64 decoding failed" in refused(users.messages().send(userId="me", body={"raw": "a b"}))[2]
    assert "Unknown name" in refused(users.messages().send(userId="me", body={"raws": "QQ"}))[2]
    assert refused(users.messages().get(userId="me", id="no id"))[2] == "Invalid id value"
    assert refused(users.messages().get(userId="me", id="19a0000000000000"))[0] == 404


# What Gmail does to a mail


def test_nobody_sends_in_anothers_name(world: Sandbox) -> None:
    users = gmail(world)
    sent = users.messages().send(userId="me", body=raw(mail(From=f"Ben <{COLLEAGUE}>"))).execute()
    shown = users.messages().get(userId="me", id=sent["id"], format="metadata", metadataHeaders=["From"]).execute()
    assert shown["payload"]["headers"][0]["value"].endswith(f"<{SENDER}>")


@pytest.mark.parametrize("message_ids", ["kept", "moved", "lost"])
def test_a_message_id_is_kept_or_not_as_the_seed_says(message_ids: str, world: Sandbox) -> None:
    requests.post(f"{world.url}/_sandbox/seed", json={"google": {"message_ids": message_ids}}, timeout=10)
    users = gmail(world)
    sent = users.messages().send(userId="me", body=raw(mail(**{"Message-ID": "<ours@fleetdm.com>"}))).execute()
    found = users.messages().list(userId="me", q="rfc822msgid:ours@fleetdm.com").execute()
    assert [each["id"] for each in found.get("messages", [])] == ([sent["id"]] if message_ids == "kept" else [])


def test_a_mail_arrives_with_colleagues_without_its_hidden_copies(world: Sandbox) -> None:
    gmail(world).messages().send(userId="me", body=raw(mail(To=COLLEAGUE, Bcc="mike@fleetdm.com"))).execute()
    inbox = gmail(world, COLLEAGUE).messages()
    (found,) = inbox.list(userId="me", labelIds=["INBOX", "UNREAD"]).execute()["messages"]
    shown = inbox.get(userId="me", id=found["id"]).execute()
    names = {each["name"] for each in shown["payload"]["headers"]}
    assert "Bcc" not in names
    assert {"Date", "Message-ID"} <= names
    assert base64.urlsafe_b64decode(shown["payload"]["body"]["data"]).split() == [b"Hello!"]
    assert gmail(world, "mike@fleetdm.com").messages().list(userId="me", q="in:inbox").execute()["messages"]


def test_an_answer_stands_in_the_same_thread(world: Sandbox) -> None:
    users = gmail(world)
    first = users.messages().send(userId="me", body=raw(mail(**{"Message-ID": "<1@fleetdm.com>"}))).execute()
    answer = mail(**{"In-Reply-To": "<1@fleetdm.com>"})
    second = users.messages().send(userId="me", body=raw(answer)).execute()
    thread = users.threads().get(userId="me", id=first["threadId"], format="minimal").execute()
    assert [each["id"] for each in thread["messages"]] == [first["id"], second["id"]]


def test_mail_from_outside_comes_in(world: Sandbox) -> None:
    written = {"from": OUTSIDE, "to": SENDER, "subject": "Thanks", "text": "See you"}
    assert requests.post(f"{world.url}/google/_person/mail", json=written, timeout=10).ok
    found = gmail(world).messages().list(userId="me", q=f"from:{OUTSIDE} in:inbox is:unread").execute()
    assert len(found["messages"]) == 1
    assert world.effects() == []


# Search and pages


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("to:robin@quillfeather.example", {"one", "two"}),
        ("from:kathy subject:two", {"two"}),
        ('subject:"number two"', {"two"}),
        ("-subject:two in:sent", {"one"}),
        ("in:drafts", {"draft"}),
        ("in:anywhere", {"one", "two", "draft"}),
        ("newer_than:1d", {"one", "two", "draft"}),
        ("older_than:1d", set()),
        ("after:1700000000 in:sent", {"one", "two"}),
        ("before:2024/01/31", set()),
        ("hello subject:one", {"one"}),
    ],
)
def test_a_search_finds_what_gmails_would(query: str, found: set[str], world: Sandbox) -> None:
    users = gmail(world)
    names: dict[str, str] = {}
    for name in ("one", "two"):
        sent = users.messages().send(userId="me", body=raw(mail(Subject=f"Number {name}"))).execute()
        names[sent["id"]] = name
    draft = users.drafts().create(userId="me", body={"message": raw(mail(To="", Subject="Kept"))}).execute()
    names[draft["message"]["id"]] = "draft"
    answer = users.messages().list(userId="me", q=query).execute()
    assert {names[each["id"]] for each in answer.get("messages", [])} == found


def test_a_search_that_the_stand_in_does_not_know_is_refused(world: Sandbox) -> None:
    for query in ("filename:pdf", "a OR b", "after:yesterday", "newer_than:soon"):
        assert refused(gmail(world).messages().list(userId="me", q=query))[0] == 400


def test_lists_come_in_pages_newest_first(world: Sandbox) -> None:
    messages = gmail(world).messages()
    sent = [messages.send(userId="me", body=raw(mail())).execute()["id"] for _ in range(3)]
    request, pages = messages.list(userId="me", maxResults=2), list[list[str]]()
    while request is not None:
        answer = request.execute()
        pages.append([each["id"] for each in answer["messages"]])
        request = messages.list_next(request, answer)
    assert pages == [[sent[2], sent[1]], [sent[0]]]


# Faults


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("401", 401, "authError"),
        ("429", 429, "rateLimitExceeded"),
        ("403_retry_after", 403, "userRateLimitExceeded"),
        ("vanished", 404, "notFound"),
        ("500_before", 503, "backendError"),
        ("500_after", 500, "backendError"),
    ],
)
def test_a_fault_is_worded_as_google_does(kind: str, status: int, reason: str, world: Sandbox) -> None:
    users = gmail(world)
    world.fault(kind=kind, service="google", path="profile")
    assert refused(users.getProfile(userId="me"))[:2] == (status, reason)


def test_a_seed_with_a_misspelt_field_is_refused(world: Sandbox) -> None:
    for seed in ({"mailboxs": []}, {"mailboxes": [{"adress": "x"}]}, {"message_ids": "burnt"}):
        answer = requests.post(f"{world.url}/_sandbox/seed", json={"google": seed}, timeout=10)
        assert answer.status_code == 422
