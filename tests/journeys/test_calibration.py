"""An administrator calibrates in a real browser: asks, sees the whole file, downloads it."""

from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connections.models import Connection
from tests.journeys.test_accessibility import complaints


def test_a_calibration_is_asked_for_shown_and_downloaded(
    page: Page, connected: Callable[..., Connection], maintainer: User
) -> None:
    connection = connected()
    User.objects.filter(pk=maintainer.pk).update(is_superuser=True)
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Calibrate").click()
    expect(page.get_by_label("Code", exact=True)).to_have_value("manage")
    page.get_by_label("Build", exact=True).select_option(label="Build: Read")
    page.get_by_role("button", name="Run calibration").click()
    expect(page.get_by_role("heading", name="1 unexpected response")).to_be_visible()
    assert complaints(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this file").click()
    assert Path(download.value.path()).read_text() == page.locator("pre").text_content()
    assert download.value.suggested_filename.startswith("calibration-")
