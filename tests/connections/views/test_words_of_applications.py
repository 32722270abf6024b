"""What pages and mails call the credential of an application: a client secret, never a token."""

import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections import notification_reads
from connections.actions import declare_leak, prove_leak
from connections.domain.health import StatusChange
from connections.models import Connection, LeakedToken, Mail, StoredCredential
from connections.models.sealed import fingerprint_of
from connections.notifications.calendar_feed import calendar_of
from connections.notifications.notify import notify_status_change
from connections.notifications.reminders import remind_due
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.record import Actor
from sandbox.entra.issuer import Issuer
from tests.connections.applications import connected, credential_of

pytestmark = pytest.mark.django_db
# Access tokens are something else, and so are the pages of the menu.
_OTHER_TOKENS = re.compile(r"access tokens?", re.IGNORECASE)
_TOKEN = re.compile(r"\btokens?\b", re.IGNORECASE)


def tokens_in(text: str) -> list[str]:
    text = _OTHER_TOKENS.sub("", re.sub(r"https?://\S+", "", text))
    return [text[max(0, found.start() - 30) : found.end() + 30] for found in _TOKEN.finditer(text)]


def main_of(page: str) -> str:
    """What a page says, without its menus."""
    return re.sub(r"<[^>]*>", " ", page.split("<h1")[1].split("</main>")[0])


@pytest.fixture
def connection(entra: Issuer, maintainer: User) -> Connection:
    maintainer.email = "maya@example.com"
    maintainer.save()
    return connected(entra, maintainer)


def test_its_page(connection: Connection, pages: Client) -> None:
    page = main_of(pages.get(connection.get_absolute_url()).text)
    for words in ("Everything is permitted.", "Permissions", "This client secret leaked", "keeps the client secret"):
        assert words in page
    assert "All scopes are granted." not in page
    assert tokens_in(page) == []


def test_the_list_names_what_is_updated(connection: Connection, pages: Client) -> None:
    page = pages.get(reverse("connections:list")).text
    assert "Update client secret" in page
    assert tokens_in(main_of(page).replace("Token organizations unknown", "")) == []


def test_the_pages_of_a_bulk_rotation(connection: Connection, entra: Issuer, maintainer: User, pages: Client) -> None:
    other = connected(entra, maintainer, name="Theirs", organization="fabrikam")
    for watched in (connection, other):
        expire(watched, timezone.localdate() + timedelta(days=5))
    planned = main_of(pages.get(reverse("connections:rotation")).text)
    assert "client secrets of" in planned
    assert "which use the same application" in planned
    begin = f"?within=30&connection={connection.pk}&connection={other.pk}&shared={connection.pk}"
    address = pages.get(reverse("connections:plan-rotation") + begin).headers["Location"]
    step = main_of(pages.get(address).text)
    for words in ("One new client secret for all of them", "Old client secret", "Certificates &amp; secrets"):
        assert words in step
    done = main_of(pages.get(address.replace("at=1", "at=2")).text)
    assert "keep the old client secrets" in done
    for page in (planned, step, done):
        assert tokens_in(page.replace("Token policy", "").replace("A token may be valid", "")) == []


def test_disconnecting(connection: Connection, pages: Client) -> None:
    address = reverse("connections:disconnect", args=[connection.pk])
    asked = main_of(pages.get(address).text)
    assert "keeps working until it is deleted in Microsoft Entra" in asked
    form = {"confirm_name": connection.name, "version": shown_version(pages.get(address).text)}
    done = main_of(pages.post(address, form).text)
    assert "Our copy of the client secret is deleted." in done
    assert tokens_in(asked + done) == []


def shown_version(page: str) -> str:
    found = re.search(r'name="version" value="([^"]*)"', page)
    return found[1] if found else ""


def test_its_event_in_the_calendar(connection: Connection, maintainer: User) -> None:
    expire(connection, timezone.localdate() + timedelta(days=5))
    text = calendar_of(notification_reads.dated_of(maintainer), today=timezone.localdate()).decode()
    unfolded = text.replace("\r\n ", "")
    assert "Microsoft Entra client secret of “Ours” expires" in unfolded
    assert "create a new client secret" in unfolded
    assert tokens_in(unfolded) == []


def expire(connection: Connection, day: date | None) -> None:
    Connection.objects.filter(pk=connection.pk).update(expires_on=day, token_set_at=timezone.now() - timedelta(days=40))


