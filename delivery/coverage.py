"""What a change of a connection's coverage means here: a sync is due, and a poll of what could not be read."""

import logging
from datetime import datetime

from django.db import transaction

from connections.models import Connection
from core.tasks import BrokerUnavailable, enqueue
from delivery.models import PollSubscription, SyncState

log = logging.getLogger(__name__)


def make_sync_due(connection: Connection, *, now: datetime) -> None:
    """Make the sync of this connection due at once, and ask a worker for it when the transaction is committed."""
    _, is_new = SyncState.objects.get_or_create(connection=connection, defaults={"next_at": now})
    if is_new or SyncState.objects.filter(connection=connection, next_at__gt=now).update(next_at=now):
        transaction.on_commit(_enqueue_sync)


def poll_failed_again(connection: Connection, *, now: datetime) -> None:
    """Make due what could not be read of this connection. The reason may be gone."""
    failed = PollSubscription.objects.filter(project__connection=connection).exclude(problem="")
    # A failure that is on its way may be from before the change: without its lease it is not stored.
    failed.release(next_at=now, consecutive_failures=0)


def _enqueue_sync() -> None:
    from delivery.tasks import refresh_due

    try:
        # The scheduler would come to it anyway; this only saves the wait.
        enqueue(refresh_due)
    except BrokerUnavailable:
        log.warning("The broker cannot be reached; the scheduler will start the sync.")
