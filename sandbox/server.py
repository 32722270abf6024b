"""The sockets: HTTP/1.1 on loopback, one thread for each connection, and the doors for whoever runs it."""

import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox import gate, refusals
from sandbox.faults import Behaviour, Fault
from sandbox.samples import build_world
from sandbox.wire import Answer, Request
from sandbox.world import World

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LARGEST_BODY = 32 * 1024 * 1024


@dataclass(frozen=True)
class SeenRequest:
    """One request that was answered. Never holds a token."""

    method: str
    path: str
    query: str
    status: int
    at: datetime


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    sandbox: "Sandbox"

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """A client that goes away is no news."""


class Sandbox:
    """A running pretend Azure DevOps. `latency` is in seconds and holds for every answer."""

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        latency: float = 0.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError("The sandbox listens on loopback only.")
        self.world: World = build_world()
        self.behaviour = Behaviour()
        self.latency = latency
        self.requests: list[SeenRequest] = []
        self._server = _Server((host, port), _Handler)
        self._server.sandbox = self
        scheme = "http"
        if ssl_context is not None:
            self._server.socket = ssl_context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Serve in this thread until `close` is called from another."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        """What the service says, faults aside."""
        if not request.path or request.path[0].startswith("_"):
            return gate.outside(request)
        return gate.decide(self.world, request)

    def faults(self, request: Request) -> list[Fault]:
        """The faults for one request: those told, then the organization's own."""
        organization = request.path[0] if request.path else ""
        token = gate.token_of(self.world, request)
        taken = self.behaviour.take(
            organization, request.method, "/" + "/".join(request.path), token.name if token else ""
        )
        found = self.world.organization(organization)
        if not taken and found is not None and found.usual_fault is not None:
            return [Fault(**found.usual_fault)]
        return taken

    def control(self, request: Request) -> Answer:
        """The doors under /_sandbox/ for whoever runs it."""
        try:
            status, value = self._control(request.method, request.path[1:], request.json())
        except (ValueError, TypeError, KeyError) as wrong:
            status, value = 400, {"message": str(wrong)}
        return Answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    def _control(self, method: str, path: list[str], body: Any) -> tuple[int, Any]:
        if method == "GET" and not path:
            tokens = {one.name: one.state for one in self.world.tokens.values()}
            rules = [asdict(rule) for rule in self.behaviour.rules()]
            return 200, {"organizations": sorted(self.world.organizations), "tokens": tokens, "behaviour": rules}
        if path == ["behaviour"] and method == "POST":
            return 201, asdict(self.behaviour.add(**body))
        if path == ["behaviour"] and method == "DELETE":
            self.behaviour.clear()
            return 200, {}
        if len(path) == 2 and path[0] == "tokens" and method == "POST":
            return self._change_token(path[1], body)
        return 404, {"message": "There is no such door."}

    def _change_token(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        token = self.world.token_named(name)
        if token is None:
            return 404, {"message": "There is no such token."}
        token.state = body.get("state", token.state)
        token.scopes = tuple(body.get("scopes", token.scopes))
        return 200, {"name": token.name, "state": token.state, "scopes": token.scopes}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_any(self) -> None:
        """Any method."""
        sandbox = self.server.sandbox
        request = self._read()
        if request is None:
            return
        if request.path[:1] == ["_sandbox"]:
            self._write(sandbox.control(request))
            return
        faults = sandbox.faults(request)
        delay = sandbox.latency + sum(one.seconds for one in faults if one.kind == "latency")
        if delay:
            time.sleep(delay)
        fault = next((one for one in faults if one.kind != "latency"), None)
        answer = sandbox.answer(request)
        if fault is not None:
            self._misbehave(fault, request, answer)
            return
        self._log(request, answer.status)
        self._write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = do_any  # noqa: N815

    def _read(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._write(Answer(413))
            return None
        parts = urlsplit(self.path)
        host = self.headers.get("Host", "")
        scheme = self.server.sandbox.url.partition("://")[0]
        return Request(
            method=self.command,
            path=[unquote(part) for part in parts.path.split("/") if part],
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
            base_url=f"{scheme}://{host}" if host else self.server.sandbox.url,
        )

    def _log(self, request: Request, status: int) -> None:
        parts = urlsplit(self.path)
        self.server.sandbox.requests.append(
            SeenRequest(request.method, unquote(parts.path), parts.query, status, datetime.now(UTC))
        )

    def _write(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _misbehave(self, fault: Fault, request: Request, answer: Answer) -> None:
        """Carry out a fault in place of the usual answer."""
        self._log(request, fault.status if fault.kind == "status" else 0)
        replies = {
            "throttle": lambda: refusals.throttled(request, fault.retry_after),
            "sign_in_page": lambda: refusals.sign_in_page(request),
            "status": lambda: Answer(fault.status, fault.body.encode(), list(fault.headers.items())),
            "oversized": lambda: Answer(200, b" " * (64 * 1024 * 1024), answer.headers),
            "not_json": lambda: Answer(200, b"{not json", answer.headers),
            "bom": lambda: Answer(answer.status, b"\xef\xbb\xbf" + answer.body, answer.headers),
        }
        if fault.kind in replies:
            self._write(replies[fault.kind]())
        else:
            self._break(fault, answer)

    def _break(self, fault: Fault, answer: Answer) -> None:
        self.close_connection = True
        if fault.kind == "reset":
            # Lingering for zero seconds makes the close a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif fault.kind == "drip":
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(answer.body) + 100_000))
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(fault.seconds or 0.5)

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""
