"""The page of a connection in a real browser: what is wrong, and what to do about it, on the first screen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection

Connected = Callable[..., Connection]


@pytest.fixture(autouse=True)
def _wide(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})


def test_status_days_owner_and_one_action_are_on_the_first_screen(page: Page, connected: Connected) -> None:
    connection = connected("Acme main", token="no-build")
    connected("Second", token="no-build")
    expires_on = timezone.localdate() + timedelta(days=12)
    Connection.objects.filter(pk=connection.pk).update(expires_on=expires_on)
    page.goto(connection.get_absolute_url())
    for name in ("Limited", "12 days left", "Token of Maya Sample"):
        expect(page.get_by_role("heading", name=name)).to_be_in_viewport(ratio=1)
    status = page.get_by_role("region", name="Status")
    expect(status).to_contain_text("tick Build: Read & execute, then test the connection.")
    expect(status).to_contain_text("Also used by Second.")
    expect(page.locator("main .primary")).to_have_count(1)
    expect(status.get_by_role("link", name="Open your tokens in Azure DevOps")).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-scope=build_execute]")).to_contain_text("Missing")
    expect(page.locator("[data-scope=build_execute]")).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("You cannot run or cancel pipelines here.")).to_be_hidden()
    page.get_by_text("Details of each scope").click()
    expect(page.get_by_text("You cannot run or cancel pipelines here.")).to_be_visible()


def test_a_healthy_connection_is_tested_and_a_rejected_one_updated(page: Page, connected: Connected) -> None:
    connection = connected()
    Connection.objects.update(expires_on=timezone.localdate() + timedelta(days=60))
    page.goto(connection.get_absolute_url())
    page.locator("main .primary").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_be_focused()
    expect(page.get_by_role("heading", name="Healthy")).to_be_visible()
    Connection.objects.filter(pk=connection.pk).update(health="rejected", problem="token_refused")
    page.goto(connection.get_absolute_url())
    expect(page.get_by_role("region", name="Status")).to_contain_text("Token not accepted")
    page.locator("main .primary").click()
    expect(page.get_by_role("heading", name="Update token")).to_be_visible()


def test_the_first_message_is_focused_also_of_a_text_of_several_lines(
    page: Page, connected: Callable[..., Connection]
) -> None:
    page.goto(f"{connected().get_absolute_url()}edit/")
    recipients = page.get_by_label("Additional mail recipients")
    recipients.fill("no address")
    page.get_by_role("button", name="Save changes").click()
    expect(recipients).to_be_focused()
    expect(recipients).to_have_attribute("aria-invalid", "true")
