"""One start of the whole product, from the broker to the summary, and its end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from socket import socket
from typing import TextIO, TypeVar

from orchestrator import broker_url
from orchestrator.supervisor import broker, first_password, ports, process_specs, readiness, running
from orchestrator.supervisor.console import Console, Sample, summary
from orchestrator.supervisor.lock import note
from orchestrator.supervisor.options import Options
from orchestrator.supervisor.process_manager import ProcessManager
from orchestrator.supervisor.ready_pipe import Administrator, CannotStart, ReadyPipe

T = TypeVar("T")
READY_WITHIN = 60.0
# Nobody waits for a migration of many rows with a clock in hand.
PREPARED_WITHIN = 3600.0
_BROKER, _WEB = broker.FOLDER, "web"


class Startup:
    """What was chosen for this start: ports, broker, environment."""

    def __init__(self, chosen: Options, console: Console, lock: TextIO, crew: ProcessManager) -> None:
        self._chosen = chosen
        self._console = console
        self._lock = lock
        self._crew = crew

    async def run(self) -> None:
        """Until somebody asks to stop. Raises `CannotStart` and `broker.NoBroker`; leaves no process behind."""
        chosen = self._chosen
        listener = ports.listen_near(chosen.web_port)
        sandbox_port = ports.free_near(chosen.sandbox_port) if chosen.sandbox else None
        port = ports.port_of(listener)
        self._say_if_moved(_WEB, chosen.web_port, port)
        self._say_if_moved("sandbox", chosen.sandbox_port, sandbox_port)
        site = f"http://{ports.HOST}:{port}"
        try:
            with running.noted(chosen.var_dir, running.Running(site, sandbox_port)):
                await self._until_asked_to_stop(listener, self._environment(sandbox_port, site), sandbox_port)
        finally:
            await self._crew.stop(last=(_BROKER,))
            listener.close()

    async def _until_asked_to_stop(
        self, listener: socket, environment: dict[str, str], sandbox_port: int | None
    ) -> None:
        # The pages first, alone on the machine: whoever started it waits for them, and the others have time.
        administrator = await self._web(environment, listener)
        await self._broker()
        for service in self._behind_the_pages(environment, sandbox_port):
            self._crew.keep(service)
        if administrator and not self._crew.stopping.is_set():
            self._welcome(ports.port_of(listener), administrator)
        await self._crew.stopping.wait()
        self._console.say("stopping")

    async def _web(self, environment: Mapping[str, str], listener: socket) -> Administrator | None:
        """Start the web. Who may sign in, once it answers; None when asked to stop."""
        with closing(ReadyPipe()) as report:
            self._crew.keep(process_specs.prepared_web(environment, listener.fileno(), report.theirs))
            administrator = await self._until(
                lambda: self._prepared(report), "Database and static files were not ready", PREPARED_WITHIN
            )
        port = ports.port_of(listener)
        await self._until(lambda: readiness.web_serves(port), "The web did not answer")
        return administrator

    async def _prepared(self, report: ReadyPipe) -> Administrator | None:
        ended = self._crew.has_ended(_WEB)
        administrator = report.administrator()
        if ended and administrator is None:
            raise CannotStart("The web ended before it was prepared. Its lines above say why.")
        return administrator

    async def _broker(self) -> None:
        """The operator's broker has to answer; the embedded one is started."""
        if url := self._chosen.redis_url:
            if not await asyncio.to_thread(broker.answers, url):
                raise CannotStart(f"No broker answers at {broker_url.without_password(url)} (REDIS_URL).")
            return
        folder = self._chosen.var_dir / _BROKER
        command = broker.command(broker.server_program(), folder, self._socket)
        self._crew.keep(process_specs.broker(os.environ, command))
        embedded = broker.url_of(self._socket)
        await self._until(lambda: asyncio.to_thread(broker.answers, embedded), "The broker did not answer")

    @cached_property
    def _socket(self) -> Path:
        """Chosen once: it may be in a folder that is made for this start alone."""
        return broker.socket_path(self._chosen.var_dir / _BROKER)

    def _environment(self, sandbox_port: int | None, site: str) -> dict[str, str]:
        chosen = self._chosen
        servers = chosen.azure_devops_servers
        return process_specs.for_children(
            os.environ,
            redis_url=chosen.redis_url or broker.url_of(self._socket),
            servers=process_specs.with_sandbox(servers, sandbox_port) if sandbox_port else servers,
            var=chosen.var_dir,
            site=site,
        )

    def _behind_the_pages(
        self, environment: dict[str, str], sandbox_port: int | None
    ) -> list[process_specs.ProcessSpec]:
        product = [process_specs.worker(environment, self._chosen.worker_threads), process_specs.beat(environment)]
        return [process_specs.sandbox(environment, sandbox_port), *product] if sandbox_port else product

    def _welcome(self, port: int, administrator: Administrator) -> None:
        url = f"http://{ports.HOST}:{port}/"
        note(self._lock, url)
        self._console.text(summary(url, administrator, _samples() if self._chosen.sandbox else ()))
        if not self._console.gone:
            first_password.forget(self._chosen.var_dir)

    async def _until(
        self, ready: Callable[[], Awaitable[T | None]], complaint: str, within: float = READY_WITHIN
    ) -> T | None:
        """The first that is not None or False, or None when asked to stop. Raises `CannotStart` when it takes long."""
        try:
            async with asyncio.timeout(within):
                while not self._crew.stopping.is_set():
                    if found := await ready():
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise CannotStart(f"{complaint} within {within:g} s. Its lines above say why.") from None
        return None

    def _say_if_moved(self, name: str, wanted: int, got: int | None) -> None:
        if got is not None and wanted != got:
            self._console.say(f"port {wanted} is busy; {name} takes {got}")


async def start(chosen: Options, console: Console, lock: TextIO) -> None:
    """Run the product until Ctrl-C, SIGTERM, or the end of the terminal."""
    crew = ProcessManager(console)
    console.on_gone = crew.ask_to_stop
    loop = asyncio.get_running_loop()
    signals = [signal.SIGINT, signal.SIGTERM]
    # Whoever starts it under nohup wants it to outlive the terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, crew.ask_to_stop)
    await Startup(chosen, console, lock, crew).run()


def _samples() -> Sequence[Sample]:
    from sandbox.samples import SAMPLES

    return SAMPLES
