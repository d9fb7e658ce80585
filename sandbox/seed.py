"""What the sandbox starts with: "empty" lets the product connect, "demo" is a company after four busy months.

Deterministic: the demo is the same every time, with its dates counted back from now.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid5

from cryptography.hazmat.primitives import serialization

from sandbox.salesforce_objects import record_id
from sandbox.seed_issues import BOT, CONFIDENTIAL, MANAGERS, PUBLIC, SUPPORT, Issue, Named, Writer
from sandbox.unthread_state import NAMESPACE, ContactForm, contact_form

BOT_USER = "U0SANDBOXBOT"
OUR_NUMBER = "+12025550199"
GOOGLE_SCOPES = [
    f"https://www.googleapis.com/auth/{each}"
    for each in ("gmail.compose", "gmail.metadata", "spreadsheets.readonly", "calendar.events", "calendar.freebusy")
]
Seed = dict[str, Any]
Place = Literal["confidential", "public", "salesforce"]

DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("seed_data.toml").read_text(encoding="utf-8"))
TICKETS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("seed_tickets.toml").read_text(encoding="utf-8"))
RITUALS_PATH = "handbook/customer-success/customer-success.rituals.yml"
RITUALS = Path(__file__).with_name("seed_rituals.yml").read_text(encoding="utf-8")

SCOPES = """
    chat:write channels:read groups:read channels:history groups:history channels:join channels:manage groups:write
    users:read users:read.email usergroups:read usergroups:write reactions:read reactions:write files:read files:write
    im:write im:history conversations.connect:write
""".split()


@dataclass(frozen=True)
class Customer:
    """A row of seed_data.toml."""

    name: str
    word: str
    hosts: int
    kind: Literal["customer", "prospect"] = "customer"
    codename: str = ""
    where: Sequence[Place] = ("confidential", "public", "salesforce")
    github_label: str = ""  # what the account's field holds, when it isn't its own label
    renewal: int | None = None
    kickoff: int | None = None

    @property
    def label(self) -> str:
        return f"{self.kind}-{self.codename}" if self.codename else ""

    @property
    def field(self) -> str:
        """Gives what the account's "GitHub label" field holds."""
        return self.github_label or (self.label if "salesforce" in self.where else "")

    @property
    def is_complete(self) -> bool:
        return bool(self.codename) and len(self.where) == 3


CUSTOMERS = [Customer(**row) for row in DATA["customers"]]


def empty() -> Seed:
    """Gives what the product's clients need to connect, and nobody to work for."""
    return {
        "github": _github(),
        "salesforce": _salesforce(),
        "slack": _slack(),
        "google": _google(),
        "twilio": _twilio(),
        "unthread": _unthread(),
        "zoom": _zoom(),
    }


def demo(now: datetime | None = None) -> Seed:
    """Gives an invented company's customers, issues and channels, as they look at `now`."""
    now = now or datetime.now(UTC)
    chance = random.Random(2025)
    named = [Named(customer.name, customer.label) for customer in CUSTOMERS if customer.is_complete]
    writer = Writer(chance, now, named, DATA["community"])
    seed = empty()
    github, salesforce, slack = seed["github"], seed["salesforce"], seed["slack"]
    github["labels"] += [*_codenames(PUBLIC, "public"), *_codenames(CONFIDENTIAL, "confidential")]
    github["releases"] = writer.releases()
    github["issues"] = [
        *_numbered(writer.public_issues(), 37_001),
        *_numbered(writer.confidential_issues(), 12_001),
    ]
    for number, customer in enumerate(CUSTOMERS, 1):
        _add_account(salesforce, number, customer, chance, now)
    _add_customer_channels(slack, chance, now)
    _add_tickets(seed["unthread"], now)
    seed["google"]["events"] = list(_events(now))
    return seed


SEEDS: dict[str, Callable[[], Seed]] = {"empty": empty, "demo": demo}


def _github() -> Seed:
    repositories = (PUBLIC, CONFIDENTIAL)
    labels = DATA["github_labels"] + DATA["fleet_labels"]
    team = [member["login"] for member in DATA["team"]]
    people = [{"login": member["login"], "name": member["name"], "type": "User"} for member in DATA["team"]]
    outside = [{"login": login, "name": login, "type": "User"} for login in (*DATA["community"], BOT)]
    return {
        "tokens": {
            f"sandbox-github-{name}": {
                "login": "fleet-handbook-flows[bot]",
                "repositories": [repository],
                "permissions": {"repository_hooks": "write"},
            }
            for name, repository in (("public", PUBLIC), ("confidential", CONFIDENTIAL))
        },
        "organization": {"login": "fleetdm", "members": team},
        "users": [*people, *outside, {"login": "fleet-handbook-flows[bot]", "name": "Handbook Flows", "type": "Bot"}],
        "repositories": [{"full_name": name, "private": name == CONFIDENTIAL} for name in repositories],
        "labels": [{"repository": name, **label} for name in repositories for label in labels],
        "hooks": [{"repository": name, "url": "https://hooks.fleetdm.example/github"} for name in repositories],
        "files": [
            {"repository": PUBLIC, "path": "handbook/company/open-positions.yml", "text": TICKETS["positions"]},
            {"repository": PUBLIC, "path": RITUALS_PATH, "text": RITUALS},
        ],
    }


