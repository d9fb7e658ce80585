"""Slack's stand-in, as slack_sdk sees it."""

# slack_sdk leaves out type arguments, and says that answers may be None.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportOptionalSubscript=false, reportOptionalIterable=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import HeaderBlock, SectionBlock

from tests.conftest import Sandbox

HELP, SHARED = "C062D0THVV1", "C0SHARED001"
GUEST, OTHERS = "U0GUEST0001", "U0OTHERS001"


@pytest.fixture(autouse=True)
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.reset(
        {
            "slack": {
                "users": [
                    {"id": GUEST, "name": "guest", "real_name": "A Guest", "email": "guest@example.com"},
                    {"id": OTHERS, "name": "bram", "real_name": "Bram Lomax", "team_id": "T0OTHER0001"},
                ],
                "channels": [
                    {"id": SHARED, "name": "fleet-at-hebe", "is_ext_shared": True, "members": [GUEST, OTHERS]}
                ],
                "usergroups": [{"id": "S0GROUP0001", "handle": "oncall", "name": "On call", "users": [GUEST]}],
            }
        }
    )
    return sandbox


@pytest.fixture
def client(world: Sandbox) -> WebClient:
    return WebClient("xoxb-sandbox", base_url=f"{world.url}/slack/api/", retry_handlers=[])


def seed(world: Sandbox, **objects: Any) -> None:
    requests.post(f"{world.url}/_sandbox/seed", json={"slack": objects}, timeout=10).raise_for_status()


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)
    return str(refused.value.response["error"])


def test_a_message_is_posted_found_and_linked(client: WebClient, world: Sandbox) -> None:
    metadata = {"event_type": "handbook_flows", "event_payload": {"key": "k1"}}
    posted = client.chat_postMessage(channel=HELP, text="Hello", metadata=metadata)
    found = client.conversations_history(channel=HELP, include_all_metadata=True)["messages"]
    assert found[0]["metadata"]["event_payload"] == {"key": "k1"}
    assert "metadata" not in client.conversations_history(channel=HELP)["messages"][0]
    link = client.chat_getPermalink(channel=HELP, message_ts=posted["ts"])["permalink"]
    assert "Hello" in requests.get(link, timeout=10).text
    (effect,) = world.effects()
    assert (effect["action"], effect["target"], effect["public"]) == ("post message", "#help-customers", False)


def test_replies_stay_in_their_thread(client: WebClient) -> None:
    root = client.chat_postMessage(channel=HELP, text="Root")["ts"]
    client.chat_postMessage(channel=HELP, text="Reply", thread_ts=root)
    assert [each["text"] for each in client.conversations_replies(channel=HELP, ts=root)["messages"]] == [
        "Root",
        "Reply",
    ]
    assert [each["text"] for each in client.conversations_history(channel=HELP)["messages"]] == ["Root"]


def test_a_threads_first_message_names_five_who_replied_and_counts_them_all(client: WebClient, world: Sandbox) -> None:
    people = [f"U0SANDBOX{number:02}" for number in range(1, 8)]
    root = client.chat_postMessage(channel=HELP, text="Root")["ts"]
    replies = [{"channel": HELP, "user": each, "text": "Reply", "thread_ts": root} for each in people]
    seed(world, messages=replies)
    (shown,) = client.conversations_history(channel=HELP).get("messages", [])
    assert shown["reply_users"] == people[:5]
    assert (shown["reply_users_count"], shown["reply_count"]) == (7, 7)


