"""Servers, and data that Azure DevOps returns. Fields that may be absent are optional."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlsplit

from connections.providers.organization import Identity, Place

SERVICES_URL = "https://dev.azure.com"
SERVICES_RELEASE_URL = "https://vsrm.dev.azure.com"
SERVICES_TOKENS_URL = "https://vssps.dev.azure.com"
# Azure DevOps, or the sandbox that simulates it.
Kind = Literal["azure_devops", "sandbox"]
# Classic releases and the tokens of people are separate services with their own hosts at Azure DevOps Services.
Service = Literal["core", "release", "tokens"]

_SERVICE_URLS: dict[Service, str] = {"release": SERVICES_RELEASE_URL, "tokens": SERVICES_TOKENS_URL}

Item = TypeVar("Item")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Server:
    """A configured Azure DevOps. `url` has no trailing slash.

    `ca_bundle` is a file or folder of certificate authorities for this server, and `proxy` the address of its proxy,
    empty for none. None leaves them to the environment (REQUESTS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY).
    """

    name: str
    url: str
    ca_bundle: str | None = None
    # May contain a password.
    proxy: str | None = field(default=None, repr=False)
    kind: Kind = "azure_devops"

    @property
    def is_services(self) -> bool:
        """Whether this is Azure DevOps Services."""
        return self.url == SERVICES_URL

    @property
    def place(self) -> Place:
        """Whether projects live in organizations or in collections."""
        return "organization" if self.is_services or self.is_sandbox else "collection"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the sandbox, which simulates Azure DevOps Services."""
        return self.kind == "sandbox"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def shows_tokens(self) -> bool:
        """Whether tokens are sent over a network without encryption."""
        return self.url.lower().startswith("http:") and not self.is_loopback

    @property
    def release_url(self) -> str:
        """The address of the release service."""
        return self.url_of("release")

    def url_of(self, service: Service) -> str:
        """The address of a service."""
        return _SERVICE_URLS.get(service, self.url) if self.is_services else self.url

    @property
    def proxies(self) -> dict[str, str]:
        """The proxy by scheme; empty if the environment decides. Loopback servers never use the environment's proxy."""
        proxy = "" if self.proxy is None and self.is_loopback else self.proxy
        return {} if proxy is None else {"http": proxy, "https": proxy}

    def tokens_page(self, organization: str) -> str:
        """The page where people create and revoke tokens."""
        return f"{self.home_page(organization)}/_usersSettings/tokens"

    def home_page(self, organization: str) -> str:
        """The organization or collection in the browser."""
        return f"{self.url}/{quote(organization, safe='')}"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list, and the continuation token of the next, or None.

    `left_out` counts unreadable items, so an item missing from `items` may be one of them.
    """

    items: tuple[Item, ...]
    continuation: str | None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionData:
    """The token's owner, and the organization's id, which a rename does not change."""

    identity: Identity
    organization_id: str
    deployment_type: str | None = None


# https://learn.microsoft.com/rest/api/azure/devops/core/projects/list#projectstate
_UNUSABLE_STATES = frozenset({"deleting", "new", "createpending", "deleted"})


@dataclass(frozen=True, slots=True)
class Project:
    """A project. `state` is wellFormed, deleting, new, createPending or deleted; `visibility` is an open set."""

    id: str
    name: str
    state: str
    visibility: str | None = None
    description: str | None = None
    last_updated_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the project can be used. Unknown states count as usable."""
        return self.state.lower() not in _UNUSABLE_STATES
