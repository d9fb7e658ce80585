"""Modals: within Slack's limits as its stand-in checks them, and read back into what the procedure takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import parameter_form
from policies.parameter_form import Field, Heading, Layout
from policies.slack_modals import (
    LABEL,
    YES,
    Answer,
    OtherForm,
    errors,
    filled_before,
    notice,
    parameters,
    sentence,
    view,
)
from sandbox.slack_blocks import view_problems

URL = "http://127.0.0.1:4200/deployments"
KINDS = [
    Field("text", "Text", "text", True, "A word.", None, (), (2, 20)),
    Field("long", "Long", "long", False, "", ""),
    Field("choice", "Choice", "choice", False, "", 2, (1, 2)),
    Field("choices", "Choices", "choices", False, "", ["a"], ("a", "b")),
    Field("switch", "Switch", "switch", False, "Say so.", True),
    Field("whole", "Whole", "whole", False, "", 5, (), (1, 60)),
    Field("number", "Number", "number", False, "", None, (), (0.5, None)),
    Field("lines", "Lines", "lines", False, "", ["x", "y"]),
    Field("day", "Day", "day", False, "", "2026-11-27"),
]
FORM = Layout(KINDS)
EMPTY: dict[str, Answer] = {
    "text": "",
    "long": "",
    "choice": "",
    "choices": [],
    "switch": [],
    "whole": "",
    "number": "",
    "lines": "",
    "day": "",
}


def shown(form: Layout, filled: Mapping[str, str] | None = None, title: str = "A form") -> dict[str, Any]:
    made = view(form, "a-procedure", title, "It does *something* for <!channel>.", URL, filled or {})
    assert view_problems(made) == []
    return made


def elements(made: Mapping[str, Any]) -> dict[str, Any]:
    return {block["block_id"]: block["element"] for block in made["blocks"] if block["type"] == "input"}


def test_each_kind_is_shown_with_what_it_is_when_nobody_touches_it() -> None:
    found = elements(shown(FORM))
    assert (found["text"]["min_length"], found["text"]["max_length"]) == (2, 20)
    assert (found["text"]["multiline"], found["long"]["multiline"]) == (False, True)
    assert found["choice"]["initial_option"]["value"] == "2"
    assert [each["value"] for each in found["choices"]["initial_options"]] == ["a"]
    assert found["switch"]["initial_options"][0]["text"]["text"] == "Say so."
    assert (found["whole"]["min_value"], found["whole"]["max_value"], found["whole"]["initial_value"]) == (
        "1",
        "60",
        "5",
    )
    assert (found["number"]["is_decimal_allowed"], found["number"]["min_value"]) == (True, "0.5")
    assert found["lines"]["initial_value"] == "x\ny"
    assert found["day"]["initial_date"] == "2026-11-27"


def test_a_box_may_stay_empty_although_its_parameter_is_needed() -> None:
    made = shown(Layout([Field("sure", "Sure", "switch", True)]))
    assert made["blocks"][1]["optional"]
    assert "initial_options" not in elements(made)["sure"]


def test_what_was_asked_about_stands_in_its_field_and_is_remembered() -> None:
    made = shown(FORM, {"long": "https://example.slack.com/archives/C1/p1"})
    assert elements(made)["long"]["initial_value"] == "https://example.slack.com/archives/C1/p1"
    assert filled_before(made["private_metadata"]) == {"long": "https://example.slack.com/archives/C1/p1"}
    assert filled_before("no JSON") == filled_before("[1]") == filled_before('{"a": 1}') == filled_before("") == {}


def test_foreign_words_mention_nobody() -> None:
    made = shown(Layout([Heading("m", "M <!here>", "<@U1>", may_stay_out=True), Field("m.x", "X", "text", False)]))
    assert "<!" not in str(made["blocks"][0])
    assert "<!" not in str(made["blocks"][2])
    assert "<@" not in str(made["blocks"][2])


def test_what_slack_cannot_show_leads_to_prefects_form() -> None:
    made = shown(Layout(KINDS, ["Table"]))
    assert "Left out here, as they stand: Table." in made["blocks"][-1]["elements"][0]["text"]
    impossible = shown(Layout(KINDS, ["Table"], ["Table"]))
    assert "submit" not in impossible
    assert f"(Table). Start it from <{URL}|its form in Prefect>." in impossible["blocks"][-1]["text"]["text"]


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.lists(st.text("ab", min_size=1, max_size=75), min_size=1, max_size=100, unique=True))
def test_no_words_make_a_modal_that_slack_refuses(title: str, label: str, told: str, choices: list[str]) -> None:
    long = told * 30
    parts = [
        Heading("m", label, long, may_stay_out=True),
        Field("m.a", label, "text", False, long, long),
        Field("m.b", label * 20, "choice", False, long, choices[0], choices),
        Field("m.c", label, "switch", False, long, True),
        Field("m.d", label, "choices", False, told, choices, choices),
    ]
    assert view_problems(view(Layout(parts), "a-procedure", title, long, URL, {})) == []
    assert view_problems(notice(title, [long] * 5)) == []


# -- what was filled in


def test_each_kind_is_read_as_the_procedure_takes_it() -> None:
    said: dict[str, Answer] = {
        "text": "hello",
        "long": "one\ntwo",
        "choice": "1",
        "choices": ["b"],
        "switch": [YES],
        "whole": "7",
        "number": "1.5",
        "lines": " x \n\n y",
        "day": "2026-11-27",
    }
    assert parameters(FORM, said, {}) == {
        "text": "hello",
        "long": "one\ntwo",
        "choice": 1,
        "choices": ["b"],
        "switch": True,
        "whole": 7,
        "number": 1.5,
        "lines": ["x", "y"],
        "day": "2026-11-27",
    }


def test_what_was_left_empty_keeps_its_default_but_for_boxes_and_texts_that_were_taken_out() -> None:
    assert parameters(FORM, EMPTY, {}) == {"switch": False, "day": ""}
    stands = Layout([Field("greeting", "Greeting", "text", False, "", "Hello")])
    assert parameters(stands, {"greeting": ""}, {}) == {"greeting": ""}


@pytest.mark.parametrize("text", ["ten", "1e400", "nan", "inf", "", "\u0661", "1_0x"])
def test_no_number_is_left_to_the_model_which_says_what_it_wants(text: str) -> None:
    read = parameters(FORM, EMPTY | {"number": text}, {}).get("number")
    assert read in {text, None, 1}
    assert read == read  # not NaN


def test_a_choice_that_is_not_offered_is_left_to_the_model() -> None:
    assert parameters(FORM, EMPTY | {"choice": "3"}, {})["choice"] == "3"


@pytest.mark.parametrize("answers", [{}, {"text": "x"}, EMPTY | {"press": "x"}], ids=["none", "some", "another"])
def test_a_form_with_other_fields_is_another_form(answers: Mapping[str, Answer]) -> None:
    with pytest.raises(OtherForm, match="open it again"):
        parameters(FORM, answers, {})


NESTED = Layout(
    [
        Field("issue", "Issue", "text", False, "", ""),
        Heading("report", "Report", "", may_stay_out=True),
        Field("report.title", "Title", "text", False),
        Field("report.agent", "Agent", "choice", False, "", None, ("fleetd", "osquery")),
        Field("report.reproduced", "Reproduced", "switch", False, "", True),
        Field("report.message", "Message", "text", False, "", ""),
        Heading("report.details", "Details", "", may_stay_out=False),
        Field("report.details.hosts", "Hosts", "text", False, "", ""),
    ]
)
UNTOUCHED: dict[str, Answer] = {
    "issue": "41",
    "report.title": "",
    "report.agent": "",
    "report.reproduced": [YES],
    "report.message": "",
    "report.details.hosts": "",
}


def test_a_model_that_nobody_touched_is_not_there() -> None:
    assert parameters(NESTED, UNTOUCHED, {}) == {"issue": "41"}
    link = "https://example.slack.com/archives/C1/p1"
    assert parameters(NESTED, UNTOUCHED | {"report.message": link}, {"report.message": link}) == {"issue": "41"}


@pytest.mark.parametrize(
    ("touched", "inside"),
    [
        ({"report.title": "It hangs"}, {"title": "It hangs", "reproduced": True}),
        ({"report.reproduced": []}, {"reproduced": False}),
        ({"report.details.hosts": "12"}, {"reproduced": True, "details": {"hosts": "12"}}),
        ({"report.message": "x"}, {"reproduced": True, "message": "x"}),
    ],
    ids=["a text", "a box that was full", "deeper", "another text than stood there"],
)
def test_a_model_is_there_once_somebody_has_touched_it(touched: dict[str, Answer], inside: dict[str, Any]) -> None:
    assert parameters(NESTED, UNTOUCHED | touched, {})["report"] == inside


# -- what is wrong


def test_a_problem_stands_under_the_field_that_it_is_about() -> None:
    answers = UNTOUCHED | {"report.title": "It hangs"}
    problems = [
        ("report.agent", "Fill this in."),
        ("report", "Both are wrong."),
        ("report.details.hosts.0", "No."),
        ("", '"It hangs" is too short.'),
        ("", "Message is no link."),
        ("", "The field issue has 9 characters."),
        ("", "Nobody knows."),
    ]
    assert errors(NESTED, problems, answers) == {
        "report.agent": "Fill this in.",
        "report.title": 'Both are wrong. "It hangs" is too short.',
        "report.details.hosts": "No.",
        "report.message": "Message is no link.",
        "issue": "The field issue has 9 characters. Nobody knows.",
    }


def test_what_is_wrong_with_a_field_is_said_once_and_fits() -> None:
    assert errors(NESTED, [("issue", "No.")] * 3, UNTOUCHED) == {"issue": "No."}
    assert len(errors(NESTED, [("issue", "No " * 5000)], UNTOUCHED)["issue"]) == LABEL


@pytest.mark.parametrize(
    ("kind", "context", "said"),
    [
        ("missing", {}, "Fill this in."),
        ("string_too_long", {"max_length": 20}, "At most 20 characters fit. Shorten it."),
        ("string_too_short", {"min_length": 2}, "It needs 2 characters or more."),
        ("string_pattern_mismatch", {"pattern": "^x$"}, "This is not what belongs here. Such as x."),
        ("value_error", {"error": ValueError("No such day.")}, "No such day."),
        ("literal_error", {}, "Input should be 'a' or 'b'. Such as x."),
    ],
)
def test_pydantics_errors_are_words(kind: str, context: Mapping[str, Any], said: str) -> None:
    assert sentence(kind, "Input should be 'a' or 'b'", "Such as x.", context) == said


def test_a_schema_becomes_a_modal_and_comes_back() -> None:
    schema = {
        "properties": {"minutes": {"type": "integer", "title": "Minutes", "minimum": 1, "maximum": 60}},
        "required": ["minutes"],
    }
    form = parameter_form.layout(schema)
    (element,) = elements(shown(form)).values()
    assert element["type"] == "number_input"
    assert parameters(form, {"minutes": "30"}, {}) == {"minutes": 30}
