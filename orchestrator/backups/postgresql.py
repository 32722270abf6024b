"""PostgreSQL: by its own programs, which alone know everything that a database of their version can hold.

Only the product's own tables, in the schema in which it finds them: schemas, extensions and other applications' tables
belong to others, and the product's role may have no rights to them. pg_dump reads in one snapshot. The way back is one
transaction of psql, so that it is done wholly or not at all.
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
_WORDS_LINES = 3


def make(database: BaseDatabaseWrapper, target: Path) -> None:
    """Dump what is committed now into the file `target`. Raises `Impossible`."""
    program = _program("pg_dump")
    schema = _schema(database)
    tables = _tables(database, schema)
    if DISTINCTIVE not in tables:
        raise Impossible("The database has no tables of this product. `manage.py migrate` makes them.")
    chosen = [f"--table={_qualified(schema, table)}" for table in tables if is_ours(table)]
    without_rows = [f"--exclude-table-data={_qualified(schema, table)}" for table in LEFT_OUT]
    with target.open("wb") as file:
        libpq = _connection(database)
        command = [program, *libpq.arguments, "--format=custom", *_QUIET, *chosen, *without_rows]
        done = subprocess.run(
            command, env=libpq.environment, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        raise Impossible(_words("pg_dump", done.stderr) + _other_version("pg_dump", database))


def table_names(database: BaseDatabaseWrapper) -> list[str]:
    """Every table of the schema in which the product keeps its own; of no other schema."""
    return _tables(database, _schema(database))


def migrations(backup: Path) -> set[tuple[str, str]]:
    """App and name of each migration in it; proves that the file can be read to its end. Raises `Impossible`."""
    _read(backup, "--file=/dev/null")
    schema = f"--schema={_schema_in(backup)}"
    rows = _read(backup, "--data-only", schema, "--table=django_migrations", "--file=-").splitlines()
    start = next((number for number, line in enumerate(rows) if line.startswith("COPY ")), None)
    if start is None:
        raise Impossible(f"{backup} is a database of something else.")
    columns = rows[start].rpartition(" FROM stdin")[0].rpartition("(")[2].rstrip(")").split(", ")
    found = set()
    for line in rows[start + 1 : rows.index("\\.", start)]:
        row = dict(zip(columns, line.split("\t"), strict=True))
        found.add((row["app"], row["name"]))
    return found


def put_back(backup: Path, database: BaseDatabaseWrapper) -> None:
    """Replace the product's tables by what is in the backup, in one transaction. Raises `Impossible`."""
    schema = _schema(database)
    if (kept := _schema_in(backup)) != schema:
        raise Impossible(_other_schema(backup, kept, schema))
    present = [table for table in _tables(database, schema) if is_ours(table)]
    libpq = _connection(database)
    database.close()
    # Only what lies in the schema: a backup may also hold schemas and extensions, which belong to others.
    reading = [_program("pg_restore"), *_QUIET, f"--schema={schema}", "--file=-", str(backup)]
    psql = [_program("psql"), *libpq.arguments, *_PSQL]
    pipe = subprocess.PIPE
    with subprocess.Popen(psql, env=libpq.environment, stdin=pipe, stderr=pipe) as sink:
        assert sink.stdin is not None  # noqa: S101  (a pipe)
        with suppress(BrokenPipeError):
            sink.stdin.write(b"BEGIN;\n" + _drop(schema, present))
            sink.stdin.flush()
            source = subprocess.run(reading, stdout=sink.stdin, stderr=pipe, text=True, check=False)
            # Without the last word psql ends, and the database is as it was.
            if source.returncode == 0:
                sink.stdin.write(b"\nCOMMIT;\n")
        said = sink.communicate()[1].decode(errors="replace")
    if sink.returncode:
        raise Impossible(_words("psql", said) + _other_version("pg_restore", database))
    if source.returncode:
        raise Impossible(_words("pg_restore", source.stderr))


def _schema(database: BaseDatabaseWrapper) -> str:
    """Where the product's tables are; without any, where it would make them. Raises `Impossible`."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(%s)), current_schema())",
            [DISTINCTIVE],
        )
        (schema,) = cursor.fetchone()
    if schema is None:
        raise Impossible("There is no schema for the tables: the search_path of this role names none that exists.")
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
    """The schema that the backup's tables are in. Raises `Impossible`."""
    entry = _ENTRY.search(_read(backup, "--list"))
    if entry is None:
        raise Impossible(f"{backup} is a database of something else.")
    return entry[1]


def _other_schema(backup: Path, kept: str, schema: str) -> str:
    path = _quoted(kept)
    return (
        f"The tables in {backup} are of the schema {path}, and this role makes its tables in {_quoted(schema)}. "
        f"Make that schema when it does not exist (CREATE SCHEMA {path} AUTHORIZATION this_role), and put it first: "
        f"ALTER ROLE this_role IN DATABASE this_database SET search_path = {path}."
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _qualified(schema: str, table: str) -> str:
    """As SQL wants it, and as pg_dump's patterns do: in quotes nothing stands for anything else."""
    return f"{_quoted(schema)}.{_quoted(table)}"


def _drop(schema: str, tables: Sequence[str]) -> bytes:
    """All in one sentence, which needs no CASCADE: nothing of others goes with them."""
    if not tables:
        return b""
    return f"DROP TABLE {', '.join(_qualified(schema, table) for table in tables)};\n".encode()


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


def _connection(database: BaseDatabaseWrapper) -> ProgramConnection:
    try:
        return program_connection(database.settings_dict)
    except ImproperlyConfigured as problem:
        raise Impossible(str(problem)) from None


def _words(program: str, said: str) -> str:
    """What went wrong, without the notices before it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"{program} says: {' '.join(_from_the_error(lines)) or 'nothing'}"


def _from_the_error(lines: Sequence[str]) -> Sequence[str]:
    start = next((number for number, line in enumerate(lines) if _ERROR.search(line)), None)
    # In another language the error is among the last lines.
    return lines[-_WORDS_LINES:] if start is None else lines[start : start + _WORDS_LINES]


def _other_version(program: str, database: BaseDatabaseWrapper) -> str:
    """A sentence more when program and server are of different major versions, which explains many errors."""
    done = subprocess.run([_program(program), "--version"], capture_output=True, text=True, check=False)
    own = _NUMBER.search(done.stdout)
    with database.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // 10_000
    if own is None or int(own[0]) == server:
        return ""
    return f" {program} is of version {own[0]} and the server of {server}: use the programs of the server's version."
