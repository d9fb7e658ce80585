"""The page behind a permalink: a channel with its messages, much as Slack shows them. It needs no token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.slack_state import Channel, Message, State

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
article { padding: .5rem 1rem; border-left: 3px solid transparent; overflow-wrap: anywhere }
article.meant { border-color: #1264a3; background: #1264a30d }
article.reply { margin-left: 2rem }
article > div, pre { margin: .4rem 0; white-space: pre-wrap }
.quiet { opacity: .7; font-size: .85em }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .2rem 1rem }
.button { display: inline-block; border: 1px solid; border-radius: 4px; padding: 0 .7rem; margin: 0 .3rem .3rem 0 }
h3 { margin: .2rem 0 } code, pre { background: #8881 } mark { background: #1264a31a; color: #1264a3 }
</style></head><body>
<h1>{{ title }}</h1>
<p class="quiet">{{ about }}</p>
{% if gone %}<p role="alert">The message that this link leads to is gone.</p>{% endif %}
{% for message in messages %}
<article id="p{{ message.ts | replace(".", "") }}" class="{{ message.look }}"
 {%- if "meant" in message.look %} tabindex="-1" autofocus{% endif %}>
<b>{{ message.author }}</b> <time class="quiet" datetime="{{ message.at }}">{{ message.at }}</time>
{{ message.content }}
{% for file in message.files %}<div><a href="{{ file.permalink }}">{{ file.title }}</a></div>{% endfor %}
{% if message.reactions %}<div class="quiet">{{ message.reactions }}</div>{% endif %}
</article>
{% else %}<p>No message yet.</p>{% endfor %}
</body></html>"""

REFERENCE = re.compile(r"<([^<>\n]+)>")
STYLES = (
    (re.compile(r"```(.+?)```", re.DOTALL), "pre"),
    (re.compile(r"`([^`\n]+)`"), "code"),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), "b"),
    (re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])"), "i"),
    (re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])"), "s"),
)
HELD = re.compile("\ue000(\\d+)\ue001")  # characters that no text uses keep the place of a finished part
LINKED = ("http://", "https://", "mailto:")


