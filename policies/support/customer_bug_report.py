"""Decides how a customer's bug report is worded, what it still lacks, and what becomes of one that is there already.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from policies import bug
from policies.customer import ACCOUNT_PATTERN, CODENAME_LABEL, Refused
from policies.events import SlackAction
from policies.foreign_text import neutralise_markdown
from policies.issue import Issue
from policies.report import Button, Link, Report, mentions_of
from policies.support.bug_duplicates import Candidate

Agent = Literal["fleetd", "osquery"]
NEW = "new"
LONGEST_TITLE = 200
LONGEST_TEXT = 10_000
CHOOSE = "same-bug-"  # the action of each button begins so
CUSTOMER_PATTERN = rf"^\s*(customer|prospect)-[a-zA-Z0-9-]+\s*$|{ACCOUNT_PATTERN}"

# The roles of those who may say whether two reports are about the same bug.
TEAM = (
    "customer_support_engineer",
    "customer_solutions_architect",
    "customer_success_manager",
    "manager_of_support_and_solutions",
)

_EXAMPLES = {
    "Fleet server version": "4.58.0",
    "Agent version (osquery or fleetd?)": "fleetd 1.35.0",
    "Operating system": "macOS 15.1",
    "Web browser": "Chrome 131",
    "Expected behavior": "The host stays online.",
    "Actual behavior": "The host goes offline after ten minutes.",
    "Steps to reproduce": "the steps, or those that the customer took",
}
_GONG = re.compile(r"https://(?:[\w-]+\.)*gong\.io/\S+")
_SLACK = re.compile(r"https://\S+/archives/[CGD][A-Z0-9]+/p\d{16}\S*")
_VALUE = re.compile(r"((?:customer|prospect)-[a-z0-9-]+/[0-9a-f]{16})/(new|\d{1,9})")
_SUBJECT = re.compile(rf"{_VALUE.pattern}/([UW][A-Z0-9]{{2,20}})/([\d.]{{3,30}})")


class NiceToHave(BaseModel):
    """Details that are nice to have."""

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
    debug_archive: str = Field("", title=bug.WANTED[12])

    def told(self) -> list[tuple[str, str]]:
        """Gives the details that were filled in, each with its name in the handbook."""
        fields = type(self).model_fields
        return [(str(fields[name].title), value) for name, value in self if value.strip()]


class BugReport(BaseModel):
    """What a customer has told us. Anybody can read it on the issue: write the codename, never the customer's name."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    customer: str = Field(
        pattern=CUSTOMER_PATTERN,
        title="Customer",
        description="The codename label, such as customer-pallas, or the account's address or id in Salesforce.",
    )
    title: str = Field(title="Title", description="What goes wrong, in one line.")
    fleet_version: str = Field(title="Fleet server version", description="Such as 4.58.0.")
    agent: Agent = Field(title="Agent")
    agent_version: str = Field(title="Agent version", description="Such as 1.35.0.")
    operating_system: str = Field(title="Operating system", description="Such as macOS 15.1.")
    web_browser: str = Field(title="Web browser", description="Such as Chrome 131.")
    expected: str = Field(title="Expected behavior", json_schema_extra={"format": "textarea"})
    actual: str = Field(title="Actual behavior", json_schema_extra={"format": "textarea"})
    steps: str = Field(
        title="Steps to reproduce",
        description="If we can't reproduce it, the steps that the customer took.",
        json_schema_extra={"format": "textarea"},
    )
    reproduced: bool = Field(True, title="We have reproduced it", description="Off: these are the customer's steps.")
    gong: str = Field("", title="Gong snippet", description="Link of a part of the call, if there is one.")
    message: str = Field(
        "", title="Message in Slack", description="Link of the customer's message; its thread gets the issue's link."
    )
    details: NiceToHave = Field(NiceToHave.model_validate({}), title="Nice to have")


def texts(report: BugReport) -> str:
    """Gives all that somebody has typed, to look for names in it."""
    typed = [value for name, value in report if isinstance(value, str) and name != "customer"]
    return "\n".join([*typed, *(value for _, value in report.details.told())])


