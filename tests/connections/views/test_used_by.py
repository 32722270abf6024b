"""What uses the token of a connection is recorded, shown when the token is updated, and notified then."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from connections.actions.register_entries import EntryInput, add_entry, change_entry, close_entry
from connections.models import Connection, Mail
from connections.notifications import consumer_mail
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory, make_person

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BY = Actor("Maya")
pytestmark = pytest.mark.django_db
LINES = "Nightly https://x.example.com/ ops@example.com\nShop OPS@example.com\nScript"


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(make_person("maya", "*"))
    return client


def test_it_is_recorded_shown_and_in_the_history(pages: Client) -> None:
    connection = ConnectionFactory.create()
    pages.post(reverse("connections:used-by", args=[connection.pk]), {"used_by": LINES})
    assert [consumer.name for consumer in connection.consumers.all()] == ["Nightly", "Shop", "Script"]
    for name in ("detail", "update-token", "token-updated"):
        page = pages.get(reverse(f"connections:{name}", args=[connection.pk])).content.decode()
        assert 'href="https://x.example.com/"' in page
    assert Event.objects.get(kind="connection.used_by_changed").detail["used_by"]["before"] == "none"


def test_a_form_of_an_outdated_page_is_refused(pages: Client) -> None:
    connection = ConnectionFactory.create()
    connection.consumers.create(name="Theirs")
    address = reverse("connections:used-by", args=[connection.pk])
    page = pages.post(address, {"used_by": "Mine", "version": "used_by-0"}).content.decode()
    assert "Changed since you opened the page" in page
    assert [consumer.name for consumer in connection.consumers.all()] == ["Theirs"]


def test_a_secret_is_refused_and_not_drawn_back(pages: Client) -> None:
    secret = "ghp_" + "a" * 36
    address = reverse("connections:used-by", args=[ConnectionFactory.create().pk])
    page = pages.post(address, {"used_by": f"Shop {secret}"}).content.decode()
    assert "This field stores no secrets" in page
    assert secret not in page


def test_each_contact_gets_one_mail_when_the_token_is_replaced() -> None:
    connection = ConnectionFactory.create(name="Acme")
    for name, contact in (("Nightly", "ops@example.com"), ("Shop", "OPS@example.com"), ("Script", "")):
        connection.consumers.create(name=name, contact=contact)
    assert consumer_mail.token_replaced(connection, now=NOW) == 1
    mail = Mail.objects.get()
    assert mail.recipient == "ops@example.com"
    assert 'Azure DevOps token "Acme" was replaced by a new one' in mail.subject
    assert "Nightly, Shop" in mail.text


def test_a_contact_who_was_deactivated_gets_no_mail() -> None:
    connection = ConnectionFactory.create()
    make_person("ben", email="Ben@example.com", is_active=False)
    make_person("olga", email="olga@example.com")
    for contact in ("ben@example.com", "olga@example.com", "team@example.com"):
        connection.consumers.create(name=contact, contact=contact)
    consumer_mail.token_replaced(connection, now=NOW)
    assert set(Mail.objects.values_list("recipient", flat=True)) == {"olga@example.com", "team@example.com"}


def test_an_update_of_the_token_notifies_the_contacts(
    connected: Callable[..., Connection], token_of: Callable[[str], str], client: Client
) -> None:
    connection = connected("Acme", organization="acme")
    connection.consumers.create(name="Nightly", contact="ops@example.com")
    client.force_login(User.objects.get(pk=connection.owner_id))
    address = reverse("connections:update-token", args=[connection.pk])
    client.post(
        address, {"token": token_of("full-again"), "token_reach": "one", "expires": "30", "accept_limited": "on"}
    )
    assert Mail.objects.filter(kind="credential_replaced").count() == 1


def test_contacts_of_an_entry_are_notified_when_it_is_renewed_or_closed() -> None:
    owner = make_person("olga")
    entered = EntryInput("Key", "pat", owner, date(2027, 1, 1), used_by=LINES)
    entry = add_entry(entered, by=BY, now=NOW)
    assert not Mail.objects.exists()
    renewed = EntryInput("Key", "pat", owner, date(2027, 6, 1), used_by=LINES)
    change_entry(entry.pk, renewed, by=BY, now=NOW)
    assert "was renewed and now expires on 1 June 2027" in Mail.objects.get().subject
    close_entry(entry.pk, "replaced", by=BY, now=NOW)
    assert "was closed in the register: replaced by another credential" in Mail.objects.latest("pk").subject
