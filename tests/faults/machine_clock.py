"""The wall clock of a machine that sleeps, wakes, or is set wrong: running processes on a clock that a test moves.

time-machine stands between Python and the system's clock in each of the product's processes. As on a real machine
only the wall clock jumps; the monotonic clock goes on.
"""

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
    """Set this process' clock by the file, now and whenever it changes."""
    # A database server of the same machine goes by the same clock.
    database_time.database_now = timezone.now
    ahead = float(file.read_text())
    traveller = time_machine.travel(time.time() + ahead).start()
    threading.Thread(target=_follow, args=(file, traveller, ahead), name="clock", daemon=True).start()


def _follow(file: Path, traveller: time_machine.Traveller, ahead: float) -> None:
    while True:
        wanted = float(file.read_text())
        if wanted != ahead:
            traveller.shift(wanted - ahead)
            ahead = wanted
        time.sleep(_LOOK_EVERY)