def _codenames(repository: str, place: Place) -> Iterator[Seed]:
    """Gives the codename labels of a repository; only the confidential one says who is meant."""
    for customer in CUSTOMERS:
        if customer.codename and place in customer.where:
            description = customer.name if place == "confidential" else DATA["public_description"]
            yield {
                "repository": repository,
                "name": customer.label,
                "color": DATA["codename_color"],
                "description": description,
            }


def _numbered(issues: Sequence[Issue], first: int) -> list[Seed]:
    return [issue.seed(number) for number, issue in enumerate(issues, first)]


def _salesforce() -> Seed:
    return {
        "clients": [
            {
                "consumer_key": "sandbox-salesforce-key",
                "consumer_secret": "sandbox-salesforce-secret",
                "username": "handbook-flows@fleetdm.com",
            }
        ],
        "users": [
            {"Id": _user_id(each["login"]), "Name": each["name"], "Email": _email(each), "Username": _email(each)}
            for each in DATA["team"]
        ],
        "accounts": [],
        "contacts": [],
        "opportunities": [],
    }


def _user_id(login: str) -> str:
    return record_id("005", 1 + [member["login"] for member in DATA["team"]].index(login))


def _email(member: dict[str, str]) -> str:
    return f"{member['name'].split()[0].lower()}@fleetdm.com"


def _add_account(salesforce: Seed, number: int, customer: Customer, chance: random.Random, now: datetime) -> None:
    uses_fleet = customer.kind == "customer"
    account, owner = record_id("001", number), _user_id(MANAGERS[number % len(MANAGERS)])
    salesforce["accounts"].append(
        {
            "Id": account,
            "Name": customer.name,
            "Type": customer.kind.capitalize(),
            "Website": f"https://{_domain(customer)}",
            "OwnerId": owner,
            "NumberOfEmployees": customer.hosts,
            "GitHub_label__c": customer.field or None,
            "Kickoff_date__c": _day(now, customer.kickoff),
            "Renewal_date__c": _day(now, customer.renewal),
            "Managed_cloud__c": uses_fleet and number % 2 == 0,
            "Self_hosted__c": uses_fleet and number % 2 == 1,
            "Fleet_version__c": f"4.{78 - number % 5}.0" if uses_fleet else None,
        }
    )
    salesforce["contacts"] += [_contact(account, 3 * number + each, customer, chance) for each in range(2)]
    salesforce["opportunities"] += _opportunities(account, owner, number, customer, now)


def _contact(account: str, number: int, customer: Customer, chance: random.Random) -> Seed:
    first, last = chance.choice(DATA["first_names"]), chance.choice(DATA["last_names"])
    return {
        "Id": record_id("003", number),
        "AccountId": account,
        "FirstName": first,
        "LastName": last,
        "Email": f"{first}.{last}@{_domain(customer)}".lower(),
        "Title": chance.choice(DATA["titles"]),
    }


