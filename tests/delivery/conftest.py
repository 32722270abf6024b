"""Fixtures of the tests of repositories, builds and releases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connections.models import Connection
from delivery.actions import refresh
from delivery.models import Inventory


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bring_in(clock: Clock) -> Callable[[Connection], Inventory]:
    """Carries out the refresh of one connection as the clock would: `bring_in(connection)`."""

    def run(connection: Connection) -> Inventory:
        Inventory.objects.filter(connection=connection).update(next_at=clock())
        for claim in refresh.claim_due(now=clock()):
            refresh.refresh(claim, clock=clock)
        return Inventory.objects.get(connection=connection)

    return run
