"""`manage.py backup FILE`: write the whole database to one file that only its owner can read, while everything runs.

Keys and sessions are not included; keep the keys in another place. Exit code 1 if the backup could not be made.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from core.terminal import TerminalCommand
from history import sealing
from history.record import COMMAND_LINE, record
from orchestrator.backups import making
from orchestrator.backups.files import Impossible


class Command(TerminalCommand):
    """Make a backup."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments."""
        parser.add_argument("file", type=Path, help="must not exist yet")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the backup, and record it in the history. Raises `CommandError`."""
        path = options["file"]
        # Events that are not sealed in the copy would be too old to be sealed automatically after a restore.
        sealing.seal_if_possible(now=timezone.now())
        try:
            size = making.make(path)
        except Impossible as problem:
            raise CommandError(f"{problem} No backup was made.") from None
        try:
            record("backup.made", making.PRODUCT, by=COMMAND_LINE, at=timezone.now(), detail={"bytes": size})
        except DatabaseError as problem:
            self.stderr.write(f"The backup was made, but could not be recorded in the history: {problem}")
        value = {"file": str(path), "bytes": size}
        text = f"{path}: {size} bytes. Keys are not included; without them the tokens cannot be read."
        self.stdout.write(json.dumps(value) if options["json"] else text)
