"""`manage.py dbshell`: Django's command, but psql connects as the product does, with every option of DATABASE_URL."""

import subprocess
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import dbshell
from django.db import connections

from orchestrator.libpq import program_connection


class Command(dbshell.Command):
    """Replaces Django's command, which passes on neither the options of the URL nor a host among them."""

    def handle(self, **options: Any) -> None:
        """Start the shell. Raises `CommandError`."""
        database = connections[options["database"]]
        if database.vendor != "postgresql":
            super().handle(**options)
            return
        psql = program_connection(database.settings_dict)
        try:
            process = subprocess.run(  # noqa: S603  (psql is what the command is for)
                ["psql", *psql.arguments, *options["parameters"]],  # noqa: S607  (found on PATH, as Django does)
                env=psql.environment,
                check=False,
            )
        except FileNotFoundError:
            raise CommandError("psql is not on PATH. Install PostgreSQL's client programs.") from None
        if process.returncode:
            raise CommandError(f"psql exited with code {process.returncode}.", returncode=process.returncode)
