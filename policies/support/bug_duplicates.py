"""Decides what is searched for before a bug is filed, which issues may be about the same bug, and how a person chooses.

Handbook: customer-success#file-a-customer-bug-report
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rapidfuzz import fuzz, utils

from policies import bug
from policies.customer import Refused
from policies.events import SlackAction
from policies.issue import Issue
from policies.report import Button, Link, Report, mentions_of

WAITS_LONGEST = timedelta(days=14)  # after which nobody is reminded of a question any more
MOST = 5  # candidates that a person is shown
ALIKE = 70  # of 100 in rapidfuzz: their words in any order
FOUND_TWICE = 2  # keyword sets that find the same issue make it worth a look
WORDS = 3  # a search: GitHub wants all of them in one issue
SHOWN = 300  # characters of the actual behavior in Slack
LONGEST_WORD = 40  # what is longer is no word; GitHub takes 256 characters a search
NEW = "new"
NO_CODENAME = "no-codename"  # in the place of a codename, in the subject of a report
ASKED = "Has this bug been reported before?"
CHOOSE = "same-bug-"  # the action of each button begins so

# The roles of those who may say whether two reports are about the same bug.
TEAM = (
    "customer_support_engineer",
    "customer_solutions_architect",
    "customer_success_manager",
    "manager_of_support_and_solutions",
)

_WORD = re.compile(r"[^\W_][\w.-]{2,}")
_QUOTED = re.compile(r"[\"“`']([^\"”`'\n]{8,80})[\"”`']")
_ERROR = re.compile(
    r"\b(?:error|failed|fails|panic|exception|cannot|unable|timeout|denied)\b[^\n.]{0,60}", re.IGNORECASE
)
# Words that most bug reports have, so that they tell none of them apart.
_COMMON = frozenset(
    """
    about after again also and are been before but can cannot does doesn don from for has have host hosts into
    isn its more not now one only our out see shown shows some such than that the their them then there they
    this though too used user users using was were what when where which while will with would you your fleet
    bug issue page server version customer reported reports expected actual behavior click clicks open works
    working still
    """.split()
)
_VALUE = re.compile(rf"((?:(?:customer|prospect)-[a-z0-9-]+|{NO_CODENAME})/[0-9a-f]{{16}})/(new|[1-9]\d{{0,8}})")
_SUBJECT = re.compile(rf"{_VALUE.pattern}/([UW][A-Z0-9]{{2,20}})/([\d.]{{3,30}})")


# -- looking


@dataclass(frozen=True)
class Keywords:
    """One search: a few words, and what they were taken from."""

    source: str  # "title", "error text", "actual behavior", "steps to reproduce"
    words: str


def keyword_sets(title: str, actual: str, steps: str) -> list[Keywords]:
    """Gives what to search for: several different sets of words, none twice."""
    # "it can often take a couple of tries with different keywords to find an existing issue"
    found = [
        Keywords("title", _telling(title)),
        Keywords("error text", _error_text(f"{title}\n{actual}")),
        Keywords("actual behavior", _telling(actual)),
        Keywords("steps to reproduce", _telling(steps)),
    ]
    unique: dict[frozenset[str], Keywords] = {}
    for each in found:
        if each.words:
            unique.setdefault(frozenset(each.words.split()), each)
    return list(unique.values())


def _telling(text: str) -> str:
    """Gives the words of a text that tell most: long ones that few reports have, in their order."""
    words = [each.strip(".-_").lower() for each in _WORD.findall(text) if len(each) <= LONGEST_WORD]
    rare = list(dict.fromkeys(each for each in words if each not in _COMMON and not each[0].isdigit()))
    chosen = set(sorted(rare, key=lambda each: (-len(each), rare.index(each)))[:WORDS])
    return " ".join(each for each in rare if each in chosen)


def _error_text(text: str) -> str:
    quoted = _QUOTED.search(text) or _ERROR.search(text)
    return _telling(quoted[1] if quoted and quoted.re is _QUOTED else quoted[0]) if quoted else ""


@dataclass(frozen=True)
class Told:
    """What a report tells, as far as another may tell the same. message: the link in Slack, or ""."""

    title: str
    actual: str
    codename: str
    message: str


@dataclass(frozen=True)
class Candidate:
    """An issue that may be about the same bug, and why."""

    issue: Issue
    title_alike: int  # of 100
    actual_alike: int
    searches: Sequence[str]  # that found it
    same_message: bool
    reasons: Sequence[str] = field(default_factory=tuple[str, ...])

    @property
    def is_worth_a_look(self) -> bool:
        """Says whether a person should see it."""
        alike = max(self.title_alike, self.actual_alike) >= ALIKE
        return alike or self.same_message or len(self.searches) >= FOUND_TWICE

    @property
    def weight(self) -> float:
        """Gives how likely it is."""
        alike = max(self.title_alike, 0.9 * self.actual_alike)
        return alike + 10 * len(self.searches) + 10 * self.issue.is_open + 100 * self.same_message


def candidates(told: Told, searched: Mapping[str, Sequence[Issue]], newest: Sequence[Issue]) -> list[Candidate]:
    """Ranks what was found, the likeliest first. What has nothing to say for itself is left out.

    searched: the issues that each search found. newest: those that its index may not hold yet.
    """
    issues = {each.number: each for each in [*newest, *(each for several in searched.values() for each in several)]}
    found_by = {
        number: [source for source, several in searched.items() if any(each.number == number for each in several)]
        for number in issues
    }
    ranked = [_candidate(issue, told, found_by[number]) for number, issue in issues.items()]
    worth = [each for each in ranked if each.is_worth_a_look]
    return sorted(worth, key=lambda each: (-each.weight, -each.issue.number))[:MOST]


def _candidate(issue: Issue, told: Told, searches: Sequence[str]) -> Candidate:
    body = issue.body.reveal()
    title, actual = _alike(told.title, issue.title.reveal()), _alike(told.actual, bug.told(body).says("actual"))
    same_message = bool(told.message) and told.message in body
    reasons = [
        "it names the same message in Slack" if same_message else "",
        f"title {title} % alike",
        f"actual behavior {actual} % alike" if actual >= ALIKE else "",
        f"found by {', '.join(searches)}" if searches else "",
        f"{told.codename} is on it" if told.codename in issue.codenames else "",
    ]
    return Candidate(issue, title, actual, searches, same_message, [each for each in reasons if each])


def _alike(one: str, other: str) -> int:
    return round(fuzz.token_set_ratio(one, other, processor=utils.default_process)) if one and other else 0


# -- what a person is shown


@dataclass(frozen=True)
class Shown:
    """A candidate as it was shown first."""

    number: int
    title: str
    url: str
    is_open: bool
    reasons: Sequence[str]


@dataclass(frozen=True)
class Seen:
    """What a report says, and the candidates for it, as they were found first: a second run shows the same."""

    title: str
    actual: str
    found: Sequence[Shown] = ()

    @property
    def numbers(self) -> str:
        """Gives "#41, #42"."""
        return ", ".join(f"#{each.number}" for each in self.found)

    def rows(self) -> list[tuple[Link, str]]:
        """Gives a row a candidate."""
        return [
            (
                Link(f"#{each.number}: {each.title}", each.url),
                "; ".join([*each.reasons, "open" if each.is_open else "closed"]),
            )
            for each in self.found
        ]


def kept(told: Told, found: Sequence[Candidate]) -> str:
    """Gives what was found as text."""
    listed = [
        (each.issue.number, each.issue.title.reveal(), each.issue.url, each.issue.is_open, list(each.reasons))
        for each in found
    ]
    title, actual = " ".join(told.title.split()), " ".join(told.actual.split())
    return json.dumps({"title": title, "actual": actual, "found": listed})


def seen(kept: str) -> Seen:
    """Reads what was kept."""
    read = json.loads(kept)
    return Seen(read["title"], read["actual"], [Shown(*each) for each in read["found"]])


def question(subject: str, seen: Seen) -> Report:
    """Words the question which issue reports the same bug.

    subject: the report's.
    """
    said = ["Is one of these the same bug? Nothing is filed before somebody has chosen."]
    if any(not each.is_open for each in seen.found):
        said.append("A closed one may be fixed in a later version; open it again if it is the same and is not.")
    said = [*_reported(subject, seen), *said]
    return Report(ASKED, said, ("Issue", "Why"), seen.rows(), buttons=_buttons(subject, seen))


def answered(subject: str, seen: Seen, chosen: str, by: str, now: Link, *, told: bool = True) -> Report:
    """Words what stands in the place of the question once somebody has chosen.

    chosen: "new" or a number. by: the member's id in Slack, or who it is else. now: where the report is. told: whether
    the customer has the link, or nobody said where to send it.
    """
    who = mentions_of(by)
    became = "It is filed as a new issue." if chosen == NEW else f"It is added to #{chosen}."
    said = [*_reported(subject, seen), became + ("" if who else f" Chosen by {by}.")]
    if not told:
        said.append("The customer does not have the link: Slack did not take it. Give it to them by hand.")
    return Report(ASKED, said, ("Issue", "Why"), [(now, "the report is there"), *seen.rows()], mentions=who)


def _who(subject: str) -> str:
    codename = subject.partition("/")[0]
    return "A customer" if codename == NO_CODENAME else codename


def _reported(subject: str, seen: Seen) -> list[str]:
    actual = seen.actual if len(seen.actual) <= SHOWN else f"{seen.actual[:SHOWN]}\u2026"
    return [f'{_who(subject)} reports: "{seen.title}".', f"Actual behavior: {actual}"]


def _buttons(subject: str, seen: Seen) -> list[Button]:
    same = [
        Button(f"Same as #{each.number}", f"{CHOOSE}{each.number}", f"{subject}/{each.number}") for each in seen.found
    ]
    return [*same, Button("None of these: file it", f"{CHOOSE}{NEW}", f"{subject}/{NEW}")]


def waiting(subject: str, seen: Seen, url: str) -> tuple[str, str, str]:
    """Gives a row of what still waits for a choice: title, the question's address, customer."""
    return seen.title, url, _who(subject)


