"""Which syncs a worker claims: one of each person, with none hidden by others, and each by one worker."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from connections.models import Connection
from delivery.models import SyncState
from delivery.sync import sync
from history.record import Actor
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock
from tests.delivery.sync.test_sync import listings
from tests.factories import ConnectionFactory

Connect = Callable[..., Connection]
SOMEBODY = Actor(name="ann", id=7)


def test_a_connection_older_than_this_app_gets_its_inventory_from_the_clock(db: None, clock: Clock) -> None:
    connection = ConnectionFactory.create()
    SyncState.objects.all().delete()
    assert [claim.connection_id for claim in sync.claim_due(now=clock())] == [connection.pk]


def test_two_clocks_never_claim_the_same_refresh(db: None, clock: Clock) -> None:
    ConnectionFactory()
    now = clock.forward(seconds=1)
    assert [len(sync.claim_due(now=now)) for _ in range(2)] == [1, 0]


def test_one_refresh_at_a_time_for_each_person_behind_a_token(db: None, clock: Clock) -> None:
    for person in ("a", "a", "b"):
        ConnectionFactory(identity_id=person)
    assert len(sync.claim_due(now=clock.forward(seconds=1))) == 2


def test_a_person_with_very_many_due_syncs_hides_nobody_elses(db: None, clock: Clock, settings: Settings) -> None:
    settings.REFRESHES_PER_TICK = 2
    for person in ["a"] * 25 + ["b", "c", "d"]:
        ConnectionFactory(identity_id=person)
    now = clock.forward(seconds=1)
    claimed = [[claim.connection_id for claim in sync.claim_due(now=now)] for _ in range(2)]
    people = dict(Connection.objects.values_list("pk", "identity_id"))
    assert [[people[pk] for pk in pks] for pks in claimed] == [["a", "b"], ["c", "d"]]
    assert sync.claim_due(now=now) == []


def test_disabled_connections_are_left_in_peace(db: None, clock: Clock) -> None:
    ConnectionFactory(disabled=True)
    assert sync.claim_due(now=clock.forward(seconds=1)) == []


def test_a_worker_whose_lease_went_to_another_stops(
    connected: Connect, sandbox: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(organization="fabrikam")
    (claim,) = sync.claim_due(now=clock.forward(seconds=1))
    clock.forward(seconds=200)
    (second,) = sync.claim_due(now=clock())
    sync.sync(claim, clock=clock)
    assert listings(sandbox) == 0
    sync.sync(second, clock=clock)
    assert listings(sandbox) == 2


def test_asking_twice_asks_once(connected: Connect, clock: Clock) -> None:
    connection = connected(organization="fabrikam")
    sync.request_sync(connection, by=SOMEBODY, now=clock())
    sync.request_sync(connection, by=SOMEBODY, now=clock())
    assert len(sync.claim_due(now=clock())) == 1
