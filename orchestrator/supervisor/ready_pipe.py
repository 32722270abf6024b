"""How the web tells the supervisor, over a pipe that is theirs alone, that it is prepared or why it cannot be."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field


class CannotStart(Exception):
    """The product could not be started. The message is for the person at the terminal."""


@dataclass(frozen=True)
class Administrator:
    """Who may do everything. The password is known only to the start that made it."""

    name: str
    password: str | None = field(repr=False)


class ReadyPipe:
    """The supervisor's side. `theirs` is the number of the open file that each life of the web gets."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)
        self._read = b""

    def administrator(self) -> Administrator | None:
        """Who may sign in, once everything is prepared; None until then. Raises `CannotStart` with what was said."""
        with suppress(BlockingIOError):
            self._read += os.read(self._ours, 65536)
        line, whole, _ = self._read.partition(b"\n")
        if not whole:
            return None
        said = json.loads(line)
        if complaint := said.get("complaint"):
            raise CannotStart(complaint)
        return Administrator(**said)

    def close(self) -> None:
        """Later lives of the web find nobody who listens."""
        os.close(self._ours)
        os.close(self.theirs)


def prepared(file: int, administrator: Administrator) -> None:
    """Everything may be served."""
    _say(file, {"name": administrator.name, "password": administrator.password})


def complain(file: int, words: str) -> None:
    """Nothing can be served, for a reason that a person can mend."""
    _say(file, {"complaint": words})


def _say(file: int, said: dict[str, str | None]) -> None:
    # Only the first start listens.
    with suppress(BrokenPipeError):
        os.write(file, json.dumps(said).encode() + b"\n")
