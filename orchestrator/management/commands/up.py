"""`manage.py up`: the whole product in this terminal."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from orchestrator.supervisor import lock
from orchestrator.supervisor.broker import NoBroker
from orchestrator.supervisor.console import Console
from orchestrator.supervisor.keys import no_place
from orchestrator.supervisor.leash import die_with_parent
from orchestrator.supervisor.preparation import prepare
from orchestrator.supervisor.start import CannotStart, start


class Command(BaseCommand):
    """Starts web, worker, clock, broker and sandbox, and keeps them running until Ctrl-C."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises `CommandError` with a sentence when it cannot start."""
        if os.environ.get("MAKELEVEL"):
            # A killed `make` must not leave the product running behind the prompt.
            die_with_parent(os.getppid(), signal.SIGTERM)
        console = Console()
        try:
            with lock.held(Path(settings.VAR_DIR)) as file:
                console.say("preparing the database and the static files")
                prepare()
                asyncio.run(start(console, file))
        except lock.AlreadyRunning as other:
            where = f" at {other}" if str(other) else ""
            raise CommandError(f"It already runs from this folder{where}. Stop that one first, or use it.") from None
        except DatabaseError as problem:
            raise CommandError(f"The database cannot be used: {problem}") from None
        except (CannotStart, NoBroker) as problem:
            raise CommandError(str(problem)) from None
        except OSError as problem:
            if problem.filename is None:
                raise
            raise CommandError(no_place(problem)) from None
        except KeyboardInterrupt:
            sys.exit(130)
