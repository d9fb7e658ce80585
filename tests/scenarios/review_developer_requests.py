"""Ten in the morning: of the calls for the on-call one is overdue, one by hand is, others are answered or in time."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

CHANNEL, OURS = "C019WG4GH0A", "U0SANDBOXBOT"
CSE, DEVELOPER = "U0SANDBOX09", "U0SANDBOX18"
# Nine o'clock in Los Angeles on Monday, November 23, 2026 is 17:00 UTC, 1795453200.
FRIDAY, NINE, HALF_PAST_NINE = "1795217400", "1795453200", "1795455000"
NOW = "2026-11-23T18:05:00+00:00"


def said(at: str, user: str, text: str, thread: str = "", place: int = 100) -> dict[str, Any]:
    """Gives a message in #help-engineering."""
    message = {"channel": CHANNEL, "user": user, "text": text, "ts": f"{at}.{place:06}"}
    return message | ({"thread_ts": thread} if thread else {})


def ours(at: str, place: int = 100) -> dict[str, Any]:
    """Gives a call for the on-call by our hand."""
    return said(at, OURS, f"<!subteam^S0SANDBOX1> <@{CSE}> Help from the developer on-call.", place=place)


SCENARIO = Scenario(
    flow="flows.support.developer_on_call.review_developer_requests",
    parameters={},
    seed={
        "slack": {
            "messages": [
                # Asked on Friday at half past three, so due at half past four; the asker's own reply is no answer.
                ours(FRIDAY),
                said(FRIDAY, CSE, "Here are the logs.", f"{FRIDAY}.000100", 200),
                # By hand, at nine.
                said(NINE, CSE, "<!subteam^S0SANDBOX1|@oncall> is this known?", place=300),
                # Answered.
                ours(NINE, 400),
                said(NINE, DEVELOPER, "Looking.", f"{NINE}.000400", 500),
                # In time, and no call.
                ours(HALF_PAST_NINE),
                said(NINE, CSE, "@oncall, thanks!", place=600),
            ]
        }
    },
    expected=[
        Expected("slack", "post message", "#help-engineering", saying="Nobody has answered.*November 20, 4:30 PM"),
        Expected("slack", "post message", "#help-engineering", saying="Nobody has answered.*November 23, 10:00 AM"),
    ],
    names=["Quillfeather"],
    now=NOW,
)