class Pages:
    """The pages, and how Slack's texts and blocks look on them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._page = Environment(loader=DictLoader({"channel": PAGE}), autoescape=True).get_template("channel")
        self._blocks: dict[str, Callable[[Any], Markup]] = {
            "header": lambda block: tag("h3", self.text(block["text"])),
            "section": self._section,
            "divider": lambda _: Markup("<hr>"),
            "context": lambda block: tag("div", join(map(self._element, block["elements"]), " "), "quiet"),
            "actions": lambda block: tag("div", join(map(self._element, block["elements"]))),
            "image": lambda block: tag("div", link(block["image_url"], block["alt_text"])),
            "input": lambda block: tag("div", self.text(block["label"])),
            "rich_text": lambda block: join(map(self._paragraph, block["elements"])),
        }

    async def channel(self, request: Request) -> Response:
        """Shows a channel; the message of the address is marked."""
        channel = self.state.channels.get(request.path_params["channel"])
        if channel is None:
            return PlainTextResponse("There is no such channel.", 404)
        meant = request.path_params.get("message", "")
        known = {f"p{ts.replace('.', '')}" for ts in channel.messages}
        gone = bool(meant) and meant not in known
        shown = [self._message(each, meant) for each in sorted(channel.messages.values(), key=_thread_order)]
        title, about = self.state.title(channel), self._about(channel)
        page = self._page.render(title=title, about=about, gone=gone, messages=shown)
        return HTMLResponse(page, 404 if gone else 200)

    def _about(self, channel: Channel) -> str:
        shared = "Shared with another company." if channel.is_ext_shared else "Only the team reads this."
        return " ".join(["Anybody can read this." if channel.public_community else shared, channel.topic]).strip()

    def _message(self, message: Message, meant: str) -> dict[str, Any]:
        is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
        looks = {"meant": f"p{message['ts'].replace('.', '')}" == meant, "reply": is_reply}
        user = self.state.users.get(message["user"])
        return {
            "ts": message["ts"],
            "look": " ".join(name for name, applies in looks.items() if applies),
            "author": message.get("username") or (user.real_name if user else message["user"]),
            "at": f"{datetime.fromtimestamp(float(message['ts']), UTC):%Y-%m-%d %H:%M} UTC",
            "content": self.content(message),
            "files": message.get("files", []),
            "reactions": " ".join(f":{each['name']}: {each['count']}" for each in message.get("reactions", [])),
        }

    def content(self, message: Message) -> Markup:
        """Shows a message: its blocks or, without any, its text."""
        if not message.get("blocks"):
            return tag("div", self.mrkdwn(message["text"]))
        return join(self._blocks[block["type"]](block) for block in message["blocks"])

    # Blocks

    def _section(self, block: Any) -> Markup:
        parts = [self.text(block["text"])] if "text" in block else []
        if "fields" in block:
            parts.append(tag("div", join(tag("span", self.text(each)) for each in block["fields"]), "fields"))
        if "accessory" in block:
            parts.append(self._element(block["accessory"]))
        return tag("div", join(parts, " "))

    def _element(self, element: Any) -> Markup:
        match element["type"]:
            case "plain_text" | "mrkdwn":
                return self.text(element)
            case "image":
                return link(element["image_url"], element["alt_text"])
            case "button":
                face = tag("span", self.text(element["text"]), "button")
                return link(element["url"], face) if element.get("url") else face
            case kind:
                said = element.get("placeholder", {}).get("text", kind.replace("_", " "))
                return tag("span", said, "button")

    def _paragraph(self, part: Any) -> Markup:
        match part["type"]:
            case "rich_text_list":
                items = join(tag("li", join(map(self._leaf, each["elements"]))) for each in part["elements"])
                return tag("ol" if part["style"] == "ordered" else "ul", items)
            case kind:
                name = {"rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}.get(kind, "div")
                return tag(name, join(map(self._leaf, part["elements"])))

    def _leaf(self, leaf: Any) -> Markup:
        match leaf["type"]:
            case "text":
                shown = escape(leaf["text"])
                styles = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}
                for style in (name for name in styles if leaf.get("style", {}).get(name)):
                    shown = tag(styles[style], shown)
                return shown
            case "link":
                return link(leaf["url"], leaf.get("text") or leaf["url"])
            case "user":
                return self._mention(f"@{leaf['user_id']}", "")
            case "usergroup":
                return self._mention(f"!subteam^{leaf['usergroup_id']}", "")
            case "channel":
                return self._mention(f"#{leaf['channel_id']}", "")
            case "broadcast":
                return self._mention(f"!{leaf['range']}", "")
            case _:
                return escape(f":{leaf['name']}:")

    # Texts

    def text(self, said: Any) -> Markup:
        """Shows a text object."""
        if said["type"] == "mrkdwn":
            return self.mrkdwn(said["text"])
        return escape(said["text"])

    def mrkdwn(self, text: str) -> Markup:
        """Shows Slack's own markup. `&amp;`, `&lt;` and `&gt;` are characters; all else is foreign and harmless."""
        finished: list[Markup] = []

        def hold(part: Markup) -> str:
            finished.append(part)
            return f"\ue000{len(finished) - 1}\ue001"

        text = HELD.sub("", text)
        text = REFERENCE.sub(lambda found: hold(self._reference(found[1])), text)
        text = str(escape(_plain(text)))
        for pattern, name in STYLES[:2]:
            text = pattern.sub(lambda found, name=name: hold(tag(name, _escaped(found[1]))), text)
        for pattern, name in STYLES[2:]:
            text = pattern.sub(rf"<{name}>\1</{name}>", text)
        while HELD.search(text):
            text = HELD.sub(lambda found: finished[int(found[1])], text)
        return _escaped(text)

    def _reference(self, said: str) -> Markup:
        target, _, label = said.partition("|")
        if target.startswith(LINKED):
            return link(_plain(target), _plain(label or target))
        return self._mention(target, label)

    def _mention(self, target: str, label: str) -> Markup:
        sign, name = target[:1], target[1:]
        if sign == "@":
            user = self.state.users.get(name)
            shown = f"@{user.real_name if user else label or name}"
        elif sign == "#":
            channel = self.state.channels.get(name)
            shown = f"#{channel.name if channel else label or name}"
        elif name.startswith("subteam^"):
            group = self.state.usergroups.get(name.removeprefix("subteam^"))
            shown = f"@{group.handle}" if group else label or name
        elif name.startswith("date^"):
            return escape(_plain(label))
        else:
            shown = f"@{name}" if sign == "!" else f"<{target}>"
        return tag("mark", _plain(shown))


def tag(name: str, content: str, look: str = "") -> Markup:
    """Puts content into an element: finished HTML as it is, any other text escaped."""
    styled = Markup(' class="{}"').format(look) if look else ""
    return Markup("<{}{}>{}</{}>").format(name, styled, content, name)


def link(address: str, label: str) -> Markup:
    """Makes a link; an address that might run something stays a text."""
    if not address.startswith(LINKED):
        return escape(label)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, label)


def join(parts: Iterable[str], between: str = "") -> Markup:
    return escape(between).join(parts)


def _escaped(text: str) -> Markup:
    """Takes a text whose foreign parts have been escaped as finished HTML."""
    return Markup(text)  # noqa: S704


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _thread_order(message: Message) -> tuple[float, float]:
    return float(message.get("thread_ts", message["ts"])), float(message["ts"])
