"""What Microsoft Entra knows: tenants, applications and their credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.ids import stable_id
from sandbox.people import TENANT, Principal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cryptography.x509 import Certificate

FEDERATION_AUDIENCE = "api://AzureADTokenExchange"


@dataclass
class ClientSecret:
    """A client secret. Without `expires_at` it does not expire, which no real one does."""

    value: str = field(repr=False)
    expires_at: datetime | None = None
    created_at: datetime | None = None
    name: str = "Sandbox"
    # Microsoft Graph shows no beginning of old ones.
    has_hint: bool = True

    @property
    def key_id(self) -> str:
        """The Secret ID, which is not secret. People paste it in place of the value."""
        return stable_id("secret", self.value)

    def has_expired(self, now: datetime) -> bool:
        """Whether it can no longer be used."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class FederatedCredential:
    """Which tokens of another issuer an application accepts. All three are compared exactly."""

    issuer: str
    subject: str
    audience: str = FEDERATION_AUDIENCE


@dataclass
class Application:
    """An application in a tenant, registered and present as an enterprise application.

    It has three ids: `client_id`, `object_id` of the registration, and the object id of its `principal`, which is what
    Azure DevOps wants. The access tokens of a disabled one stay valid; a managed identity has no credential of its own.
    One that `may_read_applications` has the permission Application.Read.All in Microsoft Graph.
    `redirects` are the addresses to which people return after they have signed in; if there are none, any address of
    this machine is accepted.
    """

    name: str
    display_name: str
    tenant: str = TENANT
    secrets: list[ClientSecret] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list, repr=False)
    federated: list[FederatedCredential] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    may_read_applications: bool = False
    is_enabled: bool = True
    is_managed: bool = False

    @property
    def client_id(self) -> str:
        """The application (client) id."""
        return stable_id("client", self.tenant, self.name)

    @property
    def object_id(self) -> str:
        """The object id of the registration."""
        return stable_id("registration", self.tenant, self.name)

    @property
    def principal(self) -> Principal:
        """The enterprise application, as Azure DevOps knows it."""
        return Principal(self.display_name, stable_id("enterprise application", self.tenant, self.name), self.tenant)


class Directory:
    """Applications by name, and the tenants that they are in."""

    def __init__(self, applications: Iterable[Application]) -> None:
        self._applications = {application.name: application for application in applications}

    def __iter__(self) -> Iterator[Application]:
        """All applications."""
        return iter(list(self._applications.values()))

    def add(self, application: Application) -> None:
        """Register an application. Raises `ValueError` if the name is taken."""
        if application.name in self._applications:
            raise ValueError(f"there already is an application {application.name}")
        self._applications[application.name] = application

    def named(self, name: str) -> Application:
        """The application with this name. Raises `KeyError`."""
        return self._applications[name]

    def has_tenant(self, tenant: str) -> bool:
        """Whether a tenant exists, by its id in any case."""
        return any(application.tenant == tenant.lower() for application in self)

    def application(self, tenant: str, client_id: str) -> Application | None:
        """The application with this client id in a tenant."""
        return next(
            (
                application
                for application in self
                if (application.tenant, application.client_id) == (tenant.lower(), client_id.lower())
            ),
            None,
        )
