"""Applications that wait: one whose webhook was lost and is due within the hour, and one that is late and unclear."""

from __future__ import annotations

from tests.scenario import Expected, Scenario
from tests.scenarios.respond_to_job_application import ADDRESS, APPLICANT, seed, ticket

DUE_SOON, LATE, NO_APPLICATION, FRESH_QUESTION = "conversation-soon", "conversation-late", "conversation-x", "chat-1"

SCENARIO = Scenario(
    flow="flows.support.job_applications.review_job_applications",
    parameters={},
    seed=seed(
        ticket(DUE_SOON, createdAt="2026-11-23T14:30:00+00:00"),  # 6:30 on Monday; it is 10:00
        ticket(
            LATE,
            "I saw your job posting and would love to join your team.",
            createdAt="2026-11-20T16:00:00+00:00",
            assignedToUserId="user-edwardsb",
        ),
        ticket(NO_APPLICATION, "What does Fleet Premium cost for 300 hosts?"),
        {"id": FRESH_QUESTION, "type": "slack", "messages": [{"text": "A host is offline since the update."}]},
    ),
    expected=[
        Expected("slack", "post message", "#help-customers", r"Answer the applicant of ticket #\d+\?"),
        Expected("slack", "post message", "#help-customers", "A job application is due soon"),
        Expected("slack", "post message", "#help-customers", "A job application needs a person"),
        Expected("slack", "post message", "#help-customers", "A job application is late"),
    ],
    names=[APPLICANT, ADDRESS],
)
