"""The frame around the services: every fault, latency and the clock, seen from the other end of the wire."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import Sandbox, within

TOKEN = {"Authorization": "token sandbox-github-public"}
LABELS = "/github/repos/fleetdm/fleet/labels"


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> Iterator[None]:
    """Each test begins with the empty seed, and leaves no fault or odd clock to the next."""
    sandbox.reset()
    yield
    sandbox.reset()


def create_label(sandbox: Sandbox, name: str = "customer-ceres", timeout: float = 10) -> requests.Response:
    body = {"name": name, "color": "5319e7"}
    return requests.post(sandbox.url + LABELS, json=body, headers=TOKEN, timeout=timeout)


def has_label(sandbox: Sandbox, name: str = "customer-ceres") -> bool:
    answer = requests.get(f"{sandbox.url}{LABELS}/{name}", headers=TOKEN, timeout=10)
    assert answer.status_code in {200, 404}, answer.text
    return answer.status_code == 200


def control(sandbox: Sandbox, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, timeout=10)


def cut_off(sandbox: Sandbox) -> int | None:
    """Sends a label by hand and gives the error number with which the connection ends; None for a polite end."""
    address = urlsplit(sandbox.url)
    body = b'{"name": "customer-ceres", "color": "5319e7"}'
    head = (
        f"POST {LABELS} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: token sandbox-github-public\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        try:
            assert connection.recv(1000) == b"", "An answer came although the connection was to be cut."
        except OSError as error:
            return error.errno
    return None


def victim() -> subprocess.Popen[bytes]:
    """Starts a process that a crash may kill."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


# -- faults


def test_without_a_fault_a_call_takes_effect_and_is_logged(sandbox: Sandbox) -> None:
    assert create_label(sandbox).status_code == 201
    (effect,) = sandbox.effects()
    (call,) = sandbox.calls()
    assert (effect["service"], effect["action"], effect["public"]) == ("github", "create label", True)
    assert (call["method"], call["path"], call["status"]) == ("POST", LABELS.removeprefix("/github"), 201)
    assert (call["effects"], call["fault"]) == (1, "")
    assert '"customer-ceres"' in call["body"]


@pytest.mark.parametrize(("kind", "done"), [("crash_before", False), ("crash_after", True)])
def test_a_crash_kills_the_caller(sandbox: Sandbox, kind: str, done: bool) -> None:
    caller = victim()
    try:
        sandbox.fault(kind=kind, pid=caller.pid, service="github", method="POST")
        assert cut_off(sandbox) == errno.ECONNRESET
        assert caller.wait(timeout=5) == -signal.SIGKILL
    finally:
        caller.kill()
        caller.wait()
    assert has_label(sandbox) is done


def test_a_crash_of_a_caller_that_is_gone_still_cuts_the_connection(sandbox: Sandbox) -> None:
    caller = victim()
    caller.kill()
    caller.wait()
    sandbox.fault(kind="crash_before", pid=caller.pid, service="github")
    assert cut_off(sandbox) == errno.ECONNRESET


@pytest.mark.parametrize(("kind", "done"), [("reset_before", False), ("reset_after", True)])
def test_a_reset_is_seen_as_a_reset_connection(sandbox: Sandbox, kind: str, done: bool) -> None:
    sandbox.fault(kind=kind, service="github", method="POST")
    assert cut_off(sandbox) == errno.ECONNRESET
    call = sandbox.calls()[-1]
    assert (call["status"], call["fault"]) == (None, kind)
    assert has_label(sandbox) is done


