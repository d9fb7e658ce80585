"""GitHub's webhooks: what they are told, how it is signed, how deliveries that failed are asked for again."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from githubkit.versions.latest import models
from githubkit.webhooks import parse
from pydantic import TypeAdapter

from sandbox.webhooks import SECRETS
from tests.conftest import Sandbox, free_port, until
from tests.sandbox.gateway import Gateway, Received

PUBLIC, PRIVATE = "fleetdm/fleet", "fleetdm/confidential"
TOKEN = "sandbox-github-public"
OUTSIDER, MEMBER = "outside-reporter", "ksatter"
SEED: dict[str, Any] = {
    "github": {
        "users": [{"login": OUTSIDER}],
        "tokens": {
            "reader": {"login": "reader", "repositories": [PUBLIC]},
            "onlooker": {
                "login": "onlooker",
                "repositories": [PUBLIC],
                "permissions": {"repository_hooks": "read"},
            },
        },
        "issues": [{"repository": PUBLIC, "number": 7, "title": "Hosts go missing", "user": OUTSIDER}],
    }
}


class Tracker:
    """The stand-in, whose webhooks come to a gateway."""

    def __init__(self, sandbox: Sandbox, gateway: Gateway) -> None:
        self.sandbox, self.gateway = sandbox, gateway

    def call(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, f"{self.sandbox.url}/github{path}", json=body, headers=headers, timeout=10)

    def does(self, what: str, user: str = OUTSIDER, **said: Any) -> dict[str, Any]:
        answer = self.tries(what, user=user, **said)
        assert answer.ok, answer.text
        return answer.json()

    def tries(self, what: str, **said: Any) -> requests.Response:
        given = {"repository": PUBLIC, **({} if what == "issue" else {"number": 7}), **said}
        return requests.post(f"{self.sandbox.url}/github/_person/{what}", json=given, timeout=20)

    def network(self, **said: Any) -> None:
        requests.put(f"{self.sandbox.url}/_sandbox/webhooks", json=said, timeout=10).raise_for_status()

    @property
    def hook(self) -> str:
        return f"/repos/{PUBLIC}/hooks/{self.call('GET', f'/repos/{PUBLIC}/hooks').json()[0]['id']}"

    def deliveries(self, query: str = "") -> list[dict[str, Any]]:
        return self.call("GET", f"{self.hook}/deliveries{query}").json()

    def got(self, number: int) -> list[Received]:
        until(lambda: len(self.gateway.got) >= number)
        assert len(self.gateway.got) == number, self.told()
        return self.gateway.got

    def told(self) -> list[str]:
        return [f"{each.headers['x-github-event']}.{each.json.get('action', '')}" for each in self.gateway.got]


@pytest.fixture
def tracker(sandbox: Sandbox) -> Iterator[Tracker]:
    sandbox.reset(SEED)
    made = Tracker(sandbox, Gateway())
    made.network(gateway=made.gateway.url)
    yield made
    made.network()
    made.gateway.server.shutdown()


def fits(model: Any, answer: Any) -> None:
    """Reads an answer as one of GitHub's published models; one that doesn't fit raises."""
    TypeAdapter[Any](model).validate_python(answer)


# -- what is told


def test_a_comment_from_outside_is_told_and_signed_and_no_effect_of_a_program(tracker: Tracker) -> None:
    told = tracker.does("comment", body="It is 4.77.0.")
    assert told["deliveries"] == [{"path": "/github", "status": 200, "error": ""}]
    (got,) = tracker.got(1)
    expected = hmac.new(SECRETS["github"].encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == f"sha256={expected}"
    assert got.headers["x-hub-signature"].startswith("sha1=")
    assert got.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert got.headers["x-github-event"] == "issue_comment"
    assert got.headers["x-github-hook-id"] == tracker.hook.rpartition("/")[2]
    said = got.json
    assert (said["action"], said["comment"]["body"], said["sender"]["login"]) == ("created", "It is 4.77.0.", OUTSIDER)
    assert (said["issue"]["number"], said["comment"]["author_association"]) == (7, "NONE")
    assert tracker.sandbox.effects() == []


def test_each_change_of_an_issue_is_told_by_its_own_name(tracker: Tracker) -> None:
    issue = f"/repos/{PUBLIC}/issues"
    tracker.call("POST", issue, {"title": "New", "labels": ["bug"], "assignees": [MEMBER]})
    until(lambda: len(tracker.told()) >= 3)
    assert sorted(tracker.told()) == ["issues.assigned", "issues.labeled", "issues.opened"]
    tracker.gateway.got.clear()
    changed: dict[str, Any] = {"title": "Newer", "body": "More", "state": "closed", "labels": [], "assignees": []}
    tracker.call("PATCH", f"{issue}/8", changed)
    until(lambda: len(tracker.told()) >= 4)
    assert sorted(tracker.told()) == ["issues.closed", "issues.edited", "issues.unassigned", "issues.unlabeled"]
    edited = next(each.json for each in tracker.gateway.got if each.json["action"] == "edited")
    assert edited["changes"] == {"title": {"from": "New"}, "body": {"from": ""}}
    assert edited["issue"]["state"] == "closed", "Each shows the issue as it is once the change is whole."
    tracker.gateway.got.clear()
    tracker.call("PATCH", f"{issue}/8", {"state": "open"})
    tracker.call("PATCH", f"{issue}/8", {"state": "open"})
    assert tracker.got(1)[0].json["action"] == "reopened"


def test_every_event_fits_githubs_published_models(tracker: Tracker) -> None:
    hook = {"config": {"url": "https://hooks.fleetdm.example/all", "content_type": "json"}, "events": ["*"]}
    tracker.call("POST", f"/repos/{PUBLIC}/hooks", hook)
    issue = f"/repos/{PUBLIC}/issues"
    tracker.call("POST", issue, {"title": "New", "labels": ["bug"], "assignees": [MEMBER]})
    tracker.call("PATCH", f"{issue}/8", {"title": "Newer", "state": "closed", "labels": [], "assignees": []})
    tracker.call("PATCH", f"{issue}/8", {"state": "open"})
    comment = tracker.call("POST", f"{issue}/8/comments", {"body": "One."}).json()["id"]
    tracker.call("PATCH", f"{issue}/comments/{comment}", {"body": "Two."})
    tracker.call("DELETE", f"{issue}/comments/{comment}")
    tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "customer-vesta"})
    tracker.call("PATCH", f"/repos/{PUBLIC}/labels/customer-vesta", {"color": "aabbcc"})
    tracker.call("DELETE", f"/repos/{PUBLIC}/labels/customer-vesta")

    def seen() -> Mapping[str, Received]:
        kinds = (f"{each.headers['x-github-event']}.{each.json.get('action', '')}" for each in all_hook())
        return dict(zip(kinds, all_hook(), strict=False))

    def all_hook() -> list[Received]:
        return [each for each in tracker.gateway.got if each.path == "/all"]

    until(lambda: len(seen()) == 15)
    actions = "opened edited closed reopened labeled unlabeled assigned unassigned".split()
    assert set(seen()) == {
        "ping.",
        *(f"issues.{action}" for action in actions),
        *(f"{kind}.{action}" for kind in ("issue_comment", "label") for action in ("created", "edited", "deleted")),
    }
    for kind, received in seen().items():
        parse(kind.partition(".")[0], received.body)


def test_a_webhook_hears_only_what_it_asked_for_and_nothing_without_a_gateway(tracker: Tracker) -> None:
    tracker.call("POST", f"/repos/{PUBLIC}/labels", {"name": "customer-vesta"})  # issues and issue_comment only
    tracker.network()
    assert tracker.does("comment", body="Nobody hears this.")["deliveries"] == []
    assert (tracker.gateway.got, tracker.deliveries()) == ([], [])


def test_a_change_that_changes_nothing_is_not_told(tracker: Tracker) -> None:
    tracker.call("PATCH", f"/repos/{PUBLIC}/issues/7", {"title": "Hosts go missing"})
    tracker.call("DELETE", f"/repos/{PUBLIC}/issues/7/labels")
    time.sleep(0.1)
    assert tracker.gateway.got == []


# -- people


def test_a_member_labels_and_closes_and_anybody_opens(tracker: Tracker) -> None:
    assert tracker.does("issue", title="I can not log in", body="At all")["number"] == 8
    tracker.does("label", MEMBER, add=["bug"])
    tracker.does("label", MEMBER, remove=["bug"])
    tracker.does("state", state="closed")  # their own
    tracker.got(4)
    assert tracker.told() == ["issues.opened", "issues.labeled", "issues.unlabeled", "issues.closed"]


@pytest.mark.parametrize(
    ("what", "said", "why"),
    [
        ("comment", {"user": "nobody-here", "body": "x"}, 'No person "nobody-here"'),
        ("comment", {"user": OUTSIDER, "number": 99, "body": "x"}, "has no issue #99"),
        ("comment", {"user": OUTSIDER, "body": " "}, "Body cannot be blank"),
        ("comment", {"user": OUTSIDER, "repository": PRIVATE, "body": "x"}, "sees no repository"),
        ("comment", {"user": OUTSIDER, "text": "x"}, "text: Extra inputs"),
        ("label", {"user": OUTSIDER, "add": ["bug"]}, "only its members can"),
        ("label", {"user": MEMBER, "add": ["no-such-label"]}, "has no label"),
        ("issue", {"user": OUTSIDER, "title": "x", "labels": ["bug"]}, "only its members can"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_is_refused_with_a_sentence(tracker: Tracker, what: str, said: Any, why: str) -> None:
    answer = tracker.tries(what, **said)
    assert answer.status_code == 422
    assert why in answer.json()["error"]
    assert tracker.gateway.got == []


# -- deliveries


def test_a_delivery_that_failed_is_not_sent_again_until_somebody_asks_and_keeps_its_guid(tracker: Tracker) -> None:
    tracker.gateway.status = 503
    tracker.gateway.answer = lambda _: b"Not taken in."
    assert tracker.does("comment", body="Hello?")["status"] == 503
    (failed,) = tracker.deliveries()
    assert (failed["status_code"], failed["redelivery"], failed["event"]) == (503, False, "issue_comment")
    tracker.gateway.status = 202
    time.sleep(0.2)
    assert len(tracker.gateway.got) == 1
    answer = tracker.call("POST", f"{tracker.hook}/deliveries/{failed['id']}/attempts")
    assert (answer.status_code, answer.json()) == (202, {})
    first, again = tracker.got(2)
    assert again.headers["x-github-delivery"] == first.headers["x-github-delivery"] == failed["guid"]
    assert again.body == first.body
    until(lambda: len(tracker.deliveries()) == 2)
    latest, oldest = tracker.deliveries()
    assert (latest["guid"], latest["redelivery"], latest["status_code"]) == (failed["guid"], True, 202)
    assert latest["id"] > oldest["id"]
    assert tracker.call("GET", tracker.hook).json()["last_response"]["status"] == "active"


def test_a_gateway_that_is_away_and_one_that_never_hears_are_told_apart(tracker: Tracker) -> None:
    tracker.network(gateway=f"http://127.0.0.1:{free_port()}")
    tracker.does("comment", body="Is anybody there?")
    tracker.network(gateway=tracker.gateway.url, lose=1)
    tracker.does("comment", body="Hello?")
    told = [(each["status_code"], each["status"]) for each in tracker.deliveries()]
    assert told == [(504, "timed out"), (502, "failed to connect to host")]


def test_a_gateway_that_takes_longer_than_ten_seconds_is_given_up(tracker: Tracker) -> None:
    def dawdle(_: Received) -> bytes:
        time.sleep(11)
        return b""

    tracker.gateway.answer = dawdle
    assert tracker.does("comment", body="Hello?")["deliveries"][0]["error"] == "ReadTimeout"
    (given_up,) = tracker.deliveries()
    assert (given_up["status_code"], given_up["status"]) == (504, "timed out")
    assert 10 <= given_up["duration"] < 11


def test_deliveries_come_in_pages_newest_first(tracker: Tracker) -> None:
    for number in range(5):
        tracker.does("comment", body=f"Number {number}")
    first = tracker.call("GET", f"{tracker.hook}/deliveries?per_page=2")
    second = tracker.call("GET", first.links["next"]["url"].removeprefix(f"{tracker.sandbox.url}/github"))
    third = tracker.call("GET", second.links["next"]["url"].removeprefix(f"{tracker.sandbox.url}/github"))
    assert "next" not in third.links
    ids = [each["id"] for page in (first, second, third) for each in page.json()]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5
    assert tracker.call("GET", f"{tracker.hook}/deliveries?cursor=nonsense").status_code == 422


def test_deliveries_are_kept_for_three_days(tracker: Tracker) -> None:
    tracker.does("comment", body="Old")
    tracker.sandbox.advance(3 * 86_400 + 60)
    assert tracker.deliveries() == []


def test_answers_about_webhooks_fit_githubs_published_models(tracker: Tracker) -> None:
    tracker.does("comment", body="Hello")
    new = {"config": {"url": "https://elsewhere.example/hook", "secret": "s3cret"}, "events": ["label"]}
    made = tracker.call("POST", f"/repos/{PUBLIC}/hooks", new)
    assert made.status_code == 201
    assert made.json()["config"]["secret"] == "********"
    until(lambda: len(tracker.gateway.got) == 2)
    assert tracker.gateway.got[1].form["payload"].startswith('{"zen"'), "A form unless JSON was asked for."
    fits(models.Hook, made.json())
    fits(list[models.Hook], tracker.call("GET", f"/repos/{PUBLIC}/hooks").json())
    fits(models.Hook, tracker.call("GET", tracker.hook).json())
    deliveries = tracker.deliveries()
    fits(list[models.HookDeliveryItem], deliveries)
    whole = tracker.call("GET", f"{tracker.hook}/deliveries/{deliveries[0]['id']}").json()
    fits(models.HookDelivery, whole)
    assert whole["request"]["payload"]["comment"]["body"] == "Hello"
    again = tracker.call("POST", f"/repos/{PUBLIC}/hooks", new)
    assert again.json()["errors"][0]["message"] == "Hook already exists on this repository"
    fits(models.ValidationError, again.json())
    assert tracker.call("POST", f"/repos/{PUBLIC}/hooks", {"config": {}}).status_code == 422


@pytest.mark.parametrize("token", ["reader", "sandbox-github-confidential"])
def test_a_token_without_the_right_finds_no_webhooks(tracker: Tracker, token: str) -> None:
    hook = tracker.hook
    for method, path in (("GET", hook.rpartition("/")[0]), ("GET", hook), ("GET", f"{hook}/deliveries")):
        assert tracker.call(method, path, token=token).status_code == 404


def test_a_token_that_may_only_read_webhooks_asks_for_no_delivery(tracker: Tracker) -> None:
    tracker.does("comment", body="Hello")
    attempts = f"{tracker.hook}/deliveries/{tracker.deliveries()[0]['id']}/attempts"
    assert tracker.call("GET", tracker.hook, token="onlooker").status_code == 200
    assert tracker.call("POST", attempts, token="onlooker").status_code == 404
    assert tracker.call("POST", f"{tracker.hook}/deliveries/1/attempts").status_code == 404
