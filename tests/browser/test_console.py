"""The console page in a real browser, with real clients working on the sandbox behind it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from github import Auth, Github
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slack_sdk import WebClient

from tests.conftest import Sandbox

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HELP_CUSTOMERS = "C062D0THVV1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if not executable:
        pytest.skip("No Chromium on this machine. Install the package chromium to run the console's tests.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """The console, open on a sandbox with the empty seed; an error in its scripts fails the test."""
    sandbox.reset()
    errors: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(8000)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(sandbox.url)
    expect(opened.locator("#feed .nothing")).to_be_visible()
    yield opened
    opened.close()
    sandbox.reset()
    assert not errors, f"The page's scripts failed: {errors}"


def create_label(sandbox: Sandbox, name: str, *, confidential: bool = False, description: str = "") -> None:
    """Creates a label as the product does, with PyGithub."""
    which = "confidential" if confidential else "public"
    repository = "fleetdm/confidential" if confidential else "fleetdm/fleet"
    client = Github(
        auth=Auth.Token(f"sandbox-github-{which}"),
        base_url=f"{sandbox.url}/github",
        retry=0,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    try:
        client.get_repo(repository).create_label(name, "5319e7", description)
    finally:
        client.close()


def post_message(sandbox: Sandbox, text: str) -> None:
    client = WebClient("xoxb-sandbox", base_url=f"{sandbox.url}/slack/api/", retry_handlers=[])
    client.chat_postMessage(channel=HELP_CUSTOMERS, text=text)  # pyright: ignore[reportUnknownMemberType]


def feed(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("#feed .text").all_inner_texts()]


def test_an_effect_shows_up_without_a_reload(page: Page, sandbox: Sandbox) -> None:
    create_label(sandbox, "customer-ceres", confidential=True, description="Quillmere Bank")
    item = page.locator("#feed li").first
    expect(item).to_contain_text("GitHub create label customer-ceres in fleetdm/confidential")
    expect(item.locator(".chip")).to_have_text("private")
    create_label(sandbox, "customer-ceres")
    expect(item).to_contain_text("create label customer-ceres in fleetdm/fleet")
    expect(item.locator(".chip")).to_have_text("public")
    expect(page.locator("#count")).to_have_text("2 effects")


def test_the_labels_show_which_repository_still_lacks_one(page: Page, sandbox: Sandbox) -> None:
    create_label(sandbox, "customer-vesta", confidential=True, description="Tarnbrook Logistics")
    row = page.locator("#pane tr", has_text="customer-vesta")
    expect(row.locator("td").nth(1)).to_have_text("✗ not there")
    expect(row.locator("td").nth(2)).to_have_text("✓ Tarnbrook Logistics")
    create_label(sandbox, "customer-vesta", description="A codename.")
    expect(row.locator("td").nth(1)).to_have_text("✓ A codename.")


def test_the_filter_leaves_one_service_in_the_feed(page: Page, sandbox: Sandbox) -> None:
    create_label(sandbox, "customer-ceres")
    post_message(sandbox, "Hello")
    expect(page.locator("#feed .text")).to_have_count(2)
    page.get_by_role("button", name="Slack", exact=True).click()
    expect(page.locator("#feed .text")).to_have_count(1)
    assert "Slack post message" in feed(page)[0]
    create_label(sandbox, "customer-vesta")
    post_message(sandbox, "Hello again")
    expect(page.locator("#feed .text")).to_have_count(2)
    assert all("Slack" in text for text in feed(page))
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator("#feed .text")).to_have_count(4)


def test_an_injected_fault_strikes_the_next_call_and_is_shown_with_it(page: Page, sandbox: Sandbox) -> None:
    page.get_by_role("button", name="Inject a fault").click()
    dialog = page.locator("#fault-dialog")
    dialog.get_by_label("What goes wrong").select_option("reset_after")
    dialog.get_by_label("Service").select_option("github")
    dialog.get_by_label("Method").fill("POST")
    dialog.get_by_role("button", name="Inject", exact=True).click()
    expect(page.locator("#conditions")).to_have_text("Waiting to strike: reset_after on GitHub POST.")
    with pytest.raises(Exception, match="reset"):
        create_label(sandbox, "customer-ceres")
    expect(page.locator("#conditions")).to_be_hidden()
    expect(page.locator("#feed li").first).to_contain_text("create label customer-ceres")
    page.get_by_role("button", name="Calls").click()
    call = page.locator("#feed li").first
    expect(call).to_contain_text("POST /repos/fleetdm/fleet/labels")
    expect(call).to_contain_text("no answer")
    expect(call).to_contain_text("fault reset_after")


def test_a_fault_that_cannot_be_says_why_and_stays_open(page: Page) -> None:
    page.get_by_role("button", name="Inject a fault").click()
    dialog = page.locator("#fault-dialog")
    dialog.get_by_label("Path holds").fill("(")
    dialog.get_by_role("button", name="Inject", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("no regular expression")
    expect(dialog).to_be_visible()


def test_latency_can_be_set_and_taken_away(page: Page) -> None:
    page.get_by_role("button", name="Latency").click()
    page.locator("#latency-dialog").get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#conditions")).to_have_text("Latency: every call takes 0 to 0.5 s.")
    page.get_by_role("button", name="Latency").click()
    page.get_by_role("button", name="No latency").click()
    expect(page.locator("#conditions")).to_be_hidden()


def test_the_clock_moves_on_by_a_day(page: Page, sandbox: Sandbox) -> None:
    page.get_by_role("button", name="Clock").click()
    page.get_by_role("button", name="1 day").click()
    expect(page.locator("#clock-note")).to_have_text("UTC, moved")
    create_label(sandbox, "customer-ceres")
    shown = str(page.locator("#clock").get_attribute("datetime"))
    assert sandbox.effects()[0]["at"][:10] == shown[:10]


def test_a_reset_to_the_demo_fills_every_pane(page: Page, sandbox: Sandbox) -> None:
    create_label(sandbox, "customer-ceres")
    expect(page.locator("#feed .text")).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Start with the demo").click()
    expect(page.locator("#feed .nothing")).to_be_visible()
    expect(page.locator("#pane tr", has_text="customer-semele").locator(".missing, td.missing")).to_have_count(1)
    page.get_by_role("button", name="Issues").click()
    expect(page.locator("#pane tbody tr")).to_have_count(60)
    page.get_by_role("tab", name="Salesforce").click()
    expect(page.locator("#pane tr", has_text="Hartsong Music")).to_contain_text("customer-thisbe")
    page.get_by_role("button", name="Opportunities").click()
    expect(page.locator("#pane tr", has_text="_FleetPremium_HostExpansion_")).not_to_have_count(0)
    page.get_by_role("tab", name="Slack").click()
    expect(page.locator(".message")).to_have_count(2)


def test_an_issue_opens_with_its_comments_and_says_who_reads_it(page: Page, sandbox: Sandbox) -> None:
    issue = {
        "repository": "fleetdm/fleet",
        "number": 41,
        "title": "Hosts go missing",
        "body": "<b>Since Monday</b>",
        "user": "ksatter",
        "comments": [{"user": "zwass", "body": "Looking.", "created_at": "2026-11-20T10:00:00Z"}],
    }
    sandbox.reset({"github": {"issues": [issue]}})
    page.get_by_role("button", name="Issues").click()
    page.get_by_role("link", name="#41").click()
    expect(page.get_by_role("heading", name="Hosts go missing")).to_be_visible()
    expect(page.locator("#pane .chip").first).to_have_text("public")
    expect(page.locator(".said pre")).to_have_text(["<b>Since Monday</b>", "Looking."])


def test_a_slack_message_is_shown_as_slack_shows_it(page: Page, sandbox: Sandbox) -> None:
    page.goto(f"{sandbox.url}/#/slack/{HELP_CUSTOMERS}")
    post_message(sandbox, f"*Two* of <https://example.com/a|these> for <#{HELP_CUSTOMERS}>: `a < b` &amp; _more_")
    message = page.locator(".message .block")
    expect(message).to_have_text("Two of these for #help-customers: a < b & more")
    expect(message.locator("strong")).to_have_text("Two")
    expect(message.get_by_role("link", name="these")).to_have_attribute("href", "https://example.com/a")


def test_what_somebody_types_into_a_search_stays_while_news_come_in(page: Page, sandbox: Sandbox) -> None:
    page.get_by_label("Find a label or name").fill("vesta")
    create_label(sandbox, "customer-vesta")
    create_label(sandbox, "customer-ceres")
    expect(page.locator("#pane tbody tr")).to_have_count(1)
    expect(page.get_by_label("Find a label or name")).to_be_focused()
    expect(page.get_by_label("Find a label or name")).to_have_value("vesta")


def test_tabs_and_dialogs_work_from_the_keyboard(page: Page) -> None:
    page.get_by_role("tab", name="GitHub").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Salesforce")).to_be_focused()
    expect(page.get_by_role("tab", name="Salesforce")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#reset-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#reset-dialog")).to_be_hidden()


def test_an_issue_that_a_reset_took_away_is_named_as_gone(page: Page, sandbox: Sandbox) -> None:
    page.goto(f"{sandbox.url}/#/github/fleetdm/fleet/issues/41")
    expect(page.locator("#pane").get_by_role("alert")).to_contain_text("There is no such issue.")


def test_a_sandbox_that_is_gone_is_named_as_gone(page: Page) -> None:
    page.route("**/console/news*", lambda route: route.abort())
    expect(page.locator("#trouble")).to_contain_text("The sandbox doesn't answer. Start it with: python -m sandbox.")
    page.unroute("**/console/news*")
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize("width", [420, 1280])
@pytest.mark.parametrize("pane", ["github", "github/issues", "salesforce", "salesforce/opportunities", "slack"])
def test_no_pane_is_wider_than_the_window(browser: Browser, sandbox: Sandbox, pane: str, width: int) -> None:
    sandbox.reset()
    demo_page = browser.new_page(viewport={"width": width, "height": 900})
    sandbox_reset_to_demo(demo_page, sandbox)
    demo_page.goto(f"{sandbox.url}/#/{pane}")
    expect(demo_page.locator("#pane")).not_to_be_empty()
    assert demo_page.evaluate("document.documentElement.scrollWidth") <= width
    demo_page.close()
    sandbox.reset()


def sandbox_reset_to_demo(page: Page, sandbox: Sandbox) -> None:
    answer = page.request.post(f"{sandbox.url}/_sandbox/reset", data={"seed": "demo"})
    assert answer.ok, answer.text()


def test_nothing_is_fetched_from_elsewhere(browser: Browser, sandbox: Sandbox) -> None:
    asked: list[str] = []
    opened = browser.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(sandbox.url)
    expect(opened.locator("#pane")).not_to_be_empty()
    opened.close()
    foreign = [url for url in asked if not re.match(f"{re.escape(sandbox.url)}/|data:", url)]
    assert foreign == []
