"""The hosts to which messages may be sent, as the site administrator lists them in NOTIFICATION_HOSTS."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connections.input_rules import InvalidInput

SETTING = "NOTIFICATION_HOSTS"
URL_LENGTH = 2000
_HTTPS = 443
_PRIVATE = "private"


class InvalidHosts(ValueError):
    """An entry of NOTIFICATION_HOSTS cannot be used. The message says which and why."""


class HostNotListed(Exception):
    """NOTIFICATION_HOSTS does not list the host of a target, or no longer does."""


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """An entry: a host, or all hosts below a domain, with a port. `is_private` allows private addresses."""

    name: str
    port: int
    is_wildcard: bool
    is_private: bool

    def covers(self, host: str, port: int) -> bool:
        """Whether a target with this host and port may be used."""
        is_named = host.endswith(f".{self.name}") if self.is_wildcard else host == self.name
        return is_named and port == self.port


def parse(entries: Iterable[str]) -> list[AllowedHost]:
    """The entries: `hooks.slack.com`, `*.logic.azure.com`, `chat.example.com:8443 private`. Raises `InvalidHosts`."""
    return [_parse(entry) for entry in entries]


def _parse(entry: str) -> AllowedHost:
    place, *words = entry.split()
    is_wildcard, is_private = place.startswith("*."), words == [_PRIVATE]
    try:
        parts = urlsplit(f"https://{place.removeprefix('*.')}")
        host, port = parts.hostname or "", parts.port or _HTTPS
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if not host or "*" in host or parts.path or parts.query or parts.username or not place.isascii():
        raise InvalidHosts(f"“{entry}” in {SETTING} is not a host, such as hooks.slack.com or *.logic.azure.com.")
    if words and not is_private:
        raise InvalidHosts(f"“{entry}” in {SETTING}: only the word “{_PRIVATE}” can follow a host.")
    if is_wildcard and (is_private or "." not in host or _is_address(host)):
        raise InvalidHosts(f"“{entry}” in {SETTING}: “*.” needs a domain with a dot, and can't be {_PRIVATE}.")
    return AllowedHost(host, port, is_wildcard, is_private)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@sensitive_variables("url", "parts")
def allowed_host(url: str) -> AllowedHost:
    """The entry that allows this target. One that allows private addresses goes first. Raises `HostNotListed`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _HTTPS
    covering = [entry for entry in parse(settings.NOTIFICATION_HOSTS) if entry.covers(host, port)]
    if not covering:
        raise HostNotListed(_shown(host, port))
    return max(covering, key=lambda entry: entry.is_private)


@sensitive_variables("text", "url", "parts")
def target_url(text: str) -> str:
    """The URL of a target as it is stored. Raises `InvalidInput`, whose message does not repeat the URL."""
    url = text.strip()
    if not url:
        raise InvalidInput("target_missing", "Enter the webhook URL.", field="url")
    if len(url) > URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        words = f"A webhook URL has at most {URL_LENGTH} characters and no spaces. Copy it again."
        raise InvalidInput("target_invalid", words, field="url")
    parts = _split(url)
    if parts is None or parts.username is not None or parts.fragment:
        raise InvalidInput("target_invalid", "This is not a webhook URL. Copy it again.", field="url")
    if parts.scheme != "https":
        raise InvalidInput("target_not_https", "The webhook URL must begin with https://.", field="url")
    try:
        allowed_host(url)
    except HostNotListed as error:
        words = f"The site administrator has not allowed {error}. They can add it to {SETTING}."
        raise InvalidInput("target_host_not_listed", words, field="url") from None
    return url


@sensitive_variables("url", "parts")
def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname else None


@sensitive_variables("url", "parts")
def host_of(url: str) -> str:
    """The host of a target as pages show it, with a port other than that of https."""
    parts = urlsplit(url)
    return _shown(parts.hostname or "", parts.port or _HTTPS)


def _shown(host: str, port: int) -> str:
    return host if port == _HTTPS else f"{host}:{port}"
