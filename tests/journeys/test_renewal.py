"""Someone renews a token with a sign-in at Microsoft, and watches that Azure DevOps rejects the old one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.domain.renewal import State
from connections.models import Connection, Renewal
from tests.connections.renewals import Renewing, prove_due
from tests.factories import make_renewal


@pytest.fixture(autouse=True)
def _returns_here(site: str, settings: Settings) -> None:
    settings.SITE_URL = site


def sign_in_as_maya(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Maya Sample").click()


def test_a_token_is_renewed_and_the_old_one_is_rejected(
    page: Page, connected: Callable[..., Connection], renewing: Renewing
) -> None:
    connection = connected("Acme main")
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Renew token").click()
    page.get_by_label("Valid for (days)").fill("60")
    page.get_by_role("button", name="Sign in at Microsoft and renew").click()
    sign_in_as_maya(page)
    expect(page.locator("#state")).to_contain_text("Old token still valid")
    assert "code=" not in page.url
    page.get_by_label("full", exact=False).first.check()
    page.get_by_role("button", name="This is the old token").click()
    expect(page.locator("#renewal")).to_contain_text("Requests that began with the old token")

    # As if the longest request had ended.
    Renewal.objects.update(revoke_from=timezone.now() - timedelta(seconds=1))
    page.get_by_role("button", name="Sign in at Microsoft and revoke").click()
    sign_in_as_maya(page)
    expect(page.locator("#state")).to_contain_text("Old token revoked")
    # The worker's part, as if the first question were due.
    Renewal.objects.update(next_ask_at=timezone.now() - timedelta(seconds=1))
    prove_due(timezone.now)
    expect(page.locator("#state")).to_contain_text("Renewed")
    expect(page.locator("#renewal")).to_contain_text("rejected")


def test_who_declines_reads_that_nothing_was_changed(
    page: Page, connected: Callable[..., Connection], renewing: Renewing
) -> None:
    connection = connected("Acme main")
    page.goto(f"{connection.get_absolute_url()}renew/")
    page.get_by_role("button", name="Sign in at Microsoft and renew").click()
    page.get_by_role("button", name="Decline").click()
    expect(page.locator("main")).to_contain_text("No token was changed")


def test_a_refusal_of_the_whole_form_is_focused(
    page: Page, connected: Callable[..., Connection], renewing: Renewing
) -> None:
    connection = connected("Acme main")
    page.goto(f"{connection.get_absolute_url()}renew/")
    make_renewal(connection, state=State.CREATING)
    page.get_by_role("button", name="Sign in at Microsoft and renew").click()
    message = page.locator("#form_errors")
    expect(message).not_to_be_empty()
    expect(message).to_be_focused()
