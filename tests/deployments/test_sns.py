"""Alarms of AWS SNS: only what Amazon's own key has signed, for a topic of ours, is taken."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from deployments import deliveries, signatures
from deployments.deliveries import Malformed
from deployments.signatures import SNS_FIELDS, Forged
from deployments.webhooks import WEBHOOKS, Incoming
from tests.conftest import environment
from tests.deployments.test_signatures import spoiled

TOPIC = "arn:aws:sns:us-east-2:123456789012:alarms"
ADDRESS = "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
KEY, FOREIGN = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": TOPIC,
    "Subject": "ALARM: host down",
    "Message": '{"AlarmName": "host down"}',
    "Timestamp": "2026-11-23T10:00:00.000Z",
    "SigningCertURL": ADDRESS,
}
CONFIRMATION = {
    **NOTIFICATION,
    "Type": "SubscriptionConfirmation",
    "Token": "2336412f37",
    "SubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn="
    + TOPIC
    + "&Token=23364",
}
Version = Literal["1", "2"]


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


AT = {ADDRESS: certificate()}


def signed(message: Mapping[str, str], version: Version = "2", key: rsa.RSAPrivateKey = KEY) -> dict[str, Any]:
    """Signs as Amazon does."""
    fields = [f"{name}\n{message[name]}\n" for name in SNS_FIELDS[message["Type"]] if name in message]
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # Amazon's version 1
    signature = base64.b64encode(key.sign("".join(fields).encode(), PKCS1v15(), digest)).decode()
    return {**message, "SignatureVersion": version, "Signature": signature}


def verify(message: Mapping[str, Any], at: Mapping[str, bytes] = AT) -> None:
    signatures.sns(json.dumps(message).encode(), at.__getitem__)


@pytest.fixture(autouse=True)
def own_settings(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings(environment("http://127.0.0.1:9", "sqlite://") | {"HANDBOOK_SNS_TOPICS": f"arn:aws:sns:x, {TOPIC}"})


@pytest.mark.parametrize("message", [NOTIFICATION, CONFIRMATION], ids=lambda message: message["Type"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_what_amazon_has_signed_is_taken(message: Mapping[str, str], version: Version) -> None:
    verify(signed(message, version))


def test_a_message_without_a_subject_is_signed_without_one() -> None:
    verify(signed({name: value for name, value in NOTIFICATION.items() if name != "Subject"}))


@pytest.mark.parametrize("name", sorted(set(NOTIFICATION) - {"SigningCertURL"}))
def test_a_message_of_which_one_word_was_changed_is_refused(name: str) -> None:
    with pytest.raises(Forged):
        verify({**signed(NOTIFICATION), name: NOTIFICATION[name] + "x"})


SPOILED = [
    *spoiled(signed(NOTIFICATION)["Signature"]),
    ("short", "AAAA"),
    ("all zeros", base64.b64encode(bytes(256)).decode()),
    ("of another key", signed(NOTIFICATION, key=FOREIGN)["Signature"]),
]


@pytest.mark.parametrize("signature", [value for _, value in SPOILED], ids=[how for how, _ in SPOILED])
def test_a_spoiled_signature_is_refused(signature: str) -> None:
    with pytest.raises((Forged, Malformed)):
        verify({**signed(NOTIFICATION), "Signature": signature})


def test_a_signature_of_one_version_is_none_of_the_other() -> None:
    with pytest.raises(Forged, match="does not match"):
        verify({**signed(NOTIFICATION, "1"), "SignatureVersion": "2"})


@pytest.mark.parametrize(
    "address",
    [
        "",
        ADDRESS.replace("https", "http"),
        ADDRESS.replace("amazonaws.com", "amazonaws.com.example.org"),
        ADDRESS.replace("https://sns", "https://example.org/sns"),
        ADDRESS.replace("https://", "https://user@"),
        ADDRESS.replace("amazonaws.com/", "amazonaws.com:444/"),
        ADDRESS.replace("amazonaws.com/", "amazonaws.com/../"),
        ADDRESS + "?x=https://example.org/",
        ADDRESS + "\n",
        "https://s3.us-east-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(address: str) -> None:
    def fetch(_: str) -> bytes:
        raise AssertionError("It was fetched.")

    with pytest.raises(Forged, match="does not lead to Amazon"):
        signatures.sns(json.dumps(signed({**NOTIFICATION, "SigningCertURL": address})).encode(), fetch)


@pytest.mark.parametrize(
    "found",
    [b"", b"<html>", certificate(FOREIGN), certificate(ec.generate_private_key(ec.SECP256R1()))],
    ids=["nothing", "a page", "another key", "another kind of key"],
)
def test_a_certificate_that_is_none_or_anothers_proves_nothing(found: bytes) -> None:
    with pytest.raises(Forged, match="does not match"):
        verify(signed(NOTIFICATION), {ADDRESS: found})


def test_a_topic_that_is_not_ours_is_refused_although_amazon_signed_it() -> None:
    with pytest.raises(Forged, match="not among HANDBOOK_SNS_TOPICS"):
        verify(signed({**NOTIFICATION, "TopicArn": f"{TOPIC}-of-others"}))


def test_the_address_that_confirms_a_subscription_is_kept_for_a_person() -> None:
    delivery = deliveries.sns(signed(CONFIRMATION))
    assert delivery.event is None
    assert delivery.for_a_person == f"To confirm the subscription, open {CONFIRMATION['SubscribeURL']}"


@pytest.mark.parametrize(
    "address",
    ["", "http://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription", "https://example.com/?Action=Confirm"],
)
def test_an_address_that_does_not_lead_to_amazon_is_not_shown_to_anybody(address: str) -> None:
    with pytest.raises(Malformed):
        deliveries.sns(signed({**CONFIRMATION, "SubscribeURL": address}))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Type": "Notification"}', b'{"Type": "Other"}', b"[" * 100_000])
def test_what_is_no_message_of_sns_is_refused_before_anything_is_fetched(body: bytes) -> None:
    (webhook,) = (each for each in WEBHOOKS if each.path == "/alarms/sns")
    with pytest.raises((Forged, Malformed)):
        webhook.take(Incoming({}, {}, "/alarms/sns", body))
