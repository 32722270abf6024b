"""What the product knows of a provider."""

from dataclasses import dataclass

from connections.providers.capability import Capability
from connections.providers.credential import Credential


@dataclass(frozen=True, slots=True)
class Practice:
    """One security practice of the user guide."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where people read on."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Provider:
    """One entry of the registry. `key` is stored with each connection, `slug` stands in addresses of pages.

    `icon` is a name of lucide, `needs` what a person must have at hand to connect. The templates are the guide, the
    page to connect, and the part that says which scopes to tick.
    """

    key: str
    slug: str
    label: str
    icon: str
    needs: str
    credentials: tuple[type[Credential], ...]
    capabilities: tuple[Capability, ...]
    security_practices: tuple[Practice, ...]
    links: tuple[Link, ...]
    guide_template: str
    connect_template: str
    scopes_template: str
