"""The real servers as fixtures, started once for each process of a test run that wants them."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests import migrated
from tests.servers import running

_MIGRATED = "migrated"


def execute(url: str, *statements: str, **names: str) -> None:
    """Each statement by itself, on the database at `url`. `names` stand, quoted, where a statement has `{name}`."""
    quoted = {name: Identifier(value) for name, value in names.items()}
    with psycopg.connect(url, autocommit=True) as database:
        for statement in statements:
            database.execute(SQL(statement).format(**quoted))


def named(url: str, name: str) -> str:
    """DATABASE_URL of another database of the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """DATABASE_URL of a real PostgreSQL."""
    with running.postgresql() as server:
        yield server.url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> str:
    """The name of a database of that server which has the tables and nothing else. Tests work on copies."""
    execute(postgresql_url, f"CREATE DATABASE {_MIGRATED}")
    migrated.migrate(named(postgresql_url, _MIGRATED))
    return _MIGRATED


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """REDIS_URL of a real Redis."""
    with running.redis() as server:
        yield server.url
