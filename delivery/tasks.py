"""Celery tasks: each takes ids and makes one call."""

from functools import partial

from core.database_time import database_now
from core.tasks import run_each, task
from delivery import remote_read
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.sync import sync


@task
def refresh_due() -> None:
    """Claim the syncs that are due and enqueue each."""
    for claim in sync.claim_due(now=database_now()):
        refresh_one.delay(connection_id=claim.connection_id, lease=claim.lease)


@task
def refresh_one(*, connection_id: int, lease: str) -> None:
    """Sync one connection's projects and repositories."""
    sync.sync(sync.Claim(connection_id, lease), clock=database_now)


@task
def poll_due() -> None:
    """Claim the subscriptions that are due and enqueue each batch."""
    for batch in polling.claim_due(now=database_now()):
        poll_some.delay(lease=batch.lease, ids=list(batch.ids))


@task
def poll_some(*, lease: str, ids: list[int]) -> None:
    """Poll a batch of subscriptions of one person."""
    polling.poll(polling.Batch(lease, tuple(ids)), READERS, clock=database_now)


@task
def repair_clock_skew() -> None:
    """Make due what a machine whose clock was ahead has put off."""
    now = database_now()
    run_each(partial(sync.repair_clock_skew, now=now), partial(polling.repair_clock_skew, now=now))


@task
def remove_expired_rows() -> None:
    """Remove subscriptions to single builds and releases that nobody views, and counts of old changes."""
    now = database_now()
    run_each(partial(polling.remove_unwatched, now=now), partial(remote_read.forget_old_generations, now=now))
