"""The page for importing tokens: the sign-in, what was read, the choice, and the confirmation."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.models import Connection, TokenImport
from connections.token_import_reads import MOST_ORGANIZATIONS
from sandbox.server import Sandbox
from tests.connections.renewals import MAYA, Renewing, entry_of, sent_back
from tests.connections.views.test_renewal import BACK, to_microsoft

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db
END = (timezone.now() + timedelta(days=100)).replace(hour=12, microsecond=0)
PAGE = "/code-repositories/token-import/"
ACME = {"step": "sign-in", "organizations": "Sandbox/acme"}


@pytest.fixture
def connection(connected: Connected, sandbox: Sandbox) -> Connection:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.expires_at = END
    return connected()


def read(pages: Client, upn: str = MAYA) -> str:
    """Sign in, and return the page that follows."""
    answer = pages.get(BACK, sent_back(to_microsoft(pages, PAGE, ACME), upn))
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    return pages.get(PAGE).content.decode()


def test_before_a_sign_in_it_asks_for_the_organizations(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    page = pages.get(PAGE).content.decode()
    assert "acme (1 connection)" in page
    assert "What was read" not in page


def test_an_organization_in_the_address_is_chosen(
    pages: Client, connection: Connection, connected: Connected, renewing: Renewing
) -> None:
    connected("Fabrikam", token="other-organization", organization="fabrikam")
    page = pages.get(PAGE, {"organization": "Sandbox/fabrikam"}).content.decode()
    assert page.count("checked") == 1


def test_without_an_application_it_is_not_offered(
    pages: Client, connection: Connection, renewing: Renewing, settings: Settings
) -> None:
    settings.SANDBOX_TOKEN_RENEWAL = {}
    assert "Not available here" in pages.get(PAGE).content.decode()
    assert PAGE not in pages.get(connection.get_absolute_url()).content.decode()


def test_without_connections_it_is_not_offered(pages: Client, renewing: Renewing) -> None:
    assert "Not available here" in pages.get(PAGE).content.decode()


@pytest.mark.parametrize("chosen", [[], ["Sandbox/unknown"], ["Elsewhere/acme"]])
def test_organizations_that_are_not_offered_are_refused(
    pages: Client, connection: Connection, renewing: Renewing, chosen: list[str]
) -> None:
    answer = pages.post(PAGE, {"step": "sign-in", "organizations": chosen})
    assert "errorlist" in answer.content.decode()


def test_too_many_organizations_are_refused(pages: Client, connection: Connection, renewing: Renewing) -> None:
    names = [f"org{number}" for number in range(MOST_ORGANIZATIONS + 1)]
    for name in names:
        stored = connection.stored_credential
        Connection.objects.filter(pk=connection.pk).update(organization=name)
        copy = Connection.objects.get(pk=connection.pk)
        copy.pk, copy.name = None, name
        copy.save(force_insert=True)
        stored.pk, stored.connection = copy.pk, copy
        stored.save(force_insert=True)
    answer = pages.post(PAGE, {"step": "sign-in", "organizations": [f"Sandbox/{name}" for name in names]})
    assert f"Choose up to {MOST_ORGANIZATIONS} organizations" in answer.content.decode()


def test_what_was_read_is_shown_with_the_tokens_to_choose_from(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    page = read(pages)
    assert "valid tokens of Maya Sample" in page
    assert f'<option value="{entry_of(sandbox, "full")}">full, expires {END:%-d %b %Y}</option>' in page


def test_the_choice_is_shown_before_anything_changes(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    read(pages)
    pick = {f"token-{connection.pk}": entry_of(sandbox, "full")}
    review = pages.post(PAGE, {"step": "review", **pick}).content.decode()
    assert f"{END:%-d %b %Y}" in review
    connection.refresh_from_db()
    assert connection.expires_on is None
    answer = pages.post(PAGE, {"step": "use", **pick}, follow=True).content.decode()
    assert "of 1 connection are now as Azure DevOps says" in answer
    connection.refresh_from_db()
    assert connection.is_date_read


@pytest.mark.parametrize(("name", "warns"), [("full-again", False), ("code-only", True)])
def test_a_choice_that_does_not_fit_is_warned_about(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox, name: str, warns: bool
) -> None:
    read(pages)
    review = pages.post(PAGE, {"step": "review", f"token-{connection.pk}": entry_of(sandbox, name)})
    assert ("data-misfit" in review.content.decode()) is warns


def test_a_choice_can_be_taken_back(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    read(pages)
    pages.post(PAGE, {"step": "use", f"token-{connection.pk}": entry_of(sandbox, "full")})
    assert "None of these" in pages.get(PAGE).content.decode()
    review = pages.post(PAGE, {"step": "review", f"token-{connection.pk}": "none"}).content.decode()
    assert "None of them. The date stays, as entered." in review


def test_the_connection_says_where_its_date_is_from(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    Connection.objects.update(expires_on=timezone.localdate() + timedelta(days=30))
    assert "as entered" in pages.get(connection.get_absolute_url()).content.decode()
    read(pages)
    pages.post(PAGE, {"step": "use", f"token-{connection.pk}": entry_of(sandbox, "full")})
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert "read from Azure DevOps" in page
    assert "as entered" not in page
    assert "chosen by its owner" in page
    assert "read from Azure DevOps" in pages.get(reverse("connections:list")).content.decode()


def test_without_a_choice_nothing_is_reviewed(pages: Client, connection: Connection, renewing: Renewing) -> None:
    read(pages)
    answer = pages.post(PAGE, {"step": "review", f"token-{connection.pk}": ""}, follow=True)
    assert "Choose at least one token" in answer.content.decode()


@pytest.mark.parametrize("name", ["token-", "token-x", "token-99999999999999999999"])
def test_fields_that_name_no_connection_are_ignored(
    pages: Client, connection: Connection, renewing: Renewing, name: str
) -> None:
    answer = pages.post(PAGE, {"step": "review", name: "x"}, follow=True)
    assert "Choose at least one token" in answer.content.decode()


def test_someone_without_connections_here_has_nothing_to_match(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    assert "Nothing to match" in read(pages, "noor@example.com")


def test_why_an_organization_was_not_read_is_said(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("pat_error", method="GET", code="somethingNew")
    page = read(pages)
    assert 'data-problem="pat_error"' in page
    assert "<code>somethingNew</code>" in page


def test_connections_are_searched(pages: Client, connection: Connection, renewing: Renewing) -> None:
    read(pages)
    assert "Acme main" in pages.get(PAGE, {"q": "main"}).content.decode()
    assert "No matching connections" in pages.get(PAGE, {"q": "fabrikam"}).content.decode()


def test_the_list_can_be_deleted(pages: Client, connection: Connection, renewing: Renewing) -> None:
    read(pages)
    assert "What was read" not in pages.post(PAGE, {"step": "forget"}, follow=True).content.decode()
    assert TokenImport.objects.count() == 0


def test_who_declines_is_told_so(pages: Client, connection: Connection, renewing: Renewing) -> None:
    parameters = sent_back(to_microsoft(pages, PAGE, ACME), decline="1")
    assert "You declined" in pages.get(BACK, parameters, follow=True).content.decode()


def test_with_javascript_the_form_leads_straight_to_microsoft(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    answer = pages.post(PAGE, ACME, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith(f"{renewing.sandbox.url}/_entra/")
