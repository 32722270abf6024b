"""`manage.py restore FILE`: put a backup back, and name the connections whose tokens cannot be read.

Stop web, worker and clock first. Exit codes: 0 all is well · 1 restored, and some tokens cannot be read, or the history
needs a decision before it is sealed any further · 2 nothing was changed.
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
_UNSEALED = "Events of the last moments before the backup are a harmless reason."


class Command(TerminalCommand):
    """Restore a backup."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", default="", metavar="WORDS", help=f'"{WORDS}", in these words, when the database is not empty'
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore and say how it went. Raises `CommandError`."""
        replace = options["replace"]
        if replace and replace != WORDS:
            raise CommandError(f'--replace takes exactly these words: "{WORDS}"', returncode=_NOTHING_CHANGED)
        try:
            restored = restore(options["file"], replace=bool(replace), by=COMMAND_LINE, now=timezone.now())
        except NotEmpty as filled:
            words = f'{filled} Nothing was changed. To replace it, say --replace "{WORDS}".'
            raise CommandError(words, returncode=_NOTHING_CHANGED) from None
        except Impossible as problem:
            raise CommandError(f"{problem} Nothing was changed.", returncode=_NOTHING_CHANGED) from None
        self._say(restored, as_json=options["json"])
        if restored.unreadable or restored.history:
            sys.exit(1)

    def _say(self, restored: Restored, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(restored), cls=DjangoJSONEncoder))
            return
        until = f", up to {restored.until:%Y-%m-%d %H:%M} UTC" if restored.until else ""
        self.stdout.write(
            f"Restored: {restored.connections} connections, {restored.people} people, {restored.events} events{until}. "
            "Everybody is signed out."
        )
        for words in restored.history:
            self.stderr.write(f"The restored history is not sealed any further: {words}")
        if restored.history:
            self.stderr.write(f'{_UNSEALED} When you know the reason: manage.py history accept --reason "…"')
        for name in restored.unreadable:
            self.stderr.write(f"The token of {name} cannot be read with any key of the ring.")
        if restored.unreadable:
            self.stderr.write("Bring their key back into FIELD_ENCRYPTION_KEYS, or update the tokens of these.")
