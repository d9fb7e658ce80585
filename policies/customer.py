"""The nouns of customers: accounts as Salesforce keeps them, codename labels as GitHub keeps them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from policies.confidentiality import Confidential

Kind = Literal["customer", "prospect"]

CODENAME_LABEL = re.compile(r"^(customer|prospect)-([a-z0-9][a-z0-9-]*)$", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """A customer or prospect in Salesforce."""

    id: str  # 18 characters, begins with 001
    name: Confidential[str]
    github_label: str  # the "GitHub label" field, "" when empty
    owner: str  # the account owner's name
    url: str


@dataclass(frozen=True)
class Label:
    """A label of one repository. A description in the confidential repository may be a customer's name."""

    name: str
    description: Confidential[str]
    url: str


@dataclass(frozen=True)
class Post:
    """A text of the public repository that anybody can read."""

    kind: Literal["issue", "comment"]
    url: str
    text: str


class Refused(Exception):
    """The input can't be worked on. Nothing has been done; the message names every problem and what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        if len(problems) == 1:
            super().__init__(f"Nothing was done. {problems[0]}")
        else:
            numbered = "\n".join(f"{number}. {problem}" for number, problem in enumerate(problems, 1))
            super().__init__(f"Nothing was done, for {len(problems)} reasons:\n{numbered}")


_ACCOUNT_ID = re.compile(r"001[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
ACCOUNT_PATTERN = r"^\s*(001[A-Za-z0-9]{12}([A-Za-z0-9]{3})?|https://\S+/001[A-Za-z0-9]{12}\S*)\s*$"


def account_id(text: str) -> str:
    """Gives the 18-character id in an account's id (15 or 18 characters) or in the address of its Salesforce page.

    Raises:
        Refused: when there is none, or its check characters don't fit.
    """
    found = _ACCOUNT_ID.findall(text)
    if len(found) != 1:
        raise Refused(
            f"{len(found)} Salesforce account ids stand in the account field. Open the account in Salesforce and copy "
            "its address; the id in it begins with 001."
        )
    complete = found[0][:15] + checksum(found[0][:15])
    if len(found[0]) == 18 and found[0] != complete:
        raise Refused(
            f"{found[0]} is no Salesforce id: its last three characters should be {complete[15:]}. Copy it again."
        )
    return complete


def checksum(id15: str) -> str:
    """Gives the three characters that make a 15-character id safe where case is lost.

    Source: Salesforce, "How to convert a 15 character Id to an 18 character Id".
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (id15[start : start + 5] for start in (0, 5, 10))
    return "".join(
        alphabet[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks
    )
