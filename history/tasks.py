"""The door for workers: seal, verify and prune."""

import logging
from datetime import timedelta

from celery.signals import worker_shutdown
from django.conf import settings
from django.utils import timezone

from core.tasks import task
from history import pruning, sealing, verifying
from history.record import SCHEDULER

log = logging.getLogger(__name__)


@task
def seal_waiting() -> None:
    """Seal what waits. When somebody else appends just now, the next tick does it."""
    sealing.seal_if_possible(now=timezone.now())


@worker_shutdown.connect
def seal_before_leaving(**_: object) -> None:
    """A worker that ends in good order leaves nothing behind that would be too old to seal when the next one starts."""
    sealing.seal_if_possible(now=timezone.now())


@task
def verify() -> None:
    """Look at every seal and keep what was found for the History page."""
    now = timezone.now()
    outcome = verifying.verify(now=now)
    verifying.keep(outcome, now=now)
    if not outcome.holds:
        first = outcome.findings[0]
        log.error("The history does not hold at batch %s: %s", first.batch, first.words)


@task
def prune() -> None:
    """Remove what is older than HISTORY_RETENTION_DAYS, when the operator set it."""
    if settings.HISTORY_RETENTION_DAYS <= 0:
        return
    older_than = timedelta(days=settings.HISTORY_RETENTION_DAYS)
    pruned = pruning.prune(older_than=older_than, by=SCHEDULER, now=timezone.now())
    if pruned.stopped_by:
        words = pruned.stopped_by.words
        log.error("Nothing more is pruned, for batch %s does not hold: %s", pruned.stopped_by.batch, words)
