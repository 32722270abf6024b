"""The supervisor's rules, one by one; tests/product shows them at work."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from orchestrator.supervisor.console import Console
from orchestrator.supervisor.process_manager import FIRST_PAUSE, LONGEST_PAUSE, ProcessManager, exit_reason, next_pause
from orchestrator.supervisor.process_specs import ProcessSpec
from tests.orchestrator.supervisor.processes import wait_until_gone


class TestPauses:
    def test_the_first_failure_costs_half_a_second(self) -> None:
        assert next_pause(None, ran=0.1) == FIRST_PAUSE == 0.5

    def test_each_further_one_twice_as_long_up_to_half_a_minute(self) -> None:
        pause: float | None = None
        pauses = [pause := next_pause(pause, ran=1.0) for _ in range(8)]
        assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, LONGEST_PAUSE]

    def test_a_process_that_ran_for_a_minute_starts_from_the_first_again(self) -> None:
        assert next_pause(16.0, ran=60.0) == FIRST_PAUSE


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "SIGKILL"), (-200, "signal 200")]
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert exit_reason(code) == words


class Terminal(Console):
    """A terminal whose lines a test waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._news = threading.Condition()

    def text(self, text: str) -> None:
        with self._news:
            self.lines.append(text)
            self._news.notify_all()

    def wait_for(self, words: str, times: int = 1) -> None:
        with self._news:
            assert self._news.wait_for(lambda: sum(words in line for line in self.lines) >= times, 20), self.lines


def one(*command: str, routine_lines: tuple[str, ...] = ()) -> ProcessSpec:
    return ProcessSpec("one", command, dict(os.environ), routine_lines=routine_lines)


def shell(script: str) -> ProcessSpec:
    return one("/bin/sh", "-c", script)


@contextmanager
def interrupted_after(terminal: Terminal, words: str) -> Iterator[None]:
    """Ctrl-C, once the terminal shows the words."""
    main_thread = threading.get_ident()

    def interrupt() -> None:
        terminal.wait_for(words)
        signal.pthread_kill(main_thread, signal.SIGINT)

    # A shell that runs the tests in the background ignores it, and hands that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


@contextmanager
def managed(*specs: ProcessSpec) -> Iterator[Terminal]:
    """The terminal of a manager that keeps these running, and is stopped afterwards."""
    terminal = Terminal()
    manager = ProcessManager(terminal)
    for spec in specs:
        manager.keep_running(spec)
    yield terminal
    manager.stop()


def test_a_process_that_ends_is_said_and_started_again() -> None:
    with managed(shell("echo alive; exit 3")) as terminal:
        terminal.wait_for("alive", times=2)
    assert terminal.lines[:3] == [
        "one      | alive",
        "up       | one ended (exit code 3); it starts again in 0.5 s",
        "one      | alive",
    ]


def test_a_process_that_will_not_stop_is_killed_by_a_second_ctrl_c() -> None:
    terminal = Terminal()
    manager = ProcessManager(terminal)
    manager.keep_running(shell("trap 'echo stubborn' TERM; echo up; while :; do sleep 0.1; done"))
    terminal.wait_for("up")
    started_at = monotonic()
    with interrupted_after(terminal, "stubborn"):
        manager.stop()
    assert monotonic() - started_at < 8
    assert terminal.lines == ["one      | up", "one      | stubborn"]


def test_a_process_that_is_just_being_started_is_stopped_too() -> None:
    started_at = monotonic()
    with managed(one("/bin/sleep", "60")):
        pass
    assert monotonic() - started_at < 8


def test_nothing_is_started_again_while_everything_stops() -> None:
    with managed(shell("trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done")) as terminal:
        terminal.wait_for("up")
    assert terminal.lines == ["one      | up"]


def test_the_last_one_is_stopped_after_all_others() -> None:
    terminal = Terminal()
    manager = ProcessManager(terminal)
    for name in ("broker", "worker"):
        script = f"trap 'echo {name} stops; exit 0' TERM; echo {name} runs; while :; do sleep 0.01; done"
        manager.keep_running(ProcessSpec(name, ("/bin/sh", "-c", script), dict(os.environ)))
        terminal.wait_for(f"{name} runs")
    manager.stop(last="broker")
    assert [line for line in terminal.lines if "stops" in line] == [
        "worker   | worker stops",
        "broker   | broker stops",
    ]


def test_what_a_process_leaves_running_is_killed_and_delays_nothing() -> None:
    with managed(shell("sleep 600 & echo left $!")) as terminal:
        terminal.wait_for("left", times=2)
    for line in terminal.lines:
        if "left" in line:
            wait_until_gone(int(line.rpartition(" ")[2]))


def test_routine_lines_are_not_shown() -> None:
    with managed(one("/bin/echo", "overcommit\nkept\nlast", routine_lines=("overcommit",))) as terminal:
        terminal.wait_for("last")
    assert terminal.lines[:2] == ["one      | kept", "one      | last"]


def test_a_last_line_without_an_end_is_shown() -> None:
    with managed(one("/usr/bin/printf", "half a line")) as terminal:
        terminal.wait_for("half")
    assert terminal.lines[0] == "one      | half a line"


def test_a_process_that_is_run_once_gives_its_output_and_shows_its_errors() -> None:
    terminal = Terminal()
    manager = ProcessManager(terminal)
    assert manager.run(shell("echo result; echo warning >&2; exit 4")) == (4, "result\n")
    assert terminal.lines == ["one      | warning"]
    manager.stop()


def test_a_process_that_is_run_once_is_stopped_when_someone_interrupts_it() -> None:
    terminal = Terminal()
    manager = ProcessManager(terminal)
    with pytest.raises(KeyboardInterrupt), interrupted_after(terminal, "running"):
        manager.run(shell("echo running $$ >&2; exec sleep 60"))
    manager.stop()
    wait_until_gone(int(terminal.lines[0].rpartition(" ")[2]))
