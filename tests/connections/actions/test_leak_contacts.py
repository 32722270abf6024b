"""The contacts of what uses a credential are notified that it was declared leaked: once, in one mail, durably."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import declare_leak
from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.models import Connection, LeakedToken, Mail
from connections.notifications import consumer_mail
from history.record import Actor
from tests.factories import ConnectionFactory, StoredCredentialFactory, make_entry, make_leak

BY = Actor("Maya")
pytestmark = pytest.mark.django_db


def storing(name: str, secret: str = "q7" * 26) -> Connection:
    """A connection that stores this token, with two users that have one contact, and one without."""
    connection = ConnectionFactory.create(name=name)
    StoredCredentialFactory.create(connection=connection, secret=secret)
    for user, contact in (("Nightly", "ops@example.com"), ("Shop", "OPS@example.com"), ("Script", "")):
        connection.consumers.create(name=user, contact=contact)
    return connection


def declare(connection: Connection) -> LeakedToken:
    return declare_leak.declare_leak(declare_leak.find_stored(connection).key, by=BY, now=timezone.now())


def written() -> list[Mail]:
    return list(Mail.objects.filter(kind="credential_leaked").order_by("pk"))


def test_a_contact_gets_one_mail_that_names_what_of_theirs_uses_the_token() -> None:
    leak = declare(storing("Acme"))
    (mail,) = written()
    assert mail.recipient == "ops@example.com"
    assert 'Urgent: Azure DevOps token "Acme" was declared leaked' in mail.subject
    assert "It is used by Nightly, Shop." in mail.text
    assert reverse("connections:leak", args=[leak.pk]) in mail.text
    assert LeakedToken.objects.get().notified_contacts == 1


def test_a_contact_of_several_connections_gets_one_mail_about_all_of_them() -> None:
    declare(storing("One"))
    assert len(written()) == 1
    first = storing("Two", "r8" * 26)
    storing("Three", "r8" * 26)
    declare(first)
    mail = written()[-1]
    assert len(written()) == 2
    assert "“Two”" in mail.text
    assert "“Three”" in mail.text


def test_a_mail_is_about_the_connections_that_its_reader_uses() -> None:
    first, second = storing("One"), storing("Two")
    second.consumers.update(contact="web@example.com")
    declare(first)
    about = {mail.recipient: [row["name"] for row in mail.about] for mail in written()}
    assert about == {"ops@example.com": ["One"], "web@example.com": ["Two"]}


def test_the_scheduler_writes_the_mails_that_a_process_could_not_write() -> None:
    connection = storing("Acme")
    with (
        patch.object(consumer_mail, "token_leaked", side_effect=OSError("killed")),
        pytest.raises(OSError, match="killed"),
    ):
        declare(connection)
    assert not Mail.objects.exists()
    for _ in range(2):
        declare_leak.notify_pending(now=timezone.now() + timedelta(seconds=40))
    assert len(written()) == 1


def late_one(leak: LeakedToken) -> Connection:
    """A connection that gets the token while it is being declared leaked."""
    late = storing("Late", "s9" * 26)
    late.stored_credential.seal(leak.reveal())
    late.stored_credential.save()
    return late


def test_those_whom_a_connection_concerns_that_got_the_token_meanwhile_are_notified_once() -> None:
    leak = declare(storing("Acme"))
    late = late_one(leak)
    User.objects.filter(pk=late.owner_id).update(email="late@example.com")
    for _ in range(2):
        declare_leak.stop_late(leak, now=timezone.now())
    assert [[row["name"] for row in mail.about] for mail in written()] == [["Acme"], ["Late"]]
    assert LeakedToken.objects.get().notified_contacts == 2
    (mail,) = Mail.objects.filter(kind="leaked", recipient="late@example.com")
    assert [row["name"] for row in mail.about] == ["Late"]
    stored = [(user["name"], user["replaced"]) for user in LeakedToken.objects.get().connections]
    assert stored == [("Acme", False), ("Late", False)]


def test_one_that_is_stopped_before_anyone_was_notified_is_in_the_same_mail() -> None:
    connection = storing("Acme")
    with (
        patch.object(consumer_mail, "token_leaked", side_effect=OSError("killed")),
        pytest.raises(OSError, match="killed"),
    ):
        declare(connection)
    leak = LeakedToken.objects.get()
    late_one(leak)
    declare_leak.stop_late(leak, now=timezone.now())
    assert not written()
    declare_leak.notify_pending(now=timezone.now() + timedelta(seconds=40))
    (mail,) = written()
    assert [row["name"] for row in mail.about] == ["Acme", "Late"]


def test_a_connection_that_gets_its_previous_token_again_meanwhile_counts_as_storing_it() -> None:
    first, second = storing("Acme"), storing("Other", "s9" * 26)
    stored = second.stored_credential
    stored.replaced_fingerprint = first.stored_credential.fingerprint
    stored.save()
    leak = declare(first)
    stored.seal(leak.reveal())
    stored.save()
    declare_leak.stop_late(leak, now=timezone.now())
    users = [(user["name"], user["replaced"]) for user in LeakedToken.objects.get().connections]
    assert users == [("Acme", False), ("Other", False)]


def test_a_contact_of_what_used_the_token_before_is_told_that_it_was_replaced() -> None:
    connection = storing("Acme")
    stored = connection.stored_credential
    stored.replaced_fingerprint, stored.fingerprint = stored.fingerprint, "f" * 64
    stored.save()
    declare_leak.declare_leak(declare_leak.find_token(stored.reveal()).key, by=BY, now=timezone.now())
    assert "was declared leaked after it had been replaced" in written()[0].subject


def test_contacts_of_an_entry_are_notified_once_however_often_it_is_declared() -> None:
    entry = make_entry("Signing key", kind="ssh_key")
    entry.consumers.create(name="Nightly", contact="ops@example.com")
    for _ in range(2):
        leak = declare_entry_leaked(entry.pk, by=BY, now=timezone.now())
    assert [mail.recipient for mail in written()] == ["ops@example.com"]
    assert 'SSH key "Signing key" was declared leaked' in written()[0].subject
    assert leak.notified_contacts == 1


def test_the_page_says_how_many_contacts_were_notified(pages: Client) -> None:
    leak = declare(storing("Acme"))
    page = pages.get(reverse("connections:leak", args=[leak.pk])).text
    assert "1 contact was notified of the leak on" in page


def test_the_page_says_that_no_contact_was_notified(pages: Client) -> None:
    connection = ConnectionFactory.create()
    connection.consumers.create(name="Script")
    leak = make_leak(connection, notified_at=timezone.now())
    assert "No contact was recorded" in pages.get(reverse("connections:leak", args=[leak.pk])).text


def test_the_page_of_several_connections_names_the_one_of_each_user(pages: Client) -> None:
    first = storing("One")
    storing("Two")
    leak = declare(first)
    page = pages.get(reverse("connections:leak", args=[leak.pk])).text
    assert "by One" in page
    assert "by Two" in page


def test_the_page_of_an_entry_says_what_it_could_do(pages: Client) -> None:
    entry = make_entry(purpose="Deploys the shop", scopes="Write to production")
    leak = declare_entry_leaked(entry.pk, by=BY, now=timezone.now())
    page = pages.get(reverse("connections:leak", args=[leak.pk])).text
    assert "Deploys the shop" in page
    assert "Write to production" in page
