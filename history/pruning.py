"""Remove old events in whole sealed batches, and store a signed checkpoint where the history now begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from history import locks, seals
from history.findings import Finding
from history.models import Checkpoint, Event, Seal
from history.record import Actor, Named, record
from history.verifying import sign_checkpoint, verify_oldest


@dataclass(slots=True)
class Pruned:
    """What was removed. `stopped_by` is the finding about a broken batch, which is kept as evidence."""

    batches: int = 0
    events: int = 0
    stopped_by: Finding | None = None


def prune(*, older_than: timedelta, by: Actor, now: datetime) -> Pruned:
    """Remove the oldest batches as long as all their events are older and their seals are valid.

    Each batch is verified and removed in its own transaction, so that pruning can be interrupted safely. Raises
    `ImproperlyConfigured` without a key.
    """
    pruned = Pruned()
    try:
        while events := _prune_oldest(pruned, before=now - older_than, now=now):
            pruned.batches += 1
            pruned.events += events
    finally:
        # Also of what was removed before an interruption, or before a lock was not free.
        if pruned.batches:
            detail = {"events": pruned.events, "batches": pruned.batches, "older_than_days": older_than.days}
            record("history.pruned", Named("history", 0, "History"), by=by, at=now, detail=detail)
    return pruned


def _prune_oldest(pruned: Pruned, *, before: datetime, now: datetime) -> int:
    with transaction.atomic():
        locks.for_sealing()
        seal = Seal.objects.order_by("number").first()
        if seal is None or seal.newest_at >= before:
            return 0
        checkpoint = Checkpoint.objects.order_by("pk").first() or Checkpoint(pruned=0)
        pruned.stopped_by = verify_oldest(seal)
        if pruned.stopped_by is not None:
            return 0
        _move(checkpoint, past=seal, now=now)
        Event.objects.filter(pk__lte=seal.last_id).prune()
        seal.delete()
        return seal.count


def _move(checkpoint: Checkpoint, *, past: Seal, now: datetime) -> None:
    key = seals.ring()[0]
    checkpoint.number, checkpoint.last_id, checkpoint.seal = past.number, past.last_id, past.mac
    checkpoint.newest_at = past.newest_at
    checkpoint.pruned += past.count
    checkpoint.pruned_at = now
    checkpoint.key = key.name
    checkpoint.mac = sign_checkpoint(key, checkpoint)
    checkpoint.save()