def problems(report: BugReport) -> list[str]:
    """Names everything that is wrong with a report."""
    found = [
        f'{name} is missing or says nothing. Give it, such as "{_EXAMPLES[name]}".'
        for name in bug.missing(body(report, ""))
    ]
    if not report.title.strip():
        found.append("The title is empty. Say in one line what goes wrong.")
    if len(report.title) > LONGEST_TITLE:
        found.append(f"The title has {len(report.title)} characters; {LONGEST_TITLE} fit. Shorten it.")
    for name, text in (("expected", report.expected), ("actual", report.actual), ("steps", report.steps)):
        if len(text) > LONGEST_TEXT:
            found.append(f"The field {name} has {len(text)} characters; {LONGEST_TEXT} fit. Attach a file in GitHub.")
    if report.gong and not _GONG.fullmatch(report.gong.strip()):
        found.append(f'"{report.gong}" is no link to Gong. Copy the snippet\'s link, or leave it empty.')
    if report.message and not _SLACK.fullmatch(report.message.strip()):
        found.append(f'"{report.message}" is no link of a message in Slack. Use "Copy link", or leave it empty.')
    return found


def is_codename(customer: str) -> bool:
    """Says whether a customer is named by their codename label, and not by their account."""
    return CODENAME_LABEL.match(customer.strip()) is not None


def labels_of_new(codename: str, bug_label: str, incoming: str, reproduce: str) -> list[str]:
    """Gives the labels of a new report."""
    # "Include a "customer-codename" label."; the other three are those of the template
    return [bug_label, incoming, reproduce, codename]


def title(report: BugReport) -> str:
    """Gives the issue's title."""
    return neutralise_markdown(" ".join(report.title.split()))


def body(report: BugReport, codename: str) -> str:
    """Words the issue as the template has it. The handbook asks for the expected behavior, which it has no heading for.

    codename: the label.
    """
    steps = "" if report.reproduced else "These are the steps that the customer took; we have not reproduced it.\n\n"
    said = f"`{codename}` reported that:\n\n" if codename else ""
    parts = [
        f"**Fleet version**: {_line(report.fleet_version)}",
        f"**Web browser and operating system**: {_line(f'{report.web_browser}, {report.operating_system}')}",
        f"**Agent**: {report.agent} {_line(report.agent_version)}" if report.agent_version.strip() else "",
        "<hr/>",
        f"### 💥  Actual behavior\n\n{said}{_block(report.actual)}",
        f"**Expected behavior**:\n\n{_block(report.expected)}",
        f"### 🧑‍💻  Steps to reproduce\n\n{steps if report.steps.strip() else ''}{_block(report.steps)}",
        "### 🕯️ More info _(optional)_\n\n" + (_more(report) or "None."),
    ]
    return "\n\n".join(part for part in parts if part)


def _more(report: BugReport) -> str:
    lines = [f"- {name}: {_line(value)}" for name, value in report.details.told()]
    lines += [f"- Gong snippet: {report.gong.strip()}"] if report.gong else []
    lines += [f"- Slack: {report.message.strip()}"] if report.message else []
    return "\n".join(lines)


def _line(text: str) -> str:
    return neutralise_markdown(" ".join(text.split()))


def _block(text: str) -> str:
    return neutralise_markdown(text.strip())


def comment(report: BugReport, codename: str) -> str:
    """Words what the issue reads that reports the same bug already."""
    # "Locate the relevant issue or create it if it doesn't already exist"
    return f"`{codename}` reported this too.\n\n{body(report, '')}"


# -- one report, one issue


def digest(report: BugReport) -> str:
    """Gives what makes it the same report: its title and what happens, whatever else is corrected."""
    told = " ".join(f"{report.title}\n{report.actual}".casefold().split())
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Choice:
    """What becomes of a report: a new issue, or a comment on one that is there."""

    number: int  # 0: a new issue

    @property
    def word(self) -> str:
        """Gives it as forms and buttons do."""
        return str(self.number) if self.number else NEW


def choice(given: str) -> Choice:
    """Reads a choice.

    Raises:
        Refused
    """
    word = given.strip().lstrip("#").lower()
    if word == NEW:
        return Choice(0)
    if not word.isdecimal() or int(word) == 0:
        raise Refused(f'"{given}" is no choice. Give the number of the issue that reports the same bug, or "{NEW}".')
    return Choice(int(word))


def reasons_against(issue: Issue | None, chosen: Choice, bug_label: str) -> list[str]:
    """Names what speaks against adding a report to the issue that somebody has chosen."""
    if issue is None:
        return [f'There is no issue #{chosen.number}. Give another number, or "{NEW}".']
    problems: list[str] = []
    if not issue.is_open:
        problems.append(f'{issue.key} is closed. Open it again first, or file the report with "{NEW}".')
    if not issue.has_label(bug_label):
        problems.append(f'{issue.key} is no bug: it lacks the label "{bug_label}". Give another number, or "{NEW}".')
    return problems


