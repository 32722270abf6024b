"""One start at a time in one folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

FILE_NAME = "up.lock"


class AlreadyRunning(Exception):
    """Another start holds the folder. The message is what it said about itself, or empty."""


@contextmanager
def held(folder: Path) -> Iterator[TextIO]:
    """The lock's file, in which the holder may say where it runs. Raises `AlreadyRunning`.

    The kernel frees the lock when the process dies, however it dies.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / FILE_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(file.read().strip()) from None
        note(file, "")
        yield file


def note(file: TextIO, text: str) -> None:
    """Leave `text` for whoever comes second. Raises `OSError`, with the name of the file."""
    try:
        # Past the file's buffer, which would try again later what the disk has no room for.
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), text.encode())
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, file.name) from problem
