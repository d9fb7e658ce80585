"""Reports, as Prefect and Slack show them."""

from __future__ import annotations

from policies.report import SLACK_ROWS, Button, Link, Report


def test_a_table_survives_pipes_and_line_breaks() -> None:
    shown = Report("Title", ["One."], ("Where", "What"), [(Link("a|b", "http://x"), "two\nlines")]).markdown()
    assert "| [a\\|b](http://x) | two lines |" in shown


def test_a_report_without_rows_has_no_table() -> None:
    assert "|" not in Report("Title", ["All is well."], ("Where",)).markdown()


def test_foreign_text_cannot_call_a_channel_in_slack() -> None:
    blocks = str(Report("Title", ["<!channel> & co"], ("Where",), [("<@U1>",)]).slack_blocks())
    assert "<!channel>" not in blocks
    assert "<@U1>" not in blocks
    assert "&lt;!channel&gt; &amp; co" in blocks


def test_a_long_report_stays_within_slacks_limits_and_says_what_it_leaves_out() -> None:
    rows = [(f"row {number}", "x" * 5000) for number in range(200)]
    blocks = Report("T" * 300, ["One."], ("Where", "What"), rows).slack_blocks()
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
    assert f"and {200 - SLACK_ROWS} more" in str(blocks[-1])


EVIL = "https://fleetdm.slack.com/archives/C1/p1?a|b>_<!channel> (x)"


def test_the_address_of_a_link_can_neither_end_it_nor_call_anybody_in_slack() -> None:
    row = Report("T", ["S"], ("Where",), [(Link("here", EVIL),)]).slack_blocks()[-1]
    assert row["text"]["text"] == "*<https://fleetdm.slack.com/archives/C1/p1?a%7Cb%3E_%3C!channel%3E%20%28x%29|here>*"


def test_the_address_of_a_link_breaks_no_table() -> None:
    shown = Report("T", ["S"], ("Where",), [(Link("here", EVIL),)]).markdown()
    assert "| [here](https://fleetdm.slack.com/archives/C1/p1?a%7Cb%3E_%3C!channel%3E%20%28x%29) |" in shown


def test_an_ordinary_address_stays_as_it_is() -> None:
    url = "https://github.com/fleetdm/fleet/issues?q=is%3Aopen+label:bug&a=1#issuecomment-99"
    assert f"({url})" in Report("T", ["S"], ("Where",), [(Link("here", url),)]).markdown()


def test_a_row_has_its_buttons_below_it_and_a_long_list_still_fits_a_message() -> None:
    rows = [(f"row {number}",) for number in range(200)]
    pressed = [[Button("Yes", "yes", row), Button("No", "no", row)] if row != "row 1" else [] for (row,) in rows]
    blocks = Report("Title", ["One."], ("Where",), rows, row_buttons=pressed).slack_blocks()
    assert [block["type"] for block in blocks[2:6]] == ["section", "actions", "section", "section"]
    assert [each["value"] for each in blocks[3]["elements"]] == ["row 0", "row 0"]
    assert len(blocks) <= 50
