"""The description of a provider."""

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
    """A link to further reading."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Provider:
    """An entry of the registry. `key` is stored with each connection, `slug` is part of page URLs.

    `icon` is the name of a lucide icon, `needs` what people need in order to connect. The templates are the guide, the
    connect page, and the table of scopes.
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
