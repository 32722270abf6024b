"""Rows 10 and 13: a warm `make run` to its first page, and the whole of it doing nothing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import requests

from benchmarks.place import ROOT, cpu_seconds, memory
from benchmarks.result import Measured
from orchestrator.free_ports import free_near
from orchestrator.generate_keys import MAKERS

PATIENCE = 120.0


def measure(*, short: bool) -> Iterator[Measured]:
    """Each start is warm: everything was installed, created and migrated before."""
    times = 1 if short else 3
    with TemporaryDirectory(prefix="bench-start-") as folder:
        bare = _bare(Path(folder))
        floor = min(_first_page(bare, "/admin/login/") for _ in range(times))
        product = _product(Path(folder) / "var")
        _first_page(product, "/sign-in/")
        ours = min(_first_page(product, "/sign-in/") for _ in range(times))
        facts = {"bare runserver": floor, "make run": ours}
        yield Measured(
            10, "warm make run to the first page", "a bare project's runserver", ours / floor, 3.0, facts=facts
        )
        yield from _idle(product, minute=5.0 if short else 60.0)


Started = Callable[[int], "subprocess.Popen[bytes]"]


def _bare(folder: Path) -> Started:
    clean = _without("DJANGO_SETTINGS_MODULE")
    manage = [sys.executable, "manage.py"]
    for command in ([sys.executable, "-m", "django", "startproject", "bare", "."], [*manage, "migrate", "-v", "0"]):
        subprocess.run(command, cwd=folder, env=clean, check=True)
    return lambda port: _started([*manage, "runserver", "--noreload", str(port)], folder, clean)


def _product(var: Path) -> Started:
    clean = _without(*MAKERS, "DATABASE_URL", "REDIS_URL", "STATIC_MANIFEST", "DJANGO_SETTINGS_MODULE", "LOG_LEVEL")
    more = {"VAR_DIR": str(var), "SANDBOX_PORT": str(free_near(8790))}
    return lambda port: _started(["make", "--silent", "run"], ROOT, clean | more | {"WEB_PORT": str(port)})


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in names}


def _started(command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )


@contextmanager
def _up(start: Started, path: str) -> Iterator[tuple[int, float]]:
    """The process id, and how long it took until `path` answered."""
    port, begun = free_near(8780), monotonic()
    process = start(port)
    try:
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            assert monotonic() < begun + PATIENCE, "It did not answer."
            sleep(0.02)
        yield process.pid, monotonic() - begun
    finally:
        process.terminate()
        for pid in _family(process.pid):
            os.kill(pid, 15)
        process.wait()
        while _family(process.pid):
            sleep(0.05)


def _first_page(start: Started, path: str) -> float:
    with _up(start, path) as (_, took):
        return took


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=20).status_code == 200
    except requests.ConnectionError:
        return False


def _family(session: int) -> list[int]:
    """Every process of the session that was started, the make that began it included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _idle(product: Started, *, minute: float) -> Iterator[Measured]:
    with _up(product, "/sign-in/") as (pid, _):
        # Wait until background work after the start has finished.
        sleep(minute / 3)
        everyone = _everyone(pid)
        before = sum(map(cpu_seconds, everyone))
        sleep(minute)
        spent = sum(map(cpu_seconds, everyone)) - before
        size = sum(map(memory, everyone))
    work = f"idle: the whole of make run for {minute:g} s"
    yield Measured(13, f"{work}: processor time", "", 100 * spent / minute, 1.0, unit="% of one core")
    yield Measured(13, f"{work}: memory", "", size, 300.0, unit="MB", facts={"processes": len(everyone)})


def _everyone(pid: int) -> list[int]:
    """The processes below `pid`: the parts have sessions of their own."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(one := left.pop())
        left += parents.get(one, [])
    return found