@pytest.mark.parametrize(("kind", "done"), [("timeout_before", False), ("timeout_after", True)])
def test_a_timeout_leaves_the_caller_without_an_answer(sandbox: Sandbox, kind: str, done: bool) -> None:
    sandbox.fault(kind=kind, service="github", method="POST", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        create_label(sandbox, timeout=0.3)
    assert has_label(sandbox) is done


def test_a_timeout_of_one_call_holds_no_other_up(sandbox: Sandbox) -> None:
    sandbox.fault(kind="timeout_before", service="github", method="POST", seconds=2)
    with pytest.raises(requests.ReadTimeout):
        create_label(sandbox, timeout=0.2)
    began = time.monotonic()
    assert create_label(sandbox, "customer-vesta").status_code == 201
    assert time.monotonic() - began < within(1)
    deadline = time.monotonic() + 5
    while len(sandbox.calls()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    hung = next(call for call in sandbox.calls() if call["fault"])
    assert hung["effects"] == 0, "The other call's effect was counted for the one that hung."


def test_a_call_that_hangs_over_a_reset_is_forgotten_with_the_others(sandbox: Sandbox) -> None:
    sandbox.fault(kind="timeout_before", service="github", method="POST", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        create_label(sandbox, timeout=0.2)
    sandbox.reset()
    time.sleep(1.2)
    assert sandbox.calls() == []


@pytest.mark.parametrize(("kind", "done"), [("500_before", False), ("500_after", True)])
def test_a_500_comes_before_or_after_the_effect(sandbox: Sandbox, kind: str, done: bool) -> None:
    sandbox.fault(kind=kind, service="github", method="POST")
    assert create_label(sandbox).status_code >= 500
    assert has_label(sandbox) is done


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("403_retry_after", 403)])
def test_a_rate_limit_says_when_to_come_back(sandbox: Sandbox, kind: str, status: int) -> None:
    sandbox.fault(kind=kind, service="github", method="POST", seconds=7)
    answer = create_label(sandbox)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert not has_label(sandbox)


def test_a_401_is_worded_as_github_words_it(sandbox: Sandbox) -> None:
    sandbox.fault(kind="401", service="github", method="POST")
    answer = create_label(sandbox)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert not has_label(sandbox)


def test_a_malformed_answer_follows_an_effect_and_is_no_json(sandbox: Sandbox) -> None:
    sandbox.fault(kind="malformed", service="github", method="POST")
    answer = create_label(sandbox)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert has_label(sandbox)


def test_slack_refuses_with_200_and_ok_false(sandbox: Sandbox) -> None:
    sandbox.fault(kind="ok_false", service="slack")
    answer = requests.post(
        f"{sandbox.url}/slack/api/chat.postMessage",
        json={"channel": "C062D0THVV1", "text": "Hello"},
        headers={"Authorization": "Bearer xoxb-sandbox"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert sandbox.effects() == []


def test_somebody_else_may_do_the_same_a_moment_before(sandbox: Sandbox) -> None:
    sandbox.fault(kind="exists_already", service="github", method="POST")
    answer = create_label(sandbox)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "already_exists")
    assert [effect["actor"] for effect in sandbox.effects()] == ["somebody else"]


def test_what_a_call_is_about_may_have_vanished(sandbox: Sandbox) -> None:
    sandbox.fault(kind="vanished", service="github", method="GET")
    assert not has_label(sandbox, "bug")
    assert has_label(sandbox, "bug")


def test_a_fault_strikes_as_often_as_asked_and_lets_the_first_calls_pass(sandbox: Sandbox) -> None:
    sandbox.fault(kind="500_before", service="github", method="POST", skip=1, times=2)
    codes = [create_label(sandbox, f"customer-{number}").status_code for number in range(4)]
    assert [code >= 500 for code in codes] == [False, True, True, False]
    assert sandbox.faults_struck() == 2


def test_a_fault_strikes_only_what_it_matches(sandbox: Sandbox) -> None:
    sandbox.fault(kind="500_before", service="github", method="POST|PATCH", path="labels$")
    assert has_label(sandbox, "bug")
    assert create_label(sandbox).status_code >= 500


def test_removed_faults_strike_no_more(sandbox: Sandbox) -> None:
    sandbox.fault(kind="500_before", service="github")
    sandbox.no_more_faults()
    assert create_label(sandbox).status_code == 201


# -- latency and clock


def test_latency_delays_the_service_it_is_set_for(sandbox: Sandbox) -> None:
    sandbox.latency(github=[0.3, 0.35])
    began = time.monotonic()
    has_label(sandbox, "bug")
    assert 0.3 <= time.monotonic() - began < within(2)
    began = time.monotonic()
    requests.post(f"{sandbox.url}/slack/api/auth.test", timeout=10)
    assert time.monotonic() - began < within(0.3)


def test_latency_can_be_set_for_all_services_at_once(sandbox: Sandbox) -> None:
    assert control(sandbox, "PUT", "/latency", {"*": [0.2, 0.2]}).ok
    began = time.monotonic()
    requests.post(f"{sandbox.url}/slack/api/auth.test", timeout=10)
    assert time.monotonic() - began >= 0.2


def test_the_clock_shows_real_time_until_it_is_moved(sandbox: Sandbox) -> None:
    now = datetime.fromisoformat(control(sandbox, "GET", "/clock").json()["now"])
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_a_frozen_clock_stands_still_and_moves_only_when_told(sandbox: Sandbox) -> None:
    control(sandbox, "PUT", "/clock", {"now": "2026-11-23T10:00:00-08:00", "frozen": True})
    create_label(sandbox)
    control(sandbox, "POST", "/clock/advance", {"seconds": 90})
    create_label(sandbox, "customer-vesta")
    moments = [effect["at"] for effect in sandbox.effects()]
    assert moments == ["2026-11-23T18:00:00+00:00", "2026-11-23T18:01:30+00:00"]


def test_a_clock_that_is_set_but_not_frozen_runs_on(sandbox: Sandbox) -> None:
    control(sandbox, "PUT", "/clock", {"now": "2026-11-23T18:00:00+00:00"})
    time.sleep(0.05)
    now = datetime.fromisoformat(control(sandbox, "GET", "/clock").json()["now"])
    assert timedelta(0) < now - datetime(2026, 11, 23, 18, tzinfo=UTC) < timedelta(seconds=5)


# -- control API


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/faults", {"kind": "meteor"}, "kind"),
        ("POST", "/faults", {"kind": "429", "colour": "red"}, "colour"),
        ("POST", "/faults", {"kind": "429", "times": 0}, "times"),
        ("POST", "/faults", {"kind": "429", "struck": 4}, "struck"),
        ("POST", "/faults", {"kind": "429", "path": "("}, "no regular expression"),
        ("POST", "/faults", {"kind": "crash_before"}, 'Give "pid"'),
        ("POST", "/faults", {"kind": "crash_before", "pid": -1}, 'Give "pid"'),
        ("POST", "/reset", {"seed": "christmas"}, "No seed 'christmas'. There are ['demo', 'empty']"),
        ("POST", "/seed", {"jira": {}}, "The sandbox has no service ['jira']"),
        ("POST", "/seed", {"github": {"stars": []}}, "stars"),
        ("POST", "/seed", {"salesforce": {"accounts": [{"Nmae": "x"}]}}, "Nmae"),
        ("PUT", "/latency", {"github": [1]}, "github"),
        ("PUT", "/latency", {"jira": [0, 1]}, "No service ['jira']"),
        ("PUT", "/clock", {"now": "yesterday"}, "now"),
        ("PUT", "/clock", {"now": "2026-11-23T18:00:00"}, "timezone"),
        ("POST", "/clock/advance", {}, "seconds"),
        ("GET", "/effects?after=soon", None, "soon"),
    ],
)
def test_the_control_api_says_what_is_wrong(sandbox: Sandbox, method: str, path: str, body: Any, told: str) -> None:
    answer = control(sandbox, method, path, body)
    assert answer.status_code == 422, answer.text
    assert told in answer.json()["error"]


