"""Where access tokens for a server are fetched, and what signs its requests. Alone reads the settings of issuers."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import NoReturn

from django.conf import settings

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.access_tokens import Bearer
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_issuer import Issuer, TokenSource, authority
from connections.providers.azure_devops.entra_workloads import (
    SYSTEM_ASSIGNED,
    EntraFederatedToken,
    EntraManagedIdentity,
)
from connections.providers.azure_devops.graph import PUBLIC_GRAPH, Graph
from connections.providers.azure_devops.managed_identities import (
    MACHINE_URL,
    SERVICE_PATH,
    MachineIdentities,
    ServiceIdentities,
    here,
)
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.sign_in import Registration, SignIn
from connections.providers.credential import Credential, DateSource, Signer
from core.secrets import Secret

# The places of AZURE_DEVOPS_MANAGED_IDENTITY.
VIRTUAL_MACHINE, APP_SERVICE = "virtual-machine", "app-service"
# What the REST API and commands call the identities of this server.
IDENTITY_NAMES = {"workload": EntraFederatedToken.kind, "managed": EntraManagedIdentity.kind}
# A test waits no longer for a date, which people can enter.
_GRAPH_SECONDS = 5.0


class _NotOffered(Signer):
    """Signs nothing: applications can't be used with this server, or an identity is turned off."""

    by_principal = True

    def __init__(self, error: type[errors.EntraNotOffered] = errors.EntraNotOffered) -> None:
        self._error = error

    def prepare(self) -> NoReturn:
        raise self._error

    def sign(self, headers: MutableMapping[str, str]) -> NoReturn:
        self.prepare()

    def secrets(self) -> tuple[str, ...]:
        return ()


def issuer_of(server: Server) -> Issuer | None:
    """Where access tokens for this server are fetched; None if it accepts no applications. Raises `InvalidAuthority`.

    Credentials for Azure DevOps Services never go to the issuer of the sandbox, nor those of the sandbox to Microsoft.
    """
    if server.is_services and settings.AZURE_DEVOPS_ENTRA_AUTHORITY:
        where = authority(
            settings.AZURE_DEVOPS_ENTRA_AUTHORITY,
            ca_bundle=settings.AZURE_DEVOPS_ENTRA_CA_BUNDLE,
            proxy=settings.AZURE_DEVOPS_ENTRA_PROXY,
        )
    elif server.is_sandbox and settings.SANDBOX_ENTRA_AUTHORITY:
        where = authority(
            settings.SANDBOX_ENTRA_AUTHORITY, ca_bundle=settings.SANDBOX_ENTRA_CA_BUNDLE, on_this_machine=True
        )
    else:
        return None
    return Issuer(
        where, connect_timeout=settings.AZURE_DEVOPS_CONNECT_TIMEOUT, seconds=settings.AZURE_DEVOPS_TEST_LIMIT
    )


def graph_of(server: Server) -> Graph | None:
    """Where applications read when their client secrets expire; None if that is turned off.

    Raises `InvalidAuthority`.
    """
    issuer = issuer_of(server)
    if issuer is None or (server.is_services and not settings.AZURE_DEVOPS_ENTRA_GRAPH):
        return None
    where = issuer.authority
    if server.is_services:
        where = authority(
            settings.AZURE_DEVOPS_ENTRA_GRAPH,
            ca_bundle=settings.AZURE_DEVOPS_ENTRA_CA_BUNDLE,
            proxy=settings.AZURE_DEVOPS_ENTRA_PROXY,
            known=(PUBLIC_GRAPH,),
        )
    resource = where.url if server.is_services else PUBLIC_GRAPH
    for_graph = replace(issuer, scope=f"{resource}/.default", seconds=min(issuer.seconds, _GRAPH_SECONDS))
    return Graph(where, issuer.connect_timeout, for_graph.seconds, issuer=for_graph)


def identities() -> dict[str, EntraCredential]:
    """The identities of this server that people may choose, by kind: those turned on, or those of the sandbox."""
    return _of_sandbox() | _turned_on()


def _turned_on() -> dict[str, EntraCredential]:
    """The identities that the site administrator turned on."""
    tenant, client = settings.AZURE_TENANT_ID, settings.AZURE_CLIENT_ID
    on: dict[str, EntraCredential] = {}
    if settings.AZURE_DEVOPS_WORKLOAD_IDENTITY:
        on[EntraFederatedToken.kind] = EntraFederatedToken.of(tenant, client)
    if settings.AZURE_DEVOPS_MANAGED_IDENTITY:
        on[EntraManagedIdentity.kind] = EntraManagedIdentity.of(tenant, client or SYSTEM_ASSIGNED)
    return on


