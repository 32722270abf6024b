"""Start processes, show what they print, restart those that end, and stop them all."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep

from orchestrator import parent_death
from orchestrator.supervisor.console import SUPERVISOR, Console
from orchestrator.supervisor.process_specs import ProcessSpec

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_STEADY_AFTER = 60.0  # seconds: a process that ends later ends for a new reason, so its pauses start again
_GRACE = 10.0  # seconds for processes to stop in good order before they are killed
_ISOLATED_PYTHON = (sys.executable, "-I", "-S")
_WATCHDOG = str(Path(__file__).with_name("watchdog.py"))
Process = subprocess.Popen[bytes]


class Stopping(Exception):
    """Nothing is started any more, because everything is being stopped."""


def next_pause(previous: float | None, ran: float) -> float:
    """Return the seconds to wait before a restart: twice the previous pause, unless the process had run steadily."""
    return FIRST_PAUSE if previous is None or ran >= _STEADY_AFTER else min(previous * 2, LONGEST_PAUSE)


def exit_reason(code: int) -> str:
    """Describe an exit code."""
    with suppress(ValueError):
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    return f"signal {-code}"


class ProcessManager:
    """The running processes, by name. Each that is kept running has a thread that waits for it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock, self._stopping = Lock(), Event()
        self._running: dict[str, Process] = {}
        self._keepers: list[Thread] = []
        read_end, self._watchdog_pipe = os.pipe()
        self._watchdog = subprocess.Popen((*_ISOLATED_PYTHON, _WATCHDOG), stdin=read_end, start_new_session=True)
        os.close(read_end)

    def run(self, spec: ProcessSpec) -> tuple[int, str]:
        """Run a process to its end. Return its exit code and standard output; its standard error is shown."""
        code, output = self._run(spec, stdout=subprocess.PIPE)
        return code, output.decode()

    def keep_running(self, spec: ProcessSpec) -> None:
        """Start a process, and start it again whenever it ends, until everything is stopped."""
        keeper = Thread(target=self._keep_running, args=(spec,), name=spec.name, daemon=True)
        self._keepers.append(keeper)
        keeper.start()

    def stop(self, *, last: str = "") -> None:
        """Stop every process in good order, the one named `last` after all others."""
        with self._lock:
            self._stopping.set()
            processes = self._running.copy()
        last_process = processes.pop(last, None)
        _stop(processes.values())
        _stop([last_process] if last_process else [])
        for keeper in self._keepers:
            keeper.join()
        os.close(self._watchdog_pipe)
        self._watchdog.wait()

    def _keep_running(self, spec: ProcessSpec) -> None:
        pause: float | None = None
        with suppress(Stopping):
            while not self._stopping.wait(pause or 0):
                started_at = monotonic()
                code, _ = self._run(spec)
                pause = next_pause(pause, monotonic() - started_at)
                if not self._stopping.is_set():
                    self._console.line(
                        SUPERVISOR, f"{spec.name} ended ({exit_reason(code)}); it starts again in {pause:g} s"
                    )

    def _run(self, spec: ProcessSpec, *, stdout: int | None = None) -> tuple[int, bytes]:
        """Start a process, show its lines until it ends, and kill what it left running."""
        # Not a pipe of Popen: to read that to its end would wait for whatever the process leaves running.
        read_end, write_end = os.pipe()
        reader = Thread(target=self._show, args=(spec, read_end), daemon=True)
        reader.start()
        try:
            process = self._start(spec, stdout or write_end, write_end)
        finally:
            os.close(write_end)
        with process:
            output, _ = process.communicate()
        _kill_group(process)
        with self._lock:
            del self._running[spec.name]
            self._tell_watchdog("-", process)
        reader.join()
        return process.returncode, output or b""

    def _start(self, spec: ProcessSpec, stdout: int, stderr: int) -> Process:
        # Under the lock, so that `stop` misses no process.
        with self._lock:
            if self._stopping.is_set():
                raise Stopping
            process = subprocess.Popen(
                (*_ISOLATED_PYTHON, parent_death.__file__, str(os.getpid()), *spec.command),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=spec.environment,
                pass_fds=spec.open_files,
                # Ctrl-C reaches the supervisor alone, which stops the others in good order.
                start_new_session=True,
            )
            self._running[spec.name] = process
            self._tell_watchdog("+", process)
        return process

    def _show(self, spec: ProcessSpec, read_end: int) -> None:
        with os.fdopen(read_end, encoding="utf-8", errors="replace", newline="\n") as output:
            for line in output:
                is_routine = any(words in line for words in spec.routine_lines)
                self._console.line(spec.name, line.rstrip(), is_routine=is_routine)

    def _tell_watchdog(self, change: str, process: Process) -> None:
        # Without a watchdog, Linux still ends each child when its parent dies.
        with suppress(BrokenPipeError):
            os.write(self._watchdog_pipe, f"{change}{process.pid}\n".encode())


def _stop(processes: Collection[Process]) -> None:
    for process in processes:
        process.terminate()
    deadline = monotonic() + _GRACE
    # A second Ctrl-C ends the waiting.
    with suppress(KeyboardInterrupt):
        while any(process.poll() is None for process in processes) and monotonic() < deadline:
            sleep(0.02)
    for process in processes:
        _kill_group(process)


def _kill_group(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
