"""Watchdog of a process' main loop: it logs the stacks of a loop that has stalled, and ends the process.

The loop calls `beat`; two threads look on. One leaves signs of life in the database, and only while the loop turns. The
other one asks no database: when the loop has stood still for too long, it logs what every thread was doing and ends the
process, which its supervisor starts again. Should the process not even run its own threads, as when one of
them never lets go of the interpreter, `faulthandler` does the same from outside the interpreter.
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
# How long writing the log may take, as its reader may have stalled too.
_LAST_WORDS = 5.0
log = logging.getLogger(__name__)


class LoopWatchdog:
    """Knows for how long the loop has stood still, and calls `end` with that when it is `limit` seconds or more."""

    def __init__(self, limit: float, *, end: Callable[[float], None], clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self._end = end
        self._clock = clock
        self._beaten_at = clock()
        self._resting = False

    def beat(self) -> None:
        """The loop turns."""
        self._beaten_at = self._clock()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """There is no loop meanwhile, and nothing is said of it."""
        self._resting = True
        try:
            yield
        finally:
            self.beat()
            self._resting = False

    def stood_still(self) -> float | None:
        """For how many seconds the loop has not turned; None while there is none."""
        return None if self._resting else self._clock() - self._beaten_at

    def look(self) -> None:
        """To be called again and again, from a thread that waits for nothing else."""
        seconds = self.stood_still()
        if seconds is not None and seconds >= self.limit:
            self._end(seconds)


def loop_turns(stood_still: float | None, limit: float) -> bool | None:
    """Whether a loop turns that did not for so many seconds; None where nothing is to be said of it yet, or at all.

    A clock sleeps for up to fifteen seconds between two ticks, and a busy machine may keep a loop waiting as long.
    """
    if stood_still is None:
        return None
    if stood_still < limit / 6:
        return True
    return False if stood_still >= limit / 3 else None


class Watched:
    """A loop under a watchdog, from `start` to `stop`, in the process of `part`."""

    def __init__(self, part: Heartbeat.Part, limit: float) -> None:
        self.every = min(EVERY, limit / 10)
        self._part = part
        self._watchdog = LoopWatchdog(limit, end=lambda seconds: end_process(part, seconds))
        self._over = threading.Event()

    def start(self) -> None:
        """Watch from now on. To be called by the thread of the loop."""
        self.beat()
        work = (("loop-watchdog", self._watchdog.look, self.every), ("loop-signs", self._leave_sign, 2 * self.every))
        for name, look, every in work:
            threading.Thread(target=self._repeat, args=(look, every), name=name, daemon=True).start()

    def stop(self) -> None:
        """The loop ends in good order."""
        self._over.set()
        faulthandler.cancel_dump_traceback_later()

    def beat(self) -> None:
        """The loop turns."""
        self._watchdog.beat()
        # Later than the watchdog, which says more. Celery puts a logger in the place of sys.stderr, which has no file.
        later = self._watchdog.limit + 2 * self.every + _LAST_WORDS
        faulthandler.dump_traceback_later(later, exit=True, file=sys.__stderr__ or sys.stderr)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """There is no loop meanwhile."""
        faulthandler.cancel_dump_traceback_later()
        with self._watchdog.resting():
            yield
        self.beat()

    def _repeat(self, look: Callable[[], None], every: float) -> None:
        while not self._over.wait(every):
            look()

    def _leave_sign(self) -> None:
        turns = loop_turns(self._watchdog.stood_still(), self._watchdog.limit)
        if turns is None:
            return
        try:
            heartbeats.record_loop(self._part, now=timezone.now(), turns=turns)
        except DatabaseError as error:
            log.warning("The %s could not tell of its loop: %s", self._part, error)
        finally:
            # The next sign is seconds away; a connection that waits for it may be dead by then.
            connections.close_all()


def end_process(part: Heartbeat.Part, seconds: float) -> None:
    """Log what each thread is doing, and end this process at once: what stands still cannot be asked to stop."""
    age = timedelta(seconds=round(seconds))
    words = "The loop of the %s has stood still for %s; the process ends, to be started again.\n%s"
    last_words = threading.Thread(target=log.critical, args=(words, part, age, stacks()), daemon=True)
    last_words.start()
    last_words.join(_LAST_WORDS)
    os._exit(1)


def stacks() -> str:
    """Where each thread of this process is, the main thread first. Only code, no values."""
    frames = sys._current_frames()
    main = threading.main_thread()
    others = [thread for thread in threading.enumerate() if thread not in (main, threading.current_thread())]
    told = []
    for thread in (main, *others):
        frame = frames.get(thread.ident or 0)
        told.append(f"Thread {thread.name}:\n" + ("".join(traceback.format_stack(frame)) if frame else ""))
    return "\n".join(told)
