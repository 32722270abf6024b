"""`manage.py up`: run the whole product in this terminal."""

import sys
from typing import Any

from django.conf import settings

from core.terminal import TerminalCommand
from orchestrator.supervisor.up import up


class Command(TerminalCommand):
    """Starts web, worker, scheduler, broker and sandbox, and keeps them running until Ctrl-C."""

    help = __doc__
    # The web process runs the checks before it serves.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what `manage.py` does for `up` without loading Django; for `manage.py help` and Django's own options."""
        sys.exit(up(settings.BASE_DIR))
