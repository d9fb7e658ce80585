"""Decides what a customer's bug report must hold, how its issue is worded and labelled, and what the customer reads.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from policies import bug
from policies.customer import ACCOUNT_PATTERN, CODENAME_LABEL, Refused
from policies.foreign_text import neutralise_markdown
from policies.handbook import OURS, LabelOfCustomers, Labels
from policies.named_hosts import hosts_in
from policies.report import Cell, Link, Report
from policies.spilled_secrets import secrets_in
from policies.support.bug_duplicates import NO_CODENAME, Seen
from policies.support.out_of_hours import thread_key

Agent = Literal["fleetd", "osquery"]
WITHOUT_CODENAME = "customer request"  # in the place of a customer, where the edition allows it
LONGEST_TITLE, FEWEST_WORDS = 200, 3
LONGEST_TEXT, LONGEST_LINE = 10_000, 500  # GitHub takes 65,536 characters in all
CUSTOMER_PATTERN = rf"^\s*([Cc]ustomer|[Pp]rospect)-[a-zA-Z0-9-]+\s*$|^\s*{WITHOUT_CODENAME}\s*$|{ACCOUNT_PATTERN}"

_EXAMPLES = {
    "fleet_version": "4.58.0",
    "agent_version": "1.35.0",
    "operating_system": "macOS 15.1",
    "web_browser": 'Chrome 131", or "no browser is involved',
    "expected": "The host stays online.",
    "actual": "The host goes offline after ten minutes.",
    "steps": "1. Restart the host.",
}
_GONG = re.compile(r"https://(?:[\w-]+\.)*gong\.io/[\w./?=&%~:+-]+")
_VERSION = re.compile(r"(?:fleet-)?v?(\d+\.(?:\d+(?:\.\d+)?|x)(?:[-+.~][\w.+-]+)?)|(main|rc[\w.-]*)", re.IGNORECASE)


class NiceToHave(BaseModel):
    """They may be asked for later; fill in what is known already."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    total_hosts: str = Field("", title=bug.WANTED[0])
    online_hosts: str = Field("", title=bug.WANTED[1])
    scheduled_queries: str = Field("", title=bug.WANTED[2])
    fleet_instances: str = Field("", title=bug.WANTED[3])
    fleet_usage: str = Field("", title=bug.WANTED[4])
    mysql_version: str = Field("", title=bug.WANTED[5])
    mysql_capacity: str = Field("", title=bug.WANTED[6])
    mysql_usage: str = Field("", title=bug.WANTED[7])
    mysql_replicas: str = Field("", title=bug.WANTED[8])
    redis_version: str = Field("", title=bug.WANTED[9])
    redis_cluster: str = Field("", title=bug.WANTED[10])
    redis_usage: str = Field("", title=bug.WANTED[11])
    debug_archive: str = Field(
        "", title=bug.WANTED[12], description="Where it is, such as an issue of the confidential repository."
    )

    def told(self) -> list[tuple[str, str]]:
        """Gives the details that were filled in, each with its name in the handbook."""
        fields = type(self).model_fields
        return [(str(fields[name].title), value) for name, value in self if value.strip()]


