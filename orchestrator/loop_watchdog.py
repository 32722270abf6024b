"""Watchdog of a process' main loop: logs all stacks when the loop has stalled, and ends the process.

The loop calls `beat`, and two threads watch it. One writes heartbeats into the database while the loop runs. The other
one uses no database: when the loop has stalled for too long, it logs what every thread was doing and ends the process,
which its supervisor then restarts. If not even these threads run, because one never releases the interpreter,
`faulthandler` does the same from outside the interpreter.
"""

import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from core import heartbeats
from core.models import Heartbeat

EVERY = 5.0
# How long writing the log may take, because its reader may have stalled, too.
_LOG_SECONDS = 5.0
log = logging.getLogger(__name__)


class LoopWatchdog:
    """Measures how long the loop has stalled, and calls `end` with that time once it reaches `limit` seconds."""

    def __init__(self, limit: float, *, end: Callable[[float], None], clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self._end = end
        self._clock = clock
        self._beaten_at = clock()
        self._resting = False

    def beat(self) -> None:
        """Called by the loop each time it runs."""
        self._beaten_at = self._clock()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Suspend the watchdog while there is no loop."""
        self._resting = True
        try:
            yield
        finally:
            self.beat()
            self._resting = False

    def seconds_stalled(self) -> float | None:
        """For how many seconds the loop has not run; None while there is no loop."""
        return None if self._resting else self._clock() - self._beaten_at

    def check(self) -> None:
        """Called repeatedly, by a thread that waits for nothing else."""
        seconds = self.seconds_stalled()
        if seconds is not None and seconds >= self.limit:
            self._end(seconds)


def loop_turns(seconds_stalled: float | None, limit: float) -> bool | None:
    """Whether a loop still runs; None if that is unclear or there is no loop.

    The scheduler sleeps for up to fifteen seconds between two ticks, and a busy machine may delay a loop as long.
    """
    if seconds_stalled is None:
        return None
    if seconds_stalled < limit / 6:
        return True
    return False if seconds_stalled >= limit / 3 else None


class Watched:
    """A loop with a watchdog, from `start` to `stop`, in a process of `part`."""

    def __init__(self, part: Heartbeat.Part, limit: float) -> None:
        self.every = min(EVERY, limit / 10)
        self._part = part
        self._watchdog = LoopWatchdog(limit, end=lambda seconds: end_process(part, seconds))
        self._over = threading.Event()
        self._armed_at: float | None = None

    def start(self) -> None:
        """Start watching. Called by the thread of the loop."""
        self.beat()
        work = (("loop-watchdog", self._watchdog.check, self.every), ("loop-heartbeat", self._report, 2 * self.every))
        for name, function, every in work:
            threading.Thread(target=self._repeat, args=(function, every), name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop watching, because the loop ends normally."""
        self._over.set()
        faulthandler.cancel_dump_traceback_later()

    def beat(self) -> None:
        """Called by the loop each time it runs."""
        self._watchdog.beat()
        now = monotonic()
        # It starts a thread each time, and the scheduler's loop runs several times in a row.
        if self._armed_at is not None and now - self._armed_at < self.every:
            return
        self._armed_at = now
        # Later than the watchdog, which logs more. Celery replaces sys.stderr with a logger, which has no file.
        later = self._watchdog.limit + 3 * self.every + _LOG_SECONDS
        faulthandler.dump_traceback_later(later, exit=True, file=sys.__stderr__ or sys.stderr)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Suspend the watchdog while there is no loop."""
        faulthandler.cancel_dump_traceback_later()
        self._armed_at = None
        with self._watchdog.resting():
            yield
        self.beat()

    def _repeat(self, function: Callable[[], None], every: float) -> None:
        while not self._over.wait(every):
            function()

    def _report(self) -> None:
        turns = loop_turns(self._watchdog.seconds_stalled(), self._watchdog.limit)
        if turns is None:
            return
        try:
            heartbeats.record_loop(self._part, now=timezone.now(), turns=turns)
        except DatabaseError as error:
            log.warning("The %s could not report the state of its loop: %s", self._part.label.lower(), error)
        finally:
            # The next write is seconds away, and an idle connection may be closed by then.
            connections.close_all()


def end_process(part: Heartbeat.Part, seconds: float) -> None:
    """Log what each thread is doing, and end this process immediately, because a stalled process can't stop itself."""
    age = timedelta(seconds=round(seconds))
    message = "The loop of the %s has been stuck for %s; the process exits, to be restarted.\n%s"
    logging_thread = threading.Thread(
        target=log.critical, args=(message, part.label.lower(), age, stacks()), daemon=True
    )
    logging_thread.start()
    logging_thread.join(_LOG_SECONDS)
    os._exit(1)


def stacks() -> str:
    """The stack of each thread, the main thread first, without values of variables."""
    frames = sys._current_frames()
    main = threading.main_thread()
    others = [thread for thread in threading.enumerate() if thread not in (main, threading.current_thread())]
    texts = []
    for thread in (main, *others):
        frame = frames.get(thread.ident or 0)
        texts.append(f"Thread {thread.name}:\n" + ("".join(traceback.format_stack(frame)) if frame else ""))
    return "\n".join(texts)
