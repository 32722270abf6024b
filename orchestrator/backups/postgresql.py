"""Backups of PostgreSQL, made by its own programs, which support everything in a database of their version.

Only the product's own tables in its schema are saved: schemas, extensions and tables of other applications belong to
others, and the product's role may have no rights to them. pg_dump reads a single snapshot. Restoring is one transaction
of psql, so it either succeeds completely or changes nothing.
https://www.postgresql.org/docs/current/app-pgdump.html
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

from orchestrator.backups.files import LEFT_OUT, Impossible
from orchestrator.backups.tables import DISTINCTIVE, is_ours
from orchestrator.libpq import ProgramConnection, program_connection

_QUIET = ("--no-owner", "--no-privileges")
_PSQL = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1")
_ENTRY = re.compile(rf"^\d+; \d+ \d+ TABLE DATA (.+) {DISTINCTIVE} ", re.MULTILINE)
_NUMBER = re.compile(r"\d+")
_ERROR = re.compile(r"\b(?:error|fatal|panic):", re.IGNORECASE)
_ERROR_LINES = 3


def make(database: BaseDatabaseWrapper, target: Path) -> None:
    """Dump the committed data into the file `target`. Raises `Impossible`."""
    program = _program("pg_dump")
    schema = _schema(database)
    tables = _tables(database, schema)
    if DISTINCTIVE not in tables:
        raise Impossible("The database has no tables of this product. `manage.py migrate` creates them.")
    chosen = [f"--table={_qualified(schema, table)}" for table in tables if is_ours(table)]
    without_rows = [f"--exclude-table-data={_qualified(schema, table)}" for table in LEFT_OUT]
    with target.open("wb") as file:
        libpq = _connection(database)
        command = [program, *libpq.arguments, "--format=custom", *_QUIET, *chosen, *without_rows]
        done = subprocess.run(
            command, env=libpq.environment, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        raise Impossible(_error_text("pg_dump", done.stderr) + _version_hint("pg_dump", database))


def table_names(database: BaseDatabaseWrapper) -> list[str]:
    """Every table of the schema with the product's tables."""
    return _tables(database, _schema(database))


def migrations(backup: Path) -> set[tuple[str, str]]:
    """App and name of each migration in the backup; verifies that the file is readable. Raises `Impossible`."""
    _read(backup, "--file=/dev/null")
    schema = f"--schema={_schema_in(backup)}"
    rows = _read(backup, "--data-only", schema, "--table=django_migrations", "--file=-").splitlines()
    start = next((number for number, line in enumerate(rows) if line.startswith("COPY ")), None)
    if start is None:
        raise Impossible(f"{backup} is not a database of this product.")
    columns = rows[start].rpartition(" FROM stdin")[0].rpartition("(")[2].rstrip(")").split(", ")
    lines = rows[start + 1 : rows.index("\\.", start)]
    applied = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
    return {(row["app"], row["name"]) for row in applied}


def put_back(backup: Path, database: BaseDatabaseWrapper) -> None:
    """Replace the product's tables with those of the backup, in one transaction. Raises `Impossible`."""
    schema = _schema(database)
    if (schema_of_backup := _schema_in(backup)) != schema:
        raise Impossible(_other_schema(backup, schema_of_backup, schema))
    present = [table for table in _tables(database, schema) if is_ours(table)]
    libpq = _connection(database)
    database.close()
    # Only the schema's content: a backup may also contain schemas and extensions, which belong to others.
    reading = [_program("pg_restore"), *_QUIET, f"--schema={schema}", "--file=-", str(backup)]
    psql = [_program("psql"), *libpq.arguments, *_PSQL]
    pipe = subprocess.PIPE
    with subprocess.Popen(psql, env=libpq.environment, stdin=pipe, stderr=pipe) as sink:
        assert sink.stdin is not None  # noqa: S101  (a pipe)
        with suppress(BrokenPipeError):
            sink.stdin.write(b"BEGIN;\n" + _drop(schema, present))
            sink.stdin.flush()
            source = subprocess.run(reading, stdout=sink.stdin, stderr=pipe, text=True, check=False)
            # Without COMMIT, psql exits and the transaction is rolled back.
            if source.returncode == 0:
                sink.stdin.write(b"\nCOMMIT;\n")
        errors = sink.communicate()[1].decode(errors="replace")
    if sink.returncode:
        raise Impossible(_error_text("psql", errors) + _version_hint("pg_restore", database))
    if source.returncode:
        raise Impossible(_error_text("pg_restore", source.stderr))