class BugReport(BaseModel):
    """What a customer has told us. Anybody can read it: no customer's name, no host, no secret; write the codename."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    customer: str = Field(
        pattern=CUSTOMER_PATTERN,
        title="Customer",
        description="The codename label, such as customer-pallas, or the account's address or id in Salesforce.",
    )
    title: str = Field(title="Title", description="What goes wrong, and where, in one line.")
    fleet_version: str = Field(title="Fleet server version", description='Such as 4.58.0; several with "&" between.')
    agent: Agent = Field(title="Agent", description="Osquery or fleetd?")
    agent_version: str = Field(title="Agent version", description="Such as 1.35.0.")
    operating_system: str = Field(title="Operating system", description="Such as macOS 15.1.")
    web_browser: str = Field(
        title="Web browser", description="Such as Chrome 131. If it plays no part: no browser is involved."
    )
    expected: str = Field(
        title="Expected behavior", description="What should happen.", json_schema_extra={"format": "textarea"}
    )
    actual: str = Field(
        title="Actual behavior",
        description="What happens instead, when, and to whom. Logs go into an issue of the confidential repository.",
        json_schema_extra={"format": "textarea"},
    )
    steps: str = Field(
        title="Steps to reproduce",
        description="If we can't reproduce it, the steps that the customer took.",
        json_schema_extra={"format": "textarea"},
    )
    reproduced: bool = Field(
        False, title="We have reproduced it", description="Off: the steps are those that the customer took."
    )
    gong: str = Field("", title="Gong snippet", description="Link of the part of a call that shows it.")
    message: str = Field(
        "", title="Message in Slack", description="Link of the customer's message; its thread gets the issue's link."
    )
    details: NiceToHave = Field(NiceToHave.model_validate({}), title="Nice to have")


# -- what a report must hold


def typed(report: BugReport) -> list[tuple[str, str]]:
    """Gives the name and the text of each field that anybody will read."""
    fields = BugReport.model_fields
    texts = [(str(fields[name].title), value) for name, value in report if isinstance(value, str)]
    hidden = {fields[name].title for name in ("customer", "message")}  # of the message our own link is shown
    return [(name, text) for name, text in [*texts, *report.details.told()] if name not in hidden and text.strip()]


def problems(report: BugReport, label: LabelOfCustomers, allowed_hosts: Collection[str]) -> list[str]:
    """Names everything that is wrong with a report, apart from customers' names in it.

    label: which label the edition asks for. allowed_hosts: domains that may be named.
    """
    found = [*_of_customer(report, label), *_lacking(report), *_unclear(report), *_too_long(report)]
    if not bug.is_nothing(report.fleet_version) and not fleet_version(report):
        found.append(f'"{report.fleet_version}" is no Fleet version. Write it like 4.58.0, or "main".')
    # "It is also helpful to grab a Gong snippet of the issue as experienced by the customer."
    if report.gong.strip() and not _GONG.fullmatch(report.gong.strip()):
        found.append(f'"{report.gong}" is no link to Gong. Copy the snippet\'s link, or leave it empty.')
    try:
        thread_key(report.message) if report.message.strip() else None
    except Refused as refused:
        found += refused.problems
    return found + _not_for_the_public(report, allowed_hosts)


def _of_customer(report: BugReport, label: LabelOfCustomers) -> list[str]:
    # "Include a "customer-codename" label."
    if label == "codename or customer request":
        # "Make sure the issue has a "customer request" label or "customer-codename" label."
        return []
    if report.customer.strip() != WITHOUT_CODENAME:
        return []
    return [
        "This edition of the handbook asks for a codename. Give it, or the account; one is assigned if it has none."
    ]


def _lacking(report: BugReport) -> list[str]:
    # "Mandatory to include reproduction steps."
    fields = BugReport.model_fields
    return [
        f'{fields[name].title} is missing or says nothing. Give it, such as "{example}".'
        for name, example in _EXAMPLES.items()
        if bug.is_nothing(getattr(report, name))
    ]


def _unclear(report: BugReport) -> list[str]:
    # "Is the issue straightforward and easy to understand, with appropriate context"
    title, actual = _plain(report.title), _plain(report.actual)
    found: list[str] = []
    if len(title.split()) < FEWEST_WORDS:
        found.append(f'The title "{report.title.strip()}" is too short to understand. Say what goes wrong, and where.')
    if title and title == actual:
        found.append("The actual behavior only repeats the title. Say when it happens, to whom, and what is seen.")
    if actual and actual == _plain(report.expected):
        found.append("The expected and the actual behavior are the same. Say what should happen instead.")
    return found


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _too_long(report: BugReport) -> list[str]:
    longest = {"Title": LONGEST_TITLE} | dict.fromkeys(
        ("Expected behavior", "Actual behavior", "Steps to reproduce"), LONGEST_TEXT
    )
    return [
        f"{name} has {len(text)} characters; {longest.get(name, LONGEST_LINE)} fit. Shorten it; logs belong into an "
        "issue of the confidential repository."
        for name, text in typed(report)
        if len(text) > longest.get(name, LONGEST_LINE)
    ]


def _not_for_the_public(report: BugReport, allowed_hosts: Collection[str]) -> list[str]:
    # "default to public: declassify into public issues in fleetdm/fleet whenever possible"
    return [
        f"{name} seems to hold {found}. Anybody will read it: leave it out, or write example.com for a host. The run "
        "keeps what was typed: delete it, and change the secret if it is one."
        for name, text in typed(report)
        for found in [*secrets_in(text), *hosts_in(text, allowed_hosts)]
    ]


# -- the issue


def codename(report: BugReport) -> str | None:
    """Gives the codename label, "" where there shall be none, None when an account is given whose codename it is."""
    given = report.customer.strip()
    if given == WITHOUT_CODENAME:
        return ""
    return given.lower() if CODENAME_LABEL.match(given) else None


def labels_of_new(codename: str, labels: Labels) -> list[str]:
    """Gives the labels of a new report: the template's three, and the customer's."""
    return [labels.bug, labels.incoming, labels.reproduce, label_of_customer(codename, labels)]


def label_of_customer(codename: str, labels: Labels) -> str:
    """Gives the label that says who reported it."""
    return codename or labels.customer_request


def fleet_version(report: BugReport) -> str:
    """Gives the version as Fleet's own workflow reads it, which tells released bugs from others by it; "" for none."""
    found = [_VERSION.fullmatch(each.strip()) for each in report.fleet_version.split("&")]
    return " & ".join(each[1] or each[2] for each in found if each) if all(found) else ""


