"""The same command with PostgreSQL and Redis in place of what comes along."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from tests.product.running import Start, copy_checkout, eventually, finished, is_ready, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
CLOSED = "redis://:secret-word@127.0.0.1:1/0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("servers") / "checkout")


@pytest.fixture(scope="module")
def start(folder: Path, postgresql_url: str, redis_url: str) -> Iterator[Start]:
    start = Start(folder, DATABASE_URL=postgresql_url, REDIS_URL=redis_url, SANDBOX="0")
    try:
        yield start.up()
    finally:
        start.close()


def test_it_works_and_starts_no_broker_and_no_database_file(start: Start, folder: Path) -> None:
    eventually(lambda: is_ready(start), "clock or worker left no sign of life")
    assert start.pids_of("broker") == []
    assert not list((folder / "var").rglob("*.sqlite3"))


def test_what_it_keeps_is_in_postgresql_and_what_it_rings_goes_through_redis(
    start: Start, postgresql_url: str, redis_url: str
) -> None:
    with psycopg.connect(postgresql_url) as database:
        assert database.execute("SELECT count(*) FROM orchestrator_heartbeat").fetchone() == (2,)
    with Redis.from_url(redis_url) as broker:
        assert broker.exists("mfe-orchestrator:_kombu.binding.mfe-orchestrator")


def test_ctrl_c_ends_the_product_and_not_the_servers(start: Start, postgresql_url: str, redis_url: str) -> None:
    start.ctrl_c()
    assert start.processes() == {}
    psycopg.connect(postgresql_url).close()
    with Redis.from_url(redis_url) as broker:
        assert broker.ping()


def test_a_broker_that_does_not_answer_is_said_without_its_password(folder: Path) -> None:
    code, said = finished(folder, ["make", "run"], persons_environment(REDIS_URL=CLOSED))
    assert code != 0
    assert "No broker answers at redis://127.0.0.1:1/0 (REDIS_URL)." in said
    assert "secret-word" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("DATABASE_URL", "postgres://somebody:secret-word@127.0.0.1:1/nothing", "The database cannot be used:"),
        ("FIELD_ENCRYPTION_KEYS", "secret-word", "FIELD_ENCRYPTION_KEYS is not base64 of at least 32 random bytes."),
    ],
)
def test_what_the_web_cannot_work_with_is_said_once_and_nothing_is_left(
    folder: Path, setting: str, value: str, sentence: str
) -> None:
    start = Start(folder, SANDBOX="0", **{setting: value})
    try:
        assert start.end() != 0
        assert start.text.count(sentence) == 1
        for words in ("secret-word", "Traceback", "starts again"):
            assert words not in start.text
        assert start.processes() == {}
    finally:
        start.close()
