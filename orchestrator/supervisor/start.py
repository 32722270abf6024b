"""One start of the whole product, from the broker to the summary, and its end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.shortcuts import resolve_url

from orchestrator.supervisor import broker, ports, readiness, services
from orchestrator.supervisor.console import Console, Sample, summary
from orchestrator.supervisor.crew import Crew
from orchestrator.supervisor.lock import note
from orchestrator.supervisor.preparation import first_administrator

READY_WITHIN = 60.0
_BROKER = "broker"


class CannotStart(Exception):
    """The product could not be started. The message is for the person at the terminal."""


class Start:
    """What was chosen for this start: ports, broker, environment."""

    def __init__(self, console: Console, lock: TextIO, crew: Crew) -> None:
        self._console = console
        self._lock = lock
        self._crew = crew
        self._var = Path(settings.VAR_DIR).resolve()

    async def run(self) -> None:
        """Until somebody asks to stop. Raises `CannotStart` and `broker.NoBroker`; leaves no process behind."""
        listener = ports.listen_near(settings.WEB_PORT)
        sandbox_port = ports.free_near(settings.SANDBOX_PORT) if settings.SANDBOX else None
        self._say_if_moved("web", settings.WEB_PORT, ports.port_of(listener))
        self._say_if_moved("sandbox", settings.SANDBOX_PORT, sandbox_port)
        port, path = ports.port_of(listener), resolve_url(settings.LOGIN_URL)
        try:
            site = f"http://127.0.0.1:{port}"
            environment = self._environment(await self._broker(), sandbox_port, site)
            # The pages first, alone on the machine: whoever started it waits for them, and the others have time.
            self._crew.keep(services.web(environment, listener.fileno()))
            await self._until(lambda: readiness.web_serves(port, path), "The web did not answer")
            for service in self._behind_the_pages(environment, sandbox_port):
                self._crew.keep(service)
            await self._welcome(port)
            await self._crew.stopping.wait()
            self._console.say("stopping")
        finally:
            await self._crew.stop(last=(_BROKER,))
            listener.close()

    async def _broker(self) -> str:
        """The address of the operator's broker, or of the embedded one once it answers."""
        if settings.REDIS_URL:
            if not await asyncio.to_thread(broker.answers, settings.REDIS_URL):
                raise CannotStart(f"No broker answers at {broker.without_password(settings.REDIS_URL)} (REDIS_URL).")
            return str(settings.REDIS_URL)
        folder = self._var / _BROKER
        socket = broker.socket_path(folder)
        self._crew.keep(services.broker(os.environ, broker.command(broker.server_program(), folder, socket)))
        url = broker.url_of(socket)
        await self._until(lambda: asyncio.to_thread(broker.answers, url), "The broker did not answer")
        return url

    def _environment(self, redis_url: str, sandbox_port: int | None, site: str) -> dict[str, str]:
        servers = str(settings.AZURE_DEVOPS_SERVERS)
        return services.for_children(
            os.environ,
            redis_url=redis_url,
            servers=services.with_sandbox(servers, sandbox_port) if sandbox_port else servers,
            var=self._var,
            site=site,
        )

    def _behind_the_pages(self, environment: dict[str, str], sandbox_port: int | None) -> list[services.Service]:
        product = [services.worker(environment, settings.WORKER_THREADS), services.beat(environment)]
        return [services.sandbox(environment, sandbox_port), *product] if sandbox_port else product

    async def _welcome(self, port: int) -> None:
        if self._crew.stopping.is_set():
            return
        administrator = await asyncio.to_thread(first_administrator)
        url = f"http://{ports.HOST}:{port}/"
        note(self._lock, url)
        self._console.text(summary(url, administrator, _samples() if settings.SANDBOX else ()))

    async def _until(self, ready: Callable[[], Awaitable[bool]], complaint: str) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not self._crew.stopping.is_set() and not await ready():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise CannotStart(f"{complaint} within {READY_WITHIN:g} s. Its lines above say why.") from None

    def _say_if_moved(self, name: str, wanted: int, got: int | None) -> None:
        if got is not None and wanted != got:
            self._console.say(f"port {wanted} is busy; {name} takes {got}")


async def start(console: Console, lock: TextIO) -> None:
    """Run the product until Ctrl-C, SIGTERM, or the end of the terminal."""
    crew = Crew(console)
    console.on_gone = crew.ask_to_stop
    loop = asyncio.get_running_loop()
    signals = [signal.SIGINT, signal.SIGTERM]
    # Whoever starts it under nohup wants it to outlive the terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, crew.ask_to_stop)
    await Start(console, lock, crew).run()


def _samples() -> Sequence[Sample]:
    from sandbox.samples import SAMPLES

    return SAMPLES
