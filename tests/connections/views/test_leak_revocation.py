"""The page of a leak lets the owner of the token revoke it by signing in at Microsoft."""

from collections.abc import Callable
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.actions import declare_leak
from connections.models import Connection, LeakedToken
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back
from tests.connections.views.test_renewal import BACK, to_microsoft

pytestmark = pytest.mark.django_db


@pytest.fixture
def leak(connected: Callable[..., Connection], renewing: Renewing) -> LeakedToken:
    return declare_leak.declare_stored_leaked(connected(), by=renewing.by, now=renewing.now())


def page_of(pages: Client, leak: LeakedToken) -> str:
    return pages.get(leak.get_absolute_url()).content.decode()


def revoke(pages: Client, leak: LeakedToken, fields: dict[str, str]) -> str:
    """The page after a whole sign-in."""
    address = to_microsoft(pages, reverse("connections:revoke-leak", args=[leak.pk]), fields)
    answer = pages.get(BACK, sent_back(address))
    assert (answer.status_code, answer.headers["Location"]) == (302, leak.get_absolute_url())
    return page_of(pages, leak)


def test_the_whole_way_until_it_is_revoked(pages: Client, leak: LeakedToken, sandbox: Sandbox) -> None:
    assert "Sign in at Microsoft and revoke" in page_of(pages, leak)
    page = revoke(pages, leak, {})
    assert "Nothing was revoked yet." in page
    assert "Which of these tokens of Maya Sample leaked?" in page
    page = revoke(pages, leak, {"entry": entry_of(sandbox, "full")})
    assert "The leaked token was revoked." in page
    assert "the token was revoked in a sign-in at Microsoft" in page
    assert "Sign in at Microsoft and revoke" not in page


def test_who_declines_returns_to_the_page_of_the_leak(pages: Client, leak: LeakedToken) -> None:
    address = to_microsoft(pages, reverse("connections:revoke-leak", args=[leak.pk]), {})
    answer = pages.get(BACK, sent_back(address, decline="1"), follow=True)
    assert answer.redirect_chain == [(leak.get_absolute_url(), 302)]
    assert "You declined" in answer.content.decode()


def test_what_is_no_candidate_is_refused_on_the_page(pages: Client, leak: LeakedToken, sandbox: Sandbox) -> None:
    fields = {"entry": entry_of(sandbox, "full")}
    page = pages.post(reverse("connections:revoke-leak", args=[leak.pk]), fields, follow=True).content.decode()
    assert "Choose one of the listed tokens." in page


def test_someone_without_any_valid_token_is_told_so(pages: Client, leak: LeakedToken, sandbox: Sandbox) -> None:
    with patch("connections.domain.renewal.candidates", return_value=[]):
        page = revoke(pages, leak, {})
    assert "has no valid token in this organization that it could be" in page
    assert "Otherwise look for it in Azure DevOps" in page


def test_without_an_application_the_person_is_guided(pages: Client, leak: LeakedToken, settings: Settings) -> None:
    settings.SANDBOX_TOKEN_RENEWAL = {}
    page = page_of(pages, leak)
    assert "Sign in at Microsoft and revoke" not in page
    assert "who alone sees it in the list, select it and choose" in page


def test_the_days_of_candidates_are_those_of_the_site(
    pages: Client, leak: LeakedToken, sandbox: Sandbox, settings: Settings
) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    token = sandbox.state.token_named("full")
    assert token is not None
    token.expires_at = datetime(2027, 2, 1, 12, 30, tzinfo=UTC)
    page = revoke(pages, leak, {})
    assert "expires 2 Feb 2027" in page
    assert "1 Feb 2027" not in page
