"""What Slack's stand-in sends to an app, as Slack's own library verifies it, and what people do to cause it."""

# slack_sdk leaves out type arguments, and says that answers may be None.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportOptionalSubscript=false, reportOptionalIterable=false, reportArgumentType=false
# pyright: reportGeneralTypeIssues=false

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from sandbox.webhooks import SECRETS
from tests.conftest import Sandbox, until
from tests.sandbox.gateway import Gateway, Received

HELP, SHARED, ELSEWHERE = "C062D0THVV1", "C0SHARED001", "C0ELSEWHERE"
OURS, THEIRS, BOT, OUR_TEAM = "U0SANDBOX01", "U0OTHERS001", "U0SANDBOXBOT", "T0SANDBOX"
SEED = {
    "slack": {
        "users": [{"id": THEIRS, "name": "bram", "real_name": "Bram Lomax", "team_id": "T0OTHER0001"}],
        "channels": [{"id": SHARED, "name": "fleet-at-hebe", "is_ext_shared": True, "members": [OURS, THEIRS]}],
        "shortcuts": [
            {"callback_id": "file-a-bug", "name": "File a bug", "type": "message"},
            {"callback_id": "anywhere", "name": "Anywhere", "type": "global"},
        ],
    }
}


def button(value: str, text: str) -> dict[str, Any]:
    return {"type": "button", "action_id": "decide", "value": value, "text": {"type": "plain_text", "text": text}}


SEVERITIES = [{"text": {"type": "plain_text", "text": each}, "value": each.lower()} for each in ("P0", "P1")]
MENU = {"type": "static_select", "action_id": "severity", "options": SEVERITIES}
BUTTONS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Is it one?"}, "accessory": button("no", "No")},
    {"type": "actions", "block_id": "choice", "elements": [button("yes", "Yes"), MENU]},
]
MODAL = {
    "type": "modal",
    "callback_id": "why",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "The reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        }
    ],
}


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.reset(SEED)
    yield sandbox
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={}, timeout=10).raise_for_status()


@pytest.fixture
def gateway(world: Sandbox) -> Iterator[Gateway]:
    made = Gateway()
    network = {"gateway": made.url, "pace": 0.001}
    requests.put(f"{world.url}/_sandbox/webhooks", json=network, timeout=10).raise_for_status()
    yield made
    made.server.shutdown()


@pytest.fixture
def client(world: Sandbox) -> WebClient:
    return WebClient("xoxb-sandbox", base_url=f"{world.url}/slack/api/", retry_handlers=[])


def act(world: Sandbox, what: str, **said: Any) -> dict[str, Any]:
    answer = requests.post(f"{world.url}/slack/api/_person/{what}", json=said, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


def refused(world: Sandbox, what: str, **said: Any) -> str:
    answer = requests.post(f"{world.url}/slack/api/_person/{what}", json=said, timeout=20)
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]


def is_signed(received: Received, secret: str = SECRETS["slack"]) -> bool:
    return SignatureVerifier(secret).is_valid_request(received.body, received.headers)


# Events


def test_a_persons_message_reaches_the_app_signed(world: Sandbox, gateway: Gateway) -> None:
    said = act(world, "message", user=OURS, channel="#help-customers", text="Hello <@U0SANDBOX02>")
    assert (said["status"], said["deliveries"][0]["path"]) == (200, "/slack/events")
    (received,) = gateway.got
    assert is_signed(received)
    assert not is_signed(received, "another secret")
    assert abs(int(received.headers["x-slack-request-timestamp"]) - time.time()) < 5
    assert "x-slack-retry-num" not in received.headers
    told = json.loads(received.body)
    assert (told["type"], told["team_id"], told["api_app_id"]) == ("event_callback", OUR_TEAM, "A0SANDBOX")
    assert told["authorizations"][0] | {"user_id": BOT, "is_bot": True} == told["authorizations"][0]
    event = told["event"]
    assert (event["type"], event["channel"], event["channel_type"]) == ("message", HELP, "channel")
    assert (event["user"], event["team"], event["ts"]) == (OURS, OUR_TEAM, said["ts"])
    assert "subtype" not in event
    assert "thread_ts" not in event
    assert told["event_time"] == int(float(said["ts"]))
    assert world.effects() == []


