"""Audits by the clock and by hand: claimed in the database, gently, once, and resumed after a crash."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from connections import queries, schedule
from connections.actions import runs
from connections.actions.audit import audit
from connections.models import AuditedConnection, AuditRun, Connection
from connections.tasks import audit_one
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
    assert runs.claim_due(now=NOW) == [wanted.pk]


def test_two_clocks_never_claim_the_same_connection() -> None:
    due()
    assert len(runs.claim_due(now=NOW)) == 1
    assert runs.claim_due(now=NOW) == []


def test_a_lease_whose_worker_died_ends(settings: Settings) -> None:
    (connection,) = due()
    runs.claim_due(now=NOW)
    later = NOW + timedelta(seconds=settings.AUDIT_LEASE_SECONDS + 1)
    assert runs.claim_due(now=later) == [connection.pk]


def test_a_few_at_a_time_for_one_organization_and_the_others_are_not_hidden() -> None:
    busy = due(5, organization="busy")
    quiet = due(1, organization="quiet")
    claimed = runs.claim_due(now=NOW)
    assert len(set(claimed) & {one.pk for one in busy}) == 2
    assert quiet[0].pk in claimed


def test_a_few_at_a_time_for_one_person_over_all_organizations(settings: Settings) -> None:
    settings.AUDITS_PER_PERSON = 1
    for number in range(3):
        due(organization=f"organization-{number}", identity_id="same-person")
    assert len(runs.claim_due(now=NOW)) == 1


def test_what_the_clock_claims_is_a_run_of_its_own() -> None:
    due(2)
    runs.claim_due(now=NOW)
    run = AuditRun.objects.get()
    assert (run.by_hand, run.started_by, run.audited.count()) == (False, "the clock", 2)


def test_a_run_by_hand_takes_every_enabled_connection_and_makes_it_due() -> None:
    ConnectionFactory.create_batch(3, next_check_at=NOW + EVERY)
    ConnectionFactory(disabled=True, next_check_at=NOW + EVERY)
    run = runs.start_by_hand(by=ANN, now=NOW)
    assert queries.progress(run) == queries.Progress(total=3, done=0, problems=0, cancelled=0)
    assert Connection.objects.filter(next_check_at=NOW).count() == 3


def test_a_second_press_shows_the_run_that_is_under_way() -> None:
    due()
    assert runs.start_by_hand(by=ANN, now=NOW) == runs.start_by_hand(by=Actor("ben"), now=NOW)


def test_a_run_over_nothing_is_finished_at_once() -> None:
    assert runs.start_by_hand(by=ANN, now=NOW).finished_at == NOW


def test_a_cancelled_run_lets_the_rest_wait_for_their_usual_time() -> None:
    ConnectionFactory.create_batch(2, next_check_at=NOW + EVERY)
    run = runs.start_by_hand(by=ANN, now=NOW)
    assert runs.cancel(run, now=NOW)
    assert runs.claim_due(now=NOW) == []
    assert queries.progress(run).cancelled == 2
    assert not runs.cancel(run, now=NOW)


def test_an_audit_ticks_its_connection_off_and_the_last_one_finishes_the_run(
    connected: Callable[..., Connection],
) -> None:
    first, second = connected("One"), connected("Two", token="no-build")
    run = runs.start_by_hand(by=ANN, now=NOW)
    audit_one(connection_id=first.pk, actor_name="clock", actor_id=None)
    run.refresh_from_db()
    assert (queries.progress(run).done, run.finished_at) == (1, None)
    audit_one(connection_id=second.pk, actor_name="clock", actor_id=None)
    run.refresh_from_db()
    assert queries.progress(run) == queries.Progress(total=2, done=2, problems=1, cancelled=0)
    assert run.finished_at is not None


def test_a_connection_that_was_disconnected_meanwhile_does_not_hold_a_run_open(
    connected: Callable[..., Connection],
) -> None:
    connection = connected()
    run = runs.start_by_hand(by=ANN, now=NOW)
    pk = connection.pk
    Connection.objects.filter(pk=pk).update(disabled=True)
    audit_one(connection_id=pk, actor_name="clock", actor_id=None)
    run.refresh_from_db()
    assert run.finished_at is not None


def test_a_task_message_of_a_later_version_is_understood(connected: Callable[..., Connection]) -> None:
    audit_one(connection_id=connected().pk, actor_name="clock", actor_id=None, something_new=1)


def test_an_audit_gives_the_lease_back_and_plans_the_next(connected: Callable[..., Connection]) -> None:
    connection = connected()
    Connection.objects.update(next_check_at=NOW, leased_until=None)
    runs.claim_due(now=NOW)
    audit(connection, by=ANN, now=NOW, in_a_hurry=False)
    assert connection.leased_until is None
    assert connection.next_check_at > datetime.now(UTC) + EVERY * 0.85


def test_throttling_is_obeyed_by_the_row(connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.behaviour.add("throttle", retry_after=7200)
    audit(connection, by=ANN, now=NOW, in_a_hurry=False)
    assert connection.next_check_at > datetime.now(UTC) + timedelta(minutes=110)
    assert connection.health == "healthy"


def test_the_clock_asks_one_thing_after_another(connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.requests.clear()
    audit(connection, by=ANN, now=NOW, in_a_hurry=False)
    assert [one.path.rsplit("/", 1)[-1] for one in sandbox.requests][:2] == ["connectionData", "projects"]


def test_old_runs_are_forgotten_and_open_ones_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_RUNS", 1)
    for minutes in range(3):
        AuditRun.objects.create(started_at=NOW + timedelta(minutes=minutes), by_hand=False, finished_at=NOW)
    still_open = AuditRun.objects.create(started_at=NOW - EVERY, by_hand=True)
    assert runs.forget_old_runs() == 2
    assert still_open in AuditRun.objects.all()


@pytest.mark.parametrize(
    ("outcome", "least", "most"),
    [
        (schedule.Outcome(), EVERY * 0.9, EVERY * 1.1),
        (schedule.Outcome(troubles_in_a_row=1), timedelta(minutes=2), timedelta(minutes=4)),
        (schedule.Outcome(troubles_in_a_row=50), EVERY * 0.9, EVERY * 1.1),
        (schedule.Outcome(wants_second_look=True), timedelta(minutes=5), timedelta(minutes=5)),
        (schedule.Outcome(troubles_in_a_row=1, retry_after=3600), timedelta(hours=1), timedelta(hours=1)),
    ],
)
def test_the_next_look_depends_on_what_was_seen(outcome: schedule.Outcome, least: timedelta, most: timedelta) -> None:
    for chance in (0.0, 0.5, 1.0):
        assert least <= schedule.next_look(NOW, outcome, every=EVERY, chance=chance) - NOW <= most


def test_the_list_of_runs_costs_the_same_for_one_and_for_many(django_assert_num_queries: Callable[..., object]) -> None:
    for minutes in range(20):
        run = AuditRun.objects.create(started_at=NOW + timedelta(minutes=minutes), by_hand=False)
        AuditedConnection.objects.create(run=run, name="x")
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        assert len(queries.page_of_runs("1").object_list) == 20
