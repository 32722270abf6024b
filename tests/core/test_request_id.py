"""One failing test is followed through web, worker and Azure DevOps by ids that are the same everywhere."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from celery.contrib.testing.worker import start_worker
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from structlog.contextvars import bound_contextvars, clear_contextvars, get_contextvars
from urllib3 import BaseHTTPResponse, HTTPConnectionPool

from connections.actions.audit import audit
from connections.models import Connection
from connections.tasks import audit_due
from core import request_id
from core.request_id import HEADER
from history.record import SCHEDULER
from orchestrator.celery import app
from sandbox.server import Sandbox

Token = Callable[[str], str]
FORM = {"organization": "acme"}


@pytest.fixture(autouse=True)
def _no_ids_of_another_test() -> Iterator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[dict[str, Any]]]:
    """What was logged by a logger: message, level, and what stands beside it."""
    caplog.set_level(logging.DEBUG)

    def by(name: str) -> list[dict[str, Any]]:
        return [{**vars(record), "said": record.getMessage()} for record in caplog.records if record.name == name]

    return by


@pytest.fixture
def sessions() -> Iterator[set[str]]:
    """What calls to Azure DevOps carried as X-TFS-Session."""
    found: set[str] = set()
    urlopen = HTTPConnectionPool.urlopen

    def watched(self: HTTPConnectionPool, method: str, url: str, **more: Any) -> BaseHTTPResponse:
        found.add(str(more["headers"]["X-TFS-Session"]))
        return urlopen(self, method, url, **more)

    with patch.object(HTTPConnectionPool, "urlopen", watched):
        yield found


def test_a_test_carries_the_requests_id_to_azure_devops_and_back(
    pages: Client,
    sandbox: Sandbox,
    token_of: Token,
    sessions: set[str],
    told: Callable[[str], list[dict[str, Any]]],
) -> None:
    answer = pages.post(reverse("connections:test-new"), FORM | {"token": token_of("expired")})
    request_id = answer.headers[HEADER]
    assert UUID(request_id)
    assert sessions == {request_id}
    (checked,) = told("connections.clients")
    assert (checked["session"], checked["code"]) == (request_id, "token_expired")
    calls = told("connections.providers.azure_devops.transport")
    assert checked["activity_id"] in {call["activity_id"] for call in calls}
    assert {call["session"] for call in calls} == {request_id}
    assert {call["levelname"] for call in calls} == {"INFO"}
    (asked,) = told("orchestrator.requests")
    assert asked["said"].startswith("POST code-repositories/add/azure-devops/test/")
    assert asked["status"] == 200


def test_calls_side_by_side_log_the_requests_id_too(
    pages: Client, connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    connection = connected()
    seen: list[dict[str, Any]] = []

    class Watch(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            seen.append(dict(get_contextvars()))

    logger, watch = logging.getLogger("connections.providers.azure_devops.transport"), Watch()
    logger.addHandler(watch)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        answer = pages.post(reverse("connections:test", args=[connection.pk]))
    finally:
        logger.removeHandler(watch)
        logger.setLevel(before)
    assert len(seen) > 8
    assert {(one["request_id"], one["connection_id"]) for one in seen} == {(answer.headers[HEADER], connection.pk)}


def test_a_task_carries_its_own_id_to_azure_devops(connected: Callable[..., Connection], sessions: set[str]) -> None:
    connection, task_id = connected(), str(uuid4())
    sessions.clear()
    with bound_contextvars(task_id=task_id, request_id=str(uuid4())):
        audit(connection, by=SCHEDULER, now=datetime.now(UTC), interactive=False)
    assert sessions == {task_id}


def test_an_audit_of_many_carries_an_id_of_its_own_to_azure_devops(
    connected: Callable[..., Connection], sessions: set[str], told: Callable[[str], list[dict[str, Any]]]
) -> None:
    connected()
    task_id = str(uuid4())
    sessions.clear()
    Connection.objects.update(next_check_at=datetime.now(UTC))
    audit_due.apply(task_id=task_id)
    checked = told("connections.clients")[-1]
    assert sessions == {checked["session"]}
    assert checked["session"] != task_id


def test_whoever_asks_for_a_task_is_known_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker's sign of life is a row; here no database is at hand.
    monkeypatch.setattr("core.heartbeats.record", lambda *_, **__: None)
    seen: list[dict[str, Any]] = []

    @app.task(name="tests.look", ignore_result=True)
    def look(*, connection_id: int) -> None:
        seen.append(dict(get_contextvars()))

    request_id = str(uuid4())
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        with bound_contextvars(request_id=request_id):
            asked = look.delay(connection_id=7)
        look.delay(connection_id=8)
        _until(lambda: len(seen) == 2)
    assert seen == [
        {"task_id": asked.id, "task": "tests.look", "request_id": request_id, "connection_id": 7},
        {"task_id": seen[1]["task_id"], "task": "tests.look", "connection_id": 8},
    ]
    app.tasks.pop("tests.look")


def _until(true: Callable[[], bool]) -> None:
    ends = monotonic() + 60
    while not true() and monotonic() < ends:
        sleep(0.01)


def test_each_request_has_an_id_of_its_own(client: Client, db: None) -> None:
    found = {client.get(reverse("login")).headers[HEADER] for _ in range(3)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("trusted", "given", "kept"),
    [
        (["127.0.0.1"], "5F0E3A2C-9d0a-4a57-8f4e-0d6f1f4d8c11", True),
        ([], "5f0e3a2c-9d0a-4a57-8f4e-0d6f1f4d8c11", False),
        (["127.0.0.1"], "anything\nelse", False),
    ],
)
def test_only_a_trusted_proxy_may_choose_the_id(
    client: Client, db: None, settings: Settings, trusted: list[str], given: str, kept: bool
) -> None:
    settings.TRUSTED_PROXIES = trusted
    answer = client.get(reverse("login"), headers={HEADER: given})
    assert (answer.headers[HEADER] == given.lower()) is kept


def test_an_address_that_is_a_secret_is_not_logged(
    client: Client, db: None, told: Callable[[str], list[dict[str, Any]]]
) -> None:
    client.get(reverse("choose-password", args=["MQ", "secret-of-a-link"]))
    (line,) = told("orchestrator.requests")
    assert line["said"] == "GET password/choose/<uidb64>/<token>/ (choose-password)"


def test_acts_and_refusals_are_logged_and_other_pages_only_on_demand(
    client: Client,
    person: Callable[..., User],
    told: Callable[[str], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine is.
    monkeypatch.setattr(request_id, "SLOW", float("inf"))
    user = person("ann")
    client.force_login(user)
    client.get(reverse("people:account"))
    client.get(reverse("connections:list"))
    client.post(reverse("people:sign-out-elsewhere"))
    lines = told("orchestrator.requests")
    assert [(line["levelname"], line["status"]) for line in lines] == [("DEBUG", 200), ("INFO", 403), ("INFO", 302)]
    assert {line["person_id"] for line in lines} == {user.pk}