def settled_otherwise(subject: str, stands: str, wanted: str) -> Refused:
    """Words that somebody has chosen before."""
    told = "filed as a new issue" if stands == NEW else f"added to #{stands}"
    return Refused(
        f'This report ({subject}) was {told} before; "{wanted}" was chosen now. Change labels and comments by hand, or '
        "write another title to file another report."
    )


# -- asking a person


def kept(found: Sequence[Candidate]) -> str:
    """Gives the candidates as text, so that a second run shows the same."""
    return json.dumps(
        [(each.issue.number, each.issue.title.reveal(), each.issue.url, list(each.reasons)) for each in found]
    )


@dataclass(frozen=True)
class Shown:
    """A candidate as it was shown first."""

    number: int
    title: str
    url: str
    reasons: Sequence[str]


def shown(kept: str) -> list[Shown]:
    """Reads candidates that were kept."""
    return [Shown(*each) for each in json.loads(kept)]


def question(report: BugReport, codename: str, found: Sequence[Shown], *, chosen: str = "", by: str = "") -> Report:
    """Words the question which issue reports the same bug, or what was answered.

    chosen: "new" or a number. by: who chose; the member's id in Slack, or who it is else.
    """
    value = f"{codename}/{digest(report)}"
    buttons = [Button(f"Same as #{each.number}", f"{CHOOSE}{each.number}", f"{value}/{each.number}") for each in found]
    new = Button("None of these: file it", f"{CHOOSE}{NEW}", f"{value}/{NEW}", "primary")
    who = mentions_of(by)
    if chosen:
        told = "It is filed as a new issue." if chosen == NEW else f"It is added to #{chosen}."
        said = [told + ("" if who or not by else f" Chosen by {by}.")]
    else:
        said = ["Is one of these the same bug? Nothing is filed before somebody has chosen."]
    return Report(
        "Has this bug been reported before?",
        [f'{codename} reports: "{" ".join(report.title.split())}".', *said],
        ("Issue", "Why"),
        [(Link(f"#{each.number}: {each.title}", each.url), "; ".join(each.reasons)) for each in found],
        mentions=who,
        buttons=[] if chosen else [*buttons, new],
    )


def only_the_team() -> Report:
    """Words what anybody else reads who presses a button."""
    return Report("Only the team can choose", ["This is for the customer success team."])


@dataclass(frozen=True)
class Press:
    """A press of one of the buttons."""

    report: str  # codename and digest
    choice: str
    user: str


def is_press(action: SlackAction) -> bool:
    """Says whether a button of ours was pressed that says which issue reports the same bug."""
    return action.action.startswith(CHOOSE)


def reasons_to_ignore(action: SlackAction) -> list[str]:
    """Says why a press does nothing."""
    return [] if _VALUE.fullmatch(action.value) else ["The button's value is none of ours."]


def press_subject(action: SlackAction) -> str:
    """Gives the subject of a press: what was chosen for which report, by whom, when."""
    return f"{action.value}/{action.user}/{action.action_ts}"


def press(subject: str) -> Press:
    """Reads a press from its subject.

    Raises:
        Refused
    """
    if not (found := _SUBJECT.fullmatch(subject)):
        raise Refused(f'"{subject}" is no press of a button. Leave it empty; Slack fills it in.')
    return Press(found[1], found[2], found[3])


# -- what people read


def link_message(key: str, url: str) -> Report:
    """Words what the customer reads in the thread of their message."""
    # "Hi everyone, here's a link to the issue we discussed on today's call: …link…"
    return Report(
        "Your bug report",
        [
            "Hi everyone, here's a link to the issue for this. Please write here, or comment there, if anything is "
            "missing."
        ],
        ("Issue",),
        [(Link(key, url),)],
    )


def waits(report: BugReport, codename: str, found: Sequence[Shown]) -> Report:
    """Words what the run shows when a person must choose."""
    asked = question(report, codename, found)
    return Report(
        "Somebody must choose before this is filed",
        [
            *asked.sentences,
            f'Press a button in the customer success channel, or start this again with "same as" set to a number or '
            f'"{NEW}".',
        ],
        asked.columns,
        asked.rows,
    )


def filed(codename: str, key: str, url: str, *, new: bool, candidates: Sequence[Shown], told: bool) -> Report:
    """Words what the run shows when the report is where it belongs."""
    said = ["A new issue." if new else "Its label and a comment are on the issue that was there."]
    said.append("The customer has the link." if told else "Give the customer the link: no message in Slack was named.")
    rows: list[tuple[Link, str]] = [(Link(key, url), codename)]
    rows += [(Link(f"#{each.number}: {each.title}", each.url), "; ".join(each.reasons)) for each in candidates]
    return Report("Customer bug report", said, ("Issue", "For, or why it was looked at"), rows)
