"""A register is imported in a browser and reminds people; a certificate is added by its file and expires."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from connections.models import Connection, Mail, RegisterEntry
from connections.notifications import register_reminders
from tests.connections.providers.azure_devops.authority import Authority
from tests.factories import make_entry

REGISTER = "/code-repositories/register/"


@pytest.fixture
def owner(connected: Callable[..., Connection]) -> User:
    """The person who is signed in, with a mail address."""
    connection = connected("Acme main")
    User.objects.filter(pk=connection.owner_id).update(email="maya@example.com")
    return User.objects.get(pk=connection.owner_id)


def test_a_csv_is_imported_and_the_owner_is_reminded(page: Page, owner: User) -> None:
    soon = timezone.localdate() + timedelta(days=3)
    lines = ["Name;Kind;Expires;Used by", f"Shop key;SSH key;{soon:%d.%m.%Y};Shop https://shop.example.com/"]
    lines += ["Bad;nonsense;;", "Old secret;Entra client secret;31/12/2025;"]
    content = "\ufeff" + "\r\n".join(lines)
    page.goto(REGISTER)
    page.get_by_role("link", name="Import").click()
    file: FilePayload = {"name": "inventory.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Show preview").click()
    expect(page.get_by_role("row").filter(has_text="This is no kind")).to_contain_text("3")
    page.get_by_role("button", name="Import 2 lines").click()
    page.get_by_role("link", name="Open the register").click()
    expect(page.get_by_role("row").filter(has_text="Shop key")).to_contain_text("in 3 days")

    register_reminders.remind_due(now=timezone.now())
    mail = Mail.objects.get(kind=register_reminders.MAIL)
    assert mail.recipient == owner.email
    assert "Still in use?" in mail.text

    page.get_by_role("link", name="Old secret").click()
    page.get_by_role("region", name="Still in use?").get_by_role("link", name="Close").click()
    page.get_by_label("No longer used").check()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("main")).to_contain_text("It is no longer watched.")


def test_a_certificate_is_added_by_its_file_and_expires(
    page: Page, owner: User, authority: Authority, tmp_path: Path
) -> None:
    both = Path(authority.server_file("shop.example.com", days=60)).read_bytes()
    certificate = x509.load_pem_x509_certificate(both)
    page.goto(f"{REGISTER}add/")
    page.get_by_role("link", name="Add by certificate file").click()
    page.get_by_label("Certificate").set_input_files({"name": "a.pem", "mimeType": "text/plain", "buffer": both})
    page.get_by_role("button", name="Read and add").click()
    expect(page.locator("main")).to_contain_text("This file holds a private key. It was not kept.")
    alone = certificate.public_bytes(serialization.Encoding.PEM)
    page.get_by_label("Certificate").set_input_files({"name": "a.pem", "mimeType": "text/plain", "buffer": alone})
    page.get_by_role("button", name="Read and add").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("shop.example.com")
    page.get_by_label("Purpose").fill("TLS of the shop")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("main")).to_contain_text("TLS of the shop")

    entry = RegisterEntry.objects.get()
    register_reminders.remind_due(now=timezone.now() + timedelta(days=60))
    assert "shop.example.com" in Mail.objects.get(recipient=owner.email).subject
    RegisterEntry.objects.update(expires_on=timezone.localdate() - timedelta(days=1))
    page.goto(entry.get_absolute_url())
    expect(page.get_by_role("region", name="Still in use?")).to_contain_text("expired yesterday")


def test_ticked_entries_are_closed_together(page: Page, owner: User) -> None:
    for name in ("Old key", "Shop key", "Test key"):
        make_entry(name, owner=owner)
    page.goto(REGISTER)
    expect(page.get_by_role("button", name="Close")).to_be_hidden()
    for name in ("Old key", "Test key"):
        page.get_by_role("checkbox", name=name).check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", name="Close 2 credentials")).to_be_visible()
    page.get_by_label("No longer used").check()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Closed: Old key, Test key.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Old key")).to_contain_text("Closed")
