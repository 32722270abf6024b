"""`manage.py backup FILE`: the whole database in one file that only its owner can read, made while everything runs.

Keys are not in it: keep them apart. Neither are sessions. Exit code 1 when it could not be made.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from core.terminal import TerminalCommand
from history import sealing
from history.record import COMMAND_LINE
from orchestrator.backups import making
from orchestrator.backups.files import Impossible


class Command(TerminalCommand):
    """Make a backup."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="must not exist yet")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make it, and note it in the history. Raises `CommandError`."""
        path = options["file"]
        # What is not sealed in the copy is old when somebody restores it.
        sealing.seal_if_possible(now=timezone.now())
        try:
            size = making.make(path)
        except Impossible as problem:
            raise CommandError(f"{problem} No backup was made.") from None
        try:
            making.note(size, by=COMMAND_LINE, now=timezone.now())
        except DatabaseError as problem:
            self.stderr.write(f"The backup is made, and could not be noted in the history: {problem}")
        said = {"file": str(path), "bytes": size}
        words = f"{path}: {size} bytes. It holds no keys: without them its tokens cannot be read. Keep them apart."
        self.stdout.write(json.dumps(said) if options["json"] else words)
