"""One star, one default."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.actions.set_default import set_default
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory, StoredCredentialFactory

ANN = Actor(name="ann")


def stars() -> list[str]:
    return [one.name for one in Connection.objects.filter(is_default=True)]


def test_the_star_moves(pages: Client, sandbox: Sandbox) -> None:
    first, second = ConnectionFactory.create(name="First"), ConnectionFactory.create(name="Second")
    for one in (first, second):
        page = pages.post(reverse("connections:default", args=[one.pk]), follow=True).content.decode()
        assert f"{one.name} is now the default connection." in page
        assert "Make default" not in page
    assert stars() == ["Second"]
    assert pages.get(reverse("connections:list")).content.decode().count("default connection</span>") == 1


def test_choosing_the_default_again_records_nothing(db: None) -> None:
    connection = ConnectionFactory.create()
    assert [set_default(connection, by=ANN, now=timezone.now()) for _ in range(2)] == [True, False]
    assert Event.objects.filter(kind="connection.made_default").count() == 1


def test_the_database_itself_refuses_a_second_default(db: None) -> None:
    ConnectionFactory.create(is_default=True)
    with pytest.raises(IntegrityError):
        ConnectionFactory.create(is_default=True)


def test_who_may_not_change_a_connection_may_not_choose_the_default(
    client: Client, person: Callable[..., User]
) -> None:
    connection = ConnectionFactory.create()
    client.force_login(person("vera", "connections.view_connection"))
    assert client.post(reverse("connections:default", args=[connection.pk])).status_code == 403


def test_the_default_is_found_without_walking_through_the_names(db: None) -> None:
    assert Connection.find_default() is None
    chosen = [ConnectionFactory.create(name=name, is_default=name == "B") for name in "ABC"][1]
    with CaptureQueriesContext(database) as queries:
        assert Connection.find_default() == chosen
    assert [query["sql"] for query in queries if "ORDER BY" in query["sql"]] == []


@pytest.mark.parametrize("principal", ["", "tenant/client"])
def test_the_page_of_a_connection_reads_its_credential_once(pages: Client, principal: str) -> None:
    connection = StoredCredentialFactory.create().connection
    kind = EntraClientSecret.kind if principal else PersonalAccessToken.kind
    StoredCredential.objects.update(kind=kind, principal=principal)
    pages.get(connection.get_absolute_url())
    with CaptureQueriesContext(database) as queries:
        pages.get(connection.get_absolute_url())
    stored = f'FROM "{StoredCredential._meta.db_table}"'
    assert sum(stored in query["sql"].split("WHERE")[0] for query in queries) == 1
