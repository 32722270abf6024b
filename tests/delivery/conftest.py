"""Fixtures of the tests of repositories, builds and releases."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import caches

from connections.models import Connection
from delivery.models import Project, SyncState
from delivery.sync import sync
from sandbox.server import Sandbox
from tests.delivery.release_shop import Shop
from tests.factories import keep_few_projects


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


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    caches["azure_devops"].clear()
    yield
    caches["azure_devops"].clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bring_in(clock: Clock) -> Callable[[Connection], SyncState]:
    """Carries out the refresh of one connection as the clock would: `bring_in(connection)`."""

    def run(connection: Connection) -> SyncState:
        SyncState.objects.filter(connection=connection).update(next_at=clock())
        for claim in sync.claim_due(now=clock()):
            sync.sync(claim, clock=clock)
        return SyncState.objects.get(connection=connection)

    return run


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """An Azure DevOps whose largest organization has a few projects of each kind: most tests bring them in."""
    keep_few_projects(sandbox, "acme")
    return sandbox


@pytest.fixture
def shop(
    sandbox: Sandbox, connected: Callable[..., Connection], bring_in: Callable[[Connection], SyncState]
) -> Iterator[Shop]:
    """A project of a connected organization with release pipelines and releases."""
    caches["azure_devops"].clear()
    bring_in(connected(organization="fabrikam"))
    azure = sandbox.state.organizations["fabrikam"].projects[0]
    yield Shop(Project.objects.get(name="Tailspin"), azure, sandbox)
    caches["azure_devops"].clear()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Where a terminal would wait, the sandbox's time passes instead."""

    def sleep(seconds: float) -> None:
        caches["azure_devops"].clear()
        sandbox.state.advance(30)

    monkeypatch.setattr("delivery.cli.polling.time.sleep", sleep)
