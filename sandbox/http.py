"""HTTP/1.1 on sockets, including broken connections on purpose.

One thread serves all connections and never blocks: a delayed answer is a timer, and an idle sandbox does nothing.
"""

import asyncio
import gzip
import socket
import struct
import time
from collections.abc import Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from sandbox.fault_injection import Fault
from sandbox.http_messages import Answer, Request

_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 32 * 1024 * 1024
_WORTH_COMPRESSING = 2 * 1024
_MEBIBYTE = b" " * (1024 * 1024)
_TOO_MUCH = 64
_REASONS = {HTTPStatu.value: HTTPStatu.phrase for HTTPStatu in HTTPStatus}


class Service(Protocol):
    """Answers requests."""

    def serve(self, request: Request) -> tuple[Answer, float, Fault | None]:
        """The answer, by how many seconds it is delayed, and the fault that applies to it."""


class Connection(asyncio.Protocol):
    """One connection of one client."""

    def __init__(self, service: Service, request_defaults: dict[str, Any], open_ones: "set[Connection]") -> None:
        self._service = service
        self._defaults = request_defaults
        self._open = open_ones
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._busy = False
        self._encouraged = False
        self._pouring: Iterator[bytes] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport  # type: ignore[assignment]  # a TCP server hands out transports that write
        self._open.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection was closed, by either side."""
        self._open.discard(self)
        self._transport = self._pouring = None

    def abort(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        self._buffer += data
        self._next()

    def _next(self) -> None:
        """Answer the next request, if it is complete and the previous one was answered."""
        if self._busy or self._transport is None:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                self._refuse(400)
            return
        line, headers = _head(bytes(self._buffer[:end]))
        length = headers.get("content-length", "0")
        if len(line) != 3 or not (length.isascii() and length.isdigit()):
            self._refuse(400)
        elif int(length) > _LARGEST_BODY:
            self._refuse(413)
        elif "transfer-encoding" in headers:
            self._refuse(411)
        elif len(self._buffer) < end + 4 + int(length):
            if headers.get("expect", "").lower() == "100-continue" and not self._encouraged:
                self._encouraged = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            body = bytes(self._buffer[end + 4 : end + 4 + int(length)])
            del self._buffer[: end + 4 + int(length)]
            self._encouraged = False
            self._answer(self._request(line, headers, body), keep=_keeps(line, headers))

    def _request(self, line: list[str], headers: dict[str, str], body: bytes) -> Request:
        # A proxy sends the whole URL.
        target = line[1] if line[1].startswith("/") else line[1].partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        return Request(
            method=line[0],
            path=[unquote(part) for part in path.split("/") if part],
            query=_parameters(query),
            headers=headers,
            body=body,
            **self._defaults,
        )

    def _answer(self, request: Request, *, keep: bool) -> None:
        self._busy = True
        answer, delay, fault = self._service.serve(request)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._send, request, answer, fault, keep)
        else:
            self._send(request, answer, fault, keep)

    def _send(self, request: Request, answer: Answer, fault: Fault | None, keep: bool) -> None:
        if self._transport is None:
            return
        if fault is not None and fault.breaks_connection:
            self._break(fault, answer)
            return
        body = b"" if request.method == "HEAD" else answer.body
        zipped = [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        if len(body) >= _WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
            answer = Answer(answer.status, gzip.compress(body, compresslevel=1), [*answer.headers, *zipped])
            body = answer.body
        self._transport.write(_written(answer, len(answer.body), keep=keep) + body)
        self._busy = False
        if keep:
            # Not immediately, so that a client with many pipelined requests does not grow the stack.
            if self._buffer:
                asyncio.get_running_loop().call_soon(self._next)
        else:
            self._transport.close()

    def _refuse(self, status: int) -> None:
        """Refuse a request that is not HTTP, or too large."""
        if self._transport is not None:
            self._transport.write(_written(Answer(status), 0, keep=False))
            self._transport.close()

    def _break(self, fault: Fault, answer: Answer) -> None:
        """Break the connection. It stays busy, so that nothing else is answered on it."""
        breaks = {
            "close": self._close,
            "reset": self._reset,
            "cut": self._cut,
            "drip": self._drip,
            "oversized": self._oversize,
            "bomb": self._explode,
        }
        breaks[fault.kind](fault, answer)

    def _close(self, _fault: Fault, _answer: Answer) -> None:
        self.abort()

    def _reset(self, _fault: Fault, _answer: Answer) -> None:
        if self._transport is not None:
            # Lingering for zero seconds makes the close a reset.
            opened: socket.socket = self._transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _cut(self, _fault: Fault, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(_written(answer, len(answer.body), keep=True) + answer.body[: len(answer.body) // 2])
            self._transport.close()

    def _drip(self, fault: Fault, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(_written(answer, len(answer.body) + 100_000, keep=True))
            self._drop(fault.seconds or 0.5)

    def _drop(self, pause: float) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b" ")
            asyncio.get_running_loop().call_later(pause, self._drop, pause)

    def _oversize(self, _fault: Fault, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(_written(answer, _TOO_MUCH * len(_MEBIBYTE), keep=False))
            self._pouring = iter([_MEBIBYTE] * _TOO_MUCH)
            self._pour()

    def _pour(self) -> None:
        while self._pouring is not None and self._transport is not None and not self._paused:
            piece = next(self._pouring, None)
            if piece is None:
                self._transport.close()
                return
            self._transport.write(piece)

    def _explode(self, _fault: Fault, answer: Answer) -> None:
        if self._transport is not None:
            headers = [*answer.headers, ("Content-Encoding", "gzip")]
            self._transport.write(_written(Answer(answer.status, b"", headers), len(_bomb()), keep=False) + _bomb())
            self._transport.close()

    def pause_writing(self) -> None:
        """The client reads more slowly than the sandbox writes."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client caught up."""
        self._paused = False
        # Not immediately: a transport must not be closed within this callback.
        asyncio.get_running_loop().call_soon(self._pour)


def _head(head: bytes) -> tuple[list[str], dict[str, str]]:
    """The request line in three parts, and the headers under names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return first.split(" "), headers


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a query. A repeated parameter is a list, which is joined with commas."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True) if query else ():
        more = name in parameters and name.lower() != "api-version"
        parameters[name] = f"{parameters[name]},{value}" if more else value
    return parameters


def _keeps(line: list[str], headers: dict[str, str]) -> bool:
    connection = headers.get("connection", "").lower()
    return connection != "close" if line[2] == "HTTP/1.1" else connection == "keep-alive"


def _written(answer: Answer, length: int, *, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Date: {_date(int(time.time()))}"]
    if answer.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {length}")
    if not keep:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(_MEBIBYTE * _TOO_MUCH, compresslevel=9)
