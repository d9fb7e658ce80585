"""Words a procedure's form as a modal in Slack, and reads what a person has filled in.

https://docs.slack.dev/reference/views, https://docs.slack.dev/reference/block-kit/blocks/input-block
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from policies.foreign_text import escape_slack
from policies.parameter_form import OPTION, Field, Heading, Layout

TITLE, TEXT, LABEL = 24, 3_000, 2_000  # characters
ACTION = "value"  # of the one element of each block; the block's id is the parameter's path
YES = "yes"

Filled = Mapping[str, str]  # what stands in fields when the modal opens, by path
Answer = str | Sequence[str] | None


class OtherForm(Exception):
    """What was sent does not have the fields of this form: it was opened before the procedure changed."""


# -- the modal


def view(form: Layout, procedure: str, title: str, about: str, prefect: str, filled: Filled) -> dict[str, Any]:
    """Gives the modal of a form.

    about: what the procedure does. prefect: the address of its form in Prefect.
    """
    told = escape_slack(about).strip()
    blocks: list[dict[str, Any]] = [_section(told)] if told else []
    if form.missing:
        needed = ", ".join(form.missing)
        said = f"Slack can't show what this needs ({needed}). Start it from <{prefect}|its form in Prefect>."
        return notice(title, [said], escaped=True, above=blocks)
    for part in form.parts:
        blocks += _heading(part) if isinstance(part, Heading) else [_input(part, filled.get(part.path))]
    left_out = f" Left out here, as they stand: {escape_slack(', '.join(form.left_out))}." if form.left_out else ""
    more = f"For more than {TEXT} characters in a field there is <{prefect}|the form in Prefect>.{left_out}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": more[:TEXT]}]})
    return {
        "type": "modal",
        "callback_id": procedure,
        "title": _plain(title, TITLE),
        "submit": _plain("Start", TITLE),
        "close": _plain("Cancel", TITLE),
        "private_metadata": json.dumps(dict(filled)),
        "blocks": blocks,
    }


def notice(
    title: str, sentences: Sequence[str], *, escaped: bool = False, above: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Gives a modal that says something and asks nothing."""
    said = "\n".join(sentences if escaped else map(escape_slack, sentences))
    return {
        "type": "modal",
        "title": _plain(title, TITLE),
        "close": _plain("Close", TITLE),
        "blocks": [*above, _section(said)],
    }


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text if len(text) <= most else f"{text[: most - 1]}…"}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:TEXT]}}


def _heading(part: Heading) -> list[dict[str, Any]]:
    said = [part.help, "Leave all of it as it is when there is nothing to say." if part.may_stay_out else ""]
    told = escape_slack(" ".join(each for each in said if each))
    return [{"type": "divider"}, _section(f"*{escape_slack(part.label)}*\n{told}".strip())]


def _input(field: Field, filled: str | None) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "input",
        "block_id": field.path,
        "label": _plain(field.label, LABEL),
        "element": _element(field, field.default if filled is None else filled) | {"action_id": ACTION},
        "optional": not field.is_required or field.kind == "switch",
    }
    told = " ".join(each for each in (field.help, "One a line." if field.kind == "lines" else "") if each)
    is_told = field.kind == "switch" and len(told) <= OPTION  # beside the box
    return block | ({"hint": _plain(told, LABEL)} if told and not is_told else {})


def _element(field: Field, initial: Any) -> dict[str, Any]:
    match field.kind:
        case "switch":
            option = _option(YES, field.help if 0 < len(field.help) <= OPTION else field.label)
            return {"type": "checkboxes", "options": [option]} | ({"initial_options": [option]} if initial else {})
        case "choice":
            options = [_option(str(choice)) for choice in field.choices]
            chosen = [each for each in options if initial is not None and each["value"] == str(initial)]
            return {"type": "static_select", "options": options} | ({"initial_option": chosen[0]} if chosen else {})
        case "choices":
            options = [_option(str(choice)) for choice in field.choices]
            chosen = [each for each in options if each["value"] in map(str, initial or ())]
            element = {"type": "multi_static_select", "options": options, "max_selected_items": len(options)}
            return element | ({"initial_options": chosen} if chosen else {})
        case "whole" | "number":
            named = zip(("min_value", "max_value"), field.bounds, strict=True)
            bounds = {name: str(bound) for name, bound in named if bound is not None}
            element = {"type": "number_input", "is_decimal_allowed": field.kind == "number"}
            return element | bounds | _initially("initial_value", initial)
        case "day":
            return {"type": "datepicker"} | _initially("initial_date", initial)
        case _:
            return _text_input(field, initial)


def _text_input(field: Field, initial: Any) -> dict[str, Any]:
    if field.kind == "lines":
        return {"type": "plain_text_input", "multiline": True} | _initially("initial_value", "\n".join(initial or ()))
    least, most = field.bounds
    longest = min(most or TEXT, TEXT)
    bounds = {"max_length": longest} | ({"min_length": least} if least and least <= longest else {})
    is_long = field.kind == "long" or OPTION * 2 < longest < TEXT
    return {"type": "plain_text_input", "multiline": is_long} | bounds | _initially("initial_value", initial)


