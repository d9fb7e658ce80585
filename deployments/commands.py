"""What `/handbook`, shortcuts and forms in Slack are answered."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployments import forms
from deployments.interactions import Asked, FormSubmission
from deployments.modals import Modals, NotOpened, reasons_to_refuse
from flows.support import out_of_hours
from policies import slack_forms
from policies.customer import Refused
from policies.events import FormAsked, SlackCommand
from policies.foreign_text import escape_slack
from policies.handbook import HandbookError
from policies.report import Report
from policies.support import out_of_hours as policy
from tasks import clock, database, runs
from tasks.database import GroupCommit
from tasks.effects import EffectError

LOG = logging.getLogger(__name__)
_REGISTER = re.compile(r"(add|remove)(?:-channel)?\s+(?:<#)?([^\s|>]+)(?:\|[^>]*)?>?\s*(.*)", re.DOTALL)


async def answer(asked: Asked, group: GroupCommit, modals: Modals) -> Mapping[str, Any] | None:
    """Gives the answer, which only the person sees; None where there is nothing to say."""
    match asked:
        case FormSubmission():
            return await modals.submit(asked)
        case FormAsked():
            await modals.open(asked)
            return None
        case SlackCommand():
            try:
                return await _answer_command(asked, group, modals)
            except (Refused, EffectError, HandbookError, NotOpened) as problem:
                return _shown([escape_slack(str(problem))])
            except Exception as problem:  # Slack would only say that the command failed
                LOG.exception("%s was not answered", asked.command)
                return _shown([f"This can't be done now ({type(problem).__name__}). Try again in a minute."])


async def _answer_command(command: SlackCommand, group: GroupCommit, modals: Modals) -> Mapping[str, Any] | None:
    text = command.text.strip()
    if wanted := _REGISTER.fullmatch(text):
        return await _ask_to_register(command, wanted, group)
    if not forms.named(text):
        return await _overview(command)
    is_open = await modals.open(FormAsked(text, command.user, command.team, command.trigger, command.channel))
    return None if is_open else _shown(["Slack has not said whether the form opened. If it did not, try again."])


async def _ask_to_register(command: SlackCommand, wanted: re.Match[str], group: GroupCommit) -> Mapping[str, Any]:
    change: policy.Change = "add" if wanted[1] == "add" else "remove"
    by = f"command {command.trigger}"
    run = runs.Run(id=f"gateway {by}", procedure=out_of_hours.REGISTER, started_by=by, at=clock.now())
    with database.committing_together(group), runs.acting(run):
        told = await out_of_hours.ask_to_register(policy.channel_id(wanted[2]), change, wanted[3], command)
    return _as_slack(told)


async def _overview(command: SlackCommand) -> Mapping[str, Any]:
    """Lists what this person may start."""
    entries = [form.entry for form in forms.FORMS if not await reasons_to_refuse(form, command.user, command.team)]
    return _as_slack(slack_forms.overview(entries, forms.prefect_url("deployments")))


def _as_slack(report: Report) -> Mapping[str, Any]:
    return {"response_type": "ephemeral", "text": report.slack_text(), "blocks": report.slack_blocks()}


def _shown(lines: Sequence[str]) -> Mapping[str, Any]:
    return {"response_type": "ephemeral", "text": "\n".join(lines)}
