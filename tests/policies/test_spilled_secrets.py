"""Secrets in texts: found in every form that people paste, and not in what they say about them.

The tokens here are put together, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import pytest

from policies.spilled_secrets import Spilled, secrets_in

RANDOM = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"
SECRETS = {
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow",
    "a GitHub token": "gh" + "p_" + RANDOM,
    "a Slack token": "xox" + "b-123456789012-abcdefghijkl",
    "a Slack webhook": "https://hooks.slack" + ".com/services/T000/B000/abcdefgh",
    "an AWS key": "AK" + "IAIOSFODNN7EXAMPLE",
    "a Google key": "AI" + "za" + RANDOM[:35],
    "a Stripe key": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "a JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0.abc",
    "an address with a password": "mysql://fleet:hunt3r@db.example:3306/fleet",
    "a bearer token": "Authorization: Bearer abcdef0123456789abcdef",
    "a long text that looks random": f"They sent {RANDOM} to us",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_in_its_makers_form(kind: str) -> None:
    assert kind in {each.kind for each in secrets_in(f"We talked.\n{SECRETS[kind]}")}


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2!",
        "the password is hunter2",
        "we set the password to hunter2",
        "PASSWORD=hunter2",
        'enroll_secret: "abc123def"',
        "API key = 12ab34cd",
        "their license key: 1234-abcd",
        "passphrase: xK9-plum",
        "access_token='s3cr3t'",
        '{"client_secret": "s3cr3ts"}',
    ],
)
def test_an_assignment_tells_a_secret(text: str) -> None:
    assert [each.kind for each in secrets_in(text)] == ["a password or token"]


@pytest.mark.parametrize(
    "text",
    [
        "They asked how to rotate the enroll secret.",
        "The token is missing from the request.",
        "password: <redacted>",
        "password: ********",
        "API token: [removed]",
        "Key: the profile is signed by the MDM server.",
        "Fixed in 4.78.0, see https://docs.google.com/document/d/1AbCdEfGh2IjKlMnOp3QrStUvWx4Yz5aB6cD7eF/edit",
        "Commit 9f2c1d7a5b3e4f60718293a4b5c6d7e8f9012345 is in the release.",
        "a hash: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "/Library/Application Support/com.fleetdm.orbit/bin/orbit/macos/stable/orbit",
        "com.fleetdm.softwareupdate.profile-identifier-of-the-second-kind",
        "a host of 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    ],
)
def test_words_about_secrets_and_long_names_are_none(text: str) -> None:
    assert secrets_in(text) == []


def test_what_is_told_says_kind_and_line_and_not_the_secret() -> None:
    (found,) = secrets_in("Summary\n\nthe password is hunter2")
    assert found == Spilled("a password or token", 3)
    assert str(found) == "a password or token in line 3"