def _opportunities(account: str, owner: str, number: int, customer: Customer, now: datetime) -> Iterator[Seed]:
    """Gives a customer's renewal and, for every third, an expansion that is under way."""
    if customer.renewal is None:
        yield _opportunity(account, owner, 3 * number, customer, "New business", 60, now)
        return
    yield _opportunity(account, owner, 3 * number, customer, "Renewal", customer.renewal, now)
    if number % 3 == 0:
        yield _opportunity(account, owner, 3 * number + 1, customer, "Expansion", customer.renewal // 2, now)


def _opportunity(
    account: str, owner: str, number: int, customer: Customer, kind: str, due_in: int, now: datetime
) -> Seed:
    due = now + timedelta(days=due_in)
    part = {"Renewal": "Renewal", "Expansion": "HostExpansion", "New business": "NewBusiness"}[kind]
    name = re.sub(r"[^0-9A-Za-z]", "", customer.name)[:60]
    return {
        "Id": record_id("006", number),
        "AccountId": account,
        "OwnerId": owner,
        "Name": f"{name}_FleetPremium_{part}_Q{(due.month + 2) // 3}{due.year}",
        "Type": kind,
        "StageName": "Discovery" if kind == "Expansion" else "Negotiation" if due_in < 60 else "Scope",
        "CloseDate": f"{due:%Y-%m-%d}",
        "Amount": customer.hosts * (12 if kind == "Expansion" else 60),
        "Product__c": "Fleet Premium",
        "NextStep": "Agree on the number of hosts" if kind == "Expansion" else "Send the order form",
        "Next_step_date__c": _day(now, number % 21 - 7),  # some are overdue
    }


def _domain(customer: Customer) -> str:
    plain = customer.word.lower().encode("ascii", "ignore").decode()
    return f"{plain}.example"


def _day(now: datetime, days: int | None) -> str | None:
    return None if days is None else f"{now + timedelta(days=days):%Y-%m-%d}"


def _google() -> Seed:
    """Gives the team's mailboxes and the service account whose key stands beside this file; it opens nothing else."""
    account = json.loads(Path(__file__).with_name("google_service_account.json").read_text(encoding="utf-8"))
    private = serialization.load_pem_private_key(account["private_key"].encode(), password=None)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(*form).decode()
    return {
        "service_accounts": [{"email": account["client_email"], "public_key": public, "scopes": GOOGLE_SCOPES}],
        "mailboxes": [{"address": _email(member), "name": member["name"]} for member in DATA["team"]],
    }


def _events(now: datetime) -> Iterator[Seed]:
    """Gives what is in the team's calendars: the stand-up of each weekday, and meetings of these days."""
    addresses = {member["login"]: _email(member) for member in DATA["team"]}
    began = (now - timedelta(days=28)).date()
    began -= timedelta(days=began.weekday())
    zone = {"timeZone": "America/Los_Angeles"}
    yield {
        "calendar": addresses[MANAGERS[0]],
        "summary": "Customer success stand-up",
        "start": {"dateTime": f"{began}T08:30:00", **zone},
        "end": {"dateTime": f"{began}T08:45:00", **zone},
        "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"],
        "attendees": [{"email": addresses[each], "responseStatus": "accepted"} for each in SUPPORT],
    }
    for number, login in enumerate([*SUPPORT, *MANAGERS]):
        for days in range(3):
            day, hour = (now + timedelta(days=days)).date(), 9 + (number + days) % 6
            start, end = ({"dateTime": f"{day}T{at:02}:00:00", **zone} for at in (hour, hour + 1))
            yield {"calendar": addresses[login], "summary": "One on one", "start": start, "end": end}


def _twilio() -> Seed:
    return {
        "account": {"sid": "AC5a6d626f780000000000000000000001", "regions": ["+1"]},
        "numbers": [{"phone_number": OUR_NUMBER}],
        "services": [{"sid": "MG5a6d626f780000000000000000000001", "numbers": [OUR_NUMBER]}],
        "phones": [
            {"number": f"+120255501{place:02}", "name": member["name"]} for place, member in enumerate(DATA["team"], 1)
        ],
    }


def _zoom() -> Seed:
    """Gives the account, its server-to-server app, and the team's users."""
    scopes = [f"meeting:{each}:admin" for each in ("write:meeting", "read:list_meetings", "read:meeting")]
    app = {"client_id": "sandbox-zoom-client", "client_secret": "sandbox-zoom-secret", "scopes": scopes}
    users = [{"email": _email(member), "name": member["name"]} for member in DATA["team"]]
    return {"account": "sandbox-zoom-account", "clients": [app], "users": users}


def _unthread() -> Seed:
    """Gives the team's users, and the subscription that tells the gateway of tickets."""
    return {
        "api_keys": {"sandbox-unthread-key": "Handbook Flows"},
        "inbox": TICKETS["inbox"],
        "users": [
            {
                "id": unthread_user(member["login"]),
                "name": member["name"],
                "email": _email(member),
                "slackId": _slack_id(member["login"]),
            }
            for member in DATA["team"]
        ],
        "subscriptions": [{"id": "subscription-handbook-flows", "url": "https://hooks.fleetdm.example/unthread"}],
    }


def unthread_user(login: str) -> str:
    """Gives a team member's id in Unthread."""
    return f"user-{login.lower()}"


