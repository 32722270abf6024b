"""Tokens die, are found dead, mailed about and mended, in a real browser."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from connections.actions.audit import audit
from connections.models import Connection
from connections.notifications import outbox
from history.record import SCHEDULER
from sandbox.server import Sandbox
from sandbox.state import State
from tests.factories import ConnectionFactory

Connected = Callable[..., Connection]
Token = Callable[[str], str]


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    """The journey does the worker's part itself, step by step."""
    with patch("connections.views.common.enqueue"):
        yield


def expire(state: State, name: str) -> None:
    next(token for token in state.tokens.values() if token.name == name).state = "expired"


def look_at(connection: Connection) -> None:
    """As a worker does when the clock says so, and only at this one."""
    audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)


def test_a_round_that_waits_for_the_last_one_does_not_put_a_page_into_the_page(
    page: Page, connected: Connected, sandbox: Sandbox
) -> None:
    connection = connected("Acme main", token="full")
    page.goto("/code-repositories/")
    page.get_by_role("button", name="Audit all now").click()
    expect(page.get_by_role("heading", name="Running")).to_be_visible()
    asked: list[str] = []

    def answer_late(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            # While this sleeps, the next round is due and waits.
            time.sleep(2.5)
            look_at(connection)
        route.continue_()

    page.route("**/audits/**", answer_late)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    page.wait_for_timeout(1000)
    assert page.locator("header.top").count() == 1
    assert len(asked) == 1


def test_a_dead_token_is_found_mailed_about_and_mended_and_the_history_tells_it_all(
    page: Page, connected: Connected, sandbox: Sandbox, token_of: Token
) -> None:
    connection = connected("Acme main", token="full")
    connection.owner.email = "maya@example.com"
    connection.owner.save()
    expire(sandbox.state, "full")
    page.goto("/code-repositories/")
    page.get_by_role("button", name="Audit all now").click()
    expect(page.get_by_role("heading", name="Running")).to_be_visible()
    look_at(connection)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    expect(page.locator("#counts")).to_contain_text("1 of 1 checked, 1 problem")
    look_at(connection)

    page.locator("summary:visible", has_text="Administration").click()
    page.get_by_role("link", name="Mail delivery").click()
    row = page.get_by_role("row").filter(has_text="maya@example.com")
    expect(row).to_contain_text("Waiting")
    outbox.send_due(now=timezone.now())
    page.reload()
    expect(row).to_contain_text("Sent")
    row.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("Acme main")

    page.goto("/code-repositories/")
    page.get_by_role("link", name="Update token of Acme main").click()
    page.get_by_label("Personal Access Token").fill(token_of("global"))
    page.locator("#connect-form").get_by_label("90 days").check()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.locator("[data-comparison]").first).to_be_visible()
    page.get_by_role("button", name="Update token").click()
    expect(page.get_by_role("heading", name="Token updated")).to_be_visible()
    page.get_by_role("link", name="Back to Acme main").click()
    history = page.locator(".timeline")
    for words in ("Connected", "Credential updated"):
        expect(history).to_contain_text(words)


def test_an_audit_shows_how_far_it_is_while_it_runs(page: Page, connected: Connected) -> None:
    first, second = connected("First"), connected("Second", token="no-build")
    page.goto("/code-repositories/")
    page.get_by_role("button", name="Audit all now").click()
    expect(page.locator("#counts")).to_contain_text("0 of 2 checked")
    look_at(second)
    expect(page.locator("#counts")).to_contain_text("1 of 2 checked, 1 problem")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "1")
    look_at(first)
    expect(page.locator("#counts")).to_contain_text("2 of 2 checked, 1 problem")


def test_a_running_audit_is_cancelled(page: Page, connected: Connected) -> None:
    connected("First")
    page.goto("/code-repositories/")
    page.get_by_role("button", name="Audit all now").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Audit cancelled. Completed checks are kept.")).to_be_visible()
    expect(page.locator("#counts")).to_contain_text("1 not checked")


def test_everything_that_expires_soon_is_rotated_in_one_walk(page: Page, connected: Connected, token_of: Token) -> None:
    for name, token in (("First", "read-only"), ("Second", "no-build"), ("Third", "no-release")):
        connected(name, token=token)
    Connection.objects.update(expires_on=timezone.localdate() + timedelta(days=5))
    page.goto("/code-repositories/")
    page.get_by_role("link", name="Update credentials").click()
    page.get_by_label("Use one new token for all connections selected here").check()
    page.get_by_role("checkbox", name="Third").uncheck()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="1 of 1: 2 connections")).to_be_visible()
    page.get_by_label("Personal Access Token").fill(token_of("full"))
    page.locator("#connect-form").get_by_label("90 days").check()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Second, compared with the token in use")).to_be_visible()
    page.get_by_role("button", name="Update 2 connections").click()
    expect(page.get_by_role("heading", name="2 of 2 updated")).to_be_visible()
    page.get_by_role("link", name="Code Repositories", exact=True).last.click()
    expect(page.get_by_role("row").filter(has_text="First")).to_contain_text("in 90 days")
    expect(page.get_by_role("row").filter(has_text="Third")).to_contain_text("in 5 days")


def test_a_bar_of_the_timeline_is_reached_by_keyboard_and_leads_to_its_day(page: Page, sandbox: Sandbox) -> None:
    soon = timezone.localdate() + timedelta(days=4)
    ConnectionFactory(name="Ends in four days", expires_on=soon)
    ConnectionFactory(name="Ends in forty", expires_on=soon + timedelta(days=36))
    page.goto("/code-repositories/")
    page.locator(".expiry-chart svg a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name="Ends in four days", exact=True)).to_be_visible()
    page.get_by_role("link", name="show all days").click()
    expect(page.get_by_role("row")).to_have_count(3)


def test_a_test_mail_goes_through_the_outbox(page: Page, maintainer: User) -> None:
    User.objects.filter(pk=maintainer.pk).update(email="maya@example.com")
    page.goto("/outbox/")
    page.get_by_role("button", name="Send me a test mail").click()
    expect(page.locator("tbody")).to_contain_text("Waiting")
    outbox.send_due(now=timezone.now())
    page.reload()
    expect(page.locator("tbody")).to_contain_text("Sent")
