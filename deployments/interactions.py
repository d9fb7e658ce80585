"""Reads what people do with forms in Slack: a shortcut or a button that opens one, and a modal that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.deliveries import SLACK_ID, SLACK_TS, WORD, Malformed, Reader, slack_payload
from policies.events import FormAsked, FormSent, SlackCommand
from policies.slack_forms import ON_MESSAGE, OPEN
from policies.slack_modals import ACTION, Answer

PROCEDURE = r"[a-z][a-z0-9-]{0,79}"
TRIGGER = r"[\w.]{1,100}"
PATH = r"[a-z_][a-z0-9_.]{0,199}"
WRITTEN = r"(?s)[^\x00\ud800-\udfff]{0,3000}"
MOST_FIELDS = 100


@dataclass(frozen=True)
class FormSubmission:
    """A form as it was sent: its fields by the parameter's path, and what stood in them when it opened."""

    sent: FormSent
    team: str
    answers: Mapping[str, Answer]
    private_metadata: str

    def not_now(self, sentence: str) -> Mapping[str, Any]:
        """Gives the answer that has Slack say something under the form's first field; what was typed stays."""
        return {"response_action": "errors", "errors": {next(iter(self.answers), ""): sentence}}


Asked = SlackCommand | FormAsked | FormSubmission  # what is answered at once


def form_interaction(body: bytes) -> FormAsked | FormSubmission | None:
    """Reads `payload=` of an interaction; None when it is not about a form.

    Raises:
        Malformed
    """
    said = slack_payload(body)
    match said.text("type", WORD):
        case "shortcut" | "message_action":
            return _shortcut(said)
        case "view_submission":
            return _submission(said)
        case "block_actions":
            return _button(said)
        case _:
            return None


def _shortcut(said: Reader) -> FormAsked:
    name = said.text("callback_id", PROCEDURE).removesuffix(ON_MESSAGE)
    message = said.inside("message")
    ts = said.text("message_ts", SLACK_TS, "") or message.text("ts", SLACK_TS, "")
    return _asked(said, name, said.inside("channel"), message.text("thread_ts", SLACK_TS, "") or ts)


def _button(said: Reader) -> FormAsked | None:
    pressed = [each for each in said.many("actions") if each.text("action_id", WORD).startswith(OPEN)]
    if not pressed:
        return None
    return _asked(said, pressed[0].text("value", PROCEDURE), said.inside("channel"), "")


def _asked(said: Reader, procedure: str, channel: Reader, message_ts: str) -> FormAsked:
    user = said.inside("user")
    return FormAsked(
        procedure,
        user.text("id", SLACK_ID),
        user.text("team_id", SLACK_ID, ""),
        said.text("trigger_id", TRIGGER),
        channel.text("id", SLACK_ID, ""),
        message_ts,
    )


def _submission(said: Reader) -> FormSubmission:
    user, view = said.inside("user"), said.inside("view")
    sent = FormSent(view.text("callback_id", PROCEDURE), view.text("id", SLACK_ID), user.text("id", SLACK_ID))
    values = view.inside("state").inside("values")
    if len(values.names()) > MOST_FIELDS:
        raise Malformed(f"The form has more than {MOST_FIELDS} fields.")
    names = [Reader({"path": name}).text("path", PATH) for name in values.names()]
    answers = {name: _answer(values.inside(name).inside(ACTION)) for name in names}
    return FormSubmission(sent, user.text("team_id", SLACK_ID, ""), answers, view.text("private_metadata", WRITTEN, ""))


def _answer(element: Reader) -> Answer:
    """Reads one field. https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    match element.text("type", WORD):
        case "plain_text_input" | "number_input":
            return element.text("value", WRITTEN, "")
        case "static_select":
            chosen = element.inside("selected_option")
            return chosen.text("value", WRITTEN, "")
        case "checkboxes" | "multi_static_select":
            return [each.text("value", WRITTEN) for each in element.many("selected_options")]
        case "datepicker":
            return element.text("selected_date", r"\d{4}-\d{2}-\d{2}", "")
        case kind:
            raise Malformed(f'"{kind}" is no field of our forms.')
