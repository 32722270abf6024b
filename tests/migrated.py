"""Databases with the tables and nothing else, made once and copied, because to migrate takes seconds."""

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from tests.orchestrator.installation import Installation


def copy_to(path: Path) -> None:
    """Write the test database to a file, if it is one of SQLite. Where no test uses one, there is none."""
    connection = connections["default"]
    if isinstance(connection, DatabaseWrapper) and connection.is_in_memory_db():
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as file:
            connection.connection.backup(file)


def made(path: Path) -> Path:
    """The same file. Where the test database is another one, the file is migrated now."""
    if not path.exists():
        migrate(f"sqlite:///{path}")
    return path


def migrate(url: str) -> None:
    """Make the tables of a database that has none, in a process of its own."""
    ended = Installation(url).run("migrate", "--verbosity", "0")
    assert ended.code == 0, ended.err