def test_a_persons_reaction_is_seen_in_the_history_and_is_no_effect(client: WebClient, world: Sandbox) -> None:
    ts = client.chat_postMessage(channel=HELP, text="Root")["ts"]
    react = {"user": "U0SANDBOX09", "channel": HELP, "ts": ts, "name": "eyes"}
    address = f"{world.url}/slack/api/_person/react"
    assert requests.post(address, json=react, timeout=10).ok
    (shown,) = client.conversations_history(channel=HELP).get("messages", [])
    assert shown["reactions"] == [{"name": "eyes", "users": ["U0SANDBOX09"], "count": 1}]
    assert len(world.effects()) == 1
    again = requests.post(address, json=react, timeout=10)
    assert again.status_code == 422
    assert "already_reacted" in again.text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE01", "text": "x"}, "channel_not_found"),
        ({"channel": HELP, "text": "", "blocks": []}, "no_text"),
        ({"channel": HELP, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": HELP, "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ({"channel": HELP, "text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"channel": HELP, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    ],
    ids=["no such channel", "no text", "too long", "no such thread", "an empty section", "51 blocks"],
)
def test_a_message_that_slack_refuses_is_refused(client: WebClient, arguments: dict[str, Any], error: str) -> None:
    assert error_of(client.chat_postMessage, **arguments) == error


@pytest.mark.parametrize("length", [150, 151])
def test_block_limits_are_those_of_slacks_own_models(client: WebClient, length: int) -> None:
    block = HeaderBlock(text="h" * length)
    try:
        block.validate_json()
        allowed = True
    except Exception:  # slack_sdk's own kind of validation error
        allowed = False
    raw = {"type": "header", "text": {"type": "plain_text", "text": "h" * length}}
    if allowed:
        client.chat_postMessage(channel=HELP, text="x", blocks=[raw])
    else:
        assert error_of(client.chat_postMessage, channel=HELP, text="x", blocks=[raw]) == "invalid_blocks"


def test_blocks_made_with_slacks_own_models_are_taken(client: WebClient) -> None:
    client.chat_postMessage(channel=HELP, text="x", blocks=[HeaderBlock(text="Title"), SectionBlock(text="*bold*")])


def test_unknown_tokens_methods_and_arguments_are_refused(world: Sandbox, client: WebClient) -> None:
    stranger = WebClient("xoxb-nobody", base_url=f"{world.url}/slack/api/", retry_handlers=[])
    assert error_of(stranger.auth_test) == "invalid_auth"
    assert error_of(client.api_call, api_method="chat.whisper") == "unknown_method"
    wrong = {"channel": HELP, "text": "x", "colour": "red"}
    assert error_of(client.api_call, api_method="chat.postMessage", json=wrong) == "invalid_arguments"


def test_methods_that_read_take_no_json(client: WebClient) -> None:
    said = {"channel": HELP}
    assert error_of(client.api_call, api_method="conversations.info", json=said) == "channel_not_found"
    assert client.api_call("conversations.info", http_verb="GET", params=said)["ok"]


def test_a_token_without_the_scope_is_told_which(world: Sandbox) -> None:
    token = {"user_id": GUEST, "bot_id": "B1", "app_id": "A1", "scopes": ["users:read"]}
    seed(world, tokens={"xoxb-small": token})
    small = WebClient("xoxb-small", base_url=f"{world.url}/slack/api/", retry_handlers=[])
    with pytest.raises(SlackApiError) as refused:
        small.chat_postMessage(channel=HELP, text="x")
    assert (refused.value.response["error"], refused.value.response["needed"]) == ("missing_scope", "chat:write")


def test_channels_are_described_and_a_shared_one_says_so(client: WebClient) -> None:
    assert client.conversations_info(channel=SHARED)["channel"]["is_ext_shared"] is True
    assert client.conversations_info(channel=HELP)["channel"]["is_ext_shared"] is False
    assert HELP in [each["id"] for each in client.conversations_list(limit=1000)["channels"]]


def test_a_user_group_is_replaced_as_a_whole_and_never_emptied(client: WebClient, world: Sandbox) -> None:
    client.usergroups_users_update(usergroup="S0GROUP0001", users=[GUEST])
    assert world.effects() == []
    assert error_of(client.usergroups_users_update, usergroup="S0GROUP0001", users=["U0NOBODY"]) == "invalid_users"
    assert error_of(client.usergroups_users_update, usergroup="S0GROUP0001", users=[]) == "invalid_arguments"


def test_users_are_found_by_mail_and_strangers_are_not(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="GUEST@example.com")["user"]["id"] == GUEST
    assert error_of(client.users_lookupByEmail, email="nobody@example.com") == "users_not_found"


def test_a_reaction_counts_once(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=HELP, text="x")["ts"]
    client.reactions_add(channel=HELP, timestamp=ts, name="eyes")
    assert error_of(client.reactions_add, channel=HELP, timestamp=ts, name="eyes") == "already_reacted"


def test_a_file_is_uploaded_and_shared_in_three_steps(client: WebClient, world: Sandbox) -> None:
    client.files_upload_v2(channel=HELP, filename="plot.png", content="bytes", title="Plot")
    assert [effect["action"] for effect in world.effects()] == ["share file"]


def test_people_of_other_workspaces_and_guests_are_told_apart(client: WebClient, world: Sandbox) -> None:
    far = {"id": "U0STRANGER1", "name": "far", "team_id": "T0FARAWAY01"}
    limited = {"id": "U0LIMITED01", "name": "limited", "is_restricted": True, "deleted": True}
    seed(world, users=[far, limited])
    shared, stranger, guest, bot = (
        client.users_info(user=each)["user"] for each in (OTHERS, "U0STRANGER1", "U0LIMITED01", "U0SANDBOXBOT")
    )
    assert (shared["team_id"], shared["is_stranger"], shared["is_restricted"]) == ("T0OTHER0001", False, False)
    assert (stranger["team_id"], stranger["is_stranger"]) == ("T0FARAWAY01", True)
    assert (guest["team_id"], guest["is_restricted"], guest["deleted"]) == ("T0SANDBOX", True, True)
    assert (guest["is_ultra_restricted"], guest["is_bot"], bot["is_bot"]) == (False, False, True)


def test_a_deleted_reply_leaves_its_thread(client: WebClient) -> None:
    root = client.chat_postMessage(channel=HELP, text="Root")["ts"]
    reply = client.chat_postMessage(channel=HELP, text="Reply", thread_ts=root)["ts"]
    assert client.conversations_history(channel=HELP)["messages"][0]["reply_count"] == 1
    client.chat_delete(channel=HELP, ts=reply)
    assert "reply_count" not in client.conversations_history(channel=HELP)["messages"][0]
    client.chat_delete(channel=HELP, ts=root)
    assert client.conversations_history(channel=HELP)["messages"] == []


def test_who_joins_is_read_in_the_channel(client: WebClient, world: Sandbox) -> None:
    seed(world, users=[{"id": "U0NEW00001", "name": "new"}])
    client.conversations_invite(channel=HELP, users=["U0NEW00001"])
    client.conversations_setTopic(channel=HELP, topic="Requests")
    said = client.conversations_history(channel=HELP)["messages"]
    assert [each["subtype"] for each in said] == ["channel_topic", "channel_join"]
    assert [each["action"] for each in world.effects()] == ["invite to channel", "set topic"]


def test_buttons_without_a_name_get_one(client: WebClient) -> None:
    nameless = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    client.chat_postMessage(channel=HELP, text="x", blocks=[{"type": "actions", "elements": [nameless, nameless]}])
    (block,) = client.conversations_history(channel=HELP)["messages"][0]["blocks"]
    assert len({element["action_id"] for element in block["elements"]}) == 2


def test_a_person_can_speak_in_a_channel(client: WebClient, world: Sandbox) -> None:
    said = {"user": GUEST, "channel": SHARED, "text": "Help!"}
    requests.post(f"{world.url}/slack/api/_person/message", json=said, timeout=10).raise_for_status()
    assert client.conversations_history(channel=SHARED)["messages"][0]["text"] == "Help!"
