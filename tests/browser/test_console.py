"""The console page in a real browser, with real clients working on the sandbox behind it."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from github import Auth, Github
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slack_sdk import WebClient

from tests.conftest import Sandbox, until
from tests.sandbox.gateway import Gateway, Received

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HELP_CUSTOMERS, HEBE = "C062D0THVV1", "C0HEBE00001"


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


PANES = [
    *("github", "github/issues", "salesforce", "salesforce/opportunities"),
    *("slack", "google", "google/calendar", "unthread", "twilio", "zoom", "webhooks"),
]


def slack_client(sandbox: Sandbox) -> WebClient:
    return WebClient("xoxb-sandbox", base_url=f"{sandbox.url}/slack/api/", retry_handlers=[])


def button(action: str, text: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "value": "1", "text": {"type": "plain_text", "text": text}}


REASON = {
    "type": "input",
    "block_id": "reason",
    "label": {"type": "plain_text", "text": "The reason"},
    "element": {"type": "plain_text_input", "action_id": "text"},
}
MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Emergency"},
    "submit": {"type": "plain_text", "text": "Call somebody"},
    "blocks": [REASON],
}


class App(Gateway):
    """An app that answers each message in its thread with two buttons, of which one opens a view."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.client = slack_client(sandbox)
        self.answer = self.react

    def pressed(self) -> list[dict[str, Any]]:
        """Gives what people chose, pressed and sent."""
        return [each.payload for each in self.got if each.path == "/slack/interactivity"]

    def react(self, received: Received) -> bytes:
        if received.path == "/slack/events":
            event = received.event
            if "bot_id" not in event:
                threading.Thread(
                    target=self.reply, args=(event["channel"], event.get("thread_ts", event["ts"]))
                ).start()
        elif received.payload["type"] == "block_actions":
            self.acted(received.payload)
        return b""

    def reply(self, channel: str, ts: str) -> None:
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": "We are *closed*."}},
            {"type": "actions", "elements": [button("start", "It is an emergency"), button("wait", "It can wait")]},
        ]
        self.client.chat_postMessage(channel=channel, thread_ts=ts, text="x", blocks=blocks)  # pyright: ignore[reportUnknownMemberType]

    def acted(self, payload: dict[str, Any]) -> None:
        if payload["actions"][0]["action_id"] == "start":
            self.client.views_open(trigger_id=payload["trigger_id"], view=MODAL)  # pyright: ignore[reportUnknownMemberType]
        else:
            requests.post(payload["response_url"], json={"text": "Thank you, until Monday."}, timeout=5)


@pytest.fixture
def app(page: Page, sandbox: Sandbox) -> Iterator[App]:
    """An app behind the gateway, and the console open on a channel with a customer and one of the team."""
    mira = {"id": "U0MIRA00001", "name": "mira", "real_name": "Mira Lindqvist", "team_id": "T0HEBE00001"}
    members = ["U0SANDBOX01", "U0MIRA00001"]
    channel = {"id": HEBE, "name": "fleet-at-hebe", "is_private": True, "is_ext_shared": True, "members": members}
    sandbox.reset({"slack": {"users": [mira], "channels": [channel]}})
    made = App(sandbox)
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={"gateway": made.url}, timeout=10).raise_for_status()
    page.goto(f"{sandbox.url}/#/slack/{HEBE}")
    yield made
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={}, timeout=10).raise_for_status()
    made.server.shutdown()


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


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
    slack_client(sandbox).chat_postMessage(channel=HELP_CUSTOMERS, text=text)  # pyright: ignore[reportUnknownMemberType]


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


@pytest.fixture
def tracker(page: Page, sandbox: Sandbox) -> Iterator[Gateway]:
    """A gateway that hears of what people do in GitHub, and the console open on an issue from outside."""
    issue = {"repository": "fleetdm/fleet", "number": 41, "title": "Hosts go missing", "user": "outside-reporter"}
    users = [{"login": "outside-reporter", "name": "Ines Outside"}]
    sandbox.reset({"github": {"users": users, "issues": [issue]}})
    heard = Gateway()
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={"gateway": heard.url}, timeout=10).raise_for_status()
    page.goto(f"{sandbox.url}/#/github/fleetdm/fleet/issues/41")
    yield heard
    requests.put(f"{sandbox.url}/_sandbox/webhooks", json={}, timeout=10).raise_for_status()
    heard.server.shutdown()


