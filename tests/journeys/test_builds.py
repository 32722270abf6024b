"""A person runs a pipeline and watches it to its end, in a real browser."""

from collections.abc import Callable

import pytest
from django.core.cache import caches
from playwright.sync_api import BrowserContext, Page, Route, expect

from connections.models import CapabilityState, Connection
from delivery.models import Pipeline
from sandbox.server import Sandbox
from tests.journeys.worker import poll, sync_everything


@pytest.fixture
def pipeline(connected: Callable[..., Connection]) -> Pipeline:
    """A pipeline of a connected organization, read as a worker would."""
    caches["azure_devops"].clear()
    connected(organization="fabrikam")
    sync_everything()
    return Pipeline.objects.get(name="Tailspin CI")


def test_a_pipeline_is_run_and_watched_to_its_end(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    page.goto("/")
    page.get_by_role("link", name="Builds").click()
    page.get_by_label("Search", exact=True).fill("tailspin ci")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Tailspin CI").first.click()
    page.get_by_role("link", name="Run pipeline").click()
    expect(page.get_by_label("Branch")).to_have_value("main")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Run this pipeline?")).to_be_visible()
    page.get_by_role("button", name="Run pipeline").click()
    expect(page.locator(".title-row")).to_contain_text("Queued")
    sandbox.state.advance(12)
    poll()
    expect(page.locator(".title-row")).to_contain_text("Running")
    expect(page.locator(".tree")).to_contain_text("Compile")
    sandbox.state.advance(60)
    poll()
    expect(page.locator(".title-row")).to_contain_text("Succeeded")
    page.locator(".tree").get_by_role("link", name="Compile").click()
    expect(page.locator(".log")).to_contain_text("Compiling module 40 of 40")


def test_a_log_is_followed_while_it_grows(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    devices = Pipeline.objects.get(name="Tailspin Device tests")
    page.goto(f"/builds/{devices.pk}/run/")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Run pipeline").click()
    sandbox.state.advance(40)
    poll()
    page.get_by_role("link", name="Log", exact=True).click()
    lines = page.locator(".log .line")
    page.locator("#log-end").wait_for()
    before = lines.count()
    sandbox.state.advance(60)
    poll()
    page.wait_for_function("before => document.querySelectorAll('.log .line').length > before", arg=before)


def test_a_running_build_is_cancelled(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    page.goto(f"/builds/{pipeline.pk}/run/")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Run pipeline").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the build").click()
    expect(page.get_by_text("is being cancelled.")).to_be_visible()
    sandbox.state.advance(60)
    poll()
    expect(page.locator(".title-row")).to_contain_text("Cancelled")


def test_a_token_that_lacks_build_explains_instead_of_failing(page: Page, pipeline: Pipeline) -> None:
    CapabilityState.objects.filter(capability__startswith="build").update(verdict="missing")
    page.goto("/builds/")
    expect(page.get_by_text("Builds of 1 connection cannot be shown")).to_be_visible()
    page.goto(pipeline.get_absolute_url())
    page.get_by_text("Run pipeline").click()
    expect(page.get_by_text("The token lacks the scope Build: Read & execute.")).to_be_visible()


class Outage:
    """A server in front of the product that answers with an error page of its own, as long as it is `on`."""

    def __init__(self) -> None:
        self.on = True

    def answer(self, route: Route) -> None:
        if not self.on or route.request.headers.get("hx-request") != "true":
            route.continue_()
            return
        route.fulfill(status=503, content_type="text/html", body="<html><body><h1>Unavailable</h1></body></html>")


def test_a_page_that_updates_outlives_an_outage(context: BrowserContext, pipeline: Pipeline, sandbox: Sandbox) -> None:
    page, outage = context.new_page(), Outage()
    page.goto(f"/builds/{pipeline.pk}/run/")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Run pipeline").click()
    expect(page.locator(".title-row")).to_contain_text("Queued")
    page.route("**/builds/**", outage.answer)
    notice = page.get_by_text("This page could not be updated. If it keeps happening, reload it.")
    for _ in range(2):
        page.wait_for_event("response", lambda response: response.status == 503)
    expect(notice).to_have_count(1)
    expect(page.locator("#live .title-row")).to_contain_text("Queued")
    outage.on = False
    sandbox.state.advance(120)
    poll()
    expect(page.locator("#live .title-row")).to_contain_text("Succeeded")
    expect(notice).to_have_count(0)


def test_a_log_is_followed_on_after_an_outage(context: BrowserContext, pipeline: Pipeline, sandbox: Sandbox) -> None:
    page, outage = context.new_page(), Outage()
    devices = Pipeline.objects.get(name="Tailspin Device tests")
    page.goto(f"/builds/{devices.pk}/run/")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Run pipeline").click()
    sandbox.state.advance(40)
    poll()
    page.get_by_role("link", name="Log", exact=True).click()
    page.locator("#log-end").wait_for()
    page.route("**/logs/**", outage.answer)
    for _ in range(2):
        page.wait_for_event("response", lambda response: response.status == 503)
    expect(page.locator("[data-failed]")).to_have_count(1)
    lines = page.locator(".log .line")
    before = lines.count()
    outage.on = False
    sandbox.state.advance(60)
    poll()
    page.wait_for_function("before => document.querySelectorAll('.log .line').length > before", arg=before)
    expect(page.locator("[data-failed]")).to_have_count(0)
