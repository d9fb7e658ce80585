"""The issues of a repository.

API: https://docs.github.com/rest/issues/issues, https://docs.github.com/graphql/reference/objects#issue
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from github import GithubException
from github.Issue import Issue as GithubIssue

from policies import issue as issues
from policies.confidentiality import Confidential, PublicText, revealed
from tasks.effects import AlreadyThere, Failure, Made, Write, perform
from tasks.github_client import Client, Unreadable, explain

Text = PublicText | Confidential[str]
CLOCKS_DIFFER = timedelta(minutes=5)  # at most, GitHub's and ours


class Issues(Client):
    """Reads and changes issues."""

    def issue(self, number: int) -> issues.Issue | None:
        """Gives an issue with its labels' times and its comments, in one call; None when there is none."""
        return self._one(_ONE_ISSUE, "issue", number)

    def issue_or_pull_request(self, number: int) -> issues.Issue | None:
        """Gives what has a number, be it an issue or a pull request, whose labels and comments are an issue's."""
        return self._one(_ONE_OF_BOTH, "issueOrPullRequest", number)

    def _one(self, query: str, kind: str, number: int) -> issues.Issue | None:
        try:
            return self._issue(self._ask(query, number=number)["repository"][kind])
        except GithubException as error:
            if "NOT_FOUND" in str(error.data):
                return None
            raise

    def open_pull_requests(self, labels: Sequence[str]) -> Iterator[issues.Issue]:
        """Gives the open pull requests that have one of these labels, as issues are given, 100 a call."""
        for page, _ in self._open_by_page("pullRequests", labels):
            yield from page

    def open_issues(self, labels: Sequence[str] | None) -> Iterator[issues.Issue]:
        """Gives the open issues that have one of these labels, with times and comments, 100 a call; None: all."""
        for page, _ in self.open_issues_by_page(labels):
            yield from page

    def open_issues_by_page(self, labels: Sequence[str] | None) -> Iterator[tuple[list[issues.Issue], int]]:
        """Gives the same by pages of up to 100, each with the number of all; at most one page is in memory.

        What a reader changes in the issues of a page does not move the pages after it: they hang on the order in which
        issues were created, and labels are read again when a page is.
        """
        yield from self._open_by_page("issues", labels)

    def _open_by_page(self, kind: str, labels: Sequence[str] | None) -> Iterator[tuple[list[issues.Issue], int]]:
        query, after = _open(kind), None
        while labels is None or labels:
            page = self._ask(query, labels=labels and list(labels), after=after)["repository"][kind]
            yield [self._issue(each) for each in page["nodes"]], page["totalCount"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def closed_since(self, label: str, since: datetime) -> dict[int, str]:
        """Gives how issues with a label that were changed since a moment are closed, by number, 100 a call.

        How is "completed", "not planned" or, if GitHub keeps no reason, "".
        """
        found: dict[int, str] = {}
        after: str | None = None
        while True:
            asked = self._ask(_CLOSED, labels=[label], since=since.isoformat(), after=after)
            page = asked["repository"]["issues"]
            found |= {each["number"]: _reason(each["stateReason"]) for each in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def _issue(self, found: Mapping[str, Any]) -> issues.Issue:
        author: Mapping[str, str] = found["author"] or {}
        added = {each["label"]["name"]: _time(each["createdAt"]) for each in found.get("timelineItems", _NONE)["nodes"]}
        return issues.Issue(
            repository=self.full_name,
            number=found["number"],
            author=author.get("login", ""),
            author_is_bot=author.get("__typename") == "Bot",
            is_open=not found["closed"],
            created_at=_time(found["createdAt"]),
            labels={each["name"]: added.get(each["name"]) for each in found["labels"]["nodes"]},
            assignees=[each["login"] for each in found["assignees"]["nodes"]],
            comments=[_comment(each) for each in found.get("comments", _NONE)["nodes"]],
            title=Confidential(found["title"]),
            body=Confidential(found["body"] or ""),
            url=f"{self.url}/issues/{found['number']}",
            node_id=found["id"],
            labelled_at=max(added.values(), default=None),
        )

    def look_for(
        self, searches: Mapping[str, str], labels: Sequence[str], most: int = 20
    ) -> tuple[dict[str, list[issues.Issue]], list[issues.Issue]]:
        """Gives what GitHub's search finds for each of several sets of words, and the newest issues, in one call.

        searches: the words by any name. labels: the first is on all that are looked for; of each the newest issues are
        given, because the search's index is some minutes late. Comments and times of labels are not among what is read.
        """
        names = {f"search{number}": name for number, name in enumerate(searches)}
        asked = {
            alias: f'repo:{self.full_name} is:issue label:"{labels[0]}" {searches[name]}'
            for alias, name in names.items()
        }
        listed = {f"label{number}": [label] for number, label in enumerate(dict.fromkeys(labels))}
        answer = self._ask(_looking(list(names), list(listed), most), **asked, **listed)
        found = {name: self._several(answer[alias]) for alias, name in names.items()}
        newest = {each.number: each for alias in listed for each in self._several(answer["repository"][alias])}
        return found, list(newest.values())

    def _several(self, found: Mapping[str, Any]) -> list[issues.Issue]:
        return [self._issue(each) for each in found["nodes"] if each]  # a pull request has no fields

    def _create_issue(
        self, title: Text, body: Text, labels: Sequence[str], assignees: Sequence[str], once: str
    ) -> Made:
        def send() -> Made:
            text = issues.marked(str(revealed(body)), once)
            with self._writing() as repository:
                made = repository.create_issue(
                    str(revealed(title)), text, labels=list(labels), assignees=list(assignees)
                )
            return self._checked(made, text)

        def find(intended: datetime) -> Made | None:
            with self._reading() as repository:
                newest = repository.get_issues(state="all", sort="created", direction="desc")
                recent = takewhile(lambda each: each.created_at >= intended - CLOCKS_DIFFER, newest)
                found = (each for each in recent if issues.marker(once) in (each.body or ""))
                return next((_made_issue(each) for each in found), None)

        request = {
            "repository": self.full_name,
            "title": title,
            "body": body,
            "labels": list(labels),
            "assignees": list(assignees),
        }
        preview = Made("", f"{self.url}/issues")
        return perform(Write(once, "GitHub", "create issue", self.full_name, request, send, find, explain, preview))

    def _checked(self, made: GithubIssue, body: str) -> Made:
        """Gives the issue as GitHub answered it, so that a page of HTML with status 200 is no success."""
        if made.body != body:
            raise Unreadable("GitHub answered about another issue.")
        return _made_issue(made)

    def _comment(self, number: int, text: Text, once: str) -> Made:
        def send() -> Made:
            with self._writing() as repository:
                body = issues.marked(str(revealed(text)), once)
                made = repository.get_issue(number).create_comment(body)
            if made.body != body:
                raise Unreadable("GitHub answered about another comment.")
            return Made(str(made.id), made.html_url)

        request = {"repository": self.full_name, "number": str(number), "text": text}
        place, preview = f"{self.full_name}#{number}", Made("", f"{self.url}/issues/{number}")
        find = partial(self._find_comment, number, once)
        return perform(Write(once, "GitHub", "comment", place, request, send, find, explain, preview))

    def _find_comment(self, number: int, once: str, intended: datetime) -> Made | None:
        with self._reading() as repository:
            comments = repository.get_issue(number).get_comments(since=intended - CLOCKS_DIFFER)
            found = (each for each in comments if issues.marker(once) in (each.body or ""))
            return next((Made(str(each.id), each.html_url) for each in found), None)

    def add_labels(self, number: int, labels: Sequence[str], *, once: str) -> Made:
        """Puts labels on an issue; those that are there count as done. GitHub makes a label that doesn't exist."""

        def send() -> Made:
            with self._writing() as repository:
                repository.get_issue(number).add_to_labels(*labels)
            return made

        made = self._labelled(number, labels)
        request = {"repository": self.full_name, "number": str(number), "labels": list(labels)}
        place = f"{', '.join(labels)} to {self.full_name}#{number}"
        find = partial(self._find_labels, number, labels)
        return perform(Write(once, "GitHub", "add labels", place, request, send, find, explain, made))

    def _labelled(self, number: int, labels: Sequence[str]) -> Made:
        return Made(", ".join(labels), f"{self.url}/issues/{number}")

    def _find_labels(self, number: int, labels: Sequence[str], _: datetime) -> Made | None:
        found = self.issue(number)
        there = found is not None and all(found.has_label(each) for each in labels)
        return self._labelled(number, labels) if there else None

    def _without_labels(self, number: int, labels: Sequence[str], _: datetime) -> Made | None:
        found = self.issue_or_pull_request(number)
        there = found is not None and any(found.has_label(each) for each in labels)
        return None if there else self._labelled(number, labels)

    def remove_label(self, number: int, label: str, *, once: str) -> Made:
        """Takes a label off an issue; one that isn't there counts as done."""
        made = self._labelled(number, [label])

        def send() -> Made:
            with self._writing() as repository:
                repository.get_issue(number).remove_from_labels(label)
            return made

        request = {"repository": self.full_name, "number": str(number), "label": label}
        place = f"{label} from {self.full_name}#{number}"
        find = partial(self._without_labels, number, [label])
        return perform(Write(once, "GitHub", "remove label", place, request, send, find, _explain_removal, made))


def _explain_removal(error: Exception) -> Failure:
    """A label that isn't there is as wanted, once a look has confirmed it."""
    if isinstance(error, GithubException) and error.status == 404:
        return AlreadyThere("GitHub says that it isn't there.")
    return explain(error)


def _made_issue(issue: GithubIssue) -> Made:
    return Made(str(issue.number), issue.html_url)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _reason(found: str | None) -> str:
    return (found or "").replace("_", " ").lower()


def _comment(found: Mapping[str, Any]) -> issues.Comment:
    author: Mapping[str, str] = found["author"] or {}
    number = str(found["url"]).rpartition("issuecomment-")[2]
    bot = author.get("__typename") == "Bot"
    text = Confidential(str(found.get("body", "")))
    return issues.Comment(int(number), author.get("login", ""), bot, _time(found["createdAt"]), text)


_NONE: Mapping[str, Any] = {"nodes": []}
_SHORT = """
id number title body closed createdAt author { __typename login }
labels(first: 100) { nodes { name } }
assignees(first: 10) { nodes { login } }
"""
_FIELDS = f"""{_SHORT}
comments(last: 100) {{ nodes {{ url createdAt author {{ __typename login }} }} }}
timelineItems(last: 100, itemTypes: [LABELED_EVENT]) {{ nodes {{ ... on LabeledEvent {{
createdAt label {{ name }} }} }} }}
"""
# Of many issues the texts of all comments would be much to read.
_ONE_ISSUE = f"""query($owner: String!, $name: String!, $number: Int!) {{
repository(owner: $owner, name: $name) {{ issue(number: $number) {{ {_FIELDS}
comments(last: 100) {{ nodes {{ body }} }} }} }} }}"""
_ONE_OF_BOTH = f"""query($owner: String!, $name: String!, $number: Int!) {{
repository(owner: $owner, name: $name) {{ issueOrPullRequest(number: $number) {{
... on Issue {{ {_FIELDS} }} ... on PullRequest {{ {_FIELDS} }} }} }} }}"""
_CLOSED = """query($owner: String!, $name: String!, $labels: [String!], $since: DateTime, $after: String) {
repository(owner: $owner, name: $name) {
issues(first: 100, after: $after, filterBy: {states: [CLOSED], labels: $labels, since: $since}) {
nodes { number stateReason } pageInfo { hasNextPage endCursor } } } }"""


def _looking(searches: Sequence[str], lists: Sequence[str], most: int) -> str:
    """Words the query of several searches and lists, each under its name, which is its variable's too."""
    variables = "".join(f", ${each}: String!" for each in searches) + "".join(f", ${each}: [String!]" for each in lists)
    searched = "\n".join(
        f"{each}: search(query: ${each}, type: ISSUE, first: {most}) {{ nodes {{ ... on Issue {{ {_SHORT} }} }} }}"
        for each in searches
    )
    newest = "orderBy: {field: CREATED_AT, direction: DESC}"
    listed = "\n".join(
        f"{each}: issues(first: 50, labels: ${each}, {newest}) {{ nodes {{ {_SHORT} }} }}" for each in lists
    )
    return f"""query($owner: String!, $name: String!{variables}) {{
{searched}
repository(owner: $owner, name: $name) {{ {listed} }} }}"""


def _open(kind: str) -> str:
    """Gives the question for the open ones of a kind: "issues" or "pullRequests"."""
    return f"""query($owner: String!, $name: String!, $labels: [String!], $after: String) {{
repository(owner: $owner, name: $name) {{ {kind}(first: 100, after: $after, states: OPEN, labels: $labels) {{
totalCount nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""
