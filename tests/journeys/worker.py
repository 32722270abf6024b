"""What a worker does while pages are open: journeys run without one."""

from django.utils import timezone

from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import PollSubscription
from delivery.sync import sync


def sync_everything() -> None:
    """Sync every connection, and poll its lists."""
    for claim in sync.claim_due(now=timezone.now()):
        sync.sync(claim, clock=timezone.now)
    poll()


def poll() -> None:
    """Poll whatever pages are subscribed to."""
    PollSubscription.objects.update(next_at=timezone.now())
    for batch in polling.claim_due(now=timezone.now()):
        polling.poll(batch, READERS, clock=timezone.now)
