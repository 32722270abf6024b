"""Someone renews several tokens that expire soon with one sign-in at Microsoft."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.models import Connection
from tests.connections.renewals import Renewing
from tests.journeys.test_renewal import sign_in_as_maya


@pytest.fixture(autouse=True)
def _returns_here(site: str, settings: Settings) -> None:
    settings.SITE_URL = site


def test_several_tokens_are_renewed_in_one_sign_in(
    page: Page, connected: Callable[..., Connection], renewing: Renewing
) -> None:
    connected("Acme main")
    connected("Acme releases", token="full-again")
    Connection.objects.update(expires_on=timezone.localdate())
    page.goto("/code-repositories/rotation/")
    page.get_by_role("button", name="Renew all by signing in").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("2 connections of Maya Sample")
    page.get_by_label("Valid for (days)").fill("60")
    page.get_by_role("button", name="Sign in at Microsoft and renew 2").click()
    sign_in_as_maya(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 renewed")
    assert "code=" not in page.url
    expect(page.locator('[data-state="swapped"]')).to_have_count(2)
    page.get_by_role("link", name="Open the renewal of Acme main").click()
    expect(page.locator("#state")).to_contain_text("Old token still valid")
