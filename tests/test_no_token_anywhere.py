"""A token is nowhere but sealed in its own row: not in database, logs, sessions, pages, mails, caches, tasks or dumps.

Every address, task and command is exercised, with good and bad tokens and with failures. One that is not covered here
fails the test.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from kombu.transport.memory import Channel
from pytest_django import Settings

from connections.models import Connection
from orchestrator.celery import app
from sandbox.samples import TROUBLED
from sandbox.server import Sandbox
from tests.browser import Browser
from tests.connections.commands import ENTRA_TOKEN
from tests.echo import Echo
from tests.everything import Lived, addresses, commands, live, tasks
from tests.factories import make_person
from tests.leaks import everything_stored, hits, of_answer, remembered, sessions, traces, waiting_tasks

Token = Callable[[str], str]
PLANTED = ("full", "full-again", "expired", "revoked", "no-release")
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}
# Whatever an address asks for is somewhere in here.
MORE = {"confirm_name": "Fabrikam", "project_name": "Old Shop", "confirmed": "1", "accept_limited": "on"}
MORE |= {"username": "somebody", "role": "Viewer", "active": "1", "email": "b@example.com", "same-expires": "60"}
MORE |= {"branch": "main", "source": "main", "path": "notes.txt", "content": "text", "comment": "why", "action": "x"}
MORE |= {"token_state": "valid", "code": "manage", "build": "execute", "release": "manage"}


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


@pytest.fixture(autouse=True)
def _nothing_left_over(settings: Settings) -> Iterator[None]:
    settings.TESTS_PER_PERSON = settings.TESTS_PER_ADDRESS = 0
    for name in caches:
        caches[name].clear()
    Channel.queues.clear()
    yield
    for name in caches:
        caches[name].clear()
    Channel.queues.clear()


@pytest.fixture
def secrets(token_of: Token) -> dict[str, str]:
    return {name: token_of(name) for name in PLANTED} | {"entra": ENTRA_TOKEN}


@pytest.fixture
def lived(connected: Callable[..., Connection], sandbox: Sandbox) -> Lived:
    return live(connected("Fabrikam", organization="fabrikam"), sandbox, make_person("other"))


@pytest.fixture
def root(person: Callable[..., User]) -> Client:
    """An administrator's browser that shows an error instead of raising it."""
    browser = Browser(raise_request_exception=False)
    browser.force_login(person("root", staff=True))
    return browser


class _Undo(Exception):
    """Takes back what an answer did, so that the next address finds everything in its place."""


