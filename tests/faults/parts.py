"""The product's processes, as an operator starts them, each with its log, to be killed and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import parent_death
from tests.faults.waiting import until

ROOT = Path(__file__).resolve().parents[2]
STOPS_WITHIN = 30.0


@dataclass
class Part:
    """One process. A new life of it goes on in the same log."""

    name: str
    command: Iterable[str]
    environment: Mapping[str, str]
    log: Path
    ready_words: str = ""
    hands_over: tuple[int, ...] = ()
    lives: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _began_at: int = field(default=0, init=False)

    def start(self) -> None:
        """Does not wait for it."""
        assert not self.lives or not self.runs, f"{self.name} runs already"
        self._began_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # A test run that is killed leaves nothing behind.
                [sys.executable, "-I", "-S", parent_death.__file__, str(os.getpid()), *self.command],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self.hands_over,
                start_new_session=True,
            )
        self.lives += 1

    @property
    def pid(self) -> int:
        """Of the present life."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`, and nothing else. Returns when it is gone."""
        self._end(signal.SIGKILL)

    def kill_children(self) -> None:
        """`kill -9` of the processes that it forked and that do its work; it forks others by itself."""
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def stop(self) -> None:
        """In good order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            if number is not signal.SIGKILL:
                raise
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def said(self) -> str:
        """Its whole log, of all its lives."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def says_in_this_life(self) -> str:
        """The log since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._began_at)
            return log.read().decode(errors="replace")

    def await_ready(self, within: float = 60.0) -> None:
        """Until its log has the words that say so."""

        def is_ready() -> bool:
            assert self.runs, f"{self.name} ended: {self.said()[-3000:]}"
            return self.ready_words in self.says_in_this_life()

        until(is_ready, within=within, saying=f"{self.name} is ready", every=0.05)


def manage(environment: Mapping[str, str], *arguments: str, **more: Any) -> str:
    """Run a program of the project to its end, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **more,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return str(done.stdout)
