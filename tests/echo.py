"""A server between the product and the sandbox that writes the token it was asked with into everything it passes on."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

# What people write and read; ids, states and addresses stay as they are, so that the product goes on.
WORDS = {"name", "displayName", "providerDisplayName", "customDisplayName", "uniqueName", "description", "message"}
WORDS |= {"customMessage", "comment", "comments", "buildNumber", "alias", "email", "content", "workerName"}
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda token: base64.b64encode(f":{token}".encode()).decode(),
    lambda token: quote(f"?{token}&", safe=""),
    lambda token: token[:50],
)
_DROPPED = {"transfer-encoding", "content-length", "connection", "activityid", "x-vss-e2eid"}


class Echo:
    """`url` is where it listens; `echoes` counts the places into which it wrote a token."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind)
        self.echoes = 0
        self._spellings = cycle(SPELLINGS)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Echo"]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                echo.pass_on(self)

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        return Handler

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        there = HTTPConnection(str(self.behind.netloc), timeout=30)
        there.request(request.command, request.path, body, {**headers, "Accept-Encoding": "identity"})
        answer = there.getresponse()
        content = answer.read()
        there.close()
        token = _token(request.headers.get("Authorization", ""))
        content = self._content(content, answer.headers.get("Content-Type", ""), token)
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _DROPPED:
                request.send_header(name, value)
        for name in ("ActivityId", "X-VSS-E2EID", "X-Custom"):
            request.send_header(name, token)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _content(self, content: bytes, kind: str, token: str) -> bytes:
        if "json" not in kind or not content:
            return content
        try:
            return json.dumps(self._written_into(json.loads(content), token), ensure_ascii=False).encode()
        except ValueError:
            return content

    def _written_into(self, value: Any, token: str) -> Any:
        if isinstance(value, dict):
            return {
                key: self._word(one, token) if key in WORDS and isinstance(one, str) else self._written_into(one, token)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [self._word(one, token) if isinstance(one, str) else self._written_into(one, token) for one in value]
        return value

    def _word(self, word: str, token: str) -> str:
        self.echoes += 1
        return f"{word} {next(self._spellings)(token)}"


def _token(authorization: str) -> str:
    return base64.b64decode(authorization.removeprefix("Basic ")).decode().removeprefix(":")
