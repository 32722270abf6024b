"""What a change of a connection means here: its copy of projects and repositories is due."""

import logging
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from connections.models import Connection
from core.tasks import BrokerUnavailable, enqueue
from delivery.models import SyncState

log = logging.getLogger(__name__)
_COVERAGE = {"all_projects"}


@receiver(post_save, sender=Connection, dispatch_uid="delivery.inventory_is_due")
def inventory_is_due(
    instance: Connection, *, created: bool, update_fields: frozenset[str] | None = None, raw: bool = False, **_more: Any
) -> None:
    """A new connection gets an sync_state that is due at once; so does one whose projects were chosen anew."""
    if raw or not (created or _COVERAGE & set(update_fields or ())):
        return
    now = timezone.now()
    _, is_new = SyncState.objects.get_or_create(connection=instance, defaults={"next_at": now})
    if is_new or SyncState.objects.filter(connection=instance, next_at__gt=now).update(next_at=now):
        transaction.on_commit(_ring)


def _ring() -> None:
    from delivery.tasks import refresh_due

    try:
        # The clock would come by itself; this only saves the wait.
        enqueue(refresh_due)
    except BrokerUnavailable:
        log.warning("The broker cannot be reached; the clock will begin the refresh.")