def everywhere(shown: list[bytes], log: Path, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> dict[str, bytes]:
    """All places in which something can be written."""
    dump = StringIO()
    call_command("dumpdata", stdout=dump)
    return {
        "answers": b"\n".join(shown),
        "database": everything_stored(),
        "sessions": sessions(),
        "caches": remembered(),
        "broker": waiting_tasks(),
        "mails": "\n".join(str(one.message()) for one in mail.outbox).encode(),
        "dump": dump.getvalue().encode(),
        "log": log.read_bytes(),
        "sandbox": repr(sandbox.requests).encode(),
        "terminal": "".join(capfd.readouterr()).encode(),
    }


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


@pytest.mark.parametrize("organization", sorted(set(TROUBLED) - {"slow", "stuck", "endless"}))
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


def arguments_of_tasks(lived: Lived) -> dict[str, dict[str, Any]]:
    """Every task with what it is called with."""
    Connection.objects.filter(pk=lived.connection.pk).renew(now=datetime.now(UTC), lease="a lease")
    of_connection = {"connection_id": lived.connection.pk, "lease": "a lease"}
    return {
        "connections.tasks.audit_due": {},
        "connections.tasks.audit_one": of_connection,
        "connections.tasks.remind_due": {},
        "connections.tasks.mail_history_anchor": {},
        "connections.tasks.send_due": {},
        "connections.tasks.remove_expired_rows": {},
        "delivery.tasks.refresh_due": {},
        "delivery.tasks.refresh_one": of_connection,
        "delivery.tasks.poll_due": {},
        "delivery.tasks.repair_clock_skew": {},
        "delivery.tasks.forget_old_generations": {},
        "delivery.tasks.poll_some": {"lease": "a lease", "ids": [1]},
        "history.tasks.seal_waiting": {},
        "history.tasks.verify": {},
        "history.tasks.prune": {},
        "people.tasks.forget_ended_sessions": {},
        "throttling.tasks.forget_rested_counters": {},
    }


def test_no_task_gives_a_token_away(
    lived: Lived, sandbox: Sandbox, secrets: dict[str, str], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = arguments_of_tasks(lived)
    assert arguments.keys() == tasks(), "Say in this test with what the new task is called."
    shown = []
    Connection.objects.update(next_check_at=datetime(2026, 1, 1, tzinfo=UTC))
    for name, given in arguments.items():
        app.tasks[name].apply_async(kwargs=given)
        done = app.tasks[name].apply(kwargs=given)
        shown.append(f"{done.result!r} {done.traceback} {done.kwargs}".encode())
        assert done.successful(), name
    places = everywhere(shown, log, sandbox, capfd)
    assert b"connections.tasks.audit_one" in places["broker"]
    assert hits(secrets, places) == set()


def lines_of_commands(lived: Lived, secrets: dict[str, str], tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    """Every command and verb: the words after it, and what it reads from standard input."""
    name, pipeline = lived.connection.name, lived.pipeline.name
    owner = ["--owner", lived.connection.owner.username]
    line = json.dumps({"connection": name, "token": secrets["full-again"], "expires_on": "2027-02-20"})
    entra = json.dumps({"connection": name, "token": secrets["entra"]})
    return {
        "connections list": (["--json"], ""),
        "connections test": ([name], ""),
        "connections audit": ([name], ""),
        "connections calibrate": ([name, "--code", "manage", "--build", "none", "--release", "read"], ""),
        "connections add": (["By command", "acme", "--expires-on", "2027-02-20", *owner], secrets["full"]),
        "connections update-token": ([name, *owner], secrets["expired"]),
        "connections rotate": (["--read", *owner], f"{line}\nno JSON: {secrets['revoked']}\n{entra}\n"),
        "connections remind": ([], ""),
        "connections events": (["--json"], ""),
        "repositories list": (["--json"], ""),
        "repositories refresh": ([name], ""),
        "builds list": (["--json"], ""),
        "builds run": ([pipeline, "--branch", "main"], ""),
        "builds show": ([pipeline, str(lived.pipeline.build_id)], ""),
        **releases_commands(lived),
        "history verify": ([], ""),
        "history seal": ([], ""),
        "history accept": (["--reason", "The worker stood still"], ""),
        "history prune": (["--older-than", "1"], ""),
        "create_administrator": (["somebody", "--link"], ""),
        "rotate_encryption_keys": ([], ""),
        "ready": ([], ""),
        # Of a database in memory there is none; tests/orchestrator/test_backup.py looks into a real one.
        "backup": ([str(tmp_path / "backup")], ""),
        "restore": ([str(tmp_path / "nothing")], ""),
    }


def releases_commands(lived: Lived) -> dict[str, tuple[list[str], str]]:
    pipeline = lived.repository.project.release_pipelines.order_by("azure_id")[0].name
    lines = {"list": ["--json"], "show": [pipeline], "create": [pipeline]}
    lines |= {verb: [pipeline, "Release-1", "Test"] for verb in ("deploy", "cancel", "approve", "reject")}
    return {f"releases {verb}": (words, "") for verb, words in lines.items()}


# What starts processes that live on; tests/product starts it and looks at what it prints. The second becomes the
# database's own program, for a person at the terminal.
ELSEWHERE = {"up", "dbshell"}


def test_no_command_gives_a_token_away(
    lived: Lived,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    # Where nobody answers; `ready` says so.
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    lines = lines_of_commands(lived, secrets, tmp_path)
    assert lines.keys() == set(commands()) - ELSEWHERE, "Say in this test how the new command is called."
    shown = []
    for name, (words, typed) in lines.items():
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        said = StringIO()
        try:
            call_command(*name.split(), *words, stdout=said, stderr=said)
        except (CommandError, SystemExit) as ended:
            shown.append(repr(ended).encode())
        shown.append(said.getvalue().encode())
    assert Connection.objects.filter(name="By command").exists()
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


def test_the_search_would_find_a_planted_token(token_of: Token) -> None:
    secret = token_of("full")
    header = b"Authorization: Basic " + base64.b64encode(b":" + secret.encode())
    assert any(trace in header for trace in traces(secret))
    assert any(trace in secret.encode() for trace in traces(secret))


@pytest.mark.parametrize("place", ["database", "caches", "broker", "sessions"])
def test_the_search_looks_into_every_place(
    root: Client,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    place: str,
) -> None:
    if place == "database":
        make_person("planted", first_name=secrets["full"][:60])
    elif place == "caches":
        caches["azure_devops"].set("x", {"token": secrets["full"]})
    elif place == "broker":
        assert "connections.tasks.audit_due" in tasks()
        # Past the check of arguments, which would refuse it.
        app.send_task("connections.tasks.audit_due", kwargs={"token": secrets["full"]})
    else:
        session = root.session
        session["token"] = secrets["full"]
        session.save()
    assert (place, "full") in hits(secrets, everywhere([], log, sandbox, capfd))