def test_the_sandbox_never_kills_itself(sandbox: Sandbox) -> None:
    listener = int(control(sandbox, "GET", "/health").json()["pid"])
    assert listener != os.getpid()
    answer = control(sandbox, "POST", "/faults", {"kind": "crash_before", "pid": listener})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("foreign", [{"Origin": "https://example.com"}, {"Host": "example.com:4300"}])
def test_web_pages_from_elsewhere_have_no_say(sandbox: Sandbox, foreign: dict[str, str]) -> None:
    answer = requests.post(f"{sandbox.url}/_sandbox/reset", headers=foreign, timeout=10)
    assert answer.status_code == 403
    assert "example.com" in answer.json()["error"]


def test_effects_and_calls_can_be_read_from_a_number_on(sandbox: Sandbox) -> None:
    create_label(sandbox)
    create_label(sandbox, "customer-vesta")
    assert [effect["number"] for effect in sandbox.effects()] == [1, 2]
    assert [effect["number"] for effect in control(sandbox, "GET", "/effects?after=1").json()] == [2]
    assert [call["number"] for call in control(sandbox, "GET", "/calls?after=1").json()] == [2]


def test_seeding_is_no_effect(sandbox: Sandbox) -> None:
    seed = {"github": {"labels": [{"repository": "fleetdm/fleet", "name": "customer-ceres", "color": "5319e7"}]}}
    assert control(sandbox, "POST", "/seed", seed).ok
    assert has_label(sandbox)
    assert sandbox.effects() == []


def test_a_reset_forgets_everything(sandbox: Sandbox) -> None:
    create_label(sandbox)
    sandbox.fault(kind="500_before")
    sandbox.latency(github=[5, 5])
    control(sandbox, "PUT", "/clock", {"now": "2020-01-01T00:00:00Z", "frozen": True})
    sandbox.reset()
    assert (sandbox.effects(), sandbox.calls()) == ([], [])
    assert control(sandbox, "GET", "/faults").json() == []
    assert control(sandbox, "GET", "/clock").json()["now"] > "2026"
    began = time.monotonic()
    assert not has_label(sandbox)
    assert time.monotonic() - began < within(2)
    create_label(sandbox)
    assert [effect["number"] for effect in sandbox.effects()] == [1]


def test_an_address_outside_the_services_is_not_found(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/jira/rest/api", timeout=10).status_code == 404
