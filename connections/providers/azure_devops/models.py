"""What Azure DevOps returns, as frozen values. A field that may be absent is optional."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlsplit

from connections.providers.organization import Identity, Place

SERVICES_URL = "https://dev.azure.com"
SERVICES_RELEASE_URL = "https://vsrm.dev.azure.com"
# What answers there: Azure DevOps, or the sandbox that stands for the service on a developer's machine.
Kind = Literal["azure_devops", "sandbox"]
# Classic releases are a service of their own, at the service on a host of their own.
Service = Literal["core", "release"]

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
    # It may hold a password.
    proxy: str | None = field(default=None, repr=False)
    kind: Kind = "azure_devops"

    @property
    def is_services(self) -> bool:
        """Whether this is Microsoft's own service."""
        return self.url == SERVICES_URL

    @property
    def place(self) -> Place:
        """What the server calls the place of projects. Whatever is not the service is somebody's own server."""
        return "organization" if self.is_services or self.is_sandbox else "collection"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the sandbox, which stands for the service."""
        return self.kind == "sandbox"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def shows_tokens(self) -> bool:
        """Whether tokens cross a network that anybody on the way can read."""
        return self.url.lower().startswith("http:") and not self.is_loopback

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
        return f"{self.home_page(organization)}/_usersSettings/tokens"

    def home_page(self, organization: str) -> str:
        """The organization or collection in the browser."""
        return f"{self.url}/{quote(organization, safe='')}"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list, and the token that asks for the next; None when there is none.

    `left_out` counts the items that could not be read: what is not among `items` may be one of them.
    """

    items: tuple[Item, ...]
    continuation: str | None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionData:
    """Who asks, and the organization's id, which survives a rename."""

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
    url: str
    visibility: str | None = None
    description: str | None = None
    last_updated_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether calls below the project can work. A state that is absent or not known does not speak against it."""
        return self.state.lower() not in _UNUSABLE_STATES
