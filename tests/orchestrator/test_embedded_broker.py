"""Commands find the broker of `make run` by VAR_DIR, talk to no other, and have names of their own in it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from orchestrator import broker_url
from orchestrator.supervisor import broker, running
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
    folder = var_dir / broker.FOLDER
    made = Broker(folder, broker.socket_path(folder))
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
    assert url == broker.url_of(tmp_path / "broker" / "broker.sock")
    assert url.startswith("redis+socket:///")


def test_an_operators_broker_goes_before_it(tmp_path: Path) -> None:
    given = {"VAR_DIR": str(tmp_path), "REDIS_URL": "redis://broker.example.com"}
    assert loaded_settings(KEYS | given)["CELERY_BROKER_URL"] == "redis://broker.example.com/0"


class TestASocketElsewhere:
    @pytest.fixture
    def var_dir(self, tmp_path: Path) -> Path:
        made = tmp_path / DEEP
        (made / broker.FOLDER).mkdir(parents=True)
        return made

    @pytest.fixture
    def elsewhere(self, var_dir: Path) -> Iterator[Path]:
        """A short private folder, noted where the broker's folder is."""
        with tempfile.TemporaryDirectory(prefix="socket-") as folder:
            (var_dir / broker.FOLDER / "socket.path").write_text(f"{folder}/broker.sock")
            yield Path(folder)

    def test_it_is_where_the_start_noted_it(self, var_dir: Path, elsewhere: Path) -> None:
        assert broker.embedded_url(var_dir) == f"redis+socket://{elsewhere}/broker.sock"

    def test_a_folder_that_others_may_enter_is_not_trusted(self, var_dir: Path, elsewhere: Path) -> None:
        elsewhere.chmod(0o755)
        assert str(elsewhere) not in broker.embedded_url(var_dir)

    def test_a_folder_that_is_gone_is_no_error(self, var_dir: Path, elsewhere: Path) -> None:
        elsewhere.rmdir()
        try:
            assert str(elsewhere) not in broker.embedded_url(var_dir)
        finally:
            elsewhere.mkdir()


class TestWhatWasChosen:
    CHOSEN = running.Running("http://127.0.0.1:8123", 8062)

    def test_commands_know_the_sandbox_and_where_links_lead(self, tmp_path: Path) -> None:
        given = KEYS | {"VAR_DIR": str(tmp_path), "AZURE_DEVOPS_SERVERS": "Own=https://own.example.com"}
        with running.noted(tmp_path, self.CHOSEN):
            settings = loaded_settings(given)
            assert (
                settings["AZURE_DEVOPS_SERVERS"]
                == "Own=https://own.example.com,Sandbox=http://127.0.0.1:8062 kind=sandbox"
            )
            assert settings["SITE_URL"] == "http://127.0.0.1:8123"
            assert loaded_settings(given | {"SITE_URL": "https://x.example.com"})["SITE_URL"] == "https://x.example.com"
        assert loaded_settings(given)["AZURE_DEVOPS_SERVERS"] == "Own=https://own.example.com"

    def test_what_a_killed_start_left_behind_means_nothing(self, tmp_path: Path) -> None:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        with running.noted(tmp_path, self.CHOSEN):
            file = tmp_path / running.FILE_NAME
            file.write_text(file.read_text().replace(str(os.getpid()), str(ended.pid)))
            assert running.read(tmp_path) is None

    @pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"pid": "x"}'])
    def test_a_file_that_cannot_be_read_means_nothing(self, content: str, tmp_path: Path) -> None:
        (tmp_path / running.FILE_NAME).write_text(content)
        assert running.read(tmp_path) is None

    def test_without_a_sandbox_none_is_added(self, tmp_path: Path) -> None:
        with running.noted(tmp_path, running.Running("http://127.0.0.1:8123", None)):
            assert "Sandbox" not in loaded_settings(KEYS | {"VAR_DIR": str(tmp_path)})["AZURE_DEVOPS_SERVERS"]
