"""Real PostgreSQL and Redis servers for a test run, on free ports, gone afterwards."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

import psycopg
from redis import Redis, RedisError

from orchestrator.free_ports import HOST, free_near
from tests.needs import need

READY_WITHIN = 30.0


@dataclass
class Server:
    """A server at `url` that can be stopped and started again where it was."""

    url: str
    command: list[str]
    answers: Callable[[], bool]
    cwd: str | None = None
    user: str | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Returns when it answers."""
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self.command, cwd=self.cwd, user=self.user, stdin=nothing, stdout=nothing, stderr=nothing
        )
        deadline = monotonic() + READY_WITHIN
        while not self.answers():
            assert self._process.poll() is None, f"{self.command[0]} ended with {self._process.returncode}"
            assert monotonic() < deadline, f"{self.command[0]} did not answer within {READY_WITHIN} s"
            sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Returns when it is gone. To PostgreSQL, SIGINT means: do not wait for clients."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=READY_WITHIN)
            self._process = None


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start it, and stop it in whatever state it is then."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def redis() -> Iterator[Server]:
    """A Redis that keeps nothing."""
    program = shutil.which("redis-server")
    need(found=bool(program), lacking="Redis", remedy="apt-get install redis-server")
    port = free_near(0)
    url = f"redis://{HOST}:{port}/0"
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        options = ["--bind", HOST, "--port", str(port), "--save", "", "--dir", folder]
        with running(Server(url, [str(program), *options], lambda: redis_answers(url))) as server:
            yield server


@contextmanager
def redis_with_tls(certificate: str, authority: str, password: str) -> Iterator[Server]:
    """A Redis that speaks TLS alone, as user `default` with this password. `url` verifies it by `authority`."""
    program = shutil.which("redis-server")
    need(found=bool(program), lacking="Redis", remedy="apt-get install redis-server")
    port = free_near(0)
    url = f"rediss://default:{quote(password, safe='')}@{HOST}:{port}/0?ssl_ca_certs={quote(authority)}"
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        tls = {"port": "0", "tls-port": str(port), "tls-auth-clients": "no", "tls-ca-cert-file": authority}
        tls |= {"tls-cert-file": certificate, "tls-key-file": certificate, "bind": HOST, "requirepass": password}
        options = [word for name, value in (tls | {"save": "", "dir": folder}).items() for word in (f"--{name}", value)]
        with running(Server(url, [str(program), *options], lambda: redis_answers(url))) as server:
            yield server


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL that holds nothing yet. Root may not run it, so root hands it to the user `postgres`."""
    programs = postgresql_programs()
    remedy = "apt-get install postgresql, or set POSTGRESQL_BIN to the folder of its programs"
    need(found=programs is not None, lacking="PostgreSQL", remedy=remedy)
    assert programs is not None
    user = database_user()
    need(found=user is not None, lacking="The user postgres", remedy="apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        give(folder, str(user))
        data = f"{folder}/data"
        layout = ["--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "--pgdata", data, *layout], check=True, capture_output=True, cwd=folder, user=user
        )
        port = free_near(0)
        # What is committed outlives a killed server, and need not outlive a killed machine.
        swift = [f"-c{name}=off" for name in ("fsync", "full_page_writes")]
        command = [str(programs / "postgres"), "-D", data, "-p", str(port), "-h", HOST, "-k", folder, *swift]
        url = f"postgres://postgres@{HOST}:{port}/postgres"
        with running(Server(url, command, lambda: _postgresql_answers(url), cwd=folder, user=user)) as server:
            yield server


def redis_answers(url: str) -> bool:
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


def postgresql_programs() -> Path | None:
    """Where POSTGRESQL_BIN says; else Debian's folder, one for each version and off PATH; else on PATH."""
    if told := os.environ.get("POSTGRESQL_BIN"):
        return Path(told) if Path(told, "initdb").is_file() else None
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))  # noqa: PTH207 - sorted() of texts
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def database_user() -> str | None:
    me = pwd.getpwuid(os.getuid()).pw_name
    if me != "root":
        return me
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else None


def give(folder: str, user: str) -> None:
    if os.getuid() == 0:
        shutil.chown(folder, user)
