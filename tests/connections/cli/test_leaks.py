"""`manage.py connections leaks` and `declare-leak`: a token only ever comes in by standard input."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.models import Connection, LeakedToken
from history.models import Event
from tests.connections.commands import Ran, TypeIn
from tests.factories import ConnectionFactory, StoredCredentialFactory, make_entry, make_leak

STORED = "q7" * 26
pytestmark = pytest.mark.django_db


@pytest.fixture
def storing() -> Connection:
    """A connection that stores the token."""
    connection = ConnectionFactory.create(name="Acme main")
    StoredCredentialFactory.create(connection=connection, secret=STORED)
    return connection


def test_a_connection_is_declared_leaked_and_its_state_shown(storing: Connection) -> None:
    assert Ran("leaks").out == "No leaked credentials.\n"
    assert Ran("leaks", "--connection", "Acme main").code == 1
    declared = Ran("declare-leak", "--connection", "acme MAIN", "--json")
    assert (declared.code, declared.json["state"], declared.json["stopped"]) == (0, "waiting", ["Acme main"])
    shown = Ran("leaks", "--connection", "Acme main", "--json")
    assert (shown.code, shown.json["id"]) == (3, declared.json["id"])
    LeakedToken.objects.update(proved_at=timezone.now() + timedelta(seconds=5), next_ask_at=None)
    shown = Ran("leaks", "--connection", "Acme main")
    assert (shown.code, "Proved dead" in shown.out) == (0, True)
    assert Event.objects.get(kind="connection.declared_leaked").actor_name == "command line"


def test_an_entry_is_declared_leaked() -> None:
    make_entry("Signing key")
    assert Ran("declare-leak", "--entry", "signing KEY").code == 0
    assert Ran("leaks", "--entry", "Signing key", "--json").json["state"] == "cannot_be_proved"
    ran = Ran("declare-leak", "--entry", "Other")
    assert (ran.code, ran.err) == (1, "There is no entry of the register named Other.")


def test_a_token_is_read_from_standard_input_and_not_printed(storing: Connection, type_in: TypeIn) -> None:
    type_in(STORED + "\n")
    ran = Ran("declare-leak", "--token")
    assert (ran.code, "Stopped: Acme main." in ran.out) == (0, True)
    assert STORED not in ran.out + ran.err


def test_a_token_that_is_stored_nowhere_is_refused(storing: Connection, type_in: TypeIn) -> None:
    type_in("x" * 52)
    ran = Ran("declare-leak", "--token", "--json")
    assert (ran.code, ran.json["problem"]) == (1, "leak_unknown")


def test_leaks_are_listed_newest_first() -> None:
    for name in ("acme", "fabrikam"):
        make_leak(ConnectionFactory.create(name=name, organization=name))
    assert [row["organization"] for row in Ran("leaks", "--json").json] == ["fabrikam", "acme"]


def test_exactly_one_credential_is_named() -> None:
    assert "one of the arguments --connection --entry --token is required" in Ran("declare-leak").err
    assert "not allowed with argument" in Ran("declare-leak", "--token", "--entry", "x").err
