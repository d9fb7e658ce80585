"""`make ledger`: what waits for a person, and the person's decision."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from tasks import ledger
from tests.conftest import ROOT, environment

KEY = "assign-customer-codename/001Ux0000000001IAA/public-label"


@pytest.fixture
def run(sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Callable[..., str]:
    variables = environment("http://127.0.0.1:9", sqlite_url)
    use_settings(variables)

    def command(*arguments: str, code: int = 0) -> str:
        said = subprocess.run(
            [sys.executable, "-m", "deployments.settle", *arguments],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.returncode == code, said.stderr
        return said.stdout + said.stderr

    return command


def park() -> None:
    intent = ledger.Intent(
        "f", "GitHub", "create label", "customer-hebe", "p", "run 1", "a person", timedelta(seconds=9)
    )
    grant = ledger.claim(KEY, intent)
    assert isinstance(grant, ledger.Grant)
    ledger.park(grant, "Another label stands there.")


def test_an_empty_ledger_says_so(run: Callable[..., str]) -> None:
    assert "Nothing waits for a person." in run()


def test_what_is_parked_is_listed_with_its_key_and_reason(run: Callable[..., str]) -> None:
    park()
    said = run()
    assert KEY in said
    assert "Another label stands there." in said


def test_a_decision_is_kept_with_name_and_reason(run: Callable[..., str]) -> None:
    park()
    assert "is retry_later now, decided by Kathy" in run("allow", KEY, "--by", "Kathy", "--why", "I deleted the other")
    said = run("show", KEY)
    assert "Kathy" in said
    assert "I deleted the other" in said
    assert "Nothing waits" not in run()


def test_an_unknown_key_is_told(run: Callable[..., str]) -> None:
    assert "`make ledger` lists the keys" in run("show", "nonsense", code=1)
    assert "`make ledger` lists the keys" in run("allow", "nonsense", "--by", "K", "--why", "x", code=1)
