"""The loop of a worker that audits: one thread claims and writes, others ask Azure DevOps."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings
from structlog.contextvars import bound_contextvars

from connections import leak_guard
from connections.actions import audit_loop, audit_results, audit_runs, check_stored
from connections.actions.audit_loop import _SingleLoop
from connections.actions.audit_results import Result
from connections.domain.verification import Report
from connections.models import AuditedConnection, AuditRun, CapabilityState, Connection
from core.tasks import stopping
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOKENS = ("full", "full-again", "full-colleague", "no-build")
pytestmark = pytest.mark.django_db
Connected = Callable[..., Connection]


@pytest.fixture(autouse=True)
def room(settings: Settings) -> None:
    settings.AUDITS_PER_ORGANIZATION = settings.AUDITS_PER_PERSON = 100


@pytest.fixture
def due(connected: Connected) -> list[Connection]:
    """Four due connections."""
    connections = [connected(token, token=token) for token in TOKENS]
    Connection.objects.update(next_check_at=NOW)
    return connections


@pytest.fixture
def stopped() -> Iterator[None]:
    stopping.set()
    yield
    stopping.clear()


def work() -> list[bool]:
    """Work off what is due. What was enqueued for other workers or the next turn."""
    enqueued: list[bool] = []

    def enqueue_again() -> bool:
        enqueued.append(True)
        return True

    audit_loop.work_due(clock=timezone.now, enqueue_again=enqueue_again)
    return enqueued


def audited() -> list[int]:
    return sorted(Event.objects.filter(kind="connection.tested").values_list("subject_id", flat=True))


def test_everything_that_is_due_is_audited_once(due: list[Connection]) -> None:
    assert work() == []
    assert audited() == [connection.pk for connection in due]
    assert not Connection.objects.filter(next_check_at__lte=timezone.now()).exists()
    assert not Connection.objects.exclude(leased_until=None).exists()


def test_the_run_is_finished(due: list[Connection]) -> None:
    run = audit_runs.start_by_hand(by=Actor("ann"), now=NOW)
    work()
    run.refresh_from_db()
    assert run.finished_at is not None
    assert set(run.audited.values_list("state", flat=True)) == {"done"}


def test_with_room_for_one_all_are_audited_one_after_another(due: list[Connection], settings: Settings) -> None:
    settings.AUDITS_AT_ONCE = 1
    with patch.object(audit_results, "write", wraps=audit_results.write) as write:
        work()
    assert [len(call.args[0]) for call in write.call_args_list] == [1, 1, 1, 1]
    assert audited() == [connection.pk for connection in due]


def test_a_few_of_one_organization_are_asked_at_a_time(due: list[Connection], settings: Settings) -> None:
    settings.AUDITS_PER_ORGANIZATION = 2
    with patch.object(audit_results, "write", wraps=audit_results.write) as write:
        work()
    assert max(len(call.args[0]) for call in write.call_args_list) <= 2
    assert audited() == [connection.pk for connection in due]


def test_the_threads_that_ask_need_no_database(due: list[Connection]) -> None:
    check, connected = check_stored.check_stored, list[bool]()

    def check_and_look(connection: Connection, **how: Any) -> Report:
        report = check(connection, **how)
        connected.append(database.connection is not None)
        return report

    with patch.object(audit_loop, "check_stored", check_and_look), patch.object(leak_guard, "_is_declared") as read:
        work()
    assert connected == [False] * 4
    read.assert_not_called()


def test_one_that_can_not_be_written_stops_no_other(due: list[Connection]) -> None:
    audit_runs.start_by_hand(by=Actor("ann"), now=NOW)
    apply, bad = audit_results._apply, due[1]

    def fail_once(current: Connection, report: Report, states: list[CapabilityState]) -> Any:
        if current.pk == bad.pk:
            raise RuntimeError("unforeseen")
        return apply(current, report, states)

    with patch.object(audit_results, "_apply", fail_once):
        work()
    assert audited() == [connection.pk for connection in due if connection != bad]
    bad.refresh_from_db()
    assert (bad.leased_until, bad.consecutive_failures) == (None, 1)
    assert AuditedConnection.objects.get(connection=bad).problem == "failed_here"
    assert not AuditRun.objects.filter(finished_at=None).exists()


def test_one_that_can_not_be_read_stops_no_other(due: list[Connection]) -> None:
    load, bad = audit_loop._loaded, due[1]

    def fail_with_it(claimed: list[int], lease: str) -> Any:
        if bad.pk in claimed:
            raise RuntimeError("unforeseen")
        return load(claimed, lease)

    with patch.object(audit_loop, "_loaded", fail_with_it):
        work()
    assert audited() == [connection.pk for connection in due if connection != bad]
    bad.refresh_from_db()
    assert (bad.leased_until, bad.consecutive_failures) == (None, 1)


def test_what_a_failing_database_did_not_take_keeps_its_lease(due: list[Connection]) -> None:
    with patch.object(audit_results, "write", side_effect=OperationalError("server closed the connection")):
        work()
    assert audited() == []
    assert Connection.objects.exclude(leased_until=None).count() == 4
    assert set(Connection.objects.values_list("consecutive_failures", flat=True)) == {0}


def test_after_a_failure_of_the_database_nothing_more_is_claimed(due: list[Connection], settings: Settings) -> None:
    settings.AUDITS_AT_ONCE = 1
    with patch.object(audit_results, "write", side_effect=OperationalError("server closed the connection")):
        work()
    assert Connection.objects.exclude(leased_until=None).count() == 1


def test_a_database_that_fails_at_a_claim_ends_the_loop_without_an_error(due: list[Connection]) -> None:
    with patch.object(audit_runs, "claim_due", side_effect=OperationalError("server closed the connection")):
        work()
    work()
    assert audited() == [connection.pk for connection in due]


def test_an_error_of_our_own_does_not_keep_the_next_loop_from_running(due: list[Connection]) -> None:
    with patch.object(audit_runs, "claim_due", side_effect=RuntimeError("unforeseen")), pytest.raises(RuntimeError):
        work()
    work()
    assert audited() == [connection.pk for connection in due]


def test_what_becomes_due_while_the_loop_runs_is_audited_at_the_next_call(due: list[Connection]) -> None:
    late = due[0]
    Connection.objects.filter(pk=late.pk).update(next_check_at=timezone.now() + timedelta(hours=1))
    finish = audit_runs.finish_audited

    def call_meanwhile(*, at: datetime) -> None:
        finish(at=at)
        if late.pk not in audited():
            Connection.objects.filter(pk=late.pk).update(next_check_at=NOW)
            audit_loop.work_due(clock=timezone.now, enqueue_again=lambda: True)

    with patch.object(audit_runs, "finish_audited", call_meanwhile):
        work()
    assert audited() == [connection.pk for connection in due]


def test_a_worker_that_stops_claims_nothing(due: list[Connection], stopped: None) -> None:
    assert work() == []
    assert not Connection.objects.exclude(leased_until=None).exists()


def test_a_worker_that_is_stopped_during_a_claim_gives_it_back(
    due: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(stopping, "is_set", lambda: next(answers, True))
    work()
    assert audited() == []
    assert not Connection.objects.exclude(leased_until=None).exists()


def test_at_the_end_of_a_turn_the_next_one_is_enqueued(due: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_loop, "_TURN_SECONDS", 0.0)
    assert work() == [True]
    assert audited() == []


@pytest.mark.parametrize(("at_once", "calls"), [(1, 0), (2, 1)])
def test_other_workers_are_called_for_what_this_one_leaves(
    due: list[Connection], settings: Settings, at_once: int, calls: int
) -> None:
    settings.AUDITS_AT_ONCE, settings.WORKER_THREADS = at_once, 3
    assert len(work()) == calls


def test_leases_are_renewed_while_azure_devops_is_slow(
    due: list[Connection], sandbox: Sandbox, settings: Settings
) -> None:
    settings.AUDIT_LEASE_SECONDS = 0.6
    sandbox.behaviour.add("latency", seconds=0.1)
    with patch.object(audit_runs, "renew", wraps=audit_runs.renew) as renew:
        work()
    assert renew.call_count >= 2
    assert audited() == [connection.pk for connection in due]


def test_only_these_leases_are_renewed(due: list[Connection]) -> None:
    first, second, third, _ = due
    Connection.objects.filter(pk=first.pk).update(lease="mine", leased_until=NOW)
    Connection.objects.filter(pk=second.pk).update(lease="of another", leased_until=NOW)
    Connection.objects.filter(pk=third.pk).update(lease="mine", leased_until=None)
    audit_runs.renew({first.pk: "mine", second.pk: "mine", third.pk: "mine"}, now=NOW)
    later = {row.pk for row in Connection.objects.filter(leased_until__gt=NOW)}
    assert later == {first.pk}


def test_a_lease_of_which_the_audit_has_ended_is_not_renewed(due: list[Connection]) -> None:
    Connection.objects.update(lease="mine", leased_until=NOW)
    audit_runs.renew({due[0].pk: "mine"}, now=NOW)
    assert list(Connection.objects.filter(leased_until__gt=NOW)) == [due[0]]


def test_a_batch_that_met_a_locked_database_is_written_again(due: list[Connection]) -> None:
    write, attempts = audit_results.write, list[int]()

    def write_at_last(results: list[Result], *, by: Actor) -> list[Report]:
        attempts.append(len(results))
        if len(attempts) < 3:
            raise OperationalError("database is locked") from sqlite3.OperationalError("database is locked")
        return write(results, by=by)

    with patch.object(audit_results, "write", write_at_last):
        work()
    assert audited() == [connection.pk for connection in due]


def test_an_error_of_our_own_loses_no_audit_that_is_under_way(due: list[Connection], settings: Settings) -> None:
    settings.AUDITS_AT_ONCE = 2
    claim, claims = audit_runs.claim_due, list[int]()

    def claim_once(**how: Any) -> list[int]:
        if claims:
            raise RuntimeError("unforeseen")
        claims.extend(claim(**how))
        return list(claims)

    with patch.object(audit_runs, "claim_due", claim_once), pytest.raises(RuntimeError):
        work()
    assert audited() == sorted(claims)
    assert len(claims) == 2


def test_each_audit_has_an_id_of_its_own_and_none_of_a_request(
    due: list[Connection], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="connections.clients")
    caplog.clear()
    with bound_contextvars(request_id="5f0e3a2c"):
        work()
    sessions = {vars(record)["session"] for record in caplog.records if record.message.startswith("Checked ")}
    assert len(sessions) == len(due)
    assert "5f0e3a2c" not in sessions


def test_one_caller_runs_the_loop_and_the_others_request_a_claim() -> None:
    single = _SingleLoop()
    assert single.start_or_request_claim()
    assert not single.start_or_request_claim()
    assert single.take_claim_request()
    assert not single.take_claim_request()
    assert not single.start_or_request_claim()
    assert not single.try_finish()
    assert single.take_claim_request()
    assert single.try_finish()
    assert single.start_or_request_claim()
