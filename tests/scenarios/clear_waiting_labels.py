"""Somebody from outside has answered: the label that waited for them goes, another stays."""

from __future__ import annotations

from typing import Any

from tests.scenario import Expected, Scenario

COMMENT = 998_001

ISSUE: dict[str, Any] = {
    "repository": "fleetdm/fleet",
    "number": 41_001,
    "title": "Hosts go offline after an update",
    "user": "outside-reporter",
    "labels": ["bug", "+more info please", "+waiting for release"],
    "created_at": "2026-11-16T17:00:00+00:00",
    "comments": [
        {"user": "ksatter", "body": "Which version is it?", "created_at": "2026-11-17T17:00:00+00:00"},
        {"id": COMMENT, "user": "outside-reporter", "body": "4.77.0", "created_at": "2026-11-18T17:00:00+00:00"},
    ],
    "label_events": [
        {"label": "bug", "event": "labeled", "at": "2026-11-16T17:00:00+00:00", "actor": "ksatter"},
        {"label": "+more info please", "event": "labeled", "at": "2026-11-17T17:00:00+00:00", "actor": "ksatter"},
        {"label": "+waiting for release", "event": "labeled", "at": "2026-11-19T17:00:00+00:00", "actor": "ksatter"},
    ],
}
SEED: dict[str, Any] = {
    "github": {
        "labels": [
            {"repository": "fleetdm/fleet", "name": name}
            for name in ("bug", "+more info please", "+waiting for release")
            if name != "bug"
        ],
        "issues": [ISSUE],
    }
}

SCENARIO = Scenario(
    flow="flows.support.waiting_labels.clear_waiting_labels",
    parameters={"comments": [f"fleetdm/fleet#41001/{COMMENT}"]},
    seed=SEED,
    expected=[Expected("github", "set labels", r"fleetdm/fleet #41001", saying=r"removed.*\+more info please'\]")],
    names=["Quillfeather"],
)
