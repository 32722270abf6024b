"""The life of a connection by an application: audited, expired, its secret replaced, here and where it is shared."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections import clients
from connections.actions.audit import audit
from connections.domain import principal_verification
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops import permissions
from connections.providers.azure_devops.access_tokens import TOKENS
from history.record import SCHEDULER
from sandbox.entra.issuer import Issuer
from sandbox.server import Sandbox
from tests.connections.applications import connected, credential_of
from tests.connections.providers.azure_devops.loopback import nobody
from tests.leaks import everything_stored, remembered, sessions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()
    permissions.KEPT.forget()


def audited(connection: Connection) -> Connection:
    audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)
    connection.refresh_from_db()
    return connection


def test_an_audit_confirms_what_it_may_do(entra: Issuer, maintainer: User) -> None:
    connection = audited(connected(entra, maintainer))
    assert (connection.health, connection.problem) == ("healthy", "")
    assert {state.verdict for state in connection.capabilities.all()} == {"granted"}


def test_an_ended_secret_is_a_rejection_and_expires_today(entra: Issuer, maintainer: User) -> None:
    connection = connected(entra, maintainer)
    entra.expire_secrets("full")
    TOKENS.forget()
    audited(connection)
    assert (connection.health, connection.problem) == ("rejected", "entra_secret_ended")
    assert connection.expires_on == timezone.localdate()


def test_an_outage_of_microsoft_entra_rejects_nothing(entra: Issuer, maintainer: User, settings: Settings) -> None:
    connection = connected(entra, maintainer)
    settings.SANDBOX_ENTRA_AUTHORITY = f"https://127.0.0.1:{nobody()}"
    for _ in range(3):
        audited(connection)
    assert (connection.health, connection.problem) == ("unreachable", "entra_unreachable")


def test_a_removed_application_is_rejected_with_what_to_do(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    entra.set_member("full", "acme", member=False)
    audited(connection)
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert connection.problem == "principal_not_added"
    assert entra.directory.named("full").principal.object_id in page


def rotated(client: Client, connection: Connection, secret: str, **other: str) -> str:
    page = client.get(reverse("connections:update-token", args=[connection.pk])).content.decode()
    version = page.split('name="version" value="')[1].split('"')[0]
    address = reverse("connections:update-token", args=[connection.pk])
    answer = client.post(address, {"token": secret, "expires": "90", "version": version, **other}, follow=True)
    return str(answer.content.decode())


def test_a_new_secret_takes_the_place_of_the_old_one(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    secret = entra.add_secret("full")
    page = rotated(pages, connection, secret)
    assert "now uses the new client secret" in page
    assert "Now delete the old client secret" in page
    stored = StoredCredential.objects.get().reveal()
    assert stored == credential_of(entra, "full", secret)


def test_the_page_asks_for_the_secret_alone(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    page = pages.get(reverse("connections:update-token", args=[connection.pk])).content.decode()
    assert "New client secret" in page
    assert 'name="token_reach"' not in page
    assert "I extended the same token" not in page
    refused = rotated(pages, connection, credential_of(entra, "full").client)
    assert "This is the Secret ID." in refused


def test_a_new_secret_is_offered_to_all_connections_of_the_application(
    entra: Issuer, maintainer: User, pages: Client
) -> None:
    first = connected(entra, maintainer)
    second = connected(entra, maintainer, name="Theirs", organization="fabrikam")
    page = pages.get(reverse("connections:update-token", args=[first.pk])).content.decode()
    assert "The application is also used by" in page
    offered = page.split("data-shared-by>")[1].split('href="')[2].split('"')[0].replace("&amp;", "&")
    step = pages.get(offered).content.decode()
    versions = {
        f"version-{one.pk}": step.split(f'name="version-{one.pk}" value="')[1].split('"')[0] for one in (first, second)
    }
    secret = entra.add_secret("full")
    pages.post(offered, {"token": secret, "expires": "90", **versions}, follow=True)
    assert {one.reveal().secrets() for one in StoredCredential.objects.all()} == {(secret,)}


def test_a_secret_may_last_two_years(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    secret, today = entra.add_secret("full"), timezone.localdate()
    far = {"expires": "date", "expires_on": (today + timedelta(days=800)).isoformat()}
    assert "Client secrets are valid for two years at most." in rotated(pages, connection, secret, **far)
    near = {"expires": "date", "expires_on": (today + timedelta(days=700)).isoformat()}
    assert "now uses the new client secret" in rotated(pages, connection, secret, **near)
    connection.refresh_from_db()
    assert connection.expires_on == today + timedelta(days=700)


def test_the_edit_form_asks_nothing_that_only_tokens_have(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    page = pages.get(reverse("connections:edit", args=[connection.pk])).content.decode()
    assert 'name="token_reach"' not in page


def test_sharing_is_shown_and_not_warned_about(entra: Issuer, maintainer: User, pages: Client) -> None:
    first = connected(entra, maintainer)
    connected(entra, maintainer, name="Theirs", organization="fabrikam")
    page = pages.get(first.get_absolute_url()).content.decode()
    assert "Also used by" in page.split("data-shared-by")[1]
    assert "data-also-used-by" not in page
    assert credential_of(entra, "full").client in page


def test_a_test_takes_one_round_trip_more_than_one_by_token(entra: Issuer, maintainer: User, sandbox: Sandbox) -> None:
    report = clients.check_concurrently(clients.servers()[0], "acme", credential_of(entra, "full"))
    assert set(report.seconds) == {"tenant", "issuer", "token", "projects", "permissions", "scopes"}
    assert principal_verification.PERMISSIONS_UNKNOWN not in {finding.reason for finding in report.findings}


def test_no_secret_and_no_access_token_is_left_anywhere(
    entra: Issuer, maintainer: User, pages: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = audited(connected(entra, maintainer))
    page = pages.get(connection.get_absolute_url()).content
    secret = credential_of(entra, "full").secrets()[0]
    issued = [entry.token.text.reveal() for entry in TOKENS._entries.values() if entry.token]
    assert issued
    places = {"database": everything_stored(), "sessions": sessions(), "cache": remembered(), "page": page}
    places["log"] = (caplog.text + str([vars(record) for record in caplog.records])).encode()
    left = {(place, text) for place, found in places.items() for text in (secret, *issued) if text.encode() in found}
    assert left == set()
