"""Celery beat's scheduler, without a file, and sure of itself when a machine's clock is not."""

import logging
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import crontab
from celery.signals import beat_init
from django.conf import settings
from django.db import connections
from django.utils import timezone

from core.heartbeats import Pulse
from core.models import Heartbeat
from orchestrator.loop_watchdog import Watched

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Corrections of a few seconds are everyday work of time servers.
_JUMP = 5.0
log = logging.getLogger(__name__)


class BeatScheduler(Scheduler):
    """Rings for what may be due. What really is due stands in the database, so one ring too many does no harm.

    At a start everything is rung once. A wall clock that was set back does not silence it until the old time comes
    again. A broker that is away costs a ring and not the clock.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pulse = Pulse(Heartbeat.Part.SCHEDULER)
        self._broker_lost_at: datetime | None = None
        self._offset = time() - monotonic()
        self._watched: Watched | None = None
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """The schedule of the settings, all of it due."""
        for entry in self.app.conf.beat_schedule.values():
            entry["schedule"] = _daily(entry["schedule"])
        super().setup_schedule()
        self._ring_everything()

    @property
    def producer(self) -> None:  # type: ignore[override] # Celery's own waits for a broker that is away, silently
        """None: each ring takes a connection from the pool, and says at once when there is none."""

    def be_watched(self) -> None:
        """End this process when it does not tick any more. Between two ticks it sleeps for seconds."""
        self._watched = Watched(Heartbeat.Part.SCHEDULER, settings.LOOP_LIMIT_SECONDS)
        self._watched.start()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Ring for one entry that is due; the seconds until the next one is."""
        if self._watched is not None:
            self._watched.beat()
        if self._was_set_back():
            log.warning("The machine's time was set back; everything is rung once")
            self._ring_everything()
        wait = float(super().tick(*args, **kwargs))
        self._pulse.beat(broker_lost_at=self._broker_lost_at)
        # The next write is seconds away; a connection that waits for it may be dead by then.
        connections.close_all()
        return wait

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Ring once; a failure is said once, and remembered for the pages."""
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

    def _ring_everything(self) -> None:
        for entry in self.schedule.values():
            entry.last_run_at = _LONG_AGO
        self._heap = None

    def _was_set_back(self) -> bool:
        before, self._offset = self._offset, time() - monotonic()
        return self._offset < before - _JUMP


@beat_init.connect
def _watch(sender: Any = None, **_: Any) -> None:
    """The process of the clock begins to tick."""
    if isinstance(sender.scheduler, BeatScheduler):
        sender.scheduler.be_watched()


def _daily(schedule: Any) -> Any:
    """A time of day as Celery wants it; everything else as it is."""
    if not isinstance(schedule, str):
        return schedule
    hour, minute = schedule.split(":")
    return crontab(hour=hour, minute=minute)
