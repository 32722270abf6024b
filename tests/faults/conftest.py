"""Real databases, brokers, mail servers and machines' clocks for tests that break them."""

import os
import random
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.ground import Ground, embedded, on_servers, url_of
from tests.faults.parts import manage
from tests.faults.post import PostOffice
from tests.faults.stack import Stack, Stand, standing
from tests.faults.waiting import MEASURED, measured
from tests.servers import running

_MIGRATED = "migrated"


def _migrate(url: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.faults.settings"}
    manage(environment, "manage.py", "migrate", "--verbosity", "0")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[running.Server]:
    """A PostgreSQL for this process of the test run, with a database that has the tables and nothing else."""
    with running.postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{_MIGRATED}"'.encode())
        _migrate(url_of(server, _MIGRATED))
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that has the tables and nothing else."""
    folder = tmp_path_factory.mktemp("sqlite")
    _migrate(f"sqlite:///{folder}/{_MIGRATED}")
    return folder / _MIGRATED


@pytest.fixture
def post() -> Iterator[PostOffice]:
    """A mail server that is open."""
    office = PostOffice()
    office.open()
    yield office
    office.close()


@pytest.fixture(params=["servers", "embedded"])
def ground(request: pytest.FixtureRequest) -> Ground:
    """PostgreSQL and Redis, and once more SQLite and the embedded broker."""
    found: Ground = request.getfixturevalue(f"ground_of_{request.param}")
    return found


@pytest.fixture
def ground_of_servers(postgresql: running.Server, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """PostgreSQL and Redis."""
    name = f"faults_{zlib.crc32(request.node.nodeid.encode()):x}"
    with running.redis() as redis:
        yield on_servers(postgresql, redis, name=name, migrated=_MIGRATED)


@pytest.fixture
def ground_of_embedded(migrated_file: Path, tmp_path: Path) -> Iterator[Ground]:
    """SQLite and the embedded broker."""
    with embedded(tmp_path, migrated_file) as found:
        yield found


@pytest.fixture
def stand(post: PostOffice, tmp_path: Path) -> Stand:
    """A stack on a ground: `with stand(ground, latency=0.1) as stack`."""

    def make(ground: Ground, **more: Any) -> AbstractContextManager[Stack]:
        return standing(Stack(ground, post, tmp_path, **more))

    return make


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: FAULTS_SEED chooses it, and it is printed."""
    seed = int(os.environ.get("FAULTS_SEED") or time.time())
    measured("chance", FAULTS_SEED=seed)
    return random.Random(seed)  # noqa: S311 - guards nothing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured, all of it together, whoever of the run's processes measured it."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    lines = {line: None for report in reports for line in report.capstdout.splitlines() if line.startswith(MEASURED)}
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
