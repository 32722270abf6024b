"""Someone reads their own tokens in Azure DevOps, and a connection gets the true date of its token."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.models import Connection
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of
from tests.journeys.test_renewal import sign_in_as_maya


@pytest.fixture(autouse=True)
def _returns_here(site: str, settings: Settings) -> None:
    settings.SITE_URL = site


def test_a_date_is_read_from_azure_devops(
    page: Page, connected: Callable[..., Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.expires_at = datetime(2027, 3, 14, 12, tzinfo=UTC)
    connection = connected("Acme main")
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Read it from Azure DevOps").click()
    expect(page.get_by_label("acme (1 connection)")).to_be_checked()
    page.get_by_role("button", name="Sign in at Microsoft and read").click()
    sign_in_as_maya(page)
    page.get_by_label("Which of your tokens is it?").select_option(entry_of(sandbox, "full"))
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review")
    expect(page.locator("main")).to_contain_text("expires 14 Mar 2027")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("main")).to_contain_text("read from Azure DevOps")
    page.get_by_role("link", name="Acme main").click()
    expect(page.locator("[aria-labelledby=token]")).to_contain_text("14 March 2027")
    expect(page.locator("[aria-labelledby=token]")).to_contain_text("read from Azure DevOps")
