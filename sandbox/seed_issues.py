"""Writes the demo's releases and issues: what a tracker looks like after four busy months.

Every issue is told as a history (opened, labelled, commented on, closed), so that labels and label events always agree.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

PUBLIC, CONFIDENTIAL = "fleetdm/fleet", "fleetdm/confidential"
DAYS = 120
SUPPORT = ("ksatter", "mason-buettner", "edwardsb", "reeblybeebly")
MANAGERS = ("patagonia121", "pintomi1989", "kc9wwh", "bettapizza")
BOT = "fleet-release"

TEXTS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("seed_issues.toml").read_text(encoding="utf-8"))

BUG_REPORT = """**Fleet version**: {version}

**Web browser and operating system**: {browser}, {system}

<hr/>

### 💥  Actual behavior

{actual}

### 🧑‍💻  Steps to reproduce

{steps}

### 🕯️ More info _(optional)_

{info}
"""

FEATURE_REQUEST = """Gong snippet: TODO

## Problem

{problem}

## What have you tried?

Nothing in Fleet does it today.

## Potential solutions

1. To be discussed at feature fest.

## What is the expected workflow as a result of your proposal?

{info}
"""

STORY = """## Goal

{goal}

## Changes

### Product
- [ ] UI changes: see Figma
- [ ] REST API changes: TODO
- [ ] GitOps changes: TODO

### Engineering
- [ ] Load testing: TODO

## QA
- [ ] Test plan reviewed
"""


@dataclass(frozen=True)
class Named:
    """A customer as the tracker knows it: by label in public, by name in the confidential repository."""

    name: str
    label: str


@dataclass
class Issue:
    """One issue's history."""

    repository: str
    title: str
    body: str
    user: str
    created_at: datetime
    assignees: Sequence[str] = ()
    closed_at: datetime | None = None
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    comments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def label(self, *names: str, at: datetime, by: str) -> None:
        self.events += [{"label": name, "event": "labeled", "at": _text(at), "actor": by} for name in names]

    def unlabel(self, *names: str, at: datetime, by: str) -> None:
        self.events += [{"label": name, "event": "unlabeled", "at": _text(at), "actor": by} for name in names]

    def comment(self, user: str, body: str, at: datetime) -> None:
        self.comments.append({"user": user, "body": body, "created_at": _text(at)})

    @property
    def labels(self) -> list[str]:
        """Gives the labels that its history left."""
        left: dict[str, None] = {}
        for event in self.events:
            if event["event"] == "labeled":
                left[event["label"]] = None
            else:
                left.pop(event["label"], None)
        return list(left)

    def seed(self, number: int) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "number": number,
            "title": self.title,
            "body": self.body,
            "user": self.user,
            "labels": self.labels,
            "assignees": list(self.assignees),
            "state": "closed" if self.closed_at else "open",
            "created_at": _text(self.created_at),
            "closed_at": _text(self.closed_at) if self.closed_at else None,
            "label_events": self.events,
            "comments": sorted(self.comments, key=lambda comment: comment["created_at"]),
        }


