"""The health of each part of the product: a report for monitors, and alarms on the pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.utils import timezone

from core.models import Heartbeat
from history.queries import seal_state
from orchestrator import embedded_broker

# A shorter interruption is probably a restart of the broker.
BROKER_LATE_AFTER = timedelta(minutes=1)
# A running loop reports at least every 30 seconds, a stalled one every 10.
LOOP_LATE_AFTER = timedelta(seconds=50)
STALLED_FOR = timedelta(seconds=20)
# Alarms wait until the other processes have had time to start, too.
GRACE = timedelta(minutes=3)
CACHED_SECONDS = 5.0
_HISTORY = "history"
_UNKNOWN = "Unknown, because the database is unavailable."
_WAITS = "Audits, reminders and mails are waiting; nothing is lost."
_BROKER_REMEDY = (
    "The site administrator should check the server of REDIS_URL; without that setting, `make run` starts one. Pages "
    "and Test Connection still work."
)


@dataclass(frozen=True, slots=True)
class _Monitored:
    """A part that writes heartbeats: when they are overdue, and the messages about it."""

    late_after: timedelta
    overdue: str
    never: str
    loop_overdue: str
    stalled: str
    remedy: str


_MONITORED = {
    Heartbeat.Part.SCHEDULER: _Monitored(
        late_after=timedelta(minutes=3),
        overdue="The scheduler has not run for {age}.",
        never="The scheduler has never run.",
        loop_overdue="The scheduler has not run for {age}.",
        stalled="The scheduler is stuck. It will exit automatically soon, and its log will show where it was stuck.",
        remedy="The site administrator needs to restart the process “beat”. The end of its log shows why it stopped.",
    ),
    Heartbeat.Part.WORKER: _Monitored(
        # Slow servers can keep a worker busy for minutes.
        late_after=timedelta(minutes=5),
        overdue="No worker has done anything for {age}.",
        never="No worker has ever done anything.",
        loop_overdue="No worker has been ready for work for {age}.",
        stalled="A worker is stuck. It will exit automatically soon, and its log will show where it was stuck.",
        remedy="The site administrator needs to restart the worker. The end of its log shows why it stopped.",
    ),
}


@dataclass(frozen=True, slots=True)
class Part:
    """The state of a part. `seconds` is the age of its last heartbeat, if it writes any."""

    name: str
    ok: bool
    says: str
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What pages show when a part does not work: the problem, its consequences, and the remedy."""

    title: str
    meaning: str
    remedy: str


Heartbeats = Mapping[str, Heartbeat]


def report(*, now: datetime) -> list[Part]:
    """The current state of every part. Raises nothing: a part that can't be checked is not ready."""
    try:
        heartbeats: Heartbeats | None = Heartbeat.objects.in_bulk()
    except DatabaseError:
        heartbeats = None
    return [
        _reachable("database", ok=heartbeats is not None),
        _reachable("broker", ok=embedded_broker.answers(settings.CELERY_BROKER_URL)),
        *(_monitored(part, heartbeats, now) for part in Heartbeat.Part),
        _history(now) if heartbeats is not None else Part(_HISTORY, ok=False, says=_UNKNOWN),
    ]


def alarms(heartbeats: Heartbeats, *, now: datetime) -> list[Alarm]:
    """At most one alarm: the one whose cause explains the others."""
    scheduler = heartbeats.get(Heartbeat.Part.SCHEDULER)
    if scheduler is None or _is_late(Heartbeat.Part.SCHEDULER, scheduler, now):
        return [_overdue_alarm(Heartbeat.Part.SCHEDULER, scheduler, now)]
    if scheduler.broker_lost_at and now - scheduler.broker_lost_at >= BROKER_LATE_AFTER:
        title = f"The broker has been unreachable for {duration_in_words(now - scheduler.broker_lost_at)}."
        return [Alarm(title, _WAITS, _BROKER_REMEDY)]
    worker = heartbeats.get(Heartbeat.Part.WORKER)
    if scheduler.broker_lost_at is None and (worker is None or _is_late(Heartbeat.Part.WORKER, worker, now)):
        return [_overdue_alarm(Heartbeat.Part.WORKER, worker, now)]
    return []