def _schema(database: BaseDatabaseWrapper) -> str:
    """The schema with the product's tables, or the one in which it would create them. Raises `Impossible`."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(%s)), current_schema())",
            [DISTINCTIVE],
        )
        (schema,) = cursor.fetchone()
    if schema is None:
        raise Impossible("There is no schema for the tables: no schema in the search_path of this role exists.")
    return str(schema)


def _tables(database: BaseDatabaseWrapper, schema: str) -> list[str]:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY 1",
            [schema],
        )
        return [str(name) for (name,) in cursor.fetchall()]


def _schema_in(backup: Path) -> str:
    """The schema of the tables in the backup. Raises `Impossible`."""
    entry = _ENTRY.search(_read(backup, "--list"))
    if entry is None:
        raise Impossible(f"{backup} is not a database of this product.")
    return entry[1]


def _other_schema(backup: Path, schema_of_backup: str, schema: str) -> str:
    quoted = _quoted(schema_of_backup)
    return (
        f"The tables in {backup} are in the schema {quoted}, but this role creates its tables in {_quoted(schema)}. "
        f"Create that schema if it does not exist (CREATE SCHEMA {quoted} AUTHORIZATION this_role), and make it the "
        f"first one: ALTER ROLE this_role IN DATABASE this_database SET search_path = {quoted}."
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _qualified(schema: str, table: str) -> str:
    """The quoted name for SQL and for pg_dump's patterns, in which quoted characters are literal."""
    return f"{_quoted(schema)}.{_quoted(table)}"


def _drop(schema: str, tables: Sequence[str]) -> bytes:
    """One statement for all tables, which needs no CASCADE, so that it drops nothing of other applications."""
    if not tables:
        return b""
    return f"DROP TABLE {', '.join(_qualified(schema, table) for table in tables)};\n".encode()


def _read(backup: Path, *how: str) -> str:
    command = [_program("pg_restore"), *how, str(backup)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        text = _error_text("pg_restore", done.stderr)
        raise Impossible(f"{backup} is damaged, or was made by a newer version of PostgreSQL. {text}")
    return done.stdout


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Impossible(
            f"{name} is not on PATH. Install PostgreSQL's client programs in the server's version or a newer one; "
            "on Debian and Ubuntu: sudo apt install postgresql-client."
        )
    return path


def _connection(database: BaseDatabaseWrapper) -> ProgramConnection:
    try:
        return program_connection(database.settings_dict)
    except ImproperlyConfigured as error:
        raise Impossible(str(error)) from None


def _error_text(program: str, stderr: str) -> str:
    """The error message of a program, without the notices before it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"{program} failed: {' '.join(_from_the_error(lines)) or 'no message'}"


def _from_the_error(lines: Sequence[str]) -> Sequence[str]:
    start = next((number for number, line in enumerate(lines) if _ERROR.search(line)), None)
    # In other languages, the error is among the last lines.
    return lines[-_ERROR_LINES:] if start is None else lines[start : start + _ERROR_LINES]


def _version_hint(program: str, database: BaseDatabaseWrapper) -> str:
    """A hint if program and server have different major versions, which explains many errors."""
    done = subprocess.run([_program(program), "--version"], capture_output=True, text=True, check=False)
    own = _NUMBER.search(done.stdout)
    with database.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // 10_000
    if own is None or int(own[0]) == server:
        return ""
    return f" {program} has version {own[0]}, but the server has {server}: use the programs of the server's version."
