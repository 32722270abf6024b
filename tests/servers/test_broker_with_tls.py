"""Workers, scheduler, pages and /readyz agree on a broker's certificate: none talks to one that it cannot verify."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from kombu.exceptions import OperationalError
from redis import Redis

import orchestrator.celery
from orchestrator import broker_url, embedded_broker
from tests.connections.providers.azure_devops.authority import Authority
from tests.orchestrator.installation import Installation
from tests.servers.running import Server, redis_with_tls

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "$esame/ 100%"
WITHIN = 40.0
REFUSED = "certificate verify failed"
RING = """
from core.tasks import BrokerUnavailable, enqueue
from throttling.tasks import forget_rested_counters
try:
    enqueue(forget_rested_counters)
except BrokerUnavailable as problem:
    print("nobody hears:", problem.__cause__)
else:
    print("rung")
"""
CELERY = {
    "worker": ("worker", "--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
    "scheduler": ("beat", "--pidfile", "", "--loglevel", "WARNING"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Server]:
    """A Redis with a certificate for 127.0.0.1 that only the authority of this test vouches for."""
    with redis_with_tls(authority.server_file("127.0.0.1"), authority.bundle, PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Installation:
    return Installation(f"sqlite:///{shutil.copy(migrated_file, tmp_path_factory.mktemp('product') / 'db.sqlite3')}")


@pytest.fixture
def keys(server: Server) -> Iterator[Callable[[], set[str]]]:
    """What the broker holds: nothing at first."""
    with Redis.from_url(server.url, decode_responses=True) as client:
        client.flushall()
        yield lambda: set(client.keys("*"))


def unverified(server: Server) -> str:
    return server.url.partition("?")[0]


@contextmanager
def celery(product: Installation, url: str, part: str, output: Path) -> Iterator[None]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": product.url}
    environment |= {"REDIS_URL": url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "celery", "--app", "orchestrator", *CELERY[part]]
    with (
        output.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file) as ran,
    ):
        try:
            yield
        finally:
            ran.kill()


def eventually(what: Callable[[], object], output: Path) -> None:
    deadline = monotonic() + WITHIN
    while not what():
        assert monotonic() < deadline, output.read_text()
        sleep(0.05)


@pytest.mark.parametrize("part", CELERY)
def test_worker_and_scheduler_refuse_what_they_cannot_verify(
    server: Server, product: Installation, keys: Callable[[], set[str]], part: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with celery(product, unverified(server), part, output):
        eventually(lambda: REFUSED in output.read_text(), output)
    assert keys() == set()
    assert PASSWORD not in output.read_text()


@pytest.mark.parametrize("part", CELERY)
def test_they_accept_what_the_authority_vouches_for(
    server: Server, product: Installation, keys: Callable[[], set[str]], part: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with celery(product, server.url, part, output):
        eventually(keys, output)
    assert REFUSED not in output.read_text()


def test_pages_and_readyz_refuse_and_accept_the_same(server: Server, product: Installation) -> None:
    said = {url: product.run("shell", "--verbosity", "0", "--command", RING, REDIS_URL=url) for url in both(server)}
    assert [REFUSED in said[url].out for url in both(server)] == [True, False]
    assert "rung" in said[server.url].out
    ready = [product.run("ready", "broker", REDIS_URL=url).code for url in both(server)]
    assert ready == [1, 0]


def both(server: Server) -> tuple[str, str]:
    return unverified(server), server.url


@pytest.mark.parametrize(
    ("change", "answers"),
    [
        (("?ssl_ca_certs", "?ssl_cert_reqs=none&ssl_ca_certs"), True),
        (("@127.0.0.1:", "@localhost:"), False),
        (("@127.0.0.1:", "@localhost:", "?", "?ssl_check_hostname=false&"), True),
        (("?ssl_ca_certs", "?ssl_cert_reqs=required&ssl_ca_certs"), True),
        (("rediss://", "redis://", "?", "?#"), False),
    ],
)
def test_a_name_is_verified_too_unless_the_url_says_otherwise(
    server: Server, change: tuple[str, ...], answers: bool
) -> None:
    url = server.url
    for old, new in zip(change[::2], change[1::2], strict=True):
        url = url.replace(old, new) if new != "?#" else url.partition("?")[0]
    read = broker_url.read(url)
    assert embedded_broker.answers(read) is answers
    assert by_celery(read) is answers


def by_celery(url: str) -> bool:
    with orchestrator.celery.app.connection_for_write(url) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=5)
        except OperationalError:
            return False
        return True
