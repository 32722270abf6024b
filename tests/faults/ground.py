"""What a stack stands on: a fresh database and a broker, either real servers or the embedded default."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from orchestrator import embedded_broker
from tests.servers.running import Server, running

FILE = "db.sqlite3"
# Transactions that have changed places in runs and wait to append to the history.
_HALF_WRITTEN = """
    pg_locks AS waiting JOIN pg_locks AS held USING (pid)
    WHERE NOT waiting.granted AND waiting.relation = 'history_event'::regclass
      AND held.granted AND held.relation = 'connections_auditedconnection'::regclass AND held.mode = 'RowExclusiveLock'
"""


@dataclass
class Ground:
    """`broker` can be stopped and started; `database` too where it is a server. SQLite's file is `file`."""

    name: str
    database_url: str
    broker: Server
    database: Server | None = None
    file: Path | None = None

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows as the database itself has them, past the product's code. Values stand where `%s` is."""
        if self.file is None:
            with psycopg.connect(self.database_url, autocommit=True) as server:
                return list(server.execute(question.encode(), values).fetchall())
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20)) as file:
            return list(file.execute(question.replace("%s", "?"), values).fetchall())

    @contextmanager
    def batches_held(self) -> Iterator[Callable[[], bool]]:
        """Hold up whoever writes audits, until the end of the block; yields whether a batch waits.

        On PostgreSQL it then has changed connections and not committed. SQLite lets one transaction in after another,
        so there it has not begun to write.
        """
        if self.file is None:
            with psycopg.connect(self.database_url) as server:
                server.execute("LOCK TABLE history_event IN SHARE MODE")
                yield lambda: bool(self.count(_HALF_WRITTEN))
                server.rollback()
            return
        with closing(sqlite3.connect(self.file, timeout=20, isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            yield lambda: True
            file.execute("ROLLBACK")

    def count(self, question: str, *values: Any) -> int:
        """How many rows there are: `count("connections_mail WHERE sent_at IS NULL")`."""
        ((number,),) = self.ask(f"SELECT count(*) FROM {question}", *values)  # noqa: S608 - a test's own question
        return int(number)


@contextmanager
def embedded(folder: Path, migrated: Path) -> Iterator[Ground]:
    """SQLite, as a copy of `migrated`, and the embedded Valkey on its private socket, as `make run` has them."""
    file = folder / FILE
    shutil.copy(migrated, file)
    command, url = embedded_broker.command(folder), embedded_broker.url(folder)
    server = Server(url, command, lambda: embedded_broker.answers(url))
    with running(server):
        yield Ground("embedded", f"sqlite:///{file}", server, file=file)


def on_servers(database: Server, redis: Server, *, name: str, migrated: str) -> Ground:
    """A database `name` in a PostgreSQL that runs, as a copy of the one called `migrated`, and a Redis."""
    with psycopg.connect(database.url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated}"'.encode())
    return Ground("servers", url_of(database, name), redis, database)


def url_of(database: Server, name: str) -> str:
    """DATABASE_URL of one of a server's databases."""
    return database.url.rpartition("/")[0] + "/" + name
