"""What `/handbook` answers when something is missing or away: a sentence, never Slack's bare "it failed"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployments import commands
from deployments.dispatcher import Dispatcher
from deployments.modals import Modals
from policies.events import SlackCommand
from settings import ROOT
from tasks import database
from tests.conftest import Sandbox, environment
from tests.deployments.night import HELP, MEMBER, SEED

STRANGER = "U0SANDBOX12"  # whom no other test asks for: Slack's answer is remembered
ADDING = "add C0UNLISTED1 They are a customer now"


@pytest.fixture(autouse=True)
def _world(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    """A start without an automation administrator."""
    names = (ROOT / "sandbox/handbook.toml").read_text(encoding="utf-8").splitlines()
    kept = tmp_path / "additions.toml"
    kept.write_text("\n".join(line for line in names if "automation_administrator" not in line), encoding="utf-8")
    use_settings(environment(sandbox.url, sqlite_url) | {"HANDBOOK_HANDBOOK_ADDITIONS": str(kept)})
    sandbox.reset(SEED)


def answer(words: str, user: str = MEMBER) -> str:
    """Types /handbook. Gives what the person reads."""

    async def typed() -> str:
        group = database.GroupCommit()
        command = SlackCommand("/handbook", words, user, "T0SANDBOX", HELP, "1.2.abc")
        told = await commands.answer(command, group, Modals(group, Dispatcher(group)))
        await group.close()
        return str(told and told["text"])

    return asyncio.run(typed())


def test_without_an_automation_administrator_the_person_reads_what_is_to_be_filled_in() -> None:
    assert "automation_administrator" in answer(ADDING)


@pytest.mark.parametrize("words", [ADDING, "help"], ids=["a channel", "the overview"])
@pytest.mark.parametrize("kind", ["500_before", "ok_false"])
def test_while_slack_does_not_say_who_asks_the_person_reads_that_and_when_to_try_again(
    sandbox: Sandbox, words: str, kind: str
) -> None:
    sandbox.fault(kind=kind, service="slack", path="users.info", times=100)
    assert "Try again in a minute" in answer(words, STRANGER)
