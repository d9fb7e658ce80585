"""Settings: complete, secret, and clear about what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from settings import ROOT, Settings, SettingsIncomplete, settings

SECRET = "ghp_verysecret"


def test_the_example_lists_every_variable_and_no_other() -> None:
    listed = set(re.findall(r"^(?:# )?HANDBOOK_([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_the_values_in_the_example_are_the_ones_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HANDBOOK_{name.upper()}", raising=False)
    given = dict(re.findall(r"^# HANDBOOK_([A-Z_]+)=(\S+)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    inside = {name: value for name, value in given.items() if name not in {"DATABASE_URL", "HANDBOOK_FILE"}}
    shown = Settings.model_construct()
    stated = Settings.model_validate({name.lower(): value for name, value in decoded(inside).items()})
    assert {name: getattr(stated, name.lower()) for name in inside} == {
        name: getattr(shown, name.lower()) for name in inside
    }


def decoded(values: Mapping[str, str]) -> dict[str, object]:
    import json

    return {name: json.loads(value) if value.startswith("[") else value for name, value in values.items()}


@pytest.mark.parametrize(
    "name", [name for name in Settings.model_fields if re.search("token|secret|key|database", name)]
)
def test_a_secret_is_shown_nowhere(name: str) -> None:
    shown = Settings.model_validate({name: SECRET, "sandbox_url": "http://127.0.0.1:1"})
    assert SECRET not in repr(shown)
    assert SECRET not in shown.model_dump_json()


def test_a_sandbox_must_be_on_this_machine(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings({"HANDBOOK_SANDBOX_URL": "http://example.com:4300"})
    with pytest.raises(SystemExit, match="HANDBOOK_SANDBOX_URL must be on this machine"):
        settings()


def test_a_fixed_time_is_for_the_sandbox_only(use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings({"HANDBOOK_SANDBOX_URL": "", "HANDBOOK_FIXED_TIME": "2026-11-23T00:00:00+00:00"})
    with pytest.raises(SystemExit, match="HANDBOOK_FIXED_TIME is for the sandbox only"):
        settings()


def test_all_wrong_variables_are_named_at_once_without_their_values(
    use_settings: Callable[[Mapping[str, str]], None],
) -> None:
    use_settings({"HANDBOOK_READ_TIMEOUT": "-7", "HANDBOOK_PATIENCE": "soon"})
    with pytest.raises(SystemExit) as stopped:
        settings()
    said = str(stopped.value)
    assert "HANDBOOK_READ_TIMEOUT" in said
    assert "HANDBOOK_PATIENCE" in said
    assert "soon" not in said


def test_every_empty_credential_is_named_at_once() -> None:
    with pytest.raises(SettingsIncomplete, match=r"HANDBOOK_GITHUB_PUBLIC_TOKEN, HANDBOOK_SLACK_BOT_TOKEN"):
        Settings.model_construct().require("github_public_token", "slack_bot_token")
