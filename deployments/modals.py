"""Forms in Slack: opened by a shortcut, a button or `/handbook`, checked when sent, and started in Prefect once.

Nothing of a form is stored before it has been checked: by the flow's own model, by its policy, for customers' names and
for secrets. What is stored starts one run, also while Prefect is down and after a kill; the modal's id is its key.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from deployments import forms, inbox, procedures
from deployments.deliveries import Delivery
from deployments.dispatcher import Dispatcher
from deployments.forms import Form, Problem
from deployments.interactions import FormSubmission
from policies import slack_forms, slack_modals
from policies.confidentiality import KnownNames, Leak, declassify
from policies.events import FormAsked, FormSent
from policies.spilled_secrets import secrets_in
from settings import handbook
from tasks import cases, clock, database, known_names, remembered, runs, slack
from tasks.database import GroupCommit, Transaction
from tasks.effects import EffectError

ANSWER_WITHIN = 2.5  # seconds; Slack waits three
NAMES_WITHIN = 1.5  # seconds for customers' names to be read when a form is sent
RUN_WITHIN = 0.6  # seconds that an answer waits for Prefect's run, to lead to it
NAMES_FOR = timedelta(minutes=15)  # after which names are read anew
LOG = logging.getLogger(__name__)
Modal = Mapping[str, Any]


class NotOpened(Exception):
    """Slack has opened no modal, or has not said so in time."""


class Modals:
    """What the gateway answers to forms."""

    def __init__(self, group: GroupCommit, dispatcher: Dispatcher) -> None:
        self._group, self._dispatcher = group, dispatcher
        self._names: asyncio.Task[KnownNames] | None = None
        self._names_since = clock.wall()

    # -- opening

    async def open(self, asked: FormAsked) -> bool:
        """Opens a form, or a modal that says why not. It is tried once. False: Slack's answer was lost.

        Raises:
            NotOpened
        """
        by = f"Slack {asked.user}"
        run = runs.Run(id=f"gateway form {asked.trigger}", procedure=asked.procedure, started_by=by, at=clock.now())
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                with database.committing_together(self._group), runs.acting(run):
                    shown = await self._view(asked)
                    made = await slack.open_view(asked.trigger, shown, once=f"form/{asked.trigger}/open")
                    return made.id != slack.UNKNOWN
        except (EffectError, TimeoutError) as problem:
            LOG.info("The form %s was not opened: %s", asked.procedure, problem)
            raise NotOpened("The form could not be opened. Try again.") from problem

    async def _view(self, asked: FormAsked) -> Modal:
        form = forms.named(asked.procedure)
        if form is None:
            return slack_forms.refused("Handbook", [f'"{asked.procedure}" has no form in Slack.'])
        if reasons := await reasons_to_refuse(form, asked.user, asked.team):
            return slack_forms.refused(form.title, reasons)
        self._read_names(timedelta(0))  # ready when the form is sent
        filled = {form.channel: asked.channel}
        if asked.message_ts:
            filled |= {form.message: slack.link(asked.channel, asked.message_ts)}
        filled = {path: value for path, value in filled.items() if path and value}
        about, prefect = form.entry.about, forms.prefect_url("deployments")
        return slack_modals.view(forms.layout(form.procedure), form.procedure, form.title, about, prefect, filled)

    # -- sending

    async def submit(self, submission: FormSubmission) -> Modal:
        """Gives Slack's answer to a form that was sent: what is wrong with it, or what was started."""
        async with asyncio.timeout(ANSWER_WITHIN):
            form = forms.named(submission.sent.procedure)
            if form is None:
                return _update(slack_forms.refused("Handbook", ["This form is not there any more."]))
            if reasons := await reasons_to_refuse(form, submission.sent.user, submission.team):
                return _update(slack_forms.refused(form.title, reasons))
            fields = forms.layout(form.procedure)
            filled = slack_modals.filled_before(submission.private_metadata)
            try:
                said = slack_modals.parameters(fields, submission.answers, filled)
            except slack_modals.OtherForm as problem:
                return submission.not_now(str(problem))
            _give_handle(form, said, submission.sent.user)
            if problems := forms.problems(form, said) + await self._never_stored(said):
                told = slack_modals.errors(fields, problems, submission.answers)
                return {"response_action": "errors", "errors": told}
            return _update(await self._start(form, submission.sent, said))

    async def _start(self, form: Form, sent: FormSent, said: Mapping[str, Any]) -> Modal:
        delivery = Delivery("slack-form", sent.view, sent, form.procedure)
        wanted, verdict = json.dumps(said, sort_keys=True), procedures.verdict(sent)
        stands, opened = await self._group.run(_take, delivery, verdict, wanted)
        self._dispatcher.open(opened, sent, f"{delivery.source} {delivery.id}")
        run = await _run_of(form.procedure, sent.key)
        url = forms.prefect_url(f"runs/flow-run/{run}" if run else "deployments")
        is_dry, is_repeated = bool(said.get("dry_run")), stands != wanted
        return slack_forms.started(form.entry, url, in_prefect=bool(run), is_dry=is_dry, is_repeated=is_repeated)

    # -- what is never stored

    async def _never_stored(self, said: Mapping[str, Any]) -> list[Problem]:
        """Names the customers' names and secrets in a form: Prefect keeps parameters, and shows them."""
        typed = forms.texts(said)
        found = [(path, _spilled(secrets)) for path, text in typed if (secrets := secrets_in(text))]
        try:
            async with asyncio.timeout(NAMES_WITHIN):
                names = await asyncio.shield(self._read_names(NAMES_FOR))
        except Exception as problem:
            LOG.warning("Customers' names could not be read: %s", type(problem).__name__)
            sentence = "Customers' names can't be looked for now. Nothing was stored. Try again in a minute."
            return [*found, ("", sentence)]
        return found + await asyncio.to_thread(_leaks, typed, names)

    def _read_names(self, at_most: timedelta) -> asyncio.Task[KnownNames]:
        """Reads customers' names, unless that was begun a shorter time ago or is under way."""
        now, task = clock.wall(), self._names
        is_good = task is not None and not (task.done() and (task.cancelled() or task.exception()))
        if task is None or not is_good or (task.done() and now - self._names_since > at_most):
            task = self._names = asyncio.create_task(asyncio.to_thread(known_names.read))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # who waits is told of it
            self._names_since = now
        return task


