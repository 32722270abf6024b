"""The door for workers: ids in, one action each."""

from core.database_time import database_now
from core.tasks import task
from delivery import remote_read
from delivery.live import polling
from delivery.live.pipelines import read_pipelines
from delivery.live.release_pipelines import read_release_pipelines
from delivery.models import PollSubscription, SyncState
from delivery.sync import sync

READERS: dict[str, polling.Reader] = {
    polling.BUILDS: read_pipelines,
    polling.RELEASES: read_release_pipelines,
}


@task
def refresh_due() -> None:
    """Claim the refreshes that are due and ask for each."""
    for claim in sync.claim_due(now=database_now()):
        refresh_one.delay(connection_id=claim.connection_id, lease=claim.lease)


@task
def refresh_one(*, connection_id: int, lease: str) -> None:
    """Bring in one connection's projects and repositories."""
    sync.sync(sync.Claim(connection_id, lease), clock=database_now)


@task
def poll_due() -> None:
    """Claim what people look at and is due to be read, and ask for each batch."""
    for batch in polling.claim_due(now=database_now()):
        poll_some.delay(lease=batch.lease, ids=list(batch.ids))


@task
def poll_some(*, lease: str, ids: list[int]) -> None:
    """Read what one person's tokens show, one project after another."""
    polling.poll(polling.Batch(lease, tuple(ids)), READERS, clock=database_now)


@task
def repair_clock_skew() -> None:
    """Let no sync and no subscription wait because a machine's clock was ahead when it was read last."""
    now = database_now()
    SyncState.objects.repair_clock_skew(now=now, latest=now)
    PollSubscription.objects.repair_clock_skew(now=now, latest=now)


@task
def forget_old_generations() -> None:
    """Remove the counts of changes that nobody needs any more."""
    remote_read.forget_old_generations(now=database_now())
