"""Block Kit as Slack checks it: types, required parts, limits.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

# What comes from outside is walked as it is, of unknown shape.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST_BLOCKS = 50
ELEMENT_TYPES = {
    "button",
    "static_select",
    "plain_text_input",
    "datepicker",
    "overflow",
    "checkboxes",
    "radio_buttons",
    "users_select",
    "image",
    "number_input",
}


def problems(blocks: Any) -> list[str]:
    """Gives what Slack would refuse, each as `message [json-pointer]`; nothing when all is well."""
    if not isinstance(blocks, list):
        return ["must be an array [json-pointer:/blocks]"]
    listed: Sequence[Any] = blocks
    found = [f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]"] if len(listed) > MOST_BLOCKS else []
    for number, block in enumerate(listed):
        found += [f"{problem} [json-pointer:/blocks/{number}]" for problem in _block(block)]
    actions = [element.get("action_id") for element in _elements(listed) if element.get("action_id")]
    if len(actions) != len(set(actions)):
        found.append("action_id must be unique [json-pointer:/blocks]")
    return found


def _elements(blocks: Sequence[Any]) -> list[Mapping[str, Any]]:
    nested: list[Mapping[str, Any]] = []
    for block in blocks:
        nested += [element for element in block.get("elements", []) if isinstance(element, dict)]
        nested += [block[key] for key in ("accessory", "element") if isinstance(block.get(key), dict)]
    return nested


def _block(block: Any) -> list[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in CHECKS:
        return ["invalid block type"]
    return CHECKS[kind](block)


def _header(block: Mapping[str, Any]) -> list[str]:
    return _text(block.get("text"), 150, plain=True)


def _context(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements") or []
    if not 0 < len(elements) <= 10:
        return ["context must have 1 to 10 elements"]
    return [problem for each in elements if each.get("type") != "image" for problem in _text(each, 3000)]


def _actions(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements") or []
    if not 0 < len(elements) <= 25:
        return ["actions must have 1 to 25 elements"]
    return [problem for each in elements for problem in _element(each)]


def _image(block: Mapping[str, Any]) -> list[str]:
    return [f"missing {key} in image block" for key in ("image_url", "alt_text") if not block.get(key)]


def _input(block: Mapping[str, Any]) -> list[str]:
    return [*_text(block.get("label"), 2000, plain=True), *_element(block.get("element"))]


def _nothing(_: Mapping[str, Any]) -> list[str]:
    return []


def _section(block: Mapping[str, Any]) -> list[str]:
    text, fields = block.get("text"), block.get("fields", [])
    if not text and not fields:
        return ["section must have text or fields"]
    found = _text(text, 3000) if text else []
    if len(fields) > 10:
        found.append("no more than 10 items allowed in fields")
    found += [problem for each in fields for problem in _text(each, 2000)]
    return found + (_element(block["accessory"]) if "accessory" in block else [])


def _text(text: Any, most: int, *, plain: bool = False) -> list[str]:
    allowed = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
    if not isinstance(text, dict) or text.get("type") not in allowed or not isinstance(text.get("text"), str):
        return [f"must be a text object of type {' or '.join(sorted(allowed))}"]
    length = len(text["text"])
    if not length:
        return ["must be more than 0 characters"]
    return [f"must be less than {most + 1} characters"] if length > most else []


def _element(element: Any) -> list[str]:
    if not isinstance(element, dict) or element.get("type") not in ELEMENT_TYPES:
        return ["unsupported type of element"]
    if element["type"] != "button":
        return []
    found = _text(element.get("text"), 75, plain=True)
    if len(element.get("value", "")) > 2000:
        found.append("value must be less than 2001 characters")
    if len(element.get("url", "")) > 3000:
        found.append("url must be less than 3001 characters")
    return found


CHECKS: Mapping[Any, Callable[[Mapping[str, Any]], list[str]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "divider": _nothing,
    "rich_text": _nothing,
    "table": _nothing,
}
