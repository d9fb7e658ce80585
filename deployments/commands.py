"""What `/handbook` in Slack answers: the procedures there are, and requests to the automation administrator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from flows.support import out_of_hours
from policies.customer import Refused
from policies.events import SlackCommand
from policies.foreign_text import escape_slack
from policies.support import out_of_hours as policy
from settings import ROOT
from tasks import clock, database, runs
from tasks.database import GroupCommit
from tasks.effects import EffectError

_REGISTER = re.compile(r"(add|remove)(?:-channel)?\s+(?:<#)?([^\s|>]+)(?:\|[^>]*)?>?\s*(.*)", re.DOTALL)
HELP = (
    "`/handbook` lists the procedures.",
    "`/handbook add #channel why` asks for the out-of-hours notice in a channel.",
    "`/handbook remove #channel why` asks for its end.",
)


async def answer(command: SlackCommand, group: GroupCommit) -> Mapping[str, Any]:
    """Gives the answer that only the asking person sees."""
    asked = _REGISTER.fullmatch(command.text.strip())
    if not asked:
        return _shown(_procedures())
    change: policy.Change = "add" if asked[1] == "add" else "remove"
    by = f"command {command.trigger}"
    run = runs.Run(id=f"gateway {by}", procedure=out_of_hours.REGISTER, started_by=by, at=clock.now())
    with database.committing_together(group), runs.acting(run):
        try:
            told = await out_of_hours.ask_to_register(policy.channel_id(asked[2]), change, asked[3], command)
        except (Refused, EffectError) as problem:
            return _shown([escape_slack(str(problem))])
    return {"response_type": "ephemeral", "text": told.slack_text(), "blocks": told.slack_blocks()}


def _procedures() -> Sequence[str]:
    from prefect.settings import PREFECT_UI_URL

    url = f"{PREFECT_UI_URL.value() or ''}/deployments"
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    names = sorted(each["name"] for each in deployed)
    return [*HELP, f"Everything else starts from <{url}|Prefect>:", ", ".join(names)]


def _shown(lines: Sequence[str]) -> Mapping[str, Any]:
    return {"response_type": "ephemeral", "text": "\n".join(lines)}