def still_waiting(rows: Sequence[tuple[str, str, str]]) -> Report:
    """Words what the stand-up reads while questions wait for an answer."""
    return Report(
        "Bug reports that nobody has filed yet",
        ["Each waits until somebody has said in its question whether the bug is known."],
        ("Report", "From"),
        [(Link(title, url), who) for title, url, who in rows],
    )


def look_alikes(subject: str, key: str, url: str, seen: Seen) -> Report:
    """Words what the team reads when a report could not wait for their choice."""
    return Report(
        "Filed at once; has this bug been reported before?",
        [
            *_reported(subject, seen),
            "If one of those below is the same bug, close one of the two as a duplicate.",
        ],
        ("Issue", "Why"),
        [(Link(key, url), "the new issue"), *seen.rows()],
    )


def waits(subject: str, seen: Seen) -> Report:
    """Words what the run shows when a person must choose."""
    asked = question(subject, seen)
    return Report(
        "Somebody must choose before this is filed",
        [
            *asked.sentences,
            f'Press a button in the customer success channel, or start this again with "same_as" set to a number or '
            f'"{NEW}".',
        ],
        asked.columns,
        asked.rows,
    )


# -- choosing


@dataclass(frozen=True)
class Choice:
    """What becomes of a report: a new issue, or a comment on one that is there."""

    number: int  # 0: a new issue

    @property
    def word(self) -> str:
        """Gives it as forms and buttons do."""
        return str(self.number) if self.number else NEW


