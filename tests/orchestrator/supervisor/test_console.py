"""What the person at the terminal reads."""

import signal
from collections.abc import Iterator

import pytest

from orchestrator.supervisor.console import Console, summary

URL = "http://127.0.0.1:8000/"


def test_a_first_start_shows_the_password_once() -> None:
    said = summary(URL, username="admin", password="open-sesame", with_sandbox=False)
    assert "Open           http://127.0.0.1:8000/" in said
    assert "Password       open-sesame" in said
    assert "sandbox" not in said


def test_a_start_with_the_sandbox_says_what_to_try() -> None:
    lines = summary(URL, username="admin", password=None, with_sandbox=True).splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith("full                acme          "))
    assert lines[row + 1].startswith("    ")
    assert len(lines[row + 1].strip()) == 84
    assert any("docs/sandbox.md" in line for line in lines)


def test_a_later_one_says_how_to_set_a_new_one() -> None:
    said = summary(URL, username="admin", password=None, with_sandbox=False)
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
