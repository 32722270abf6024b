"""The log of `make run`: every line of every process, in a few files of bounded size that only their user can read."""

import logging
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from core.redaction import clean

LARGEST_BYTES = 5_000_000
# How many full files are kept beside the current one.
KEPT_FILES = 4
FOLDER, NAME = "log", "run.log"
_HAS_TIME = re.compile(r"\d{4}-\d\d-\d\dT|\{")


class LogFile:
    """The current file and the full ones before it, `run.log.1` being the newest. Raises `OSError`."""

    def __init__(self, var_dir: Path, report: Callable[[str], None]) -> None:
        folder = var_dir / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / NAME
        # Rotation is all that is used of it: what it does about errors suits programs that print them.
        self._file = RotatingFileHandler(self.path, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        self.path.chmod(0o600)
        self._report, self._is_failing = report, False
        self._lock = threading.Lock()

    def write(self, name: str, text: str) -> None:
        """Add a line of the process `name`, with the time unless the line has one. Without it the product goes on."""
        if not text.strip():
            return
        time = "" if _HAS_TIME.match(text) else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} "
        try:
            self._append(clean(f"{name:<8} | {time}{text}"))
            self._is_failing = False
        except OSError as problem:
            if not self._is_failing:
                self._report(f"{self.path}: {problem.strerror}. Lines of the log are lost until it can be written.")
            self._is_failing = True

    def close(self) -> None:
        """Close the current file."""
        self._file.close()

    def _append(self, line: str) -> None:
        record = logging.makeLogRecord({"msg": line})
        with self._lock:
            if self._file.shouldRollover(record):
                self._file.doRollover()
            # A rotation that failed halfway has left no file open.
            self._file.stream = stream = self._file.stream or self.path.open("a", encoding="utf-8")
            stream.write(f"{line}\n")
            stream.flush()