@pytest.mark.parametrize("days", [None, 5, -2])
def test_reminders(connection: Connection, days: int | None) -> None:
    expire(connection, None if days is None else timezone.localdate() + timedelta(days=days))
    remind_due(now=timezone.now())
    mail = Mail.objects.get()
    assert "Microsoft Entra client secret" in mail.subject
    assert tokens_in(mail.subject + mail.text) == []


@pytest.mark.parametrize("change", StatusChange)
def test_mails_about_its_status(connection: Connection, change: StatusChange) -> None:
    connection.problem = "entra_secret_ended" if change is StatusChange.REJECTED else ""
    connection.problem = "entra_unreachable" if change is StatusChange.UNREACHABLE else connection.problem
    notify_status_change(connection, change, now=timezone.now())
    mail = Mail.objects.get()
    assert "Application:" in mail.text
    assert tokens_in(mail.subject + mail.text) == []


def test_a_digest_of_secrets_alone(connection: Connection, entra: Issuer, maintainer: User, settings: Settings) -> None:
    settings.REMINDERS_BEFORE_DIGEST = 1
    for secret in (connection, connected(entra, maintainer, name="Theirs", organization="fabrikam")):
        expire(secret, timezone.localdate() + timedelta(days=5))
    remind_due(now=timezone.now())
    mail = Mail.objects.get()
    assert "2 Microsoft Entra client secrets need your attention" in mail.subject
    assert "then “Certificates & secrets”, and create a new client secret" in mail.text
    assert tokens_in(mail.subject + mail.text) == []


def test_a_digest_of_both_speaks_of_credentials(
    connection: Connection, sandbox: object, token_of: object, maintainer: User, settings: Settings
) -> None:
    from tests.factories import ConnectionFactory

    settings.REMINDERS_BEFORE_DIGEST = 1
    for watched in (connection, ConnectionFactory.create(owner=maintainer)):
        expire(watched, timezone.localdate() + timedelta(days=5))
    remind_due(now=timezone.now())
    mail = Mail.objects.get()
    assert "2 Azure DevOps credentials need your attention" in mail.subject
    assert "each credential" in mail.text


def declared(connection: Connection, maintainer: User) -> LeakedToken:
    key = declare_leak.find_stored(connection).key
    return declare_leak.declare_leak(key, by=Actor("Maya", maintainer.pk), now=timezone.now())


def test_the_pages_of_its_leak(connection: Connection, maintainer: User, pages: Client, entra: Issuer) -> None:
    asked = main_of(pages.get(reverse("connections:ask-leak", args=[connection.pk])).text)
    assert "This client secret leaked" in asked
    assert tokens_in(asked) == []
    secret = credential_of(entra, "full").secrets()[0]
    found = pages.post(reverse("connections:check-leak"), {"token": secret}).text
    assert "1 connection uses this client secret" in found
    shown = main_of(pages.get(reverse("connections:leak", args=[declared(connection, maintainer).pk])).text)
    assert "Delete the client secret of" in shown
    assert tokens_in(shown) == []


def test_a_connection_that_was_stopped_leads_to_no_list_of_tokens(
    connection: Connection, maintainer: User, pages: Client
) -> None:
    declared(connection, maintainer)
    page = main_of(pages.get(connection.get_absolute_url()).text)
    assert "Declared leaked" in page
    assert "Open your tokens" not in page


def test_one_application_may_be_used_by_several_connections(connection: Connection, pages: Client) -> None:
    page = main_of(pages.get(reverse("connections:update-token", args=[connection.pk])).text)
    assert "90 days" in page
    assert "separate token" not in page


def test_a_token_that_an_application_replaced_is_called_a_token(connection: Connection) -> None:
    token = PersonalAccessToken("a" * 52)
    StoredCredential.objects.update(replaced_fingerprint=fingerprint_of(token), replaced_kind=token.kind)
    found = declare_leak.find_token(token)
    assert found.words.name == "token"
    leak = declare_leak.declare_leak(found.key, by=Actor("Maya"), now=timezone.now())
    assert leak.is_token


def test_mails_about_its_leak(connection: Connection, maintainer: User, entra: Issuer) -> None:
    leak = declared(connection, maintainer)
    entra.expire_secrets("full")
    at = leak.declared_at + timedelta(hours=1)
    (claim,) = prove_leak.claim_due(now=at)
    prove_leak.ask_claimed(claim[0], lease=claim[1], clock=lambda: at)
    mails = Mail.objects.order_by("pk")
    assert [mail.kind for mail in mails] == ["leaked", "leak_result"]
    for mail in mails:
        assert tokens_in(mail.subject + mail.text) == []
