"""A credential of the register that leaked: nothing is stopped, and people are notified and guided."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.actions.register_entries import EntryInput, change_entry, close_entry, reopen_entry
from connections.models import LeakedToken, Mail, MutedReminders, RegisterEntry
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory, make_entry, make_leak


def declare(entry_id: int) -> LeakedToken:
    return declare_entry_leaked(entry_id, by=Actor("Maya"), now=timezone.now())


@pytest.mark.django_db
def test_its_owner_is_notified_once_however_often_it_is_declared(maintainer: User) -> None:
    maintainer.email = "maya@example.com"
    maintainer.save()
    entry = make_entry(owner=maintainer)
    assert declare(entry.pk) == declare(entry.pk)
    assert [mail.recipient for mail in Mail.objects.filter(kind="leaked")] == ["maya@example.com"]
    assert Event.objects.filter(kind="register.declared_leaked", subject_id=entry.pk).count() == 1


@pytest.mark.django_db
def test_people_who_stopped_reminders_are_notified_too(maintainer: User) -> None:
    maintainer.email = "maya@example.com"
    maintainer.save()
    MutedReminders.objects.create(address="maya@example.com")
    declare(make_entry(owner=maintainer).pk)
    assert [mail.recipient for mail in Mail.objects.filter(kind="leaked")] == ["maya@example.com"]


@pytest.mark.django_db
def test_what_it_was_renewed_with_can_leak_too(pages: Client) -> None:
    entry = make_entry("Signing key", expires_on=date(2027, 1, 1))
    first, now = declare(entry.pk), timezone.now()
    page, register = reverse("connections:register-entry", args=[entry.pk]), reverse("connections:register")
    assert "Declared leaked on" in pages.get(page).text
    assert "Leaked</span>" in pages.get(register).text
    renewed = EntryInput("Signing key", "pat", entry.owner, date(2028, 1, 1))
    change_entry(entry.pk, renewed, by=Actor("Maya"), now=now)
    assert "Declared leaked on" not in pages.get(page).text
    assert "Leaked</span>" not in pages.get(register).text
    assert declare(entry.pk) != first
    assert LeakedToken.objects.filter(entry=entry).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("day", [date(2026, 12, 31), None])
def test_it_stays_leaked_until_it_has_a_later_date(pages: Client, day: date | None) -> None:
    entry = make_entry("Signing key", expires_on=date(2027, 1, 1))
    leak = declare(entry.pk)
    edited = EntryInput("Signing key", "pat", entry.owner, day)
    change_entry(entry.pk, edited, by=Actor("Maya"), now=timezone.now())
    assert "Declared leaked on" in pages.get(reverse("connections:register-entry", args=[entry.pk])).text
    assert "Leaked</span>" in pages.get(reverse("connections:register")).text
    assert declare(entry.pk) == leak


@pytest.mark.django_db
def test_it_stays_leaked_when_it_is_reopened(pages: Client) -> None:
    entry = make_entry("Signing key")
    leak, by = declare(entry.pk), Actor("Maya")
    close_entry(entry.pk, "replaced", by=by, now=timezone.now())
    reopen_entry(entry.pk, by=by, now=timezone.now())
    assert "Leaked</span>" in pages.get(reverse("connections:register")).text
    assert declare(entry.pk) == leak


@pytest.mark.django_db
def test_two_entries_are_two_declarations() -> None:
    assert declare(make_entry("One").pk) != declare(make_entry("Two").pk)


@pytest.mark.django_db
def test_long_names_of_an_entry_are_shortened_to_what_the_columns_hold() -> None:
    leak = declare(make_entry("n" * 128, outside_owner="o" * 200).pk)
    assert (leak.organization, leak.identity_name) == ("n" * 64, "o" * 200)


@pytest.mark.django_db
def test_the_report_names_what_uses_it(pages: Client) -> None:
    entry = make_entry(organization="acme")
    entry.consumers.create(name="Nightly deployment")
    shown = pages.post(reverse("connections:declare-entry-leak", args=[entry.pk]), follow=True).content.decode()
    assert "Nightly deployment" in shown
    assert "not stored here" in " ".join(shown.split())


@pytest.mark.django_db
def test_it_is_called_by_its_kind() -> None:
    kinds = {kind: declare(make_entry(kind, kind=kind).pk).words.name for kind in RegisterEntry.Kind}
    assert kinds == dict.fromkeys(RegisterEntry.Kind, "credential") | {"pat": "token", "client_secret": "client secret"}


@pytest.mark.django_db
def test_it_is_shown_only_to_people_who_may_see_the_register(client: Client, person: Callable[..., User]) -> None:
    leak = declare(make_entry("Signing key").pk)
    client.force_login(person("ben", "connections.view_connection", "connections.declare_leak"))
    assert client.get(reverse("connections:leak", args=[leak.pk])).status_code == 404
    assert client.get(reverse("connections:declare-entry-leak", args=[leak.entry_id])).status_code == 403
    assert "Signing key" not in client.get(reverse("connections:check-leak")).text


@pytest.mark.django_db
def test_what_uses_a_leaked_token_is_named_only_to_people_who_may_see_the_register(
    client: Client, person: Callable[..., User]
) -> None:
    connection = ConnectionFactory.create()
    connection.consumers.create(name="Nightly deployment")
    page = reverse("connections:leak", args=[make_leak(connection).pk])
    for name, permissions, is_named in (("ben", (), False), ("mia", ("connections.view_registerentry",), True)):
        client.force_login(person(name, "connections.view_connection", *permissions))
        assert ("Nightly deployment" in client.get(page).text) is is_named
