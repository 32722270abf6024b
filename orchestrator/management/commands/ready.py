"""`manage.py ready`: the same checks as /readyz, for monitors and containers without a web process."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.terminal import TerminalCommand
from orchestrator.health import report


class Command(TerminalCommand):
    """Prints the health of each part; exit code 1 if one of them does not work."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments."""
        parser.add_argument(
            "parts", nargs="*", help="database, broker, clock (the scheduler), worker, history; all by default"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, as /readyz does")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the checks. Raises `CommandError` if a part does not work, or there is no such part."""
        parts = report(now=timezone.now())
        if unknown := set(options["parts"]) - {part.name for part in parts}:
            raise CommandError(f"There is no part named {', '.join(sorted(unknown))}.", returncode=2)
        asked = [part for part in parts if part.name in options["parts"] or not options["parts"]]
        ready = all(part.ok for part in asked)
        if options["json"]:
            self.stdout.write(json.dumps({"ready": ready, "parts": [asdict(part) for part in asked]}))
        else:
            for part in asked:
                self.stdout.write(f"{'ok ' if part.ok else 'NO '} {part.name:<9} {part.says}")
        if not ready:
            raise CommandError("Not ready: " + ", ".join(part.name for part in asked if not part.ok) + ".")