def test_the_signature_bears_the_machines_time_whatever_the_sandboxs_clock_shows(
    world: Sandbox, gateway: Gateway
) -> None:
    world.set_clock("2031-01-01T00:00:00+00:00")
    said = act(world, "message", user=OURS, channel=HELP, text="Hello")
    assert float(said["ts"]) > time.time() + 86_400
    assert is_signed(gateway.got[0])


def test_somebody_of_another_workspace_is_told_apart(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    act(world, "message", user=THEIRS, channel=SHARED, text="Our hosts are gone")
    told = json.loads(gateway.got[0].body)
    teams = {told["event"][name] for name in ("team", "user_team", "source_team")}
    assert teams == {"T0OTHER0001"}
    assert (told["context_team_id"], told["is_ext_shared_channel"]) == (OUR_TEAM, True)
    assert told["authorizations"][0]["team_id"] == OUR_TEAM
    assert told["event"]["user_profile"]["real_name"] == "Bram Lomax"
    kept = client.conversations_history(channel=SHARED)["messages"][0]
    assert kept["user_team"] == "T0OTHER0001"


def test_the_apps_own_message_comes_back_to_it(gateway: Gateway, client: WebClient) -> None:
    metadata = {"event_type": "handbook_flows", "event_payload": {"key": "k1"}}
    ts = client.chat_postMessage(channel=HELP, text="Ours", blocks=BUTTONS, metadata=metadata)["ts"]
    (event,) = until(gateway.events)
    assert (event["ts"], event["user"], event["bot_id"], event["app_id"]) == (ts, BOT, "B0SANDBOX", "A0SANDBOX")
    assert "subtype" not in event
    assert "metadata" not in event


def test_replies_and_broadcasts_name_their_thread(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    root = act(world, "message", user=OURS, channel=HELP, text="Root")["ts"]
    act(world, "message", user=OURS, channel=HELP, text="Reply", thread_ts=root)
    act(world, "message", user=OURS, channel=HELP, text="To all", thread_ts=root, broadcast=True)
    _, reply, shouted = gateway.events()
    assert (reply["thread_ts"], reply["parent_user_id"]) == (root, OURS)
    assert (shouted["subtype"], shouted["thread_ts"], shouted["root"]["ts"]) == ("thread_broadcast", root, root)
    heard = [each["text"] for each in client.conversations_history(channel=HELP)["messages"]]
    assert heard == ["To all", "Root"]


def test_an_edit_tells_both_versions(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    ts = act(world, "message", user=OURS, channel=HELP, text="Helo")["ts"]
    act(world, "edit", user=OURS, channel=HELP, ts=ts, text="Hello")
    event = gateway.events()[1]
    assert (event["subtype"], event["hidden"], event["channel"]) == ("message_changed", True, HELP)
    assert (event["message"]["text"], event["previous_message"]["text"]) == ("Hello", "Helo")
    assert (event["message"]["ts"], event["message"]["edited"]["user"]) == (ts, OURS)
    assert event["ts"] != ts
    ours = client.chat_postMessage(channel=HELP, text="One")["ts"]
    client.chat_update(channel=HELP, ts=ours, text="Two")
    changed = until(lambda: gateway.events()[3:])[0]
    assert (changed["message"]["text"], changed["message"]["bot_id"]) == ("Two", "B0SANDBOX")


def test_a_deletion_tells_what_is_gone(world: Sandbox, gateway: Gateway) -> None:
    ts = act(world, "message", user=OURS, channel=HELP, text="Oops")["ts"]
    act(world, "delete", user=OURS, channel=HELP, ts=ts)
    event = gateway.events()[1]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", ts)
    assert event["previous_message"]["text"] == "Oops"


def test_the_first_message_of_a_thread_leaves_a_mark(world: Sandbox, gateway: Gateway) -> None:
    ts = act(world, "message", user=OURS, channel=HELP, text="Root")["ts"]
    act(world, "message", user=OURS, channel=HELP, text="Reply", thread_ts=ts)
    act(world, "delete", user=OURS, channel=HELP, ts=ts)
    event = gateway.events()[2]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")


def test_a_message_of_somebody_else_is_nobodys_to_edit(world: Sandbox) -> None:
    ts = act(world, "message", user=THEIRS, channel=SHARED, text="Mine")["ts"]
    assert "People change only their own" in refused(world, "edit", user=OURS, channel=SHARED, ts=ts, text="x")


def test_who_joins_and_leaves_is_told_in_the_channel(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    requests.post(
        f"{world.url}/_sandbox/seed", timeout=10, json={"slack": {"users": [{"id": "U0NEW00001", "name": "new"}]}}
    ).raise_for_status()
    act(world, "join", user="U0NEW00001", channel=HELP)
    act(world, "leave", user="U0NEW00001", channel=HELP)
    client.conversations_invite(channel=HELP, users=["U0NEW00001"])
    joined, left, invited = until(lambda: len(gateway.got) == 3 and gateway.events())
    assert (joined["subtype"], joined["user"]) == ("channel_join", "U0NEW00001")
    assert left["subtype"] == "channel_leave"
    assert (invited["subtype"], invited["inviter"]) == ("channel_join", BOT)


def test_files_come_with_their_message(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    act(world, "message", user=OURS, channel=HELP, files=["plot.png"])
    client.files_upload_v2(channel=HELP, filename="ours.png", content="bytes", title="Ours")
    theirs, ours = until(lambda: len(gateway.got) == 2 and gateway.events())
    assert (theirs["subtype"], theirs["text"], theirs["files"][0]["name"]) == ("file_share", "", "plot.png")
    assert (ours["subtype"], ours["bot_id"], ours["files"][0]["title"]) == ("file_share", "B0SANDBOX", "Ours")


def test_what_is_said_where_the_app_is_not_stays_there(world: Sandbox, gateway: Gateway) -> None:
    token = {
        "user_id": BOT,
        "bot_id": "B0SANDBOX",
        "app_id": "A0SANDBOX",
        "scopes": ["chat:write", "channels:history"],
        "channels": [HELP],
    }
    channel = {"id": ELSEWHERE, "name": "elsewhere", "members": [OURS]}
    objects = {"tokens": {"xoxb-sandbox": token}, "channels": [channel]}
    requests.post(f"{world.url}/_sandbox/seed", json={"slack": objects}, timeout=10).raise_for_status()
    assert act(world, "message", user=OURS, channel=ELSEWHERE, text="Psst")["status"] is None
    assert act(world, "message", user=OURS, channel=HELP, text="Hello")["status"] == 200
    assert [each["channel"] for each in gateway.events()] == [HELP]


def test_messages_of_one_second_are_events_of_their_own(world: Sandbox, gateway: Gateway) -> None:
    for text in "abc":
        act(world, "message", user=OURS, channel=HELP, text=text)
    assert len({json.loads(each.body)["event_id"] for each in gateway.got}) == 3
    assert len({each["ts"] for each in gateway.events()}) == 3


# Retries


def test_an_event_is_tried_four_times_and_says_why(world: Sandbox, gateway: Gateway) -> None:
    gateway.status = 503
    assert act(world, "message", user=OURS, channel=HELP, text="Hello")["status"] == 503
    until(lambda: len(gateway.got) == 4)
    assert [each.headers.get("x-slack-retry-num") for each in gateway.got] == [None, "1", "2", "3"]
    assert {each.headers.get("x-slack-retry-reason") for each in gateway.got[1:]} == {"http_error"}
    assert len({each.body for each in gateway.got}) == 1
    assert all(is_signed(each) for each in gateway.got)
    second, third, fourth = (after.at - before.at for before, after in zip(gateway.got, gateway.got[1:], strict=False))
    assert second < third < fourth


def test_an_event_that_was_taken_is_not_sent_again(world: Sandbox, gateway: Gateway) -> None:
    def better_then(_: Received) -> bytes:
        gateway.status = 500 if len(gateway.got) == 1 else 200
        return b""

    gateway.answer = better_then
    act(world, "message", user=OURS, channel=HELP, text="Hello")
    time.sleep(0.5)
    assert len(gateway.got) == 2


def test_a_slow_app_is_told_that_it_was_too_slow(world: Sandbox, gateway: Gateway) -> None:
    def slow_at_first(_: Received) -> bytes:
        time.sleep(3.2 if len(gateway.got) == 1 else 0)
        return b""

    gateway.answer = slow_at_first
    act(world, "message", user=OURS, channel=HELP, text="Hello")
    until(lambda: len(gateway.got) == 2)
    assert gateway.got[1].headers["x-slack-retry-reason"] == "http_timeout"


def test_a_click_is_never_sent_twice(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=HELP, text="x", blocks=BUTTONS)["ts"]
    until(lambda: gateway.got)
    gateway.got.clear()
    gateway.status = 500
    told = act(world, "click", user=OURS, channel=HELP, ts=ts, action_id="decide", value="yes")
    assert told["status"] == 500
    time.sleep(0.5)
    assert len(gateway.got) == 1


# Buttons, menus and the addresses that answer them


def clicked(world: Sandbox, gateway: Gateway, client: WebClient, user: str = OURS, **said: Any) -> dict[str, Any]:
    ts = client.chat_postMessage(channel=SHARED, text="x", blocks=BUTTONS)["ts"]
    until(lambda: any(str(ts).encode() in each.body for each in gateway.got))
    gateway.got.clear()
    act(world, "click", user=user, channel=SHARED, ts=ts, **said)
    (received,) = gateway.got
    assert is_signed(received)
    assert received.path == "/slack/interactivity"
    return received.payload


def test_a_click_tells_who_pressed_what_where(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    payload = clicked(world, gateway, client, user=THEIRS, action_id="decide", value="no")
    assert payload["type"] == "block_actions"
    assert (payload["user"]["id"], payload["user"]["team_id"]) == (THEIRS, "T0OTHER0001")
    assert payload["channel"] == {"id": SHARED, "name": "fleet-at-hebe"}
    assert payload["container"]["message_ts"] == payload["message"]["ts"]
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("decide", "block1", "no")
    assert action["type"] == "button"
    assert float(action["action_ts"]) > float(payload["message"]["ts"])
    assert payload["trigger_id"]


def test_a_choice_in_a_menu_tells_the_option(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    payload = clicked(world, gateway, client, action_id="severity", value="p1")
    assert payload["actions"][0]["selected_option"]["text"]["text"] == "P1"


def test_what_is_not_there_cannot_be_pressed(world: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=SHARED, text="x", blocks=BUTTONS)["ts"]
    wrong = refused(world, "click", user=OURS, channel=SHARED, ts=ts, action_id="decide", value="maybe")
    assert 'There is: "decide" no, "decide" yes, "severity"' in wrong
    assert 'offers "p0", "p1"' in refused(
        world, "click", user=OURS, channel=SHARED, ts=ts, action_id="severity", value="p7"
    )


def test_an_answer_to_a_click_is_seen_by_who_clicked(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    payload = clicked(world, gateway, client, action_id="decide", value="yes")
    answer = WebhookClient(payload["response_url"]).send(text="Noted.")
    assert (answer.status_code, answer.body) == (200, "ok")
    (shown,) = world.state()["slack"]["ephemerals"]
    assert (shown["shown_to"], shown["text"], shown["channel"]) == (OURS, "Noted.", SHARED)
    assert "post ephemeral" in [each["action"] for each in world.effects()]


def test_an_answer_can_take_the_messages_place(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    payload = clicked(world, gateway, client, action_id="decide", value="yes")
    hook = WebhookClient(payload["response_url"])
    assert hook.send(text="Decided.", replace_original=True).status_code == 200
    (message,) = client.conversations_history(channel=SHARED)["messages"]
    assert message["text"] == "Decided."
    assert "blocks" not in message
    assert hook.send(delete_original=True).status_code == 200
    assert client.conversations_history(channel=SHARED)["messages"] == []


def test_an_address_answers_five_times_within_half_an_hour(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    hook = WebhookClient(clicked(world, gateway, client, action_id="decide", value="yes")["response_url"])
    assert [hook.send(text=str(number)).status_code for number in range(6)] == [200] * 5 + [404]
    late = WebhookClient(clicked(world, gateway, client, action_id="decide", value="yes")["response_url"])
    world.advance(31 * 60)
    assert "expired_url" in late.send(text="late").body


def test_a_button_in_a_message_for_one_person_works(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel=SHARED, user=OURS, text="x", blocks=BUTTONS)["message_ts"]
    assert "no message" in refused(world, "click", user=THEIRS, channel=SHARED, ts=ts, action_id="decide")
    act(world, "click", user=OURS, channel=SHARED, ts=ts, action_id="decide")
    payload = gateway.got[0].payload
    assert payload["container"]["is_ephemeral"] is True
    WebhookClient(payload["response_url"]).send(text="Changed.", replace_original=True)
    assert [each["text"] for each in world.state()["slack"]["ephemerals"]] == ["Changed."]


# Views


def opened(world: Sandbox, gateway: Gateway, client: WebClient) -> str:
    payload = clicked(world, gateway, client, action_id="decide", value="yes")
    gateway.got.clear()
    return client.views_open(trigger_id=payload["trigger_id"], view=MODAL)["view"]["id"]


def test_a_modal_is_filled_in_sent_and_closed(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    view = opened(world, gateway, client)
    told = act(world, "submit", user=OURS, view=view, values={"reason": "Because"})
    assert (told["status"], told["response_action"]) == (200, "close")
    payload = gateway.got[0].payload
    assert (payload["type"], payload["view"]["id"], payload["view"]["callback_id"]) == ("view_submission", view, "why")
    assert payload["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "Because"}}}
    assert world.state()["slack"]["views"] == []


def test_a_modal_whose_answer_names_errors_stays(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    view = opened(world, gateway, client)
    gateway.answer = lambda _: json.dumps({"response_action": "errors", "errors": {"reason": "Too vague."}}).encode()
    told = act(world, "submit", user=OURS, view=view, values={"reason": "Because"})
    assert told["errors"] == {"reason": "Too vague."}
    assert [each["id"] for each in world.state()["slack"]["views"]] == [view]


def test_errors_about_what_is_no_input_are_a_mistake_of_the_app(
    world: Sandbox, gateway: Gateway, client: WebClient
) -> None:
    view = opened(world, gateway, client)
    for errors in ({"raison": "Too vague."}, {}, None):
        said = json.dumps({"response_action": "errors", "errors": errors}).encode()
        gateway.answer = lambda _, said=said: said
        told = act(world, "submit", user=OURS, view=view, values={"reason": "Because"})
        assert "not inputs of the view" in told["problem"]


def test_a_view_that_only_says_something_can_not_be_sent(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    view = opened(world, gateway, client)
    said = {"type": "modal", "title": MODAL["title"], "blocks": [BUTTONS[0]]}
    gateway.answer = lambda _: json.dumps({"response_action": "update", "view": said}).encode()
    assert act(world, "submit", user=OURS, view=view, values={"reason": "Because"})["view"]["id"] == view
    assert "nothing to send" in refused(world, "submit", user=OURS, view=view)


def test_a_number_is_one_and_between_its_bounds(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    payload = clicked(world, gateway, client, action_id="decide", value="yes")
    number = {
        "type": "number_input",
        "action_id": "n",
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": "60",
    }
    block = {
        "type": "input",
        "block_id": "minutes",
        "label": {"type": "plain_text", "text": "Minutes"},
        "element": number,
    }
    view = client.views_open(trigger_id=payload["trigger_id"], view={**MODAL, "blocks": [block]})["view"]["id"]
    for wrong in ("0", "61", "1.5", "ten"):
        assert "takes a number from 1 to 60" in refused(
            world, "submit", user=OURS, view=view, values={"minutes": wrong}
        )
    assert act(world, "submit", user=OURS, view=view, values={"minutes": "60"})["status"] == 200


def test_a_modal_can_be_followed_by_another(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    view = opened(world, gateway, client)
    gateway.answer = lambda _: json.dumps({"response_action": "push", "view": MODAL}).encode()
    act(world, "submit", user=OURS, view=view, values={"reason": "Because"})
    assert len(world.state()["slack"]["views"]) == 2


def test_a_modal_with_an_empty_field_is_not_sent(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    view = opened(world, gateway, client)
    assert '"The reason" is empty' in refused(world, "submit", user=OURS, view=view)
    assert "takes 3 to 3000 characters" in refused(world, "submit", user=OURS, view=view, values={"reason": "No"})
    assert "has no field" in refused(world, "submit", user=OURS, view=view, values={"raison": "Because"})
    assert gateway.got == []


def test_a_shortcut_on_a_message_brings_it_along(world: Sandbox, gateway: Gateway) -> None:
    ts = act(world, "message", user=THEIRS, channel=SHARED, text="Help!")["ts"]
    act(world, "shortcut", user=OURS, callback_id="file-a-bug", channel=SHARED, ts=ts)
    act(world, "shortcut", user=OURS, callback_id="anywhere")
    on_message, anywhere = (each.payload for each in gateway.got[1:])
    assert (on_message["type"], on_message["callback_id"]) == ("message_action", "file-a-bug")
    assert on_message["message"]["text"] == "Help!"
    assert anywhere["type"] == "shortcut"


def test_only_what_the_app_offers_can_be_chosen_and_by_its_own_workspace(world: Sandbox, gateway: Gateway) -> None:
    ts = act(world, "message", user=THEIRS, channel=SHARED, text="Help!")["ts"]
    said = {"user": OURS, "channel": SHARED, "ts": ts}
    assert 'no message shortcut "anywhere"' in refused(world, "shortcut", callback_id="anywhere", **said)
    assert 'no global shortcut "file-a-bug"' in refused(world, "shortcut", callback_id="file-a-bug", user=OURS)
    said["user"] = THEIRS
    assert "another workspace" in refused(world, "shortcut", callback_id="file-a-bug", **said)


# Slash commands


def test_a_slash_command_is_answered_to_the_person(world: Sandbox, gateway: Gateway) -> None:
    gateway.kind = "application/json"
    gateway.answer = lambda _: json.dumps({"response_type": "ephemeral", "text": "Procedures: none."}).encode()
    told = act(world, "command", user=OURS, channel=SHARED, command="/handbook", text="add #fleet-at-hebe why")
    assert (told["status"], told["answer"]["text"]) == (200, "Procedures: none.")
    (received,) = gateway.got
    assert is_signed(received)
    assert (received.path, received.form["command"]) == ("/slack/commands", "/handbook")
    assert received.form["text"] == f"add <#{SHARED}|fleet-at-hebe> why"
    assert (received.form["user_id"], received.form["channel_id"], received.form["team_id"]) == (OURS, SHARED, OUR_TEAM)
    assert [each["shown_to"] for each in world.state()["slack"]["ephemerals"]] == [OURS]
    assert world.effects() == []


def test_a_slash_command_can_be_answered_to_the_channel_and_later(
    world: Sandbox, gateway: Gateway, client: WebClient
) -> None:
    gateway.kind = "application/json; charset=utf-8"
    gateway.answer = lambda _: json.dumps({"response_type": "in_channel", "text": "Here."}).encode()
    act(world, "command", user=OURS, channel=HELP, command="/handbook")
    assert client.conversations_history(channel=HELP)["messages"][0]["text"] == "Here."
    WebhookClient(gateway.got[0].form["response_url"]).send(text="Later.")
    assert [each["text"] for each in world.state()["slack"]["ephemerals"]] == ["Later."]


def test_a_slash_command_that_fails_says_so_to_the_person(world: Sandbox, gateway: Gateway) -> None:
    gateway.status = 500
    assert act(world, "command", user=OURS, channel=HELP, command="/handbook")["answer"] == {"error": "dispatch_failed"}
    (shown,) = world.state()["slack"]["ephemerals"]
    assert shown["text"] == '/handbook failed with the error "dispatch_failed"'


def test_people_of_other_workspaces_have_no_slash_commands(world: Sandbox, gateway: Gateway) -> None:
    assert "another workspace" in refused(world, "command", user=THEIRS, channel=SHARED, command="/handbook")
    assert gateway.got == []


# The endpoint's challenge


@pytest.mark.parametrize(
    ("answer", "taken"),
    [("{}", True), ('{{"challenge": "{}"}}', True), ("challenge={}", True), ("yes", False)],
    ids=["plain text", "JSON", "a form", "something else"],
)
def test_an_endpoint_is_verified_by_giving_the_challenge_back(
    world: Sandbox, gateway: Gateway, answer: str, taken: bool
) -> None:
    gateway.answer = lambda received: answer.format(json.loads(received.body)["challenge"]).encode()
    told = requests.post(f"{world.url}/slack/api/_person/verify_endpoint", timeout=10).json()
    assert (told["ok"], told["status"]) == (taken, 200)
    assert is_signed(gateway.got[0])


def test_without_a_gateway_nothing_is_sent_and_people_speak_all_the_same(world: Sandbox) -> None:
    assert act(world, "message", user=OURS, channel=HELP, text="Hello")["status"] is None
    assert requests.post(f"{world.url}/slack/api/_person/verify_endpoint", timeout=10).json()["ok"] is False


def test_an_expired_trigger_opens_nothing(world: Sandbox, gateway: Gateway, client: WebClient) -> None:
    trigger = clicked(world, gateway, client, action_id="decide", value="yes")["trigger_id"]
    world.advance(4)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=trigger, view=MODAL)
