"""`python -m sandbox`, as `make run` and benchmarks start it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from sandbox.samples import secret
from sandbox.scale import bench_name
from tests.needs import need

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a sandbox in a process of its own; returns the process and the address that it printed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "sandbox", "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip().removeprefix("Sandbox on ")

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def ask(address: str, path: str, token: str = "full", **params: str) -> requests.Response:
    return requests.get(address + path, auth=("", secret(token)), params=params, timeout=10)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_says_nothing_else(start: Start, how: signal.Signals) -> None:
    process, address = start()
    assert ask(address, "/acme/_apis/projects").json()["count"] == 100
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_plays_what_it_is_told_to(start: Start) -> None:
    _, address = start("--server", "2019", "--path", "tfs", "--organizations", "3", "--projects", "4")
    assert address.endswith("/tfs")
    assert ask(address, "/DefaultCollection/_apis/projects", **{"api-version": "6.0"}).status_code == 400
    assert ask(address, "/bench-002/_apis/projects", token=bench_name(2)).json()["count"] == 4
    assert ask(address, "/bench-003/_apis/projects").status_code == 404


def test_an_idle_sandbox_does_nothing_at_all(start: Start) -> None:
    process, address = start()
    need(found=Path("/proc/self/status").exists(), lacking="/proc", remedy="run the tests on Linux")
    ask(address, "/acme/_apis/projects")
    status = Path(f"/proc/{process.pid}/status")

    def wakings() -> str:
        return next(line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))

    time.sleep(0.2)
    before = wakings()
    time.sleep(0.5)
    assert wakings() == before


def test_a_port_that_is_taken_is_said(start: Start) -> None:
    _, address = start()
    taken = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", address.rsplit(":", 1)[1]],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert taken.returncode != 0
    assert "Address already in use" in taken.stderr
