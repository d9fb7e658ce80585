"""Mails: one draft, one mail, whatever the network does; nothing personal outside Gmail."""

# google-auth leaves out some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from policies.mail import Mail, message_id
from tasks import effects, gmail, google_client, ledger, runs
from tests.conftest import Sandbox, environment
from tests.tasks.faults import FAULTS

RUN = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC))
SENDER, COPY = "kathy@fleetdm.com", "sampfluger88@fleetdm.com"
APPLICANT = "robin.applicant@quillfeather.example"
MAIL = Mail(
    SENDER, f"Robin Applicant <{APPLICANT}>", "Your application: Product Designer", "Hi Robin,\n\nthanks!", (COPY,)
)
ONCE, TICKET = "respond/conversation-1/mail", "conversation-1"
DRAFTS, SEND = r"/drafts\?", r"/drafts/send\?"


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox, sqlite_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Sandbox:
    use_settings(environment(sandbox.url, sqlite_url))
    google_client.credentials_for.cache_clear()
    sandbox.reset()
    return sandbox


def send(mail: Mail = MAIL, once: str = ONCE) -> effects.Made:
    with runs.acting(RUN):
        return asyncio.run(gmail.send(mail, once=once, target=TICKET))


def requests_to(world: Sandbox, path: str) -> list[dict[str, Any]]:
    calls = [call for call in world.calls() if call["service"] == "google" and call["method"] == "POST"]
    return [call for call in calls if re.search(path, call["path"])]


def actions(world: Sandbox) -> list[str]:
    return [effect["action"] for effect in world.effects()]


def mailbox_of(world: Sandbox, address: str) -> dict[str, Any]:
    return next(each for each in world.state()["google"]["mailboxes"] if each["address"] == address)


def sent_by(world: Sandbox, address: str) -> list[dict[str, Any]]:
    return [each for each in mailbox_of(world, address)["messages"] if "SENT" in each["labelIds"]]


def test_a_mail_leaves_from_the_senders_mailbox_once(world: Sandbox) -> None:
    made = send()
    (sent,) = sent_by(world, SENDER)
    assert sent["id"] == made.id
    assert sent["headers"]["To"] == f"Robin Applicant <{APPLICANT}>"
    assert sent["headers"]["Cc"] == COPY
    assert sent["headers"]["Message-ID"] == message_id(MAIL, ONCE)
    assert sent["text"].split() == MAIL.text.split()
    assert mailbox_of(world, SENDER)["drafts"] == {}
    assert [each["headers"]["Subject"] for each in mailbox_of(world, COPY)["messages"]] == [MAIL.subject]


def test_its_link_shows_the_mail() -> None:
    page = requests.get(send().url, timeout=10)
    assert page.ok
    assert MAIL.subject in page.text


def test_asked_for_again_it_is_not_sent_again(world: Sandbox) -> None:
    assert send() == send()
    assert actions(world) == ["create draft", "send mail"]


