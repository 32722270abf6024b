"""Heartbeats of scheduler and workers in the database, so that monitors can tell an idle process from a dead one."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_ready
from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone

from core.models import Heartbeat

EVERY = timedelta(seconds=20)
log = logging.getLogger(__name__)


def record(part: Heartbeat.Part, *, now: datetime, broker_lost_at: datetime | None = None) -> None:
    """Write that `part` is alive, unless another process wrote it a moment ago. Raises `django.db.Error`."""
    # A row from the future was written before a clock was set back.
    outdated = Q(seen_at__lte=now - EVERY) | Q(seen_at__gt=now)
    news = outdated | Q(broker_lost_at__isnull=broker_lost_at is not None)
    row = {"seen_at": now, "broker_lost_at": broker_lost_at}
    if not Heartbeat.objects.filter(news, part=part).update(**row):
        Heartbeat.objects.bulk_create([Heartbeat(part=part, **row)], ignore_conflicts=True)


def record_loop(part: Heartbeat.Part, *, now: datetime, turns: bool) -> None:
    """Write that the loop of one of the processes of `part` turns, or that it does not. Raises `django.db.Error`.

    That one stands still is no reason to doubt the others, and that the others turn does not hide it: each has its
    own column. Nothing is written where `part` was never seen at work.
    """
    row = Heartbeat.objects.filter(part=part)
    if not turns:
        row.update(stalled_at=now)
        return
    news = Q(loop_seen_at=None) | Q(loop_seen_at__lte=now - EVERY) | Q(loop_seen_at__gt=now)
    row.filter(news).update(loop_seen_at=now)


class Pulse:
    """The heartbeats of one process: at most one write in twenty seconds; a failed write is only logged."""

    def __init__(self, part: Heartbeat.Part, clock: Callable[[], float] = monotonic) -> None:
        self._part = part
        self._clock = clock
        self._lock = Lock()
        self._last: tuple[float, bool] | None = None

    def beat(self, *, broker_lost_at: datetime | None = None) -> None:
        """Write a heartbeat if one is due. May be called at any time, from any thread."""
        if not self._is_time(lost=broker_lost_at is not None):
            return
        try:
            record(self._part, now=timezone.now(), broker_lost_at=broker_lost_at)
        except DatabaseError as error:
            log.warning("The %s could not write its heartbeat: %s", self._part.label.lower(), error)

    def _is_time(self, *, lost: bool) -> bool:
        with self._lock:
            now = self._clock()
            if self._last and self._last[1] == lost and now - self._last[0] < EVERY.total_seconds():
                return False
            self._last = (now, lost)
            return True


_worker = Pulse(Heartbeat.Part.WORKER)


@task_prerun.connect
@task_postrun.connect
@worker_ready.connect
def _worker_works(**_: Any) -> None:
    """A worker that runs tasks is alive; a process that merely exists may hang."""
    _worker.beat()