def _option(value: str, text: str = "") -> dict[str, Any]:
    return {"text": _plain(text or value, OPTION), "value": value}


def _initially(name: str, initial: Any) -> dict[str, Any]:
    return {name: str(initial)[:TEXT]} if initial not in (None, "") else {}


# -- what was filled in


def filled_before(private_metadata: str) -> Filled:
    """Reads what stood in fields when the modal opened; nothing when it is none of ours."""
    try:
        found = json.loads(private_metadata or "{}")
    except ValueError:
        return {}
    named = cast("Mapping[str, object]", found if isinstance(found, dict) else {})
    return {path: value for path, value in named.items() if isinstance(value, str)}


def parameters(form: Layout, answers: Mapping[str, Answer], filled: Filled) -> dict[str, Any]:
    """Gives the parameters that a person has filled in; what was left empty is not among them.

    answers: by path. filled: what stood in fields before.

    Raises:
        OtherForm
    """
    if set(answers) != {field.path for field in form.fields}:
        raise OtherForm("The form has changed since it was opened. Copy what you wrote, and open it again.")
    untouched = [part.path for part in form.parts if isinstance(part, Heading) and part.may_stay_out]
    untouched = [path for path in untouched if not _is_touched(form, path, answers, filled)]
    said: dict[str, Any] = {}
    for field in form.fields:
        value = _value(field, answers[field.path])
        if value is not None and not any(field.path.startswith(f"{path}.") for path in untouched):
            put(said, field.path, value)
    return said


def put(said: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value at a path of parameters."""
    *models, name = path.split(".")
    for model in models:
        said = said.setdefault(model, {})
    said[name] = value


def _is_touched(form: Layout, path: str, answers: Mapping[str, Answer], filled: Filled) -> bool:
    inside = [field for field in form.fields if field.path.startswith(f"{path}.")]
    return any(_differs(field, answers[field.path], filled.get(field.path)) for field in inside)


def _differs(field: Field, answer: Answer, filled: str | None) -> bool:
    value = _value(field, answer)
    if field.kind == "switch":
        return value != bool(field.default)
    return (value or None) != (filled or field.default or None)


def _value(field: Field, answer: Answer) -> Any:
    """Gives a field's value; None for what is empty and has no other word for that."""
    many = [] if answer is None or isinstance(answer, str) else list(answer)
    text = answer if isinstance(answer, str) else ""
    match field.kind:
        case "switch":
            return YES in many
        case "choice":
            return next((choice for choice in field.choices if str(choice) == text), text or None)
        case "choices":
            return [choice for choice in field.choices if str(choice) in many] or None
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()] or None
        case "whole" | "number":
            return _number(text)
        case _:
            return text if text or field.default else None  # a text that stood there may be taken out


def _number(text: str) -> int | float | str | None:
    try:
        found = float(text)
        return int(text) if found.is_integer() and "." not in text else found if math.isfinite(found) else text
    except ValueError:
        return text or None


# -- what is wrong


def errors(form: Layout, problems: Sequence[tuple[str, str]], answers: Mapping[str, Answer]) -> dict[str, str]:
    """Gives Slack's `errors`: the sentences by the block that they are shown under.

    problems: the path of a parameter, or "" where only the sentence tells what it is about; and the sentence.
    """
    found: dict[str, list[str]] = {}
    for path, sentence in problems:
        found.setdefault(_block(form, path, sentence, answers), []).append(sentence)
    return {block: " ".join(dict.fromkeys(sentences))[:LABEL] for block, sentences in found.items()}


def _block(form: Layout, path: str, sentence: str, answers: Mapping[str, Answer]) -> str:
    fields = form.fields
    at = [each.path for each in fields if each.path == path or path.startswith(f"{each.path}.")]
    below = [each.path for each in fields if path and each.path.startswith(f"{path}.")]
    quoted = [each.path for each in fields if answers.get(each.path) and f'"{answers[each.path]}"' in sentence]
    named = sorted((each for each in fields if _names(sentence, each)), key=lambda each: -len(each.label))
    return [*at, *quoted, *(each.path for each in named), *below, fields[0].path][0]


def _names(sentence: str, field: Field) -> bool:
    said, name = sentence.lower(), field.path.rpartition(".")[2]
    return field.label.lower() in said or f"field {name} " in said


def sentence(kind: str, message: str, field_help: str, context: Mapping[str, Any]) -> str:
    """Words one of pydantic's errors.

    kind, message, context: pydantic's `type`, `msg` and `ctx`. field_help: what the field says of itself.
    """
    match kind:
        case "missing":
            return "Fill this in."
        case "string_too_long":
            return f"At most {context['max_length']} characters fit. Shorten it."
        case "string_too_short":
            return f"It needs {context['min_length']} characters or more."
        case "string_pattern_mismatch":
            return f"This is not what belongs here. {field_help}".strip()
        case "value_error":
            return str(context["error"])
        case _:
            return f"{message}. {field_help}".strip()