@pytest.mark.parametrize("path", [DRAFTS, SEND], ids=["the draft", "the sending"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_mail_is_sent_whatever_the_network_does(path: str, fault: str, world: Sandbox) -> None:
    world.fault(kind=fault, service="google", method="POST", path=path, seconds=1)
    made = send()
    if fault.startswith("timeout"):
        time.sleep(1.2)  # until the sandbox has noted the call that it left hanging
    assert world.faults_struck() == 1
    assert actions(world) == ["create draft", "send mail"]
    assert [each["id"] for each in sent_by(world, SENDER)] == [made.id]
    keys = {DRAFTS: f"{ONCE}/draft", SEND: f"{ONCE}/send"}
    attempts = [move for move in ledger.history_of(keys[path]) if move.state == ledger.State.IN_FLIGHT]
    assert len(requests_to(world, path)) == len(attempts)


@pytest.mark.parametrize("message_ids", ["moved", "lost"])
def test_a_mail_that_gmail_gave_another_message_id_is_found_by_our_mark(message_ids: str, world: Sandbox) -> None:
    world.reset({"google": {"message_ids": message_ids}})
    world.fault(kind="reset_after", service="google", method="POST", path=SEND)
    made = send()
    (sent,) = sent_by(world, SENDER)
    assert sent["headers"]["Message-ID"] != message_id(MAIL, ONCE)
    assert (sent["id"], actions(world)) == (made.id, ["create draft", "send mail"])


def test_a_draft_that_is_gone_has_been_sent_when_the_mail_is_in_sent(world: Sandbox) -> None:
    world.fault(kind="exists_already", service="google", method="POST", path=SEND)
    made = send()
    assert [each["id"] for each in sent_by(world, SENDER)] == [made.id]
    assert actions(world) == ["create draft", "send mail"]


def left_in_doubt(world: Sandbox) -> str:
    """Leaves the draft unsent, because Gmail is down; gives its id."""
    world.fault(kind="500_before", service="google", method="POST", path=SEND, times=99)
    with pytest.raises(effects.EffectPostponed):
        send()
    world.no_more_faults()
    (draft,) = mailbox_of(world, SENDER)["drafts"]
    return draft


def test_a_draft_that_waits_is_sent_when_gmail_is_back(world: Sandbox) -> None:
    left_in_doubt(world)
    send()
    assert actions(world) == ["create draft", "send mail"]


def test_a_draft_that_the_sender_sent_by_hand_is_done(world: Sandbox) -> None:
    draft = left_in_doubt(world)
    pressed = {"mailbox": SENDER, "draft": draft}
    by_hand = requests.post(f"{world.url}/google/_person/send", json=pressed, timeout=10).json()["id"]
    assert send().id == by_hand
    assert actions(world) == ["create draft", "send mail"]


def test_a_draft_that_is_gone_unsent_waits_for_a_person(world: Sandbox) -> None:
    draft = left_in_doubt(world)
    token = str(google_client.credentials_for(SENDER, gmail.COMPOSE).token)
    gone = requests.delete(
        f"{world.url}/google/gmail/v1/users/me/drafts/{draft}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert gone.status_code == 204
    with pytest.raises(effects.EffectParked, match="Its draft is gone, and the mail is not in Sent"):
        send()
    assert actions(world) == ["create draft", "delete draft"]


def test_another_mail_to_the_same_person_is_not_taken_for_this_one(world: Sandbox) -> None:
    send(once="respond/conversation-0/mail")
    world.fault(kind="reset_before", service="google", method="POST", path=SEND)
    send()
    assert len(sent_by(world, SENDER)) == 2


def test_a_mailbox_that_google_does_not_know_locks_out_and_sends_nothing(world: Sandbox) -> None:
    stranger = Mail("nobody@fleetdm.com", APPLICANT, "Hello", "Hello")
    with pytest.raises(effects.EffectPostponed, match="Google gives no token"):
        send(stranger)
    assert world.effects() == []


def test_a_scope_that_was_not_delegated_locks_out(world: Sandbox) -> None:
    world.fault(kind="401", service="google", method="POST", path=DRAFTS)
    with pytest.raises(effects.EffectPostponed, match="domain-wide delegation"):
        send()
    send()
    assert actions(world) == ["create draft", "send mail"]


def test_what_is_personal_stands_in_no_row_no_log_and_no_message(
    world: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fault(kind="vanished", service="google", method="POST", path=DRAFTS)
    with pytest.raises(effects.EffectRefused) as refused:
        send(once="respond/conversation-2/mail")
    send()
    rows = ledger.rows(keys=[f"{ONCE}/draft", f"{ONCE}/send", "respond/conversation-2/mail/draft"])
    told = " ".join([str(refused.value), repr(MAIL), *(str(tuple(row)) for row in rows), caplog.text])
    assert len(rows) == 3
    for personal in (APPLICANT, "Robin", "Product Designer", "thanks", SENDER, COPY):
        assert personal not in told


def test_a_dry_run_sends_nothing(world: Sandbox) -> None:
    dry = runs.Run("run 1", "a procedure", "a test", datetime(2026, 11, 23, tzinfo=UTC), dry_run=True)
    with runs.acting(dry):
        asyncio.run(gmail.send(MAIL, once=ONCE, target=TICKET))
    assert [(each.action, each.target, each.outcome) for each in dry.outcomes] == [
        ("create draft", TICKET, "would be done"),
        ("send mail", TICKET, "would be done"),
    ]
    assert world.calls() == []


def test_a_write_outside_the_ledger_does_not_leave_the_process(world: Sandbox) -> None:
    users = gmail._users(MAIL, gmail.COMPOSE)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(effects.OutsideLedger):
        users.drafts().create(userId="me", body={"message": {"raw": "QQ"}}).execute()
    assert requests_to(world, DRAFTS) == []
