"""What a person can do with an element of a message or a view, as Slack's payloads tell it.

Sources: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload, .../view-interactions-payload
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.slack_state import Answer

Element = Mapping[str, Any]
Value = str | int | list[str] | None

_ONE_OPTION = {"static_select", "radio_buttons", "overflow"}
_MANY_OPTIONS = {"multi_static_select", "checkboxes"}
_NAMED = {
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_INITIAL = {
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_users": "initial_users",
    "selected_conversation": "initial_conversation",
    "selected_channel": "initial_channel",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "value": "initial_value",
}


def elements(blocks: Sequence[Element]) -> Iterator[tuple[Element, Element]]:
    """Gives each element that a person can use, with its block."""
    for block in blocks:
        own = [block[part] for part in ("accessory", "element") if part in block]
        for element in (*own, *(block["elements"] if block["type"] == "actions" else ())):
            if "action_id" in element:
                yield block, element


def pressed(blocks: Sequence[Element], action_id: str, value: Value) -> tuple[Element, Element]:
    """Finds what a person means by an action, and of several buttons with one action the one with this value.

    Raises:
        ValueError: it isn't there.
    """
    usable = list(elements(blocks))
    for block, element in usable:
        is_another = element["type"] == "button" and value is not None and element.get("value") != value
        if element["action_id"] == action_id and not is_another:
            return block, element
    there = ", ".join(f'"{element["action_id"]}" {element.get("value", "")}'.strip() for _, element in usable)
    raise ValueError(f'No action "{action_id}" with this value here. There is: {there or "nothing to press"}.')


def action(block: Element, element: Element, value: Value, action_ts: str) -> Answer:
    """Gives one entry of `actions`."""
    told = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    if element["type"] == "button":
        return (
            told
            | {name: element[name] for name in ("text", "value", "style") if name in element}
            | {"action_ts": action_ts}
        )
    return told | chosen(element, value) | {"action_ts": action_ts}


def chosen(element: Element, value: Value) -> Answer:
    """Gives what was chosen or written, under the name that Slack has for it.

    Raises:
        ValueError: it isn't among what the element offers.
    """
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"selected_option": _option(element, value) if not _is_empty(value) else None}
    if kind in _MANY_OPTIONS:
        return {"selected_options": [_option(element, each) for each in _many(value)]}
    if kind == "multi_users_select":
        return {"selected_users": _many(value)}
    return {_NAMED.get(kind, "value"): None if _is_empty(value) else value}


def _many(value: Value) -> list[str]:
    if isinstance(value, list):
        return value
    return [] if _is_empty(value) else [str(value)]


def _is_empty(value: object) -> bool:
    return value is None or value == "" or value == []


def _option(element: Element, value: Value) -> Element:
    groups = element.get("option_groups", [])
    offered = [*element.get("options", []), *(option for group in groups for option in group["options"])]
    for option in offered:
        if option.get("value") == value:
            return option
    there = ", ".join(f'"{option.get("value")}"' for option in offered)
    raise ValueError(f'"{element["action_id"]}" does not offer "{value}". It offers {there}.')


# Views


def filled_in(blocks: Sequence[Element], values: Mapping[str, Value]) -> Answer:
    """Gives `state.values` of a view that a person filled in; `values` is by block_id or action_id.

    Raises:
        ValueError: a field isn't there, one that is needed is empty, or a text is too short or too long.
    """
    fields = [(block, element) for block, element in elements(blocks) if element["type"] not in {"button", "overflow"}]
    known = {name for block, element in fields for name in (block["block_id"], element["action_id"])}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"The view has no field {unknown}. It has {sorted(known)}.")
    state: Answer = {}
    for block, element in fields:
        given = _given(block, element, values)
        _check(block, element, given)
        state.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], **given}
    return state


def _given(block: Element, element: Element, values: Mapping[str, Value]) -> Answer:
    for name in (element["action_id"], block["block_id"]):
        if name in values:
            return chosen(element, values[name])
    return {name: element.get(_INITIAL[name], empty) for name, empty in chosen(element, None).items()}


def _check(block: Element, element: Element, given: Answer) -> None:
    value = next(iter(given.values()))
    if block["type"] == "input" and not block.get("optional") and _is_empty(value):
        raise ValueError(f'"{block["label"]["text"]}" is empty. Fill it in ("{block["block_id"]}").')
    if element["type"] == "number_input" and value:
        _check_number(block, element, str(value))
    shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
    if isinstance(value, str) and value and not shortest <= len(value) <= longest:
        name = block["label"]["text"] if block["type"] == "input" else element["action_id"]
        raise ValueError(f'"{name}" takes {shortest} to {longest} characters; this has {len(value)}.')


def _check_number(block: Element, element: Element, value: str) -> None:
    """Takes numbers only, as Slack's client does, and those between the element's bounds."""
    whole = r"-?\d+" if not element["is_decimal_allowed"] else r"-?\d+(\.\d+)?"
    least, most = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    if not re.fullmatch(whole, value) or not least <= float(value) <= most:
        raise ValueError(f'"{block["label"]["text"]}" takes a number from {least:g} to {most:g}; this is "{value}".')