def title(report: BugReport) -> str:
    """Gives the issue's title."""
    return _line(report.title)


def body(report: BugReport, codename: str) -> str:
    """Words the issue as the template has it. The handbook asks for the expected behavior, which it has no heading for.

    codename: the label, or "".
    """
    return _body(report, f"{_who(codename)} reported that:\n\n")


def comment(report: BugReport, codename: str) -> str:
    """Words what is added to the issue that reports the same bug already."""
    # "Locate the relevant issue or create it if it doesn't already exist"
    return f"{_who(codename)} reported this too.\n\n{_body(report, '')}"


def _body(report: BugReport, said: str) -> str:
    # "If a Fleet team member is unable to reproduce the issue, include the steps that were taken by the customer"
    whose = "" if report.reproduced else "These are the steps that the customer took; we have not reproduced it.\n\n"
    parts = [
        f"**Fleet version**: {fleet_version(report) or _line(report.fleet_version)}",
        f"**Web browser and operating system**: {_line(f'{report.web_browser}, {report.operating_system}')}",
        f"**Agent version**: {report.agent} {_line(report.agent_version)}",
        "<hr/>",
        f"### 💥  Actual behavior\n\n{said}{_block(report.actual)}",
        f"**Expected behavior**:\n\n{_block(report.expected)}",
        f"### 🧑‍💻  Steps to reproduce\n\n{whose}{_block(report.steps)}",
        "### 🕯️ More info _(optional)_\n\n" + (_more(report) or "None."),
    ]
    return "\n\n".join(parts)


def _who(codename: str) -> str:
    return f"`{codename}`" if codename else "A customer"


def _more(report: BugReport) -> str:
    lines = [f"- {name}: {_line(value)}" for name, value in report.details.told()]
    lines += [f"- Gong snippet: {report.gong.strip()}"] if report.gong.strip() else []
    lines += [f"- Slack: {message_link(report)}"] if report.message.strip() else []
    return "\n".join(lines)


def _line(text: str) -> str:
    return neutralise_markdown(" ".join(text.split()))


def _block(text: str) -> str:
    return neutralise_markdown(text.strip())


def message_link(report: BugReport) -> str:
    """Gives the message's address in our workspace, whoever's workspace the link was copied in; "" for none."""
    if not report.message.strip():
        return ""
    channel, _, ts = thread_key(report.message).partition("/")
    return f"https://{OURS}.slack.com/archives/{channel}/p{ts.replace('.', '')}"


# -- one report, one issue


def subject(report: BugReport, codename: str) -> str:
    """Gives what makes it the same report: customer, title and what happens, whatever else is corrected."""
    told = " ".join(f"{report.title}\n{report.actual}".casefold().split())
    return f"{codename or NO_CODENAME}/{hashlib.sha256(told.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Filed:
    """Where a report is. number: 0 in a dry run that would file it. not_told: why the customer has no link yet."""

    number: int
    key: str
    url: str
    is_new: bool
    not_told: str = ""


def link_message(done: Filed) -> Report:
    """Words what the customer reads in the thread of their message."""
    # "Hi everyone, here's a link to the issue we discussed on today's call: …link…"
    return Report(
        "Your bug report",
        ["Hi everyone, here's a link to the issue. Please write here, or comment there, if anything is missing."],
        ("Issue",),
        [(Link(done.key, done.url),)],
    )


def filed(done: Filed, codename: str, seen: Seen, *, told: bool, differs: bool) -> Report:
    """Words what the run shows when the report is where it belongs.

    differs: whether an earlier version of the report is what stands there.
    """
    said = ["It is a new issue." if done.is_new else "Its label and a comment are on the issue that was there."]
    if told and not done.not_told:
        said.append("The customer has the link.")
    else:
        said.append(
            f"{done.not_told or 'No message in Slack was named.'} Give the customer the link: \"Hi everyone, here's a "
            f'link to the issue we discussed: {done.url}"'
        )
    if differs:
        said.append("An earlier version of this report stands there. Correct it there by hand.")
    if seen.found:
        said.append("What may be about the same bug is listed below, too.")
    rows: list[Sequence[Cell]] = [(Link(done.key, done.url), codename or "a customer without codename")]
    return Report("Customer bug report", said, ("Issue", "For, or why it was looked at"), [*rows, *seen.rows()])
