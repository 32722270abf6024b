"""People and their personal access tokens; principals of applications, and access tokens of Microsoft Entra."""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from sandbox.ids import EPOCH, stable_id

TENANT = "00000000-aaaa-4bbb-8ccc-000000000001"
# Azure DevOps as a resource of Microsoft Entra, in every tenant.
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
GRAPH = "https://graph.microsoft.com"
ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@dataclass(frozen=True)
class Person:
    """A person with an account."""

    name: str
    upn: str

    @cached_property
    def id(self) -> str:
        """The id that Azure DevOps gives them."""
        return stable_id("person", self.upn)

    @cached_property
    def descriptor(self) -> str:
        """The id in the form of newer API calls."""
        return f"aad.{_encoded(self.id)}"

    @property
    def object_id(self) -> str:
        """The object id in Microsoft Entra."""
        return stable_id("object id", self.upn)

    @property
    def identity(self) -> str:
        """The descriptor in the form of older API calls."""
        return f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{TENANT}\\{self.upn}"

    @property
    def unique_name(self) -> str:
        """The name in JSON."""
        return self.upn


@dataclass(frozen=True)
class Principal(Person):
    """An application in a tenant (a service principal). Its `upn` is its object id; it has no mail address.

    The id that Azure DevOps gives it differs from the one in its descriptor, as in a recorded pull request.
    """

    tenant: str = TENANT

    @property
    def object_id(self) -> str:
        """The object id of the enterprise application, by which administrators add it to an organization."""
        return self.upn

    @cached_property
    def id(self) -> str:
        """The id that Azure DevOps gives it."""
        return _as_version(6, stable_id("principal", self.upn))

    @cached_property
    def descriptor(self) -> str:
        """The id in the form of newer API calls."""
        return f"aadsp.{_encoded(_as_version(7, self.id))}"

    @property
    def identity(self) -> str:
        """The descriptor in the form of older API calls."""
        return f"Microsoft.VisualStudio.Services.Claims.AadServicePrincipal;{self.tenant}\\{self.object_id}"

    @property
    def unique_name(self) -> str:
        """A principal has no name of this kind."""
        return ""


def _encoded(identifier: str) -> str:
    return base64.b64encode(identifier.encode()).decode().rstrip("=")


def _as_version(digit: int, identifier: str) -> str:
    return f"{identifier[:14]}{digit}{identifier[15:]}"


STATES = ("active", "expired", "revoked", "not_materialized")


@dataclass
class Token:
    """A personal access token.

    `organization` is None for a token created for all accessible organizations, and `*` for a token that opens every
    organization without being such a token. `state` is active, expired, revoked or not_materialized (its owner has
    not signed in with a browser yet); after `expires_at` the token has expired too. One that was revoked at
    `revoked_at` is refused from `refused_from` on.
    """

    secret: str = field(repr=False)
    name: str
    person: Person
    organization: str | None
    scopes: tuple[str, ...]
    state: str = "active"
    expires_at: datetime | None = None
    created_at: datetime | None = None
    revoked_at: datetime | None = None
    refused_from: datetime | None = None

    @property
    def authorization_id(self) -> str:
        """The id by which its owner finds it."""
        return stable_id("authorization", self.secret)

    @property
    def valid_to(self) -> datetime:
        """The end that lists show."""
        return self.expires_at or (
            EPOCH - timedelta(days=1) if self.state == "expired" else EPOCH + timedelta(days=365)
        )

    def is_refused(self, now: datetime) -> bool:
        """Whether it was revoked, and everywhere."""
        return self.state != "active" or (self.refused_from is not None and self.refused_from <= now)

    def has_expired(self, now: datetime) -> bool:
        """Whether the token was valid once and has expired."""
        return self.state == "expired" or (self.expires_at is not None and self.expires_at <= now)


@dataclass
class AccessToken(Token):
    """An access token of Microsoft Entra for a resource, `audience`."""

    tenant: str = TENANT
    audience: str = AZURE_DEVOPS

    def seconds_left(self, now: datetime) -> float:
        """How long it is still valid."""
        return (self.expires_at - now).total_seconds() if self.expires_at else 0.0
