"""A running sandbox."""

import asyncio
import socket
import ssl
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sandbox import request_pipeline
from sandbox.control_api import answer_control_request
from sandbox.editions import SERVICES, Edition
from sandbox.fault_answers import ANSWERS, faulty_answer
from sandbox.fault_injection import Behaviour, Fault, delay_and_fault
from sandbox.http import Connection
from sandbox.http_messages import Answer, Request
from sandbox.request_log import SeenRequest, remember, shown_query
from sandbox.samples import build_state
from sandbox.state import State

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Sandbox:
    """A simulated Azure DevOps. `latency` in seconds applies to every answer.

    `edition` says which Azure DevOps is simulated, and `path` below which path ("tfs"). With `release_host`, releases
    have a host of their own, at `release_url`. With a folder `entra`, a simulated Microsoft Entra listens too and keeps
    its certificates there. `requests` contains the last requests.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        latency: float = 0.0,
        ssl_context: ssl.SSLContext | None = None,
        edition: Edition = SERVICES,
        path: str = "",
        release_host: bool = False,
        state: State | None = None,
        entra: Path | None = None,
        entra_port: int = 0,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError("The sandbox listens on loopback only.")
        self.state: State = state or build_state(edition)
        self.behaviour = Behaviour()
        self.latency = latency
        self.edition = edition
        self.requests: list[SeenRequest] = []
        self.answered = 0
        self.breakdowns: list[Exception] = []
        self._path = [part for part in path.split("/") if part]
        self._ssl = ssl_context
        self._sockets = [_listen(host, port), *([_listen(host, 0)] if release_host else [])]
        self.url, *more = ("/".join([self._address(opened, host), *self._path]) for opened in self._sockets)
        self.release_url = more[0] if more else self.url
        self._issuer = _issuer(self, entra, host, entra_port) if entra and edition.hosted else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._stopped: asyncio.Event | None = None
        self._thread = threading.Thread(target=self.serve_forever, name="sandbox", daemon=True)

    def _address(self, opened: socket.socket, host: str) -> str:
        shown = f"[{host}]" if ":" in host else host
        return f"http{'s' if self._ssl else ''}://{shown}:{opened.getsockname()[1]}"

    @property
    def has_entra(self) -> bool:
        """Whether there is a simulated Microsoft Entra."""
        return self._issuer is not None

    @property
    def entra(self) -> "Issuer":
        """The simulated Microsoft Entra. Raises `RuntimeError` if there is none."""
        if self._issuer is None:
            raise RuntimeError("This sandbox was started without a folder for Microsoft Entra.")
        return self._issuer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
        if self.breakdowns:
            raise RuntimeError("The sandbox failed while it handled a request.") from self.breakdowns[0]

    def serve_forever(self) -> None:
        """Serve in this thread until `close` is called from another."""
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                self._loop.set_exception_handler(lambda _loop, context: self._note(context.get("exception")))
                runner.run(self._serve())
        finally:
            # Release whoever waits for the sandbox to be ready, even after a failure.
            self._ready.set()
            self._close_sockets()

    def _note(self, error: BaseException | None) -> None:
        # Clients that disconnect or do not trust the certificate are not errors of the sandbox.
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.breakdowns.append(error)
            traceback.print_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        connections: set[Connection] = set()
        stopped = self._stopped = asyncio.Event()
        if self._stop.is_set():
            return
        servers = [
            await loop.create_server(self._factory(opened, connections), sock=opened, ssl=self._ssl, backlog=1024)
            for opened in self._sockets
        ]
        entra = loop.create_task(self._serve_entra(connections))
        entra.add_done_callback(lambda task: None if task.cancelled() else self._note(task.exception()))
        self._ready.set()
        await stopped.wait()
        entra.cancel()
        for server in servers:
            server.close()
        while connections:
            for connection in list(connections):
                connection.abort()
            await asyncio.sleep(0)

    async def _serve_entra(self, connections: set[Connection]) -> None:
        """Serve Microsoft Entra from the first connection on. Its certificates take a while, and few ever connect."""
        if self._issuer is None:
            return
        loop, opened, connected = asyncio.get_running_loop(), self._issuer.socket, asyncio.Event()
        loop.add_reader(opened, connected.set)
        try:
            await connected.wait()
        finally:
            loop.remove_reader(opened)
        context = await asyncio.to_thread(self._issuer.server_context)
        defaults = {"base_url": self._issuer.url}
        service = self._issuer
        server = await loop.create_server(
            lambda: Connection(service, defaults, connections), sock=opened, ssl=context, backlog=1024
        )
        await server.serve_forever()

    def _factory(self, opened: socket.socket, connections: set[Connection]) -> Any:
        apart = len(self._sockets) > 1
        is_release = opened is not self._sockets[0]
        defaults = {
            "base_url": self.release_url if is_release else self.url,
            "edition": self.edition,
            "main_url": self.url,
            "release_url": self.release_url,
            "release_host": is_release if apart else None,
        }
        return lambda: Connection(self, defaults, connections)

    def close(self) -> None:
        """Stop listening, and drop all connections. Returns when the sandbox's own thread has ended."""
        self._stop.set()
        if self._loop is None and not self._thread.is_alive():
            self._close_sockets()
            return
        self._ready.wait()
        if self._loop is not None and self._stopped is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread.is_alive():
            self._thread.join()

    def _close_sockets(self) -> None:
        for opened in (*self._sockets, *([self._issuer.socket] if self._issuer else [])):
            opened.close()

    def serve(self, request: Request) -> tuple[Answer, float, Fault | None]:
        """The answer, by how many seconds it is delayed, and the fault that applies to it."""
        if request.path[:1] == ["_sandbox"]:
            return answer_control_request(self, request), 0.0, None
        if self._issuer is not None and self._issuer.answers_here(request.path):
            return self._issuer.serve(request)
        given, request.path, query = request.path, self._below(request.path), request.query
        request.now = self.state.now()
        delay, fault = delay_and_fault(self._faults(request))
        answer = self._decide(request, fault)
        self._remember(request, given, query, answer)
        return answer, self.latency + delay, fault

    def _below(self, path: list[str]) -> list[str]:
        depth = len(self._path)
        return path[depth:] if [part.lower() for part in path[:depth]] == [part.lower() for part in self._path] else []

    def _faults(self, request: Request) -> list[Fault]:
        """The faults that apply to a request: those of current rules, otherwise those of the organization."""
        organization = request.path[0] if request.path else ""
        token = request_pipeline.token_of(self.state, request)
        name, path = token.name if token else "", "/" + "/".join(request.path)
        asked = (organization, request.method, path, shown_query(request.query), name)
        injected = self.behaviour.take(*asked)
        requested = self.state.organization(organization)
        if not injected and requested is not None:
            return [fault for fault in requested.usual_faults if fault.matches(*asked)][:1]
        return injected

    def _decide(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None:
            return self._answer(request)
        if not fault.needs_answer:
            token = request_pipeline.token_of(self.state, request)
            request.person = token.person if token else None
        return faulty_answer(request, fault, self._answer, ANSWERS)

    def _answer(self, request: Request) -> Answer:
        """The answer of the service, without faults."""
        if not request.path or request.path[0].startswith("_"):
            return request_pipeline.outside(request)
        try:
            return request_pipeline.decide(self.state, request)
        except Exception as error:
            self._note(error)
            return Answer(500, b"Internal error of the sandbox.", [("Content-Type", "text/plain")])

    def _remember(self, request: Request, path: list[str], query: dict[str, str], answer: Answer) -> None:
        self.answered += 1
        shown = "/" + "/".join(path)
        seen = SeenRequest(request.method, shown, shown_query(query), answer.status, self.state.now())
        remember(self.requests, seen)


def _issuer(sandbox: Sandbox, folder: Path, host: str, port: int) -> "Issuer":
    # It needs libraries that take long to import.
    from sandbox.entra.issuer import Issuer

    return Issuer(sandbox.state, folder, _listen(host, port), host, sandbox.url)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
