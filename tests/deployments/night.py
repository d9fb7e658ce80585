"""The gateway alone at night: the sandbox is its world, and nobody is where Prefect should be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, select, text

from deployments.inbox import inbox
from tasks import cases, database
from tests.conftest import ROOT, WITHOUT_PREFECT, Sandbox, create_tables, environment, free_port, until, within

EVENING = datetime.fromisoformat("2026-11-29T04:00:00+00:00")  # Saturday, 8 PM Pacific Time
CHANNEL, UNLISTED, HELP = "C0SANDBOX01", "C0UNLISTED1", "C062D0THVV1"
CUSTOMER, COLLEAGUE, GUEST, RELAY = "U0CUSTOMER1", "U0CUSTOMER2", "U0GUEST0001", "U0RELAY0001"
MEMBER, ADMINISTRATOR, OUR_BOT, OTHER_BOT = "U0SANDBOX09", "U0SANDBOX05", "U0SANDBOXBOT", "U0OTHERBOT1"
VP, SECOND, THIRD = "+12025550101", "+12025550118", "+12025550119"  # the order of escalation, without the website's
OUR_NUMBER = "+12025550199"
SELDOM = "U0SELDOM001"  # writes in one test only
BUSY = [f"U0BUSY{number:05}" for number in range(20)]
BEFORE = "1795921200.000100"  # of a message an hour earlier
SEED: dict[str, Any] = {
    "slack": {
        "users": [
            {"id": CUSTOMER, "name": "mira", "real_name": "Mira Lindqvist", "team_id": "T0CUSTOMER"},
            {"id": COLLEAGUE, "name": "anton", "real_name": "Anton Weidler", "team_id": "T0CUSTOMER"},
            {"id": RELAY, "name": "relay", "real_name": "Relay", "team_id": "T0CUSTOMER"},
            {"id": GUEST, "name": "guest", "real_name": "Noor Halvorsen", "is_restricted": True},
            {"id": OTHER_BOT, "name": "other-app", "real_name": "Other App", "is_bot": True},
            *({"id": id, "name": id.lower(), "team_id": "T0CUSTOMER"} for id in [SELDOM, *BUSY]),
        ],
        "channels": [
            {
                "id": CHANNEL,
                "name": "fleet-at-hebe",
                "is_private": True,
                "is_ext_shared": True,
                "members": [CUSTOMER, COLLEAGUE, RELAY, GUEST, MEMBER, OTHER_BOT, SELDOM, *BUSY],
            },
            {"id": UNLISTED, "name": "fleet-at-thalia", "is_private": True, "members": [CUSTOMER, MEMBER]},
            {"id": HELP, "name": "help-customers", "members": [GUEST]},
        ],
        "messages": [{"channel": CHANNEL, "user": CUSTOMER, "text": "Is anybody there?", "ts": BEFORE}],
        "tokens": {
            "xoxb-other": {
                "user_id": OTHER_BOT,
                "bot_id": "B0OTHERBOT1",
                "app_id": "A0OTHERBOT1",
                "scopes": ["chat:write"],
            }
        },
    }
}


class Night:
    """A gateway that is started, killed and started again, and what people do meanwhile."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox, self.port, self._folder = sandbox, free_port(), folder
        self.gateway = f"http://127.0.0.1:{self.port}"
        self.settings = environment(sandbox.url, f"sqlite:///{folder / 'handbook.sqlite'}")
        # A call that a busy machine answers late would be in doubt, and a text in doubt goes out twice.
        self.settings |= {"HANDBOOK_CONNECT_TIMEOUT": "2", "HANDBOOK_READ_TIMEOUT": "4"}
        self.settings |= {"HANDBOOK_PUBLIC_URL": self.gateway}
        self._began, self._has_passed = time.monotonic(), False
        self._process: subprocess.Popen[bytes] | None = None
        create_tables(self.settings["HANDBOOK_DATABASE_URL"])

    # The gateway

    def start(self) -> None:
        """Starts the gateway and waits until it acts on what it takes in."""
        self.begin()
        until(self._is_ready, 60)

    def begin(self) -> None:
        """Starts the gateway and doesn't wait for it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deployments.gateway", "--port", str(self.port)],
            cwd=ROOT,
            env={**os.environ, **WITHOUT_PREFECT, **self.settings, "PREFECT_HOME": str(self._folder)},
            stderr=(self._folder / "gateway.txt").open("ab"),
        )

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.gateway}/ready", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Ends the gateway with no chance to tidy up (kill -9)."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Gives what the gateway has said."""
        return (self._folder / "gateway.txt").read_text(errors="replace")

    def lose_database(self) -> None:
        """Takes every table out of the gateway's reach."""
        self._rename("", "_away")

    def find_database(self) -> None:
        """Puts them back."""
        self._rename("_away", "")

    def _rename(self, before: str, after: str) -> None:
        with database.engine().begin() as connection:
            for table in database.metadata.sorted_tables:
                connection.execute(text(f"ALTER TABLE {table.name}{before} RENAME TO {table.name}{after}"))

    def forget(self, *messages: Mapping[str, str]) -> None:
        """Begins a new evening: an empty ledger, nothing on its way, and in Slack some messages that nobody told of."""
        self.network()
        with database.engine().begin() as connection:
            for table in database.metadata.sorted_tables:
                connection.execute(delete(table))
        self.sandbox.reset(SEED, {"slack": {"messages": messages}})
        played = timedelta(seconds=time.monotonic() - self._began)  # so that the clock differs from ours by the same
        self.sandbox.set_clock((EVENING + played).isoformat())
        if self._has_passed:
            _let_gateway_ask()
        self._has_passed = False
        self.network(gateway=self.gateway)

    def network(self, **said: Any) -> None:
        """Says where webhooks go, and how well."""
        answer = httpx.put(f"{self.sandbox.url}/_sandbox/webhooks", json=said, timeout=10, trust_env=False)
        answer.raise_for_status()

    def wait(self, minutes: float) -> None:
        """Lets time pass, for all: what is written next comes later for the gateway too."""
        self.sandbox.advance(minutes * 60)
        self._has_passed = True
        _let_gateway_ask()

    # What people do

    def does(self, what: str, **said: Any) -> dict[str, Any]:
        """Does something in Slack as a person."""
        answer = httpx.post(f"{self.sandbox.url}/slack/api/_person/{what}", json=said, timeout=20, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def says(self, user: str, channel: str = CHANNEL, words: str = "Our server answers 502.", **more: str) -> str:
        """Writes a message. Gives its ts."""
        return self.does("message", user=user, channel=channel, text=words, **more)["ts"]

    def presses(self, user: str, message: Mapping[str, Any], action: str, channel: str = CHANNEL) -> None:
        """Presses a button of a message of ours."""
        assert self.does("click", user=user, channel=channel, ts=message["ts"], action_id=action)["status"] == 200

    def texts_back(self, number: str, words: str) -> None:
        """Answers a text of ours."""
        said = {"from": number, "to": OUR_NUMBER, "body": words}
        answer = httpx.post(f"{self.sandbox.url}/twilio/_person/message", json=said, timeout=10, trust_env=False)
        assert answer.is_success, answer.text

    # What came of it

    def did(self, action: str, target: str = "") -> list[dict[str, Any]]:
        """Gives the details of the effects of a kind."""
        effects = self.sandbox.effects()
        return [each["detail"] for each in effects if each["action"] == action and target in {"", each["target"]}]

    def replies(self, ts: str = "") -> list[dict[str, Any]]:
        """Gives our posts in the customer's channel, or in one thread of it."""
        posts = self.did("post message", "#fleet-at-hebe")
        return [each for each in posts if ts in {"", each.get("thread_ts")} and each["user"] == OUR_BOT]

    def notice(self, ts: str) -> dict[str, Any]:
        """Waits for a message's notice."""
        return until(lambda: self.replies(ts))[0]

    def texted(self) -> list[str]:
        """Gives the numbers that were texted, in order."""
        return [each["target"] for each in self.sandbox.effects() if each["action"] == "send text"]

    def record(self) -> dict[str, Any]:
        """Waits for the escalation record."""
        return until(lambda: self.did("post message", "#help-customers"))[0]

    def reasons(self) -> list[str]:
        """Gives why deliveries and cases came to nothing."""
        with database.reading() as connection:
            refused = connection.execute(select(inbox.c.reason).where(inbox.c.state == "ignored")).scalars()
            ignored = connection.execute(select(cases.cases.c.reason).where(cases.cases.c.state == "ignored")).scalars()
            return sorted(str(reason) for reason in [*refused, *ignored])

    def at_rest(self, seconds: float = 30) -> None:
        """Waits until every case is settled."""
        now = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
        until(lambda: not cases.open_cases(now), seconds)


def _let_gateway_ask() -> None:
    """Waits until the gateway, which asks for the time once a second, knows of a clock that has been moved."""
    time.sleep(within(1.1))


def earlier(users: Sequence[str]) -> list[dict[str, str]]:
    """Gives messages of an hour before, one a user, as a seed has them."""
    hour = BEFORE.partition(".")[0]
    stamps = [f"{hour}.{number:06}" for number in range(1000, 1000 + len(users))]
    said = {"channel": CHANNEL, "text": "We are closed right now, says somebody."}
    return [{**said, "user": user, "ts": ts} for user, ts in zip(users, stamps, strict=True)]
