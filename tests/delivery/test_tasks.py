"""A clock was a day ahead and is set right: nothing waits until tomorrow."""

from datetime import timedelta

import pytest

from connections.models import Connection
from delivery.live import polling
from delivery.models import PollSubscription, Project, SyncState
from delivery.sync import sync
from delivery.tasks import repair_clock_skew
from tests.delivery.conftest import Clock
from tests.factories import ConnectionFactory

DAY = timedelta(days=1)


@pytest.fixture
def connection(db: None) -> Connection:
    return ConnectionFactory.create(identity_id="maya")


@pytest.fixture
def project(connection: Connection, clock: Clock) -> Project:
    made = Project.objects.create(connection=connection, azure_id="p", name="P", seen_at=clock())
    polling.subscribe([made.pk], polling.BUILDS, now=clock())
    return made


def test_a_refresh_whose_worker_died_ahead_of_time_goes_on(connection: Connection, clock: Clock) -> None:
    SyncState.objects.filter(connection=connection).update(
        next_at=clock(), leased_until=clock() + DAY, lease="of the dead"
    )
    assert [one.connection_id for one in sync.claim_due(now=clock())] == [connection.pk]


def test_a_refresh_that_somebody_holds_is_left_alone(connection: Connection, clock: Clock) -> None:
    SyncState.objects.filter(connection=connection).update(next_at=clock())
    assert len(sync.claim_due(now=clock())) == 1
    assert sync.claim_due(now=clock()) == []


def test_what_a_dead_worker_watched_ahead_of_time_is_read(project: Project, clock: Clock) -> None:
    PollSubscription.objects.update(leased_until=clock() + DAY, lease="dead")
    (batch,) = polling.claim_due(now=clock())
    assert len(batch.ids) == 1


def test_what_was_read_tomorrow_is_due_now(connection: Connection, project: Project, clock: Clock) -> None:
    tomorrow = clock() + DAY
    SyncState.objects.filter(connection=connection).update(finished_at=tomorrow, next_at=tomorrow + timedelta(hours=6))
    PollSubscription.objects.update(read_at=tomorrow, next_at=tomorrow)
    repair_clock_skew()
    clock.forward(seconds=20)
    assert len(sync.claim_due(now=clock())) == 1
    assert len(polling.claim_due(now=clock())) == 1


def test_what_rests_for_its_usual_time_goes_on_resting(connection: Connection, project: Project, clock: Clock) -> None:
    later = clock() + timedelta(hours=5)
    SyncState.objects.filter(connection=connection).update(finished_at=clock(), next_at=later)
    PollSubscription.objects.update(read_at=clock(), next_at=later)
    repair_clock_skew()
    assert sync.claim_due(now=clock()) == []
    assert polling.claim_due(now=clock()) == []
