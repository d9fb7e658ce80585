"""An application came: one mail from the assigned CSE, a note with its copy, a closed ticket."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

TICKET, UNCLEAR, NO_APPLICATION = "conversation-one", "conversation-unclear", "conversation-other"
APPLICANT, ADDRESS = "Robin Quillfeather", "robin@quillfeather.example"
MESSAGE = "Hello, I would like to apply for the Customer Support Engineer position. My resume is attached."
POSITIONS = """
- jobTitle: 🐋 Customer Support Engineer
  department: Customers
- jobTitle: 🐋 Customer Success Manager
  department: Customers
- jobTitle: 🚀 Software Engineer
  department: Engineering
"""


def text(message: str = MESSAGE, name: str = APPLICANT, address: str = ADDRESS) -> str:
    """Gives the mail that the website makes of its form."""
    return f"Message:\n\n{message}\n\nSubmitter information:\n\nName: {name}\n\nEmail address: {address}\n"


def ticket(id: str = TICKET, message: str = MESSAGE, **more: Any) -> dict[str, Any]:
    """Gives a ticket of the contact form, as a seed has it."""
    return {
        "id": id,
        "title": "New contact form message",
        "assignedToUserId": "user-ksatter",
        "createdAt": "2026-11-23T17:00:00+00:00",
        "messages": [{"text": text(message)}],
    } | more


def seed(*tickets: dict[str, Any], positions: str = POSITIONS) -> dict[str, Any]:
    """Gives tickets and the list of open positions."""
    file = {"repository": "fleetdm/fleet", "path": "handbook/company/open-positions.yml", "text": positions}
    return {"unthread": {"conversations": list(tickets)}, "github": {"files": [file]}}


SCENARIO = Scenario(
    flow="flows.support.job_applications.respond_to_job_application",
    parameters={"conversations": [TICKET], "approved_by": "ksatter"},
    seed=seed(ticket()),
    expected=[
        Expected("google", "create draft", rf"kathy@fleetdm.com to {ADDRESS}", "Customer Support Engineer"),
        Expected("google", "send mail", rf"kathy@fleetdm.com to {ADDRESS}", "sampfluger88@fleetdm.com"),
        Expected("unthread", "add private note", f"conversation {TICKET}", "Customer Support Engineer"),
        Expected("unthread", "close conversation", f"conversation {TICKET}"),
    ],
    names=[APPLICANT, ADDRESS],
)

BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"conversations": ["Robin Quillfeather"]}, "no ticket of Unthread"),
    ({"conversations": ["no-such-conversation"]}, "Unthread has no ticket no-such-conversation"),
    ({"conversations": [TICKET], "position": "Astronaut"}, 'No open position is called "Astronaut"'),
    ({"conversations": [TICKET, UNCLEAR], "position": "Software Engineer"}, "A position is for one ticket"),
]
