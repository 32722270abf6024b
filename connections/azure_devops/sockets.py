"""Connections that keep one deadline from the first byte of the handshake to the last byte of the body.

A read timeout alone starts anew with every byte, so a server that drips could hold a call for ever.
"""

import contextlib
import io
import os
import socket
import threading
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager


class _Current(threading.local):
    """When the call that this thread makes must be over, in `time.monotonic` seconds."""

    ends_at: float = float("inf")


_current = _Current()


@contextlib.contextmanager
def deadline(ends_at: float) -> Any:
    """Let every call of this thread end at `ends_at`."""
    before, _current.ends_at = _current.ends_at, ends_at
    try:
        yield
    finally:
        _current.ends_at = before


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket and gives each read only what is left until the deadline."""

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        if left != float("inf"):
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock, _current.ends_at))


class _Cut:
    """Cuts a connection that is still shaking hands at the deadline."""

    def __init__(self) -> None:
        self._spare: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, _current.ends_at - time.monotonic()), self._cut)
        self._timer.daemon = True

    def watch(self, sock: socket.socket) -> None:
        # TLS takes the socket's descriptor over; a copy of it still reaches the same connection.
        self._spare = socket.socket(fileno=os.dup(sock.fileno()))

    def _cut(self) -> None:
        if self._spare is not None:
            with contextlib.suppress(OSError):
                self._spare.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "_Cut":
        if _current.ends_at != float("inf"):
            self._timer.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._timer.cancel()
        if self._spare is not None:
            self._spare.close()


class _WithDeadline:
    """For both kinds of connection."""

    _watcher: _Cut | None = None

    def connect(self) -> None:
        with _Cut() as self._watcher:
            super().connect()  # type: ignore[misc]
        self._watcher = None

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        if self._watcher is not None:
            self._watcher.watch(sock)
        return sock


class _PlainConnection(_WithDeadline, HTTPConnection):
    # urllib3 declares its own kind of response here, while http.client makes and expects this one.
    response_class = _Response


class _TlsConnection(_WithDeadline, HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _PlainPool, "https": _TlsPool}


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests, over connections that keep the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools of our own connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        """The same through a proxy."""
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
