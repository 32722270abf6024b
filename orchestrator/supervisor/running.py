"""What `make run` chose for this start, for the commands that are run beside it: a file in VAR_DIR while it runs."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.supervisor.files import write_whole

FILE_NAME = "running.json"


@dataclass(frozen=True, slots=True)
class Running:
    """`sandbox_port` is None where no sandbox was started."""

    site_url: str
    sandbox_port: int | None


@contextmanager
def noted(folder: Path, running: Running) -> Iterator[None]:
    """The file is there meanwhile. Raises `OSError`."""
    path = folder / FILE_NAME
    write_whole(path, json.dumps(asdict(running) | {"pid": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read(folder: Path) -> Running | None:
    """What runs with this VAR_DIR; None when nothing does, also after a supervisor that was killed."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / FILE_NAME).read_text())
        if _lives(int(found["pid"])):
            port = found["sandbox_port"]
            return Running(str(found["site_url"]), None if port is None else int(port))
    return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's.
        return True
    return True
