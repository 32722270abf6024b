"""A pipeline whose builds were read, and the broker's doorbell."""

from collections.abc import Callable, Iterator
from unittest.mock import Mock, patch

import pytest

from connections.models import Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, SyncState
from tests.delivery.conftest import Clock

BringIn = Callable[[Connection], SyncState]


@pytest.fixture(autouse=True)
def bell() -> Iterator[Mock]:
    """The broker's doorbell, so that no broker is needed."""
    with patch("delivery.live_views.enqueue") as rung:
        yield rung


@pytest.fixture
def ci(connected: Callable[..., Connection], bring_in: BringIn, clock: Clock) -> Pipeline:
    """A pipeline whose builds succeed, of an organization whose pipelines were read."""
    bring_in(connected(organization="fabrikam"))
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    return Pipeline.objects.select_related("project__connection").get(name="Tailspin CI")
