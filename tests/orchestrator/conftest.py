"""A real broker: the one of the wheel, on a private socket."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from orchestrator import embedded_broker


class Broker:
    """A Valkey server that a test may stop and start."""

    def __init__(self, var_dir: Path) -> None:
        self._command = embedded_broker.command(var_dir)
        self.url = embedded_broker.url(var_dir)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = monotonic() + 60
        while not embedded_broker.answers(self.url):
            assert monotonic() < deadline, "the broker did not answer within 60 s"
            sleep(0.01)

    def stop(self) -> None:
        """At once, as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def running_broker() -> Iterator[Broker]:
    """A broker that answers. Not below pytest's own folder, whose path is too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="broker-") as folder:
        one = Broker(Path(folder))
        one.start()
        yield one
        one.stop()
