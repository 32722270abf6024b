"""Sessions of requests, without redirects and cookies, and what their exceptions mean."""

import ssl
from collections.abc import Mapping
from http.client import HTTPException, IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.deadlines import DeadlineAdapter, causes

USER_AGENT = "MFE-Orchestrator/0.1 (Code Repositories)"
_CHUNK = 64 * 1024


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._environment: dict[tuple[str, str], Any] = {}

    def merge_environment_settings(self, url: str | bytes | None, *args: Any, **kwargs: Any) -> Any:
        """Proxies and CA bundle of the environment, read once per host: that takes longer than building a request."""
        host = origin(str(url))
        if host not in self._environment:
            self._environment[host] = super().merge_environment_settings(url, *args, **kwargs)
        return self._environment[host]

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None, because requests would read the body of a redirect without the size limit."""
        return None


def new_session(headers: Mapping[str, str], *, pool_size: int) -> requests.Session:
    """A session whose connections have the deadline of their thread. Proxies and CA bundle may come from outside."""
    session = _Session()
    session.headers = requests.structures.CaseInsensitiveDict({"User-Agent": USER_AGENT, **headers})
    # The service sets session cookies; they are never stored.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = DeadlineAdapter(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read(response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes | None:
    """The decoded body; None if it exceeds the size limit after decoding."""
    body = bytearray()
    # If a chunk is all that is left, urllib3 does not look for more.
    is_encoded = "content-encoding" in response.headers
    size = _CHUNK if is_encoded else min(response.length_remaining or _CHUNK, _CHUNK)
    for chunk in response.stream(size, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            return None
    # An answer without a body has not returned its connection yet.
    response.release_conn()
    return bytes(body)


def headers_of(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    """The headers, with names in lower case. Those that were sent more than once are joined by commas."""
    return {name.lower(): value for name, value in response.headers.itermerged()}


def origin(url: str) -> tuple[str, str]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


_KINDS: tuple[tuple[tuple[type[BaseException], ...], type[errors.AzureDevOpsError]], ...] = (
    # Interrupted handshakes are not about certificates.
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), errors.ConnectionFailed),
    ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), errors.TlsFailure),
    # Before the exceptions that it wraps, because they are about the proxy.
    ((urllib3.exceptions.ProxyError, urllib3.exceptions.ProxySchemeUnknown), errors.ProxyFailed),
    ((urllib3.exceptions.NameResolutionError,), errors.DnsFailure),
    # Before timeouts, because urllib3 derives refused connections from them.
    ((urllib3.exceptions.NewConnectionError,), errors.ConnectionFailed),
    (
        (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
        errors.TimedOut,
    ),
    ((ConnectionError, IncompleteRead), errors.ConnectionFailed),
    ((requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError), errors.UnexpectedAnswer),
    # Not HTTP.
    ((HTTPException,), errors.UnexpectedAnswer),
    ((requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError, OSError), errors.ConnectionFailed),
)


def translated(error: BaseException) -> errors.AzureDevOpsError:
    """The exception without what requests keeps in its own: headers and URLs."""
    wrapped = causes(error)
    # The only sign of the proxy's answer to CONNECT is this message of http.client.
    if any(isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed: 407") for cause in wrapped):
        return errors.ProxyRefused(detail=type(error).__name__)
    for kinds, error_type in _KINDS:
        if any(isinstance(cause, kinds) for cause in wrapped):
            return error_type(detail=type(error).__name__)
    return errors.UnexpectedAnswer(detail=type(error).__name__)
