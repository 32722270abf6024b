"""A reminder tells how urgent it is, and its links lead to what the person can still do."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.models import Connection, Mail
from connections.notifications import reminders

Connected = Callable[..., Connection]


@pytest.mark.parametrize(
    ("days", "urgency", "advice"),
    [
        (14, "", "Create or extend the token"),
        (3, "Action needed", "Create or extend the token"),
        (1, "Urgent", "Create or extend the token"),
        (-1, "Urgent", "Create a new token"),
    ],
)
def test_a_reminder_is_as_urgent_as_its_date_and_leads_to_the_form(
    page: Page, site: str, connected: Connected, settings: Settings, days: int, urgency: str, advice: str
) -> None:
    settings.SITE_URL = site
    connection = connected("Acme main")
    connection.owner.email = "maya@example.com"
    connection.owner.save()
    Connection.objects.update(
        expires_on=timezone.localdate() + timedelta(days), token_set_at=timezone.now() - timedelta(80)
    )
    reminders.remind_due(now=timezone.now())
    mail = Mail.objects.get()
    found = [words for words in ("Urgent", "Action needed") if f"] {words}: " in mail.subject]
    assert found == [urgency][: bool(urgency)]

    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_content(mail.html)
    expect(page.get_by_role("link", name=advice)).to_be_visible()
    page.get_by_role("link", name="Update the token here").click()
    expect(page.get_by_role("heading", name="Update token")).to_be_visible()
    expect(page).to_have_url(f"{site}/code-repositories/{connection.pk}/token/")
