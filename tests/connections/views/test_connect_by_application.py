"""Connect by an application of Microsoft Entra: what is asked, what is said, and what is stored."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from sandbox.entra.issuer import Issuer
from tests.connections.applications import fields_of

pytestmark = pytest.mark.django_db
Fields = Callable[..., dict[str, str]]


@pytest.fixture
def fields(entra: Issuer) -> Fields:
    """What a person enters about a sample application."""

    def of(application: str, **other: str) -> dict[str, str]:
        return fields_of(entra, application, **other)

    return of


def page_of_test(client: Client, fields: dict[str, str]) -> str:
    answer = client.post(reverse("connections:test-new"), fields)
    assert answer.status_code == 200
    return answer.content.decode()


def connected(client: Client, fields: dict[str, str]) -> Any:
    return client.post(reverse("connections:add-azure-devops"), fields)


def test_an_application_is_tested_step_by_step(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields("full"))
    assert "Connection successful" in page
    for step in ("tenant", "application", "credential", "member", "projects", "scopes"):
        assert f'data-step="{step}" data-state="done"' in page
    assert page.count("Permitted in all projects") == 8


def test_an_application_is_connected_and_its_secret_stored_sealed(pages: Client, fields: Fields, entra: Issuer) -> None:
    entered = fields("full")
    assert connected(pages, entered).status_code == 302
    connection = Connection.objects.get()
    stored = StoredCredential.objects.get()
    assert (connection.health, connection.token_reach) == ("healthy", "one")
    assert connection.identity_account == entra.directory.named("full").principal.object_id
    assert (stored.kind, stored.principal) == ("entra_client_secret", f"{entered['tenant']}/{entered['client']}")
    assert entered["client_secret"].encode() not in bytes(stored.sealed)
    revealed = stored.reveal()
    assert isinstance(revealed, EntraClientSecret)
    assert revealed.secrets() == (entered["client_secret"],)


def test_permissions_are_shown_by_project(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields("limited"))
    assert "Permitted in some projects" in page
    assert "Permitted in no project" in page
    assert "The application works, but" in page


def test_a_stakeholder_is_named_as_one(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields("stakeholder"))
    assert "Probably a Stakeholder license" in page
    assert page.count("Permitted in no project") >= 3


def test_missing_permissions_are_no_matter_of_a_token(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields("reader"))
    assert "The token has the scopes" not in page
    assert "lacks permissions in" in page


REFUSALS = {
    "not-a-member": ("principal_not_added", "member"),
    "no-licence": ("principal_without_access", "member"),
    "disabled": ("entra_application_disabled", "application"),
    "other-tenant": ("principal_of_another_tenant", "tenant"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_stops_at_its_step_and_says_what_to_do(pages: Client, fields: Fields, name: str) -> None:
    code, step = REFUSALS[name]
    page = page_of_test(pages, fields(name))
    assert f'data-problem="{code}"' in page
    assert f'data-step="{step}" data-state="failed"' in page


def test_the_object_id_to_add_is_shown(pages: Client, fields: Fields, entra: Issuer) -> None:
    page = page_of_test(pages, fields("not-a-member"))
    assert f'<code id="object-id">{entra.directory.named("not-a-member").principal.object_id}</code>' in page


def test_a_wrong_secret_is_said_to_be_wrong(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields("full", client_secret="abc8Q~" + "x" * 34))
    assert 'data-problem="entra_secret_wrong"' in page
    assert 'data-step="credential" data-state="failed"' in page
    assert "AADSTS7000215" in page


WRONG = {
    "tenant": ("", "Enter the directory (tenant) ID."),
    "client": ("not-an-id", "A client ID looks like"),
    "client_secret": ("5d0c1fa2-6b3e-4d57-9a35-51c6a1d1a001", "This is the Secret ID."),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_no_id_or_secret_is_said_beside_its_field(pages: Client, fields: Fields, field: str) -> None:
    value, message = WRONG[field]
    page = page_of_test(pages, fields("full", **{field: value}))
    assert message in page
    assert 'data-outcome="' not in page


def test_ids_may_have_braces(pages: Client, fields: Fields) -> None:
    entered = fields("full")
    entered |= {"tenant": f"{{{entered['tenant'].upper()}}}", "client": f' "{entered["client"]}"\n'}
    assert "Connection successful" in page_of_test(pages, entered)


def test_everything_but_the_secret_is_kept(pages: Client, fields: Fields) -> None:
    entered = fields("full", name="")
    page = connected(pages, entered).content.decode()
    assert entered["client_secret"] not in page
    assert all(f'value="{entered[name]}"' in page for name in ("tenant", "client"))


def test_a_token_needs_no_field_of_an_application(pages: Client, entra: Issuer, token_of: Callable[[str], str]) -> None:
    entered = {"organization": "acme", "token": token_of("full"), "name": "x", "expires": "90", "token_reach": "one"}
    assert connected(pages, entered).status_code == 302
    assert StoredCredential.objects.get().principal == ""


def test_applications_are_offered_only_where_there_is_an_issuer(
    pages: Client, entra: Issuer, settings: Settings
) -> None:
    address = reverse("connections:add-azure-devops")
    assert 'name="authentication"' in pages.get(address).content.decode()
    settings.SANDBOX_ENTRA_AUTHORITY = ""
    assert 'name="authentication"' not in pages.get(address).content.decode()


def test_an_application_may_not_be_used_with_a_server(pages: Client, fields: Fields, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS += ",Own=http://127.0.0.1:9/tfs"
    page = page_of_test(pages, fields("full", server="Own", organization="DefaultCollection"))
    assert "Azure DevOps Server does not support them." in page
    assert "accepts only personal access tokens" in page


def test_several_connections_of_one_application_are_no_reuse(pages: Client, fields: Fields, settings: Settings) -> None:
    connected(pages, fields("full"))
    page = page_of_test(pages, fields("full", organization="fabrikam"))
    assert 'data-problem="token_reused"' not in page
    assert "Connection successful" in page


def test_each_test_fetches_a_new_access_token(pages: Client, fields: Fields, entra: Issuer) -> None:
    assert "Connection successful" in page_of_test(pages, fields("full"))
    entra.expire_secrets("full")
    assert 'data-problem="entra_secret_ended"' in page_of_test(pages, fields("full"))


def test_a_secret_in_the_wrong_field_gets_into_no_address(client: Client, fields: Fields) -> None:
    entered = fields("full")
    misplaced = {**entered, "name": entered["client_secret"]}
    answer = client.post(reverse("connections:test-new"), misplaced)
    assert answer.status_code == 302
    assert entered["client_secret"] not in answer["Location"]
