"""Google's token endpoint for service accounts that act for people of their domain.

Tokens and signed texts go by the real clock, as google-auth does, whatever day the sandbox plays. A token is signed,
not remembered: it stays good when the sandbox forgets everything.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from sandbox.google_refusals import TokenRefusal, unauthenticated

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
SECONDS = 3_600
SKEW = 300
_KEY = secrets.token_bytes(32)
UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
    "scopes requested."
)


@dataclass(frozen=True)
class ServiceAccount:
    """A service account, and for which scopes the domain's administrator lets it act for people."""

    email: str
    public_key: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Token:
    """Whom a token acts for ("" for the service account itself), and what it allows."""

    mailbox: str
    scopes: frozenset[str]


def grant(
    said: Mapping[str, str], accounts: Mapping[str, ServiceAccount], mailboxes: Collection[str], audiences: list[str]
) -> tuple[Token, dict[str, Any]]:
    """Exchanges a signed text for a token.

    Raises:
        TokenRefusal
    """
    if said.get("grant_type") != GRANT:
        raise TokenRefusal(400, "unsupported_grant_type", f"Invalid grant_type: {said.get('grant_type', '')}")
    claims = _claims(said.get("assertion", ""), accounts, audiences)
    account = accounts[claims["iss"]]
    scopes = frozenset(str(claims.get("scope", "")).split())
    if not scopes:
        raise TokenRefusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    mailbox = str(claims.get("sub", "")).lower()
    if mailbox and not scopes <= account.scopes:
        raise TokenRefusal(401, "unauthorized_client", UNAUTHORIZED)
    if mailbox and mailbox not in mailboxes:
        raise TokenRefusal(400, "invalid_grant", "Invalid email or User ID")
    token = Token(mailbox, scopes)
    return token, {"access_token": _written(token), "expires_in": SECONDS - 1, "token_type": "Bearer"}


def _claims(assertion: str, accounts: Mapping[str, ServiceAccount], audiences: list[str]) -> dict[str, Any]:
    try:
        issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss", ""))
    except jwt.InvalidTokenError:
        raise TokenRefusal(400, "invalid_request", "Bad Request") from None
    if issuer not in accounts:
        raise TokenRefusal(401, "unauthorized_client", UNAUTHORIZED)
    try:
        claims = jwt.decode(
            assertion,
            accounts[issuer].public_key,
            algorithms=["RS256"],
            audience=audiences,
            leeway=SKEW,
            options={"require": ["iat", "exp", "aud"]},
        )
    except jwt.InvalidAudienceError:
        raise TokenRefusal(400, "invalid_grant", "Invalid JWT: Failed audience check.") from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise TokenRefusal(400, "invalid_grant", "Invalid JWT Signature.") from None
    except jwt.InvalidTokenError:
        raise _not_short_lived() from None
    if not 0 < claims["exp"] - claims["iat"] <= SECONDS:
        raise _not_short_lived()
    return claims


def _not_short_lived() -> TokenRefusal:
    return TokenRefusal(
        400,
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and "
        "exp values in the JWT claim.",
    )


def _written(token: Token) -> str:
    ends = datetime.now(UTC).timestamp() + SECONDS
    said = json.dumps({"mailbox": token.mailbox, "scopes": sorted(token.scopes), "ends": ends}).encode()
    body = base64.urlsafe_b64encode(said).decode().rstrip("=")
    return f"ya29.{body}.{_signed(body)}"


def _signed(body: str) -> str:
    return hmac.new(_KEY, body.encode(), hashlib.sha256).hexdigest()


def read(authorization: str) -> Token:
    """Gives what a bearer token says.

    Raises:
        Refusal: it is none of ours, or over.
    """
    scheme, _, given = authorization.partition(" ")
    _, _, rest = given.strip().partition(".")
    body, _, signature = rest.partition(".")
    if scheme.lower() != "bearer" or not hmac.compare_digest(_signed(body).encode(), signature.encode()):
        raise unauthenticated()
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if said["ends"] <= datetime.now(UTC).timestamp():
        raise unauthenticated()
    return Token(said["mailbox"], frozenset(said["scopes"]))
