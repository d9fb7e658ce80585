"""Views: modals that answer a person's click, and the app's home. https://docs.slack.dev/reference/methods#views"""

from __future__ import annotations

import json
import re
import secrets
from datetime import timedelta
from typing import Any, cast

from sandbox.slack_blocks import view_problems
from sandbox.slack_calls import Arguments, Method, Structure
from sandbox.slack_refusals import Refusal, invalid, invalid_arguments
from sandbox.slack_state import Answer, Caller, State, Trigger, View
from sandbox.slack_texts import numbered

TRIGGER_LIVES = timedelta(seconds=3)
TRIGGER = re.compile(r"\d+\.\d+\.[0-9a-f]+")
LARGEST_VIEW = 250_000  # bytes
MOST_ABOVE_EACH_OTHER = 3


class Open(Arguments):
    trigger_id: str
    view: Structure


class Update(Arguments):
    view: Structure
    view_id: str = ""
    external_id: str = ""
    hash: str = ""


class Publish(Arguments):
    user_id: str
    view: Structure
    hash: str = ""


class Views:
    """The methods of `views.*`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def methods(self) -> list[Method]:
        return [
            Method("views.open", Open, self.open),
            Method("views.push", Open, self.push),
            Method("views.update", Update, self.update),
            Method("views.publish", Publish, self.publish),
        ]

    def trigger(self, user_id: str, view: str = "") -> str:
        """Gives the trigger of a person's click, in a view or elsewhere."""
        number = len(self.state.triggers) + 1
        trigger_id = f"{number}.{self.state.now()}.{secrets.token_hex(16)}"
        self.state.triggers[trigger_id] = Trigger(user_id, self.state.world.clock.now(), view)
        return trigger_id

    def open(self, caller: Caller, said: Open) -> Answer:
        content = self._content(said.view, "modal")
        trigger = self._exchanged(said.trigger_id)
        view = self._new(caller, content, trigger.user_id)
        return self._show("open view", view)

    def push(self, caller: Caller, said: Open) -> Answer:
        trigger = self._usable(said.trigger_id)
        below = self.state.views.get(trigger.view)
        if below is None or below.content["type"] != "modal":
            raise Refusal("not_found")
        pushed = self.laid_on(caller, below, trigger.user_id, said.view)
        trigger.exchanged = True
        return pushed

    def laid_on(self, caller: Caller, below: View, user_id: str, said: Any) -> Answer:
        """Puts a modal on top of another."""
        content = self._content(said, "modal")
        if len(self._stack(below)) >= MOST_ABOVE_EACH_OTHER:
            raise Refusal("push_limit_reached")
        view = self._new(caller, content, user_id)
        view.root, view.previous = below.root, below.id
        return self._show("push view", view)

    def replaced_with(self, view: View, said: Any) -> Answer:
        """Puts other content into a view, as the answer to its submission."""
        return self._replace("update view", view, self._content(said, view.content["type"], but=view), "")

    def close(self, view: View, *, everything: bool = False) -> None:
        """Closes a modal, or all that lie on each other."""
        for each in self._stack(view) if everything else [view]:
            del self.state.views[each.id]

    def _stack(self, view: View) -> list[View]:
        return [each for each in self.state.views.values() if each.root == view.root]

    def update(self, caller: Caller, said: Update) -> Answer:
        view = self._known(caller, said)
        content = self._content(said.view, view.content["type"], but=view)
        return self._replace("update view", view, content, said.hash)

    def publish(self, caller: Caller, said: Publish) -> Answer:
        if said.user_id not in self.state.users:
            raise invalid_arguments("invalid `user_id`")
        home = self._home(caller, said.user_id)
        content = self._content(said.view, "home", but=home)
        if home:
            return self._replace("publish view", home, content, said.hash)
        if said.hash:
            raise Refusal("hash_conflict")
        return self._show("publish view", self._new(caller, content, said.user_id))

    def _home(self, caller: Caller, user_id: str) -> View | None:
        owned = (view for view in self.state.views.values() if (view.app_id, view.user_id) == (caller.app_id, user_id))
        return next((view for view in owned if view.content["type"] == "home"), None)

    def _known(self, caller: Caller, said: Update) -> View:
        if not (said.view_id or said.external_id):
            raise invalid_arguments("missing required field: view_id")
        for view in self.state.views.values():
            is_meant = view.id == said.view_id if said.view_id else view.content.get("external_id") == said.external_id
            if is_meant and view.app_id == caller.app_id:
                return view
        raise Refusal("not_found")

    # Triggers

    def _usable(self, trigger_id: str) -> Trigger:
        trigger = self.state.triggers.get(trigger_id) if TRIGGER.fullmatch(trigger_id) else None
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.exchanged:
            raise Refusal("exchanged_trigger_id")
        if self.state.world.clock.now() - trigger.at > TRIGGER_LIVES:
            raise Refusal("expired_trigger_id")
        return trigger

    def _exchanged(self, trigger_id: str) -> Trigger:
        trigger = self._usable(trigger_id)
        trigger.exchanged = True
        return trigger

    # Content

    def _content(self, said: Any, kind: str, but: View | None = None) -> Answer:
        if problems := view_problems(said):
            raise invalid("invalid_arguments", problems)
        content = cast("Answer", said)
        if content["type"] != kind:
            raise invalid_arguments(f"must be of type {kind} [json-pointer:/view/type]")
        if len(json.dumps(content).encode()) > LARGEST_VIEW:
            raise Refusal("view_too_large")
        taken = {view.content.get("external_id") for view in self.state.views.values() if view is not but}
        if content.get("external_id") and content["external_id"] in taken:
            raise Refusal("duplicate_external_id")
        return numbered(content)

    def _new(self, caller: Caller, content: Answer, user_id: str) -> View:
        view_id = self.state.new_id("V")
        view = View(view_id, caller.app_id, content, self._hash(), user_id, root=view_id)
        self.state.views[view_id] = view
        return view

    def _replace(self, action: str, view: View, content: Answer, known_hash: str) -> Answer:
        if known_hash and known_hash != view.hash:
            raise Refusal("hash_conflict")
        if content == view.content:
            return {"view": self.shown(view)}
        view.content, view.hash = content, self._hash()
        return self._show(action, view)

    def _hash(self) -> str:
        return f"{self.state.now()}.{self.state.new_id('H').lower()}"

    def _show(self, action: str, view: View) -> Answer:
        user = f"@{self.state.user_name(view.user_id)}"
        self.state.world.record("slack", action, user, id=view.id, user=view.user_id, view=view.content)
        return {"view": self.shown(view)}

    def shown(self, view: View) -> Answer:
        """Gives a view as Slack's JSON has it."""
        return view.content | {
            "id": view.id,
            "team_id": self.state.team["id"],
            "app_id": view.app_id,
            "hash": view.hash,
            "state": {"values": {}},
            "root_view_id": view.root,
            "previous_view_id": view.previous,
        }