@Transaction
def _take(
    connection: Connection, delivery: Delivery, verdict: inbox.Verdict, wanted: str
) -> tuple[str, list[inbox.Opening]]:
    """Opens a form's case and keeps its parameters, together. Gives the parameters that stand, and what is new."""
    assert isinstance(delivery.event, FormSent)
    key, opened = delivery.event.key, inbox.receive.within(connection, delivery, verdict)
    if opened:
        return remembered.first.within(connection, key, wanted), opened
    return remembered.read_within(connection, key) or wanted, opened


async def reasons_to_refuse(form: Form, user: str, team: str) -> list[str]:
    """Says why somebody may not start a procedure."""
    by, us = await slack.person(user), await slack.us()
    is_team = by.team == us.team and team in {"", us.team} and not by.is_guest and not by.is_bot
    return slack_forms.reasons_to_refuse(form.entry, handbook(), user, is_team=is_team)


def _update(view: Modal) -> Modal:
    return {"response_action": "update", "view": view}


def _give_handle(form: Form, said: dict[str, Any], user: str) -> None:
    found = slack_forms.person(handbook(), user)
    if form.handle and found:
        slack_modals.put(said, form.handle, found.handle)


def _spilled(secrets: Sequence[object]) -> str:
    return f"It seems to hold {' and '.join(map(str, secrets))}. Leave it out. Nothing was stored."


def _leaks(typed: Sequence[Problem], names: KnownNames) -> list[Problem]:
    found: list[Problem] = []
    for path, text in typed:
        try:
            declassify(text, names)
        except Leak as leak:
            found.append((path, str(leak)))
    return found


async def _run_of(procedure: str, subject: str) -> str:
    """Waits a moment for Prefect's run of a case. Gives its id; "" when it isn't there yet."""
    for _ in range(int(RUN_WITHIN / 0.05)):
        found = await asyncio.to_thread(cases.of, procedure, [subject])
        if subject in found and found[subject].run_id:
            return str(found[subject].run_id)
        await clock.asleep(0.05)
    return ""
