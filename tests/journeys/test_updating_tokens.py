"""A person tests, updates and disconnects in a real browser what is connected."""

from collections.abc import Callable

from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from connections.providers.azure_devops.credentials import PersonalAccessToken
from tests.journeys.test_connecting import Token, press_test


def test_a_token_is_updated_and_compared(page: Page, connected: Callable[..., Connection], token_of: Token) -> None:
    connection = connected()
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Update token").click()
    page.get_by_label("New Personal Access Token").fill(token_of("full-colleague"))
    page.locator("#connect-form").get_by_label("90 days").check()
    press_test(page)
    expect(page.locator("[data-comparison=Person]")).to_contain_text("Maya Sample → Noor Sample")
    page.get_by_role("button", name="Update token").click()
    expect(page.get_by_text("Now revoke the old token")).to_be_visible()


def test_an_update_that_another_one_overtook_costs_neither_the_token_nor_the_choice(
    page: Page, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    page.goto(f"{connection.get_absolute_url()}token/")
    page.get_by_label("New Personal Access Token").fill(token_of("full-colleague"))
    page.locator("#connect-form").get_by_label("60 days").check()
    stored = connection.stored_credential
    stored.seal(PersonalAccessToken(token_of("full-again")))
    stored.save()
    Connection.objects.update(token_set_at=timezone.now(), expires_on=timezone.localdate())
    page.get_by_role("button", name="Update token").click()
    expect(page.get_by_text("Changed since you opened the page")).to_be_visible()
    expect(page.get_by_label("New Personal Access Token")).to_have_value(token_of("full-colleague"))
    expect(page.locator("#connect-form").get_by_label("60 days")).to_be_checked()
    expect(page.get_by_text("Paste the token again.")).to_be_hidden()
    page.get_by_role("button", name="Update token").click()
    expect(page.get_by_role("heading", name="Token updated")).to_be_visible()


def test_a_step_of_a_rotation_keeps_the_token_for_the_connections_that_failed(
    page: Page, connected: Callable[..., Connection], token_of: Token
) -> None:
    first, second = connected("First", token="no-build"), connected("Second", token="no-build")
    page.goto(f"/code-repositories/rotation/walk/?within=30&at=1&steps={first.pk}.{second.pk}")
    page.get_by_label("Personal Access Token").fill(token_of("full"))
    page.get_by_label("90 days").check()
    Connection.objects.filter(pk=second.pk).update(token_set_at=timezone.now(), expires_on=timezone.localdate())
    page.get_by_role("button", name="Update 2 connections").click()
    expect(page.get_by_role("heading", name="Not updated")).to_be_visible()
    expect(page.get_by_label("Personal Access Token")).to_have_value(token_of("full"))
    page.get_by_role("button", name="Update token").click()
    expect(page.get_by_text("Second now uses the new token.")).to_be_visible()


def test_the_stored_token_is_tested_in_place(page: Page, connected: Callable[..., Connection]) -> None:
    page.goto(connected().get_absolute_url())
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()


def test_disconnecting_wants_the_name_typed(page: Page, connected: Callable[..., Connection]) -> None:
    page.goto(connected().get_absolute_url())
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_label("Type the name of the connection").fill("Acme main")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("heading", name="Acme main is disconnected")).to_be_visible()