def test_somebody_from_outside_comments_and_the_gateway_hears_of_it(page: Page, tracker: Gateway) -> None:
    page.get_by_label("Act as").select_option(label="Ines Outside")
    expect(page.get_by_label("Label", exact=True)).to_have_count(0)  # only the team labels
    page.get_by_label("Comment", exact=True).fill("It is <b>4.77.0</b>.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".said pre").last).to_have_text("It is <b>4.77.0</b>.")
    expect(page.locator(".told")).to_have_text("The gateway answered 200 at /github.")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("")
    (told,) = tracker.got
    assert (told.json["action"], told.json["sender"]["login"]) == ("created", "outside-reporter")


def test_a_team_member_labels_an_issue_and_closes_it(page: Page, tracker: Gateway) -> None:
    page.get_by_label("Act as").select_option("ksatter")
    page.get_by_label("Label", exact=True).select_option("bug")
    page.get_by_role("button", name="Put it on").click()
    expect(page.locator(".page .label")).to_have_text(["bug"])
    page.get_by_role("button", name="Take it off").click()
    expect(page.locator(".page .label")).to_have_count(0)
    page.get_by_role("button", name="Close issue").click()
    expect(page.get_by_role("button", name="Reopen issue")).to_be_visible()
    assert [each.json["action"] for each in tracker.got] == ["labeled", "unlabeled", "closed"]


def test_an_issue_is_opened_from_outside_and_shown(page: Page, tracker: Gateway) -> None:
    page.get_by_role("link", name="All issues").click()
    page.get_by_role("button", name="New issue").click()
    page.get_by_label("Act as").select_option(label="Ines Outside")
    expect(page.get_by_label("Repository", exact=True).locator("option")).to_have_text(["fleetdm/fleet"])
    page.get_by_role("button", name="Open issue").click()
    expect(page.locator(".told")).to_contain_text("missing_field")
    page.get_by_label("Title", exact=True).fill("I can not log in")
    page.get_by_label("Description").fill("Since this morning.")
    page.get_by_role("button", name="Open issue").click()
    expect(page.get_by_role("heading", name="I can not log in")).to_be_visible()
    (told,) = tracker.got
    assert (told.json["action"], told.json["issue"]["number"]) == ("opened", 42)


def test_what_somebody_types_on_an_issue_stays_while_others_comment(page: Page, tracker: Gateway) -> None:
    words = page.get_by_label("Comment", exact=True)
    words.fill("I was just about to")
    said = {"user": "ksatter", "repository": "fleetdm/fleet", "number": 41, "body": "Which version?"}
    sandbox_url = page.url.partition("/#")[0]
    requests.post(f"{sandbox_url}/github/_person/comment", json=said, timeout=10).raise_for_status()
    expect(page.locator(".said pre").last).to_have_text("Which version?")
    expect(words).to_have_value("I was just about to")
    expect(words).to_be_focused()


def test_a_slack_message_is_shown_as_slack_shows_it(page: Page, sandbox: Sandbox) -> None:
    page.goto(f"{sandbox.url}/#/slack/{HELP_CUSTOMERS}")
    post_message(sandbox, f"*Two* of <https://example.com/a|these> for <#{HELP_CUSTOMERS}>: `a < b` &amp; _more_")
    message = page.locator(".message .block")
    expect(message).to_have_text("Two of these for #help-customers: a < b & more")
    expect(message.locator("strong")).to_have_text("Two")
    expect(message.get_by_role("link", name="these")).to_have_attribute("href", "https://example.com/a")


def test_a_customer_writes_and_the_answer_appears_in_the_thread(page: Page, app: App) -> None:
    expect(page.get_by_label("Speak as").locator("option")).to_have_text(["Mira Lindqvist", "Zay Hanlon"])
    say(page, "Our server is down")
    expect(page.locator(".message").first).to_contain_text("Mira Lindqvist")
    expect(page.locator(".message").first.locator(".chip")).to_have_text("customer")
    answer = page.locator(".message.reply")
    expect(answer).to_contain_text("We are closed.")
    expect(answer.locator(".chip")).to_have_text("app")
    expect(page.locator(".told")).to_have_text("The gateway answered 200 at /slack/events.")
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_a_button_is_pressed_as_the_chosen_person_who_alone_sees_the_answer(page: Page, app: App) -> None:
    say(page, "Our server is down")
    page.get_by_label("Speak as").select_option(label="Zay Hanlon")
    page.get_by_role("button", name="It can wait").click()
    only = page.locator(".message.only")
    expect(only).to_contain_text("Only visible to Zay Hanlon")
    expect(only).to_contain_text("Thank you, until Monday.")
    (payload,) = app.pressed()
    assert (payload["user"]["id"], payload["actions"][0]["action_id"]) == ("U0SANDBOX01", "wait")


def test_a_view_is_filled_in_and_sent(page: Page, app: App) -> None:
    say(page, "Our server is down")
    page.get_by_role("button", name="It is an emergency").click()
    view = page.get_by_role("dialog", name="Emergency")
    expect(view).to_contain_text("Shown to Mira Lindqvist")
    view.get_by_role("button", name="Call somebody").click()
    expect(view.get_by_role("status")).to_contain_text('"The reason" is empty')
    view.get_by_label("The reason").fill("Nobody can log in")
    view.get_by_role("button", name="Call somebody").click()
    expect(view).to_be_hidden()
    sent = app.got[-1].payload
    assert sent["type"] == "view_submission"
    assert sent["view"]["state"]["values"]["reason"]["text"]["value"] == "Nobody can log in"


def test_the_team_chooses_shortcuts_on_a_message_and_anywhere_and_a_customer_is_offered_none(
    page: Page, app: App
) -> None:
    say(page, "Our server is down")
    expect(page.get_by_label("Shortcuts")).to_have_count(0)
    page.get_by_label("Speak as").select_option(label="Zay Hanlon")
    message = page.locator(".message").first
    message.hover()
    message.get_by_label("More actions").select_option(label="File a customer's bug")
    expect(page.locator(".told")).to_contain_text("The gateway answered 200 at /slack/interactivity.")
    page.get_by_label("Shortcuts").select_option(label="Escalate a bug")
    until(lambda: len(app.pressed()) == 2)
    chosen = app.pressed()
    assert [each["callback_id"] for each in chosen] == ["file-customer-bug-report-on-message", "escalate-customer-bug"]
    assert chosen[0]["message"]["text"] == "Our server is down"


def test_a_person_answers_in_a_thread(page: Page, app: App, sandbox: Sandbox) -> None:
    say(page, "Our server is down")
    page.locator(".message.reply").hover()
    page.locator(".message.reply").get_by_role("button", name="Reply", exact=True).click()
    expect(page.locator(".chip.thread")).to_contain_text("Our server is down")
    say(page, "Is anybody there?")
    expect(page.locator(".message.reply")).to_have_count(3)
    (channel,) = (each for each in sandbox.state()["slack"]["channels"] if each["id"] == HEBE)
    root = channel["messages"][0]["ts"]
    assert {each.get("thread_ts", root) for each in channel["messages"]} == {root}


def test_what_somebody_types_stays_while_others_speak(page: Page, app: App, sandbox: Sandbox) -> None:
    words = page.get_by_label("Message", exact=True)
    words.fill("I was just about to")
    slack_client(sandbox).chat_postMessage(channel=HEBE, text="Hello")  # pyright: ignore[reportUnknownMemberType]
    expect(page.locator(".message")).to_have_count(1)
    expect(words).to_have_value("I was just about to")
    expect(words).to_be_focused()


def test_each_webhook_is_listed_with_its_attempts(page: Page, app: App) -> None:
    say(page, "Our server is down")
    expect(page.locator(".message.reply")).to_be_visible()
    page.get_by_role("tab", name="Webhooks").click()
    row = page.locator("#pane tbody tr").last
    expect(row).to_contain_text("/slack/events")
    expect(row.locator(".chip")).to_have_text(re.compile(r"200 in [\d.]+ ms"))
    app.status = 500
    page.get_by_role("tab", name="Slack").click()
    say(page, "Hello?")
    page.get_by_role("tab", name="Webhooks").click()
    expect(page.locator(".chip.bad").first).to_have_text(re.compile(r"500 in [\d.]+ ms"))


def test_without_a_gateway_the_page_says_so(page: Page, sandbox: Sandbox) -> None:
    page.goto(f"{sandbox.url}/#/slack/{HELP_CUSTOMERS}")
    say(page, "Hello")
    expect(page.locator(".told")).to_contain_text("no gateway")
    page.get_by_role("tab", name="Webhooks").click()
    expect(page.locator("#pane")).to_contain_text("There is no gateway")


def test_mail_tickets_and_texts_have_their_panes(page: Page, sandbox: Sandbox) -> None:
    mail = {"from": "ann@example.com", "to": "zay@fleetdm.com", "subject": "Renewal", "text": "May we talk?"}
    requests.post(f"{sandbox.url}/google/_person/mail", json=mail, timeout=10).raise_for_status()
    text = {"from": "+12025550101", "to": "+12025550199", "body": "ack"}
    requests.post(f"{sandbox.url}/twilio/_person/message", json=text, timeout=10).raise_for_status()
    page.get_by_role("tab", name="Google").click()
    expect(page.locator(".said")).to_contain_text("Renewal received in zay@fleetdm.com")
    expect(page.locator(".lines")).to_contain_text("From ann@example.com")
    page.get_by_role("tab", name="Twilio").click()
    expect(page.locator(".said pre")).to_have_text("ack")
    page.get_by_role("tab", name="Unthread").click()
    expect(page.locator("#pane")).to_contain_text("No tickets yet.")


def test_events_and_calls_have_their_panes(page: Page, sandbox: Sandbox) -> None:
    start, end = ({"dateTime": f"2026-11-23T{hour}:00:00-08:00"} for hour in (10, 11))
    guests = [{"email": "jason@fleetdm.com"}]
    event = {"calendar": "kathy@fleetdm.com", "summary": "Dig in", "start": start, "end": end, "attendees": guests}
    call = {"host": "kathy@fleetdm.com", "topic": "Look together", "start_time": "2026-11-23T20:00:00Z"}
    sandbox.reset({"google": {"events": [event]}, "zoom": {"meetings": [call]}})
    page.get_by_role("tab", name="Google").click()
    page.get_by_role("button", name="Calendar").click()
    expect(page.locator(".said")).to_contain_text("Dig in confirmed of kathy@fleetdm.com")
    expect(page.locator(".lines")).to_contain_text("jason@fleetdm.com (needsAction)")
    page.get_by_role("tab", name="Zoom").click()
    expect(page.locator(".said")).to_contain_text("Look together")
    expect(page.locator(".lines")).to_contain_text("23 Nov 2026, 20:00:00 UTC, 60 minutes")


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
@pytest.mark.parametrize("pane", PANES)
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