@dataclass
class Writer:
    """Makes up issues until `now`, the same for the same random numbers."""

    random: random.Random
    now: datetime
    customers: Sequence[Named]
    community: Sequence[str]

    def releases(self) -> list[dict[str, Any]]:
        """Gives a release of Fleet every three weeks, patches between them, and orbit's own."""
        made: list[dict[str, Any]] = []
        for back in range(9):
            at = self.now - timedelta(days=4 + 21 * back)
            made.append(self._release("fleet-v", f"4.{78 - back}.0", at))
            if back % 3:
                made.append(self._release("fleet-v", f"4.{78 - back}.1", at + timedelta(days=8)))
            if back % 2:
                made.append(self._release("orbit-v", f"1.{48 - back // 2}.0", at + timedelta(days=2)))
        return sorted(made, key=lambda release: release["published_at"])

    def _release(self, prefix: str, version: str, at: datetime) -> dict[str, Any]:
        lines = self.random.sample([f"* Added: {story['title']}." for story in TEXTS["stories"]], 3)
        name = f"Fleet {version}" if prefix == "fleet-v" else f"Orbit {version}"
        return {
            "repository": PUBLIC,
            "tag_name": prefix + version,
            "name": name,
            "body": "\n".join(["## Changes", "", *lines]),
            "published_at": _text(at),
        }

    def public_issues(self) -> list[Issue]:
        bugs = [self._bug(moment) for moment in self._moments(175)]
        stories = [issue for story in TEXTS["stories"] for issue in self._story(story)]
        requests = [self._request(request, moment) for request in TEXTS["requests"] for moment in self._moments(2)]
        return in_order([*bugs, *stories, *requests, *self._mistakes(bugs)])

    def confidential_issues(self) -> list[Issue]:
        support = [self._support_request(moment) for moment in self._moments(36)]
        outages = [self._outage(moment) for moment in self._moments(3)]
        return in_order([*support, *outages])

    def _moments(self, count: int) -> list[datetime]:
        """Gives working-day moments, so that the last days have some, too."""
        days = [DAYS * (number + self.random.random()) / count for number in range(count)]
        return [self._working_day(self.now - timedelta(days=ago + 0.05)) for ago in days]

    def _working_day(self, moment: datetime) -> datetime:
        return moment - timedelta(days=max(0, moment.weekday() - 4))

    def _past(self, since: datetime, low: float, high: float) -> datetime | None:
        """Gives a moment some days later, unless that is still to come."""
        then = since + timedelta(days=self.random.uniform(low, high))
        return then if then < self.now else None

    def _version(self, at: datetime) -> str:
        """Gives the version of Fleet that was out then."""
        return f"4.{78 - max(0, (self.now - at).days + 17) // 21}.0"

    def _bug(self, at: datetime) -> Issue:
        bug = self.random.choice(TEXTS["bugs"])
        system = self.random.choice(bug.get("systems", TEXTS["systems"]))
        circumstance = self.random.choice(TEXTS["circumstances"])
        customer = self.random.choice(self.customers) if self.random.random() < 0.45 else None
        author = self.random.choice(SUPPORT if customer else self.community)
        issue = Issue(
            PUBLIC,
            (bug["title"] + circumstance).format(os=system, version=self._version(at)),
            self._bug_body(bug, system, at, customer),
            author,
            at,
        )
        issue.label("bug", ":incoming", ":reproduce", at=at, by=author)
        if customer:
            issue.label(customer.label, at=at, by=author)
            if self.random.random() < 0.5 or at > self.now - timedelta(days=5):
                self._escalate(issue)
        self._triage(issue, bug["group"])
        self._talk(issue, customer)
        return issue

    def _bug_body(self, bug: dict[str, Any], system: str, at: datetime, customer: Named | None) -> str:
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(bug["steps"], 1))
        return BUG_REPORT.format(
            version=self._version(at),
            browser=self.random.choice(TEXTS["browsers"]),
            system=system,
            actual=bug["actual"],
            steps=steps,
            info=f"`{customer.label}` reported that." if customer else "No response",
        )

    def _escalate(self, issue: Issue) -> None:
        """A customer is impacted: the stand-up looks at it until the second business day."""
        asked = issue.created_at + timedelta(minutes=20)
        issue.unlabel(":incoming", ":reproduce", at=asked, by=issue.user)
        issue.label("~investigate", ":help-customers", at=asked, by=issue.user)
        if seen := self._past(asked, 0.5, 1):
            issue.comment("ddribeiro", "Acknowledged, on today's stand-up.", seen)
        if sent_on := self._past(asked, 3, 4):
            issue.unlabel("~investigate", at=sent_on, by=issue.user)
            reproduced = self.random.random() < 0.6
            issue.label(*([":product"] if reproduced else [":incoming", ":reproduce"]), at=sent_on, by=issue.user)

    def _triage(self, issue: Issue, group: str) -> None:
        """QA and the product group: reproduced, given to a group, fixed or asked about."""
        triaged = self._past(issue.created_at, 4, 9)
        if not triaged:
            return
        if self.random.random() < 0.12:
            issue.label("+more info please", at=triaged, by="noahtalerman")
            issue.comment("noahtalerman", TEXTS["remarks"]["team"][0], triaged)
            return
        untriaged = [name for name in issue.labels if name in {":incoming", ":reproduce"}]
        issue.unlabel(*untriaged, at=triaged, by="lukeheath")
        issue.label(group, "~released bug", ":release", at=triaged, by="lukeheath")
        if self.random.random() < 0.1:
            issue.label(self.random.choice(["P1", "P2"]), at=triaged, by="lukeheath")
        issue.closed_at = self._past(triaged, 5, 70)

    def _story(self, story: dict[str, str]) -> list[Issue]:
        opened = self._working_day(self.now - timedelta(days=self.random.uniform(10, DAYS)))
        group = self.random.choice(["#g-mdm", "#g-software", "#g-orchestration"])
        whole = Issue(PUBLIC, story["title"], STORY.format(goal=story["goal"]), "noahtalerman", opened)
        whole.label("story", ":product", at=opened, by="noahtalerman")
        issues = [whole]
        if specified := self._past(opened, 10, 30):
            whole.unlabel(":product", at=specified, by="noahtalerman")
            whole.label(group, ":release", at=specified, by="lukeheath")
            issues += [self._part(side, story["title"], group, specified) for side in ("Backend", "Frontend")]
            whole.closed_at = self._past(specified, 21, 90)
        return issues

    def _part(self, side: str, title: str, group: str, at: datetime) -> Issue:
        part = Issue(
            PUBLIC, f"{side}: {title}", "Part of the story of the same name. Done when QA says so.", "lukeheath", at
        )
        part.label("story", group, ":release", at=at, by="lukeheath")
        part.closed_at = self._past(at, 7, 40)
        return part

    def _request(self, request: dict[str, str], at: datetime) -> Issue:
        customer = self.random.choice(self.customers)
        manager = self.random.choice(MANAGERS)
        place = self.random.choice(["", " in GitOps", " through the API", " for observers", " on shared devices"])
        body = FEATURE_REQUEST.format(problem=request["problem"], info=f"`{customer.label}` would use it at once.")
        issue = Issue(PUBLIC, request["title"] + place, body, manager, at)
        issue.label(":product", "~feature fest", customer.label, at=at, by=manager)
        if prioritized := self._past(at, 8, 20):
            issue.unlabel("~feature fest", ":product", at=prioritized, by="noahtalerman")
            issue.label("~customer request", at=prioritized, by="noahtalerman")
            if released := self._past(prioritized, 30, 60):
                issue.label("#g-unicorns", at=released, by="noahtalerman")
                issue.comment("noahtalerman", f"@{manager} released. Does it meet the customer's needs?", released)
                issue.assignees = [manager]
        return issue

    def _talk(self, issue: Issue, customer: Named | None) -> None:
        for _ in range(self.random.choice([0, 0, 1, 1, 2, 3])):
            if at := self._past(issue.created_at, 0.1, 12):
                side = (
                    "support" if customer and self.random.random() < 0.6 else self.random.choice(["team", "community"])
                )
                people = {
                    "support": SUPPORT,
                    "team": ("lukeheath", "zwass", "noahtalerman"),
                    "community": self.community,
                }
                label = customer.label if customer else ""
                body = self.random.choice(TEXTS["remarks"][side]).format(
                    codename=label, n=self.random.randrange(3, 900)
                )
                issue.comment(self.random.choice(people[side]), body, at)
        if issue.closed_at:
            issue.comment(
                BOT, "Clouds part, bug departs,\nhosts report in, one by one,\nquiet dashboards shine.", issue.closed_at
            )

    def _mistakes(self, bugs: Sequence[Issue]) -> list[Issue]:
        """One issue and one comment name a customer, for the audit to find."""
        at = self._working_day(self.now - timedelta(days=3))
        commented = next(bug for bug in bugs if bug.created_at < at and not bug.closed_at and self._whose(bug))
        talked_about = self._whose(commented)
        other = self.random.choice([customer for customer in self.customers if customer is not talked_about])
        texts, bug = TEXTS["mistakes"], TEXTS["bugs"][0]
        body = self._bug_body(bug, TEXTS["systems"][0], at, other) + texts["issue_info"].format(name=other.name) + "\n"
        issue = Issue(PUBLIC, texts["issue_title"], body, "edwardsb", at)
        issue.label("bug", ":incoming", ":reproduce", other.label, at=at, by="edwardsb")
        comment = texts["comment"].format(name=talked_about.name if talked_about else "")
        commented.comment("reeblybeebly", comment, self.now - timedelta(days=2))
        return [issue]

    def _whose(self, issue: Issue) -> Named | None:
        return next((customer for customer in self.customers if customer.label in issue.labels), None)

    def _support_request(self, at: datetime) -> Issue:
        texts, customer = TEXTS["confidential"], self.random.choice(self.customers)
        values = {"name": customer.name, "label": customer.label}
        title = self.random.choice(texts["requests"]).format(**values)
        author = self.random.choice(MANAGERS)
        issue = Issue(CONFIDENTIAL, title, texts["body"].format(**values), author, at)
        issue.label(":help-customers", customer.label, at=at, by=author)
        if answered := self._past(at, 0.1, 1):
            issue.comment(self.random.choice(SUPPORT), self.random.choice(texts["answers"]), answered)
            issue.closed_at = self._past(answered, 0.5, 60)
        return issue

    def _outage(self, at: datetime) -> Issue:
        texts = TEXTS["confidential"]
        body = texts["outage_body"].format(system=self.random.choice(texts["systems"]), time=f"{at:%H:%M}")
        issue = Issue(CONFIDENTIAL, f"Suspected outage: {at:%Y-%m-%d}", body, "rfairburn", at)
        issue.label("#outage", "#g-cx", ":release", at=at, by="rfairburn")
        issue.closed_at = self._past(at, 1, 6)
        return issue


def in_order(issues: Sequence[Issue]) -> list[Issue]:
    """Gives the oldest first, as GitHub numbers them."""
    return sorted(issues, key=lambda issue: issue.created_at)


def _text(moment: datetime) -> str:
    """Gives a moment as GitHub does, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
