"""The date of a client secret, read by the application itself from Microsoft Graph."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from connections import clients
from connections.issuers import graph_of
from connections.providers.azure_devops import graph
from connections.providers.azure_devops.entra_issuer import InvalidAuthority
from connections.providers.azure_devops.graph import Graph
from connections.providers.credential import ReadDate
from sandbox.entra.directory import ClientSecret
from sandbox.entra.issuer import Issuer
from tests.connections.applications import credential_of

NOW = datetime.now(UTC)


@pytest.fixture
def at(entra: Issuer) -> Graph:
    found = graph_of(clients.servers()[0])
    assert found is not None
    return found


def read(at: Graph, entra: Issuer, name: str = "dated") -> ReadDate:
    return at.date_of(credential_of(entra, name), now=NOW)


def secrets_of(entra: Issuer) -> list[ClientSecret]:
    return entra.directory.named("dated").secrets


def similar(entra: Issuer, *, days: int, name: str = "Second") -> ClientSecret:
    """Another secret of the application that begins like its first."""
    first = secrets_of(entra)[0]
    other = ClientSecret(first.value[:3] + "x" * 37, NOW + timedelta(days=days), NOW, name)
    secrets_of(entra).append(other)
    return other


def day_of(secret: ClientSecret) -> date:
    assert secret.expires_at is not None
    return secret.expires_at.date()


def test_the_date_of_the_secret_that_begins_alike(at: Graph, entra: Issuer) -> None:
    entra.add_secret("dated")
    assert read(at, entra) == ReadDate(day_of(secrets_of(entra)[0]))


def test_without_the_permission_there_is_no_date(at: Graph, entra: Issuer) -> None:
    assert read(at, entra, "full") == ReadDate(reason=graph.NOT_PERMITTED)


def test_several_that_begin_alike_are_named_and_none_is_guessed(at: Graph, entra: Issuer) -> None:
    other = similar(entra, days=400)
    found = read(at, entra)
    assert (found.day, found.reason) == (None, graph.SEVERAL)
    assert found.candidates == (("Sandbox", day_of(secrets_of(entra)[0])), ("Second", day_of(other)))


def test_one_that_has_expired_is_not_the_one_in_use(at: Graph, entra: Issuer) -> None:
    similar(entra, days=-1)
    assert read(at, entra).day == day_of(secrets_of(entra)[0])


@pytest.mark.django_db
def test_the_day_is_that_of_the_site(at: Graph, entra: Issuer, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    secrets_of(entra)[0].expires_at = datetime(2027, 12, 10, 0, 30, tzinfo=UTC)
    found = clients.read_date(clients.servers()[0], credential_of(entra, "dated"), now=NOW)
    assert found == ReadDate(date(2027, 12, 9))


def test_several_with_the_same_date_leave_no_doubt(at: Graph, entra: Issuer) -> None:
    similar(entra, days=1).expires_at = secrets_of(entra)[0].expires_at
    assert read(at, entra).day == day_of(secrets_of(entra)[0])


def test_of_old_secrets_the_beginning_is_not_shown(at: Graph, entra: Issuer) -> None:
    secrets_of(entra)[0].has_hint = False
    found = read(at, entra)
    assert (found.reason, found.candidates) == (graph.NOT_LISTED, (("Sandbox", day_of(secrets_of(entra)[0])),))


@pytest.mark.parametrize(
    ("kind", "path"),
    [("close", "/v1.0/"), ("throttle", "/v1.0/"), ("maintenance", "/v1.0/"), ("maintenance", "/oauth2/")],
)
def test_an_outage_is_no_answer(at: Graph, entra: Issuer, kind: str, path: str) -> None:
    entra.behaviour.add(kind, path=path)
    assert read(at, entra) == ReadDate(reason=graph.NO_ANSWER)


def test_nothing_waits_longer_than_allowed(at: Graph, entra: Issuer) -> None:
    entra.behaviour.add("latency", path="/v1.0/", seconds=5)
    assert read(replace(at, seconds=0.3), entra) == ReadDate(reason=graph.NO_ANSWER)


def test_only_addresses_of_microsoft_graph_get_the_token(entra: Issuer, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Azure DevOps Services=https://dev.azure.com"
    server = clients.servers()[0]
    public = graph_of(server)
    assert public is not None
    assert (public.authority.url, public.issuer.scope) == (graph.PUBLIC_GRAPH, f"{graph.PUBLIC_GRAPH}/.default")
    settings.AZURE_DEVOPS_ENTRA_GRAPH = ""
    assert graph_of(server) is None
    # Tokens for national clouds come from other issuers.
    for elsewhere in ("https://graph.microsoft.us", "https://graph.example.com"):
        settings.AZURE_DEVOPS_ENTRA_GRAPH = elsewhere
        with pytest.raises(InvalidAuthority):
            graph_of(server)
