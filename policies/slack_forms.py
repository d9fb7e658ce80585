"""Decides who may start a procedure from Slack, and words what they read: the list, refusals, what was started."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies import slack_modals
from policies.foreign_text import escape_slack
from policies.handbook import Handbook, Person
from policies.report import Button, Link, Report

OPEN = "open-form-"  # the action of each button begins so; the procedure's name follows
ON_MESSAGE = "-on-message"  # the callback id of a shortcut on a message ends so
COMMANDS = (
    "`/handbook` shows the procedures that start from Slack.",
    "`/handbook` and a procedure's name opens its form.",
    "`/handbook add #channel why` asks for the out-of-hours notice in a channel.",
    "`/handbook remove #channel why` asks for its end.",
)


@dataclass(frozen=True)
class Entry:
    """A procedure that starts from Slack. roles: of those who may start it; empty: everybody in [people]."""

    procedure: str
    title: str
    about: str
    roles: Collection[str] = ()


def person(names: Handbook, user: str) -> Person | None:
    """Gives who has an id in Slack; None when handbook.toml doesn't know them."""
    return next((found for found in names.people.values() if user and found.slack == user), None)


def reasons_to_refuse(entry: Entry, names: Handbook, user: str, *, is_team: bool) -> list[str]:
    """Says why somebody may not start a procedure. is_team: whether they are of our workspace and no guest."""
    if not is_team:
        return ["Only members of the team can start this. Write to us in your channel."]
    found = person(names, user)
    if found is None:
        return ["handbook.toml has no person with your id in Slack. Ask for it to be filled in under [people]."]
    holders = {handle for role in entry.roles for handle in names.roles.get(role, ())}
    if entry.roles and found.handle not in holders:
        return [f"{entry.title} is for {_spoken(entry.roles)}. Ask one of them."]
    return []


def _spoken(roles: Collection[str]) -> str:
    *first, last = [f"{role.replace('_', ' ')}s" for role in roles]
    return f"{', '.join(first)} and {last}" if first else last


def overview(entries: Sequence[Entry], prefect: str) -> Report:
    """Words what `/handbook` answers. prefect: where all procedures are."""
    if not entries:
        return Report("Handbook", ["Nothing that you may start begins in Slack.", *COMMANDS])
    rows: list[Sequence[str | Link]] = [(each.title, each.about, f"/handbook {each.procedure}") for each in entries]
    rows.append((Link("Everything else starts in Prefect", prefect), "", ""))
    return Report(
        "Handbook",
        COMMANDS,
        ("Procedure", "What it does", "Command"),
        rows,
        buttons=[Button(each.title, f"{OPEN}{each.procedure}", each.procedure) for each in entries],
    )


def refused(title: str, reasons: Sequence[str]) -> Mapping[str, Any]:
    """Gives the modal that says why somebody may not start a procedure."""
    return slack_modals.notice(title, [*reasons, "Nothing was started."])


def started(entry: Entry, url: str, *, in_prefect: bool, is_dry: bool, is_repeated: bool) -> Mapping[str, Any]:
    """Gives the modal that says what was started.

    url: of the run, else of the procedure in Prefect. in_prefect: whether Prefect has made the run already.
    is_repeated: whether the same form was sent before with other words.
    """
    said = [f"{entry.title}: this was started{' as a dry run, which changes nothing' if is_dry else ''}."]
    if is_repeated:
        said = ["This form was sent before, with other words: those count. Open it again to start another run."]
    link = f"<{url}|The run in Prefect>" if in_prefect else f"<{url}|The procedure in Prefect>"
    said.append("If something speaks against it, you are told in the customer success channel.")
    waits = "" if in_prefect else " Prefect has not taken it yet; it is kept here and follows by itself."
    told = [*map(escape_slack, said), f"{link}.{escape_slack(waits)}"]
    return slack_modals.notice(entry.title, told, escaped=True)