def _overdue_alarm(part: Heartbeat.Part, heartbeat: Heartbeat | None, now: datetime) -> Alarm:
    return Alarm(_overdue(part, heartbeat, now), _WAITS, _MONITORED[part].remedy)


def _is_late(part: Heartbeat.Part, heartbeat: Heartbeat, now: datetime) -> bool:
    return now - heartbeat.seen_at >= _MONITORED[part].late_after


def _overdue(part: Heartbeat.Part, heartbeat: Heartbeat | None, now: datetime) -> str:
    messages = _MONITORED[part]
    return messages.overdue.format(age=duration_in_words(now - heartbeat.seen_at)) if heartbeat else messages.never


def _monitored(part: Heartbeat.Part, heartbeats: Heartbeats | None, now: datetime) -> Part:
    if heartbeats is None:
        return Part(part.value, ok=False, says=_UNKNOWN)
    heartbeat = heartbeats.get(part)
    if heartbeat is None:
        return Part(part.value, ok=False, says=_overdue(part, None, now))
    age = max(now - heartbeat.seen_at, timedelta())
    problem = _overdue(part, heartbeat, now) if _is_late(part, heartbeat, now) else _loop_problem(part, heartbeat, now)
    says = problem or f"Last heartbeat {duration_in_words(age)} ago."
    return Part(part.value, ok=not problem, says=says, seconds=int(age.total_seconds()))


def _loop_problem(part: Heartbeat.Part, heartbeat: Heartbeat, now: datetime) -> str:
    """What is wrong with the loops of this part's processes; empty if nothing is, or if they report no loops."""
    messages = _MONITORED[part]
    if heartbeat.stalled_at and timedelta() <= now - heartbeat.stalled_at < STALLED_FOR:
        return messages.stalled
    if heartbeat.loop_seen_at and now - heartbeat.loop_seen_at >= LOOP_LATE_AFTER:
        return messages.loop_overdue.format(age=duration_in_words(now - heartbeat.loop_seen_at))
    return ""


def _history(now: datetime) -> Part:
    """Whether the last verification succeeded, events are being sealed, and anchors can be written."""
    try:
        problem = seal_state(now=now).problem
    except DatabaseError:
        problem = _UNKNOWN
    except ImproperlyConfigured as error:
        problem = str(error)
    return Part(_HISTORY, ok=not problem, says=problem or "Sealed; no tampering found.")


def _reachable(name: str, *, ok: bool) -> Part:
    return Part(name, ok, "Reachable." if ok else "No response.")


def duration_in_words(age: timedelta) -> str:
    """A duration as text: `8 seconds`, `12 minutes`, `3 hours`, `2 days`."""
    seconds = int(age.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (seconds >= size and unit == "minute"):
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


T = TypeVar("T")


class Cached(Generic[T]):
    """Caches a result for a few seconds in this process, so that many requests cost little."""

    def __init__(self, load: Callable[[], T], clock: Callable[[], float] = monotonic) -> None:
        self._load = load
        self._clock = clock
        self._lock = Lock()
        self._result: tuple[float, T] | None = None

    def __call__(self) -> T:
        """The result, at most five seconds old."""
        with self._lock:
            if self._result is None or self._clock() - self._result[0] >= CACHED_SECONDS:
                self._result = (self._clock(), self._load())
            return self._result[1]


class AlarmMonitor:
    """The alarms for the pages of this process. There are none until the other processes have had time to start."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._heartbeats = Cached(Heartbeat.objects.in_bulk, clock)

    def alarms(self, *, now: datetime) -> list[Alarm]:
        """The current alarms, with at most one query in five seconds. Raises `django.db.Error`."""
        if self._clock() - self._started_at < GRACE.total_seconds():
            return []
        return alarms(self._heartbeats(), now=now)


# Created when the web process starts, so that the grace period begins then.
monitor = AlarmMonitor()
current_report = Cached(lambda: report(now=timezone.now()))
