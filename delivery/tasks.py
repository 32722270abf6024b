"""The door for workers: ids in, one action each. Arguments of a later version are passed over."""

from celery import shared_task
from django.utils import timezone

from delivery.actions import refresh


@shared_task
def refresh_due(**_later: object) -> None:
    """Claim the refreshes that are due and ask for each."""
    for claim in refresh.claim_due(now=timezone.now()):
        refresh_one.delay(connection_id=claim.connection_id, lease=claim.lease)


@shared_task
def refresh_one(*, connection_id: int, lease: str, **_later: object) -> None:
    """Bring in one connection's projects and repositories."""
    refresh.refresh(refresh.Claim(connection_id, lease), clock=timezone.now)