def choice(given: str) -> Choice | None:
    """Reads a choice; None when there is none.

    Raises:
        Refused
    """
    word = given.strip().lower()
    if word in {"", NEW}:
        return Choice(0) if word else None
    word = word.removeprefix("#")
    if not re.fullmatch(r"[1-9]\d{0,8}", word):
        raise Refused(f'"{given}" is no choice. Give the number of the issue that reports the same bug, or "{NEW}".')
    return Choice(int(word))


def reasons_against(issue: Issue | None, chosen: Choice, bug_label: str) -> list[str]:
    """Names what speaks against adding a report to the issue that somebody has chosen."""
    if issue is None:
        return [f'There is no issue #{chosen.number}, or it has been moved. Choose another one, or "{NEW}".']
    problems: list[str] = []
    if not issue.is_open:
        problems.append(f'{issue.key} is closed. Open it again first, or choose another one, or "{NEW}".')
    if not issue.has_label(bug_label):
        problems.append(f'{issue.key} is no bug: it lacks the label "{bug_label}". Choose another one, or "{NEW}".')
    return problems


def settled_otherwise(subject: str, stands: str, wanted: str) -> Refused:
    """Words that somebody has chosen before."""
    told = "to be filed as a new issue" if stands == NEW else f"to be added to #{stands}"
    return Refused(
        f'This report ({subject}) was chosen {told} before; "{wanted}" was chosen now. Change labels and comments by '
        "hand, or write another title to file another report."
    )


def not_known(subject: str) -> Refused:
    """Words that nothing is known of the report that a button belongs to."""
    return Refused(f"The report ({subject}) that the button belongs to is not known here. Fill in the form again.")


def only_the_team() -> Report:
    """Words what anybody else reads who presses a button."""
    return Report("Only the team can choose", ["This is for the customer success team."])


def not_chosen(refused: Refused) -> Report:
    """Words what somebody reads whose choice can't be done."""
    return Report("That can't be done", list(refused.problems))


@dataclass(frozen=True)
class Press:
    """A press of one of the buttons."""

    report: str  # its subject
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
