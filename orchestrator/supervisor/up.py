"""`manage.py up`: the whole product in this terminal. Without Django, which the web loads meanwhile."""

import asyncio
import os
import signal
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from orchestrator.supervisor import files, lock, options
from orchestrator.supervisor.broker import NoBroker
from orchestrator.supervisor.console import Console
from orchestrator.supervisor.keys import make_missing_keys
from orchestrator.supervisor.parent_death import die_with_parent
from orchestrator.supervisor.ready_pipe import CannotStart
from orchestrator.supervisor.startup import start


def up(checkout: Path) -> int | str:
    """Until Ctrl-C. What to exit with: zero, or a sentence that says why nothing runs."""
    if os.environ.get("MAKELEVEL"):
        # A killed `make` must not leave the product running behind the prompt.
        die_with_parent(os.getppid(), signal.SIGTERM)
    # Whatever is written, by every process that is started: nobody else on the machine can read it.
    os.umask(0o077)
    try:
        # Django's settings, which want the keys, are read by the processes that are started.
        folder = options.var_dir(checkout)
        make_missing_keys(folder, os.environ)
        _start(options.read(checkout), was_open=files.close_to_others(folder))
    except lock.AlreadyRunning as other:
        where = f" at {other}" if str(other) else ""
        return f"It already runs from this folder{where}. Stop that one first, or use it."
    except (CannotStart, NoBroker, ImproperlyConfigured) as problem:
        return str(problem)
    except OSError as problem:
        if problem.filename is None:
            raise
        return files.no_place(problem)
    except KeyboardInterrupt:
        return 130
    return 0


def _start(chosen: options.Options, *, was_open: bool) -> None:
    console = Console()
    if was_open:
        console.say(f"{chosen.var_dir} was open to other users of this machine; it is closed now")
    with lock.held(chosen.var_dir) as file:
        console.say("preparing the database and the static files")
        asyncio.run(start(chosen, console, file))
