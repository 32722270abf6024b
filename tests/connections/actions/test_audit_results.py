"""What audits found is written for many connections at once, and each as if it were alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.actions import audit_results, audit_runs
from connections.actions.audit_results import Result
from connections.actions.check_stored import check_stored
from connections.actions.declare_leak import declare_leak, find_stored
from connections.domain.verification import Failure, nothing_found
from connections.models import AuditedConnection, Connection, Mail, RateLimitPause
from delivery.live import polling
from delivery.models import PollSubscription, Project, SyncState
from history.models import Event
from history.record import Actor

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BY = Actor("the scheduler")
TOKENS = ("full", "full-again", "full-colleague", "no-build")
pytestmark = pytest.mark.django_db
Connected = Callable[..., Connection]


@pytest.fixture
def four(connected: Connected) -> list[Connection]:
    return [connected(token, token=token) for token in TOKENS]


def checked(connections: Sequence[Connection], **changes: Any) -> list[Result]:
    """What Azure DevOps says about each, asked for in this moment."""
    rows = [Connection.objects.get(pk=connection.pk) for connection in connections]
    reports = [check_stored(row, interactive=False, now=timezone.now()) for row in rows]
    return [Result(row, replace(report, **changes), row.lease) for row, report in zip(rows, reports, strict=True)]


def write(results: Sequence[Result]) -> list[Any]:
    with transaction.atomic():
        return list(audit_results.write(results, by=BY))


def test_each_connection_gets_its_own_verdict_event_and_place_in_the_run(four: list[Connection]) -> None:
    run = audit_runs.start_by_hand(by=BY, now=NOW)
    audit_runs.claim_due(now=NOW)
    results = checked(four)
    write(results)
    for connection, result in zip(four, results, strict=True):
        connection.refresh_from_db()
        is_limited = connection.name == "no-build"
        assert connection.health == ("limited" if is_limited else "healthy")
        assert connection.checked_at == result.report.finished_at
        assert connection.next_check_at > result.report.finished_at
        assert (connection.leased_until, connection.lease) == (None, "")
        times = set(connection.capabilities.values_list("checked_at", flat=True))
        assert times == {result.report.finished_at}
        event = Event.objects.get(kind="connection.tested", subject_id=connection.pk)
        assert (event.at, event.detail["health"]) == (result.report.finished_at, connection.health)
        place = run.audited.get(connection=connection)
        assert (place.state, place.health, place.finished_at) == ("done", connection.health, connection.checked_at)


def test_four_unchanged_connections_take_as_many_queries_as_one(four: list[Connection]) -> None:
    audit_runs.start_by_hand(by=BY, now=NOW)
    counts = []
    for some in (four[:1], four):
        results = checked(some)
        with CaptureQueriesContext(database) as queries:
            write(results)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_a_connection_that_was_disconnected_meanwhile_stops_no_other(four: list[Connection]) -> None:
    results = checked(four)
    Connection.objects.filter(pk=four[0].pk).delete()
    assert len(write(results)) == 3
    assert Event.objects.filter(kind="connection.tested").count() == 3


def test_a_lost_lease_writes_nothing(four: list[Connection]) -> None:
    Connection.objects.update(leased_until=NOW, lease="a lease")
    results = checked(four)
    Connection.objects.filter(pk=four[0].pk).update(lease="of another")
    Connection.objects.filter(pk=four[1].pk).release()
    assert len(write(results)) == 2
    assert Connection.objects.get(pk=four[0].pk).lease == "of another"
    assert set(Event.objects.filter(kind="connection.tested").values_list("subject_id", flat=True)) == {
        connection.pk for connection in four[2:]
    }


def test_the_result_of_a_replaced_token_is_only_recorded(four: list[Connection]) -> None:
    results = checked(four)
    Connection.objects.filter(pk=four[0].pk).update(token_set_at=NOW, health="rejected")
    write(results)
    assert Connection.objects.get(pk=four[0].pk).health == "rejected"
    event = Event.objects.get(kind="connection.tested", subject_id=four[0].pk)
    assert event.detail == {"too_late": True}


def test_a_token_that_was_declared_leaked_meanwhile_is_not_used(four: list[Connection]) -> None:
    results = checked(four)
    declare_leak(find_stored(four[0]).key, by=BY, now=timezone.now())
    write(results)
    assert Connection.objects.get(pk=four[0].pk).problem == "leaked"
    assert Connection.objects.get(pk=four[1].pk).problem == ""


def test_all_or_none_is_written(four: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    audit_runs.start_by_hand(by=BY, now=NOW)
    Connection.objects.update(health="rejected", notified_health="rejected", problem="token_refused")
    Connection.objects.update(extra_recipients="ann@example.com")
    results = checked(four)
    monkeypatch.setattr(audit_results, "record_each", _fail)
    with pytest.raises(RuntimeError):
        write(results)
    assert set(Connection.objects.values_list("health", flat=True)) == {"rejected"}
    assert not Mail.objects.exists()
    assert not AuditedConnection.objects.exclude(state="waiting").exists()
    monkeypatch.undo()
    write(results)
    assert Mail.objects.filter(kind="recovered").count() == 4


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("unforeseen")


def test_a_person_who_was_asked_to_wait_twice_waits_for_the_longer_time(four: list[Connection]) -> None:
    mine, again, of_another, _ = four
    Connection.objects.filter(pk__in=[mine.pk, again.pk]).update(identity_id="maya")
    other = Connection.objects.filter(pk=of_another.pk)
    other.update(identity_id="noor", next_check_at=NOW)
    at = timezone.now()
    throttled = Failure("throttled", transient=True)
    reports = [replace(nothing_found(throttled, at=at), person_retry_after=wait) for wait in (200.0, 100.0)]
    rows = [Connection.objects.get(pk=connection.pk) for connection in (mine, again)]
    write([Result(row, report) for row, report in zip(rows, reports, strict=True)])
    (pause,) = RateLimitPause.objects.all()
    assert (pause.identity_id, pause.until) == ("maya", at + timedelta(seconds=200))
    assert Connection.objects.get(pk=again.pk).next_check_at >= at + timedelta(seconds=200)
    assert other.get().next_check_at == NOW


@pytest.mark.parametrize(("before", "is_due"), [("rejected", True), ("healthy", False), ("unreachable", False)])
def test_what_failed_is_due_again_when_a_rejected_token_works_again(
    connected: Connected, before: str, is_due: bool
) -> None:
    connection = connected("Main")
    Connection.objects.update(health=before)
    later = timezone.now() + timedelta(hours=6)
    SyncState.objects.update(next_at=later, problem="token_refused")
    project = Project.objects.create(connection=connection, azure_id="1", name="Tailspin", seen_at=later)
    PollSubscription.objects.create(
        project=project, kind=polling.BUILDS, problem="token_refused", watched_until=later, next_at=later
    )
    write(checked([connection]))
    due_at = Connection.objects.get().checked_at if is_due else later
    assert SyncState.objects.get().next_at == due_at
    assert PollSubscription.objects.get().next_at == due_at
