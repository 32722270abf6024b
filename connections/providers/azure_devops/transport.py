"""Requests to Azure DevOps, with a total deadline and a size limit, without redirects and cookies.

The token is sent only to the configured host, and no exception that leaves this module contains it.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from json import dumps
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from urllib3 import BaseHTTPResponse, Timeout

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.models import Server, Service
from connections.providers.azure_devops.pools import ServerPool, pool_for
from connections.providers.azure_devops.responses import Content, Response
from connections.providers.azure_devops.sessions import USER_AGENT, headers_of, origin, read, translated
from connections.providers.azure_devops.token_echo import redactor
from connections.providers.azure_devops.versions import API_VERSION, Versions
from connections.providers.credential import Signer, digest_of

JSON = "application/json"
BYTES = "application/octet-stream, application/json;q=0.5"
log = logging.getLogger(__name__)
_READS = ("GET", "OPTIONS")
_LEAVES_ITS_PLACE = re.compile(r"[/\\\x00-\x1f\x7f]")
# What stands in an address as it is, as most names and ids do.
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")
# The parameters of a URL; those that are None are left out.
Query = Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a call: seconds to connect, seconds in total, bytes of the decoded answer.

    `list_seconds` is the limit of a list with all its pages.
    """

    connect_timeout: float = 5.0
    deadline: float = 15.0
    max_bytes: int = 8 * 1024 * 1024
    list_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    content: bytes | None
    max_bytes: int
    accept: str
    service: Service = "core"
    # Without a credential, for what Azure DevOps tells everyone.
    is_signed: bool = True

    def headers(self, common: Mapping[str, str]) -> dict[str, str]:
        """The headers of this request, with those that all requests have in common."""
        kind = {} if self.content is None else {"Content-Type": "application/json; charset=utf-8"}
        return {**common, "Accept": self.accept, **kind}


