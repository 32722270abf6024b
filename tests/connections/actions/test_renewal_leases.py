"""A request that works on a renewal keeps its lease, also when Azure DevOps takes longer than a lease lasts."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.utils import timezone
from pytest_django import Settings

from connections.actions import renewal_swap
from connections.domain.renewal import State
from connections.models import Connection, Renewal
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = 0.6


class _Watching(Renewing):
    """Notes at each look at the clock whether a renewal in this state could be claimed by someone else."""

    state = State.CREATING
    was_free: list[bool]

    def now(self) -> datetime:
        rows = Renewal.objects.filter(state=self.state)
        self.was_free += [rows.free(timezone.now()).exists()] if rows.exists() else []
        return super().now()


@pytest.fixture
def watching(renewing: Renewing, settings: Settings) -> _Watching:
    settings.AUDIT_LEASE_SECONDS = LEASE
    watching = _Watching(renewing.sandbox, renewing.user)
    watching.was_free = []
    return watching


def test_while_a_token_is_created(watching: _Watching, connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    sandbox.behaviour.add("latency", method="POST", path="/tokens/pats", seconds=2 * LEASE)
    assert watching.renew(connection).state == State.SWAPPED
    assert watching.was_free
    assert not any(watching.was_free)


def test_while_a_token_is_revoked(watching: _Watching, connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    renewal = watching.renew(connected())
    # As if the new token had not been used.
    Renewal.objects.filter(pk=renewal.pk).update(state=State.CREATED)
    renewal_swap.discard(renewal, by=watching.by, now=timezone.now())
    watching.state, watching.was_free = State.DISCARDED, []
    sandbox.behaviour.add("latency", method="DELETE", path="/tokens/pats", seconds=2 * LEASE)
    sandbox.behaviour.add("latency", method="GET", path="/_apis/connectionData", seconds=0)
    assert watching.settle(renewal).state == State.FAILED
    assert not watching.was_free[-1]
