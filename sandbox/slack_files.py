"""Files, uploaded in three steps: an address is asked for, the bytes go there, the upload is completed and shared.

Source: https://docs.slack.dev/messaging/working-with-files/#uploading_files
"""

from __future__ import annotations

import secrets
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.slack_calls import Arguments, Ids, Method, Structure
from sandbox.slack_messages import Messages
from sandbox.slack_refusals import Refusal, invalid_arguments
from sandbox.slack_state import Answer, Caller, Channel, File, State
from sandbox.slack_texts import reply_to

LONGEST_ALT_TEXT = 1000


class Ask(Arguments):
    filename: str
    length: int
    alt_txt: str = ""
    snippet_type: str = ""


class Complete(Arguments):
    files: Structure
    channel_id: str = ""
    channels: Ids = ()
    initial_comment: str = ""
    thread_ts: str = ""


class Info(Arguments):
    file: str
    count: int = 100
    page: int = 1
    cursor: str = ""
    limit: int = 0


class Files:
    """The methods of `files.*`, and the address that takes the bytes."""

    def __init__(self, state: State, messages: Messages) -> None:
        self.state, self.messages = state, messages

    def methods(self) -> list[Method]:
        write = ("files:write",)
        return [
            Method("files.getUploadURLExternal", Ask, self.ask, write, forms_only=True),
            Method("files.completeUploadExternal", Complete, self.complete, write),
            Method("files.info", Info, self.info, ("files:read",), forms_only=True),
        ]

    def ask(self, caller: Caller, said: Ask) -> Answer:
        if said.length <= 0:
            raise Refusal("missing_argument")
        if len(said.alt_txt) > LONGEST_ALT_TEXT:
            raise Refusal("alt_txt_too_large")
        file = File(
            self.state.new_id("F"),
            said.filename,
            said.length,
            caller.user_id,
            ticket=secrets.token_hex(16),
            created=self.state.now(),
            title=said.filename,
            alt_txt=said.alt_txt,
        )
        self.state.files[file.id] = file
        return {"upload_url": f"{self.state.address()}/upload/v1/{file.ticket}", "file_id": file.id}

    async def upload(self, request: Request) -> Response:
        """Takes the bytes. The secret in the address is the permission."""
        ticket = request.path_params["ticket"]
        file = next((each for each in self.state.files.values() if each.ticket == ticket and not each.complete), None)
        if file is None:
            return PlainTextResponse("not found", 404)
        file.content = await request.body()
        return PlainTextResponse(f"OK - {len(file.content)}")

    async def download(self, request: Request) -> Response:
        """Gives the bytes as a download, never as a page that could run something."""
        file = self.state.files.get(request.path_params["file"])
        if file is None or not file.complete:
            return PlainTextResponse("There is no such file.", 404)
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(file.content or b"", headers=headers, media_type="application/octet-stream")

    def complete(self, caller: Caller, said: Complete) -> Answer:
        uploads = self._uploads(said.files)
        wanted = [said.channel_id] if said.channel_id else list(said.channels)
        channels = [self._shared_to(caller, each, said.thread_ts) for each in wanted]
        for file, title in uploads:
            file.title, file.complete = title or file.name, True
        files = [file for file, _ in uploads]
        for channel in channels:
            self._share(caller, channel, files, said)
        if not channels:
            for file in files:
                self.state.world.record("slack", "upload file", file.name, id=file.id, title=file.title)
        return {"files": [self.shown(file) for file in files]}

    def _uploads(self, said: Any) -> list[tuple[File, str]]:
        """Reads which files are meant, with their titles; each must have arrived whole."""
        if not isinstance(said, list) or not said:
            raise invalid_arguments("invalid `files`")
        uploads = [self._upload(each) for each in cast("list[Any]", said)]
        if any(file.content is None or len(file.content) != file.size for file, _ in uploads):
            raise Refusal("file_update_failed")
        return uploads

    def _upload(self, said: Any) -> tuple[File, str]:
        if not isinstance(said, dict):
            raise invalid_arguments("invalid `files`")
        named = cast("Answer", said)
        file = self.state.files.get(str(named.get("id")))
        if file is None or file.complete:
            raise Refusal("file_not_found")
        return file, str(named.get("title") or "")

    def _shared_to(self, caller: Caller, wanted: str, thread_ts: str) -> Channel:
        channel = self.state.channels.get(wanted)
        if channel is None or channel.is_archived or not self.state.sees(caller, channel):
            raise Refusal("invalid_channel")
        self.state.joined(caller, wanted)
        if thread_ts:
            reply_to(channel, thread_ts)
        return channel

    def _share(self, caller: Caller, channel: Channel, files: list[File], said: Complete) -> None:
        ts = self.state.ts()
        for file in files:
            file.shares.append((channel.id, ts))
        message: Answer = {
            "type": "message",
            "subtype": "file_share",
            "ts": ts,
            "text": said.initial_comment,
            "upload": False,
            "files": [self.shown(file) for file in files],
        } | self.state.author(channel, caller.user_id)
        if said.thread_ts:
            message |= reply_to(channel, said.thread_ts)
        self.messages.add(channel, message, "share file")

    def shared_by_person(self, user_id: str, channel: Channel, ts: str, name: str) -> Answer:
        """Keeps a file that a person shares; it holds its own name."""
        content, id = name.encode(), self.state.new_id("F")
        ticket = secrets.token_hex(16)
        file = File(id, name, len(content), user_id, ticket, self.state.now(), name, content=content, complete=True)
        file.shares.append((channel.id, ts))
        self.state.files[id] = file
        return self.shown(file)

    def info(self, caller: Caller, said: Info) -> Answer:
        file = self.state.files.get(said.file)
        if file is None or not file.complete:
            raise Refusal("file_not_found")
        return {"file": self.shown(file), "comments": [], "response_metadata": {"next_cursor": ""}}

    def shown(self, file: File) -> Answer:
        """Gives a file as Slack's JSON has it."""
        address = f"{self.state.address()}/files/{file.id}"
        shared = {channel: [{"ts": ts} for where, ts in file.shares if where == channel] for channel, _ in file.shares}
        return {
            "id": file.id,
            "created": file.created,
            "name": file.name,
            "title": file.title,
            "alt_txt": file.alt_txt,
            "user": file.user_id,
            "size": file.size,
            "permalink": address,
            "url_private": address,
            "shares": shared,
        }
