"""Slack in bulk, for sweeps: our app's channels and what was said in them, several at a time, in Slack's pace.

API: https://docs.slack.dev/reference/methods/conversations.history
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError

from policies.channel_history import Said
from policies.confidentiality import Confidential
from settings import settings
from tasks import clock, slack
from tasks.effects import NothingHappened, Refused

AT_A_TIME = 5
TWICE_AS_MANY = {"users.info"}  # of the fourth tier; the others are of the third
_MENTIONED = re.compile(r"<(?:@|!subteam\^)([UWS][A-Z0-9]{2,20})(?:\|[^<>]*)?>")

T = TypeVar("T")


@asynccontextmanager
async def in_bulk() -> AsyncGenerator[None]:
    """Has all that is read inside keep Slack's pace, over shared connections."""
    async with slack.connected():
        with slack.reading_by(_in_pace):
            yield


async def channels() -> dict[str, str]:
    """Gives the channels that our app is in and that aren't archived: id -> name."""
    wanted = {"types": "public_channel,private_channel", "exclude_archived": True}
    found = [each async for each in slack.listed("users.conversations", "channels", **wanted)]
    return {str(each["id"]): str(each.get("name") or each["id"]) for each in found}


async def history(channel: str, after: str) -> list[Said]:
    """Gives what was said in a channel after a ts, oldest first, 200 a call; of threads the first message only."""
    wanted = {"channel": channel, "oldest": after}
    found = [_said(channel, each) async for each in slack.listed("conversations.history", "messages", **wanted)]
    return sorted(found, key=lambda each: each.message.ts)


async def people(ids: Iterable[str]) -> list[slack.Person]:
    """Gives who these users are; those whom Slack does not show to our app are left out."""
    found = await each(ids, slack.person)
    for problem in (each for each in found.values() if isinstance(each, Exception)):
        if not isinstance(slack.explain(problem), Refused):
            raise problem
    return [each for each in found.values() if isinstance(each, slack.Person)]


async def each(items: Iterable[str], look: Callable[[str], Awaitable[T]]) -> dict[str, T | Exception]:
    """Looks at several items at a time. Gives for each what was found, or what went wrong with it alone."""
    places, wanted = asyncio.Semaphore(AT_A_TIME), list(items)

    async def one(item: str) -> T | Exception:
        async with places:
            try:
                return await look(item)
            except Exception as error:  # the others go on; the caller says what it means
                return error

    return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


def _said(channel: str, found: Mapping[str, Any]) -> Said:
    text = str(found.get("text") or "")
    repliers = tuple(map(str, found.get("reply_users", ())))
    return Said(
        slack.as_message(channel, found),
        Confidential(text),
        tuple(_MENTIONED.findall(text)),
        tuple(str(user) for reaction in found.get("reactions", ()) for user in reaction.get("users", ())),
        repliers,
        len(repliers) >= int(found.get("reply_users_count", bool(found.get("reply_count")))),
    )


class Pace:
    """At most so many calls in so many seconds; who comes too early waits."""

    def __init__(self, most: int, seconds: float = 60.0) -> None:
        self._calls, self._seconds = deque[float](maxlen=most), seconds

    async def wait(self) -> None:
        """Waits for a place, and takes it."""
        calls = self._calls
        while len(calls) == calls.maxlen and (left := calls[0] + self._seconds - clock.monotonic()) > 0:
            await clock.asleep(left)
        calls.append(clock.monotonic())


_paces: dict[tuple[str, int], Pace] = {}


async def _in_pace(method: str, call: Callable[[], Awaitable[slack.Answer]]) -> slack.Answer:
    """Makes a call when Slack's limits allow it, and again when Slack asked to come back later."""
    most, patience = settings().slack_reads_a_minute * (2 if method in TWICE_AS_MANY else 1), settings().patience
    pace = _paces.setdefault((method, most), Pace(most))
    while True:
        await pace.wait()
        try:
            return await call()
        except SlackApiError as error:
            failure = slack.explain(error)
            after = failure.after if isinstance(failure, NothingHappened) else None
            if after is None or after > patience:
                raise
        patience -= after
        await clock.asleep(after)
