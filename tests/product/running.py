"""The product started as a person would start it, in a copy of the checkout, and watched from outside."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from importlib.util import cache_from_source
from pathlib import Path
from threading import Condition, Thread
from time import monotonic, sleep

import requests

from orchestrator.generate_keys import MAKERS

ROOT = Path(__file__).resolve().parents[2]
STARTED = "Ctrl-C stops everything."
WITHIN = 60.0
MARK = "PRODUCT_UNDER_TEST"
# A test run has settings of its own, and may itself run under make.
_NOT_A_PERSONS = {*MAKERS, "DJANGO_SETTINGS_MODULE", "STATIC_MANIFEST", "DATABASE_URL", "REDIS_URL", "VAR_DIR"}
_PARTS = {
    "web": "gunicorn",
    "worker": "orchestrator.celery_process worker",
    "beat": "orchestrator.celery_process beat",
    "broker": "broker.sock",
    "sandbox": "-m sandbox",
    "supervisor": "manage.py up",
    "watchdog": "watchdog.py",
}


def copy_checkout(folder: Path, *, environment: Path | None = ROOT / ".venv") -> Path:
    """What git knows of and what is new, uncommitted changes included, with a link to the installed packages.

    With what Python has compiled here: otherwise all parts of a first start compile the same modules at the same time.
    """
    folder.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            _copy(ROOT / name, folder / name)
            if name.endswith(".py") and (compiled := Path(cache_from_source(str(ROOT / name)))).is_file():
                _copy(compiled, folder / compiled.relative_to(ROOT))
    if environment:
        (folder / ".venv").symlink_to(environment)
    return folder


def _copy(source: Path, target: Path) -> None:
    # With the time of the last change, by which Python knows what it compiled.
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def persons_environment(**more: str) -> dict[str, str]:
    """The variables of somebody who opened a terminal."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_A_PERSONS and not name.startswith(("MAKE", "MFLAGS", "PYTEST_"))
    }
    return kept | more


def _hear_hangups() -> None:
    # Under nohup the tests themselves ignore them, and would hand that down.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Start:
    """One start. Its lines are gathered as they come."""

    def __init__(self, folder: Path, command: Iterable[str] = ("make", "run"), **environment: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self._news = Condition()
        self._process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=persons_environment(**environment, **{MARK: str(folder)}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # As a terminal does: Ctrl-C reaches the whole group, and nobody ignores that the terminal is closed.
            start_new_session=True,
            preexec_fn=_hear_hangups,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()

    @property
    def pid(self) -> int:
        """Of the command itself."""
        return self._process.pid

    @property
    def text(self) -> str:
        """Everything it has said."""
        return "\n".join(self.lines)

    def wait_for(self, words: str) -> None:
        """Until a line has `words`; fails with everything that was said instead."""
        deadline = monotonic() + WITHIN
        with self._news:
            while not any(words in line for line in self.lines):
                ended = self._process.poll() is not None and not self._reader.is_alive()
                assert not ended, f"It ended without saying {words!r}:\n{self.text}"
                assert monotonic() < deadline, f"It did not say {words!r} within {WITHIN:g} s:\n{self.text}"
                self._news.wait(0.1)

    def up(self) -> "Start":
        """Once it serves."""
        self.wait_for(STARTED)
        return self

    def said(self, pattern: str) -> str:
        """What the first group of `pattern` matched."""
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found, f"Nothing like {pattern!r} in:\n{self.text}"
        return found[1]

    @property
    def url(self) -> str:
        """Where to open it, without the slash at the end."""
        return self.said(r"^Open +(http://\S+)/$")

    def end(self) -> int:
        """The exit code, once it and its output have ended."""
        code = self._process.wait(WITHIN)
        self._reader.join(WITHIN)
        return code

    def ctrl_c(self) -> int:
        """As the terminal sends it."""
        os.killpg(self.pid, signal.SIGINT)
        return self.end()

    def close(self) -> None:
        """Leave nothing to the next test, whatever happened."""
        self._process.kill()
        self._process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._reader.join(WITHIN)
        assert self._process.stdout
        self._process.stdout.close()

    def processes(self) -> dict[int, str]:
        """Every process that runs in the folder or carries the start's mark, with its command line."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                # The broker writes its title over its environment, but it stays in the folder.
                here = (entry / "cwd").readlink().is_relative_to(self.folder)
                marked = f"{MARK}={self.folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            # A process that has ended and was not yet asked for its exit code has no command line.
            if command and (here or marked):
                found[int(entry.name)] = command
        return found

    def pids_of(self, part: str) -> list[int]:
        """Of one of the parts, the oldest process first."""
        return sorted((pid for pid, command in self.processes().items() if _PARTS[part] in command), key=_started_at)


def _started_at(pid: int) -> int:
    """In ticks since the machine was started. Numbers of processes begin anew where they have reached their limit."""
    try:
        # The name before it, in brackets, may hold blanks.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0


def is_ready(start: Start) -> bool:
    """Whether every part says that it works."""
    return requests.get(f"{start.url}/readyz", timeout=20).json()["ready"] is True


def eventually(what: Callable[[], object], message: str, within: float = WITHIN) -> None:
    """Until `what()` is true. Fails with the message."""
    deadline = monotonic() + within
    while not what():
        assert monotonic() < deadline, message
        sleep(0.05)


def finished(
    folder: Path, command: Iterable[str], environment: Mapping[str, str], *, given: str = ""
) -> tuple[int, str]:
    """Exit code and output of something that ends by itself, with `given` on its standard input."""
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=dict(environment),
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    return done.returncode, done.stdout
