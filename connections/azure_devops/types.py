"""What Azure DevOps returns, as frozen values. A field that may be absent is optional."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

from connections.azure_devops import errors

SERVICES_URL = "https://dev.azure.com"
SERVICES_RELEASE_URL = "https://vsrm.dev.azure.com"
_FRACTION = re.compile(r"\.(\d+)")
_NEVER = "0001-01-01"

Item = TypeVar("Item")


def is_loopback(host: str) -> bool:
    """Whether a host of an address is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Server:
    """An Azure DevOps that the operator configured. `url` has no trailing slash.

    `ca_bundle` is a file or folder of certificate authorities for this server alone, and `proxy` the address of its
    proxy; an empty one means none. What is None is left to the environment (REQUESTS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY).
    """

    name: str
    url: str
    ca_bundle: str | None = None
    proxy: str | None = None

    @property
    def is_services(self) -> bool:
        """Whether this is Microsoft's own service."""
        return self.url == SERVICES_URL

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def release_url(self) -> str:
        """Where classic releases live: a host of their own at the service, the same one elsewhere."""
        return SERVICES_RELEASE_URL if self.is_services else self.url

    @property
    def proxies(self) -> dict[str, str]:
        """The proxy by scheme; empty when the environment decides. This machine itself is never behind one."""
        proxy = "" if self.proxy is None and self.is_loopback else self.proxy
        return {} if proxy is None else {"http": proxy, "https": proxy}

    def tokens_page(self, organization: str) -> str:
        """The page on which a person makes and revokes tokens."""
        return f"{self.url}/{organization}/_usersSettings/tokens"

    def project_page(self, organization: str, project: str) -> str:
        """A project in the browser."""
        return f"{self.url}/{organization}/{quote(project, safe='')}"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list, and the token that asks for the next; None when there is none."""

    items: tuple[Item, ...]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """The person behind a token. `id` is Azure DevOps' own, not the Entra object id."""

    id: str
    display_name: str
    account: str | None = None
    descriptor: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionData:
    """Who asks, and the organization's id, which survives a rename."""

    identity: Identity
    organization_id: str
    deployment_type: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project. `state` is wellFormed, deleting, new, createPending or deleted; `visibility` is an open set."""

    id: str
    name: str
    state: str
    url: str
    visibility: str | None = None
    description: str | None = None
    last_updated_at: datetime | None = None


def parse_datetime(text: object) -> datetime | None:
    """An instant with zero to seven fractional digits, aware and in UTC; None for what is absent or no date."""
    if not isinstance(text, str) or text.startswith(_NEVER):
        return None
    shortened = _FRACTION.sub(lambda digits: "." + digits.group(1)[:6].ljust(6, "0"), text.strip(), count=1)
    try:
        instant = datetime.fromisoformat(shortened.replace("Z", "+00:00"))
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_of(source: dict[str, Any], key: str) -> str:
    """A text that must be there. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return value


def optional_text(source: dict[str, Any], *path: str) -> str | None:
    """A text that may be absent, at a path of keys."""
    value: Any = source
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def number_of(source: dict[str, Any], key: str) -> int:
    """A whole number that must be there. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return value
