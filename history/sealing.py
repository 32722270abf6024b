"""Seal the events that are not sealed yet, batch after batch. Two sealers at once do no harm.

Nothing is sealed that the product has reason to doubt: `SealingRefused` says what stands against it, and only
`history.accepting` seals it then.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction

from history import anchor_file, locks, obstacles, seals
from history.chain import End, end_of_seals
from history.findings import Finding
from history.models import Event, Seal

log = logging.getLogger(__name__)
BATCH = 1000
BATCHES_AT_ONCE = 200


class SealingRefused(Exception):
    """What waits is in doubt. `findings` say why; `sealed` events were sealed before it showed."""

    def __init__(self, findings: Sequence[Finding], sealed: int = 0) -> None:
        super().__init__(" ".join([*(finding.words for finding in findings), obstacles.REMEDY]))
        self.findings = findings
        self.sealed = sealed


def seal_waiting(*, now: datetime, batches: int = BATCHES_AT_ONCE) -> int:
    """Seal what waits, at most so many batches. Returns how many events were sealed.

    Raises `SealingRefused`; `ImproperlyConfigured` without a key, and `OperationalError` when somebody else appends for
    seconds.
    """
    sealed = 0
    if found := list(obstacles.of_the_end(end_of_seals())):
        raise SealingRefused(found)
    try:
        for _ in range(batches):
            count = _seal_next(now, sealed)
            sealed += count
            if count < BATCH:
                break
    finally:
        anchor_file.bring_up_to_date(end_of_seals(), now=now)
    return sealed


def seal_if_possible(*, now: datetime) -> int:
    """Seal what waits, for whoever has other work: what stands against it is logged. Returns how many were sealed."""
    try:
        return seal_waiting(now=now)
    except SealingRefused as refused:
        level, words = logging.ERROR, f"The history is not sealed: {refused}"
    except (DatabaseError, ImproperlyConfigured) as problem:
        level, words = logging.WARNING, f"The history was not sealed this time: {problem}"
    log.log(level, "%s", words)
    return 0


def _seal_next(now: datetime, sealed: int) -> int:
    with transaction.atomic():
        locks.for_sealing()
        end = end_of_seals()
        events = next_batch(end)
        waiting = [(event.pk, event.at) for event in events]
        if found := list(obstacles.of_waiting(end, waiting, now=now)):
            raise SealingRefused(found, sealed)
        if not events:
            return 0
        seal = seal_batch(end, end.number + 1, events, now=now)
    announce(seal)
    return seal.count


def next_batch(end: End) -> list[Event]:
    """The oldest events that are not sealed."""
    return list(Event.objects.filter(pk__gt=end.last_id).order_by("pk")[:BATCH])


def announce(seal: Seal) -> None:
    """Whoever keeps the log keeps the end of the history too: `history verify --anchor` takes it."""
    log.info("History sealed up to event %s: anchor %s:%s", seal.last_id, seal.number, seal.mac)


def seal_batch(end: End, number: int, events: list[Event], *, now: datetime) -> Seal:
    """Write one seal after `end`, inside the transaction of whoever holds the lock for sealing."""
    key = seals.ring()[0]
    facts = seals.Facts(
        number=number,
        previous=end.mac,
        first_id=events[0].pk,
        last_id=events[-1].pk,
        count=len(events),
        newest_at=max(event.at for event in events),
        sealed_at=now,
    )
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
