"""Whether each part of the product does its work: for monitors as a report, for people as an alarm on their pages."""

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
from orchestrator.supervisor import broker

# Shorter than this a lost broker is a restart, and no news for people.
BROKER_LATE_AFTER = timedelta(minutes=1)
# A loop that turns says so at least every 30 seconds, one that stands still every ten.
LOOP_LATE_AFTER = timedelta(seconds=50)
STALLED_FOR = timedelta(seconds=20)
# A web process that has just started gives the others time to start too.
GRACE = timedelta(minutes=3)
REMEMBERED = 5.0
_HISTORY = "history"
_UNKNOWN = "Not known: the database does not answer."
_WAITS = "Audits, reminders and mails wait; nothing is lost."
_BROKER_REMEDY = (
    "Whoever runs this site looks at the server behind REDIS_URL; without that setting, `make run` starts one. "
    "Pages and Test Connection work meanwhile."
)


@dataclass(frozen=True, slots=True)
class _Living:
    """A part that leaves signs of life: when their absence is news, and in which words."""

    late_after: timedelta
    silent: str
    never: str
    stands_still: str
    stalled: str
    remedy: str


_LIVING = {
    Heartbeat.Part.SCHEDULER: _Living(
        late_after=timedelta(minutes=3),
        silent="The clock has not ticked for {age}.",
        never="The clock has never ticked.",
        stands_still="The clock has not ticked for {age}.",
        stalled="A clock stands still. It ends by itself soon, and its log will say where it stood.",
        remedy="Whoever runs this site starts the process “beat” again; its last lines say why it ended.",
    ),
    Heartbeat.Part.WORKER: _Living(
        # A worker may be busy for minutes with servers that are slow to answer.
        late_after=timedelta(minutes=5),
        silent="No worker has done anything for {age}.",
        never="No worker has ever done anything.",
        stands_still="No worker has been ready for work for {age}.",
        stalled="A worker stands still. It ends by itself soon, and its log will say where it stood.",
        remedy="Whoever runs this site starts a worker again; its last lines say why it ended.",
    ),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state, in plain words. `seconds` is the age of its last sign of life, where it leaves any."""

    name: str
    ok: bool
    says: str
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a signed-in person is told: what is wrong, what it means, and what helps."""

    title: str
    meaning: str
    remedy: str


Signs = Mapping[str, Heartbeat]


def report(*, now: datetime) -> list[Part]:
    """Every part, asked right now. Raises nothing: a part that cannot be asked is not ready."""
    try:
        signs: Signs | None = Heartbeat.objects.in_bulk()
    except DatabaseError:
        signs = None
    return [
        _answering("database", ok=signs is not None),
        _answering("broker", ok=broker.answers(settings.CELERY_BROKER_URL)),
        *(_living(part, signs, now) for part in Heartbeat.Part),
        _history(now) if signs is not None else Part(_HISTORY, ok=False, says=_UNKNOWN),
    ]


def alarms(signs: Signs, *, now: datetime) -> list[Alarm]:
    """At most one: the part whose silence explains the others' is the one to look at."""
    clock, worker = Heartbeat.Part.SCHEDULER, Heartbeat.Part.WORKER
    ticking = signs.get(clock)
    if ticking is None or _is_late(clock, ticking, now):
        return [Alarm(_silence(clock, ticking, now), _WAITS, _LIVING[clock].remedy)]
    if ticking.broker_lost_at and now - ticking.broker_lost_at >= BROKER_LATE_AFTER:
        title = f"The broker has not been reached for {spoken(now - ticking.broker_lost_at)}."
        return [Alarm(title, _WAITS, _BROKER_REMEDY)]
    working = signs.get(worker)
    if ticking.broker_lost_at is None and (working is None or _is_late(worker, working, now)):
        return [Alarm(_silence(worker, working, now), _WAITS, _LIVING[worker].remedy)]
    return []


def _is_late(part: Heartbeat.Part, sign: Heartbeat, now: datetime) -> bool:
    return now - sign.seen_at >= _LIVING[part].late_after


def _silence(part: Heartbeat.Part, sign: Heartbeat | None, now: datetime) -> str:
    words = _LIVING[part]
    return words.silent.format(age=spoken(now - sign.seen_at)) if sign else words.never


def _living(part: Heartbeat.Part, signs: Signs | None, now: datetime) -> Part:
    if signs is None:
        return Part(part.value, ok=False, says=_UNKNOWN)
    sign = signs.get(part)
    if sign is None or _is_late(part, sign, now):
        seconds = int((now - sign.seen_at).total_seconds()) if sign else None
        return Part(part.value, ok=False, says=_silence(part, sign, now), seconds=seconds)
    if trouble := _trouble_of_loop(part, sign, now):
        return Part(part.value, ok=False, says=trouble, seconds=int((now - sign.seen_at).total_seconds()))
    age = max(now - sign.seen_at, timedelta())
    return Part(part.value, ok=True, says=f"Seen {spoken(age)} ago.", seconds=int(age.total_seconds()))


def _trouble_of_loop(part: Heartbeat.Part, sign: Heartbeat, now: datetime) -> str:
    """What is wrong with the loops of this part's processes; empty where nothing is, or an older version runs."""
    words = _LIVING[part]
    if sign.stalled_at and timedelta() <= now - sign.stalled_at < STALLED_FOR:
        return words.stalled
    if sign.loop_seen_at and now - sign.loop_seen_at >= LOOP_LATE_AFTER:
        return words.stands_still.format(age=spoken(now - sign.loop_seen_at))
    return ""


def _history(now: datetime) -> Part:
    """Whether the history holds, as the last verification saw it, is being sealed, and its anchors can be written."""
    try:
        problem = seal_state(now=now).problem
    except DatabaseError:
        problem = _UNKNOWN
    except ImproperlyConfigured as wrong:
        problem = str(wrong)
    return Part(_HISTORY, ok=not problem, says=problem or "It is sealed, and holds as far as seals show.")


def _answering(name: str, *, ok: bool) -> Part:
    return Part(name, ok, "It answers." if ok else "It does not answer.")


def spoken(age: timedelta) -> str:
    """An age in words, as people say it: `8 seconds`, `12 minutes`, `3 hours`, `2 days`."""
    seconds = int(age.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (seconds >= size and unit == "minute"):
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


T = TypeVar("T")


class Remembered(Generic[T]):
    """An answer that is good for a few seconds in this process, so that nobody can keep it busy by asking."""

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = Lock()
        self._answer: tuple[float, T] | None = None

    def __call__(self) -> T:
        """The answer, at most five seconds old."""
        with self._lock:
            if self._answer is None or self._clock() - self._answer[0] >= REMEMBERED:
                self._answer = (self._clock(), self._ask())
            return self._answer[1]


class Watch:
    """This process' view of the others, for its pages: silent until the others had time to start."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._born = clock()
        self._signs = Remembered(Heartbeat.objects.in_bulk, clock)

    def alarms(self, *, now: datetime) -> list[Alarm]:
        """What to tell a person on this page; one query in five seconds. Raises `django.db.Error`."""
        if self._clock() - self._born < GRACE.total_seconds():
            return []
        return alarms(self._signs(), now=now)


# Made when the web process starts, and not when somebody opens its first page.
watch = Watch()
current_report = Remembered(lambda: report(now=timezone.now()))
