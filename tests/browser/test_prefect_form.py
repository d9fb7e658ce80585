"""The form that a person fills in Prefect's UI, and the result they see, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.deployments.installation import Installation
from tests.scenarios import assign_customer_codename as assigning
from tests.scenarios import watch_support_slas as watching

pytestmark = pytest.mark.whole
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]


@pytest.fixture
def page(fresh: Installation) -> Iterator[Page]:
    if not CHROMIUM:
        pytest.skip("No Chromium here. Install Debian's chromium to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 1280, "height": 1100})
        browser.close()


def open_form(page: Page, installation: Installation, deployment: str) -> None:
    found = installation.api.get(f"/deployments/name/{deployment}").json()["id"]
    page.goto(f"http://127.0.0.1:{installation.port}/deployments/deployment/{found}/run")


def test_the_form_explains_each_field_and_refuses_a_name_for_an_account(page: Page, installation: Installation) -> None:
    open_form(page, installation, assigning.SCENARIO.deployment)
    expect(page.get_by_text("Never the customer's name, which Prefect would store.")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("A minor planet you would like. Empty lets one be chosen.")).to_be_visible()
    page.locator("textarea").first.fill("Quillfeather Logistics")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("must match").or_(page.get_by_text("does not match")).first).to_be_visible(timeout=10_000)


def test_a_person_starts_a_run_and_sees_what_was_made(page: Page, installation: Installation) -> None:
    installation.play(assigning.SCENARIO)
    open_form(page, installation, assigning.SCENARIO.deployment)
    page.locator("textarea").first.fill(assigning.ACCOUNT)
    page.get_by_role("button", name="Submit").click()
    run = finished_run(installation, page, assigning.ACCOUNT)
    (artifact,) = installation.api.post(
        "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run]}}}
    ).json()
    page.goto(f"http://127.0.0.1:{installation.port}/artifacts/artifact/{artifact['id']}")
    expect(page.get_by_text('is "customer-').first).to_be_visible(timeout=20_000)
    expect(page.get_by_role("link", name="in fleetdm/confidential")).to_be_visible()
    page.goto(f"http://127.0.0.1:{installation.port}/runs/flow-run/{run}")
    expect(page.get_by_text("3 Task runs")).to_be_visible(timeout=20_000)


def test_the_watch_shows_what_is_due_and_a_plot(page: Page, installation: Installation) -> None:
    installation.play(watching.SCENARIO)
    run = installation.run(watching.SCENARIO.deployment, {})
    wanted = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
    shown = {each["type"]: each["id"] for each in installation.api.post("/artifacts/filter", json=wanted).json()}
    page.goto(f"http://127.0.0.1:{installation.port}/artifacts/artifact/{shown['markdown']}")
    expect(page.get_by_role("cell", name="customer-hebe").first).to_be_visible(timeout=20_000)
    page.goto(f"http://127.0.0.1:{installation.port}/artifacts/artifact/{shown['image']}")
    plot = page.locator("img[src^='data:image/png']").first
    expect(plot).to_be_visible(timeout=20_000)
    assert plot.evaluate("image => image.complete && image.naturalWidth") == 1000


def finished_run(installation: Installation, page: Page, name: str) -> str:
    """Waits for a run of this name to complete. Gives its id."""
    for _ in range(120):
        for run in installation.api.post("/flow_runs/filter", json={"flow_runs": {"name": {"any_": [name]}}}).json():
            if run["state_type"] == "COMPLETED":
                return str(run["id"])
        page.wait_for_timeout(250)
    raise AssertionError(f"The form started no run {name} that completed.")
