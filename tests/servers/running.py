"""Real PostgreSQL and Redis servers for a test run, on free ports, gone afterwards."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psycopg
from redis import Redis, RedisError

from orchestrator.supervisor.ports import HOST, free_near
from tests.needs import need

READY_WITHIN = 30.0


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis that keeps nothing."""
    program = shutil.which("redis-server")
    need(found=bool(program), lacking="Redis", remedy="apt-get install redis-server")
    port = free_near(0)
    url = f"redis://{HOST}:{port}/0"
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        options = ["--bind", HOST, "--port", str(port), "--save", "", "--dir", folder]
        with _server([str(program), *options], until=lambda: _redis_answers(url)):
            yield url


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL. Root may not run it, so root hands it to the user `postgres`."""
    programs = _postgresql_programs()
    remedy = "apt-get install postgresql, or set POSTGRESQL_BIN to the folder of its programs"
    need(found=programs is not None, lacking="PostgreSQL", remedy=remedy)
    assert programs is not None
    user = _database_user()
    need(found=user is not None, lacking="The user postgres", remedy="apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        _give(folder, str(user))
        data = f"{folder}/data"
        layout = ["--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "--pgdata", data, *layout], check=True, capture_output=True, cwd=folder, user=user
        )
        port = free_near(0)
        swift = [f"-c{name}=off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
        server = [str(programs / "postgres"), "-D", data, "-p", str(port), "-h", HOST, "-k", folder, *swift]
        url = f"postgres://postgres@{HOST}:{port}/postgres"
        with _server(server, until=lambda: _postgresql_answers(url), cwd=folder, user=user):
            yield url


@contextmanager
def _server(
    command: list[str], *, until: Callable[[], bool], cwd: str | None = None, user: str | None = None
) -> Iterator[None]:
    process = subprocess.Popen(
        command, cwd=cwd, user=user, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = monotonic() + READY_WITHIN
        while not until():
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert monotonic() < deadline, f"{command[0]} did not answer within {READY_WITHIN} s"
            sleep(0.02)
        yield
    finally:
        # To PostgreSQL this means: do not wait for clients.
        process.send_signal(2)
        process.wait(timeout=READY_WITHIN)


def _redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _postgresql_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _postgresql_programs() -> Path | None:
    """Where POSTGRESQL_BIN says; else Debian's folder, one for each version and off PATH; else on PATH."""
    if told := os.environ.get("POSTGRESQL_BIN"):
        return Path(told) if Path(told, "initdb").is_file() else None
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))  # noqa: PTH207 - sorted() of texts
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def _database_user() -> str | None:
    me = pwd.getpwuid(os.getuid()).pw_name
    if me != "root":
        return me
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else None


def _give(folder: str, user: str) -> None:
    if os.getuid() == 0:
        shutil.chown(folder, user)
