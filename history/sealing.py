"""Seal the events that are not sealed yet, batch after batch. Two sealers at once do no harm."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from history import locks, seals
from history.models import Checkpoint, Event, Seal

log = logging.getLogger(__name__)
BATCH = 1000
BATCHES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class End:
    """Where the sealed part of the history ends. Number 0 means that nothing was ever sealed."""

    number: int = 0
    last_id: int = seals.NO_ID
    mac: str = ""


def end_of_seals() -> End:
    """The newest seal, or the checkpoint when every sealed event was pruned."""
    newest = Seal.objects.order_by("-number").values_list("number", "last_id", "mac").first()
    if newest is not None:
        return End(*newest)
    checkpoint = Checkpoint.objects.order_by("pk").first()
    return End(checkpoint.number, checkpoint.last_id, checkpoint.seal) if checkpoint else End()


def seal_waiting(*, now: datetime, batches: int = BATCHES_AT_ONCE) -> int:
    """Seal what waits, at most so many batches. Returns how many events were sealed.

    Raises `ImproperlyConfigured` without a key, and `OperationalError` when somebody else appends for seconds.
    """
    sealed = 0
    for _ in range(batches):
        count = _seal_next(now)
        sealed += count
        if count < BATCH:
            break
    return sealed


def _seal_next(now: datetime) -> int:
    key = seals.ring()[0]
    with transaction.atomic():
        locks.for_sealing()
        end = end_of_seals()
        events = list(Event.objects.filter(pk__gt=end.last_id).order_by("pk")[:BATCH])
        if not events:
            return 0
        facts = seals.Facts(
            number=end.number + 1,
            previous=end.mac,
            first_id=events[0].pk,
            last_id=events[-1].pk,
            count=len(events),
            newest_at=max(event.at for event in events),
            sealed_at=now,
        )
        seal = _write(key, facts, events)
    # Whoever keeps the log keeps the end of the history too: `history verify --anchor` takes it.
    log.info("History sealed up to event %s: anchor %s:%s", seal.last_id, seal.number, seal.mac)
    return seal.count


def _write(key: seals.SealKey, facts: seals.Facts, events: list[Event]) -> Seal:
    marks = key.marks(events)
    return Seal.objects.create(
        number=facts.number,
        first_id=facts.first_id,
        last_id=facts.last_id,
        count=facts.count,
        newest_at=facts.newest_at,
        sealed_at=facts.sealed_at,
        previous=facts.previous,
        key=key.name,
        mac=key.seal(facts, events, marks),
        marks=marks,
    )
