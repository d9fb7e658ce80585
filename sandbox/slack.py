"""Slack's stand-in: messages, conversations, users, user groups, views, reactions, files.

API: https://docs.slack.dev/reference/methods. Refusals are HTTP 200 with `ok: false`, as Slack's are.
"""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.seed_fields import check_fields
from sandbox.slack_blocks import problems
from sandbox.world import FaultKind, World

LONGEST_TEXT = 40_000
TRIGGER_LIVES = timedelta(seconds=3)
Arguments = dict[str, Any]
Answer = dict[str, Any]


class Refusal(Exception):
    """`ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error, self.more = error, more


@dataclass
class Channel:
    id: str
    name: str
    members: list[str]
    is_private: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    public_community: bool = False
    topic: str = ""
    purpose: str = ""
    messages: dict[str, Answer] = field(default_factory=dict[str, Answer])  # by ts


@dataclass(frozen=True)
class Token:
    user_id: str
    bot_id: str
    app_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Method:
    """A method of the Web API: what it needs, what it takes, what it does."""

    does: Callable[[Arguments], Answer]
    scopes: tuple[str, ...]  # any one is enough; none: every token may
    required: tuple[str, ...]
    optional: tuple[str, ...]


class Slack:
    """The state, and what each method does to it."""

    name = "slack"

    def __init__(self, world: World) -> None:
        self.world = world
        self.token: Token | None = None  # of the call at hand
        self.methods = self._methods()
        self.reset()

    def reset(self) -> None:
        self.team: Answer = {"id": "T0SANDBOX01", "name": "Fleet", "domain": "fleetdm"}
        self.tokens: dict[str, Token] = {}
        self.users: dict[str, Answer] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Answer] = {}
        self.views: dict[str, Answer] = {}
        self.triggers: dict[str, datetime] = {}
        self.files: dict[str, Answer] = {}
        self._numbers = itertools.count(1)
        self._last_ts = 0

    # Seeds

    def load(self, seed: Mapping[str, Any]) -> None:
        check_fields("slack", seed, SEED)
        self.team.update(seed.get("team", {}))
        for token, said in seed.get("tokens", {}).items():
            self.tokens[token] = Token(said["user_id"], said["bot_id"], said["app_id"], frozenset(said["scopes"]))
        for said in seed.get("users", []):
            profile = {"email": said.get("email", ""), "real_name": said.get("real_name", said["name"])}
            plain = {"team_id": self.team["id"], "is_bot": False, "deleted": False, "tz": "America/Los_Angeles"}
            self.users[said["id"]] = plain | {k: v for k, v in said.items() if k != "email"} | {"profile": profile}
        for said in seed.get("channels", []):
            fields: dict[str, Any] = {**said, "members": list(said.get("members", []))}
            channel = Channel(**fields)
            channel.members += [token.user_id for token in self.tokens.values() if token.user_id not in channel.members]
            self.channels[channel.id] = channel
        for said in seed.get("usergroups", []):
            self.usergroups[said["id"]] = dict(said)
        for said in seed.get("messages", []):
            message = {
                "type": "message",
                "ts": said.get("ts") or self._ts(),
                "user": said["user"],
                "text": said["text"],
            }
            if said.get("thread_ts"):
                message["thread_ts"] = said["thread_ts"]
            self.channels[said["channel"]].messages[message["ts"]] = message

    def dump(self) -> dict[str, Any]:
        return {
            "channels": [
                {
                    **{key: value for key, value in vars(channel).items() if key != "messages"},
                    "messages": list(channel.messages.values()),
                }
                for channel in self.channels.values()
            ],
            "users": list(self.users.values()),
            "usergroups": list(self.usergroups.values()),
            "views": list(self.views.values()),
            "files": [{key: value for key, value in file.items() if key != "bytes"} for file in self.files.values()],
        }

    def refusal(self, kind: FaultKind, seconds: float) -> Response:
        match kind:
            case "401":
                return JSONResponse({"ok": False, "error": "invalid_auth"})
            case "429" | "403_retry_after":
                wait = {"Retry-After": str(max(1, round(seconds)))}
                return JSONResponse({"ok": False, "error": "ratelimited"}, 429, wait)
            case "vanished":
                return JSONResponse({"ok": False, "error": "channel_not_found"})
            case "malformed":
                return HTMLResponse("<!DOCTYPE html><title>Slack</title>")
            case "ok_false":
                return JSONResponse({"ok": False, "error": "internal_error"})
            case _:
                return PlainTextResponse("upstream connect error or disconnect/reset before headers", 503)

    # Calls

    def call(self, name: str, token: str, arguments: Arguments) -> Answer:
        """Runs a method for a token; refusals come as exceptions."""
        if not token:
            raise Refusal("not_authed")
        if token not in self.tokens:
            raise Refusal("invalid_auth")
        method = self.methods.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        self.token = self.tokens[token]
        if method.scopes and not set(method.scopes) & self.token.scopes:
            raise Refusal("missing_scope", needed=method.scopes[0], provided=",".join(sorted(self.token.scopes)))
        known = {*method.required, *method.optional, "token"}
        if unknown := sorted(set(arguments) - known):
            raise Refusal(
                "invalid_arguments", response_metadata={"messages": [f"[ERROR] unsupported argument: {unknown[0]}"]}
            )
        if missing := [each for each in method.required if arguments.get(each) in (None, "")]:
            raise Refusal(
                "invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {missing[0]}"]}
            )
        if self.world.actor != "somebody else":
            self.world.actor = self.users.get(self.token.user_id, {}).get("name", self.token.user_id)
        return method.does(arguments)

    def _methods(self) -> dict[str, Method]:
        channel = ("channel",)
        read, write = ("channels:read", "groups:read", "im:read"), ("channels:manage", "groups:write")
        history = ("channels:history", "groups:history", "im:history")
        paging = ("cursor", "limit")
        post = ("text", "blocks", "attachments", "thread_ts", "metadata", "unfurl_links", "unfurl_media", "mrkdwn")
        return {
            "auth.test": Method(self.auth_test, (), (), ()),
            "chat.postMessage": Method(
                self.post_message, ("chat:write",), channel, (*post, "reply_broadcast", "username", "icon_emoji")
            ),
            "chat.postEphemeral": Method(self.post_ephemeral, ("chat:write",), ("channel", "user"), post),
            "chat.update": Method(self.update_message, ("chat:write",), ("channel", "ts"), post),
            "chat.delete": Method(self.delete_message, ("chat:write",), ("channel", "ts"), ()),
            "chat.getPermalink": Method(self.permalink, (), ("channel", "message_ts"), ()),
            "conversations.list": Method(
                self.conversations, read, (), (*paging, "types", "exclude_archived", "team_id")
            ),
            "conversations.info": Method(self.info, read, channel, ("include_locale", "include_num_members")),
            "conversations.history": Method(
                self.history,
                history,
                channel,
                (*paging, "oldest", "latest", "inclusive", "include_all_metadata"),
            ),
            "conversations.replies": Method(
                self.replies,
                history,
                ("channel", "ts"),
                (*paging, "oldest", "latest", "inclusive", "include_all_metadata"),
            ),
            "conversations.members": Method(self.members, read, channel, paging),
            "conversations.join": Method(self.join, ("channels:join",), channel, ()),
            "conversations.invite": Method(self.invite, write, ("channel", "users"), ("force",)),
            "conversations.create": Method(self.create_channel, write, ("name",), ("is_private", "team_id")),
            "conversations.archive": Method(self.archive, write, channel, ()),
            "conversations.open": Method(self.open, ("im:write",), (), ("users", "channel", "return_im")),
            "users.list": Method(self.list_users, ("users:read",), (), (*paging, "include_locale", "team_id")),
            "users.info": Method(self.user_info, ("users:read",), ("user",), ("include_locale",)),
            "users.lookupByEmail": Method(self.by_email, ("users:read.email",), ("email",), ()),
            "usergroups.list": Method(
                self.list_groups,
                ("usergroups:read",),
                (),
                ("include_users", "include_count", "include_disabled", "team_id"),
            ),
            "usergroups.users.list": Method(
                self.group_users, ("usergroups:read",), ("usergroup",), ("include_disabled",)
            ),
            "usergroups.users.update": Method(
                self.set_group_users, ("usergroups:write",), ("usergroup", "users"), ("include_count",)
            ),
            "views.open": Method(self.open_view, (), ("trigger_id", "view"), ()),
            "views.update": Method(self.update_view, (), ("view",), ("view_id", "external_id", "hash")),
            "views.publish": Method(self.publish_view, (), ("user_id", "view"), ("hash",)),
            "reactions.add": Method(self.react, ("reactions:write",), ("channel", "timestamp", "name"), ()),
            "reactions.remove": Method(self.unreact, ("reactions:write",), ("channel", "timestamp", "name"), ()),
            "reactions.get": Method(self.reactions, ("reactions:read",), ("channel", "timestamp"), ("full",)),
            "files.getUploadURLExternal": Method(
                self.upload_url, ("files:write",), ("filename", "length"), ("alt_txt", "snippet_type")
            ),
            "files.completeUploadExternal": Method(
                self.complete_upload,
                ("files:write",),
                ("files",),
                ("channel_id", "channels", "initial_comment", "thread_ts", "blocks"),
            ),
            "files.info": Method(self.file_info, ("files:read",), ("file",), paging),
        }

    @property
    def _me(self) -> str:
        assert self.token, "A method runs for a token."
        return self.token.user_id

    # Messages

    def auth_test(self, _: Arguments) -> Answer:
        assert self.token
        user = self.users.get(self._me, {}).get("name", "")
        return {"url": self.world.public_url, "team": self.team["name"], "team_id": self.team["id"], "user": user} | {
            "user_id": self._me,
            "bot_id": self.token.bot_id,
        }

    def post_message(self, said: Arguments) -> Answer:
        channel = self._channel(said, joined=True)
        message = self._message(said)
        thread = said.get("thread_ts")
        if thread and thread not in channel.messages:
            raise Refusal("thread_not_found")
        channel.messages[message["ts"]] = message
        self._record("post message", channel, **{key: value for key, value in message.items() if key != "type"})
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def _message(self, said: Arguments) -> Answer:
        assert self.token
        self._check_content(said)
        message: Answer = {"type": "message", "ts": self._ts(), "user": self._me, "text": said.get("text", "")}
        message |= {"bot_id": self.token.bot_id, "app_id": self.token.app_id, "team": self.team["id"]}
        message |= {key: said[key] for key in ("blocks", "attachments", "thread_ts", "metadata") if said.get(key)}
        return message

    def _check_content(self, said: Arguments) -> None:
        if not said.get("text") and not said.get("blocks") and not said.get("attachments"):
            raise Refusal("no_text")
        if len(said.get("text") or "") > LONGEST_TEXT:
            raise Refusal("msg_too_long")
        if said.get("blocks") is not None and (wrong := problems(said["blocks"])):
            raise Refusal("invalid_blocks", errors=wrong, response_metadata={"messages": [f"[ERROR] {wrong[0]}"]})

    def post_ephemeral(self, said: Arguments) -> Answer:
        channel = self._channel(said, joined=True)
        if said["user"] not in channel.members:
            raise Refusal("user_not_in_channel")
        self._check_content(said)
        ts = self._ts()
        self._record("post ephemeral", channel, user=said["user"], text=said.get("text", ""), ts=ts)
        return {"message_ts": ts}

    def update_message(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["ts"])
        if message["user"] != self._me:
            raise Refusal("cant_update_message")
        self._check_content(said)
        changed = {
            key: said[key] for key in ("text", "blocks", "metadata") if key in said and said[key] != message.get(key)
        }
        if changed:
            message.update(changed)
            self._record("update message", channel, ts=message["ts"], **changed)
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}

    def delete_message(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["ts"])
        if message["user"] != self._me:
            raise Refusal("cant_delete_message")
        del channel.messages[message["ts"]]
        self._record("delete message", channel, ts=message["ts"])
        return {"channel": channel.id, "ts": message["ts"]}

    def permalink(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["message_ts"])
        return {"channel": channel.id, "permalink": self.link(channel, message["ts"])}

    def link(self, channel: Channel, ts: str) -> str:
        return f"{self.world.public_url}/slack/api/archives/{channel.id}/p{ts.replace('.', '')}"

    # Conversations

    def conversations(self, said: Arguments) -> Answer:
        kinds = str(said.get("types", "public_channel")).split(",")
        archived = not _true(said.get("exclude_archived", False))
        found = [
            channel
            for channel in self.channels.values()
            if ("private_channel" if channel.is_private else "public_channel") in kinds
            and (archived or not channel.is_archived)
            and self._sees(channel)
        ]
        return _paged(said, "channels", [self._described(channel) for channel in found])

    def info(self, said: Arguments) -> Answer:
        return {"channel": self._described(self._channel(said))}

    def history(self, said: Arguments) -> Answer:
        channel = self._channel(said)
        if self._me not in channel.members:
            raise Refusal("not_in_channel")
        roots = [each for each in channel.messages.values() if each.get("thread_ts", each["ts"]) == each["ts"]]
        return _paged(said, "messages", self._between(roots, said, newest_first=True))

    def replies(self, said: Arguments) -> Answer:
        channel, root = self._existing(said, said["ts"], error="thread_not_found")
        thread = [each for each in channel.messages.values() if root["ts"] in (each["ts"], each.get("thread_ts"))]
        return _paged(said, "messages", self._between(thread, said, newest_first=False))

    def _between(self, messages: Iterable[Answer], said: Arguments, *, newest_first: bool) -> list[Answer]:
        oldest, latest = float(said.get("oldest") or 0), float(said.get("latest") or "inf")
        inclusive, metadata = _true(said.get("inclusive", False)), _true(said.get("include_all_metadata", False))
        found = [
            {key: value for key, value in message.items() if metadata or key != "metadata"}
            for message in messages
            if oldest < float(message["ts"]) < latest or (inclusive and float(message["ts"]) in (oldest, latest))
        ]
        return sorted(found, key=lambda message: float(message["ts"]), reverse=newest_first)

    def members(self, said: Arguments) -> Answer:
        return _paged(said, "members", self._channel(said).members)

    def join(self, said: Arguments) -> Answer:
        channel = self._channel(said)
        if channel.is_private:
            raise Refusal("method_not_supported_for_channel_type")
        if self._me not in channel.members:
            channel.members.append(self._me)
            self._record("join channel", channel)
        return {"channel": self._described(channel)}

    def invite(self, said: Arguments) -> Answer:
        channel = self._channel(said, joined=True)
        users = _listed(said["users"])
        if unknown := [user for user in users if user not in self.users]:
            raise Refusal("user_not_found", errors=[{"user": unknown[0], "ok": False, "error": "user_not_found"}])
        if self._me in users:
            raise Refusal("cant_invite_self")
        come = [user for user in users if user not in channel.members]
        if not come:
            raise Refusal("already_in_channel")
        channel.members += come
        self._record("invite to channel", channel, users=come)
        return {"channel": self._described(channel)}

    def create_channel(self, said: Arguments) -> Answer:
        name = said["name"]
        if not re.fullmatch(r"[a-z0-9_-]{1,80}", name):
            raise Refusal("invalid_name_specials")
        if any(channel.name == name for channel in self.channels.values()):
            raise Refusal("name_taken")
        channel = Channel(f"C0SANDBOX{next(self._numbers):03d}", name, [self._me], _true(said.get("is_private", False)))
        self.channels[channel.id] = channel
        self._record("create channel", channel)
        return {"channel": self._described(channel)}

    def archive(self, said: Arguments) -> Answer:
        channel = self._channel(said, joined=True)
        channel.is_archived = True
        self._record("archive channel", channel)
        return {}

    def open(self, said: Arguments) -> Answer:
        users = _listed(said.get("users", ""))
        if not users or any(user not in self.users for user in users):
            raise Refusal("user_not_found")
        name = "-".join(sorted([*users, self._me])).lower()
        found = next((channel for channel in self.channels.values() if channel.name == name), None)
        if found is None:
            found = Channel(f"D0SANDBOX{next(self._numbers):03d}", name, [*users, self._me], is_private=True)
            self.channels[found.id] = found
        return {"channel": {"id": found.id}}

    def _described(self, channel: Channel) -> Answer:
        return {
            "id": channel.id,
            "name": channel.name,
            "is_channel": not channel.is_private,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "is_ext_shared": channel.is_ext_shared,
            "is_shared": channel.is_ext_shared,
            "is_org_shared": False,
            "is_member": self._me in channel.members,
            "num_members": len(channel.members),
            "topic": {"value": channel.topic},
            "purpose": {"value": channel.purpose},
        }

    def _channel(self, said: Arguments, *, joined: bool = False) -> Channel:
        wanted = str(said["channel"])
        found = self.channels.get(wanted) or next(
            (each for each in self.channels.values() if f"#{each.name}" == wanted), None
        )
        if found is None or not self._sees(found):
            raise Refusal("channel_not_found")
        if joined and found.is_archived:
            raise Refusal("is_archived")
        if joined and self._me not in found.members:
            raise Refusal("not_in_channel")
        return found

    def _sees(self, channel: Channel) -> bool:
        return not channel.is_private or self._me in channel.members

    def _existing(self, said: Arguments, ts: str, error: str = "message_not_found") -> tuple[Channel, Answer]:
        channel = self._channel(said)
        if ts not in channel.messages:
            raise Refusal(error)
        return channel, channel.messages[ts]

    # Users and user groups

    def list_users(self, said: Arguments) -> Answer:
        return _paged(said, "members", list(self.users.values()))

    def user_info(self, said: Arguments) -> Answer:
        if said["user"] not in self.users:
            raise Refusal("user_not_found")
        return {"user": self.users[said["user"]]}

    def by_email(self, said: Arguments) -> Answer:
        for user in self.users.values():
            if user["profile"]["email"].lower() == said["email"].lower() and user["profile"]["email"]:
                return {"user": user}
        raise Refusal("users_not_found")

    def list_groups(self, said: Arguments) -> Answer:
        with_users = _true(said.get("include_users", False))
        groups = [{k: v for k, v in group.items() if with_users or k != "users"} for group in self.usergroups.values()]
        return {"usergroups": groups}

    def group_users(self, said: Arguments) -> Answer:
        return {"users": self._group(said)["users"]}

    def set_group_users(self, said: Arguments) -> Answer:
        group, users = self._group(said), _listed(said["users"])
        if any(user not in self.users or self.users[user]["is_bot"] for user in users):
            raise Refusal("invalid_users")
        if users != group["users"]:
            group["users"] = users
            self.world.record("slack", "set user group", f"@{group['handle']}", users=users)
        return {"usergroup": group}

    def _group(self, said: Arguments) -> Answer:
        if said["usergroup"] not in self.usergroups:
            raise Refusal("no_such_subteam")
        return self.usergroups[said["usergroup"]]

    # Views

    def trigger(self) -> str:
        """Gives a trigger id, as an interaction of a person does."""
        trigger = f"{next(self._numbers)}.sandbox"
        self.triggers[trigger] = self.world.clock.now() + TRIGGER_LIVES
        return trigger

    def open_view(self, said: Arguments) -> Answer:
        ends = self.triggers.get(said["trigger_id"])
        if ends is None:
            raise Refusal("invalid_trigger_id")
        if said["trigger_id"] in {view.get("trigger_id") for view in self.views.values()}:
            raise Refusal("exchanged_trigger_id")
        if ends < self.world.clock.now():
            raise Refusal("expired_trigger_id")
        return self._show_view("open view", said["view"], trigger_id=said["trigger_id"])

    def update_view(self, said: Arguments) -> Answer:
        if said.get("view_id") not in self.views:
            raise Refusal("not_found")
        return self._show_view("update view", said["view"], id=said["view_id"])

    def publish_view(self, said: Arguments) -> Answer:
        if said["user_id"] not in self.users:
            raise Refusal("user_not_found")
        return self._show_view("publish view", said["view"], id=f"home-{said['user_id']}")

    def _show_view(self, action: str, view: Any, **more: Any) -> Answer:
        content: Answer = json.loads(view) if isinstance(view, str) else dict(view)
        if content.get("type") not in {"modal", "home"} or (wrong := problems(content.get("blocks"))):
            raise Refusal("invalid_arguments", response_metadata={"messages": ["[ERROR] invalid view"]})
        assert not wrong
        shown = content | {"id": f"V{next(self._numbers)}"} | more
        self.views[shown["id"]] = shown
        self.world.record("slack", action, shown["id"], view=content)
        return {"view": {key: value for key, value in shown.items() if key != "trigger_id"}}

    # Reactions

    def react(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["timestamp"])
        users = self._reaction(message, said["name"])["users"]
        if self._me in users:
            raise Refusal("already_reacted")
        users.append(self._me)
        self._record("add reaction", channel, name=said["name"], ts=message["ts"])
        return {}

    def unreact(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["timestamp"])
        users = self._reaction(message, said["name"])["users"]
        if self._me not in users:
            raise Refusal("no_reaction")
        users.remove(self._me)
        self._record("remove reaction", channel, name=said["name"], ts=message["ts"])
        return {}

    def reactions(self, said: Arguments) -> Answer:
        channel, message = self._existing(said, said["timestamp"])
        return {"type": "message", "channel": channel.id, "message": message}

    def _reaction(self, message: Answer, name: str) -> Answer:
        listed = cast("list[Answer]", message.setdefault("reactions", []))
        for reaction in listed:
            if reaction["name"] == name:
                return reaction
        listed.append({"name": name, "users": []})
        return listed[-1]

    # Files

    def upload_url(self, said: Arguments) -> Answer:
        file_id = f"F0SANDBOX{next(self._numbers):03d}"
        self.files[file_id] = {"id": file_id, "name": said["filename"], "size": int(said["length"]), "bytes": b""}
        return {"upload_url": f"{self.world.public_url}/slack/api/upload/{file_id}", "file_id": file_id}

    def complete_upload(self, said: Arguments) -> Answer:
        wanted = json.loads(said["files"]) if isinstance(said["files"], str) else said["files"]
        for each in wanted:
            file = self.files.get(each["id"])
            if file is None or len(file["bytes"]) != file["size"]:
                raise Refusal("file_not_found")
            file["title"] = each.get("title", file["name"])
        if said.get("channel_id"):
            channel = self._channel({"channel": said["channel_id"]}, joined=True)
            names = [self.files[each["id"]]["name"] for each in wanted]
            self._record("share file", channel, files=names, text=said.get("initial_comment", ""))
        return {"files": [self._file(each["id"]) for each in wanted]}

    def file_info(self, said: Arguments) -> Answer:
        if said["file"] not in self.files:
            raise Refusal("file_not_found")
        return {"file": self._file(said["file"])}

    def _file(self, file_id: str) -> Answer:
        shown = {key: value for key, value in self.files[file_id].items() if key != "bytes"}
        return shown | {"permalink": f"{self.world.public_url}/slack/api/upload/{file_id}"}

    # Shared

    def say(self, said: Mapping[str, Any]) -> Answer:
        """Posts a message as a person, from the console or a test."""
        channel = self.channels[said["channel"]]
        message = {"type": "message", "ts": self._ts(), "user": said["user"], "text": said["text"]}
        if said.get("thread_ts"):
            message["thread_ts"] = said["thread_ts"]
        channel.messages[message["ts"]] = message
        return {"channel": channel.id, "ts": message["ts"]}

    def _ts(self) -> str:
        """Gives a timestamp later than every one before."""
        microseconds = max(int(self.world.clock.now().timestamp() * 1_000_000), self._last_ts + 1)
        self._last_ts = microseconds
        return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"

    def _record(self, action: str, channel: Channel, **detail: Any) -> None:
        self.world.record("slack", action, f"#{channel.name}", public=channel.public_community, **detail)


SEED: dict[str, Any] = {
    "team": ...,
    "tokens": ...,
    "users": ...,
    "channels": [
        {"id", "name", "is_private", "is_ext_shared", "is_archived", "public_community", "members", "topic", "purpose"}
    ],
    "usergroups": [{"id", "handle", "name", "users"}],
    "messages": [{"channel", "user", "text", "ts", "thread_ts"}],
}


def _true(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}


def _listed(value: Any) -> list[str]:
    return [part for part in value.split(",") if part] if isinstance(value, str) else list(value)


def _paged(said: Arguments, name: str, items: Sequence[Any]) -> Answer:
    limit = min(1000, int(said.get("limit") or 100))
    start = int(said.get("cursor") or 0)
    more = start + limit < len(items)
    cursor = str(start + limit) if more else ""
    return {name: items[start : start + limit], "has_more": more, "response_metadata": {"next_cursor": cursor}}


async def arguments_of(request: Request) -> Arguments:
    """Gives a call's arguments, from JSON, a form or the query, as Slack takes them."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    said: Arguments = dict(request.query_params) | dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {
        key: _decoded(value) if key in {"blocks", "metadata", "attachments"} else value for key, value in said.items()
    }


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def create(world: World) -> tuple[Slack, ASGIApp]:
    """Builds the stand-in and its app."""
    service = Slack(world)

    async def call(request: Request) -> Response:
        actor = world.actor
        said = await arguments_of(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip() or str(said.get("token", ""))
        try:
            return JSONResponse({"ok": True, **service.call(request.path_params["method"], token, said)})
        except Refusal as refusal:
            return JSONResponse({"ok": False, "error": refusal.error, **refusal.more})
        finally:
            world.actor = actor

    async def upload(request: Request) -> Response:
        file = service.files.get(request.path_params["file"])
        if file is None:
            return PlainTextResponse("not found", 404)
        file["bytes"] = await request.body()
        return PlainTextResponse(f"OK - {len(file['bytes'])}")

    async def person(request: Request) -> Response:
        return JSONResponse({"ok": True, **service.say(await request.json())})

    async def page(request: Request) -> Response:
        channel = service.channels.get(request.path_params["channel"])
        return channel_page(service, channel) if channel else PlainTextResponse("no such channel", 404)

    routes = [
        Route("/archives/{channel}/{ts}", page),
        Route("/archives/{channel}", page),
        Route("/upload/{file}", upload, methods=["POST"]),
        Route("/_person/message", person, methods=["POST"]),
        Route("/{method}", call, methods=["GET", "POST"]),
    ]
    return service, Starlette(routes=routes)


def channel_page(service: Slack, channel: Channel) -> Response:
    """Gives what a person sees who follows a link to a message."""
    style = (
        "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}article{margin:1.2rem 0}"
        "div{margin:.6rem 0}"
        "h3{margin:.2rem 0}button{margin:.3rem .3rem 0 0;padding:.3rem .8rem}small{opacity:.7}"
    )
    shown = "".join(
        f"<article id=p{message['ts'].replace('.', '')}><b>{html.escape(_author(service, message))}</b> "
        f"<small>{message['ts']}</small>{_content(message)}</article>"
        for message in channel.messages.values()
    )
    title = f"#{html.escape(channel.name)}"
    return HTMLResponse(
        f"<!DOCTYPE html><title>{title}</title><style>{style}</style><h1>{title}</h1>{shown or '<p>No message yet.'}"
    )


def _author(service: Slack, message: Answer) -> str:
    return service.users.get(message["user"], {}).get("real_name", message["user"])


def _content(message: Answer) -> str:
    if not message.get("blocks"):
        return f"<div>{_mrkdwn(message['text'])}</div>"
    return "".join(map(_shown_block, message["blocks"]))


def _shown_block(block: Answer) -> str:
    match block:
        case {"type": "header", "text": {"text": text}}:
            return f"<h3>{html.escape(text)}</h3>"
        case {"type": "section"}:
            texts = [block["text"]] if "text" in block else block["fields"]
            return "".join(f"<div>{_mrkdwn(each['text'])}</div>" for each in texts)
        case {"type": "context", "elements": elements}:
            return "".join(f"<small>{_mrkdwn(each.get('text', ''))}</small>" for each in elements)
        case {"type": "actions", "elements": elements}:
            return "".join(f"<button>{html.escape(each.get('text', {}).get('text', ''))}</button>" for each in elements)
        case _:
            return "<hr>" if block.get("type") == "divider" else ""


def _mrkdwn(text: str) -> str:
    """Slack's text holds `&amp; &lt; &gt;` already; what is left in angle brackets is a link or a mention."""
    text = re.sub(r"<(https?:[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"<(https?:[^|>]+)>", r'<a href="\1">\1</a>', text)
    text = re.sub(r"<([@#!][^>]*)>", lambda mention: f"<b>{html.escape(mention[1])}</b>", text)
    return re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text).replace("\n", "<br>")