class Transport:
    """Requests to one organization with one credential. Thread-safe. Must be closed."""

    def __init__(
        self,
        server: Server,
        organization: str,
        signer: Signer,
        *,
        limits: Limits | None = None,
        session_id: str = "",
        before_exchange: Callable[[], None] | None = None,
    ) -> None:
        self.server = server
        self.organization = organization
        # Azure DevOps logs it with its activity ids, so that support can find related calls.
        self.session_id = session_id or str(uuid.uuid4())
        self.limits = limits or Limits()
        # Called before the credential is used, which it is not if this raises an `AzureDevOpsError`.
        self.before_exchange = before_exchange
        # Called after each request, for renewing leases while a long list is read.
        self.after_exchange: Callable[[], None] | None = None
        # Whether the latest request that was sent may have changed something.
        self.latest_may_change = False
        # The longest wait in seconds that any answer asked for, including successful ones.
        # https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
        self.asked_to_wait = 0.0
        # The same, without the waits of server errors, which say nothing about the person's rate limit.
        self.person_asked_to_wait = 0.0
        self._signer = signer
        self._without_token = redactor(signer)
        self._versions = Versions()
        self._headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "gzip, deflate",
            # Otherwise a bad token leads to a redirect to the sign-in page.
            "X-TFS-FedAuthRedirect": "Suppress",
            "X-VSS-ForceMsaPassThrough": "true",
            "X-TFS-Session": self.session_id,
        }
        # By service. They are shared with other clients, so they hold nothing of this one.
        self._pools: dict[Service, ServerPool] = {}

    def __repr__(self) -> str:
        return f"<Transport {self.server.name} {self.organization}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for pool in self._pools.values():
            pool.close_idle()

    def ask(
        self,
        method: str,
        path: Sequence[str],
        *,
        service: Service = "core",
        query: Query = None,
        json: object = None,
        api_version: str = API_VERSION,
        max_bytes: int | None = None,
        accept: str = JSON,
        is_signed: bool = True,
    ) -> Response:
        """Send a request and return the answer with any status. `path` has unencoded segments below the organization,
        and `query` parameters, of which those that are None are left out. Unless `is_signed`, no credential is sent.

        Raises `Unreachable`, `AnswerTooLarge`, `UnexpectedAnswer` or `ServerTooOld`, and `NotFound` for an invalid
        segment such as "..".
        """
        content, most = _encoded(json), max_bytes or self.limits.max_bytes
        with deadline(time.monotonic() + self.limits.deadline) as ends_at:
            if is_signed:
                self._prepare()
            while True:
                version = self._versions.spoken(api_version, path)
                url = self._url(service, path, {**(query or {}), "api-version": version})
                answer = self._send(_Request(method, url, content, most, accept, service, is_signed), ends_at)
                if not self._versions.learn(answer, spoken=version, path=path):
                    return answer

    def prepare(self) -> None:
        """Get what signs the next request, such as an access token. Raises `AzureDevOpsError`."""
        with deadline(time.monotonic() + self.limits.deadline):
            self._prepare()

    def _prepare(self) -> None:
        self._require_allowed()
        self._signer.prepare()

    def _require_allowed(self) -> None:
        """Raise an `AzureDevOpsError` if the credential may not be used any more."""
        if self.before_exchange is not None:
            self.before_exchange()

    def get(
        self,
        path: Sequence[str],
        *,
        service: Service = "core",
        query: Query = None,
        api_version: str = API_VERSION,
        max_bytes: int | None = None,
    ) -> Response:
        """A successful JSON answer. Raises any `AzureDevOpsError`."""
        return successful(
            self.ask("GET", path, service=service, query=query, api_version=api_version, max_bytes=max_bytes)
        )

    def _url(self, service: Service, path: Sequence[str], query: Mapping[str, str | None]) -> str:
        base = self._base(service)
        encoded = "/".join([_segment(part) for part in (self.organization, *path)])
        given = [f"{_parameter(name)}={_parameter(value)}" for name, value in query.items() if value is not None]
        url = f"{base}/{encoded}?{'&'.join(given)}"
        if origin(url) != origin(base):
            raise ValueError("not the configured server")
        return url

    def _base(self, service: Service) -> str:
        return self.server.url_of(service)

    def _send(self, request: _Request, ends_at: float) -> Response:
        outcome, used = self._exchange(request, ends_at)
        # An idle connection may be closed just as it is reused; reads can be retried safely.
        again = isinstance(outcome, errors.ConnectionFailed) and request.method in _READS
        if again and time.monotonic() < ends_at:
            outcome, used = self._exchange(request, ends_at)
        # What was refused was not carried out, so a write can be repeated too.
        if isinstance(outcome, Response) and self._may_be_outdated(outcome):
            # Another access token is fetched with the credential itself.
            self._require_allowed()
            if self._signer.renew(used):
                outcome, _ = self._exchange(request, ends_at)
        if isinstance(outcome, errors.AzureDevOpsError):
            # Raised here, without the exception of requests, which contains the token.
            raise outcome
        return outcome

    def _may_be_outdated(self, answer: Response) -> bool:
        """Whether an access token was refused, as it is after its end."""
        return answer.by_principal and isinstance(classify(answer), (errors.TokenRefused, errors.EmptyRefusal))

    def _exchange(self, request: _Request, ends_at: float) -> tuple[Response | errors.AzureDevOpsError, bytes]:
        """The outcome of a request, and the digest of its Authorization header."""
        if request.is_signed:
            self._require_allowed()
        self.latest_may_change = request.method not in _READS
        started = time.monotonic()
        outcome, digest = self._ask_once(request, started, ends_at)
        self._log(request, outcome, time.monotonic() - started)
        if self.after_exchange is not None:
            self.after_exchange()
        return outcome, digest

    def _log(self, request: _Request, outcome: Response | errors.AzureDevOpsError, seconds: float) -> None:
        """Log a call, on the debug level if it succeeded.

        404 counts as success, because most probes expect it.
        """
        went_well = isinstance(outcome, Response) and (200 <= outcome.status < 300 or outcome.status == 404)
        level = logging.DEBUG if went_well else logging.INFO
        if not log.isEnabledFor(level):
            return
        extra = {"session": self.session_id, "activity_id": outcome.activity_id, "seconds": round(seconds, 3)}
        result = outcome.code if isinstance(outcome, errors.AzureDevOpsError) else outcome.status
        log.log(level, "Azure DevOps: %s %s: %s", request.method, urlsplit(request.url).path, result, extra=extra)

    def _ask_once(
        self, request: _Request, started: float, ends_at: float
    ) -> tuple[Response | errors.AzureDevOpsError, bytes]:
        digest = b""
        try:
            # Only here, so that the frames of an exception that leaves this module do not hold the header.
            headers = request.headers(self._headers)
            if request.is_signed:
                self._signer.sign(headers)
                digest = digest_of(headers)
            with closing(self._response(request, headers, max(0.001, ends_at - started))) as response:
                body = read(response, request.max_bytes)
                answer = self._answer(request, response, body or b"", time.monotonic() - started)
                if body is None:
                    return errors.AnswerTooLarge(status=answer.status, activity_id=answer.activity_id), digest
                self._remember_wait(answer)
                return answer, digest
        except Exception as error:
            return errors.TimedOut() if time.monotonic() >= ends_at else translated(error), digest

    def _answer(self, request: _Request, response: BaseHTTPResponse, body: bytes, elapsed: float) -> Response:
        """The answer with the credential redacted, in case the server sent it back."""
        headers, body, held_token = self._without_token(headers_of(response), body)
        host = urlsplit(request.url).hostname or ""
        if held_token:
            log.warning("%s sent the token in use back. It is redacted from the answer.", host)
        by_principal = request.is_signed and self._signer.by_principal
        return Response(response.status, headers, body, elapsed, host, request.service, held_token, by_principal)

    def _remember_wait(self, answer: Response) -> None:
        wait = answer.retry_after or 0.0
        self.asked_to_wait = max(self.asked_to_wait, wait)
        if answer.status < 500:
            self.person_asked_to_wait = max(self.person_asked_to_wait, wait)

    def _response(self, request: _Request, headers: dict[str, str], left: float) -> BaseHTTPResponse:
        timeout = Timeout(connect=min(self.limits.connect_timeout, left), read=left)
        pool = self._pools.get(request.service)
        if pool is None:
            pool = self._pools[request.service] = pool_for(self.server, self._base(request.service))
        return pool.request(request.method, request.url, headers=headers, content=request.content, timeout=timeout)


def _encoded(json: object) -> bytes | None:
    return None if json is None else dumps(json, ensure_ascii=False).encode()


def _segment(name: str) -> str:
    """An encoded path segment. Raises `NotFound` if it would change the rest of the path."""
    if _NEEDS_NO_QUOTES.fullmatch(name):
        return name
    decoded = unquote(unquote(name))
    if decoded in ("", ".", "..") or _LEAVES_ITS_PLACE.search(decoded):
        raise errors.NotFound(detail="no such name is possible")
    return quote(name, safe="")


def _parameter(text: str) -> str:
    """An encoded name or value of a parameter."""
    return text if _NEEDS_NO_QUOTES.fullmatch(text) else quote(text, safe="$")


def successful(answer: Response, *, content: Content = "json") -> Response:
    """The answer, if it is successful. Otherwise raises the error from `classify`."""
    error = classify(answer, content=content)
    if error is not None:
        raise error
    return answer