def _add_tickets(unthread: Seed, now: datetime) -> None:
    """Adds the customers with their open questions, and what came through the website's contact form."""
    known = [customer for customer in CUSTOMERS if customer.kind == "customer" and customer.is_complete]
    ids = {customer.word: f"customer-{number:03}" for number, customer in enumerate(known, 1)}
    unthread["customers"] = [
        {
            "id": ids[customer.word],
            "name": customer.name,
            "emailDomains": [_domain(customer)],
            "slackChannelId": f"C0SANDBOX{number:02}",
        }
        for number, customer in enumerate(known, 1)
    ]
    unthread["conversations"] = [_question(each, ids, now) for each in TICKETS["questions"]]
    for number, each in enumerate(TICKETS["contact_form"], 1):
        text = contact_form(ContactForm(**each["form"]), TICKETS["inbox"])
        unthread["conversations"].append(
            {
                "id": str(uuid5(NAMESPACE, f"demo contact form {number}")),
                "title": "New contact form message",
                "assignedToUserId": unthread_user(each["assigned_to"]) if "assigned_to" in each else None,
                "createdAt": _moment(now - timedelta(hours=each["hours_ago"])),
                "messages": [{"text": text}],
            }
        )


def _question(said: Seed, ids: dict[str, str], now: datetime) -> Seed:
    at = now - timedelta(hours=said["hours_ago"])
    return {
        "id": str(uuid5(NAMESPACE, f"demo question {said['title']}")),
        "title": said["title"],
        "type": "slack",
        "status": said.get("status", "open"),
        "priority": said.get("priority"),
        "customerId": ids[said["customer"]],
        "assignedToUserId": unthread_user(said["assigned_to"]) if "assigned_to" in said else None,
        "createdAt": _moment(at),
        "messages": [{"text": said["text"], "at": _moment(at)}, *_answers(said, at)],
    }


def _answers(said: Seed, at: datetime) -> Iterator[Seed]:
    if "answer" in said:
        answered = at + timedelta(minutes=38)
        yield {"text": said["answer"], "userId": unthread_user(said["assigned_to"]), "at": _moment(answered)}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _slack() -> Seed:
    return {
        "team": {"id": "T0SANDBOX", "name": "Fleet", "domain": "fleetdm"},
        "tokens": {
            "xoxb-sandbox": {"user_id": BOT_USER, "bot_id": "B0SANDBOX", "app_id": "A0SANDBOX", "scopes": SCOPES}
        },
        "users": [
            {"id": BOT_USER, "name": "handbook-flows", "real_name": "Handbook Flows", "is_bot": True},
            *(
                {
                    "id": _slack_id(member["login"]),
                    "name": member["login"].lower(),
                    "real_name": member["name"],
                    "email": _email(member),
                }
                for member in DATA["team"]
            ),
        ],
        "channels": [
            {**channel, "members": [_slack_id(member["login"]) for member in DATA["team"]]}
            for channel in DATA["channels"]
        ],
        "usergroups": [
            {"id": f"S0SANDBOX{number}", "handle": handle, "name": name, "users": [_slack_id(each) for each in members]}
            for number, (handle, name, members) in enumerate(DATA["usergroups"], 1)
        ],
        "shortcuts": list(DATA["shortcuts"]),
        "messages": [],
    }


def _slack_id(login: str) -> str:
    return f"U0SANDBOX{1 + [member['login'] for member in DATA['team']].index(login):02}"


def _add_customer_channels(slack: Seed, chance: random.Random, now: datetime) -> None:
    """Adds a channel for each customer with a codename, where the last question has been answered."""
    customers = [customer for customer in CUSTOMERS if customer.is_complete and customer.kind == "customer"]
    for number, customer in enumerate(customers, 1):
        channel, guest = f"C0SANDBOX{number:02}", f"U0SANDBOXX{number:02}"
        helper, asked = chance.choice(SUPPORT), now - timedelta(hours=chance.uniform(2, 90))
        # Most customers connect a workspace of their own; some are guests in ours.
        is_guest = number % 4 == 0
        whose = {"is_restricted": True} if is_guest else {"team_id": f"T0SANDBOXX{number:02}"}
        slack["users"].append({"id": guest, "name": f"guest-{customer.codename}", "real_name": _guest(chance), **whose})
        slack["channels"].append(
            {
                "id": channel,
                "name": f"fleet-at-{customer.codename}",
                "topic": "Shared with a customer",
                "is_private": True,
                "is_ext_shared": not is_guest,
                "members": [guest, *(_slack_id(login) for login in SUPPORT)],
            }
        )
        slack["messages"] += [
            _message(channel, guest, asked, chance.choice(DATA["questions"])),
            _message(channel, _slack_id(helper), asked + timedelta(minutes=24), chance.choice(DATA["answers"])),
        ]


def _guest(chance: random.Random) -> str:
    return f"{chance.choice(DATA['first_names'])} {chance.choice(DATA['last_names'])}"


def _message(channel: str, user: str, at: datetime, text: str) -> Seed:
    return {"channel": channel, "user": user, "text": text, "ts": f"{at.timestamp():.6f}"}
