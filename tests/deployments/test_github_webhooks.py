"""GitHub's own webhooks on the whole product: somebody comments in the sandbox, and what waited for that goes."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import delete

from tasks import database, remembered
from tests.conftest import free_port, until
from tests.deployments.installation import Installation
from tests.deployments.test_webhooks import of_service
from tests.scenarios import clear_waiting_labels as clearing

pytestmark = pytest.mark.whole


def comment(installation: Installation) -> int | None:
    """Comments as who reported the bug. Gives what the gateway answered, None when it was not there."""
    said = {"user": "outside-reporter", "repository": "fleetdm/fleet", "number": 41_001, "body": "It is 4.77.0."}
    answer = httpx.post(f"{installation.sandbox.url}/github/_person/comment", json=said, timeout=20, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()["status"]


def webhooks_go_to(installation: Installation, gateway: str) -> None:
    url, said = f"{installation.sandbox.url}/_sandbox/webhooks", {"gateway": gateway}
    httpx.put(url, json=said, trust_env=False).raise_for_status()


def is_cleared(installation: Installation) -> bool:
    """Says whether both labels are gone that waited for the comment."""
    effects = [each["detail"] for each in of_service(installation, "github") if each["action"] == "set labels"]
    return sorted(name for each in effects for name in each["removed"]) == ["+more info please", "+waiting for release"]


# Numbers begin anew with each reset, and Prefect does nothing twice about the same comment: this one makes it another.
ANOTHER = {"github": {"issues": [{"repository": "fleetdm/fleet", "number": 41_002, "title": "Something else"}]}}


def test_a_comment_in_the_sandbox_clears_the_waiting_label_by_githubs_own_webhook(fresh: Installation) -> None:
    fresh.play(clearing.SCENARIO)
    assert comment(fresh) == 202
    until(lambda: is_cleared(fresh))


def test_a_comment_that_the_gateway_never_heard_of_is_asked_for_again_by_the_sweeper(fresh: Installation) -> None:
    fresh.play(clearing.SCENARIO, ANOTHER)
    webhooks_go_to(fresh, f"http://127.0.0.1:{free_port()}")
    try:
        assert comment(fresh) is None
    finally:
        webhooks_go_to(fresh, fresh.gateway)
    assert not is_cleared(fresh)
    with database.engine().begin() as connection:  # or it would look again in five minutes
        connection.execute(delete(remembered.remembered).where(remembered.remembered.c.name.startswith("look at ")))
    until(lambda: is_cleared(fresh), 60)
    (asked,) = (each for each in of_service(fresh, "github") if each["action"] == "redeliver webhook")
    assert asked["actor"] == "fleet-handbook-flows[bot]"
