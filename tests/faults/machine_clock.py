"""The wall clock of a machine that sleeps, wakes, or is set wrong: running processes on a clock that a test moves.

time-machine stands between Python and the system's clock in each of the product's processes. As on a real machine
only the wall clock jumps; the monotonic clock goes on.
"""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from django.utils import timezone

from core import database_time

CLOCK_VARIABLE = "FAULTS_CLOCK"
_LOOK_EVERY = 0.02


class MachineClock:
    """Moves the clock of the processes that are started with `environment`, and says what time it is for them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.environment = {CLOCK_VARIABLE: str(self._file)}
        self.set(timedelta())

    def set(self, ahead: timedelta) -> None:
        """So far ahead of this machine's own time, from now on; negative is behind."""
        self.ahead = ahead
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds()}\n")
        new.replace(self._file)

    def advance(self, by: timedelta) -> None:
        """Let time pass at once."""
        self.set(self.ahead + by)

    def later(self, **by: float) -> str:
        """So much later than now, as both databases compare it."""
        moment = datetime.now(UTC) + self.ahead + timedelta(**by)
        return f"{moment:%Y-%m-%d %H:%M:%S}+00"


def follow(file: Path) -> None:
    """Set the clock of this process, and of those forked from it, by the file, now and whenever it changes."""
    # A database server of the same machine goes by the same clock.
    database_time.database_now = timezone.now
    follower = _Follower(file)
    follower.start()
    # gunicorn loads the settings and then forks its workers, and a fork has no threads.
    os.register_at_fork(after_in_child=follower.start)


class _Follower:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = float(file.read_text())
        self._traveller = time_machine.travel(time.time() + self._ahead).start()

    def start(self) -> None:
        threading.Thread(target=self._follow, name="clock", daemon=True).start()

    def _follow(self) -> None:
        while True:
            wanted = float(self._file.read_text())
            if wanted != self._ahead:
                self._traveller.shift(wanted - self._ahead)
                self._ahead = wanted
            time.sleep(_LOOK_EVERY)
