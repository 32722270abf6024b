"""Exchange a credential of an application for an access token at Microsoft Entra.

One POST with a total deadline and a size limit, without redirects and cookies. Who may receive a credential is decided
by settings alone, and no exception that leaves this module contains one.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_refusals import refusal_of
from connections.providers.azure_devops.models import Server, is_loopback
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.sessions import headers_of, new_session, read, translated
from core.secrets import Secret

PUBLIC_CLOUD = "https://login.microsoftonline.com"
# Azure DevOps Services accepts tokens of the public cloud only.
AUTHORITIES = (PUBLIC_CLOUD,)
# Azure DevOps in every tenant.
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
SCOPE = f"{AZURE_DEVOPS}/.default"
_LONGEST_LIFE = 86_400.0
_MAX_BYTES = 256 * 1024
_LONGEST_TOKEN = 100_000
_FORM = "application/x-www-form-urlencoded"
log = logging.getLogger(__name__)


class InvalidAuthority(ValueError):
    """A setting names an authority that may not receive credentials. The message says why."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token. `asked_at` is before the request, on the monotonic clock; `lasts` is in seconds."""

    text: Secret
    asked_at: float
    lasts: float

    @property
    def renew_at(self) -> float:
        """When a new one is fetched: after three quarters of its life."""
        return self.asked_at + self.lasts * 0.75

    @property
    def ends_at(self) -> float:
        """When it ends."""
        return self.asked_at + self.lasts


