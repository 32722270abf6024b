"""After a whole journey the token is nowhere: not in the database, logs, sessions, pages, admin or dumps."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from connections.tasks import audit_one
from sandbox.server import Sandbox

Token = Callable[[str], str]
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}


def traces(secret: str) -> list[bytes]:
    """The token, its halves, and its base64 at every alignment a header or a blob could give it."""
    found = [secret.encode(), secret[:40].encode(), secret[44:].encode()]
    for prefix in (b"", b":", b"::"):
        whole = base64.b64encode(prefix + secret.encode())
        found.append(whole[4:-4])
    return found


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Everything that any logger says, unfiltered, at the finest level."""
    path = tmp_path / "log"
    handler = logging.FileHandler(path)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.removeHandler(handler)
    root.setLevel(before)
    handler.close()


def everything_stored() -> bytes:
    """Every column of every table, as the database itself holds it."""
    found = []
    with database.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608  (our own table names)
            found += [repr(row).encode() for row in cursor.fetchall()]
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608
            found += [bytes(cell) for row in cursor.fetchall() for cell in row if isinstance(cell, (bytes, memoryview))]
    return b"\n".join(found)


def walk(pages: Client, token_of: Token) -> list[bytes]:
    """A whole journey with good and bad tokens; returns every page that was shown."""
    shown = []

    def post(name: str, data: dict[str, str], *args: object) -> None:
        answer = pages.post(reverse(f"connections:{name}", args=args), data, follow=True)
        shown.append(answer.content + repr(dict(answer.headers)).encode())

    full = FORM | {"token": token_of("full")}
    for data in (full, full | {"token": token_of("expired")}, full | {"name": ""}, full | {"organization": "a b"}):
        post("test-new", data)
        post("add-azure-devops", data)
    post("find-project-new", full | {"project_name": "Old Shop"})
    connection = Connection.objects.get()
    post("test", {}, connection.pk)
    for token in ("revoked", "full-again"):
        data = {"token": token_of(token), "expires": "30", "token_reach": "one"}
        post("test-replacement", data, connection.pk)
        post("update-token", data, connection.pk)
    post("extend-token", {"same-expires": "60"}, connection.pk)
    audit_one(connection_id=connection.pk, actor_name="clock", actor_id=None)
    for name in ("list", "add-azure-devops", "guide"):
        shown.append(pages.get(reverse(f"connections:{name}")).content)
    for name in ("detail", "update-token", "edit", "history", "disconnect"):
        shown.append(pages.get(reverse(f"connections:{name}", args=[connection.pk])).content)
    return shown


def walk_admin(admin: User) -> list[bytes]:
    client = Client()
    client.force_login(admin)
    addresses = [reverse("admin:index")]
    for model in ("connections_connection", "history_event", "auth_user"):
        addresses.append(reverse(f"admin:{model}_changelist"))
    addresses.append(reverse("admin:connections_connection_change", args=[Connection.objects.get().pk]))
    return [client.get(address).content for address in addresses]


def dumps() -> list[bytes]:
    out = StringIO()
    call_command("dumpdata", stdout=out)
    commands = StringIO()
    call_command("connections", "list", "--json", stdout=commands)
    sessions = json.dumps([session.get_decoded() for session in Session.objects.all()], default=str)
    return [out.getvalue().encode(), commands.getvalue().encode(), sessions.encode()]


def test_after_a_whole_journey_no_token_is_anywhere(
    pages: Client,
    person: Callable[..., User],
    sandbox: Sandbox,
    token_of: Token,
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown = walk(pages, token_of)
    places = {
        "pages": b"\n".join(shown),
        "admin": b"\n".join(walk_admin(person("root", staff=True))),
        "database": everything_stored(),
        "dumps": b"\n".join(dumps()),
        "cookies": repr(pages.cookies).encode(),
        "log": log.read_bytes(),
        "sandbox": repr(sandbox.requests).encode(),
        "terminal": "".join(capfd.readouterr()).encode(),
    }
    assert Connection.objects.get().stored_token.reveal().reveal() == token_of("full-again")
    hits = {
        (place, name)
        for name in ("full", "full-again", "expired", "revoked")
        for trace in traces(token_of(name))
        for place, text in places.items()
        if trace in text
    }
    assert hits == set()


def test_the_search_would_find_a_planted_token(token_of: Token) -> None:
    secret = token_of("full")
    header = b"Authorization: Basic " + base64.b64encode(b":" + secret.encode())
    assert any(trace in header for trace in traces(secret))
    assert any(trace in secret.encode() for trace in traces(secret))
