"""Azure DevOps Server as companies run it: below a path, over TLS, with a certificate of an authority of their own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core.cache import caches
from pytest_django import Settings

from connections.models import Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import SyncState
from delivery.sync import sync
from sandbox.editions import SERVERS
from sandbox.samples import COLLECTION
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.authority import Authority
from tests.factories import keep_few_projects


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    caches["azure_devops"].clear()
    yield
    caches["azure_devops"].clear()


@pytest.fixture(params=["2022"])
def own_server(request: pytest.FixtureRequest, settings: Settings, authority: Authority) -> Iterator[Sandbox]:
    """A server of a year, which the product takes for its only one."""
    tls = authority.server("127.0.0.1")
    with Sandbox(edition=SERVERS[request.param], path="tfs", ssl_context=tls) as running:
        keep_few_projects(running, COLLECTION)
        settings.AZURE_DEVOPS_SERVERS = f"Own={running.url}"
        settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
        yield running


every_year = pytest.mark.parametrize("own_server", sorted(SERVERS), indirect=True)


@pytest.fixture
def read_builds() -> Iterator[Callable[[], None]]:
    """Reads the pipelines of every project as the clock would; whoever looks at builds meanwhile rings no bell."""

    def run() -> None:
        now = datetime.now(UTC) + timedelta(seconds=1)
        while batches := polling.claim_due(now=now):
            for batch in batches:
                polling.poll(batch, READERS, clock=lambda: now)

    with patch("delivery.live_views.enqueue"):
        yield run


@pytest.fixture
def bring_in() -> Callable[[Connection], None]:
    """Carries out the refresh of one connection as the clock would."""

    def run(connection: Connection) -> None:
        now = datetime.now(UTC) + timedelta(seconds=1)
        SyncState.objects.filter(connection=connection).update(next_at=now)
        for claim in sync.claim_due(now=now):
            sync.sync(claim, clock=lambda: datetime.now(UTC))

    return run
