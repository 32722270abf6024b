"""The wall clock of a machine that sleeps, wakes, or is set wrong: real processes on a clock that a test moves.

Debian's libfaketime stands between the processes and their C library. As on a real machine only the wall clock jumps;
the monotonic clock goes on.
"""

import glob
from datetime import timedelta
from pathlib import Path

from tests.needs import need


class MachineClock:
    """Moves the clock of the processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))  # noqa: PTH207 - sorted() of texts
        need(found=bool(found), lacking="libfaketime", remedy="apt-get install libfaketime")
        self._file = folder / "clock"
        self.ahead = timedelta()
        self.set(timedelta())
        self.environment = {
            "LD_PRELOAD": found[0],
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: timedelta) -> None:
        """So far ahead of this machine's own time, from now on; negative is behind."""
        self.ahead = ahead
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n")
        new.replace(self._file)

    def advance(self, by: timedelta) -> None:
        """Let time pass at once."""
        self.set(self.ahead + by)
