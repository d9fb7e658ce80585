"""Who may speak to the gateway: each service's signature, over the bytes as they came, before anything is parsed.

Every secret may be two, separated by a comma, while it is being rotated. Comparisons take the same time wherever the
difference lies. What a service's own library verifies is left to it.
"""

# Twilio ships its types without the mark that says so.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import SecretStr

from settings import settings
from tasks import clock

WINDOW = timedelta(minutes=5)
MOST_FIELDS = 100
SNS_CERTIFICATE = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9a-f]+\.pem")
SNS_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}

Headers = Mapping[str, str]


class Forged(Exception):
    """The delivery does not come from the service, or not now. The message says what is missing, never the secret."""


def secrets_of(setting: SecretStr, variable: str) -> list[str]:
    """Gives the secrets that are valid now.

    Raises:
        Forged: none is set, so nothing can be verified.
    """
    found = [each.strip() for each in setting.get_secret_value().split(",") if each.strip()]
    if not found:
        raise Forged(f"{variable} is not set, so nothing can be verified. Add it to .env.")
    return found


def slack(headers: Headers, body: bytes) -> None:
    """Verifies a request of Slack. https://docs.slack.dev/authentication/verifying-requests-from-slack

    Raises:
        Forged
    """
    from slack_sdk.signature import SignatureVerifier

    timestamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Forged("X-Slack-Request-Timestamp is missing or no number.")
    _assert_fresh(int(timestamp))
    for secret in secrets_of(settings().slack_signing_secret, "HANDBOOK_SLACK_SIGNING_SECRET"):
        with suppress(UnicodeError, TypeError):  # of bytes that are no text, which Slack never signs
            if SignatureVerifier(secret).is_valid(body, timestamp, signature):
                return
    raise Forged("X-Slack-Signature does not match.")


def github(headers: Headers, body: bytes) -> None:
    """Verifies a delivery of GitHub. https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries

    It states no time; its delivery id is remembered instead.

    Raises:
        Forged
    """
    given = headers.get("x-hub-signature-256", "")
    for secret in secrets_of(settings().github_webhook_secret, "HANDBOOK_GITHUB_WEBHOOK_SECRET"):
        if hmac.compare_digest(_bytes(f"sha256={_hex(secret, body)}"), _bytes(given)):
            return
    raise Forged("X-Hub-Signature-256 does not match.")


def unthread(headers: Headers, body: bytes) -> None:
    """Verifies a delivery of Unthread, but for its time, which stands in the body: see `assert_fresh_unthread`.

    Raises:
        Forged
    """
    given = headers.get("x-unthread-signature", "").removeprefix("sha256=")
    for secret in secrets_of(settings().unthread_webhook_secret, "HANDBOOK_UNTHREAD_WEBHOOK_SECRET"):
        if hmac.compare_digest(_bytes(_hex(secret, body)), _bytes(given)):
            return
    raise Forged("X-Unthread-Signature does not match.")


def assert_fresh_unthread(milliseconds: object) -> None:
    """Checks `webhookTimestamp` of a body whose signature is right.

    Raises:
        Forged
    """
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise Forged("webhookTimestamp is missing or no number.")
    _assert_fresh(milliseconds / 1000)


def twilio(headers: Headers, body: bytes, path_and_query: str) -> None:
    """Verifies a request of Twilio. https://www.twilio.com/docs/usage/security#validating-requests

    Raises:
        Forged
    """
    from twilio.request_validator import RequestValidator

    if not settings().public_url:
        raise Forged("HANDBOOK_PUBLIC_URL is not set; Twilio signs the address that it calls. Add it to .env.")
    url = settings().public_url.rstrip("/") + path_and_query
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Forged(f"The form has more fields than {MOST_FIELDS}, and Twilio sends about twenty.") from None
    parameters = dict(fields)
    for token in secrets_of(settings().twilio_auth_token, "HANDBOOK_TWILIO_AUTH_TOKEN"):
        with suppress(UnicodeError, TypeError):
            if RequestValidator(token).validate(url, parameters, headers.get("x-twilio-signature", "")):
                return
    raise Forged("X-Twilio-Signature does not match.")


def alertmanager(headers: Headers) -> None:
    """Verifies the bearer token that Alertmanager's `http_config.authorization` sends.

    Raises:
        Forged
    """
    _assert_bearer(headers, settings().alertmanager_token, "HANDBOOK_ALERTMANAGER_TOKEN")


def salesforce(query: Mapping[str, str]) -> None:
    """Verifies the key in the address of an outbound message, which can carry no header; the org's id is checked later.

    Raises:
        Forged
    """
    given = query.get("key", "")
    for secret in secrets_of(settings().salesforce_webhook_key, "HANDBOOK_SALESFORCE_WEBHOOK_KEY"):
        if hmac.compare_digest(_bytes(secret), _bytes(given)):
            return
    raise Forged("The key in the address does not match.")


def sns(body: bytes, certificate: Callable[[str], bytes] | None = None) -> None:
    """Verifies a message of AWS SNS. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

    certificate: gives the PEM at an address; the default asks Amazon, once an address.

    Raises:
        Forged
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.x509 import load_pem_x509_certificate

    message = _sns_message(body)
    topics = secrets_of(settings().sns_topics, "HANDBOOK_SNS_TOPICS")
    if message["TopicArn"] not in topics:
        raise Forged("The topic is not among HANDBOOK_SNS_TOPICS.")
    url = message.get("SigningCertURL", "")
    if not SNS_CERTIFICATE.fullmatch(url):
        raise Forged("SigningCertURL does not lead to Amazon.")
    try:
        key = load_pem_x509_certificate((certificate or _certificate)(url)).public_key()
        signed = "".join(f"{name}\n{message[name]}\n" for name in SNS_FIELDS[message["Type"]] if name in message)
        digest = SHA256() if message.get("SignatureVersion") == "2" else SHA1()  # noqa: S303  # Amazon's version 1
        assert isinstance(key, RSAPublicKey)
        key.verify(base64.b64decode(message.get("Signature", ""), validate=True), signed.encode(), PKCS1v15(), digest)
    except (InvalidSignature, ValueError, AssertionError, httpx.HTTPError):
        raise Forged("The signature of the SNS message does not match.") from None


def _sns_message(body: bytes) -> dict[str, str]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Forged("The SNS message is no JSON.") from None
    if not isinstance(message, dict) or message.get("Type") not in SNS_FIELDS:  # pyright: ignore[reportUnknownMemberType]
        raise Forged("The SNS message has no known type.")
    texts = {str(name): value for name, value in message.items() if isinstance(value, str)}  # pyright: ignore
    if "TopicArn" not in texts:
        raise Forged("The SNS message names no topic.")
    return texts


@cache
def _certificate(url: str) -> bytes:
    assert SNS_CERTIFICATE.fullmatch(url), urlsplit(url).hostname
    return httpx.get(url, timeout=5, follow_redirects=False).raise_for_status().content


def _assert_bearer(headers: Headers, setting: SecretStr, variable: str) -> None:
    given = headers.get("authorization", "")
    for secret in secrets_of(setting, variable):
        if hmac.compare_digest(_bytes(f"Bearer {secret}"), _bytes(given)):
            return
    raise Forged("The bearer token does not match.")


def _assert_fresh(seconds: float) -> None:
    if abs(clock.wall().timestamp() - seconds) > WINDOW.total_seconds():
        raise Forged("It was signed more than 5 minutes ago, or the clocks differ.")


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    """compare_digest takes only ASCII text, but any bytes."""
    return text.encode("utf-8", "surrogatepass")
