"""Connect by an identity of this server, which settings alone choose: nothing is entered, and nothing expires."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.actions.audit import audit
from connections.models import Connection, Mail, StoredCredential
from connections.notifications.reminders import remind_due
from connections.providers.azure_devops.access_tokens import TOKENS
from history.record import SCHEDULER
from sandbox.entra.issuer import Issuer
from sandbox.entra.managed_identity import IDENTITY_HEADER
from tests.api.calls import Program, problem
from tests.connections.applications import fields_of
from tests.connections.commands import Ran

pytestmark = pytest.mark.django_db
TurnOn = Callable[[], None]


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.fixture
def workload(entra: Issuer, settings: Settings, token_file: Path) -> None:
    """The workload identity is turned on, and the platform has written a token."""
    application = entra.directory.named("full")
    settings.AZURE_DEVOPS_WORKLOAD_IDENTITY = True
    settings.AZURE_TENANT_ID, settings.AZURE_CLIENT_ID = application.tenant, application.client_id
    settings.AZURE_FEDERATED_TOKEN_FILE = str(token_file)
    token_file.write_text(entra.workload_token())


@pytest.fixture(params=["virtual-machine", "app-service"])
def managed(request: pytest.FixtureRequest, entra: Issuer, settings: Settings) -> None:
    """A managed identity that Azure assigned to this machine or service is turned on."""
    settings.AZURE_DEVOPS_MANAGED_IDENTITY = request.param
    settings.AZURE_TENANT_ID = entra.directory.named("managed").tenant
    settings.IDENTITY_HEADER = IDENTITY_HEADER


def page_of_test(client: Client, entra: Issuer, kind: str) -> str:
    entered = fields_of(entra, authentication=kind, tenant="", client="", client_secret="")
    return client.post(reverse("connections:test-new"), entered).text


def connect(client: Client, entra: Issuer, kind: str) -> Connection:
    entered = fields_of(entra, authentication=kind, tenant="", client="", client_secret="", expires="")
    answer = client.post(reverse("connections:add-azure-devops"), entered)
    assert answer.status_code == 302, answer.text
    return Connection.objects.get()


def audited(connection: Connection) -> Connection:
    TOKENS.forget()
    audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)
    connection.refresh_from_db()
    return connection


@pytest.mark.usefixtures("workload")
def test_a_workload_identity_is_tested_in_the_same_steps(pages: Client, entra: Issuer) -> None:
    page = page_of_test(pages, entra, "entra_federated_token")
    assert "Connection successful" in page
    for step in ("tenant", "application", "credential", "member", "projects", "scopes"):
        assert f'data-step="{step}" data-state="done"' in page
    assert "Never expires." in page


@pytest.mark.usefixtures("managed")
def test_a_managed_identity_is_connected_and_audited(pages: Client, entra: Issuer) -> None:
    connection = connect(pages, entra, "entra_managed_identity")
    assert connection.identity_account == entra.directory.named("managed").principal.object_id
    assert (audited(connection).health, connection.problem) == ("healthy", "")


@pytest.mark.usefixtures("workload")
def test_only_ids_are_stored(pages: Client, entra: Issuer, token_file: Path) -> None:
    connect(pages, entra, "entra_federated_token")
    application = entra.directory.named("full")
    revealed = StoredCredential.objects.get().reveal()
    assert revealed.principal == f"{application.tenant}/{application.client_id}"
    assert token_file.read_text() not in revealed.reveal()


@pytest.mark.usefixtures("entra")
@pytest.mark.parametrize("kind", ["entra_federated_token", "entra_managed_identity"])
def test_an_identity_is_offered_only_where_it_is_turned_on(pages: Client, entra: Issuer, kind: str) -> None:
    assert kind not in pages.get(reverse("connections:add-azure-devops")).text
    assert "Choose one of the options." in page_of_test(pages, entra, kind)


@pytest.mark.usefixtures("workload")
def test_the_page_names_the_identity_that_settings_chose(pages: Client, settings: Settings) -> None:
    page = pages.get(reverse("connections:add-azure-devops")).text
    assert settings.AZURE_CLIENT_ID in page
    assert "Workload identity of this server" in page


@pytest.mark.usefixtures("workload")
def test_every_page_says_that_nothing_expires(pages: Client, entra: Issuer, root_program: Program) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    addresses = {
        connection.get_absolute_url(): "Never expires",
        reverse("connections:list"): "never expires",
        reverse("connections:edit", args=[connection.pk]): "Nothing of this connection expires",
    }
    for address, words in addresses.items():
        page = pages.get(address).text
        assert words in page, address
        assert "9999" not in page, address
    shown = root_program.get(f"/connections/{connection.pk}")
    assert (shown["expires_on"], shown["never_expires"]) == (None, True)
    assert "never" in Ran("list").out


@pytest.fixture
def root_program(maintainer: User) -> Program:
    from tests.api.conftest import EVERYTHING
    from tests.factories import make_token

    return Program(make_token(maintainer, *EVERYTHING)[1])


@pytest.mark.usefixtures("workload")
def test_nothing_of_it_is_updated(pages: Client, entra: Issuer) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    for address in (reverse("connections:list"), connection.get_absolute_url()):
        assert reverse("connections:update-token", args=[connection.pk]) not in pages.get(address).text


@pytest.mark.usefixtures("managed")
def test_programs_connect_by_it(root_program: Program) -> None:
    body = {"name": "By identity", "organization": "acme", "identity": "managed"}
    assert root_program.post("/connections/test", body)["has_passed"]
    assert root_program.post("/connections", body)["never_expires"]
    assert StoredCredential.objects.get().kind == "entra_managed_identity"


@pytest.mark.usefixtures("entra")
def test_programs_are_refused_an_identity_that_is_not_turned_on(root_program: Program) -> None:
    body = {"name": "By identity", "organization": "acme", "identity": "workload"}
    found = problem(root_program.call("POST", "/connections", body), 422, "identity_not_offered")
    assert found["errors"][0]["field"] == "identity"


@pytest.mark.usefixtures("workload")
def test_a_command_connects_by_it(maintainer: User) -> None:
    ran = Ran("add", "By identity", "acme", "--owner", maintainer.username, "--identity", "workload")
    assert (ran.code, ran.err) == (0, "")
    refused = Ran("add", "Other", "acme", "--owner", maintainer.username, "--identity", "managed")
    assert refused.code == 1
    assert "This identity is turned off" in refused.err
    both = ("--identity", "workload", "--tenant", "acme.example")
    two = Ran("add", "Two", "acme", "--owner", maintainer.username, *both)
    assert two.code == 1
    assert "With --identity, give no other credential" in two.err


@pytest.mark.usefixtures("workload")
def test_nobody_is_reminded(pages: Client, entra: Issuer) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    Connection.objects.update(token_set_at=timezone.now() - timedelta(days=400))
    remind_due(now=timezone.now())
    assert not Mail.objects.exists()
    assert "none scheduled" in pages.get(connection.get_absolute_url()).text


def not_a_token(file: Path) -> None:
    file.write_text("hello")


def no_file(file: Path) -> None:
    file.unlink()


@pytest.mark.usefixtures("workload")
@pytest.mark.parametrize("broken", [not_a_token, no_file])
def test_a_missing_token_is_an_outage_and_no_refusal(
    pages: Client, entra: Issuer, token_file: Path, broken: Callable[[Path], None]
) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    broken(token_file)
    for _ in range(3):
        audited(connection)
    assert (connection.health, connection.problem) == ("unreachable", "workload_token_unreadable")


@pytest.mark.usefixtures("workload")
def test_a_replaced_token_is_read(pages: Client, entra: Issuer, token_file: Path) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    token_file.write_text(entra.workload_token(sub="someone-else"))
    assert audited(connection).problem == "entra_federation_mismatch"
    token_file.write_text(entra.workload_token())
    assert audited(connection).problem == ""


@pytest.mark.usefixtures("workload")
@pytest.mark.parametrize("change", [{"AZURE_DEVOPS_WORKLOAD_IDENTITY": False}, {"AZURE_CLIENT_ID": "x"}])
def test_an_identity_that_is_turned_off_or_replaced_is_not_used(
    pages: Client, entra: Issuer, settings: Settings, change: dict[str, Any]
) -> None:
    connection = connect(pages, entra, "entra_federated_token")
    for name, value in change.items():
        setattr(settings, name, value)
    before = len(entra.requests)
    assert audited(connection).problem == "identity_not_offered"
    assert len(entra.requests) == before


@pytest.mark.usefixtures("managed")
def test_an_identity_that_azure_does_not_know_is_named(pages: Client, entra: Issuer, settings: Settings) -> None:
    settings.AZURE_CLIENT_ID = entra.directory.named("full").client_id
    assert 'data-problem="managed_identity_not_found"' in page_of_test(pages, entra, "entra_managed_identity")
