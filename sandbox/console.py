"""The page that shows a person what happened in each service, live.

It reads what the services' `dump()` gives and changes nothing; its buttons use the control API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.world import World

PAGE = Path(__file__).parent / "page"
FIRST_LOOK = 400  # effects and calls that a page gets when it opens
DELIVERIES = 150  # webhooks that are listed

Row = Mapping[str, Any]


def routes(world: World) -> list[BaseRoute]:
    """Gives the page, what it asks for, and the addresses that people open. They come before the services' own."""
    console = Console(world)
    return [
        Route("/", console.page),
        Mount("/page", StaticFiles(directory=PAGE)),
        Route("/console/news", console.news),
        Route("/console/github", console.github),
        Route("/console/github/{owner}/{name}/issues/{number:int}", console.issue),
        Route("/console/salesforce", console.salesforce),
        Route("/console/slack", console.slack),
        Route("/console/webhooks", console.webhooks),
        Route("/console/state/{service}", console.state),
    ]


class Console:
    """What the page asks for."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def page(self, request: Request) -> Response:
        return FileResponse(PAGE / "console.html", headers={"Cache-Control": "no-cache"})

    async def news(self, request: Request) -> Response:
        """Gives what has happened since the numbers the page knows, or all of it after a reset."""
        world, known = self.world, request.query_params
        same = known.get("generation") == str(world.generation)
        effect, call = (int(known.get(kind, 0)) if same else 0 for kind in ("effect", "call"))
        return JSONResponse(
            {
                "version": world.version,
                "generation": world.generation,
                "now": world.clock.now().isoformat(),
                "frozen": world.clock.frozen,
                "services": sorted(world.services),
                "faults": [asdict(fault) for fault in world.faults],
                "latency": world.latency,
                "effects": [each.as_json() for each in world.effects[-FIRST_LOOK:] if each.number > effect],
                "calls": [each.as_json() for each in list(world.calls)[-FIRST_LOOK:] if each.number > call],
            }
        )

    async def github(self, request: Request) -> Response:
        """Gives each label once, with its description in each repository, all issues, newest first, and people."""
        held = self._dump("github")
        repositories = held["repositories"]
        labels: dict[str, dict[str, Any]] = {}
        for repository in repositories:
            for label in repository["labels"]:
                shown = labels.setdefault(label["name"].lower(), {**label, "descriptions": {}})
                shown["descriptions"][repository["full_name"]] = label["description"]
        issues = [_issue(issue, repository) for repository in repositories for issue in repository["issues"]]
        return JSONResponse(
            {
                "repositories": [{"name": each["full_name"], "private": each["private"]} for each in repositories],
                "labels": [labels[name] for name in sorted(labels)],
                "issues": sorted(issues, key=lambda issue: issue["created_at"], reverse=True),
                "people": _writers(held["people"]),
            }
        )

    async def issue(self, request: Request) -> Response:
        """Gives an issue with its comments, and who can write there."""
        asked, held = request.path_params, self._dump("github")
        for repository in held["repositories"]:
            for issue in repository["issues"]:
                if (repository["full_name"], issue["number"]) == (f"{asked['owner']}/{asked['name']}", asked["number"]):
                    said = {"body": issue["body"], "comments": issue["comments"]}
                    people = _writers(held["people"], team_only=repository["private"])
                    names = sorted(label["name"] for label in repository["labels"])
                    return JSONResponse({**_issue(issue, repository), **said, "people": people, "all_labels": names})
        return JSONResponse({"error": "There is no such issue. It may be gone since a reset."}, 404)

    async def salesforce(self, request: Request) -> Response:
        """Gives accounts and opportunities by name."""
        held = self._dump("salesforce")
        owners = {user["Id"]: user["Name"] for user in held["User"]}
        names = {account["Id"]: account["Name"] for account in held["Account"]}
        return JSONResponse(
            {
                "accounts": [_account(row, owners) for row in sorted(held["Account"], key=_name)],
                "opportunities": [_opportunity(row, names) for row in sorted(held["Opportunity"], key=_name)],
            }
        )

    async def slack(self, request: Request) -> Response:
        """Gives the channels, spoken in last first, and what is said in the one asked for, or in the first."""
        held = self._dump("slack")
        team = held["team"]["id"]
        people = {user["id"]: _person(user, team) for user in held["users"]}
        channels = sorted(held["channels"], key=lambda channel: (-_last_spoken(channel), channel["name"]))
        asked = request.query_params.get("channel")
        chosen = next((each for each in channels if each["id"] == asked), channels[0] if channels else None)
        return JSONResponse(
            {
                "channels": [_channel(each) for each in channels],
                "channel": chosen and _channel(chosen) | {"speakers": _speakers(chosen, people)},
                "users": list(people.values()),
                "messages": _messages(chosen, held["ephemerals"]) if chosen else [],
                "shortcuts": held["shortcuts"],
                "views": [view for view in held["views"] if view["type"] == "modal"],
            }
        )

    async def webhooks(self, request: Request) -> Response:
        """Gives the latest webhooks, newest first, and where they go."""
        sender = self.world.webhooks
        latest = list(sender.deliveries)[: -DELIVERIES - 1 : -1]
        shown = [each.as_json() for each in latest]
        return JSONResponse(
            {"network": sender.network.model_dump(), "all": len(sender.deliveries), "deliveries": shown}
        )

    async def state(self, request: Request) -> Response:
        """Gives what one service holds."""
        service = self.world.services.get(request.path_params["service"])
        if service is None:
            return JSONResponse({"error": "There is no such service in this sandbox."}, 404)
        return JSONResponse(service.dump())

    def _dump(self, service: str) -> dict[str, Any]:
        return self.world.services[service].dump()


def _name(row: Row) -> str:
    return row["Name"].lower()


def _account(row: Row, owners: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": row["Id"],
        "name": row["Name"],
        "type": row["Type"] or "",
        "label": row["GitHub_label__c"],
        "owner": owners.get(row["OwnerId"], ""),
    }


def _opportunity(row: Row, accounts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": row["Id"],
        "name": row["Name"],
        "account": accounts.get(row["AccountId"], ""),
        "type": row["Type"] or "",
        "stage": row["StageName"],
        "closes": row["CloseDate"],
        "amount": row["Amount"],
        "next_step": row["NextStep"],
    }


def _issue(issue: Row, repository: Row) -> dict[str, Any]:
    colors = {label["name"]: label["color"] for label in repository["labels"]}
    shown = ("number", "title", "state", "user", "assignees", "created_at", "html_url")
    return {
        **{name: issue[name] for name in shown},
        "repository": repository["full_name"],
        "private": repository["private"],
        "labels": [{"name": name, "color": colors[name]} for name in issue["labels"]],
    }


def _writers(people: Sequence[Row], *, team_only: bool = False) -> list[Row]:
    """Gives who can write in a repository, those from outside first."""
    able = [each for each in people if each["is_member"] or not team_only]
    return sorted(able, key=lambda each: (each["is_member"], each["name"].lower()))


def _channel(channel: Row) -> dict[str, Any]:
    return {
        "id": channel["id"],
        "name": channel["name"],
        "topic": channel["topic"],
        "private": not channel["public_community"],
        "messages": len(channel["messages"]),
    }


def _last_spoken(channel: Row) -> float:
    return max((float(message["ts"]) for message in channel["messages"]), default=0)


def _order(message: Row) -> tuple[float, float]:
    """Sorts a thread below the message that began it."""
    return float(message.get("thread_ts", message["ts"])), float(message["ts"])


def _person(user: Row, team: str) -> dict[str, Any]:
    is_customer = user["team_id"] != team or user["is_restricted"] or user["is_ultra_restricted"]
    return {
        "id": user["id"],
        "name": user["profile"]["real_name"],
        "is_bot": user["is_bot"],
        "is_customer": is_customer,
        "is_of_another_workspace": user["team_id"] != team,
    }


def _speakers(channel: Row, people: Mapping[str, Row]) -> list[str]:
    """Gives who can speak in a channel, customers first."""
    able = [people[each] for each in channel["members"] if each in people and not people[each]["is_bot"]]
    return [each["id"] for each in sorted(able, key=lambda each: (not each["is_customer"], each["name"].lower()))]


def _messages(channel: Row, ephemerals: Sequence[Row]) -> list[dict[str, Any]]:
    """Gives what is said in a channel, with what only one person sees, each thread below its first message."""
    seen = [*channel["messages"], *(each for each in ephemerals if each["channel"] == channel["id"])]
    return [_message(each) for each in sorted(seen, key=_order)]


def _message(message: Row) -> dict[str, Any]:
    return {
        "ts": message["ts"],
        "thread": message.get("thread_ts", message["ts"]),
        "user": message["user"],
        "text": message["text"],
        "subtype": message.get("subtype", ""),
        "is_app": "app_id" in message,
        "is_edited": "edited" in message,
        "shown_to": message.get("shown_to", ""),
        "files": [file["title"] for file in message.get("files", [])],
        "blocks": message.get("blocks", []),
        "at": datetime.fromtimestamp(float(message["ts"]), UTC).isoformat(),
        "is_reply": message.get("thread_ts", message["ts"]) != message["ts"],
        "reactions": [reaction["name"] for reaction in message.get("reactions", []) if reaction["users"]],
    }
