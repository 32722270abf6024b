"""What the person at the terminal reads."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.supervisor.console import Console, summary

URL = "http://127.0.0.1:8000/"
LOG = "var/log/run.log"


def test_a_first_start_shows_the_password_once() -> None:
    said = summary(URL, username="admin", password="open-sesame", with_sandbox=False, log=LOG)
    assert "Open           http://127.0.0.1:8000/" in said
    assert "Password       open-sesame" in said
    assert "sandbox" not in said
    assert "Log            var/log/run.log" in said


def test_a_start_with_the_sandbox_says_what_to_try() -> None:
    lines = summary(URL, username="admin", password=None, with_sandbox=True, log=LOG).splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith("full                acme          "))
    assert lines[row + 1].startswith("    ")
    assert len(lines[row + 1].strip()) == 84
    assert any("docs/sandbox.md" in line for line in lines)


def test_a_start_with_the_sandbox_says_how_an_application_signs_in() -> None:
    lines = summary(URL, username="admin", password=None, with_sandbox=True, log=LOG).splitlines()
    application = {
        line[:20].strip(): line[20:] for line in lines if line[:20].strip() in ("tenant", "client", "secret")
    }
    assert [len(application[name]) for name in ("tenant", "client", "secret")] == [36, 36, 40]


def test_a_later_one_says_how_to_set_a_new_one() -> None:
    said = summary(URL, username="admin", password=None, with_sandbox=False, log=LOG)
    assert "Password       as set" in said
    assert "manage.py changepassword admin" in said


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The signals that this process was sent."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


def test_a_terminal_that_went_away_ends_the_process(signals: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    console = Console()
    monkeypatch.setattr("builtins.print", broken)
    console.line("up", "one")
    console.line("up", "two")
    assert signals == [signal.SIGTERM]
    assert console.gone


ROUTINE = [
    "",
    "2026-11-29T12:52:04.620119Z INFO history.sealing: WARNING is only a word here [task_id=85e1]",
    '{"event": "GET /", "level": "info", "logger": "orchestrator.requests"}',
    "15624:M 29 Nov 2026 12:52:36.364 * Ready to accept connections",
    "15624:signal-handler (1795956756) Received SIGTERM scheduling shutdown...",
]
FOR_A_PERSON = [
    "2026-11-29T12:52:04.620119Z WARNING connections.outbox: The mail server does not respond",
    "2026-11-29T12:52:04.620119Z ERROR orchestrator.requests: INFO is only a word here",
    '{"event": "the words \\"level\\": \\"info\\"", "level": "error", "logger": "x"}',
    "15624:M 29 Nov 2026 12:52:36.364 # Out of memory",
    "Traceback (most recent call last):",
]


def test_only_warnings_are_printed_and_everything_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    with console.log_to(tmp_path):
        for line in [*ROUTINE, *FOR_A_PERSON]:
            console.line("worker", line)
        console.line("sandbox", "Sandbox on http://127.0.0.1:8061", is_routine=True)
        console.line("up", "worker ended (SIGKILL); it starts again in 0.5 s")
    shown = [line.split(" | ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == [*FOR_A_PERSON, "worker ended (SIGKILL); it starts again in 0.5 s"]
    logged = (tmp_path / "log" / "run.log").read_text()
    assert all(line in logged for line in [*ROUTINE, *FOR_A_PERSON, "Sandbox on", "worker ended"])


def test_while_it_stops_only_the_supervisor_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.line("up", "stopping")
    console.is_stopping = True
    console.line("broker", "15624:M 29 Nov 2026 12:52:36.364 # Valkey is now ready to exit, bye bye...")
    console.line("up", "a last word")
    assert [line.split(" | ")[1] for line in capsys.readouterr().out.splitlines()] == ["stopping", "a last word"]
