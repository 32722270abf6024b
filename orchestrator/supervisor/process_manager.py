"""Starts services, shows their lines, starts them again when they end, and stops them all."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import STDOUT, Process
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

from orchestrator.supervisor.console import Console
from orchestrator.supervisor.process_specs import ProcessSpec

_HERE = Path(__file__).parent
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# A process that ran this long failed for a new reason: its pauses begin anew.
_STEADY_AFTER = 60.0
GRACE = 10.0
_A_MOMENT = 0.01


def next_pause(previous: float | None, ran: float) -> float:
    """Seconds to wait before the next start: twice the previous pause, unless the process had run steadily."""
    if previous is None or ran >= _STEADY_AFTER:
        return FIRST_PAUSE
    return min(previous * 2, LONGEST_PAUSE)


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


class Watchdog:
    """The process of `watchdog.py`, which is told of every process group."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_HERE / "watchdog.py")],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tell(self, sign: str, group: int) -> None:
        """`+` when a group began, `-` when it ended. Without a watchdog, Linux' own leash still holds."""
        stream = self._process.stdin
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.write(f"{sign}{group}\n")
                stream.flush()

    def close(self) -> None:
        """The watchdog kills what is left, and ends."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()


class ProcessManager:
    """The running services. `stopping` is set once, by whoever wants the end."""

    def __init__(self, console: Console) -> None:
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()
        self._console = console
        self._watchdog = Watchdog()
        self._running: dict[str, Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()

    def ask_to_stop(self) -> None:
        """The first time: in good order. The second time: at once."""
        if self.stopping.is_set():
            self.hurry.set()
        self.stopping.set()

    def keep(self, service: ProcessSpec) -> None:
        """Start `service`, and start it again whenever it ends, until the crew stops."""
        self._keepers[service.name] = asyncio.create_task(self._keep(service), name=service.name)

    def has_ended(self, name: str) -> bool:
        """Whether the service has ended at least once."""
        return name in self._ended

    async def stop(self, last: Sequence[str] = ()) -> None:
        """Stop everything, the services named in `last` after all others."""
        self.stopping.set()
        first = [name for name in self._keepers if name not in last]
        for names in (first, [name for name in last if name in self._keepers]):
            await asyncio.gather(*(self._stop(name) for name in names))
        self._watchdog.close()

    async def _keep(self, service: ProcessSpec) -> None:
        clock = asyncio.get_running_loop().time
        pause: float | None = None
        while not self.stopping.is_set():
            began = clock()
            code = await self._run(service)
            self._ended.add(service.name)
            if self.stopping.is_set():
                return
            pause = next_pause(pause, clock() - began)
            self._console.say(f"{service.name} ended ({how_it_ended(code)}); it starts again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)
            service = service.later or service

    async def _run(self, service: ProcessSpec) -> int:
        """One life of a service, its last descendants included. The exit code."""
        # A pipe of our own: asyncio's would wait for descendants that outlive the process and keep it open.
        output, its_end = os.pipe()
        with os.fdopen(output, "rb", 0) as ours, os.fdopen(its_end, "wb", 0) as theirs:
            process = await self._begin(service, theirs)
            theirs.close()
            self._running[service.name] = process
            lines = asyncio.create_task(self._show(service, ours))
            code = await process.wait()
            del self._running[service.name]
            _signal_group(process.pid, signal.SIGKILL)
            self._watchdog.tell("-", process.pid)
            await lines
        return code

    async def _begin(self, service: ProcessSpec, output: IO[bytes]) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_HERE / "parent_death.py"), str(os.getpid()), *service.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=STDOUT,
            env=dict(service.environment),
            pass_fds=service.hands_over,
            # Ctrl-C reaches the supervisor alone, which stops the others in good order.
            start_new_session=True,
        )
        self._watchdog.tell("+", process.pid)
        return process

    async def _show(self, service: ProcessSpec, output: IO[bytes]) -> None:
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), output)
        with closing(transport):
            rest = b""
            while read := await stream.read(65536):
                *lines, rest = (rest + read).split(b"\n")
                self._show_lines(service, lines)
            self._show_lines(service, [rest] if rest else [])

    def _show_lines(self, service: ProcessSpec, lines: list[bytes]) -> None:
        for line in (raw.decode(errors="replace").rstrip() for raw in lines):
            if not any(words in line for words in service.left_out):
                self._console.line(service.name, line)

    async def _stop(self, name: str) -> None:
        keeper = self._keepers[name]
        while name not in self._running and not keeper.done():
            # It is being started at this moment, or rests before its next start, which does not come.
            await asyncio.sleep(_A_MOMENT)
        if process := self._running.get(name):
            with suppress(ProcessLookupError):
                process.terminate()
            hurried = asyncio.create_task(self.hurry.wait())
            await asyncio.wait({keeper, hurried}, timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if not keeper.done():
                _signal_group(process.pid, signal.SIGKILL)
        await keeper


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
