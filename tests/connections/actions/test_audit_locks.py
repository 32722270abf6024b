"""Audits that are started, cancelled and finished at the same moment lock rows in one order, so none is a deadlock."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction

from connections.actions import audit_runs, versions
from connections.models import AuditRun, Connection
from history.record import Actor
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)
ANN, LEASE = Actor("ann"), "of a claim"
Act = Callable[[AuditRun, list[int]], object]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda run, ids: audit_runs.start_chosen(ids, by=ANN, now=NOW), id="start chosen"),
        pytest.param(lambda run, ids: audit_runs.start_by_hand(by=ANN, now=NOW), id="start all"),
        pytest.param(lambda run, ids: audit_runs.cancel(run, now=DUE), id="cancel"),
        pytest.param(lambda run, ids: audit_runs.make_due(ids, now=NOW), id="make due"),
        pytest.param(lambda run, ids: audit_runs.unclaim(LEASE), id="unclaim"),
        pytest.param(lambda run, ids: audit_runs.renew(dict.fromkeys(ids, LEASE), now=NOW), id="renew"),
    ],
)
def test_what_people_start_and_stop_waits_for_an_audit_that_ends(act: Act) -> None:
    connections = ConnectionFactory.create_batch(2, next_check_at=NOW)
    run = audit_runs.start_by_hand(by=ANN, now=NOW)
    Connection.objects.update(next_check_at=DUE, lease=LEASE, leased_until=DUE)
    # The connection with the higher id, so that the other one is locked before the wait begins.
    _, last = connections
    is_held = threading.Event()

    def end_an_audit() -> None:
        with transaction.atomic():
            connection = versions.held(last.pk)
            is_held.set()
            _wait_until_another_waits()
            audit_runs.mark_done(connection, at=NOW)

    def act_meanwhile() -> None:
        is_held.wait(timeout=10)
        act(run, [connection.pk for connection in connections])

    _together(end_an_audit, act_meanwhile)
    assert run.audited.filter(connection=last).exists()


def test_two_people_who_start_at_the_same_moment_share_a_run() -> None:
    first, second = ConnectionFactory.create_batch(2, next_check_at=DUE)
    _together(
        lambda: audit_runs.start_chosen([first.pk, second.pk], by=ANN, now=NOW),
        lambda: audit_runs.start_chosen([second.pk, first.pk], by=Actor("ben"), now=NOW),
    )
    run = AuditRun.objects.get()
    assert run.audited.count() == Connection.objects.filter(next_check_at=NOW).count() == 2


def _together(*acts: Callable[[], object]) -> None:
    """Run these at the same time; one after the other on a SQLite that lives in memory."""

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        finally:
            database.close()

    with ThreadPoolExecutor(len(acts) if database.vendor == "postgresql" else 1) as pool:
        list(pool.map(run, acts))


def _wait_until_another_waits() -> None:
    """Return when another transaction of this database waits for a lock, or has not for two seconds."""
    if database.vendor != "postgresql":
        return
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        with database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
