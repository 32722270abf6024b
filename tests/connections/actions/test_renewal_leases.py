"""A request that works on a renewal or an extension keeps its lease, also when Azure DevOps takes longer than that."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from connections.actions import renew_sign_in, renewal_swap
from connections.domain.renewal import State
from connections.models import Connection, Renewal, TokenExtension
from core.leases import LeasedQuerySet
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, sent_back

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = 1.5


class _Watching(Renewing):
    """Notes at each look at the clock whether one of these rows could be claimed by someone else."""

    rows: LeasedQuerySet[Any] = Renewal.objects.filter(state=State.CREATING)
    was_free: list[bool]

    def now(self) -> datetime:
        rows = self.rows.all()
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
    watching.rows, watching.was_free = Renewal.objects.filter(state=State.DISCARDED), []
    sandbox.behaviour.add("latency", method="DELETE", path="/tokens/pats", seconds=2 * LEASE)
    sandbox.behaviour.add("latency", method="GET", path="/_apis/connectionData", seconds=0)
    assert watching.settle(renewal).state == State.FAILED
    assert not watching.was_free[-1]


def test_while_a_token_is_extended(watching: _Watching, connected: Callable[..., Connection], sandbox: Sandbox) -> None:
    connection = connected()
    watching.renew(connection, days=30)
    watching.rows, watching.was_free = TokenExtension.objects.all(), []
    sandbox.behaviour.add("latency", method="PUT", path="/tokens/pats", seconds=2 * LEASE)
    connection.refresh_from_db()
    address = renew_sign_in.begin_extension(connection, 60, person=watching.user, now=timezone.now())
    watching.return_with(sent_back(address))
    assert watching.was_free
    assert not any(watching.was_free)
