"""`manage.py restore FILE`: restore a backup, and name the connections whose tokens cannot be read.

Stop web, workers and scheduler first. Exit codes: 0 success · 1 restored, but some secrets cannot be read, or the
history needs a decision before more of it is sealed · 2 nothing was changed.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from core.terminal import TerminalCommand
from history.record import COMMAND_LINE
from orchestrator.backups.files import Impossible
from orchestrator.backups.restoring import NotEmpty, Restored, restore

WORDS = "what is in the database now is lost"
_NOTHING_CHANGED = 2
_UNSEALED = "Events recorded just before the backup was made are a harmless reason."


class Command(TerminalCommand):
    """Restore a backup."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", default="", metavar="WORDS", help=f'if the database is not empty, exactly: "{WORDS}"'
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore, and report the result. Raises `CommandError`."""
        replace = options["replace"]
        if replace and replace != WORDS:
            raise CommandError(f'--replace requires exactly these words: "{WORDS}"', returncode=_NOTHING_CHANGED)
        try:
            restored = restore(options["file"], replace=bool(replace), by=COMMAND_LINE, now=timezone.now())
        except NotEmpty as filled:
            message = f'{filled} Nothing was changed. To replace it, add --replace "{WORDS}".'
            raise CommandError(message, returncode=_NOTHING_CHANGED) from None
        except Impossible as problem:
            raise CommandError(f"{problem} Nothing was changed.", returncode=_NOTHING_CHANGED) from None
        self._report(restored, as_json=options["json"])
        if restored.unreadable or restored.unreadable_others or restored.history:
            sys.exit(1)

    def _report(self, restored: Restored, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(restored), cls=DjangoJSONEncoder))
            return
        until = f", up to {restored.until:%Y-%m-%d %H:%M} UTC" if restored.until else ""
        self.stdout.write(
            f"Restored: {restored.connections} connections, {restored.people} people, {restored.events} events{until}. "
            "Everyone is signed out."
        )
        for finding in restored.history:
            self.stderr.write(f"No more of the restored history is sealed: {finding}")
        if restored.history:
            self.stderr.write(f'{_UNSEALED} If you know the reason, run: manage.py history accept --reason "…"')
        for name in restored.unreadable:
            self.stderr.write(f"The token of {name} cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS.")
        for name in restored.unreadable_others:
            self.stderr.write(f"{name[0].upper()}{name[1:]} cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS.")
        if restored.unreadable or restored.unreadable_others:
            self.stderr.write("Add the missing key to FIELD_ENCRYPTION_KEYS again, or enter these secrets again.")
