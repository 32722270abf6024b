"""Operations on audits, and the health of the product."""

from collections.abc import Callable, Iterator
from unittest.mock import Mock, patch

import pytest
from django.utils import timezone

from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.models import AuditedConnection, AuditRun, Connection
from core.tasks import BrokerUnavailable
from history.record import SCHEDULER
from orchestrator.health import Part
from tests.api.calls import Program, problem
from tests.factories import ConnectionFactory

HERE = "http://127.0.0.1:8000/api/v1"


@pytest.fixture(autouse=True)
def enqueued() -> Iterator[Mock]:
    with patch("celery.app.task.Task.apply_async") as enqueue:
        yield enqueue


def test_an_audit_is_started_and_followed(
    program: Program, connected: Callable[..., Connection], enqueued: Mock
) -> None:
    row = connected()
    response = program.call("POST", "/audits")
    assert response.status_code == 202, response.content
    started = response.json()
    assert response.headers["Location"] == started["url"] == f"{HERE}/audits/{started['id']}"
    assert response.headers["Retry-After"] == "5"
    assert (started["state"], started["total"], started["done"]) == ("running", 1, 0)
    assert started["started_by"] == "maya, API token “token 0”"
    assert enqueued.called
    # One that is under way is returned.
    assert program.post("/audits")["id"] == started["id"]
    audit(row, by=SCHEDULER, now=timezone.now(), interactive=False)
    response = program.call("GET", f"/audits/{started['id']}")
    assert "Retry-After" not in response.headers
    followed = response.json()
    assert (followed["state"], followed["done"], followed["problems"]) == ("finished", 1, 0)
    (found,) = program.get(f"/audits/{started['id']}/connections")["connections"]
    assert (found["connection_id"], found["state"], found["health"]) == (row.pk, "done", "healthy")


def test_an_audit_is_cancelled(program: Program) -> None:
    ConnectionFactory.create()
    started = program.post("/audits")
    for _ in range(2):
        cancelled = program.post(f"/audits/{started['id']}/cancel")
        assert (cancelled["state"], cancelled["cancelled"]) == ("cancelled", 1)
    assert AuditRun.objects.get().cancelled_at is not None


def test_findings_come_in_pages(program: Program) -> None:
    run = AuditRun.objects.create(started_at=timezone.now(), started_by="x", by_hand=True)
    AuditedConnection.objects.bulk_create(AuditedConnection(run=run, name=f"c{number}") for number in range(5))
    found, path = [], f"/audits/{run.pk}/connections?limit=2"
    while path:
        page = program.get(path)
        found += [row["name"] for row in page["connections"]]
        path = (page["next"] or "").removeprefix(HERE)
    assert found == ["c0", "c1", "c2", "c3", "c4"]
    other = AuditRun.objects.create(started_at=timezone.now(), started_by="x", by_hand=False)
    cursor = program.get(f"/audits/{run.pk}/connections?limit=2")["next"].rpartition("cursor=")[2]
    problem(program.call("GET", f"/audits/{other.pk}/connections?cursor={cursor}"), 422, "cursor_invalid")


def test_audits_come_newest_first_and_in_pages(program: Program) -> None:
    ConnectionFactory.create(name="Acme main")
    for _ in range(3):
        program.post(f"/audits/{program.post('/audits')['id']}/cancel")
    listed, path = [], "/audits?limit=2"
    while path:
        page = program.get(path)
        listed += page["audits"]
        path = (page["next"] or "").removeprefix(HERE)
    assert [row["id"] for row in listed] == sorted((row["id"] for row in listed), reverse=True)
    assert len(listed) == 3
    assert listed[0] == program.get(f"/audits/{listed[0]['id']}")
    assert (listed[0]["total"], listed[0]["cancelled"]) == (1, 1)


def test_an_audit_without_a_broker_waits_for_the_scheduler(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise BrokerUnavailable

    monkeypatch.setattr("api.v1.audits.enqueue", unavailable)
    assert [warning["code"] for warning in program.post("/audits")["warnings"]] == ["broker_unavailable"]


def test_an_audit_that_ended_cannot_be_followed_once_it_is_forgotten(program: Program) -> None:
    problem(program.call("POST", "/audits/7/cancel"), 404, "address_unknown")
    assert audit_runs.forget_old_runs() == 0


def test_the_health_is_that_of_the_monitors(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Part("database", ok=True, says="It answers."), Part("worker", ok=False, says="Late.", seconds=400)]
    monkeypatch.setattr("orchestrator.health.current_report", lambda: parts)
    assert program.get("/health") == {
        "is_ready": False,
        "parts": [
            {"name": "database", "is_ok": True, "says": "It answers.", "seconds": None},
            {"name": "worker", "is_ok": False, "says": "Late.", "seconds": 400},
        ],
    }
