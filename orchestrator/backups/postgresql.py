"""PostgreSQL: by its own programs, which alone know everything that a database of their version can hold.

pg_dump reads in one snapshot. The way back is one transaction of psql, so that it is done wholly or not at all.
https://www.postgresql.org/docs/current/app-pgdump.html
"""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from orchestrator.backups.files import LEFT_OUT, Impossible
from orchestrator.libpq import ProgramConnection, program_connection

_QUIET = ("--no-owner", "--no-privileges")


def make(settings: dict[str, Any], target: Path) -> None:
    """Dump what is committed now into the file `target`. Raises `Impossible`."""
    without_rows = [f"--exclude-table-data={table}" for table in LEFT_OUT]
    with target.open("wb") as file:
        database = _connection(settings)
        command = [_program("pg_dump"), *database.arguments, "--format=custom", *_QUIET, *without_rows]
        done = subprocess.run(
            command, env=database.environment, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        raise Impossible(_words("pg_dump", done.stderr))


def migrations(backup: Path) -> set[tuple[str, str]]:
    """App and name of each migration in it; proves that the file can be read to its end. Raises `Impossible`."""
    _read(backup, "--file=/dev/null")
    rows = _read(backup, "--data-only", "--table=django_migrations", "--file=-").splitlines()
    start = next((number for number, line in enumerate(rows) if line.startswith("COPY ")), None)
    if start is None:
        raise Impossible(f"{backup} is a database of something else.")
    columns = rows[start].partition("(")[2].partition(")")[0].split(", ")
    found = set()
    for line in rows[start + 1 : rows.index("\\.", start)]:
        row = dict(zip(columns, line.split("\t"), strict=True))
        found.add((row["app"], row["name"]))
    return found


def put_back(backup: Path, settings: dict[str, Any], *, instead_of: Sequence[str]) -> None:
    """Replace the tables `instead_of` by what is in the backup, in one transaction. Raises `Impossible`."""
    reading = [_program("pg_restore"), *_QUIET, "--clean", "--if-exists", "--file=-", str(backup)]
    database = _connection(settings)
    psql = [
        _program("psql"),
        *database.arguments,
        "--no-psqlrc",
        "--quiet",
        "--output=/dev/null",
        "--set=ON_ERROR_STOP=1",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(psql, env=database.environment, stdin=pipe, stderr=pipe) as sink:
        assert sink.stdin is not None  # noqa: S101  (a pipe)
        with suppress(BrokenPipeError):
            sink.stdin.write(b"BEGIN;\n" + b"".join(_drop(table) for table in instead_of))
            sink.stdin.flush()
            source = subprocess.run(reading, stdout=sink.stdin, stderr=pipe, text=True, check=False)
            # Without the last word psql ends, and the database is as it was.
            if source.returncode == 0:
                sink.stdin.write(b"\nCOMMIT;\n")
        said = sink.communicate()[1].decode(errors="replace")
    if sink.returncode:
        raise Impossible(_words("psql", said))
    if source.returncode:
        raise Impossible(_words("pg_restore", source.stderr))


def _drop(table: str) -> bytes:
    quoted = table.replace('"', '""')
    return f'DROP TABLE IF EXISTS "{quoted}" CASCADE;\n'.encode()


def _read(backup: Path, *how: str) -> str:
    command = [_program("pg_restore"), *how, str(backup)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(f"{backup} is damaged, or of a newer PostgreSQL. {_words('pg_restore', done.stderr)}")
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Impossible(
            f"{name} is not on PATH. Install PostgreSQL's client programs, of the server's version or newer; "
            "on Debian and Ubuntu: sudo apt install postgresql-client."
        )
    return found


def _connection(settings: dict[str, Any]) -> ProgramConnection:
    try:
        return program_connection(settings)
    except ImproperlyConfigured as problem:
        raise Impossible(str(problem)) from None


def _words(program: str, said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return f"{program} says: {' '.join(lines[:3]) or 'nothing'}"
