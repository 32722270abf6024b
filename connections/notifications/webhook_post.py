"""Post one message to the target of a channel: over TLS, with a total deadline and a size limit, without redirects.

The URL is a secret: no exception that leaves this module and no log line contains it.
"""

import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3
from django.conf import settings

from connections.notifications import channel_hosts
from connections.notifications.channel_hosts import HostNotListed
from connections.providers.azure_devops.deadlines import (
    DeadlineAdapter,
    NoPublicAddress,
    PublicAdapter,
    causes,
    deadline,
)
from core.secrets import Secret

LONGEST_ANSWER = 64 * 1024
_CHUNK = 8 * 1024
_USER_AGENT = "MFE-Orchestrator/0.1 (notifications)"
log = logging.getLogger(__name__)


class NotPosted(Exception):
    """There was no answer. The message says why, without the URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the target answered. `body` is at most LONGEST_ANSWER bytes of it."""

    status: int
    body: bytes
    retry_after: str


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None, because requests would read the body of a redirect without the size limit."""
        return None


def post(url: Secret, content: bytes, headers: Mapping[str, str]) -> Answer:
    """Post JSON to the target within NOTIFICATION_DEADLINE seconds. Raises `NotPosted`.

    The host must be listed now, whatever was listed when the channel was set up, and a host whose entry does not say
    so may have no private address.
    """
    try:
        host = channel_hosts.allowed_host(url.reveal())
    except HostNotListed as error:
        raise NotPosted(f"{channel_hosts.SETTING} does not list {error}.") from None
    adapter = DeadlineAdapter() if host.is_private else PublicAdapter()
    with deadline(time.monotonic() + settings.NOTIFICATION_DEADLINE) as ends_at, _session(adapter) as session:
        outcome = _exchange(session, url, content, headers, ends_at)
    if isinstance(outcome, str):
        # Raised here, without the exception of requests, which contains the URL.
        raise NotPosted(outcome)
    return outcome


def _session(adapter: DeadlineAdapter) -> requests.Session:
    session = _Session()
    # No proxy, no .netrc and no CA bundle of the environment: the address is checked where the connection is made.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers = requests.structures.CaseInsensitiveDict({"User-Agent": _USER_AGENT})
    session.mount("https://", adapter)
    del session.adapters["http://"]
    return session


def _exchange(
    session: requests.Session, url: Secret, content: bytes, headers: Mapping[str, str], ends_at: float
) -> Answer | str:
    """The answer, or why there is none."""
    try:
        with session.post(
            url.reveal(),
            data=content,
            headers={"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity", **headers},
            timeout=settings.NOTIFICATION_DEADLINE,
            verify=settings.NOTIFICATION_CA_BUNDLE or True,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, _read(response), response.headers.get("Retry-After", ""))
    except Exception as error:  # whatever it is, it may contain the URL
        log.info("No answer from the target of a notification channel: %s", type(error).__name__)
        return _timed_out() if time.monotonic() >= ends_at else _words(error)


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) >= LONGEST_ANSWER:
            break
    return bytes(body[:LONGEST_ANSWER])


def _timed_out() -> str:
    return f"The target did not answer within {settings.NOTIFICATION_DEADLINE:g} seconds."


def _words(error: Exception) -> str:
    wrapped = causes(error)
    if any(isinstance(cause, NoPublicAddress) for cause in wrapped):
        return f"The name of the target has only private addresses, which {channel_hosts.SETTING} does not allow."
    if any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in wrapped):
        return "The name of the target can't be resolved."
    if any(isinstance(cause, (ssl.SSLCertVerificationError, requests.exceptions.SSLError)) for cause in wrapped):
        return "The certificate of the target is not trusted, or TLS failed."
    if any(isinstance(cause, (TimeoutError, urllib3.exceptions.ConnectTimeoutError)) for cause in wrapped):
        return _timed_out()
    return "The connection to the target failed."
