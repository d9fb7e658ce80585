"""Five past ten on a Monday: of what was written one is overdue, one due soon, one urgent, and the rest is fine."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

HEBE, IRIS, JUNO, PUBLIC = "C0SANDBOX01", "C0SANDBOX02", "C0SANDBOX40", "C0SANDBOXPUB"
MIRA, IVO, JANA, GUEST = "U0CUSTOMER1", "U0CUSTOMER2", "U0CUSTOMER3", "U0GUEST0001"
CSE, OURS = "U0SANDBOX09", "U0SANDBOXBOT"
NOW = "2026-11-23T18:05:00+00:00"
NINE = 1795453200  # o'clock on that Monday in Los Angeles


def said(channel: str, user: str, minutes: int, text: str, thread: int | None = None) -> dict[str, Any]:
    """Gives a message so many minutes after nine; thread: of what was said then."""
    message = {"channel": channel, "user": user, "text": text, "ts": ts(minutes)}
    return message | ({"thread_ts": ts(thread)} if thread is not None else {})


def ts(minutes: int) -> str:
    """Gives the timestamp of what is said so many minutes after nine."""
    return f"{NINE + 60 * minutes}.000100"


def customer(number: int, user: str, channel: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """Gives a customer with a workspace of their own, and the channel that we share with them."""
    return {
        "users": [{"id": user, "name": f"customer-{number}", "team_id": f"T0CUSTOMER{number}"}],
        "channels": [
            {"id": channel, "name": name, "is_private": True, "is_ext_shared": True, "members": [user, CSE]},
        ],
    }


def world(*messages: dict[str, Any]) -> dict[str, Any]:
    """Gives three customers, one of whose channels isn't on the list, and the community; and what they said."""
    customers = [
        customer(1, MIRA, HEBE, "fleet-at-hebe"),
        customer(2, IVO, IRIS, "fleet-at-iris"),
        customer(3, JANA, JUNO, "at-juno"),
    ]
    guest = {"id": GUEST, "name": "guest", "real_name": "Mira Lindqvist", "is_restricted": True}
    return {
        "slack": {
            "users": [guest, *(user for each in customers for user in each["users"])],
            "channels": [{"id": PUBLIC, "name": "fleet-community", "members": [GUEST, CSE]}]
            + [channel for each in customers for channel in each["channels"]],
            "messages": list(messages),
        }
    }


SCENARIO = Scenario(
    flow="flows.support.first_response.watch_first_responses",
    parameters={},
    seed=world(
        said(HEBE, MIRA, -90, "Is there a way to see which hosts are offline?"),
        said(HEBE, CSE, -60, "There is: the status filter.", thread=-90),
        said(HEBE, MIRA, -55, "Thanks a lot!"),
        said(HEBE, MIRA, 30, "One host on macOS 15 does not show up."),
        said(IRIS, IVO, -30, "Quillfeather wants to know when the next release comes."),
        said(IRIS, OURS, -29, "An app says something.", thread=-30),
        said(JUNO, JANA, 55, "How do we rotate certificates?"),
        said(PUBLIC, GUEST, 60, "Urgent: nobody can enroll."),
    ),
    expected=[
        Expected("slack", "post message", "#help-customers", saying="waits for a first response.*9:30 AM.*10:30 AM"),
        Expected("slack", "post message", "#help-customers", saying="Nobody has answered.*8:30 AM.*9:30 AM"),
        Expected("slack", "post message", "#help-customers", saying="speaks of an emergency.*10:00 AM"),
        Expected("slack", "post message", "#help-customers", saying="10 channels are not watched.*C0SANDBOX03"),
    ],
    names=["Quillfeather"],
    now=NOW,
)
