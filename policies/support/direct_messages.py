"""Decides what may be posted as the summary of a direct message.

Handbook: customer-success#contact-the-developer-on-call
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from policies.handbook import Person
from policies.report import Link, Report
from policies.spilled_secrets import secrets_in
from policies.support.developer_on_call import LONGEST_TEXT, bad_author, bad_text, called, person


class Summary(BaseModel):
    """What somebody says about a direct message."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    channel: Annotated[
        str, Field(title="Channel", description="Where the question came up: its name, id or address in Slack.")
    ]
    author: Annotated[str, Field(title="Your GitHub handle")]
    summary: Annotated[
        str,
        Field(
            title="Summary",
            description=f"In your own words, without what was sensitive. At most {LONGEST_TEXT} characters.",
            json_schema_extra={"format": "textarea"},
        ),
    ]
    reason: Annotated[str, Field(title="Why a direct message was needed", max_length=200)] = ""

    @property
    def text(self) -> str:
        """Gives all that others will read."""
        return f"{self.summary.strip()}\n{self.reason.strip()}".strip()


@dataclass(frozen=True)
class Place:
    """A channel as Slack shows it to our app."""

    id: str
    name: str
    is_private: bool
    is_shared: bool
    is_archived: bool
    has_us: bool

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Place:
        """Reads Slack's answer."""
        flags = ("is_private", "is_ext_shared", "is_archived", "is_member")
        return cls(info["id"], info.get("name", ""), *(bool(info.get(flag)) for flag in flags))

    @property
    def hides_names(self) -> bool:
        """Says whether no customer's real name belongs there: everybody can join it, or others are in it."""
        return not self.is_private or self.is_shared


def channel_id(given: str, channels: Mapping[str, str]) -> str:
    """Gives a channel's id in that, in its address, or by a name of handbook.toml; "" when it is none.

    channels: ids by name.
    """
    given = given.strip().rstrip("/")
    wanted = channels.get(given.lstrip("#"), "") or given.rpartition("/archives/")[2].partition("/")[0]
    return wanted if wanted[:1] in {"C", "G"} and wanted.isalnum() and wanted.isupper() else ""


def reasons_not_to_post(said: Summary, place: Place | None, people: Mapping[str, Person]) -> list[str]:
    """Names what is wrong with a summary, apart from names in it."""
    problems = bad_text(said.summary, "what was talked about") + bad_author(said.author, people)
    if secrets := secrets_in(said.reason):
        problems.append(f"The reason seems to hold {' and '.join(map(str, secrets))}. Leave it out.")
    return problems + bad_place(place, said.channel)


def bad_place(place: Place | None, given: str) -> list[str]:
    """Says why nothing can be posted in a channel. given: how somebody named it."""
    if place is None:
        return [f'Slack shows our app no channel "{given}". Give its address, from "Copy link" in Slack.']
    if place.is_archived:
        return [f"#{place.name} is archived. Choose the channel where people talk about it now."]
    return [] if place.has_us else [f"Our app is not in #{place.name}. Invite it there and start again."]


def message(said: Summary, people: Mapping[str, Person]) -> Report:
    """Words what the channel reads."""
    # "a summary of the conversation should be posted in the Slack channel as well"
    author = person(said.author, people)
    assert author
    why = f" It was needed because: {said.reason.strip()}" if said.reason.strip() else ""
    return Report(
        "Summary of a direct message", [f"{called(author)} sums up a direct message.{why}", said.summary.strip()]
    )


def summary_key(said: Summary, channel: str) -> str:
    """Gives the business key: the same words of the same author in the same channel are one summary."""
    told = json.dumps([channel, said.author.strip().lstrip("@").lower(), said.summary.strip()])
    return f"{channel}/{hashlib.sha256(told.encode()).hexdigest()[:20]}"


def summarised(place: Place, url: str) -> Report:
    """Words what the run shows; the summary stays in Slack."""
    return Report("Direct message summed up", ["It was posted once."], ("Channel",), [(Link(f"#{place.name}", url),)])
