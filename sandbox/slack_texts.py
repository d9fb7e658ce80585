"""Messages as Slack keeps and shows them: ids for what came without, metadata left out, threads."""

from __future__ import annotations

from typing import Any

from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Channel, Message


def numbered(message: Message) -> Message:
    """Gives each block, and each element in it, an id, as Slack does with those that come without."""
    if not message.get("blocks"):
        return message
    return message | {"blocks": [_identified(block, number) for number, block in enumerate(message["blocks"], 1)]}


def _identified(block: dict[str, Any], number: int) -> dict[str, Any]:
    block = {"block_id": f"block{number}"} | block
    if block["type"] == "actions":
        block["elements"] = [
            _named(each, f"{block['block_id']}.{place}") for place, each in enumerate(block["elements"])
        ]
    for part in ("accessory", "element"):
        if part in block and block[part]["type"] != "image":
            block[part] = _named(block[part], f"{block['block_id']}.0")
    return block


def _named(element: dict[str, Any], name: str) -> dict[str, Any]:
    return element if "action_id" in element else element | {"action_id": name}


def without_metadata(message: Message) -> Message:
    """Gives a message as those see it who don't ask for its metadata."""
    return {name: value for name, value in message.items() if name != "metadata"}


def found(channel: Channel, ts: str) -> Message:
    """Gives a message.

    Raises:
        Refusal: there is none.
    """
    if ts not in channel.messages:
        raise Refusal("message_not_found")
    return channel.messages[ts]


def reply_to(channel: Channel, thread_ts: str) -> Message:
    """Gives what makes a message a reply. A reply can't begin a thread of its own.

    Raises:
        Refusal: there is no such thread.
    """
    root = channel.messages.get(thread_ts)
    if root is None or root.get("thread_ts", thread_ts) != thread_ts:
        raise Refusal("thread_not_found")
    return {"thread_ts": thread_ts, "parent_user_id": root["user"]}
