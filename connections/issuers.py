"""Where access tokens for a server are fetched, and what signs its requests. Alone reads the settings of issuers."""

from collections.abc import MutableMapping
from typing import NoReturn

from django.conf import settings

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.access_tokens import Bearer
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_issuer import Issuer, authority
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.sign_in import Registration, SignIn
from connections.providers.credential import Credential, Signer
from core.secrets import Secret


class _NotOffered(Signer):
    """Signs nothing: applications can't be used with this server."""

    by_principal = True

    def prepare(self) -> NoReturn:
        raise errors.EntraNotOffered

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


def signer_for(server: Server, credential: Credential, *, fresh: bool = False) -> Signer:
    """What signs requests to this server with this credential. `fresh` asks for a new access token."""
    if isinstance(credential, EntraCredential):
        issuer = issuer_of(server)
        return _NotOffered() if issuer is None else Bearer(credential, issuer, fresh=fresh)
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
