"""A token is nowhere but sealed in its own row: not in database, logs, sessions, pages, mails, caches, tasks or dumps.

Every address is exercised, with good and bad tokens and with failures. One that is not covered here fails the test.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection
from sandbox.samples import MISBEHAVING
from sandbox.server import Sandbox
from tests.echo import Echo
from tests.everything import Lived, addresses
from tests.leaks import everything_stored, everywhere, hits, of_answer

Token = Callable[[str], str]
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}
# Whatever an address asks for is somewhere in here.
MORE = {"confirm_name": "Fabrikam", "project_name": "Old Shop", "confirmed": "1", "accept_limited": "on"}
MORE |= {"username": "somebody", "role": "Viewer", "active": "1", "email": "b@example.com", "same-expires": "60"}
MORE |= {"branch": "main", "source": "main", "path": "notes.txt", "content": "text", "comment": "why", "action": "x"}
MORE |= {"token_state": "valid", "code": "manage", "build": "execute", "release": "manage"}


class _Undo(Exception):
    """Takes back what an answer did, so that the next address finds everything in its place."""


def test_after_a_whole_journey_no_token_is_anywhere(
    root: Client, lived: Lived, sandbox: Sandbox, secrets: dict[str, str], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shown: list[bytes] = []

    def post(name: str, data: dict[str, str], *args: object) -> None:
        shown.append(of_answer(root.post(reverse(f"connections:{name}", args=args), data, follow=True)))

    full = FORM | {"token": secrets["full"]}
    refused = [full | {"token": secrets[name]} for name in ("expired", "entra")]
    for data in (full, *refused, full | {"name": ""}, full | {"organization": "a b"}):
        post("test-new", data)
        post("add-azure-devops", data)
    post("find-project-new", full | {"project_name": "Old Shop"})
    connection = Connection.objects.get(name="Acme main", organization="acme")
    post("test", {}, connection.pk)
    for token in ("revoked", "full-again"):
        data = {"token": secrets[token], "expires": "30", "token_reach": "one"}
        post("test-replacement", data, connection.pk)
        post("update-token", data, connection.pk)
    shown += [of_answer(root.get(lived.address(name))) for name in addresses()]
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()
    connection.refresh_from_db()
    assert connection.stored_credential.reveal().reveal() == secrets["full-again"]


@pytest.mark.parametrize("token", ["full-again", "expired", "entra"])
def test_no_address_gives_a_token_away_whatever_is_sent_to_it(
    root: Client,
    lived: Lived,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    token: str,
) -> None:
    cookies = root.cookies.output().replace("Set-Cookie: ", "")
    shown: list[bytes] = []
    for name in addresses():
        root.cookies.load(cookies)
        with suppress(_Undo), transaction.atomic():
            answer = root.post(lived.address(name), FORM | MORE | {"token": secrets[token]})
            shown += [of_answer(answer), everything_stored()]
            raise _Undo
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.fixture
def echo(sandbox: Sandbox, settings: Settings) -> Iterator[Echo]:
    """The only server that there is: it sends the token back in whatever it answers."""
    with Echo(sandbox.url).running() as running:
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={running.url} kind=sandbox"
        yield running


def test_a_server_that_sends_the_token_back_never_gets_it_stored_or_shown(
    root: Client,
    echo: Echo,
    lived: Lived,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown: list[bytes] = []
    cookies = root.cookies.output().replace("Set-Cookie: ", "")
    for token in ("full", "full-again", "expired"):
        shown.append(of_answer(root.post(reverse("connections:test-new"), FORM | {"token": secrets[token]})))
    for name in addresses():
        shown.append(of_answer(root.get(lived.address(name), {"path": "/README.md"})))
        root.cookies.load(cookies)
        with suppress(_Undo), transaction.atomic():
            answer = root.post(lived.address(name), FORM | MORE | {"token": secrets["full-again"]})
            shown += [of_answer(answer), everything_stored()]
            raise _Undo
    assert echo.echoes > 1000
    assert lived.connection.identity_name.endswith("[redacted]")
    assert lived.repository.name.endswith("[redacted]")
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


def test_no_command_prints_a_token_that_the_server_sends_back(
    echo: Echo,
    lived: Lived,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name, build = lived.connection.name, str(lived.pipeline.build_id)
    lines = (
        ["connections", "test", name],
        ["connections", "audit", name],
        ["repositories", "refresh", name],
        ["repositories", "list"],
        ["builds", "list"],
        ["builds", "show", lived.pipeline.name, build],
        ["builds", "run", lived.pipeline.name, "--branch", "main"],
        ["releases", "list"],
    )
    shown = []
    for line in lines:
        for as_json in ([], ["--json"]):
            said = StringIO()
            with suppress(CommandError, SystemExit):
                call_command(*line, *as_json, stdout=said, stderr=said)
            shown.append(said.getvalue().encode())
    assert all(shown)
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize("organization", sorted(set(MISBEHAVING) - {"slow", "stuck", "endless"}))
def test_no_trouble_at_azure_devops_gives_a_token_away(
    root: Client,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    organization: str,
) -> None:
    data = FORM | {"organization": organization, "token": secrets["full"]}
    names = ("test-new", "add-azure-devops", "find-project-new")
    shown = [of_answer(root.post(reverse(f"connections:{name}"), data | MORE)) for name in names]
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize("path", ["connectionData", "_apis/projects", "/(git|build|release)/"])
def test_no_hostile_answer_gets_a_token_into_a_calibration(
    root: Client,
    connected: Callable[..., Connection],
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    path: str,
) -> None:
    connection, token = connected(), secrets["full"]
    letters = "".join(letter for letter in token if letter.isalpha())
    body = json.dumps({token: token, "typeKey": f"{letters}Exception", "message": token, "value": [{token: token}]})
    headers = {token: token, "Content-Type": "application/json", "X-VSS-UserData": f"{token}:{token}", "Server": token}
    sandbox.behaviour.add("status", path=path, status=404, body=body, headers=headers)
    shown = [of_answer(root.post(reverse("connections:calibrate", args=[connection.pk]), MORE))]
    saved, said, words = tmp_path / "saved", StringIO(), ["--code", "read", "--build", "read", "--release", "read"]
    with suppress(SystemExit):
        lines = [*words, "--yes", "--output", str(saved)]
        call_command("connections", "calibrate", connection.name, *lines, stdout=said, stderr=said)
    shown += [saved.read_bytes(), said.getvalue().encode()]
    assert b'"different"' in saved.read_bytes()
    assert hits(secrets | {"letters": letters}, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "place",
    [
        "connections.domain.verification.check",
        "core.encryption.encrypt",
        "core.encryption.fingerprint",
        "connections.clients.azure_devops",
    ],
)
def test_no_fault_of_ours_gives_a_token_away(
    root: Client,
    connected: Callable[..., Connection],
    sandbox: Sandbox,
    settings: Settings,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    place: str,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    update = reverse("connections:update-token", args=[connected("Acme").pk])
    data = FORM | {"token": secrets["full-again"]}
    with patch(place, side_effect=RuntimeError("broken")):
        answers = [root.post(address, data) for address in (reverse("connections:add-azure-devops"), update)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert b"RuntimeError: broken" in log.read_bytes()
    assert hits(secrets, everywhere([of_answer(one) for one in answers], log, sandbox, capfd)) == set()