def _of_sandbox() -> dict[str, EntraCredential]:
    """The identities of this machine in the sandbox of `make run`, which no other server accepts."""
    tenant, _, client = settings.SANDBOX_IDENTITY.partition("/")
    if not client:
        return {}
    return {
        EntraFederatedToken.kind: EntraFederatedToken.of(tenant, client),
        EntraManagedIdentity.kind: EntraManagedIdentity.of(tenant, SYSTEM_ASSIGNED),
    }


def identity_named(name: str) -> EntraCredential | None:
    """The identity of this server with a name of `IDENTITY_NAMES`; None if it is not turned on."""
    return identities().get(IDENTITY_NAMES[name])


def _signer_of(server: Server, credential: EntraCredential, *, fresh: bool) -> Signer:
    issuer = issuer_of(server)
    if issuer is None:
        return _NotOffered()
    if credential.date_source is not DateSource.NEVER_EXPIRES:
        return Bearer(credential, issuer, fresh=fresh)
    place = next(iter(_places_of(server, credential)), None)
    if place is None:
        return _NotOffered(errors.IdentityNotOffered)
    return Bearer(*_source_of(server, credential, issuer, place), fresh=fresh)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this server has an identity: the place of managed ones, and the file of a workload's token."""

    managed: str
    token_file: str


def _places_of(server: Server, credential: EntraCredential) -> list[_Place]:
    """Where this server has this identity: none if it is turned off, or for another server."""
    places = []
    if _turned_on().get(credential.kind) == credential:
        places.append(_Place(settings.AZURE_DEVOPS_MANAGED_IDENTITY, settings.AZURE_FEDERATED_TOKEN_FILE))
    if server.is_sandbox and _of_sandbox().get(credential.kind) == credential:
        places.append(_Place(VIRTUAL_MACHINE, settings.SANDBOX_FEDERATED_TOKEN_FILE))
    return places


def _source_of(
    server: Server, credential: EntraCredential, issuer: Issuer, place: _Place
) -> tuple[EntraCredential, TokenSource]:
    if isinstance(credential, EntraFederatedToken):
        return credential.reading(place.token_file), issuer
    return credential, _managed_identities(server, place.managed, seconds=issuer.seconds)


def _managed_identities(server: Server, place: str, *, seconds: float) -> TokenSource:
    """Where Azure offers managed identities to this process. The sandbox plays both places at its own address."""
    if place == VIRTUAL_MACHINE:
        return MachineIdentities(here(server.url if server.is_sandbox else MACHINE_URL), seconds=seconds)
    url = f"{server.url}{SERVICE_PATH}" if server.is_sandbox else settings.IDENTITY_ENDPOINT
    return ServiceIdentities(here(url), seconds=seconds, header=Secret(settings.IDENTITY_HEADER))


def signer_for(server: Server, credential: Credential, *, fresh: bool = False) -> Signer:
    """What signs requests to this server with this credential. `fresh` asks for a new access token."""
    if isinstance(credential, EntraCredential):
        return _signer_of(server, credential, fresh=fresh)
    if isinstance(credential, Signer):
        return credential
    raise TypeError(f"{credential.kind} signs nothing")


def sign_in_of(server: Server, *, redirect: str) -> SignIn | None:
    """Where people sign in to renew tokens of this server; None if that is not set up. `redirect` is where they return.

    The application is never that of the sign-in to this product.
    """
    registration, issuer = registration_of(server), issuer_of(server)
    if registration is None or issuer is None:
        return None
    page = issuer.authority.url if server.is_services else settings.SANDBOX_TOKEN_RENEWAL["page"]
    return SignIn(registration, issuer, page, redirect)


def registration_of(server: Server) -> Registration | None:
    """The application that is registered for renewing tokens of this server; None if there is none."""
    if server.is_services and settings.TOKEN_RENEWAL_CLIENT_ID:
        tenant, client = settings.TOKEN_RENEWAL_TENANT_ID, settings.TOKEN_RENEWAL_CLIENT_ID
        return Registration(tenant, client, Secret(settings.TOKEN_RENEWAL_CLIENT_SECRET))
    if server.is_sandbox and settings.SANDBOX_TOKEN_RENEWAL:
        sample = settings.SANDBOX_TOKEN_RENEWAL
        return Registration(sample["tenant"], sample["client"], Secret(sample["secret"]))
    return None
