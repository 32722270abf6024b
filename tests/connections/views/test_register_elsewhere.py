"""Entries of the register in calendars, in the report for auditors, and as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import calendar_feeds
from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.actions.register_entries import EntryInput, add_entry, change_entry
from history.record import Actor
from tests.factories import make_entry, make_person

pytestmark = pytest.mark.django_db
BY = Actor("Maya")


def test_a_calendar_has_the_dates_of_ones_own_entries(client: Client) -> None:
    maya, soon = make_person("maya", "*"), timezone.localdate() + timedelta(days=9)
    entered = EntryInput("Deploy key", "ssh_key", maya, soon, purpose="Shop")
    entry = add_entry(entered, by=BY, now=timezone.now())
    make_entry("Of someone else", expires_on=soon)
    make_entry("Closed", owner=maya, expires_on=soon, closed_at=timezone.now())
    maya.user_permissions.remove(maya.user_permissions.get(codename="change_guardrails"))
    address = reverse("connections:calendar-feed", args=[calendar_feeds.make_address(maya, by=BY, now=timezone.now())])
    first = client.get(address).content.decode().replace("\r\n ", "")
    assert "SUMMARY:SSH key “Deploy key” expires" in first
    assert f"UID:register-{entry.pk}@" in first
    assert "SEQUENCE:0" in first
    assert first.count("BEGIN:VEVENT") == 1
    assert client.get(address).content.decode().replace("\r\n ", "") == first
    change_entry(entry.pk, EntryInput("Deploy key", "ssh_key", maya, soon), by=BY, now=timezone.now())
    assert "SEQUENCE:1" in client.get(address).content.decode()


def test_a_calendar_of_someone_who_may_not_see_the_register_has_no_entries(client: Client) -> None:
    nina = make_person("nina", "connections.view_connection")
    make_entry(owner=nina, expires_on=timezone.localdate())
    address = reverse("connections:calendar-feed", args=[calendar_feeds.make_address(nina, by=BY, now=timezone.now())])
    assert "Deploy key" not in client.get(address).content.decode()


def test_the_report_for_auditors_has_the_register_and_its_changes(client: Client) -> None:
    root = make_person("root", staff=True)
    client.force_login(root)
    entered = EntryInput("Deploy key", "ssh_key", root, purpose="Shop", used_by="Nightly build")
    add_entry(entered, by=BY, now=timezone.now())
    page = b"".join(client.get(reverse("connections:auditor-report"))).decode()
    for words in ("Changes to the register", "Added to the register", "Nightly build", "Shop"):
        assert words in page


def test_the_register_is_exported_with_its_filters_and_without_formulas(client: Client) -> None:
    client.force_login(make_person("maya", "*"))
    entry = make_entry("=1+1", expires_on=datetime(2026, 12, 31, tzinfo=UTC).date(), kind="certificate")
    entry.consumers.create(name="Shop", url="https://example.com/", contact="ops@example.com")
    make_entry("Other")
    answer = client.get(f"{reverse('connections:register-csv')}?kind=certificate")
    text = b"".join(answer).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["name"] == "'=1+1"
    assert row["used_by"] == "Shop https://example.com/ ops@example.com"
    assert (row["expires_on"], row["owner"], row["kind"]) == ("2026-12-31", "owner", "certificate")


def test_the_report_for_auditors_marks_a_leaked_entry(client: Client) -> None:
    client.force_login(make_person("root", staff=True))
    entry = make_entry("Signing key")
    make_entry("Other")
    declare_entry_leaked(entry.pk, by=BY, now=timezone.now())
    page = b"".join(client.get(reverse("connections:auditor-report"))).decode()
    assert page.count("Declared leaked on") == 1
