"""`manage.py up`: the whole product in this terminal. Without Django, which the web loads meanwhile."""

import asyncio
import os
import signal
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from orchestrator.supervisor import lock, options
from orchestrator.supervisor.broker import NoBroker
from orchestrator.supervisor.console import Console
from orchestrator.supervisor.keys import make_missing_keys, no_place
from orchestrator.supervisor.leash import die_with_parent
from orchestrator.supervisor.report import CannotStart
from orchestrator.supervisor.start import start


def up(checkout: Path) -> int | str:
    """Until Ctrl-C. What to exit with: zero, or a sentence that says why nothing runs."""
    if os.environ.get("MAKELEVEL"):
        # A killed `make` must not leave the product running behind the prompt.
        die_with_parent(os.getppid(), signal.SIGTERM)
    try:
        # Django's settings, which want the keys, are read by the processes that are started.
        make_missing_keys(options.var_dir(checkout), os.environ)
        _start(options.read(checkout))
    except lock.AlreadyRunning as other:
        where = f" at {other}" if str(other) else ""
        return f"It already runs from this folder{where}. Stop that one first, or use it."
    except (CannotStart, NoBroker, ImproperlyConfigured) as problem:
        return str(problem)
    except OSError as problem:
        if problem.filename is None:
            raise
        return no_place(problem)
    except KeyboardInterrupt:
        return 130
    return 0


def _start(chosen: options.Options) -> None:
    console = Console()
    with lock.held(chosen.var_dir) as file:
        console.say("preparing the database and the static files")
        asyncio.run(start(chosen, console, file))
