"""The list with sixty connections, and lists of what several connections see, in a real browser."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, ViewportSize, expect

from connections.models import Connection
from delivery.sync import sync
from history.record import SCHEDULER, Actor, record
from tests.factories import ConnectionFactory
from tests.journeys.conftest import sign_in

WIDE: ViewportSize = {"width": 1440, "height": 900}


@pytest.fixture
def sixty(maintainer: User) -> None:
    """Sixty connections: most are fine, one has expired, one expires tomorrow and is limited too."""
    today = timezone.localdate()
    for number in range(56):
        ConnectionFactory(name=f"Fine {number:02}", expires_on=today + timedelta(days=40 + number))
    ConnectionFactory(name="Over", expires_on=today - timedelta(days=2))
    ConnectionFactory(name="Next", health="limited", expires_on=today + timedelta(days=1))
    ConnectionFactory(name="Refused", health="rejected", expires_on=today + timedelta(days=90))
    ConnectionFactory(name="Undated", expires_on=None)


def rows(page: Page) -> Locator:
    return page.locator("#listing tbody th a")


@pytest.mark.usefixtures("sixty")
def test_the_token_that_expires_next_is_one_click_away(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/code-repositories/")
    expect(rows(page)).to_have_count(25)
    assert rows(page).all_inner_texts()[:3] == ["Refused", "Over", "Next"]
    row = page.locator("tr", has_text="Next")
    expect(row).to_contain_text("Limited")
    expect(row).to_contain_text("Expires tomorrow")
    page.get_by_role("link", name="1 this week").click()
    expect(rows(page)).to_have_text(["Next"])
    page.get_by_role("link", name="Update token of Next").click()
    expect(page.get_by_role("heading", name="Update token")).to_be_visible()


@pytest.mark.usefixtures("sixty")
def test_filters_apply_at_once_and_are_in_the_address(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/code-repositories/")
    page.get_by_label("Status").select_option("limited")
    expect(page.locator("#listing tbody tr")).to_have_count(1)
    expect(page).to_have_url("/code-repositories/?status=limited")
    page.get_by_label("Status").select_option("")
    page.get_by_label("Search", exact=True).press_sequentially("undated")
    expect(page.locator("#listing [data-summary]")).to_have_text("1 of 60 connections")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    expect(page).to_have_url("/code-repositories/?q=undated")
    page.get_by_role("link", name="Expires", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Expires")
    expect(rows(page)).to_have_text(["Undated"])


@pytest.mark.usefixtures("sixty")
def test_ticked_rows_are_disabled_together(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/code-repositories/")
    expect(page.get_by_role("button", name="Disable")).to_be_hidden()
    for name in ("Refused", "Over"):
        page.get_by_role("checkbox", name=name).check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", name="Disable 2 connections")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Disabled: Refused, Over.")).to_be_visible()
    assert Connection.objects.filter(disabled=True).count() == 2


@pytest.mark.usefixtures("sixty")
def test_the_search_is_one_key_away(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/code-repositories/audits/")
    page.keyboard.press("/")
    page.keyboard.type("next")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_role("heading", name="Next", level=1)).to_be_visible()


@pytest.mark.usefixtures("sixty")
def test_the_key_that_searches_can_be_switched_off(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/code-repositories/audits/")
    page.locator("summary:visible", has_text="your account").click()
    switch = page.get_by_role("button", name="Press / to search")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.goto("/code-repositories/")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).not_to_be_focused()
    page.locator("summary:visible", has_text="your account").click()
    switch.click()
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).to_be_focused()


def test_what_two_connections_see_is_one_row(page: Page, connected: Callable[..., Connection]) -> None:
    for name in ("First", "Second"):
        connected(organization="fabrikam", name=name)
        for claim in sync.claim_due(now=timezone.now()):
            sync.sync(claim, clock=timezone.now)
    page.set_viewport_size(WIDE)
    page.goto("/repositories/?q=tailspin")
    row = page.locator("tbody tr", has=page.get_by_role("link", name="Tailspin", exact=True))
    expect(row).to_have_count(1)
    row.get_by_text("via 2 connections").click()
    row.get_by_role("link", name="Second").click()
    expect(page.get_by_role("heading", name="Tailspin")).to_be_visible()


def test_an_auditor_sees_who_changed_what_and_prints_a_report(page: Page, site: str) -> None:
    sign_in(page.context, site, User.objects.create_superuser("ada"))
    connection = ConnectionFactory.create(name="Payments")
    now = timezone.now()
    edited = {"name": {"before": "Payment", "after": "Payments"}}
    record("connection.edited", connection, by=Actor("Maya", 9), at=now, detail=edited)
    record("connection.reminded", connection, by=SCHEDULER, at=now, detail={"people": 1, "days_left": 3})
    page.set_viewport_size(WIDE)
    page.goto("/history/")
    expect(page.locator("del")).to_contain_text("Payment")
    expect(page.locator("ins")).to_contain_text("Payments")
    expect(page.get_by_role("rowheader", name="Reminded")).to_have_count(0)
    page.get_by_role("link", name="Show automatic events").click()
    expect(page.get_by_role("rowheader", name="Reminded")).to_have_count(1)
    page.goto("/code-repositories/report/")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    expect(page.get_by_role("table", name="Every connection")).to_contain_text("Payments")
    expect(page.get_by_role("table", name="Changes in this period")).to_contain_text("Edited")
