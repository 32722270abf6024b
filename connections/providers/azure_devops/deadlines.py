"""HTTP connections with a deadline for the whole call, from name resolution to the last byte of the body.

A read timeout alone restarts with every byte, so a slow server could hold a call for ever; and nothing limits name
resolution, or trying several addresses.
"""

import contextlib
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.connection import allowed_gai_family

from connections.providers.azure_devops.certificates import marked_certificates, trusting
from connections.providers.azure_devops.plain_heads import plain_head

_PIECE = 16 * 1024
# Seconds after which an open connection is replaced by a new one. Shorter than servers usually keep them.
_LONGEST_IDLE = 4.0
# Addresses in it hold an IPv4 address in their last 32 bits. https://www.rfc-editor.org/rfc/rfc6052
_NAT64 = IPv6Network("64:ff9b::/96")


class NoPublicAddress(Exception):
    """A name was resolved to addresses of private networks only, where public ones are required."""


class _Current(threading.local):
    """The deadline of the call in this thread, in `time.monotonic` seconds."""

    ends_at: float = float("inf")


_current = _Current()


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("deadline")
    return left


def _limit(sock: socket.socket, ends_at: float) -> None:
    """Limit the next read or write to the remaining time."""
    left = _left(ends_at)
    if left != float("inf"):
        sock.settimeout(left)


@contextlib.contextmanager
def deadline(ends_at: float) -> Iterator[float]:
    """Limit the calls of this thread to `ends_at`, or to an earlier surrounding deadline; yields the effective one."""
    before = _current.ends_at
    _current.ends_at = min(before, ends_at)
    try:
        yield _current.ends_at
    finally:
        _current.ends_at = before


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, each read limited to the remaining time. Takes the socket's place in http.client."""

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._ends_at = ends_at

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The same with a buffer."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _limit(self._sock, self._ends_at)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        reader: Any = _DeadlineReader(sock, _current.ends_at)
        super().__init__(reader, *args, **kwargs)
        self._is_head_alone = kwargs.get("method") == "HEAD"

    def begin(self) -> None:
        """Read the status and the headers."""
        head = None if self._is_head_alone else plain_head(self.fp)
        if head is None:
            super().begin()
            return
        self.version, self.code = 11, head.status
        self.status, self.reason = head.status, head.reason
        self.headers = self.msg = head.headers
        self.chunked, self.chunk_left, self.length = head.is_chunked, None, head.length
        self.will_close = head.is_last


class _Cut:
    """Cuts a connection at the deadline during its TLS handshake."""

    def __init__(self) -> None:
        self._spare: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, _current.ends_at - time.monotonic()), self._cut)
        self._timer.daemon = True

    def watch(self, sock: socket.socket) -> None:
        # TLS takes over the socket's descriptor; a duplicate still reaches the connection.
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


class _NameResolution(threading.Thread):
    """Name resolution in a thread, because it cannot be interrupted; it is abandoned at the deadline."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(daemon=True)
        self._host, self._port = host, port
        self.addresses: list[str] = []
        self.failure: socket.gaierror | None = None

    def run(self) -> None:
        try:
            entries = socket.getaddrinfo(self._host, self._port, allowed_gai_family(), socket.SOCK_STREAM)
        except socket.gaierror as failure:
            self.failure = failure
        except (OSError, UnicodeError) as failure:
            self.failure = socket.gaierror(type(failure).__name__)
        else:
            self.addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class _PlainConnection(HTTPConnection):
    # urllib3 declares its own response class here, but http.client creates and expects this one.
    response_class = _Response
    _watcher: _Cut | None = None
    _used_at = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether it can be used for another request; not after a while, as servers and firewalls close idle ones."""
        return super().is_connected and not self.is_idle

    @property
    def is_idle(self) -> bool:
        """Whether nothing has been sent for a while."""
        return time.monotonic() - self._used_at > _LONGEST_IDLE

    def connect(self) -> None:
        with _Cut() as self._watcher:
            super().connect()
        self._watcher = None

    def send(self, data: Any) -> None:
        """Send in pieces, so that a slow reader cannot exceed the deadline."""
        self._used_at = time.monotonic()
        for start in range(0, len(data), _PIECE):
            if self.sock is not None:
                _limit(self.sock, _current.ends_at)
            super().send(data[start : start + _PIECE])

    def _new_conn(self) -> socket.socket:
        sock = self._connect_to_first(self._resolve())
        if self._watcher is not None:
            self._watcher.watch(sock)
        return sock

    def _resolve(self) -> list[str]:
        resolution = _NameResolution(self._dns_host.strip("[]"), self.port or 0)
        resolution.start()
        resolution.join(self._time_left())
        if resolution.failure is not None:
            raise NameResolutionError(self.host, self, resolution.failure)
        if not resolution.addresses:
            raise ConnectTimeoutError(self, "the name was not resolved in time")
        return resolution.addresses

    def _connect_to_first(self, addresses: list[str]) -> socket.socket:
        name, timeout = self._dns_host, self.timeout
        failure: Exception | None = None
        try:
            for self._dns_host in addresses:
                self.timeout = self._time_left()
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
        finally:
            self._dns_host, self.timeout = name, timeout
        raise failure or ConnectTimeoutError(self, "no address")

    def _time_left(self) -> float:
        left = _left(_current.ends_at)
        return min(left, self.timeout) if isinstance(self.timeout, (int, float)) else left


class _TlsConnection(_PlainConnection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _PublicTlsConnection(_TlsConnection):
    def _resolve(self) -> list[str]:
        # Connects to exactly these addresses, so that no second resolution can give others.
        addresses = [address for address in super()._resolve() if is_public(address)]
        if not addresses:
            raise NoPublicAddress(self.host)
        return addresses


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _TlsPool}


def close_idle(pool: HTTPConnectionPool) -> None:
    """Close the connections of this pool that nobody uses and that have been idle for a while."""
    if pool.pool is not None:
        with pool.pool.mutex:
            for connection in pool.pool.queue:
                if isinstance(connection, _PlainConnection) and connection.is_idle:
                    connection.close()


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also if an IPv6 address wraps an IPv4 one."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64:
            inner = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def _trust(pool: Any) -> None:
    """Replace the path of the trusted certificates, which urllib3 would read for each connection."""
    if pool.proxy is None or pool.proxy.scheme != "https":
        pool.conn_kw = {**pool.conn_kw, "ssl_context": trusting(pool.ca_certs)}
    elif marked := marked_certificates(pool.ca_certs):
        pool.conn_kw = {**pool.conn_kw, "ca_cert_data": marked}
    else:
        # A context would be used for the server alone; a proxy with TLS needs the certificates too.
        return
    pool.ca_certs = None


class DeadlineAdapter(HTTPAdapter):
    """Adapter of requests whose connections have the deadline."""

    pools = POOLS

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use pools of our connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Report a missing CA bundle as a TLS error, not as a network error."""
        try:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # the stubs have no types for it
            if url.lower().startswith("https") and conn.ca_certs:
                _trust(conn)
        except OSError as error:
            raise SSLError(str(error)) from None

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        """The same through a proxy."""
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self.pools
        return manager


class PublicAdapter(DeadlineAdapter):
    """The same over TLS to public addresses only, checked at each connection. Raises `NoPublicAddress`."""

    pools = {"https": _PublicTlsPool}


def causes(error: BaseException) -> list[Any]:
    """The exception and all exceptions that it wraps: requests and urllib3 keep the reason in several places."""
    found: list[Any] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
    return found
