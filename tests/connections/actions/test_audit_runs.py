"""Audits by the clock and by hand: claimed in the database, gently, once, and resumed after a crash."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import connection as database
from django.db import transaction
from pytest_django import Settings

from connections import audit_reads
from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.actions.disconnect import disconnect, set_disabled
from connections.domain import scheduling
from connections.models import AuditedConnection, AuditRun, Connection
from connections.tasks import audit_due
from history.record import Actor
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVERY = timedelta(hours=6)
ANN = Actor("ann")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gentle(settings: Settings) -> None:
    settings.AUDITS_PER_ORGANIZATION = 2
    settings.AUDITS_PER_PERSON = 100


def due(count: int = 1, **fields: object) -> list[Connection]:
    fields = {"next_check_at": NOW - timedelta(minutes=1)} | fields
    return list(ConnectionFactory.create_batch(count, **fields))


def test_only_what_is_due_and_enabled_is_claimed() -> None:
    (wanted,) = due()
    due(disabled=True)
    ConnectionFactory(next_check_at=NOW + timedelta(minutes=1))
    assert audit_runs.claim_due(now=NOW) == [wanted.pk]


def test_two_clocks_never_claim_the_same_connection() -> None:
    due()
    assert len(audit_runs.claim_due(now=NOW)) == 1
    assert audit_runs.claim_due(now=NOW) == []


def test_a_lease_whose_worker_died_ends(settings: Settings) -> None:
    (connection,) = due()
    audit_runs.claim_due(now=NOW)
    later = NOW + timedelta(seconds=settings.AUDIT_LEASE_SECONDS + 1)
    assert audit_runs.claim_due(now=later) == [connection.pk]


def test_a_few_at_a_time_for_one_organization_and_the_others_are_not_hidden() -> None:
    busy = due(5, organization="busy")
    quiet = due(1, organization="quiet")
    claimed = audit_runs.claim_due(now=NOW)
    assert len(set(claimed) & {one.pk for one in busy}) == 2
    assert quiet[0].pk in claimed


def test_a_few_at_a_time_for_one_person_over_all_organizations(settings: Settings) -> None:
    settings.AUDITS_PER_PERSON = 1
    for number in range(3):
        due(organization=f"organization-{number}", identity_id="same-person")
    assert len(audit_runs.claim_due(now=NOW)) == 1


def test_so_many_at_once_in_all_that_other_work_finds_a_free_worker(settings: Settings) -> None:
    settings.AUDITS_AT_ONCE = 3
    ConnectionFactory(organization="running", leased_until=NOW + timedelta(seconds=30))
    for number in range(5):
        due(organization=f"organization-{number}")
    assert len(audit_runs.claim_due(now=NOW)) == 2
    assert audit_runs.claim_due(now=NOW) == []


def test_what_the_clock_claims_is_a_run_of_its_own() -> None:
    due(2)
    audit_runs.claim_due(now=NOW)
    run = AuditRun.objects.get()
    assert (run.by_hand, run.started_by, run.audited.count()) == (False, "the scheduler", 2)


def test_a_run_by_hand_takes_every_enabled_connection_and_makes_it_due() -> None:
    ConnectionFactory.create_batch(3, next_check_at=NOW + EVERY)
    ConnectionFactory(disabled=True, next_check_at=NOW + EVERY)
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    assert audit_reads.progress(run) == audit_reads.Progress(total=3, done=0, problems=0, cancelled=0)
    assert Connection.objects.filter(next_check_at=NOW).count() == 3


def test_a_second_press_shows_the_run_that_is_under_way() -> None:
    due()
    assert audit_runs.start_by_hand(by=ANN, now=NOW) == audit_runs.start_by_hand(by=Actor("ben"), now=NOW)


def test_a_chosen_connection_that_was_disabled_meanwhile_is_not_audited_again() -> None:
    (connection,) = due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    set_disabled(connection, disabled=True, by=ANN, now=NOW)
    audit_runs.start_chosen([connection.pk], by=ANN, now=NOW)
    assert audit_reads.progress(run).cancelled == 1


def test_a_run_over_nothing_is_finished_at_once() -> None:
    assert audit_runs.start_by_hand(by=ANN, now=NOW).finished_at == NOW


def test_a_cancelled_run_lets_the_rest_wait_for_their_usual_time() -> None:
    ConnectionFactory.create_batch(2, next_check_at=NOW + EVERY)
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    assert audit_runs.cancel(run, now=NOW)
    assert audit_runs.claim_due(now=NOW) == []
    assert audit_reads.progress(run).cancelled == 2
    assert not audit_runs.cancel(run, now=NOW)


def test_an_audit_ticks_its_connection_off_and_the_last_one_finishes_the_run(
    connected: Callable[..., Connection],
) -> None:
    one = connected("One")
    connected("Two", token="no-build")
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    audit(one, by=ANN, now=NOW, interactive=False)
    run.refresh_from_db()
    assert (audit_reads.progress(run).done, run.finished_at) == (1, None)
    audit_due()
    run.refresh_from_db()
    assert audit_reads.progress(run) == audit_reads.Progress(total=2, done=2, problems=1, cancelled=0)
    assert run.finished_at is not None


def test_a_run_that_is_finished_later_ended_with_its_last_audit() -> None:
    (connection,) = due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    audit_runs.mark_done(connection, at=NOW)
    audit_runs.finish_audited(at=NOW + timedelta(seconds=10))
    run.refresh_from_db()
    assert run.finished_at == NOW


def test_a_connection_that_rests_without_a_word_does_not_hold_a_run_open() -> None:
    due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    Connection.objects.update(disabled=True)
    audit_runs.tidy(now=NOW)
    run.refresh_from_db()
    assert run.finished_at is not None


def test_a_connection_that_is_disconnected_meanwhile_does_not_hold_a_run_open() -> None:
    (connection,) = due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    disconnect(connection, confirmed_name=connection.name, by=ANN, now=NOW)
    run.refresh_from_db()
    assert (run.finished_at, audit_reads.progress(run).cancelled) == (NOW, 1)


def test_a_connection_that_is_disabled_meanwhile_does_not_hold_a_run_open() -> None:
    (connection,) = due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    set_disabled(connection, disabled=True, by=ANN, now=NOW)
    run.refresh_from_db()
    assert run.finished_at == NOW


def test_a_run_that_nothing_can_end_any_more_is_ended_by_the_clock() -> None:
    (connection,) = due()
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    connection.delete()
    audit_runs.tidy(now=NOW)
    run.refresh_from_db()
    assert run.finished_at == NOW


def test_an_organization_with_many_due_hides_no_other() -> None:
    due(30, organization="busy", next_check_at=NOW - timedelta(hours=2))
    (quiet,) = due(1, organization="quiet")
    ConnectionFactory.create_batch(2, organization="busy", leased_until=NOW + timedelta(minutes=1))
    assert audit_runs.claim_due(now=NOW) == [quiet.pk]


def test_two_presses_at_the_same_moment_are_one_run() -> None:
    due()
    run = AuditRun.objects.create(started_at=NOW, started_by="ben", by_hand=True)
    with patch.object(audit_runs, "_open_run", side_effect=[None, run]):
        assert audit_runs.start_chosen([], by=ANN, now=NOW) == run


def test_two_clocks_at_the_same_moment_share_a_run() -> None:
    due()
    run = AuditRun.objects.create(started_at=NOW, started_by="the clock", by_hand=False)
    with patch.object(audit_runs, "_open_run", side_effect=[None, run]):
        audit_runs.claim_due(now=NOW)
    assert run.audited.count() == 1


def test_no_connection_rests_longer_because_a_clock_was_ahead() -> None:
    tomorrow = NOW + timedelta(days=1)
    ahead = ConnectionFactory.create(checked_at=tomorrow, next_check_at=tomorrow + EVERY)
    asked_to_wait = ConnectionFactory.create(checked_at=NOW, next_check_at=tomorrow)
    audit_runs.tidy(now=NOW)
    ahead.refresh_from_db()
    asked_to_wait.refresh_from_db()
    assert (ahead.next_check_at, asked_to_wait.next_check_at) == (NOW + EVERY, tomorrow)


def test_a_run_begun_by_a_clock_that_was_ahead_goes_on() -> None:
    tomorrow = NOW + timedelta(days=1)
    pushed, asked_to_wait = ConnectionFactory.create_batch(2, next_check_at=tomorrow + EVERY)
    audit_runs.start_by_hand(by=ANN, now=tomorrow)
    Connection.objects.filter(pk=asked_to_wait.pk).update(next_check_at=NOW + EVERY)
    audit_runs.tidy(now=NOW)
    assert audit_runs.claim_due(now=NOW) == [pushed.pk]


def test_an_audit_gives_the_lease_back_and_plans_the_next(connected: Callable[..., Connection]) -> None:
    connection = connected()
    Connection.objects.update(next_check_at=NOW, leased_until=None)
    audit_runs.claim_due(now=NOW)
    audit(connection, by=ANN, now=NOW, interactive=False)
    assert connection.leased_until is None
    assert connection.next_check_at > datetime.now(UTC) + EVERY * 0.85


def test_throttling_is_obeyed_by_the_row(connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.behaviour.add("throttle", retry_after=7200)
    audit(connection, by=ANN, now=NOW, interactive=False)
    assert connection.next_check_at > datetime.now(UTC) + timedelta(minutes=110)
    assert connection.health == "healthy"


def test_a_person_who_was_asked_to_wait_rests_everywhere(
    connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    busy, of_the_same_person = connected("One"), connected("Two")
    of_another = connected("Three", token="full-colleague")
    Connection.objects.update(next_check_at=NOW)
    sandbox.behaviour.add("throttle", retry_after=7200)
    audit(busy, by=ANN, now=NOW, interactive=False)
    of_the_same_person.refresh_from_db()
    of_another.refresh_from_db()
    assert of_the_same_person.next_check_at > datetime.now(UTC) + timedelta(minutes=110)
    assert of_another.next_check_at == NOW


def test_a_wait_is_obeyed_whatever_the_answer_was(connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.behaviour.add("throttle", path="release/approvals", retry_after=30_000)
    audit(connection, by=ANN, now=NOW, interactive=False)
    assert connection.next_check_at > datetime.now(UTC) + timedelta(seconds=29_000)
    assert connection.health == "healthy"


def test_the_clock_asks_one_thing_after_another(connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.requests.clear()
    audit(connection, by=ANN, now=NOW, interactive=False)
    assert [one.path.rsplit("/", 1)[-1] for one in sandbox.requests][:2] == ["connectionData", "projects"]


def test_old_runs_are_forgotten_and_open_ones_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_runs, "KEPT_RUNS", 1)
    for minutes in range(3):
        AuditRun.objects.create(started_at=NOW + timedelta(minutes=minutes), by_hand=False, finished_at=NOW)
    still_open = AuditRun.objects.create(started_at=NOW - EVERY, by_hand=True)
    assert audit_runs.forget_old_runs() == 2
    assert still_open in AuditRun.objects.all()


def test_runs_by_hand_are_not_pushed_out_by_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_runs, "KEPT_RUNS", 1)
    by_hand = AuditRun.objects.create(started_at=NOW - EVERY, by_hand=True, finished_at=NOW)
    for minutes in range(3):
        AuditRun.objects.create(started_at=NOW + timedelta(minutes=minutes), by_hand=False, finished_at=NOW)
    audit_runs.forget_old_runs()
    assert by_hand in AuditRun.objects.all()


@pytest.mark.django_db(transaction=True)
def test_the_last_two_of_a_run_end_it_although_they_end_together() -> None:
    connections = due(2)
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    both = threading.Barrier(2)

    def end(connection: Connection) -> None:
        try:
            with transaction.atomic():
                if database.vendor == "postgresql":
                    # Both are inside their transactions. SQLite lets one in after the other, and so do we there.
                    both.wait(timeout=10)
                audit_runs.mark_done(connection, at=NOW)
            audit_runs.finish_audited(at=NOW)
        finally:
            database.close()

    with ThreadPoolExecutor(2 if database.vendor == "postgresql" else 1) as pool:
        list(pool.map(end, connections))
    run.refresh_from_db()
    assert run.finished_at == NOW


@pytest.mark.parametrize(
    ("outcome", "least", "most"),
    [
        (scheduling.Outcome(), EVERY * 0.9, EVERY * 1.1),
        (scheduling.Outcome(consecutive_failures=1), timedelta(minutes=2), timedelta(minutes=4)),
        (scheduling.Outcome(consecutive_failures=50), EVERY * 0.9, EVERY * 1.1),
        (scheduling.Outcome(needs_confirmation=True), timedelta(minutes=5), timedelta(minutes=5)),
        (scheduling.Outcome(consecutive_failures=1, retry_after=3600), timedelta(hours=1), timedelta(hours=1)),
    ],
)
def test_the_next_look_depends_on_what_was_seen(outcome: scheduling.Outcome, least: timedelta, most: timedelta) -> None:
    for chance in (0.0, 0.5, 1.0):
        assert least <= scheduling.next_run(NOW, outcome, every=EVERY, chance=chance) - NOW <= most


def test_the_list_of_runs_costs_the_same_for_one_and_for_many(django_assert_num_queries: Callable[..., object]) -> None:
    for minutes in range(20):
        run = AuditRun.objects.create(started_at=NOW + timedelta(minutes=minutes), by_hand=False, finished_at=NOW)
        AuditedConnection.objects.create(run=run, name="x")
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        assert len(audit_reads.page_of_runs("1").object_list) == 20


def claim_and_finish(now: datetime) -> None:
    for pk in audit_runs.claim_due(now=now):
        connection = Connection.objects.get(pk=pk)
        Connection.objects.filter(pk=pk).release(next_check_at=now + EVERY)
        audit_runs.mark_done(connection, at=now)
        audit_runs.finish_audited(at=now)


def test_claims_of_the_scheduler_that_follow_each_other_are_one_round() -> None:
    due(5, organization="busy")
    for minutes in range(3):
        claim_and_finish(NOW + timedelta(minutes=minutes))
    run = AuditRun.objects.get()
    assert run.audited.filter(state=AuditedConnection.State.DONE).count() == 5
    assert run.finished_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize("pause", [timedelta(minutes=3), timedelta(hours=2)])
def test_the_next_round_is_a_run_of_its_own(pause: timedelta) -> None:
    due()
    claim_and_finish(NOW)
    due(next_check_at=NOW + pause)
    claim_and_finish(NOW + pause)
    assert AuditRun.objects.count() == 2


def test_a_round_that_never_pauses_ends_after_an_hour() -> None:
    for minutes in range(0, 122, 2):
        now = NOW + timedelta(minutes=minutes)
        due(next_check_at=now)
        claim_and_finish(now)
    assert AuditRun.objects.count() == 2


def test_findings_come_worst_first() -> None:
    run = AuditRun.objects.create(started_at=NOW, started_by="ann", by_hand=True)
    for health in ("healthy", "limited", "", "rejected", "unreachable"):
        run.audited.create(name=health or "waiting", health=health, state="done" if health else "waiting")
    found = [row.name for row in audit_reads.findings_of(run, None)]
    assert found == ["rejected", "unreachable", "limited", "healthy", "waiting"]
