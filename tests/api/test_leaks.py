"""Leaked credentials by API: declared, found by a token in the body, and followed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import Connection, LeakedToken, Mail
from history.models import Event
from tests.api.calls import Program, pages_of, problem
from tests.api.conftest import EVERYTHING
from tests.factories import ConnectionFactory, StoredCredentialFactory, make_entry, make_leak

STORED = "q7" * 26
pytestmark = pytest.mark.django_db


@pytest.fixture
def storing() -> Connection:
    """A connection that stores the token."""
    connection = ConnectionFactory.create(name="Acme")
    StoredCredentialFactory.create(connection=connection, secret=STORED)
    connection.consumers.create(name="Nightly", contact="ops@example.com")
    return connection


def test_a_connection_is_declared_leaked_once(program: Program, storing: Connection) -> None:
    declared = program.post(f"/connections/{storing.pk}/leak")
    assert program.post(f"/connections/{storing.pk}/leak") == declared == program.get(f"/leaks/{declared['id']}")
    assert (declared["state"], declared["asks"], declared["entry"]) == ("waiting", 0, None)
    assert declared["used_by"] == [{"name": "Nightly", "url": None, "contact": "ops@example.com"}]
    (use,) = declared["connections"]
    assert (use["connection_id"], use["name"], use["is_stopped"]) == (storing.pk, "Acme", True)
    assert declared["notified_contacts"] == 1
    storing.refresh_from_db()
    assert storing.problem == "leaked"
    event = Event.objects.get(kind="connection.declared_leaked")
    assert event.actor_name == "maya, API token “token 0”"


def test_a_declaration_needs_no_key_of_a_form(program: Program, storing: Connection) -> None:
    with patch("django.core.signing.dumps") as signed:
        first = program.post(f"/connections/{storing.pk}/leak")
        assert program.post("/leaks", {"token": STORED}) == first
    signed.assert_not_called()


def test_a_connection_without_a_token_has_none_that_could_leak(program: Program) -> None:
    ConnectionFactory.create(name="Other")
    response = program.call("POST", f"/connections/{ConnectionFactory.create().pk}/leak")
    problem(response, 422, "leak_unknown")
    assert not LeakedToken.objects.exists()


def test_an_entry_is_declared_leaked_once(program: Program) -> None:
    entry = make_entry("Signing key")
    declared = program.post(f"/register/{entry.pk}/leak")
    assert program.post(f"/register/{entry.pk}/leak") == declared
    assert (declared["state"], declared["server"], declared["connections"]) == ("cannot_be_proved", None, [])
    assert declared["entry"] == {"id": entry.pk, "name": "Signing key"}
    assert program.get(f"/register/{entry.pk}")["leak_id"] == declared["id"]
    problem(program.call("POST", f"/register/{entry.pk + 1}/leak"), 404, "entry_gone")


def test_a_token_is_found_and_declared_by_its_text(program: Program, storing: Connection) -> None:
    found = program.post("/leaks/find", {"token": f" {STORED}\n"})
    assert found == {"stored_by": [{"id": storing.pk, "name": "Acme"}], "replaced_in": [], "leak_id": None}
    declared = program.post("/leaks", {"token": STORED})
    assert program.post("/leaks/find", {"token": STORED})["leak_id"] == declared["id"]
    assert Mail.objects.filter(kind="credential_leaked").count() == 1


def test_a_token_that_is_stored_nowhere_is_found_nowhere_and_not_declared(
    program: Program, storing: Connection
) -> None:
    found = program.post("/leaks/find", {"token": "x" * 52})
    assert found == {"stored_by": [], "replaced_in": [], "leak_id": None}
    problem(program.call("POST", "/leaks", {"token": "x" * 52}), 422, "leak_unknown")


@pytest.mark.parametrize("path", ["/leaks", "/leaks/find"])
@pytest.mark.parametrize("token", ["", "two words", "ü" * 52, "q7" * 6000, {"text": "q7" * 26}])
def test_what_is_no_token_is_refused_and_not_repeated(program: Program, path: str, token: Any) -> None:
    response = program.call("POST", path, {"token": token})
    problem(response, 422, "input_invalid")
    assert "q7q7" not in response.text
    assert "two words" not in response.text


def test_leaks_come_newest_first_in_pages_and_are_searched(program: Program) -> None:
    for name in ("acme", "fabrikam", "contoso"):
        make_leak(ConnectionFactory.create(name=name, organization=name))

    def organizations(query: str) -> list[str]:
        return [row["organization"] for page in pages_of(program, f"/leaks?{query}") for row in page["leaks"]]

    assert organizations("limit=1") == organizations("") == ["contoso", "fabrikam", "acme"]
    assert organizations("q=FABRI") == ["fabrikam"]
    problem(program.call("GET", "/leaks?state=waiting"), 422, "input_invalid")


def test_the_proof_and_its_time_are_shown(program: Program) -> None:
    now, connection = timezone.now(), ConnectionFactory.create()
    asked = {"asks": 2, "asked_at": now, "next_ask_at": None, "declared_at": now - timedelta(seconds=15)}
    leak = make_leak(connection, **asked, proved_at=now, last_answer="token_refused")
    shown = program.get(f"/leaks/{leak.pk}")
    assert (shown["state"], shown["seconds"], shown["last_answer"]) == ("proved", 15.0, "token_refused")
    assert (shown["connections"][0]["granted"], shown["connections"][0]["unknown"]) == (["Code read"], ["Build read"])
    LeakedToken.objects.update(proved_at=None, ended_at=now)
    assert program.get(f"/leaks/{leak.pk}")["state"] == "not_proved"


def test_leaks_of_the_register_need_the_permission_to_see_it(
    program: Program, program_of: Callable[..., Program], maintainer: User, storing: Connection
) -> None:
    of_entry = program.post(f"/register/{make_entry().pk}/leak")
    stored = program.post(f"/connections/{storing.pk}/leak")
    limited = program_of(maintainer, *(name for name in EVERYTHING if name != "connections.view_registerentry"))
    problem(limited.call("GET", f"/leaks/{of_entry['id']}"), 404, "address_unknown")
    assert [row["id"] for row in limited.get("/leaks")["leaks"]] == [stored["id"]]
    assert limited.get(f"/leaks/{stored['id']}")["used_by"] is None
