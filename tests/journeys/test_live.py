"""Pages that update on their own: what people do there survives, and only what changed is announced."""

from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from connections.tasks import audit_due
from delivery.models import Pipeline
from sandbox.server import Sandbox
from tests.journeys.worker import poll, sync_everything

# Everything that the live region of the page ever said, since the page was opened.
LISTEN = """() => {
  window.said = [];
  new MutationObserver(() => {
    const text = document.querySelector("#announcer").textContent;
    if (text) window.said.push(text);
  }).observe(document.querySelector("#announcer"), { childList: true, characterData: true, subtree: true });
}"""
MARK = "element => { element.isMarked = true; }"
IS_MARKED = "element => element.isMarked === true"


@pytest.fixture
def pipeline(connected: Callable[..., Connection]) -> Pipeline:
    """A pipeline of a connected organization, read as a worker would."""
    caches["azure_devops"].clear()
    connected(organization="fabrikam")
    sync_everything()
    return Pipeline.objects.get(name="Tailspin CI")


def run(page: Page, pipeline: Pipeline) -> str:
    """Run the pipeline, and return the number of the build whose page is open."""
    page.goto(f"/builds/{pipeline.pk}/run/")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Run pipeline").click()
    expect(page.locator(".title-row")).to_contain_text("Queued")
    return page.locator("h1").inner_text()


def rounds(page: Page, count: int = 2) -> None:
    """Wait until the page has been updated as often."""
    for _ in range(count):
        with page.expect_event("requestfinished", lambda request: request.headers.get("hx-request") == "true"):
            pass
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")


def test_focus_and_position_survive_every_update(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    run(page, pipeline)
    page.set_viewport_size({"width": 800, "height": 300})
    link = page.get_by_role("link", name="Run again")
    link.focus()
    link.evaluate(MARK)
    page.evaluate("scrollTo(0, 120)")
    sandbox.state.advance(12)
    poll()
    expect(page.locator(".title-row")).to_contain_text("Running", timeout=20_000)
    rounds(page)
    expect(link).to_be_focused()
    assert link.evaluate(IS_MARKED)
    assert page.evaluate("scrollY") == 120


def test_a_selection_survives_and_is_updated_once_it_is_gone(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    number = run(page, pipeline)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.title-row'))")
    sandbox.state.advance(12)
    poll()
    rounds(page)
    assert page.evaluate("getSelection().toString()").startswith(number)
    expect(page).to_have_title(f"Build {number} running · Running: Build {number} of Tailspin CI · MFE Orchestrator")
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator(".title-row")).to_contain_text("Running")


def test_a_round_is_skipped_while_a_field_has_focus(page: Page, pipeline: Pipeline) -> None:
    run(page, pipeline)
    page.evaluate(
        "document.querySelector('#live').insertAdjacentHTML('beforeend', '<input id=typed aria-label=Typed>')"
    )
    page.get_by_label("Typed").press_sequentially("half a wo")
    rounds(page)
    expect(page.get_by_label("Typed")).to_have_value("half a wo")
    expect(page.get_by_label("Typed")).to_be_focused()


def test_a_round_is_skipped_when_a_button_was_just_reached(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    number = run(page, pipeline)
    page.evaluate(
        "window.reaching = setInterval(() => { const link = document.querySelector('#live a');"
        " link.blur(); link.focus(); }, 500)"
    )
    sandbox.state.advance(12)
    poll()
    expect(page.locator("#announcer")).to_have_text(f"Build {number} running.", timeout=20_000)
    expect(page.locator(".title-row")).to_contain_text("Queued")
    page.evaluate("clearInterval(reaching)")
    expect(page.locator(".title-row")).to_contain_text("Running", timeout=20_000)


def test_the_end_of_a_build_is_announced_once(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    number = run(page, pipeline)
    page.evaluate(LISTEN)
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    sandbox.state.advance(12)
    poll()
    expect(page.locator("#announcer")).to_have_text(f"Build {number} running.")
    rounds(page)
    sandbox.state.advance(60)
    poll()
    expect(page.locator("#announcer")).to_have_text(f"Build {number} succeeded.")
    expect(page).to_have_title(
        f"Build {number} succeeded · Succeeded: Build {number} of Tailspin CI · MFE Orchestrator"
    )
    assert page.evaluate("said") == [f"Build {number} running.", f"Build {number} succeeded."]
    # The button is gone; whoever was there goes on from the same part of the page.
    expect(cancel).to_have_count(0, timeout=20_000)
    expect(page.locator("#live")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page).to_have_title(f"Succeeded: Build {number} of Tailspin CI · MFE Orchestrator")


def test_a_list_announces_only_what_changed(page: Page, pipeline: Pipeline, sandbox: Sandbox) -> None:
    number = run(page, pipeline)
    poll()
    page.goto("/builds/")
    page.evaluate(LISTEN)
    rounds(page)
    assert page.evaluate("said") == []
    sandbox.state.advance(80)
    poll()
    expect(page.locator("#announcer")).to_have_text(f"Build {number} of Tailspin CI succeeded.", timeout=20_000)
    rounds(page)
    assert page.evaluate("said") == [f"Build {number} of Tailspin CI succeeded."]


def test_an_audit_announces_its_end(page: Page, connected: Callable[..., Connection]) -> None:
    connection = connected()
    page.goto("/code-repositories/audits/")
    with patch("connections.views.common.enqueue"):
        page.get_by_role("button", name="Audit all now").click()
        expect(page.get_by_role("heading", name="Running")).to_be_visible()
    page.evaluate(LISTEN)
    rounds(page)
    Connection.objects.filter(pk=connection.pk).update(next_check_at=timezone.now())
    audit_due()
    expect(page.locator("#announcer")).to_have_text("Audit finished: 1 of 1 checked, 0 problems.")
    assert page.evaluate("said") == ["Audit finished: 1 of 1 checked, 0 problems."]
    assert page.title().startswith("Audit finished: 1 of 1 checked, 0 problems · Finished: Audit of ")
