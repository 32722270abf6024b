"""`manage.py up`: run the whole product in this terminal."""

from typing import Any

from django.conf import settings

from core.terminal import TerminalCommand
from orchestrator.supervisor.up import up


class Command(TerminalCommand):
    """Starts web, worker, scheduler, broker and sandbox, and keeps them running until Ctrl-C."""

    help = __doc__
    # The preparation runs the checks before anything is served.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what `manage.py` does for `up` without loading Django; for `manage.py help` and Django's own options."""
        up(settings.BASE_DIR)
