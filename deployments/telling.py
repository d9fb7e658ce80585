"""The sweeper's word: what a person must know, once each, in the customer success channel; the inbox in Prefect."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_UI_URL
from sqlalchemy import Connection, Row

from deployments import inbox
from policies import sweeping as policy
from policies.events import FormSent, SlackAction
from policies.report import Report
from settings import handbook
from tasks import cases, clock, ledger, remembered, slack
from tasks.database import Transaction
from tasks.effects import EffectPostponed

LOG = logging.getLogger(__name__)
TOLD = "told "  # what it is remembered under in which message a thing is told of
REPORT_SINCE, REPORT_EVERY = timedelta(hours=24), timedelta(minutes=1)
GONE = 404
KEEP_INBOX, FORGET_EVERY = timedelta(days=30), timedelta(hours=1)


@contextmanager
def logged(what: str) -> Generator[None]:
    """Has one thing that can't be done hold up no other. What a service puts off for now holds up its like."""
    try:
        yield
    except EffectPostponed:
        raise
    except Exception as error:  # the next sweep tries again
        LOG.warning("%s: %s: %s", what, type(error).__name__, error)


def url_of(run_id: str) -> str:
    """Gives where a person looks at a run."""
    return f"{PREFECT_UI_URL.value() or ''}/runs/flow-run/{run_id}"


async def tell_what_waits(_: PrefectClient) -> None:
    """Tells of each effect and case that waits for a person, and of each case that was refused, once."""
    waiting: dict[str, Report] = {}
    for row in ledger.rows(states=[ledger.State.PARKED]):
        shown = policy.parked(row.service, row.action, row.target, row.reason or "", row.key, row.made_url or "")
        waiting[f"parked/{row.epoch}/{row.key}"] = shown
    for row in cases.parked_cases():
        shown = policy.case_given_up(row.procedure, row.subject, row.reason or "", row.generation, _url(row))
        waiting[f"case/{row.generation}/{row.procedure}/{row.subject}"] = shown
    for row in cases.refused_cases(since=clock.wall() - policy.LOOKS_BACK):
        if row.reason != policy.CANCELLED:
            about, shown = refusal(row, row.reason or "")
            waiting[about] = shown
    await tell(waiting)


def refusal(row: Row[Any], reason: str) -> tuple[str, Report]:
    """Words a case's refusal, for who started it in Slack if somebody did; with what it is about, to be told once."""
    event = cases.event_behind(row.procedure, row.subject)
    user = event.user if isinstance(event, FormSent | SlackAction) else ""
    return f"refused/{row.procedure}/{row.subject}", policy.refused(row.procedure, reason, _url(row), user)


def _url(row: Row[Any]) -> str:
    return url_of(row.run_id) if row.run_id else ""


async def tell(waiting: Mapping[str, Report]) -> None:
    """Posts what has not been told of to the customer success channel: a few things by themselves, the rest in one.

    In which message a thing is told of is remembered before the message is posted, so that a sweeper which is killed in
    between leaves nothing out and says nothing twice.

    waiting: what to say, by what it is about.

    Raises:
        EffectPostponed: Slack takes nothing now.
    """
    things = {_digest(about): shown for about, shown in waiting.items()}
    messages = list(dict.fromkeys(_message_about(list(things)).values()))
    said = {row.key for row in ledger.rows(keys=[_once(each) for each in messages], states=[ledger.State.DONE])}
    for message in messages:
        if _once(message) not in said:
            shown = things[message] if message in things else policy.more_wait(int(message.partition("-")[0]))
            with logged(f"Message {message} is not told"):
                await slack.post(handbook().channels["help-customers"].id, shown, once=_once(message))


def _message_about(things: Sequence[str]) -> dict[str, str]:
    """Gives the message that tells of each thing; new things get theirs now."""
    names = {f"{TOLD}{thing}": thing for thing in things}
    known = {names[name]: message for name, message in remembered.several(list(names)).items()}
    new = [thing for thing in things if thing not in known]
    alone, together = new[: policy.MOST_ALONE], new[policy.MOST_ALONE :]
    shared = f"{len(together)}-{_digest(' '.join(together))}"
    chosen = {thing: thing for thing in alone} | dict.fromkeys(together, shared)
    return known | (_remember_all(chosen) if chosen else {})


@Transaction
def _remember_all(connection: Connection, messages: Mapping[str, str]) -> dict[str, str]:
    keep_first = remembered.first.within
    return {thing: keep_first(connection, f"{TOLD}{thing}", message) for thing, message in messages.items()}


def _once(message: str) -> str:
    return f"sweeper/{message}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- the inbox


async def show_inbox(client: PrefectClient) -> None:
    """Shows in Prefect what came in during the last day and why most of it needed nothing."""
    if remembered.is_time("inbox report", REPORT_EVERY):
        since = clock.wall() - REPORT_SINCE
        await _show(client, policy.inbox(inbox.counts(since), since).markdown())
    if remembered.is_time("inbox forgotten", FORGET_EVERY):
        inbox.forget(clock.wall() - KEEP_INBOX)


async def _show(client: PrefectClient, shown: str) -> None:
    """Brings the one artifact up to date: a new one each minute would fill Prefect's database."""
    if known := remembered.read("inbox artifact"):
        try:
            await client.request("PATCH", "/artifacts/{id}", path_params={"id": UUID(known)}, json={"data": shown})
            return
        except PrefectHTTPStatusError as error:
            if error.response.status_code != GONE:
                raise
    made = await client.create_artifact(ArtifactCreate(key="inbox", type="markdown", data=shown, description="Inbox"))
    remembered.keep("inbox artifact", str(made.id))
