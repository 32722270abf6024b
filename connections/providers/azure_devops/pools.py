"""Pools of HTTP connections, one for each server in each process.

Connections stay open for the next client, whatever its credential: that is in the headers of each request, and nothing
that an answer sets is kept. Basic and bearer authentication apply to a request, never to its connection.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, get_environ_proxies, select_proxy
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry, Timeout
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import SSLError
from urllib3.util import make_headers

from connections.providers.azure_devops.certificates import marked_certificates, trusting
from connections.providers.azure_devops.deadlines import POOLS, close_idle
from connections.providers.azure_devops.models import Server

# Nothing is repeated, and no redirect is followed.
_NEVER_AGAIN = Retry(False, redirect=False)
# More connections than these are closed after their request.
_KEPT_CONNECTIONS = 32
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_ENVIRONMENT = (*_PROXIES, *(name.lower() for name in _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class _Route:
    """How an address is reached: the proxy, empty for none, and the file or folder of trusted certificates."""

    origin: str
    # May contain a password.
    proxy: str = field(repr=False)
    authorities: str


class ServerPool:
    """The connections to one address. Thread-safe, and shared by all clients of the process."""

    def __init__(self, pool: HTTPConnectionPool, *, is_forwarded: bool) -> None:
        self._pool = pool
        # A proxy that forwards requests gets the whole address.
        self._is_forwarded = is_forwarded

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None, timeout: Timeout
    ) -> BaseHTTPResponse:
        """Send a request to an address of this origin. The answer is not read yet, and must be closed.

        No redirect is followed and nothing is repeated. Raises exceptions of urllib3 and OSError.
        """
        return self._pool.urlopen(
            method,
            url if self._is_forwarded else "/" + url.split("/", 3)[3],
            body=content,
            headers=headers,
            timeout=timeout,
            retries=_NEVER_AGAIN,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def close_idle(self) -> None:
        """Close the connections that have not been used for a while."""
        close_idle(self._pool)


def pool_for(server: Server, url: str) -> ServerPool:
    """The pool for the origin of this address. Raises `SSLError` if the trusted certificates can't be read."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    route = _route(origin, tuple(server.proxies.items()), server.ca_bundle, tuple(map(os.environ.get, _ENVIRONMENT)))
    try:
        changed_at = Path(route.authorities).stat() if route.authorities else None
        return _pool(route, changed_at and (changed_at.st_mtime_ns, changed_at.st_size))
    except OSError as error:
        raise SSLError(str(error)) from None


@lru_cache(maxsize=64)
def _route(
    origin: str, proxies: tuple[tuple[str, str], ...], ca_bundle: str | None, _environment: tuple[str | None, ...]
) -> _Route:
    """The route by the settings of the server, and by the environment where they leave it open."""
    proxy = select_proxy(origin, dict(proxies) or get_environ_proxies(origin)) or ""
    named = (
        ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    )
    uses_tls = origin.startswith("https:") or proxy.startswith("https:")
    address = proxy if not proxy or "://" in proxy else f"http://{proxy}"
    return _Route(origin, address, (named or DEFAULT_CA_BUNDLE_PATH) if uses_tls else "")


@lru_cache(maxsize=32)
def _pool(route: _Route, _changed_at: tuple[int, int] | None) -> ServerPool:
    """A pool, which is made anew when the file of trusted certificates has changed."""
    options = {"maxsize": _KEPT_CONNECTIONS, **_trust(route)}
    manager = _through_proxy(route.proxy, options) if route.proxy else PoolManager(**options)
    manager.pool_classes_by_scheme = POOLS
    is_forwarded = bool(route.proxy) and route.origin.startswith("http:")
    return ServerPool(manager.connection_from_url(route.origin), is_forwarded=is_forwarded)


def _through_proxy(proxy: str, options: dict[str, Any]) -> ProxyManager:
    name, password = get_auth_from_url(proxy)
    headers = make_headers(proxy_basic_auth=f"{name}:{password}") if name else {}
    return ProxyManager(proxy, proxy_headers=headers, **options)


def _trust(route: _Route) -> dict[str, Any]:
    if not route.authorities:
        return {}
    required = {"cert_reqs": "CERT_REQUIRED"}
    if Path(route.authorities).is_dir():
        return {**required, "ca_cert_dir": route.authorities}
    if not route.proxy.startswith("https:"):
        return {**required, "ssl_context": trusting(route.authorities)}
    # A context would be used for the server alone; a proxy with TLS needs the certificates too.
    marked = marked_certificates(route.authorities)
    return {**required, **({"ca_cert_data": marked} if marked else {"ca_certs": route.authorities})}


# A forked process must not use the connections of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