class _Unsigned(AuthBase):
    # So that no .netrc file adds a password.
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True, slots=True)
class Request:
    """One request for an access token."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked beside Azure DevOps. `authority` has the address, the certificate authorities and the proxy."""

    authority: Server
    connect_timeout: float = 5.0
    seconds: float = 15.0

    def unreachable(self, error: errors.AzureDevOpsError, host: str) -> errors.AzureDevOpsError:
        """What it means that there was no answer."""
        kind = errors.EntraNotTrusted if isinstance(error, errors.TlsFailure) else errors.EntraUnreachable
        return kind(detail=error.code, host=host)

    def _answer(self, request: Request, ends_at: float) -> Response | errors.AzureDevOpsError:
        host = urlsplit(self.authority.url).hostname or ""
        try:
            answer = self._send(request, ends_at)
        except Exception as error:
            return self.unreachable(errors.TimedOut() if time.monotonic() >= ends_at else translated(error), host)
        return errors.EntraUnexpectedAnswer(detail="too large", host=host) if answer is None else answer

    def _send(self, request: Request, ends_at: float) -> Response | None:
        left = max(0.001, ends_at - time.monotonic())
        with (
            new_session({"Accept": "application/json"}, pool_size=1) as session,
            session.request(
                request.method,
                request.url,
                data=request.content,
                headers=dict(request.headers),
                auth=_Unsigned(),
                timeout=(min(self.connect_timeout, left), left),
                verify=self.authority.ca_bundle or True,
                proxies=self.authority.proxies,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            raw: BaseHTTPResponse = response.raw
            body = read(raw, _MAX_BYTES)
            host = urlsplit(request.url).hostname or ""
            return None if body is None else Response(response.status_code, headers_of(raw), body, host=host)


@dataclass(frozen=True, slots=True)
class TokenSource(Endpoint, ABC):
    """Where access tokens are fetched."""

    @abstractmethod
    def request_for(self, credential: EntraCredential) -> Request:
        """What is sent for an access token of this credential. Raises `AzureDevOpsError`."""

    def refusal(self, answer: Response) -> errors.AzureDevOpsError:
        """What an answer without a token means."""
        return refusal_of(answer)

    def fetch(self, credential: EntraCredential) -> AccessToken:
        """A new access token. Raises `EntraError`."""
        asked_at = time.monotonic()
        with deadline(asked_at + self.seconds) as ends_at:
            outcome = self._exchange(credential, ends_at)
        host = urlsplit(self.authority.url).hostname or ""
        extra = {"seconds": round(time.monotonic() - asked_at, 3), "client": credential.client}
        if isinstance(outcome, errors.AzureDevOpsError):
            log.info("Microsoft Entra at %s: %s: %s", host, outcome.code, outcome.detail, extra=extra)
            # Raised here, without the exception of requests, which contains the secret.
            raise outcome
        log.debug("Microsoft Entra at %s: issued an access token", host, extra=extra)
        return AccessToken(outcome[0], asked_at, outcome[1])

    def _exchange(self, credential: EntraCredential, ends_at: float) -> tuple[Secret, float] | errors.AzureDevOpsError:
        try:
            request = self.request_for(credential)
        except errors.AzureDevOpsError as error:
            return error
        answer = self._answer(request, ends_at)
        return answer if isinstance(answer, errors.AzureDevOpsError) else issued(answer) or self.refusal(answer)


@dataclass(frozen=True, slots=True)
class Issuer(TokenSource):
    """The token endpoint of Microsoft Entra. `scope` says what the access tokens are for."""

    scope: str = SCOPE

    def endpoint(self, tenant: str) -> str:
        """Where tokens of this tenant are requested."""
        return f"{self.authority.url}/{quote(tenant, safe='')}/oauth2/v2.0/token"

    def request_for(self, credential: EntraCredential) -> Request:
        """A form with what proves who asks."""
        endpoint = self.endpoint(credential.tenant)
        fields = {"client_id": credential.client, "scope": self.scope, "grant_type": "client_credentials"}
        return self._form(credential.tenant, {**fields, **credential.proof(endpoint)})

    def _form(self, tenant: str, fields: Mapping[str, str]) -> Request:
        return Request("POST", self.endpoint(tenant), {"Content-Type": _FORM}, urlencode(fields).encode())

    def ask(self, tenant: str, fields: Mapping[str, str]) -> Response:
        """The answer to a token request with these fields, with any status.

        Raises `EntraUnreachable`, `EntraNotTrusted` or `EntraUnexpectedAnswer`.
        """
        with deadline(time.monotonic() + self.seconds) as ends_at:
            answer = self._answer(self._form(tenant, fields), ends_at)
        if isinstance(answer, errors.AzureDevOpsError):
            # Raised here, without the exception of requests, which contains the fields.
            raise answer
        return answer


def issued(answer: Response) -> tuple[Secret, float] | None:
    """The token in a successful answer, and its life in seconds; None for any other answer."""
    body = answer.json_object() if answer.status == 200 and answer.is_object else {}
    text, lasts = body.get("access_token"), _life(body)
    is_bearer = str(body.get("token_type", "")).lower() == "bearer"
    if not (is_bearer and isinstance(text, str) and 0 < len(text) <= _LONGEST_TOKEN and lasts > 0):
        return None
    # Anything else would not fit into a header.
    return (Secret(text), lasts) if text.isascii() and text.isprintable() and " " not in text else None


def _life(body: Mapping[str, object]) -> float:
    """The life of a token in seconds. App Service says only when it ends, in seconds since 1970."""
    if "expires_in" in body or "expires_on" not in body:
        return _seconds(body.get("expires_in"))
    return max(0.0, min(_seconds(body["expires_on"], most=math.inf) - time.time(), _LONGEST_LIFE))


def _seconds(value: object, *, most: float = _LONGEST_LIFE) -> float:
    """Seconds, at most those of a day; also from a text, as managed identities have it. 0 if it is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0.0
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return min(seconds, most) if seconds > 0 else 0.0


def authority(
    url: str,
    *,
    ca_bundle: str = "",
    proxy: str = "",
    on_this_machine: bool = False,
    known: tuple[str, ...] = AUTHORITIES,
) -> Server:
    """One of the `known` addresses, or for a sandbox an address on this machine. Raises `InvalidAuthority`."""
    tidy = url.strip().rstrip("/").lower()
    try:
        parts = urlsplit(tidy)
        local = parts.scheme == "https" and is_loopback(parts.hostname or "") and parts.port is not None
    except ValueError:
        raise InvalidAuthority(f"{url} is not an address.") from None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise InvalidAuthority(f"It must be a scheme and a host, such as {known[0]}.")
    if not (local if on_this_machine else tidy in known):
        allowed = "https://127.0.0.1:PORT" if on_this_machine else " or ".join(known)
        raise InvalidAuthority(f"It must be {allowed}.")
    return Server("Microsoft Entra", tidy, ca_bundle=ca_bundle or None, proxy=proxy or None)
