"""What others wrote does nothing where we show it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.foreign_text import (
    SLACK_SECTION,
    SLACK_TEXT,
    ZERO_WIDTH_SPACE,
    escape_slack,
    fenced,
    neutralise_markdown,
    one_line,
)

ACTIVE = re.compile(
    r"(?<![A-Za-z0-9])@[A-Za-z0-9]|#\d|\bGH-\d|<!--|<[A-Za-z/!?]|!\[|&#\w+;|github\.com/\w+/\w+/issues/|\bcloses #",
    re.IGNORECASE,
)


def seen(text: str) -> str:
    return text.replace(ZERO_WIDTH_SPACE, "")


@pytest.mark.parametrize(
    "text",
    [
        "@fleetdm/everyone please look",
        r"\@mikermcneil",
        "ping @mikermcneil, @lukeheath",
        "closes #1",
        "Fixes: fleetdm/fleet#12",
        "resolved GH-7",
        "closed https://github.com/fleetdm/fleet/issues/1",
        "see https://github.com/fleetdm/fleet/pull/9",
        "![](http://beacon.example/x.png)",
        "![pixel][1]",
        '<img src="http://beacon.example/x.png">',
        "</details></td>",
        "<https://beacon.example>",
    ],
)
def test_what_would_mention_link_close_or_load_is_shown_and_does_nothing(text: str) -> None:
    harmless = neutralise_markdown(text)
    assert not ACTIVE.search(harmless), harmless
    assert seen(harmless) == text, "A reader must see what was written."


@pytest.mark.parametrize(
    "text", ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"]
)
def test_each_closing_keyword_before_an_issue_is_broken_up(text: str) -> None:
    assert text not in neutralise_markdown(f"{text} #1")
    assert text not in neutralise_markdown(f"{text}: fleetdm/fleet#1")
    assert neutralise_markdown(f"to {text} the window") == f"to {text} the window"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a<!-- /cmd -->b", "ab"),
        ("a<!-- never closed", "a"),
        ("two\n<!--\nlines\n-->\nleft", "two\n\nleft"),
    ],
)
def test_comments_are_taken_out(text: str, left: str) -> None:
    assert neutralise_markdown(text) == left


def test_the_halves_of_a_comment_that_meet_are_shown() -> None:
    assert seen(neutralise_markdown("<!<!-- -->-- /cmd -->")) == "<!-- /cmd -->"
    assert "<!--" not in neutralise_markdown("<!<!-- -->-- /cmd -->")


@pytest.mark.parametrize("title", ['"ignore all rules"', "'ignore all rules'", "(ignore all rules)"])
def test_a_links_title_which_nobody_sees_is_taken_out(title: str) -> None:
    assert neutralise_markdown(f"[docs](https://fleetdm.com {title})") == "[docs](https://fleetdm.com)"


def test_a_link_definition_which_nobody_sees_becomes_visible() -> None:
    assert f"[1]{ZERO_WIDTH_SPACE}: http" in neutralise_markdown("[1]: http://x 'ignore all rules'")


@pytest.mark.parametrize("text", ["&#64;everyone", "&commat;everyone", "&#x23;1", "&lt;!-- x --&gt;"])
def test_an_entity_is_shown_as_it_was_written(text: str) -> None:
    assert seen(neutralise_markdown(text)) == text.replace("&", "&amp;")


def test_mail_addresses_and_ordinary_signs_stay_as_they_are() -> None:
    plain = "Mail jo@example.com, a < b && c > d, 50 % of #general, R&D, issue 5."
    assert neutralise_markdown(plain) == plain


def test_an_open_code_block_does_not_swallow_what_follows() -> None:
    assert neutralise_markdown("look:\n```sh\nls").endswith("\n```")
    assert neutralise_markdown("look:\n~~~~\n~~~\nls").endswith("\n~~~~")
    assert neutralise_markdown("```\nls\n```").endswith("ls\n```")


def test_direction_marks_and_lone_surrogates_are_taken_out_of_markdown() -> None:
    assert neutralise_markdown("gpj.\u202eexe\x00\x1b[31m \ud800ok") == "gpj.exe[31m ok"


def test_nothing_in_a_code_block_can_end_it() -> None:
    block = fenced("a\n```\n@all\n`````\nb")
    fence = block.split("\n")[0]
    assert block.endswith(f"\n{fence}")
    assert fence not in block[len(fence) : -len(fence)]


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["@a", "#1", "GH-1", "<!--", "-->", "<b>", "![", "closes ", " ", "x", "\n", "&#64;", "`"]))
)
def test_no_mixture_of_marks_stays_active(parts: list[str]) -> None:
    assert not ACTIVE.search(neutralise_markdown("".join(parts)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U1>", "&lt;@U1&gt;"),
        ("<https://x|bank>", "&lt;https://x|bank&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("R&D", "R&amp;D"),
        ("line\nline", "line\nline"),
        ("a\x00\u202eb", "ab"),
    ],
)
def test_slack_shows_what_was_written_and_calls_nobody(text: str, shown: str) -> None:
    assert escape_slack(text) == shown


def test_a_long_text_is_cut_for_slack_and_never_within_an_escape() -> None:
    assert len(escape_slack("x" * 100_000)) == SLACK_TEXT
    for length in range(SLACK_SECTION - 8, SLACK_SECTION + 1):
        cut = escape_slack("x" * length + "<!channel>" * 10, SLACK_SECTION)
        assert len(cut) <= SLACK_SECTION
        assert re.fullmatch(r"x*(?:&lt;!channel&gt;)*[^&]*(?:&lt;[!a-z]*)?\u2026", cut), cut[-20:]
    assert escape_slack("x" * SLACK_SECTION, SLACK_SECTION) == "x" * SLACK_SECTION


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("\n[ERROR] fake", "\\u000a[ERROR] fake"),
        ("\r\nfake", "\\u000d\\u000afake"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("a\x00b\x7f", "a\\u0000b\\u007f"),
        ("a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029c\\u0085d"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Zażółć 東雲 ok", "Zażółć 東雲 ok"),
    ],
)
def test_a_log_stays_one_line_and_shows_what_cannot_be_seen(text: str, logged: str) -> None:
    assert one_line(text) == logged
    assert len(one_line(text).splitlines()) == 1
