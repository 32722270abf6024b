"""Seal the events that are not sealed yet, in batches. Safe to run in several processes at once.

If there are signs of tampering, nothing is sealed and `SealingRefused` is raised; `history.accepting` then seals the
events by an operator's decision.
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
    """The waiting events may have been tampered with. `findings` say why; `sealed` events were sealed before."""

    def __init__(self, findings: Sequence[Finding], sealed: int = 0) -> None:
        super().__init__(" ".join([*(finding.words for finding in findings), obstacles.REMEDY]))
        self.findings = findings
        self.sealed = sealed


def seal_waiting(*, now: datetime, batches: int = BATCHES_AT_ONCE) -> int:
    """Seal waiting events, in at most this number of batches. Returns the number of sealed events.

    Raises `SealingRefused`; `ImproperlyConfigured` without a key, and `OperationalError` if another transaction keeps
    appending for seconds.
    """
    sealed = 0
    if findings := list(obstacles.of_the_end(end_of_seals())):
        raise SealingRefused(findings)
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
    """Seal waiting events, and log the reason if that is not possible. Returns the number of sealed events."""
    try:
        return seal_waiting(now=now)
    except SealingRefused as refused:
        log.log(logging.ERROR, "The history is not sealed: %s", refused)
    except (DatabaseError, ImproperlyConfigured) as error:
        log.warning("The history was not sealed this time: %s", error)
    return 0


def _seal_next(now: datetime, sealed: int) -> int:
    with transaction.atomic():
        locks.for_sealing()
        end = end_of_seals()
        events = next_batch(end)
        waiting = [(event.pk, event.at) for event in events]
        if findings := list(obstacles.of_waiting(end, waiting, now=now)):
            raise SealingRefused(findings, sealed)
        if not events:
            return 0
        seal = seal_batch(end, end.number + 1, events, now=now)
    announce(seal)
    return seal.count


def next_batch(end: End) -> list[Event]:
    """The oldest unsealed events."""
    return list(Event.objects.filter(pk__gt=end.last_id).order_by("pk")[:BATCH])


def announce(seal: Seal) -> None:
    """Log the anchor, so that the log can be compared with the history: `history verify --anchor`."""
    log.info("History sealed up to event %s: anchor %s", seal.last_id, End.of(seal).anchor)


def seal_batch(end: End, number: int, events: list[Event], *, now: datetime) -> Seal:
    """Store the seal of a batch that follows `end`. The caller holds the lock for sealing."""
    key = seals.ring()[0]
    marks = key.marks(events)
    seal = Seal(
        number=number,
        first_id=events[0].pk,
        last_id=events[-1].pk,
        count=len(events),
        newest_at=max(event.at for event in events),
        sealed_at=now,
        previous=end.mac,
        key=key.name,
        marks=marks,
    )
    seal.mac = key.seal(seal, events, marks)
    seal.save(force_insert=True)
    return seal
