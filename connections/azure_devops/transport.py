"""One request to Azure DevOps: a deadline over everything, a size cap, no redirects, no cookies.

The token goes to the configured host and nowhere else, and is on no exception that leaves this module.
"""

import base64
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from connections.azure_devops import errors
from connections.azure_devops.answers import Answer, classify
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.sockets import DeadlineAdapter, deadline
from connections.azure_devops.types import Server

Service = Literal["core", "release"]
API_VERSION = "7.1"
USER_AGENT = "MFE-Orchestrator/0.1 (Code Repositories)"
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: seconds to connect, seconds in all, bytes of the decoded answer."""

    connect_timeout: float = 5.0
    deadline: float = 15.0
    max_bytes: int = 8 * 1024 * 1024


class _BasicToken(AuthBase):
    # Given for each request, so that no .netrc of this machine can take its place.
    # https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    def __init__(self, token: PersonalAccessToken) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        secret = base64.b64encode(b":" + self._token.reveal().encode()).decode()
        request.headers["Authorization"] = f"Basic {secret}"
        return request


class Transport:
    """Requests to one organization with one token. Safe to use from several threads; closes."""

    def __init__(
        self,
        server: Server,
        organization: str,
        token: PersonalAccessToken,
        *,
        limits: Limits | None = None,
        pool_size: int = 12,
    ) -> None:
        self.server = server
        self.organization = organization
        self.limits = limits or Limits()
        self._auth = _BasicToken(token)
        self._session = requests.Session()
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": USER_AGENT,
                # Without it a bad token is answered by a redirect to a sign-in page.
                "X-TFS-FedAuthRedirect": "Suppress",
                "X-VSS-ForceMsaPassThrough": "true",
                "X-TFS-Session": str(uuid.uuid4()),
            }
        )
        # The service sets cookies that stand for a person; none is ever kept.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = DeadlineAdapter(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __repr__(self) -> str:
        return f"<Transport {self.server.name} {self.organization}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pool of connections."""
        self._session.close()

    def ask(
        self,
        method: str,
        path: Sequence[str],
        *,
        service: Service = "core",
        query: Mapping[str, str] | None = None,
        json: object = None,
        api_version: str = API_VERSION,
    ) -> Answer:
        """The answer, whatever its status. `path` holds unencoded segments below the organization.

        Raises a member of `Unreachable`, or `AnswerTooLarge`.
        """
        url = self._url(service, path, {**(query or {}), "api-version": api_version})
        ends_at = time.monotonic() + self.limits.deadline
        with deadline(ends_at):
            try:
                return self._send(method, url, json, ends_at)
            except errors.ConnectionFailed:
                # A connection that idled may be closed just as we use it; asking twice changes nothing for a read.
                if method not in ("GET", "OPTIONS") or time.monotonic() >= ends_at:
                    raise
                return self._send(method, url, json, ends_at)

    def get(
        self,
        path: Sequence[str],
        *,
        service: Service = "core",
        query: Mapping[str, str] | None = None,
        api_version: str = API_VERSION,
    ) -> Answer:
        """A successful JSON answer. Raises any `AzureDevOpsError`."""
        return successful(self.ask("GET", path, service=service, query=query, api_version=api_version))

    def _url(self, service: Service, path: Sequence[str], query: Mapping[str, str]) -> str:
        base = self.server.release_url if service == "release" else self.server.url
        segments = [self.organization, *path]
        if any(part in ("", ".", "..") for part in segments):
            raise ValueError("a path segment is empty or climbs")
        encoded = "/".join(quote(part, safe="") for part in segments)
        return f"{base}/{encoded}?{urlencode(query, quote_via=quote, safe='$')}"

    def _send(self, method: str, url: str, json: object, ends_at: float) -> Answer:
        started = time.monotonic()
        failure: errors.AzureDevOpsError
        try:
            with self._request(method, url, json, max(0.001, ends_at - started)) as response:
                body = self._read(response)
                return Answer(response.status_code, _headers(response), body, time.monotonic() - started)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as trouble:
            failure = errors.TimedOut() if time.monotonic() >= ends_at else _translate(trouble)
        # Raised outside the handler: the library's exception holds the request, and that holds the token.
        raise failure

    def _request(self, method: str, url: str, json: object, left: float) -> requests.Response:
        allowed = {_origin(self.server.url), _origin(self.server.release_url)}
        if _origin(url) not in allowed:
            raise ValueError("not the configured server")
        connect = min(self.limits.connect_timeout, left)
        return self._session.request(
            method,
            url,
            json=json,
            auth=self._auth,
            timeout=(connect, left),
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.limits.max_bytes:
                raise errors.AnswerTooLarge(status=response.status_code, activity_id=response.headers.get("ActivityId"))
        return bytes(body)


def successful(answer: Answer) -> Answer:
    """The answer, if it is a success. Raises what `classify` makes of it otherwise."""
    trouble = classify(answer)
    if trouble is not None:
        raise trouble
    return answer


def _headers(response: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _causes(trouble: BaseException) -> list[Any]:
    """The exception and what it wraps, in arguments and reasons."""
    found: list[Any] = []
    waiting: list[Any] = [trouble]
    while waiting and len(found) < 20:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


_KINDS: tuple[tuple[tuple[type[BaseException], ...], type[errors.AzureDevOpsError]], ...] = (
    ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), errors.TlsFailure),
    ((urllib3.exceptions.NameResolutionError,), errors.DnsFailure),
    # To urllib3 a refused connection is a kind of time-out, so it is looked for first.
    ((urllib3.exceptions.NewConnectionError,), errors.ConnectionFailed),
    (
        (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
        errors.TimedOut,
    ),
    ((RemoteDisconnected, ConnectionError), errors.ConnectionFailed),
    ((requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError), errors.UnexpectedAnswer),
    ((requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader), errors.UnexpectedAnswer),
)


def _translate(trouble: BaseException) -> errors.AzureDevOpsError:
    causes = _causes(trouble)
    for kinds, ours in _KINDS:
        if any(isinstance(one, kinds) for one in causes):
            return ours(detail=type(trouble).__name__)
    return errors.ConnectionFailed(detail=type(trouble).__name__)
