"""Tasks that seal, verify and prune the history."""

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
    """Seal the waiting events. If the lock is taken, the next run seals them."""
    sealing.seal_if_possible(now=timezone.now())


@worker_shutdown.connect
def seal_before_leaving(**_: object) -> None:
    """Seal before a worker stops, because the events may be too old to seal when the next worker starts."""
    sealing.seal_if_possible(now=timezone.now())


@task
def verify() -> None:
    """Verify every seal, and store the result for the History page."""
    now = timezone.now()
    outcome = verifying.verify(now=now)
    verifying.store_result(outcome, now=now)
    if not outcome.holds:
        first = outcome.findings[0]
        log.error("The history failed verification at batch %s: %s", first.batch, first.words)


@task
def prune() -> None:
    """Remove events older than HISTORY_RETENTION_DAYS, if that is set."""
    if settings.HISTORY_RETENTION_DAYS <= 0:
        return
    older_than = timedelta(days=settings.HISTORY_RETENTION_DAYS)
    pruned = pruning.prune(older_than=older_than, by=SCHEDULER, now=timezone.now())
    if pruned.stopped_by:
        finding = pruned.stopped_by
        log.error("Pruning stopped because batch %s failed verification: %s", finding.batch, finding.words)
