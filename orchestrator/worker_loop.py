"""Celery's consumer, whose event loop takes tasks and hands them to threads, under a watchdog.

A task that takes long runs in a thread and does not hold the loop up. In a solo pool it would, and where Celery has no
event loop (on Windows) there is nothing that turns: neither is watched.
"""

from typing import Any

from celery.concurrency.solo import TaskPool as SoloPool
from celery.worker.consumer import Consumer
from django.conf import settings

from core.models import Heartbeat
from orchestrator.loop_watchdog import Watched


class WatchedConsumer(Consumer):
    """Watched while it consumes. Named by CELERY_WORKER_CONSUMER."""

    _watched: Watched | None = None

    def start(self) -> None:
        """Consume until the worker stops. What follows, as tasks that end in their own time, is not watched."""
        if getattr(self, "hub", None) is None or isinstance(self.pool, SoloPool):
            super().start()
            return
        self._watched = watched = Watched(Heartbeat.Part.WORKER, settings.LOOP_LIMIT_SECONDS)
        # The timer of the event loop: it fires only when the loop turns, whichever connection to the broker it has.
        self.timer.call_repeatedly(watched.every, watched.beat)
        watched.start()
        try:
            super().start()
        finally:
            watched.stop()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect to the broker, for as long as it is away. There is no loop then; each try has a time-out."""
        if self._watched is None:
            return super().ensure_connected(conn)
        with self._watched.resting():
            return super().ensure_connected(conn)
