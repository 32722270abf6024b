"""The page for extending a token with a sign-in at Microsoft."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.models import Connection, KnownToken
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back
from tests.connections.views.test_renewal import BACK, to_microsoft
from tests.factories import make_extension

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(connected: Connected, sandbox: Sandbox) -> Connection:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.created_at, token.expires_at = timezone.now(), timezone.now() + timedelta(days=20)
    return connected()


def know(connection: Connection, sandbox: Sandbox) -> None:
    """Let it be known which entry in Azure DevOps the stored token is."""
    KnownToken.objects.create(
        fingerprint=connection.stored_credential.fingerprint,
        server="Sandbox",
        organization="acme",
        authorization_id=entry_of(sandbox, "full"),
        source="picked",
        name="full",
        read_at=timezone.now(),
    )


def page_of(connection: Connection) -> str:
    return reverse("connections:extend", args=[connection.pk])


def test_it_says_that_this_is_no_rotation(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    know(connection, sandbox)
    page = pages.get(page_of(connection)).content.decode()
    assert "This is no rotation" in page
    assert "Sign in at Microsoft and extend" in page


def test_the_connection_offers_it_when_the_token_is_known(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    assert page_of(connection) not in pages.get(connection.get_absolute_url()).content.decode()
    know(connection, sandbox)
    assert page_of(connection) in pages.get(connection.get_absolute_url()).content.decode()


def test_an_unknown_token_has_to_be_imported_first(pages: Client, connection: Connection, renewing: Renewing) -> None:
    page = pages.get(page_of(connection)).content.decode()
    assert "Import tokens first" in page
    refused = pages.post(page_of(connection), {"days": "60"}).content.decode()
    assert "Sign in at Microsoft and extend" not in refused


def test_without_an_application_it_is_not_offered(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox, settings: Settings
) -> None:
    know(connection, sandbox)
    settings.SANDBOX_TOKEN_RENEWAL = {}
    assert "Not available here" in pages.get(page_of(connection)).content.decode()
    assert page_of(connection) not in pages.get(connection.get_absolute_url()).content.decode()


@pytest.mark.parametrize("days", ["", "0", "1000", "many"])
def test_days_that_can_not_be_are_refused(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox, days: str
) -> None:
    know(connection, sandbox)
    assert "errorlist" in pages.post(page_of(connection), {"days": days}).content.decode()


def test_after_the_sign_in_the_connection_has_the_new_date(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    know(connection, sandbox)
    address = to_microsoft(pages, page_of(connection), {"days": "60"})
    answer = pages.get(BACK, sent_back(address))
    assert answer.headers["Location"] == connection.get_absolute_url()
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert "is the same and expires on" in page
    assert "read from Azure DevOps" in page


def test_a_refusal_leads_back_to_the_connection(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    know(connection, sandbox)
    address = to_microsoft(pages, page_of(connection), {"days": "60"})
    sandbox.behaviour.add("pat_error", method="PUT", code="patLifespanPolicyViolation")
    answer = pages.get(BACK, sent_back(address))
    assert answer.headers["Location"] == connection.get_absolute_url()
    assert "patLifespanPolicyViolation" in pages.get(connection.get_absolute_url()).content.decode()


def test_an_extension_without_an_answer_is_on_the_page(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    make_extension(connection)
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert 'data-extension><span class="text-tone tone-warn">not answered' in page


def test_an_extension_that_is_running_is_on_the_page(pages: Client, connection: Connection, renewing: Renewing) -> None:
    make_extension(connection, lease="x", leased_until=timezone.now() + timedelta(seconds=60))
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert 'data-extension><span class="text-tone tone-warn">in progress' in page
