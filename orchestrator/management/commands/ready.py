"""`manage.py ready`: what /readyz says, for monitors and containers that have no web process."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.terminal import TerminalCommand
from orchestrator.health import report


class Command(TerminalCommand):
    """Says how each part is; exit code 1 when one of those asked for does not do its work."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which parts, and in which form."""
        parser.add_argument("parts", nargs="*", help="database, broker, clock, worker, history; all of them by default")
        parser.add_argument("--json", action="store_true", help="as /readyz answers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises `CommandError` when a part does not do its work, or is no part."""
        parts = report(now=timezone.now())
        if unknown := set(options["parts"]) - {part.name for part in parts}:
            raise CommandError(f"No part is called {', '.join(sorted(unknown))}.", returncode=2)
        asked = [part for part in parts if part.name in options["parts"] or not options["parts"]]
        ready = all(part.ok for part in asked)
        if options["json"]:
            self.stdout.write(json.dumps({"ready": ready, "parts": [asdict(part) for part in asked]}))
        else:
            for part in asked:
                self.stdout.write(f"{'ok ' if part.ok else 'NO '} {part.name:<9} {part.says}")
        if not ready:
            raise CommandError("Not ready: " + ", ".join(part.name for part in asked if not part.ok) + ".")
