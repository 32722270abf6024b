"""Celery beat's scheduler without a schedule file, which copes with clocks that are set back."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import crontab
from celery.signals import beat_init
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from connections.models import LeakedToken, Mail
from core.database_time import database_now
from core.heartbeats import Pulse
from core.models import Heartbeat
from delivery.models import PollSubscription
from orchestrator.loop_watchdog import Watched

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Time servers regularly correct clocks by less than this.
_JUMP_SECONDS = 5.0
# What is due so often that asking the database whether there may be anything to do takes less than a message.
MAY_HAVE_WORK: dict[str | None, Callable[[], bool]] = {
    "delivery.tasks.poll_due": lambda: PollSubscription.due(database_now()).exists(),
    "connections.tasks.prove_leaks_due": lambda: LeakedToken.unsettled().exists(),
    "connections.tasks.deliver_due": lambda: Mail.unsent().exclude(channel_kind="").exists(),
}
log = logging.getLogger(__name__)


class BeatScheduler(Scheduler):
    """Enqueues the tasks of the schedule. What is due is in the database, so enqueueing a task too often is harmless.

    Enqueues every task once at the start and after the clock was set back, instead of waiting for the old time. Keeps
    running while the broker is unavailable.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pulse = Pulse(Heartbeat.Part.SCHEDULER)
        self._broker_lost_at: datetime | None = None
        self._offset = time() - monotonic()
        self._watched: Watched | None = None
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Load the schedule of the settings, with every task due."""
        for entry in self.app.conf.beat_schedule.values():
            entry["schedule"] = _daily(entry["schedule"])
        super().setup_schedule()
        self._make_everything_due()

    @property
    def producer(self) -> None:  # type: ignore[override] # Celery's own waits silently for an unavailable broker
        """None, so that each task uses a connection of the pool, which fails immediately without a broker."""

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """In how many seconds to wake for a task. Celery wakes 10 ms before it is due, and ticks until it is."""
        return n

    def be_watched(self) -> None:
        """End this process if it stops ticking. It sleeps for seconds between two ticks."""
        self._watched = Watched(Heartbeat.Part.SCHEDULER, settings.LOOP_LIMIT_SECONDS)
        self._watched.start()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Enqueue one task that is due. Returns the seconds until the next one is due."""
        if self._watched is not None:
            self._watched.beat()
        if self._was_set_back():
            log.warning("The machine's clock was set back; every task is enqueued once")
            self._make_everything_due()
        wait = float(super().tick(*args, **kwargs))
        self._pulse.beat(broker_lost_at=self._broker_lost_at)
        # The next query is seconds away. It checks first whether the idle connection is still open.
        close_old_connections()
        return wait

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Enqueue a task that may have work. A failure is logged once, and stored for the pages."""
        if not _may_have_work(entry.task):
            return
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            if self._broker_lost_at is None:
                self._broker_lost_at = timezone.now()
                log.warning("The broker cannot be reached; work waits in the database: %s", error)
            return
        if self._broker_lost_at is not None:
            log.warning("The broker is back after %s", timezone.now() - self._broker_lost_at)
            self._broker_lost_at = None

    def _make_everything_due(self) -> None:
        for entry in self.schedule.values():
            entry.last_run_at = _LONG_AGO
        self._heap = None

    def _was_set_back(self) -> bool:
        before, self._offset = self._offset, time() - monotonic()
        return self._offset < before - _JUMP_SECONDS


@beat_init.connect
def _watch(sender: Any = None, **_: Any) -> None:
    """Start the watchdog when the scheduler's process starts."""
    if isinstance(sender.scheduler, BeatScheduler):
        sender.scheduler.be_watched()


def _may_have_work(task: str | None) -> bool:
    try:
        return MAY_HAVE_WORK.get(task, lambda: True)()
    except DatabaseError as error:
        log.info("It is unknown whether %s has work, so it is enqueued: %s", task, error)
        return True


def _daily(schedule: Any) -> Any:
    """A time of day as Celery's crontab; other schedules unchanged."""
    if not isinstance(schedule, str):
        return schedule
    hour, minute = schedule.split(":")
    return crontab(hour=hour, minute=minute)
